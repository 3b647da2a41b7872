/* payer.h - payments on the apply task: look up, decide, let the ledger move, record as one unit. */
#ifndef WALLET_PAYER_H
#define WALLET_PAYER_H

#include "wallet/applier.h"

/*
 * All on the apply task, as applier.h.
 *
 * A payment's unit: its record, the parent's when that moves too, then the transfers. A command
 * under an idempotency key that was used before is answered by the record behind the context of
 * that time; so a key is recorded only together with that record: not when nothing could be
 * decided, and not when a creation's id was known before (then the id gives the answer).
 */

/* Decides the request's command and writes its result. */
enum status payer_command(struct lane *lane, struct request *request, struct error *out_error)
    MUST_CHECK;

/* READ_PAYMENTS, READ_PAYMENT_PAGE. */
enum status payer_read(struct lane *lane, struct read *read, struct error *out_error) MUST_CHECK;

/* ---- Workers that wait for payments to become due ---- */

/* Keeps a READ_PAYMENT_DUE until something is due, its time is over, or nothing can be done. */
void payer_park(struct lane *lane, struct request *request);
/* Gives what is due and durable to those who wait; true when anyone was answered. */
bool payer_give_due(struct lane *lane);
/* Sends all who wait away. */
void payer_send_away(struct lane *lane, enum status status);
/* When somebody who waits has to be looked at again. */
struct monotonic_time payer_next_look(struct lane *lane);

#endif

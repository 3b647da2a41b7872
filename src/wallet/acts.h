/* acts.h - what is not a transfer, applied in its turn: accounts, administration, reads. */
#ifndef WALLET_ACTS_H
#define WALLET_ACTS_H

#include "wallet/applier.h"

/* All on the apply task, as applier.h. */
enum status acts_accounts(struct lane *lane, const struct queue_piece *piece,
                          struct error *out_error) MUST_CHECK;
enum status acts_admin(struct lane *lane, struct request *request, struct error *out_error)
    MUST_CHECK;
/* as_of_batch becomes the newest batch applied; the answer waits until that is durable. */
enum status acts_read(struct lane *lane, struct request *request, struct error *out_error)
    MUST_CHECK;

/*
 * Resolves the request's idempotency key, at its first piece: sets root_used and key_is_new, and
 * records a new key (that of a payment's command is recorded with what it came to: payer.h).
 * STATUS_CONFLICT: the key was used with another fingerprint.
 */
enum status acts_key(struct lane *lane, struct request *request, struct error *out_error)
    MUST_CHECK;

#endif

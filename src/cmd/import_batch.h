/* import_batch.h - accounts and transfers sent to the ledger, many at a time, until answered. */
#ifndef CMD_IMPORT_BATCH_H
#define CMD_IMPORT_BATCH_H

#include "base/arena.h"
#include "cmd/import_items.h"
#include "cmd/session.h"

struct import_outcome {
    struct uuid id;
    struct position position; /* zero when the answer does not say */
    uint8_t outcome;          /* enum outcome or enum account_outcome */
    bool repeated;
};

/*
 * Sends count items, 1 to the request's maximum, in order, and writes as many outcomes. As long
 * as the ledger is busy, in doubt or unreachable it asks again, up to IMPORT_PATIENCE_S: every
 * item has an id, so that nothing is done twice. Otherwise the answer's problem stays in
 * sender->answer with its *out_http_status, and the status is STATUS_INVALID; a status of the
 * session fills out_error and *out_http_status is 0.
 */
enum { IMPORT_PATIENCE_S = 60 };

struct import_sender {
    struct session *session;
    struct buf body;
    struct buf answer;
    struct arena arena;
    uint64_t waits; /* how often it had to ask again */
};

enum status import_sender_init(struct import_sender *sender, struct session *session) MUST_CHECK;
void import_sender_done(struct import_sender *sender);

enum status import_send_accounts(struct import_sender *sender,
                                 const struct import_account *accounts, uint32_t count,
                                 struct import_outcome *out_outcomes, unsigned *out_http_status,
                                 struct error *out_error) MUST_CHECK;
enum status import_send_transfers(struct import_sender *sender, const struct transfer *transfers,
                                  uint32_t count, struct import_outcome *out_outcomes,
                                  unsigned *out_http_status, struct error *out_error) MUST_CHECK;

/* Reads all custom assets of the ledger, appended as struct asset. */
enum status import_read_assets(struct import_sender *sender, struct buf *out_assets,
                               unsigned *out_http_status, struct error *out_error) MUST_CHECK;

#endif

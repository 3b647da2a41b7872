/* applier.h - transfers applied to the batch being built: single, linked, repeated, expired. */
#ifndef WALLET_APPLIER_H
#define WALLET_APPLIER_H

#include "wallet/lane_state.h"

/*
 * All on the apply task, with a begun batch that has room for the items. A status other than
 * STATUS_OK (history could not be read: STATUS_CORRUPT, STATUS_UNAVAILABLE) leaves the items
 * from there on undone.
 */

/* Applies a piece of a request of transfers and writes its results. */
enum status applier_transfers(struct lane *lane, const struct queue_piece *piece,
                              struct error *out_error) MUST_CHECK;

/*
 * Applies the request's transfers, ids and all given, as one linked group recorded in `unit`;
 * the context must have been written. For a payment's own transfers (payer.h).
 */
enum status applier_group(struct lane *lane, const struct request *request, uint32_t unit,
                          struct error *out_error) MUST_CHECK;
/*
 * Whether what history says of them can be read; to be asked before anything is written. What it
 * says is remembered for the next applier_group(), which then does not depend on history.
 */
enum status applier_group_readable(struct lane *lane, const struct transfer *transfers,
                                   uint32_t count, struct error *out_error) MUST_CHECK;

/* Journals the expiry of holds whose time has passed, at most `most`; returns how many. */
uint32_t applier_expire(struct lane *lane, uint32_t most);

/* ---- Shared with acts.c ---- */

/* Writes the request's context once per batch, before its first record. */
void applier_context(struct lane *lane, const struct request *request);

/* When and where the next record of the batch being built is recorded. */
struct ledger_moment applier_moment(const struct lane *lane);

/* A record as it was journaled, wherever it is: in the air or in the store. */
struct applier_record {
    _Alignas(16) uint8_t bytes[BATCH_RECORD_SIZE_MAX];
    struct wall_time stamp;
    struct position position;
};
enum status applier_record_read(struct lane *lane, struct locator locator,
                                struct applier_record *out_record, struct error *out_error)
    MUST_CHECK;

#endif

/* recovery.h - a lane's memory made from what is durable: checkpoint, journal, index. */
#ifndef WALLET_RECOVERY_H
#define WALLET_RECOVERY_H

#include "wallet/lane_state.h"

/*
 * Empties ledger and indexes and fills them as of the store's head: loads the newest slices,
 * replays the batches after the oldest of them, and enters into each index what its runs do
 * not cover. Damaged or missing runs are dropped and rebuilt from the whole journal; of what
 * that takes, options.index_wait_ms is spent here (see rebuild.h). No flight may be in the air
 * and no index job out.
 *
 * Sets head, next_sequence, sweep, published and the counts of status. STATUS_CORRUPT names
 * the place; STATUS_LIMIT: the state does not fit the lane's options; STATUS_UNAVAILABLE.
 */
enum status recovery_run(struct lane *lane, struct error *out_error) MUST_CHECK;

/*
 * After something read as damaged: whether it only looks so because another owner, with a later
 * epoch than ours, is changing it. STATUS_FENCED then, with out_error saying so; otherwise
 * STATUS_CORRUPT, with out_error as it was.
 */
enum status recovery_fenced(struct lane *lane, uint64_t epoch, struct error *out_error) MUST_CHECK;

/* ---- For a follower (follower.h) ---- */

/*
 * Applies the batch behind the one at lane->head to ledger and indexes, in which there must be
 * room. Anything but STATUS_OK leaves memory between two batches.
 */
enum status recovery_follow(struct lane *lane, struct batch_reader *reader, struct error *out_error)
    MUST_CHECK;
/* What replay leaves out, derived anew: totals, and the order in which payments are due. */
enum status recovery_derive(struct lane *lane, struct error *out_error) MUST_CHECK;
/* A sweep of the checkpoint that is newer than what others have stored since. */
enum status recovery_sweep(struct lane *lane, struct error *out_error) MUST_CHECK;

#endif

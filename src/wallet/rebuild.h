/* rebuild.h - indexes made again from the journal, while reads that need none are answered. */
#ifndef WALLET_REBUILD_H
#define WALLET_REBUILD_H

#include "wallet/lane_state.h"

/*
 * An index that is missing, damaged, or far behind the journal's head cannot tell what is a
 * duplicate. From the moment that this is known until memory and runs cover everything up to
 * the head, status.rebuilding is set: submitting and applying refuse writes and whatever looks
 * something up (lane_request_refused()), and no expiry is journaled, so that
 * the journal does not grow meanwhile and entries come in its order.
 *
 * Runs that are written on the way carry the batch that was reached as their cursor. So a crash,
 * or a stop, costs only what was not yet in runs; the next start goes on from there.
 *
 * All on the apply task, or before there is one.
 */

/* As if nothing were to be rebuilt. Accepts a lane in which nothing ever was. */
void rebuild_reset(struct lane *lane);

/* The indexes cover the journal up to batch `after` at least; the rest is read from there. */
void rebuild_begin(struct lane *lane, uint64_t after);

/* A run is damaged: as soon as nothing is in the air all runs are dropped and made again. */
void rebuild_lose(struct lane *lane);

/*
 * Here and now, jobs included, for at most options.index_wait_ms; what is then left is for the
 * rounds. No index job may be out. STATUS_CORRUPT, STATUS_UNAVAILABLE, STATUS_LIMIT.
 */
enum status rebuild_now(struct lane *lane, struct error *out_error) MUST_CHECK;
/* Makes room for the entries of one more batch, as rebuild_now() does. */
enum status rebuild_make_room(struct lane *lane, struct error *out_error) MUST_CHECK;

/*
 * A few batches more, beside the callers. False: nothing to do now. A journal found damaged
 * stops the lane; a store that does not answer is asked again later. Draining: only what was
 * damaged is still dropped.
 */
bool rebuild_round(struct lane *lane, bool draining);

#endif

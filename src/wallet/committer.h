/* committer.h - the three tasks of a lane: one applies, one makes durable, one keeps the index. */
#ifndef WALLET_COMMITTER_H
#define WALLET_COMMITTER_H

#include "wallet/lane_state.h"

/*
 * Bodies for sync->spawn; the argument is the lane. The apply task returns when the lane is
 * drained, the other two when their bell is rung with `stop`.
 */
void committer_apply(void *lane);

/*
 * What the apply task does again and again: everything that can be done without waiting. False
 * when that was nothing. out_seen is what it had seen of the lane when it began.
 */
struct committer_seen {
    bool draining;
    uint64_t submitted;
    uint64_t catch_ups_wanted;
};
bool committer_round(struct lane *lane, struct committer_seen *out_seen);
void committer_flush(void *lane);
void committer_index(void *lane);

#endif

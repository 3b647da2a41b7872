/* follower.h - a lane that another owns: its memory kept up to the journal's head, ready to take over. */
#ifndef WALLET_FOLLOWER_H
#define WALLET_FOLLOWER_H

#include "wallet/lane_state.h"

/*
 * A follower recovers as an owner does, but claims nothing. From there on it applies each batch
 * that appears, as replay does, and enters it into its own index, whose runs the index task
 * writes beside it. Taking over is then a claim, the last few batches, and what replay leaves to
 * be derived: a pass over accounts and open payments. On one task.
 */

/* See lane_follow(). */
enum status follower_read(struct lane *lane, uint64_t *out_left, struct error *out_error)
    MUST_CHECK;

/* See lane_lead(): all of it but starting the apply task. */
enum status follower_take_over(struct lane *lane, struct error *out_error) MUST_CHECK;

#endif

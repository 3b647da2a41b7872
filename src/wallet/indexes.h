/* indexes.h - a lane's indexes together: tables frozen in time, jobs handed out, runs caught up. */
#ifndef WALLET_INDEXES_H
#define WALLET_INDEXES_H

#include "wallet/lane_state.h"

/* All on the apply task. */

/* The batch up to which memory and runs together cover the journal. */
uint64_t indexes_covered(const struct lane *lane);
/* The least batch up to which the runs of an index cover it. */
uint64_t indexes_batch(const struct lane *lane);
/* What is in memory of batches up to `up_to` (UINT64_MAX: anything) is also in runs. */
bool indexes_caught_up(const struct lane *lane, uint64_t up_to);
/* A chunk or summary was found damaged since the runs were loaded. */
bool indexes_damaged(const struct lane *lane);

/*
 * Between two batches: freezes what is full, or has anything of a batch up to `up_to`. False:
 * nothing more can be entered before a job is done.
 */
bool indexes_ready(struct lane *lane, uint64_t up_to);

/* What every index has been given, and is durable, goes up to here: see index_reach(). */
void indexes_reach(struct lane *lane, struct store_point point);

/* A bit per index whose runs do not cover batch `sequence`. */
unsigned indexes_lacking(const struct lane *lane, uint64_t sequence);
/* Enters one record's keys into the indexes whose bit in `which` is set. */
void indexes_enter(struct lane *lane, unsigned which, struct locator locator,
                   const struct record_head *record);

/* Takes a finished job in and hands the next one out; false when there was neither. */
bool indexes_exchange(struct lane *lane);
/* Takes in a job that was carried out; false when there is none. */
bool indexes_job_take(struct lane *lane);
bool indexes_job_is_out(struct lane *lane);
/* Until no job is out; what the last one made is taken in. */
void indexes_job_wait(struct lane *lane);

/*
 * Someone waits for the runs to cover the journal of now, or the lane ends: what is in memory
 * becomes runs. What comes in meanwhile may stay, so that this ends under load too.
 */
void indexes_catch_up_begin(struct lane *lane, bool draining);
/* True: somebody was told that the runs have caught up. */
bool indexes_catch_up_end(struct lane *lane);

#endif

/* gather.h - whether a batch waits a moment for callers who were just answered and come back. */
#ifndef WALLET_GATHER_H
#define WALLET_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/*
 * A commit costs the same for 20 requests as for 60. Callers who wait for their answer and then
 * ask again come back together, just after a batch has landed: who launches at the first of them
 * pays two commits where one would do. So after a landing the next batch is held back until as
 * many items wait as were answered, at most a third of what the last commit took and never more
 * than GATHER_US_MAX.
 *
 * A caller alone is never waited for: with one answer there is nobody else to come. Where callers
 * do not come back in time, waiting is given up for some landings, twice as many each time.
 */
enum {
    GATHER_US_MAX = 1000,
    GATHER_SHARE = 3,       /* one part of so many of the last commit's time */
    GATHER_ITEMS_MAX = 512, /* a batch of so many is worth a commit of its own */
    GATHER_SKIP_MAX = 64,   /* landings */
};

struct gather {
    uint64_t goal;               /* items */
    struct monotonic_time until; /* ns 0: nothing is held back */
    uint32_t skip;               /* landings to come that are not waited after */
    uint32_t penalty;            /* what skip becomes when the next wait is in vain */
};

/* What is known when a batch has landed and nothing has been built meanwhile. */
struct gather_landing {
    uint64_t answered; /* requests */
    uint64_t waiting;  /* items that came while it was in the air */
    uint64_t commit_ns;
    struct monotonic_time now;
};

void gather_begin(struct gather *gather, const struct gather_landing *landing);

/* Whether the batch is held back still; once it is not, not again until the next landing. */
bool gather_holds(struct gather *gather, uint64_t waiting, struct monotonic_time now);

#endif

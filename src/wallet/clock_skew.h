/* clock_skew.h - how far the wall clock is from the one that all replicas share. Pure. */
#ifndef WALLET_CLOCK_SKEW_H
#define WALLET_CLOCK_SKEW_H

#include <stdbool.h>

#include "base/time.h"

/* One look: the shared clock was read at some moment between the two of our own. */
struct clock_look {
    struct wall_time before;
    struct wall_time shared;
    struct wall_time after;
};

/*
 * How far ours is ahead at least; negative: behind. 0 when the difference may be that of the
 * round trip: a slow network makes no clock wrong.
 */
int64_t clock_skew_ns(const struct clock_look *look);

/* Beyond CLOCK_SKEW_MS_MAX, ahead or behind. */
bool clock_skew_is_too_much(int64_t skew_ns);

#endif

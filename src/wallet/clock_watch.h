/* clock_watch.h - the wall clock beside the monotonic one: whether it jumped between two looks. */
#ifndef WALLET_CLOCK_WATCH_H
#define WALLET_CLOCK_WATCH_H

#include <stdbool.h>

#include "port/clock.h"

/* What both clocks said at the last look. One task at a time. */
struct clock_watch {
    struct wall_time wall;
    struct monotonic_time monotonic;
};

/* Looks, and forgets what was seen before. */
void clock_watch_begin(struct clock_watch *watch, struct clock *clock);

/*
 * Looks: *out_wall is the wall clock now. True when it went forward since the last look by more
 * than CLOCK_JUMP_S_MAX beyond what the monotonic clock did. Going back is no jump: stamps do
 * not follow it.
 */
bool clock_watch_jumped(struct clock_watch *watch, struct clock *clock, struct wall_time *out_wall)
    MUST_CHECK;

#endif

/* lag_history.h - where a growing sequence ended when, and so how old its unread part is. */
#ifndef WALLET_LAG_HISTORY_H
#define WALLET_LAG_HISTORY_H

#include <stdint.h>

#include "base/time.h"

/* An hour of looks, one each three seconds: whoever is further behind is told to be that far. */
enum { LAG_HISTORY_MAX = 1200 };

/* Zeroed: nothing was seen. One task. */
struct lag_history {
    uint32_t count;
    uint32_t first; /* place of the oldest look */
    struct {
        struct monotonic_time at;
        int64_t end;
    } looks[LAG_HISTORY_MAX];
};

/* A look at `now`, not before the last one. A smaller end than before begins anew. */
void lag_history_add(struct lag_history *history, struct monotonic_time now, int64_t end);

/* For how long at least there has been something at or behind `next`; 0: there is nothing. */
int64_t lag_history_age_ns(const struct lag_history *history, struct monotonic_time now,
                           int64_t next);

#endif

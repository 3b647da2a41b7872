#include "wallet/lag_history.h"

#include "base/check.h"

static uint32_t place_of(const struct lag_history *history, uint32_t index)
{
    return (history->first + index) % LAG_HISTORY_MAX;
}

void lag_history_add(struct lag_history *history, struct monotonic_time now, int64_t end)
{
    CHECK(end >= 0);
    if (history->count > 0) {
        uint32_t newest = place_of(history, history->count - 1);
        CHECK(history->looks[newest].at.ns <= now.ns);
        if (end < history->looks[newest].end) *history = (struct lag_history){ 0 };
    }
    if (history->count == LAG_HISTORY_MAX) {
        history->first = place_of(history, 1);
        history->count--;
    }
    uint32_t place = place_of(history, history->count++);
    history->looks[place].at = now;
    history->looks[place].end = end;
}

int64_t lag_history_age_ns(const struct lag_history *history, struct monotonic_time now,
                           int64_t next)
{
    uint32_t low = 0;
    uint32_t high = history->count;
    while (low < high) { /* ends grow: the first one that is behind `next` */
        uint32_t middle = low + (high - low) / 2;
        if (history->looks[place_of(history, middle)].end > next) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low == history->count ? 0 : now.ns - history->looks[place_of(history, low)].at.ns;
}

#include "wallet/gather.h"

#include "base/check.h"

void gather_begin(struct gather *gather, const struct gather_landing *landing)
{
    gather->until.ns = 0;
    if (landing->answered <= 1) return;
    uint64_t goal = landing->answered + landing->waiting;
    if (goal > GATHER_ITEMS_MAX) return;
    if (gather->skip > 0) {
        gather->skip--;
        return;
    }
    uint64_t wait_ns = landing->commit_ns / GATHER_SHARE;
    const uint64_t most_ns = GATHER_US_MAX * (uint64_t)NS_PER_US;
    if (wait_ns > most_ns) wait_ns = most_ns;
    gather->goal = goal;
    gather->until.ns = landing->now.ns + (int64_t)wait_ns;
}

bool gather_holds(struct gather *gather, uint64_t waiting, struct monotonic_time now)
{
    if (gather->until.ns == 0) return false;
    bool enough = waiting >= gather->goal;
    if (!enough && now.ns < gather->until.ns) return true;
    gather->until.ns = 0;
    /* Most of them are enough to have been worth it: somebody always stops asking. */
    if (waiting > gather->goal / 2) {
        gather->penalty = 0;
        return false;
    }
    gather->penalty = gather->penalty == 0 ? 1 : 2 * gather->penalty;
    if (gather->penalty > GATHER_SKIP_MAX) gather->penalty = GATHER_SKIP_MAX;
    gather->skip = gather->penalty;
    return false;
}

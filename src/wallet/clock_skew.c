#include "wallet/clock_skew.h"

#include "base/limits.h"

int64_t clock_skew_ns(const struct clock_look *look)
{
    if (look->before.ns > look->shared.ns) return look->before.ns - look->shared.ns;
    if (look->after.ns < look->shared.ns) return look->after.ns - look->shared.ns;
    return 0;
}

bool clock_skew_is_too_much(int64_t skew_ns)
{
    int64_t limit_ns = CLOCK_SKEW_MS_MAX * NS_PER_MS;
    return skew_ns > limit_ns || skew_ns < -limit_ns;
}

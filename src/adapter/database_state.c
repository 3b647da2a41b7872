#include "adapter/database_state.h"

void database_clock_take(const struct database_clock *clock, struct database_instant *instant)
{
    int64_t way_ns = clock->answered.ns - clock->asked.ns;
    int64_t error_ns = way_ns / 2 + 1;
    if (way_ns < 0 || (instant->offset_error_ns >= 0 && error_ns >= instant->offset_error_ns))
        return; /* our own clock was set back in between, or this one says less */
    instant->offset_ns = clock->said.ns - (clock->asked.ns + way_ns / 2);
    instant->offset_error_ns = error_ns;
}

/* system_clock.h - port/clock.h over the kernel's clocks. */
#ifndef ADAPTER_SYSTEM_CLOCK_H
#define ADAPTER_SYSTEM_CLOCK_H

#include "port/clock.h"

/*
 * The one instance, always there; not to be freed. wall is CLOCK_REALTIME (times before 1970
 * read as 1970), monotonic is CLOCK_MONOTONIC.
 */
struct clock *system_clock(void);

#endif

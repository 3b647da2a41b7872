/* A monitor that nobody wakes: the one way to wait that the house has. */
#include "cmd/pause.h"

#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"

void pause_ms(uint32_t wait_ms)
{
    struct sync *sync = thread_sync();
    struct monitor *monitor = sync->monitor_new(sync, "pause");
    struct monotonic_time until = clock_monotonic(system_clock());
    until.ns += wait_ms * NS_PER_MS;
    sync->lock(monitor);
    while (sync->wait(monitor, until)) continue; /* woken without a cause */
    sync->unlock(monitor);
    sync->monitor_free(monitor);
}

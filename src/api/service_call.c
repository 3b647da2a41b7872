#include "api/service_call.h"

struct waiting {
    struct monitor *monitor;
    struct sync *sync;
    bool ready;
};

static void call_ready(struct api_call *call)
{
    struct waiting *waiting = call->owner;
    struct sync *sync = waiting->sync;
    struct monitor *monitor = waiting->monitor; /* outlives `waiting`, which ends with the wait */
    sync->lock(monitor);
    waiting->ready = true;
    sync->wake_all(monitor);
    sync->unlock(monitor);
}

void service_call(const struct api_service *service, struct api_call *call, struct sync *sync,
                  struct monitor *monitor)
{
    struct waiting waiting = { .monitor = monitor, .sync = sync };
    call->ready = call_ready;
    call->owner = &waiting;
    if (service->start(service->api, call) == API_PENDING) {
        sync->lock(monitor);
        while (!waiting.ready) (void)sync->wait(monitor, MONOTONIC_NEVER); /* looked at again */
        sync->unlock(monitor);
    }
    service->finish(service->api, call);
}

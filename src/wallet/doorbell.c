/* Two flags under a monitor of their own. */
#include "wallet/doorbell.h"

void doorbell_ring(struct sync *sync, struct doorbell *bell, bool stop)
{
    sync->lock(bell->monitor);
    bell->rung = bell->rung || !stop;
    bell->stop = bell->stop || stop;
    sync->wake_all(bell->monitor);
    sync->unlock(bell->monitor);
}

bool doorbell_wait(struct sync *sync, struct doorbell *bell)
{
    sync->lock(bell->monitor);
    while (!bell->rung && !bell->stop) (void)sync->wait(bell->monitor, MONOTONIC_NEVER);
    bool rung = bell->rung;
    bell->rung = false;
    sync->unlock(bell->monitor);
    return rung;
}

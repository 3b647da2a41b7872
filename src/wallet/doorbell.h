/* doorbell.h - where a helping task waits for one piece of work at a time, so nobody else wakes. */
#ifndef WALLET_DOORBELL_H
#define WALLET_DOORBELL_H

#include "port/sync.h"

/* The monitor is the owner's, made and freed by it. Rung twice before it is heard is once. */
struct doorbell {
    struct monitor *monitor;
    bool rung;
    bool stop;
};

/* There is work, or (stop) there will be no more; work rung for before is still done. */
void doorbell_ring(struct sync *sync, struct doorbell *bell, bool stop);

/* Waits until it is rung. False: there is no more work. */
bool doorbell_wait(struct sync *sync, struct doorbell *bell);

#endif

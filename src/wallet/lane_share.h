/* lane_share.h - how the lanes of a ledger spread over its replicas. Pure. */
#ifndef WALLET_LANE_SHARE_H
#define WALLET_LANE_SHARE_H

#include "port/lease.h"

/*
 * Whoever owns fewest takes first: a replica lets an open lease pass for a while for each lane that
 * it owns. Who hands over as it stops chooses the replica that owns fewest. And who has come asks
 * whoever owns most for a lane, as long as that one owns at least two more; then never again. So
 * nothing moves a lane from where an operator moved it, but that a replica comes.
 */
enum {
    LANE_SHARE_WAIT_MS = 150,
    LANE_SHARE_WAIT_MS_MAX = 600,
    LANE_SHARE_AGE_MS_MAX = 3000, /* who has not been heard of for so long is not counted */
};

/* How long to let an open lease pass, with so many lanes of one's own. */
uint32_t lane_share_wait_ms(uint32_t owned);

/*
 * Who could own the lane now instead of `self`, as the members last said: `wanted`, or, when that
 * is empty, who owns fewest; of several, others for other lanes. NULL: nobody.
 */
const char *lane_share_heir(const struct lease_member *members, uint32_t count, uint32_t lane,
                            const char *self, const char *wanted);

/* The next lane to ask for; false: nobody owns two more than self. */
bool lane_share_lacks(const struct lease_member *members, uint32_t count, const char *self,
                      uint32_t *out_lane);

#endif

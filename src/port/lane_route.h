/* lane_route.h - where a lane is owned now: here, at a peer, or nowhere that is known. */
#ifndef PORT_LANE_ROUTE_H
#define PORT_LANE_ROUTE_H

#include "port/api_call.h"
#include "port/lease.h"

enum lane_place { LANE_HERE, LANE_ELSEWHERE, LANE_NOWHERE };

/* What an answer that may be old has to cover. */
struct lane_need {
    uint64_t max_stale_ms;
    uint64_t batch;
};

/* Any task; all are short, and none waits. */
struct lane_route {
    /* LANE_ELSEWHERE writes the owner's url, as last heard. */
    enum lane_place (*find)(struct lane_route *route, uint32_t lane, char out_url[LEASE_URL_SIZE]);

    /*
     * False: this replica does not own the lane now, or takes nothing more. True: *out_service is
     * its API, which stays until leave().
     */
    bool (*enter)(struct lane_route *route, uint32_t lane, struct api_service *out_service);
    void (*leave)(struct lane_route *route, uint32_t lane);

    /* Whether an answer for the lane may leave now: asked right before it does. */
    bool (*believes)(struct lane_route *route, uint32_t lane);

    /*
     * Of a lane that another owns. True: it is followed here, and what is known here now is no older
     * and no less than needed; the API answers from it. Until leave_followed().
     */
    bool (*enter_followed)(struct lane_route *route, uint32_t lane, const struct lane_need *need,
                           struct api_service *out_service);
    void (*leave_followed)(struct lane_route *route, uint32_t lane);

    /* The API that tells about this replica itself; false while there is none. Until leave_own(). */
    bool (*enter_own)(struct lane_route *route, struct api_service *out_service);
    void (*leave_own)(struct lane_route *route);
};

#endif

/* lane_link.h - the ways of money between lanes whose owners are different processes: calls of a front. */
#ifndef API_LANE_LINK_H
#define API_LANE_LINK_H

#include "port/api_call.h"
#include "port/sync.h"
#include "wallet/transit.h"

/*
 * A struct transit_link to each lane. What arrives is a POST /v1/transfers of records, marked as
 * an arrival (api_call.arrival), so that whoever owns the lane decides it: the front finds out who
 * that is, here or at a peer. A mark that a client sends is believed by nobody.
 *
 * STATUS_UNAVAILABLE: nobody was found. STATUS_IN_DOUBT: no answer came that says what was done;
 * to be asked again, as transit workers do. Within FRONT_LINK_LEFT_MS_MAX or so.
 */
struct lane_link {
    struct transit_link port; /* first */
    struct lane_links *links;
    uint32_t lane;
};

struct lane_links {
    struct api_service service;
    struct sync *sync;
    struct monitor *monitor;
    struct lane_link each[LANES_MAX];
    struct transit_link *ports[LANES_MAX]; /* by lane: for transit_options */
};

/* service: front_link_service(); it and sync outlive the links. Stays where it was made. */
void lane_links_init(struct lane_links *links, struct api_service service, struct sync *sync);
/* No call is under way. Accepts a zeroed struct. */
void lane_links_done(struct lane_links *links);

#endif

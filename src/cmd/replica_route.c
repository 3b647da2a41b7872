/* Who asks for the lane finds it here, elsewhere or nowhere, and holds on to the api that is asked. */
#include <string.h>

#include "base/check.h"
#include "cmd/replica_state.h"

static enum lane_place route_find(struct lane_route *route, uint32_t lane,
                                  char out_url[LEASE_URL_SIZE])
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* it has one */
    enum lane_place place = LANE_NOWHERE;
    replica_lock(replica);
    bool holds = replica->trust == JOURNAL_HOLDS;
    const char *url = holds ? lease_keeper_owner(&replica->keeper, replica_now(replica)) : NULL;
    if (replica->gate_open && replica_believes(replica)) place = LANE_HERE;
    if (place != LANE_HERE && url != NULL) {
        memcpy(out_url, url, strlen(url) + 1);
        place = LANE_ELSEWHERE;
    }
    replica_unlock(replica);
    return place;
}

static bool route_enter(struct lane_route *route, uint32_t lane, struct api_service *out_service)
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* as above */
    replica_lock(replica);
    bool may = replica->gate_open && replica_believes(replica);
    if (may) replica->inside++;
    if (may) *out_service = api_service(replica->own);
    replica_unlock(replica);
    return may;
}

static void route_leave(struct lane_route *route, uint32_t lane)
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* as above */
    replica_lock(replica);
    CHECK(replica->inside > 0);
    replica->inside--;
    if (replica->inside == 0) replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
}

static bool route_believes(struct lane_route *route, uint32_t lane)
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* as above */
    replica_lock(replica);
    bool yes = replica_believes(replica);
    replica_unlock(replica);
    return yes;
}

static bool route_enter_own(struct lane_route *route, struct api_service *out_service)
{
    struct replica *replica = (struct replica *)route;
    replica_lock(replica);
    bool may = replica->own_open;
    if (may) replica->own_inside++;
    if (may) *out_service = api_service(replica->own);
    replica_unlock(replica);
    return may;
}

static void route_leave_own(struct lane_route *route)
{
    struct replica *replica = (struct replica *)route;
    replica_lock(replica);
    CHECK(replica->own_inside > 0);
    replica->own_inside--;
    if (replica->own_inside == 0) replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
}

static void route_leave_followed(struct lane_route *route, uint32_t lane)
{
    (void)lane; /* as above */
    route_leave_own(route);
}

/* The lane stays open as long as its API is in use. */
static bool route_enter_followed(struct lane_route *route, uint32_t lane,
                                 const struct lane_need *need, struct api_service *out_service)
{
    struct replica *replica = (struct replica *)route;
    struct followed followed;
    replica_lock(replica);
    bool may =
        replica->own_open && replica->role == REPLICA_FOLLOWING && replica->trust == JOURNAL_HOLDS;
    if (may) replica->own_inside++;
    if (may) *out_service = api_service(replica->own);
    replica_unlock(replica);
    if (!may) return false;
    uint64_t stale_ms_max =
        need->max_stale_ms < FOLLOWED_STALE_MS_MAX ? need->max_stale_ms : FOLLOWED_STALE_MS_MAX;
    bool covers =
        lane_followed(replica->host.lane, &followed) == STATUS_OK &&
        followed.batch >= need->batch &&
        replica_now(replica).ns - followed.whole_at.ns <= (int64_t)stale_ms_max * NS_PER_MS;
    if (!covers) route_leave_followed(route, lane);
    return covers;
}

void replica_route_init(struct replica *replica)
{
    replica->route = (struct lane_route){ .find = route_find,
                                          .enter = route_enter,
                                          .leave = route_leave,
                                          .believes = route_believes,
                                          .enter_followed = route_enter_followed,
                                          .leave_followed = route_leave_followed,
                                          .enter_own = route_enter_own,
                                          .leave_own = route_leave_own };
}

struct lane_route *replica_route(struct replica *replica)
{
    return &replica->route;
}

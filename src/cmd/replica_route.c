/* Who asks for the lane finds it here, elsewhere or nowhere, and holds on to the api that is asked. */
#include <string.h>

#include "base/check.h"
#include "cmd/replica_state.h"

enum lane_place replica_find(struct replica *replica, char out_url[LEASE_URL_SIZE])
{
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

bool replica_enter(struct replica *replica, struct api_service *out_service)
{
    replica_lock(replica);
    bool may = replica->gate_open && replica_believes(replica);
    if (may) replica->inside++;
    if (may) *out_service = api_service(replica->own);
    replica_unlock(replica);
    return may;
}

void replica_leave(struct replica *replica)
{
    replica_lock(replica);
    CHECK(replica->inside > 0);
    replica->inside--;
    if (replica->inside == 0) replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
}

bool replica_may_answer(struct replica *replica)
{
    replica_lock(replica);
    bool yes = replica_believes(replica);
    replica_unlock(replica);
    return yes;
}

bool replica_enter_own(struct replica *replica, struct api_service *out_service)
{
    replica_lock(replica);
    bool may = replica->own_open;
    if (may) replica->own_inside++;
    if (may) *out_service = api_service(replica->own);
    replica_unlock(replica);
    return may;
}

void replica_leave_own(struct replica *replica)
{
    replica_lock(replica);
    CHECK(replica->own_inside > 0);
    replica->own_inside--;
    if (replica->own_inside == 0) replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
}

/* The lane stays open as long as its API is in use. */
bool replica_enter_followed(struct replica *replica, const struct lane_need *need,
                            struct api_service *out_service)
{
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
    if (!covers) replica_leave_own(replica);
    return covers;
}

#include "cmd/lane_set.h"

#include "adapter/data_folder.h"
#include "adapter/sqlite_connection.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "api/front.h"
#include "api/metric_page.h"
#include "base/check.h"
#include "base/reserve.h"
#include "cmd/lane_ways.h"
#include "cmd/transit_metrics.h"
#include "model/lane_map.h"

struct lane_set {
    struct lane_route route; /* first */
    struct metric_process process;
    struct peer peer;
    uint32_t lanes;
    char folder[SQLITE_PATH_SIZE];
    struct lane_ways links;
    struct key_ring *keys;
    struct carry *carry;
    struct lane_fan fan;
    struct host *first;
    struct host hosts[LANES_MAX]; /* [0] is not used */
    struct front *front;
};

/* ---- The route of the front: every lane is here, and nobody else has any ---- */

static struct host *host_of(struct lane_set *set, uint32_t lane)
{
    CHECK(lane < set->lanes);
    return lane == 0 ? set->first : &set->hosts[lane];
}

static enum lane_place route_find(struct lane_route *route, uint32_t lane,
                                  char out_url[LEASE_URL_SIZE])
{
    (void)route;
    (void)lane;
    out_url[0] = '\0'; /* nobody else's */
    return LANE_HERE;
}

static bool route_enter(struct lane_route *route, uint32_t lane, struct api_service *out_service)
{
    *out_service = api_service(host_of((struct lane_set *)route, lane)->api);
    return true;
}

static void route_leave(struct lane_route *route, uint32_t lane)
{
    (void)route; /* nothing is counted: all stay as long as the set */
    (void)lane;
}

static bool route_believes(struct lane_route *route, uint32_t lane)
{
    (void)route; /* the folder is locked: there is no other owner */
    (void)lane;
    return true;
}

/* Nothing is followed. */
static bool route_enter_followed(struct lane_route *route, uint32_t lane,
                                 const struct lane_need *need, struct api_service *out_service)
{
    (void)route;
    (void)lane;
    (void)need;
    (void)out_service;
    return false;
}

static void route_leave_followed(struct lane_route *route, uint32_t lane)
{
    route_leave(route, lane);
}

static bool route_enter_own(struct lane_route *route, struct api_service *out_service)
{
    return route_enter(route, 0, out_service);
}

static void route_leave_own(struct lane_route *route)
{
    route_leave(route, 0);
}

/* ---- No lane is anywhere else, so nothing is ever sent ---- */

static void peer_send(struct peer *peer, struct peer_call *peer_call)
{
    (void)peer;
    peer_call->status = STATUS_UNAVAILABLE;
    peer_call->done(peer_call);
}

static void peer_stop(struct peer *peer)
{
    (void)peer; /* nothing is under way */
}

/* ---- Metrics: calls come through the front, which is there while all lanes are open ---- */

static void lanes_metrics(void *context, struct metric_page *page)
{
    struct lane_set *set = context;
    for (uint32_t lane = 0; lane < set->lanes; lane++)
        api_metrics_write(host_of(set, lane)->api, metric_page_part(page, lane));
}

static void own_metrics(void *context, struct buf *out_page)
{
    struct lane_set *set = context;
    struct transit_status statuses[LANES_MAX];
    for (uint32_t lane = 0; lane < set->lanes; lane++)
        transit_get_status(host_of(set, lane)->transit, &statuses[lane]);
    transit_metrics_write(statuses, set->lanes, out_page);
}

const struct metric_process *lane_set_process(struct lane_set *set)
{
    return &set->process;
}

/* ---- Opening and closing ---- */

enum status lane_set_count(const char *folder, uint32_t *out_lanes, struct error *out_error)
{
    struct data_folder *opened;
    enum status status = data_folder_open(folder, DATA_FOLDER_GUEST, &opened, out_error);
    if (status != STATUS_OK) return status;
    uint32_t lanes = data_folder_lanes(opened);
    uint32_t lane = data_folder_lane(opened);
    data_folder_close(opened);
    if (lane != 0) {
        (void)error_set(out_error, STATUS_INVALID, "'%s' is lane %u of %u", folder, lane, lanes);
        error_detail(out_error, "the lanes of a ledger are served and moved together");
        error_hint(out_error, "name the folder that has this one in its lanes/");
        return STATUS_INVALID;
    }
    *out_lanes = lanes;
    return STATUS_OK;
}

enum status lane_set_new(const char *folder, struct lane_set **out_set, struct error *out_error)
{
    uint32_t lanes = 0;
    *out_set = NULL;
    enum status status = lane_set_count(folder, &lanes, out_error);
    if (status != STATUS_OK || lanes == 1) return status;
    struct lane_set *set = reserve_new(sizeof *set);
    if (set == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the lanes");
    set->lanes = lanes;
    status = data_folder_lane_path(folder, 0, set->folder, sizeof set->folder, out_error);
    lane_ways_init(&set->links);
    set->route = (struct lane_route){
        .find = route_find,
        .enter = route_enter,
        .leave = route_leave,
        .believes = route_believes,
        .enter_followed = route_enter_followed,
        .leave_followed = route_leave_followed,
        .enter_own = route_enter_own,
        .leave_own = route_leave_own,
    };
    set->process =
        (struct metric_process){ .lanes = lanes_metrics, .own = own_metrics, .context = set };
    set->fan.monitor = thread_sync()->monitor_new(thread_sync(), "lane-fan");
    set->peer = (struct peer){ .send = peer_send, .stop = peer_stop };
    if (status == STATUS_OK && key_ring_new(thread_sync(), system_clock(), &set->keys) != STATUS_OK)
        status = error_set(out_error, STATUS_LIMIT, "no memory for the keys of the lanes");
    if (status == STATUS_OK && carry_new(thread_sync(), lanes, &set->carry) != STATUS_OK)
        status = error_set(out_error, STATUS_LIMIT, "no memory for what lanes have in common");
    if (status == STATUS_OK) {
        *out_set = set;
    } else {
        lane_set_close(set);
    }
    return status;
}

struct transit_link *const *lane_set_links(struct lane_set *set)
{
    return set->links.ports;
}

struct lane_fan *lane_set_fan(struct lane_set *set)
{
    return &set->fan;
}

struct carry *lane_set_carry(struct lane_set *set)
{
    return set->carry;
}

static enum status lane_add(struct lane_set *set, uint32_t lane, const struct host_options *first,
                            struct error *out_error)
{
    char folder[SQLITE_PATH_SIZE];
    enum status status = data_folder_lane_path(set->folder, lane, folder, sizeof folder, out_error);
    if (status != STATUS_OK) return status;
    const struct host_options options = host_options_beside(first, folder, lane, set->keys);
    status = host_open(&options, &set->hosts[lane], out_error);
    if (status == STATUS_NOT_FOUND) error_hint(out_error, "`tpwallet init` did not finish");
    if (status != STATUS_OK) return status;
    lane_ways_open(&set->links, lane, set->hosts[lane].lane);
    carry_enter(set->carry, lane, set->hosts[lane].lane, MONOTONIC_NEVER);
    return STATUS_OK;
}

enum status lane_set_open(struct lane_set *set, const struct host_options *options,
                          struct host *first, struct error *out_error)
{
    enum status status = STATUS_OK;
    set->first = first;
    lane_ways_open(&set->links, 0, first->lane);
    key_ring_follow(set->keys, first->lane, MONOTONIC_NEVER);
    carry_enter(set->carry, 0, first->lane, MONOTONIC_NEVER);
    for (uint32_t lane = 1; lane < set->lanes && status == STATUS_OK; lane++) {
        status = lane_add(set, lane, options, out_error);
    }
    if (status != STATUS_OK) return status;
    const struct front_options front = {
        .route = &set->route,
        .peer = &set->peer,
        .sync = thread_sync(),
        .clock = system_clock(),
        .entropy = system_entropy(),
        .lanes = set->lanes,
    };
    status = front_new(&front, &set->front, out_error);
    if (status == STATUS_OK) set->fan.service = front_link_service(set->front);
    return status;
}

struct api_service lane_set_service(struct lane_set *set)
{
    return front_service(set->front);
}

void lane_set_close(struct lane_set *set)
{
    if (set == NULL) return;
    front_free(set->front);
    /* all at once: each takes up to a second to look whether it is to stop */
    if (set->first != NULL) saga_retire(set->first->saga);
    for (uint32_t i = 1; i < set->lanes; i++) saga_retire(set->hosts[i].saga);
    /* first all workers, since each calls the others' lanes; then the lanes */
    if (set->first != NULL) host_ways_stop(set->first);
    for (uint32_t i = 1; i < set->lanes; i++) host_ways_stop(&set->hosts[i]);
    for (uint32_t i = 1; i < set->lanes; i++) host_close(&set->hosts[i]);
    key_ring_free(set->keys);
    carry_free(set->carry);
    thread_sync()->monitor_free(set->fan.monitor);
    reserve_free(set, sizeof *set);
}

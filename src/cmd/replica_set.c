#include "cmd/replica_set.h"

#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/log_keys.h"
#include "adapter/postgres_lease.h"
#include "adapter/sqlite_connection.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "api/lane_link.h"
#include "api/metric_page.h"
#include "base/check.h"
#include "base/metric_text.h"
#include "base/reserve.h"
#include "cmd/lane_set.h"
#include "cmd/replica_log.h"
#include "cmd/transit_metrics.h"
#include "wallet/key_ring.h"
#include "wallet/lane_share.h"

enum {
    SHARE_LOOK_MS = 500, /* between two looks whether it has its share of lanes */
    SHARE_S_MAX = 60,    /* then it asks for no more */
    LABEL_SIZE = 12,     /* of a lane, terminated */
};

/* What a call to the outside asks before it is made. */
struct lane_cover {
    struct replica_set *set;
    uint32_t lane;
};

struct replica_set {
    struct lane_route route; /* first */
    struct metric_process process;
    uint32_t lanes;
    atomic_uint owned;
    struct key_ring *keys;
    struct carry *carry; /* NULL: there is one lane */
    struct lane_links links;
    struct lane_fan fan;
    struct front *front;
    char name[LEASE_NAME_SIZE];
    struct log *log;
    struct replica *replicas[LANES_MAX];
    struct host_options hosts[LANES_MAX];
    struct lane_cover covers[LANES_MAX];
    char folders[LANES_MAX][SQLITE_PATH_SIZE];

    /* The share task's own. */
    struct lease *lease;
    struct task *task;
    struct lease_member members[LEASE_MEMBERS_MAX];

    struct sync *sync;
    struct monitor *monitor; /* guards the next */
    bool stopping;
};

/* ---- The route: each lane's own ---- */

static struct replica *replica_of(struct lane_route *route, uint32_t lane)
{
    struct replica_set *set = (struct replica_set *)route;
    CHECK(lane < set->lanes);
    return set->replicas[lane];
}

static enum lane_place route_find(struct lane_route *route, uint32_t lane,
                                  char out_url[LEASE_URL_SIZE])
{
    return replica_find(replica_of(route, lane), out_url);
}

static bool route_enter(struct lane_route *route, uint32_t lane, struct api_service *out_service)
{
    return replica_enter(replica_of(route, lane), out_service);
}

static void route_leave(struct lane_route *route, uint32_t lane)
{
    replica_leave(replica_of(route, lane));
}

static bool route_believes(struct lane_route *route, uint32_t lane)
{
    return replica_may_answer(replica_of(route, lane));
}

static bool route_enter_followed(struct lane_route *route, uint32_t lane,
                                 const struct lane_need *need, struct api_service *out_service)
{
    return replica_enter_followed(replica_of(route, lane), need, out_service);
}

static void route_leave_followed(struct lane_route *route, uint32_t lane)
{
    replica_leave_own(replica_of(route, lane));
}

static bool route_enter_own(struct lane_route *route, struct api_service *out_service)
{
    return replica_enter_own(replica_of(route, 0), out_service);
}

static void route_leave_own(struct lane_route *route)
{
    replica_leave_own(replica_of(route, 0));
}

struct lane_route *replica_set_route(struct replica_set *set)
{
    return &set->route;
}

uint32_t replica_set_lanes(const struct replica_set *set)
{
    return set->lanes;
}

static bool cover_covers(void *context)
{
    const struct lane_cover *cover = context;
    return route_believes(&cover->set->route, cover->lane);
}

struct http_cover replica_set_cover(struct replica_set *set, uint32_t lane)
{
    CHECK(lane < set->lanes);
    set->covers[lane] = (struct lane_cover){ set, lane };
    return (struct http_cover){ .covers = cover_covers, .context = &set->covers[lane] };
}

/* ---- A share of the lanes, for who has come ---- */

/* False: it is stopped. */
static bool share_wait(struct replica_set *set)
{
    struct monotonic_time until = { clock_monotonic(system_clock()).ns +
                                    SHARE_LOOK_MS * NS_PER_MS };
    set->sync->lock(set->monitor);
    while (!set->stopping && clock_monotonic(system_clock()).ns < until.ns) {
        (void)set->sync->wait(set->monitor, until); /* looked at again */
    }
    bool stopping = set->stopping;
    set->sync->unlock(set->monitor);
    return !stopping;
}

static bool all_ready(struct replica_set *set)
{
    for (uint32_t lane = 0; lane < set->lanes; lane++) {
        struct replica_status status;
        replica_get_status(set->replicas[lane], &status);
        if (!status.warm && status.role != REPLICA_LEADING) return false;
    }
    return true;
}

/* The lane's owner sees the wish when it renews, and hands over as `lane move` has it. */
static void share_run(void *argument)
{
    struct replica_set *set = argument;
    int64_t until_ns = INT64_MAX; /* it begins when it could own any */
    struct error error = { 0 };   /* a share that is not had is asked for at the next start */
    while (share_wait(set) && clock_monotonic(system_clock()).ns < until_ns) {
        uint32_t count = 0;
        uint32_t lane = 0;
        if (!all_ready(set)) continue;
        if (until_ns == INT64_MAX)
            until_ns = clock_monotonic(system_clock()).ns + SHARE_S_MAX * NS_PER_S;
        if (set->lease->members(set->lease, set->members, LEASE_MEMBERS_MAX, &count, &error) !=
            STATUS_OK)
            continue;
        if (!lane_share_lacks(set->members, count, set->name, &lane)) return;
        (void)set->lease->want(set->lease, lane, set->name, &error); /* asked again, or not had */
    }
}

/* ---- Metrics ---- */

struct family {
    const char *name;
    const char *type;
    const char *help;
    uint64_t (*value)(const struct replica_status *status);
};

static uint64_t role_of(const struct replica_status *status)
{
    return (uint64_t)status->role;
}
_Static_assert(REPLICA_COLD == 0 && REPLICA_FOLLOWING == 1 && REPLICA_LEADING == 2,
               "as the help says");

static uint64_t left_of(const struct replica_status *status)
{
    return status->left;
}

static uint64_t epoch_of(const struct replica_status *status)
{
    return status->epoch;
}

static uint64_t left_ms_of(const struct replica_status *status)
{
    return (uint64_t)status->left_ms;
}

static uint64_t takeovers_of(const struct replica_status *status)
{
    return status->takeovers;
}

static uint64_t takeover_ms_of(const struct replica_status *status)
{
    return (uint64_t)status->takeover_ms;
}

static uint64_t losses_of(const struct replica_status *status)
{
    return status->losses;
}

static uint64_t handovers_of(const struct replica_status *status)
{
    return status->handovers;
}

static uint64_t clock_off_of(const struct replica_status *status)
{
    return status->clock_off;
}

static uint64_t skew_ms_of(const struct replica_status *status)
{
    return (uint64_t)status->skew_ms;
}

static uint64_t name_shared_of(const struct replica_status *status)
{
    return status->name_shared;
}

static uint64_t keeps_log_of(const struct replica_status *status)
{
    return status->keeps_log;
}

/* Of each lane. */
static const struct family FAMILIES[] = {
    { "tpwallet_replica_role", "gauge", "0 recovering, 1 following, 2 owning the lane", role_of },
    { "tpwallet_replica_lag_batches", "gauge", "batches that a follower has yet to read", left_of },
    { "tpwallet_lease_epoch", "gauge", "of the lease that is, or was last, held", epoch_of },
    { "tpwallet_lease_left_ms", "gauge", "how long the lease is still believed", left_ms_of },
    { "tpwallet_takeovers_total", "counter", "times that this replica began to own the lane",
      takeovers_of },
    { "tpwallet_takeover_ms", "gauge", "the newest: from seeing the lease open to answering",
      takeover_ms_of },
    { "tpwallet_lease_losses_total", "counter", "times that another had taken the lane over",
      losses_of },
    { "tpwallet_handovers_total", "counter", "times that the lane was handed over as planned",
      handovers_of },
    { "tpwallet_replica_clock_off", "gauge",
      "1 while the wall clock is not the database's, and no lane is taken with it", clock_off_of },
    { "tpwallet_replica_clock_skew_ms", "gauge",
      "how far the wall clock is from the database's at least, ahead or behind", skew_ms_of },
    { "tpwallet_replica_name_shared", "gauge",
      "1 while another server says that it is this replica", name_shared_of },
    { "tpwallet_replica_keeps_log", "gauge",
      "1 when this replica, as owner, keeps the lane's verifiable log: it has log.key",
      keeps_log_of },
};

static void front_metrics(struct front *front, struct buf *out_page)
{
    struct front_status status;
    front_get_status(front, &status);
    const struct {
        const char *name;
        const char *help;
        uint64_t value;
    } counters[] = {
        { "tpwallet_forwarded_total", "calls handed on to the owner, each attempt",
          status.forwarded },
        { "tpwallet_calls_held_total", "calls that had to wait for an owner", status.held },
        { "tpwallet_answers_silenced_total", "answers thrown away, as the lease had run out",
          status.silenced },
        { "tpwallet_followed_reads_total", "reads answered here though another owns the lane",
          status.followed },
        { "tpwallet_calls_given_up_total", "calls that found no owner in time", status.given_up },
    };
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        metric_head_write(out_page, counters[i].name, "counter", counters[i].help);
        buf_append_format(out_page, "%s %llu\n", counters[i].name,
                          (unsigned long long)counters[i].value);
    }
}

static void family_write(const struct family *family, const struct replica_status *statuses,
                         uint32_t lanes, struct buf *out_page)
{
    metric_head_write(out_page, family->name, family->type, family->help);
    for (uint32_t lane = 0; lane < lanes; lane++) {
        BUF_SCOPE struct buf label;
        buf_init(&label, LABEL_SIZE);
        buf_append_format(&label, "%u", lane);
        metric_labelled_write(out_page, family->name, "lane", buf_view(&label),
                              family->value(&statuses[lane]));
    }
}

/* The API of a lane stays open while its families are written. */
static void lanes_metrics(void *context, struct metric_page *page)
{
    struct replica_set *set = context;
    for (uint32_t lane = 0; lane < set->lanes; lane++) {
        struct api_service service;
        struct replica *replica = set->replicas[lane];
        if (!replica_enter_own(replica, &service)) continue; /* it is being opened or closed */
        api_metrics_write(service.api, metric_page_part(page, lane));
        replica_leave_own(replica);
    }
}

static void own_metrics(void *context, struct buf *out_page)
{
    struct replica_set *set = context;
    struct replica_status statuses[LANES_MAX];
    struct transit_status transits[LANES_MAX];
    for (uint32_t lane = 0; lane < set->lanes; lane++) {
        replica_get_status(set->replicas[lane], &statuses[lane]);
        transits[lane] = statuses[lane].transit;
    }
    for (size_t i = 0; i < sizeof FAMILIES / sizeof FAMILIES[0]; i++) {
        family_write(&FAMILIES[i], statuses, set->lanes, out_page);
    }
    front_metrics(set->front, out_page);
    if (set->lanes > 1) transit_metrics_write(transits, set->lanes, out_page);
}

const struct metric_process *replica_set_process(struct replica_set *set)
{
    return &set->process;
}

/* ---- Life ---- */

static enum status lease_open(struct replica_set *set, const char *path, struct error *out_error)
{
    struct data_folder *folder = NULL;
    enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &folder, out_error);
    if (status != STATUS_OK) return status;
    const struct postgres_lease_options options = { .url = data_folder_store(folder) };
    CHECK(options.url != NULL); /* a replica was opened there */
    status = postgres_lease_open(&options, &set->lease, out_error);
    data_folder_close(folder);
    return status;
}

static enum status replicas_open(struct replica_set *set, const struct replica_set_options *options,
                                 struct error *out_error)
{
    enum status status = STATUS_OK;
    for (uint32_t lane = 0; lane < set->lanes && status == STATUS_OK; lane++) {
        status = data_folder_lane_path(options->folder, lane, set->folders[lane],
                                       sizeof set->folders[lane], out_error);
        struct replica_options replica = {
            .folder = set->folders[lane],
            .name = set->name,
            .lane = lane,
            .terms = options->terms,
            .log = options->log,
            .owned = &set->owned,
            .carry = set->carry,
        };
        if (lane == 0) {
            replica.begin = options->begin;
            replica.end = options->end;
            replica.context = options->context;
            replica.keys = set->keys;
        }
        if (status == STATUS_OK) status = replica_open(&replica, &set->replicas[lane], out_error);
    }
    if (status == STATUS_OK && set->lanes > 1) status = lease_open(set, options->folder, out_error);
    return status;
}

enum status replica_set_open(const struct replica_set_options *options,
                             struct replica_set **out_set, struct error *out_error)
{
    uint32_t lanes = 0;
    enum status status = lane_set_count(options->folder, &lanes, out_error);
    if (status != STATUS_OK) return status;
    struct replica_set *set = reserve_new(sizeof *set);
    if (set == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the lanes");
    set->lanes = lanes;
    set->sync = thread_sync();
    set->monitor = set->sync->monitor_new(set->sync, "replica-set");
    set->fan.monitor = set->sync->monitor_new(set->sync, "lane-fan");
    set->route = (struct lane_route){ .find = route_find,
                                      .enter = route_enter,
                                      .leave = route_leave,
                                      .believes = route_believes,
                                      .enter_followed = route_enter_followed,
                                      .leave_followed = route_leave_followed,
                                      .enter_own = route_enter_own,
                                      .leave_own = route_leave_own };
    set->process =
        (struct metric_process){ .lanes = lanes_metrics, .own = own_metrics, .context = set };
    CHECK(strlen(options->name) < sizeof set->name);
    memcpy(set->name, options->name, strlen(options->name) + 1);
    set->log = options->log;
    if (lanes > 1 && key_ring_new(set->sync, system_clock(), &set->keys) != STATUS_OK)
        status = error_set(out_error, STATUS_LIMIT, "no memory for the keys of the lanes");
    if (status == STATUS_OK && lanes > 1 && carry_new(set->sync, lanes, &set->carry) != STATUS_OK)
        status = error_set(out_error, STATUS_LIMIT, "no memory for what lanes have in common");
    if (status == STATUS_OK) status = replicas_open(set, options, out_error);
    if (status != STATUS_OK) {
        replica_set_close(set);
        return status;
    }
    *out_set = set;
    return STATUS_OK;
}

/*
 * A lane's log has one key, which whoever set the cluster up has copied into each folder. Whether it
 * is kept here; where that is only for want of its key, that is told.
 */
static bool keeps_log(const struct replica_set *set, uint32_t lane, bool wanted)
{
    const struct replica_log log = { set->log, set->name, lane };
    bool has = log_keys_exist(set->folders[lane]);
    if (wanted && !has) replica_log_no_key(&log, set->folders[lane]);
    return wanted && has;
}

enum status replica_set_start(struct replica_set *set, const struct replica_start_options *options,
                              struct error *out_error)
{
    set->front = options->front;
    set->hosts[0] = *options->host;
    set->hosts[0].carry = set->carry;
    if (set->lanes > 1) {
        lane_links_init(&set->links, front_link_service(options->front), set->sync);
        set->hosts[0].links = set->links.ports;
        set->fan.service = front_link_service(options->front);
        set->hosts[0].fan = &set->fan;
    }
    enum status status = STATUS_OK;
    for (uint32_t lane = 0; lane < set->lanes && status == STATUS_OK; lane++) {
        struct replica_start_options one = *options;
        if (lane > 0)
            set->hosts[lane] =
                host_options_beside(&set->hosts[0], set->folders[lane], lane, set->keys);
        set->hosts[lane].tlog = keeps_log(set, lane, options->host->tlog);
        one.host = &set->hosts[lane];
        status = replica_start(set->replicas[lane], &one, out_error);
    }
    if (status != STATUS_OK || set->lanes == 1) return status;
    status = set->sync->spawn(set->sync, "lane-share", share_run, set, &set->task);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "the task that asks for lanes cannot be started");
}

void replica_set_retire(struct replica_set *set)
{
    for (uint32_t lane = 0; lane < set->lanes; lane++) replica_retire(set->replicas[lane]);
    for (uint32_t lane = 0; lane < set->lanes; lane++) replica_retire_wait(set->replicas[lane]);
}

void replica_set_stop(struct replica_set *set)
{
    set->sync->lock(set->monitor);
    set->stopping = true;
    set->sync->wake_all(set->monitor);
    set->sync->unlock(set->monitor);
    set->sync->join(set->task);
    set->task = NULL;
    for (uint32_t lane = 0; lane < set->lanes; lane++) {
        if (set->replicas[lane] != NULL) replica_stop(set->replicas[lane]);
    }
}

void replica_set_close(struct replica_set *set)
{
    if (set == NULL) return;
    replica_set_stop(set);
    for (uint32_t lane = 0; lane < set->lanes; lane++) replica_close(set->replicas[lane]);
    if (set->lease != NULL) set->lease->close(set->lease);
    lane_links_done(&set->links);
    key_ring_free(set->keys);
    carry_free(set->carry);
    set->sync->monitor_free(set->monitor);
    set->sync->monitor_free(set->fan.monitor);
    reserve_free(set, sizeof *set);
}

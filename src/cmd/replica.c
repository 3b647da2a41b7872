/*
 * The monitor guards the keeper, the gate and the counts of who uses an api; never held while
 * anything waits. The host is touched by the role task only, but for its apis, which whoever
 * entered may use until they leave.
 */
#include "cmd/replica.h"

#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/postgres_lease.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/metric_text.h"
#include "base/reserve.h"

enum {
    STEP_MS = 50,             /* between two looks of the role task */
    REPORT_MS = 500,          /* from one report about itself to the next */
    RETRY_MS = 1000,          /* after a failure to recover or to lead */
    LEAVE_MS_MAX = 5000,      /* waited for answers under way before the lease is given back */
    MEMBER_AGE_MS_MAX = 3000, /* who has not been heard of for so long is not handed to */
};

enum role { ROLE_COLD, ROLE_FOLLOWING, ROLE_LEADING };

struct replica {
    struct lane_route route; /* first */
    struct replica_options options;
    struct lease_party party;
    struct host_options host_options;
    struct clock *clock;
    struct sync *sync;
    struct lease *lease;  /* the keeper task's */
    struct lease *report; /* the role task's */
    struct front *front;
    struct task *keeper_task;
    struct task *role_task;

    /* The role task's own. */
    struct host host;
    struct monotonic_time report_at;
    struct monotonic_time retry_at;

    struct monitor *monitor; /* guards the rest */
    struct lease_keeper keeper;
    enum role role;
    bool warm;          /* could own the lane at once */
    bool gate_open;     /* calls may enter the lane's api */
    bool own_open;      /* there is an api that tells about this replica */
    struct api *own;    /* that */
    struct api *former; /* the follower's, until nobody uses it */
    uint32_t inside;    /* calls in the lane's api */
    uint32_t own_inside;
    bool retiring;
    bool retired;
    bool stopping;
    uint64_t batch; /* memory covers the journal up to here */
    uint64_t left;  /* batches behind */
    uint64_t takeovers;
    uint64_t losses;
    uint64_t handovers;
    int64_t takeover_ns;              /* the newest: from seeing the lease open to answering */
    struct monotonic_time open_since; /* the lease was seen open; 0: it is not */
};

static void say(struct replica *replica, enum log_level level, struct str event, const char *text)
{
    struct log_field fields[] = {
        { STR("replica"), str_from(replica->party.name), 0 },
        { STR("lane"), { NULL, 0 }, replica->options.lane },
    };
    log_write(replica->options.log, (struct log_line){ .level = level,
                                                       .event = event,
                                                       .message = str_from(text),
                                                       .fields = fields,
                                                       .field_count = 2 });
}

static void say_error(struct replica *replica, struct str event, const struct error *error)
{
    struct log_field field = { STR("detail"), str_from(error->detail), 0 };
    log_write(replica->options.log, (struct log_line){ .level = LOG_ERROR,
                                                       .event = event,
                                                       .message = str_from(error->message),
                                                       .fields = &field,
                                                       .field_count = 1 });
}

static struct monotonic_time now(const struct replica *replica)
{
    return clock_monotonic(replica->clock);
}

static struct monotonic_time in_ms(const struct replica *replica, int64_t ms)
{
    return (struct monotonic_time){ now(replica).ns + ms * NS_PER_MS };
}

static void lock(struct replica *replica)
{
    replica->sync->lock(replica->monitor);
}

static void unlock(struct replica *replica)
{
    replica->sync->unlock(replica->monitor);
}

/* Under the monitor. */
static bool believes(const struct replica *replica)
{
    return lease_keeper_believes(&replica->keeper, now(replica));
}

/* ---- The route ---- */

static enum lane_place route_find(struct lane_route *route, uint32_t lane,
                                  char out_url[LEASE_URL_SIZE])
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* it has one */
    enum lane_place place = LANE_NOWHERE;
    lock(replica);
    const char *url = lease_keeper_owner(&replica->keeper, now(replica));
    if (replica->gate_open && believes(replica)) place = LANE_HERE;
    if (place != LANE_HERE && url != NULL) {
        memcpy(out_url, url, strlen(url) + 1);
        place = LANE_ELSEWHERE;
    }
    unlock(replica);
    return place;
}

static bool route_enter(struct lane_route *route, uint32_t lane, struct api_service *out_service)
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* as above */
    lock(replica);
    bool may = replica->gate_open && believes(replica);
    if (may) replica->inside++;
    if (may) *out_service = api_service(replica->own);
    unlock(replica);
    return may;
}

static void route_leave(struct lane_route *route, uint32_t lane)
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* as above */
    lock(replica);
    CHECK(replica->inside > 0);
    replica->inside--;
    if (replica->inside == 0) replica->sync->wake_all(replica->monitor);
    unlock(replica);
}

static bool route_believes(struct lane_route *route, uint32_t lane)
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* as above */
    lock(replica);
    bool yes = believes(replica);
    unlock(replica);
    return yes;
}

static bool route_enter_own(struct lane_route *route, struct api_service *out_service)
{
    struct replica *replica = (struct replica *)route;
    lock(replica);
    bool may = replica->own_open;
    if (may) replica->own_inside++;
    if (may) *out_service = api_service(replica->own);
    unlock(replica);
    return may;
}

static void route_leave_own(struct lane_route *route)
{
    struct replica *replica = (struct replica *)route;
    lock(replica);
    CHECK(replica->own_inside > 0);
    replica->own_inside--;
    if (replica->own_inside == 0) replica->sync->wake_all(replica->monitor);
    unlock(replica);
}

static bool cover_covers(void *context)
{
    struct replica *replica = context;
    return route_believes(&replica->route, replica->options.lane);
}

struct lane_route *replica_route(struct replica *replica)
{
    return &replica->route;
}

struct http_cover replica_cover(struct replica *replica)
{
    return (struct http_cover){ .covers = cover_covers, .context = replica };
}

/* ---- The lease ---- */

static enum status lease_ask(struct replica *replica, enum lease_step step, uint64_t epoch,
                             struct lease_view *out_view)
{
    struct lease *lease = replica->lease;
    const struct lease_term term = {
        .lane = replica->options.lane,
        .party = &replica->party,
        .epoch = epoch,
        .ttl_ms = replica->keeper.terms.ttl_ms,
    };
    struct error error = { 0 }; /* what is wrong shows in the lease's age */
    switch (step) {
    case LEASE_STEP_READ: return lease->read(lease, term.lane, out_view, &error);
    case LEASE_STEP_TAKE: return lease->take(lease, &term, out_view, &error);
    case LEASE_STEP_RENEW: return lease->renew(lease, &term, out_view, &error);
    case LEASE_STEP_NONE: break;
    }
    CHECK(false);
    return STATUS_INVALID;
}

/* Under the monitor. */
static void answer_note(struct replica *replica, const struct lease_answer *answer)
{
    bool held = replica->keeper.role == LEASE_HOLDING;
    lease_keeper_answered(&replica->keeper, answer);
    if (replica->keeper.take_now && replica->open_since.ns == 0) {
        replica->open_since = answer->now;
    }
    if (replica->keeper.role == LEASE_FOLLOWING && !replica->keeper.take_now) {
        replica->open_since.ns = 0;
    }
    if (held != (replica->keeper.role == LEASE_HOLDING)) {
        replica->sync->wake_all(replica->monitor);
    }
}

static void keeper_run(void *argument)
{
    struct replica *replica = argument;
    lock(replica);
    while (!replica->stopping) {
        bool warm = replica->warm && !replica->retiring;
        enum lease_step step = lease_keeper_next(&replica->keeper, now(replica), warm);
        if (step == LEASE_STEP_NONE) {
            (void)replica->sync->wait(replica->monitor, replica->keeper.at); /* looked at again */
            continue;
        }
        uint64_t epoch = replica->keeper.epoch;
        unlock(replica);
        struct lease_answer answer = { .step = step, .asked = now(replica) };
        answer.status = lease_ask(replica, step, epoch, &answer.view);
        answer.now = now(replica);
        bool known;
        lock(replica);
        known = lease_keeper_owner(&replica->keeper, answer.now) != NULL;
        answer_note(replica, &answer);
        bool found = !known && lease_keeper_owner(&replica->keeper, answer.now) != NULL;
        unlock(replica);
        if (found) front_wake(replica->front);
        lock(replica);
    }
    unlock(replica);
}

/* ---- Roles ---- */

static void role_set(struct replica *replica, enum role role)
{
    lock(replica);
    replica->role = role;
    if (role != ROLE_FOLLOWING) replica->warm = false;
    unlock(replica);
}

/* Under the monitor; nobody enters any more. */
static void all_out_wait(struct replica *replica)
{
    while (replica->inside > 0 || replica->own_inside > 0) {
        (void)replica->sync->wait(replica->monitor, MONOTONIC_NEVER); /* every call ends */
    }
}

/* Whatever it was: what is under way ends, and nothing of it stays. */
static void become_cold(struct replica *replica)
{
    lock(replica);
    bool led = replica->role == ROLE_LEADING;
    struct api *api = replica->own;
    replica->gate_open = false;
    replica->own_open = false;
    replica->warm = false;
    replica->batch = 0;
    unlock(replica);
    if (led) api_stop(api); /* streams end */
    if (led && replica->options.end != NULL) replica->options.end(replica->options.context);
    lock(replica);
    all_out_wait(replica);
    replica->own = NULL;
    unlock(replica);
    host_close(&replica->host);
    role_set(replica, ROLE_COLD);
}

/* The lease goes back, so that nobody has to wait for its end; `to` has it first. */
static void lease_give_back(struct replica *replica, const char *to)
{
    lock(replica);
    bool held = replica->keeper.role == LEASE_HOLDING;
    const struct lease_term term = {
        .lane = replica->options.lane,
        .party = &replica->party,
        .epoch = replica->keeper.epoch,
    };
    lease_keeper_yield(&replica->keeper, now(replica));
    unlock(replica);
    struct error error = { 0 };
    if (!held) return;
    enum status status = replica->report->release(replica->report, &term, to, &error);
    if (status != STATUS_OK) say_error(replica, STR("lease.not_released"), &error);
}

static void begin_following(struct replica *replica)
{
    if (now(replica).ns < replica->retry_at.ns) return;
    struct error error = { 0 };
    struct host_options options = replica->host_options;
    options.follow = true;
    if (host_open(&options, &replica->host, &error) != STATUS_OK) {
        say_error(replica, STR("replica.not_open"), &error);
        replica->retry_at = in_ms(replica, RETRY_MS);
        return;
    }
    lock(replica);
    replica->own = replica->host.api;
    replica->own_open = true;
    replica->role = ROLE_FOLLOWING;
    unlock(replica);
    say(replica, LOG_INFO, STR("replica.following"), "the lane is followed");
}

/* The lane's api takes the place of the follower's, which goes when nobody is in it. */
static void api_change(struct replica *replica)
{
    lock(replica);
    replica->own_open = false;
    while (replica->own_inside > 0) {
        (void)replica->sync->wait(replica->monitor, MONOTONIC_NEVER); /* each is short */
    }
    replica->own = replica->host.api;
    replica->own_open = true;
    replica->gate_open = true;
    replica->role = ROLE_LEADING;
    replica->warm = false;
    replica->takeovers++;
    replica->takeover_ns =
        replica->open_since.ns == 0 ? 0 : now(replica).ns - replica->open_since.ns;
    replica->open_since.ns = 0;
    unlock(replica);
    host_follower_done(&replica->host);
}

static void begin_leading(struct replica *replica)
{
    struct error error = { 0 };
    enum status status = host_lead(&replica->host_options, &replica->host, &error);
    if (status == STATUS_OK && replica->options.begin != NULL) {
        status = replica->options.begin(replica->options.context, &replica->host, &error);
    }
    if (status == STATUS_OK) {
        api_change(replica);
        front_wake(replica->front);
        say(replica, LOG_INFO, STR("replica.leading"), "this replica owns the lane");
        return;
    }
    say_error(replica, STR("replica.not_leading"), &error);
    if (status == STATUS_UNAVAILABLE) replica->retry_at = in_ms(replica, RETRY_MS);
    lease_give_back(replica, "");
    become_cold(replica);
}

static void follow_step(struct replica *replica)
{
    lock(replica);
    bool holds = replica->keeper.role == LEASE_HOLDING;
    unlock(replica);
    if (holds) {
        begin_leading(replica);
        return;
    }
    struct error error = { 0 };
    uint64_t left = 0;
    enum status status = lane_follow(replica->host.lane, &left, &error);
    struct lane_status lane;
    lane_get_status(replica->host.lane, &lane);
    lock(replica);
    if (status == STATUS_OK) replica->left = left;
    if (status == STATUS_OK) replica->warm = left == 0;
    replica->batch = lane.head.sequence;
    if (replica->warm) replica->sync->wake_all(replica->monitor); /* the lease may be open */
    unlock(replica);
    if (status == STATUS_OK || status == STATUS_UNAVAILABLE) return;
    say_error(replica, STR("replica.not_following"), &error);
    replica->retry_at = in_ms(replica, RETRY_MS);
    become_cold(replica);
}

/* Who could take the lane over now; `wanted`, or anybody when that is empty. */
static bool heir_find(struct replica *replica, const char *wanted, char out_name[LEASE_NAME_SIZE])
{
    struct lease_member members[LEASE_MEMBERS_MAX];
    uint32_t count = 0;
    struct error error = { 0 };
    if (replica->report->members(replica->report, members, LEASE_MEMBERS_MAX, &count, &error) !=
        STATUS_OK) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct lease_member *member = &members[i];
        bool could = member->lane == replica->options.lane && member->warm && !member->holds &&
                     member->age_ms <= MEMBER_AGE_MS_MAX &&
                     strcmp(member->party.name, replica->party.name) != 0;
        bool meant = wanted[0] == '\0' || strcmp(member->party.name, wanted) == 0;
        if (!could || !meant) continue;
        memcpy(out_name, member->party.name, sizeof member->party.name);
        return true;
    }
    return false;
}

/*
 * New calls are held from here on; those inside are answered while the lease is believed; then
 * it goes to the heir, whose claim fences off whatever is still under way here.
 */
static void hand_over(struct replica *replica, const char *heir)
{
    say(replica, LOG_INFO, STR("replica.handing_over"), "the lane is handed over");
    lock(replica);
    replica->gate_open = false;
    struct api *api = replica->own;
    unlock(replica);
    api_stop(api); /* streams end: their clients come back, to the next owner */
    struct monotonic_time until = in_ms(replica, LEAVE_MS_MAX);
    lock(replica);
    while (replica->inside > 0 && now(replica).ns < until.ns) {
        (void)replica->sync->wait(replica->monitor, until); /* what is late is not answered here */
    }
    replica->handovers++;
    unlock(replica);
    lease_give_back(replica, heir);
    become_cold(replica);
}

static void lead_step(struct replica *replica)
{
    char wanted[LEASE_NAME_SIZE] = "";
    char heir[LEASE_NAME_SIZE];
    struct lane_status status;
    lane_get_status(replica->host.lane, &status);
    lock(replica);
    bool lost = replica->keeper.role == LEASE_FOLLOWING;
    const char *name = lease_keeper_wanted(&replica->keeper);
    if (name != NULL) memcpy(wanted, name, strlen(name) + 1);
    bool retiring = replica->retiring;
    replica->batch = status.head.sequence;
    if (lost || status.fenced) replica->losses++;
    unlock(replica);
    if (lost || status.fenced) {
        say(replica, LOG_WARNING, STR("replica.lost"), "another replica has taken the lane over");
        lease_give_back(replica, "");
        become_cold(replica);
    } else if ((wanted[0] != '\0' || retiring) && heir_find(replica, wanted, heir)) {
        hand_over(replica, heir);
    } else if (retiring) {
        hand_over(replica, "");
    }
}

/* ---- The role task ---- */

static void report(struct replica *replica)
{
    if (now(replica).ns < replica->report_at.ns) return;
    replica->report_at = in_ms(replica, REPORT_MS);
    lock(replica);
    const struct lease_member member = {
        .party = replica->party,
        .lane = replica->options.lane,
        .batch = replica->batch,
        .holds = replica->gate_open,
        .warm = replica->warm && !replica->retiring,
    };
    unlock(replica);
    struct error error = { 0 }; /* who is not heard of is not handed to */
    (void)replica->report->report(replica->report, &member, &error);
}

static void step(struct replica *replica)
{
    switch (replica->role) {
    case ROLE_COLD:
        lock(replica);
        replica->retired = replica->retiring;
        replica->sync->wake_all(replica->monitor);
        unlock(replica);
        if (!replica->retiring) begin_following(replica);
        break;
    case ROLE_FOLLOWING:
        lock(replica);
        replica->retired = replica->retiring && replica->keeper.role == LEASE_FOLLOWING;
        replica->sync->wake_all(replica->monitor);
        unlock(replica);
        follow_step(replica);
        break;
    case ROLE_LEADING: lead_step(replica); break;
    }
}

static void role_run(void *argument)
{
    struct replica *replica = argument;
    lock(replica);
    while (!replica->stopping) {
        unlock(replica);
        report(replica);
        step(replica);
        lock(replica);
        bool behind = replica->role == ROLE_FOLLOWING && replica->left > 0;
        bool due = replica->role == ROLE_FOLLOWING && replica->keeper.role == LEASE_HOLDING;
        if (replica->stopping || behind || due) continue;
        (void)replica->sync->wait(replica->monitor, in_ms(replica, STEP_MS)); /* a look is cheap */
    }
    unlock(replica);
    lease_give_back(replica, "");
    become_cold(replica);
}

/* ---- Life ---- */

static enum status leases_open(struct replica *replica, struct error *out_error)
{
    struct data_folder *folder = NULL;
    enum status status =
        data_folder_open(replica->options.folder, DATA_FOLDER_GUEST, &folder, out_error);
    if (status != STATUS_OK) return status;
    const char *url = data_folder_store(folder);
    const struct postgres_lease_options options = { .url = url };
    if (url == NULL) {
        status = error_set(out_error, STATUS_INVALID,
                           "several servers want one journal in a database, and '%s' has its own",
                           replica->options.folder);
        error_hint(out_error, "tpwallet init --store postgres://user@host/database");
    } else {
        status = postgres_lease_open(&options, &replica->lease, out_error);
        if (status == STATUS_OK)
            status = postgres_lease_open(&options, &replica->report, out_error);
    }
    data_folder_close(folder);
    return status;
}

enum status replica_open(const struct replica_options *options, struct replica **out_replica,
                         struct error *out_error)
{
    struct replica *replica = reserve_new(sizeof *replica);
    if (replica == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    replica->route = (struct lane_route){ .find = route_find,
                                          .enter = route_enter,
                                          .leave = route_leave,
                                          .believes = route_believes,
                                          .enter_own = route_enter_own,
                                          .leave_own = route_leave_own };
    replica->options = *options;
    CHECK(strlen(options->name) < sizeof replica->party.name);
    memcpy(replica->party.name, options->name, strlen(options->name) + 1);
    replica->clock = system_clock();
    replica->sync = thread_sync();
    replica->monitor = replica->sync->monitor_new(replica->sync, "replica");
    const struct lease_terms *terms = options->terms;
    lease_keeper_init(&replica->keeper, terms == NULL ? &LEASE_TERMS_DEFAULT : terms,
                      &replica->party);
    replica->options.terms = NULL; /* copied */
    enum status status = leases_open(replica, out_error);
    if (status != STATUS_OK) {
        replica_close(replica);
        return status;
    }
    *out_replica = replica;
    return STATUS_OK;
}

enum status replica_start(struct replica *replica, const struct replica_start_options *options,
                          struct error *out_error)
{
    CHECK(replica->front == NULL);
    CHECK(strlen(options->url) < sizeof replica->party.url);
    replica->front = options->front;
    replica->host_options = *options->host;
    memcpy(replica->party.url, options->url, strlen(options->url) + 1);
    struct sync *sync = replica->sync;
    enum status status = sync->spawn(sync, "replica", role_run, replica, &replica->role_task);
    if (status == STATUS_OK) {
        status = sync->spawn(sync, "lease", keeper_run, replica, &replica->keeper_task);
    }
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "the replica's tasks cannot be started");
}

void replica_retire(struct replica *replica)
{
    lock(replica);
    replica->retiring = true;
    while (!replica->retired && !replica->stopping) {
        (void)replica->sync->wait(replica->monitor, in_ms(replica, STEP_MS)); /* looked at again */
    }
    unlock(replica);
}

void replica_stop(struct replica *replica)
{
    lock(replica);
    replica->stopping = true;
    replica->sync->wake_all(replica->monitor);
    unlock(replica);
    replica->sync->join(replica->keeper_task);
    replica->sync->join(replica->role_task);
    replica->keeper_task = NULL;
    replica->role_task = NULL;
}

void replica_close(struct replica *replica)
{
    if (replica == NULL) return;
    replica_stop(replica);
    if (replica->lease != NULL) replica->lease->close(replica->lease);
    if (replica->report != NULL) replica->report->close(replica->report);
    replica->sync->monitor_free(replica->monitor);
    reserve_free(replica, sizeof *replica);
}

/* ---- Metrics ---- */

struct family {
    const char *name;
    const char *type;
    const char *help;
    int64_t value;
};

static int64_t role_number(const struct replica *replica)
{
    if (replica->role == ROLE_LEADING) return 2;
    return replica->role == ROLE_FOLLOWING ? 1 : 0;
}

void replica_metrics(void *context, struct buf *out_page)
{
    struct replica *replica = context;
    struct front_status front;
    front_get_status(replica->front, &front);
    lock(replica);
    int64_t left_ms = (replica->keeper.until.ns - now(replica).ns) / NS_PER_MS;
    const struct family families[] = {
        { "tpwallet_replica_role", "gauge", "0 recovering, 1 following, 2 owning the lane",
          role_number(replica) },
        { "tpwallet_replica_lag_batches", "gauge", "batches that a follower has yet to read",
          (int64_t)replica->left },
        { "tpwallet_lease_epoch", "gauge", "of the lease that is, or was last, held",
          (int64_t)replica->keeper.epoch },
        { "tpwallet_lease_left_ms", "gauge", "how long the lease is still believed",
          left_ms > 0 ? left_ms : 0 },
        { "tpwallet_takeovers_total", "counter", "times that this replica began to own the lane",
          (int64_t)replica->takeovers },
        { "tpwallet_takeover_ms", "gauge", "the newest: from seeing the lease open to answering",
          replica->takeover_ns / NS_PER_MS },
        { "tpwallet_lease_losses_total", "counter", "times that another had taken the lane over",
          (int64_t)replica->losses },
        { "tpwallet_handovers_total", "counter", "times that the lane was handed over as planned",
          (int64_t)replica->handovers },
        { "tpwallet_forwarded_total", "counter", "calls handed on to the owner, each attempt",
          (int64_t)front.forwarded },
        { "tpwallet_calls_held_total", "counter", "calls that had to wait for an owner",
          (int64_t)front.held },
        { "tpwallet_answers_silenced_total", "counter",
          "answers thrown away, as the lease had run out", (int64_t)front.silenced },
        { "tpwallet_calls_given_up_total", "counter", "calls that found no owner in time",
          (int64_t)front.given_up },
    };
    unlock(replica);
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const struct family *family = &families[i];
        metric_head_write(out_page, family->name, family->type, family->help);
        buf_append_format(out_page, "%s %lld\n", family->name, (long long)family->value);
    }
}

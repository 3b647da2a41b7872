/*
 * The monitor guards the keeper, the gate and the counts of who uses an api; never held while
 * anything waits. The host is touched by the role task only, but for its apis, which whoever
 * entered may use until they leave.
 */
#include "cmd/replica.h"

#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/postgres_lease.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/reserve.h"
#include "cmd/replica_name.h"
#include "cmd/replica_state.h"
#include "cmd/transit_metrics.h"
#include "wallet/clock_skew.h"
#include "wallet/key_ring.h"

enum {
    STEP_MS = 50,        /* between two looks of the role task */
    REPORT_MS = 500,     /* from one report about itself to the next */
    RETRY_MS = 1000,     /* after a failure to recover or to lead */
    LEAVE_MS_MAX = 5000, /* waited for answers under way before the lease is given back */
    OPEN_LOOK_MS = 25,   /* between two looks at a lease that is open, and not to be taken yet */
};

/* ---- The lease ---- */

static enum status lease_ask(struct replica *replica, enum lease_step step, uint64_t epoch,
                             struct lease_view *out_view, struct error *out_error)
{
    struct lease *lease = replica->lease;
    const struct lease_term term = {
        .lane = replica->options.lane,
        .party = &replica->party,
        .epoch = epoch,
        .ttl_ms = replica->keeper.terms.ttl_ms,
    };
    switch (step) {
    case LEASE_STEP_READ: return lease->read(lease, term.lane, out_view, out_error);
    case LEASE_STEP_TAKE: return lease->take(lease, &term, out_view, out_error);
    case LEASE_STEP_RENEW: return lease->renew(lease, &term, out_view, out_error);
    case LEASE_STEP_NONE: break;
    }
    CHECK(false);
    return STATUS_INVALID;
}

/* Under the monitor: the lane is this process's, or about to be, or not. */
static void owned_note(struct replica *replica, bool owned)
{
    if (owned && !replica->counted) atomic_fetch_add(replica->options.owned, 1);
    if (!owned && replica->counted) atomic_fetch_sub(replica->options.owned, 1);
    replica->counted = owned;
}

/* What was asked, between which readings of the wall clock, and what is wrong. */
struct asking {
    struct lease_answer answer;
    struct wall_time before;
    struct wall_time after;
    struct error error;
};

static void ask(struct replica *replica, uint64_t epoch, struct asking *asking)
{
    struct lease_answer *answer = &asking->answer;
    answer->asked = replica_now(replica);
    asking->before = clock_wall(replica->clock);
    answer->status = lease_ask(replica, answer->step, epoch, &answer->view, &asking->error);
    asking->after = clock_wall(replica->clock);
    answer->now = replica_now(replica);
}

/* Under the monitor: for who wants to know why a lease was lost. */
static void renewal_note(struct replica *replica, const struct asking *asking)
{
    const struct lease_answer *answer = &asking->answer;
    if (answer->step == LEASE_STEP_READ) return;
    if (answer->status == STATUS_OK) replica->renewed_at = answer->asked;
    if (answer->step == LEASE_STEP_RENEW) replica->renewal_ns = answer->now.ns - answer->asked.ns;
    if (answer->status == STATUS_OK) replica->renewal_error.message[0] = '\0';
    /* Fenced says that it is lost, which is known: what came before says why. */
    if (answer->status != STATUS_OK && answer->status != STATUS_FENCED)
        replica->renewal_error = asking->error;
}

/* Under the monitor. */
static bool clock_is_off(const struct replica *replica)
{
    return clock_skew_is_too_much(replica->skew_ns);
}

/* Under the monitor. */
static void answer_note(struct replica *replica, const struct asking *asking)
{
    const struct lease_answer *answer = &asking->answer;
    const struct clock_look look = { asking->before, answer->view.clock, asking->after };
    bool held = replica->keeper.role == LEASE_HOLDING;
    if (answer->status == STATUS_OK) replica->skew_ns = clock_skew_ns(&look);
    renewal_note(replica, asking);
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
    owned_note(replica, replica->keeper.role == LEASE_HOLDING);
}

/* Under the monitor: could own the lane, and those that own fewer have had their time. */
static bool may_take(const struct replica *replica)
{
    if (!replica->warm || replica->retiring || clock_is_off(replica)) return false;
    if (replica->open_since.ns == 0) return true; /* it is not open */
    if (strcmp(replica->keeper.view.wanted, replica->party.name) == 0) return true;
    uint32_t wait_ms = lane_share_wait_ms(atomic_load(replica->options.owned));
    return replica_now(replica).ns >= replica->open_since.ns + wait_ms * NS_PER_MS;
}

/* Under the monitor. LEASE_STEP_NONE: it has waited, and is to be asked again. */
static enum lease_step step_next(struct replica *replica)
{
    bool may = may_take(replica);
    enum lease_step step = lease_keeper_next(&replica->keeper, replica_now(replica), may);
    struct monotonic_time until = replica->keeper.at;
    bool pause = step == LEASE_STEP_READ && replica->keeper.take_now && !replica->paused;
    if (pause) until = replica_in_ms(replica, OPEN_LOOK_MS);
    replica->paused = pause;
    if (step == LEASE_STEP_TAKE) owned_note(replica, true);
    if (step != LEASE_STEP_NONE && !pause) return step;
    (void)replica->sync->wait(replica->monitor, until); /* looked at again */
    return LEASE_STEP_NONE;
}

static void keeper_run(void *argument)
{
    struct replica *replica = argument;
    replica_lock(replica);
    while (!replica->stopping) {
        if (replica->trust != JOURNAL_HOLDS) {
            (void)replica->sync->wait(replica->monitor, MONOTONIC_NEVER); /* the role task's turn */
            continue;
        }
        enum lease_step step = step_next(replica);
        if (step == LEASE_STEP_NONE) continue;
        uint64_t epoch = replica->keeper.epoch;
        struct store_point durable = replica->known; /* the head only grows from here on */
        replica_unlock(replica);
        struct asking asking = { .answer.step = step };
        ask(replica, epoch, &asking);
        replica_lock(replica);
        bool known = lease_keeper_owner(&replica->keeper, asking.answer.now) != NULL;
        answer_note(replica, &asking);
        if (asking.answer.status == STATUS_OK)
            replica_head_told(replica, durable, asking.answer.view.head);
        bool found = !known && lease_keeper_owner(&replica->keeper, asking.answer.now) != NULL;
        replica_unlock(replica);
        if (found) front_wake(replica->front);
        replica_lock(replica);
    }
    replica_unlock(replica);
}

/* ---- Roles ---- */

static void role_set(struct replica *replica, enum replica_role role)
{
    replica_lock(replica);
    replica->role = role;
    if (role != REPLICA_FOLLOWING) replica->warm = false;
    replica_unlock(replica);
}

/* Under the monitor; nobody enters any more. */
static void all_out_wait(struct replica *replica)
{
    while (replica->inside > 0 || replica->own_inside > 0) {
        (void)replica->sync->wait(replica->monitor, MONOTONIC_NEVER); /* every call ends */
    }
}

/* For the metrics: the workers are the role task's. */
static void transit_look(struct replica *replica)
{
    struct transit_status sums;
    if (replica->host.transit == NULL) return;
    transit_get_status(replica->host.transit, &sums);
    transit_status_add(&sums, &replica->transit_before);
    replica_lock(replica);
    replica->transit = sums;
    replica_unlock(replica);
}

/* Whatever it was: what is under way ends, and nothing of it stays. */
static void become_cold(struct replica *replica)
{
    replica_lock(replica);
    bool led = replica->role == REPLICA_LEADING;
    struct api *api = replica->own;
    replica->gate_open = false;
    replica->own_open = false;
    replica->warm = false;
    replica->batch = 0;
    replica_unlock(replica);
    if (led) api_stop(api); /* streams end */
    if (led && replica->options.end != NULL) replica->options.end(replica->options.context);
    replica_lock(replica);
    all_out_wait(replica);
    replica->own = NULL;
    replica_unlock(replica);
    if (led) transit_look(replica);
    replica_lock(replica);
    replica->transit.open = 0; /* whoever owns it next counts them */
    replica->transit.stuck = 0;
    replica->transit_before = replica->transit;
    replica_unlock(replica);
    if (replica->options.keys != NULL) key_ring_leave(replica->options.keys);
    if (replica->options.carry != NULL) carry_leave(replica->options.carry, replica->options.lane);
    host_close(&replica->host);
    role_set(replica, REPLICA_COLD);
}

/* The lease goes back, so that nobody has to wait for its end; `to` has it first. */
static void lease_give_back(struct replica *replica, const char *to)
{
    replica_lock(replica);
    bool held = replica->keeper.role == LEASE_HOLDING;
    const struct lease_term term = {
        .lane = replica->options.lane,
        .party = &replica->party,
        .epoch = replica->keeper.epoch,
    };
    lease_keeper_yield(&replica->keeper, replica_now(replica));
    owned_note(replica, false);
    replica_unlock(replica);
    struct error error = { 0 };
    if (!held) return;
    enum status status = replica->report->release(replica->report, &term, to, &error);
    if (status != STATUS_OK) replica_log_error(&replica->log, STR("lease.not_released"), &error);
}

static void begin_following(struct replica *replica)
{
    if (replica_now(replica).ns < replica->retry_at.ns) return;
    struct error error = { 0 };
    struct host_options options = replica->host_options;
    options.follow = true;
    if (host_open(&options, &replica->host, &error) != STATUS_OK) {
        replica_log_error(&replica->log, STR("replica.not_open"), &error);
        replica->retry_at = replica_in_ms(replica, RETRY_MS);
        return;
    }
    bool holds = replica_head_holds(replica);
    bool taken_back = !holds && replica_is_taken_back(replica);
    if (!holds && !taken_back) {
        host_close(&replica->host);
        replica->retry_at = replica_in_ms(replica, RETRY_MS);
        return;
    }
    if (taken_back) lane_condemn(replica->host.lane); /* it is there to tell that */
    replica_lock(replica);
    replica->own = replica->host.api;
    replica->own_open = true;
    replica->role = REPLICA_FOLLOWING;
    replica_unlock(replica);
    if (taken_back) return;
    replica_log_say(&replica->log, LOG_INFO, STR("replica.following"), "the lane is followed");
}

/* The lane's api takes the place of the follower's, which goes when nobody is in it. */
static void api_change(struct replica *replica)
{
    replica_lock(replica);
    replica->own_open = false;
    while (replica->own_inside > 0) {
        (void)replica->sync->wait(replica->monitor, MONOTONIC_NEVER); /* each is short */
    }
    replica->own = replica->host.api;
    replica->own_open = true;
    replica->gate_open = true;
    replica->role = REPLICA_LEADING;
    replica->warm = false;
    replica->takeovers++;
    replica->takeover_ns =
        replica->open_since.ns == 0 ? 0 : replica_now(replica).ns - replica->open_since.ns;
    replica->open_since.ns = 0;
    replica_unlock(replica);
    host_follower_done(&replica->host);
}

/* Stamps never go back: where the newest is ahead, time stands still until it is reached. */
static void time_ahead_tell(struct replica *replica)
{
    struct lane_status status;
    lane_get_status(replica->host.lane, &status);
    replica_log_time(&replica->log, status.head.stamp, clock_wall(replica->clock));
}

/* Taken before the clock was known: given back before anything is decided by it. */
static bool clock_forbids(struct replica *replica)
{
    replica_lock(replica);
    bool off = clock_is_off(replica);
    replica_unlock(replica);
    if (off) lease_give_back(replica, "");
    return off;
}

static void begin_leading(struct replica *replica)
{
    struct error error = { 0 };
    if (clock_forbids(replica)) return;
    enum status status = host_lead(&replica->host_options, &replica->host, &error);
    if (status == STATUS_OK && replica->options.begin != NULL) {
        status = replica->options.begin(replica->options.context, &replica->host, &error);
    }
    if (status == STATUS_OK) {
        api_change(replica);
        front_wake(replica->front);
        replica_log_say(&replica->log, LOG_INFO, STR("replica.leading"),
                        "this replica owns the lane");
        time_ahead_tell(replica);
        return;
    }
    replica_log_error(&replica->log, STR("replica.not_leading"), &error);
    if (status == STATUS_UNAVAILABLE) replica->retry_at = replica_in_ms(replica, RETRY_MS);
    lease_give_back(replica, "");
    become_cold(replica);
}

/* The lane's memory had all that was durable at this time. */
static void whole_note(struct replica *replica, struct monotonic_time whole_at)
{
    if (replica->options.keys != NULL)
        key_ring_follow(replica->options.keys, replica->host.lane, whole_at);
    if (replica->options.carry == NULL) return;
    carry_enter(replica->options.carry, replica->options.lane, replica->host.lane, whole_at);
}

static void follow_step(struct replica *replica)
{
    struct monotonic_time began = replica_now(replica);
    replica_lock(replica);
    bool holds = replica->keeper.role == LEASE_HOLDING;
    replica_unlock(replica);
    if (holds) {
        begin_leading(replica);
        return;
    }
    struct error error = { 0 };
    uint64_t left = 0;
    enum status status = lane_follow(replica->host.lane, &left, &error);
    struct lane_status lane;
    lane_get_status(replica->host.lane, &lane);
    replica_lock(replica);
    if (status == STATUS_OK) replica->left = left;
    if (status == STATUS_OK) replica->warm = left == 0;
    if (status == STATUS_OK) replica_head_known(replica, &lane);
    if (replica->warm) replica->sync->wake_all(replica->monitor); /* the lease may be open */
    replica_unlock(replica);
    if (status == STATUS_OK && left == 0) whole_note(replica, began);
    if (status == STATUS_OK || status == STATUS_UNAVAILABLE) return;
    replica_log_error(&replica->log, STR("replica.not_following"), &error);
    replica->retry_at = replica_in_ms(replica, RETRY_MS);
    become_cold(replica);
}

/* Who could take the lane over now; `wanted`, or anybody when that is empty. */
static bool heir_find(struct replica *replica, const char *wanted, char out_name[LEASE_NAME_SIZE])
{
    uint32_t count = 0;
    struct error error = { 0 };
    if (replica->report->members(replica->report, replica->members, LEASE_MEMBERS_MAX, &count,
                                 &error) != STATUS_OK) {
        return false;
    }
    const char *heir = lane_share_heir(replica->members, count, replica->options.lane,
                                       replica->party.name, wanted);
    if (heir != NULL) memcpy(out_name, heir, strlen(heir) + 1);
    return heir != NULL;
}

/*
 * New calls are held from here on; those inside are answered while the lease is believed; then
 * it goes to the heir, whose claim fences off whatever is still under way here.
 */
static void hand_over(struct replica *replica, const char *heir)
{
    replica_log_say(&replica->log, LOG_INFO, STR("replica.handing_over"),
                    "the lane is handed over");
    replica_lock(replica);
    replica->gate_open = false;
    struct api *api = replica->own;
    replica_unlock(replica);
    api_stop(api); /* streams end: their clients come back, to the next owner */
    struct monotonic_time until = replica_in_ms(replica, LEAVE_MS_MAX);
    replica_lock(replica);
    while (replica->inside > 0 && replica_now(replica).ns < until.ns) {
        (void)replica->sync->wait(replica->monitor, until); /* what is late is not answered here */
    }
    replica->handovers++;
    replica_unlock(replica);
    lease_give_back(replica, heir);
    become_cold(replica);
}

/* Who has the lane now, and how late the lease was renewed here. */
static void lost_tell(struct replica *replica)
{
    struct lease_view view = { 0 };
    struct lease *lease = replica->report;
    (void)lease->read(lease, replica->options.lane, &view, NULL); /* else nobody is named */
    replica_lock(replica);
    struct error reason = replica->renewal_error;
    const struct replica_loss loss = {
        .holder = view.holder,
        .renewed_ms_ago = (replica_now(replica).ns - replica->renewed_at.ns) / NS_PER_MS,
        .lease_ms = replica->keeper.terms.ttl_ms,
        .renewal_took_ms = replica->renewal_ns / NS_PER_MS,
        .renewal_error = reason.message,
    };
    replica_unlock(replica);
    replica_log_lost(&replica->log, &loss);
}

static void lead_step(struct replica *replica)
{
    char wanted[LEASE_NAME_SIZE] = "";
    char heir[LEASE_NAME_SIZE];
    struct lane_status status;
    lane_get_status(replica->host.lane, &status);
    transit_look(replica);
    replica_lock(replica);
    struct monotonic_time looked = replica_now(replica);
    bool whole = lease_keeper_believes(&replica->keeper, looked);
    bool lost = replica->keeper.role == LEASE_FOLLOWING;
    const char *name = lease_keeper_wanted(&replica->keeper);
    if (name != NULL) memcpy(wanted, name, strlen(name) + 1);
    bool retiring = replica->retiring;
    replica_head_known(replica, &status);
    if (lost || status.fenced) replica->losses++;
    replica_unlock(replica);
    if (whole && !status.fenced) whole_note(replica, looked);
    if (lost || status.fenced) {
        lost_tell(replica);
        lease_give_back(replica, "");
        become_cold(replica);
    } else if ((wanted[0] != '\0' || retiring) && heir_find(replica, wanted, heir)) {
        hand_over(replica, heir);
    } else if (retiring) {
        hand_over(replica, "");
    }
}

/* ---- The role task ---- */

/* Once when the clock is found to be off, and once when it is right again. */
static void clock_tell(struct replica *replica)
{
    replica_lock(replica);
    int64_t skew_ms = replica->skew_ns / NS_PER_MS;
    bool off = clock_is_off(replica);
    replica_unlock(replica);
    if (off == replica->clock_told) return;
    replica->clock_told = off;
    replica_log_clock(&replica->log, off, skew_ms);
}

static void report_send(struct replica *replica, enum lease_stage stage)
{
    replica_lock(replica);
    const struct lease_member member = {
        .party = replica->party,
        .lane = replica->options.lane,
        .batch = replica->batch,
        .holds = replica->gate_open,
        .warm = replica->warm && stage == LEASE_STAGE_RUNS && !clock_is_off(replica),
        .stage = stage,
    };
    replica_unlock(replica);
    char rival[LEASE_URL_SIZE];
    struct error error = { 0 }; /* who is not heard of is not handed to */
    if (replica->report->report(replica->report, &member, rival, &error) != STATUS_OK) return;
    replica_lock(replica);
    bool told = replica->name_shared;
    replica->name_shared = rival[0] != '\0';
    replica_unlock(replica);
    if (rival[0] != '\0' && !told) replica_log_name_shared(&replica->log, rival);
}

static void report(struct replica *replica)
{
    if (replica_now(replica).ns < replica->report_at.ns) return;
    replica->report_at = replica_in_ms(replica, REPORT_MS);
    replica_lock(replica);
    bool retiring = replica->retiring;
    replica_unlock(replica);
    report_send(replica, retiring ? LEASE_STAGE_STOPS : LEASE_STAGE_RUNS);
}

/* Until the journal has said what is so; then, if it was taken back, only to tell that. */
static void doubt_step(struct replica *replica)
{
    replica_lock(replica);
    bool doubted = replica->trust == JOURNAL_DOUBTED;
    replica->retired = replica->retiring; /* there is nothing to hand over */
    replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
    if (!doubted || replica_head_holds(replica) || !replica_is_taken_back(replica)) return;
    lease_give_back(replica, "");
    become_cold(replica);
}

static void step(struct replica *replica)
{
    bool cold = replica->role == REPLICA_COLD;
    replica_lock(replica);
    bool trusted = replica->trust == JOURNAL_HOLDS;
    replica_unlock(replica);
    if (!trusted && !cold) {
        doubt_step(replica);
        return;
    }
    if (replica->role == REPLICA_LEADING) {
        lead_step(replica);
        return;
    }
    replica_lock(replica);
    bool retiring = replica->retiring;
    replica->retired = retiring && (cold || replica->keeper.role == LEASE_FOLLOWING);
    replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
    if (!cold) follow_step(replica);
    if (cold && !retiring) begin_following(replica);
}

static void role_run(void *argument)
{
    struct replica *replica = argument;
    replica_lock(replica);
    while (!replica->stopping) {
        replica_unlock(replica);
        clock_tell(replica);
        report(replica);
        step(replica);
        replica_lock(replica);
        bool behind = replica->role == REPLICA_FOLLOWING && replica->left > 0;
        bool due = replica->role == REPLICA_FOLLOWING && replica->keeper.role == LEASE_HOLDING;
        if (replica->stopping || behind || due) continue;
        (void)replica->sync->wait(replica->monitor,
                                  replica_in_ms(replica, STEP_MS)); /* a look is cheap */
    }
    replica_unlock(replica);
    lease_give_back(replica, "");
    become_cold(replica);
    report_send(replica, LEASE_STAGE_STOPPED);
}

/* ---- Life ---- */

/* Before anything is asked of it: that the database has this folder's ledger, once for all lanes. */
static enum status ledger_verify(const struct replica *replica, const struct data_folder *folder,
                                 struct error *out_error)
{
    const struct folder_store_options options = { .read_only = false }; /* brings the schema up */
    struct store *store = NULL;
    if (replica->options.lane > 0) return STATUS_OK;
    enum status status = folder_store_open(folder, &options, &store, out_error);
    if (status == STATUS_OK) store->close(store);
    return status;
}

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
        status = ledger_verify(replica, folder, out_error);
        if (status == STATUS_OK) status = postgres_lease_open(&options, &replica->lease, out_error);
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
    replica->options = *options;
    CHECK(strlen(options->name) < sizeof replica->party.name);
    memcpy(replica->party.name, options->name, strlen(options->name) + 1);
    replica->log = (struct replica_log){ options->log, replica->party.name, options->lane };
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
    enum status status = replica_name_check(replica->report, &replica->party, replica->options.lane,
                                            replica->members, out_error);
    if (status != STATUS_OK) return status;
    status = sync->spawn(sync, "replica", role_run, replica, &replica->role_task);
    if (status == STATUS_OK) {
        status = sync->spawn(sync, "lease", keeper_run, replica, &replica->keeper_task);
    }
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "the replica's tasks cannot be started");
}

void replica_retire(struct replica *replica)
{
    replica_lock(replica);
    replica->retiring = true;
    replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
}

void replica_retire_wait(struct replica *replica)
{
    replica_lock(replica);
    CHECK(replica->retiring);
    while (!replica->retired && !replica->stopping) {
        (void)replica->sync->wait(replica->monitor,
                                  replica_in_ms(replica, STEP_MS)); /* looked at again */
    }
    replica_unlock(replica);
}

void replica_stop(struct replica *replica)
{
    replica_lock(replica);
    replica->stopping = true;
    replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
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

void replica_get_status(struct replica *replica, struct replica_status *out_status)
{
    replica_lock(replica);
    int64_t left_ms = (replica->keeper.until.ns - replica_now(replica).ns) / NS_PER_MS;
    *out_status = (struct replica_status){
        .role = replica->role,
        .warm = replica->warm && !clock_is_off(replica),
        .clock_off = clock_is_off(replica),
        .name_shared = replica->name_shared,
        .keeps_log = replica->host_options.tlog,
        .skew_ms = (replica->skew_ns < 0 ? -replica->skew_ns : replica->skew_ns) / NS_PER_MS,
        .left = replica->left,
        .epoch = replica->keeper.epoch,
        .left_ms = left_ms > 0 ? left_ms : 0,
        .takeovers = replica->takeovers,
        .takeover_ms = replica->takeover_ns / NS_PER_MS,
        .losses = replica->losses,
        .handovers = replica->handovers,
        .transit = replica->transit,
    };
    replica_unlock(replica);
}

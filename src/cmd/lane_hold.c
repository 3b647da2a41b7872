#include "cmd/lane_hold.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/postgres_lease.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/reserve.h"
#include "cmd/journal_trust.h"
#include "cmd/pause.h"
#include "cmd/replica_log.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "wallet/clock_skew.h"
#include "wallet/lane.h"
#include "wallet/lease_keeper.h"

enum {
    LOOK_MS = 50,
    MOVED_MS = 10, /* left_ms is rounded, and clocks differ a little in speed */
    HOST_SIZE = 32,
};

/* What is looked after: both or none. */
struct watched {
    struct lane *lane;
    struct store *store;
};

struct lane_hold {
    struct lease *lease; /* the task's, once it runs */
    struct lease_party party;
    uint32_t lane;
    uint64_t epoch;
    int64_t skew_ns; /* of the wall clock, against the lease's, as last seen */
    struct log *log;
    struct clock *clock;
    struct sync *sync;
    struct task *task;
    bool fenced;  /* the task's: the lease is another's */
    bool doubted; /* the task's: the journal is to be asked whether it has what is known */
    struct store_point known; /* the task's: the newest durable batch that memory ever had */
    struct monitor *monitor;  /* guards: */
    struct watched watched;
    bool looking; /* the task uses what is watched */
    bool stopping;
    bool lost;
    bool taken_back;
};

/* When the lease ends, as far as can be told from here: between these two. */
struct sight {
    struct lease_view view;
    struct monotonic_time end_min;
    struct monotonic_time end_max;
};

static struct monotonic_time in_ms(const struct lane_hold *hold, int64_t ms)
{
    return (struct monotonic_time){ clock_monotonic(hold->clock).ns + ms * NS_PER_MS };
}

/* "alone-HOST-PID-RANDOM": nobody else's, and tells a person where to look. */
static void name_make(struct lane_hold *hold)
{
    char host[HOST_SIZE] = "";
    if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0'; /* it is only shown */
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    host[strspn(host, letters)] = '\0';
    uint32_t draw = 0;
    entropy_fill(system_entropy(), &draw, sizeof draw);
    int length = snprintf(hold->party.name, sizeof hold->party.name, "alone-%s-%ld-%08x", host,
                          (long)getpid(), draw);
    CHECK(length > 0 && (size_t)length < sizeof hold->party.name);
}

static struct lease_term term_of(const struct lane_hold *hold)
{
    return (struct lease_term){ .lane = hold->lane,
                                .party = &hold->party,
                                .epoch = hold->epoch,
                                .ttl_ms = LEASE_TERMS_DEFAULT.ttl_ms };
}

/* A look at who has the lease; nobody: an empty view. */
static enum status look(struct lane_hold *hold, struct sight *out_sight, struct error *out_error)
{
    struct sight sight = { 0 };
    struct clock_look clocks = { .before = clock_wall(hold->clock) };
    struct monotonic_time asked = clock_monotonic(hold->clock);
    enum status status = hold->lease->read(hold->lease, hold->lane, &sight.view, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    clocks.after = clock_wall(hold->clock);
    clocks.shared = sight.view.clock;
    if (status == STATUS_OK) hold->skew_ns = clock_skew_ns(&clocks);
    sight.end_min.ns = asked.ns + sight.view.left_ms * NS_PER_MS;
    sight.end_max.ns = clock_monotonic(hold->clock).ns + sight.view.left_ms * NS_PER_MS;
    *out_sight = sight;
    return STATUS_OK;
}

/* Somebody took or renewed it between two looks. */
static bool is_alive(const struct sight *before, const struct sight *after)
{
    if (after->view.left_ms <= 0) return false;
    bool moved = after->end_min.ns > before->end_max.ns + MOVED_MS * NS_PER_MS;
    return moved || after->view.epoch != before->view.epoch;
}

static enum status refuse(const struct lane_hold *hold, const struct lease_view *view,
                          struct error *out_error)
{
    const char *url = view->holder.url;
    (void)error_set(out_error, STATUS_CONFLICT,
                    "lane %u belongs to '%s'%s%s: to open it here would take it away", hold->lane,
                    view->holder.name, url[0] == '\0' ? "" : " at ", url);
    error_detail(out_error, "its lease has %lld ms left", (long long)view->left_ms);
    error_hint(out_error, "ask that server, or run the command on the folder of a server that runs "
                          "(--data), whose socket is used; what only reads may be run anywhere; "
                          "one server of several wants --cluster (docs/scale.md)");
    return STATUS_CONFLICT;
}

static enum status lease_take(struct lane_hold *hold, struct error *out_error)
{
    const struct lease_term term = term_of(hold);
    struct lease_view view;
    struct clock_look clocks = { .before = clock_wall(hold->clock) };
    enum status status = hold->lease->take(hold->lease, &term, &view, out_error);
    if (status != STATUS_OK) return status;
    clocks.after = clock_wall(hold->clock);
    clocks.shared = view.clock;
    hold->skew_ns = clock_skew_ns(&clocks);
    hold->epoch = view.epoch;
    return STATUS_OK;
}

/* What is decided under a clock that is ahead expires holds, and the lane's time stays there. */
static enum status clock_check(const struct lane_hold *hold, struct error *out_error)
{
    if (!clock_skew_is_too_much(hold->skew_ns)) return STATUS_OK;
    (void)error_set(out_error, STATUS_UNAVAILABLE, "the clock here is not the database's");
    error_detail(out_error, "it is %lld ms %s",
                 (long long)(hold->skew_ns < 0 ? -hold->skew_ns : hold->skew_ns) / NS_PER_MS,
                 hold->skew_ns < 0 ? "behind" : "ahead");
    error_hint(out_error, "look at NTP here, and on the database's machine");
    return STATUS_UNAVAILABLE;
}

static enum status lease_get(struct lane_hold *hold, struct error *out_error)
{
    const struct monotonic_time until = in_ms(hold, LANE_HOLD_PATIENCE_MS);
    struct sight before = { 0 };
    for (bool first = true;; first = false) {
        enum status status = lease_take(hold, out_error);
        if (status == STATUS_OK || status == STATUS_UNAVAILABLE) return status;
        struct sight after;
        status = look(hold, &after, out_error);
        if (status != STATUS_OK) return status;
        bool mine = strcmp(after.view.holder.name, hold->party.name) == 0; /* after a doubt */
        if (mine) hold->epoch = after.view.epoch;
        if (mine) return STATUS_OK;
        if (first) before = after;
        bool late = clock_monotonic(hold->clock).ns >= until.ns;
        if (late || is_alive(&before, &after)) return refuse(hold, &after.view, out_error);
        pause_ms(LOOK_MS);
    }
}

/* What another commits from now on is not in this memory. */
static void say_lost(struct lane_hold *hold, const struct watched *watched)
{
    if (watched->lane != NULL) lane_disown(watched->lane);
    const struct log_field field = { STR("lane"), { NULL, 0 }, hold->lane };
    log_write(hold->log,
              (struct log_line){ .level = LOG_ERROR,
                                 .event = STR("lease.lost"),
                                 .message = STR("another process has taken the lane "
                                                "over: this one has to be started again"),
                                 .fields = &field,
                                 .field_count = 1 });
}

/* Memory that was loaded anew may be of an older state. */
static void known_note(struct lane_hold *hold, const struct watched *watched)
{
    struct lane_status status;
    lane_get_status(watched->lane, &status);
    if (status.head.sequence > hold->known.batch) hold->known = store_head_point(&status.head);
}

/* False: to be tried again soon. */
static bool lease_renew(struct lane_hold *hold, const struct watched *watched)
{
    const struct lease_term term = term_of(hold);
    struct lease_view view;
    struct error error = { 0 }; /* what is wrong is tried again */
    bool watches = watched->lane != NULL;
    if (watches) known_note(hold, watched);
    enum status status = hold->lease->renew(hold->lease, &term, &view, &error);
    hold->fenced = status == STATUS_FENCED;
    if (watches && hold->fenced) lane_disown(watched->lane); /* whatever the journal says of it */
    /* A lease that is another's may be one of before, put back with the rest. */
    bool wrong = status == STATUS_OK && journal_head_contradicts(hold->known, view.head);
    if (watches && (wrong || hold->fenced)) hold->doubted = true;
    return status == STATUS_OK;
}

/* True: it was taken back. */
static bool journal_look(struct lane_hold *hold, const struct watched *watched)
{
    const struct replica_log log = { hold->log, hold->party.name, hold->lane };
    struct store_head head = { 0 };
    struct error error = { 0 };
    enum journal_answer answer = journal_ask(watched->store, hold->known, &head, &error);
    if (answer == JOURNAL_SAYS_NOTHING) return false;
    hold->doubted = false;
    if (answer == JOURNAL_HAS && !hold->fenced) replica_log_doubted(&log);
    if (answer == JOURNAL_HAS) return false;
    lane_condemn(watched->lane);
    replica_log_taken_back(&log, hold->known.batch, head.sequence, &error);
    return true;
}

/* One look, outside the monitor. Returns when the next one is due. */
static struct monotonic_time look_after(struct lane_hold *hold, const struct watched *watched,
                                        bool *out_taken_back)
{
    bool renewed = !hold->fenced && lease_renew(hold, watched);
    if (watched->lane == NULL) hold->doubted = false; /* there is nothing in memory */
    *out_taken_back = hold->doubted && journal_look(hold, watched);
    bool well = renewed && !hold->doubted;
    return in_ms(hold, well ? LEASE_TERMS_DEFAULT.renew_ms : LEASE_TERMS_DEFAULT.retry_ms);
}

static void renew_run(void *argument)
{
    struct lane_hold *hold = argument;
    struct monotonic_time at = in_ms(hold, LEASE_TERMS_DEFAULT.renew_ms);
    hold->sync->lock(hold->monitor);
    while (!hold->stopping && !hold->lost && !hold->taken_back) {
        if (clock_monotonic(hold->clock).ns < at.ns) {
            (void)hold->sync->wait(hold->monitor, at); /* looked at again */
            continue;
        }
        const struct watched watched = hold->watched;
        bool taken_back = false;
        hold->looking = true;
        hold->sync->unlock(hold->monitor);
        at = look_after(hold, &watched, &taken_back);
        bool lost = hold->fenced && !hold->doubted;
        if (lost && !taken_back) say_lost(hold, &watched);
        hold->sync->lock(hold->monitor);
        hold->looking = false;
        hold->lost = lost;
        hold->taken_back = taken_back;
        hold->sync->wake_all(hold->monitor); /* lane_hold_unwatch() */
    }
    hold->sync->unlock(hold->monitor);
}

enum status lane_hold_open(const struct data_folder *folder, struct log *log,
                           struct lane_hold **out_hold, struct error *out_error)
{
    const struct lane_hold_place place = { data_folder_store(folder), data_folder_lane(folder) };
    *out_hold = NULL;
    if (place.url == NULL) return STATUS_OK;
    return lane_hold_open_at(&place, log, out_hold, out_error);
}

enum status lane_hold_open_at(const struct lane_hold_place *place, struct log *log,
                              struct lane_hold **out_hold, struct error *out_error)
{
    const struct postgres_lease_options options = { .url = place->url };
    *out_hold = NULL;
    struct lane_hold *hold = reserve_new(sizeof *hold);
    *hold = (struct lane_hold){
        .lane = place->lane, .log = log, .clock = system_clock(), .sync = thread_sync()
    };
    hold->monitor = hold->sync->monitor_new(hold->sync, "lane.hold");
    name_make(hold);
    enum status status = postgres_lease_open(&options, &hold->lease, out_error);
    if (status == STATUS_OK) status = lease_get(hold, out_error);
    if (status == STATUS_OK) status = clock_check(hold, out_error);
    if (status == STATUS_OK) {
        status = hold->sync->spawn(hold->sync, "lane.hold", renew_run, hold, &hold->task);
        if (status != STATUS_OK)
            (void)error_set(out_error, status, "the task that keeps the lease cannot be started");
    }
    if (status != STATUS_OK) {
        lane_hold_close(hold);
        return status;
    }
    *out_hold = hold;
    return STATUS_OK;
}

void lane_hold_watch(struct lane_hold *hold, struct lane *lane, struct store *store)
{
    hold->sync->lock(hold->monitor);
    hold->watched = (struct watched){ lane, store };
    hold->sync->unlock(hold->monitor);
}

void lane_hold_unwatch(struct lane_hold *hold)
{
    hold->sync->lock(hold->monitor);
    hold->watched = (struct watched){ 0 };
    while (hold->looking) {
        (void)hold->sync->wait(hold->monitor, MONOTONIC_NEVER); /* each look has its end */
    }
    hold->sync->unlock(hold->monitor);
}

void lane_hold_close(struct lane_hold *hold)
{
    if (hold == NULL) return;
    hold->sync->lock(hold->monitor);
    hold->stopping = true;
    hold->sync->wake_all(hold->monitor);
    hold->sync->unlock(hold->monitor);
    hold->sync->join(hold->task);
    const struct lease_term term = term_of(hold);
    struct error error = { 0 }; /* not given back, it ends by itself */
    if (hold->epoch != 0 && !hold->lost) (void)hold->lease->release(hold->lease, &term, "", &error);
    if (hold->lease != NULL) hold->lease->close(hold->lease);
    hold->sync->monitor_free(hold->monitor);
    reserve_free(hold, sizeof *hold);
}

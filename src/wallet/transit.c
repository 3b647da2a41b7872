/* A lane that does not answer holds up what is on its way there, and nothing else. */
#include "wallet/transit.h"

#include "base/check.h"
#include "base/reserve.h"
#include "wallet/history.h"

enum {
    ROUND_MAX = 64,      /* departures taken together */
    LOOK_MS = 1000,      /* between two looks when nobody says that something has left */
    PAUSE_MS_MIN = 50,   /* when the other lane, or this one, does not answer, */
    PAUSE_MS_MAX = 5000, /* ever longer */
    OUTCOME_OPEN = UINT8_MAX,
};

/* An open departure, and what the other lane says of it. */
struct departure {
    struct history_entry entry;
    uint8_t outcome; /* of its arrival, or OUTCOME_OPEN */
};

/* To one other lane. */
struct way {
    struct transit *transit;
    uint32_t peer;
    struct transit_link *link;
    struct task *task;
    uint64_t from;  /* where the next look begins */
    bool more;      /* there are others behind those that were looked at */
    uint64_t rings; /* of the bell, heard so far */
    uint64_t open;  /* under the monitor: seen by the newest look */
    uint32_t count;
    struct departure departures[ROUND_MAX];
    struct transfer asked[ROUND_MAX];
    struct transfer_result results[ROUND_MAX];
};

struct transit {
    struct lane *lane;
    struct lane_ports ports;
    struct transit_options options;
    struct monitor *monitor; /* guards the rest but for what a worker has for itself */
    bool stopping;
    uint64_t rings;
    struct transit_status status;
    struct way ways[LANES_MAX];
    uint32_t way_count;
};

/* ---- Waiting ---- */

static bool stopping(struct transit *transit)
{
    transit->ports.sync->lock(transit->monitor);
    bool stop = transit->stopping;
    transit->ports.sync->unlock(transit->monitor);
    return stop;
}

/* Until the time is over, it is to stop, or, when that is heard, something has left. */
static void way_wait(struct way *way, int64_t ms, bool hears)
{
    struct transit *transit = way->transit;
    struct sync *sync = transit->ports.sync;
    struct monotonic_time until = { clock_monotonic(transit->ports.clock).ns + ms * NS_PER_MS };
    sync->lock(transit->monitor);
    while (!transit->stopping && clock_monotonic(transit->ports.clock).ns < until.ns) {
        if (hears && way->rings != transit->rings) break;
        (void)sync->wait(transit->monitor, until); /* woken early: looked at again */
    }
    way->rings = transit->rings;
    sync->unlock(transit->monitor);
}

static void count_add(struct transit *transit, uint64_t *counter, uint64_t more)
{
    transit->ports.sync->lock(transit->monitor);
    *counter += more;
    transit->ports.sync->unlock(transit->monitor);
}

/* ---- What is open ---- */

static enum status departures_load(struct way *way)
{
    struct transit *transit = way->transit;
    struct locator locators[ROUND_MAX];
    struct read read = {
        .kind = READ_TRANSITS,
        .from = way->from,
        .peer = way->peer,
        .limit = ROUND_MAX,
        .locators = locators,
    };
    struct request request = { .kind = REQUEST_READ, .principal = PRINCIPAL_SYSTEM, .read = &read };
    way->count = 0;
    enum status status = lane_run(transit->lane, &request);
    if (status != STATUS_OK) return status;
    way->from = read.from;
    way->more = read.more;
    transit->ports.sync->lock(transit->monitor);
    way->open = read.found;
    transit->ports.sync->unlock(transit->monitor);
    for (uint32_t i = 0; i < read.found; i++) {
        struct departure *departure = &way->departures[way->count];
        struct error error;
        status = history_transfer(transit->ports.store, locators[i], &departure->entry, &error);
        if (status != STATUS_OK) return status;
        CHECK(departure->entry.transfer.head.kind == TRANSFER_DEPARTURE);
        departure->outcome = OUTCOME_OPEN;
        way->count++;
    }
    return STATUS_OK;
}

/* The trace of all of them, when it is one. */
static struct trace trace_of(const struct way *way)
{
    struct trace trace = way->departures[0].entry.context.trace;
    for (uint32_t i = 1; i < way->count; i++) {
        struct trace other = way->departures[i].entry.context.trace;
        if (!uuid_equal(other.id, trace.id)) return (struct trace){ 0 };
    }
    return trace;
}

static struct request request_of(struct way *way, uint32_t count, bool withdraw)
{
    return (struct request){
        .kind = REQUEST_TRANSFERS,
        .principal = PRINCIPAL_SYSTEM,
        .trace = trace_of(way),
        .root = lane_new_id(way->transit->lane),
        .withdraw = withdraw,
        .count = count,
        .transfers = way->asked,
        .transfer_results = way->results,
    };
}

/* ---- The other lane decides ---- */

static bool is_overdue(const struct transit *transit, const struct departure *departure)
{
    int64_t age_ns = clock_wall(transit->ports.clock).ns - departure->entry.stamp.ns;
    return age_ns >= transit->options.patience_ms * NS_PER_MS;
}

/* Asks for what arrives; of those that are overdue so that nothing can arrive any more. */
static enum status arrivals_ask(struct way *way, const bool *overdue, bool withdraw)
{
    uint32_t which[ROUND_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < way->count; i++) {
        const struct history_entry *entry = &way->departures[i].entry;
        if (overdue[i] != withdraw) continue;
        way->asked[count] = transit_arrival(&entry->transfer, &entry->more);
        which[count++] = i;
    }
    if (count == 0) return STATUS_OK;
    struct request request = request_of(way, count, withdraw);
    enum status status = way->link->run(way->link, &request);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        way->departures[which[i]].outcome = way->results[i].outcome;
    }
    if (withdraw) count_add(way->transit, &way->transit->status.withdrawn, count);
    return STATUS_OK;
}

static enum status arrivals_decide(struct way *way)
{
    bool overdue[ROUND_MAX];
    for (uint32_t i = 0; i < way->count; i++) {
        overdue[i] = is_overdue(way->transit, &way->departures[i]);
    }
    enum status status = arrivals_ask(way, overdue, false);
    if (status == STATUS_OK) status = arrivals_ask(way, overdue, true);
    if (status != STATUS_OK) count_add(way->transit, &way->transit->status.unreachable, 1);
    return status;
}

/* ---- This lane ends it ---- */

static void broken_tell(struct way *way, uint32_t index)
{
    struct transit *transit = way->transit;
    char id[UUID_TEXT_LEN + 1];
    uuid_format(way->asked[index].target.value, id);
    const struct log_field fields[] = {
        { STR("departure"), { id, UUID_TEXT_LEN }, 0 },
        { STR("outcome"), str_from(outcome_code(way->results[index].outcome)), 0 },
    };
    log_write(transit->ports.log,
              (struct log_line){
                  .level = LOG_ALARM,
                  .trace = trace_of(way),
                  .event = STR("transit.broken"),
                  .message = STR("a departure cannot be ended as the other lane has decided"),
                  .fields = fields,
                  .field_count = 2,
              });
    count_add(transit, &transit->status.broken, 1);
}

/* Whether it is ended now, as it was to be; an owner before us may have done it. */
static bool is_ended(uint8_t kind, uint8_t outcome)
{
    if (outcome == OUTCOME_OK) return true;
    return outcome ==
           (kind == TRANSFER_POST ? OUTCOME_HOLD_ALREADY_POSTED : OUTCOME_HOLD_ALREADY_VOIDED);
}

/* Their ids are known to somebody else: then others do as well, since a hold ends only once. */
static enum status ends_again(struct way *way, uint32_t count)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (way->results[i].outcome != OUTCOME_ID_CONFLICT) continue;
        way->asked[left] = way->asked[i];
        way->asked[left++].id.value = (struct uuid){ 0 };
    }
    if (left == 0) return STATUS_OK;
    struct request request = request_of(way, left, false);
    enum status status = lane_run(way->transit->lane, &request);
    for (uint32_t i = 0; i < left && status == STATUS_OK; i++) {
        if (!is_ended(way->asked[i].kind, way->results[i].outcome)) broken_tell(way, i);
    }
    return status;
}

static enum status departures_end(struct way *way)
{
    struct transit *transit = way->transit;
    uint32_t count = 0;
    for (uint32_t i = 0; i < way->count; i++) {
        const struct departure *departure = &way->departures[i];
        CHECK(departure->outcome < OUTCOME_COUNT);
        way->asked[count++] = transit_end(&departure->entry.transfer, departure->outcome);
    }
    struct request request = request_of(way, count, false);
    enum status status = lane_run(transit->lane, &request);
    if (status != STATUS_OK) return status;
    uint64_t settled = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t outcome = way->results[i].outcome;
        bool ended = is_ended(way->asked[i].kind, outcome);
        if (!ended && outcome != OUTCOME_ID_CONFLICT) broken_tell(way, i);
        if (ended && way->asked[i].kind == TRANSFER_POST) settled++;
    }
    count_add(transit, &transit->status.settled, settled);
    count_add(transit, &transit->status.released, count - settled);
    return ends_again(way, count);
}

/* ---- Workers ---- */

static enum status way_round(struct way *way)
{
    enum status status = departures_load(way);
    if (status != STATUS_OK || way->count == 0) return status;
    status = arrivals_decide(way);
    if (status == STATUS_OK) status = departures_end(way);
    return status;
}

static void way_run(void *argument)
{
    struct way *way = argument;
    int64_t pause_ms = PAUSE_MS_MIN;
    while (!stopping(way->transit)) {
        enum status status = way_round(way);
        if (status == STATUS_STOPPED && way->count == 0) return; /* this lane is drained */
        if (status != STATUS_OK) {
            way->from = 0;
            way_wait(way, pause_ms, false);
            pause_ms = pause_ms * 2 < PAUSE_MS_MAX ? pause_ms * 2 : PAUSE_MS_MAX;
            continue;
        }
        pause_ms = PAUSE_MS_MIN;
        bool idle = way->count == 0 && !way->more;
        if (way->count > 0 || !way->more) way->from = 0; /* those that end make others move up */
        if (idle) way_wait(way, LOOK_MS, true);
    }
}

enum status transit_start(struct lane *lane, const struct lane_ports *ports,
                          const struct transit_options *options, struct transit **out_transit,
                          struct error *out_error)
{
    CHECK(options->lanes > 1 && options->lanes <= LANES_MAX && options->lane < options->lanes);
    CHECK(options->patience_ms > 0);
    struct transit *transit = reserve_new(sizeof *transit);
    if (transit == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for transits");
    transit->lane = lane;
    transit->ports = *ports;
    transit->options = *options;
    transit->options.links = NULL;
    transit->monitor = ports->sync->monitor_new(ports->sync, "transit");
    for (uint32_t peer = 0; peer < options->lanes; peer++) {
        if (peer == options->lane) continue;
        struct way *way = &transit->ways[transit->way_count];
        way->transit = transit;
        way->peer = peer;
        way->link = options->links[peer];
        enum status status = ports->sync->spawn(ports->sync, "transit", way_run, way, &way->task);
        if (status != STATUS_OK) {
            transit_stop(transit);
            return error_set(out_error, status, "the tasks of transits cannot be started");
        }
        transit->way_count++;
    }
    *out_transit = transit;
    return STATUS_OK;
}

void transit_stop(struct transit *transit)
{
    if (transit == NULL) return;
    struct sync *sync = transit->ports.sync;
    sync->lock(transit->monitor);
    transit->stopping = true;
    sync->wake_all(transit->monitor);
    sync->unlock(transit->monitor);
    for (uint32_t i = 0; i < transit->way_count; i++) sync->join(transit->ways[i].task);
    sync->monitor_free(transit->monitor);
    reserve_free(transit, sizeof *transit);
}

void transit_wake(struct transit *transit)
{
    struct sync *sync = transit->ports.sync;
    sync->lock(transit->monitor);
    transit->rings++;
    sync->wake_all(transit->monitor);
    sync->unlock(transit->monitor);
}

void transit_get_status(struct transit *transit, struct transit_status *out_status)
{
    transit->ports.sync->lock(transit->monitor);
    *out_status = transit->status;
    out_status->open = 0;
    for (uint32_t i = 0; i < transit->way_count; i++) out_status->open += transit->ways[i].open;
    transit->ports.sync->unlock(transit->monitor);
}

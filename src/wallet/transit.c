/* A lane that does not answer holds up what is on its way there, and nothing else. */
#include "wallet/transit.h"

#include "base/check.h"
#include "base/reserve.h"
#include "model/position.h"
#include "wallet/history.h"
#include "wallet/transit_stuck.h"
#include "webhook/endpoint.h"

enum {
    ROUND_MAX = 64,     /* departures taken together */
    LOOK_MS = 1000,     /* between two looks when nobody says that something has left */
    EACH_MS_MAX = 5000, /* asked about one by one, until the next round */
    OUTCOME_OPEN = UINT8_MAX,
};

/* When the other lane, or this one, does not answer: ever longer. */
static const struct delivery_policy PAUSES = { .first_ms = 50, .delay_ms_max = 5000 };

/* How the other lane is asked about a departure. */
enum asking {
    ASKING_DECIDE,
    ASKING_PAY,      /* it is a payment, which is to a wallet only */
    ASKING_WITHDRAW, /* it is overdue: so that nothing can arrive any more */
    ASKING_COUNT,
};

/* An open departure, and what the other lane says of it. */
struct departure {
    struct history_entry entry;
    bool paid;       /* a payment waits for it, and ends it by its own command */
    uint8_t asking;  /* enum asking, in this round */
    uint8_t outcome; /* of its arrival, or OUTCOME_OPEN */
};

/* The command by which a payment ends its departure. */
struct ending {
    struct payment_command command;
    struct payment_result result;
    struct request request;
    struct wall_time left_at;
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
    struct prng prng;
    struct transit_stuck stuck; /* its count is changed under the monitor */
    uint32_t count;
    struct departure departures[ROUND_MAX];
    struct transfer asked[ROUND_MAX];
    struct transfer_result results[ROUND_MAX];
    struct payment payments[ROUND_MAX];
    struct ending endings[ROUND_MAX];
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

/* Which of them a payment waits for: it names its departure, whatever others have as reference. */
static enum status payments_find(struct way *way)
{
    uint32_t which[ROUND_MAX];
    struct uuid ids[ROUND_MAX];
    struct locator locators[ROUND_MAX]; /* of payments at rest, which wait for nothing */
    uint32_t count = 0;
    for (uint32_t i = 0; i < way->count; i++) {
        way->departures[i].paid = false;
        struct uuid reference = way->departures[i].entry.transfer.user_ref;
        if (uuid_is_nil(reference)) continue;
        ids[count] = reference;
        which[count++] = i;
    }
    if (count == 0) return STATUS_OK;
    struct read read = { .kind = READ_PAYMENTS,
                         .count = count,
                         .ids = ids,
                         .payments = way->payments,
                         .locators = locators };
    struct request request = { .kind = REQUEST_READ, .principal = PRINCIPAL_SYSTEM, .read = &read };
    enum status status = lane_run(way->transit->lane, &request);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        struct departure *departure = &way->departures[which[i]];
        const struct payment *payment = &way->payments[i]; /* zero: none is open */
        departure->paid = payment_waits_for(payment, departure->entry.transfer.id);
    }
    return status;
}

/* Those whose end was refused are not tried again, nor is the other lane asked about them. */
static void stuck_leave(struct way *way)
{
    struct sync *sync = way->transit->ports.sync;
    uint32_t left = 0;
    sync->lock(way->transit->monitor);
    for (uint32_t i = 0; i < way->count; i++) {
        const struct departure *departure = &way->departures[i];
        if (transit_stuck_has(&way->stuck, departure->entry.transfer.id, departure->paid)) continue;
        way->departures[left++] = *departure;
    }
    if (!way->more) transit_stuck_looked(&way->stuck);
    sync->unlock(way->transit->monitor);
    way->count = left;
}

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
    if (way->from == 0) transit_stuck_look(&way->stuck);
    enum status status = lane_run(transit->lane, &request);
    if (status != STATUS_OK) return status;
    way->from = read.from;
    way->more = read.more;
    transit->ports.sync->lock(transit->monitor);
    transit->status.open = read.departure_count;
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
    status = payments_find(way);
    if (status == STATUS_OK) stuck_leave(way);
    return status;
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

static struct request request_of(struct way *way, uint32_t count, enum asking asking)
{
    return (struct request){
        .kind = REQUEST_TRANSFERS,
        .principal = PRINCIPAL_SYSTEM,
        .trace = trace_of(way),
        .root = lane_new_id(way->transit->lane),
        .withdraw = asking == ASKING_WITHDRAW,
        .to_wallets = asking == ASKING_PAY,
        .count = count,
        .transfers = way->asked,
        .transfer_results = way->results,
    };
}

/* ---- The other lane decides ---- */

static enum asking asking_of(const struct transit *transit, const struct departure *departure)
{
    int64_t age_ns = clock_wall(transit->ports.clock).ns - departure->entry.stamp.ns;
    if (age_ns >= transit->options.patience_ms * NS_PER_MS) return ASKING_WITHDRAW;
    return departure->paid ? ASKING_PAY : ASKING_DECIDE;
}

/* Some of them, in one call. */
static enum status arrivals_ask(struct way *way, enum asking asking, const uint32_t *which,
                                uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct history_entry *entry = &way->departures[which[i]].entry;
        way->asked[i] = transit_arrival(&entry->transfer, &entry->more);
    }
    struct request request = request_of(way, count, asking);
    enum status status = way->link->run(way->link, &request);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        way->departures[which[i]].outcome = way->results[i].outcome;
    }
    if (request.withdraw) count_add(way->transit, &way->transit->status.withdrawn, count);
    return STATUS_OK;
}

/* Nobody has looked at what was asked. */
static bool is_undone(enum status status)
{
    return status == STATUS_UNAVAILABLE || status == STATUS_STOPPED;
}

/* After a call that ended otherwise: what the lane cannot answer is nobody's but its own. */
static bool arrivals_ask_each(struct way *way, enum asking asking, const uint32_t *which,
                              uint32_t count)
{
    struct transit *transit = way->transit;
    int64_t until_ns = clock_monotonic(transit->ports.clock).ns + EACH_MS_MAX * NS_PER_MS;
    uint32_t answered = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (stopping(transit) || clock_monotonic(transit->ports.clock).ns >= until_ns) break;
        enum status status = arrivals_ask(way, asking, &which[i], 1);
        if (is_undone(status)) break;
        answered += status == STATUS_OK;
    }
    return answered == count;
}

static enum status arrivals_ask_all(struct way *way, enum asking asking)
{
    uint32_t which[ROUND_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < way->count; i++) {
        if (way->departures[i].asking == asking) which[count++] = i;
    }
    if (count == 0) return STATUS_OK;
    enum status status = arrivals_ask(way, asking, which, count);
    if (status == STATUS_OK || is_undone(status) || count == 1) return status;
    return arrivals_ask_each(way, asking, which, count) ? STATUS_OK : status;
}

/* The first failure; those that were answered have their outcomes whatever became of others. */
static enum status arrivals_decide(struct way *way)
{
    for (uint32_t i = 0; i < way->count; i++) {
        way->departures[i].asking = (uint8_t)asking_of(way->transit, &way->departures[i]);
    }
    enum status first = STATUS_OK;
    for (enum asking asking = 0; asking < ASKING_COUNT; asking++) {
        enum status status = arrivals_ask_all(way, asking);
        if (first == STATUS_OK) first = status;
    }
    if (first != STATUS_OK) count_add(way->transit, &way->transit->status.unreachable, 1);
    return first;
}

/* ---- This lane ends it ---- */

/* Told once: no repeat can end otherwise. With so many that none more can be known, after a pause. */
static enum status stuck_tell(struct way *way, struct transfer_id departure, bool paid,
                              const char *outcome)
{
    struct transit *transit = way->transit;
    char id[UUID_TEXT_LEN + 1];
    uuid_format(departure.value, id);
    const struct log_field fields[] = {
        { STR("departure"), { id, UUID_TEXT_LEN }, 0 },
        { STR("outcome"), str_from(outcome), 0 },
        { STR("lane"), { 0 }, way->peer },
    };
    log_write(transit->ports.log,
              (struct log_line){
                  .level = LOG_ALARM,
                  .trace = trace_of(way),
                  .event = STR("transit.stuck"),
                  .message = STR("a departure cannot be ended as the other lane has decided"),
                  .fields = fields,
                  .field_count = 3,
              });
    transit->ports.sync->lock(transit->monitor);
    bool known = transit_stuck_add(&way->stuck, departure, paid, outcome);
    transit->status.broken++;
    transit->ports.sync->unlock(transit->monitor);
    return known ? STATUS_OK : STATUS_CORRUPT;
}

/* Whether it is ended now, as it was to be; an owner before us may have done it. */
static bool is_ended(uint8_t kind, uint8_t outcome)
{
    if (outcome == OUTCOME_OK) return true;
    return outcome ==
           (kind == TRANSFER_POST ? OUTCOME_HOLD_ALREADY_POSTED : OUTCOME_HOLD_ALREADY_VOIDED);
}

static void ended_count(struct transit *transit, uint64_t settled, uint64_t released)
{
    count_add(transit, &transit->status.settled, settled);
    count_add(transit, &transit->status.released, released);
}

/*
 * Asks this lane for the ends. *out_again of them are to be asked for under an id of chance: their own
 * is somebody else's, or was refused to an owner before us, and has that answer for ever.
 */
static enum status ends_run(struct way *way, uint32_t count, uint32_t *out_again)
{
    struct request request = request_of(way, count, ASKING_DECIDE);
    enum status status = lane_run(way->transit->lane, &request);
    if (status != STATUS_OK) return status;
    uint64_t settled = 0;
    uint64_t released = 0;
    uint32_t again = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct transfer end = way->asked[i];
        uint8_t outcome = way->results[i].outcome;
        bool ended = is_ended(end.kind, outcome);
        settled += ended && end.kind == TRANSFER_POST;
        released += ended && end.kind == TRANSFER_VOID;
        if (ended) continue;
        if (outcome == OUTCOME_ID_CONFLICT || way->results[i].repeated) {
            way->asked[again] = end;
            way->asked[again++].id.value = (struct uuid){ 0 };
            continue;
        }
        enum status told = stuck_tell(way, end.target, false, outcome_code(outcome));
        if (status == STATUS_OK) status = told;
    }
    ended_count(way->transit, settled, released);
    *out_again = again;
    return status;
}

/* Whatever the id: a departure ends only once. */
static enum status transfers_end(struct way *way)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < way->count; i++) {
        const struct departure *departure = &way->departures[i];
        if (departure->outcome == OUTCOME_OPEN || departure->paid) continue;
        CHECK(departure->outcome < OUTCOME_COUNT);
        way->asked[count++] = transit_end(&departure->entry.transfer, departure->outcome);
    }
    enum status status = STATUS_OK;
    if (count > 0) status = ends_run(way, count, &count);
    if (count > 0 && status == STATUS_OK) status = ends_run(way, count, &count);
    return status;
}

/* Payment and departure end in one unit, so that no state is without its bookings. */
static void ending_make(struct way *way, const struct departure *departure,
                        struct ending *out_ending)
{
    const struct history_entry *entry = &departure->entry;
    struct uuid root = lane_new_id(way->transit->lane);
    *out_ending = (struct ending){
        .left_at = entry->stamp,
        .command = { .cause = PAYMENT_CAUSE_ARRIVE,
                     .id = { entry->transfer.user_ref },
                     .departure = entry->transfer.id,
                     .arrival = departure->outcome },
        .request = { .kind = REQUEST_PAYMENT,
                     .principal = PRINCIPAL_SYSTEM,
                     .trace = { .id = entry->context.trace.id, .span = span_of_id(root) },
                     .root = root,
                     .count = 1 },
    };
    out_ending->request.payment = &out_ending->command;
    out_ending->request.payment_result = &out_ending->result;
}

/* From the commit that made the payment to the one that ends it. */
static void ending_record(struct way *way, const struct ending *ending)
{
    const struct payment *payment = &ending->result.payment;
    struct tracer *tracer = way->transit->ports.tracer;
    const struct span_subject subject = {
        .trace = ending->request.trace.id,
        .payment = payment->id.value,
        .user_ref = payment->user_ref,
    };
    if (!tracer_wants(tracer, &subject)) return;
    struct span span = {
        .trace = ending->request.trace,
        .parent = span_of_id(payment->id.value),
        .kind = SPAN_INTERNAL,
        .name = STR("transit"),
        .failed = ending->command.arrival != OUTCOME_OK,
        .start = ending->left_at,
        .end = clock_wall(way->transit->ports.clock),
    };
    char position[POSITION_TEXT_SIZE];
    span_note_text(&span, STR("tpwallet.position"),
                   position_format(ending->request.position, position));
    span_note_id(&span, STR("tpwallet.payment.id"), payment->id.value);
    span_note_number(&span, STR("tpwallet.transit.lane"), way->peer);
    const char *outcome = outcome_code(ending->command.arrival);
    span_note_text(&span, STR("tpwallet.outcome"), str_from(outcome));
    tracer->record(tracer, &span);
}

/* What the ledger has said, when it was the ledger. */
static const char *ending_refusal(const struct payment_result *result)
{
    bool ledger = result->outcome == PAYMENT_OUTCOME_LEDGER;
    return ledger ? outcome_code(result->ledger_outcome) : payment_outcome_code(result->outcome);
}

/* All are handed in before one is waited for: they share a commit. */
static enum status payments_end(struct way *way)
{
    struct lane *lane = way->transit->lane;
    enum status status = STATUS_OK;
    uint32_t count = 0;
    for (uint32_t i = 0; i < way->count && status == STATUS_OK; i++) {
        const struct departure *departure = &way->departures[i];
        if (departure->outcome == OUTCOME_OPEN || !departure->paid) continue;
        ending_make(way, departure, &way->endings[count]);
        status = lane_submit(lane, &way->endings[count].request);
        if (status == STATUS_OK) count++;
    }
    uint64_t settled = 0;
    uint64_t released = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct ending *ending = &way->endings[i];
        lane_wait(lane, &ending->request);
        bool done =
            ending->request.status == STATUS_OK && ending->result.outcome == PAYMENT_OUTCOME_OK;
        if (done) ending_record(way, ending);
        if (ending->request.status != STATUS_OK) {
            status = ending->request.status;
        } else if (!done) {
            enum status told =
                stuck_tell(way, ending->command.departure, true, ending_refusal(&ending->result));
            if (status == STATUS_OK) status = told;
        } else if (ending->command.arrival == OUTCOME_OK) {
            settled++;
        } else {
            released++;
        }
    }
    ended_count(way->transit, settled, released);
    return status;
}

/* ---- Workers ---- */

static enum status way_round(struct way *way)
{
    enum status status = departures_load(way);
    if (status != STATUS_OK || way->count == 0) return status;
    enum status decided = arrivals_decide(way);
    status = transfers_end(way);
    if (status == STATUS_OK) status = payments_end(way);
    return status == STATUS_OK ? decided : status;
}

static void way_run(void *argument)
{
    struct way *way = argument;
    uint32_t failures = 0;
    while (!stopping(way->transit)) {
        enum status status = way_round(way);
        if (status == STATUS_STOPPED && way->count == 0) return; /* this lane is drained */
        if (status != STATUS_OK) {
            if (!way->more) way->from = 0; /* else to those behind: they may have an answer */
            way_wait(way, delivery_delay_ms(&PAUSES, ++failures, 0, &way->prng), false);
            continue;
        }
        failures = 0;
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
        prng_init(&way->prng, lane_new_id(lane).lo);
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

const char *transit_refusal(struct transit *transit, uint32_t peer, struct transfer_id departure,
                            bool paid)
{
    const char *outcome = NULL;
    struct sync *sync = transit->ports.sync;
    sync->lock(transit->monitor);
    for (uint32_t i = 0; i < transit->way_count; i++) {
        const struct way *way = &transit->ways[i];
        if (way->peer == peer) outcome = transit_stuck_outcome(&way->stuck, departure, paid);
    }
    sync->unlock(transit->monitor);
    return outcome;
}

void transit_get_status(struct transit *transit, struct transit_status *out_status)
{
    transit->ports.sync->lock(transit->monitor);
    *out_status = transit->status;
    for (uint32_t i = 0; i < transit->way_count; i++)
        out_status->stuck += transit->ways[i].stuck.count;
    transit->ports.sync->unlock(transit->monitor);
}

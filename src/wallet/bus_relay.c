/* The relay's task has all of it alone but for `status`, which the monitor guards. */
#include "wallet/bus_relay.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/metric_text.h"
#include "base/reserve.h"
#include "model/position.h"
#include "model/trace_context.h"
#include "wallet/endpoint_walk.h"
#include "wallet/event_envelope.h"

const struct bus_relay_options BUS_RELAY_OPTIONS_DEFAULT = {
    .run_events_max = 4096,
    .run_size_max = 4 << 20,
    .poll_ms = 10,
    .retry_ms_min = 250,
    .retry_ms_max = 30000,
    .task = true,
};
_Static_assert((int)EVENT_SIZE_MAX + (int)BUS_KEY_SIZE_MAX < (int)BUS_EVENT_SIZE_MAX,
               "an event's envelope is an event of the bus");

/* An event of the run that is gathered: where its parts begin in `bytes`, one behind the other. */
struct gathered {
    size_t at;
    uint32_t key_len;
    uint32_t trace_len;
    uint32_t type_len; /* of the event's type, for its span; 0: it is not watched */
    uint32_t value_len;
    struct position position;
    struct wall_time time;
    struct trace trace; /* as the traceparent has it */
    uint64_t parent;    /* the unit's span */
};

struct bus_relay {
    struct bus_relay_ports ports;
    struct bus_relay_options options;
    struct task *task;
    bool begun;
    uint32_t retry_ms; /* the next wait; 0: nothing has failed */
    struct monotonic_time idle_until;
    struct bus_mark mark;  /* published */
    struct bus_mark ahead; /* of the last event gathered */
    struct buf event;      /* that the feed writes */
    struct buf bytes;      /* of the run */
    uint64_t tries;        /* of runs; no two spans of one event are the same */
    uint32_t count;
    struct gathered gathered[BUS_RUN_EVENTS_MAX];
    struct bus_event run[BUS_RUN_EVENTS_MAX];

    struct monitor *monitor; /* guards the rest */
    bool stopping;
    struct bus_relay_status status;
};

/* ---- What others see ---- */

static void status_tell(struct bus_relay *relay, enum bus_relay_state state)
{
    relay->ports.sync->lock(relay->monitor);
    relay->status.state = state;
    relay->status.published = relay->mark;
    relay->ports.sync->unlock(relay->monitor);
}

static void oldest_tell(struct bus_relay *relay, struct wall_time oldest)
{
    relay->ports.sync->lock(relay->monitor);
    relay->status.oldest = oldest;
    relay->ports.sync->unlock(relay->monitor);
}

static void idle(struct bus_relay *relay, uint32_t ms)
{
    relay->idle_until.ns = clock_monotonic(relay->ports.clock).ns + (int64_t)ms * NS_PER_MS;
}

/* Under the monitor. Whatever waits on the journal waits at least since now. */
static void oldest_begin(struct bus_relay *relay)
{
    if (relay->status.oldest.ns == 0) relay->status.oldest = clock_wall(relay->ports.clock);
}

static void alarm_raise(struct bus_relay *relay, enum bus_relay_state state,
                        const struct error *error)
{
    relay->ports.sync->lock(relay->monitor);
    relay->status.fault = *error;
    oldest_begin(relay);
    relay->ports.sync->unlock(relay->monitor);
    status_tell(relay, state);
    log_write(
        relay->ports.log,
        (struct log_line){ .level = state == BUS_REFUSED ? LOG_ALARM : LOG_ERROR,
                           .event = state == BUS_REFUSED ? STR("bus.refused") : STR("bus.fenced"),
                           .message = str_from(error->message) });
}

/* Something did not work now: it is tried again, from where the bus then says that it stands. */
static void failed(struct bus_relay *relay, const struct error *error)
{
    bool first = relay->retry_ms == 0;
    uint32_t wait_ms = first ? relay->options.retry_ms_min : relay->retry_ms;
    uint32_t max = relay->options.retry_ms_max;
    relay->retry_ms = wait_ms > max / 2 ? max : wait_ms * 2;
    relay->begun = false;
    idle(relay, wait_ms);
    relay->ports.sync->lock(relay->monitor);
    relay->status.failures++;
    relay->status.fault = *error;
    relay->status.state = BUS_BEGINNING;
    oldest_begin(relay);
    relay->ports.sync->unlock(relay->monitor);
    if (!first) return; /* said once, not with each try */
    const struct log_field field = { .name = STR("detail"), .text = str_from(error->detail) };
    log_write(relay->ports.log, (struct log_line){ .level = LOG_WARNING,
                                                   .event = STR("bus.unavailable"),
                                                   .message = str_from(error->message),
                                                   .fields = &field,
                                                   .field_count = 1 });
}

/* ---- Beginning ---- */

/* Whether the journal has the event that the mark is of: the same place, the same time. */
static enum status mark_verify(struct bus_relay *relay, const struct bus_mark *mark,
                               struct error *out_error)
{
    if (mark->position.batch == 0) return STATUS_OK;
    struct event_feed *feed = relay->ports.feed;
    struct feed_event event;
    enum status status =
        feed->next(feed, position_before(mark->position), &relay->event, &event, out_error);
    bool same = status == STATUS_OK && position_compare(event.position, mark->position) == 0 &&
                event.time.ns == mark->time.ns;
    if (same) return STATUS_OK;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    char text[POSITION_TEXT_SIZE];
    status = error_set(out_error, STATUS_CONFLICT,
                       "the bus has event %.*s, and this journal has none like it",
                       STR_ARG(position_format(mark->position, text)));
    error_hint(out_error, "nothing is published: the journal was taken back, or the topic is of "
                          "another ledger");
    return status;
}

/* A later owner has the journal before it comes to the bus; else what the bus says is not so. */
static enum status fence_verify(struct bus_relay *relay, struct error *out_error)
{
    uint64_t epoch = 0;
    struct error said = *out_error;
    enum status status = relay->options.epoch_now(relay->options.owner, &epoch, out_error);
    if (status != STATUS_OK) return status;
    if (epoch != relay->options.epoch) {
        *out_error = said;
        return STATUS_FENCED;
    }
    status = error_set(out_error, STATUS_CONFLICT,
                       "the bus names a later owner of the lane, and the journal knows of none: %s",
                       said.message);
    error_hint(out_error,
               "nothing is published: the journal was taken back, or somebody else writes "
               "positions; look who may, and take a new topic");
    return status;
}

static void begin(struct bus_relay *relay)
{
    struct bus *bus = relay->ports.bus;
    struct bus_mark mark;
    struct error error = { 0 };
    enum status status = bus->begin(bus, relay->options.lane, relay->options.epoch, &mark, &error);
    if (status == STATUS_FENCED) status = fence_verify(relay, &error);
    if (status == STATUS_FENCED) {
        alarm_raise(relay, BUS_FENCED, &error);
        return;
    }
    bool lost = status == STATUS_CORRUPT;
    if (status == STATUS_OK) status = mark_verify(relay, &mark, &error);
    if (lost || status == STATUS_CONFLICT) {
        alarm_raise(relay, BUS_REFUSED, &error);
        return;
    }
    if (status != STATUS_OK) {
        failed(relay, &error);
        return;
    }
    relay->begun = true;
    relay->mark = mark;
    relay->ahead = mark;
    status_tell(relay, BUS_PUBLISHING);
}

/* ---- A run ---- */

static bool run_is_full(const struct bus_relay *relay)
{
    return relay->count == relay->options.run_events_max ||
           relay->bytes.len + BUS_EVENT_SIZE_MAX > relay->bytes.size_max;
}

static bool is_watched(struct bus_relay *relay, const struct feed_event *event)
{
    struct span_subject subject = { .trace = event->trace.id };
    /* The subject of a payment's event is the payment. */
    if (uuid_parse(event->subject, &subject.payment) != STATUS_OK)
        subject.payment = (struct uuid){ 0 };
    return tracer_wants(relay->ports.tracer, &subject);
}

/* Of this try of this owner to publish the event; never 0. */
static uint64_t span_id_of(const struct bus_relay *relay, const struct feed_event *event)
{
    const uint64_t words[] = { event->trace.span, event->position.batch, event->position.index,
                               relay->options.epoch, relay->tries };
    return hash_bytes(words, sizeof words) | 1;
}

static enum status event_add(struct bus_relay *relay, const struct feed_event *event)
{
    bool watched = is_watched(relay, event);
    struct str key = event->subject.len > 0 ? event->subject : event->id;
    if (key.len > BUS_KEY_SIZE_MAX) key.len = BUS_KEY_SIZE_MAX;
    struct gathered *made = &relay->gathered[relay->count];
    *made = (struct gathered){ .at = relay->bytes.len,
                               .key_len = (uint32_t)key.len,
                               .position = event->position,
                               .time = event->time,
                               .trace = event->trace,
                               .parent = event->trace.span };
    buf_append_str(&relay->bytes, key);
    if (watched) {
        made->trace.span = span_id_of(relay, event);
        made->type_len = (uint32_t)event->type.len;
        buf_append_str(&relay->bytes, event->type);
    }
    char text[TRACEPARENT_SIZE];
    if (!uuid_is_nil(event->trace.id)) {
        uint8_t flags = watched ? TRACE_FLAG_SAMPLED : 0;
        buf_append_str(&relay->bytes, traceparent_format(made->trace, flags, text));
        made->trace_len = TRACEPARENT_LEN;
    }
    size_t before = relay->bytes.len;
    enum status status = event_envelope_write(event, NULL, &relay->bytes);
    if (status != STATUS_OK) return status;
    made->value_len = (uint32_t)(relay->bytes.len - before);
    relay->count++;
    relay->ahead = (struct bus_mark){ event->position, event->time };
    return STATUS_OK;
}

/* Events behind the mark, as many as are there and fit. STATUS_NOT_FOUND: there are none. */
static enum status gather(struct bus_relay *relay, struct error *out_error)
{
    struct event_feed *feed = relay->ports.feed;
    relay->count = 0;
    relay->ahead = relay->mark;
    buf_reset(&relay->bytes);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !run_is_full(relay)) {
        struct feed_event event;
        status = feed->next(feed, relay->ahead.position, &relay->event, &event, out_error);
        if (status == STATUS_OK) status = event_add(relay, &event);
    }
    if (relay->count == 0) return status;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The bytes do not move any more: parts become views. */
static void run_lay_out(struct bus_relay *relay)
{
    for (uint32_t i = 0; i < relay->count; i++) {
        const struct gathered *from = &relay->gathered[i];
        const char *at = (const char *)relay->bytes.data + from->at;
        const char *trace = at + from->key_len + from->type_len;
        relay->run[i] = (struct bus_event){
            .key = { at, from->key_len },
            .traceparent = { trace, from->trace_len },
            .value = { trace + from->trace_len, from->value_len },
            .time = from->time,
        };
    }
}

static void published(struct bus_relay *relay)
{
    relay->mark = relay->ahead;
    relay->retry_ms = 0;
    relay->ports.sync->lock(relay->monitor);
    relay->status.events += relay->count;
    relay->status.runs++;
    relay->status.published = relay->mark;
    relay->ports.sync->unlock(relay->monitor);
}

static void span_record(struct bus_relay *relay, uint32_t index, bool failed,
                        struct wall_time start)
{
    const struct gathered *from = &relay->gathered[index];
    const struct bus_event *event = &relay->run[index];
    struct str type = { event->key.data + event->key.len, from->type_len };
    struct span span = {
        .trace = from->trace,
        .parent = from->parent,
        .kind = SPAN_PRODUCER,
        .name = STR("event publish"),
        .failed = failed,
        .start = start,
        .end = clock_wall(relay->ports.clock),
    };
    char text[POSITION_TEXT_SIZE];
    span_note_text(&span, STR("messaging.system"), relay->ports.bus->system);
    span_note_text(&span, STR("messaging.destination.name"), relay->ports.bus->destination);
    span_note_text(&span, STR("messaging.operation.type"), STR("send"));
    span_note_number(&span, STR("messaging.batch.message_count"), relay->count);
    span_note_text(&span, STR("cloudevents.event_id"), position_format(from->position, text));
    span_note_text(&span, STR("cloudevents.event_type"), type);
    if (str_starts(type, STR("payment.")))
        span_note_text(&span, STR("tpwallet.payment.id"), event->key);
    relay->ports.tracer->record(relay->ports.tracer, &span);
}

/* False: there was nothing to publish. */
static bool publish(struct bus_relay *relay)
{
    struct bus *bus = relay->ports.bus;
    struct error error = { 0 };
    enum status status = gather(relay, &error);
    if (status == STATUS_NOT_FOUND) {
        oldest_tell(relay, (struct wall_time){ 0 });
        idle(relay, relay->options.poll_ms);
        return false;
    }
    if (status != STATUS_OK) {
        failed(relay, &error);
        return true;
    }
    run_lay_out(relay);
    oldest_tell(relay, relay->run[0].time);
    struct wall_time start = clock_wall(relay->ports.clock);
    status = bus->publish(bus, relay->run, relay->count, relay->ahead, &error);
    relay->tries++;
    for (uint32_t i = 0; i < relay->count; i++) {
        if (relay->gathered[i].type_len > 0) span_record(relay, i, status != STATUS_OK, start);
    }
    if (status == STATUS_OK) {
        published(relay);
    } else {
        failed(relay, &error); /* shut out or not, lost or there: the next begin tells */
    }
    return true;
}

/* ---- Life ---- */

static bool is_over(struct bus_relay *relay)
{
    relay->ports.sync->lock(relay->monitor);
    enum bus_relay_state state = relay->status.state;
    relay->ports.sync->unlock(relay->monitor);
    return state == BUS_FENCED || state == BUS_REFUSED;
}

bool bus_relay_step(struct bus_relay *relay)
{
    if (is_over(relay)) return false;
    if (clock_monotonic(relay->ports.clock).ns < relay->idle_until.ns) return false;
    if (relay->begun) return publish(relay);
    begin(relay);
    return true;
}

static void relay_body(void *argument)
{
    struct bus_relay *relay = argument;
    struct sync *sync = relay->ports.sync;
    sync->lock(relay->monitor);
    while (!relay->stopping) {
        sync->unlock(relay->monitor);
        bool worked = bus_relay_step(relay);
        bool over = is_over(relay);
        sync->lock(relay->monitor);
        if (worked || relay->stopping) continue;
        (void)sync->wait(relay->monitor, over ? MONOTONIC_NEVER : relay->idle_until);
    }
    sync->unlock(relay->monitor);
}

enum status bus_relay_open(const struct bus_relay_ports *ports,
                           const struct bus_relay_options *options, struct bus_relay **out_relay,
                           struct error *out_error)
{
    CHECK(options->run_events_max > 0 && options->run_events_max <= BUS_RUN_EVENTS_MAX);
    CHECK(options->run_size_max >= 2 * BUS_EVENT_SIZE_MAX);
    CHECK(options->run_size_max <= BUS_RUN_SIZE_MAX);
    CHECK(options->retry_ms_min > 0 && options->retry_ms_min <= options->retry_ms_max);
    struct bus_relay *relay = reserve_new(sizeof *relay);
    if (relay == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the bus's relay");
    relay->ports = *ports;
    relay->options = *options;
    relay->monitor = ports->sync->monitor_new(ports->sync, "bus_relay");
    buf_init(&relay->event, EVENT_SIZE_MAX);
    buf_init(&relay->bytes, options->run_size_max);
    if (options->task && ports->sync->spawn(ports->sync, "bus_relay", relay_body, relay,
                                            &relay->task) != STATUS_OK) {
        bus_relay_close(relay);
        return error_set(out_error, STATUS_UNAVAILABLE, "the bus's relay cannot be started");
    }
    *out_relay = relay;
    return STATUS_OK;
}

void bus_relay_close(struct bus_relay *relay)
{
    if (relay == NULL) return;
    struct sync *sync = relay->ports.sync;
    sync->lock(relay->monitor);
    relay->stopping = true;
    sync->wake_all(relay->monitor);
    sync->unlock(relay->monitor);
    sync->join(relay->task);
    sync->monitor_free(relay->monitor);
    buf_free(&relay->event);
    buf_free(&relay->bytes);
    reserve_free(relay, sizeof *relay);
}

void bus_relay_get_status(struct bus_relay *relay, struct bus_relay_status *out_status)
{
    relay->ports.sync->lock(relay->monitor);
    *out_status = relay->status;
    relay->ports.sync->unlock(relay->monitor);
    if (relay->options.head == NULL) return;
    uint64_t head = relay->options.head(relay->options.owner);
    uint64_t at = out_status->published.position.batch;
    bool behind = out_status->state != BUS_PUBLISHING || out_status->oldest.ns != 0;
    out_status->lag_batches = behind && head > at ? head - at : 0;
}

static void value_write(struct buf *out, const char *name, const char *type, const char *help,
                        uint64_t value)
{
    metric_head_write(out, name, type, help);
    buf_append_format(out, "%s %llu\n", name, (unsigned long long)value);
}

void bus_relay_metrics(struct bus_relay *relay, struct buf *out_page)
{
    struct bus_relay_status status;
    bus_relay_get_status(relay, &status);
    int64_t age_ns = clock_wall(relay->ports.clock).ns - status.oldest.ns;
    if (status.oldest.ns == 0 || age_ns < 0) age_ns = 0;
    value_write(out_page, "tpwallet_bus_lag_batches", "gauge",
                "Durable batches that may hold events not yet on the bus", status.lag_batches);
    value_write(out_page, "tpwallet_bus_outbox_age_seconds", "gauge",
                "Age of the oldest event that is not on the bus", (uint64_t)(age_ns / NS_PER_S));
    value_write(out_page, "tpwallet_bus_published_batch", "gauge",
                "Batch of the newest event on the bus", status.published.position.batch);
    value_write(out_page, "tpwallet_bus_stopped", "gauge",
                "1 when nothing is published any more, until a person has looked",
                status.state == BUS_REFUSED || status.state == BUS_FENCED);
    value_write(out_page, "tpwallet_bus_events_total", "counter", "Events published",
                status.events);
    value_write(out_page, "tpwallet_bus_runs_total", "counter", "Runs published", status.runs);
    value_write(out_page, "tpwallet_bus_failures_total", "counter",
                "Calls of the bus that failed and are made again", status.failures);
}

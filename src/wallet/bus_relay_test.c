/*
 * Goal: the relay goes on where the bus says that the lane stands, waits longer with each failure,
 * publishes nothing behind a mark that the journal does not have, stops for a later owner, and
 * tells how old the oldest unpublished event is. What is watched has a span for each try, which the
 * traceparent beside the event names; what is not says so.
 * Method: a relay without a task, stepped by the test over a feed, a bus and a clock in memory;
 * the bus answers as told and counts what it took.
 */
#include "wallet/bus_relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "model/trace_context.h"
#include "port/sync_test.h"
#include "wallet/event_feed_test.h"

enum { SPANS = 64 };

struct rig {
    struct stepped_sync sync;
    struct stepped_clock clock;
    struct log log;
    struct bus bus;
    struct test_feed feed;
    enum status begins; /* what the calls come to */
    enum status publishes;
    uint32_t begin_count;
    uint32_t run_count;
    uint32_t last_run; /* events */
    uint64_t taken;    /* events in all */
    struct bus_mark mark;
    uint32_t lines;
    uint64_t head;
    struct tracer tracer; /* it watches every other trace */
    uint32_t span_count;
    struct span spans[SPANS];
    uint32_t header_count;
    struct trace headers[SPANS]; /* that came with watched events */
    struct bus_relay *relay;
    enum status journal; /* how it answers, and: */
    uint64_t epoch;
};

static struct rig *rig_now; /* ports in memory have no place for it */

static void rig_log(struct log *log, const struct log_line *line)
{
    (void)log;
    assert_true(line->event.len > 0);
    rig_now->lines++;
}
static uint64_t rig_head(void *owner)
{
    return ((struct rig *)owner)->head;
}

static enum status rig_begin(struct bus *bus, uint32_t lane, uint64_t epoch,
                             struct bus_mark *out_mark, struct error *out_error)
{
    (void)bus;
    stepped_none_held(&rig_now->sync);
    assert_int_equal(lane, 2);
    assert_int_equal(epoch, 7);
    rig_now->begin_count++;
    if (rig_now->begins != STATUS_OK) return error_set(out_error, rig_now->begins, "no");
    *out_mark = rig_now->mark;
    return STATUS_OK;
}

static void header_keep(const struct bus_event *event)
{
    struct trace trace;
    uint8_t flags = 0;
    if (!rig_now->feed.traced) {
        assert_int_equal(event->traceparent.len, 0);
        return;
    }
    assert_true(traceparent_parse(event->traceparent, &trace, &flags));
    bool watched = trace.id.lo % 2 == 0;
    assert_int_equal(flags, watched ? TRACE_FLAG_SAMPLED : 0);
    if (!watched) assert_int_equal(trace.span, trace.id.lo + 1000); /* the unit's */
    if (watched) rig_now->headers[rig_now->header_count++ % SPANS] = trace;
}

static enum status rig_publish(struct bus *bus, const struct bus_event *events, uint32_t count,
                               struct bus_mark mark, struct error *out_error)
{
    (void)bus;
    stepped_none_held(&rig_now->sync);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(events[i].key.len > 0 && events[i].value.data[0] == '{');
        assert_true(events[i].value.data[events[i].value.len - 1] == '}');
        header_keep(&events[i]);
    }
    assert_int_equal(mark.time.ns, events[count - 1].time.ns);
    rig_now->run_count++;
    rig_now->last_run = count;
    if (rig_now->publishes != STATUS_OK) return error_set(out_error, rig_now->publishes, "no");
    rig_now->taken += count;
    rig_now->mark = mark;
    return STATUS_OK;
}

static bool rig_wants(struct tracer *tracer, const struct span_subject *subject)
{
    (void)tracer;
    return subject->trace.lo % 2 == 0;
}

static void rig_record(struct tracer *tracer, const struct span *span)
{
    (void)tracer;
    assert_true(rig_now->span_count < SPANS);
    rig_now->spans[rig_now->span_count++] = *span;
}

static enum status rig_epoch_now(void *owner, uint64_t *out_epoch, struct error *out_error)
{
    struct rig *rig = owner;
    if (rig->journal != STATUS_OK)
        return error_set(out_error, rig->journal, "the journal does not answer");
    *out_epoch = rig->epoch;
    return STATUS_OK;
}

static void rig_init(struct rig *rig, uint64_t events)
{
    *rig = (struct rig){
        .sync = STEPPED_SYNC,
        .clock = STEPPED_CLOCK(1000 * NS_PER_S),
        .log = { rig_log },
        .bus = { .begin = rig_begin,
                 .publish = rig_publish,
                 .system = STR("rig"),
                 .destination = STR("events") },
        .tracer = { .wants = rig_wants, .record = rig_record },
    };
    rig_now = rig;
    test_feed_init(&rig->feed, events);
    const struct bus_relay_ports ports = { &rig->sync.port, &rig->clock.port, &rig->log,
                                           &rig->feed.port, &rig->bus,        &rig->tracer };
    struct bus_relay_options options = BUS_RELAY_OPTIONS_DEFAULT;
    options.lane = 2;
    options.epoch = 7;
    options.run_events_max = 10;
    options.task = false;
    options.head = rig_head;
    options.epoch_now = rig_epoch_now;
    options.owner = rig;
    assert_int_equal(bus_relay_open(&ports, &options, &rig->relay, NULL), STATUS_OK);
}

static struct bus_relay_status status_of(struct rig *rig)
{
    struct bus_relay_status status;
    bus_relay_get_status(rig->relay, &status);
    return status;
}

static void step_all(struct rig *rig)
{
    while (bus_relay_step(rig->relay)) continue;
}

static void runs_are_as_large_as_allowed(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 25);
    step_all(&rig);
    assert_int_equal(rig.begin_count, 1);
    assert_int_equal(rig.run_count, 3);
    assert_int_equal(rig.last_run, 5);
    assert_int_equal(rig.taken, 25);
    assert_int_equal(status_of(&rig).oldest.ns, 0);
    assert_int_equal(status_of(&rig).events, 25);
    assert_false(bus_relay_step(rig.relay)); /* it looks again after a while */
    rig.feed.count++;
    rig.clock.now_ns += 10 * NS_PER_MS;
    assert_true(bus_relay_step(rig.relay));
    assert_int_equal(rig.taken, 26);
    bus_relay_close(rig.relay);
}

static void it_goes_on_where_the_bus_stands(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 25);
    rig.mark = (struct bus_mark){ test_feed_position(20), { 20 * NS_PER_S } };
    step_all(&rig);
    assert_int_equal(rig.taken, 5);
    bus_relay_close(rig.relay);
}

static void after_any_failure_the_bus_is_asked(void **state)
{
    (void)state; /* no fixture */
    static const enum status ways[] = { STATUS_UNAVAILABLE, STATUS_IN_DOUBT, STATUS_FENCED,
                                        STATUS_LIMIT };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct rig rig;
        rig_init(&rig, 25);
        rig.publishes = ways[i];
        step_all(&rig);
        assert_int_equal(rig.begin_count, 1);
        assert_int_equal(status_of(&rig).state, BUS_BEGINNING);
        rig.mark = (struct bus_mark){ test_feed_position(10), { 10 * NS_PER_S } }; /* it landed */
        rig.publishes = STATUS_OK;
        rig.clock.now_ns += NS_PER_S;
        step_all(&rig);
        assert_int_equal(rig.begin_count, 2);
        assert_int_equal(rig.taken, 15);
        bus_relay_close(rig.relay);
    }
}

static void waits_double_and_are_said_once(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 3);
    rig.head = 9;
    rig.begins = STATUS_UNAVAILABLE;
    int64_t from_ns = rig.clock.now_ns;
    int64_t waits_ms[12];
    assert_true(bus_relay_step(rig.relay));
    for (int i = 0; i < 12; i++) {
        int64_t before_ns = rig.clock.now_ns;
        while (!bus_relay_step(rig.relay)) {
            rig.clock.now_ns += 50 * NS_PER_MS;
            if (rig.clock.now_ns - before_ns > 40 * NS_PER_S) fail_msg("it waits for ever");
        }
        waits_ms[i] = (rig.clock.now_ns - before_ns) / NS_PER_MS;
        if (i > 0) assert_true(waits_ms[i] >= waits_ms[i - 1]);
    }
    assert_int_equal(waits_ms[0], 250);
    assert_int_equal(waits_ms[11], 30000);
    assert_int_equal(rig.lines, 1);
    assert_int_equal(status_of(&rig).lag_batches, 9);
    assert_int_equal(status_of(&rig).oldest.ns, from_ns);
    rig.begins = STATUS_OK;
    rig.clock.now_ns += 60 * NS_PER_S;
    step_all(&rig);
    assert_int_equal(rig.taken, 3);
    assert_int_equal(status_of(&rig).lag_batches, 0);
    bus_relay_close(rig.relay);
}

/* A mark that this journal does not have, by place or by time. */
static void a_foreign_mark_stops_it(void **state)
{
    (void)state; /* no fixture */
    const struct bus_mark marks[] = {
        { test_feed_position(26), { 26 * NS_PER_S } },
        { test_feed_position(20), { 21 * NS_PER_S } },
        { { 10, 1 }, { 20 * NS_PER_S } },
    };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        struct rig rig;
        rig_init(&rig, 25);
        rig.mark = marks[i];
        step_all(&rig);
        rig.clock.now_ns += 100 * NS_PER_S;
        step_all(&rig);
        assert_int_equal(status_of(&rig).state, BUS_REFUSED);
        assert_int_equal(rig.run_count, 0);
        assert_int_equal(rig.begin_count, 1);
        assert_int_equal(rig.lines, 1);
        bus_relay_close(rig.relay);
    }
}

static void a_later_owner_stops_it(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 25);
    step_all(&rig);
    rig.feed.count++;
    rig.publishes = STATUS_FENCED;
    rig.begins = STATUS_FENCED;
    rig.epoch = 8;
    for (int i = 0; i < 10; i++) {
        rig.clock.now_ns += 100 * NS_PER_S;
        step_all(&rig);
    }
    assert_int_equal(rig.begin_count, 2);
    assert_int_equal(status_of(&rig).state, BUS_FENCED);
    BUF_SCOPE struct buf page;
    buf_init(&page, 1 << 16);
    bus_relay_metrics(rig.relay, &page);
    const char *text = buf_terminated(&page);
    assert_non_null(strstr(text, "\ntpwallet_bus_stopped 1\n"));
    assert_non_null(strstr(text, "\ntpwallet_bus_events_total 25\n"));
    assert_non_null(strstr(text, "\ntpwallet_bus_outbox_age_seconds 1974\n"));
    bus_relay_close(rig.relay);
}

/* Whoever may write marks says that there is one. */
static void a_later_owner_that_the_journal_does_not_know_is_an_alarm(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 25);
    rig.begins = STATUS_FENCED;
    rig.journal = STATUS_UNAVAILABLE; /* who is right is not known, and asked again */
    step_all(&rig);
    assert_int_equal(status_of(&rig).state, BUS_BEGINNING);
    rig.journal = STATUS_OK;
    rig.epoch = 7;
    for (int i = 0; i < 10; i++) {
        rig.clock.now_ns += 100 * NS_PER_S;
        step_all(&rig);
    }
    assert_int_equal(rig.begin_count, 2);
    assert_int_equal(rig.run_count, 0);
    assert_int_equal(status_of(&rig).state, BUS_REFUSED);
    struct error fault = status_of(&rig).fault;
    assert_non_null(strstr(fault.hint, "take a new topic"));
    bus_relay_close(rig.relay);
}

static void a_feed_that_fails_is_read_again(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 5);
    rig.feed.fails = STATUS_UNAVAILABLE;
    step_all(&rig);
    assert_int_equal(rig.run_count, 0);
    rig.feed.fails = STATUS_OK;
    rig.clock.now_ns += NS_PER_S;
    step_all(&rig);
    assert_int_equal(rig.taken, 5);
    bus_relay_close(rig.relay);
}

static void each_try_of_what_is_watched_is_a_span(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig, 5);
    rig.feed.traced = true;
    rig.publishes = STATUS_IN_DOUBT;
    step_all(&rig);
    rig.publishes = STATUS_OK;
    rig.clock.now_ns += NS_PER_S;
    step_all(&rig);
    assert_int_equal(rig.taken, 5);
    assert_int_equal(rig.span_count, 4); /* two of five, tried twice */
    assert_int_equal(rig.header_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct span *span = &rig.spans[i];
        uint64_t number = i % 2 == 0 ? 2 : 4;
        assert_int_equal(span->trace.id.lo, number);
        assert_int_equal(span->trace.span, rig.headers[i].span);
        assert_int_equal(span->parent, number + 1000);
        assert_int_equal(span->kind, SPAN_PRODUCER);
        assert_true(span->failed == (i < 2));
        for (uint32_t k = 0; k < i; k++) assert_true(span->trace.span != rig.spans[k].trace.span);
    }
    assert_string_equal(rig.spans[3].notes[4].text, "2-2");
    assert_string_equal(rig.spans[3].notes[5].text, "payment.succeeded");
    bus_relay_close(rig.relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_as_large_as_allowed),
        cmocka_unit_test(it_goes_on_where_the_bus_stands),
        cmocka_unit_test(after_any_failure_the_bus_is_asked),
        cmocka_unit_test(waits_double_and_are_said_once),
        cmocka_unit_test(a_foreign_mark_stops_it),
        cmocka_unit_test(a_later_owner_stops_it),
        cmocka_unit_test(a_later_owner_that_the_journal_does_not_know_is_an_alarm),
        cmocka_unit_test(a_feed_that_fails_is_read_again),
        cmocka_unit_test(each_try_of_what_is_watched_is_a_span),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

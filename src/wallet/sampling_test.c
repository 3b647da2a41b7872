/*
 * Goal: a trace is watched by its id, its caller's word, or an incident, for a bounded time and
 * number; and what an incident once took up is watched to its end.
 * Method: a clock of our own, raises told as a lane does, a sink that counts; the ratio over many ids.
 */
#include "wallet/sampling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"
#include "port/sync_test.h"

static struct stepped_sync test_sync = STEPPED_SYNC;
static struct stepped_clock test_clock = STEPPED_CLOCK(INT64_C(1795000000) * NS_PER_S);
static uint32_t recorded;

static void sink_record(struct tracer *tracer, const struct span *span)
{
    (void)tracer;
    (void)span;
    recorded++;
}

static struct tracer sink = { .record = sink_record };

static struct sampling *sampling_of(uint32_t part, uint32_t of)
{
    const struct sampling_options options = {
        .sink = &sink,
        .sync = &test_sync.port,
        .clock = &test_clock.port,
        .ratio_part = part,
        .ratio_of = of,
    };
    struct sampling *sampling = NULL;
    assert_int_equal(sampling_new(&options, &sampling, NULL), STATUS_OK);
    return sampling;
}

static bool wants(struct sampling *sampling, struct span_subject subject)
{
    return tracer_wants(sampling_tracer(sampling), &subject);
}

#define TRACE(number) ((struct uuid){ 7, UINT64_MAX - (number) }) /* in no ratio below all */
#define ID(number) ((struct uuid){ 9, (number) })

static void the_ratio_is_kept_and_depends_on_the_id_alone(void **state)
{
    (void)state;
    enum { IDS = 200000 };
    struct sampling *some = sampling_of(1, 100);
    struct sampling *again = sampling_of(1, 100);
    struct sampling *all = sampling_of(1, 1);
    struct sampling *none = sampling_of(0, 1);
    struct prng prng;
    prng_init(&prng, 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < IDS; i++) {
        struct span_subject subject = { .trace = { prng_next(&prng), prng_next(&prng) } };
        bool wanted = wants(some, subject);
        assert_int_equal(wanted, wants(again, subject));
        assert_true(wants(all, subject));
        assert_false(wants(none, subject));
        count += wanted;
    }
    assert_in_range(count, IDS / 100 * 9 / 10, IDS / 100 * 11 / 10);
    assert_false(wants(all, (struct span_subject){ .asked = true })); /* there is no trace */
    sampling_free(some);
    sampling_free(again);
    sampling_free(all);
    sampling_free(none);
}

static void what_the_caller_samples_is_watched_to_its_end(void **state)
{
    (void)state;
    struct sampling *sampling = sampling_of(0, 1);
    const struct span_subject quiet = { .trace = TRACE(1) };
    assert_false(wants(sampling, quiet));
    assert_true(wants(sampling, (struct span_subject){ .trace = TRACE(1), .asked = true }));
    assert_true(wants(sampling, quiet));
    assert_false(wants(sampling, (struct span_subject){ .trace = TRACE(2) }));
    test_clock.now_ns += (int64_t)SAMPLING_FOLLOW_S * NS_PER_S;
    assert_false(wants(sampling, quiet));
    for (uint64_t i = 0; i < 4 * SAMPLING_FOLLOWED_MAX; i++) { /* memory is bounded */
        assert_true(wants(sampling, (struct span_subject){ .trace = TRACE(i), .asked = true }));
        assert_true(wants(sampling, (struct span_subject){ .trace = TRACE(i) }));
    }
    sampling_free(sampling);
}

/* What the lane has in its journal's table, told again after each change of it. */
static struct raise table[RAISES_MAX];
static uint32_t table_count;

static void told(struct sampling *sampling)
{
    tracer_raised(sampling_tracer(sampling), table, table_count);
}

static void raised(struct sampling *sampling, struct raise raise)
{
    raise.id = ID(100 + table_count);
    raise.until.ns = test_clock.now_ns + 60 * NS_PER_S;
    if (raise.traces == 0) raise.traces = 10;
    table[table_count++] = raise;
    told(sampling);
}

static uint64_t live(struct sampling *sampling)
{
    struct sampling_counts counts;
    sampling_get_counts(sampling, &counts);
    return counts.raises;
}

static void an_incident_is_watched_by_payment_user_or_route(void **state)
{
    (void)state;
    struct sampling *sampling = sampling_of(0, 1);
    const struct span_subject payment = { .trace = TRACE(1), .payment = ID(1) };
    const struct span_subject user = { .trace = TRACE(2), .user_ref = ID(2) };
    const struct span_subject route = { .trace = TRACE(3), .route = 3 };
    table_count = 0;
    assert_false(wants(sampling, payment));
    raised(sampling, (struct raise){ .payment = ID(1) });
    assert_true(wants(sampling, payment));
    assert_false(wants(sampling, user));
    assert_false(wants(sampling, route));
    raised(sampling, (struct raise){ .user_ref = ID(2) });
    assert_true(wants(sampling, user));
    raised(sampling, (struct raise){ .route = 3 });
    assert_true(wants(sampling, route));
    assert_true(wants(sampling, (struct span_subject){ .trace = TRACE(3) })); /* followed */
    assert_false(wants(sampling, (struct span_subject){ .trace = TRACE(4) }));
    sampling_free(sampling);
}

static void an_incident_ends_with_its_time_its_traces_or_its_word(void **state)
{
    (void)state;
    struct sampling *sampling = sampling_of(0, 1);
    table_count = 0;
    raised(sampling, (struct raise){ .route = 1, .traces = 2 });
    assert_true(wants(sampling, (struct span_subject){ .trace = TRACE(1), .route = 1 }));
    assert_true(wants(sampling, (struct span_subject){ .trace = TRACE(1), .route = 1 })); /* same */
    assert_int_equal(sampling_traces_left(sampling, table[0].id), 1);
    told(sampling); /* another act: what was watched stays counted */
    assert_true(wants(sampling, (struct span_subject){ .trace = TRACE(2), .route = 1 }));
    assert_false(wants(sampling, (struct span_subject){ .trace = TRACE(3), .route = 1 }));
    assert_int_equal(live(sampling), 0);
    told(sampling);
    assert_false(wants(sampling, (struct span_subject){ .trace = TRACE(3), .route = 1 }));
    table[0].until.ns++; /* raised anew under its id */
    told(sampling);
    assert_int_equal(sampling_traces_left(sampling, table[0].id), 2);
    assert_true(wants(sampling, (struct span_subject){ .trace = TRACE(3), .route = 1 }));
    test_clock.now_ns += 60 * NS_PER_S + 1;
    assert_false(wants(sampling, (struct span_subject){ .trace = TRACE(4), .route = 1 }));
    assert_int_equal(live(sampling), 0);
    table_count = 0;
    raised(sampling, (struct raise){ .route = 1 });
    assert_int_equal(live(sampling), 1);
    table_count = 0; /* lowered */
    told(sampling);
    assert_false(wants(sampling, (struct span_subject){ .trace = TRACE(5), .route = 1 }));
    assert_int_equal(sampling_traces_left(sampling, table[0].id), 0);
    for (uint32_t i = 0; i < RAISES_MAX; i++) raised(sampling, (struct raise){ .route = i + 1 });
    assert_int_equal(live(sampling), RAISES_MAX);
    sampling_free(sampling);
}

static void spans_go_on_to_the_sink_and_are_counted(void **state)
{
    (void)state;
    struct sampling *sampling = sampling_of(1, 1);
    const struct span span = { .trace = { ID(1), 1 } };
    recorded = 0;
    sampling_tracer(sampling)->record(sampling_tracer(sampling), &span);
    assert_int_equal(recorded, 1);
    table_count = 0;
    raised(sampling, (struct raise){ .route = 1 });
    struct sampling_counts counts;
    sampling_get_counts(sampling, &counts);
    assert_int_equal(counts.watched, 1);
    assert_int_equal(counts.raises, 1);
    assert_int_equal(counts.followed, 0);
    assert_null(sampling_tracer(NULL));
    assert_false(tracer_wants(NULL, &(struct span_subject){ .trace = ID(1) }));
    sampling_free(sampling);
    sampling_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ratio_is_kept_and_depends_on_the_id_alone),
        cmocka_unit_test(what_the_caller_samples_is_watched_to_its_end),
        cmocka_unit_test(an_incident_is_watched_by_payment_user_or_route),
        cmocka_unit_test(an_incident_ends_with_its_time_its_traces_or_its_word),
        cmocka_unit_test(spans_go_on_to_the_sink_and_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

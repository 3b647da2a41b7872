/*
 * Goal: each errand is posted until it is answered with 2xx, in order, and dropped then; of two
 * senders over one store one sends, the other follows when that one's claim is over or given back;
 * what was watched is watched on.
 * Method: senders without a task, stepped by the test over a store, a receiver and a clock in memory;
 * the store's calls fail in turn.
 */
#include "wallet/errand_sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/trace_context.h"
#include "port/sync_test.h"

enum { ERRANDS = 8 };

struct rig {
    struct event_store store;
    struct http_out http;
    struct tracer tracer;
    struct stepped_sync sync;
    struct stepped_clock clock;
    char claim[64];
    uint32_t first; /* errands before it were dropped */
    uint32_t calls; /* of the store */
    uint32_t fails_at;
    unsigned answer; /* 0: none */
    uint32_t posts;
    uint32_t told[ERRANDS]; /* how often each was answered well */
    uint32_t spans;
    struct span span; /* the newest */
    struct trace sent;
    char authorization[32];
    struct str traceparent; /* of all errands, when there is one */
};

static struct rig *rig_now; /* ports in memory have no place for it */

static enum status called(void)
{
    return ++rig_now->calls == rig_now->fails_at ? STATUS_UNAVAILABLE : STATUS_OK;
}
static enum status rig_begin(struct event_store *store, struct error *out_error)
{
    (void)store;
    (void)out_error;
    return called();
}
static void rig_undo(struct event_store *store)
{
    (void)store;
}
static enum status rig_setting_get(struct event_store *store, const char *name,
                                   struct buf *out_value, struct error *out_error)
{
    (void)store;
    (void)out_error;
    assert_string_equal(name, "sender");
    if (called() != STATUS_OK) return STATUS_UNAVAILABLE;
    if (rig_now->claim[0] == '\0') return STATUS_NOT_FOUND;
    buf_reset(out_value);
    buf_append_str(out_value, str_from(rig_now->claim));
    return STATUS_OK;
}
static enum status rig_setting_set(struct event_store *store, const char *name, struct str value,
                                   struct error *out_error)
{
    (void)store;
    (void)out_error;
    assert_string_equal(name, "sender");
    assert_true(value.len < sizeof rig_now->claim);
    if (called() != STATUS_OK) return STATUS_UNAVAILABLE;
    memset(rig_now->claim, 0, sizeof rig_now->claim);
    memcpy(rig_now->claim, value.data, value.len);
    return STATUS_OK;
}
static enum status rig_errand_first(struct event_store *store, struct buf *memory,
                                    struct event_errand *out_errand, struct error *out_error)
{
    (void)store;
    (void)out_error;
    char id[32];
    if (called() != STATUS_OK) return STATUS_UNAVAILABLE;
    if (rig_now->first == ERRANDS) return STATUS_NOT_FOUND;
    assert_true(snprintf(id, sizeof id, "%u-0", rig_now->first) > 0);
    struct event_errand errand = {
        .number = rig_now->first,
        .id = str_from(id),
        .traceparent = rig_now->first % 2 == 0
                           ? STR("00-00000000000000010000000000000002-0000000000000003-01")
                           : STR("01-00000000000000010000000000000002-0000000000000003-00-later"),
        .value = STR("{}"),
    };
    if (rig_now->traceparent.len > 0) errand.traceparent = rig_now->traceparent;
    return event_errand_copy(&errand, memory, out_errand);
}
static enum status rig_errand_drop(struct event_store *store, const struct event_errand *errand,
                                   struct error *out_error)
{
    (void)store;
    (void)out_error;
    if (called() != STATUS_OK) return STATUS_UNAVAILABLE;
    assert_true((uint64_t)errand->number == rig_now->first);
    rig_now->first++;
    return STATUS_OK;
}

static enum status rig_call(struct http_out *http, const struct http_out_request *request,
                            struct http_out_response *out_response, struct buf *out_body,
                            struct error *out_error)
{
    (void)http;
    (void)out_error;
    stepped_none_held(&rig_now->sync);
    assert_true(str_equal(request->url, STR("https://example.com/in")));
    assert_true(str_equal(request->body, STR("{}")));
    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct http_out_header *header = &request->headers[i];
        uint8_t flags = 0;
        if (str_equal(header->name, STR("traceparent"))) {
            assert_true(traceparent_parse(header->value, &rig_now->sent, &flags));
            assert_int_equal(header->value.len, TRACEPARENT_LEN); /* not what was received */
            assert_int_equal(flags, rig_now->first % 2 == 0 ? TRACE_FLAG_SAMPLED : 0);
        }
        if (str_equal(header->name, STR("authorization")))
            memcpy(rig_now->authorization, header->value.data, header->value.len);
    }
    rig_now->posts++;
    if (rig_now->answer == 0) return STATUS_IN_DOUBT;
    bool good = rig_now->answer >= 200 && rig_now->answer <= 299;
    if (good) rig_now->told[rig_now->first]++;
    buf_reset(out_body);
    *out_response = (struct http_out_response){ .status = rig_now->answer };
    return STATUS_OK;
}

static void rig_record(struct tracer *tracer, const struct span *span)
{
    (void)tracer;
    rig_now->spans++;
    rig_now->span = *span;
}

static void rig_init(struct rig *rig)
{
    *rig = (struct rig){
        .store = { .begin = rig_begin,
                   .commit = rig_begin,
                   .undo = rig_undo,
                   .setting_get = rig_setting_get,
                   .setting_set = rig_setting_set,
                   .errand_first = rig_errand_first,
                   .errand_drop = rig_errand_drop },
        .http = { .call = rig_call },
        .tracer = { .record = rig_record },
        .sync = STEPPED_SYNC,
        .clock = STEPPED_CLOCK(1000 * NS_PER_S),
        .answer = 200,
    };
    rig_now = rig;
}

static struct errand_sender *sender_new(struct rig *rig, uint64_t token)
{
    const struct errand_sender_ports ports = { &rig->sync.port, &rig->clock.port, &rig->http,
                                               &rig->store, &rig->tracer };
    struct errand_sender_options options = ERRAND_SENDER_OPTIONS_DEFAULT;
    options.url = "https://example.com/in";
    options.authorization = STR("Bearer x");
    options.token = token;
    options.task = false;
    struct errand_sender *sender = NULL;
    assert_int_equal(errand_sender_open(&ports, &options, &sender, NULL), STATUS_OK);
    return sender;
}

/* So many seconds, in steps of a tenth of one. */
static void run_for(struct rig *rig, struct errand_sender *sender, int seconds)
{
    for (int i = 0; i < seconds * 10; i++) {
        for (int k = 0; k < ERRANDS + 2 && errand_sender_step(sender); k++) continue;
        rig->clock.now_ns += NS_PER_S / 10;
    }
}

static void each_is_sent_once_when_all_is_well(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig);
    struct errand_sender *sender = sender_new(&rig, 7);
    run_for(&rig, sender, 1);
    for (int i = 0; i < ERRANDS; i++) assert_int_equal(rig.told[i], 1);
    assert_int_equal(rig.posts, ERRANDS);
    assert_string_equal(rig.authorization, "Bearer x");
    assert_int_equal(rig.spans, ERRANDS / 2); /* of those that were watched before */
    assert_int_equal(rig.span.parent, 3);
    assert_int_equal(rig.span.http_status, 200);
    assert_false(rig.span.failed);
    errand_sender_close(sender);
    assert_string_equal(rig.claim, "7 0"); /* given back */
}

static void what_ends_a_header_is_not_sent_as_one(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig);
    rig.traceparent = STR("01-00000000000000010000000000000002-0000000000000003-01-\r\nx: y");
    struct errand_sender *sender = sender_new(&rig, 7);
    run_for(&rig, sender, 1);
    assert_int_equal(rig.posts, ERRANDS);
    assert_int_equal(rig.sent.span, 0); /* without a traceparent */
    assert_int_equal(rig.spans, 0);
    errand_sender_close(sender);
}

static void what_is_not_2xx_is_sent_again_later(void **state)
{
    (void)state; /* no fixture */
    static const unsigned answers[] = { 0, 199, 300, 404, 500 };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct rig rig;
        rig_init(&rig);
        rig.answer = answers[i];
        struct errand_sender *sender = sender_new(&rig, 7);
        run_for(&rig, sender, 16); /* at 0, 1, 3, 7, 15 */
        assert_int_equal(rig.posts, 5);
        assert_int_equal(rig.first, 0);
        struct errand_sender_counts counts;
        errand_sender_get_counts(sender, &counts);
        assert_int_equal(counts.failed, 5);
        assert_int_equal(counts.http_status, answers[i]);
        rig.answer = 204;
        run_for(&rig, sender, 20);
        assert_int_equal(rig.first, ERRANDS);
        errand_sender_close(sender);
    }
}

static void one_of_two_sends(void **state)
{
    (void)state; /* no fixture */
    struct rig rig;
    rig_init(&rig);
    rig.answer = 500;
    struct errand_sender *one = sender_new(&rig, 7);
    struct errand_sender *two = sender_new(&rig, 8);
    run_for(&rig, one, 1);
    rig.answer = 200;
    run_for(&rig, two, 50); /* the first one hangs; its claim is good for 60 s */
    assert_int_equal(rig.first, 0);
    run_for(&rig, two, 20);
    assert_int_equal(rig.first, ERRANDS);
    rig.first = 0;
    run_for(&rig, one, 10);
    assert_int_equal(rig.first, 0); /* it was followed */
    errand_sender_close(two);
    run_for(&rig, one, 2);
    assert_int_equal(rig.first, ERRANDS);
    errand_sender_close(one);
}

static void a_store_that_fails_costs_repeats_only(void **state)
{
    (void)state; /* no fixture */
    for (uint32_t at = 1; at < 40; at++) {
        struct rig rig;
        rig_init(&rig);
        rig.fails_at = at;
        struct errand_sender *sender = sender_new(&rig, 7);
        run_for(&rig, sender, 20);
        assert_int_equal(rig.first, ERRANDS);
        assert_in_range(rig.posts, ERRANDS, ERRANDS + 1);
        for (int i = 0; i < ERRANDS; i++) assert_true(rig.told[i] >= 1);
        struct errand_sender_counts counts;
        errand_sender_get_counts(sender, &counts);
        assert_int_equal(counts.unhealthy, STATUS_OK);
        errand_sender_close(sender);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_sent_once_when_all_is_well),
        cmocka_unit_test(what_ends_a_header_is_not_sent_as_one),
        cmocka_unit_test(what_is_not_2xx_is_sent_again_later),
        cmocka_unit_test(one_of_two_sends),
        cmocka_unit_test(a_store_that_fails_costs_repeats_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

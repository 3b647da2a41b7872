/*
 * Goal: an endpoint gets each event that it wants, in order and under the same number for ever;
 * what cannot be delivered is kept, passed, told, and delivered when asked for; a relay store that
 * is lost costs deliveries twice and nothing else.
 * Method: a relay without tasks, stepped by the test over a feed, a receiver, a store and a clock
 * in memory; the receiver answers as told and keeps sequence, passed and redriven of each
 * envelope. Lives end at any step, with the store as it is or emptied.
 */
#include "wallet/webhook_relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "port/sync_test.h"
#include "wallet/event_feed_test.h"

enum { LETTERS = 64, SEEN = 4096, STEPS_MAX = 100000 };

struct rig {
    struct stepped_sync sync;
    struct stepped_clock clock;
    struct http_out http;
    struct relay_store store;
    struct test_feed feed;
    /* the store */
    bool known;
    struct relay_state state;
    struct dead_letter letters[LETTERS];
    uint32_t letter_count;
    enum status store_fails;
    /* the receiver */
    unsigned answer;
    uint64_t refuses; /* this sequence, with 500 */
    uint32_t seen_count;
    uint64_t seen[SEEN];
    uint64_t passed[SEEN];
    bool redriven[SEEN];
    uint32_t disabled;
    struct webhook_relay *relay;
    struct webhook_endpoint endpoint;
};

static struct rig *rig_now; /* ports in memory have no place for it */

static uint64_t number_behind(struct str body, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i + len < body.len; i++) {
        if (memcmp(body.data + i, key, len) == 0) return strtoull(body.data + i + len, NULL, 10);
    }
    return 0;
}

static bool contains(struct str body, struct str text)
{
    for (size_t i = 0; i + text.len <= body.len; i++) {
        if (memcmp(body.data + i, text.data, text.len) == 0) return true;
    }
    return false;
}

static enum status rig_call(struct http_out *http, const struct http_out_request *request,
                            struct http_out_response *out_response, struct buf *out_body,
                            struct error *out_error)
{
    (void)http;
    (void)out_body;
    struct rig *rig = rig_now;
    stepped_none_held(&rig->sync);
    uint64_t sequence = number_behind(request->body, "\"sequence\":\"");
    uint64_t number = number_behind(request->body, "{\"number\":");
    assert_true(sequence > 0 && number > 0);
    if (rig->answer == 0) return error_set(out_error, STATUS_IN_DOUBT, "no answer");
    *out_response = (struct http_out_response){ .status = rig->answer };
    if (sequence == rig->refuses) out_response->status = 500;
    if (out_response->status != 200) return STATUS_OK;
    assert_true(rig->seen_count < SEEN);
    rig->seen[rig->seen_count] = sequence;
    rig->passed[rig->seen_count] = number_behind(request->body, "\"passed\":");
    rig->redriven[rig->seen_count++] = contains(request->body, STR("\"redriven\":true"));
    return STATUS_OK;
}

static enum status rig_load(struct relay_store *store, struct uuid endpoint,
                            struct relay_state *out_state, struct error *out_error)
{
    (void)store;
    (void)endpoint;
    (void)out_error;
    if (!rig_now->known) return STATUS_NOT_FOUND;
    *out_state = rig_now->state;
    return STATUS_OK;
}

static enum status rig_save(struct relay_store *store, const struct relay_state *state,
                            const struct dead_letter *letter, struct error *out_error)
{
    (void)store;
    (void)out_error;
    struct rig *rig = rig_now;
    if (rig->store_fails != STATUS_OK) return rig->store_fails;
    rig->state = *state;
    rig->known = true;
    if (letter == NULL) return STATUS_OK;
    uint32_t at = 0;
    while (at < rig->letter_count && rig->letters[at].sequence != letter->sequence) at++;
    assert_true(at < LETTERS);
    if (at == rig->letter_count) rig->letter_count++;
    rig->letters[at] = *letter;
    return STATUS_OK;
}

static enum status rig_remove(struct relay_store *store, struct uuid endpoint, uint64_t sequence,
                              struct error *out_error)
{
    (void)store;
    (void)endpoint;
    (void)out_error;
    struct rig *rig = rig_now;
    for (uint32_t i = 0; i < rig->letter_count; i++) {
        if (rig->letters[i].sequence != sequence) continue;
        memmove(&rig->letters[i], &rig->letters[i + 1],
                (--rig->letter_count - i) * sizeof rig->letters[0]);
    }
    return STATUS_OK;
}

static enum status rig_letters(struct relay_store *store, struct uuid endpoint, uint64_t above,
                               struct dead_letter *out_letters, uint32_t limit, uint32_t *out_count)
{
    (void)store;
    (void)endpoint;
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig_now->letter_count && count < limit; i++) {
        if (rig_now->letters[i].sequence > above) out_letters[count++] = rig_now->letters[i];
    }
    *out_count = count;
    return STATUS_OK;
}

static enum status rig_forget(struct relay_store *store, struct uuid endpoint,
                              struct error *out_error)
{
    (void)store;
    (void)endpoint;
    (void)out_error;
    rig_now->known = false;
    rig_now->letter_count = 0;
    return STATUS_OK;
}

static void on_disabled(void *owner, const struct relay_state *state)
{
    struct rig *rig = owner;
    assert_true(state->disabled);
    assert_true(rig->state.disabled); /* it is saved */
    rig->disabled++;
}

static void rig_live(struct rig *rig)
{
    const struct webhook_relay_ports ports = { &rig->sync.port, &rig->clock.port, &rig->http,
                                               &rig->feed.port, &rig->store,      NULL };
    struct webhook_relay_options options = WEBHOOK_RELAY_OPTIONS_DEFAULT;
    options.workers = 0;
    options.endpoints_max = 2;
    options.policy = (struct delivery_policy){ 1000, 8000, 4, 1000, 5 };
    options.on_disabled = on_disabled;
    options.owner = rig;
    assert_int_equal(webhook_relay_open(&ports, &options, &rig->relay, NULL), STATUS_OK);
    assert_int_equal(webhook_relay_add(rig->relay, &rig->endpoint, NULL), STATUS_OK);
}

static struct rig *rig_open(uint64_t events, const char *filter)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    rig_now = rig;
    rig->sync = (struct stepped_sync)STEPPED_SYNC;
    rig->clock = (struct stepped_clock)STEPPED_CLOCK(1000 * NS_PER_S);
    rig->http = (struct http_out){ .call = rig_call };
    rig->store = (struct relay_store){ .load = rig_load,
                                       .save = rig_save,
                                       .remove = rig_remove,
                                       .letters = rig_letters,
                                       .forget = rig_forget };
    test_feed_init(&rig->feed, events);
    rig->answer = 200;
    rig->endpoint = (struct webhook_endpoint){ .id = { 1, 1 }, .state = ENDPOINT_ACTIVE };
    rig->endpoint.key_count = 1;
    memcpy(rig->endpoint.url, "https://a", 10);
    uint8_t bytes[32] = { 9 };
    assert_int_equal(signing_key_take(bytes, sizeof bytes, &rig->endpoint.keys[0]), STATUS_OK);
    if (filter != NULL) {
        rig->endpoint.filter_count = 1;
        memcpy(rig->endpoint.filters[0], filter, strlen(filter));
    }
    rig_live(rig);
    return rig;
}

static void rig_close(struct rig *rig)
{
    webhook_relay_close(rig->relay);
    endpoint_done(&rig->endpoint);
    free(rig);
}

/* Steps until nothing is due. */
static void settle(struct rig *rig)
{
    for (uint32_t i = 0; webhook_relay_step(rig->relay); i++) assert_true(i < STEPS_MAX);
}

/* The same with time going on, second by second. */
static void settle_for(struct rig *rig, int64_t seconds)
{
    for (int64_t s = 0; s < seconds; s++) {
        settle(rig);
        rig->clock.now_ns += NS_PER_S;
    }
}

static void expect_run(const struct rig *rig, uint32_t from, uint64_t first, uint64_t last)
{
    for (uint64_t sequence = first; sequence <= last; sequence++, from++) {
        assert_true(from < rig->seen_count);
        assert_int_equal(rig->seen[from], sequence);
    }
}

static void events_come_in_order_and_once(void **state)
{
    (void)state; /* no fixture */
    struct rig *rig = rig_open(30, "payment.*");
    settle(rig);
    assert_int_equal(rig->seen_count, 20);
    expect_run(rig, 0, 1, 20);
    rig->feed.count = 36;
    assert_false(webhook_relay_step(rig->relay)); /* it looks again later, */
    webhook_relay_wake(rig->relay);               /* or when it is told */
    settle(rig);
    expect_run(rig, 0, 1, 24);
    rig->feed.count = 39;
    settle_for(rig, 3);
    expect_run(rig, 0, 1, 26);
    assert_int_equal(rig->seen_count, 26);
    rig_close(rig);
}

static void a_failed_event_holds_the_others_back(void **state)
{
    (void)state; /* no fixture */
    struct rig *rig = rig_open(10, NULL);
    rig->answer = 0;
    settle(rig);
    assert_int_equal(rig->seen_count, 0);
    assert_int_equal(rig->state.attempts, 1);
    rig->answer = 503;
    settle_for(rig, 2);
    assert_int_equal(rig->state.attempts, 2);
    assert_int_equal(rig->state.http_status, 503);
    rig->answer = 200;
    settle_for(rig, 10);
    expect_run(rig, 0, 1, 10);
    assert_int_equal(rig->seen_count, 10);
    assert_int_equal(rig->state.failing_at.ns, 0);
    rig_close(rig);
}

static void a_dead_letter_is_passed_and_said(void **state)
{
    (void)state; /* no fixture */
    struct rig *rig = rig_open(10, NULL);
    rig->refuses = 4;
    settle_for(rig, 60);
    assert_int_equal(rig->seen_count, 9);
    expect_run(rig, 0, 1, 3);
    expect_run(rig, 3, 5, 10);
    for (uint32_t i = 0; i < 9; i++) assert_int_equal(rig->passed[i], i == 3);
    assert_int_equal(rig->letter_count, 1);
    assert_int_equal(rig->letters[0].sequence, 4);
    assert_int_equal(rig->letters[0].attempts, 4);
    assert_int_equal(rig->letters[0].http_status, 500);

    uint32_t count = 0;
    struct uuid id = rig->endpoint.id;
    assert_int_equal(webhook_relay_redrive(rig->relay, id, 5, &count, NULL), STATUS_OK);
    assert_int_equal(count, 0);
    assert_int_equal(webhook_relay_redrive(rig->relay, id, 4, &count, NULL), STATUS_OK);
    assert_int_equal(count, 1);
    settle_for(rig, 3); /* still refused: stays a letter, and is not tried again by itself */
    assert_int_equal(rig->letter_count, 1);
    assert_int_equal(rig->letters[0].attempts, 5);
    assert_false(rig->letters[0].redrive);
    rig->refuses = 0;
    assert_int_equal(webhook_relay_redrive(rig->relay, id, 0, &count, NULL), STATUS_OK);
    settle_for(rig, 3);
    assert_int_equal(rig->letter_count, 0);
    assert_int_equal(rig->seen_count, 10);
    assert_int_equal(rig->seen[9], 4);
    assert_true(rig->redriven[9]);
    assert_int_equal(webhook_relay_redrive(rig->relay, (struct uuid){ 9, 9 }, 0, &count, NULL),
                     STATUS_NOT_FOUND);
    rig_close(rig);
}

static void a_letter_that_cannot_be_kept_is_not_passed(void **state)
{
    (void)state; /* no fixture */
    struct rig *rig = rig_open(6, NULL);
    rig->refuses = 2;
    settle_for(rig, 1);
    rig->store_fails = STATUS_LIMIT;
    settle_for(rig, 60);
    assert_int_equal(rig->seen_count, 1);
    rig->store_fails = STATUS_OK;
    settle_for(rig, 60);
    assert_int_equal(rig->letter_count, 1);
    assert_int_equal(rig->seen_count, 5);
    rig_close(rig);
}

static void an_endpoint_disables_itself(void **state)
{
    (void)state; /* no fixture */
    struct rig *rig = rig_open(20, NULL);
    rig->answer = 500;
    settle_for(rig, 300); /* five letters in a row */
    assert_int_equal(rig->disabled, 1);
    assert_int_equal(rig->letter_count, 4);
    uint64_t reads = rig->feed.reads;
    settle_for(rig, 100);
    assert_int_equal(rig->feed.reads, reads); /* left alone */
    rig->answer = 200;
    assert_int_equal(webhook_relay_enable(rig->relay, rig->endpoint.id, NULL), STATUS_OK);
    settle_for(rig, 5);
    expect_run(rig, 0, 5, 20);
    assert_int_equal(rig->passed[0], 4);
    rig->feed.count = 21;
    rig->answer = 410;
    settle_for(rig, 3);
    assert_int_equal(rig->disabled, 2); /* gone: at once */
    rig_close(rig);
}

/* Every wanted event came, at least once, and each under the number that it always has. */
static void expect_all(const struct rig *rig, uint64_t last)
{
    uint64_t next = 1;
    for (uint32_t i = 0; i < rig->seen_count; i++) {
        assert_true(rig->seen[i] <= next); /* in order: nothing was skipped */
        if (rig->seen[i] == next) next++;
    }
    assert_int_equal(next, last + 1);
}

static void lives_end_at_any_step(void **state)
{
    (void)state; /* no fixture */
    for (int wipe = 0; wipe < 2; wipe++) {
        for (uint32_t steps = 1; steps < 25; steps++) {
            struct rig *rig = rig_open(30, "payment.*");
            for (uint32_t i = 0; i < steps; i++) (void)webhook_relay_step(rig->relay); /* or idle */
            webhook_relay_close(rig->relay);
            if (wipe) rig->known = false; /* relay.db is lost */
            uint32_t before = rig->seen_count;
            rig_live(rig);
            settle(rig);
            expect_all(rig, 20);
            assert_int_equal(rig->seen_count, wipe ? before + 20 : 20);
            rig_close(rig);
        }
    }
}

static enum status take_all_types(void *owner, struct webhook_endpoint *endpoint)
{
    struct rig *rig = owner;
    endpoint->filter_count = 0;
    rig->endpoint.filter_count = 0; /* durable, as it were */
    rig->endpoint.since = endpoint->since;
    rig->endpoint.sequence_base = endpoint->sequence_base;
    return STATUS_OK;
}

static enum status refuse_change(void *owner, struct webhook_endpoint *endpoint)
{
    (void)owner;
    endpoint->filter_count = 0;
    return STATUS_DENIED;
}

static void filters_change_without_a_gap(void **state)
{
    (void)state; /* no fixture */
    struct rig *rig = rig_open(9, "payment.*");
    struct uuid id = rig->endpoint.id;
    settle(rig);
    const struct relay_state old = rig->state;
    rig->feed.count = 30;
    webhook_relay_wake(rig->relay);
    settle(rig);
    assert_int_equal(webhook_relay_change(rig->relay, id, refuse_change, rig), STATUS_DENIED);
    assert_int_equal(webhook_relay_change(rig->relay, id, take_all_types, rig), STATUS_OK);
    rig->feed.count = 60;
    webhook_relay_wake(rig->relay);
    settle(rig);
    expect_run(rig, 0, 1, 50);
    assert_int_equal(rig->seen_count, 50);
    webhook_relay_close(rig->relay);
    rig->known = false; /* the endpoint's own value says where its numbers begin */
    rig_live(rig);
    settle(rig);
    assert_int_equal(rig->seen_count, 80);
    expect_run(rig, 50, 21, 50);
    webhook_relay_close(rig->relay);
    rig->state = old; /* from before the change: its numbers were counted with other filters */
    rig_live(rig);
    settle(rig);
    assert_int_equal(rig->seen_count, 110);
    expect_run(rig, 80, 21, 50);
    rig_close(rig);
}

struct given {
    uint64_t count;
    uint64_t first;
};

static bool give(void *owner, const struct feed_event *event, uint64_t sequence)
{
    struct given *given = owner;
    assert_true(event->data.len > 0);
    if (given->count++ == 0) given->first = sequence;
    return true;
}

static void what_was_missed_is_told(void **state)
{
    (void)state; /* no fixture */
    struct rig *rig = rig_open(30, "payment.*");
    rig->refuses = 7;
    settle(rig); /* stands at 7 */
    struct buf BUF_SCOPE memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    struct given given = { 0 };
    struct missed_question question = {
        .since = 15, .limit = 100, .walk_max = 1000, .visit = give, .owner = &given
    };
    struct missed_answer answer;
    assert_int_equal(
        webhook_relay_missed(rig->relay, rig->endpoint.id, &question, &memory, &answer, NULL),
        STATUS_OK);
    assert_int_equal(given.count, 5);
    assert_int_equal(given.first, 16);
    assert_true(answer.complete);
    rig_close(rig);
}

static void endpoints_come_and_go(void **state)
{
    (void)state; /* no fixture */
    struct rig *rig = rig_open(3, NULL);
    struct relay_state found;
    assert_int_equal(webhook_relay_add(rig->relay, &rig->endpoint, NULL), STATUS_CONFLICT);
    settle(rig);
    assert_int_equal(webhook_relay_state(rig->relay, rig->endpoint.id, &found), STATUS_OK);
    assert_int_equal(found.sequence, 3);
    assert_int_equal(webhook_relay_remove(rig->relay, rig->endpoint.id, NULL), STATUS_OK);
    assert_int_equal(webhook_relay_remove(rig->relay, rig->endpoint.id, NULL), STATUS_NOT_FOUND);
    assert_int_equal(webhook_relay_state(rig->relay, rig->endpoint.id, &found), STATUS_NOT_FOUND);
    assert_false(webhook_relay_step(rig->relay));
    for (uint64_t i = 0; i < 3; i++) {
        rig->endpoint.id.lo = i;
        assert_int_equal(webhook_relay_add(rig->relay, &rig->endpoint, NULL),
                         i < 2 ? STATUS_OK : STATUS_LIMIT);
    }
    rig->endpoint.state = ENDPOINT_DISABLED;
    rig_close(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_and_once),
        cmocka_unit_test(a_failed_event_holds_the_others_back),
        cmocka_unit_test(a_dead_letter_is_passed_and_said),
        cmocka_unit_test(a_letter_that_cannot_be_kept_is_not_passed),
        cmocka_unit_test(an_endpoint_disables_itself),
        cmocka_unit_test(lives_end_at_any_step),
        cmocka_unit_test(filters_change_without_a_gap),
        cmocka_unit_test(what_was_missed_is_told),
        cmocka_unit_test(endpoints_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

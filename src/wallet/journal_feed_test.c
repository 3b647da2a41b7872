/*
 * Goal: every durable unit that others may know of is one event, in order, the same at each
 * reading; what is refused is none; nothing is read before it is durable.
 * Method: a lane stepped by the test, with units of every kind; the feed read from the start, from
 * each event on, and again after a restart.
 */
#include "wallet/journal_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wallet/lane_test.h"

enum { EVENTS_MAX = 64 };

struct seen {
    struct position position;
    char type[64];
    char data[4096];
};

struct reading {
    struct seen events[EVENTS_MAX];
    uint32_t count;
};

static void read_all(struct bench *bench, struct position after, struct reading *out_reading)
{
    struct journal_feed *feed;
    assert_int_equal(
        journal_feed_new(bench->lane, &bench->store.port, &bench->sync.port, "/tpwallet/0", &feed),
        STATUS_OK);
    struct event_feed *port = journal_feed_port(feed);
    BUF_SCOPE struct buf memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    out_reading->count = 0;
    struct feed_event event;
    struct error error = { 0 };
    while (port->next(port, after, &memory, &event, &error) == STATUS_OK) {
        assert_true(out_reading->count < EVENTS_MAX);
        assert_true(position_compare(event.position, after) > 0);
        struct seen *seen = &out_reading->events[out_reading->count++];
        memset(seen, 0, sizeof *seen);
        seen->position.batch = event.position.batch; /* padding is compared too */
        seen->position.index = event.position.index;
        assert_true(event.type.len < sizeof seen->type && event.data.len < sizeof seen->data);
        memcpy(seen->type, event.type.data, event.type.len);
        memcpy(seen->data, event.data.data, event.data.len);
        assert_true(str_equal(event.source, STR("/tpwallet/0")));
        after = event.position;
    }
    journal_feed_free(feed);
}

static struct payment_result payment_run(struct bench *bench, uint64_t number, uint64_t minor)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft.id.value = test_id(number);
    command.draft.kind = PAYMENT_WALLET;
    command.draft.amount.minor = minor;
    command.draft.asset = EUR;
    command.draft.wallet.value = test_id(1);
    command.draft.counter.value = test_id(2);
    struct payment_result result;
    struct request request = { .kind = REQUEST_PAYMENT,
                               .root = lane_new_id(bench->lane),
                               .trace = { .id = { 3, 4 } },
                               .count = 1,
                               .payment = &command,
                               .payment_result = &result };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return result;
}

static struct bench *scene_new(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    (void)payment_run(bench, 1000, 250);
    (void)test_one(bench, test_transfer(2000, 2, 1, 5));
    (void)test_one(bench, test_transfer(2001, 2, 9, 5)); /* refused: no event */
    (void)payment_run(bench, 1000, 250);                 /* a repeat: no event */
    (void)payment_run(bench, 1001, 7);
    return bench;
}

static void every_unit_is_one_event_in_order(void **state)
{
    (void)state;
    static const char *const types[] = { "account.created", "account.created", "payment.succeeded",
                                         "transfer.direct", "payment.succeeded" };
    struct bench *bench = scene_new();
    static struct reading all, again, rest;
    read_all(bench, (struct position){ 0 }, &all);
    assert_int_equal(all.count, 5);
    for (uint32_t i = 0; i < 5; i++) assert_string_equal(all.events[i].type, types[i]);
    assert_non_null(strstr(all.events[2].data, "\"state\":\"succeeded\""));
    assert_non_null(strstr(all.events[2].data, "\"amount\":\"2.50\""));
    assert_null(strstr(all.events[2].data, "transfers")); /* its transfers are its own affair */
    bench_crash(bench);
    bench_open(bench);
    read_all(bench, (struct position){ 0 }, &again);
    assert_memory_equal(&all, &again, sizeof all);
    for (uint32_t i = 0; i < all.count; i++) {
        read_all(bench, all.events[i].position, &rest);
        assert_int_equal(rest.count, all.count - i - 1);
        if (rest.count > 0) {
            assert_memory_equal(&rest.events[0], &all.events[i + 1], sizeof rest.events[0]);
        }
    }
    bench_free(bench);
}

static void asking_again_gives_the_same_event(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct journal_feed *feed;
    assert_int_equal(
        journal_feed_new(bench->lane, &bench->store.port, &bench->sync.port, "/", &feed),
        STATUS_OK);
    struct event_feed *port = journal_feed_port(feed);
    BUF_SCOPE struct buf memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    struct error error = { 0 };
    struct position after = { 0 };
    struct feed_event event;
    while (port->next(port, after, &memory, &event, &error) == STATUS_OK) {
        struct position first = event.position;
        for (int i = 0; i < 2; i++) {
            assert_int_equal(port->next(port, after, &memory, &event, &error), STATUS_OK);
            assert_int_equal(position_compare(event.position, first), 0);
        }
        after = first;
    }
    journal_feed_free(feed);
    bench_free(bench);
}

static void nothing_is_told_before_it_is_durable(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    static struct reading before, held;
    read_all(bench, (struct position){ 0 }, &before);
    struct transfer transfer = test_transfer(2002, 2, 1, 5);
    struct transfer_result result;
    struct request request = test_request(bench->lane, &transfer, &result, 1);
    bench->hold_flush = true;
    assert_int_equal(lane_submit(bench->lane, &request), STATUS_OK);
    bench_settle(bench);
    read_all(bench, (struct position){ 0 }, &held);
    assert_int_equal(held.count, before.count);
    bench->hold_flush = false;
    lane_wait(bench->lane, &request);
    read_all(bench, (struct position){ 0 }, &held);
    assert_int_equal(held.count, before.count + 1);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_is_one_event_in_order),
        cmocka_unit_test(asking_again_gives_the_same_event),
        cmocka_unit_test(nothing_is_told_before_it_is_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

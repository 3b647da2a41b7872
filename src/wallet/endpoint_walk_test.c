/*
 * Goal: the sequence of an event at an endpoint is gap-free and the same wherever the counting
 * begins; what was missed is exactly what came after.
 * Method: walks over a feed in memory with filters; the same events counted from the beginning
 * and from every place on the way; filters changed at a position; questions for every `since`.
 */
#include "wallet/endpoint_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "wallet/event_feed_test.h"

enum { EVENTS = 90 };

struct seen {
    uint64_t count;
    uint64_t first;
    uint64_t last;
    uint64_t stop_after;
};

static bool visit(void *owner, const struct feed_event *event, uint64_t sequence)
{
    struct seen *seen = owner;
    assert_true(event->id.len > 0);
    if (seen->count > 0) assert_int_equal(sequence, seen->last + 1);
    if (seen->count == 0) seen->first = sequence;
    seen->last = sequence;
    seen->count++;
    return seen->count != seen->stop_after;
}

static struct webhook_endpoint endpoint_of(const char *filter)
{
    struct webhook_endpoint endpoint = { .state = ENDPOINT_ACTIVE };
    if (filter != NULL) {
        endpoint.filter_count = 1;
        memcpy(endpoint.filters[0], filter, strlen(filter));
    }
    return endpoint;
}

static void counting_from_anywhere_gives_the_same(void **state)
{
    (void)state; /* no fixture */
    struct test_feed feed;
    test_feed_init(&feed, EVENTS);
    struct buf BUF_SCOPE memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    struct webhook_endpoint endpoint = endpoint_of("payment.*");
    endpoint.sequence_base = 7;
    struct endpoint_walk walk = endpoint_walk_begin(&endpoint);
    struct endpoint_walk walks[EVENTS];
    uint64_t count = 0;
    struct feed_event event;
    while (endpoint_walk_next(&endpoint, &feed.port, &walk, &memory, &event, NULL) == STATUS_OK) {
        assert_true(str_equal(event.type, STR("payment.succeeded")));
        walks[count++] = walk;
        assert_int_equal(walk.sequence, 7 + count);
    }
    assert_int_equal(count, EVENTS / 3 * 2);
    for (uint64_t from = 0; from < count; from++) {
        struct endpoint_walk again = walks[from];
        for (uint64_t i = from + 1; i < count; i++) {
            assert_int_equal(
                endpoint_walk_next(&endpoint, &feed.port, &again, &memory, &event, NULL),
                STATUS_OK);
            assert_int_equal(again.sequence, walks[i].sequence);
            assert_int_equal(position_compare(again.position, walks[i].position), 0);
        }
        /* Other filters from here on: the numbers go on without a gap. */
        struct webhook_endpoint other = endpoint_of(NULL);
        other.since = walks[from].position;
        other.sequence_base = walks[from].sequence;
        again = endpoint_walk_begin(&other);
        if (endpoint_walk_next(&other, &feed.port, &again, &memory, &event, NULL) == STATUS_OK) {
            assert_int_equal(again.sequence, walks[from].sequence + 1);
        }
    }
}

static void what_is_not_wanted_is_left_behind(void **state)
{
    (void)state; /* no fixture */
    struct test_feed feed;
    test_feed_init(&feed, ENDPOINT_WALK_EVENTS_MAX + 5);
    struct buf BUF_SCOPE memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    struct webhook_endpoint endpoint = endpoint_of("nothing");
    struct endpoint_walk walk = endpoint_walk_begin(&endpoint);
    struct feed_event event;
    assert_int_equal(endpoint_walk_next(&endpoint, &feed.port, &walk, &memory, &event, NULL),
                     STATUS_TIMEOUT);
    assert_int_equal(endpoint_walk_next(&endpoint, &feed.port, &walk, &memory, &event, NULL),
                     STATUS_NOT_FOUND);
    assert_int_equal(walk.sequence, 0);
    assert_int_equal(feed.reads, ENDPOINT_WALK_EVENTS_MAX + 5 + 1); /* each once */
}

static void what_was_missed(void **state)
{
    (void)state; /* no fixture */
    struct test_feed feed;
    test_feed_init(&feed, EVENTS);
    struct buf BUF_SCOPE memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    const struct webhook_endpoint endpoint = endpoint_of("refund.*");
    struct missed_answer answer;
    for (uint64_t since = 0; since <= EVENTS / 3 + 2; since++) {
        struct seen seen = { 0 };
        struct missed_question question = { .endpoint = &endpoint,
                                            .since = since,
                                            .limit = 1000,
                                            .walk_max = 1000,
                                            .visit = visit,
                                            .owner = &seen };
        assert_int_equal(endpoint_missed(&question, &feed.port, &memory, &answer, NULL), STATUS_OK);
        uint64_t wanted = since < EVENTS / 3 ? EVENTS / 3 - since : 0;
        assert_int_equal(seen.count, wanted);
        assert_int_equal(answer.count, wanted);
        assert_true(answer.complete);
        if (wanted > 0) assert_int_equal(seen.first, since + 1);
        seen = (struct seen){ 0 };
        question.limit = 4;
        assert_int_equal(endpoint_missed(&question, &feed.port, &memory, &answer, NULL), STATUS_OK);
        assert_int_equal(seen.count, wanted < 4 ? wanted : 4);
        assert_int_equal(answer.sequence, wanted == 0 ? since : seen.last);
        assert_true(answer.complete == (wanted < 4));
    }
    struct seen seen = { .stop_after = 2 };
    struct missed_question question = { .endpoint = &endpoint,
                                        .from = { test_feed_position(60), 20 },
                                        .since = 20,
                                        .limit = 100,
                                        .walk_max = 100,
                                        .visit = visit,
                                        .owner = &seen };
    feed.reads = 0;
    assert_int_equal(endpoint_missed(&question, &feed.port, &memory, &answer, NULL), STATUS_OK);
    assert_int_equal(seen.first, 21);
    assert_int_equal(seen.count, 2);
    assert_int_equal(feed.reads, 6); /* not from the beginning */
    feed.fails = STATUS_UNAVAILABLE;
    assert_int_equal(endpoint_missed(&question, &feed.port, &memory, &answer, NULL),
                     STATUS_UNAVAILABLE);
}

static void the_position_before(void **state)
{
    (void)state; /* no fixture */
    struct test_feed feed;
    test_feed_init(&feed, EVENTS);
    struct buf BUF_SCOPE memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    for (uint64_t number = 1; number <= EVENTS; number++) {
        struct position position = test_feed_position(number);
        struct feed_event event;
        assert_int_equal(
            feed.port.next(&feed.port, position_before(position), &memory, &event, NULL),
            STATUS_OK);
        assert_int_equal(position_compare(event.position, position), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_from_anywhere_gives_the_same),
        cmocka_unit_test(what_is_not_wanted_is_left_behind),
        cmocka_unit_test(what_was_missed),
        cmocka_unit_test(the_position_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

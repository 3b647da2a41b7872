/* event_feed_test.h - for tests: a feed of events in memory, whose types follow from their numbers. */
#ifndef WALLET_EVENT_FEED_TEST_H
#define WALLET_EVENT_FEED_TEST_H

#include "wallet/event_feed.h"

/*
 * Events stand at (1, 0), (1, 2), (2, 0), (2, 2), ...: two in a batch, with gaps. Every third is
 * a refund.failed, the others are payment.succeeded. Grows when count does.
 */
struct test_feed {
    struct event_feed port; /* first */
    uint64_t count;
    enum status fails; /* STATUS_OK: it does not */
    uint64_t reads;
    bool traced; /* event number N is of trace (1, N) and span N + 1000 */
};

static inline struct position test_feed_position(uint64_t number)
{
    return (struct position){ (number + 1) / 2, (uint32_t)((number + 1) % 2) * 2 };
}

static inline enum status test_feed_next(struct event_feed *port, struct position after,
                                         struct buf *memory, struct feed_event *out_event,
                                         struct error *out_error)
{
    struct test_feed *feed = (struct test_feed *)port;
    feed->reads++;
    if (feed->fails != STATUS_OK) return error_set(out_error, feed->fails, "the feed fails");
    uint64_t number = after.batch < 1 ? 1 : after.batch * 2 - 1;
    while (number <= feed->count && position_compare(test_feed_position(number), after) <= 0) {
        number++;
    }
    if (number > feed->count) return STATUS_NOT_FOUND;
    struct position position = test_feed_position(number);
    buf_reset(memory);
    buf_append_format(memory, "%llu-%u", (unsigned long long)position.batch, position.index);
    size_t id_len = memory->len;
    buf_append_format(memory, "{\"number\":%llu}", (unsigned long long)number);
    const char *text = (const char *)memory->data;
    *out_event = (struct feed_event){
        .position = position,
        .id = { text, id_len },
        .type = number % 3 == 0 ? STR("refund.failed") : STR("payment.succeeded"),
        .source = STR("/test"),
        .time = { (int64_t)number * NS_PER_S },
        .data = { text + id_len, memory->len - id_len },
    };
    if (feed->traced) out_event->trace = (struct trace){ { .hi = 1, .lo = number }, number + 1000 };
    return buf_status(memory);
}

static inline void test_feed_init(struct test_feed *feed, uint64_t count)
{
    *feed = (struct test_feed){ .port = { test_feed_next }, .count = count };
}

#endif

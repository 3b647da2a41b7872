/*
 * Goal: a bus takes runs whole and in order, tells whoever begins a lane where it stands, and lets
 * nobody publish who was followed by another, whatever lane others are at.
 * Method: stories through the port alone, with several buses on one place, as an owner, an owner
 * that was paused, and its successor would have them.
 */
#include "tests/kafka/bus_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { RUN_MAX = 600, BEGIN_TRIES = 1000, READ_TRIES = 1000 };

static enum status publish_run(struct bus *bus, uint64_t first, uint32_t count)
{
    static char texts[RUN_MAX][32];
    static struct bus_event events[RUN_MAX];
    struct error error = { 0 };
    assert_true(count <= RUN_MAX);
    for (uint32_t i = 0; i < count; i++) {
        int len = snprintf(texts[i], sizeof texts[i], "%llu", (unsigned long long)(first + i));
        assert_true(len > 0);
        events[i] = (struct bus_event){ .key = { "k", 1 },
                                        .value = { texts[i], (size_t)len },
                                        .traceparent = i % 2 == 0 ? STR("00-aa-bb-01") : STR(""),
                                        .time = { (int64_t)(first + i) * NS_PER_S } };
    }
    uint64_t last = first + count - 1;
    const struct bus_mark mark = { { last, 3 }, { (int64_t)last * NS_PER_S } };
    enum status status = bus->publish(bus, events, count, mark, &error);
    if (status != STATUS_OK) assert_int_equal(error.status, status);
    return status;
}

/* As whoever publishes does: a topic that was just made may have no leader for a moment. */
static void begin_at(struct bus *bus, uint32_t lane, uint64_t epoch, uint64_t expected)
{
    struct bus_mark mark = { { 99, 99 }, { 99 } };
    struct error error = { 0 };
    enum status status = STATUS_UNAVAILABLE;
    for (int tries = 0; status == STATUS_UNAVAILABLE && tries < BEGIN_TRIES; tries++)
        status = bus->begin(bus, lane, epoch, &mark, &error);
    if (status != STATUS_OK) fail_msg("begin: %s: %s", error.message, error.detail);
    assert_int_equal(mark.position.batch, expected);
    assert_int_equal(mark.position.index, expected == 0 ? 0 : 3);
    assert_int_equal(mark.time.ns, (int64_t)expected * NS_PER_S);
}

/* Brokers show what was committed when they have marked it, a moment after they said so. */
static void expect(const struct bus_factory *factory, uint32_t lane, uint64_t last)
{
    BUF_SCOPE struct buf seen;
    BUF_SCOPE struct buf wanted;
    buf_init(&seen, 1 << 20);
    buf_init(&wanted, 1 << 20);
    for (uint64_t i = 1; i <= last; i++) {
        buf_append_format(&wanted, "k=%llu;", (unsigned long long)i);
    }
    bool same = false;
    for (int tries = 0; !same && tries < READ_TRIES; tries++) {
        buf_reset(&seen);
        factory->read(factory->owner, lane, &seen);
        same = str_equal(buf_view(&seen), buf_view(&wanted));
    }
    assert_string_equal(buf_terminated(&seen), buf_terminated(&wanted));
}

static void runs_are_published_in_order(const struct bus_factory *factory)
{
    factory->fresh(factory->owner);
    struct bus *bus = factory->open(factory->owner);
    begin_at(bus, 1, 5, 0);
    assert_int_equal(publish_run(bus, 1, 1), STATUS_OK);
    expect(factory, 1, 1);
    assert_int_equal(publish_run(bus, 2, RUN_MAX), STATUS_OK);
    expect(factory, 1, RUN_MAX + 1);
    expect(factory, 0, 0);
    bus->close(bus);
    bus = factory->open(factory->owner);
    begin_at(bus, 1, 5, RUN_MAX + 1); /* the same owner, after a restart of its relay */
    assert_int_equal(publish_run(bus, RUN_MAX + 2, 2), STATUS_OK);
    begin_at(bus, 1, 5, RUN_MAX + 3);
    begin_at(bus, 0, 5, 0); /* lanes do not know of each other */
    bus->close(bus);
    expect(factory, 1, RUN_MAX + 3);
}

static void an_owner_that_was_followed_publishes_nothing(const struct bus_factory *factory)
{
    factory->fresh(factory->owner);
    struct bus *old = factory->open(factory->owner);
    struct bus *other = factory->open(factory->owner);
    begin_at(old, 0, 1, 0);
    assert_int_equal(publish_run(old, 1, 2), STATUS_OK);
    begin_at(other, 0, 2, 2);
    assert_int_equal(publish_run(old, 3, 2), STATUS_FENCED);
    expect(factory, 0, 2);
    assert_int_equal(publish_run(other, 3, 1), STATUS_OK);
    struct bus_mark mark;
    struct error error = { 0 };
    assert_int_equal(old->begin(old, 0, 1, &mark, &error), STATUS_FENCED);
    assert_int_equal(error.status, STATUS_FENCED);
    /* It disturbed the rightful owner, who finds out, begins again, and goes on. */
    enum status status = publish_run(other, 4, 1);
    assert_true(status == STATUS_OK || status == STATUS_FENCED);
    if (status == STATUS_FENCED) {
        begin_at(other, 0, 2, 3);
        assert_int_equal(publish_run(other, 4, 1), STATUS_OK);
    }
    old->close(old);
    other->close(other);
    expect(factory, 0, 4);
}

static void the_epoch_alone_is_remembered(const struct bus_factory *factory)
{
    factory->fresh(factory->owner);
    struct bus *old = factory->open(factory->owner);
    struct bus *other = factory->open(factory->owner);
    begin_at(other, 0, 9, 0);
    other->close(other); /* it published nothing */
    struct bus_mark mark;
    assert_int_equal(old->begin(old, 0, 8, &mark, NULL), STATUS_FENCED);
    begin_at(old, 0, 9, 0);
    assert_int_equal(publish_run(old, 1, 1), STATUS_OK);
    old->close(old);
    expect(factory, 0, 1);
}

void bus_conformance(const struct bus_factory *factory)
{
    runs_are_published_in_order(factory);
    an_owner_that_was_followed_publishes_nothing(factory);
    the_epoch_alone_is_remembered(factory);
}

/*
 * Goal: an event's envelope is CloudEvents 1.0, with what a delivery adds, to the byte.
 * Method: two envelopes written out by hand; one that does not fit.
 */
#include "wallet/event_envelope.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct feed_event EVENT = {
    .position = { 1207, 3 },
    .id = STR("1207-3"),
    .type = STR("payment.succeeded"),
    .source = STR("/tpwallet/0"),
    .subject = STR("0190a1b2-0000-7000-8000-00000000c3d4"),
    .time = { 1795414490 * NS_PER_S },
    .trace = { { .hi = 0x4bf92f3577b34da6, .lo = 0xa3ce929d0e0e4736 }, 0x00f067aa0ba902b7 },
    .data = STR("{\"amount\":\"12.50\"}"),
};

#define HEAD                                                                                       \
    "{\"specversion\":\"1.0\",\"id\":\"1207-3\",\"source\":\"/tpwallet/0\",\"type\":\"payment."    \
    "succeeded\",\"subject\":\"0190a1b2-0000-7000-8000-00000000c3d4\",\"time\":"                   \
    "\"2026-11-23T06:14:50.000000000Z\",\"traceparent\":"                                          \
    "\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\","
#define TAIL "\"datacontenttype\":\"application/json\",\"data\":{\"amount\":\"12.50\"}}"

static void expect(const struct event_delivery *delivery, struct str wanted)
{
    struct buf BUF_SCOPE out;
    buf_init(&out, 4096);
    assert_int_equal(event_envelope_write(&EVENT, delivery, &out), STATUS_OK);
    if (!str_equal(buf_view(&out), wanted)) fail_msg("%s", buf_terminated(&out));
}

static void an_event_alone(void **state)
{
    (void)state; /* no fixture */
    expect(NULL, STR(HEAD TAIL));
}

static void a_delivery(void **state)
{
    (void)state; /* no fixture */
    const struct event_delivery plain = { .sequence = 42 };
    expect(&plain, STR(HEAD "\"sequence\":\"42\"," TAIL));
    const struct event_delivery odd = { 18446744073709551615u, 2, true };
    expect(&odd,
           STR(HEAD "\"sequence\":\"18446744073709551615\",\"passed\":2,\"redriven\":true," TAIL));
}

static void what_does_not_fit_is_a_limit(void **state)
{
    (void)state; /* no fixture */
    struct buf BUF_SCOPE out;
    buf_init(&out, 100);
    assert_int_equal(event_envelope_write(&EVENT, NULL, &out), STATUS_LIMIT);
}

static void positions_in_order(void **state)
{
    (void)state; /* no fixture */
    assert_true(position_compare((struct position){ 1, 9 }, (struct position){ 2, 0 }) < 0);
    assert_true(position_compare((struct position){ 2, 1 }, (struct position){ 2, 0 }) > 0);
    assert_int_equal(position_compare((struct position){ 2, 1 }, (struct position){ 2, 1 }), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_alone),
        cmocka_unit_test(a_delivery),
        cmocka_unit_test(what_does_not_fit_is_a_limit),
        cmocka_unit_test(positions_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

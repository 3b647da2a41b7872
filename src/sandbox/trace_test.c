/*
 * Goal: a webhook is sent for every change, when it should be, and faults do to it what they say.
 * Method: one order under each fault of webhooks; retries until the sandbox gives up; fees by hand.
 */
#include "sandbox/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sandbox/sandbox_test.h"

static int set_up(void **state)
{
    *state = sandbox_test_new();
    return 0;
}

static int tear_down(void **state)
{
    sandbox_test_free(*state);
    return 0;
}

static void order_with(struct sandbox *sandbox, uint64_t number, const char *method)
{
    const struct psp_order order = order_on(number, PSP_CHARGE, 1000, method);
    (void)ask(sandbox, &order); /* what it comes to is course_test's */
}

static void fault_set(struct sandbox *sandbox, enum sandbox_fault fault)
{
    const struct fault_rule rule = { .fault = (uint8_t)fault, .per_mille = 1000, .times = 1 };
    assert_int_equal(fault_rule_add(&sandbox->faults, &rule), STATUS_OK);
}

static void every_change_is_told_as_it_stood(void **state)
{
    struct sandbox *sandbox = *state;
    order_with(sandbox, 1, "card_pending_then_ok");
    struct sandbox_delivery first;
    assert_true(sandbox_event_next(sandbox, &first));
    struct sandbox_delivery second;
    assert_false(sandbox_event_next(sandbox, &second));
    assert_int_equal(sandbox_event_due(sandbox).ns, INT64_MAX);
    later_ms(sandbox, 2000);
    assert_true(sandbox_event_next(sandbox, &second));
    assert_true(sandbox_event(sandbox, first.event)->created);
    assert_int_equal(sandbox_event(sandbox, first.event)->state, SANDBOX_PENDING);
    assert_false(sandbox_event(sandbox, second.event)->created);
    assert_int_equal(sandbox_event(sandbox, second.event)->state, SANDBOX_DONE);
    assert_false(first.forged);
    assert_int_equal(first.attempt, 0);
}

static void lost_is_never_sent_but_known(void **state)
{
    struct sandbox *sandbox = *state;
    fault_set(sandbox, SANDBOX_FAULT_WEBHOOK_LOST);
    order_with(sandbox, 1, "card_ok");
    struct sandbox_delivery delivery;
    later_days(sandbox, 1);
    assert_false(sandbox_event_next(sandbox, &delivery));
    assert_int_equal(sandbox->event_count, 1);
}

static void duplicate_is_sent_twice(void **state)
{
    struct sandbox *sandbox = *state;
    fault_set(sandbox, SANDBOX_FAULT_WEBHOOK_DUPLICATE);
    order_with(sandbox, 1, "card_ok");
    struct sandbox_delivery a;
    struct sandbox_delivery b;
    assert_true(sandbox_event_next(sandbox, &a));
    assert_true(sandbox_event_next(sandbox, &b));
    assert_int_equal(a.event, b.event);
    assert_false(sandbox_event_next(sandbox, &b));
}

static void reordered_is_overtaken(void **state)
{
    struct sandbox *sandbox = *state;
    fault_set(sandbox, SANDBOX_FAULT_WEBHOOK_REORDERED);
    order_with(sandbox, 1, "card_ok");
    order_with(sandbox, 2, "card_ok");
    struct sandbox_delivery delivery;
    assert_true(sandbox_event_next(sandbox, &delivery));
    assert_int_equal(delivery.event, 1);
    assert_false(sandbox_event_next(sandbox, &delivery));
    later_ms(sandbox, fault_ms_default(SANDBOX_FAULT_WEBHOOK_REORDERED));
    assert_true(sandbox_event_next(sandbox, &delivery));
    assert_int_equal(delivery.event, 0);
}

static void wrongly_signed_is_signed_right_the_next_time(void **state)
{
    struct sandbox *sandbox = *state;
    fault_set(sandbox, SANDBOX_FAULT_WEBHOOK_BAD_SIGNATURE);
    order_with(sandbox, 1, "card_ok");
    struct sandbox_delivery delivery;
    assert_true(sandbox_event_next(sandbox, &delivery));
    assert_true(delivery.forged);
    delivery.receivers = 2;
    sandbox_event_failed(sandbox, &delivery);
    assert_false(sandbox_event_next(sandbox, &delivery));
    later_ms(sandbox, 1000);
    assert_true(sandbox_event_next(sandbox, &delivery));
    assert_false(delivery.forged);
    assert_int_equal(delivery.attempt, 1);
    assert_int_equal(delivery.receivers, 2);
}

static void what_does_not_arrive_is_given_up_at_last(void **state)
{
    struct sandbox *sandbox = *state;
    order_with(sandbox, 1, "card_ok");
    static const int64_t waits_s[] = { 0, 1, 5, 30, 120, 600 };
    for (uint32_t attempt = 0; attempt < SANDBOX_ATTEMPTS_MAX; attempt++) {
        struct sandbox_delivery delivery;
        if (waits_s[attempt] > 0) later_ms(sandbox, waits_s[attempt] * 1000 - 1);
        if (attempt > 0) assert_false(sandbox_event_next(sandbox, &delivery));
        later_ms(sandbox, 1);
        assert_true(sandbox_event_next(sandbox, &delivery));
        assert_int_equal(delivery.attempt, attempt);
        sandbox_event_failed(sandbox, &delivery);
    }
    assert_int_equal(sandbox->deliveries.count, 0);
}

static void fees_are_rounded_and_never_over_what_is_owed(void **state)
{
    (void)state; /* no sandbox */
    const struct sandbox_fee fee = { .bps = 150, .fixed_minor = 25 };
    assert_true(trace_fee(&fee, money_from_minor(1000), true).minor == 40);
    assert_true(trace_fee(&fee, money_from_minor(1033), true).minor == 40); /* 15.495 */
    assert_true(trace_fee(&fee, money_from_minor(1034), true).minor == 41); /* 15.51 */
    assert_true(trace_fee(&fee, money_from_minor(10), true).minor == 10);
    assert_true(trace_fee(&fee, money_from_minor(10), false).minor == 25);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(every_change_is_told_as_it_stood),
        RIGGED(lost_is_never_sent_but_known),
        RIGGED(duplicate_is_sent_twice),
        RIGGED(reordered_is_overtaken),
        RIGGED(wrongly_signed_is_signed_right_the_next_time),
        RIGGED(what_does_not_arrive_is_given_up_at_last),
        cmocka_unit_test(fees_are_rounded_and_never_over_what_is_owed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

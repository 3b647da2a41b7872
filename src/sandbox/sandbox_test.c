/*
 * Goal: an order has one effect under its reference, nonsense leaves nothing, and objects name
 * what they should.
 * Method: orders repeated with the same and with one changed field; a table of nonsense; capacity.
 */
#include "sandbox/sandbox.h"

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
    struct sandbox *sandbox = *state;
    assert_int_equal(sandbox_check(sandbox), STATUS_OK);
    sandbox_test_free(sandbox);
    return 0;
}

static void same_reference_and_content_is_one_order(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order order = order_on(1, PSP_CHARGE, 1250, "card_ok");
    struct psp_reply first = ask(sandbox, &order);
    assert_int_equal(first.answer, PSP_ANSWER_DONE);
    assert_string_equal(first.object, "ch_000000000001");
    assert_true(first.amount.minor == 1250);
    assert_int_equal(first.asset, EUR);
    struct psp_reply again = ask(sandbox, &order);
    assert_int_equal(again.answer, PSP_ANSWER_DONE);
    assert_string_equal(again.object, first.object);
    assert_int_equal(sandbox->item_count, 1);
    assert_int_equal(sandbox->line_count, 1);
    assert_int_equal(sandbox->event_count, 1);
}

static void other_content_under_a_reference_is_refused(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order order = order_on(1, PSP_CHARGE, 1250, "card_ok");
    (void)ask(sandbox, &order); /* looked at below */
    struct psp_order others[5];
    for (unsigned i = 0; i < 5; i++) others[i] = order;
    others[0].amount = money_from_minor(1251);
    others[1].asset = 840;
    others[2] = order_on(1, PSP_CHARGE, 1250, "card_disputed");
    others[3].operation = PSP_AUTHORISE;
    others[4].asset = 1; /* nonsense under a known reference is a reuse as well */
    for (unsigned i = 0; i < 5; i++) {
        struct psp_reply reply = ask(sandbox, &others[i]);
        assert_int_equal(reply.answer, PSP_ANSWER_INVALID);
        assert_int_equal(reply.http_status, 409);
        assert_string_equal(reply.reason, "reference_reused");
    }
    assert_int_equal(sandbox->item_count, 1);
    struct psp_order next = order;
    next.step_number = 2;
    assert_int_equal(ask(sandbox, &next).answer, PSP_ANSWER_DONE);
    assert_int_equal(sandbox->item_count, 2);
}

static void last_belongs_to_a_captures_content(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order authorise = order_on(1, PSP_AUTHORISE, 1000, "card_ok");
    struct psp_reply reserved = ask(sandbox, &authorise);
    struct psp_order capture = order_about(2, PSP_CAPTURE, 300, &reserved);
    assert_int_equal(ask(sandbox, &capture).answer, PSP_ANSWER_DONE);
    capture.last = true;
    assert_int_equal(ask(sandbox, &capture).answer, PSP_ANSWER_INVALID);
}

static void nonsense_is_told_by_name_and_leaves_nothing(void **state)
{
    struct sandbox *sandbox = *state;
    struct psp_reply charge = { .object = "ch_000000000009" };
    struct psp_reply wrong = { .object = "ch_1" };
    struct psp_order cases[] = {
        order_on(1, 0, 100, "card_ok"),
        order_on(1, PSP_OPERATION_END, 100, "card_ok"),
        order_on(1, PSP_CHARGE, 0, "card_ok"),
        order_on(1, PSP_CHARGE, UINT64_MAX, "card_ok"),
        order_on(1, PSP_CHARGE, 100, "card_nothing"),
        order_on(1, PSP_CHARGE, 100, "bank_ok"),
        order_on(1, PSP_PAY_OUT, 100, "card_ok"),
        order_about(1, PSP_REFUND, 100, &charge),
        order_about(1, PSP_CAPTURE, 100, &wrong),
        order_on(1, PSP_CHARGE, 100, "card_ok"),
    };
    static const char *const reasons[] = {
        "operation_unknown", "operation_unknown", "amount_invalid", "amount_invalid",
        "method_unknown",    "method_unknown",    "method_unknown", "object_unknown",
        "object_unknown",    "asset_unknown",
    };
    cases[9].asset = 10000;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct psp_reply reply = ask(sandbox, &cases[i]);
        assert_int_equal(reply.answer, PSP_ANSWER_INVALID);
        assert_int_equal(reply.http_status, 400);
        assert_string_equal(reply.reason, reasons[i]);
    }
    assert_int_equal(sandbox->item_count, 0);
    assert_int_equal(sandbox->event_count, 0);
}

static void object_of_another_asset_is_refused(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order order = order_on(1, PSP_CHARGE, 1250, "card_ok");
    struct psp_reply charge = ask(sandbox, &order);
    struct psp_order refund = order_about(2, PSP_REFUND, 100, &charge);
    refund.asset = 840;
    assert_string_equal(ask(sandbox, &refund).reason, "asset_mismatch");
}

static void query_tells_the_order_as_it_stands(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order order = order_on(1, PSP_CHARGE, 1250, "card_pending_then_ok");
    struct psp_reply reply = look(sandbox, &order);
    assert_int_equal(reply.answer, PSP_ANSWER_NOT_FOUND);
    assert_true(reply.query);
    assert_int_equal(ask(sandbox, &order).answer, PSP_ANSWER_PENDING);
    assert_int_equal(look(sandbox, &order).answer, PSP_ANSWER_PENDING);
    later_ms(sandbox, 1999);
    assert_int_equal(look(sandbox, &order).answer, PSP_ANSWER_PENDING);
    later_ms(sandbox, 1);
    assert_int_equal(look(sandbox, &order).answer, PSP_ANSWER_DONE);
    assert_int_equal(ask(sandbox, &order).answer, PSP_ANSWER_DONE);
    assert_int_equal(sandbox->item_count, 1);
}

static void objects_name_what_they_are_of(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order authorise = order_on(1, PSP_AUTHORISE, 1000, "card_ok");
    struct psp_reply reserved = ask(sandbox, &authorise);
    struct psp_order capture = order_about(2, PSP_CAPTURE, 1000, &reserved);
    assert_string_equal(ask(sandbox, &capture).object, reserved.object);
    struct psp_order refund = order_about(3, PSP_REFUND, 10, &reserved);
    struct psp_reply refunded = ask(sandbox, &refund);
    assert_string_equal(refunded.object, "re_000000000003");
    assert_int_equal(sandbox_find_object(sandbox, STR("re_000000000003")), 2);
    assert_int_equal(sandbox_find_object(sandbox, STR("ch_000000000003")), SANDBOX_NONE);
    assert_int_equal(sandbox_find_object(sandbox, STR("pi_000000000001")), 0);
    assert_int_equal(sandbox_find_object(sandbox, STR("ch_000000000002")), SANDBOX_NONE);
    assert_int_equal(sandbox_find_object(sandbox, STR("re_000000000000")), SANDBOX_NONE);
    assert_int_equal(sandbox_find_object(sandbox, STR("re_00000000000x")), SANDBOX_NONE);
    char text[PSP_TOKEN_SIZE];
    assert_true(str_equal(sandbox_object(sandbox, 1, true, text), STR("pi_000000000001")));
}

static void a_full_sandbox_looks_at_nothing(void **state)
{
    struct sandbox *sandbox = *state;
    for (uint64_t i = 0; i < TEST_ITEMS_MAX; i++) {
        const struct psp_order order = order_on(i, PSP_CHARGE, 100, "card_ok");
        assert_int_equal(ask(sandbox, &order).answer, PSP_ANSWER_DONE);
    }
    const struct psp_order more = order_on(TEST_ITEMS_MAX, PSP_CHARGE, 100, "card_ok");
    assert_int_equal(ask(sandbox, &more).answer, PSP_ANSWER_THROTTLED);
    assert_int_equal(look(sandbox, &more).answer, PSP_ANSWER_NOT_FOUND);
    const struct psp_order known = order_on(5, PSP_CHARGE, 100, "card_ok");
    assert_int_equal(ask(sandbox, &known).answer, PSP_ANSWER_DONE);
}

static void faults_of_a_test_card_concern_its_first_call(void **state)
{
    struct sandbox *sandbox = *state;
    const struct psp_order order = order_on(1, PSP_CHARGE, 100, "card_timeout_after");
    uint32_t ms;
    assert_int_equal(sandbox_fault_take(sandbox, &order, true, &ms), SANDBOX_FAULT_NONE);
    assert_int_equal(sandbox_fault_take(sandbox, &order, false, &ms), SANDBOX_FAULT_TIMEOUT_AFTER);
    assert_int_equal(sandbox_fault_take(sandbox, &order, false, &ms), SANDBOX_FAULT_NONE);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(same_reference_and_content_is_one_order),
        RIGGED(other_content_under_a_reference_is_refused),
        RIGGED(last_belongs_to_a_captures_content),
        RIGGED(nonsense_is_told_by_name_and_leaves_nothing),
        RIGGED(object_of_another_asset_is_refused),
        RIGGED(query_tells_the_order_as_it_stands),
        RIGGED(objects_name_what_they_are_of),
        RIGGED(a_full_sandbox_looks_at_nothing),
        RIGGED(faults_of_a_test_card_concern_its_first_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

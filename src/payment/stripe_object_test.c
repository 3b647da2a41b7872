/*
 * Goal: of an object, what is used is read wherever it stands, and what is new is skipped.
 * Method: objects as Stripe documents them, shortened; members of wrong types.
 */
#include "payment/stripe_object.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool read_text(const char *text, uint32_t step_number, struct stripe_object *object)
{
    static char memory[8192];
    struct arena arena;
    struct json_reader reader;
    arena_init_over(&arena, memory, sizeof memory);
    json_reader_init(&reader, str_from(text), &arena);
    return stripe_object_read(&reader, step_number, object) && json_end(&reader) == STATUS_OK;
}

static void members_are_read_and_others_skipped(void **state)
{
    (void)state;
    struct stripe_object object;
    assert_true(read_text("{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"amount\":1250,"
                          "\"amount_details\":{\"tip\":{}},\"amount_received\":1000,"
                          "\"amount_capturable\":250,\"currency\":\"eur\",\"created\":1700000000,"
                          "\"last_payment_error\":{\"code\":\"card_declined\","
                          "\"decline_code\":\"lost_card\",\"more\":[]},"
                          "\"metadata\":{\"reference\":\"r\",\"capture_2\":\"400\","
                          "\"capture_3\":\"600\",\"capture_x\":\"7\",\"colour\":\"red\"},"
                          "\"status\":\"requires_capture\"}",
                          2, &object));
    assert_true(str_equal(object.id, STR("pi_1")));
    assert_true(str_equal(object.kind, STR("payment_intent")));
    assert_true(str_equal(object.status, STR("requires_capture")));
    assert_true(str_equal(object.currency, STR("eur")));
    assert_true(str_equal(object.reference, STR("r")));
    assert_true(str_equal(object.failure, STR("lost_card")));
    assert_int_equal(object.amount, 1250);
    assert_int_equal(object.amount_received, 1000);
    assert_int_equal(object.amount_capturable, 250);
    assert_int_equal(object.created, 1700000000);
    assert_true(object.marked);
    assert_int_equal(object.marked_other, 600);
}

static void ids_are_read_from_what_is_expanded(void **state)
{
    (void)state;
    struct stripe_object object;
    assert_true(read_text("{\"payment_intent\":\"pi_1\",\"metadata\":null,\"amount\":null,"
                          "\"last_payment_error\":null}",
                          1, &object));
    assert_true(str_equal(object.payment_intent, STR("pi_1")));
    assert_int_equal(object.amount, -1);
    assert_false(object.marked);
    assert_true(read_text("{\"payment_intent\":{\"a\":1,\"id\":\"pi_2\",\"b\":{}}}", 1, &object));
    assert_true(str_equal(object.payment_intent, STR("pi_2")));
    assert_true(read_text("{\"failure_reason\":\"expired\",\"payment_intent\":null}", 1, &object));
    assert_true(str_equal(object.payment_intent, STR("")));
    assert_true(str_equal(object.failure, STR("expired")));
}

static void what_is_no_object_is_a_fault(void **state)
{
    (void)state;
    static const char *const bad[] = { "[]",
                                       "{\"id\":1}",
                                       "{\"amount\":1.5}",
                                       "{\"amount\":1e3}",
                                       "{\"amount\":1234567890123456789}",
                                       "{\"amount\":\"1\"}",
                                       "{\"metadata\":[]}",
                                       "{\"metadata\":{\"reference\":7}}",
                                       "{\"id\":\"a\",\"id\":\"b\"}",
                                       "{\"payment_intent\":[]}" };
    struct stripe_object object;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_text(bad[i], 1, &object)) fail_msg("%s was read", bad[i]);
    }
}

static void marks_that_are_no_amounts_are_known_as_such(void **state)
{
    (void)state;
    struct stripe_object object;
    assert_true(read_text("{\"metadata\":{\"capture_2\":\"-4\",\"capture_3\":\"6\"}}", 1, &object));
    assert_int_equal(object.marked_other, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_read_and_others_skipped),
        cmocka_unit_test(ids_are_read_from_what_is_expanded),
        cmocka_unit_test(what_is_no_object_is_a_fault),
        cmocka_unit_test(marks_that_are_no_amounts_are_known_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: a step's key names payment and step, and nothing else is taken for one.
 * Method: keys there and back; texts that are nearly keys; names against their tables.
 */
#include "model/psp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct payment_id sample = { { .hi = 0x0190a1b2c3d47000, .lo = 0x8000000000000001 } };

static void key_names_payment_and_step(void **state)
{
    (void)state;
    char text[PSP_KEY_SIZE];
    struct str key = psp_key(sample, 3, text);
    assert_string_equal(text, "0190a1b2-c3d4-7000-8000-000000000001:3");
    struct payment_id payment;
    uint32_t step;
    assert_true(psp_key_parse(key, &payment, &step));
    assert_true(uuid_equal(payment.value, sample.value));
    assert_int_equal(step, 3);
}

static void what_is_nearly_a_key_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "0190a1b2-c3d4-7000-8000-000000000001",
        "0190a1b2-c3d4-7000-8000-000000000001:",
        "0190a1b2-c3d4-7000-8000-000000000001:0",
        "0190a1b2-c3d4-7000-8000-000000000001:03",
        "0190a1b2-c3d4-7000-8000-000000000001:3 ",
        "0190a1b2-c3d4-7000-8000-000000000001;3",
        "0190a1b2-c3d4-7000-8000-000000000001:1234567890",
        "0190a1b2-c3d4-7000-8000-00000000000g:3",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct payment_id payment;
        uint32_t step;
        assert_false(psp_key_parse(str_from(texts[i]), &payment, &step));
    }
}

static void names_are_of_the_tables(void **state)
{
    (void)state;
    for (unsigned i = 1; i < PSP_OPERATION_END; i++) assert_non_null(psp_operation_name(i));
    for (unsigned i = 1; i < PSP_ANSWER_END; i++) assert_non_null(psp_answer_name(i));
    assert_null(psp_operation_name(0));
    assert_null(psp_answer_name(PSP_ANSWER_END));
    assert_null(psp_line_kind_name(0));
    for (unsigned i = 1; i < PSP_LINE_KIND_END; i++) {
        uint8_t kind;
        assert_true(psp_line_kind_parse(str_from(psp_line_kind_name(i)), &kind));
        assert_int_equal(kind, i);
    }
    uint8_t kind = 7;
    assert_false(psp_line_kind_parse(STR("tip"), &kind));
    assert_int_equal(kind, 7);
}

static void names_of_psps_are_short_and_plain(void **state)
{
    (void)state; /* no fixture */
    assert_true(psp_name_is_valid(STR("a")));
    assert_true(psp_name_is_valid(STR("sandbox-2")));
    assert_true(psp_name_is_valid(STR("123456789012345")));
    static const char *const none[] = { "", "1234567890123456", "Stripe", "a b", "a,b", "a_b" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_false(psp_name_is_valid(str_from(none[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_names_payment_and_step),
        cmocka_unit_test(what_is_nearly_a_key_is_none),
        cmocka_unit_test(names_are_of_the_tables),
        cmocka_unit_test(names_of_psps_are_short_and_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

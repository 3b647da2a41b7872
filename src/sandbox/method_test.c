/*
 * Goal: each test number and token means one documented behaviour, and all numbers are well formed.
 * Method: every row of the table through both look-ups; check digits reckoned here; strangers.
 */
#include "sandbox/method.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool luhn(const char *digits)
{
    unsigned sum = 0;
    size_t len = strlen(digits);
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(digits[len - 1 - i] - '0');
        if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}

/* ISO 13616: the first four characters behind the rest, letters as 10 to 35, modulo 97 is 1. */
static bool iban(const char *text)
{
    unsigned rest = 0;
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        char c = text[(i + 4) % len];
        unsigned value = c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
        rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
    }
    return rest == 1;
}

static void every_method_is_found_by_its_names(void **state)
{
    (void)state; /* no fixture */
    uint32_t count;
    const struct sandbox_method *methods = method_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        char token[PSP_TOKEN_SIZE];
        uint8_t found = UINT8_MAX;
        assert_true(method_by_token(method_token((uint8_t)i, token), &found));
        assert_int_equal(found, i);
        char other[PSP_TOKEN_SIZE + 8];
        assert_in_range(snprintf(other, sizeof other, "%s_%s", methods[i].bank ? "ba" : "pm_card",
                                 methods[i].name),
                        1, PSP_TOKEN_SIZE);
        assert_true(method_by_token(str_from(other), &found));
        assert_int_equal(found, i);
        assert_true(method_by_number(str_from(methods[i].number), methods[i].bank, &found));
        assert_int_equal(found, i);
        assert_false(method_by_number(str_from(methods[i].number), !methods[i].bank, &found));
    }
}

static void numbers_are_well_formed(void **state)
{
    (void)state; /* no fixture */
    uint32_t count;
    const struct sandbox_method *methods = method_table(&count);
    for (uint32_t i = 0; i < count; i++)
        assert_true(methods[i].bank ? iban(methods[i].number) : luhn(methods[i].number));
    assert_false(luhn("4242424242424241"));
    assert_false(iban("DE89370400440532013001"));
}

static void declined_methods_have_a_reason_and_only_they_need_one(void **state)
{
    (void)state; /* no fixture */
    uint32_t count;
    const struct sandbox_method *methods = method_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        bool declines =
            methods[i].first == FIRST_DECLINED || methods[i].first == FIRST_PENDING_DECLINED;
        if (declines) assert_int_not_equal(methods[i].reason, REASON_NONE);
    }
}

static void aliases_and_strangers(void **state)
{
    (void)state; /* no fixture */
    uint8_t ok;
    uint8_t found;
    assert_true(method_by_token(STR("card_ok"), &ok));
    assert_true(method_by_token(STR("pm_card_visa"), &found));
    assert_int_equal(found, ok);
    assert_true(method_by_token(STR("pm_card_chargeDeclinedInsufficientFunds"), &found));
    uint32_t count;
    assert_int_equal(method_table(&count)[found].reason, REASON_INSUFFICIENT_FUNDS);
    assert_false(method_by_token(STR("card_"), &found));
    assert_false(method_by_token(STR("card_nothing"), &found));
    assert_false(method_by_token(STR("bank_disputed"), &found));
    assert_false(method_by_token(STR(""), &found));
    assert_false(method_by_number(STR("4111111111111111"), false, &found));
}

static void reasons_are_read_as_they_are_written(void **state)
{
    (void)state; /* no fixture */
    for (unsigned reason = 1; reason < SANDBOX_REASON_COUNT; reason++) {
        uint8_t found = 0;
        assert_true(reason_parse(str_from(reason_code((enum sandbox_reason)reason)), &found));
        assert_int_equal(found, reason);
        assert_true(strlen(reason_code((enum sandbox_reason)reason)) < PSP_REASON_SIZE);
    }
    uint8_t found;
    assert_false(reason_parse(STR("no_such_reason"), &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_is_found_by_its_names),
        cmocka_unit_test(numbers_are_well_formed),
        cmocka_unit_test(declined_methods_have_a_reason_and_only_they_need_one),
        cmocka_unit_test(aliases_and_strangers),
        cmocka_unit_test(reasons_are_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

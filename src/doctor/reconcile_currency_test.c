/*
 * Goal: a currency has one entry and the decimals of ISO 4217 or of the mapping; its bound is never
 * passed.
 * Method: codes and what becomes of them; a table that is full; sums up to the bound and over it.
 */
#include "doctor/reconcile_currency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct reconcile_currencies currencies;

static void codes_and_what_becomes_of_them(void **state)
{
    (void)state; /* no fixture */
    uint32_t eur;
    uint32_t again;
    currencies.count = 0;
    assert_true(reconcile_currency_find(&currencies, STR("EUR"), &eur));
    assert_true(reconcile_currency_find(&currencies, STR("eur"), &again));
    assert_int_equal(eur, again);
    assert_int_equal(currencies.list[eur].exponent, 2);
    assert_false(reconcile_currency_find(&currencies, STR("USDT"), &again));
    assert_false(reconcile_currency_find(&currencies, STR(""), &again));
    assert_false(reconcile_currency_find(&currencies, STR("EUROPEANCOIN1"), &again));
    assert_int_equal(reconcile_currency_add(&currencies, STR("USDT"), 6), STATUS_OK);
    assert_int_equal(reconcile_currency_add(&currencies, STR("usdt"), 6), STATUS_OK);
    assert_int_equal(reconcile_currency_add(&currencies, STR("USDT"), 8), STATUS_INVALID);
    assert_int_equal(reconcile_currency_add(&currencies, STR("JPY"), 2), STATUS_INVALID);
    assert_int_equal(reconcile_currency_add(&currencies, STR("1AB"), 2), STATUS_INVALID);
    assert_int_equal(reconcile_currency_add(&currencies, STR("ABCD"), 19), STATUS_INVALID);
    assert_true(reconcile_currency_find(&currencies, STR("USDT"), &again));
    assert_int_equal(currencies.list[again].exponent, 6);
}

static void a_full_table_takes_no_more(void **state)
{
    (void)state; /* no fixture */
    currencies.count = 0;
    char code[16];
    for (int i = 0; i < RECONCILE_CURRENCIES_MAX; i++) {
        int len = snprintf(code, sizeof code, "TOKEN%d", i);
        assert_in_range(len, 1, 12);
        assert_int_equal(reconcile_currency_add(&currencies, str_from(code), 0), STATUS_OK);
    }
    assert_int_equal(reconcile_currency_add(&currencies, STR("TOKENMORE"), 0), STATUS_LIMIT);
    uint32_t currency;
    assert_false(reconcile_currency_find(&currencies, STR("EUR"), &currency));
}

static void the_bound_counts_sizes_and_is_never_passed(void **state)
{
    (void)state; /* no fixture */
    struct signed_amount bound = { 0 };
    struct reconcile_line line = { .amount = { -5 }, .fee = { 2 } };
    assert_true(reconcile_bound(&bound, &line));
    assert_true(bound.minor == 7);
    line.amount.minor = SIGNED_AMOUNT_MAX - 9;
    line.fee.minor = 0;
    assert_true(reconcile_bound(&bound, &line));
    line.amount.minor = -3;
    assert_false(reconcile_bound(&bound, &line));
    line.amount.minor = -SIGNED_AMOUNT_MAX - 1;
    bound.minor = 0;
    assert_false(reconcile_bound(&bound, &line));
    assert_true(bound.minor == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_what_becomes_of_them),
        cmocka_unit_test(a_full_table_takes_no_more),
        cmocka_unit_test(the_bound_counts_sizes_and_is_never_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

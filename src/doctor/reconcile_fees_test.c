/*
 * Goal: the contract that was in force says the fee, exactly and rounded as it says; a line that is
 * no contract is named.
 * Method: amounts on days beside fees in a table; texts that are wrong; products that overflow.
 */
#include "doctor/reconcile_fees.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct reconcile_currencies currencies;
static struct reconcile_fees fees;

static void contracts_hold_from_their_day_on(void **state)
{
    (void)state; /* no fixture */
    struct error error = { .message = "" };
    const struct str text = STR("# kind currency from percent fixed\n"
                                "* EUR 1970-01-02 1% 0.10\n"
                                "charge EUR 1970-01-03 2.5% 0\n"
                                "charge EUR 1970-01-05 1.4% 0.25\r\n");
    currencies.count = 0;
    assert_int_equal(reconcile_fees_parse(text, &currencies, &fees, &error), STATUS_OK);
    static const struct {
        const char *kind;
        int64_t amount;
        int32_t day;
        uint32_t currency; /* 0 is EUR */
        int64_t fee;       /* -1: no contract */
    } cases[] = {
        { "charge", 1000, 0, 0, -1 }, { "charge", 1000, 1, 0, 20 }, { "charge", 1000, 2, 0, 25 },
        { "charge", 1018, 3, 0, 25 }, { "charge", 1020, 3, 0, 26 }, { "charge", -1000, 8, 0, 39 },
        { "refund", 1000, 8, 0, 20 }, { "charge", 1000, 8, 1, -1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct reconcile_line line = {
            .amount = { cases[i].amount },
            .at = { cases[i].day * NS_PER_DAY },
            .currency = cases[i].currency,
        };
        struct signed_amount fee = { -1 };
        bool there = reconcile_fee_of(&fees, str_from(cases[i].kind), &line, &fee);
        if (there != (cases[i].fee >= 0) || fee.minor != cases[i].fee)
            fail_msg("case %zu: %lld", i, (long long)fee.minor);
    }
}

static void a_product_over_127_bits_is_no_fee(void **state)
{
    (void)state; /* no fixture */
    struct error error = { .message = "" };
    currencies.count = 0;
    const struct str text = STR("* EUR 1970-01-02 100% 0\n");
    assert_int_equal(reconcile_fees_parse(text, &currencies, &fees, &error), STATUS_OK);
    struct reconcile_line line = { .amount = { SIGNED_AMOUNT_MAX }, .at = { NS_PER_DAY } };
    struct signed_amount fee = { 77 };
    assert_false(reconcile_fee_of(&fees, STR("charge"), &line, &fee));
    assert_true(fee.minor == 77);
    line.amount.minor = SIGNED_AMOUNT_MAX / 2000000;
    assert_true(reconcile_fee_of(&fees, STR("charge"), &line, &fee));
    assert_true(fee.minor == line.amount.minor);
}

static void contracts_that_are_none_are_named(void **state)
{
    (void)state; /* no fixture */
    static const char *const texts[] = {
        "charge EUR 1970-01-02 1%",
        "charge EUR 1970-01-02 1% 0 more",
        "charge EUR 1970-01-02 101% 0",
        "charge EUR 1970-01-02 -1% 0",
        "charge EUR 1970-01-02 1.00001% 0",
        "charge EUR 1970-01-02 1 0",
        "charge XQZ 1970-01-02 1% 0",
        "charge EUR 2. Januar 1%",
        "charge EUR 1970-01-02 1% 0.001",
        "a-kind-of-more-than-thirty-one-letters EUR 1970-01-02 1% 0",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = { .message = "" };
        currencies.count = 0;
        if (reconcile_fees_parse(str_from(texts[i]), &currencies, &fees, &error) != STATUS_INVALID)
            fail_msg("%s", texts[i]);
        assert_non_null(strstr(error.message, "line 1"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contracts_hold_from_their_day_on),
        cmocka_unit_test(a_product_over_127_bits_is_no_fee),
        cmocka_unit_test(contracts_that_are_none_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: an amount means the same to Stripe as to us, or is not said at all.
 * Method: a table of the currencies that differ; every ISO currency there and back.
 */
#include "payment/stripe_amount.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "model/asset.h"

enum { REFUSED = 0 };

struct sample {
    const char *code;
    uint64_t ours;
    bool pay_out;
    uint64_t theirs; /* REFUSED */
};

static const struct sample samples[] = {
    { "EUR", 1250, false, 1250 },
    { "EUR", 1, true, 1 },
    { "JPY", 500, false, 500 },
    { "KRW", 7, false, 7 },
    { "MGA", 500, false, 5 },
    { "MGA", 501, false, REFUSED },
    { "ISK", 5, false, 500 },
    { "ISK", 5, true, 500 },
    { "UGX", 7, false, 700 },
    { "KWD", 5120, false, 5120 },
    { "KWD", 5124, false, REFUSED },
    { "BHD", 10, true, 10 },
    { "BHD", 11, false, REFUSED },
    { "JOD", 15, false, REFUSED },
    { "OMR", 19, false, REFUSED },
    { "TND", 1, false, REFUSED },
    { "HUF", 1045, false, 1045 },
    { "HUF", 1045, true, REFUSED },
    { "HUF", 1000, true, 1000 },
    { "TWD", 150, true, REFUSED },
    { "TWD", 200, true, 200 },
    { "IQD", 1000, false, REFUSED },
    { "LYD", 1000, false, REFUSED },
    { "CLF", 10000, false, REFUSED },
    { "EUR", 999999999999, false, 999999999999 },
    { "EUR", 1000000000000, false, REFUSED },
    { "MGA", 99999999999900, false, 999999999999 },
    { "MGA", 100000000000000, false, REFUSED },
    { "ISK", 9999999999, false, 999999999900 },
    { "ISK", 10000000000, false, REFUSED },
};

static void amounts_are_said_exactly_or_not_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *sample = &samples[i];
        const struct asset *asset = asset_iso_by_code(str_from(sample->code));
        uint64_t theirs = REFUSED;
        char currency[STRIPE_CURRENCY_SIZE] = "";
        assert_non_null(asset);
        enum status status = stripe_amount_write(asset->id, money_from_minor(sample->ours),
                                                 sample->pay_out, &theirs, currency);
        if (theirs != sample->theirs || (status == STATUS_OK) != (sample->theirs != REFUSED))
            fail_msg("%s %lu: %lu", sample->code, sample->ours, theirs);
        if (status != STATUS_OK) continue;
        uint32_t id = 0;
        struct money back = MONEY_ZERO;
        assert_int_equal(stripe_amount_read(str_from(currency), theirs, &id, &back), STATUS_OK);
        assert_int_equal(id, asset->id);
        assert_true(back.minor == sample->ours);
    }
}

static void every_currency_comes_back_as_it_went(void **state)
{
    (void)state;
    uint32_t count = 0;
    uint32_t said = 0;
    const struct asset *table = asset_iso_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t theirs = 0;
        char currency[STRIPE_CURRENCY_SIZE];
        struct money ours = money_from_minor(123400);
        if (stripe_amount_write(table[i].id, ours, true, &theirs, currency) != STATUS_OK) continue;
        uint32_t id = 0;
        struct money back = MONEY_ZERO;
        assert_int_equal(stripe_amount_read(str_from(currency), theirs, &id, &back), STATUS_OK);
        assert_int_equal(id, table[i].id);
        assert_true(money_equal(back, ours));
        said++;
    }
    assert_true(said > 140);
}

static void what_stripe_cannot_mean_is_refused(void **state)
{
    (void)state;
    uint32_t id = 0;
    struct money amount = MONEY_ZERO;
    static const char *const bad[] = { "", "EUR", "eu", "euro", "qqq", "e r", "iqd" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum status status = stripe_amount_read(str_from(bad[i]), 100, &id, &amount);
        assert_int_equal(status, STATUS_INVALID);
    }
    assert_int_equal(stripe_amount_read(STR("isk"), 550, &id, &amount), STATUS_INVALID);
    assert_int_equal(stripe_amount_read(STR("mga"), UINT64_MAX, &id, &amount), STATUS_OK);
    assert_true(amount.minor == (uint128)UINT64_MAX * 100);
    uint64_t theirs = 0;
    char currency[STRIPE_CURRENCY_SIZE];
    assert_int_equal(stripe_amount_write(10001, money_from_minor(1), false, &theirs, currency),
                     STATUS_INVALID);
    assert_int_equal(stripe_amount_write(978, MONEY_MAX, false, &theirs, currency), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_said_exactly_or_not_at_all),
        cmocka_unit_test(every_currency_comes_back_as_it_went),
        cmocka_unit_test(what_stripe_cannot_mean_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

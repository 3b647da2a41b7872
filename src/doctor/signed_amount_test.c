/*
 * Goal: an amount is read exactly as the statement wrote it, or refused; never rounded, never cut.
 * Method: texts and what becomes of them in a table, both sides of each bound; every small amount
 * written and read back.
 */
#include "doctor/signed_amount.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct signed_amount_form plain = { .exponent = 2, .point = '.' };
static const struct signed_amount_form german = { .exponent = 2, .point = ',', .group = '.' };
static const struct signed_amount_form cents = { .exponent = 2, .point = '.', .minor = true };
static const struct signed_amount_form exact = {
    .exponent = 2,
    .point = '.',
    .decimals_exact = true,
};
static const struct signed_amount_form yen = { .exponent = 0, .point = '.' };

static void texts_and_what_becomes_of_them(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        const struct signed_amount_form *form;
        enum status status;
        const char *canonical;
    } cases[] = {
        { "12.5", &plain, STATUS_OK, "12.50" },
        { "-12.50", &plain, STATUS_OK, "-12.50" },
        { "12.50-", &plain, STATUS_OK, "-12.50" },
        { "(12.50)", &plain, STATUS_OK, "-12.50" },
        { "+0.01", &plain, STATUS_OK, "0.01" },
        { "-0", &plain, STATUS_OK, "0.00" },
        { "007.1", &plain, STATUS_OK, "7.10" },
        { "1.500", &plain, STATUS_OK, "1.50" },
        { "1.501", &plain, STATUS_INVALID, NULL },
        { "1.500", &exact, STATUS_INVALID, NULL },
        { "1.5", &exact, STATUS_OK, "1.50" },
        { "1.", &plain, STATUS_INVALID, NULL },
        { ".5", &plain, STATUS_INVALID, NULL },
        { "", &plain, STATUS_INVALID, NULL },
        { "-", &plain, STATUS_INVALID, NULL },
        { "--1", &plain, STATUS_INVALID, NULL },
        { "-1-", &plain, STATUS_INVALID, NULL },
        { "()", &plain, STATUS_INVALID, NULL },
        { "(1", &plain, STATUS_INVALID, NULL },
        { "(-1)", &plain, STATUS_INVALID, NULL },
        { "1e3", &plain, STATUS_INVALID, NULL },
        { "0x10", &plain, STATUS_INVALID, NULL },
        { " 1", &plain, STATUS_INVALID, NULL },
        { "1,000.00", &plain, STATUS_INVALID, NULL },
        { "NaN", &plain, STATUS_INVALID, NULL },
        { "1.234.567,89", &german, STATUS_OK, "1234567.89" },
        { "-1.234,5", &german, STATUS_OK, "-1234.50" },
        { "1234,5", &german, STATUS_OK, "1234.50" },
        { "1.23,4", &german, STATUS_INVALID, NULL },
        { "1234.567,8", &german, STATUS_INVALID, NULL },
        { ".123", &german, STATUS_INVALID, NULL },
        { "1250", &cents, STATUS_OK, "12.50" },
        { "12.50", &cents, STATUS_INVALID, NULL },
        { "500", &yen, STATUS_OK, "500" },
        { "500.00", &yen, STATUS_OK, "500" },
        { "500.01", &yen, STATUS_INVALID, NULL },
        { "99999999999999999999999999999999999999", &yen, STATUS_OK,
          "99999999999999999999999999999999999999" },
        { "170141183460469231731687303715884105727", &yen, STATUS_OK,
          "170141183460469231731687303715884105727" },
        { "-170141183460469231731687303715884105727", &yen, STATUS_OK,
          "-170141183460469231731687303715884105727" },
        { "170141183460469231731687303715884105728", &yen, STATUS_LIMIT, NULL },
        { "1701411834604692317316873037158841057.28", &plain, STATUS_LIMIT, NULL },
        { "9999999999999999999999999999999999999999999999999", &yen, STATUS_LIMIT, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct signed_amount amount = { 77 };
        enum status status = signed_amount_parse(str_from(cases[i].text), cases[i].form, &amount);
        if (status != cases[i].status) fail_msg("'%s': %s", cases[i].text, status_name(status));
        if (status != STATUS_OK) {
            assert_true(amount.minor == 77);
            continue;
        }
        char text[SIGNED_AMOUNT_TEXT_SIZE];
        struct str back = signed_amount_format(amount, cases[i].form->exponent, text);
        if (!str_equal(back, str_from(cases[i].canonical)))
            fail_msg("'%s' came back as '%.*s'", cases[i].text, STR_ARG(back));
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state; /* no fixture */
    for (int i = -20000; i <= 20000; i++) {
        char text[SIGNED_AMOUNT_TEXT_SIZE];
        struct signed_amount amount = { 0 };
        struct str written = signed_amount_format((struct signed_amount){ i }, 2, text);
        assert_int_equal(signed_amount_parse(written, &plain, &amount), STATUS_OK);
        assert_true(amount.minor == i);
    }
}

static void sums_that_do_not_fit_are_refused(void **state)
{
    (void)state; /* no fixture */
    struct signed_amount most = { SIGNED_AMOUNT_MAX };
    struct signed_amount least = { -SIGNED_AMOUNT_MAX - 1 };
    struct signed_amount out = { 77 };
    assert_false(signed_amount_add(most, (struct signed_amount){ 1 }, &out));
    assert_false(signed_amount_subtract(least, (struct signed_amount){ 1 }, &out));
    assert_true(out.minor == 77);
    assert_true(signed_amount_add(most, least, &out));
    assert_true(out.minor == -1);
    char text[SIGNED_AMOUNT_TEXT_SIZE];
    assert_true(str_equal(signed_amount_format(least, 18, text),
                          STR("-170141183460469231731.687303715884105728")));
    assert_int_equal(signed_amount_compare(least, most), -1);
    assert_int_equal(signed_amount_compare(most, most), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_what_becomes_of_them),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(sums_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

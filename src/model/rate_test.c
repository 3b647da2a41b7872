/*
 * Goal: a quoted decimal becomes the one fraction of minor units, and comes back as it was.
 * Method: tables of quotes between assets of 0 to 18 decimals, each against a fraction worked out
 * by hand; what does not fit is refused, with a sentence that says on which side.
 */
#include "model/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct rate_pair pair_of(unsigned exponent, unsigned counter_exponent)
{
    return (struct rate_pair){ 978, 840, (uint8_t)exponent, (uint8_t)counter_exponent };
}

static void a_quote_is_an_exact_fraction_of_minor_units(void **state)
{
    static const struct {
        const char *text;
        unsigned exponent;
        unsigned counter_exponent;
        uint64_t numerator;
        uint64_t denominator;
        const char *back;
    } rows[] = {
        { "1.0842", 2, 2, 5421, 5000, "1.0842" },
        { "1", 2, 2, 1, 1, "1" },
        { "161.25", 2, 0, 129, 80, "161.25" },  /* EUR to JPY: 100 cents are 161.25 yen */
        { "0.0062", 0, 2, 31, 50, "0.0062" },   /* JPY to EUR: one yen is 0.62 cents */
        { "0.3085", 2, 3, 617, 200, "0.3085" }, /* EUR to KWD: one cent is 3.085 fils */
        { "900.5", 2, 18, UINT64_C(9005000000000000000), 1, "900.5" },
        { "0.000000000000000001", 0, 0, 1, UINT64_C(1000000000000000000), "0.000000000000000001" },
        { "0.000000000000000001", 0, 18, 1, 1, "0.000000000000000001" },
        { "9223372036854775807", 0, 0, INT64_MAX, 1, "9223372036854775807" },
        { "9223372036854775807", 18, 18, INT64_MAX, 1, "9223372036854775807" },
        { "10.50", 2, 2, 21, 2, "10.5" },
        { "0", 2, 2, 0, 1, "0" },
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rate_pair pair = pair_of(rows[i].exponent, rows[i].counter_exponent);
        struct rate rate = { 0 };
        assert_null(rate_parse(str_from(rows[i].text), &pair, &rate));
        assert_int_equal(rate.asset, 978);
        assert_int_equal(rate.counter_asset, 840);
        assert_int_equal(rate.numerator, rows[i].numerator);
        assert_int_equal(rate.denominator, rows[i].denominator);
        char text[RATE_TEXT_SIZE];
        assert_string_equal(rate_format(&rate, &pair, text).data, rows[i].back);
    }
}

static void what_does_not_fit_is_refused_and_says_why(void **state)
{
    static const struct {
        const char *text;
        unsigned exponent;
        unsigned counter_exponent;
        const char *word;
    } rows[] = {
        { "", 2, 2, "digits" },
        { "1,5", 2, 2, "digits" },
        { "-1", 2, 2, "digits" },
        { "1e3", 2, 2, "digits" },
        { "1.0000000000000000001", 2, 2, "18 decimals" },
        { "340282366920938463463374607431768211456", 2, 2, "too large" },
        { "9223372036854775808", 2, 2, "numerator" },
        { "9223372036854775807", 0, 1, "numerator" },
        { "340282366920938463463", 0, 18, "numerator" },
        { "2500.5", 2, 18, "numerator" },
        { "0.000000000000000001", 1, 0, "denominator" },
        { "0.000000000000000001", 18, 0, "denominator" },
        { "1.000000000000000001", 18, 0, "denominator" },
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rate_pair pair = pair_of(rows[i].exponent, rows[i].counter_exponent);
        struct rate rate = { .numerator = 7 };
        const char *sentence = rate_parse(str_from(rows[i].text), &pair, &rate);
        assert_non_null(sentence);
        if (strstr(sentence, rows[i].word) == NULL) fail_msg("%s: %s", rows[i].text, sentence);
        assert_int_equal(rate.numerator, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quote_is_an_exact_fraction_of_minor_units),
        cmocka_unit_test(what_does_not_fit_is_refused_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

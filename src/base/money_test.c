/*
 * Goal: amounts are read and written exactly or not at all, and no sum or difference wraps.
 * Method: tables at the edges of 64 and 128 bits; every byte at every place of a text against
 * the grammar; for every exponent, random amounts of every width there and back, beside a
 * naive decimal twin.
 */
#include "base/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"

static struct money from_halves(uint64_t hi, uint64_t lo)
{
    return (struct money){ (uint128)hi << 64 | lo };
}

struct parse_case {
    const char *text;
    unsigned exponent;
    enum status status;
    uint64_t hi;
    uint64_t lo;
};

static const struct parse_case parse_cases[] = {
    { "0", 0, STATUS_OK, 0, 0 },
    { "0", 2, STATUS_OK, 0, 0 },
    { "0.0", 2, STATUS_OK, 0, 0 },
    { "0.00", 2, STATUS_OK, 0, 0 },
    { "0.01", 2, STATUS_OK, 0, 1 },
    { "0.1", 2, STATUS_OK, 0, 10 },
    { "12", 2, STATUS_OK, 0, 1200 },
    { "12.5", 2, STATUS_OK, 0, 1250 },
    { "12.50", 2, STATUS_OK, 0, 1250 },
    { "12", 0, STATUS_OK, 0, 12 },
    { "1.234", 3, STATUS_OK, 0, 1234 },
    { "1.2345", 4, STATUS_OK, 0, 12345 },
    { "0.000000000000000001", 18, STATUS_OK, 0, 1 },
    { "1", 18, STATUS_OK, 0, 1000000000000000000 },
    { "18446744073709551615", 0, STATUS_OK, 0, UINT64_MAX },
    { "18446744073709551616", 0, STATUS_OK, 1, 0 },
    { "184467440737095516.15", 2, STATUS_OK, 0, UINT64_MAX },
    { "18.446744073709551616", 18, STATUS_OK, 1, 0 },
    { "340282366920938463463374607431768211455", 0, STATUS_OK, UINT64_MAX, UINT64_MAX },
    { "3402823669209384634633746074317682114.55", 2, STATUS_OK, UINT64_MAX, UINT64_MAX },
    { "340282366920938463463.374607431768211455", 18, STATUS_OK, UINT64_MAX, UINT64_MAX },
    { "340282366920938463463374607431768211456", 0, STATUS_LIMIT, 0, 0 },
    { "340282366920938463463374607431768211460", 0, STATUS_LIMIT, 0, 0 },
    { "3402823669209384634633746074317682114.56", 2, STATUS_LIMIT, 0, 0 },
    { "3402823669209384634633746074317682115", 2, STATUS_LIMIT, 0, 0 },
    { "340282366920938463464", 18, STATUS_LIMIT, 0, 0 },
    { "1000000000000000000000000000000000000000000000", 0, STATUS_LIMIT, 0, 0 },

    { "", 2, STATUS_INVALID, 0, 0 },
    { ".", 2, STATUS_INVALID, 0, 0 },
    { ".5", 2, STATUS_INVALID, 0, 0 },
    { "5.", 2, STATUS_INVALID, 0, 0 },
    { "1.2.3", 2, STATUS_INVALID, 0, 0 },
    { "1.234", 2, STATUS_INVALID, 0, 0 },
    { "1.230", 2, STATUS_INVALID, 0, 0 },
    { "1.0", 0, STATUS_INVALID, 0, 0 },
    { "1.", 0, STATUS_INVALID, 0, 0 },
    { "01", 2, STATUS_INVALID, 0, 0 },
    { "00", 2, STATUS_INVALID, 0, 0 },
    { "00.5", 2, STATUS_INVALID, 0, 0 },
    { "-1", 2, STATUS_INVALID, 0, 0 },
    { "+1", 2, STATUS_INVALID, 0, 0 },
    { " 1", 2, STATUS_INVALID, 0, 0 },
    { "1 ", 2, STATUS_INVALID, 0, 0 },
    { "1e2", 2, STATUS_INVALID, 0, 0 },
    { "1E2", 2, STATUS_INVALID, 0, 0 },
    { "0x10", 2, STATUS_INVALID, 0, 0 },
    { "1,000", 2, STATUS_INVALID, 0, 0 },
    { "1_000", 2, STATUS_INVALID, 0, 0 },
    { "NaN", 2, STATUS_INVALID, 0, 0 },
    { "\xD9\xA1", 2, STATUS_INVALID, 0, 0 },
};

static void texts_are_read_exactly_or_refused(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof parse_cases / sizeof parse_cases[0]; i++) {
        const struct parse_case *row = &parse_cases[i];
        struct money amount = { 77 };
        enum status status = money_parse(str_from(row->text), row->exponent, &amount);
        if (status != row->status) fail_msg("\"%s\": %s", row->text, status_name(status));
        struct money expected =
            status == STATUS_OK ? from_halves(row->hi, row->lo) : (struct money){ 77 };
        if (!money_equal(amount, expected)) fail_msg("\"%s\" is read as another", row->text);
    }
    struct money amount;
    assert_int_equal(money_parse((struct str){ NULL, 0 }, 2, &amount), STATUS_INVALID);
    assert_int_equal(money_parse((struct str){ "1\0", 2 }, 2, &amount), STATUS_INVALID);
}

static void any_byte_that_is_no_digit_is_refused_at_every_place(void **state)
{
    (void)state; /* no fixture */
    for (size_t place = 0; place < 6; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[7] = "123.45";
            text[place] = (char)byte;
            bool digit = byte >= '0' && byte <= '9';
            bool fits = place == 3 ? byte == '.' || digit : digit && !(place == 0 && byte == '0');
            if (place == 1 || place == 2) fits = fits && byte != '.';
            struct money amount;
            enum status status = money_parse((struct str){ text, 6 }, 2, &amount);
            if ((status == STATUS_OK) != fits) fail_msg("byte %u at %zu", byte, place);
        }
    }
}

static void amounts_are_written_with_all_their_decimals(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        uint64_t hi;
        uint64_t lo;
        unsigned exponent;
        const char *text;
    } cases[] = {
        { 0, 0, 0, "0" },
        { 0, 0, 2, "0.00" },
        { 0, 0, 18, "0.000000000000000000" },
        { 0, 5, 0, "5" },
        { 0, 5, 2, "0.05" },
        { 0, 50, 2, "0.50" },
        { 0, 100, 2, "1.00" },
        { 0, 1250, 2, "12.50" },
        { 0, 1234, 3, "1.234" },
        { 0, UINT64_MAX, 0, "18446744073709551615" },
        { 1, 0, 0, "18446744073709551616" },
        { 1, 0, 4, "1844674407370955.1616" },
        { UINT64_MAX, UINT64_MAX, 0, "340282366920938463463374607431768211455" },
        { UINT64_MAX, UINT64_MAX, 2, "3402823669209384634633746074317682114.55" },
        { UINT64_MAX, UINT64_MAX, 18, "340282366920938463463.374607431768211455" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[MONEY_TEXT_SIZE];
        struct money amount = from_halves(cases[i].hi, cases[i].lo);
        struct str written = money_format(amount, cases[i].exponent, text);
        assert_string_equal(written.data, cases[i].text);
        assert_int_equal(written.len, strlen(cases[i].text));
    }
}

/* The twin: all decimal digits of the amount, then the point put in. */
static size_t naive_format(uint128 minor, unsigned exponent, char *to)
{
    char digits[64];
    size_t count = 0;
    for (; minor > 0 || count <= exponent; minor /= 10) digits[count++] = (char)('0' + minor % 10);
    size_t len = 0;
    while (count > 0) {
        to[len++] = digits[--count];
        if (count == exponent && count > 0) to[len++] = '.';
    }
    to[len] = '\0';
    return len;
}

static void amounts_of_every_width_come_back_as_they_were(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 11);
    for (unsigned exponent = 0; exponent <= MONEY_EXPONENT_MAX; exponent++) {
        for (unsigned i = 0; i < 20000; i++) {
            struct money amount = from_halves(prng_next(&prng), prng_next(&prng));
            amount.minor >>= prng_below(&prng, 128);
            char text[MONEY_TEXT_SIZE];
            char expected[64];
            struct str written = money_format(amount, exponent, text);
            assert_int_equal(naive_format(amount.minor, exponent, expected), written.len);
            assert_string_equal(written.data, expected);
            struct money back = MONEY_ZERO;
            assert_int_equal(money_parse(written, exponent, &back), STATUS_OK);
            assert_true(money_equal(back, amount));
        }
    }
}

static void sums_and_differences_never_wrap(void **state)
{
    (void)state; /* no fixture */
    struct money one = money_from_minor(1);
    struct money most = MONEY_MAX;
    struct money result = { 77 };
    assert_false(money_add(most, one, &result));
    assert_false(money_add(one, most, &result));
    assert_false(money_add(most, most, &result));
    assert_false(money_subtract(MONEY_ZERO, one, &result));
    assert_false(money_subtract(from_halves(1, 0), from_halves(1, 1), &result));
    assert_int_equal((uint64_t)result.minor, 77);
    assert_true(money_add(most, MONEY_ZERO, &result) && money_equal(result, most));
    assert_true(money_subtract(most, most, &result) && money_is_zero(result));
    assert_true(money_add(money_from_minor(UINT64_MAX), one, &result));
    assert_true(money_equal(result, from_halves(1, 0)));
    assert_true(money_subtract(result, one, &result));
    assert_true(money_equal(result, money_from_minor(UINT64_MAX)));
}

static void order_looks_at_all_128_bits(void **state)
{
    (void)state; /* no fixture */
    struct money low = money_from_minor(UINT64_MAX);
    struct money high = from_halves(1, 0);
    assert_true(money_less(low, high));
    assert_false(money_less(high, low));
    assert_false(money_less(high, high));
    assert_true(money_equal(money_min(low, high), low));
    assert_true(money_equal(money_min(high, low), low));
    assert_false(money_is_zero(high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_exactly_or_refused),
        cmocka_unit_test(any_byte_that_is_no_digit_is_refused_at_every_place),
        cmocka_unit_test(amounts_are_written_with_all_their_decimals),
        cmocka_unit_test(amounts_of_every_width_come_back_as_they_were),
        cmocka_unit_test(sums_and_differences_never_wrap),
        cmocka_unit_test(order_looks_at_all_128_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

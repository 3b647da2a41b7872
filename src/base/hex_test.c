/*
 * Goal: digits and bytes are turned into each other exactly; nothing else is taken for a digit.
 * Method: every byte at every place of eight; all 16-bit halves both ways; random words.
 */
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"

static bool is_digit(unsigned byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

static void only_digits_are_taken_at_every_place(void **state)
{
    (void)state; /* no fixture */
    for (unsigned place = 0; place < 8; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char digits[9] = "9fA05bC1";
            digits[place] = (char)byte;
            uint32_t value = 77;
            bool taken = hex_take(digits, &value);
            if (taken != is_digit(byte)) fail_msg("byte %u at %u", byte, place);
            if (!taken) assert_int_equal(value, 77);
            if (taken) assert_int_equal(value, strtoul(digits, NULL, 16));
            uint8_t bytes[4] = { 1, 2, 3, 4 };
            enum status status = hex_parse((struct str){ digits, 8 }, bytes, 4);
            assert_int_equal(status == STATUS_OK, taken);
            if (!taken) assert_int_equal(bytes[0], 1);
            if (taken)
                assert_int_equal((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                                     (uint32_t)bytes[2] << 8 | bytes[3],
                                 value);
        }
    }
}

static void words_are_put_and_taken_back(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 3);
    for (uint32_t i = 0; i < 300000; i++) {
        uint32_t value = i < 65536 ? i | i << 16 : (uint32_t)prng_next(&prng);
        char digits[9] = "";
        char expected[9];
        hex_put(value, digits);
        assert_int_equal(snprintf(expected, sizeof expected, "%08x", value), 8);
        assert_string_equal(digits, expected);
        uint32_t back = ~value;
        assert_true(hex_take(digits, &back));
        assert_int_equal(back, value);
    }
}

static void bytes_are_formatted_and_parsed_back(void **state)
{
    (void)state; /* no fixture */
    uint8_t bytes[256];
    for (unsigned i = 0; i < 256; i++) bytes[i] = (uint8_t)i;
    char text[513];
    struct str view = hex_format(bytes, sizeof bytes, text);
    assert_int_equal(view.len, 512);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
    assert_memory_equal(text + 506, "fdfeff", 6);
    uint8_t back[256] = { 0 };
    assert_int_equal(hex_parse(view, back, sizeof back), STATUS_OK);
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(hex_parse(view, back, 255), STATUS_INVALID);
    assert_int_equal(hex_parse((struct str){ text, 511 }, back, 256), STATUS_INVALID);
    assert_int_equal(hex_parse(STR(""), NULL, 0), STATUS_OK);
    assert_int_equal(hex_format(NULL, 0, text).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_digits_are_taken_at_every_place),
        cmocka_unit_test(words_are_put_and_taken_back),
        cmocka_unit_test(bytes_are_formatted_and_parsed_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

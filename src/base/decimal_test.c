/*
 * Goal: each number has one text, and what is no number or too large leaves the output alone.
 * Method: texts and what becomes of them, in a table; both sides of each maximum.
 */
#include "base/decimal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void texts_and_what_becomes_of_them(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        uint64_t maximum;
        enum status status;
        uint64_t value;
    } cases[] = {
        { "0", 0, STATUS_OK, 0 },
        { "7", 7, STATUS_OK, 7 },
        { "8", 7, STATUS_LIMIT, 0 },
        { "10", 255, STATUS_OK, 10 },
        { "255", 255, STATUS_OK, 255 },
        { "256", 255, STATUS_LIMIT, 0 },
        { "9223372036854775807", INT64_MAX, STATUS_OK, INT64_MAX },
        { "9223372036854775808", INT64_MAX, STATUS_LIMIT, 0 },
        { "18446744073709551615", UINT64_MAX, STATUS_OK, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, STATUS_LIMIT, 0 },
        { "99999999999999999999999999", UINT64_MAX, STATUS_LIMIT, 0 },
        { "9999999999999999999999999x", UINT64_MAX, STATUS_INVALID, 0 },
        { "", 9, STATUS_INVALID, 0 },
        { "00", 9, STATUS_INVALID, 0 },
        { "01", 9, STATUS_INVALID, 0 },
        { "+1", 9, STATUS_INVALID, 0 },
        { "-1", 9, STATUS_INVALID, 0 },
        { " 1", 9, STATUS_INVALID, 0 },
        { "1 ", 9, STATUS_INVALID, 0 },
        { "1.", 9, STATUS_INVALID, 0 },
        { "0x1", 9, STATUS_INVALID, 0 },
        { "1/", 9, STATUS_INVALID, 0 },
        { "1:", 9, STATUS_INVALID, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 77;
        enum status status = decimal_parse(str_from(cases[i].text), cases[i].maximum, &value);
        if (status != cases[i].status) fail_msg("'%s': %s", cases[i].text, status_name(status));
        assert_int_equal(value, status == STATUS_OK ? cases[i].value : 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_what_becomes_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

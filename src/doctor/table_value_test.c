/*
 * Goal: the text of a column is a value of its type, or is refused with the reason.
 * Method: texts of every type in a table, and what becomes of them.
 */
#include "doctor/table_value.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void texts_and_what_becomes_of_them(void **state)
{
    (void)state; /* no fixture */
    static const struct table_zone zone = { { "+02:00", 6 } };
    static const struct {
        enum table_type type;
        const char *text;
        int64_t number;    /* of what is one */
        const char *fault; /* a part of the reason; NULL: it is right */
    } cases[] = {
        { TABLE_TYPE_TEXT, "", 0, NULL },
        { TABLE_TYPE_INTEGER, "-42", -42, NULL },
        { TABLE_TYPE_INTEGER, "042", 0, "whole number" },
        { TABLE_TYPE_INTEGER, "4.2", 0, "whole number" },
        { TABLE_TYPE_INTEGER, "9223372036854775808", 0, "whole number" },
        { TABLE_TYPE_DECIMAL, "-12.50", 0, NULL },
        { TABLE_TYPE_DECIMAL, "1e5", 0, "decimal number" },
        { TABLE_TYPE_DECIMAL, "NaN", 0, "decimal number" },
        { TABLE_TYPE_DECIMAL, "1.", 0, "decimal number" },
        { TABLE_TYPE_DECIMAL, ".5", 0, "decimal number" },
        { TABLE_TYPE_BOOLEAN, "t", 1, NULL },
        { TABLE_TYPE_BOOLEAN, "0", 0, NULL },
        { TABLE_TYPE_BOOLEAN, "yes", 0, "boolean" },
        { TABLE_TYPE_TIME, "1970-01-01 00:00:01+00", 1000000000, NULL },
        { TABLE_TYPE_TIME, "1970-01-01T02:00:01.5+02:00", 1500000000, NULL },
        { TABLE_TYPE_TIME, "1970-01-01 00:00:01Z", 1000000000, NULL },
        { TABLE_TYPE_TIME, "1970-01-01 00:00:01", 0, "two time zones are mixed" },
        { TABLE_TYPE_TIME, "infinity", 0, "two time zones" },
        { TABLE_TYPE_LOCAL_TIME, "1970-01-01 02:00:01", 1000000000, NULL },
        { TABLE_TYPE_LOCAL_TIME, "1970-01-01 02:00:01+02", 0, "two time zones are mixed" },
        { TABLE_TYPE_LOCAL_TIME, "infinity", 0, "no time" },
        { TABLE_TYPE_LOCAL_TIME, "1970-13-01 02:00:01", 0, "no time" },
        { TABLE_TYPE_EPOCH_S, "2", 2000000000, NULL },
        { TABLE_TYPE_EPOCH_MS, "2", 2000000, NULL },
        { TABLE_TYPE_EPOCH_S, "-1", 0, "since 1970" },
        { TABLE_TYPE_EPOCH_S, "9223372036854775807", 0, "since 1970" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct table_value value;
        const char *fault = table_value_read(cases[i].type, str_from(cases[i].text), &zone, &value);
        bool right = cases[i].fault == NULL
                         ? fault == NULL
                         : fault != NULL && strstr(fault, cases[i].fault) != NULL;
        if (!right) print_message("'%s': %s\n", cases[i].text, fault == NULL ? "taken" : fault);
        assert_true(right);
        if (fault == NULL && value.is_number) assert_int_equal(value.number, cases[i].number);
        if (fault == NULL && !value.is_number)
            assert_true(str_equal(value.text, str_from(cases[i].text)));
    }
}

static void zones_are_offsets_of_at_most_14_hours(void **state)
{
    (void)state; /* no fixture */
    assert_true(table_zone_is_valid(STR("+00:00")));
    assert_true(table_zone_is_valid(STR("-03:30")));
    assert_true(table_zone_is_valid(STR("+14:00")));
    assert_false(table_zone_is_valid(STR("+15:00")));
    assert_false(table_zone_is_valid(STR("+02:60")));
    assert_false(table_zone_is_valid(STR("02:00")));
    assert_false(table_zone_is_valid(STR("")));
}

static void decimals_are_those_of_iso_4217_or_of_the_mapping(void **state)
{
    (void)state; /* no fixture */
    static struct table_assets assets = { .count = 1, .list = { { { "POINTS", 6 }, 3 } } };
    uint8_t exponent;
    assert_true(table_assets_find(&assets, STR("JPY"), &exponent));
    assert_int_equal(exponent, 0);
    assert_true(table_assets_find(&assets, STR("POINTS"), &exponent));
    assert_int_equal(exponent, 3);
    assert_false(table_assets_find(&assets, STR("GOLD"), &exponent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_what_becomes_of_them),
        cmocka_unit_test(zones_are_offsets_of_at_most_14_hours),
        cmocka_unit_test(decimals_are_those_of_iso_4217_or_of_the_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: a row's values are read exactly, from the newest image that tells them, or the row is refused.
 * Method: rows of a wallet whose values are told, left out, NULL, or not what they should be.
 */
#include "doctor/wal_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct reconcile_currencies currencies;
static const struct wal_table table = {
    .record = { "account", 7 },
    .fields[WAL_FIELD_ACCOUNT] = { { "id", 2 }, false },
    .fields[WAL_FIELD_CURRENCY] = { { "JPY", 3 }, true },
    .fields[WAL_FIELD_AMOUNT] = { { "balance", 7 }, false },
    .fields[WAL_FIELD_VERSION] = { { "ver", 3 }, false },
    .inverted = true,
};
static const struct wal_binding binding = { &table, { -1, -1, -1, 0, -1, 1, 2, -1, -1 } };

static struct row_value text(const char *value)
{
    return (struct row_value){ ROW_VALUE_TEXT, str_from(value) };
}

static bool read(const struct row_value *before, const struct row_value *after,
                 struct wal_facts *out_facts)
{
    const struct wal_row row = { WAL_UPDATE, 1, &binding, before, after };
    return wal_facts_read(&row, &currencies, out_facts);
}

static void the_newest_image_that_tells_counts(void **state)
{
    (void)state; /* no fixture */
    struct wal_facts facts;
    const struct row_value before[] = { text("w1"), text("7"), text("1") };
    const struct row_value after[] = { { .kind = ROW_VALUE_UNKNOWN }, text("-9"), text("2") };
    assert_true(read(before, after, &facts));
    assert_true(str_equal(facts.fields[WAL_FIELD_ACCOUNT], STR("w1")));
    assert_true(str_equal(facts.ccy, STR("JPY")));
    assert_true(facts.before_amount.minor == -7); /* inverted */
    assert_true(facts.after_amount.minor == 9);
    assert_int_equal(facts.before_version, 1);
    assert_int_equal(facts.after_version, 2);
}

static void what_is_left_out_or_null_is_not_there(void **state)
{
    (void)state; /* no fixture */
    struct wal_facts facts;
    const struct row_value after[] = { text("w1"),
                                       { .kind = ROW_VALUE_NULL },
                                       { .kind = ROW_VALUE_UNKNOWN } };
    assert_true(read(NULL, after, &facts));
    assert_false(facts.has_before_amount);
    assert_false(facts.has_after_amount);
    assert_false(facts.has_after_version);
}

static void what_is_no_value_of_its_field_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const char *const rows[][2] = {
        { "7.5", "1" }, { "NaN", "1" }, { "", "1" }, { "7", "one" }, { "7", "9223372036854775808" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wal_facts facts;
        const struct row_value after[] = { text("w1"), text(rows[i][0]), text(rows[i][1]) };
        if (read(NULL, after, &facts)) fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_image_that_tells_counts),
        cmocka_unit_test(what_is_left_out_or_null_is_not_there),
        cmocka_unit_test(what_is_no_value_of_its_field_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

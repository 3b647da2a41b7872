/*
 * Goal: a mapping of a log is read as docs/casework.md says, and its columns are found.
 * Method: a whole mapping; one with each thing that can be wrong, and the line that is named.
 */
#include "doctor/wal_mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct reconcile_currencies currencies;
static struct wal_mapping mapping;

static const char good[] = "# a wallet\n"
                           "currency.POINT = 0\n"
                           "table account = public.wallet\n"
                           "account = id\namount = balance\ncurrency == EUR\nversion = ver\n"
                           "table posting = public.entry\n"
                           "tx = transfer_id\naccount = wallet\namount = amount\ncurrency = ccy\n"
                           "unit = minor\nsign = inverted\n";

static void a_mapping_is_read(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    assert_int_equal(wal_mapping_parse(STR(good), &currencies, &mapping, &error), STATUS_OK);
    assert_int_equal(mapping.count, 2);
    assert_true(str_equal(mapping.tables[0].record, STR("account")));
    assert_true(str_equal(mapping.tables[0].name, STR("public.wallet")));
    assert_true(mapping.tables[0].fields[WAL_FIELD_CURRENCY].constant);
    assert_false(mapping.tables[0].minor);
    assert_true(mapping.tables[1].minor);
    assert_true(mapping.tables[1].inverted);
    assert_true(str_equal(mapping.tables[1].fields[WAL_FIELD_TX].name, STR("transfer_id")));
}

static void columns_are_found(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    struct wal_binding binding;
    const struct str columns[] = { STR("ver"), STR("other"), STR("balance"), STR("id") };
    assert_int_equal(wal_mapping_parse(STR(good), &currencies, &mapping, &error), STATUS_OK);
    assert_int_equal(wal_mapping_bind(&mapping, STR("public.wallet"), columns, 4, &binding, &error),
                     STATUS_OK);
    assert_int_equal(binding.columns[WAL_FIELD_AMOUNT], 2);
    assert_int_equal(binding.columns[WAL_FIELD_ACCOUNT], 3);
    assert_int_equal(binding.columns[WAL_FIELD_CURRENCY], -1);
    assert_int_equal(wal_mapping_bind(&mapping, STR("public.wallet"), columns, 3, &binding, &error),
                     STATUS_INVALID);
    assert_non_null(strstr(error.message, "'id'"));
    assert_int_equal(wal_mapping_bind(&mapping, STR("public.other"), columns, 4, &binding, &error),
                     STATUS_NOT_FOUND);
}

static const struct {
    const char *text;
    const char *words;
} faults[] = {
    { "", "no table" },
    { "key = id\n", "line 1: a line `table" },
    { "table x = y\n", "SCHEMA.NAME" },
    { "table x1 = a.b\n", "letters a to z" },
    { "table = a.b\n", "comes first" },
    { "table x = a.b\ntable y = a.b\n", "line 2: the table is given twice" },
    { "table x = a.b\nkey = id\nkey = id\n", "line 3: the field is given twice" },
    { "table x = a.b\nkey =\n", "no column" },
    { "table x = a.b\nkey == 1\n", "constants" },
    { "table x = a.b\nsize = id\n", "no such field" },
    { "table x = a.b\nunit = cents\n", "no such choice" },
    { "table x = a.b\nkey\n", "no '='" },
    { "currency.EUR = 3\n", "decimals" },
    { "table x = a.b\namount = n\n", "has a currency" },
    { "table account = a.b\nkey = n\n", "the table `account`" },
};

static void what_is_wrong_is_named(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct error error;
        assert_int_equal(wal_mapping_parse(str_from(faults[i].text), &currencies, &mapping, &error),
                         STATUS_INVALID);
        if (strstr(error.message, faults[i].words) == NULL)
            fail_msg("%zu: '%s' lacks '%s'", i, error.message, faults[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_is_read),
        cmocka_unit_test(columns_are_found),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

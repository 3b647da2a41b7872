/*
 * Goal: a row becomes exactly the account or transfer it says, or is refused with the field
 * that is wrong; openings go the right way round.
 * Method: rows as arrays of texts, one thing wrong in each of the bad ones; the good ones
 * compared with the value of the model.
 */
#include "cmd/import_items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/import_id.h"

static const struct asset points = { .id = ASSET_CUSTOM_FIRST, .exponent = 0, .code = "POINTS" };

static const struct import_rules rules = {
    .name = { "test", 4 },
    .namespace = { "bank", 4 },
    .custom_assets = &points,
    .custom_asset_count = 1,
};

struct row_case {
    const char *values[IMPORT_FIELD_COUNT];
    const char *field; /* of the fault */
    bool readable;
};

static void texts_of(const struct row_case *row, struct str *out_values)
{
    for (uint32_t i = 0; i < IMPORT_FIELD_COUNT; i++)
        out_values[i] = row->values[i] == NULL ? STR("") : str_from(row->values[i]);
}

static struct uuid key_id(const char *kind, const char *key)
{
    const struct import_set set = { STR("bank"), str_from(kind) };
    return import_key_id(&set, str_from(key));
}

static void a_row_is_the_transfer_it_says(void **state)
{
    (void)state;
    const struct row_case row = { .values = {
                                      [IMPORT_FIELD_DEBIT] = "216",
                                      [IMPORT_FIELD_CREDIT] = "14730",
                                      [IMPORT_FIELD_AMOUNT] = "163.3",
                                      [IMPORT_FIELD_ASSET] = "USD",
                                      [IMPORT_FIELD_CODE] = "7",
                                      [IMPORT_FIELD_VALUE_DATE] = "2026-11-23",
                                      [IMPORT_FIELD_USER_REF] = "x",
                                      [IMPORT_FIELD_FLAGS] = "linked|balancing_debit",
                                  } };
    struct str values[IMPORT_FIELD_COUNT];
    struct transfer transfer;
    texts_of(&row, values);
    struct import_fault fault = import_transfer_of(&rules, values, 9, &transfer);
    assert_null(fault.reason);
    const struct import_set lines = { STR("test"), STR("transfer") };
    assert_true(uuid_equal(transfer.id.value, import_line_id(&lines, 9)));
    assert_true(uuid_equal(transfer.debit.value, key_id("account", "216")));
    assert_true(uuid_equal(transfer.credit.value, key_id("account", "14730")));
    assert_true(uuid_equal(transfer.user_ref, key_id("user_ref", "x")));
    assert_true(money_equal(transfer.amount, money_from_minor(16330)));
    assert_int_equal(transfer.asset, 840);
    assert_int_equal(transfer.code, 7);
    assert_int_equal(transfer.kind, TRANSFER_DIRECT);
    assert_int_equal(transfer.flags, TRANSFER_FLAG_LINKED | TRANSFER_FLAG_BALANCING_DEBIT);
    assert_int_equal(transfer.value_date.days, 20780);
}

static void what_follows_from_a_target_is_left_to_it(void **state)
{
    (void)state;
    const struct row_case row = { .values = {
                                      [IMPORT_FIELD_KIND] = "void",
                                      [IMPORT_FIELD_TARGET] = "h",
                                      [IMPORT_FIELD_DEBIT] = "a",
                                      [IMPORT_FIELD_CREDIT] = "b",
                                      [IMPORT_FIELD_AMOUNT] = "5",
                                      [IMPORT_FIELD_ASSET] = "USD",
                                  } };
    struct str values[IMPORT_FIELD_COUNT];
    struct transfer transfer;
    texts_of(&row, values);
    assert_null(import_transfer_of(&rules, values, 1, &transfer).reason);
    assert_true(uuid_is_nil(transfer.debit.value));
    assert_true(money_equal(transfer.amount, MONEY_MAX));
    values[IMPORT_FIELD_KIND] = STR("post");
    assert_null(import_transfer_of(&rules, values, 1, &transfer).reason);
    assert_true(uuid_is_nil(transfer.credit.value));
    assert_true(money_equal(transfer.amount, money_from_minor(500)));
    values[IMPORT_FIELD_AMOUNT] = STR("");
    assert_null(import_transfer_of(&rules, values, 1, &transfer).reason);
    assert_true(money_equal(transfer.amount, MONEY_MAX));
}

static void a_wrong_transfer_is_refused_at_its_field(void **state)
{
    (void)state;
    const struct row_case good = { .values = {
                                       [IMPORT_FIELD_DEBIT] = "a",
                                       [IMPORT_FIELD_CREDIT] = "b",
                                       [IMPORT_FIELD_AMOUNT] = "1",
                                       [IMPORT_FIELD_ASSET] = "USD",
                                   } };
    const struct {
        enum import_field field;
        const char *value;
        bool readable;
    } cases[] = {
        { IMPORT_FIELD_AMOUNT, "1.234", false },
        { IMPORT_FIELD_AMOUNT, "-1", false },
        { IMPORT_FIELD_AMOUNT, "1e3", false },
        { IMPORT_FIELD_AMOUNT, "0", true },
        { IMPORT_FIELD_AMOUNT, "", true },
        { IMPORT_FIELD_ASSET, "", false },
        { IMPORT_FIELD_ASSET, "XXXX", false },
        { IMPORT_FIELD_KIND, "expire", false },
        { IMPORT_FIELD_KIND, "gift", false },
        { IMPORT_FIELD_FLAGS, "linked nothing", false },
        { IMPORT_FIELD_CODE, "4294967296", false },
        { IMPORT_FIELD_CODE, "x", false },
        { IMPORT_FIELD_VALUE_DATE, "23.11.2026", false },
        { IMPORT_FIELD_CREDIT, "a", true },
        { IMPORT_FIELD_CREDIT, "", true },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str values[IMPORT_FIELD_COUNT];
        struct transfer transfer;
        texts_of(&good, values);
        assert_null(import_transfer_of(&rules, values, 1, &transfer).reason);
        values[cases[i].field] = str_from(cases[i].value);
        struct import_fault fault = import_transfer_of(&rules, values, 1, &transfer);
        assert_non_null(fault.reason);
        assert_string_equal(fault.field, import_field_name(cases[i].field));
        assert_int_equal(fault.readable, cases[i].readable);
    }
}

static void keys_need_a_namespace_and_uuids_do_not(void **state)
{
    (void)state;
    struct import_rules bare = rules;
    bare.namespace = STR("");
    struct uuid id;
    assert_false(import_id_of(&bare, "account", STR("216"), &id));
    assert_false(import_id_of(&rules, "account", STR(""), &id));
    assert_true(import_id_of(&bare, "account", STR("019ab000-0000-7000-8000-000000000001"), &id));
    assert_int_equal(id.lo & 0xFF, 1);
    struct uuid reference;
    assert_true(import_id_of(&rules, "account", STR("216"), &id));
    assert_true(import_id_of(&rules, "user_ref", STR("216"), &reference));
    assert_false(uuid_equal(id, reference));
}

static void an_opening_is_credited_or_debited_as_the_kind_wants(void **state)
{
    (void)state;
    const struct {
        const char *kind;
        bool credited;
    } cases[] = { { "liability", true },
                  { "equity", true },
                  { "income", true },
                  { "asset", false },
                  { "expense", false } };
    const struct account_id from = { { .hi = 1, .lo = 2 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct row_case row = { .values = {
                                          [IMPORT_FIELD_ID] = "1",
                                          [IMPORT_FIELD_ASSET] = "POINTS",
                                          [IMPORT_FIELD_OPENING] = "250",
                                          [IMPORT_FIELD_KIND] = cases[i].kind,
                                      } };
        struct str values[IMPORT_FIELD_COUNT];
        struct import_account account;
        texts_of(&row, values);
        assert_null(import_account_of(&rules, values, 3, &account).reason);
        struct transfer transfer = import_opening_of(&rules, &account, from);
        struct account_id side = cases[i].credited ? transfer.credit : transfer.debit;
        struct account_id other = cases[i].credited ? transfer.debit : transfer.credit;
        assert_true(uuid_equal(side.value, key_id("account", "1")));
        assert_true(uuid_equal(other.value, from.value));
        assert_true(money_equal(transfer.amount, money_from_minor(250)));
        assert_int_equal(transfer.asset, points.id);
    }
}

static void a_wrong_account_is_refused_at_its_field(void **state)
{
    (void)state;
    const struct {
        enum import_field field;
        const char *value;
        bool readable;
    } cases[] = {
        { IMPORT_FIELD_ASSET, "ZZZ9", false },    { IMPORT_FIELD_KIND, "wallet", false },
        { IMPORT_FIELD_FLAGS, "frozen", true },   { IMPORT_FIELD_FLAGS, "nothing", false },
        { IMPORT_FIELD_OPENING, "1.001", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str values[IMPORT_FIELD_COUNT] = { [IMPORT_FIELD_ASSET] = STR("USD") };
        struct import_account account;
        assert_null(import_account_of(&rules, values, 1, &account).reason);
        values[cases[i].field] = str_from(cases[i].value);
        struct import_fault fault = import_account_of(&rules, values, 1, &account);
        assert_non_null(fault.reason);
        assert_string_equal(fault.field, import_field_name(cases[i].field));
        assert_int_equal(fault.readable, cases[i].readable);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_the_transfer_it_says),
        cmocka_unit_test(what_follows_from_a_target_is_left_to_it),
        cmocka_unit_test(a_wrong_transfer_is_refused_at_its_field),
        cmocka_unit_test(keys_need_a_namespace_and_uuids_do_not),
        cmocka_unit_test(an_opening_is_credited_or_debited_as_the_kind_wants),
        cmocka_unit_test(a_wrong_account_is_refused_at_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

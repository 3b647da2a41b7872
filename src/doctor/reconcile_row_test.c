/*
 * Goal: a row is the line that it says, to the last minor unit, or is refused with the reason.
 * Method: rows and their lines in tables, for each way of writing amounts and dates; totals that pass 128 bits.
 */
#include "doctor/reconcile_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct reconcile_currencies currencies;

static void source_make(const char *text, enum reconcile_side side,
                        struct reconcile_source *out_source)
{
    struct error error = { .message = "" };
    *out_source = (struct reconcile_source){ .currencies = &currencies, .side = side };
    currencies.count = 0;
    if (reconcile_mapping_parse(str_from(text), &currencies, &out_source->mapping, &error) !=
        STATUS_OK)
        fail_msg("%s", error.message);
    const struct str header[] = { STR("key"), STR("amount"), STR("fee"), STR("cur"),
                                  STR("day"), STR("kind"),   STR("more") };
    assert_int_equal(reconcile_mapping_bind(&out_source->mapping, header, 7, &error), STATUS_OK);
}

#define COMMON "key = key\ncurrency = cur\ndate = day\nkind = kind\n"

struct row {
    const char *settings;
    const char *fields[6]; /* key, amount, fee, currency, day, kind */
    const char *fault;     /* NULL: it is a line */
    int64_t amount;
    int64_t fee;
    int64_t at_s;
    uint8_t flags;
};

static enum reconcile_row row_read(const struct reconcile_source *source, const char *const *fields,
                                   struct reconcile_line *out_line, const char **out_fault)
{
    struct str row[7];
    for (int i = 0; i < 6; i++) row[i] = str_from(fields[i]);
    row[6] = STR("");
    return reconcile_row_read(source, row, 7, out_line, out_fault);
}

enum { DAY = 86400, TOLD = RECONCILE_FLAG_FEE_TOLD, ONLY = RECONCILE_FLAG_DAY_ONLY };
static const struct row rows[] = {
    { "amount = amount\n",
      { "k", "1.50", "", "eur", "1970-01-03", "charge" },
      NULL,
      150,
      0,
      2 * DAY,
      ONLY },
    { "amount = amount\nnegative_kinds = refund\n",
      { "k", "1.50", "", "EUR", "1970-01-03", "refund" },
      NULL,
      -150,
      0,
      2 * DAY,
      ONLY },
    { "amount = amount\nsign = inverted\nnegative_kinds = refund\n",
      { "k", "-1.50", "", "EUR", "1970-01-03", "refund" },
      NULL,
      -150,
      0,
      2 * DAY,
      ONLY },
    { "amount = amount\nfee = fee\n",
      { "k", "1.50", "0.05", "EUR", "1970-01-03", "" },
      NULL,
      150,
      5,
      2 * DAY,
      TOLD | ONLY },
    { "amount = amount\nfee = fee\namount_is = net\n",
      { "k", "1.45", "0.05", "EUR", "1970-01-03", "" },
      NULL,
      150,
      5,
      2 * DAY,
      TOLD | ONLY },
    { "amount = amount\namount_is = net\n",
      { "k", "1.45", "", "EUR", "1970-01-03", "" },
      NULL,
      145,
      0,
      2 * DAY,
      RECONCILE_FLAG_NET | ONLY },
    { "plus = amount\nminus = fee\n",
      { "k", "1.50", "", "EUR", "1970-01-03", "" },
      NULL,
      150,
      0,
      2 * DAY,
      ONLY },
    { "plus = amount\nminus = fee\n",
      { "k", "", "1.50", "EUR", "1970-01-03", "" },
      NULL,
      -150,
      0,
      2 * DAY,
      ONLY },
    { "plus = amount\nminus = fee\n",
      { "k", "", "", "EUR", "1970-01-03", "" },
      "an amount that is none, or has more decimals than its currency",
      0,
      0,
      0,
      0 },
    { "amount = amount\n",
      { "k", "150", "", "JPY", "1970-01-03", "" },
      NULL,
      150,
      0,
      2 * DAY,
      ONLY },
    { "amount = amount\n",
      { "k", "1.50", "", "JPY", "1970-01-03", "" },
      "an amount that is none, or has more decimals than its currency",
      0,
      0,
      0,
      0 },
    { "amount = amount\n",
      { "k", "1.501", "", "EUR", "1970-01-03", "" },
      "an amount that is none, or has more decimals than its currency",
      0,
      0,
      0,
      0 },
    { "amount = amount\n",
      { "k", "10.000", "", "EUR", "1970-01-03", "" },
      "an amount that is none, or has more decimals than its currency",
      0,
      0,
      0,
      0 },
    { "amount = amount\ngroup = .\npoint = ,\n",
      { "k", "10.000", "", "EUR", "1970-01-03", "" },
      NULL,
      1000000,
      0,
      2 * DAY,
      ONLY },
    { "amount = amount\n",
      { "k", "1.50", "", "XQZ", "1970-01-03", "" },
      "there is no such currency",
      0,
      0,
      0,
      0 },
    { "amount = amount\ncurrency.XQZ = 3\n",
      { "k", "1.501", "", "XQZ", "1970-01-03", "" },
      NULL,
      1501,
      0,
      2 * DAY,
      ONLY },
    { "amount = amount\n",
      { "k", "9999999999999999999999999999999999999999", "", "EUR", "1970-01-03", "" },
      "an amount over 128 bits",
      0,
      0,
      0,
      0 },
    { "amount = amount\ndate_format = dmy\n",
      { "k", "1", "", "EUR", "03.01.1970", "" },
      NULL,
      100,
      0,
      2 * DAY,
      ONLY },
    { "amount = amount\ndate_format = dmy\n",
      { "k", "1", "", "EUR", "03.13.1970", "" },
      "a date that is none",
      0,
      0,
      0,
      0 },
    { "amount = amount\ndate_format = dmy\n",
      { "k", "1", "", "EUR", "03.01/1970", "" },
      "a date that is none",
      0,
      0,
      0,
      0 },
    { "amount = amount\ndate_format = mdy\n",
      { "k", "1", "", "EUR", "01/03/1970", "" },
      NULL,
      100,
      0,
      2 * DAY,
      ONLY },
    { "amount = amount\ndate_format = ymd\n",
      { "k", "1", "", "EUR", "19700103", "" },
      NULL,
      100,
      0,
      2 * DAY,
      ONLY },
    { "amount = amount\ndate_format = epoch_s\n",
      { "k", "1", "", "EUR", "172801", "" },
      NULL,
      100,
      0,
      2 * DAY + 1,
      0 },
    { "amount = amount\ndate_format = epoch_ms\n",
      { "k", "1", "", "EUR", "172801000", "" },
      NULL,
      100,
      0,
      2 * DAY + 1,
      0 },
    { "amount = amount\ndate_format = epoch_s\n",
      { "k", "1", "", "EUR", "99999999999999999999", "" },
      "a date that is none",
      0,
      0,
      0,
      0 },
    { "amount = amount\n",
      { "k", "1", "", "EUR", "1970-01-03T00:00:01Z", "" },
      NULL,
      100,
      0,
      2 * DAY + 1,
      0 },
    { "amount = amount\n",
      { "k", "1", "", "EUR", "1970-01-03T08:00:01+08:00", "" },
      NULL,
      100,
      0,
      2 * DAY + 1,
      0 },
    { "amount = amount\nutc_offset = +08:00\n",
      { "k", "1", "", "EUR", "1970-01-03 08:00:01", "" },
      NULL,
      100,
      0,
      2 * DAY + 1,
      0 },
    { "amount = amount\n",
      { "k", "1", "", "EUR", "1970-01-03T00:00", "" },
      "a date that is none",
      0,
      0,
      0,
      0 },
    { "amount = amount\n",
      { "k", "1", "", "EUR", "yesterday", "" },
      "a date that is none",
      0,
      0,
      0,
      0 },
};

static void rows_and_what_becomes_of_them(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        int len = snprintf(text, sizeof text, COMMON "%s", rows[i].settings);
        assert_in_range(len, 1, sizeof text - 1);
        struct reconcile_source source;
        source_make(text, RECONCILE_THEIRS, &source);
        struct reconcile_line line;
        const char *fault = NULL;
        enum reconcile_row row = row_read(&source, rows[i].fields, &line, &fault);
        if (rows[i].fault != NULL) {
            if (row != RECONCILE_ROW_REFUSED || strcmp(fault, rows[i].fault) != 0)
                fail_msg("row %zu: %s", i, fault);
            continue;
        }
        if (row != RECONCILE_ROW_LINE) fail_msg("row %zu: %s", i, fault);
        bool same = line.amount.minor == rows[i].amount && line.fee.minor == rows[i].fee &&
                    line.at.ns == rows[i].at_s * NS_PER_S && line.flags == rows[i].flags;
        if (!same)
            fail_msg("row %zu: %lld at %lld", i, (long long)line.amount.minor,
                     (long long)line.at.ns);
        assert_int_equal(line.side, RECONCILE_THEIRS);
        assert_true(uuid_equal(line.key, reconcile_digest(STR("k"))));
        assert_string_equal(line.label, "k");
    }
}

static void keys_of_several_columns_cannot_be_confused(void **state)
{
    (void)state; /* no fixture */
    struct reconcile_source source;
    source_make("key = key + kind\namount = amount\ncurrency = cur\ndate = day\n", RECONCILE_THEIRS,
                &source);
    const char *const one[] = { "ab", "1", "", "EUR", "1970-01-03", "c" };
    const char *const two[] = { "a", "1", "", "EUR", "1970-01-03", "bc" };
    const char *const none[] = { "", "1", "", "EUR", "1970-01-03", "" };
    struct reconcile_line lines[3];
    const char *fault;
    assert_int_equal(row_read(&source, one, &lines[0], &fault), RECONCILE_ROW_LINE);
    assert_int_equal(row_read(&source, two, &lines[1], &fault), RECONCILE_ROW_LINE);
    assert_int_equal(row_read(&source, none, &lines[2], &fault), RECONCILE_ROW_LINE);
    assert_false(uuid_equal(lines[0].key, lines[1].key));
    assert_true(uuid_is_nil(lines[2].key));
}

static void totals_over_128_bits_are_refused(void **state)
{
    (void)state; /* no fixture */
    struct reconcile_source source;
    source_make(COMMON "amount = amount\n", RECONCILE_THEIRS, &source);
    /* 38 digits of minor units: 17 of them do not fit, 1 does. */
    const char *const fields[] = { "k",          "-999999999999999999999999999999999999.99",
                                   "",           "EUR",
                                   "1970-01-03", "" };
    struct reconcile_line line;
    const char *fault;
    assert_int_equal(row_read(&source, fields, &line, &fault), RECONCILE_ROW_LINE);
    assert_int_equal(row_read(&source, fields, &line, &fault), RECONCILE_ROW_REFUSED);
    assert_string_equal(fault, "the total passes 128 bits");
    const char *const yen[] = { "k", "1", "", "JPY", "1970-01-03", "" };
    assert_int_equal(row_read(&source, yen, &line, &fault), RECONCILE_ROW_LINE); /* by itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_what_becomes_of_them),
        cmocka_unit_test(keys_of_several_columns_cannot_be_confused),
        cmocka_unit_test(totals_over_128_bits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: rows of a log become the records that docs/bundle.md describes, with exact amounts, and what
 * cannot be understood is counted and not guessed at.
 * Method: transactions of a small wallet, compared as text.
 */
#include "doctor/wal_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define TEXT(literal)                                                                              \
    {                                                                                              \
        ROW_VALUE_TEXT,                                                                            \
        {                                                                                          \
            (literal), sizeof(literal) - 1                                                         \
        }                                                                                          \
    }

static struct reconcile_currencies currencies;
static struct wal_mapping mapping;
static struct wal_binding balance;
static struct wal_binding entry;
static struct buf out;
static struct mask_counts masked;
static struct wal_writer writer;

static int set_up(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    const struct str columns[] = { STR("id"), STR("balance"), STR("ver"), STR("ccy") };
    const struct str entries[] = { STR("tx"), STR("wallet"), STR("n"), STR("idem") };
    static const char text[] = "table account = app.wallet\nkey = id\naccount = id\n"
                               "amount = balance\nversion = ver\ncurrency = ccy\n"
                               "table posting = app.entry\ntx = tx\naccount = wallet\namount = n\n"
                               "idem = idem\ncurrency == JPY\nunit = minor\nsign = inverted\n";
    assert_int_equal(wal_mapping_parse(STR(text), &currencies, &mapping, &error), STATUS_OK);
    assert_int_equal(wal_mapping_bind(&mapping, STR("app.wallet"), columns, 4, &balance, &error),
                     STATUS_OK);
    assert_int_equal(wal_mapping_bind(&mapping, STR("app.entry"), entries, 4, &entry, &error),
                     STATUS_OK);
    buf_init(&out, 1 << 16);
    writer = (struct wal_writer){ .currencies = &currencies, .out = &out, .masked = &masked };
    return 0;
}

static int tear_down(void **state)
{
    (void)state; /* no fixture */
    buf_free(&out);
    return 0;
}

static void row(enum wal_op op, int64_t pos, const struct wal_binding *binding,
                const struct row_value *before, const struct row_value *after)
{
    const struct wal_row given = { op, pos, binding, before, after };
    wal_writer_row(&writer, &given);
}

static const struct row_value before[] = { TEXT("w1"), TEXT("10.00"), TEXT("7"), TEXT("eur") };
static const struct row_value after[] = { TEXT("w1"), TEXT("-7.5"), TEXT("8"), TEXT("eur") };
static const struct row_value posting[] = { TEXT("t1"), TEXT("w1"), TEXT("1750"), TEXT("i1") };

static void a_transaction_is_begin_rows_and_commit(void **state)
{
    (void)state; /* no fixture */
    wal_writer_begin(&writer, 11, 100, (struct wall_time){ NS_PER_S });
    row(WAL_UPDATE, 101, &balance, before, after);
    row(WAL_INSERT, 102, &entry, NULL, posting);
    row(WAL_DELETE, 103, &balance, after, NULL);
    wal_writer_truncate(&writer, 104, &mapping.tables[1]);
    wal_writer_end(&writer, "commit", 105, STR(""));
#define HEAD(op, pos)                                                                              \
    "{\"kind\":\"wal\",\"ts\":\"1970-01-01T00:00:01.000000000Z\",\"pos\":" pos ",\"op\":\"" op     \
    "\",\"xid\":11"
    assert_string_equal(
        buf_terminated(&out),
        HEAD("begin", "100") "}\n" HEAD(
            "update",
            "101") ",\"table_name\":\"account\",\"key\":\"w1\","
                   "\"account\":\"w1\",\"ccy\":\"EUR\",\"before_amount\":\"1000\",\"after_amount\":\"-750\","
                   "\"before_ver\":7,\"after_ver\":8}\n" HEAD(
                       "insert",
                       "102") ",\"table_name\":\"posting\",\"tx\":\"t1\",\"idem\":\"i1\","
                              "\"account\":\"w1\",\"ccy\":\"JPY\",\"after_amount\":\"-1750\"}\n" HEAD(
                                  "delete",
                                  "103") ",\"table_name\":\"account\",\"key\":\"w1\",\"account\":\"w1\","
                                         "\"ccy\":\"EUR\",\"before_amount\":\"-750\",\"before_ver\":8}\n" HEAD(
                                             "truncate",
                                             "104") ",\"table_name\":\"posting\"}\n" HEAD("commit",
                                                                                          "105") ",\"tx\":\"t1\",\"idem\":\"i1\"}\n");
    assert_int_equal(writer.rows, 6);
    assert_int_equal(writer.first.ns, NS_PER_S);
}

static void a_transaction_of_other_tables_leaves_nothing(void **state)
{
    (void)state; /* no fixture */
    wal_writer_begin(&writer, 11, 100, (struct wall_time){ NS_PER_S });
    wal_writer_end(&writer, "commit", 105, STR(""));
    assert_int_equal(out.len, 0);
    wal_writer_begin(&writer, 12, 106, (struct wall_time){ NS_PER_S });
    wal_writer_end(&writer, "prepare", 107, STR("pay-17"));
    assert_non_null(
        strstr(buf_terminated(&out), "\"op\":\"prepare\",\"xid\":12,\"gid\":\"pay-17\"}"));
}

static void ids_of_several_transfers_are_not_the_commits(void **state)
{
    (void)state; /* no fixture */
    struct row_value other[] = { TEXT("t2"), TEXT("w2"), TEXT("-1750"), TEXT("i1") };
    wal_writer_begin(&writer, 11, 100, (struct wall_time){ NS_PER_S });
    row(WAL_INSERT, 101, &entry, NULL, posting);
    row(WAL_INSERT, 102, &entry, NULL, other);
    wal_writer_end(&writer, "commit", 105, STR(""));
    assert_non_null(strstr(buf_terminated(&out), "\"op\":\"commit\",\"xid\":11,\"idem\":\"i1\"}"));
}

static void what_the_log_leaves_out_is_left_out(void **state)
{
    (void)state; /* no fixture */
    const struct row_value key_only[] = {
        TEXT("w1"), { .kind = ROW_VALUE_UNKNOWN }, { .kind = ROW_VALUE_UNKNOWN }, TEXT("EUR")
    };
    wal_writer_begin(&writer, 11, 100, (struct wall_time){ NS_PER_S });
    row(WAL_UPDATE, 101, &balance, key_only, after);
    assert_null(strstr(buf_terminated(&out), "before"));
    row(WAL_UPDATE, 102, &balance, NULL, after);
    assert_null(strstr(buf_terminated(&out), "before"));
    assert_int_equal(writer.rejected, 0);
}

static void what_is_no_amount_is_rejected(void **state)
{
    (void)state; /* no fixture */
    static const struct row_value rows[][4] = {
        { TEXT("w1"), TEXT("NaN"), TEXT("8"), TEXT("EUR") },
        { TEXT("w1"), TEXT("1.234"), TEXT("8"), TEXT("EUR") },
        { TEXT("w1"), TEXT("1"), TEXT("eight"), TEXT("EUR") },
        { TEXT("w1"), TEXT("1"), TEXT("99999999999999999999"), TEXT("EUR") },
        { TEXT("w1"), TEXT("1"), TEXT("8"), TEXT("???") },
    };
    wal_writer_begin(&writer, 11, 100, (struct wall_time){ NS_PER_S });
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        row(WAL_UPDATE, 101, &balance, before, rows[i]);
    assert_int_equal(writer.rejected, sizeof rows / sizeof rows[0]);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_transaction_is_begin_rows_and_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_transaction_of_other_tables_leaves_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ids_of_several_transfers_are_not_the_commits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_the_log_leaves_out_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_amount_is_rejected, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

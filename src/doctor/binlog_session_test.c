/*
 * Goal: events of a binlog become the records of their transactions; rows that cannot be told are
 * counted, and what is out of order ends it.
 * Method: a conversation as MariaDB has it, whole and with events that are wrong.
 */
#include "doctor/binlog_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct reconcile_currencies currencies;
static struct wal_mapping mapping;
static struct binlog_session session;
static struct mask_counts masked;
static struct wal_writer writer;
static struct arena arena;
static struct buf out;

static const struct str columns[] = { STR("id"), STR("balance"), STR("version") };
static const bool is_unsigned[] = { false, false, true };
static const uint8_t all = 0x07;

static int set_up(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    static const char text[] = "table account = app.wallet\naccount = id\namount = balance\n"
                               "version = version\ncurrency == EUR\n";
    const struct binlog_schema schema = { STR("app.wallet"), 3, columns, is_unsigned };
    const struct binlog_schema other = { STR("app.other"), 3, columns, is_unsigned };
    buf_init(&out, 1 << 16);
    writer = (struct wal_writer){ .currencies = &currencies, .out = &out, .masked = &masked };
    assert_int_equal(wal_mapping_parse(STR(text), &currencies, &mapping, &error), STATUS_OK);
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    binlog_session_init(&session, &writer, &arena);
    assert_int_equal(binlog_session_schema(&session, &mapping, &other, &error), STATUS_NOT_FOUND);
    assert_int_equal(binlog_session_schema(&session, &mapping, &schema, &error), STATUS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state; /* no fixture */
    arena_done(&arena);
    buf_free(&out);
    return 0;
}

static enum status map(const char *table, struct str names, struct error *out_error)
{
    const struct binlog_map given = {
        18, STR("app"), str_from(table), STR("\x0f\xf6\x03"), STR("\x50\x00\x14\x02"), names,
    };
    return binlog_session_map(&session, &given, out_error);
}

/* w1 from 1000 to 900, twice. */
#define IMAGE(high, low) "\xf8\x02w1\x80\x00\x00\x00\x00\x00" high low "\x00\x01\x00\x00\x00"
#define CHANGE IMAGE("\x03", "\xe8") IMAGE("\x03", "\x84")

static struct binlog_rows change(void)
{
    return (struct binlog_rows){
        18, WAL_UPDATE, 102, 3, &all, &all, STR(CHANGE CHANGE),
    };
}

static void begin(void)
{
    binlog_session_begin(&session, 11, 100, (struct wall_time){ NS_PER_S }, false);
}

static void a_transaction_becomes_records(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    struct binlog_rows rows = change();
    begin();
    assert_int_equal(map("wallet",
                         STR("\x02id\x07"
                             "balance\x07version"),
                         &error),
                     STATUS_OK);
    assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_OK);
    binlog_session_end(&session, "commit", 103, STR(""));
    assert_int_equal(writer.rows, 4);
    assert_non_null(strstr(buf_terminated(&out),
                           "\"op\":\"update\",\"xid\":11,\"table_name\":\"account\","
                           "\"account\":\"w1\",\"ccy\":\"EUR\",\"before_amount\":\"100000\","
                           "\"after_amount\":\"90000\",\"before_ver\":1,\"after_ver\":1}\n"));
    binlog_session_end(&session, "commit", 104, STR("")); /* of nothing */
    assert_int_equal(writer.rows, 4);
}

static void statements_end_transactions_or_are_losses(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *statement;
        const char *op; /* of the last record; NULL: the transaction goes on */
        uint64_t rejected;
    } cases[] = {
        { "COMMIT", "commit", 0 },
        { "ROLLBACK", "abort", 0 },
        { "ROLLBACK TO `a`", NULL, 1 },
        { "XA END X'70',X'',1", NULL, 0 },
        { "XA COMMIT X'70',X'',1", "commit", 0 },
        { "XA ROLLBACK X'70',X'',1", "abort", 0 },
        { "TRUNCATE TABLE wallet", "commit", 0 },
        { "truncate `app`.`wallet`;", "commit", 0 },
        { "truncate other.wallet", NULL, 0 },
        { "UPDATE wallet SET x = 1", NULL, 1 },
        { "insert into wallet values (1)", NULL, 1 },
        { "COMMITTED", NULL, 0 },
        { "", NULL, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error;
        struct binlog_rows rows = change();
        uint64_t rejected = writer.rejected;
        buf_reset(&out);
        begin();
        assert_int_equal(map("wallet", STR(""), &error), STATUS_OK);
        assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_OK);
        binlog_session_query(&session, 103, STR("app"), str_from(cases[i].statement), STR("p"));
        assert_int_equal(writer.rejected - rejected, cases[i].rejected);
        if (session.inside != (cases[i].op == NULL)) fail_msg("%s", cases[i].statement);
        if (cases[i].op != NULL) assert_non_null(strstr(buf_terminated(&out), cases[i].op));
    }
}

static void rows_of_another_table_than_now_are_counted(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    struct binlog_rows rows = change();
    begin();
    assert_int_equal(map("wallet", STR("\x02id\x05saldo\x07version"), &error), STATUS_OK);
    assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_OK);
    assert_int_equal(map("wallet", STR("\x02id\x07"), &error), STATUS_OK);
    assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_OK);
    assert_int_equal(writer.rejected, 2);
    assert_int_equal(map("other", STR(""), &error), STATUS_OK);
    assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_OK);
    assert_int_equal(writer.rejected, 2);
    assert_int_equal(out.len, 0);
}

static void what_is_broken_is_refused(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    struct binlog_rows rows = change();
    assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_INVALID);
    begin();
    assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_INVALID);
    assert_int_equal(map("wallet", STR(""), &error), STATUS_OK);
    rows.column_count = 2;
    assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_INVALID);
    rows = change();
    rows.data.len--;
    assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_INVALID);
    const uint8_t none = 0;
    rows = change();
    rows.before = &none;
    rows.after = &none;
    assert_int_equal(binlog_session_rows(&session, &rows, &error), STATUS_INVALID);
    for (int i = 1; i < BINLOG_MAPS_MAX; i++)
        assert_int_equal(map("wallet", STR(""), &error), STATUS_OK);
    assert_int_equal(map("wallet", STR(""), &error), STATUS_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_transaction_becomes_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(statements_end_transactions_or_are_losses, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rows_of_another_table_than_now_are_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_broken_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

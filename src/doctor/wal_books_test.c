/*
 * Goal: a log's rows show the postings that were made, and each balance before and after all of them;
 * what the log does not tell is counted and not made up.
 * Method: a small wallet's rows, the records compared as text.
 */
#include "doctor/wal_books.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct wal_table account_table = { .record = { "account", 7 } };
static struct wal_table posting_table = { .record = { "posting", 7 } };
static struct wal_table other_table = { .record = { "hold", 4 } };
static struct wal_books books;
static struct buf out;
static struct mask_counts masked;
static const struct wal_moment moment = { 11, { NS_PER_S } };

static int set_up(void **state)
{
    (void)state; /* no fixture */
    buf_init(&out, 1 << 16);
    assert_int_equal(wal_books_init(&books, &out, &masked), STATUS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state; /* no fixture */
    wal_books_done(&books);
    buf_free(&out);
    return 0;
}

static struct wal_facts facts_of(const char *account, const char *ccy)
{
    struct wal_facts facts = { .ccy = str_from(ccy) };
    facts.fields[WAL_FIELD_ACCOUNT] = str_from(account);
    return facts;
}

static void balance(enum wal_op op, const char *account, const char *ccy, int64_t before,
                    int64_t after)
{
    const struct wal_binding binding = { .table = &account_table };
    const struct wal_row row = { .op = op, .binding = &binding };
    struct wal_facts facts = facts_of(account, ccy);
    facts.has_before_amount = op != WAL_INSERT && before >= 0;
    facts.has_after_amount = op != WAL_DELETE;
    facts.before_amount.minor = before;
    facts.after_amount.minor = after;
    wal_books_row(&books, &row, &facts, &moment);
}

static void posting(enum wal_op op, const struct wal_table *table, const char *tx)
{
    const struct wal_binding binding = { .table = table };
    const struct wal_row row = { .op = op, .binding = &binding };
    struct wal_facts facts = facts_of("w1", "EUR");
    facts.fields[WAL_FIELD_TX] = str_from(tx);
    facts.has_after_amount = true;
    facts.after_amount.minor = -300;
    wal_books_row(&books, &row, &facts, &moment);
}

static void balances_are_those_before_and_after_all_changes(void **state)
{
    (void)state; /* no fixture */
    balance(WAL_UPDATE, "w1", "EUR", 1000, 700);
    balance(WAL_UPDATE, "w1", "USD", 5, 6);
    balance(WAL_UPDATE, "w1", "EUR", 700, 800);
    balance(WAL_INSERT, "w2", "EUR", 0, 50);
    balance(WAL_UPDATE, "w2", "EUR", 50, 60);
    balance(WAL_UPDATE, "w3", "EUR", 1, 2);
    balance(WAL_DELETE, "w3", "EUR", 2, 0);
    assert_int_equal(books.account_count, 4);
    for (uint32_t i = 0; i < books.account_count; i++) wal_books_account(&books, i);
    assert_string_equal(
        buf_terminated(&out),
        "{\"kind\":\"account\",\"account\":\"w1\",\"ccy\":\"EUR\",\"opening\":\"1000\",\"amount\":\"800\"}\n"
        "{\"kind\":\"account\",\"account\":\"w1\",\"ccy\":\"USD\",\"opening\":\"5\",\"amount\":\"6\"}\n"
        "{\"kind\":\"account\",\"account\":\"w2\",\"ccy\":\"EUR\",\"opening\":\"50\",\"amount\":\"60\"}\n");
    assert_int_equal(books.rows, 3);
    assert_int_equal(books.unknown, 0);
}

static void postings_are_rows_that_were_inserted(void **state)
{
    (void)state; /* no fixture */
    posting(WAL_INSERT, &posting_table, "t1");
    posting(WAL_DELETE, &posting_table, "t1");
    posting(WAL_INSERT, &other_table, "t1");
    assert_string_equal(
        buf_terminated(&out),
        "{\"kind\":\"posting\",\"ts\":\"1970-01-01T00:00:01.000000000Z\",\"xid\":11,"
        "\"tx\":\"t1\",\"account\":\"w1\",\"ccy\":\"EUR\",\"amount\":\"-300\"}\n");
    posting(WAL_INSERT, &posting_table, "");
    assert_int_equal(books.unknown, 1);
}

static void a_balance_that_was_not_told_is_not_made_up(void **state)
{
    (void)state; /* no fixture */
    balance(WAL_UPDATE, "w1", "EUR", -1, 700);
    balance(WAL_UPDATE, "w1", "EUR", 700, 800);
    wal_books_account(&books, 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(books.unknown, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(balances_are_those_before_and_after_all_changes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(postings_are_rows_that_were_inserted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_balance_that_was_not_told_is_not_made_up, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

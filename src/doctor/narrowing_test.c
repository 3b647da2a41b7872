/*
 * Goal: the rows of every violation are among those that a narrowing leaves, and few others are.
 * Method: books of many transactions in which each sort of violation is planted, one at a time; the
 * hash of what is wrong must be visited, and none but it when nothing shares its bucket.
 */
#include "doctor/narrowing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TRANSACTIONS = 500, SEED = 7 };

static struct record_names names;
static struct narrowing_fields fields;
static struct narrowing_sums sums;
static struct arena arena;

struct visited {
    uint32_t wanted;
    uint32_t count;
    bool found;
};

static int setup(void **state)
{
    (void)state;
    record_names_init(&names);
    narrowing_fields_init(&fields, SEED);
    assert_int_equal(arena_init(&arena, 1 << 17), STATUS_OK);
    assert_int_equal(narrowing_sums_init(&sums), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    narrowing_sums_done(&sums);
    arena_done(&arena);
    return 0;
}

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert_in_range(len, 1, sizeof line - 1);
    struct record record;
    struct narrowing_notes notes;
    const char *reason = "";
    arena_reset(&arena);
    if (record_parse(&names, str_from(line), &arena, &record, &reason) != STATUS_OK)
        fail_msg("%s", reason);
    narrowing_take(&fields, &record, &notes);
    for (uint32_t i = 0; i < notes.count; i++) narrowing_sums_add(&sums, &notes.notes[i]);
    if (notes.has_entry) narrowing_sums_enter(&sums, &notes.entry);
}

static void posting(int tx, const char *account, const char *amount, int ver)
{
    add("{\"kind\":\"posting\",\"tx\":\"t%d\",\"account\":\"%s\",\"amount\":\"%s\",\"ccy\":\"EUR\","
        "\"ver\":%d}",
        tx, account, amount, ver);
}

static void balance(const char *account, int amount)
{
    add("{\"kind\":\"account\",\"account\":\"%s\",\"ccy\":\"EUR\",\"amount\":%d,\"opening\":5}",
        account, amount);
}

static void payment(int tx, const char *type, int amount)
{
    add("{\"kind\":\"ledger_tx\",\"ts\":1,\"tx\":\"t%d\",\"psp_ref\":\"p%d\",\"type\":\"%s\","
        "\"amount\":%d,\"ccy\":\"EUR\"}",
        tx, tx, type, amount);
}

static void line(int tx, const char *type, int amount)
{
    add("{\"kind\":\"psp\",\"psp_ref\":\"p%d\",\"type\":\"%s\",\"amount\":%d,\"ccy\":\"EUR\"}", tx,
        type, amount);
}

/* Books in order: each payment in both ledgers, accounts a and b. */
static void books(void)
{
    for (int i = 0; i < TRANSACTIONS; i++) {
        posting(i, "a", "-3", i + 1);
        posting(i, "b", "3", i + 1);
        payment(i, "payment", 3);
        line(i, "charge", 3);
    }
    balance("a", 5 - 3 * TRANSACTIONS);
    balance("b", 5 + 3 * TRANSACTIONS);
}

static void visit(void *context, uint32_t from, uint32_t to)
{
    struct visited *visited = context;
    visited->count++;
    visited->found = visited->found || (visited->wanted >= from && visited->wanted <= to);
}

static void expect(enum narrowing tally, const char *key)
{
    struct record_value value = { .text = str_from(key) };
    struct visited visited = { .wanted = key[0] == '\0' ? 0 : narrowing_hash(&fields, &value) };
    assert_true(narrowing_sums_odd(&sums, tally, visit, &visited));
    assert_int_equal(visited.count, key[0] != '\0');
    if (key[0] != '\0') assert_true(visited.found);
}

/* Only this tally sees something, and that is `key`. */
static void expect_only(enum narrowing tally, const char *key)
{
    static const enum narrowing all[] = { NARROWING_UNBALANCED, NARROWING_BALANCES,
                                          NARROWING_VERSIONS, NARROWING_PSP_SUMS,
                                          NARROWING_PSP_KNOWN };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        expect(all[i], all[i] == tally ? key : "");
}

static void books_in_order_leave_no_rows(void **state)
{
    (void)state;
    books();
    expect_only(NARROWING_NONE, "");
}

static void a_leg_too_many_is_found_by_tx_account_and_version(void **state)
{
    (void)state;
    books();
    posting(7, "b", "1", TRANSACTIONS);
    expect(NARROWING_UNBALANCED, "t7");
    expect(NARROWING_BALANCES, "b");
    expect(NARROWING_VERSIONS, "b");
    expect(NARROWING_PSP_SUMS, "");
}

static void two_that_cancel_out_are_both_found(void **state)
{
    (void)state;
    posting(1, "a", "5", 1);
    posting(2, "b", "-5", 1);
    struct visited visited = { 0 };
    assert_true(narrowing_sums_odd(&sums, NARROWING_UNBALANCED, visit, &visited));
    assert_int_equal(visited.count, 2);
}

static void a_balance_that_is_wrong_or_there_twice_is_found(void **state)
{
    (void)state;
    books();
    posting(900, "c", "9", 1);
    posting(900, "d", "-9", 1);
    expect_only(NARROWING_NONE, ""); /* accounts without a row are none of the invariant's */
    balance("c", 15);
    expect_only(NARROWING_BALANCES, "c");
}

static void rows_of_an_account_that_make_up_for_one_another_are_found(void **state)
{
    (void)state;
    posting(1, "a", "10", 1);
    posting(1, "b", "-10", 1);
    balance("a", 10);
    balance("a", 10); /* 10 of 15 each: 5 and 5 and 10 are 20 */
    expect(NARROWING_BALANCES, "a");
}

static void gaps_and_repeats_of_versions_are_found(void **state)
{
    (void)state;
    books();
    posting(901, "e", "0", 4);
    posting(902, "e", "0", 5);
    posting(903, "e", "0", 6);
    expect_only(NARROWING_NONE, "");
    posting(904, "e", "0", 8);
    expect_only(NARROWING_VERSIONS, "e");
    posting(905, "e", "0", 6); /* as many as from 4 to 8, and yet not all of them */
    expect_only(NARROWING_VERSIONS, "e");
}

static void what_the_psp_tells_otherwise_is_found(void **state)
{
    (void)state;
    books();
    payment(600, "payment", 4);
    line(600, "charge", 5);
    expect_only(NARROWING_PSP_SUMS, "p600");
    line(600, "refund", -1);
    expect_only(NARROWING_PSP_KNOWN, "p600"); /* the sum is right, and the refund is in no ledger */
}

static void an_amount_beyond_64_bits_is_looked_at(void **state)
{
    (void)state;
    posting(1, "a", "170141183460469231731687303715884105727", 1);
    posting(1, "b", "-170141183460469231731687303715884105727", 1);
    expect(NARROWING_UNBALANCED, "t1");
}

static void names_are_found_and_others_are_not(void **state)
{
    (void)state;
    assert_int_equal(narrowing_find(STR("unbalanced")), NARROWING_UNBALANCED);
    assert_int_equal(narrowing_find(STR("applied_twice")), NARROWING_APPLIED_TWICE);
    assert_int_equal(narrowing_find(STR("")), NARROWING_COUNT);
    assert_int_equal(narrowing_find(STR("balance")), NARROWING_COUNT);
}

static void many_accounts_grow_the_book(void **state)
{
    (void)state;
    char name[32];
    for (int i = 0; i < 20000; i++) {
        assert_in_range(snprintf(name, sizeof name, "w%d", i), 1, sizeof name - 1);
        posting(i, name, "0", 1);
        balance(name, i == 7 ? 6 : 5);
    }
    expect(NARROWING_BALANCES, "w7");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Weights that were known could be made to cancel out by who chooses ids and amounts. */
static void weights_follow_the_seed(void **state)
{
    (void)state;
    struct record record;
    const char *reason = "";
    struct narrowing_notes notes[2];
    arena_reset(&arena);
    struct str line = STR("{\"kind\":\"posting\",\"tx\":\"t\",\"account\":\"a\","
                          "\"amount\":\"5\",\"ccy\":\"EUR\"}");
    assert_int_equal(record_parse(&names, line, &arena, &record, &reason), STATUS_OK);
    for (uint64_t i = 0; i < 2; i++) {
        struct narrowing_fields seeded;
        narrowing_fields_init(&seeded, i);
        narrowing_take(&seeded, &record, &notes[i]);
    }
    assert_int_not_equal(notes[0].notes[0].value, notes[1].notes[0].value);
    assert_int_not_equal(notes[0].notes[0].hash, notes[1].notes[0].hash);
    assert_int_not_equal(notes[0].entry.key, notes[1].entry.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(books_in_order_leave_no_rows),
        TEST(a_leg_too_many_is_found_by_tx_account_and_version),
        TEST(two_that_cancel_out_are_both_found),
        TEST(a_balance_that_is_wrong_or_there_twice_is_found),
        TEST(rows_of_an_account_that_make_up_for_one_another_are_found),
        TEST(gaps_and_repeats_of_versions_are_found),
        TEST(what_the_psp_tells_otherwise_is_found),
        TEST(an_amount_beyond_64_bits_is_looked_at),
        TEST(names_are_found_and_others_are_not),
        TEST(many_accounts_grow_the_book),
        TEST(weights_follow_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

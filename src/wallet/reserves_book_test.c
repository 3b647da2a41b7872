/*
 * Goal: a book holds each customer's balance once and what is owed to us in no total; whatever is
 * changed in it, it is refused or is not that of its statement.
 * Method: balances of every kind; each byte of a book flipped, cuts, accounts twice and out of
 * order; totals at the end of 128 bits.
 */
#include "wallet/reserves_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/reserves_proof_test.h"

static void customers_are_in_and_debts_are_not(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    uint64_t index = 0;
    reserves_test_open(&scene);
    assert_int_equal(reserves_book_head(&scene.book)->count, RESERVES_TEST_CUSTOMERS);
    assert_int_equal((uint64_t)scene.statement.tree.root.sum.minor, 1050 + 0 + 2);
    assert_int_equal(scene.statement.overdrawn_count, 1);
    assert_int_equal((uint64_t)scene.statement.overdrawn.minor, 300);
    static const uint64_t balances[] = { 1050, 0, 2 };
    for (uint32_t i = 0; i < RESERVES_TEST_CUSTOMERS; i++) {
        assert_true(reserves_book_find(&scene.book, scene.standings[i].id, &index));
        const struct sum_liability *liability = &reserves_book_liabilities(&scene.book)[index];
        assert_int_equal((uint64_t)liability->balance.minor, balances[i]);
    }
    /* a debtor, a bank, suspense */
    for (uint32_t i = RESERVES_TEST_CUSTOMERS; i < scene.reading.count; i++) {
        assert_false(reserves_book_find(&scene.book, scene.standings[i].id, &index));
    }
    assert_int_equal(reserves_book_compare(&scene.book, &scene.statement, NULL), STATUS_OK);
    reserves_test_close(&scene);
}

/* The status of what is opened, built and compared of a copy of these bytes. */
static enum status use(struct reserves_scene *scene, const uint8_t *bytes, size_t size)
{
    struct reserves_book book;
    struct error error = { 0 };
    enum status status = reserves_book_new(size, &book, &error);
    assert_int_equal(status, STATUS_OK);
    if (size > 0) memcpy(book.memory, bytes, size);
    book.size = size;
    status = reserves_book_open(&book, &error);
    if (status == STATUS_OK) status = reserves_book_build(&book, &error);
    if (status == STATUS_OK) status = reserves_book_compare(&book, &scene->statement, &error);
    assert_int_equal(status == STATUS_OK, error.message[0] == '\0');
    reserves_book_close(&book);
    return status;
}

static void no_changed_byte_is_the_statements(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    uint8_t bytes[512];
    reserves_test_open(&scene);
    size_t size = scene.book.size;
    assert_int_equal(size, 64 + 32 * RESERVES_TEST_CUSTOMERS);
    memcpy(bytes, scene.book.memory, size);
    assert_int_equal(use(&scene, bytes, size), STATUS_OK);
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 1;
        assert_int_not_equal(use(&scene, bytes, size), STATUS_OK);
        bytes[at] ^= 1;
        assert_int_equal(use(&scene, bytes, at), STATUS_INVALID);
    }
    assert_int_equal(use(&scene, bytes, size + 1), STATUS_INVALID);
    reserves_test_close(&scene);
}

/* The status of opening alone: a maker could have signed the root of such a book. */
static enum status open_of(const struct sum_liability *list, uint32_t count, uint32_t height)
{
    struct reserves_book book;
    const struct reserves_book_head head = { .magic = RESERVES_BOOK_MAGIC,
                                             .version = RESERVES_BOOK_VERSION,
                                             .shares = 2,
                                             .height = height,
                                             .count = count };
    assert_int_equal(reserves_book_new(reserves_book_size(count), &book, NULL), STATUS_OK);
    book.size = book.size_max;
    memcpy(book.memory, &head, sizeof head);
    memcpy(book.memory + sizeof head, list, count * sizeof list[0]);
    enum status status = reserves_book_open(&book, NULL);
    reserves_book_close(&book);
    return status;
}

static void each_account_is_there_once(void **state)
{
    (void)state; /* no fixture */
    struct sum_liability list[3] = { { reserves_test_id(1), money_from_minor(5) },
                                     { reserves_test_id(2), money_from_minor(6) },
                                     { reserves_test_id(3), money_from_minor(7) } };
    assert_int_equal(open_of(list, 3, 8), STATUS_OK);
    list[1].account = list[0].account;
    assert_int_equal(open_of(list, 3, 8), STATUS_INVALID);
    list[1].account = reserves_test_id(4);
    assert_int_equal(open_of(list, 3, 8), STATUS_INVALID);
    list[0].account.value = (struct uuid){ 0 };
    assert_int_equal(open_of(list, 1, 8), STATUS_INVALID);
}

/* A file of a hundred bytes that would take 25 GB to verify. */
static void a_small_book_makes_no_large_tree(void **state)
{
    (void)state; /* no fixture */
    const struct sum_liability one = { reserves_test_id(1), money_from_minor(5) };
    for (uint32_t height = 0; height < SUM_HEIGHT_MAX + 6; height++) {
        assert_int_equal(open_of(&one, 1, height), height == 8 ? STATUS_OK : STATUS_INVALID);
    }
}

/* Else an auditor could be shown a key that nobody committed to. */
static void the_key_is_the_one_that_was_committed_to(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    reserves_test_open(&scene);
    scene.statement.key.bytes[31] ^= 1;
    assert_int_equal(reserves_book_compare(&scene.book, &scene.statement, NULL), STATUS_INVALID);
    reserves_test_close(&scene);
}

static void sums_end_at_128_bits(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    _Alignas(16) uint8_t bytes[512];
    reserves_test_open(&scene);
    struct sum_liability *list = (struct sum_liability *)(bytes + 64);
    memcpy(bytes, scene.book.memory, scene.book.size);
    list[0].balance = (struct money){ MONEY_MAX.minor - 2 };
    list[1].balance = list[2].balance = money_from_minor(1);
    assert_int_equal(use(&scene, bytes, scene.book.size), STATUS_INVALID); /* another total */
    list[2].balance = money_from_minor(2);
    assert_int_equal(use(&scene, bytes, scene.book.size), STATUS_LIMIT);
    /* What two customers owe. */
    struct balance *owes = &scene.standings[3].balance;
    owes->debits_posted = MONEY_MAX;
    owes->credits_posted = MONEY_ZERO;
    scene.standings[2].balance = (struct balance){ .debits_posted = money_from_minor(1) };
    const uint8_t key[SUM_KEY_SIZE] = { 1 };
    const struct reserves_book_options options = { 2, reserves_test_id(94), key };
    struct reserves_statement statement = { 0 };
    assert_int_equal(reserves_book_fill(&scene.book, &scene.reading, &options, &statement, NULL),
                     STATUS_LIMIT);
    reserves_test_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(customers_are_in_and_debts_are_not),
        cmocka_unit_test(no_changed_byte_is_the_statements),
        cmocka_unit_test(each_account_is_there_once),
        cmocka_unit_test(a_small_book_makes_no_large_tree),
        cmocka_unit_test(the_key_is_the_one_that_was_committed_to),
        cmocka_unit_test(sums_end_at_128_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

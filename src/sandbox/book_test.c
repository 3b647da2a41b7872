/*
 * Goal: every entry is on two sides of one asset, and a balance tells on which side it is.
 * Method: entries reckoned by hand; damage planted for the check.
 */
#include "sandbox/book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct book book;

static void entries_add_up_by_asset(void **state)
{
    (void)state; /* no fixture */
    memset(&book, 0, sizeof book);
    const struct book_entry entries[] = {
        { 978, BOOK_CARDHOLDERS, BOOK_MERCHANT, { 1000 } },
        { 978, BOOK_MERCHANT, BOOK_FEES, { 30 } },
        { 392, BOOK_MERCHANT, BOOK_BANKS, { 70 } },
        { 840, BOOK_MERCHANT, BOOK_BANKS, { 0 } },
    };
    for (unsigned i = 0; i < 4; i++) book_post(&book, &entries[i]);
    const struct book_page *eur = book_find(&book, 978);
    const struct book_page *jpy = book_find(&book, 392);
    assert_non_null(eur);
    assert_non_null(jpy);
    assert_null(book_find(&book, 840));
    struct book_balance owed = book_balance(eur, BOOK_MERCHANT);
    assert_false(owed.negative);
    assert_true(owed.amount.minor == 970);
    owed = book_balance(jpy, BOOK_MERCHANT);
    assert_true(owed.negative);
    assert_true(owed.amount.minor == 70);
    assert_int_equal(book_check(&book), STATUS_OK);
}

static void one_sided_change_is_found(void **state)
{
    (void)state; /* no fixture */
    memset(&book, 0, sizeof book);
    const struct book_entry entry = { 978, BOOK_CARDHOLDERS, BOOK_MERCHANT, { 1000 } };
    book_post(&book, &entry);
    book.pages[0].accounts[BOOK_FEES].credits.minor = 1;
    assert_int_equal(book_check(&book), STATUS_CORRUPT);
}

static void accounts_have_names_of_their_own(void **state)
{
    (void)state; /* no fixture */
    for (unsigned i = 0; i < BOOK_ACCOUNT_COUNT; i++)
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(book_account_name((enum book_account)i),
                                    book_account_name((enum book_account)j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_add_up_by_asset),
        cmocka_unit_test(one_sided_change_is_found),
        cmocka_unit_test(accounts_have_names_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

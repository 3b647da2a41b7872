/*
 * Goal: the check of a ledger's state finds every kind of damage it names, and a healthy state
 * has none; what is derived after recovery is right or refused.
 * Method: a state with some of everything; one planted damage for each fault of the table, which
 * must have reached them all.
 */
#include "ledger/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ledger/ledger_test.h"

/* Accounts 1 and 2 in EUR, with bounds; 3 to 5 without; 6 in USD. */
static void some_of_everything(struct book *book)
{
    struct ledger_undo undo;
    book_open(book, (struct ledger_options){ 8, 8, 8, 7, 4 }, 32);
    uint16_t bounds[] = { ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS,
                          ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS };
    for (uint64_t i = 1; i <= 6; i++) {
        uint16_t flags = i <= 2 ? bounds[i - 1] : 0;
        assert_int_equal(book_open_account(book, i, i == 6 ? USD : EUR, flags), 0);
    }
    struct transfer requests[] = {
        book_direct(3, 1, 100), book_direct(2, 3, 100), book_hold(1, 2, 60, 60),
        book_hold(4, 5, 7, 0),  book_direct(4, 5, 9),   book_on(TRANSFER_REVERSAL, 5, MONEY_MAX),
    };
    for (int i = 0; i < 6; i++) {
        assert_int_equal(book_transfer(book, &requests[i], &undo), OUTCOME_OK);
    }
}

static struct balance *totals_of(struct book *book, uint64_t account)
{
    const struct account *known = &book_state(book, account)->account;
    return &book->ledger->totals[ledger_totals_index(known->asset, known->kind)].balance;
}

/* Both an account and the totals, so that they still agree. */
static void change_balance(struct book *book, uint64_t account, struct balance more)
{
    struct balance *balances[] = { &book_state(book, account)->balance, totals_of(book, account) };
    for (int i = 0; i < 2; i++) {
        balances[i]->debits_posted.minor += more.debits_posted.minor;
        balances[i]->debits_pending.minor += more.debits_pending.minor;
        balances[i]->credits_posted.minor += more.credits_posted.minor;
        balances[i]->credits_pending.minor += more.credits_pending.minor;
    }
}

static void damage_accounts(struct book *book, int damage)
{
    struct account *first = &book_state(book, 1)->account;
    struct balance ten = { .debits_posted = { 10 } };
    struct balance forty_one = { .debits_posted = { 41 }, .credits_posted = { 0 } };
    struct balance credits = { .credits_posted = { 41 } };
    struct balance most = { .debits_posted = { MONEY_MAX.minor - 100 } };
    switch (damage) {
    case 0: first->kind = ACCOUNT_KIND_END; return;
    case 1: first->asset = 5; return;
    case 2: first->flags |= 16; return;
    case 3: first->flags |= ACCOUNT_FLAGS_BOUND; return;
    case 4: first->id.value.hi++; return;
    case 5: book->ledger->account_map.count++; return;
    case 6: change_balance(book, 1, forty_one); return;
    case 7: change_balance(book, 2, credits); return;
    case 8: change_balance(book, 3, most); return; /* alone it still fits */
    case 9: change_balance(book, 4, most); return;
    case 10: book_state(book, 3)->balance.debits_posted.minor++; return;
    case 11: book->ledger->totals[0].account_count++; return;
    default: change_balance(book, 3, ten); return;
    }
}

static void damage_rest(struct book *book, int damage)
{
    struct ledger *ledger = book->ledger;
    struct balance pending = { .debits_pending = { 1 } };
    struct balance both = { .debits_pending = { 1 }, .credits_pending = { 1 } };
    struct hold *hold = &ledger->holds.holds[ledger->holds.last];
    switch (damage) {
    case 13: change_balance(book, 4, pending); return;
    case 14: ledger->holds.count++; return;
    case 15: ledger->holds_made = 1; return;
    case 16: hold->debit = 6; return;
    case 17: hold->credit = UINT32_MAX; return;
    case 18: change_balance(book, 4, both); return;
    case 19: hold->remaining.minor++; return;
    case 20: hold->debit = 2; return;                   /* an account, but another */
    case 21: hold->debit = 4, hold->credit = 3; return; /* the right two, turned round */
    case 22: ledger->reversals[0].reversed = MONEY_ZERO; return;
    case 23: ledger->reversals[0].target.value.lo++; return;
    case 24: ledger->reversal_map.count++; return;
    default: ledger->payments.count++; return;
    }
}

enum { DAMAGES_OF_ACCOUNTS = 13, DAMAGES = 26 };
static const enum ledger_fault faults[DAMAGES] = {
    LEDGER_FAULT_ACCOUNT_CONTENT,
    LEDGER_FAULT_ACCOUNT_CONTENT,
    LEDGER_FAULT_ACCOUNT_CONTENT,
    LEDGER_FAULT_ACCOUNT_CONTENT,
    LEDGER_FAULT_ACCOUNT_MAP,
    LEDGER_FAULT_ACCOUNT_MAP,
    LEDGER_FAULT_DEBITS_EXCEED_CREDITS,
    LEDGER_FAULT_CREDITS_EXCEED_DEBITS,
    LEDGER_FAULT_TOTALS_OVERFLOW,
    LEDGER_FAULT_TOTALS_OVERFLOW,
    LEDGER_FAULT_TOTALS_DIFFER,
    LEDGER_FAULT_TOTALS_DIFFER,
    LEDGER_FAULT_POSTED_DIFFER,
    LEDGER_FAULT_PENDING_DIFFER,
    LEDGER_FAULT_HOLD_TABLE,
    LEDGER_FAULT_HOLD_TABLE,
    LEDGER_FAULT_HOLD_ACCOUNTS,
    LEDGER_FAULT_HOLD_ACCOUNTS,
    LEDGER_FAULT_HOLDS_DIFFER,
    LEDGER_FAULT_HOLDS_DIFFER,
    LEDGER_FAULT_HOLDS_DIFFER,
    LEDGER_FAULT_HOLDS_DIFFER,
    LEDGER_FAULT_REVERSALS,
    LEDGER_FAULT_REVERSALS,
    LEDGER_FAULT_REVERSALS,
    LEDGER_FAULT_PAYMENTS,
};

static void each_fault_is_found_by_name(void **state)
{
    (void)state;
    /* Nothing: below. No memory: in ledger_test.c, where it can be refused. */
    uint64_t reached = 1U << LEDGER_FAULT_NONE | 1U << LEDGER_FAULT_MEMORY;
    for (int damage = 0; damage < DAMAGES; damage++) {
        struct book book;
        some_of_everything(&book);
        assert_null(book_fault(book.ledger));
        if (damage < DAMAGES_OF_ACCOUNTS) {
            damage_accounts(&book, damage);
        } else {
            damage_rest(&book, damage);
        }
        const char *reason = NULL;
        assert_int_equal(ledger_check(book.ledger, &reason), STATUS_CORRUPT);
        if (reason != ledger_fault_text(faults[damage])) fail_msg("%d: %s", damage, reason);
        reached |= UINT64_C(1) << faults[damage];
        book_close(&book);
    }
    assert_int_equal(reached, (UINT64_C(1) << LEDGER_FAULT_COUNT) - 1);
}

static void recovered_totals_are_those_of_the_accounts(void **state)
{
    (void)state;
    struct book book;
    some_of_everything(&book);
    for (uint32_t i = 0; i < LEDGER_TOTALS_MAX; i++) book.ledger->totals[i].account_count = 77;
    assert_string_equal(book_fault(book.ledger), ledger_fault_text(LEDGER_FAULT_TOTALS_DIFFER));
    assert_int_equal(ledger_recovered(book.ledger), STATUS_OK);
    assert_null(book_fault(book.ledger));
    book_state(&book, 1)->account.asset = 5; /* would be summed up outside the table */
    assert_int_equal(ledger_recovered(book.ledger), STATUS_CORRUPT);
    book_state(&book, 1)->account.asset = EUR;
    book_state(&book, 1)->account.kind = 200;
    assert_int_equal(ledger_recovered(book.ledger), STATUS_CORRUPT);
    book_state(&book, 1)->account.kind = ACCOUNT_ASSET;
    book_state(&book, 1)->balance.debits_posted = MONEY_MAX;
    book_state(&book, 2)->balance.debits_posted = MONEY_MAX;
    book_state(&book, 2)->account.kind = ACCOUNT_ASSET;
    assert_int_equal(ledger_recovered(book.ledger), STATUS_CORRUPT);
    book_close(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_found_by_name),
        cmocka_unit_test(recovered_totals_are_those_of_the_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

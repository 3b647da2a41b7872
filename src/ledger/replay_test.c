/*
 * Goal: replaying what was recorded, on nothing, gives the state that was; so does adding up the
 * records by hand; a record that does not fit the state is refused, whatever it holds.
 * Method: random lives, replayed and beside a naive twin of sums per account, hold and reversal;
 * a table of damaged records on a small state, and every byte of records changed in turn.
 */
#include "ledger/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ledger/ledger_test.h"

enum { ACCOUNTS = 14, ENTRIES_MAX = 30000, BATCHES = 900 };

/* ---- Random lives ---- */

/* What the records add up to, by the numbers of accounts and transfers; no ledger code. */
struct twin {
    uint128 debits_posted[ACCOUNTS + 1];
    uint128 debits_pending[ACCOUNTS + 1];
    uint128 credits_posted[ACCOUNTS + 1];
    uint128 credits_pending[ACCOUNTS + 1];
    uint128 held[ENTRIES_MAX];
    uint128 reversed[ENTRIES_MAX];
    uint64_t open_holds;
};

static void twin_add(struct twin *twin, const struct record_transfer *record)
{
    const struct record_transfer_more *more = (const struct record_transfer_more *)(record + 1);
    uint64_t debit = record->debit.value.lo, credit = record->credit.value.lo;
    bool posts = record->head.kind == TRANSFER_DIRECT || record->head.kind == TRANSFER_POST ||
                 record->head.kind == TRANSFER_REVERSAL;
    bool frees = record->head.kind == TRANSFER_POST || record->head.kind == TRANSFER_VOID ||
                 record->head.kind == TRANSFER_EXPIRE;
    if (posts) {
        twin->debits_posted[debit] += record->amount.minor;
        twin->credits_posted[credit] += record->amount.minor;
    }
    if (frees) {
        uint64_t hold = more->target.value.lo;
        twin->debits_pending[debit] -= more->released.minor;
        twin->credits_pending[credit] -= more->released.minor;
        twin->held[hold] -= more->released.minor;
        if (twin->held[hold] == 0) twin->open_holds--;
    }
    if (record->head.kind == TRANSFER_HOLD || record->head.kind == TRANSFER_DEPARTURE) {
        twin->debits_pending[debit] += record->amount.minor;
        twin->credits_pending[credit] += record->amount.minor;
        twin->held[record->id.value.lo] = record->amount.minor;
        twin->open_holds++;
    }
    if (record->head.kind == TRANSFER_REVERSAL) {
        twin->reversed[more->target.value.lo] += record->amount.minor;
    }
}

static void assert_twin_agrees(const struct twin *twin, const struct book *book)
{
    const struct ledger *ledger = book->ledger;
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        const struct balance *balance = &ledger->accounts[i].balance;
        uint64_t number = ledger->accounts[i].account.id.value.lo;
        assert_true(balance->debits_posted.minor == twin->debits_posted[number]);
        assert_true(balance->debits_pending.minor == twin->debits_pending[number]);
        assert_true(balance->credits_posted.minor == twin->credits_posted[number]);
        assert_true(balance->credits_pending.minor == twin->credits_pending[number]);
    }
    assert_int_equal(ledger->holds.count, twin->open_holds);
    for (uint64_t i = 1; i <= book->transfers; i++) {
        uint32_t place = hold_find(&ledger->holds, book_transfer_id(i));
        bool open = place != HOLD_NONE;
        assert_int_equal(open, twin->held[i] != 0);
        if (open) assert_true(ledger->holds.holds[place].remaining.minor == twin->held[i]);
        uint32_t entry = id_map_find(&ledger->reversal_map, book_transfer_id(i).value);
        assert_int_equal(entry != ID_MAP_NONE, twin->reversed[i] != 0);
        if (entry == ID_MAP_NONE) continue;
        assert_true(ledger->reversals[entry].reversed.minor == twin->reversed[i]);
        assert_true(twin->reversed[i] <= book_record(book, i)->amount.minor);
    }
}

static void replay_on_nothing_gives_the_state_that_was(void **state)
{
    (void)state;
    struct ledger_options options = { ACCOUNTS, 60, 3000, 7, 4 };
    struct ledger *again;
    assert_int_equal(ledger_new(&options, &again), STATUS_OK);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct book book;
        struct prng prng;
        prng_init(&prng, seed);
        book_open(&book, options, ENTRIES_MAX);
        book_open_accounts(&book, ACCOUNTS);
        while (book.batch < BATCHES) book_random_batch(&book, &prng, ACCOUNTS);
        assert_null(book_fault(book.ledger));
        ledger_reset(again);
        assert_int_equal(book_replay(&book, 1, 0, again), STATUS_OK);
        assert_null(book_fault(again));
        assert_true(book_same_state(book.ledger, again));

        struct twin *twin = book_memory(1, sizeof *twin);
        for (uint32_t i = 0; i < book.entry_count; i++) {
            const struct record_head *head = (const struct record_head *)book.entries[i].bytes;
            if (head->type != RECORD_TRANSFER || head->outcome != OUTCOME_OK) continue;
            twin_add(twin, (const struct record_transfer *)head);
        }
        assert_twin_agrees(twin, &book);
        free(twin);
        book_close(&book);
    }
    ledger_free(again);
}

/* ---- Records that do not fit ---- */

/* What stands before the record at hand: two accounts, a hold, a transfer and its reversal. */
enum { HELD = 1, MOVED, REVERSED, CHANGED };

static void small_life(struct book *book)
{
    struct ledger_undo undo;
    book_open(book, (struct ledger_options){ 3, 2, 2, 7, 4 }, 16);
    assert_int_equal(book_open_account(book, 1, EUR, 0), 0);
    assert_int_equal(book_open_account(book, 2, EUR, 0), 0);
    struct transfer requests[] = {
        book_hold(1, 2, 100, 60),
        book_direct(1, 2, 50),
        book_on(TRANSFER_REVERSAL, MOVED, money_from_minor(20)),
        book_on(TRANSFER_POST, HELD, money_from_minor(10)),
    };
    requests[3].flags = TRANSFER_FLAG_KEEP_REST;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(book_transfer(book, &requests[i], &undo), OUTCOME_OK);
    }
}

/* The next record, right in everything: what is changed in it is what is wrong. */
struct next {
    struct book *book;
    struct book_entry entry;
    struct record_transfer *record;
    struct record_transfer_more *more;
};

static void next_begin(struct next *next, struct transfer transfer)
{
    struct book *book = next->book;
    struct ledger_undo undo;
    assert_int_equal(book_transfer(book, &transfer, &undo), OUTCOME_OK);
    next->entry = book->entries[book->entry_count - 1];
    next->record = (struct record_transfer *)next->entry.bytes;
    next->more = book_more(&next->entry);
    book_forget(book);
    book->transfers--;
    ledger_undo(book->ledger, transfer_view_of(next->record), &undo);
}

static enum status next_replay(struct next *next, struct ledger *ledger)
{
    ledger_reset(ledger);
    assert_int_equal(book_replay(next->book, 1, 0, ledger), STATUS_OK);
    return ledger_replay(ledger, next->entry.moment, &next->record->head, 0);
}

enum wrong {
    NOTHING,
    OUTCOME,
    OUTCOME_OF_REFUSAL,
    KIND_NONE,
    KIND_PAST,
    DEBIT_UNKNOWN,
    CREDIT_UNKNOWN,
    CHAIN_OF_DEBIT,
    CHAIN_OF_CREDIT,
    OVERFLOW,
    TYPE,
    RELEASED_TOO_MUCH,
    CLOSES_BUT_DOES_NOT,
    ENDS_BUT_SAYS_NOT,
    HOLD_OF_OTHERS,
    HOLD_OF_NOTHING,
    HOLD_AGAIN,
};

static void make_wrong(struct next *next, enum wrong wrong)
{
    struct record_transfer *record = next->record;
    struct record_head *head = &record->head;
    if (wrong == OUTCOME) head->outcome = OUTCOME_COUNT;
    if (wrong == OUTCOME_OF_REFUSAL) head->outcome = 255;
    if (wrong == KIND_NONE) head->kind = 0;
    if (wrong == KIND_PAST) head->kind = TRANSFER_KIND_END;
    if (wrong == DEBIT_UNKNOWN) record->debit = book_account_id(9);
    if (wrong == CREDIT_UNKNOWN) record->credit = book_account_id(9);
    if (wrong == CHAIN_OF_DEBIT) record->previous_debit.packed++;
    if (wrong == CHAIN_OF_CREDIT) record->previous_credit.packed--;
    if (wrong == OVERFLOW) record->amount = MONEY_MAX;
    if (wrong == TYPE) head->type = 99;
    if (wrong == RELEASED_TOO_MUCH) next->more->released.minor += 1;
    if (wrong == CLOSES_BUT_DOES_NOT) head->flags |= RECORD_FLAG_CLOSES_HOLD;
    if (wrong == ENDS_BUT_SAYS_NOT) head->flags &= (uint8_t)~RECORD_FLAG_CLOSES_HOLD;
    if (wrong == HOLD_OF_OTHERS) {
        struct account_id debit = record->debit;
        record->debit = record->credit;
        record->credit = debit;
        record->previous_credit = record->previous_debit;
    }
    if (wrong == HOLD_OF_NOTHING) record->amount = MONEY_ZERO;
    if (wrong == HOLD_AGAIN) record->id = book_transfer_id(HELD);
}

static void damaged_transfers_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t kind;
        enum wrong wrong;
        enum status status;
    } rows[] = {
        { TRANSFER_DIRECT, NOTHING, STATUS_OK },
        { TRANSFER_DIRECT, OUTCOME, STATUS_CORRUPT },
        { TRANSFER_DIRECT, OUTCOME_OF_REFUSAL, STATUS_CORRUPT },
        { TRANSFER_DIRECT, KIND_NONE, STATUS_CORRUPT },
        { TRANSFER_DIRECT, KIND_PAST, STATUS_CORRUPT },
        { TRANSFER_DIRECT, DEBIT_UNKNOWN, STATUS_CORRUPT },
        { TRANSFER_DIRECT, CREDIT_UNKNOWN, STATUS_CORRUPT },
        { TRANSFER_DIRECT, CHAIN_OF_DEBIT, STATUS_CORRUPT },
        { TRANSFER_DIRECT, CHAIN_OF_CREDIT, STATUS_CORRUPT },
        { TRANSFER_DIRECT, OVERFLOW, STATUS_CORRUPT },
        { TRANSFER_DIRECT, TYPE, STATUS_CORRUPT },
        { TRANSFER_HOLD, NOTHING, STATUS_OK },
        { TRANSFER_HOLD, HOLD_OF_NOTHING, STATUS_CORRUPT },
        { TRANSFER_HOLD, HOLD_AGAIN, STATUS_CORRUPT },
        { TRANSFER_HOLD, OVERFLOW, STATUS_CORRUPT },
        { TRANSFER_VOID, NOTHING, STATUS_OK },
        { TRANSFER_VOID, RELEASED_TOO_MUCH, STATUS_CORRUPT },
        { TRANSFER_VOID, ENDS_BUT_SAYS_NOT, STATUS_CORRUPT },
        { TRANSFER_VOID, HOLD_OF_OTHERS, STATUS_CORRUPT },
        { TRANSFER_POST, NOTHING, STATUS_OK },
        { TRANSFER_POST, CLOSES_BUT_DOES_NOT, STATUS_CORRUPT },
        { TRANSFER_POST, OVERFLOW, STATUS_CORRUPT },
        { TRANSFER_REVERSAL, NOTHING, STATUS_OK },
        { TRANSFER_REVERSAL, OVERFLOW, STATUS_CORRUPT },
    };
    struct book book;
    small_life(&book);
    struct ledger *ledger;
    assert_int_equal(ledger_new(&book.ledger->options, &ledger), STATUS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct transfer transfer = book_direct(1, 2, 5);
        if (rows[i].kind == TRANSFER_HOLD) transfer = book_hold(1, 2, 5, 0);
        uint64_t target = rows[i].kind == TRANSFER_REVERSAL ? MOVED : HELD;
        bool on = rows[i].kind != TRANSFER_HOLD && rows[i].kind != TRANSFER_DIRECT;
        if (on) transfer = book_on(rows[i].kind, target, money_from_minor(5));
        if (rows[i].kind == TRANSFER_POST) transfer.flags = TRANSFER_FLAG_KEEP_REST;
        struct next next = { .book = &book };
        next_begin(&next, transfer);
        make_wrong(&next, rows[i].wrong);
        if (next_replay(&next, ledger) != rows[i].status) fail_msg("row %zu", i);
    }
    ledger_free(ledger);
    book_close(&book);
}

static void a_hold_numbered_below_another_is_refused(void **state)
{
    (void)state;
    struct book book;
    small_life(&book);
    struct next next = { .book = &book };
    next_begin(&next, book_hold(1, 2, 5, 0));
    struct ledger *ledger;
    assert_int_equal(ledger_new(&book.ledger->options, &ledger), STATUS_OK);
    assert_int_equal(book_replay(&book, 1, 0, ledger), STATUS_OK);
    ledger->holds_made = 0; /* what a header may say */
    assert_int_equal(ledger_replay(ledger, next.entry.moment, &next.record->head, 0),
                     STATUS_CORRUPT);
    ledger_free(ledger);
    book_close(&book);
}

static void what_is_over_the_options_is_a_limit(void **state)
{
    (void)state;
    struct book book;
    struct ledger *ledger;
    struct ledger_options options = { 2, 2, 2, 7, 4 };
    for (int less = 0; less < 4; less++) {
        small_life(&book);
        struct transfer more_holds = book_hold(1, 2, 5, 0);
        struct transfer more_reversals = book_on(TRANSFER_REVERSAL, REVERSED, MONEY_MAX);
        struct ledger_undo undo;
        assert_int_equal(book_transfer(&book, &more_holds, &undo), OUTCOME_OK);
        assert_int_equal(book_transfer(&book, &more_reversals, &undo), OUTCOME_OK);
        struct ledger_options fewer = options;
        if (less == 1) fewer.accounts_max--;
        if (less == 2) fewer.holds_max--;
        if (less == 3) fewer.reversals_max--;
        assert_int_equal(ledger_new(&fewer, &ledger), STATUS_OK);
        enum status status = book_replay(&book, 1, 0, ledger);
        assert_int_equal(status, less == 0 ? STATUS_OK : STATUS_LIMIT);
        ledger_free(ledger);
        book_close(&book);
    }
}

static void damaged_accounts_and_acts_are_refused(void **state)
{
    (void)state;
    struct record_account account = {
        .head = { .type = RECORD_ACCOUNT },
        .account = { .id = book_account_id(3), .asset = EUR, .kind = ACCOUNT_ASSET }
    };
    struct record_account bad_kind = account, bad_flags = account;
    bad_kind.account.kind = ACCOUNT_KIND_END;
    bad_flags.account.flags = ACCOUNT_FLAG_CLOSED;
    struct record_account refused = account, bad_refused = bad_kind;
    struct record_account conflict = account, no_outcome = account;
    refused.head.outcome = ACCOUNT_OUTCOME_ASSET_NOT_FOUND; /* and nothing is made */
    refused.account.id = book_account_id(4);
    bad_refused.head.outcome = ACCOUNT_OUTCOME_CAPACITY;
    conflict.head.outcome = ACCOUNT_OUTCOME_ID_CONFLICT; /* never journaled */
    no_outcome.head.outcome = ACCOUNT_OUTCOME_COUNT;
    struct record_account_change change = { .head = { .type = RECORD_ACCOUNT_CHANGE },
                                            .account = book_account_id(1),
                                            .set = ACCOUNT_FLAG_CLOSED };
    struct record_account_change stranger = change, bad_set = change, bad_clear = change;
    stranger.account = book_account_id(9);
    bad_set.set = ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS;
    bad_clear.clear = ACCOUNT_FLAG_CLOSED;
    struct record_asset asset = { .head = { .type = RECORD_ASSET }, .id = 10000, .code = "GOLD" };
    struct record_asset far = asset, known = asset;
    far.id = 10001;
    known.head.outcome = ADMIN_OUTCOME_ASSET_EXISTS; /* a refusal says nothing */
    const struct {
        const struct record_head *record;
        enum status status;
    } rows[] = {
        { &account.head, STATUS_OK },        { &bad_kind.head, STATUS_CORRUPT },
        { &bad_flags.head, STATUS_CORRUPT }, { &change.head, STATUS_OK },
        { &refused.head, STATUS_OK },        { &bad_refused.head, STATUS_CORRUPT },
        { &conflict.head, STATUS_CORRUPT },  { &no_outcome.head, STATUS_CORRUPT },
        { &stranger.head, STATUS_CORRUPT },  { &bad_set.head, STATUS_CORRUPT },
        { &bad_clear.head, STATUS_CORRUPT }, { &asset.head, STATUS_OK },
        { &far.head, STATUS_CORRUPT },       { &known.head, STATUS_OK },
    };
    struct book book;
    small_life(&book);
    struct ledger *ledger;
    assert_int_equal(ledger_new(&book.ledger->options, &ledger), STATUS_OK);
    struct ledger_moment moment = { book.stamp, book.batch + 1, { 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ledger_reset(ledger);
        assert_int_equal(book_replay(&book, 1, 0, ledger), STATUS_OK);
        enum status status = ledger_replay(ledger, moment, rows[i].record, 0);
        if (status != rows[i].status) fail_msg("row %zu", i);
        moment.batch--; /* what the checkpoint had is passed over */
        if (rows[i].record->type == RECORD_ASSET) {
            assert_int_equal(ledger_replay(ledger, moment, rows[i].record, moment.batch), 0);
        }
        moment.batch++;
    }
    ledger_free(ledger);
    book_close(&book);
}

/* Every byte of a short journal changed: any status is good, but it must come back with one. */
static void no_changed_byte_stops_the_program(void **state)
{
    (void)state;
    struct book book;
    small_life(&book);
    struct ledger *ledger;
    assert_int_equal(ledger_new(&book.ledger->options, &ledger), STATUS_OK);
    static const uint8_t masks[] = { 0x01, 0xFE };
    uint32_t refused = 0;
    for (uint32_t entry = 0; entry < book.entry_count; entry++) {
        for (uint32_t at = 0; at < BOOK_RECORD_SIZE_MAX; at++) {
            uint8_t *byte = &book.entries[entry].bytes[at];
            for (int i = 0; i < 2; i++) {
                *byte ^= masks[i];
                ledger_reset(ledger);
                const char *reason = NULL;
                bool good = book_replay(&book, 1, 0, ledger) == STATUS_OK &&
                            ledger_check(ledger, &reason) == STATUS_OK;
                refused += !good;
                *byte ^= masks[i];
            }
        }
    }
    assert_true(refused > 500);
    ledger_reset(ledger);
    assert_int_equal(book_replay(&book, 1, 0, ledger), STATUS_OK);
    ledger_free(ledger);
    book_close(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_on_nothing_gives_the_state_that_was),
        cmocka_unit_test(damaged_transfers_are_refused),
        cmocka_unit_test(a_hold_numbered_below_another_is_refused),
        cmocka_unit_test(what_is_over_the_options_is_a_limit),
        cmocka_unit_test(damaged_accounts_and_acts_are_refused),
        cmocka_unit_test(no_changed_byte_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

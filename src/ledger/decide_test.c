/*
 * Goal: a transfer comes to the first outcome of the documented order that applies, and to every
 * one of them; what is applied is exactly what the kind says.
 * Method: for each kind of transfer, each refusal it can have is planted alone and with each
 * other one; the table must have reached the whole enum. Amounts, bounds and times by tables of
 * their own. Undo and very many holds: see ledger_test.c.
 */
#include "ledger/decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "ledger/ledger_test.h"

/* ---- The order of outcomes ---- */

/*
 * Debit and credit are the parties of the transfer at hand. Funds and drain stand behind them,
 * without bounds. Transfers that stand before it:
 */
enum { DEBIT = 1, CREDIT, FUNDS, DRAIN, NOBODY = 99 };
enum {
    OPENING = 1,    /* FUNDS -> DEBIT 1000 */
    OPENING_CREDIT, /* CREDIT -> DRAIN 1000 */
    REFUSED_DIRECT, /* names an account that is not there */
    REFUSED_HOLD,   /* the same */
    OTHER_HOLD,     /* FUNDS -> DRAIN */
    SUBJECT_HOLD,   /* DEBIT -> CREDIT 100, for an hour */
    SUBJECT_DIRECT, /* CREDIT -> DEBIT 100, so that its reversal debits DEBIT */
    UNKNOWN_TARGET = 5000,
};

struct scene {
    struct book book;
    struct transfer transfer;
};

static void must(struct book *book, struct transfer transfer, enum outcome expected)
{
    struct ledger_undo undo;
    assert_int_equal(book_transfer(book, &transfer, &undo), expected);
}

static void scene_begin(struct scene *scene, enum transfer_kind kind)
{
    struct book *book = &scene->book;
    book_reset(book);
    for (uint64_t i = DEBIT; i <= DRAIN; i++) {
        assert_int_equal(book_open_account(book, i, EUR, 0), ACCOUNT_OUTCOME_OK);
    }
    must(book, book_direct(FUNDS, DEBIT, 1000), OUTCOME_OK);
    must(book, book_direct(CREDIT, DRAIN, 1000), OUTCOME_OK);
    must(book, book_direct(NOBODY, DEBIT, 1), OUTCOME_DEBIT_ACCOUNT_NOT_FOUND);
    must(book, book_hold(NOBODY, DEBIT, 1, 0), OUTCOME_DEBIT_ACCOUNT_NOT_FOUND);
    must(book, book_hold(FUNDS, DRAIN, 1, 0), OUTCOME_OK);
    must(book, book_hold(DEBIT, CREDIT, 100, 3600), OUTCOME_OK);
    must(book, book_direct(CREDIT, DEBIT, 100), OUTCOME_OK);
    struct money half = money_from_minor(50);
    scene->transfer = book_on(kind, SUBJECT_HOLD, half);
    if (kind == TRANSFER_REVERSAL) scene->transfer = book_on(kind, SUBJECT_DIRECT, half);
    if (kind == TRANSFER_DIRECT) scene->transfer = book_direct(DEBIT, CREDIT, 50);
    if (kind == TRANSFER_HOLD) scene->transfer = book_hold(DEBIT, CREDIT, 50, 60);
}

static bool is_hold_end(const struct scene *scene)
{
    return scene->transfer.kind == TRANSFER_POST || scene->transfer.kind == TRANSFER_VOID;
}

/* A target that was refused is named by kind, so that it can be of the wrong one as well. */
static void plant_target(struct scene *scene, enum outcome outcome)
{
    bool wants_hold = is_hold_end(scene);
    uint64_t target = scene->transfer.target.value.lo;
    bool wrong = target == (wants_hold ? (uint64_t)OPENING : (uint64_t)OTHER_HOLD);
    if (outcome == OUTCOME_TARGET_NOT_FOUND) target = UNKNOWN_TARGET;
    if (outcome == OUTCOME_TARGET_WRONG_KIND) target = wants_hold ? OPENING : OTHER_HOLD;
    if (outcome == OUTCOME_TARGET_REFUSED) {
        target = wants_hold != wrong ? REFUSED_HOLD : REFUSED_DIRECT;
    }
    scene->transfer.target = book_transfer_id(target);
}

/* As if a payment had made it. */
static void plant_owner(struct scene *scene)
{
    struct book *book = &scene->book;
    uint64_t target = is_hold_end(scene) ? SUBJECT_HOLD : SUBJECT_DIRECT;
    struct book_entry *entry = &book->entries[book->entry_of[target] - 1];
    ((struct record_head *)entry->bytes)->flags |= TRANSFER_FLAG_OWNED;
    uint32_t place = hold_find(&book->ledger->holds, book_transfer_id(target));
    if (place != HOLD_NONE) book->ledger->holds.holds[place].owned = 1;
}

static void plant_account(struct scene *scene, enum outcome outcome)
{
    struct account_state *debit = book_state(&scene->book, DEBIT);
    struct account_state *credit = book_state(&scene->book, CREDIT);
    if (outcome == OUTCOME_DEBIT_ACCOUNT_CLOSED) debit->account.flags |= ACCOUNT_FLAG_CLOSED;
    if (outcome == OUTCOME_CREDIT_ACCOUNT_CLOSED) credit->account.flags |= ACCOUNT_FLAG_CLOSED;
    if (outcome == OUTCOME_DEBIT_ACCOUNT_FROZEN) debit->account.flags |= ACCOUNT_FLAG_FROZEN;
    if (outcome == OUTCOME_CREDIT_ACCOUNT_FROZEN) credit->account.flags |= ACCOUNT_FLAG_FROZEN;
    if (outcome == OUTCOME_DEBITS_EXCEED_CREDITS) {
        debit->account.flags |= ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS;
        debit->balance.credits_posted = debit->balance.debits_posted;
    }
    if (outcome == OUTCOME_CREDITS_EXCEED_DEBITS) {
        credit->account.flags |= ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS;
        credit->balance.debits_posted = credit->balance.credits_posted;
    }
}

static void plant_hold_end(struct scene *scene, enum outcome outcome)
{
    struct book *book = &scene->book;
    struct money all = MONEY_MAX;
    if (outcome == OUTCOME_HOLD_ALREADY_POSTED) {
        must(book, book_on(TRANSFER_POST, SUBJECT_HOLD, all), OUTCOME_OK);
    }
    if (outcome == OUTCOME_HOLD_ALREADY_VOIDED) {
        must(book, book_on(TRANSFER_VOID, SUBJECT_HOLD, all), OUTCOME_OK);
    }
    if (outcome == OUTCOME_HOLD_EXPIRED) book->stamp.ns += 3600 * NS_PER_S;
}

static void plant_amount(struct scene *scene, enum outcome outcome)
{
    struct book *book = &scene->book;
    struct transfer *transfer = &scene->transfer;
    if (outcome == OUTCOME_AMOUNT_OVER_HOLD) transfer->amount.minor = 101;
    if (outcome == OUTCOME_AMOUNT_OVER_REVERSIBLE) transfer->amount.minor = 101;
    if (outcome == OUTCOME_NOTHING_TO_MOVE) {
        transfer->flags |= TRANSFER_FLAG_BALANCING_DEBIT;
        book_state(book, DEBIT)->balance.credits_posted = MONEY_ZERO;
    }
    if (outcome == OUTCOME_AMOUNT_OVERFLOW) {
        uint32_t row = ledger_totals_index(EUR, book_state(book, DRAIN)->account.kind);
        book->ledger->totals[row].balance.debits_posted = MONEY_MAX;
    }
    if (outcome == OUTCOME_CAPACITY && transfer->kind == TRANSFER_HOLD) {
        while (!hold_table_full(&book->ledger->holds)) {
            must(book, book_hold(FUNDS, DRAIN, 1, 0), OUTCOME_OK);
        }
    } else if (outcome == OUTCOME_CAPACITY) {
        must(book, book_on(TRANSFER_REVERSAL, OPENING_CREDIT, money_from_minor(1)), OUTCOME_OK);
    }
}

/* Makes an outcome apply to the scene's transfer, beside what else does. */
static void plant(struct scene *scene, enum outcome outcome)
{
    struct transfer *transfer = &scene->transfer;
    plant_target(scene, outcome);
    if (outcome == OUTCOME_TARGET_OWNED) plant_owner(scene);
    plant_account(scene, outcome);
    plant_amount(scene, outcome);
    plant_hold_end(scene, outcome);
    if (outcome == OUTCOME_DEBIT_ACCOUNT_NOT_FOUND) transfer->debit = book_account_id(NOBODY);
    if (outcome == OUTCOME_CREDIT_ACCOUNT_NOT_FOUND) transfer->credit = book_account_id(NOBODY);
    if (outcome == OUTCOME_ASSET_MISMATCH) transfer->asset = USD;
    if (outcome == OUTCOME_PERIOD_CLOSED) {
        transfer->value_date.days = BOOK_DAY - 9;
        scene->book.ledger->registry.closed_through.days = BOOK_DAY - 9;
    }
}

#define BIT(name) (UINT64_C(1) << OUTCOME_##name)
#define BITS_TARGET                                                                                \
    (BIT(TARGET_NOT_FOUND) | BIT(TARGET_REFUSED) | BIT(TARGET_WRONG_KIND) | BIT(TARGET_OWNED))
#define BITS_STATE                                                                                 \
    (BIT(ASSET_MISMATCH) | BIT(PERIOD_CLOSED) | BIT(DEBIT_ACCOUNT_CLOSED) |                        \
     BIT(CREDIT_ACCOUNT_CLOSED) | BIT(DEBIT_ACCOUNT_FROZEN) | BIT(CREDIT_ACCOUNT_FROZEN))
#define BITS_MOVE (BIT(AMOUNT_OVERFLOW) | BIT(DEBITS_EXCEED_CREDITS) | BIT(CREDITS_EXCEED_DEBITS))
#define BITS_OWN_SIDES                                                                             \
    (BIT(DEBIT_ACCOUNT_NOT_FOUND) | BIT(CREDIT_ACCOUNT_NOT_FOUND) | BIT(NOTHING_TO_MOVE))
#define BITS_HOLD_OVER (BIT(HOLD_ALREADY_POSTED) | BIT(HOLD_ALREADY_VOIDED) | BIT(HOLD_EXPIRED))

/* What each kind can come to, but for OK and what only a lane can find. */
static const uint64_t refusals_of[TRANSFER_KIND_END] = {
    [TRANSFER_DIRECT] = BITS_OWN_SIDES | BITS_STATE | BITS_MOVE,
    [TRANSFER_HOLD] = BITS_OWN_SIDES | BITS_STATE | BITS_MOVE | BIT(CAPACITY),
    [TRANSFER_POST] = BITS_TARGET | BITS_STATE | BITS_HOLD_OVER | BIT(AMOUNT_OVER_HOLD),
    [TRANSFER_VOID] = BITS_TARGET | BITS_HOLD_OVER,
    [TRANSFER_REVERSAL] =
        BITS_TARGET | BITS_STATE | BITS_MOVE | BIT(AMOUNT_OVER_REVERSIBLE) | BIT(CAPACITY),
};
static const uint64_t found_by_lanes =
    BIT(ID_CONFLICT) | BIT(LINKED_FAILED) | BIT(WITHDRAWN) | BIT(NOT_A_WALLET);

/* A hold ends once only. */
static bool exclude_each_other(unsigned first, unsigned second)
{
    return first == OUTCOME_HOLD_ALREADY_POSTED && second == OUTCOME_HOLD_ALREADY_VOIDED;
}

/* What needs the ledger's consent is planted first; of two targets, the later. */
static enum outcome come_to(struct scene *scene, enum transfer_kind kind, unsigned first,
                            unsigned second)
{
    static const uint64_t acts = BIT(HOLD_ALREADY_POSTED) | BIT(HOLD_ALREADY_VOIDED);
    scene_begin(scene, kind);
    bool in_order = (acts >> first & 1) != 0;
    if (second == first) {
        plant(scene, first);
    } else {
        plant(scene, in_order ? first : second);
        plant(scene, in_order ? second : first);
    }
    struct ledger_undo undo;
    return book_transfer(&scene->book, &scene->transfer, &undo);
}

static void of_two_that_apply_the_earlier_is_given_and_all_are_reached(void **state)
{
    (void)state;
    struct scene scene;
    struct ledger_options options = { 16, 8, 1, 7, 4 };
    book_open(&scene.book, options, 256);
    uint64_t reached = 0;
    for (unsigned kind = TRANSFER_DIRECT; kind < TRANSFER_EXPIRE; kind++) {
        scene_begin(&scene, kind);
        must(&scene.book, scene.transfer, OUTCOME_OK);
        reached |= BIT(OK);
        for (unsigned first = 1; first < OUTCOME_COUNT; first++) {
            if ((refusals_of[kind] >> first & 1) == 0) continue;
            for (unsigned second = first; second < OUTCOME_COUNT; second++) {
                if ((refusals_of[kind] >> second & 1) == 0) continue;
                if (exclude_each_other(first, second)) continue;
                enum outcome outcome = come_to(&scene, kind, first, second);
                reached |= UINT64_C(1) << outcome;
                if (outcome == first) continue;
                fail_msg("%s: %s, not %s (beside %s)", transfer_kind_name(kind),
                         outcome_code(outcome), outcome_code(first), outcome_code(second));
            }
        }
    }
    _Static_assert(OUTCOME_COUNT < 64, "a bit for each");
    assert_true((reached | found_by_lanes) == (UINT64_C(1) << OUTCOME_COUNT) - 1);
    assert_true((reached & found_by_lanes) == 0);
    book_close(&scene.book);
}

static void a_refusal_records_what_was_asked_and_changes_nothing(void **state)
{
    (void)state;
    struct scene scene;
    struct ledger_options options = { 16, 8, 1, 7, 4 };
    book_open(&scene.book, options, 256);
    for (unsigned kind = TRANSFER_DIRECT; kind < TRANSFER_EXPIRE; kind++) {
        for (unsigned outcome = 1; outcome < OUTCOME_COUNT; outcome++) {
            if ((refusals_of[kind] >> outcome & 1) == 0) continue;
            scene_begin(&scene, kind);
            plant(&scene, outcome);
            BUF_SCOPE struct buf before = { 0 };
            BUF_SCOPE struct buf after = { 0 };
            buf_init(&before, 1 << 20);
            buf_init(&after, 1 << 20);
            book_write_state(scene.book.ledger, &before);
            must(&scene.book, scene.transfer, outcome);
            book_write_state(scene.book.ledger, &after);
            assert_true(str_equal(buf_view(&before), buf_view(&after)));
            const struct record_transfer *record = book_record(&scene.book, scene.book.transfers);
            assert_true(money_equal(record->amount, scene.transfer.amount));
            assert_true(effect_same_content(transfer_view_of(record), &scene.transfer));
            assert_true(locator_is_none(record->previous_debit));
            assert_int_equal(record->head.flags & RECORD_FLAG_CLOSES_HOLD, 0);
        }
    }
    book_close(&scene.book);
}

static void one_account_of_another_asset_is_enough_for_a_mismatch(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 16);
    assert_int_equal(book_open_account(&book, 1, EUR, 0), 0);
    assert_int_equal(book_open_account(&book, 2, EUR, 0), 0);
    assert_int_equal(book_open_account(&book, 3, USD, 0), 0);
    must(&book, book_direct(1, 2, 1), OUTCOME_OK);
    must(&book, book_direct(1, 3, 1), OUTCOME_ASSET_MISMATCH);
    must(&book, book_direct(3, 1, 1), OUTCOME_ASSET_MISMATCH);
    struct transfer transfer = book_direct(3, 1, 1);
    transfer.asset = USD;
    must(&book, transfer, OUTCOME_ASSET_MISMATCH);
    transfer = book_direct(1, 2, 1);
    transfer.asset = USD;
    must(&book, transfer, OUTCOME_ASSET_MISMATCH);
    book_close(&book);
}

/* ---- Amounts ---- */

/* What an account has and reserves before; mirrored, debit and credit change places. */
struct amount_case {
    uint64_t has;
    uint64_t spent;
    uint64_t reserved;
    bool bounded;
    bool balancing;
    uint64_t asked; /* 0: all */
    enum outcome outcome;
    uint64_t moved;
};

static const struct amount_case amount_cases[] = {
    { 100, 0, 0, true, false, 100, OUTCOME_OK, 100 },
    { 100, 0, 0, true, false, 101, OUTCOME_DEBITS_EXCEED_CREDITS, 101 },
    { 100, 40, 0, true, false, 60, OUTCOME_OK, 60 },
    { 100, 40, 0, true, false, 61, OUTCOME_DEBITS_EXCEED_CREDITS, 61 },
    { 100, 40, 10, true, false, 50, OUTCOME_OK, 50 },
    { 100, 40, 10, true, false, 51, OUTCOME_DEBITS_EXCEED_CREDITS, 51 },
    { 100, 0, 100, true, false, 1, OUTCOME_DEBITS_EXCEED_CREDITS, 1 },
    { 0, 0, 0, true, false, 1, OUTCOME_DEBITS_EXCEED_CREDITS, 1 },
    { 0, 40, 10, false, false, 51, OUTCOME_OK, 51 },
    { 100, 40, 10, true, true, 51, OUTCOME_OK, 50 },
    { 100, 40, 10, false, true, 51, OUTCOME_OK, 50 },
    { 100, 40, 10, false, true, 49, OUTCOME_OK, 49 },
    { 100, 40, 10, false, true, 0, OUTCOME_OK, 50 },
    { 100, 40, 60, false, true, 0, OUTCOME_NOTHING_TO_MOVE, 0 },
    { 100, 40, 61, false, true, 0, OUTCOME_NOTHING_TO_MOVE, 0 },
    { 100, 101, 0, false, true, 7, OUTCOME_NOTHING_TO_MOVE, 7 },
};

static void amount_case_run(struct book *book, const struct amount_case *row, bool mirrored,
                            enum transfer_kind kind)
{
    book_reset(book);
    uint16_t bound = mirrored ? ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS
                              : ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS;
    uint8_t balancing = mirrored ? TRANSFER_FLAG_BALANCING_CREDIT : TRANSFER_FLAG_BALANCING_DEBIT;
    assert_int_equal(book_open_account(book, 1, EUR, row->bounded ? bound : 0), 0);
    assert_int_equal(book_open_account(book, 2, EUR, 0), 0);
    struct balance *balance = &book_state(book, 1)->balance;
    struct money has = { row->has }, spent = { row->spent }, reserved = { row->reserved };
    *balance = mirrored ? (struct balance){ has, { 0 }, spent, reserved }
                        : (struct balance){ spent, reserved, has, { 0 } };
    struct transfer transfer = book_direct(mirrored ? 2 : 1, mirrored ? 1 : 2, row->asked);
    if (row->asked == 0) transfer.amount = MONEY_MAX;
    transfer.kind = (uint8_t)kind;
    if (row->balancing) transfer.flags = balancing;
    enum outcome outcome = row->outcome;
    if (mirrored && outcome == OUTCOME_DEBITS_EXCEED_CREDITS) {
        outcome = OUTCOME_CREDITS_EXCEED_DEBITS;
    }
    must(book, transfer, outcome);
    if (outcome != OUTCOME_OK) return;
    assert_true(book_record(book, 1)->amount.minor == row->moved);
    struct money posted = mirrored ? balance->credits_posted : balance->debits_posted;
    struct money pending = mirrored ? balance->credits_pending : balance->debits_pending;
    bool hold = kind == TRANSFER_HOLD;
    assert_true(posted.minor == row->spent + (hold ? 0 : row->moved));
    assert_true(pending.minor == row->reserved + (hold ? row->moved : 0));
}

static void bounds_and_balancing_count_what_is_pending(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 16);
    for (size_t i = 0; i < sizeof amount_cases / sizeof amount_cases[0]; i++) {
        for (int mirrored = 0; mirrored < 2; mirrored++) {
            amount_case_run(&book, &amount_cases[i], mirrored, TRANSFER_DIRECT);
            amount_case_run(&book, &amount_cases[i], mirrored, TRANSFER_HOLD);
        }
    }
    book_close(&book);
}

static void balancing_on_both_sides_moves_the_smaller_rest(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 16);
    for (uint64_t i = 1; i <= 3; i++) assert_int_equal(book_open_account(&book, i, EUR, 0), 0);
    must(&book, book_direct(3, 1, 70), OUTCOME_OK); /* 1 has 70 to give */
    must(&book, book_direct(2, 3, 50), OUTCOME_OK); /* 2 lacks 50 */
    struct transfer transfer = book_direct(1, 2, 0);
    transfer.amount = MONEY_MAX;
    transfer.flags = TRANSFER_FLAG_BALANCING_DEBIT | TRANSFER_FLAG_BALANCING_CREDIT;
    must(&book, transfer, OUTCOME_OK);
    assert_true(book_record(&book, 3)->amount.minor == 50);
    must(&book, transfer, OUTCOME_NOTHING_TO_MOVE);
    assert_null(book_fault(book.ledger));
    book_close(&book);
}

/* ---- Ends of holds ---- */

/* A series of ends of one hold of 100; what is posted and reserved after each. */
struct end_case {
    uint8_t kind;
    uint8_t flags;
    uint64_t asked; /* 0: all */
    enum outcome outcome;
    uint64_t posted;
    uint64_t reserved;
};

enum { ENDS_MAX = 4 };
static const struct end_case end_cases[][ENDS_MAX] = {
    { { TRANSFER_POST, 0, 0, OUTCOME_OK, 100, 0 },
      { TRANSFER_POST, 0, 0, OUTCOME_HOLD_ALREADY_POSTED, 100, 0 },
      { TRANSFER_VOID, 0, 0, OUTCOME_HOLD_ALREADY_POSTED, 100, 0 } },
    { { TRANSFER_POST, 0, 100, OUTCOME_OK, 100, 0 } },
    { { TRANSFER_POST, 0, 30, OUTCOME_OK, 30, 0 }, /* the rest is released */
      { TRANSFER_POST, 0, 1, OUTCOME_HOLD_ALREADY_POSTED, 30, 0 } },
    { { TRANSFER_POST, 0, 101, OUTCOME_AMOUNT_OVER_HOLD, 0, 100 },
      { TRANSFER_POST, TRANSFER_FLAG_KEEP_REST, 101, OUTCOME_AMOUNT_OVER_HOLD, 0, 100 },
      { TRANSFER_VOID, 0, 0, OUTCOME_OK, 0, 0 },
      { TRANSFER_POST, 0, 1, OUTCOME_HOLD_ALREADY_VOIDED, 0, 0 } },
    { { TRANSFER_POST, TRANSFER_FLAG_KEEP_REST, 30, OUTCOME_OK, 30, 70 },
      { TRANSFER_POST, TRANSFER_FLAG_KEEP_REST, 71, OUTCOME_AMOUNT_OVER_HOLD, 30, 70 },
      { TRANSFER_POST, TRANSFER_FLAG_KEEP_REST, 70, OUTCOME_OK, 100, 0 },
      { TRANSFER_VOID, 0, 0, OUTCOME_HOLD_ALREADY_POSTED, 100, 0 } },
    { { TRANSFER_POST, TRANSFER_FLAG_KEEP_REST, 30, OUTCOME_OK, 30, 70 },
      { TRANSFER_VOID, 0, 0, OUTCOME_OK, 30, 0 },
      { TRANSFER_VOID, 0, 0, OUTCOME_HOLD_ALREADY_VOIDED, 30, 0 } },
    { { TRANSFER_POST, TRANSFER_FLAG_KEEP_REST, 0, OUTCOME_OK, 100, 0 } },
    { { TRANSFER_POST, TRANSFER_FLAG_KEEP_REST, 1, OUTCOME_OK, 1, 99 },
      { TRANSFER_POST, 0, 1, OUTCOME_OK, 2, 0 } },
};

static void end_case_run(struct book *book, const struct end_case *row)
{
    uint64_t reserved = (uint64_t)book_state(book, 1)->balance.debits_pending.minor;
    struct money amount = row->asked == 0 ? MONEY_MAX : money_from_minor(row->asked);
    struct transfer transfer = book_on(row->kind, 1, amount);
    transfer.flags = row->flags;
    must(book, transfer, row->outcome);
    struct balance *debit = &book_state(book, 1)->balance;
    struct balance *credit = &book_state(book, 2)->balance;
    assert_true(debit->debits_posted.minor == row->posted);
    assert_true(debit->debits_pending.minor == row->reserved);
    assert_true(credit->credits_posted.minor == row->posted);
    assert_true(credit->credits_pending.minor == row->reserved);
    assert_null(book_fault(book->ledger));
    const struct record_transfer *record = book_record(book, book->transfers);
    bool closes = (record->head.flags & RECORD_FLAG_CLOSES_HOLD) != 0;
    assert_int_equal(closes, row->outcome == OUTCOME_OK && row->reserved == 0);
    if (row->outcome != OUTCOME_OK) return;
    struct transfer_view view = transfer_view_of(record);
    assert_true(view.more->released.minor == reserved - row->reserved);
    assert_true(money_equal(view.more->requested, amount));
    assert_true(uuid_equal(record->debit.value, book_account_id(1).value));
}

static void holds_end_whole_in_part_and_with_the_rest_kept(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 16);
    for (size_t i = 0; i < sizeof end_cases / sizeof end_cases[0]; i++) {
        book_reset(&book);
        assert_int_equal(book_open_account(&book, 1, EUR, 0), 0);
        assert_int_equal(book_open_account(&book, 2, EUR, 0), 0);
        must(&book, book_hold(1, 2, 100, 0), OUTCOME_OK);
        for (int step = 0; step < ENDS_MAX && end_cases[i][step].kind != 0; step++) {
            end_case_run(&book, &end_cases[i][step]);
        }
    }
    book_close(&book);
}

static void a_hold_expires_at_its_nanosecond_and_not_before(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 16);
    assert_int_equal(book_open_account(&book, 1, EUR, 0), 0);
    assert_int_equal(book_open_account(&book, 2, EUR, 0), 0);
    assert_int_equal(ledger_next_expiry(book.ledger).ns, 0);
    must(&book, book_hold(1, 2, 100, 60), OUTCOME_OK);
    must(&book, book_hold(1, 2, 5, 0), OUTCOME_OK); /* never */
    int64_t end_ns = book.stamp.ns + 60 * NS_PER_S;
    assert_int_equal(ledger_next_expiry(book.ledger).ns, end_ns);
    struct transfer post = book_on(TRANSFER_POST, 1, money_from_minor(1));
    post.flags = TRANSFER_FLAG_KEEP_REST;

    book.stamp.ns = end_ns - 1;
    must(&book, post, OUTCOME_OK);
    assert_false(book_expire(&book));
    book.stamp.ns = end_ns;
    must(&book, post, OUTCOME_HOLD_EXPIRED); /* though not swept yet */
    must(&book, book_on(TRANSFER_VOID, 1, MONEY_MAX), OUTCOME_HOLD_EXPIRED);
    assert_true(book_expire(&book));
    const struct book_entry *entry = &book.entries[book.entry_count - 1];
    const struct record_transfer *record = (const struct record_transfer *)entry->bytes;
    assert_int_equal(record->head.kind, TRANSFER_EXPIRE);
    assert_int_equal(record->head.flags, RECORD_FLAG_CLOSES_HOLD);
    assert_true(uuid_is_nil(record->id.value));
    assert_true(record->amount.minor == 99);
    assert_true(transfer_view_of(record).more->released.minor == 99);
    assert_false(book_expire(&book));
    must(&book, post, OUTCOME_HOLD_EXPIRED); /* swept */
    assert_true(book_state(&book, 1)->balance.debits_pending.minor == 5);
    assert_true(book_state(&book, 1)->balance.debits_posted.minor == 1);
    assert_int_equal(ledger_next_expiry(book.ledger).ns, 0);
    assert_null(book_fault(book.ledger));
    book_close(&book);
}

/* ---- Reversals ---- */

static void reversals_never_pass_what_was_moved(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 32);
    assert_int_equal(book_open_account(&book, 1, EUR, 0), 0);
    assert_int_equal(book_open_account(&book, 2, EUR, 0), 0);
    struct money all = MONEY_MAX;
    must(&book, book_direct(1, 2, 100), OUTCOME_OK);                              /* 1 */
    must(&book, book_on(TRANSFER_REVERSAL, 1, money_from_minor(30)), OUTCOME_OK); /* 2 */
    must(&book, book_on(TRANSFER_REVERSAL, 1, money_from_minor(71)),
         OUTCOME_AMOUNT_OVER_REVERSIBLE);                        /* 3 */
    must(&book, book_on(TRANSFER_REVERSAL, 1, all), OUTCOME_OK); /* 4: 70 */
    assert_true(book_record(&book, 4)->amount.minor == 70);
    assert_true(money_is_zero(transfer_view_of(book_record(&book, 4)).more->released));
    must(&book, book_on(TRANSFER_REVERSAL, 1, all), OUTCOME_AMOUNT_OVER_REVERSIBLE);
    must(&book, book_on(TRANSFER_REVERSAL, 1, money_from_minor(1)), OUTCOME_AMOUNT_OVER_REVERSIBLE);
    must(&book, book_on(TRANSFER_REVERSAL, 4, money_from_minor(71)),
         OUTCOME_AMOUNT_OVER_REVERSIBLE);
    must(&book, book_on(TRANSFER_REVERSAL, 4, all), OUTCOME_OK); /* of a reversal */
    must(&book, book_on(TRANSFER_REVERSAL, 1, all), OUTCOME_AMOUNT_OVER_REVERSIBLE);
    must(&book, book_on(TRANSFER_REVERSAL, 3, all), OUTCOME_TARGET_REFUSED);
    must(&book, book_hold(1, 2, 40, 0), OUTCOME_OK); /* 11 */
    struct transfer post = book_on(TRANSFER_POST, 11, money_from_minor(25));
    must(&book, post, OUTCOME_OK); /* 12 */
    must(&book, book_on(TRANSFER_REVERSAL, 11, all), OUTCOME_TARGET_WRONG_KIND);
    must(&book, book_on(TRANSFER_REVERSAL, 12, all), OUTCOME_OK); /* what was posted, 25 */
    const struct balance *balance = &book_state(&book, 1)->balance;
    assert_true(balance->debits_posted.minor == 100 + 70 + 25);
    assert_true(balance->credits_posted.minor == 30 + 70 + 25);
    assert_null(book_fault(book.ledger));
    book_close(&book);
}

/* ---- 128 bits ---- */

static void an_asset_never_passes_128_bits_whoever_holds_it(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 32, 32, 4, 7, 4 }, 64);
    for (uint64_t i = 1; i <= 15; i++) {
        assert_int_equal(book_open_account(&book, i, i <= 10 ? EUR : USD, 0), 0);
    }
    struct transfer most = book_direct(1, 2, 0);
    most.amount.minor = MONEY_MAX.minor - 2;
    must(&book, most, OUTCOME_OK);
    struct transfer other = book_direct(6, 7, 3); /* other accounts, of the same kinds */
    must(&book, other, OUTCOME_AMOUNT_OVERFLOW);
    other = book_direct(3, 4, 3); /* of other kinds */
    must(&book, other, OUTCOME_AMOUNT_OVERFLOW);
    must(&book, book_hold(3, 4, 3, 0), OUTCOME_AMOUNT_OVERFLOW);
    must(&book, book_hold(3, 4, 1, 0), OUTCOME_OK);
    must(&book, book_direct(3, 4, 2), OUTCOME_AMOUNT_OVERFLOW);
    must(&book, book_direct(3, 4, 1), OUTCOME_OK);
    must(&book, book_direct(3, 4, 1), OUTCOME_AMOUNT_OVERFLOW);
    must(&book, book_on(TRANSFER_REVERSAL, 1, money_from_minor(1)), OUTCOME_AMOUNT_OVERFLOW);
    must(&book, book_on(TRANSFER_POST, 5, MONEY_MAX), OUTCOME_OK);
    most = book_hold(11, 12, 0, 0); /* another asset has 128 bits of its own */
    most.amount.minor = MONEY_MAX.minor - 1;
    most.asset = USD;
    must(&book, most, OUTCOME_OK);
    assert_null(book_fault(book.ledger));
    must(&book, book_on(TRANSFER_VOID, 11, MONEY_MAX), OUTCOME_OK);
    assert_null(book_fault(book.ledger));
    book_close(&book);
}

/* ---- Periods ---- */

static void a_closed_period_refuses_its_dates_and_no_later_ones(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 32);
    assert_int_equal(book_open_account(&book, 1, EUR, 0), 0);
    assert_int_equal(book_open_account(&book, 2, EUR, 0), 0);
    must(&book, book_hold(1, 2, 100, 0), OUTCOME_OK);
    must(&book, book_direct(1, 2, 100), OUTCOME_OK);
    struct admin close = { .kind = ADMIN_PERIOD_CLOSE, .closed_through = { BOOK_DAY - 1 } };
    assert_int_equal(book_admin(&book, &close), ADMIN_OUTCOME_OK);
    struct transfer requests[] = {
        book_direct(1, 2, 1),
        book_hold(1, 2, 1, 0),
        book_on(TRANSFER_POST, 1, money_from_minor(1)),
        book_on(TRANSFER_REVERSAL, 2, money_from_minor(1)),
    };
    requests[2].flags = TRANSFER_FLAG_KEEP_REST;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        requests[i].value_date.days = BOOK_DAY - 1;
        must(&book, requests[i], OUTCOME_PERIOD_CLOSED);
        requests[i].value_date.days = BOOK_DAY;
        must(&book, requests[i], OUTCOME_OK);
        requests[i].value_date.days = 0; /* today */
        must(&book, requests[i], OUTCOME_OK);
        assert_int_equal(book_record(&book, book.transfers)->value_date.days, BOOK_DAY);
    }
    struct transfer end = book_on(TRANSFER_VOID, 1, MONEY_MAX);
    end.value_date.days = BOOK_DAY - 1;
    must(&book, end, OUTCOME_OK);
    book_close(&book);
}

/* ---- Departures ---- */

static void freeze(struct book *book, uint64_t account)
{
    const struct admin admin = { .kind = ADMIN_ACCOUNT_CHANGE,
                                 .account = book_account_id(account),
                                 .set = ACCOUNT_FLAG_FROZEN };
    assert_int_equal(book_admin(book, &admin), ADMIN_OUTCOME_OK);
}

static struct transfer departure(uint64_t debit, uint64_t minor)
{
    struct transfer transfer = book_hold(debit, 2, minor, 0);
    transfer.kind = TRANSFER_DEPARTURE;
    transfer.flags = TRANSFER_FLAG_OWNED;
    transfer.target.value = book_account_id(77).value; /* in another lane */
    return transfer;
}

/* What was accepted elsewhere is a fact; so is what was refused. */
static void a_departure_ends_whatever_became_of_its_accounts(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 3, 4, 7, 4 }, 64);
    assert_int_equal(book_open_account(&book, 1, EUR, ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS),
                     0);
    assert_int_equal(book_open_account(&book, 2, EUR, 0), 0);
    assert_int_equal(book_open_account(&book, 3, EUR, 0), 0);
    must(&book, book_direct(3, 1, 300), OUTCOME_OK);
    must(&book, departure(1, 301), OUTCOME_DEBITS_EXCEED_CREDITS);
    must(&book, departure(1, 200), OUTCOME_OK); /* the third */
    must(&book, departure(1, 101), OUTCOME_DEBITS_EXCEED_CREDITS);
    must(&book, departure(1, 60), OUTCOME_OK); /* the fifth */
    must(&book, departure(1, 40), OUTCOME_OK); /* the sixth */
    must(&book, departure(3, 1), OUTCOME_CAPACITY);
    must(&book, book_on(TRANSFER_POST, 3, MONEY_MAX), OUTCOME_TARGET_OWNED);
    must(&book, book_on(TRANSFER_VOID, 3, MONEY_MAX), OUTCOME_TARGET_OWNED);
    freeze(&book, 1);
    freeze(&book, 2);
    const struct admin close = { .kind = ADMIN_PERIOD_CLOSE, .closed_through = { BOOK_DAY - 1 } };
    assert_int_equal(book_admin(&book, &close), ADMIN_OUTCOME_OK);
    struct transfer settle = book_on(TRANSFER_POST, 3, MONEY_MAX);
    settle.flags = TRANSFER_FLAG_OWNED;
    settle.value_date.days = BOOK_DAY - 1;
    must(&book, settle, OUTCOME_OK);
    must(&book, settle, OUTCOME_HOLD_ALREADY_POSTED);
    struct transfer release = book_on(TRANSFER_VOID, 5, MONEY_MAX);
    release.flags = TRANSFER_FLAG_OWNED;
    must(&book, release, OUTCOME_OK);
    const struct balance *balance = &book_state(&book, 1)->balance;
    assert_true(money_equal(balance->debits_posted, money_from_minor(200)));
    assert_true(money_equal(balance->debits_pending, money_from_minor(40)));
    assert_int_equal(book.ledger->holds.departure_count, 1);
    assert_null(book_fault(book.ledger));
    book_close(&book);
}

/* ---- What reaches us only by our own mistake ---- */

static void close_by_nothing(void *argument)
{
    struct book *book = argument;
    book->closed_by[1] = 0;
    struct transfer transfer = book_on(TRANSFER_VOID, 1, MONEY_MAX);
    struct ledger_undo undo;
    (void)book_transfer(book, &transfer, &undo); /* never returns */
}

static void ask_without_history(void *argument)
{
    struct book *book = argument;
    struct transfer transfer = book_on(TRANSFER_REVERSAL, 1, MONEY_MAX);
    transfer.id = book_transfer_id(9);
    struct book_entry *entry = book_room(book);
    struct ledger_undo undo;
    (void)ledger_transfer(book->ledger, entry->moment, &transfer, NULL, /* never returns */
                          (struct record_transfer *)entry->bytes, &undo);
}

static void a_lane_that_forgets_history_is_stopped(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 32);
    assert_int_equal(book_open_account(&book, 1, EUR, 0), 0);
    assert_int_equal(book_open_account(&book, 2, EUR, 0), 0);
    must(&book, book_hold(1, 2, 100, 0), OUTCOME_OK);
    must(&book, book_on(TRANSFER_VOID, 1, MONEY_MAX), OUTCOME_OK);
    assert_true(dies(close_by_nothing, &book));
    assert_true(dies(ask_without_history, &book));
    book_close(&book);
}

static void a_refusal_found_elsewhere_is_recorded_as_asked(void **state)
{
    (void)state;
    struct {
        struct record_transfer record;
        struct record_transfer_more more;
    } made;
    struct transfer transfer = book_on(TRANSFER_POST, 4, money_from_minor(9));
    transfer.id = book_transfer_id(5);
    struct ledger_moment moment = { .stamp = { BOOK_DAY * NS_PER_DAY }, .batch = 1 };
    ledger_refuse(moment, &transfer, OUTCOME_LINKED_FAILED, &made.record);
    assert_int_equal(made.record.head.outcome, OUTCOME_LINKED_FAILED);
    assert_true(effect_same_content(transfer_view_of(&made.record), &transfer));
    assert_true(money_is_zero(made.more.released));
    assert_int_equal(made.record.value_date.days, BOOK_DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_that_apply_the_earlier_is_given_and_all_are_reached),
        cmocka_unit_test(a_refusal_records_what_was_asked_and_changes_nothing),
        cmocka_unit_test(one_account_of_another_asset_is_enough_for_a_mismatch),
        cmocka_unit_test(bounds_and_balancing_count_what_is_pending),
        cmocka_unit_test(balancing_on_both_sides_moves_the_smaller_rest),
        cmocka_unit_test(holds_end_whole_in_part_and_with_the_rest_kept),
        cmocka_unit_test(a_hold_expires_at_its_nanosecond_and_not_before),
        cmocka_unit_test(reversals_never_pass_what_was_moved),
        cmocka_unit_test(an_asset_never_passes_128_bits_whoever_holds_it),
        cmocka_unit_test(a_closed_period_refuses_its_dates_and_no_later_ones),
        cmocka_unit_test(a_departure_ends_whatever_became_of_its_accounts),
        cmocka_unit_test(a_lane_that_forgets_history_is_stopped),
        cmocka_unit_test(a_refusal_found_elsewhere_is_recorded_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

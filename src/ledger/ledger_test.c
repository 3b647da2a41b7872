/*
 * Goal: accounts and administrative acts come to the first documented outcome that applies, and
 * to every one of them; a ledger that cannot have its memory is refused without a leak; what is
 * undone leaves no trace; a million holds expire at once, each in its turn.
 * Method: tables of acts in order, which must have reached both enums; this program's own
 * reserve_new() fails at each call in turn. Random groups of transfers over a random ledger,
 * taken back last first: the state is compared byte by byte with that before.
 */
#include "ledger/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/reserve.h"
#include "ledger/ledger_test.h"

/* ---- Memory that can be refused: in the place of base/reserve.c ---- */

static struct {
    int64_t live;
    int64_t calls;
    int64_t fails_at; /* the call that is refused; 0: none */
} reserves;

void *reserve_new(size_t size)
{
    if (++reserves.calls == reserves.fails_at) return NULL;
    reserves.live++;
    return book_memory(size, 1);
}

void reserve_free(void *reserved, size_t size)
{
    (void)size; /* the heap knows */
    if (reserved != NULL) reserves.live--;
    free(reserved);
}

static void each_refused_reservation_is_a_limit_and_leaks_nothing(void **state)
{
    (void)state;
    struct ledger_options options = { 100, 100, 100, 7, 4 };
    int64_t needed = 0;
    for (int64_t failing = 1;; failing++) {
        reserves.calls = 0;
        reserves.live = 0;
        reserves.fails_at = failing;
        struct ledger *ledger = NULL;
        enum status status = ledger_new(&options, &ledger);
        if (status == STATUS_OK) {
            needed = reserves.calls;
            const char *reason = NULL;
            assert_int_equal(ledger_check(ledger, &reason), STATUS_LIMIT);
            assert_string_equal(reason, ledger_fault_text(LEDGER_FAULT_MEMORY));
            ledger_free(ledger);
            assert_int_equal(reserves.live, 0);
            break;
        }
        assert_int_equal(status, STATUS_LIMIT);
        assert_null(ledger);
        assert_int_equal(reserves.live, 0);
    }
    reserves.fails_at = 0;
    assert_int_equal(needed, 22);
    ledger_free(NULL);
}

static void options_with(void *argument)
{
    const struct ledger_options *options = argument;
    struct ledger *ledger;
    assert_int_equal(ledger_new(options, &ledger), STATUS_OK);
}

static void options_out_of_range_stop_the_program(void **state)
{
    (void)state;
    struct ledger_options rows[] = {
        { 0, 4, 4, 7, 4 },
        { 4, 0, 4, 7, 4 },
        { 4, 4, 0, 7, 4 },
        { ACCOUNT_NONE, 4, 4, 7, 4 },
        { 4, HOLD_NONE, 4, 7, 4 },
        { 4, 4, ID_MAP_NONE, 7, 4 },
        { 4, 4, 4, 7, PAYMENT_SLOT_NONE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(dies(options_with, &rows[i]));
    }
}

/* ---- Accounts ---- */

enum { ACCOUNTS_MAX = 3 };

static void accounts_come_to_every_outcome_in_order(void **state)
{
    (void)state;
    static const struct {
        uint64_t id;
        uint32_t asset;
        uint16_t kind;
        uint16_t flags;
        uint64_t reference;
        enum account_outcome outcome;
        bool repeated;
    } rows[] = {
        { 1, EUR, ACCOUNT_ASSET, 0, 0, ACCOUNT_OUTCOME_OK, false },
        { 1, EUR, ACCOUNT_ASSET, 0, 0, ACCOUNT_OUTCOME_OK, true },
        { 1, USD, ACCOUNT_ASSET, 0, 0, ACCOUNT_OUTCOME_ID_CONFLICT, false },
        { 1, EUR, ACCOUNT_INCOME, 0, 0, ACCOUNT_OUTCOME_ID_CONFLICT, false },
        { 1, EUR, ACCOUNT_ASSET, 1, 0, ACCOUNT_OUTCOME_ID_CONFLICT, false },
        { 1, EUR, ACCOUNT_ASSET, 0, 5, ACCOUNT_OUTCOME_ID_CONFLICT, false },
        { 1, 5, ACCOUNT_ASSET, 0, 0, ACCOUNT_OUTCOME_ID_CONFLICT, false }, /* first of two */
        { 2, 5, ACCOUNT_ASSET, 0, 0, ACCOUNT_OUTCOME_ASSET_NOT_FOUND, false },
        { 2, 10000, ACCOUNT_ASSET, 0, 0, ACCOUNT_OUTCOME_ASSET_NOT_FOUND, false },
        { 2, USD, ACCOUNT_EXPENSE, 2, 0, ACCOUNT_OUTCOME_OK, false },
        { 3, EUR, ACCOUNT_LIABILITY, 1, 9, ACCOUNT_OUTCOME_OK, false },
        { 4, 5, ACCOUNT_ASSET, 0, 0, ACCOUNT_OUTCOME_ASSET_NOT_FOUND, false }, /* first of two */
        { 4, EUR, ACCOUNT_ASSET, 0, 0, ACCOUNT_OUTCOME_CAPACITY, false },
        { 1, USD, ACCOUNT_ASSET, 0, 0, ACCOUNT_OUTCOME_ID_CONFLICT, false }, /* first of two */
        { 3, EUR, ACCOUNT_LIABILITY, 1, 9, ACCOUNT_OUTCOME_OK, true },
    };
    struct ledger *ledger;
    assert_int_equal(ledger_new(&(struct ledger_options){ ACCOUNTS_MAX, 4, 4, 7, 4 }, &ledger), 0);
    unsigned reached = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct account account = {
            .id = book_account_id(rows[i].id),
            .user_ref = { rows[i].reference, 0 },
            .asset = rows[i].asset,
            .kind = rows[i].kind,
            .flags = rows[i].flags,
        };
        struct ledger_moment moment = { { 77 }, 5, { 0 } };
        bool repeated;
        uint32_t number;
        enum account_outcome outcome =
            ledger_account_create(ledger, moment, &account, &repeated, &number);
        reached |= 1U << outcome;
        if (outcome != rows[i].outcome || repeated != rows[i].repeated) fail_msg("row %zu", i);
        bool known = outcome == ACCOUNT_OUTCOME_OK || outcome == ACCOUNT_OUTCOME_ID_CONFLICT;
        assert_int_equal(number, known ? rows[i].id - 1 : ACCOUNT_NONE);
        assert_int_equal(ledger_account_find(ledger, account.id), number);
    }
    assert_int_equal(reached, (1U << ACCOUNT_OUTCOME_COUNT) - 1);
    assert_int_equal(ledger->account_count, 3);
    const struct account_state *third = ledger_account(ledger, 2);
    assert_int_equal(third->created_at.ns, 77);
    assert_int_equal(third->applied_batch, 4);
    assert_int_equal(third->account.user_ref.lo, 9);
    assert_null(book_fault(ledger));
    ledger_reset(ledger);
    assert_int_equal(ledger_account_find(ledger, book_account_id(1)), ACCOUNT_NONE);
    assert_null(book_fault(ledger));
    ledger_free(ledger);
}

/* A frozen or closed account is the one that was made. */
static void later_states_do_not_make_another_account(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 8);
    assert_int_equal(book_open_account(&book, 1, EUR, 0), ACCOUNT_OUTCOME_OK);
    struct admin close = { .kind = ADMIN_ACCOUNT_CHANGE,
                           .account = book_account_id(1),
                           .set = ACCOUNT_FLAG_CLOSED };
    assert_int_equal(book_admin(&book, &close), ADMIN_OUTCOME_OK);
    assert_int_equal(book_open_account(&book, 1, EUR, 0), ACCOUNT_OUTCOME_OK);
    assert_int_equal(book.ledger->account_count, 1);
    book_close(&book);
}

/* ---- Administrative acts ---- */

static struct admin asset_act(const char *code)
{
    struct admin admin = { .kind = ADMIN_ASSET_CREATE, .asset = { .exponent = 4 } };
    memcpy(admin.asset.code, code, strlen(code) + 1);
    return admin;
}

static struct admin account_act(uint64_t account, uint16_t set, uint16_t clear)
{
    return (struct admin){ .kind = ADMIN_ACCOUNT_CHANGE,
                           .account = book_account_id(account),
                           .set = set,
                           .clear = clear };
}

static struct admin period_act(int32_t days)
{
    return (struct admin){ .kind = ADMIN_PERIOD_CLOSE, .closed_through = { days } };
}

static struct admin rate_act(uint32_t asset, uint32_t counter_asset, uint64_t numerator)
{
    return (struct admin){ .kind = ADMIN_RATE_SET, .rate = { asset, counter_asset, numerator, 1 } };
}

static struct admin raise_act(enum admin_kind kind, uint64_t id)
{
    return (struct admin){ .kind = kind,
                           .raise = { .id = { .lo = id }, .route = 1, .traces = 1 },
                           .raise_for_s = 60 };
}

static struct admin key_act(enum admin_kind kind, uint64_t id, uint8_t secret)
{
    struct admin admin = { .kind = kind, .credential = { .scopes = SCOPE_ADMIN, .name = "n" } };
    admin.credential.id.value.lo = id;
    admin.credential.secret_digest.bytes[0] = secret;
    return admin;
}

static void acts_come_to_every_outcome_in_order(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 64);
    for (uint64_t i = 1; i <= 3; i++) assert_int_equal(book_open_account(&book, i, EUR, 0), 0);
    struct transfer moved = book_direct(1, 2, 5), held = book_hold(3, 1, 5, 0);
    struct ledger_undo undo;
    assert_int_equal(book_transfer(&book, &moved, &undo), OUTCOME_OK);
    assert_int_equal(book_transfer(&book, &held, &undo), OUTCOME_OK);
    enum { FROZEN = ACCOUNT_FLAG_FROZEN, CLOSED = ACCOUNT_FLAG_CLOSED };
    static const enum admin_kind MAKE = ADMIN_CREDENTIAL_CREATE, REVOKE = ADMIN_CREDENTIAL_REVOKE;
    const struct {
        struct admin admin;
        enum admin_outcome outcome;
        bool full; /* with no room left in the registry */
    } rows[] = {
        { asset_act("GOLD"), ADMIN_OUTCOME_OK, false },
        { asset_act("GOLD"), ADMIN_OUTCOME_ASSET_EXISTS, false },
        { asset_act("EUR"), ADMIN_OUTCOME_ASSET_EXISTS, false },
        { asset_act("GOLD"), ADMIN_OUTCOME_ASSET_EXISTS, true }, /* first of two */
        { asset_act("SILVER"), ADMIN_OUTCOME_ASSET_CAPACITY, true },
        { asset_act("SILVER"), ADMIN_OUTCOME_OK, false },
        { account_act(9, FROZEN, 0), ADMIN_OUTCOME_ACCOUNT_NOT_FOUND, false },
        { account_act(1, FROZEN, 0), ADMIN_OUTCOME_OK, false },
        { account_act(1, CLOSED, 0), ADMIN_OUTCOME_ACCOUNT_NOT_EMPTY, false }, /* posted */
        { account_act(3, CLOSED, 0), ADMIN_OUTCOME_ACCOUNT_NOT_EMPTY, false }, /* pending */
        { account_act(1, 0, FROZEN), ADMIN_OUTCOME_OK, false },
        { period_act(BOOK_DAY), ADMIN_OUTCOME_PERIOD_NOT_OVER, false },
        { period_act(BOOK_DAY - 1), ADMIN_OUTCOME_OK, false },
        { period_act(BOOK_DAY - 1), ADMIN_OUTCOME_PERIOD_ALREADY_CLOSED, false },
        { period_act(BOOK_DAY - 2), ADMIN_OUTCOME_PERIOD_ALREADY_CLOSED, false },
        { key_act(MAKE, 1, 1), ADMIN_OUTCOME_OK, false },
        { key_act(MAKE, 1, 2), ADMIN_OUTCOME_CREDENTIAL_EXISTS, false }, /* by id */
        { key_act(MAKE, 2, 1), ADMIN_OUTCOME_CREDENTIAL_EXISTS, false }, /* by digest */
        { key_act(MAKE, 2, 1), ADMIN_OUTCOME_CREDENTIAL_EXISTS, true },  /* first of two */
        { key_act(MAKE, 2, 2), ADMIN_OUTCOME_CREDENTIAL_CAPACITY, true },
        { key_act(REVOKE, 2, 0), ADMIN_OUTCOME_CREDENTIAL_NOT_FOUND, false },
        { key_act(REVOKE, 1, 0), ADMIN_OUTCOME_OK, false },
        { key_act(REVOKE, 1, 0), ADMIN_OUTCOME_OK, false },
        { key_act(MAKE, 2, 1), ADMIN_OUTCOME_OK, false }, /* the digest is free again */
        { rate_act(EUR, USD, 2), ADMIN_OUTCOME_OK, false },
        { rate_act(EUR, 7, 2), ADMIN_OUTCOME_RATE_ASSET_NOT_FOUND, false },
        { rate_act(USD, EUR, 2), ADMIN_OUTCOME_RATE_CAPACITY, true },
        { rate_act(EUR, USD, 3), ADMIN_OUTCOME_OK, true }, /* the pair has its place */
    };
    unsigned reached = 1U << ADMIN_OUTCOME_ACCOUNT_CLOSED;                               /* below */
    reached |= 1U << ADMIN_OUTCOME_RAISE_NOT_FOUND | 1U << ADMIN_OUTCOME_RAISE_CAPACITY; /* next */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct registry *registry = &book.ledger->registry;
        struct registry before = *registry;
        if (rows[i].full) registry->asset_count = ASSETS_CUSTOM_MAX;
        if (rows[i].full) registry->credential_count = CREDENTIALS_MAX;
        if (rows[i].full) registry->rate_count = RATES_MAX;
        enum admin_outcome outcome = book_admin(&book, &rows[i].admin);
        if (rows[i].full) *registry = before;
        reached |= 1U << outcome;
        if (outcome != rows[i].outcome) fail_msg("row %zu: %s", i, admin_outcome_code(outcome));
    }
    assert_int_equal(reached, (1U << ADMIN_OUTCOME_COUNT) - 1);
    struct transfer back = book_on(TRANSFER_VOID, 2, MONEY_MAX);
    assert_int_equal(book_transfer(&book, &back, &undo), OUTCOME_OK);
    struct admin close = account_act(3, CLOSED, 0), thaw = account_act(3, 0, FROZEN);
    assert_int_equal(book_admin(&book, &close), ADMIN_OUTCOME_OK);
    assert_int_equal(book_admin(&book, &thaw), ADMIN_OUTCOME_ACCOUNT_CLOSED);
    book_state(&book, 3)->balance.debits_pending.minor = 1;
    assert_int_equal(book_admin(&book, &close), ADMIN_OUTCOME_ACCOUNT_CLOSED); /* first of two */
    book_close(&book);
}

static void raises_come_to_every_outcome(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 64);
    static const enum admin_kind RAISE = ADMIN_TRACE_RAISE, LOWER = ADMIN_TRACE_LOWER;
    struct admin raise = raise_act(RAISE, 1), lower = raise_act(LOWER, 1);
    assert_int_equal(book_admin(&book, &lower), ADMIN_OUTCOME_RAISE_NOT_FOUND);
    for (uint64_t i = 1; i <= RAISES_MAX; i++) {
        raise = raise_act(RAISE, i);
        assert_int_equal(book_admin(&book, &raise), ADMIN_OUTCOME_OK);
    }
    raise = raise_act(RAISE, RAISES_MAX + 1);
    assert_int_equal(book_admin(&book, &raise), ADMIN_OUTCOME_RAISE_CAPACITY);
    raise = raise_act(RAISE, 1);
    assert_int_equal(book_admin(&book, &raise), ADMIN_OUTCOME_OK); /* anew, in its place */
    assert_int_equal(book_admin(&book, &lower), ADMIN_OUTCOME_OK);
    assert_int_equal(book_admin(&book, &lower), ADMIN_OUTCOME_RAISE_NOT_FOUND);
    raise = raise_act(RAISE, RAISES_MAX + 1);
    assert_int_equal(book_admin(&book, &raise), ADMIN_OUTCOME_OK);
    book_close(&book);
}

static void acts_change_what_they_say(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4, 4, 4, 7, 4 }, 64);
    assert_int_equal(book_open_account(&book, 1, EUR, ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS),
                     ACCOUNT_OUTCOME_OK);
    struct admin freeze = account_act(1, ACCOUNT_FLAG_FROZEN, 0);
    struct admin thaw = account_act(1, 0, ACCOUNT_FLAG_FROZEN);
    const uint16_t *flags = &book_state(&book, 1)->account.flags;
    assert_int_equal(book_admin(&book, &freeze), ADMIN_OUTCOME_OK);
    assert_int_equal(*flags, ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS | ACCOUNT_FLAG_FROZEN);
    assert_int_equal(book_admin(&book, &thaw), ADMIN_OUTCOME_OK);
    assert_int_equal(*flags, ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS);
    struct admin assets[] = { asset_act("GOLD"), asset_act("SILVER") };
    assert_int_equal(book_admin(&book, &assets[0]), ADMIN_OUTCOME_OK);
    assert_int_equal(book_admin(&book, &assets[1]), ADMIN_OUTCOME_OK);
    assert_int_equal(book_open_account(&book, 2, ASSET_CUSTOM_FIRST + 1, 0), ACCOUNT_OUTCOME_OK);
    assert_int_equal(registry_asset_by_id(&book.ledger->registry, 10001)->exponent, 4);
    assert_null(book_fault(book.ledger));
    book_close(&book);
}

/* ---- Undo ---- */

enum { GROUP_MAX = 24, ACCOUNTS = 12 };

static void write_all(const struct ledger *ledger, struct buf *out_bytes)
{
    const struct hold_table *table = &ledger->holds;
    buf_reset(out_bytes);
    book_write_state(ledger, out_bytes);
    uint64_t swept = table->sweep == HOLD_NONE ? UINT64_MAX : table->holds[table->sweep].number;
    buf_append(out_bytes, &swept, sizeof swept);
    uint32_t first = hold_first_to_expire(table);
    uint64_t expires = first == HOLD_NONE ? 0 : table->holds[first].number;
    buf_append(out_bytes, &expires, sizeof expires);
}

/* Applies a group of requests and takes those that were applied back, last first. */
static void group_there_and_back(struct book *book, struct prng *prng)
{
    struct ledger_undo undos[GROUP_MAX];
    uint64_t count = prng_between(prng, 1, GROUP_MAX);
    for (uint64_t i = 0; i < count; i++) {
        struct transfer transfer = book_random_transfer(book, prng, ACCOUNTS);
        (void)book_transfer(book, &transfer, &undos[i]); /* any outcome is good */
    }
    while (count-- > 0) {
        const struct record_transfer *record = book_record(book, book->transfers);
        if (record->head.outcome == OUTCOME_OK) {
            ledger_undo(book->ledger, transfer_view_of(record), &undos[count]);
        }
        book_forget(book);
        book->transfers--;
    }
}

static void a_group_taken_back_leaves_no_trace(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 16, 40, 60, 7, 4 }, 20000);
    book_open_accounts(&book, ACCOUNTS);
    BUF_SCOPE struct buf before = { 0 };
    BUF_SCOPE struct buf after = { 0 };
    buf_init(&before, 1 << 20);
    buf_init(&after, 1 << 20);
    struct prng prng;
    prng_init(&prng, 21);
    for (int round = 0; round < 400; round++) {
        if (book.ledger->holds.sweep != HOLD_NONE) hold_sweep_pass(&book.ledger->holds);
        if (round % 5 == 0) hold_sweep_start(&book.ledger->holds);
        write_all(book.ledger, &before);
        group_there_and_back(&book, &prng);
        write_all(book.ledger, &after);
        assert_true(str_equal(buf_view(&before), buf_view(&after)));
        if (round % 8 == 0) assert_null(book_fault(book.ledger));
        book_random_batch(&book, &prng, ACCOUNTS);
    }
    assert_true(book.ledger->reversal_count > 20); /* so the walk had something to walk over */
    assert_true(book.ledger->holds_made > 200);
    assert_null(book_fault(book.ledger));
    book_close(&book);
}

/* ---- Very many ---- */

enum { MILLION = 1000000 };

static void a_million_holds_expire_in_order_of_making(void **state)
{
    (void)state;
    struct ledger *ledger;
    struct ledger_options options = { 2, MILLION, 1, 7, 4 };
    assert_int_equal(ledger_new(&options, &ledger), STATUS_OK);
    struct ledger_moment moment = { { BOOK_DAY * NS_PER_DAY }, 1, locator_make(1, 128) };
    for (uint64_t i = 1; i <= 2; i++) {
        struct account account = { .id = book_account_id(i), .asset = EUR, .kind = ACCOUNT_ASSET };
        bool repeated;
        uint32_t number;
        assert_int_equal(ledger_account_create(ledger, moment, &account, &repeated, &number), 0);
    }
    struct {
        struct record_transfer record;
        struct record_transfer_more more;
    } made;
    struct ledger_undo undo;
    struct transfer hold = book_hold(1, 2, 3, 60);
    for (uint64_t i = 1; i <= MILLION; i++) {
        hold.id = book_transfer_id(i);
        if (ledger_transfer(ledger, moment, &hold, NULL, &made.record, &undo) != OUTCOME_OK) {
            fail_msg("hold %llu", (unsigned long long)i);
        }
    }
    moment.stamp.ns += 60 * NS_PER_S;
    for (uint64_t i = 1; i <= MILLION; i++) {
        bool due = ledger_expire(ledger, moment, &made.record);
        if (!due || made.more.target.value.lo != i) fail_msg("expiry %llu", (unsigned long long)i);
    }
    assert_false(ledger_expire(ledger, moment, &made.record));
    assert_int_equal(ledger->holds.count, 0);
    assert_true(money_is_zero(ledger_account(ledger, 0)->balance.debits_pending));
    assert_int_equal(ledger_account(ledger, 1)->entry_count, 2 * MILLION);
    assert_null(book_fault(ledger));
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refused_reservation_is_a_limit_and_leaks_nothing),
        cmocka_unit_test(options_out_of_range_stop_the_program),
        cmocka_unit_test(accounts_come_to_every_outcome_in_order),
        cmocka_unit_test(later_states_do_not_make_another_account),
        cmocka_unit_test(acts_come_to_every_outcome_in_order),
        cmocka_unit_test(raises_come_to_every_outcome),
        cmocka_unit_test(acts_change_what_they_say),
        cmocka_unit_test(a_group_taken_back_leaves_no_trace),
        cmocka_unit_test(a_million_holds_expire_in_order_of_making),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: whatever slices of whatever age are stored, loading them and replaying the journal gives
 * the state that was (rule 7: a side is applied only where it is newer); every sweep ends; bytes
 * that are no slice are refused.
 * Method: random batches with slices taken at random boundaries into a store that forgets what
 * newer slices cover, as port/store.h says; at random moments everything is recovered and
 * compared with the ledger that never stopped. Damage by tables.
 */
#include "ledger/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ledger/ledger_test.h"

/* ---- The slices that are stored ---- */

enum { STORED_MAX = 4096 };

struct stored {
    struct slice slice;
    uint64_t at_batch;
    uint8_t *bytes;
    size_t len;
};

struct shelf {
    struct stored stored[STORED_MAX];
    uint32_t count;
};

/* Takes the place of what it covers of earlier generations. */
static void shelf_put(struct shelf *shelf, struct slice slice, uint64_t at_batch,
                      const struct buf *bytes)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < shelf->count; i++) {
        struct stored *old = &shelf->stored[i];
        bool covered = old->slice.table == slice.table &&
                       old->slice.generation < slice.generation && old->slice.to <= slice.to;
        if (covered) free(old->bytes);
        if (!covered) shelf->stored[kept++] = *old;
    }
    shelf->count = kept;
    CHECK(shelf->count < STORED_MAX);
    struct stored made = { slice, at_batch, book_memory(bytes->len + 1, 1), bytes->len };
    if (bytes->len > 0) memcpy(made.bytes, bytes->data, bytes->len);
    shelf->stored[shelf->count++] = made;
}

static void shelf_clear(struct shelf *shelf)
{
    for (uint32_t i = 0; i < shelf->count; i++) free(shelf->stored[i].bytes);
    shelf->count = 0;
}

/* Before: by table, then the newest generation, then by number. */
static bool loads_before(const struct slice *a, const struct slice *b)
{
    if (a->table != b->table) return a->table < b->table;
    if (a->generation != b->generation) return a->generation > b->generation;
    return a->from < b->from;
}

static void shelf_sort(struct shelf *shelf)
{
    for (uint32_t i = 1; i < shelf->count; i++) {
        struct stored stored = shelf->stored[i];
        uint32_t at = i;
        for (; at > 0 && loads_before(&stored.slice, &shelf->stored[at - 1].slice); at--) {
            shelf->stored[at] = shelf->stored[at - 1];
        }
        shelf->stored[at] = stored;
    }
}

static bool shelf_has_whole_sweep(const struct shelf *shelf)
{
    for (uint32_t i = 0; i < shelf->count; i++) {
        if (shelf->stored[i].slice.table == SLICE_REGISTRY) return true;
    }
    return false;
}

/* ---- Recovery, as a lane does it ---- */

struct recovered {
    enum status status;
    uint64_t first;    /* batch replayed first */
    bool stepped_back; /* it lies before every slice */
};

static struct recovered recover(struct shelf *shelf, const struct book *book, struct ledger *ledger)
{
    struct recovered recovered = { .first = 1 };
    uint64_t registry_batch = 0;
    ledger_reset(ledger);
    if (shelf_has_whole_sweep(shelf)) {
        shelf_sort(shelf);
        uint64_t oldest = UINT64_MAX;
        for (uint32_t i = 0; i < shelf->count; i++) {
            const struct stored *stored = &shelf->stored[i];
            struct str bytes = { (const char *)stored->bytes, stored->len };
            recovered.status = slice_load(ledger, &stored->slice, stored->at_batch, bytes);
            if (recovered.status != STATUS_OK) return recovered;
            if (stored->at_batch < oldest) oldest = stored->at_batch;
            if (stored->slice.table == SLICE_REGISTRY) registry_batch = stored->at_batch;
        }
        recovered.first = oldest + 1;
        while (recovered.first <= book->batch &&
               !slice_covers(ledger, &book->headers[recovered.first])) {
            recovered.first--;
            recovered.stepped_back = true;
        }
    }
    recovered.status = book_replay(book, recovered.first, registry_batch, ledger);
    return recovered;
}

/* ---- Random life ---- */

struct life {
    struct book book;
    struct ledger *spare;
    struct shelf shelf;
    struct sweep sweep;
    struct prng prng;
    uint64_t accounts;
    uint64_t accounts_max; /* few of them make short sweeps */
    uint32_t recoveries;
    uint32_t stepped_back;
    uint64_t replayed;
};

enum { ACCOUNTS_MAX = 120, HOLDS_MAX = 24, REVERSALS_MAX = 400, BATCHES = 1200 };

static void life_sweep(struct life *life)
{
    BUF_SCOPE struct buf bytes = { 0 };
    buf_init(&bytes, SLICE_SIZE_MAX);
    for (uint64_t left = prng_below(&life->prng, 6); left > 0; left--) {
        life->sweep.entries_max = (uint32_t)prng_between(&life->prng, 1, 9);
        buf_reset(&bytes);
        struct slice slice = sweep_next(life->book.ledger, &life->sweep, &bytes);
        shelf_put(&life->shelf, slice, life->book.batch, &bytes);
    }
}

static void life_account(struct life *life)
{
    for (uint64_t left = prng_below(&life->prng, 4); left > 0; left--) {
        if (life->accounts == life->accounts_max) return;
        uint64_t number = ++life->accounts;
        uint16_t flags = number % 4 == 0 ? ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS : 0;
        assert_int_equal(book_open_account(&life->book, number, EUR, flags), ACCOUNT_OUTCOME_OK);
    }
}

static uint64_t newest_generation(const struct shelf *shelf)
{
    uint64_t newest = 0;
    for (uint32_t i = 0; i < shelf->count; i++) {
        if (shelf->stored[i].slice.generation > newest) {
            newest = shelf->stored[i].slice.generation;
        }
    }
    return newest;
}

/* Recovers beside the living ledger; then, sometimes, life goes on with the recovered one. */
static void life_recover(struct life *life)
{
    struct recovered recovered = recover(&life->shelf, &life->book, life->spare);
    assert_int_equal(recovered.status, STATUS_OK);
    const char *fault = book_fault(life->spare);
    if (fault != NULL) fail_msg("batch %llu: %s", (unsigned long long)life->book.batch, fault);
    assert_true(book_same_state(life->book.ledger, life->spare));
    life->recoveries++;
    life->stepped_back += recovered.stepped_back;
    life->replayed += life->book.batch + 1 - recovered.first;
    if (!prng_chance(&life->prng, 1, 3)) return;
    struct ledger *before = life->book.ledger;
    life->book.ledger = life->spare;
    life->spare = before;
    life->sweep = (struct sweep){ .generation = newest_generation(&life->shelf) + 1,
                                  .table = SLICE_ACCOUNTS };
}

static void any_slices_and_the_journal_give_the_state_that_was(void **state)
{
    (void)state;
    static struct life life;
    struct ledger_options options = { ACCOUNTS_MAX, HOLDS_MAX, REVERSALS_MAX, 7, 4 };
    for (uint64_t seed = 1; seed <= 6; seed++) {
        prng_init(&life.prng, seed);
        book_open(&life.book, options, 60000);
        assert_int_equal(ledger_new(&options, &life.spare), STATUS_OK);
        life.sweep = (struct sweep){ .generation = 1, .table = SLICE_ACCOUNTS };
        life.accounts = 4;
        life.accounts_max = seed % 2 == 0 ? ACCOUNTS_MAX : 8;
        book_open_accounts(&life.book, life.accounts);
        while (life.book.batch < BATCHES) {
            book_random_batch(&life.book, &life.prng, life.accounts);
            if (prng_chance(&life.prng, 1, 10)) life_account(&life);
            life_sweep(&life);
            if (prng_chance(&life.prng, 1, 12)) life_recover(&life);
        }
        life_recover(&life);
        assert_int_equal(life.accounts, life.accounts_max);
        book_close(&life.book);
        ledger_free(life.spare);
        shelf_clear(&life.shelf);
    }
    assert_true(life.recoveries > 500); /* the walk went where it is hard */
    assert_true(life.stepped_back > 0);
    assert_true(life.replayed < (uint64_t)life.recoveries * BATCHES / 8); /* not the whole */
}

/* ---- Sweeps ---- */

static void a_sweep_ends_though_entries_are_made_faster(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4000, 4000, 4, 7, 4 }, 20000);
    book_open_accounts(&book, 40);
    struct sweep sweep = { .generation = 1, .table = SLICE_ACCOUNTS, .entries_max = 5 };
    BUF_SCOPE struct buf bytes = { 0 };
    buf_init(&bytes, SLICE_SIZE_MAX);
    uint32_t slices = 0;
    for (; sweep.generation == 1; slices++) {
        assert_true(slices < 100);
        for (uint64_t i = 0; i < 20; i++) {
            struct transfer hold = book_hold(3, 6, 1, 0);
            struct ledger_undo undo;
            assert_int_equal(book_transfer(&book, &hold, &undo), OUTCOME_OK);
            uint64_t number = book.ledger->account_count + 1;
            assert_int_equal(book_open_account(&book, number, EUR, 0), ACCOUNT_OUTCOME_OK);
        }
        buf_reset(&bytes);
        size_t expected = sweep_next_size(book.ledger, &sweep);
        uint32_t table = sweep.table;
        struct slice slice = sweep_next(book.ledger, &sweep, &bytes);
        if (table != SLICE_REGISTRY) assert_int_equal(bytes.len, expected);
        assert_int_equal(slice.table, table);
        assert_int_equal(slice.generation, 1);
    }
    book_close(&book);
}

/* Slices without a word about their size are as large as fits. */
static void slices_are_large_by_default(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, (struct ledger_options){ 4000, 4, 4, 7, 4 }, 4000);
    for (uint64_t i = 1; i <= 1500; i++) {
        assert_int_equal(book_open_account(&book, i, EUR, 0), ACCOUNT_OUTCOME_OK);
    }
    struct sweep sweep = { .generation = 9, .table = SLICE_ACCOUNTS };
    static const uint32_t tables[] = { SLICE_ACCOUNTS,  SLICE_ACCOUNTS, SLICE_HOLDS,
                                       SLICE_REVERSALS, SLICE_PAYMENTS, SLICE_REGISTRY };
    static const uint64_t ends[] = { 1024, 1500, 1, 0, 0, 1 };
    BUF_SCOPE struct buf bytes = { 0 };
    buf_init(&bytes, SLICE_SIZE_MAX);
    for (int i = 0; i < 6; i++) {
        buf_reset(&bytes);
        struct slice slice = sweep_next(book.ledger, &sweep, &bytes);
        assert_int_equal(slice.table, tables[i]);
        assert_int_equal(slice.to, ends[i]);
        assert_false(bytes.overflow);
    }
    assert_int_equal(sweep.generation, 10);
    assert_int_equal(sweep.table, SLICE_ACCOUNTS);
    book_close(&book);
}

/* ---- Damage ---- */

enum { DAMAGE_ENTRIES = 3 };

/* Three entries of a table, as a slice; returns its bytes in out_bytes. */
static struct slice a_slice(uint32_t table, struct buf *out_bytes)
{
    buf_reset(out_bytes);
    for (uint64_t i = 1; i <= DAMAGE_ENTRIES; i++) {
        struct account_state account = { .account.id = book_account_id(i) };
        struct hold hold = { .id = book_transfer_id(i), .remaining = { 1 }, .number = i };
        struct reversal reversal = { .target = book_transfer_id(i), .reversed = { 1 } };
        if (table == SLICE_ACCOUNTS) buf_append(out_bytes, &account, sizeof account);
        if (table == SLICE_HOLDS) buf_append(out_bytes, &hold, sizeof hold);
        if (table == SLICE_REVERSALS) buf_append(out_bytes, &reversal, sizeof reversal);
    }
    uint64_t first = table == SLICE_HOLDS ? 1 : 0;
    return (struct slice){ table, 1, first, first + DAMAGE_ENTRIES };
}

static size_t entry_size(uint32_t table)
{
    return table == SLICE_ACCOUNTS ? sizeof(struct account_state)
           : table == SLICE_HOLDS  ? sizeof(struct hold)
                                   : sizeof(struct reversal);
}

static enum status load(struct ledger *ledger, struct slice slice, const struct buf *bytes)
{
    ledger_reset(ledger);
    return slice_load(ledger, &slice, 1, buf_view(bytes));
}

static void tables_that_are_no_slice_are_refused(void **state)
{
    (void)state;
    struct ledger *ledger, *small;
    assert_int_equal(ledger_new(&(struct ledger_options){ 9, 9, 9, 7, 4 }, &ledger), STATUS_OK);
    assert_int_equal(ledger_new(&(struct ledger_options){ 2, 2, 2, 7, 4 }, &small), STATUS_OK);
    BUF_SCOPE struct buf bytes = { 0 };
    buf_init(&bytes, SLICE_SIZE_MAX);
    for (uint32_t table = SLICE_ACCOUNTS; table <= SLICE_REVERSALS; table++) {
        struct slice slice = a_slice(table, &bytes);
        assert_int_equal(load(ledger, slice, &bytes), STATUS_OK);
        assert_int_equal(load(small, slice, &bytes), STATUS_LIMIT);
        struct slice gap = { table, 1, slice.from + 1, slice.to + 1 };
        assert_int_equal(load(ledger, gap, &bytes), STATUS_CORRUPT);
        struct slice backwards = { table, 1, slice.to, slice.from };
        assert_int_equal(load(ledger, backwards, &bytes), STATUS_CORRUPT);
        struct slice unknown = { table + 7, 1, slice.from, slice.to };
        assert_int_equal(load(ledger, unknown, &bytes), STATUS_CORRUPT);
        bytes.len--;
        assert_int_equal(load(ledger, slice, &bytes), STATUS_CORRUPT);
        bytes.len++;
        size_t size = entry_size(table); /* the second is the first once more */
        memcpy(bytes.data + size, bytes.data, size);
        assert_int_equal(load(ledger, slice, &bytes), STATUS_CORRUPT);
    }
    ledger_free(ledger);
    ledger_free(small);
}

static void holds_out_of_order_or_range_are_refused(void **state)
{
    (void)state;
    struct ledger *ledger;
    assert_int_equal(ledger_new(&(struct ledger_options){ 9, 9, 9, 7, 4 }, &ledger), STATUS_OK);
    BUF_SCOPE struct buf bytes = { 0 };
    buf_init(&bytes, SLICE_SIZE_MAX);
    for (int damage = 0; damage < 5; damage++) {
        struct slice slice = a_slice(SLICE_HOLDS, &bytes);
        struct hold *holds = (struct hold *)bytes.data;
        if (damage == 1) holds[1].number = 3;
        if (damage == 2) holds[2].number = 4;
        if (damage == 3) holds[0].remaining = MONEY_ZERO;
        if (damage == 4) holds[0].number = 0;
        assert_int_equal(load(ledger, slice, &bytes), damage == 0 ? STATUS_OK : STATUS_CORRUPT);
    }
    ledger_free(ledger);
}

static void a_cut_registry_is_refused(void **state)
{
    (void)state;
    struct ledger *ledger;
    assert_int_equal(ledger_new(&(struct ledger_options){ 9, 9, 9, 7, 4 }, &ledger), STATUS_OK);
    ledger->holds_made = 77;
    struct sweep sweep = { .generation = 1, .table = SLICE_REGISTRY };
    BUF_SCOPE struct buf bytes = { 0 };
    buf_init(&bytes, SLICE_SIZE_MAX);
    struct slice slice = sweep_next(ledger, &sweep, &bytes);
    assert_int_equal(load(ledger, slice, &bytes), STATUS_OK);
    assert_int_equal(ledger->holds_made, 77);
    while (bytes.len-- > 0) assert_int_equal(load(ledger, slice, &bytes), STATUS_CORRUPT);
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_slices_and_the_journal_give_the_state_that_was),
        cmocka_unit_test(a_sweep_ends_though_entries_are_made_faster),
        cmocka_unit_test(slices_are_large_by_default),
        cmocka_unit_test(tables_that_are_no_slice_are_refused),
        cmocka_unit_test(holds_out_of_order_or_range_are_refused),
        cmocka_unit_test(a_cut_registry_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

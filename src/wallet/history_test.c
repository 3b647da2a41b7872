/*
 * Goal: what the journal says of a transfer, an account's entries and its balance at any moment
 * is what was; a changed byte is found and its place is named, never believed.
 * Method: random batches kept in a store that is an array, with a copy of all balances after
 * each unit; every byte of a batch is changed in turn.
 */
#include "wallet/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "ledger/ledger_test.h"
#include "wallet/batch.h"

enum { ACCOUNTS = 6, BATCHES = 40, ENTRIES_MAX = 4000, UNITS_MAX = 4000, RECORDS_MAX = 8000 };

/* ---- A store that is an array ---- */

struct array_store {
    struct store port;
    struct buf blobs[BATCHES + 1]; /* by sequence */
    bool fails;
};

static enum status array_read(struct store *port, uint64_t sequence, struct buf *out_blob,
                              struct error *out_error)
{
    struct array_store *store = (struct array_store *)port;
    if (store->fails) return error_set(out_error, STATUS_UNAVAILABLE, "no power");
    if (sequence == 0 || sequence > BATCHES) return STATUS_NOT_FOUND;
    buf_reset(out_blob);
    buf_append_str(out_blob, buf_view(&store->blobs[sequence]));
    return buf_status(out_blob);
}

static enum status array_read_part(struct store *port, uint64_t sequence, uint32_t offset,
                                   uint32_t size, void *out_bytes, struct error *out_error)
{
    struct array_store *store = (struct array_store *)port;
    if (store->fails) return error_set(out_error, STATUS_UNAVAILABLE, "no power");
    if (sequence == 0 || sequence > BATCHES) return STATUS_NOT_FOUND;
    const struct buf *blob = &store->blobs[sequence];
    if (offset > blob->len || size > blob->len - offset) {
        return error_set(out_error, STATUS_CORRUPT, "past the end of batch %llu",
                         (unsigned long long)sequence);
    }
    memcpy(out_bytes, blob->data + offset, size);
    return STATUS_OK;
}

/* ---- A life, and what it was like after each unit ---- */

struct snapshot {
    struct position position;
    struct balance balances[ACCOUNTS + 1];
};

struct life {
    struct array_store store;
    struct book book;
    struct batch batch;
    struct snapshot *snapshots;
    uint32_t snapshot_count;
    uint64_t accounts;
};

/* The newest record of the book into the batch: the book has it at the same place. */
static void life_write(struct life *life, uint32_t unit)
{
    const struct book_entry *entry = &life->book.entries[life->book.entry_count - 1];
    struct record_head *head = batch_room(&life->batch);
    memcpy(head, entry->bytes, BOOK_RECORD_SIZE_MAX);
    assert_int_equal(batch_next_locator(&life->batch).packed, entry->moment.locator.packed);
    batch_add(&life->batch, head, record_size(head), unit);
    life->book.offset = life->batch.size;
}

static void life_snapshot(struct life *life, uint32_t unit)
{
    struct snapshot *snapshot = &life->snapshots[life->snapshot_count++];
    snapshot->position = (struct position){ life->book.batch, unit };
    for (uint64_t i = 1; i <= life->accounts; i++) {
        snapshot->balances[i] = book_state(&life->book, i)->balance;
    }
}

static void life_context(struct life *life)
{
    struct record_context context = { .trace = { { life->batch.size, 3 }, 4 }, .route = 9 };
    batch_add_context(&life->batch, &context);
    life->book.offset = life->batch.size;
}

static void life_batch(struct life *life, struct prng *prng)
{
    struct book *book = &life->book;
    if (book->entry_count > 0) book_batch(book);
    struct batch_header header = book->headers[book->batch];
    header.magic = BATCH_MAGIC;
    header.version = BATCH_VERSION;
    header.header_size = sizeof header;
    batch_begin(&life->batch, &header);
    life_context(life);
    uint32_t unit = 0;
    if (life->accounts < ACCOUNTS && (book->batch == 1 || book->batch % 8 == 0)) {
        while (life->accounts < ACCOUNTS && (book->batch > 1 || life->accounts < 4)) {
            assert_int_equal(book_open_account(book, ++life->accounts, EUR, 0), 0);
            life_write(life, unit++);
            if (book->batch > 1) break;
        }
        life_snapshot(life, unit - 1);
    }
    for (; book_expire(book); unit++) {
        life_write(life, unit);
        life_snapshot(life, unit);
    }
    for (uint64_t left = prng_between(prng, 1, 12); left > 0; left--, unit++) {
        if (prng_chance(prng, 1, 4)) life_context(life);
        for (uint64_t members = prng_between(prng, 1, 2); members > 0; members--) {
            struct transfer transfer = book_random_transfer(book, prng, life->accounts);
            struct ledger_undo undo;
            (void)book_transfer(book, &transfer, &undo); /* any outcome is good */
            life_write(life, unit);
        }
        life_snapshot(life, unit);
    }
    batch_seal(&life->batch, 1, &(struct digest){ { 0 } });
    buf_init(&life->store.blobs[book->batch], BATCH_SIZE_MAX);
    buf_append(&life->store.blobs[book->batch], life->batch.data, life->batch.size);
}

static int life_begin(void **state)
{
    struct life *life = book_memory(1, sizeof *life);
    life->store.port = (struct store){ .read = array_read, .read_part = array_read_part };
    life->snapshots = book_memory(UNITS_MAX, sizeof *life->snapshots);
    assert_int_equal(batch_new(&life->batch), STATUS_OK);
    book_open(&life->book, (struct ledger_options){ ACCOUNTS, 50, 500, 7, 4 }, ENTRIES_MAX);
    struct prng prng;
    prng_init(&prng, 5);
    for (int i = 0; i < BATCHES; i++) life_batch(life, &prng);
    *state = life;
    return 0;
}

static int life_end(void **state)
{
    struct life *life = *state;
    for (int i = 1; i <= BATCHES; i++) buf_free(&life->store.blobs[i]);
    batch_free(&life->batch);
    book_close(&life->book);
    free(life->snapshots);
    free(life);
    return 0;
}

/* ---- Reading it back ---- */

static const struct record_transfer *transfer_of(const struct book_entry *entry)
{
    const struct record_head *head = (const struct record_head *)entry->bytes;
    return head->type == RECORD_TRANSFER ? (const struct record_transfer *)head : NULL;
}

/* Equal but for what only the batch knows. */
static void assert_is(const struct history_entry *read, struct book_entry *entry)
{
    struct record_transfer *record = (struct record_transfer *)entry->bytes;
    struct record_transfer copy = read->transfer;
    assert_int_equal(read->locator.packed, entry->moment.locator.packed);
    assert_int_equal(read->stamp.ns, entry->moment.stamp.ns);
    assert_int_equal(read->position.batch, entry->moment.batch);
    assert_int_equal(read->position.index, copy.head.unit);
    copy.head.size = 0;
    copy.head.unit = 0;
    copy.head.context = 0;
    copy.head.check = 0;
    assert_memory_equal(&copy, record, sizeof copy);
    struct record_transfer_more none = { 0 };
    bool is_long = transfer_is_long(record->head.kind, record->head.flags);
    assert_memory_equal(&read->more, is_long ? book_more(entry) : &none, sizeof none);
    assert_int_equal(read->context.head.type, RECORD_CONTEXT);
    assert_int_equal(read->context.trace.id.lo, read->transfer.head.context);
}

static void every_transfer_is_read_with_its_context(void **state)
{
    struct life *life = *state;
    struct error error;
    struct history_entry read;
    uint32_t transfers = 0;
    for (uint32_t i = 0; i < life->book.entry_count; i++) {
        struct book_entry *entry = &life->book.entries[i];
        enum status status =
            history_transfer(&life->store.port, entry->moment.locator, &read, &error);
        assert_int_equal(status, transfer_of(entry) != NULL ? STATUS_OK : STATUS_NOT_FOUND);
        if (status != STATUS_OK) continue;
        assert_is(&read, entry);
        transfers++;
    }
    assert_true(transfers > 300);
    struct locator context = locator_make(3, sizeof(struct batch_header));
    assert_int_equal(history_transfer(&life->store.port, context, &read, &error), STATUS_NOT_FOUND);
}

struct scan {
    struct life *life;
    uint32_t next; /* entry of the book */
    uint32_t seen;
    uint32_t stop_after;
};

static bool scan_visit(void *argument, const struct history_entry *read)
{
    struct scan *scan = argument;
    while (transfer_of(&scan->life->book.entries[scan->next]) == NULL) scan->next++;
    assert_is(read, &scan->life->book.entries[scan->next++]);
    return ++scan->seen != scan->stop_after;
}

static void a_scan_visits_all_in_order_until_told_to_stop(void **state)
{
    struct life *life = *state;
    struct error error;
    struct store *store = &life->store.port;
    struct scan scan = { .life = life };
    assert_int_equal(history_scan(store, 1, BATCHES, scan_visit, &scan, &error), STATUS_OK);
    while (scan.next < life->book.entry_count) {
        assert_null(transfer_of(&life->book.entries[scan.next++]));
    }
    struct scan some = { .life = life, .stop_after = 7 };
    assert_int_equal(history_scan(store, 1, BATCHES, scan_visit, &some, &error), STATUS_OK);
    assert_int_equal(some.seen, 7);
    struct scan later = { .life = life };
    while (life->book.entries[later.next].moment.batch < 9) later.next++;
    assert_int_equal(history_scan(store, 9, 9, scan_visit, &later, &error), STATUS_OK);
    assert_true(later.seen > 0 && later.seen < scan.seen);
    struct scan none = { .life = life };
    assert_int_equal(history_scan(store, 9, 8, scan_visit, &none, &error), STATUS_OK);
    assert_int_equal(none.seen, 0);
    assert_int_equal(history_scan(store, BATCHES + 1, BATCHES + 1, scan_visit, &none, &error),
                     STATUS_NOT_FOUND);
}

static bool scan_back_visit(void *argument, const struct history_entry *read)
{
    struct scan *scan = argument;
    do {
        assert_true(scan->next > 0);
        scan->next--;
    } while (transfer_of(&scan->life->book.entries[scan->next]) == NULL);
    assert_is(read, &scan->life->book.entries[scan->next]);
    return ++scan->seen != scan->stop_after;
}

static void a_scan_back_visits_the_same_in_the_opposite_order(void **state)
{
    struct life *life = *state;
    struct error error;
    struct store *store = &life->store.port;
    struct scan scan = { .life = life, .next = life->book.entry_count };
    assert_int_equal(history_scan_back(store, 1, BATCHES, scan_back_visit, &scan, &error),
                     STATUS_OK);
    while (scan.next > 0) assert_null(transfer_of(&life->book.entries[--scan.next]));
    assert_true(scan.seen > 300);
    struct scan some = { .life = life, .next = life->book.entry_count, .stop_after = 7 };
    assert_int_equal(history_scan_back(store, 1, BATCHES, scan_back_visit, &some, &error),
                     STATUS_OK);
    assert_int_equal(some.seen, 7);
    struct scan none = { .life = life };
    assert_int_equal(history_scan_back(store, 9, 8, scan_back_visit, &none, &error), STATUS_OK);
    assert_int_equal(none.seen, 0);
    assert_int_equal(
        history_scan_back(store, BATCHES + 1, BATCHES + 1, scan_back_visit, &none, &error),
        STATUS_NOT_FOUND);
    struct buf *blob = &life->store.blobs[9];
    blob->data[blob->len - 20] ^= 1;
    assert_int_equal(history_scan_back(store, 1, 9, scan_back_visit, &none, &error),
                     STATUS_CORRUPT);
    assert_int_equal(none.seen, 0); /* a batch is whole before any of it is shown */
    blob->data[blob->len - 20] ^= 1;
}

static bool concerns(const struct book_entry *entry, uint64_t account)
{
    const struct record_transfer *record = transfer_of(entry);
    if (record == NULL || record->head.outcome != OUTCOME_OK) return false;
    return record->debit.value.lo == account || record->credit.value.lo == account;
}

static void an_account_s_entries_come_newest_first_in_pages(void **state)
{
    struct life *life = *state;
    enum { PAGE = 3 };
    for (uint64_t account = 1; account <= ACCOUNTS; account++) {
        struct locator next = book_state(&life->book, account)->last_entry;
        struct history_entry entries[PAGE];
        struct history_page page = { .entries = entries, .limit = PAGE };
        uint32_t at = PAGE; /* in the page; a new one is read when it is past its end */
        for (uint32_t i = life->book.entry_count; i-- > 0;) {
            struct book_entry *entry = &life->book.entries[i];
            if (!concerns(entry, account)) continue;
            if (at == PAGE) {
                struct error error;
                assert_int_equal(history_of_account(&life->store.port, book_account_id(account),
                                                    next, &page, &error),
                                 STATUS_OK);
                next = page.next;
                at = 0;
            }
            assert_true(at < page.count);
            assert_is(&entries[at++], entry);
        }
        assert_int_equal(at, page.count);
        assert_true(locator_is_none(next));
    }
}

static void every_balance_of_the_past_is_found(void **state)
{
    struct life *life = *state;
    uint32_t too_early = 0;
    for (uint32_t i = 0; i < life->snapshot_count; i++) {
        const struct snapshot *snapshot = &life->snapshots[i];
        for (uint64_t account = 1; account <= ACCOUNTS; account++) {
            struct account_state *now = book_state(&life->book, account);
            struct balance balance;
            struct error error;
            enum status status =
                history_balance_at(&life->store.port, now, snapshot->position, &balance, &error);
            struct wall_time stamp = life->book.headers[snapshot->position.batch].stamp;
            bool there = now->created_at.ns <= stamp.ns;
            assert_int_equal(status, there ? STATUS_OK : STATUS_INVALID);
            too_early += !there;
            if (!there) continue;
            assert_memory_equal(&balance, &snapshot->balances[account], sizeof balance);
        }
    }
    assert_true(too_early > 0);
}

static void an_entry_does_nothing_to_strangers(void **state)
{
    struct life *life = *state;
    struct history_entry entry;
    struct error error;
    uint64_t first = 0;
    while (!concerns(&life->book.entries[first], 1)) first++;
    assert_int_equal(history_transfer(&life->store.port, life->book.entries[first].moment.locator,
                                      &entry, &error),
                     STATUS_OK);
    struct balance balance = { 0 };
    assert_true(history_effect(&entry, book_account_id(99), false, &balance));
    assert_memory_equal(&balance, &(struct balance){ 0 }, sizeof balance);
    assert_true(history_effect(&entry, book_account_id(1), false, &balance));
    assert_true(history_effect(&entry, book_account_id(1), true, &balance));
    assert_memory_equal(&balance, &(struct balance){ 0 }, sizeof balance);
    assert_false(history_effect(&entry, book_account_id(1), true, &balance));
}

/* ---- Damage ---- */

static bool same_entry(const struct history_entry *a, const struct history_entry *b)
{
    return a->stamp.ns == b->stamp.ns && a->position.index == b->position.index &&
           memcmp(&a->context, &b->context, sizeof a->context) == 0 &&
           memcmp(&a->transfer, &b->transfer, sizeof a->transfer) == 0 &&
           memcmp(&a->more, &b->more, sizeof a->more) == 0;
}

static void no_changed_byte_is_believed(void **state)
{
    struct life *life = *state;
    enum { BATCH = 7 };
    struct buf *blob = &life->store.blobs[BATCH];
    uint32_t first = 0;
    while (life->book.entries[first].moment.batch < BATCH ||
           transfer_of(&life->book.entries[first]) == NULL) {
        first++;
    }
    struct locator locator = life->book.entries[first].moment.locator;
    struct history_entry good, read;
    struct error error;
    assert_int_equal(history_transfer(&life->store.port, locator, &good, &error), STATUS_OK);
    uint32_t begin = locator_offset(locator), end = begin + good.transfer.head.size;
    uint32_t context = good.transfer.head.context;
    char place[64];
    for (uint32_t at = 0; at < blob->len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            blob->data[at] ^= (uint8_t)(1U << bit);
            enum status status = history_transfer(&life->store.port, locator, &read, &error);
            blob->data[at] ^= (uint8_t)(1U << bit);
            bool its_own = (at >= begin && at < end) || at < sizeof(struct batch_header) ||
                           (at >= context && at < context + sizeof(struct record_context));
            if (its_own != (status != STATUS_OK)) fail_msg("byte %u: %s", at, status_name(status));
            if (status == STATUS_OK) assert_true(same_entry(&good, &read));
            if (status == STATUS_OK || status == STATUS_NOT_FOUND) continue;
            assert_int_equal(status, STATUS_CORRUPT);
            assert_true(snprintf(place, sizeof place, "batch %d", BATCH) > 0);
            assert_non_null(strstr(error.message, place));
        }
    }
}

static void a_chain_that_leads_elsewhere_is_damage(void **state)
{
    struct life *life = *state;
    struct history_entry entries[4];
    struct history_page page = { .entries = entries, .limit = 4 };
    struct error error;
    struct locator wrong = { 0 };
    for (uint32_t i = 0; i < life->book.entry_count && wrong.packed == 0; i++) {
        bool strange =
            transfer_of(&life->book.entries[i]) != NULL && !concerns(&life->book.entries[i], 1);
        if (strange) wrong = life->book.entries[i].moment.locator;
    }
    assert_int_equal(
        history_of_account(&life->store.port, book_account_id(1), wrong, &page, &error),
        STATUS_CORRUPT);
    struct account_state state_1 = *book_state(&life->book, 1);
    state_1.last_entry = wrong;
    struct balance balance;
    struct position begin = { 1, 0 };
    assert_int_equal(history_balance_at(&life->store.port, &state_1, begin, &balance, &error),
                     STATUS_CORRUPT);
    state_1 = *book_state(&life->book, 1);
    state_1.balance = (struct balance){ 0 }; /* less than was added to it */
    assert_int_equal(history_balance_at(&life->store.port, &state_1, begin, &balance, &error),
                     STATUS_CORRUPT);
}

static void an_account_is_read_as_it_was_asked_for(void **state)
{
    struct life *life = *state;
    struct error error = { 0 };
    uint32_t accounts = 0;
    for (uint32_t i = 0; i < life->book.entry_count; i++) {
        const struct book_entry *entry = &life->book.entries[i];
        const struct record_account *made = (const struct record_account *)entry->bytes;
        struct record_account read;
        enum status status =
            history_account(&life->store.port, entry->moment.locator, &read, &error);
        bool is_account = made->head.type == RECORD_ACCOUNT;
        assert_int_equal(status, is_account ? STATUS_OK : STATUS_NOT_FOUND);
        if (!is_account) continue;
        assert_memory_equal(&read.account, &made->account, sizeof read.account);
        accounts++;
    }
    assert_true(accounts > 0);
}

static void a_store_that_is_away_is_said_to_be(void **state)
{
    struct life *life = *state;
    struct history_entry entry;
    struct balance balance;
    struct error error;
    struct scan scan = { .life = life };
    struct store *store = &life->store.port;
    life->store.fails = true;
    struct record_account account;
    assert_int_equal(history_account(store, locator_make(1, 128), &account, &error),
                     STATUS_UNAVAILABLE);
    assert_int_equal(history_transfer(store, locator_make(1, 128), &entry, &error),
                     STATUS_UNAVAILABLE);
    assert_int_equal(history_balance_at(store, book_state(&life->book, 1),
                                        (struct position){ 1, 0 }, &balance, &error),
                     STATUS_UNAVAILABLE);
    assert_int_equal(history_scan(store, 1, 2, scan_visit, &scan, &error), STATUS_UNAVAILABLE);
    assert_int_equal(history_scan_back(store, 1, 2, scan_back_visit, &scan, &error),
                     STATUS_UNAVAILABLE);
    life->store.fails = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_transfer_is_read_with_its_context),
        cmocka_unit_test(a_scan_visits_all_in_order_until_told_to_stop),
        cmocka_unit_test(a_scan_back_visits_the_same_in_the_opposite_order),
        cmocka_unit_test(an_account_s_entries_come_newest_first_in_pages),
        cmocka_unit_test(every_balance_of_the_past_is_found),
        cmocka_unit_test(an_entry_does_nothing_to_strangers),
        cmocka_unit_test(no_changed_byte_is_believed),
        cmocka_unit_test(a_chain_that_leads_elsewhere_is_damage),
        cmocka_unit_test(an_account_is_read_as_it_was_asked_for),
        cmocka_unit_test(a_store_that_is_away_is_said_to_be),
    };
    return cmocka_run_group_tests(tests, life_begin, life_end);
}

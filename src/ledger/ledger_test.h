/* ledger_test.h - for tests: a ledger, and beside it everything it ever recorded, in memory. */
#ifndef LEDGER_LEDGER_TEST_H
#define LEDGER_LEDGER_TEST_H

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/prng.h"
#include "ledger/decide.h"
#include "ledger/replay.h"
#include "ledger/verify.h"

/*
 * Plays the part of a lane: finds targets in what was recorded, keeps records in order with
 * their place, and counts what each batch began with. Accounts and transfers are named by small
 * numbers. Stops the program when memory is lacking.
 */
enum {
    BOOK_RECORD_SIZE_MAX = 192,
    BOOK_BATCHES_MAX = 4096,
    BOOK_DAY = 20000, /* the date at the start, in days */
    EUR = 978,
    USD = 840,
};

struct book_entry {
    struct ledger_moment moment;
    _Alignas(16) uint8_t bytes[BOOK_RECORD_SIZE_MAX];
};

struct book {
    struct ledger *ledger;
    struct book_entry *entries;
    uint32_t entry_count;
    uint32_t entries_max;
    uint32_t *entry_of;           /* by number of the transfer: its entry + 1 */
    uint8_t *closed_by;           /* by number of the hold */
    struct batch_header *headers; /* by batch */
    uint64_t batch;
    uint32_t offset;
    struct wall_time stamp;
    uint64_t transfers; /* the newest number given to one */
    uint64_t admin_acts;
};

static inline struct account_id book_account_id(uint64_t number)
{
    return (struct account_id){ { .lo = number, .hi = 3 } };
}

static inline struct transfer_id book_transfer_id(uint64_t number)
{
    return (struct transfer_id){ { .lo = number, .hi = 7 } };
}

static inline void *book_memory(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    CHECK(memory != NULL);
    return memory;
}

/* Begins the next batch, one second after the last. */
static inline void book_batch(struct book *book)
{
    book->batch++;
    CHECK(book->batch < BOOK_BATCHES_MAX);
    book->offset = sizeof(struct batch_header);
    book->stamp.ns += NS_PER_S;
    book->headers[book->batch] = (struct batch_header){
        .sequence = book->batch,
        .stamp = book->stamp,
        .first_account = book->ledger->account_count,
        .first_hold = book->ledger->holds_made + 1,
        .first_reversal = book->ledger->reversal_count,
        .first_payment = book->ledger->payments.used,
    };
}

static inline void book_open(struct book *book, struct ledger_options options, uint32_t entries_max)
{
    *book = (struct book){ .entries_max = entries_max };
    enum status status = ledger_new(&options, &book->ledger);
    CHECK(status == STATUS_OK);
    book->entries = book_memory(entries_max, sizeof *book->entries);
    book->entry_of = book_memory(entries_max, sizeof *book->entry_of);
    book->closed_by = book_memory(entries_max, sizeof *book->closed_by);
    book->headers = book_memory(BOOK_BATCHES_MAX, sizeof *book->headers);
    book->stamp.ns = BOOK_DAY * NS_PER_DAY;
    book_batch(book);
}

static inline void book_close(struct book *book)
{
    ledger_free(book->ledger);
    free(book->entries);
    free(book->entry_of);
    free(book->closed_by);
    free(book->headers);
}

/* The whole again from the start, keeping the memory. */
static inline void book_reset(struct book *book)
{
    ledger_reset(book->ledger);
    memset(book->entry_of, 0, book->entries_max * sizeof *book->entry_of);
    memset(book->closed_by, 0, book->entries_max * sizeof *book->closed_by);
    book->entry_count = 0;
    book->transfers = 0;
    book->batch = 0;
    book->stamp.ns = BOOK_DAY * NS_PER_DAY;
    book_batch(book);
}

/* The next entry; it is part of the book once book_keep() was called. */
static inline struct book_entry *book_room(struct book *book)
{
    CHECK(book->entry_count < book->entries_max);
    struct book_entry *entry = &book->entries[book->entry_count];
    *entry = (struct book_entry){ .moment = { .stamp = book->stamp, .batch = book->batch } };
    entry->moment.locator = locator_make(book->batch, book->offset);
    return entry;
}

static inline struct record_transfer_more *book_more(struct book_entry *entry)
{
    return (struct record_transfer_more *)(entry->bytes + sizeof(struct record_transfer));
}

static inline void book_keep(struct book *book)
{
    struct book_entry *entry = &book->entries[book->entry_count++];
    const struct record_head *head = (const struct record_head *)entry->bytes;
    book->offset += BOOK_RECORD_SIZE_MAX;
    if (head->type != RECORD_TRANSFER) return;
    const struct record_transfer *record = (const struct record_transfer *)entry->bytes;
    if (!uuid_is_nil(record->id.value)) book->entry_of[record->id.value.lo] = book->entry_count;
    if ((head->flags & RECORD_FLAG_CLOSES_HOLD) == 0) return;
    book->closed_by[book_more(entry)->target.value.lo] = head->kind;
}

/* Takes the newest entry, a transfer, out again. */
static inline void book_forget(struct book *book)
{
    struct book_entry *entry = &book->entries[--book->entry_count];
    const struct record_transfer *record = (const struct record_transfer *)entry->bytes;
    book->offset -= BOOK_RECORD_SIZE_MAX;
    book->entry_of[record->id.value.lo] = 0;
    if ((record->head.flags & RECORD_FLAG_CLOSES_HOLD) == 0) return;
    book->closed_by[book_more(entry)->target.value.lo] = 0;
}

/* What the book's record of a transfer says; NULL when there is none. */
static inline const struct record_transfer *book_record(const struct book *book, uint64_t transfer)
{
    uint32_t entry = transfer < book->entries_max ? book->entry_of[transfer] : 0;
    if (entry == 0) return NULL;
    return (const struct record_transfer *)book->entries[entry - 1].bytes;
}

static inline struct ledger_target book_target(const struct book *book,
                                               const struct transfer *transfer)
{
    const struct record_transfer *record = book_record(book, transfer->target.value.lo);
    struct ledger_target target = { .found = record != NULL };
    if (record == NULL) return target;
    target.view = transfer_view_of(record);
    target.closed_by = book->closed_by[transfer->target.value.lo];
    return target;
}

/* Decides, applies and records; a nil id becomes the next number. */
static inline enum outcome book_transfer(struct book *book, const struct transfer *asked,
                                         struct ledger_undo *out_undo)
{
    struct transfer transfer = *asked;
    if (uuid_is_nil(transfer.id.value)) transfer.id = book_transfer_id(++book->transfers);
    struct book_entry *entry = book_room(book);
    struct ledger_target target = book_target(book, &transfer);
    bool needed = ledger_needs_target(book->ledger, &transfer);
    struct record_transfer *record = (struct record_transfer *)entry->bytes;
    enum outcome outcome = ledger_transfer(book->ledger, entry->moment, &transfer,
                                           needed ? &target : NULL, record, out_undo);
    CHECK(record->head.outcome == outcome);
    book_keep(book);
    return outcome;
}

/* False when no hold is due. */
static inline bool book_expire(struct book *book)
{
    struct book_entry *entry = book_room(book);
    struct record_transfer *record = (struct record_transfer *)entry->bytes;
    if (!ledger_expire(book->ledger, entry->moment, record)) return false;
    book_keep(book);
    return true;
}

static inline enum account_outcome book_account(struct book *book, const struct account *account)
{
    struct book_entry *entry = book_room(book);
    bool repeated;
    uint32_t number;
    enum account_outcome outcome =
        ledger_account_create(book->ledger, entry->moment, account, &repeated, &number);
    if (repeated) return outcome;
    struct record_account *record = (struct record_account *)entry->bytes;
    record->head.type = RECORD_ACCOUNT;
    record->head.outcome = (uint8_t)outcome;
    record->account = *account;
    book_keep(book);
    return outcome;
}

/* An account by its small number. */
static inline enum account_outcome book_open_account(struct book *book, uint64_t number,
                                                     uint32_t asset, uint16_t flags)
{
    struct account account = {
        .id = book_account_id(number),
        .asset = asset,
        .kind = (uint16_t)(ACCOUNT_ASSET + number % 5),
        .flags = flags,
    };
    return book_account(book, &account);
}

static inline enum admin_outcome book_admin(struct book *book, const struct admin *admin)
{
    struct book_entry *entry = book_room(book);
    union ledger_admin_record record;
    uint16_t size = ledger_admin(book->ledger, entry->moment, admin, &record);
    CHECK(size <= sizeof entry->bytes);
    memcpy(entry->bytes, &record, size);
    book_keep(book);
    return record.head.outcome;
}

static inline struct account_state *book_state(struct book *book, uint64_t account)
{
    uint32_t number = ledger_account_find(book->ledger, book_account_id(account));
    CHECK(number != ACCOUNT_NONE);
    return &book->ledger->accounts[number];
}

static inline struct transfer book_direct(uint64_t debit, uint64_t credit, uint64_t minor)
{
    return (struct transfer){
        .kind = TRANSFER_DIRECT,
        .debit = book_account_id(debit),
        .credit = book_account_id(credit),
        .amount = money_from_minor(minor),
        .asset = EUR,
    };
}

static inline struct transfer book_hold(uint64_t debit, uint64_t credit, uint64_t minor,
                                        uint32_t timeout_s)
{
    struct transfer transfer = book_direct(debit, credit, minor);
    transfer.kind = TRANSFER_HOLD;
    transfer.timeout_s = timeout_s;
    return transfer;
}

/* POST, VOID or REVERSAL of the transfer with this number; MONEY_MAX is all. */
static inline struct transfer book_on(enum transfer_kind kind, uint64_t target, struct money amount)
{
    return (struct transfer){
        .kind = (uint8_t)kind,
        .target = book_transfer_id(target),
        .amount = kind == TRANSFER_VOID ? MONEY_MAX : amount,
    };
}

/* ---- Comparing states ---- */

static inline void book_write_account(const struct account_state *state, struct buf *out_bytes)
{
    struct account_state copy;
    memcpy(&copy, state, sizeof copy); /* padding too */
    copy.applied_batch = 0;            /* says how it came, not what it is */
    buf_append(out_bytes, &copy, sizeof copy);
}

/*
 * Everything that an observer could tell of a ledger, as bytes: equal bytes are equal states.
 * Places in memory are left out, for they follow from the history of undone work.
 */
static inline void book_write_state(const struct ledger *ledger, struct buf *out_bytes)
{
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        book_write_account(&ledger->accounts[i], out_bytes);
    }
    for (uint32_t i = 0; i < LEDGER_TOTALS_MAX; i++) {
        if (ledger->totals[i].account_count == 0) continue;
        buf_append(out_bytes, &i, sizeof i);
        buf_append(out_bytes, &ledger->totals[i], sizeof ledger->totals[i]);
    }
    const struct hold_table *table = &ledger->holds;
    for (uint32_t at = table->first; at != HOLD_NONE; at = table->holds[at].next) {
        struct hold hold = table->holds[at];
        hold.applied_batch = 0;
        hold.next = hold.previous = hold.heap_index = 0;
        buf_append(out_bytes, &hold, sizeof hold);
    }
    for (uint32_t i = 0; i < ledger->reversal_count; i++) {
        struct reversal reversal = ledger->reversals[i];
        reversal.applied_batch = 0;
        buf_append(out_bytes, &reversal, sizeof reversal);
    }
    registry_save(&ledger->registry, out_bytes);
    buf_append(out_bytes, &ledger->holds_made, sizeof ledger->holds_made);
    CHECK(!out_bytes->overflow);
}

static inline bool book_same_state(const struct ledger *a, const struct ledger *b)
{
    BUF_SCOPE struct buf left = { 0 };
    BUF_SCOPE struct buf right = { 0 };
    buf_init(&left, 256 << 20);
    buf_init(&right, 256 << 20);
    book_write_state(a, &left);
    book_write_state(b, &right);
    return str_equal(buf_view(&left), buf_view(&right));
}

/* NULL when every invariant holds. */
static inline const char *book_fault(const struct ledger *ledger)
{
    const char *reason = "?";
    return ledger_check(ledger, &reason) == STATUS_OK ? NULL : reason;
}

/* ---- Requests at random ---- */

/* Accounts 1 to `accounts`: a third with each bound and without, in two assets. */
static inline void book_open_accounts(struct book *book, uint64_t accounts)
{
    static const uint16_t bounds[] = { 0, ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS,
                                       ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS };
    for (uint64_t i = 1; i <= accounts; i++) {
        enum account_outcome outcome =
            book_open_account(book, i, i % 8 == 7 ? USD : EUR, bounds[i % 3]);
        CHECK(outcome == ACCOUNT_OUTCOME_OK);
    }
}

/* A request that transfer_fault() lets pass; targets are among the newest. */
static inline struct transfer book_random_transfer(struct book *book, struct prng *prng,
                                                   uint64_t accounts)
{
    static const uint8_t kinds[] = { TRANSFER_DIRECT, TRANSFER_DIRECT,   TRANSFER_HOLD,
                                     TRANSFER_HOLD,   TRANSFER_HOLD,     TRANSFER_POST,
                                     TRANSFER_VOID,   TRANSFER_REVERSAL, TRANSFER_REVERSAL };
    uint8_t kind = kinds[prng_below(prng, sizeof kinds)];
    uint64_t minor = prng_between(prng, 1, 60);
    struct transfer transfer;
    if (kind == TRANSFER_DIRECT || kind == TRANSFER_HOLD) {
        uint64_t debit = prng_between(prng, 1, accounts);
        uint64_t credit = debit % accounts + 1;
        uint32_t timeout_s = kind == TRANSFER_HOLD ? (uint32_t)prng_below(prng, 12) : 0;
        transfer = book_hold(debit, credit, minor, timeout_s);
        transfer.kind = kind;
        if (prng_chance(prng, 1, 6)) transfer.flags |= TRANSFER_FLAG_BALANCING_DEBIT;
        if (prng_chance(prng, 1, 6)) transfer.flags |= TRANSFER_FLAG_BALANCING_CREDIT;
    } else {
        uint64_t back = prng_between(prng, 1, 40);
        uint64_t target = back < book->transfers ? book->transfers + 1 - back : 1;
        transfer = book_on(kind, target, money_from_minor(minor));
        if (prng_chance(prng, 1, 3)) transfer.amount = MONEY_MAX;
        if (kind == TRANSFER_VOID) transfer.amount = MONEY_MAX;
        bool keep = kind == TRANSFER_POST && prng_chance(prng, 1, 2);
        if (keep) transfer.flags |= TRANSFER_FLAG_KEEP_REST;
    }
    if (prng_chance(prng, 1, 8)) {
        transfer.value_date.days = (int32_t)prng_between(prng, BOOK_DAY - 3, BOOK_DAY + 1);
    }
    const char *field;
    transfer.id = book_transfer_id(1); /* any: the book gives the next */
    CHECK(transfer_fault(&transfer, &field) == NULL);
    transfer.id = (struct transfer_id){ 0 };
    if (prng_chance(prng, 1, 3)) transfer.flags |= TRANSFER_FLAG_OWNED; /* as payments do */
    if (kind == TRANSFER_HOLD && transfer.timeout_s == 0 && transfer.flags == TRANSFER_FLAG_OWNED) {
        transfer.kind = TRANSFER_DEPARTURE; /* as lanes do; who it is for is not looked at */
        transfer.target.value = book_account_id(99).value;
    }
    return transfer;
}

/* An administrative act that admin_fault() lets pass; at most 200 of a kind that stays. */
static inline struct admin book_random_admin(struct book *book, struct prng *prng,
                                             uint64_t accounts)
{
    uint64_t number = ++book->admin_acts;
    struct admin admin = { .kind = (enum admin_kind)prng_below(prng, 5) };
    admin.account = book_account_id(prng_between(prng, 1, accounts));
    bool freeze = prng_chance(prng, 1, 3);
    admin.set = freeze ? ACCOUNT_FLAG_FROZEN : 0;
    admin.clear = freeze ? 0 : ACCOUNT_FLAG_FROZEN;
    if (prng_chance(prng, 1, 8)) admin.set |= ACCOUNT_FLAG_CLOSED;
    admin.asset = (struct asset){ .exponent = 6, .code = "AAA" };
    admin.asset.code[1] = (char)('A' + number / 26 % 26);
    admin.asset.code[2] = (char)('A' + number % 26);
    admin.closed_through.days = (int32_t)prng_between(prng, BOOK_DAY - 40, BOOK_DAY - 2);
    admin.credential.id.value = (struct uuid){ .lo = prng_between(prng, 1, 200), .hi = 9 };
    admin.credential.scopes = SCOPE_ADMIN;
    admin.credential.secret_digest.bytes[0] = (uint8_t)number;
    admin.credential.secret_digest.bytes[1] = (uint8_t)(number >> 8);
    admin.credential.name[0] = 'k';
    return admin;
}

/* One batch of random work: expiries first, as a lane does. */
static inline void book_random_batch(struct book *book, struct prng *prng, uint64_t accounts)
{
    book_batch(book);
    while (book_expire(book)) {
    }
    for (uint64_t left = prng_between(prng, 1, 30); left > 0; left--) {
        struct transfer transfer = book_random_transfer(book, prng, accounts);
        struct ledger_undo undo;
        (void)book_transfer(book, &transfer, &undo); /* any outcome is good */
    }
    if (!prng_chance(prng, 1, 4)) return;
    struct admin admin = book_random_admin(book, prng, accounts);
    (void)book_admin(book, &admin); /* any outcome is good */
}

/* ---- Replay ---- */

/* Replays all batches from `first` on; registry_batch as in ledger_replay(). */
static inline enum status book_replay(const struct book *book, uint64_t first,
                                      uint64_t registry_batch, struct ledger *ledger)
{
    if (first <= book->batch) ledger->holds_made = book->headers[first].first_hold - 1;
    for (uint32_t i = 0; i < book->entry_count; i++) {
        const struct book_entry *entry = &book->entries[i];
        if (entry->moment.batch < first) continue;
        const struct record_head *record = (const struct record_head *)entry->bytes;
        enum status status = ledger_replay(ledger, entry->moment, record, registry_batch);
        if (status != STATUS_OK) return status;
    }
    return ledger_recovered(ledger);
}

#endif

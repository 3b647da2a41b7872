/* Records are read one by one, each verified by its own check; nothing is held in between. */
#include "wallet/history.h"

#include "base/check.h"
#include "ledger/effect.h"
#include "wallet/batch.h"

static enum status damaged(struct locator locator, struct error *out_error)
{
    return error_set(out_error, STATUS_CORRUPT, "batch %llu, record at byte %u is damaged",
                     (unsigned long long)locator_batch(locator), locator_offset(locator));
}

/* The record at a place, verified. STATUS_NOT_FOUND: it is of another type. */
static enum status record_read(struct store *store, struct locator locator, uint8_t type,
                               void *out_bytes, struct error *out_error)
{
    uint64_t batch = locator_batch(locator);
    uint32_t offset = locator_offset(locator);
    struct record_head *head = out_bytes;
    enum status status = store->read_part(store, batch, offset, sizeof *head, head, out_error);
    if (status != STATUS_OK) return status;
    uint32_t size = record_size(head);
    if (size == 0 || size != head->size) return damaged(locator, out_error);
    if (head->type != type) return STATUS_NOT_FOUND;
    status = store->read_part(store, batch, offset, size, out_bytes, out_error);
    if (status != STATUS_OK) return status;
    return record_is_whole(head, size) ? STATUS_OK : damaged(locator, out_error);
}

/* A transfer record and, for the long form, what follows it, as an entry has them. */
static void entry_fill(const struct record_transfer *record, struct history_entry *entry)
{
    struct transfer_view view = transfer_view_of(record);
    entry->transfer = *record;
    entry->more = view.more == NULL ? (struct record_transfer_more){ 0 } : *view.more;
}

/* What a record shares with its batch and its request. */
struct surroundings {
    struct position position;
    struct wall_time stamp;
    struct record_context context;
};

static enum status surroundings_read(struct store *store, struct locator locator,
                                     const struct record_head *head,
                                     struct surroundings *out_around, struct error *out_error)
{
    uint64_t batch = locator_batch(locator);
    struct batch_header header;
    enum status status = store->read_part(store, batch, 0, sizeof header, &header, out_error);
    if (status != STATUS_OK) return status;
    if (header.sequence != batch || !batch_header_whole(&header)) {
        return damaged(locator, out_error);
    }
    out_around->position = (struct position){ batch, head->unit };
    out_around->stamp = header.stamp;
    struct locator context = locator_make(batch, head->context);
    status = record_read(store, context, RECORD_CONTEXT, &out_around->context, out_error);
    return status == STATUS_NOT_FOUND ? damaged(context, out_error) : status;
}

enum status history_transfer(struct store *store, struct locator locator,
                             struct history_entry *out_entry, struct error *out_error)
{
    CHECK(!locator_is_none(locator));
    _Alignas(16) uint8_t bytes[BATCH_RECORD_SIZE_MAX];
    enum status status = record_read(store, locator, RECORD_TRANSFER, bytes, out_error);
    if (status != STATUS_OK) return status;
    struct history_entry entry = { .locator = locator };
    entry_fill((const struct record_transfer *)bytes, &entry);
    struct surroundings around;
    status = surroundings_read(store, locator, &entry.transfer.head, &around, out_error);
    if (status != STATUS_OK) return status;
    entry.position = around.position;
    entry.stamp = around.stamp;
    entry.context = around.context;
    *out_entry = entry;
    return STATUS_OK;
}

enum status history_payment(struct store *store, struct locator locator,
                            struct history_payment *out_payment, struct error *out_error)
{
    CHECK(!locator_is_none(locator));
    _Alignas(16) uint8_t bytes[BATCH_RECORD_SIZE_MAX];
    enum status status = record_read(store, locator, RECORD_PAYMENT, bytes, out_error);
    if (status != STATUS_OK) return status;
    const struct record_payment *record = (const struct record_payment *)bytes;
    struct surroundings around;
    status = surroundings_read(store, locator, &record->head, &around, out_error);
    if (status != STATUS_OK) return status;
    *out_payment = (struct history_payment){
        .locator = locator,
        .position = around.position,
        .stamp = around.stamp,
        .context = around.context,
        .record = *record,
    };
    return STATUS_OK;
}

enum status history_account(struct store *store, struct locator locator,
                            struct record_account *out_record, struct error *out_error)
{
    CHECK(!locator_is_none(locator));
    _Alignas(16) uint8_t bytes[BATCH_RECORD_SIZE_MAX];
    enum status status = record_read(store, locator, RECORD_ACCOUNT, bytes, out_error);
    if (status == STATUS_OK) *out_record = *(const struct record_account *)bytes;
    return status;
}

/* The account's entry before this one; none also for a stranger. */
static struct locator previous_of(const struct history_entry *entry, struct account_id account)
{
    if (uuid_equal(entry->transfer.debit.value, account.value)) {
        return entry->transfer.previous_debit;
    }
    if (uuid_equal(entry->transfer.credit.value, account.value)) {
        return entry->transfer.previous_credit;
    }
    return (struct locator){ 0 };
}

static bool concerns(const struct history_entry *entry, struct account_id account)
{
    return uuid_equal(entry->transfer.debit.value, account.value) ||
           uuid_equal(entry->transfer.credit.value, account.value);
}

/* The entry, which must be the account's and older than the one that named it. */
static enum status chain_read(struct store *store, struct account_id account,
                              struct locator locator, struct history_entry *out_entry,
                              struct error *out_error)
{
    enum status status = history_transfer(store, locator, out_entry, out_error);
    if (status == STATUS_NOT_FOUND) return damaged(locator, out_error);
    if (status != STATUS_OK) return status;
    bool fits = concerns(out_entry, account) &&
                previous_of(out_entry, account).packed < locator.packed &&
                out_entry->transfer.head.outcome == OUTCOME_OK;
    return fits ? STATUS_OK : damaged(locator, out_error);
}

enum status history_of_account(struct store *store, struct account_id account,
                               struct locator newest, struct history_page *page,
                               struct error *out_error)
{
    uint32_t count = 0;
    while (count < page->limit && !locator_is_none(newest)) {
        struct history_entry *entry = &page->entries[count];
        enum status status = chain_read(store, account, newest, entry, out_error);
        if (status != STATUS_OK) return status;
        newest = previous_of(entry, account);
        count++;
    }
    page->count = count;
    page->next = newest;
    return STATUS_OK;
}

static bool is_after(struct position a, struct position b)
{
    return a.batch != b.batch ? a.batch > b.batch : a.index > b.index;
}

enum status history_balance_at(struct store *store, const struct account_state *state,
                               struct position at, struct balance *out_balance,
                               struct error *out_error)
{
    struct balance balance = state->balance;
    struct account_id account = state->account.id;
    for (struct locator locator = state->last_entry; !locator_is_none(locator);) {
        struct history_entry entry;
        enum status status = chain_read(store, account, locator, &entry, out_error);
        if (status != STATUS_OK) return status;
        if (!is_after(entry.position, at)) break;
        if (!history_effect(&entry, account, true, &balance)) return damaged(locator, out_error);
        locator = previous_of(&entry, account);
    }
    struct batch_header header;
    enum status status = store->read_part(store, at.batch, 0, sizeof header, &header, out_error);
    if (status != STATUS_OK) return status;
    if (!batch_header_whole(&header)) return damaged(locator_make(at.batch, 0), out_error);
    if (header.stamp.ns < state->created_at.ns) {
        return error_set(out_error, STATUS_INVALID, "the account was made later than that");
    }
    *out_balance = balance;
    return STATUS_OK;
}

/* One batch, record by record. False in *out_more: visit wants no more. */
static enum status batch_scan(struct str blob,
                              bool (*visit)(void *argument, const struct history_entry *entry),
                              void *argument, bool *out_more, struct error *out_error)
{
    struct batch_reader reader;
    enum status status = batch_open(blob, &reader, out_error);
    struct history_entry entry = { 0 };
    *out_more = true;
    while (status == STATUS_OK && *out_more) {
        const struct record_head *record;
        status = batch_next(&reader, &record, out_error);
        if (status != STATUS_OK) break;
        if (record->type == RECORD_CONTEXT) entry.context = *(const struct record_context *)record;
        if (record->type != RECORD_TRANSFER) continue;
        entry.locator = batch_locator(&reader, record);
        entry.position = (struct position){ reader.header->sequence, record->unit };
        entry.stamp = reader.header->stamp;
        entry_fill((const struct record_transfer *)record, &entry);
        *out_more = visit(argument, &entry);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status history_scan(struct store *store, uint64_t first, uint64_t last,
                         bool (*visit)(void *argument, const struct history_entry *entry),
                         void *argument, struct error *out_error)
{
    BUF_SCOPE struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    bool more = true;
    for (uint64_t sequence = first; sequence <= last && more; sequence++) {
        buf_reset(&blob);
        enum status status = store->read(store, sequence, &blob, out_error);
        if (status == STATUS_OK) {
            status = batch_scan(buf_view(&blob), visit, argument, &more, out_error);
        }
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* Where the transfer records of a batch stand, in order; the reader has passed them all. */
static enum status transfers_find(struct str blob, struct batch_reader *reader,
                                  struct buf *out_offsets, struct error *out_error)
{
    enum status status = batch_open(blob, reader, out_error);
    while (status == STATUS_OK) {
        const struct record_head *record;
        status = batch_next(reader, &record, out_error);
        if (status != STATUS_OK || record->type != RECORD_TRANSFER) continue;
        uint32_t offset = locator_offset(batch_locator(reader, record));
        buf_append(out_offsets, &offset, sizeof offset);
    }
    return status == STATUS_NOT_FOUND ? buf_status(out_offsets) : status;
}

/* One batch, its last record first. False in *out_more: visit wants no more. */
static enum status batch_scan_back(struct str blob,
                                   bool (*visit)(void *argument, const struct history_entry *entry),
                                   void *argument, bool *out_more, struct error *out_error)
{
    struct batch_reader reader;
    BUF_SCOPE struct buf found;
    buf_init(&found, BATCH_SIZE_MAX);
    enum status status = transfers_find(blob, &reader, &found, out_error);
    if (status != STATUS_OK) return status;
    const uint32_t *offsets = (const uint32_t *)found.data;
    *out_more = true;
    for (size_t i = found.len / sizeof *offsets; i > 0 && *out_more; i--) {
        const struct record_transfer *record =
            (const struct record_transfer *)(blob.data + offsets[i - 1]);
        struct history_entry entry = {
            .locator = batch_locator(&reader, &record->head),
            .position = { reader.header->sequence, record->head.unit },
            .stamp = reader.header->stamp,
            .context = *(const struct record_context *)(blob.data + record->head.context),
        };
        entry_fill(record, &entry);
        *out_more = visit(argument, &entry);
    }
    return STATUS_OK;
}

enum status history_scan_back(struct store *store, uint64_t first, uint64_t last,
                              bool (*visit)(void *argument, const struct history_entry *entry),
                              void *argument, struct error *out_error)
{
    BUF_SCOPE struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    bool more = true;
    for (uint64_t sequence = last; sequence >= first && sequence > 0 && more; sequence--) {
        buf_reset(&blob);
        enum status status = store->read(store, sequence, &blob, out_error);
        if (status == STATUS_OK) {
            status = batch_scan_back(buf_view(&blob), visit, argument, &more, out_error);
        }
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

bool history_effect(const struct history_entry *entry, struct account_id account, bool undo,
                    struct balance *balance)
{
    struct transfer_view view = { &entry->transfer, &entry->more };
    if (uuid_equal(entry->transfer.debit.value, account.value)) {
        return effect_apply(view, EFFECT_DEBIT, undo, balance);
    }
    if (uuid_equal(entry->transfer.credit.value, account.value)) {
        return effect_apply(view, EFFECT_CREDIT, undo, balance);
    }
    return true;
}

/* The journal's bytes: the only code that knows how records lie in a batch. */
#include "wallet/batch.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/reserve.h"
#include "ledger/effect.h"

_Static_assert((int)RECORD_TRANSFER_LONG_SIZE <= (int)BATCH_ITEM_SIZE_MAX, "room for the longest");
_Static_assert(sizeof(struct record_credential) <= BATCH_ITEM_SIZE_MAX, "room for the longest");

/* Locators have no room for more. */
static const uint64_t SEQUENCE_END = UINT64_C(1) << (64 - BATCH_OFFSET_BITS);

enum status batch_new(struct batch *out_batch)
{
    uint8_t *data = reserve_new(BATCH_SIZE_MAX);
    if (data == NULL) return STATUS_LIMIT;
    *out_batch = (struct batch){ .data = data };
    return STATUS_OK;
}

void batch_free(struct batch *batch)
{
    reserve_free(batch->data, BATCH_SIZE_MAX);
    *batch = (struct batch){ 0 };
}

void batch_begin(struct batch *batch, const struct batch_header *header)
{
    *batch = (struct batch){
        .data = batch->data,
        .size = sizeof *header,
        .sequence = header->sequence,
        .stamp = header->stamp,
    };
    memcpy(batch->data, header, sizeof *header);
}

bool batch_has_room(const struct batch *batch, uint32_t items)
{
    uint64_t most = (uint64_t)items * (BATCH_ITEM_SIZE_MAX + sizeof(struct record_context));
    return batch->record_count + 2 * items <= 2 * BATCH_UNITS_MAX &&
           batch->unit_count + items <= BATCH_UNITS_MAX &&
           batch->size + most + BATCH_RECORD_SIZE_MAX <= BATCH_SIZE_MAX;
}

void *batch_room(struct batch *batch)
{
    CHECK(batch->size + BATCH_RECORD_SIZE_MAX <= BATCH_SIZE_MAX);
    return batch->data + batch->size;
}

struct locator batch_next_locator(const struct batch *batch)
{
    return locator_make(batch->sequence, batch->size);
}

void batch_add(struct batch *batch, struct record_head *record, size_t size, uint32_t unit)
{
    CHECK((uint8_t *)record == batch->data + batch->size);
    CHECK(unit < BATCH_UNITS_MAX);
    record->size = (uint16_t)size;
    record->unit = (uint16_t)unit;
    record->context = batch->context;
    CHECK(record_size(record) == size);
    batch_recheck(record);
    batch->size += (uint32_t)size;
    batch->record_count++;
    if (unit >= batch->unit_count) batch->unit_count = unit + 1;
}

void batch_add_context(struct batch *batch, const struct record_context *context)
{
    struct record_context *made = batch_room(batch);
    *made = *context;
    made->head = (struct record_head){ .type = RECORD_CONTEXT, .size = sizeof *made };
    batch_recheck(&made->head);
    batch->context = batch->size;
    batch->size += (uint32_t)sizeof *made;
    batch->record_count++;
}

struct batch_mark batch_mark(const struct batch *batch)
{
    return (struct batch_mark){ batch->size, batch->record_count, batch->unit_count,
                                batch->context };
}

void batch_take_back(struct batch *batch, const struct batch_mark *mark)
{
    CHECK(mark->size <= batch->size);
    batch->size = mark->size;
    batch->record_count = mark->record_count;
    batch->unit_count = mark->unit_count;
    batch->context = mark->context;
}

void batch_recheck(struct record_head *record)
{
    record->check = 0;
    record->check = (uint32_t)hash_bytes(record, record->size);
}

static uint32_t header_check(const struct batch_header *header)
{
    struct batch_header copy = *header;
    copy.check = 0;
    return (uint32_t)hash_bytes(&copy, sizeof copy);
}

bool batch_header_whole(const struct batch_header *header)
{
    return header->magic == BATCH_MAGIC && header->version == BATCH_VERSION &&
           header->check == header_check(header);
}

void batch_seal(struct batch *batch, uint64_t epoch, const struct digest *previous)
{
    struct batch_header *header = (struct batch_header *)batch->data;
    header->epoch = epoch;
    header->size = batch->size;
    header->unit_count = batch->unit_count;
    header->record_count = batch->record_count;
    header->previous = *previous;
    header->check = header_check(header);
}

uint32_t record_size(const struct record_head *head)
{
    switch (head->type) {
    case RECORD_CONTEXT: return sizeof(struct record_context);
    case RECORD_ACCOUNT: return sizeof(struct record_account);
    case RECORD_TRANSFER:
        return transfer_is_long(head->kind, head->flags) ? RECORD_TRANSFER_LONG_SIZE
                                                         : sizeof(struct record_transfer);
    case RECORD_ACCOUNT_CHANGE: return sizeof(struct record_account_change);
    case RECORD_ASSET: return sizeof(struct record_asset);
    case RECORD_PERIOD: return sizeof(struct record_period);
    case RECORD_CREDENTIAL: return sizeof(struct record_credential);
    case RECORD_RATE: return sizeof(struct record_rate);
    case RECORD_NOTICE: return sizeof(struct record_notice);
    case RECORD_RAISE: return sizeof(struct record_raise);
    case RECORD_PAYMENT: return sizeof(struct record_payment);
    default: return 0;
    }
}

uint32_t record_check(const struct record_head *record)
{
    _Alignas(16) uint8_t copy[BATCH_RECORD_SIZE_MAX];
    CHECK(record->size >= sizeof *record && record->size <= sizeof copy);
    memcpy(copy, record, record->size);
    ((struct record_head *)copy)->check = 0;
    return (uint32_t)hash_bytes(copy, record->size);
}

bool record_is_whole(const struct record_head *record, uint32_t size)
{
    return size != 0 && record->size == size && record_size(record) == size &&
           record->check == record_check(record);
}

enum status batch_open(struct str blob, struct batch_reader *out_reader, struct error *out_error)
{
    CHECK((uintptr_t)blob.data % 16 == 0);
    const struct batch_header *header = (const struct batch_header *)blob.data;
    if (blob.len < sizeof *header || header->magic != BATCH_MAGIC) {
        return error_set(out_error, STATUS_CORRUPT, "this is not a batch of a journal");
    }
    if (header->version != BATCH_VERSION) {
        return error_set(out_error, STATUS_CORRUPT, "batch %llu is of version %u, not %u",
                         (unsigned long long)header->sequence, header->version, BATCH_VERSION);
    }
    bool numbered = header->sequence > 0 && header->sequence < SEQUENCE_END;
    if (header->header_size != sizeof *header || header->size != blob.len ||
        blob.len > BATCH_SIZE_MAX || !numbered || header->stamp.ns <= 0 ||
        !batch_header_whole(header)) {
        return error_set(out_error, STATUS_CORRUPT, "the header of batch %llu is damaged",
                         (unsigned long long)header->sequence);
    }
    *out_reader = (struct batch_reader){
        .blob = blob,
        .header = header,
        .at = sizeof *header,
    };
    return STATUS_OK;
}

/* NULL when the record at `at` is whole; otherwise what is wrong with it. */
static const char *record_fault(const struct batch_reader *reader)
{
    size_t left = reader->blob.len - reader->at;
    const struct record_head *record = (const struct record_head *)(reader->blob.data + reader->at);
    if (left < sizeof *record) return "it is cut short";
    uint32_t size = record_size(record);
    if (size == 0) return "its type is unknown";
    if (size != record->size || size > left) return "its size is wrong";
    if (record->check != record_check(record)) return "its check does not match";
    bool is_context = record->type == RECORD_CONTEXT;
    if (is_context != (record->context == 0)) return "its context is wrong";
    if (record->context >= reader->at) return "its context is wrong";
    if (record->unit >= reader->header->unit_count && !is_context) return "its unit is wrong";
    return NULL;
}

enum status batch_next(struct batch_reader *reader, const struct record_head **out_record,
                       struct error *out_error)
{
    if (reader->at == reader->blob.len) {
        if (reader->seen == reader->header->record_count) return STATUS_NOT_FOUND;
        return error_set(out_error, STATUS_CORRUPT, "batch %llu has %u records, not %u",
                         (unsigned long long)reader->header->sequence, reader->seen,
                         reader->header->record_count);
    }
    const char *fault = record_fault(reader);
    if (fault != NULL) {
        enum status status =
            error_set(out_error, STATUS_CORRUPT, "batch %llu, record at byte %u: %s",
                      (unsigned long long)reader->header->sequence, reader->at, fault);
        error_hint(out_error, "run `tpwallet check` on a copy of the folder");
        return status;
    }
    *out_record = (const struct record_head *)(reader->blob.data + reader->at);
    reader->at += (*out_record)->size;
    reader->seen++;
    return STATUS_OK;
}

struct locator batch_locator(const struct batch_reader *reader, const struct record_head *record)
{
    uint32_t offset = (uint32_t)((const char *)record - reader->blob.data);
    return locator_make(reader->header->sequence, offset);
}

/*
 * Goal: what was built is read back; any other bytes are refused, with the place.
 * Method: a batch with a record of every type; then each of its bits flipped, each prefix of it,
 * and more behind it. No byte is unused: header and records carry a check over all of theirs.
 */
#include "wallet/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct batch_header header = {
    .magic = BATCH_MAGIC,
    .version = BATCH_VERSION,
    .header_size = sizeof header,
    .lane = 3,
    .sequence = 9,
    .stamp = { 1000 },
    .first_account = 1,
    .first_hold = 2,
    .first_reversal = 3,
};

static void record_add(struct batch *batch, uint8_t type, uint8_t kind, size_t size, uint32_t unit)
{
    uint8_t *room = batch_room(batch);
    memset(room + sizeof(struct record_head), type + 7, size - sizeof(struct record_head));
    struct record_head *head = (struct record_head *)room;
    *head = (struct record_head){ .type = type, .kind = kind };
    batch_add(batch, head, size, unit);
}

/* One of each type, the two lengths of a transfer, two contexts; six units. */
static struct batch built(void)
{
    struct batch batch;
    assert_int_equal(batch_new(&batch), STATUS_OK);
    batch_begin(&batch, &header);
    struct record_context context = { .route = 4, .first = 1, .key = { 1, 2 } };
    batch_add_context(&batch, &context);
    record_add(&batch, RECORD_TRANSFER, TRANSFER_DIRECT, sizeof(struct record_transfer), 0);
    record_add(&batch, RECORD_TRANSFER, TRANSFER_POST, RECORD_TRANSFER_LONG_SIZE, 0);
    record_add(&batch, RECORD_ACCOUNT, 0, sizeof(struct record_account), 1);
    batch_add_context(&batch, &context);
    record_add(&batch, RECORD_ACCOUNT_CHANGE, 0, sizeof(struct record_account_change), 2);
    record_add(&batch, RECORD_ASSET, 0, sizeof(struct record_asset), 3);
    record_add(&batch, RECORD_PERIOD, 0, sizeof(struct record_period), 4);
    record_add(&batch, RECORD_CREDENTIAL, 0, sizeof(struct record_credential), 5);
    struct digest previous = { .bytes = { 1, 2, 3 } };
    batch_seal(&batch, 12, &previous);
    return batch;
}

/* Everything is read; the status that ended it. */
static enum status read_all(const uint8_t *data, size_t size, uint32_t *out_records,
                            struct error *out_error)
{
    struct batch_reader reader;
    struct str blob = { (const char *)data, size };
    *out_records = 0;
    enum status status = batch_open(blob, &reader, out_error);
    while (status == STATUS_OK) {
        const struct record_head *record;
        status = batch_next(&reader, &record, out_error);
        *out_records += status == STATUS_OK;
    }
    return status;
}

static void built_batch_is_read_back(void **state)
{
    (void)state;
    static const uint8_t types[] = { RECORD_CONTEXT, RECORD_TRANSFER, RECORD_TRANSFER,
                                     RECORD_ACCOUNT, RECORD_CONTEXT,  RECORD_ACCOUNT_CHANGE,
                                     RECORD_ASSET,   RECORD_PERIOD,   RECORD_CREDENTIAL };
    static const uint16_t units[] = { 0, 0, 0, 1, 0, 2, 3, 4, 5 };
    struct batch batch = built();
    struct batch_reader reader;
    struct str blob = { (const char *)batch.data, batch.size };
    assert_int_equal(batch_open(blob, &reader, NULL), STATUS_OK);
    assert_int_equal(reader.header->lane, 3);
    assert_int_equal(reader.header->epoch, 12);
    assert_int_equal(reader.header->unit_count, 6);
    assert_int_equal(reader.header->record_count, sizeof types);
    assert_int_equal(reader.header->previous.bytes[2], 3);
    assert_true(batch_header_whole(reader.header));
    uint32_t context = 0;
    for (size_t i = 0; i < sizeof types; i++) {
        const struct record_head *record;
        assert_int_equal(batch_next(&reader, &record, NULL), STATUS_OK);
        assert_int_equal(record->type, types[i]);
        assert_int_equal(record->unit, units[i]);
        struct locator locator = batch_locator(&reader, record);
        assert_int_equal(locator_batch(locator), 9);
        assert_ptr_equal(batch.data + locator_offset(locator), record);
        if (types[i] == RECORD_CONTEXT) {
            context = locator_offset(locator);
            assert_int_equal(record->context, 0);
        } else {
            assert_int_equal(record->context, context);
        }
    }
    const struct record_head *record;
    assert_int_equal(batch_next(&reader, &record, NULL), STATUS_NOT_FOUND);
    batch_free(&batch);
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    struct batch batch = built();
    for (uint32_t at = 0; at < batch.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct error error = { 0 };
            uint32_t records;
            batch.data[at] ^= (uint8_t)(1 << bit);
            assert_int_equal(read_all(batch.data, batch.size, &records, &error), STATUS_CORRUPT);
            assert_true(error.message[0] != 0);
            batch.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    uint32_t records;
    assert_int_equal(read_all(batch.data, batch.size, &records, NULL), STATUS_NOT_FOUND);
    assert_int_equal(records, 9);
    batch_free(&batch);
}

/* Cut anywhere, also where the header is made to agree with what is left. */
static void every_cut_is_found(void **state)
{
    (void)state;
    struct batch batch = built();
    for (uint32_t size = 0; size < batch.size; size++) {
        uint32_t records;
        assert_int_equal(read_all(batch.data, size, &records, NULL), STATUS_CORRUPT);
        if (size < sizeof header) continue;
        struct batch cut = batch;
        cut.size = size;
        batch_seal(&cut, 12, &(struct digest){ 0 });
        struct error error = { 0 };
        assert_int_equal(read_all(batch.data, size, &records, &error), STATUS_CORRUPT);
        batch_seal(&batch, 12, &(struct digest){ 0 });
    }
    uint32_t records;
    assert_int_equal(read_all(batch.data, batch.size + 16, &records, NULL), STATUS_CORRUPT);
    batch_free(&batch);
}

static void damage_is_named_by_its_place(void **state)
{
    (void)state;
    struct batch batch = built();
    struct error error = { 0 };
    uint32_t records;
    batch.data[sizeof header + sizeof(struct record_context) + 40] ^= 1;
    assert_int_equal(read_all(batch.data, batch.size, &records, &error), STATUS_CORRUPT);
    assert_string_equal(error.message, "batch 9, record at byte 240: its check does not match");
    batch_free(&batch);
}

static void newer_version_is_named(void **state)
{
    (void)state;
    struct batch batch = built();
    struct error error = { 0 };
    uint32_t records;
    ((struct batch_header *)batch.data)->version = BATCH_VERSION + 1;
    assert_int_equal(read_all(batch.data, batch.size, &records, &error), STATUS_CORRUPT);
    assert_string_equal(error.message, "batch 9 is of version 2, not 1");
    batch_free(&batch);
}

static void room_is_enough_for_the_longest_records(void **state)
{
    (void)state;
    struct batch batch;
    assert_int_equal(batch_new(&batch), STATUS_OK);
    batch_begin(&batch, &header);
    assert_true(batch_has_room(&batch, BATCH_UNITS_MAX));
    assert_false(batch_has_room(&batch, BATCH_UNITS_MAX + 1));
    uint32_t units = 0;
    while (batch_has_room(&batch, 1)) {
        batch_add_context(&batch, &(struct record_context){ 0 });
        record_add(&batch, RECORD_TRANSFER, TRANSFER_POST, RECORD_TRANSFER_LONG_SIZE, units++);
    }
    assert_int_equal(units, BATCH_UNITS_MAX);
    batch_seal(&batch, 1, &(struct digest){ 0 });
    uint32_t records;
    assert_int_equal(read_all(batch.data, batch.size, &records, NULL), STATUS_NOT_FOUND);
    assert_int_equal(records, 2 * BATCH_UNITS_MAX);
    batch_free(&batch);
}

static void record_changed_in_place_is_checked_anew(void **state)
{
    (void)state;
    struct batch batch = built();
    struct record_head *record =
        (struct record_head *)(batch.data + sizeof header + sizeof(struct record_context));
    record->outcome = OUTCOME_LINKED_FAILED;
    uint32_t records;
    assert_int_equal(read_all(batch.data, batch.size, &records, NULL), STATUS_CORRUPT);
    batch_recheck(record);
    assert_int_equal(read_all(batch.data, batch.size, &records, NULL), STATUS_NOT_FOUND);
    batch_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_batch_is_read_back),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(damage_is_named_by_its_place),
        cmocka_unit_test(newer_version_is_named),
        cmocka_unit_test(room_is_enough_for_the_longest_records),
        cmocka_unit_test(record_changed_in_place_is_checked_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

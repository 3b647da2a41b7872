/*
 * Goal: no bytes read as batches of a journal or as a checkpoint slice are read past or stop the
 * program, however the state and they disagree; what is damaged is refused with a status.
 * Method: the first byte chooses. Raw: the rest is one batch. Sealed: the rest is batches, whose
 * sizes, checks and order are put right first, so that what they say reaches replay. Slices: the
 * rest is one slice of a table. Replay begins on a small ledger in which something of each kind
 * stands.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "ledger/ledger_test.h"
#include "ledger/slice.h"
#include "wallet/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum mode { MODE_RAW, MODE_SEALED, MODE_SLICE, MODE_COUNT };
enum {
    INPUT_SIZE_MAX = 64 << 10,
    LOOK_EVERY = 16, /* a look over the whole state costs more than all the rest */
};

static struct ledger *ledger;
static struct book life; /* what every replay begins with */

static void life_begin(void)
{
    struct ledger_options options = {
        .accounts_max = 12, .holds_max = 8, .reversals_max = 4, .seed = 7, .payments_max = 4
    };
    enum status status = ledger_new(&options, &ledger);
    CHECK(status == STATUS_OK);
    book_open(&life, options, 64);
    book_open_accounts(&life, 4);
    struct transfer requests[] = {
        book_direct(3, 1, 100),
        book_hold(3, 1, 60, 60),
        book_hold(3, 4, 9, 0),
        book_on(TRANSFER_REVERSAL, 1, money_from_minor(7)),
    };
    for (int i = 0; i < 4; i++) {
        struct ledger_undo undo;
        (void)book_transfer(&life, &requests[i], &undo); /* their outcomes are of no matter */
    }
}

/* Any status is good; a state that is said to be whole must pass the check or be refused. */
static void ledger_look(void)
{
    const char *reason = NULL;
    if (ledger_recovered(ledger) != STATUS_OK) return;
    if (ledger_check(ledger, &reason) != STATUS_OK) CHECK(reason != NULL);
}

/* Reads one batch and replays its records. False when it or they were refused. */
static bool batch_run(struct str blob)
{
    struct error error = { 0 };
    struct batch_reader reader;
    enum status status = batch_open(blob, &reader, &error);
    if (status == STATUS_OK) ledger->holds_made = reader.header->first_hold - 1;
    while (status == STATUS_OK) {
        const struct record_head *record;
        status = batch_next(&reader, &record, &error);
        if (status != STATUS_OK) break;
        struct ledger_moment moment = {
            .stamp = reader.header->stamp,
            .batch = reader.header->sequence,
            .locator = batch_locator(&reader, record),
        };
        status = ledger_replay(ledger, moment, record, 0);
        CHECK(status == STATUS_OK || status == STATUS_CORRUPT || status == STATUS_LIMIT);
        if (status != STATUS_OK) return false;
    }
    CHECK(status == STATUS_NOT_FOUND || (status == STATUS_CORRUPT && error.message[0] != 0));
    return status == STATUS_NOT_FOUND;
}

/* Puts right what only says how long a record is and whether it is whole. */
static void record_seal(struct record_head *head, uint32_t context, uint32_t units)
{
    head->size = (uint16_t)record_size(head);
    head->context = head->type == RECORD_CONTEXT ? 0 : context;
    if (units > 0) head->unit = (uint16_t)(head->unit % units);
    head->check = 0;
    head->check = record_check(head);
}

/* Makes the bytes one batch, as far as their records reach; returns its length. */
static uint32_t batch_make(uint8_t *data, size_t size, uint64_t sequence)
{
    struct batch_header *header = (struct batch_header *)data;
    struct batch batch = { .data = data, .size = sizeof *header, .unit_count = 64 };
    uint32_t context = 0;
    while (size - batch.size >= sizeof(struct record_head)) {
        struct record_head *head = (struct record_head *)(data + batch.size);
        uint32_t record = record_size(head);
        if (record == 0 || record > size - batch.size) break;
        if (head->type == RECORD_CONTEXT) context = batch.size;
        if (context == 0) break;
        record_seal(head, context, batch.unit_count);
        batch.size += record;
        batch.record_count++;
    }
    header->magic = BATCH_MAGIC;
    header->version = BATCH_VERSION;
    header->header_size = sizeof *header;
    header->sequence = sequence;
    if (header->stamp.ns <= 0) header->stamp.ns = 1;
    struct digest previous = header->previous;
    batch_seal(&batch, header->epoch, &previous);
    return batch.size;
}

static bool run_sealed(uint8_t *data, size_t size)
{
    uint64_t sequence = life.batch;
    while (size >= sizeof(struct batch_header)) {
        uint32_t length = batch_make(data, size, ++sequence);
        if (!batch_run((struct str){ (const char *)data, length })) return false;
        data += length;
        size -= length;
    }
    return sequence > life.batch;
}

/* What the life began with, replayed: over a state from bytes, any status is good. */
static bool life_replay(void)
{
    for (uint32_t i = 0; i < life.entry_count; i++) {
        const struct book_entry *entry = &life.entries[i];
        const struct record_head *record = (const struct record_head *)entry->bytes;
        if (ledger_replay(ledger, entry->moment, record, 0) != STATUS_OK) return false;
    }
    return true;
}

static bool run_slice(const uint8_t *data, size_t size)
{
    if (size < 3) return false;
    struct slice slice = { data[0], 1, data[1], data[2] };
    struct str bytes = { (const char *)data + 3, size - 3 };
    ledger_reset(ledger);
    return slice_load(ledger, &slice, 1, bytes) == STATUS_OK && life_replay();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_SIZE_MAX) return 0;
    if (ledger == NULL) life_begin();
    ledger_reset(ledger);
    bool whole = life_replay();
    CHECK(whole);
    uint8_t *copy = aligned_alloc(16, (size + 15) & ~(size_t)15);
    CHECK(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    enum mode mode = data[0] % MODE_COUNT;
    if (mode == MODE_RAW) whole = batch_run((struct str){ (const char *)copy, size - 1 });
    if (mode == MODE_SEALED) whole = run_sealed(copy, size - 1);
    if (mode == MODE_SLICE) whole = run_slice(copy, size - 1);
    bool look = hash_bytes(data, size) % LOOK_EVERY == 0;
    if (whole && look) ledger_look();
    free(copy);
    return 0;
}

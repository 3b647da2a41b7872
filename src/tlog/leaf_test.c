/*
 * Goal: a leaf commits to every bit of its unit that means something and shows none of it;
 * what only says how records lie in a batch does not count; two units never share a leaf.
 * Method: each bit of head, context and records of a group flipped, one at a time; the leaf
 * searched for what it hides; parts opened with right and wrong salts; a leaf put together by
 * hand with SHA-256 alone; bytes that are almost a leaf.
 */
#define _GNU_SOURCE /* memmem() */
#include "tlog/leaf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/prng.h"

enum { RECORDS = 4 };

/* A payment and two transfers, the second of the long form, in one request. */
struct unit {
    struct leaf_head head;
    struct record_context context;
    struct record_transfer first;
    struct {
        struct record_transfer transfer;
        struct record_transfer_more more;
    } second;
    struct record_payment payment;
};

struct life {
    struct secret key;
    struct unit unit;
};

static void unit_fill(struct unit *unit, uint64_t seed)
{
    struct prng prng;
    prng_init(&prng, seed);
    prng_fill(&prng, unit, sizeof *unit);
    unit->head.stamp.ns &= INT64_MAX;
    unit->context.head.type = RECORD_CONTEXT;
    unit->context.head.size = sizeof unit->context;
    unit->first.head.type = RECORD_TRANSFER;
    unit->first.head.size = sizeof unit->first;
    unit->second.transfer.head.type = RECORD_TRANSFER;
    unit->second.transfer.head.size = sizeof unit->second;
    unit->payment.head.type = RECORD_PAYMENT;
    unit->payment.head.size = sizeof unit->payment;
}

static int life_begin(void **state)
{
    static struct life life;
    uint8_t key[LEAF_KEY_SIZE];
    memset(key, 9, sizeof key);
    assert_int_equal(secret_take(key, sizeof key, &life.key), STATUS_OK);
    unit_fill(&life.unit, 4);
    *state = &life;
    return 0;
}

static int life_end(void **state)
{
    struct life *life = *state;
    secret_done(&life->key);
    return 0;
}

static const struct record_head *record_at(const struct unit *unit, uint32_t part)
{
    if (part == 0) return &unit->context.head;
    if (part == 1) return &unit->payment.head;
    return part == 2 ? &unit->first.head : &unit->second.transfer.head;
}

static void make(struct life *life, struct leaf *leaf)
{
    leaf_begin(leaf, &life->unit.head);
    for (uint32_t part = 0; part < RECORDS; part++) {
        leaf_add(leaf, &life->key, record_at(&life->unit, part));
    }
}

static struct leaf_opening open_part(struct life *life, const struct leaf *leaf, uint32_t part,
                                     struct leaf_record *record)
{
    leaf_record_make(record_at(&life->unit, part), record);
    return (struct leaf_opening){
        .part = part,
        .salt = leaf_salt_of(&life->key, &leaf->head, part),
        .record = { (const char *)record->bytes, record->size },
    };
}

/* Byte by byte as the header describes it. */
static void a_leaf_is_as_described(void **state)
{
    struct life *life = *state;
    static struct leaf leaf;
    make(life, &leaf);
    struct str bytes = leaf_bytes(&leaf);
    assert_int_equal(bytes.len, 32 + RECORDS * 32);
    assert_memory_equal(bytes.data, "TPWL\x01\x00\x04\x00", 8);
    assert_memory_equal(bytes.data + 8, &life->unit.head.lane, 4);
    assert_memory_equal(bytes.data + 12, &life->unit.head.unit, 4);
    assert_memory_equal(bytes.data + 16, &life->unit.head.batch, 8);
    assert_memory_equal(bytes.data + 24, &life->unit.head.stamp, 8);
    for (uint32_t part = 0; part < RECORDS; part++) {
        const uint16_t pair = (uint16_t)(part / 2);
        const struct digest_part salted[] = {
            { "TPWS", 4 },
            { life->key.bytes, 32 },
            { &life->unit.head.lane, 4 },
            { &life->unit.head.batch, 8 },
            { &life->unit.head.unit, 4 },
            { &pair, 2 },
        };
        struct digest salts = digest_of_parts(salted, 6);
        struct leaf_record record;
        leaf_record_make(record_at(&life->unit, part), &record);
        const struct digest_part committed[] = {
            { "TPWC", 4 },
            { salts.bytes + 16 * (part % 2), 16 },
            { record.bytes, record.size },
        };
        struct digest expected = digest_of_parts(committed, 3);
        assert_memory_equal(bytes.data + 32 + part * 32, &expected, 32);
    }
}

/* Of the head, and of records, but for what leaf_record_make() leaves out. */
static void every_bit_that_means_something_counts(void **state)
{
    struct life *life = *state;
    static struct leaf right, other;
    make(life, &right);
    uint8_t *bytes = (uint8_t *)&life->unit;
    for (size_t i = 0; i < 8 * sizeof life->unit; i++) {
        size_t at = i / 8;
        const size_t begins[] = {
            offsetof(struct unit, context),
            offsetof(struct unit, first),
            offsetof(struct unit, second),
            offsetof(struct unit, payment),
        };
        size_t context = begins[0];
        unsigned which = 0;
        while (which < 3 && at >= begins[which + 1]) which++;
        size_t in = at - begins[which];
        bool in_head = at < context;
        /* magic, version and number of parts are the log's; type and size are not to be wrong */
        if (in_head && at < 8) continue;
        if (!in_head && (in == 0 || in == 4 || in == 5)) continue;
        if (in_head && i == 8 * 31 + 7) continue; /* a stamp is never negative */
        bool left_out = !in_head && in >= 6 && in < 16;
        size_t previous = which == 3 ? offsetof(struct record_payment, previous)
                                     : offsetof(struct record_transfer, previous_debit);
        size_t previous_size = which == 3 ? 8 : 16;
        if (which > 0 && in >= previous && in < previous + previous_size) left_out = true;
        bytes[at] ^= (uint8_t)(1 << i % 8);
        make(life, &other);
        bool same = str_equal(leaf_bytes(&right), leaf_bytes(&other));
        if (same != left_out) fail_msg("bit %zu of byte %zu", i % 8, at);
        bytes[at] ^= (uint8_t)(1 << i % 8);
    }
}

/* No four bytes of what is hidden stand in the leaf, and equal records are not seen to be. */
static void nothing_hidden_is_shown(void **state)
{
    struct life *life = *state;
    static struct leaf leaf;
    life->unit.second.transfer = life->unit.first;
    life->unit.second.transfer.head.size = sizeof life->unit.second;
    make(life, &leaf);
    struct str bytes = leaf_bytes(&leaf);
    for (uint32_t part = 0; part < RECORDS; part++) {
        struct leaf_record record;
        struct leaf_opening opening = open_part(life, &leaf, part, &record);
        assert_null(memmem(bytes.data, bytes.len, opening.salt.bytes, 4));
        for (size_t at = 16; at + 8 <= record.size; at++) {
            static const uint8_t zeroes[8] = { 0 };
            if (memcmp(record.bytes + at, zeroes, 8) == 0) continue;
            assert_null(memmem(bytes.data, bytes.len, record.bytes + at, 8));
        }
    }
    assert_null(memmem(bytes.data, bytes.len, life->key.bytes, 4));
    /* The same unit at the next place: nothing of it is alike. */
    static struct leaf next;
    life->unit.head.unit++;
    make(life, &next);
    for (uint32_t part = 0; part < RECORDS; part++) {
        assert_false(digest_equal(&leaf.parts[part], &next.parts[part]));
    }
}

static void parts_open_one_by_one(void **state)
{
    struct life *life = *state;
    static struct leaf leaf;
    make(life, &leaf);
    for (uint32_t part = 0; part < RECORDS; part++) {
        struct leaf_record record, opened;
        struct error error;
        struct leaf_opening opening = open_part(life, &leaf, part, &record);
        assert_int_equal(leaf_open(&leaf, &opening, &opened, &error), STATUS_OK);
        assert_int_equal(opened.size, record.size);
        assert_memory_equal(opened.bytes, record.bytes, record.size);
        for (size_t i = 0; i < 8 * sizeof opening.salt.bytes; i++) {
            opening.salt.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
            assert_int_equal(leaf_open(&leaf, &opening, &opened, &error), STATUS_INVALID);
            opening.salt.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        for (size_t i = 0; i < 8 * record.size; i++) {
            record.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
            assert_int_equal(leaf_open(&leaf, &opening, &opened, &error), STATUS_INVALID);
            record.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        for (opening.part = 0; opening.part < 5; opening.part++) {
            if (opening.part == part) continue;
            assert_int_equal(leaf_open(&leaf, &opening, &opened, &error), STATUS_INVALID);
        }
        opening.part = part;
        opening.record.len--;
        assert_int_equal(leaf_open(&leaf, &opening, &opened, &error), STATUS_INVALID);
        opening.record.len = LEAF_RECORD_SIZE_MAX + 1;
        assert_int_equal(leaf_open(&leaf, &opening, &opened, &error), STATUS_INVALID);
    }
}

/* Committed to by somebody who made the leaf himself, and wrong all the same. */
static void what_is_no_record_does_not_open(void **state)
{
    struct life *life = *state;
    struct leaf leaf = { .head = life->unit.head };
    static const struct {
        uint8_t type;
        uint16_t size;
        uint16_t said; /* in its head */
        uint32_t part;
        uint8_t place; /* not zero: set in the context's offset, which must be zero */
        enum status status;
    } cases[] = {
        { RECORD_PERIOD, 32, 32, 1, 0, STATUS_OK },
        { RECORD_PERIOD, 32, 48, 1, 0, STATUS_INVALID },
        { RECORD_PERIOD, 48, 48, 1, 0, STATUS_INVALID },
        { RECORD_PERIOD, 32, 32, 0, 0, STATUS_INVALID },
        { RECORD_PERIOD, 32, 32, 1, 1, STATUS_INVALID },
        { RECORD_CONTEXT, 112, 112, 0, 0, STATUS_OK },
        { RECORD_CONTEXT, 112, 112, 1, 0, STATUS_INVALID },
        { RECORD_TRANSFER, 128, 128, 1, 0, STATUS_OK },
        { RECORD_TRANSFER, 176, 176, 1, 0, STATUS_OK },
        { RECORD_TRANSFER, 144, 144, 1, 0, STATUS_INVALID },
        { RECORD_PAYMENT, 576, 576, 1, 0, STATUS_OK },
        { RECORD_PAYMENT, 144, 144, 1, 0, STATUS_INVALID },
        { RECORD_TRANSFER, 16, 16, 1, 0, STATUS_INVALID },
        { RECORD_RATE, 48, 48, 1, 0, STATUS_OK },
        { RECORD_RAISE, 80, 80, 1, 0, STATUS_OK },
        { RECORD_CREDENTIAL, 144, 144, 1, 0, STATUS_OK },
        { RECORD_ASSET, 48, 48, 1, 0, STATUS_OK },
        { RECORD_ACCOUNT, 80, 80, 1, 0, STATUS_OK },
        { RECORD_ACCOUNT_CHANGE, 48, 48, 1, 0, STATUS_OK },
        { 0, 32, 32, 1, 0, STATUS_INVALID },
        { 99, 32, 32, 1, 0, STATUS_INVALID },
        { RECORD_PERIOD, 16, 16, 1, 0, STATUS_INVALID },
        { RECORD_PERIOD, 15, 15, 1, 0, STATUS_INVALID },
        { RECORD_PERIOD, 0, 0, 1, 0, STATUS_INVALID },
    };
    leaf.head.part_count = 2;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct leaf_record record = { .size = cases[i].size };
        struct record_head *head = (struct record_head *)record.bytes;
        head->type = cases[i].type;
        head->size = cases[i].said;
        head->context = cases[i].place;
        struct leaf_opening opening = { .part = cases[i].part };
        opening.record = (struct str){ (const char *)record.bytes, record.size };
        const struct digest_part parts[] = {
            { "TPWC", 4 },
            { opening.salt.bytes, 16 },
            { record.bytes, record.size },
        };
        leaf.parts[cases[i].part] = digest_of_parts(parts, 3);
        struct leaf_record opened = { .size = 77 };
        struct error error;
        enum status status = leaf_open(&leaf, &opening, &opened, &error);
        if (status != cases[i].status) fail_msg("case %zu: %s", i, status_name(status));
        assert_int_equal(opened.size, status == STATUS_OK ? cases[i].size : 77);
    }
}

static void what_is_almost_a_leaf_is_refused(void **state)
{
    struct life *life = *state;
    static struct leaf leaf, back;
    make(life, &leaf);
    struct error error;
    struct str bytes = leaf_bytes(&leaf);
    assert_int_equal(leaf_parse(bytes, &back, &error), STATUS_OK);
    assert_true(str_equal(leaf_bytes(&back), bytes));
    for (size_t len = 0; len < bytes.len; len++) {
        assert_int_equal(leaf_parse((struct str){ bytes.data, len }, &back, &error),
                         STATUS_INVALID);
    }
    bytes.len += sizeof leaf.parts[0];
    assert_int_equal(leaf_parse(bytes, &back, &error), STATUS_INVALID);
    static const struct {
        uint16_t part_count;
        enum status status;
    } counts[] = {
        { 0, STATUS_INVALID },
        { 1, STATUS_INVALID },
        { 2, STATUS_OK },
        { LEAF_PARTS_MAX, STATUS_OK },
    };
    for (size_t i = 0; i < 4; i++) {
        leaf.head.part_count = counts[i].part_count;
        assert_int_equal(leaf_parse(leaf_bytes(&leaf), &back, &error), counts[i].status);
    }
    leaf.head.part_count = LEAF_PARTS_MAX + 1;
    bytes = leaf_bytes(&leaf);
    static char longer[sizeof leaf + 64];
    memcpy(longer, &leaf, sizeof leaf);
    bytes.data = longer;
    assert_int_equal(leaf_parse(bytes, &back, &error), STATUS_INVALID);
    make(life, &leaf);
    leaf.head.magic++;
    assert_int_equal(leaf_parse(leaf_bytes(&leaf), &back, &error), STATUS_INVALID);
    make(life, &leaf);
    leaf.head.version++;
    assert_int_equal(leaf_parse(leaf_bytes(&leaf), &back, &error), STATUS_INVALID);
    make(life, &leaf);
    leaf.head.stamp.ns = 0;
    assert_int_equal(leaf_parse(leaf_bytes(&leaf), &back, &error), STATUS_INVALID);
}

static void add_record_first(void *argument)
{
    struct life *life = argument;
    struct leaf leaf;
    leaf_begin(&leaf, &life->unit.head);
    leaf_add(&leaf, &life->key, &life->unit.first.head);
}

static void add_context_twice(void *argument)
{
    struct life *life = argument;
    struct leaf leaf;
    leaf_begin(&leaf, &life->unit.head);
    leaf_add(&leaf, &life->key, &life->unit.context.head);
    leaf_add(&leaf, &life->key, &life->unit.context.head);
}

static void add_too_many(void *argument)
{
    struct life *life = argument;
    static struct leaf leaf;
    leaf_begin(&leaf, &life->unit.head);
    leaf_add(&leaf, &life->key, &life->unit.context.head);
    for (uint32_t i = 0; i < LINKED_MAX; i++) {
        leaf_add(&leaf, &life->key, &life->unit.first.head);
    }
    if (life->unit.head.lane == 0) return;
    leaf_add(&leaf, &life->key, &life->unit.first.head);
}

static void a_unit_is_one_context_and_its_records(void **state)
{
    struct life *life = *state;
    assert_true(dies(add_record_first, life));
    assert_true(dies(add_context_twice, life));
    life->unit.head.lane = 0;
    assert_false(dies(add_too_many, life));
    life->unit.head.lane = 1;
    assert_true(dies(add_too_many, life));
}

#define LIFE_TEST(test) cmocka_unit_test_setup_teardown(test, life_begin, life_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIFE_TEST(a_leaf_is_as_described),
        LIFE_TEST(every_bit_that_means_something_counts),
        LIFE_TEST(nothing_hidden_is_shown),
        LIFE_TEST(parts_open_one_by_one),
        LIFE_TEST(what_is_no_record_does_not_open),
        LIFE_TEST(what_is_almost_a_leaf_is_refused),
        LIFE_TEST(a_unit_is_one_context_and_its_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

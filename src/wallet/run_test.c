/*
 * Goal: a run holds what was written to it, its filter lets every key of it pass and under one in
 * a hundred others, and a damaged one is refused.
 * Method: runs of many sizes with keys that come several times, beside the sorted array they
 * were made from; every byte of a summary flipped.
 */
#include "wallet/run_test.h"

#include "base/prng.h"

enum { ENTRIES_MAX = 20 * RUN_CHUNK_ENTRIES };

static struct index_entry entries[ENTRIES_MAX];

static struct uuid key_of(uint64_t number)
{
    return (struct uuid){ number * UINT64_C(0x9E3779B97F4A7C15), number };
}

/* Keys 0, 2, 4 ..., each `each` times. */
static struct run *run_made(struct shelf *shelf, uint64_t id, uint32_t count, uint32_t each)
{
    struct error error = { 0 };
    struct run_writer writer;
    const struct run_info info = { .index = 1, .id = id };
    assert_int_equal(run_writer_new(&shelf->port, &info, count, &writer), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        entries[i] = (struct index_entry){ key_of(i / each * 2), { i + 10 } };
        assert_int_equal(run_writer_add(&writer, &entries[i], &error), STATUS_OK);
    }
    struct run *run;
    assert_int_equal(run_writer_finish(&writer, &run, &error), STATUS_OK);
    run_writer_drop(&writer);
    const struct run_commit commit = {
        .run = &run->info, .summary = buf_view(&run->summary), .index = 1, .cursor = { .batch = id }
    };
    assert_int_equal(shelf->port.commit(&shelf->port, &commit, &error), STATUS_OK);
    return run;
}

static void holds_what_was_written(void **state)
{
    (void)state;
    static const uint32_t counts[] = {
        1, 2, RUN_CHUNK_ENTRIES - 1, RUN_CHUNK_ENTRIES, RUN_CHUNK_ENTRIES + 1, ENTRIES_MAX
    };
    struct shelf shelf;
    shelf_init(&shelf);
    BUF_SCOPE struct buf chunk;
    buf_init(&chunk, RUN_CHUNK_ENTRIES * sizeof(struct index_entry));
    for (uint32_t round = 0; round < 3 * 6; round++) {
        uint32_t count = counts[round % 6];
        uint32_t each = round / 6 == 0 ? 1 : round / 6 == 1 ? 3 : 2 * RUN_CHUNK_ENTRIES + 5;
        run_free(run_made(&shelf, round + 1, count, each));
        const struct run_info info = shelf_find(&shelf, round + 1)->info;
        struct run *run;
        assert_int_equal(run_load(&shelf.port, &info, &run, NULL), STATUS_OK);
        for (uint32_t i = 0; i < count; i += 1 + count / 300) {
            struct locator locators[4];
            uint32_t first = i / each * each;
            uint32_t last = first + each < count ? first + each : count;
            struct index_query query = { entries[i].key, entries[i].locator, locators, 4 };
            uint32_t found;
            assert_true(run_may_hold(run, query.key));
            assert_int_equal(run_find(run, &shelf.port, &query, &chunk, &found, NULL), STATUS_OK);
            uint32_t left = last - i - 1;
            assert_int_equal(found, left < 4 ? left : 4);
            for (uint32_t k = 0; k < found; k++) {
                assert_int_equal(locators[k].packed, entries[i + 1 + k].locator.packed);
            }
            query.key = key_of(i / each * 2 + 1); /* absent */
            query.after.packed = 0;
            assert_int_equal(run_find(run, &shelf.port, &query, &chunk, &found, NULL), STATUS_OK);
            assert_int_equal(found, 0);
            query = (struct index_query){ entries[i].key, { UINT64_MAX }, locators, 4 };
            assert_int_equal(run_find(run, &shelf.port, &query, &chunk, &found, NULL), STATUS_OK);
            assert_int_equal(found, 0);
        }
        run_free(run);
    }
    shelf_done(&shelf);
}

static void cursor_reads_all_in_order(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_init(&shelf);
    struct run *run = run_made(&shelf, 1, ENTRIES_MAX - 7, 2);
    struct run_cursor cursor;
    assert_int_equal(run_cursor_open(&shelf.port, run, &cursor, NULL), STATUS_OK);
    for (uint32_t i = 0; i < ENTRIES_MAX - 7; i++) {
        assert_memory_equal(run_cursor_entry(&cursor), &entries[i], sizeof entries[i]);
        assert_int_equal(run_cursor_next(&cursor, NULL), STATUS_OK);
    }
    assert_null(run_cursor_entry(&cursor));
    run_cursor_close(&cursor);
    run_free(run);
    shelf_done(&shelf);
}

static void filter_lets_under_one_in_a_hundred_strangers_pass(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_init(&shelf);
    struct run *run = run_made(&shelf, 1, ENTRIES_MAX, 1);
    struct prng prng;
    prng_init(&prng, 6);
    uint32_t passed = 0;
    enum { STRANGERS = 200000 };
    for (uint32_t i = 0; i < STRANGERS; i++) { /* between the least and the greatest key */
        struct uuid key = { prng_next(&prng), prng_below(&prng, 2 * ENTRIES_MAX - 4) };
        passed += run_may_hold(run, key);
    }
    assert_true(passed < STRANGERS / 100);
    assert_true(passed > 0); /* else it is not the filter that was asked */
    for (uint32_t i = 0; i < ENTRIES_MAX; i++) assert_true(run_may_hold(run, entries[i].key));
    run_free(run);
    shelf_done(&shelf);
}

static void every_flipped_byte_of_a_summary_is_refused(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_init(&shelf);
    run_free(run_made(&shelf, 1, 3 * RUN_CHUNK_ENTRIES, 1));
    struct shelf_run *stored = shelf_find(&shelf, 1);
    for (size_t at = 0; at < stored->summary.len; at++) {
        struct error error = { 0 };
        struct run *run;
        stored->summary.data[at] ^= 16;
        assert_int_equal(run_load(&shelf.port, &stored->info, &run, &error), STATUS_CORRUPT);
        stored->summary.data[at] ^= 16;
    }
    for (size_t len = 0; len < stored->summary.len; len += 7) {
        struct run *run;
        size_t whole = stored->summary.len;
        stored->summary.len = len;
        assert_int_equal(run_load(&shelf.port, &stored->info, &run, NULL), STATUS_CORRUPT);
        stored->summary.len = whole;
    }
    struct run *run;
    struct run_info other = stored->info;
    other.entries++;
    assert_int_equal(run_load(&shelf.port, &other, &run, NULL), STATUS_CORRUPT);
    shelf_done(&shelf);
}

static void chunk_of_another_length_is_refused(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_init(&shelf);
    BUF_SCOPE struct buf chunk;
    buf_init(&chunk, RUN_CHUNK_ENTRIES * sizeof(struct index_entry));
    struct run *run = run_made(&shelf, 1, 2 * RUN_CHUNK_ENTRIES, 1);
    shelf_find(&shelf, 1)->chunks[1].len -= sizeof(struct index_entry);
    struct locator locator;
    struct index_query query = { entries[RUN_CHUNK_ENTRIES + 9].key, { 0 }, &locator, 1 };
    uint32_t found;
    struct error error = { 0 };
    assert_int_equal(run_find(run, &shelf.port, &query, &chunk, &found, &error), STATUS_CORRUPT);
    assert_string_equal(error.message, "chunk 1 of index run 1 is damaged");
    run_free(run);
    shelf_done(&shelf);
}

static void failures_of_the_store_are_passed_up(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_init(&shelf);
    shelf.fails_with = STATUS_LIMIT;
    shelf.write_fails = 1;
    struct run_writer writer;
    const struct run_info info = { .index = 1, .id = 1 };
    assert_int_equal(run_writer_new(&shelf.port, &info, 1, &writer), STATUS_OK);
    struct index_entry entry = { key_of(1), { 1 } };
    struct run *run;
    assert_int_equal(run_writer_add(&writer, &entry, NULL), STATUS_OK);
    assert_int_equal(run_writer_finish(&writer, &run, NULL), STATUS_LIMIT);
    run_writer_drop(&writer);
    shelf_done(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_was_written),
        cmocka_unit_test(cursor_reads_all_in_order),
        cmocka_unit_test(filter_lets_under_one_in_a_hundred_strangers_pass),
        cmocka_unit_test(every_flipped_byte_of_a_summary_is_refused),
        cmocka_unit_test(chunk_of_another_length_is_refused),
        cmocka_unit_test(failures_of_the_store_are_passed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: the real and the simulated stores mean the same by every call of port/store.h and
 * port/run_store.h, so that what is proven in the simulator holds on a disk.
 * Method: one list of cases, run against any implementation through a factory.
 */
#include "tests/port/store_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/prng.h"

enum { SMALL = 100, LISTS_MAX = 1 << 20 };

/* ---- store ---- */

/* A batch whose bytes follow from its sequence and size, so that any reader can tell them. */
struct sample {
    struct store_batch batch;
    uint8_t *data;
};

static struct sample sample_new(uint64_t epoch, uint64_t sequence, size_t size)
{
    struct sample sample = { .data = malloc(size + 1) };
    assert_non_null(sample.data);
    struct prng prng;
    prng_init(&prng, sequence * 1000003 + size);
    prng_fill(&prng, sample.data, size);
    sample.batch = (struct store_batch){
        .epoch = epoch,
        .sequence = sequence,
        .stamp = { (int64_t)sequence * 1000 },
        .hash = digest_of(sample.data, size),
        .data = sample.data,
        .size = size,
    };
    return sample;
}

static enum status append_sized(struct store *store, uint64_t epoch, uint64_t sequence, size_t size)
{
    struct error error = { 0 };
    struct sample sample = sample_new(epoch, sequence, size);
    enum status status = store->append(store, &sample.batch, &error);
    free(sample.data);
    return status;
}

static uint64_t claim(struct store *store)
{
    struct store_head head;
    struct error error = { 0 };
    assert_int_equal(store->claim(store, &head, &error), STATUS_OK);
    return head.epoch;
}

static struct store_head head_of(struct store *store)
{
    struct store_head head;
    struct error error = { 0 };
    assert_int_equal(store->head(store, &head, &error), STATUS_OK);
    return head;
}

static void expect_batch(struct store *store, uint64_t sequence, size_t size)
{
    struct error error = { 0 };
    struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    struct sample sample = sample_new(1, sequence, size);
    assert_int_equal(store->read(store, sequence, &blob, &error), STATUS_OK);
    assert_int_equal(blob.len, size);
    if (size > 0) assert_memory_equal(blob.data, sample.data, size);
    free(sample.data);
    buf_free(&blob);
}

static void empty_journal_has_nothing(const struct store_factory *factory)
{
    struct store *store = factory->open(factory->owner);
    struct error error = { 0 };
    struct store_head head = head_of(store);
    static const struct store_head zero;
    assert_int_equal(head.sequence, 0);
    assert_memory_equal(&head.hash, &zero.hash, sizeof zero.hash);
    assert_int_equal(head.stamp.ns, 0);
    struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    assert_int_equal(store->read(store, 0, &blob, &error), STATUS_NOT_FOUND);
    assert_int_equal(store->read(store, 1, &blob, &error), STATUS_NOT_FOUND);
    uint8_t byte;
    assert_int_equal(store->read_part(store, 1, 0, 1, &byte, &error), STATUS_NOT_FOUND);
    uint64_t sequence = 99;
    assert_int_equal(store->find_stamp(store, (struct wall_time){ 5 }, &sequence, &error),
                     STATUS_OK);
    assert_int_equal(sequence, 1);
    assert_int_equal(store->slice_list(store, &blob, &error), STATUS_OK);
    assert_int_equal(blob.len, 0);
    buf_free(&blob);
    store->close(store);
}

static void batches_follow_each_other_and_are_read_back(const struct store_factory *factory)
{
    struct store *store = factory->open(factory->owner);
    uint64_t epoch = claim(store);
    for (uint64_t sequence = 1; sequence <= 20; sequence++) {
        assert_int_equal(append_sized(store, epoch, sequence, SMALL + sequence), STATUS_OK);
        struct store_head head = head_of(store);
        struct sample sample = sample_new(epoch, sequence, SMALL + sequence);
        assert_int_equal(head.sequence, sequence);
        assert_int_equal(head.epoch, epoch);
        assert_int_equal(head.stamp.ns, sample.batch.stamp.ns);
        assert_memory_equal(&head.hash, &sample.batch.hash, sizeof head.hash);
        free(sample.data);
    }
    for (uint64_t sequence = 1; sequence <= 20; sequence++) {
        expect_batch(store, sequence, SMALL + sequence);
    }
    store->close(store);
}

static void gap_repeat_and_wrong_epoch_are_fenced(const struct store_factory *factory)
{
    struct store *store = factory->open(factory->owner);
    uint64_t epoch = claim(store);
    assert_int_equal(append_sized(store, epoch, 2, SMALL), STATUS_FENCED);
    assert_int_equal(append_sized(store, epoch, 1, SMALL), STATUS_OK);
    assert_int_equal(append_sized(store, epoch, 1, SMALL), STATUS_FENCED);
    assert_int_equal(append_sized(store, epoch, 3, SMALL), STATUS_FENCED);
    assert_int_equal(append_sized(store, epoch + 1, 2, SMALL), STATUS_FENCED);
    assert_int_equal(append_sized(store, epoch - 1, 2, SMALL), STATUS_FENCED);
    assert_int_equal(head_of(store).sequence, 1);
    assert_int_equal(append_sized(store, epoch, 2, SMALL), STATUS_OK);
    store->close(store);
}

static void fenced_append_leaves_nothing(const struct store_factory *factory)
{
    struct store *store = factory->open(factory->owner);
    struct error error = { 0 };
    uint64_t epoch = claim(store);
    struct sample sample = sample_new(epoch, 7, SMALL);
    struct store_slice slice = { .table = 1, .generation = 1, .to = 9, .data = "abc", .size = 3 };
    sample.batch.slices = &slice;
    sample.batch.slice_count = 1;
    assert_int_equal(store->append(store, &sample.batch, &error), STATUS_FENCED);
    free(sample.data);
    struct buf list;
    buf_init(&list, LISTS_MAX);
    assert_int_equal(store->slice_list(store, &list, &error), STATUS_OK);
    assert_int_equal(list.len, 0);
    buf_free(&list);
    assert_int_equal(head_of(store).sequence, 0);
    store->close(store);
}

static void takeover_fences_the_owner_before(const struct store_factory *factory)
{
    struct store *first = factory->open(factory->owner);
    uint64_t first_epoch = claim(first);
    assert_int_equal(append_sized(first, first_epoch, 1, SMALL), STATUS_OK);
    struct store *second = factory->open(factory->owner);
    uint64_t second_epoch = claim(second);
    assert_int_equal(second_epoch, first_epoch + 1);
    assert_int_equal(append_sized(first, first_epoch, 2, SMALL), STATUS_FENCED);
    assert_int_equal(append_sized(second, second_epoch, 2, SMALL), STATUS_OK);
    assert_int_equal(append_sized(first, first_epoch, 3, SMALL), STATUS_FENCED);
    assert_int_equal(head_of(first).sequence, 2);
    expect_batch(first, 2, SMALL);
    first->close(first);
    second->close(second);
}

static void epoch_rises_with_every_claim(const struct store_factory *factory)
{
    uint64_t last = 0;
    for (int i = 0; i < 4; i++) {
        struct store *store = factory->open(factory->owner);
        uint64_t epoch = claim(store);
        if (i > 0) assert_int_equal(epoch, last + 1);
        last = epoch;
        assert_int_equal(head_of(store).epoch, epoch);
        store->close(store);
    }
}

static void what_was_appended_is_there_after_reopen(const struct store_factory *factory)
{
    static const size_t sizes[] = { 1, SMALL, 70000, BATCH_SIZE_MAX, 0, 4096 };
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    struct store *store = factory->open(factory->owner);
    uint64_t epoch = claim(store);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_int_equal(append_sized(store, epoch, i + 1, sizes[i]), STATUS_OK);
    }
    struct error error = { 0 };
    assert_int_equal(store->reopen(store, &error), STATUS_OK);
    for (uint64_t i = 0; i < COUNT; i++) expect_batch(store, i + 1, sizes[i]);
    assert_int_equal(append_sized(store, epoch, COUNT + 1, SMALL), STATUS_OK);
    store->close(store);
    store = factory->open(factory->owner);
    for (uint64_t i = 0; i < COUNT; i++) expect_batch(store, i + 1, sizes[i]);
    expect_batch(store, COUNT + 1, SMALL);
    assert_int_equal(head_of(store).sequence, COUNT + 1);
    assert_int_equal(append_sized(store, epoch, COUNT + 2, SMALL), STATUS_OK);
    store->close(store);
}

static void read_says_limit_when_the_buffer_is_too_small(const struct store_factory *factory)
{
    struct store *store = factory->open(factory->owner);
    struct error error = { 0 };
    assert_int_equal(append_sized(store, claim(store), 1, SMALL), STATUS_OK);
    struct buf blob;
    buf_init(&blob, SMALL - 1);
    assert_int_equal(store->read(store, 1, &blob, &error), STATUS_LIMIT);
    buf_free(&blob);
    buf_init(&blob, SMALL);
    buf_append(&blob, "old contents", 12);
    assert_int_equal(store->read(store, 1, &blob, &error), STATUS_OK);
    assert_int_equal(blob.len, SMALL);
    buf_free(&blob);
    store->close(store);
}

static void parts_are_read_within_bounds_only(const struct store_factory *factory)
{
    enum { SIZE = 200000 };
    struct store *store = factory->open(factory->owner);
    struct error error = { 0 };
    assert_int_equal(append_sized(store, claim(store), 1, SIZE), STATUS_OK);
    struct sample sample = sample_new(1, 1, SIZE);
    static const uint32_t ranges[][2] = {
        { 0, 1 }, { SIZE - 1, 1 }, { 0, SIZE }, { 65530, 20 }, { 100000, 50000 }, { SIZE, 0 },
    };
    static uint8_t bytes[SIZE];
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        uint32_t offset = ranges[i][0];
        uint32_t size = ranges[i][1];
        assert_int_equal(store->read_part(store, 1, offset, size, bytes, &error), STATUS_OK);
        assert_memory_equal(bytes, sample.data + offset, size);
    }
    assert_int_equal(store->read_part(store, 1, SIZE, 1, bytes, &error), STATUS_NOT_FOUND);
    assert_int_equal(store->read_part(store, 1, SIZE - 1, 2, bytes, &error), STATUS_NOT_FOUND);
    assert_int_equal(store->read_part(store, 1, UINT32_MAX, 1, bytes, &error), STATUS_NOT_FOUND);
    assert_int_equal(store->read_part(store, 2, 0, 1, bytes, &error), STATUS_NOT_FOUND);
    free(sample.data);
    store->close(store);
}

static void stamps_are_found_by_lower_bound(const struct store_factory *factory)
{
    struct store *store = factory->open(factory->owner);
    struct error error = { 0 };
    uint64_t epoch = claim(store);
    for (uint64_t i = 1; i <= 9; i++) {
        assert_int_equal(append_sized(store, epoch, i, SMALL), STATUS_OK); /* stamp i * 1000 */
    }
    static const struct {
        int64_t stamp;
        uint64_t sequence;
    } cases[] = { { 0, 1 },    { 999, 1 },  { 1000, 1 },  { 1001, 2 },      { 5000, 5 },
                  { 5001, 6 }, { 9000, 9 }, { 9001, 10 }, { INT64_MAX, 10 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t sequence = 0;
        struct wall_time stamp = { cases[i].stamp };
        assert_int_equal(store->find_stamp(store, stamp, &sequence, &error), STATUS_OK);
        assert_int_equal(sequence, cases[i].sequence);
    }
    store->close(store);
}

/* ---- slices ---- */

static void append_slices(struct store *store, uint64_t epoch, uint64_t sequence,
                          const struct store_slice *slices, uint32_t count)
{
    struct error error = { 0 };
    struct sample sample = sample_new(epoch, sequence, SMALL);
    sample.batch.slices = slices;
    sample.batch.slice_count = count;
    assert_int_equal(store->append(store, &sample.batch, &error), STATUS_OK);
    free(sample.data);
}

static void expect_slices(struct store *store, const struct store_slice *expected, size_t count)
{
    struct error error = { 0 };
    struct buf list;
    buf_init(&list, LISTS_MAX);
    assert_int_equal(store->slice_list(store, &list, &error), STATUS_OK);
    assert_int_equal(list.len, count * sizeof(struct store_slice));
    struct buf data;
    buf_init(&data, SLICE_SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        struct store_slice slice;
        memcpy(&slice, list.data + i * sizeof slice, sizeof slice);
        assert_null(slice.data);
        assert_int_equal(slice.table, expected[i].table);
        assert_int_equal(slice.generation, expected[i].generation);
        assert_int_equal(slice.from, expected[i].from);
        assert_int_equal(slice.to, expected[i].to);
        assert_int_equal(slice.at_batch, expected[i].at_batch);
        assert_int_equal(slice.size, expected[i].size);
        assert_int_equal(store->slice_read(store, &slice, &data, &error), STATUS_OK);
        assert_int_equal(data.len, expected[i].size);
        if (data.len > 0) assert_memory_equal(data.data, expected[i].data, data.len);
    }
    buf_free(&data);
    buf_free(&list);
}

static struct store_slice slice_of(uint32_t table, uint64_t generation, uint64_t from, uint64_t to)
{
    static const char text[] = "the entries of a slice, as of a batch";
    return (struct store_slice){ .table = table,
                                 .generation = generation,
                                 .from = from,
                                 .to = to,
                                 .data = text + generation,
                                 .size = 10 + from };
}

static struct store_slice at(struct store_slice slice, uint64_t batch)
{
    slice.at_batch = batch;
    return slice;
}

static void slices_go_when_a_later_generation_covers_them(const struct store_factory *factory)
{
    struct store *store = factory->open(factory->owner);
    uint64_t epoch = claim(store);
    struct store_slice first[] = { slice_of(1, 1, 0, 4), slice_of(1, 1, 4, 8),
                                   slice_of(2, 1, 0, 4) };
    append_slices(store, epoch, 1, first, 3);
    struct store_slice all[] = { at(first[0], 1), at(first[1], 1), at(first[2], 1) };
    expect_slices(store, all, 3);

    /* Covers [0, 4) wholly and [4, 8) in part: only the first goes. */
    struct store_slice half = slice_of(1, 2, 0, 6);
    append_slices(store, epoch, 2, &half, 1);
    struct store_slice after_half[] = { at(first[1], 1), at(half, 2), at(first[2], 1) };
    expect_slices(store, after_half, 3);

    struct store_slice rest = slice_of(1, 2, 6, 8);
    append_slices(store, epoch, 3, &rest, 1);
    struct store_slice after_rest[] = { at(half, 2), at(rest, 3), at(first[2], 1) };
    expect_slices(store, after_rest, 3);
    store->close(store);

    store = factory->open(factory->owner);
    expect_slices(store, after_rest, 3);
    store->close(store);
}

static void slices_of_the_same_generation_stay(const struct store_factory *factory)
{
    struct store *store = factory->open(factory->owner);
    uint64_t epoch = claim(store);
    struct store_slice slices[] = { slice_of(5, 3, 0, 2), slice_of(5, 3, 2, 9) };
    append_slices(store, epoch, 1, &slices[0], 1);
    append_slices(store, epoch, 2, &slices[1], 1);
    struct store_slice expected[] = { at(slices[0], 1), at(slices[1], 2) };
    expect_slices(store, expected, 2);
    store->close(store);
}

static void largest_slices_fit_in_one_batch(const struct store_factory *factory)
{
    struct store *store = factory->open(factory->owner);
    uint8_t *data = calloc(1, SLICE_SIZE_MAX);
    assert_non_null(data);
    data[0] = 1;
    data[SLICE_SIZE_MAX - 1] = 2;
    struct store_slice slices[STORE_SLICES_PER_BATCH_MAX];
    struct store_slice expected[STORE_SLICES_PER_BATCH_MAX];
    for (uint32_t i = 0; i < STORE_SLICES_PER_BATCH_MAX; i++) {
        slices[i] = (struct store_slice){
            .table = i, .generation = 1, .from = 0, .to = 1, .data = data, .size = SLICE_SIZE_MAX
        };
        expected[i] = at(slices[i], 1);
    }
    append_slices(store, claim(store), 1, slices, STORE_SLICES_PER_BATCH_MAX);
    expect_slices(store, expected, STORE_SLICES_PER_BATCH_MAX);
    free(data);
    store->close(store);
}

void store_conformance(const struct store_factory *factory)
{
    static void (*const cases[])(const struct store_factory *) = {
        empty_journal_has_nothing,
        batches_follow_each_other_and_are_read_back,
        gap_repeat_and_wrong_epoch_are_fenced,
        fenced_append_leaves_nothing,
        takeover_fences_the_owner_before,
        epoch_rises_with_every_claim,
        what_was_appended_is_there_after_reopen,
        read_says_limit_when_the_buffer_is_too_small,
        parts_are_read_within_bounds_only,
        stamps_are_found_by_lower_bound,
        slices_go_when_a_later_generation_covers_them,
        slices_of_the_same_generation_stay,
        largest_slices_fit_in_one_batch,
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        factory->fresh(factory->owner);
        cases[i](factory);
    }
}

/* ---- run_store ---- */

static void write_run(struct run_store *store, uint64_t run, uint32_t chunks)
{
    struct error error = { 0 };
    for (uint32_t chunk = 0; chunk < chunks; chunk++) {
        uint8_t data[300];
        memset(data, (int)(run + chunk), sizeof data);
        size_t size = 100 + chunk;
        assert_int_equal(store->chunk_write(store, run, chunk, data, size, &error), STATUS_OK);
    }
}

static void expect_run(struct run_store *store, uint64_t run, uint32_t chunks, const char *summary)
{
    struct error error = { 0 };
    struct buf bytes;
    buf_init(&bytes, 4096);
    for (uint32_t chunk = 0; chunk < chunks; chunk++) {
        assert_int_equal(store->chunk_read(store, run, chunk, &bytes, &error), STATUS_OK);
        assert_int_equal(bytes.len, 100 + chunk);
        for (size_t i = 0; i < bytes.len; i++) {
            assert_int_equal(bytes.data[i], (uint8_t)(run + chunk));
        }
    }
    assert_int_equal(store->summary_read(store, run, &bytes, &error), STATUS_OK);
    assert_true(str_equal(buf_view(&bytes), str_from(summary)));
    buf_free(&bytes);
}

/* A hash that tells by itself whose it is. */
static struct store_point point_of(uint64_t batch)
{
    struct store_point point = { .batch = batch };
    if (batch > 0) point.hash = digest_of(&batch, sizeof batch);
    return point;
}

static void commit_run(struct run_store *store, const struct run_info *run, const char *summary,
                       uint64_t cursor)
{
    struct error error = { 0 };
    struct run_commit commit = {
        .run = run, .summary = str_from(summary), .index = run->index, .cursor = point_of(cursor)
    };
    assert_int_equal(store->commit(store, &commit, &error), STATUS_OK);
}

static void expect_list(struct run_store *store, uint32_t index, const struct run_info *runs,
                        size_t count, uint64_t cursor)
{
    struct error error = { 0 };
    struct buf list;
    buf_init(&list, 4096);
    assert_int_equal(store->list(store, index, &list, &error), STATUS_OK);
    assert_int_equal(list.len, count * sizeof(struct run_info));
    for (size_t i = 0; i < count; i++) {
        struct run_info run;
        memcpy(&run, list.data + i * sizeof run, sizeof run);
        assert_int_equal(run.id, runs[i].id);
        assert_int_equal(run.index, runs[i].index);
        assert_int_equal(run.level, runs[i].level);
        assert_int_equal(run.entries, runs[i].entries);
        assert_int_equal(run.chunks, runs[i].chunks);
    }
    buf_free(&list);
    struct store_point found = { .batch = 77 };
    struct store_point wanted = point_of(cursor);
    assert_int_equal(store->cursor(store, index, &found, &error), STATUS_OK);
    assert_int_equal(found.batch, cursor);
    assert_true(digest_equal(&found.hash, &wanted.hash));
}

static void empty_run_store_has_no_runs(const struct run_store_factory *factory)
{
    struct run_store *store = factory->open(factory->owner);
    expect_list(store, 0, NULL, 0, 0);
    expect_list(store, 3, NULL, 0, 0);
    store->close(store);
}

static void committed_runs_are_there_after_reopen(const struct run_store_factory *factory)
{
    struct run_info runs[] = {
        { .index = 1, .level = 0, .id = 1, .entries = 40, .chunks = 5 },
        { .index = 1, .level = 2, .id = 3, .entries = 90, .chunks = 2 },
    };
    struct run_info other = { .index = 2, .level = 1, .id = 2, .entries = 7, .chunks = 1 };
    struct run_store *store = factory->open(factory->owner);
    write_run(store, 1, 5);
    expect_list(store, 1, NULL, 0, 0);
    commit_run(store, &runs[0], "first", 10);
    write_run(store, 2, 1);
    commit_run(store, &other, "second", 11);
    write_run(store, 3, 2);
    commit_run(store, &runs[1], "third", 12);
    for (int round = 0; round < 2; round++) {
        expect_list(store, 1, runs, 2, 12);
        expect_list(store, 2, &other, 1, 11);
        expect_run(store, 1, 5, "first");
        expect_run(store, 2, 1, "second");
        expect_run(store, 3, 2, "third");
        store->close(store);
        store = factory->open(factory->owner);
    }
    store->close(store);
}

static void merged_run_replaces_its_inputs_at_once(const struct run_store_factory *factory)
{
    struct error error = { 0 };
    struct run_info inputs[] = { { .index = 1, .id = 1, .entries = 1, .chunks = 1 },
                                 { .index = 1, .id = 2, .entries = 2, .chunks = 2 } };
    struct run_info merged = { .index = 1, .level = 1, .id = 3, .entries = 3, .chunks = 3 };
    struct run_store *store = factory->open(factory->owner);
    write_run(store, 1, 1);
    commit_run(store, &inputs[0], "a", 5);
    write_run(store, 2, 2);
    commit_run(store, &inputs[1], "b", 6);
    write_run(store, 3, 3);
    expect_list(store, 1, inputs, 2, 6);
    const uint64_t replaced[] = { 1, 2 };
    struct run_commit commit = {
        .run = &merged,
        .summary = STR("c"),
        .replaced = replaced,
        .replaced_count = 2,
        .index = 1,
        .cursor = point_of(6),
    };
    assert_int_equal(store->commit(store, &commit, &error), STATUS_OK);
    expect_list(store, 1, &merged, 1, 6);
    expect_run(store, 3, 3, "c");
    struct buf bytes; /* a reader may still be in one that was replaced */
    buf_init(&bytes, 4096);
    assert_int_equal(store->chunk_read(store, 2, 1, &bytes, &error), STATUS_OK);
    assert_int_equal(bytes.len, 101);
    buf_free(&bytes);
    struct run_commit next = { .index = 1, .cursor = point_of(7) };
    assert_int_equal(store->commit(store, &next, &error), STATUS_OK);
    expect_list(store, 1, &merged, 1, 7);
    store->close(store);
    store = factory->open(factory->owner);
    expect_list(store, 1, &merged, 1, 7);
    expect_run(store, 3, 3, "c");
    store->close(store);
}

static void cursor_moves_without_a_run(const struct run_store_factory *factory)
{
    struct error error = { 0 };
    struct run_store *store = factory->open(factory->owner);
    struct run_commit commit = { .index = 4, .cursor = point_of(123) };
    assert_int_equal(store->commit(store, &commit, &error), STATUS_OK);
    expect_list(store, 4, NULL, 0, 123);
    store->close(store);
}

static void uncommitted_run_is_gone_after_reopen(const struct run_store_factory *factory)
{
    struct run_info run = { .index = 1, .id = 1, .entries = 1, .chunks = 1 };
    struct run_info again = { .index = 1, .id = 2, .entries = 2, .chunks = 2 };
    struct run_store *store = factory->open(factory->owner);
    write_run(store, 1, 1);
    commit_run(store, &run, "kept", 3);
    write_run(store, 2, 4);
    store->close(store);
    store = factory->open(factory->owner);
    expect_list(store, 1, &run, 1, 3);
    write_run(store, 2, 2); /* nothing of it stands in the way */
    commit_run(store, &again, "again", 4);
    struct run_info both[] = { run, again };
    expect_list(store, 1, both, 2, 4);
    expect_run(store, 2, 2, "again");
    store->close(store);
}

static void clear_forgets_all_indexes(const struct run_store_factory *factory)
{
    struct error error = { 0 };
    struct run_info run = { .index = 1, .id = 1, .entries = 1, .chunks = 1 };
    struct run_store *store = factory->open(factory->owner);
    write_run(store, 1, 1);
    commit_run(store, &run, "gone", 3);
    assert_int_equal(store->clear(store, &error), STATUS_OK);
    expect_list(store, 1, NULL, 0, 0);
    write_run(store, 1, 1);
    commit_run(store, &run, "new", 1);
    expect_run(store, 1, 1, "new");
    store->close(store);
    store = factory->open(factory->owner);
    expect_list(store, 1, &run, 1, 1);
    store->close(store);
}

void run_store_conformance(const struct run_store_factory *factory)
{
    static void (*const cases[])(const struct run_store_factory *) = {
        empty_run_store_has_no_runs,
        committed_runs_are_there_after_reopen,
        merged_run_replaces_its_inputs_at_once,
        cursor_moves_without_a_run,
        uncommitted_run_is_gone_after_reopen,
        clear_forgets_all_indexes,
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        factory->fresh(factory->owner);
        cases[i](factory);
    }
}

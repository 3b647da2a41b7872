/*
 * Goal: an index answers as a list of all its entries would, whatever is in memory, on its way,
 * in runs or merged, and after a loss of memory.
 * Method: a random walk over tiny tables beside a plain array: inserts, freezes, jobs that are
 * carried out late, fail or succeed, and crashes, after which what is above the cursor is
 * inserted again, as recovery does.
 */
#include "wallet/index.h"

#include "base/prng.h"
#include "wallet/run_test.h"

enum { NUMBER = 3, TABLE = 24, BATCH = 8, ENTRIES_MAX = 60000, KEYS = 400, BATCHES = 6000 };

struct walk {
    struct prng prng;
    struct shelf shelf;
    struct index *index;
    struct index_entry all[ENTRIES_MAX];
    uint32_t count;
    uint64_t batch;   /* the newest one inserted */
    uint64_t durable; /* at most that */
    uint64_t reached;
    struct index_job job;
    bool job_is_out;
    bool job_is_run;
    bool unique; /* every key once */
    uint64_t merges;
    uint64_t failures;
    uint64_t crashes;
};

static struct uuid key_of(uint64_t number)
{
    return (struct uuid){ number * UINT64_C(0x9E3779B97F4A7C15), number % 7 };
}

static void index_begin(struct walk *walk)
{
    const struct index_options options = {
        .number = NUMBER, .memtable_ids = TABLE, .batch_ids = BATCH, .seed = 5
    };
    assert_int_equal(index_new(&walk->shelf.port, &options, &walk->index), STATUS_OK);
    assert_int_equal(index_load(walk->index, NULL), STATUS_OK);
}

static struct walk *walk_new(uint64_t seed, bool unique)
{
    struct walk *walk = calloc(1, sizeof *walk);
    assert_non_null(walk);
    prng_init(&walk->prng, seed);
    shelf_init(&walk->shelf);
    walk->unique = unique;
    index_begin(walk);
    return walk;
}

static void job_finish(struct walk *walk)
{
    if (!walk->job_is_out) return;
    if (!walk->job_is_run) index_job_run(&walk->job);
    index_job_done(&walk->job);
    if (walk->job.status == STATUS_OK && walk->job.input_count > 0) walk->merges++;
    if (walk->job.status != STATUS_OK) walk->failures++;
    walk->job_is_out = false;
}

static void walk_free(struct walk *walk)
{
    job_finish(walk);
    index_free(walk->index);
    shelf_done(&walk->shelf);
    free(walk);
}

static struct store_point point_of(uint64_t batch)
{
    return (struct store_point){ batch, digest_of(&batch, sizeof batch) };
}

/* Everything up to `durable` was reached, batch by batch. */
static bool next_job(struct walk *walk, uint64_t durable, struct index_job *out_job)
{
    while (walk->reached < durable) index_reach(walk->index, point_of(++walk->reached));
    bool any = index_next_job(walk->index, out_job);
    if (!any || out_job->cursor.batch == 0) return any;
    struct store_point wanted = point_of(out_job->cursor.batch);
    assert_true(digest_equal(&out_job->cursor.hash, &wanted.hash));
    return true;
}

static void job_step(struct walk *walk)
{
    if (!walk->job_is_out) {
        walk->job_is_out = next_job(walk, walk->durable, &walk->job);
        walk->job_is_run = false;
    } else if (!walk->job_is_run) {
        if (prng_below(&walk->prng, 8) == 0) walk->shelf.write_fails = 1;
        if (prng_below(&walk->prng, 8) == 0) walk->shelf.commit_fails = 1;
        if (prng_below(&walk->prng, 16) == 0) walk->shelf.read_fails = 1;
        index_job_run(&walk->job);
        walk->shelf.write_fails = 0;
        walk->shelf.commit_fails = 0;
        walk->shelf.read_fails = 0;
        walk->job_is_run = true;
    } else {
        job_finish(walk);
    }
}

static void batch_step(struct walk *walk)
{
    while (!index_freeze(walk->index, walk->batch, 0)) {
        walk->durable = walk->batch;
        job_step(walk);
    }
    walk->batch++;
    uint64_t items = prng_below(&walk->prng, BATCH + 1);
    for (uint32_t i = 0; i < items; i++) {
        uint64_t number = walk->unique ? walk->count + 1000 : prng_below(&walk->prng, KEYS);
        struct index_entry *entry = &walk->all[walk->count++];
        *entry = (struct index_entry){ key_of(number), locator_make(walk->batch, 128 + 128 * i) };
        index_insert(walk->index, entry->key, entry->locator);
    }
}

/* Memory is lost, and batches that were not durable; the rest is entered again. */
static void crash_step(struct walk *walk)
{
    bool commits = prng_below(&walk->prng, 2) == 0; /* maybe the last that was done */
    if (walk->job_is_out && !walk->job_is_run && commits) index_job_run(&walk->job);
    if (walk->job_is_out && !walk->job_is_run && !commits) walk->job.status = STATUS_UNAVAILABLE;
    if (walk->job_is_out) index_job_done(&walk->job);
    walk->job_is_out = false;
    index_free(walk->index);
    shelf_tidy(&walk->shelf);
    index_begin(walk);
    walk->batch = walk->durable;
    while (walk->count > 0 && locator_batch(walk->all[walk->count - 1].locator) > walk->durable) {
        walk->count--;
    }
    uint64_t cursor = index_cursor(walk->index);
    walk->reached = cursor;
    assert_true(cursor <= walk->durable);
    uint64_t frozen_at = cursor;
    for (uint32_t i = 0; i < walk->count; i++) {
        uint64_t batch = locator_batch(walk->all[i].locator);
        if (batch <= cursor) continue;
        if (batch != frozen_at) {
            while (!index_freeze(walk->index, batch - 1, 0)) {
                job_step(walk);
            }
            frozen_at = batch;
        }
        index_insert(walk->index, walk->all[i].key, walk->all[i].locator);
    }
    walk->crashes++;
}

static void ask(struct walk *walk, struct uuid key, struct locator after, uint32_t limit)
{
    struct locator expected[16];
    struct locator got[16];
    uint32_t count = 0;
    uint32_t found;
    for (uint32_t i = 0; i < walk->count && count < limit; i++) {
        if (!uuid_equal(walk->all[i].key, key)) continue;
        if (walk->all[i].locator.packed > after.packed) expected[count++] = walk->all[i].locator;
    }
    const struct index_query query = { key, after, got, limit };
    assert_int_equal(index_find_after(walk->index, &query, &found, NULL), STATUS_OK);
    assert_int_equal(found, count);
    assert_memory_equal(got, expected, count * sizeof got[0]);
    if (!walk->unique || after.packed != 0) return;
    struct locator one;
    enum status status = index_find(walk->index, key, &one, NULL);
    assert_int_equal(status, count > 0 ? STATUS_OK : STATUS_NOT_FOUND);
    if (count > 0) assert_int_equal(one.packed, expected[0].packed);
}

static void ask_some(struct walk *walk)
{
    uint64_t range = walk->unique ? 1000 + walk->count + 20 : KEYS + 20;
    struct locator after = { 0 };
    if (walk->count > 0 && prng_below(&walk->prng, 2) == 0) {
        after = walk->all[prng_below(&walk->prng, walk->count)].locator;
    }
    ask(walk, key_of(prng_below(&walk->prng, range)), after,
        1 + (uint32_t)prng_below(&walk->prng, 15));
}

static void walk_on(struct walk *walk)
{
    while (walk->batch < BATCHES) {
        switch (prng_below(&walk->prng, 8)) {
        case 0: job_step(walk); break;
        case 1: ask_some(walk); break;
        case 2:
            if (prng_below(&walk->prng, 100) == 0) crash_step(walk);
            break;
        case 3: walk->durable += prng_below(&walk->prng, walk->batch - walk->durable + 1); break;
        case 4:
            if (prng_below(&walk->prng, 40) == 0) {
                (void)index_freeze(walk->index, walk->batch, UINT64_MAX); /* early, as a drain */
            }
            break;
        default: batch_step(walk); break;
        }
    }
    assert_true(walk->merges > 5);
    assert_true(walk->failures > 5);
    assert_true(walk->crashes > 5);
}

static void random_walk_agrees_with_a_list(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        for (int unique = 0; unique < 2; unique++) {
            struct walk *walk = walk_new(seed, unique != 0);
            walk_on(walk);
            walk->durable = walk->batch;
            while (!index_caught_up(walk->index, UINT64_MAX)) {
                (void)index_freeze(walk->index, walk->batch, UINT64_MAX);
                job_step(walk);
            }
            for (int i = 0; i < 300; i++) ask_some(walk);
            crash_step(walk); /* now all is in runs */
            for (int i = 0; i < 300; i++) ask_some(walk);
            walk_free(walk);
        }
    }
}

static void pages_go_on_behind_the_last(void **state)
{
    (void)state;
    struct walk *walk = walk_new(9, false);
    walk_on(walk);
    for (uint64_t key = 0; key < KEYS; key += 13) {
        struct locator page[7];
        struct index_query query = { key_of(key), { 0 }, page, 7 };
        uint32_t total = 0;
        uint32_t expected = 0;
        uint32_t found;
        for (uint32_t i = 0; i < walk->count; i++) {
            expected += uuid_equal(walk->all[i].key, query.key);
        }
        do {
            assert_int_equal(index_find_after(walk->index, &query, &found, NULL), STATUS_OK);
            total += found;
            if (found > 0) query.after = page[found - 1];
        } while (found > 0);
        assert_int_equal(total, expected);
    }
    walk_free(walk);
}

static void failed_job_keeps_its_table_and_is_tried_again(void **state)
{
    (void)state;
    struct walk *walk = walk_new(10, true);
    while (walk->count <= TABLE) batch_step(walk);
    walk->durable = walk->batch;
    (void)index_freeze(walk->index, walk->batch, UINT64_MAX);
    for (int i = 0; i < 5; i++) {
        assert_true(next_job(walk, walk->durable, &walk->job));
        struct index_job other;
        assert_false(next_job(walk, walk->durable, &other)); /* one at a time */
        if (i % 2 == 0) walk->shelf.write_fails = 1;
        if (i % 2 == 1) walk->shelf.commit_fails = 1;
        index_job_run(&walk->job);
        index_job_done(&walk->job);
        assert_int_equal(walk->job.status, STATUS_UNAVAILABLE);
        assert_false(index_caught_up(walk->index, UINT64_MAX));
        ask(walk, walk->all[0].key, (struct locator){ 0 }, 1);
    }
    while (next_job(walk, walk->durable, &walk->job)) {
        index_job_run(&walk->job);
        index_job_done(&walk->job);
        assert_int_equal(walk->job.status, STATUS_OK);
    }
    assert_true(index_caught_up(walk->index, UINT64_MAX));
    assert_int_equal(index_cursor(walk->index), walk->durable);
    walk_free(walk);
}

/* A run must never hold what a crash could take back. */
static void table_waits_until_its_batches_are_durable(void **state)
{
    (void)state;
    struct walk *walk = walk_new(11, true);
    while (walk->count <= TABLE) batch_step(walk);
    (void)index_freeze(walk->index, walk->batch, UINT64_MAX);
    struct index_job job;
    bool any = next_job(walk, walk->batch - 1, &job);
    if (any) { /* an older table */
        assert_true(job.cursor.batch < walk->batch);
        index_job_run(&job);
        index_job_done(&job);
        any = next_job(walk, walk->batch - 1, &job);
    }
    assert_false(any);
    assert_true(next_job(walk, walk->batch, &job));
    assert_int_equal(job.cursor.batch, walk->batch);
    index_job_run(&job);
    index_job_done(&job);
    walk_free(walk);
}

static void tables_run_out_and_come_back(void **state)
{
    (void)state;
    struct walk *walk = walk_new(12, true);
    uint32_t frozen = 0;
    for (; frozen < INDEX_TABLES_MAX; frozen++) {
        while (!index_is_full(walk->index)) {
            struct uuid key = key_of(2000 + walk->count);
            struct locator locator = locator_make(++walk->batch, 128);
            walk->all[walk->count++] = (struct index_entry){ key, locator };
            index_insert(walk->index, key, locator);
        }
        bool room = index_freeze(walk->index, walk->batch, 0);
        assert_int_equal(room, frozen + 1 < INDEX_TABLES_MAX);
    }
    walk->durable = walk->batch;
    assert_true(next_job(walk, walk->durable, &walk->job));
    index_job_run(&walk->job);
    assert_false(index_freeze(walk->index, walk->batch, 0)); /* not before it is taken in */
    index_job_done(&walk->job);
    assert_true(index_freeze(walk->index, walk->batch, 0));
    for (uint32_t i = 0; i < walk->count; i++) {
        ask(walk, walk->all[i].key, (struct locator){ 0 }, 1);
    }
    walk_free(walk);
}

static void cursor_of_an_empty_index_moves_alone(void **state)
{
    (void)state;
    struct walk *walk = walk_new(13, true);
    struct index_job job;
    assert_false(next_job(walk, INDEX_IDLE_BATCHES - 1, &job));
    walk->shelf.commit_fails = 1;
    for (int i = 0; i < 2; i++) {
        assert_true(next_job(walk, INDEX_IDLE_BATCHES, &job));
        index_job_run(&job);
        index_job_done(&job);
        assert_int_equal(index_cursor(walk->index), i == 0 ? 0 : INDEX_IDLE_BATCHES);
    }
    assert_int_equal(walk->shelf.run_count, 0);
    assert_int_equal(walk->shelf.cursors[NUMBER].batch, INDEX_IDLE_BATCHES);
    walk_free(walk);
}

static void batches_that_bring_nothing_are_covered(void **state)
{
    (void)state;
    struct walk *walk = walk_new(17, true);
    assert_int_equal(index_covered(walk->index, 9), 9);
    index_insert(walk->index, key_of(1), locator_make(5, 128));
    assert_int_equal(index_cursor(walk->index), 0);
    assert_int_equal(index_covered(walk->index, 9), 4);
    assert_int_equal(index_covered(walk->index, 3), 3);
    assert_true(index_freeze(walk->index, 6, UINT64_MAX));
    index_insert(walk->index, key_of(2), locator_make(8, 128));
    assert_int_equal(index_covered(walk->index, 9), 4); /* the older table is not written yet */
    struct index_job job;
    assert_true(next_job(walk, 9, &job));
    index_job_run(&job);
    index_job_done(&job);
    assert_int_equal(index_cursor(walk->index), 6);
    assert_int_equal(index_covered(walk->index, 9), 7);
    walk_free(walk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_walk_agrees_with_a_list),
        cmocka_unit_test(pages_go_on_behind_the_last),
        cmocka_unit_test(failed_job_keeps_its_table_and_is_tried_again),
        cmocka_unit_test(table_waits_until_its_batches_are_durable),
        cmocka_unit_test(tables_run_out_and_come_back),
        cmocka_unit_test(cursor_of_an_empty_index_moves_alone),
        cmocka_unit_test(batches_that_bring_nothing_are_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

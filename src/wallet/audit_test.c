/*
 * Goal: a sound folder passes; whatever is changed in journal, checkpoint or index is found, and
 * said in words that name it.
 * Method: a lane over ports in memory does work of every kind and is closed; then one thing is
 * changed at a time, with every hash made right again where an enemy would do so, and audited.
 */
#include "wallet/audit.h"

#include "wallet/lane_test.h"

static enum status again_spawn(struct sync *sync, const char *name, void (*body)(void *argument),
                               void *argument, struct task **out_task)
{
    struct bench *bench = ((struct bench_sync *)sync)->bench;
    if (bench->task_count == BENCH_TASKS) bench->task_count = 0; /* those were joined */
    return bench_spawn(sync, name, body, argument, out_task);
}

static struct bench *worked(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 16);
    test_refused_and_referenced(bench);
    static struct transfer transfers[400];
    static struct transfer_result results[400];
    for (uint64_t round = 0; round < 12; round++) {
        uint64_t base = 100000 + round * 1000;
        for (uint32_t i = 0; i < 400; i++) {
            transfers[i] = test_transfer(base + i, 1, 2 + i % 14, 1);
            if (i % 50 == 7) transfers[i] = test_hold(base + i, 3, 0);
            if (i % 100 == 8) transfers[i] = test_post(base + i, base + i - 1);
        }
        assert_int_equal(test_run(bench, transfers, results, 400), STATUS_OK);
    }
    bench_close(bench);
    return bench;
}

static enum status audit(struct bench *bench, struct audit_report *report, struct error *error)
{
    struct bench_sync sync = bench->sync;
    sync.port.spawn = again_spawn;
    const struct lane_ports ports = {
        .store = &bench->store.port,
        .run_store = &bench->shelf->port,
        .clock = &bench->clock.port,
        .entropy = &bench->entropy.port,
        .sync = &sync.port,
        .log = &bench->log.port,
    };
    const struct audit_options options = { .lane = bench->options };
    return audit_run(&ports, &options, report, error);
}

static void must_find(struct bench *bench, const char *words)
{
    struct audit_report report;
    struct error error = { 0 };
    assert_int_equal(audit(bench, &report, &error), STATUS_CORRUPT);
    if (strstr(error.message, words) == NULL) fail_msg("\"%s\" lacks \"%s\"", error.message, words);
}

static void sound_folder_passes_and_is_counted(void **state)
{
    (void)state;
    struct bench *bench = worked();
    struct audit_report report;
    struct error error = { 0 };
    enum status status = audit(bench, &report, &error);
    if (status != STATUS_OK) fail_msg("%s", error.message);
    assert_int_equal(report.batches, bench->disk->head);
    assert_int_equal(report.transfers, 12 * 400);
    assert_true(report.accounts >= 16);
    assert_int_equal(report.holds, 12 * 4);
    assert_true(report.index_entries >= report.transfers);
    assert_true(bench->disk->slice_count > 0); /* there was a checkpoint to compare */
    bench_free(bench);
}

static void flipped_record_is_named(void **state)
{
    (void)state;
    struct bench *bench = worked();
    struct disk_batch *batch = &bench->disk->batches[bench->disk->head / 2];
    batch->data[batch->size - 40] ^= 1;
    batch->hash = digest_of(batch->data, batch->size); /* as an enemy would */
    must_find(bench, "its check does not match");
    bench_free(bench);
}

static void batch_made_right_again_breaks_the_chain(void **state)
{
    (void)state;
    struct bench *bench = worked();
    struct disk_batch *batch = &bench->disk->batches[2];
    const struct batch_header *header = (const struct batch_header *)batch->data;
    struct batch resealed = {
        .data = batch->data,
        .size = header->size,
        .record_count = header->record_count,
        .unit_count = header->unit_count,
    };
    struct digest previous = header->previous;
    batch_seal(&resealed, header->epoch + 1, &previous); /* whole, but not what was followed */
    batch->hash = digest_of(batch->data, batch->size);
    must_find(bench, "does not follow the batch before it");
    bench_free(bench);
}

static void checkpoint_that_says_otherwise_is_found(void **state)
{
    (void)state;
    struct bench *bench = worked();
    struct disk *disk = bench->disk;
    bool changed = false;
    for (uint32_t i = 0; i < disk->slice_count && !changed; i++) {
        if (disk->slices[i].table != SLICE_ACCOUNTS || disk->slices[i].size == 0) continue;
        if (disk->slices[i].at_batch < disk->head / 2) continue; /* replay would make it new */
        struct account_state *accounts = (struct account_state *)(uintptr_t)disk->slices[i].data;
        accounts[0].created_at.ns ^= 1;
        changed = true;
    }
    assert_true(changed);
    must_find(bench, "the checkpoint does not agree with the journal");
    bench_free(bench);
}

static void index_that_lacks_or_changes_an_entry_is_found(void **state)
{
    (void)state;
    struct bench *bench = worked();
    struct shelf *shelf = bench->shelf;
    assert_true(shelf->run_count > 0);
    struct shelf_run *run = shelf->runs[0];
    struct index_entry *entries = (struct index_entry *)run->chunks[0].data;
    entries[0].locator.packed ^= 16;
    must_find(bench, "or others");
    bench_free(bench);
}

static void each_index_is_compared(void **state)
{
    (void)state;
    static const char *const words[] = { [LANE_INDEX_IDS] = "index of transfer ids",
                                         [LANE_INDEX_CLOSINGS] = "index of closed holds",
                                         [LANE_INDEX_ACCOUNTS] = "index of account ids",
                                         [LANE_INDEX_ACCOUNT_REFERENCES] =
                                             "index of references of accounts" };
    uint32_t compared = 0;
    struct bench *bench = worked();
    for (uint32_t i = 0; i < bench->shelf->run_count; i++) {
        struct shelf_run *run = bench->shelf->runs[i];
        struct index_entry *entry = (struct index_entry *)run->chunks[0].data;
        entry->locator.packed ^= 16;
        assert_non_null(words[run->info.index - 1]);
        must_find(bench, words[run->info.index - 1]);
        entry->locator.packed ^= 16;
        compared |= 1U << (run->info.index - 1);
    }
    assert_int_equal(compared, 1U << LANE_INDEX_IDS | 1U << LANE_INDEX_CLOSINGS |
                                   1U << LANE_INDEX_ACCOUNTS | 1U << LANE_INDEX_ACCOUNT_REFERENCES);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_folder_passes_and_is_counted),
        cmocka_unit_test(flipped_record_is_named),
        cmocka_unit_test(batch_made_right_again_breaks_the_chain),
        cmocka_unit_test(checkpoint_that_says_otherwise_is_found),
        cmocka_unit_test(index_that_lacks_or_changes_an_entry_is_found),
        cmocka_unit_test(each_index_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

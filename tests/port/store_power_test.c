/*
 * Goal: a batch that was acknowledged survives a power cut, whole and in order, whatever of the
 * unsynced writes the disk kept; nothing is half there; after a failed fsync nothing is believed
 * that the disk does not hold.
 * Method: the store runs on a VFS that knows what is synced. Before a randomly chosen write,
 * sync or truncation it leaves behind a folder as a disk could hold it; that folder is opened
 * and read whole. The seed fixes sizes, the moment and the disk's choices; the
 * checkpointing thread adds its own timing. Canary: without syncs the same runs must lose
 * something.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/sqlite_store.h"
#include "base/prng.h"
#include "tests/port/fault_vfs.h"
#include "tests/port/store_scratch.h"

/* Under a sanitizer each cut takes many times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 40, CANARY_SEEDS = 30, OPERATIONS_MAX = 700 };
#else
enum { SEEDS = 250, CANARY_SEEDS = 60, OPERATIONS_MAX = 700 };
#endif

struct run {
    char from[SCRATCH_PATH_SIZE];
    char to[SCRATCH_PATH_SIZE];
    struct fault_vfs *vfs;
    struct sqlite_store_options options;
    struct prng prng;
    uint64_t acked;        /* batches acknowledged so far */
    uint64_t acked_at_cut; /* and when the power went */
    _Atomic bool cut;      /* the checkpoint's thread may be the one that is cut */
};

static void on_cut(void *owner)
{
    struct run *run = owner;
    run->acked_at_cut = __atomic_load_n(&run->acked, __ATOMIC_ACQUIRE);
    run->cut = true;
}

static void run_start(struct run *run, uint64_t seed, enum sqlite_sync sync)
{
    struct error error = { 0 };
    prng_init(&run->prng, seed);
    scratch_folder("power", run->from);
    scratch_folder("power_after", run->to);
    run->vfs = fault_vfs_new("power");
    run->options = (struct sqlite_store_options){
        .folder = run->from,
        .vfs = fault_vfs_name(run->vfs),
        .sync = sync,
        .wal_low_bytes = prng_between(&run->prng, 1, 300000),
        .wal_high_bytes = 600000,
    };
    assert_int_equal(sqlite_store_create(&run->options, &error), STATUS_OK);
}

/* Owners come and go; each appends some batches. Ends when the power has gone. */
static void run_until_cut(struct run *run)
{
    struct error error = { 0 };
    while (!run->cut) {
        struct store *store = NULL;
        struct store_head head;
        enum status status = sqlite_store_open(&run->options, &store, &error);
        if (status != STATUS_OK) fail_msg("open: %s: %s", error.message, error.detail);
        assert_int_equal(store->claim(store, &head, &error), STATUS_OK);
        uint64_t count = prng_between(&run->prng, 1, 40);
        for (uint64_t i = 0; i < count && !run->cut; i++) {
            uint64_t appended = scratch_append(store, 1, &status, &error);
            if (status != STATUS_OK) fail_msg("append: %s: %s", error.message, error.detail);
            __atomic_add_fetch(&run->acked, appended, __ATOMIC_RELEASE);
        }
        store->close(store);
    }
}

static enum status store_verify(const struct run *run, struct store *store, struct error *out_error)
{
    struct store_head head = { 0 };
    enum status status = store->head(store, &head, out_error);
    if (status == STATUS_OK) status = scratch_verify(store, out_error);
    if (status == STATUS_OK) status = sqlite_store_integrity(store, out_error);
    if (status == STATUS_OK && head.sequence < run->acked_at_cut) {
        status =
            error_set(out_error, STATUS_NOT_FOUND, "%llu batches were acknowledged, %llu are there",
                      (unsigned long long)run->acked_at_cut, (unsigned long long)head.sequence);
    }
    if (status == STATUS_OK && head.sequence > run->acked_at_cut + 1) {
        status = error_set(out_error, STATUS_INVALID, "batches that nobody appended");
    }
    if (status == STATUS_OK) { /* it goes on from there */
        status = store->claim(store, &head, out_error);
        if (status == STATUS_OK) (void)scratch_append(store, 5, &status, out_error);
        if (status == STATUS_OK) status = scratch_verify(store, out_error);
    }
    return status;
}

/*
 * STATUS_OK when all that was acknowledged is there; else how it is not. On a VFS whose syncs
 * cost nothing: the disk under the test keeps its power.
 */
static enum status disk_verify(const struct run *run, struct error *out_error)
{
    struct fault_vfs *calm = fault_vfs_new("calm");
    struct sqlite_store_options options = { .folder = run->to, .vfs = fault_vfs_name(calm) };
    struct store *store = NULL;
    enum status status = sqlite_store_open(&options, &store, out_error);
    if (status == STATUS_OK) {
        status = store_verify(run, store, out_error);
        store->close(store);
    }
    fault_vfs_free(calm);
    return status;
}

static enum status power_run(uint64_t seed, enum sqlite_sync sync, struct error *out_error)
{
    struct run run = { .cut = false };
    run_start(&run, seed, sync);
    struct fault_cut cut = {
        .at = fault_vfs_operations(run.vfs) + prng_between(&run.prng, 1, OPERATIONS_MAX),
        .to = run.to,
        .seed = seed,
        .on_cut = on_cut,
        .owner = &run,
    };
    fault_vfs_cut_at(run.vfs, &cut);
    run_until_cut(&run);
    fault_vfs_free(run.vfs);
    return disk_verify(&run, out_error);
}

static void acknowledged_batches_survive_any_power_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct error error = { 0 };
        enum status status = power_run(seed, SYNC_AT_COMMIT, &error);
        if (status != STATUS_OK) {
            fail_msg("seed %llu: %s: %s: %s", (unsigned long long)seed, status_name(status),
                     error.message, error.detail);
        }
    }
}

static void without_syncs_the_same_runs_lose_something(void **state)
{
    (void)state;
    uint64_t losses = 0;
    for (uint64_t seed = 0; seed < CANARY_SEEDS; seed++) {
        struct error error = { 0 };
        if (power_run(seed, SYNC_NEVER, &error) != STATUS_OK) losses++;
    }
    print_message("canary: %llu of %d runs without syncs lost something\n",
                  (unsigned long long)losses, CANARY_SEEDS);
    assert_true(losses > 0);
}

/* ---- failed calls ---- */

struct failure_case {
    enum fault_kind kind;
    uint64_t hits;     /* calls that failed */
    uint64_t in_doubt; /* appends that ended so, as all below */
    uint64_t limit;
    uint64_t unavailable;
    uint64_t present; /* in doubt, and then there */
};

/* What stands after reopen() is durable at once: the power goes right then. */
static void expect_durable(struct run *run, uint64_t seed)
{
    struct fault_cut cut = { .to = run->to, .seed = seed, .on_cut = on_cut, .owner = run };
    struct error error = { 0 };
    scratch_folder("power_after", run->to);
    fault_vfs_cut(run->vfs, &cut);
    enum status status = disk_verify(run, &error);
    if (status != STATUS_OK) {
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, error.message, error.detail);
    }
}

static struct store *reopen_until_good(struct run *run, struct store *store)
{
    struct error error = { 0 };
    for (int i = 0; i < 4; i++) {
        enum status status = store->reopen(store, &error);
        if (status == STATUS_OK) return store;
        assert_int_equal(status, STATUS_UNAVAILABLE);
    }
    fail_msg("never reopens: %s: %s", error.message, error.detail);
    (void)run;
    return NULL;
}

static void settle_doubt(struct run *run, struct store *store, uint64_t seed,
                         struct failure_case *counts)
{
    struct error error = { 0 };
    struct store_head head = { 0 };
    assert_int_equal(store->head(store, &head, &error), STATUS_UNAVAILABLE);
    store = reopen_until_good(run, store);
    assert_int_equal(store->head(store, &head, &error), STATUS_OK);
    assert_true(head.sequence == run->acked || head.sequence == run->acked + 1);
    if (head.sequence > run->acked) counts->present++;
    run->acked = head.sequence;
    expect_durable(run, seed);
}

static void failing_run(uint64_t seed, struct failure_case *counts)
{
    struct run run = { .cut = false };
    struct error error = { 0 };
    struct store *store = NULL;
    struct store_head head;
    run_start(&run, seed, SYNC_AT_COMMIT);
    assert_int_equal(sqlite_store_open(&run.options, &store, &error), STATUS_OK);
    assert_int_equal(store->claim(store, &head, &error), STATUS_OK);
    uint64_t failures_before = fault_vfs_failures(run.vfs);
    uint64_t first_max = counts->kind == FAULT_DATABASE_SYNC_FAILS ? 6 : 120;
    fault_vfs_fail(run.vfs, counts->kind, prng_between(&run.prng, 1, first_max),
                   prng_below(&run.prng, 3));
    for (int i = 0; i < 40; i++) {
        enum status status = STATUS_OK;
        run.acked += scratch_append(store, 1, &status, &error);
        if (status == STATUS_OK) continue;
        if (status == STATUS_LIMIT) counts->limit++;
        if (status == STATUS_UNAVAILABLE) counts->unavailable++;
        if (status == STATUS_IN_DOUBT) counts->in_doubt++;
        assert_true(status == STATUS_LIMIT || status == STATUS_UNAVAILABLE ||
                    status == STATUS_IN_DOUBT);
        if (status == STATUS_IN_DOUBT) settle_doubt(&run, store, seed, counts);
    }
    counts->hits += fault_vfs_failures(run.vfs) - failures_before;
    expect_durable(&run, seed);
    store->close(store);
    fault_vfs_free(run.vfs);
}

static void failing_runs(enum fault_kind kind, const char *name)
{
    struct failure_case counts = { .kind = kind };
    for (uint64_t seed = 1000; seed < 1000 + 60; seed++) failing_run(seed, &counts);
    print_message("%s: %llu calls failed; appends: %llu in doubt (%llu were there), %llu limit, "
                  "%llu unavailable\n",
                  name, (unsigned long long)counts.hits, (unsigned long long)counts.in_doubt,
                  (unsigned long long)counts.present, (unsigned long long)counts.limit,
                  (unsigned long long)counts.unavailable);
    assert_true(counts.hits > 0);
    bool in_commits = kind != FAULT_READ_FAILS && kind != FAULT_DATABASE_SYNC_FAILS;
    if (in_commits) assert_true(counts.in_doubt > 0);
}

static void failed_fsync_is_never_believed(void **state)
{
    (void)state;
    failing_runs(FAULT_SYNC_FAILS, "failed fsync");
}

static void failed_checkpoint_is_done_again_from_its_start(void **state)
{
    (void)state;
    failing_runs(FAULT_DATABASE_SYNC_FAILS, "failed fsync of a checkpoint");
}

static void full_disk_loses_nothing(void **state)
{
    (void)state;
    failing_runs(FAULT_DISK_FULL, "full disk");
}

static void failed_write_loses_nothing(void **state)
{
    (void)state;
    failing_runs(FAULT_WRITE_FAILS, "failed write");
}

static void failed_read_loses_nothing(void **state)
{
    (void)state;
    failing_runs(FAULT_READ_FAILS, "failed read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_batches_survive_any_power_cut),
        cmocka_unit_test(without_syncs_the_same_runs_lose_something),
        cmocka_unit_test(failed_fsync_is_never_believed),
        cmocka_unit_test(failed_checkpoint_is_done_again_from_its_start),
        cmocka_unit_test(full_disk_loses_nothing),
        cmocka_unit_test(failed_write_loses_nothing),
        cmocka_unit_test(failed_read_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

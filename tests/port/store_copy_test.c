/*
 * Goal: archived batches read as before, and copies of a journal are the journal: whole, chained,
 * brought up to date, refused when they are of another, read-only until accepted.
 * Method: journals whose bytes follow from the sequence numbers are archived, backed up and
 * restored, also beside an owner that goes on appending; then everything is read and compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/archive.h"
#include "adapter/backup.h"
#include "adapter/data_folder.h"
#include "adapter/sqlite_store.h"
#include "tests/port/store_scratch.h"

struct owner {
    char path[SCRATCH_PATH_SIZE];
    struct data_folder *folder;
    struct store *store;
};

static void expect_ok(enum status status, const struct error *error)
{
    if (status != STATUS_OK) {
        fail_msg("%s: %s: %s", status_name(status), error->message, error->detail);
    }
}

static void owner_open(struct owner *owner)
{
    struct error error = { 0 };
    struct sqlite_store_options options = { .folder = owner->path, .wal_low_bytes = 200000 };
    expect_ok(data_folder_open(owner->path, DATA_FOLDER_OWNER, &owner->folder, &error), &error);
    expect_ok(sqlite_store_open(&options, &owner->store, &error), &error);
}

static void owner_close(struct owner *owner)
{
    owner->store->close(owner->store);
    data_folder_close(owner->folder);
}

static void append(struct owner *owner, uint64_t count)
{
    struct error error = { 0 };
    enum status status;
    uint64_t appended = scratch_append(owner->store, count, &status, &error);
    expect_ok(status, &error);
    assert_int_equal(appended, count);
}

/* A new folder of that name with `count` batches, open and claimed. */
static void owner_new(struct owner *owner, const char *name, uint64_t count)
{
    struct error error = { 0 };
    struct store_head head;
    scratch_path(name, owner->path);
    scratch_remove(owner->path);
    expect_ok(data_folder_create(owner->path, NULL, &error), &error);
    owner_open(owner);
    expect_ok(owner->store->claim(owner->store, &head, &error), &error);
    append(owner, count);
}

static uint64_t head_of(struct store *store)
{
    struct error error = { 0 };
    struct store_head head;
    expect_ok(store->head(store, &head, &error), &error);
    return head.sequence;
}

/* ---- archive ---- */

static struct archive_result archive(struct owner *owner, uint64_t keep)
{
    struct error error = { 0 };
    struct archive_result result;
    struct archive_options options = { .keep_batches = keep, .segment_size_max = 150000 };
    expect_ok(archive_run(owner->store, &options, &result, &error), &error);
    return result;
}

static void archived_batches_read_as_before(void **state)
{
    (void)state;
    struct owner owner;
    struct error error = { 0 };
    owner_new(&owner, "archived", 60);
    struct archive_result result = archive(&owner, 5);
    assert_true(result.segments > 1);
    assert_true(result.batches >= 40); /* up to the oldest slice, which is among the newest 12 */
    expect_ok(scratch_verify(owner.store, &error), &error);
    uint64_t first = 0;
    expect_ok(sqlite_store_first(owner.store, &first, &error), &error);
    assert_int_equal(first, result.batches + 1);

    uint8_t part[16];
    static uint8_t whole[1 << 16];
    struct digest none = { 0 };
    (void)scratch_batch(1, &none, whole, scratch_batch_size(1));
    expect_ok(owner.store->read_part(owner.store, 1, 100, 16, part, &error), &error);
    assert_memory_equal(part, whole + 100, 16);
    assert_int_equal(
        owner.store->read_part(owner.store, 1, (uint32_t)scratch_batch_size(1), 1, part, &error),
        STATUS_NOT_FOUND);
    append(&owner, 30);
    assert_true(archive(&owner, 5).batches > 0);
    owner_close(&owner);
    owner_open(&owner);
    expect_ok(scratch_verify(owner.store, &error), &error);
    uint64_t segments = 0;
    expect_ok(archive_verify(owner.store, &segments, &error), &error);
    assert_true(segments > result.segments);
    expect_ok(sqlite_store_integrity(owner.store, &error), &error);
    owner_close(&owner);
}

static void archive_keeps_what_a_start_needs(void **state)
{
    (void)state;
    struct owner owner;
    owner_new(&owner, "needed", 2); /* no slice yet */
    assert_int_equal(archive(&owner, 1).batches, 0);
    append(&owner, 10); /* slices at 3, 6, 9, 12 */
    assert_int_equal(archive(&owner, 1).batches, 3);
    assert_int_equal(archive(&owner, 1).batches, 0);
    append(&owner, 3); /* the slice of batch 3 goes */
    assert_int_equal(archive(&owner, 100).batches, 0);
    assert_int_equal(archive(&owner, 12).batches, 0);
    assert_int_equal(archive(&owner, 11).batches, 1);
    owner_close(&owner);
}

static void lost_segment_is_named(void **state)
{
    (void)state;
    struct owner owner;
    struct error error = { 0 };
    struct buf blob;
    owner_new(&owner, "lost_segment", 40);
    struct archive_options options = { .keep_batches = 5, .segment_batches_max = 10 };
    struct archive_result result;
    expect_ok(archive_run(owner.store, &options, &result, &error), &error);
    char path[SCRATCH_PATH_SIZE];
    scratch_join(owner.path, "archive/0000000000000001-0000000000000010.segment", path);
    assert_int_equal(unlink(path), 0);
    buf_init(&blob, 1 << 20);
    assert_int_equal(owner.store->read(owner.store, 7, &blob, &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.message, "0000000000000001-0000000000000010.segment"));
    expect_ok(owner.store->read(owner.store, 11, &blob, &error), &error);
    assert_int_equal(owner.store->read(owner.store, 41, &blob, &error), STATUS_NOT_FOUND);
    uint64_t segments;
    assert_int_equal(archive_verify(owner.store, &segments, &error), STATUS_NOT_FOUND);
    buf_free(&blob);
    owner_close(&owner);
}

static void interrupted_archive_is_repeated(void **state)
{
    (void)state;
    struct owner owner;
    struct error error = { 0 };
    owner_new(&owner, "interrupted", 40);
    char path[SCRATCH_PATH_SIZE];
    scratch_join(owner.path, "archive/unfinished", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("the rest of an interrupted try", file);
    (void)fclose(file);
    assert_true(archive(&owner, 5).batches > 0);
    expect_ok(scratch_verify(owner.store, &error), &error);
    owner_close(&owner);
}

/* ---- backup ---- */

static struct backup_options copy_options(const char *source, const char *target)
{
    return (struct backup_options){ .source = source, .target = target };
}

/* Everything but the slices, which are no part of a copy. */
static void expect_copy(const char *path, uint64_t head)
{
    struct error error = { 0 };
    struct data_folder *folder;
    struct store *store;
    struct sqlite_store_options options = { .folder = path, .read_only = true };
    expect_ok(data_folder_open(path, DATA_FOLDER_GUEST, &folder, &error), &error);
    expect_ok(sqlite_store_open(&options, &store, &error), &error);
    assert_int_equal(head_of(store), head);
    struct digest previous = { 0 };
    struct buf blob;
    buf_init(&blob, 1 << 20);
    for (uint64_t sequence = 1; sequence <= head; sequence++) {
        static uint8_t expected[1 << 16];
        size_t size = scratch_batch_size(sequence);
        previous = scratch_batch(sequence, &previous, expected, size);
        expect_ok(store->read(store, sequence, &blob, &error), &error);
        assert_int_equal(blob.len, size);
        assert_memory_equal(blob.data, expected, size);
        uint64_t found;
        struct wall_time stamp = { (int64_t)sequence * 1000 };
        expect_ok(store->find_stamp(store, stamp, &found, &error), &error);
        assert_int_equal(found, sequence);
    }
    buf_free(&blob);
    expect_ok(sqlite_store_integrity(store, &error), &error);
    store->close(store);
    data_folder_close(folder);
}

struct beside {
    struct owner *owner;
    uint64_t calls;
};

static bool append_beside(void *argument, uint64_t done, uint64_t total)
{
    struct beside *beside = argument;
    assert_true(done <= total);
    beside->calls++;
    append(beside->owner, 2);
    return true;
}

static void backup_beside_an_owner_is_whole_and_brought_up(void **state)
{
    (void)state;
    struct owner owner;
    struct error error = { 0 };
    struct journal_copy_result result;
    char target[SCRATCH_PATH_SIZE];
    scratch_path("backup", target);
    scratch_remove(target);
    owner_new(&owner, "source", 1500);
    (void)archive(&owner, 500); /* archived batches are part of it */
    struct beside beside = { .owner = &owner };
    struct backup_options options = copy_options(owner.path, target);
    options.progress = (struct journal_copy_progress){ append_beside, &beside };
    expect_ok(backup_run(&options, &result, &error), &error);
    assert_int_equal(result.batches, 1500);
    assert_true(beside.calls > 1);
    expect_copy(target, 1500);
    uint64_t head = head_of(owner.store);
    assert_true(head > 1500);
    options.progress.report = NULL;
    expect_ok(backup_run(&options, &result, &error), &error);
    assert_int_equal(result.batches, head - 1500);
    expect_copy(target, head);
    expect_ok(backup_run(&options, &result, &error), &error);
    assert_int_equal(result.batches, 0);
    owner_close(&owner);
}

static bool stop_at_once(void *argument, uint64_t done, uint64_t total)
{
    (void)argument;
    return done >= total;
}

static void stopped_backup_goes_on_where_it_was(void **state)
{
    (void)state;
    struct owner owner;
    struct error error = { 0 };
    struct journal_copy_result result;
    char target[SCRATCH_PATH_SIZE];
    scratch_path("stopped", target);
    scratch_remove(target);
    owner_new(&owner, "source", 1500);
    struct backup_options options = copy_options(owner.path, target);
    options.progress.report = stop_at_once;
    assert_int_equal(backup_run(&options, &result, &error), STATUS_STOPPED);
    assert_true(result.batches > 0 && result.batches < 1500);
    uint64_t first = result.batches;
    options.progress.report = NULL;
    expect_ok(backup_run(&options, &result, &error), &error);
    assert_int_equal(first + result.batches, 1500);
    owner_close(&owner);
    expect_copy(target, 1500);
}

static void backup_of_another_journal_is_refused(void **state)
{
    (void)state;
    struct owner owner;
    struct owner other;
    struct error error = { 0 };
    struct journal_copy_result result;
    char target[SCRATCH_PATH_SIZE];
    scratch_path("other_backup", target);
    scratch_remove(target);
    owner_new(&owner, "source", 20);
    struct backup_options options = copy_options(owner.path, target);
    expect_ok(backup_run(&options, &result, &error), &error);

    owner_new(&other, "other", 19); /* shorter */
    struct backup_options wrong = copy_options(other.path, target);
    assert_int_equal(backup_run(&wrong, &result, &error), STATUS_CONFLICT);
    static uint8_t data[200];
    struct store_head head;
    expect_ok(other.store->head(other.store, &head, &error), &error);
    struct store_batch batch = { .epoch = head.epoch,
                                 .sequence = 20,
                                 .stamp = { 20000 },
                                 .hash = scratch_batch(99, &head.hash, data, sizeof data),
                                 .data = data,
                                 .size = sizeof data };
    expect_ok(other.store->append(other.store, &batch, &error), &error);
    assert_int_equal(backup_run(&wrong, &result, &error), STATUS_CONFLICT); /* other content */
    struct backup_options onto = copy_options(owner.path, other.path);
    owner_close(&other);
    assert_int_equal(backup_run(&onto, &result, &error), STATUS_CONFLICT); /* not a backup */
    owner_close(&owner);
    expect_copy(target, 20);
}

static void restored_folder_is_read_only_until_accepted(void **state)
{
    (void)state;
    struct owner owner;
    struct owner restored;
    struct error error = { 0 };
    struct journal_copy_result result;
    struct store_head head;
    char backup[SCRATCH_PATH_SIZE];
    scratch_path("backup", backup);
    scratch_remove(backup);
    scratch_path("restored", restored.path);
    scratch_remove(restored.path);
    owner_new(&owner, "source", 50);
    struct backup_options options = copy_options(owner.path, backup);
    expect_ok(backup_run(&options, &result, &error), &error);
    owner_close(&owner);

    bool changed = false;
    struct backup_options back = copy_options(backup, restored.path);
    expect_ok(backup_restore(&back, &result, &error), &error);
    assert_int_equal(backup_restore(&back, &result, &error), STATUS_CONFLICT); /* not empty */
    expect_copy(restored.path, 50);
    owner_open(&restored);
    assert_int_equal(restored.store->claim(restored.store, &head, &error), STATUS_DENIED);
    enum status status;
    assert_int_equal(scratch_append(restored.store, 1, &status, &error), 0);
    assert_int_equal(status, STATUS_DENIED);
    assert_int_equal(backup_accept(restored.path, &changed, &error), STATUS_CONFLICT); /* in use */
    owner_close(&restored);
    expect_ok(backup_accept(restored.path, &changed, &error), &error);
    assert_true(changed);
    expect_ok(backup_accept(restored.path, &changed, &error), &error);
    assert_false(changed); /* it was a ledger of its own by then */
    owner_open(&restored);
    expect_ok(restored.store->claim(restored.store, &head, &error), &error);
    append(&restored, 5);
    owner_close(&restored);
    /* What was accepted is a journal of its own now. */
    struct backup_options again = copy_options(owner.path, restored.path);
    assert_int_equal(backup_run(&again, &result, &error), STATUS_CONFLICT);
    expect_copy(backup, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archived_batches_read_as_before),
        cmocka_unit_test(archive_keeps_what_a_start_needs),
        cmocka_unit_test(lost_segment_is_named),
        cmocka_unit_test(interrupted_archive_is_repeated),
        cmocka_unit_test(backup_beside_an_owner_is_whole_and_brought_up),
        cmocka_unit_test(stopped_backup_goes_on_where_it_was),
        cmocka_unit_test(backup_of_another_journal_is_refused),
        cmocka_unit_test(restored_folder_is_read_only_until_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

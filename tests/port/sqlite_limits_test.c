/*
 * Goal: SQLite's stores stay inside their limits and say so: the WAL is bounded while a writer
 * never pauses, a reader that does not move on costs appends and not the journal, a nearly full
 * disk refuses before it writes, reads beside an owner see what is durable, a damaged index
 * opens, says so, and is cleared.
 * Method: stores with tiny limits on real files; foreign readers are plain SQLite connections.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/sqlite_run_store.h"
#include "adapter/sqlite_store.h"
#include "tests/port/fault_vfs.h"
#include "tests/port/store_scratch.h"

enum { WAL_LOW = 200000, WAL_HIGH = 500000, READERS = 3, READS = 300 };

static void expect_ok(enum status status, const struct error *error)
{
    if (status != STATUS_OK) {
        fail_msg("%s: %s: %s", status_name(status), error->message, error->detail);
    }
}

struct fixture {
    char folder[SCRATCH_PATH_SIZE];
    struct fault_vfs *vfs; /* for its syncs that cost nothing */
    struct sqlite_store_options options;
    struct store *store;
};

static void fixture_open(struct fixture *fixture, const char *name)
{
    struct error error = { 0 };
    struct store_head head;
    scratch_folder(name, fixture->folder);
    fixture->vfs = fault_vfs_new("limits");
    fixture->options.folder = fixture->folder;
    fixture->options.vfs = fault_vfs_name(fixture->vfs);
    expect_ok(sqlite_store_create(&fixture->options, &error), &error);
    expect_ok(sqlite_store_open(&fixture->options, &fixture->store, &error), &error);
    expect_ok(fixture->store->claim(fixture->store, &head, &error), &error);
}

static void fixture_close(struct fixture *fixture)
{
    fixture->store->close(fixture->store);
    fault_vfs_free(fixture->vfs);
}

static void append(struct fixture *fixture, uint64_t count)
{
    struct error error = { 0 };
    enum status status;
    (void)scratch_append(fixture->store, count, &status, &error);
    expect_ok(status, &error);
}

static void wal_is_bounded_while_the_writer_never_pauses(void **state)
{
    (void)state;
    struct fixture fixture = { .options = { .wal_low_bytes = WAL_LOW,
                                            .wal_high_bytes = WAL_HIGH } };
    struct sqlite_store_stats stats;
    char wal[SCRATCH_PATH_SIZE];
    fixture_open(&fixture, "bounded");
    scratch_join(fixture.folder, "journal.db-wal", wal);
    uint64_t bytes = 0;
    for (uint64_t i = 1; i <= 600; i++) {
        append(&fixture, 1);
        bytes += scratch_batch_size(i);
        sqlite_store_get_stats(fixture.store, &stats);
        assert_true(stats.wal_bytes < WAL_HIGH + 100000); /* over by one transaction at most */
    }
    assert_true(bytes > 6 * WAL_HIGH);
    assert_true(stats.checkpoints > 2 && stats.gate_closings > 2);
    assert_true(scratch_file_size(wal) < WAL_HIGH + 100000);
    fixture_close(&fixture);
}

static void stuck_reader_stops_appends_and_loses_nothing(void **state)
{
    (void)state;
    struct fixture fixture = { .options = { .wal_low_bytes = WAL_LOW,
                                            .wal_high_bytes = WAL_HIGH } };
    struct error error = { 0 };
    char path[SCRATCH_PATH_SIZE];
    sqlite3 *foreign = NULL;
    fixture_open(&fixture, "stuck");
    append(&fixture, 5);
    scratch_join(fixture.folder, "journal.db", path);
    assert_int_equal(sqlite3_open_v2(path, &foreign, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(foreign, "BEGIN; SELECT * FROM lane", NULL, NULL, NULL),
                     SQLITE_OK);
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < 600; i++) {
        (void)scratch_append(fixture.store, 1, &status, &error);
    }
    assert_int_equal(status, STATUS_UNAVAILABLE);
    assert_non_null(strstr(error.hint, "journal.db"));
    expect_ok(scratch_verify(fixture.store, &error), &error);
    assert_int_equal(sqlite3_exec(foreign, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(foreign), SQLITE_OK);
    append(&fixture, 100);
    expect_ok(scratch_verify(fixture.store, &error), &error);
    fixture_close(&fixture);
}

static void nearly_full_disk_is_refused_before_writing(void **state)
{
    (void)state;
    struct fixture fixture = { .options = { .wal_low_bytes = WAL_LOW } };
    struct error error = { 0 };
    struct store_head head;
    fixture_open(&fixture, "reserve");
    append(&fixture, 3);
    fixture.store->close(fixture.store);
    fixture.options.reserve_bytes = UINT64_C(1) << 62; /* more than any disk has */
    expect_ok(sqlite_store_open(&fixture.options, &fixture.store, &error), &error);
    uint64_t before = fault_vfs_operations(fixture.vfs);
    enum status status;
    assert_int_equal(scratch_append(fixture.store, 1, &status, &error), 0);
    assert_int_equal(status, STATUS_LIMIT);
    assert_int_equal(fault_vfs_operations(fixture.vfs), before);
    expect_ok(fixture.store->head(fixture.store, &head, &error), &error);
    assert_int_equal(head.sequence, 3);
    expect_ok(scratch_verify(fixture.store, &error), &error); /* reads go on */
    fixture_close(&fixture);
}

/* ---- beside each other ---- */

struct reader {
    struct fixture *fixture;
    uint64_t seed;
    bool failed;
};

static void *read_at_random(void *argument)
{
    struct reader *reader = argument;
    struct store *store = reader->fixture->store;
    struct error error = { 0 };
    struct buf blob;
    buf_init(&blob, 1 << 20);
    for (uint64_t i = 0; i < READS && !reader->failed; i++) {
        struct store_head head;
        uint8_t part[16];
        uint64_t found;
        if (store->head(store, &head, &error) != STATUS_OK) reader->failed = true;
        uint64_t sequence = 1 + (reader->seed + i * 7919) % head.sequence;
        struct wall_time stamp = { (int64_t)sequence * 1000 };
        if (store->read(store, sequence, &blob, &error) != STATUS_OK ||
            blob.len != scratch_batch_size(sequence) ||
            store->read_part(store, sequence, 100, 16, part, &error) != STATUS_OK ||
            memcmp(part, blob.data + 100, 16) != 0 ||
            store->find_stamp(store, stamp, &found, &error) != STATUS_OK || found != sequence) {
            reader->failed = true;
        }
    }
    buf_free(&blob);
    return NULL;
}

static void reads_beside_appends_see_whole_batches(void **state)
{
    (void)state;
    struct fixture fixture = { .options = { .wal_low_bytes = WAL_LOW } };
    struct reader readers[READERS];
    pthread_t threads[READERS];
    struct error error = { 0 };
    fixture_open(&fixture, "beside");
    append(&fixture, 10);
    for (uint64_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){ .fixture = &fixture, .seed = i * 31 };
        assert_int_equal(pthread_create(&threads[i], NULL, read_at_random, &readers[i]), 0);
    }
    append(&fixture, 200);
    for (uint64_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(readers[i].failed);
    }
    expect_ok(fixture.store->reopen(fixture.store, &error), &error);
    expect_ok(scratch_verify(fixture.store, &error), &error);
    fixture_close(&fixture);
}

static void guest_sees_what_the_owner_appends_and_may_not_write(void **state)
{
    (void)state;
    struct fixture fixture = { .options = { .wal_low_bytes = WAL_LOW } };
    struct error error = { 0 };
    struct store *guest = NULL;
    struct store_head head;
    fixture_open(&fixture, "guest");
    append(&fixture, 20);
    struct sqlite_store_options options = fixture.options;
    options.read_only = true;
    options.beside_owner = true;
    expect_ok(sqlite_store_open(&options, &guest, &error), &error);
    expect_ok(scratch_verify(guest, &error), &error);
    append(&fixture, 50);
    expect_ok(guest->head(guest, &head, &error), &error);
    assert_int_equal(head.sequence, 70);
    expect_ok(scratch_verify(guest, &error), &error);
    assert_int_equal(guest->claim(guest, &head, &error), STATUS_DENIED);
    enum status status;
    (void)scratch_append(guest, 1, &status, &error);
    assert_int_equal(status, STATUS_DENIED);
    guest->close(guest);
    append(&fixture, 5);
    fixture_close(&fixture);
}

/* ---- the index ---- */

static void damaged_index_opens_says_so_and_is_cleared(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH_SIZE];
    char path[SCRATCH_PATH_SIZE];
    struct error error = { 0 };
    struct run_store *runs = NULL;
    struct buf bytes;
    struct store_point cursor = { 0 };
    scratch_folder("index", folder);
    scratch_join(folder, "index.db", path);
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    static const char text[] = "this is no database, but long enough to be taken for one: "
                               "a hundred bytes are what SQLite calls a header";
    assert_int_equal(write(file, text, sizeof text), sizeof text);
    (void)close(file);
    struct sqlite_run_store_options options = { .folder = folder };
    expect_ok(sqlite_run_store_open(&options, &runs, &error), &error);
    buf_init(&bytes, 1 << 16);
    assert_int_equal(runs->cursor(runs, 1, &cursor, &error), STATUS_CORRUPT);
    assert_int_equal(runs->list(runs, 1, &bytes, &error), STATUS_CORRUPT);
    assert_int_equal(runs->chunk_read(runs, 1, 0, &bytes, &error), STATUS_CORRUPT);
    assert_int_equal(runs->chunk_write(runs, 1, 0, "x", 1, &error), STATUS_CORRUPT);
    expect_ok(runs->clear(runs, &error), &error);
    expect_ok(runs->cursor(runs, 1, &cursor, &error), &error);
    assert_int_equal(cursor.batch, 0);
    expect_ok(runs->chunk_write(runs, 1, 0, "x", 1, &error), &error);
    buf_free(&bytes);
    runs->close(runs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wal_is_bounded_while_the_writer_never_pauses),
        cmocka_unit_test(stuck_reader_stops_appends_and_loses_nothing),
        cmocka_unit_test(nearly_full_disk_is_refused_before_writing),
        cmocka_unit_test(reads_beside_appends_see_whole_batches),
        cmocka_unit_test(guest_sees_what_the_owner_appends_and_may_not_write),
        cmocka_unit_test(damaged_index_opens_says_so_and_is_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

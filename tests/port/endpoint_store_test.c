/*
 * Goal: the endpoint store gives back what was put there, after a reopen too, in the order of ids;
 * a damaged row is told, a file that others may read is refused, one whose maker was killed is made.
 * Method: rows through the port, looked at in two lives; a changed row; a changed mode; a file with
 * its first page only.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_endpoint_store.h"
#include "tests/port/store_scratch.h"

static enum status open_store(const char *folder, struct endpoint_store **out_store)
{
    const struct sqlite_endpoint_store_options options = { .folder = folder };
    struct error error = { 0 };
    return sqlite_endpoint_store_open(&options, out_store, &error);
}

static struct endpoint_row row_of(uint64_t number)
{
    struct endpoint_row row;
    memset(&row, 0, sizeof row);
    row.id = (struct uuid){ .hi = number, .lo = 7 };
    row.since.batch = number + 1; /* member by member: padding is compared too */
    row.since.index = 2;
    row.sequence_base = number + 3;
    row.key_count = 1;
    memcpy(row.url, "https://a.example/", 18);
    memcpy(row.keys[0].secret, "whsec_abc", 9);
    return row;
}

static void put(struct endpoint_store *store, uint64_t number)
{
    struct endpoint_row row = row_of(number);
    assert_int_equal(store->put(store, &row, NULL), STATUS_OK);
}

static void expect(struct endpoint_store *store, uint64_t number)
{
    struct endpoint_row found;
    struct endpoint_row wanted = row_of(number);
    assert_int_equal(store->load(store, wanted.id, &found, NULL), STATUS_OK);
    assert_memory_equal(&found, &wanted, sizeof found);
}

static void rows_are_given_back_in_order_of_ids(void **state)
{
    (void)state; /* no fixture */
    char folder[SCRATCH_PATH_SIZE];
    scratch_folder("endpoints", folder);
    struct endpoint_store *store = NULL;
    assert_int_equal(open_store(folder, &store), STATUS_OK);
    put(store, UINT64_MAX); /* above all, though negative as a number with a sign */
    put(store, 3);
    put(store, 1);
    struct endpoint_row gone = row_of(3);
    assert_int_equal(store->remove(store, gone.id, NULL), STATUS_OK);
    assert_int_equal(store->remove(store, gone.id, NULL), STATUS_OK);
    store->close(store);
    assert_int_equal(open_store(folder, &store), STATUS_OK);
    expect(store, 1);
    struct endpoint_row row;
    assert_int_equal(store->load(store, gone.id, &row, NULL), STATUS_NOT_FOUND);
    assert_int_equal(store->next(store, (struct uuid){ 0 }, &row, NULL), STATUS_OK);
    assert_int_equal(row.id.hi, 1);
    assert_int_equal(store->next(store, row.id, &row, NULL), STATUS_OK);
    assert_true(row.id.hi == UINT64_MAX);
    assert_int_equal(store->next(store, row.id, &row, NULL), STATUS_NOT_FOUND);
    store->close(store);
}

static void a_changed_row_is_damage(void **state)
{
    (void)state; /* no fixture */
    char folder[SCRATCH_PATH_SIZE];
    char path[SCRATCH_PATH_SIZE];
    scratch_folder("endpoints_damaged", folder);
    struct endpoint_store *store = NULL;
    assert_int_equal(open_store(folder, &store), STATUS_OK);
    put(store, 1);
    store->close(store);
    scratch_join(folder, "endpoints.db", path);
    const struct sqlite_connection_options options = { .path = path, .cache_kib = 64 };
    sqlite3 *db = NULL;
    assert_int_equal(sqlite_connection_open(&options, &db, NULL), STATUS_OK);
    assert_int_equal(sqlite_execute(db, "UPDATE endpoint SET row=zeroblob(length(row))", NULL),
                     STATUS_OK);
    sqlite_connection_close(db);
    assert_int_equal(open_store(folder, &store), STATUS_OK);
    struct endpoint_row row;
    assert_int_equal(store->next(store, (struct uuid){ 0 }, &row, NULL), STATUS_CORRUPT);
    store->close(store);
}

static void a_file_whose_maker_was_killed_is_made(void **state)
{
    (void)state; /* no fixture */
    char folder[SCRATCH_PATH_SIZE];
    char path[SCRATCH_PATH_SIZE];
    scratch_folder("endpoints_begun", folder);
    scratch_join(folder, "endpoints.db", path);
    const struct sqlite_connection_options options = { .path = path,
                                                       .page_size = 4096,
                                                       .cache_kib = 64 };
    int handle = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(handle >= 0);
    assert_int_equal(close(handle), 0);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite_connection_open(&options, &db, NULL), STATUS_OK);
    sqlite_connection_close(db);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_size, 4096);
    struct endpoint_store *store = NULL;
    assert_int_equal(open_store(folder, &store), STATUS_OK);
    put(store, 1);
    expect(store, 1);
    store->close(store);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state; /* no fixture */
    char folder[SCRATCH_PATH_SIZE];
    char path[SCRATCH_PATH_SIZE];
    scratch_folder("endpoints_mode", folder);
    struct endpoint_store *store = NULL;
    assert_int_equal(open_store(folder, &store), STATUS_OK);
    store->close(store);
    scratch_join(folder, "endpoints.db", path);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(open_store(folder, &store), STATUS_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_given_back_in_order_of_ids),
        cmocka_unit_test(a_changed_row_is_damage),
        cmocka_unit_test(a_file_whose_maker_was_killed_is_made),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

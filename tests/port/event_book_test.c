/*
 * Goal: a book of events in a file of SQLite has each effect once; another program's file is
 * refused.
 * Method: the cases of every store, on a file of their own; a file of garbage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_event_store.h"
#include "tests/port/event_book_conformance.h"
#include "tests/port/store_scratch.h"

struct file {
    char path[SCRATCH_PATH_SIZE];
};

static void fresh(void *owner)
{
    struct file *file = owner;
    char folder[SCRATCH_PATH_SIZE];
    scratch_folder("book", folder);
    scratch_join(folder, "events.db", file->path);
}

static struct event_store *open_file(void *owner)
{
    struct file *file = owner;
    struct event_store *store = NULL;
    struct error error = { 0 };
    if (sqlite_event_store_open(file->path, &store, &error) != STATUS_OK)
        fail_msg("%s: %s", error.message, error.detail);
    return store;
}

static int64_t number(void *owner, const char *sql)
{
    struct file *file = owner;
    const struct sqlite_connection_options options = { .path = file->path, .read_only = true };
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite_connection_open(&options, &db, NULL), STATUS_OK);
    assert_int_equal(sqlite_prepare(db, sql, &statement, NULL), STATUS_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t found = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement); /* it has stepped well */
    sqlite_connection_close(db);
    return found;
}

static void sqlite_conforms(void **state)
{
    (void)state; /* no fixture */
    struct file file;
    const struct event_store_factory factory = { &file, fresh, open_file, number };
    event_book_conformance(&factory);
}

static void garbage_is_no_book(void **state)
{
    (void)state; /* no fixture */
    struct file file;
    struct event_store *store = NULL;
    struct error error = { 0 };
    fresh(&file);
    FILE *out = fopen(file.path, "we");
    assert_non_null(out);
    for (int i = 0; i < 1000; i++) assert_true(fputs("garbage", out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(sqlite_event_store_open(file.path, &store, &error), STATUS_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlite_conforms),
        cmocka_unit_test(garbage_is_no_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

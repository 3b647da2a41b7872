/*
 * Goal: SQLite's stores do what port/store.h and port/run_store.h say.
 * Method: the cases that every implementation must pass, on files; and again with a WAL so small
 * that checkpoints run all the time, and with large pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "adapter/sqlite_run_store.h"
#include "adapter/sqlite_store.h"
#include "tests/port/store_conformance.h"
#include "tests/port/store_scratch.h"

struct files {
    char folder[SCRATCH_PATH_SIZE];
    struct sqlite_store_options options;
    struct sqlite_run_store_options run_options;
};

static void fresh(void *owner)
{
    struct files *files = owner;
    struct error error = { 0 };
    scratch_folder("conformance", files->folder);
    files->options.folder = files->folder;
    assert_int_equal(sqlite_store_create(&files->options, &error), STATUS_OK);
}

static struct store *open_store(void *owner)
{
    struct files *files = owner;
    struct error error = { 0 };
    struct store *store = NULL;
    enum status status = sqlite_store_open(&files->options, &store, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", error.message, error.detail);
    return store;
}

static void store_conforms(void **state)
{
    (void)state;
    struct files files = { 0 };
    struct store_factory factory = { &files, fresh, open_store };
    store_conformance(&factory);
}

static void store_conforms_with_constant_checkpoints(void **state)
{
    (void)state;
    struct files files = { .options = { .wal_low_bytes = 1, .wal_high_bytes = 65536 } };
    struct store_factory factory = { &files, fresh, open_store };
    store_conformance(&factory);
}

static void store_conforms_with_large_pages(void **state)
{
    (void)state;
    struct files files = { .options = { .page_size = 65536 } };
    struct store_factory factory = { &files, fresh, open_store };
    store_conformance(&factory);
}

static void fresh_runs(void *owner)
{
    struct files *files = owner;
    scratch_folder("conformance_runs", files->folder);
    files->run_options.folder = files->folder;
}

static struct run_store *open_runs(void *owner)
{
    struct files *files = owner;
    struct error error = { 0 };
    struct run_store *store = NULL;
    enum status status = sqlite_run_store_open(&files->run_options, &store, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", error.message, error.detail);
    return store;
}

static void run_store_conforms(void **state)
{
    (void)state;
    struct files files = { 0 };
    struct run_store_factory factory = { &files, fresh_runs, open_runs };
    run_store_conformance(&factory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_conforms),
        cmocka_unit_test(store_conforms_with_constant_checkpoints),
        cmocka_unit_test(store_conforms_with_large_pages),
        cmocka_unit_test(run_store_conforms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: SQLite's and the simulated relay store do what port/relay_store.h says; a damaged relay.db
 * is set aside and costs repeats only; a simulated crash goes back to an earlier save, whole.
 * Method: the cases of all implementations on both; a file of garbage; a changed row; crashes with
 * the faults that take saves back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_relay_store.h"
#include "sim/sim_relay_store.h"
#include "tests/port/relay_store_conformance.h"
#include "tests/port/store_scratch.h"

struct files {
    char folder[SCRATCH_PATH_SIZE];
    bool begun_anew;
};

static void fresh_files(void *owner)
{
    struct files *files = owner;
    scratch_folder("relay", files->folder);
}

static struct relay_store *open_files(void *owner)
{
    struct files *files = owner;
    const struct sqlite_relay_store_options options = { .folder = files->folder };
    struct relay_store *store = NULL;
    struct error error = { 0 };
    if (sqlite_relay_store_open(&options, &store, &files->begun_anew, &error) != STATUS_OK) {
        fail_msg("%s: %s", error.message, error.detail);
    }
    return store;
}

static void sqlite_conforms(void **state)
{
    (void)state; /* no fixture */
    struct files files = { .begun_anew = true };
    struct relay_store_factory factory = { &files, fresh_files, open_files };
    relay_store_conformance(&factory);
    assert_false(files.begun_anew);
}

static void a_damaged_file_is_set_aside(void **state)
{
    (void)state; /* no fixture */
    struct files files = { .begun_anew = false };
    char path[SCRATCH_PATH_SIZE];
    fresh_files(&files);
    scratch_join(files.folder, "relay.db", path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("this is no database, and long enough to be seen as none", file) > 0);
    assert_int_equal(fclose(file), 0);
    struct relay_store *store = open_files(&files);
    assert_true(files.begun_anew);
    struct relay_state found = { .endpoint = { 1, 1 }, .sequence = 7 };
    assert_int_equal(store->save(store, &found, NULL, NULL), STATUS_OK);
    store->close(store);
    scratch_join(files.folder, "relay.db.bad", path);
    assert_true(scratch_file_size(path) > 0);
    store = open_files(&files);
    assert_false(files.begun_anew);
    assert_int_equal(store->load(store, found.endpoint, &found, NULL), STATUS_OK);
    store->close(store);
}

static void a_changed_row_is_damage(void **state)
{
    (void)state; /* no fixture */
    struct files files = { .begun_anew = false };
    char path[SCRATCH_PATH_SIZE];
    fresh_files(&files);
    struct relay_store *store = open_files(&files);
    struct relay_state found = { .endpoint = { 1, 1 }, .sequence = 7 };
    assert_int_equal(store->save(store, &found, NULL, NULL), STATUS_OK);
    store->close(store);
    scratch_join(files.folder, "relay.db", path);
    const struct sqlite_connection_options options = { .path = path, .cache_kib = 64 };
    sqlite3 *db = NULL;
    assert_int_equal(sqlite_connection_open(&options, &db, NULL), STATUS_OK);
    assert_int_equal(sqlite_execute(db, "UPDATE state SET row=zeroblob(length(row))", NULL),
                     STATUS_OK);
    sqlite_connection_close(db);
    store = open_files(&files);
    assert_int_equal(store->load(store, found.endpoint, &found, NULL), STATUS_CORRUPT);
    store->close(store);
}

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_board *board;
};

static void fresh_board(void *owner)
{
    struct scene *scene = owner;
    sim_board_free(scene->board);
    scene->board = sim_board_new(scene->world, &scene->faults);
}

static struct relay_store *open_board(void *owner)
{
    struct scene *scene = owner;
    return sim_relay_store_open(scene->board, &scene->process);
}

static void conform(void *argument)
{
    struct relay_store_factory factory = { argument, fresh_board, open_board };
    relay_store_conformance(&factory);
}

static void crash_back(void *argument)
{
    struct scene *scene = argument;
    fresh_board(scene);
    struct relay_store *store = open_board(scene);
    struct relay_state state = { .endpoint = { 1, 1 } };
    for (state.sequence = 1; state.sequence <= 5; state.sequence++) {
        state.cursor.batch = state.sequence;
        assert_int_equal(store->save(store, &state, NULL, NULL), STATUS_OK);
    }
    store->close(store);
    sim_board_crash(scene->board); /* nothing strikes */
    store = open_board(scene);
    assert_int_equal(store->load(store, state.endpoint, &state, NULL), STATUS_OK);
    assert_int_equal(state.sequence, 5);
    store->close(store);
    scene->faults.rates[SIM_FAULT_RUNS_LOST] = FAULT_RATE_ALWAYS;
    sim_board_crash(scene->board);
    scene->faults.rates[SIM_FAULT_RUNS_LOST] = 0;
    store = open_board(scene);
    enum status status = store->load(store, state.endpoint, &state, NULL);
    assert_true(status == STATUS_NOT_FOUND || state.sequence < 5);
    assert_int_equal(state.cursor.batch, state.sequence);
    store->close(store);
    scene->faults.rates[SIM_FAULT_RUNS_LOST_ALL] = FAULT_RATE_ALWAYS;
    sim_board_crash(scene->board);
    store = open_board(scene);
    assert_int_equal(store->load(store, state.endpoint, &state, NULL), STATUS_NOT_FOUND);
    store->close(store);
}

static void play(void (*body)(void *argument))
{
    struct scene scene = { .world = world_new(13) };
    faults_init(&scene.faults, scene.world);
    scene.process = (struct process){ .world = scene.world, .faults = &scene.faults };
    (void)task_spawn(scene.world, "cases", body, &scene); /* ends by itself */
    assert_int_equal(world_run(scene.world, 10000000), WORLD_DONE);
    sim_board_free(scene.board);
    world_free(scene.world);
}

static void the_simulated_one_conforms(void **state)
{
    (void)state; /* no fixture */
    play(conform);
}

static void a_simulated_crash_goes_back(void **state)
{
    (void)state; /* no fixture */
    play(crash_back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlite_conforms),
        cmocka_unit_test(a_damaged_file_is_set_aside),
        cmocka_unit_test(a_changed_row_is_damage),
        cmocka_unit_test(the_simulated_one_conforms),
        cmocka_unit_test(a_simulated_crash_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

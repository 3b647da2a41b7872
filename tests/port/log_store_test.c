/*
 * Goal: the files and the simulated log store do what port/log_store.h says; a damaged head is
 * noticed; a read-only look at a folder without a log makes nothing; a simulated crash takes only
 * what was not synced.
 * Method: the cases of all implementations on both; a changed byte; a folder looked at; crashes
 * with the faults that take files back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/file_log_store.h"
#include "sim/sim_log_store.h"
#include "tests/port/log_store_conformance.h"
#include "tests/port/store_scratch.h"

struct files {
    char folder[SCRATCH_PATH_SIZE];
};

static void fresh_files(void *owner)
{
    scratch_folder("log", ((struct files *)owner)->folder);
}

static struct log_store *open_files(void *owner)
{
    struct log_store *store = NULL;
    struct error error = { 0 };
    if (file_log_store_open(((struct files *)owner)->folder, false, &store, &error) != STATUS_OK) {
        fail_msg("%s: %s", error.message, error.detail);
    }
    return store;
}

static void files_conform(void **state)
{
    (void)state; /* no fixture */
    struct files files;
    struct log_store_factory factory = { &files, fresh_files, open_files };
    log_store_conformance(&factory);
}

static void a_changed_byte_of_the_head_is_damage(void **state)
{
    (void)state; /* no fixture */
    struct files files;
    char path[SCRATCH_PATH_SIZE];
    fresh_files(&files);
    struct log_store *store = open_files(&files);
    struct log_head head = { .size = 7 };
    assert_int_equal(store->head_write(store, &head, NULL), STATUS_OK);
    scratch_join(files.folder, "log.head", path);
    for (long at = 0; at < 128; at++) {
        FILE *file = fopen(path, "r+e");
        assert_non_null(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        int byte = fgetc(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_not_equal(fputc(byte ^ 1, file), EOF);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(store->head_read(store, &head, NULL), STATUS_CORRUPT);
        head = (struct log_head){ .size = 7 };
        assert_int_equal(store->head_write(store, &head, NULL), STATUS_OK);
    }
    store->close(store);
}

static void a_look_makes_nothing(void **state)
{
    (void)state; /* no fixture */
    struct files files;
    char path[SCRATCH_PATH_SIZE];
    fresh_files(&files);
    struct log_store *store = NULL;
    assert_int_equal(file_log_store_open(files.folder, true, &store, NULL), STATUS_OK);
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, 100);
    assert_int_equal(store->read(store, STR("checkpoint"), &bytes, NULL), STATUS_NOT_FOUND);
    store->close(store);
    scratch_join(files.folder, "log", path);
    assert_int_not_equal(access(path, F_OK), 0);
}

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_rack *rack;
};

static void fresh_rack(void *owner)
{
    struct scene *scene = owner;
    sim_rack_free(scene->rack);
    scene->rack = sim_rack_new(scene->world, &scene->faults);
}

static struct log_store *open_rack(void *owner)
{
    struct scene *scene = owner;
    return sim_log_store_open(scene->rack, &scene->process);
}

static void conform(void *argument)
{
    struct log_store_factory factory = { argument, fresh_rack, open_rack };
    log_store_conformance(&factory);
}

static void crash_back(void *argument)
{
    struct scene *scene = argument;
    fresh_rack(scene);
    struct log_store *store = open_rack(scene);
    assert_int_equal(store->write(store, STR("safe"), STR("s"), NULL), STATUS_OK);
    for (char name = 'a'; name <= 'm'; name++) {
        const struct str text = { &name, 1 };
        assert_int_equal(store->write(store, text, STR("before"), NULL), STATUS_OK);
    }
    assert_int_equal(store->sync(store, NULL), STATUS_OK);
    for (char name = 'a'; name <= 'z'; name++) {
        const struct str text = { &name, 1 };
        assert_int_equal(store->write(store, text, STR("behind"), NULL), STATUS_OK);
    }
    store->close(store);
    scene->faults.rates[SIM_FAULT_LOG_FILES_LOST] = FAULT_RATE_ALWAYS;
    (void)sim_rack_crash(scene->rack); /* what is gone is looked at */
    scene->faults.rates[SIM_FAULT_LOG_FILES_LOST] = 0;
    store = open_rack(scene);
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, 100);
    assert_int_equal(store->read(store, STR("safe"), &bytes, NULL), STATUS_OK);
    assert_int_equal(bytes.len, 1);
    uint32_t gone = 0;
    uint32_t torn = 0;
    uint32_t before = 0;
    for (char name = 'a'; name <= 'z'; name++) {
        enum status status = store->read(store, (struct str){ &name, 1 }, &bytes, NULL);
        bool old = status == STATUS_OK && str_equal(buf_view(&bytes), STR("before"));
        assert_true(!old || name <= 'm');
        assert_true(status == STATUS_OK || name > 'm');
        gone += status == STATUS_NOT_FOUND;
        before += old;
        torn += status == STATUS_OK && !old && str_starts(STR("behind"), buf_view(&bytes));
    }
    assert_int_equal(gone + before + torn, 26);
    assert_true(gone > 0 && before > 0 && torn > 0);
    store->close(store);
}

static void play(void (*body)(void *argument))
{
    struct scene scene = { .world = world_new(17) };
    faults_init(&scene.faults, scene.world);
    scene.process = (struct process){ .world = scene.world, .faults = &scene.faults };
    (void)task_spawn(scene.world, "cases", body, &scene); /* ends by itself */
    assert_int_equal(world_run(scene.world, 10000000), WORLD_DONE);
    sim_rack_free(scene.rack);
    world_free(scene.world);
}

static void the_simulated_one_conforms(void **state)
{
    (void)state; /* no fixture */
    play(conform);
}

static void a_simulated_crash_takes_what_was_not_synced(void **state)
{
    (void)state; /* no fixture */
    play(crash_back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_conform),
        cmocka_unit_test(a_changed_byte_of_the_head_is_damage),
        cmocka_unit_test(a_look_makes_nothing),
        cmocka_unit_test(the_simulated_one_conforms),
        cmocka_unit_test(a_simulated_crash_takes_what_was_not_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

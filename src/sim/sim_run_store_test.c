/*
 * Goal: a crash takes the simulated run store back to a state that some commit made, and to no
 * other; damage stays until it is mended. (What it does without faults is tested beside the
 * other run stores, in tests/port.)
 * Method: commits of known cursors, a crash, and a look at what is left.
 */
#include "sim/sim_run_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_shelf *shelf;
    struct run_store *store;
    void (*play)(struct scene *scene);
    uint64_t misused;
};

static void on_misused(void *owner, const char *text)
{
    struct scene *scene = owner;
    assert_non_null(text);
    scene->misused++;
}

static void scene_body(void *argument)
{
    struct scene *scene = argument;
    scene->play(scene);
}

static void scene_run(uint64_t seed, void (*play)(struct scene *scene))
{
    struct scene scene = { .world = world_new(seed), .play = play };
    faults_init(&scene.faults, scene.world);
    scene.process = (struct process){ .world = scene.world, .faults = &scene.faults };
    scene.shelf = sim_shelf_new(scene.world, &scene.faults, on_misused, &scene);
    (void)task_spawn(scene.world, "test", scene_body, &scene);
    assert_int_equal(world_run(scene.world, 10000000), WORLD_DONE);
    sim_shelf_free(scene.shelf);
    world_free(scene.world);
}

static struct run_store *open_store(struct scene *scene)
{
    return sim_run_store_open(scene->shelf, &scene->process);
}

/* A run of one chunk; the cursor of index 2 becomes its id times ten. */
static void commit_run(struct scene *scene, uint64_t id)
{
    struct run_store *store = scene->store;
    assert_int_equal(store->chunk_write(store, id, 0, &id, sizeof id, NULL), STATUS_OK);
    struct run_info info = { .index = 2, .level = 0, .id = id, .entries = 1, .chunks = 1 };
    struct run_commit commit = {
        .run = &info,
        .summary = STR("summary"),
        .index = 2,
        .cursor = { .batch = id * 10 },
    };
    assert_int_equal(store->commit(store, &commit, NULL), STATUS_OK);
}

/* What a crash leaves must be the state of one commit, whole. */
static uint64_t state_after_crash(struct scene *scene)
{
    scene->store->close(scene->store);
    sim_shelf_crash(scene->shelf);
    scene->store = open_store(scene);
    struct store_point cursor = { .batch = 99 };
    BUF_SCOPE struct buf runs;
    buf_init(&runs, 4096);
    assert_int_equal(scene->store->cursor(scene->store, 2, &cursor, NULL), STATUS_OK);
    assert_int_equal(scene->store->list(scene->store, 2, &runs, NULL), STATUS_OK);
    assert_true(runs.len / sizeof(struct run_info) == cursor.batch / 10);
    const struct run_info *infos = (const struct run_info *)(const void *)runs.data;
    for (uint64_t i = 0; i < cursor.batch / 10; i++) assert_true(infos[i].id == i + 1);
    return cursor.batch / 10;
}

static void play_loss(struct scene *scene)
{
    scene->store = open_store(scene);
    for (uint64_t id = 1; id <= 5; id++) commit_run(scene, id);
    assert_int_equal(state_after_crash(scene), 5); /* no fault: nothing is lost */
    scene->faults.rates[SIM_FAULT_RUNS_LOST] = FAULT_RATE_ALWAYS;
    uint64_t left = state_after_crash(scene);
    assert_in_range(left, 0, 4);
    commit_run(scene, left + 1); /* ids that were lost may be used again */
    scene->faults.rates[SIM_FAULT_RUNS_LOST_ALL] = FAULT_RATE_ALWAYS;
    assert_int_equal(state_after_crash(scene), 0);
    assert_true(scene->misused == 0);
    scene->store->close(scene->store);
}

static void a_crash_leaves_the_state_of_some_commit(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) scene_run(seed, play_loss);
}

static void play_damage(struct scene *scene)
{
    scene->store = open_store(scene);
    struct run_store *store = scene->store;
    commit_run(scene, 1);
    BUF_SCOPE struct buf chunk;
    buf_init(&chunk, 1024);
    assert_int_equal(store->chunk_read(store, 1, 0, &chunk, NULL), STATUS_OK);
    scene->faults.rates[SIM_FAULT_RUNS_DAMAGED] = FAULT_RATE_ALWAYS;
    assert_int_equal(store->chunk_read(store, 1, 0, &chunk, NULL), STATUS_CORRUPT);
    scene->faults.rates[SIM_FAULT_RUNS_DAMAGED] = 0;
    assert_int_equal(store->chunk_read(store, 1, 0, &chunk, NULL), STATUS_CORRUPT);
    assert_true(sim_shelf_damaged(scene->shelf));
    store->close(store);
    sim_shelf_wipe(scene->shelf);
    assert_false(sim_shelf_damaged(scene->shelf));
    scene->store = open_store(scene);
    struct store_point cursor = { .batch = 99 };
    assert_int_equal(scene->store->cursor(scene->store, 2, &cursor, NULL), STATUS_OK);
    assert_true(cursor.batch == 0);
    scene->store->close(scene->store);
}

static void damage_stays_until_the_shelf_is_wiped(void **state)
{
    (void)state;
    scene_run(3, play_damage);
}

static void play_misuse(struct scene *scene)
{
    scene->store = open_store(scene);
    struct run_store *store = scene->store;
    struct run_info info = { .index = 2, .id = 1, .chunks = 2 };
    struct run_commit commit = {
        .run = &info, .summary = STR("s"), .index = 2, .cursor = { .batch = 1 }
    };
    assert_int_equal(store->commit(store, &commit, NULL), STATUS_UNAVAILABLE);
    assert_true(scene->misused == 1); /* its chunks were never written */
    commit_run(scene, 1);
    uint64_t byte = 0;
    assert_int_equal(store->chunk_write(store, 1, 0, &byte, 1, NULL), STATUS_OK);
    assert_true(scene->misused == 2); /* an id that is in use */
    store->close(store);
}

static void a_broken_contract_is_told(void **state)
{
    (void)state;
    scene_run(4, play_misuse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_leaves_the_state_of_some_commit),
        cmocka_unit_test(damage_stays_until_the_shelf_is_wiped),
        cmocka_unit_test(a_broken_contract_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

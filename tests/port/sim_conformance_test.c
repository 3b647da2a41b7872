/*
 * Goal: the simulated stores do what port/store.h and port/run_store.h say.
 * Method: the cases that every implementation must pass, run by a task of a simulated world
 * with every fault off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/sim_run_store.h"
#include "sim/sim_store.h"
#include "tests/port/store_conformance.h"

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_disk *disk;
    struct sim_shelf *shelf;
};

static void on_appended(void *owner, uint64_t sequence, const struct sim_batch *batch)
{
    const struct scene *scene = owner;
    assert_true(sequence == sim_disk_head(scene->disk));
    assert_true(sim_disk_batch(scene->disk, sequence) == batch);
}

/* The cases break contracts on purpose, to see them refused. */
static void on_misused(void *owner, const char *text)
{
    assert_non_null(owner);
    assert_non_null(text);
}

static void fresh(void *owner)
{
    struct scene *scene = owner;
    sim_disk_free(scene->disk);
    const struct sim_disk_observer observer = { on_appended, on_misused, scene };
    scene->disk = sim_disk_new(scene->world, &scene->faults, observer);
}

static struct store *open_store(void *owner)
{
    struct scene *scene = owner;
    return sim_store_open(scene->disk, &scene->process);
}

static void store_body(void *argument)
{
    struct store_factory factory = { argument, fresh, open_store };
    store_conformance(&factory);
}

static void fresh_runs(void *owner)
{
    struct scene *scene = owner;
    sim_shelf_free(scene->shelf);
    scene->shelf = sim_shelf_new(scene->world, &scene->faults, on_misused, scene);
}

static struct run_store *open_runs(void *owner)
{
    struct scene *scene = owner;
    return sim_run_store_open(scene->shelf, &scene->process);
}

static void run_store_body(void *argument)
{
    struct run_store_factory factory = { argument, fresh_runs, open_runs };
    run_store_conformance(&factory);
}

static void play(void (*body)(void *argument))
{
    struct scene scene = { .world = world_new(7) };
    faults_init(&scene.faults, scene.world);
    scene.process = (struct process){ .world = scene.world, .faults = &scene.faults };
    (void)task_spawn(scene.world, "cases", body, &scene); /* ends by itself */
    assert_int_equal(world_run(scene.world, 10000000), WORLD_DONE);
    sim_disk_free(scene.disk);
    sim_shelf_free(scene.shelf);
    world_free(scene.world);
}

static void the_simulated_store_conforms(void **state)
{
    (void)state;
    play(store_body);
}

static void the_simulated_run_store_conforms(void **state)
{
    (void)state;
    play(run_store_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulated_store_conforms),
        cmocka_unit_test(the_simulated_run_store_conforms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: monitors exclude, wait and wake as port/sync.h says, whatever the order; waking without
 * a cause and failing to start a task do happen when asked for.
 * Method: many seeds of a counter that is read, yielded over and written back under a monitor,
 * and of a bounded queue between two tasks.
 */
#include "sim/sim_sync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_sync sync;
    struct sync *port;
    struct monitor *monitor;
    void (*play)(struct scene *scene);
    uint32_t counter;
    uint32_t queued;
    uint32_t taken;
    uint32_t wakes_in_vain;
    bool in_time;
};

static void scene_body(void *argument)
{
    struct scene *scene = argument;
    scene->monitor = scene->port->monitor_new(scene->port, "test");
    scene->play(scene);
    scene->port->monitor_free(scene->monitor);
    sim_sync_done(&scene->sync);
}

static void scene_run(uint64_t seed, uint32_t spurious_rate, struct scene *scene)
{
    scene->world = world_new(seed);
    faults_init(&scene->faults, scene->world);
    scene->faults.rates[SIM_FAULT_SPURIOUS_WAKE] = spurious_rate;
    scene->process = (struct process){ .world = scene->world, .faults = &scene->faults };
    sim_sync_init(&scene->sync, &scene->process);
    scene->port = &scene->sync.port;
    (void)task_spawn(scene->world, "test", scene_body, scene);
    assert_int_equal(world_run(scene->world, 1000000), WORLD_DONE);
    world_free(scene->world);
}

static void count_body(void *argument)
{
    struct scene *scene = argument;
    for (int i = 0; i < 20; i++) {
        scene->port->lock(scene->monitor);
        uint32_t read = scene->counter;
        task_yield(scene->world); /* others would overwrite, were they let in */
        scene->counter = read + 1;
        scene->port->unlock(scene->monitor);
    }
}

static void play_counting(struct scene *scene)
{
    struct task *tasks[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(scene->port->spawn(scene->port, "count", count_body, scene, &tasks[i]),
                         STATUS_OK);
    }
    for (int i = 0; i < 4; i++) scene->port->join(tasks[i]);
    scene->port->join(NULL);
}

static void one_at_a_time_is_inside(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct scene scene = { .play = play_counting };
        scene_run(seed, 0, &scene);
        assert_int_equal(scene.counter, 80);
    }
}

static void taker_body(void *argument)
{
    struct scene *scene = argument;
    while (scene->taken < 30) {
        scene->port->lock(scene->monitor);
        while (scene->queued == 0) {
            (void)scene->port->wait(scene->monitor, MONOTONIC_NEVER); /* looked at again */
            if (scene->queued == 0) scene->wakes_in_vain++;
        }
        scene->queued--;
        scene->taken++;
        scene->port->wake_all(scene->monitor);
        scene->port->unlock(scene->monitor);
    }
}

static void play_queue(struct scene *scene)
{
    struct task *taker = NULL;
    assert_int_equal(scene->port->spawn(scene->port, "taker", taker_body, scene, &taker),
                     STATUS_OK);
    for (int i = 0; i < 30; i++) {
        scene->port->lock(scene->monitor);
        while (scene->queued == 3) (void)scene->port->wait(scene->monitor, MONOTONIC_NEVER);
        scene->queued++;
        scene->port->wake_all(scene->monitor);
        scene->port->unlock(scene->monitor);
    }
    scene->port->join(taker);
}

static void nobody_sleeps_through_a_wake(void **state)
{
    (void)state;
    uint32_t in_vain = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct scene scene = { .play = play_queue };
        scene_run(seed, seed % 2 == 0 ? 0 : FAULT_RATE_ALWAYS / 4, &scene);
        assert_int_equal(scene.taken, 30);
        if (seed % 2 == 0) assert_int_equal(scene.wakes_in_vain, 0);
        in_vain += scene.wakes_in_vain;
    }
    assert_true(in_vain > 0); /* wakes without a cause do come */
}

static void play_deadline(struct scene *scene)
{
    scene->port->lock(scene->monitor);
    scene->in_time = scene->port->wait(scene->monitor, (struct monotonic_time){ NS_PER_S });
    scene->port->unlock(scene->monitor);
    assert_true(world_now(scene->world).ns >= NS_PER_S);
}

static void a_wait_ends_at_its_deadline(void **state)
{
    (void)state;
    struct scene scene = { .play = play_deadline, .in_time = true };
    scene_run(1, 0, &scene);
    assert_false(scene.in_time);
}

static void play_no_tasks(struct scene *scene)
{
    struct task *task = NULL;
    scene->faults.rates[SIM_FAULT_SPAWN_FAILS] = FAULT_RATE_ALWAYS;
    assert_int_equal(scene->port->spawn(scene->port, "never", count_body, scene, &task),
                     STATUS_UNAVAILABLE);
    assert_null(task);
    assert_int_equal(scene->counter, 0);
}

static void a_task_that_cannot_be_started_does_not_run(void **state)
{
    (void)state;
    struct scene scene = { .play = play_no_tasks };
    scene_run(1, 0, &scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time_is_inside),
        cmocka_unit_test(nobody_sleeps_through_a_wake),
        cmocka_unit_test(a_wait_ends_at_its_deadline),
        cmocka_unit_test(a_task_that_cannot_be_started_does_not_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: the seed and nothing else decides the order of tasks; time, blocking, joining and the
 * ends of a run are as documented.
 * Method: tasks write letters into a text at scheduling points; texts and traces of the same
 * seed are equal, those of many seeds are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/world.h"

struct scene {
    struct world *world;
    struct task *waiter;
    char text[128];
    size_t len;
    int64_t woken_at_ns;
    bool woken;
    uint32_t ended;
};

struct part {
    struct scene *scene;
    char letter;
};

static void speaker(void *argument)
{
    struct part *part = argument;
    for (unsigned i = 0; i < 8; i++) {
        part->scene->text[part->scene->len++] = part->letter;
        task_yield(part->scene->world);
    }
    part->scene->ended++;
}

static uint64_t three_speakers(uint64_t seed, char out_text[128])
{
    struct scene scene = { .world = world_new(seed) };
    struct part parts[3] = { { &scene, 'a' }, { &scene, 'b' }, { &scene, 'c' } };
    for (unsigned i = 0; i < 3; i++) (void)task_spawn(scene.world, "speaker", speaker, &parts[i]);
    assert_int_equal(world_run(scene.world, 1000), WORLD_DONE);
    assert_int_equal(scene.ended, 3);
    uint64_t trace = world_trace(scene.world);
    memcpy(out_text, scene.text, sizeof scene.text);
    world_free(scene.world);
    return trace;
}

static void a_seed_is_an_order(void **state)
{
    (void)state;
    char first[128];
    char again[128];
    unsigned different = 0;
    char zero[128];
    uint64_t zero_trace = three_speakers(0, zero);
    for (uint64_t seed = 0; seed < 20; seed++) {
        uint64_t trace = three_speakers(seed, first);
        assert_true(trace == three_speakers(seed, again));
        assert_memory_equal(first, again, sizeof first);
        if (memcmp(first, zero, sizeof first) != 0) {
            different++;
            assert_true(trace != zero_trace);
        }
    }
    assert_true(different >= 18);
}

static void sleeper(void *argument)
{
    struct scene *scene = argument;
    task_sleep(scene->world, 5 * NS_PER_S);
    scene->woken_at_ns = world_now(scene->world).ns;
}

static void time_jumps_to_the_next_deadline(void **state)
{
    (void)state;
    struct scene scene = { .world = world_new(1) };
    (void)task_spawn(scene.world, "sleeper", sleeper, &scene);
    assert_int_equal(world_run(scene.world, 100), WORLD_DONE);
    assert_true(scene.woken_at_ns >= 5 * NS_PER_S);
    assert_true(scene.woken_at_ns < 5 * NS_PER_S + NS_PER_MS);
    assert_true(world_steps(scene.world) < 10);
    world_free(scene.world);
}

static void waiter(void *argument)
{
    struct scene *scene = argument;
    scene->woken = task_block(scene->world, (struct monotonic_time){ NS_PER_S });
    scene->woken_at_ns = world_now(scene->world).ns;
    if (task_block(scene->world, (struct monotonic_time){ 3 * NS_PER_S })) scene->ended = 99;
    scene->ended++;
}

static void waker(void *argument)
{
    struct scene *scene = argument;
    task_sleep(scene->world, NS_PER_MS);
    task_wake(scene->waiter);
    task_join(scene->world, scene->waiter);
    task_wake(scene->waiter); /* has ended: nothing happens */
    scene->ended++;
}

static void a_block_ends_by_wake_or_deadline(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct scene scene = { .world = world_new(seed) };
        scene.waiter = task_spawn(scene.world, "waiter", waiter, &scene);
        (void)task_spawn(scene.world, "waker", waker, &scene);
        assert_int_equal(world_run(scene.world, 1000), WORLD_DONE);
        assert_true(scene.woken);
        assert_true(scene.woken_at_ns < NS_PER_S);
        assert_int_equal(scene.ended, 2);
        assert_true(world_now(scene.world).ns >= 3 * NS_PER_S);
        world_free(scene.world);
    }
}

static void forgotten(void *argument)
{
    struct scene *scene = argument;
    (void)task_block(scene->world, MONOTONIC_NEVER);
    scene->ended++;
}

static void who_waits_for_nothing_is_named(void **state)
{
    (void)state;
    struct scene scene = { .world = world_new(3) };
    (void)task_spawn(scene.world, "forgotten", forgotten, &scene);
    assert_int_equal(world_run(scene.world, 1000), WORLD_STUCK);
    assert_int_equal(world_task_count(scene.world), 1);
    assert_string_equal(world_task_name(scene.world, 0), "forgotten");
    assert_int_equal(scene.ended, 0);
    world_free(scene.world);
}

static void restless(void *argument)
{
    struct scene *scene = argument;
    while (!scene->woken) task_yield(scene->world);
    world_stop(scene->world);
    task_yield(scene->world);
    scene->ended++;
}

static void a_run_ends_at_its_steps_and_goes_on(void **state)
{
    (void)state;
    struct scene scene = { .world = world_new(4) };
    (void)task_spawn(scene.world, "restless", restless, &scene);
    assert_int_equal(world_run(scene.world, 50), WORLD_STEPS);
    assert_int_equal(world_steps(scene.world), 50);
    scene.woken = true;
    assert_int_equal(world_run(scene.world, 50), WORLD_STOPPED);
    assert_int_equal(scene.ended, 0);
    assert_int_equal(world_run(scene.world, 50), WORLD_DONE);
    assert_int_equal(scene.ended, 1);
    world_free(scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_is_an_order),
        cmocka_unit_test(time_jumps_to_the_next_deadline),
        cmocka_unit_test(a_block_ends_by_wake_or_deadline),
        cmocka_unit_test(who_waits_for_nothing_is_named),
        cmocka_unit_test(a_run_ends_at_its_steps_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

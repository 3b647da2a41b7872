/*
 * Goal: a process crashes where and when its plan says, once, and not in calm; the clock, the
 * entropy and the log of a process follow its seed and its life.
 * Method: one task passes points in a known order; readings are compared over worlds of one
 * seed and of two.
 */
#include "sim/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_clock.h"
#include "sim/sim_entropy.h"
#include "sim/sim_log.h"

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    void (*play)(struct scene *scene);
    uint8_t bytes[24];
};

static void scene_body(void *argument)
{
    struct scene *scene = argument;
    scene->play(scene);
}

static uint64_t scene_run(uint64_t seed, struct scene *scene)
{
    scene->world = world_new(seed);
    faults_init(&scene->faults, scene->world);
    scene->process.world = scene->world;
    scene->process.faults = &scene->faults;
    (void)task_spawn(scene->world, "test", scene_body, scene);
    assert_int_equal(world_run(scene->world, 100000), WORLD_DONE);
    uint64_t trace = world_trace(scene->world);
    world_free(scene->world);
    return trace;
}

static void play_aimed_crash(struct scene *scene)
{
    scene->process.crash_at = SIM_POINT_STORE_READ;
    scene->process.crash_after = 2;
    assert_true(process_point(&scene->process, SIM_POINT_STORE_READ));
    assert_true(process_point(&scene->process, SIM_POINT_SYNC_LOCK));
    assert_false(process_point(&scene->process, SIM_POINT_STORE_READ));
    assert_false(process_point(&scene->process, SIM_POINT_SYNC_LOCK));
    assert_true(scene->process.crashed);
    assert_true(scene->faults.crash_points[SIM_POINT_STORE_READ] == 1);
    assert_true(scene->faults.hits[SIM_FAULT_CRASH] == 1);
    process_crash(&scene->process, SIM_POINT_SYNC_LOCK); /* dead already */
    assert_true(scene->faults.hits[SIM_FAULT_CRASH] == 1);
}

static void a_crash_comes_at_its_point(void **state)
{
    (void)state;
    struct scene scene = { .play = play_aimed_crash };
    (void)scene_run(1, &scene);
}

static void play_any_crash(struct scene *scene)
{
    scene->process.crash_at = SIM_POINT_COUNT;
    scene->process.crash_after = 3;
    scene->faults.calm = true;
    for (int i = 0; i < 5; i++) assert_true(process_point(&scene->process, SIM_POINT_SYNC_LOCK));
    scene->faults.calm = false;
    assert_true(process_point(&scene->process, SIM_POINT_SYNC_LOCK));
    assert_true(process_point(&scene->process, SIM_POINT_STORE_HEAD));
    assert_false(process_point(&scene->process, SIM_POINT_LOG_WRITE));
}

static void a_crash_at_any_point_waits_for_the_end_of_calm(void **state)
{
    (void)state;
    struct scene scene = { .play = play_any_crash };
    (void)scene_run(1, &scene);
}

static void play_clock(struct scene *scene)
{
    struct sim_wall wall = { 1000 * NS_PER_DAY };
    struct sim_clock clock;
    sim_clock_init(&clock, &scene->process, &wall);
    int64_t wall_ns = clock_wall(&clock.port).ns;
    int64_t monotonic_ns = clock_monotonic(&clock.port).ns;
    assert_true(wall_ns >= 1000 * NS_PER_DAY);
    scene->faults.rates[SIM_FAULT_CLOCK_BACK] = FAULT_RATE_ALWAYS;
    assert_true(clock_wall(&clock.port).ns < wall_ns);
    scene->faults.rates[SIM_FAULT_CLOCK_BACK] = 0;
    scene->faults.rates[SIM_FAULT_CLOCK_JUMP] = FAULT_RATE_ALWAYS;
    int64_t before_ns = sim_wall_now(&wall, scene->world).ns;
    assert_true(clock_wall(&clock.port).ns - before_ns > CLOCK_JUMP_S_MAX * NS_PER_S);
    int64_t later_ns = clock_monotonic(&clock.port).ns;
    assert_true(later_ns > monotonic_ns && later_ns < monotonic_ns + NS_PER_S);
}

static void only_the_wall_clock_steps(void **state)
{
    (void)state;
    struct scene scene = { .play = play_clock };
    (void)scene_run(1, &scene);
}

static void play_entropy(struct scene *scene)
{
    struct sim_entropy entropy;
    sim_entropy_init(&entropy, &scene->process);
    entropy_fill(&entropy.port, scene->bytes, sizeof scene->bytes);
}

static void entropy_follows_seed_and_process(void **state)
{
    (void)state;
    struct scene first = { .play = play_entropy, .process = { .number = 1 } };
    struct scene again = first;
    struct scene other_process = { .play = play_entropy, .process = { .number = 2 } };
    struct scene other_seed = first;
    uint64_t trace = scene_run(5, &first);
    assert_true(trace == scene_run(5, &again));
    assert_memory_equal(first.bytes, again.bytes, sizeof first.bytes);
    (void)scene_run(5, &other_process);
    assert_memory_not_equal(first.bytes, other_process.bytes, sizeof first.bytes);
    (void)scene_run(6, &other_seed);
    assert_memory_not_equal(first.bytes, other_seed.bytes, sizeof first.bytes);
}

static void play_log(struct scene *scene)
{
    struct sim_log_ring *ring = calloc(1, sizeof *ring);
    assert_non_null(ring);
    struct sim_log log;
    sim_log_init(&log, &scene->process, ring);
    struct log_field fields[] = { { STR("batch"), { NULL, 0 }, 7 }, { STR("who"), STR("us"), 0 } };
    for (int i = 0; i < SIM_LOG_LINES + 5; i++) {
        log_write(&log.port, (struct log_line){ .level = i == 0 ? LOG_ALARM : LOG_INFO,
                                                .event = STR("test.event"),
                                                .message = STR("a sentence"),
                                                .fields = fields,
                                                .field_count = 2 });
    }
    assert_true(ring->count == SIM_LOG_LINES + 5);
    assert_true(ring->alarms == 1);
    BUF_SCOPE struct buf text;
    buf_init(&text, 1 << 16);
    sim_log_print(ring, &text);
    assert_non_null(strstr(buf_terminated(&text), "info test.event: a sentence batch=7 who=us\n"));
    assert_null(strstr(buf_terminated(&text), "alarm")); /* the oldest have gone */
    free(ring);
}

static void the_newest_lines_are_kept(void **state)
{
    (void)state;
    struct scene scene = { .play = play_log };
    (void)scene_run(1, &scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_comes_at_its_point),
        cmocka_unit_test(a_crash_at_any_point_waits_for_the_end_of_calm),
        cmocka_unit_test(only_the_wall_clock_steps),
        cmocka_unit_test(entropy_follows_seed_and_process),
        cmocka_unit_test(the_newest_lines_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

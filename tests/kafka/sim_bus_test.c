/*
 * Goal: the simulated bus does what port/bus.h says; and over it, whatever happens to the process,
 * the bus and the lane's ownership, readers see every event of the journal once and in order.
 * Method: the cases of all implementations; then relays with tasks in a simulated world, for some
 * hundred seeds: calls that fail before or after their effect or take seconds, crashes at any
 * port call, and in half of the lives an owner that was followed by the next one goes on beside
 * it. Then the faults stop, and everything must be there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_bus.h"
#include "sim/sim_clock.h"
#include "sim/sim_sync.h"
#include "tests/kafka/bus_conformance.h"
#include "wallet/bus_relay.h"
#include "wallet/event_feed_test.h"

enum { SEEDS = 300, EVENTS = 60, LIVES_MAX = 6, STEPS_MAX = 20000000, WALL_DAYS = 20000 };

struct scene {
    struct world *world;
    struct faults faults;
    struct sim_topic *topic;
    struct sim_wall wall;
    struct test_feed feed;
    struct prng prng;
    bool finished;
    uint64_t epoch; /* of the newest owner */
};

/* A process that owns the lane, or thinks so. */
struct owner {
    struct process process;
    struct sim_clock clock;
    struct sim_sync sync;
    struct log log;
    struct bus *bus;
    struct bus_relay *relay;
    struct test_feed feed;
};

static void log_nothing(struct log *log, const struct log_line *line)
{
    (void)log;
    (void)line;
}

static enum status epoch_now(void *owner, uint64_t *out_epoch, struct error *out_error)
{
    const struct scene *scene = owner;
    (void)out_error; /* the journal always answers */
    *out_epoch = scene->epoch;
    return STATUS_OK;
}

/* False: it could not be started. */
static bool owner_begin(struct scene *scene, struct owner *owner, uint64_t epoch, uint64_t crash)
{
    scene->epoch = epoch; /* the journal is claimed first */
    owner->process = (struct process){ .world = scene->world,
                                       .faults = &scene->faults,
                                       .number = (uint32_t)epoch,
                                       .crash_at = SIM_POINT_COUNT,
                                       .crash_after = crash };
    sim_sync_init(&owner->sync, &owner->process);
    sim_clock_init(&owner->clock, &owner->process, &scene->wall);
    owner->bus = sim_bus_open(scene->topic, &owner->process);
    owner->log.write = log_nothing;
    test_feed_init(&owner->feed, scene->feed.count);
    owner->relay = NULL;
    const struct bus_relay_ports ports = { &owner->sync.port, &owner->clock.port, &owner->log,
                                           &owner->feed.port, owner->bus,         NULL };
    struct bus_relay_options options = BUS_RELAY_OPTIONS_DEFAULT;
    options.lane = 1;
    options.epoch = epoch;
    options.run_events_max = (uint32_t)prng_between(&scene->prng, 1, 9);
    options.retry_ms_max = 2000;
    options.epoch_now = epoch_now;
    options.owner = scene;
    return bus_relay_open(&ports, &options, &owner->relay, NULL) == STATUS_OK;
}

static void owner_end(struct owner *owner)
{
    bus_relay_close(owner->relay);
    owner->bus->close(owner->bus);
    sim_sync_done(&owner->sync);
}

static bool everything_came(const struct scene *scene)
{
    return sim_topic_count(scene->topic, 1) >= EVENTS;
}

/* An owner, beside whom the one before may still be at work. */
static void life(struct scene *scene, struct owner *owner, uint64_t epoch, bool last)
{
    uint64_t crash = last ? 0 : prng_between(&scene->prng, 1, 1500);
    bool begun = owner_begin(scene, owner, epoch, crash);
    for (uint64_t i = 0; begun && !owner->process.crashed && (last || i < 30); i++) {
        if (scene->feed.count < EVENTS) scene->feed.count++;
        owner->feed.count = scene->feed.count;
        task_sleep(scene->world, 200 * NS_PER_MS);
        if (last && everything_came(scene)) break;
    }
    assert_true(begun || !last);
}

static void scene_body(void *argument)
{
    struct scene *scene = argument;
    struct owner *owners = calloc(LIVES_MAX + 2, sizeof *owners);
    assert_non_null(owners);
    uint64_t lives = prng_below(&scene->prng, LIVES_MAX);
    uint64_t ended = 0;
    for (uint64_t i = 0; i < lives; i++) {
        life(scene, &owners[i], i + 1, false);
        bool stays = prng_chance(&scene->prng, 1, 2) && !owners[i].process.crashed;
        if (!stays) {
            for (; ended <= i; ended++) owner_end(&owners[ended]);
        }
    }
    scene->faults.calm = true;
    life(scene, &owners[lives], lives + 1, true);
    for (; ended <= lives; ended++) owner_end(&owners[ended]);
    free(owners);
    scene->finished = true;
}

static void check_topic(const struct scene *scene, uint64_t seed)
{
    if (sim_topic_count(scene->topic, 1) != EVENTS)
        fail_msg("seed %d: %u events", (int)seed, sim_topic_count(scene->topic, 1));
    for (uint32_t i = 0; i < EVENTS; i++) {
        struct bus_event event = sim_topic_event(scene->topic, 1, i);
        BUF_SCOPE struct buf text;
        buf_init(&text, 64);
        struct position position = test_feed_position(i + 1);
        buf_append_format(&text, "%llu-%u", (unsigned long long)position.batch, position.index);
        assert_true(str_equal(event.key, buf_view(&text)));
    }
}

static void play(uint64_t seed)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->world = world_new(seed);
    scene->wall.offset_ns = WALL_DAYS * NS_PER_DAY;
    test_feed_init(&scene->feed, 5);
    prng_init(&scene->prng, seed);
    faults_init(&scene->faults, scene->world);
    scene->faults.rates[SIM_FAULT_STORE_UNAVAILABLE] = 6000;
    scene->faults.rates[SIM_FAULT_STORE_SLOW] = 1000;
    scene->faults.rates[SIM_FAULT_LOST_COMMIT] = 6000;
    scene->faults.rates[SIM_FAULT_LOST_REPLY] = 6000;
    scene->faults.rates[SIM_FAULT_SPURIOUS_WAKE] = 1000;
    scene->faults.rates[SIM_FAULT_STALL] = 20;
    scene->topic = sim_topic_new(scene->world, &scene->faults);
    (void)task_spawn(scene->world, "owners", scene_body, scene); /* ends by itself */
    enum world_end end = world_run(scene->world, STEPS_MAX);
    if (end != WORLD_DONE || !scene->finished) fail_msg("seed %d: end %d", (int)seed, (int)end);
    check_topic(scene, seed);
    sim_topic_free(scene->topic);
    world_free(scene->world);
    free(scene);
}

static void every_event_is_seen_once(void **state)
{
    (void)state; /* no fixture */
    for (uint64_t seed = 1; seed <= SEEDS; seed++) play(seed);
}

/* ---- The cases of all implementations ---- */

struct calm {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_topic *topic;
    bool done;
};

static void calm_fresh(void *owner)
{
    struct calm *calm = owner;
    sim_topic_free(calm->topic);
    calm->topic = sim_topic_new(calm->world, &calm->faults);
}

static struct bus *calm_open(void *owner)
{
    struct calm *calm = owner;
    return sim_bus_open(calm->topic, &calm->process);
}

static void calm_read(void *owner, uint32_t lane, struct buf *out_text)
{
    struct calm *calm = owner;
    for (uint32_t i = 0; i < sim_topic_count(calm->topic, lane); i++) {
        struct bus_event event = sim_topic_event(calm->topic, lane, i);
        buf_append_str(out_text, event.key);
        buf_append_byte(out_text, '=');
        buf_append_str(out_text, event.value);
        buf_append_byte(out_text, ';');
    }
}

static void calm_body(void *argument)
{
    struct calm *calm = argument;
    const struct bus_factory factory = { calm, calm_fresh, calm_open, calm_read };
    bus_conformance(&factory);
    calm->done = true;
}

static void the_simulated_bus_conforms(void **state)
{
    (void)state; /* no fixture */
    struct calm calm = { .world = world_new(1) };
    faults_init(&calm.faults, calm.world);
    calm.process = (struct process){ .world = calm.world,
                                     .faults = &calm.faults,
                                     .crash_at = SIM_POINT_COUNT };
    (void)task_spawn(calm.world, "cases", calm_body, &calm); /* ends by itself */
    assert_int_equal(world_run(calm.world, STEPS_MAX), WORLD_DONE);
    assert_true(calm.done);
    sim_topic_free(calm.topic);
    world_free(calm.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulated_bus_conforms),
        cmocka_unit_test(every_event_is_seen_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

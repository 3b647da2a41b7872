/*
 * Goal: the simulated inbox does what port/inbox.h says, and a crash takes what the header of
 * sim_inbox.h says and nothing else.
 * Method: the cases of all implementations in a task of a simulated world with every fault off;
 * then a crash at each point of a put, and marks that were not taken along.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/sim_inbox.h"
#include "tests/port/inbox_conformance.h"

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_tray *tray;
};

static void fresh(void *owner)
{
    struct scene *scene = owner;
    sim_tray_free(scene->tray);
    scene->tray = sim_tray_new(scene->world, &scene->faults);
    sim_tray_retain(scene->tray, INBOX_CASES_BYTES_MAX, INBOX_CASES_AGE_MAX_S);
}

static struct inbox *open_inbox(void *owner)
{
    struct scene *scene = owner;
    return sim_inbox_open(scene->tray, &scene->process);
}

static void conform(void *argument)
{
    struct inbox_factory factory = { argument, fresh, open_inbox };
    inbox_conformance(&factory);
}

static void play(void (*body)(void *argument))
{
    struct scene scene = { .world = world_new(11) };
    faults_init(&scene.faults, scene.world);
    scene.process = (struct process){ .world = scene.world, .faults = &scene.faults };
    (void)task_spawn(scene.world, "cases", body, &scene); /* ends by itself */
    assert_int_equal(world_run(scene.world, 10000000), WORLD_DONE);
    sim_tray_free(scene.tray);
    world_free(scene.world);
}

static void the_simulated_inbox_conforms(void **state)
{
    (void)state; /* no fixture */
    play(conform);
}

static void crash_at_each_point(void *argument)
{
    static const struct {
        enum sim_point point;
        uint64_t left;
    } cases[] = { { SIM_POINT_STORE_APPEND, 1 },
                  { SIM_POINT_STORE_FLUSH, 1 },
                  { SIM_POINT_STORE_APPENDED, 2 } };
    struct scene *scene = argument;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fresh(scene);
        struct inbox *inbox = open_inbox(scene);
        const struct inbox_webhook webhook = { .endpoint = "e", .body = STR("body") };
        uint64_t id = 0;
        assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), STATUS_OK);
        assert_int_equal(inbox->mark(inbox, id, INBOX_MARK_DONE, NULL), STATUS_OK);
        scene->process.crash_at = cases[i].point;
        scene->process.crash_after = 1;
        assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), STATUS_UNAVAILABLE);
        inbox->close(inbox);
        scene->process = (struct process){ .world = scene->world, .faults = &scene->faults };
        assert_int_equal(sim_tray_count(scene->tray), cases[i].left);
        inbox = open_inbox(scene);
        uint64_t ids[2];
        uint32_t count = 0;
        assert_int_equal(inbox->unmarked(inbox, 0, ids, 2, &count, NULL), STATUS_OK);
        assert_int_equal(count, 1); /* the mark went with the put that was stored, or was lost */
        assert_int_equal(ids[0], cases[i].left);
        inbox->close(inbox);
    }
}

static void a_crash_leaves_what_was_durable(void **state)
{
    (void)state; /* no fixture */
    play(crash_at_each_point);
}

static void strike(void *argument)
{
    struct scene *scene = argument;
    static const struct {
        enum sim_fault fault;
        enum status status;
        uint64_t left;
    } cases[] = { { SIM_FAULT_STORE_UNAVAILABLE, STATUS_UNAVAILABLE, 0 },
                  { SIM_FAULT_DISK_FULL, STATUS_LIMIT, 0 },
                  { SIM_FAULT_LOST_COMMIT, STATUS_IN_DOUBT, 0 },
                  { SIM_FAULT_LOST_REPLY, STATUS_IN_DOUBT, 1 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fresh(scene);
        struct inbox *inbox = open_inbox(scene);
        const struct inbox_webhook webhook = { .endpoint = "e", .body = STR("body") };
        uint64_t id = 0;
        scene->faults.rates[cases[i].fault] = FAULT_RATE_ALWAYS;
        assert_int_equal(inbox->put(inbox, &webhook, &id, NULL), cases[i].status);
        scene->faults.rates[cases[i].fault] = 0;
        assert_int_equal(id, 0);
        assert_int_equal(sim_tray_count(scene->tray), cases[i].left);
        inbox->close(inbox);
    }
}

static void faults_do_what_their_status_says(void **state)
{
    (void)state; /* no fixture */
    play(strike);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulated_inbox_conforms),
        cmocka_unit_test(a_crash_leaves_what_was_durable),
        cmocka_unit_test(faults_do_what_their_status_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

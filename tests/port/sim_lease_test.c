/*
 * Goal: the simulated lease does what port/lease.h says; in doubt means either, and a cut says so.
 * Method: the cases of all implementations; then each of its faults alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/sim_lease.h"
#include "tests/port/lease_conformance.h"

static const struct lease_party ANNA = { "anna", "http://127.0.0.1:1" };

#define TERM(lane, party, epoch, ttl_ms) (&(struct lease_term){ lane, party, epoch, ttl_ms })

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_register *leases;
};

static void fresh(void *owner)
{
    struct scene *scene = owner;
    sim_register_free(scene->leases);
    scene->leases = sim_register_new(scene->world, &scene->faults);
}

static struct lease *open_lease(void *owner)
{
    struct scene *scene = owner;
    return sim_lease_open(scene->leases, &scene->process);
}

static void pass(void *owner, int64_t ms)
{
    struct scene *scene = owner;
    task_sleep(scene->world, ms * NS_PER_MS);
}

static void conform(void *argument)
{
    struct lease_factory factory = { argument, fresh, open_lease, pass };
    lease_conformance(&factory);
}

static void fail_in_turn(void *argument)
{
    struct scene *scene = argument;
    fresh(scene);
    struct lease *lease = open_lease(scene);
    struct lease_view view;
    scene->faults.rates[SIM_FAULT_LOST_COMMIT] = FAULT_RATE_ALWAYS;
    assert_int_equal(lease->take(lease, TERM(0, &ANNA, 0, 100), &view, NULL), STATUS_IN_DOUBT);
    scene->faults.rates[SIM_FAULT_LOST_COMMIT] = 0;
    assert_int_equal(lease->read(lease, 0, &view, NULL), STATUS_NOT_FOUND);
    scene->faults.rates[SIM_FAULT_LOST_REPLY] = FAULT_RATE_ALWAYS;
    assert_int_equal(lease->take(lease, TERM(0, &ANNA, 0, 100), &view, NULL), STATUS_IN_DOUBT);
    scene->faults.rates[SIM_FAULT_LOST_REPLY] = 0;
    assert_int_equal(lease->read(lease, 0, &view, NULL), STATUS_OK);
    assert_int_equal(view.epoch, 1);
    sim_register_cut(scene->leases, true);
    assert_int_equal(lease->read(lease, 0, &view, NULL), STATUS_UNAVAILABLE);
    assert_int_equal(lease->renew(lease, TERM(0, &ANNA, 1, 100), &view, NULL), STATUS_UNAVAILABLE);
    sim_register_cut(scene->leases, false);
    assert_int_equal(lease->renew(lease, TERM(0, &ANNA, 1, 100), &view, NULL), STATUS_OK);
    lease->close(lease);
}

static void play(void (*body)(void *argument))
{
    struct scene scene = { .world = world_new(7) };
    faults_init(&scene.faults, scene.world);
    scene.process = (struct process){ .world = scene.world, .faults = &scene.faults };
    (void)task_spawn(scene.world, "cases", body, &scene); /* ends by itself */
    assert_int_equal(world_run(scene.world, 10000000), WORLD_DONE);
    sim_register_free(scene.leases);
    world_free(scene.world);
}

static void the_simulated_one_conforms(void **state)
{
    (void)state; /* no fixture */
    play(conform);
}

static void doubt_means_either(void **state)
{
    (void)state; /* no fixture */
    play(fail_in_turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulated_one_conforms),
        cmocka_unit_test(doubt_means_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

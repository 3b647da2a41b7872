/*
 * Goal: what lane 0 has is made in another lane, in order and once, whatever happens in between; an
 * act is known to be everywhere when it is, and no old copy of lane 0 undoes a newer one.
 * Method: two lanes without threads and a carrier that the test runs itself; after some time its
 * lane is drained, which sends it away, and is opened again as another life.
 */
#include "wallet/carry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/carry_test.h"

enum { LANES = 2, EURO = 978, DOLLAR = 840, RUN_S = 5 };

struct scene {
    struct bench *source;
    struct bench *own;
    struct carry *carry;
};

static struct scene scene_new(void)
{
    struct scene scene = { .source = bench_new(), .own = bench_new() };
    assert_int_equal(carry_new(&scene.own->sync.port, LANES, &scene.carry), STATUS_OK);
    carry_enter(scene.carry, 0, scene.source->lane, MONOTONIC_NEVER);
    carry_enter(scene.carry, 1, scene.own->lane, MONOTONIC_NEVER);
    return scene;
}

static void scene_free(struct scene *scene)
{
    carry_free(scene->carry);
    bench_free(scene->source);
    bench_free(scene->own);
}

static struct carrier_status carry_on(struct scene *scene)
{
    struct bench *bench = scene->own;
    struct ending ending;
    const struct lane_ports ports = ending_ports(&ending, bench, RUN_S);
    struct carrier *carrier;
    struct carrier_status status;
    struct error error = { 0 };
    assert_int_equal(carrier_start(scene->carry, 1, bench->lane, &ports, &carrier, &error),
                     STATUS_OK);
    carrier_get_status(carrier, &status);
    carrier_stop(carrier);
    carry_leave(scene->carry, 1);
    bench_close(bench);
    bench_open(bench);
    carry_enter(scene->carry, 1, bench->lane, MONOTONIC_NEVER);
    return status;
}

/* ---- Acts ---- */

static struct admin asset(const char *code, uint8_t exponent)
{
    struct admin admin = { .kind = ADMIN_ASSET_CREATE, .asset = { .exponent = exponent } };
    memcpy(admin.asset.code, code, strlen(code) + 1);
    return admin;
}

static struct admin rate(uint64_t numerator)
{
    return (struct admin){ .kind = ADMIN_RATE_SET,
                           .rate = { .asset = EURO,
                                     .counter_asset = DOLLAR,
                                     .numerator = numerator,
                                     .denominator = 100 } };
}

static struct admin period(const char *through)
{
    struct admin admin = { .kind = ADMIN_PERIOD_CLOSE };
    assert_int_equal(business_date_parse(str_from(through), &admin.closed_through), STATUS_OK);
    return admin;
}

static enum admin_outcome act(struct bench *bench, struct admin admin)
{
    struct admin_result result = { 0 };
    struct request request = { .kind = REQUEST_ADMIN,
                               .root = lane_new_id(bench->lane),
                               .admin = &admin,
                               .admin_result = &result };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return (enum admin_outcome)result.outcome;
}

static uint64_t rate_of(struct bench *bench)
{
    struct rate found[RATES_MAX];
    uint32_t count = lane_rate_page(bench->lane, 0, found, RATES_MAX);
    return count == 0 ? 0 : found[0].numerator;
}

static bool everywhere(struct scene *scene, struct admin admin)
{
    return carry_is_everywhere(scene->carry, &admin);
}

/* ---- Tests ---- */

static void what_lane_0_has_is_made_in_its_order_once(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new();
    assert_int_equal(act(scene.source, asset("GOLD", 4)), ADMIN_OUTCOME_OK);
    assert_int_equal(act(scene.source, asset("SILVER", 0)), ADMIN_OUTCOME_OK);
    assert_int_equal(act(scene.source, rate(108)), ADMIN_OUTCOME_OK);
    assert_int_equal(act(scene.source, period("1999-12-31")), ADMIN_OUTCOME_OK);
    assert_false(everywhere(&scene, asset("GOLD", 4)));
    assert_false(everywhere(&scene, rate(108)));
    assert_false(everywhere(&scene, period("1999-12-31")));

    struct carrier_status status = carry_on(&scene);
    assert_int_equal(status.carried, 4);
    assert_true(status.even && !status.broken);
    assert_true(everywhere(&scene, asset("GOLD", 4)));
    assert_true(everywhere(&scene, asset("SILVER", 9))); /* refused there: what is, counts */
    assert_true(everywhere(&scene, asset("COPPER", 0))); /* nowhere */
    assert_true(everywhere(&scene, rate(108)));
    assert_true(everywhere(&scene, period("1999-12-31")));
    assert_true(everywhere(&scene, period("2999-12-31"))); /* refused there */
    struct asset found;
    assert_int_equal(lane_asset_by_code(scene.own->lane, STR("SILVER"), &found), STATUS_OK);
    assert_int_equal(found.id, ASSET_CUSTOM_FIRST + 1);

    uint64_t head = scene.own->disk->head;
    status = carry_on(&scene);
    assert_int_equal(status.carried, 0);
    assert_true(status.even);
    assert_int_equal(scene.own->disk->head, head); /* not a batch more */
    scene_free(&scene);
}

static void a_rate_that_is_withdrawn_is_withdrawn_everywhere(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new();
    assert_int_equal(act(scene.source, rate(108)), ADMIN_OUTCOME_OK);
    (void)carry_on(&scene);
    assert_int_equal(rate_of(scene.own), 108);
    assert_int_equal(act(scene.source, rate(0)), ADMIN_OUTCOME_OK);
    assert_false(everywhere(&scene, rate(0)));
    assert_int_equal(carry_on(&scene).carried, 1);
    assert_int_equal(rate_of(scene.own), 0);
    assert_true(everywhere(&scene, rate(0)));
    scene_free(&scene);
}

static void a_lane_that_is_not_in_memory_is_not_known_to_have_it(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new();
    assert_int_equal(act(scene.source, asset("GOLD", 4)), ADMIN_OUTCOME_OK);
    (void)carry_on(&scene);
    assert_true(everywhere(&scene, asset("GOLD", 4)));
    carry_leave(scene.carry, 1);
    assert_false(everywhere(&scene, asset("GOLD", 4)));
    scene_free(&scene);
}

/* Else an owner that has just begun could undo a rate that the one before it had carried. */
static void an_old_copy_of_lane_0_is_not_believed(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new();
    assert_int_equal(act(scene.own, rate(110)), ADMIN_OUTCOME_OK);
    assert_int_equal(act(scene.source, rate(108)), ADMIN_OUTCOME_OK);
    carry_enter(scene.carry, 0, scene.source->lane,
                clock_monotonic(&scene.own->clock.port)); /* before the carrier began */
    assert_int_equal(carry_on(&scene).carried, 0);
    assert_int_equal(rate_of(scene.own), 110);
    struct monotonic_time later = { clock_monotonic(&scene.own->clock.port).ns + NS_PER_S };
    carry_enter(scene.carry, 0, scene.source->lane, later);
    assert_int_equal(carry_on(&scene).carried, 1);
    assert_int_equal(rate_of(scene.own), 108);
    scene_free(&scene);
}

static void a_commit_in_doubt_is_made_once(void **state)
{
    (void)state; /* no fixture */
    static const enum append_fault faults[] = { APPEND_DOUBT_LANDED, APPEND_DOUBT_LOST,
                                                APPEND_REFUSED };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct scene scene = scene_new();
        assert_int_equal(act(scene.source, asset("GOLD", 4)), ADMIN_OUTCOME_OK);
        assert_int_equal(act(scene.source, asset("SILVER", 0)), ADMIN_OUTCOME_OK);
        scene.own->fault = faults[i];
        scene.own->fault_status = STATUS_UNAVAILABLE;
        scene.own->fault_after = 0;
        struct carrier_status status = carry_on(&scene);
        assert_true(status.even && !status.broken);
        assert_true(everywhere(&scene, asset("SILVER", 0)));
        assert_int_equal(act(scene.own, asset("COPPER", 0)), ADMIN_OUTCOME_OK);
        struct asset found;
        assert_int_equal(lane_asset_by_code(scene.own->lane, STR("COPPER"), &found), STATUS_OK);
        assert_int_equal(found.id, ASSET_CUSTOM_FIRST + 2); /* two were made before it */
        scene_free(&scene);
    }
}

static void assets_that_are_others_are_an_alarm_and_nothing_is_carried(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new();
    assert_int_equal(act(scene.own, asset("SILVER", 0)), ADMIN_OUTCOME_OK);
    assert_int_equal(act(scene.source, asset("GOLD", 4)), ADMIN_OUTCOME_OK);
    assert_int_equal(act(scene.source, rate(108)), ADMIN_OUTCOME_OK);
    struct carrier_status status = carry_on(&scene);
    assert_true(status.broken && !status.even);
    assert_int_equal(status.carried, 0);
    assert_false(everywhere(&scene, asset("GOLD", 4)));
    scene_free(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lane_0_has_is_made_in_its_order_once),
        cmocka_unit_test(a_rate_that_is_withdrawn_is_withdrawn_everywhere),
        cmocka_unit_test(a_lane_that_is_not_in_memory_is_not_known_to_have_it),
        cmocka_unit_test(an_old_copy_of_lane_0_is_not_believed),
        cmocka_unit_test(a_commit_in_doubt_is_made_once),
        cmocka_unit_test(assets_that_are_others_are_an_alarm_and_nothing_is_carried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

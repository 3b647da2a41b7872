/*
 * Goal: faults come at their rates, from the seed alone, and a named order's come when asked for.
 * Method: counts over many orders; the same plan twice; rules that end; words of the command line.
 */
#include "sandbox/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"
#include "model/psp.h"

enum { CASES = 100000 };

struct rig {
    struct fault_plan plan;
    struct fault_plan twin;
};

static int rig_set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    *state = rig;
    if (rig == NULL) return -1;
    fault_plan_init(&rig->plan, 9);
    fault_plan_init(&rig->twin, 9);
    return 0;
}

static int rig_tear_down(void **state)
{
    free(*state);
    return 0;
}

static void rule_set(struct fault_plan *plan, enum sandbox_fault fault, uint16_t per_mille)
{
    const struct fault_rule rule = { .fault = (uint8_t)fault, .per_mille = per_mille };
    assert_int_equal(fault_rule_add(plan, &rule), STATUS_OK);
}

static struct fault_case case_of(struct prng *prng, enum fault_subject subject)
{
    return (struct fault_case){ .subject = subject,
                                .operation = PSP_CHARGE,
                                .step_number = 1,
                                .payment = { { .lo = prng_next(prng), .hi = prng_next(prng) } } };
}

static void faults_come_at_their_rates_and_one_at_a_time(void **state)
{
    struct rig *rig = *state;
    rule_set(&rig->plan, SANDBOX_FAULT_SLOW, 100);
    rule_set(&rig->plan, SANDBOX_FAULT_TIMEOUT_AFTER, 50);
    rule_set(&rig->plan, SANDBOX_FAULT_WEBHOOK_LOST, 900);
    uint32_t counts[SANDBOX_FAULT_COUNT] = { 0 };
    struct prng prng;
    prng_init(&prng, 1);
    for (uint32_t i = 0; i < CASES; i++) {
        const struct fault_case event = case_of(&prng, FAULT_CALL);
        uint32_t ms;
        counts[fault_take(&rig->plan, &event, &ms)]++;
    }
    assert_in_range(counts[SANDBOX_FAULT_SLOW], CASES / 10 - 600, CASES / 10 + 600);
    assert_in_range(counts[SANDBOX_FAULT_TIMEOUT_AFTER], CASES / 20 - 500, CASES / 20 + 500);
    assert_int_equal(counts[SANDBOX_FAULT_WEBHOOK_LOST], 0);
    assert_int_equal(rig->plan.rules[0].came, counts[SANDBOX_FAULT_SLOW]);
}

/* The order in which others come between changes nothing. */
static void a_seed_decides_alone(void **state)
{
    struct rig *rig = *state;
    rule_set(&rig->plan, SANDBOX_FAULT_ERROR_AFTER, 300);
    rule_set(&rig->twin, SANDBOX_FAULT_ERROR_AFTER, 300);
    enum { ORDERS = 40, ATTEMPTS = 5 };
    uint8_t found[ORDERS][ATTEMPTS];
    uint32_t faults = 0;
    uint32_t ms;
    for (uint32_t order = 0; order < ORDERS; order++)
        for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
            const struct fault_case event = { .subject = FAULT_CALL,
                                              .payment = { { .lo = order, .hi = 3 } } };
            found[order][attempt] = (uint8_t)fault_take(&rig->plan, &event, &ms);
            if (found[order][attempt] != SANDBOX_FAULT_NONE) faults++;
        }
    assert_in_range(faults, ORDERS * ATTEMPTS / 10, ORDERS * ATTEMPTS / 2);
    for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++)
        for (uint32_t order = ORDERS; order-- > 0;) {
            const struct fault_case event = { .subject = FAULT_CALL,
                                              .payment = { { .lo = order, .hi = 3 } } };
            assert_int_equal(fault_take(&rig->twin, &event, &ms), found[order][attempt]);
        }
}

static void a_named_order_meets_its_fault_once(void **state)
{
    struct rig *rig = *state;
    const struct fault_rule rule = {
        .fault = SANDBOX_FAULT_TIMEOUT_AFTER,
        .per_mille = 1000,
        .ms = 70,
        .times = 1,
        .named = { { .lo = 5, .hi = 3 } },
        .named_step = 2,
    };
    assert_int_equal(fault_rule_add(&rig->plan, &rule), STATUS_OK);
    struct fault_case event = { .subject = FAULT_CALL,
                                .step_number = 1,
                                .payment = { { .lo = 5, .hi = 3 } } };
    uint32_t ms = 0;
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_NONE);
    event.step_number = 2;
    event.subject = FAULT_WEBHOOK;
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_NONE);
    event.subject = FAULT_CALL;
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_TIMEOUT_AFTER);
    assert_int_equal(ms, 70);
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_NONE);
}

static void rules_may_be_for_one_operation(void **state)
{
    struct rig *rig = *state;
    const struct fault_rule rule = { .fault = SANDBOX_FAULT_THROTTLE,
                                     .per_mille = 1000,
                                     .operation = PSP_REFUND };
    assert_int_equal(fault_rule_add(&rig->plan, &rule), STATUS_OK);
    struct fault_case event = { .subject = FAULT_CALL, .operation = PSP_CHARGE };
    uint32_t ms;
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_NONE);
    event.operation = PSP_REFUND;
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_THROTTLE);
}

static void queries_meet_only_rules_that_name_them(void **state)
{
    struct rig *rig = *state;
    rule_set(&rig->plan, SANDBOX_FAULT_SLOW, 1000);
    struct fault_case event = { .subject = FAULT_CALL, .operation = FAULT_OPERATION_QUERY };
    uint32_t ms;
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_NONE);
    const struct fault_rule rule = { .fault = SANDBOX_FAULT_ERROR_BEFORE,
                                     .per_mille = 1000,
                                     .operation = FAULT_OPERATION_QUERY };
    assert_int_equal(fault_rule_add(&rig->plan, &rule), STATUS_OK);
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_ERROR_BEFORE);
    event.operation = PSP_CHARGE;
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_SLOW);
}

static void a_methods_fault_comes_the_first_time_only(void **state)
{
    struct rig *rig = *state;
    const struct fault_case event = { .subject = FAULT_CALL,
                                      .payment = { { .lo = 8, .hi = 3 } },
                                      .method_fault = SANDBOX_FAULT_TIMEOUT_BEFORE };
    uint32_t ms = 0;
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_TIMEOUT_BEFORE);
    assert_int_equal(ms, fault_ms_default(SANDBOX_FAULT_TIMEOUT_BEFORE));
    assert_int_equal(fault_take(&rig->plan, &event, &ms), SANDBOX_FAULT_NONE);
    assert_int_equal(ms, 0);
}

static void rules_out_of_range_are_refused(void **state)
{
    struct rig *rig = *state;
    struct fault_rule rule = { .fault = SANDBOX_FAULT_SLOW, .per_mille = 1001 };
    assert_int_equal(fault_rule_add(&rig->plan, &rule), STATUS_INVALID);
    rule = (struct fault_rule){ .fault = SANDBOX_FAULT_SLOW, .ms = FAULT_MS_MAX + 1 };
    assert_int_equal(fault_rule_add(&rig->plan, &rule), STATUS_INVALID);
    for (uint32_t i = 0; i < FAULT_RULES_MAX; i++) rule_set(&rig->plan, SANDBOX_FAULT_SLOW, 1);
    rule = (struct fault_rule){ .fault = SANDBOX_FAULT_SLOW };
    assert_int_equal(fault_rule_add(&rig->plan, &rule), STATUS_LIMIT);
}

static void the_command_lines_words_are_read(void **state)
{
    struct rig *rig = *state;
    struct error error;
    assert_int_equal(fault_plan_parse(STR("slow=20:250,webhook_lost=5"), &rig->plan, &error),
                     STATUS_OK);
    assert_int_equal(rig->plan.rule_count, 2);
    assert_int_equal(rig->plan.rules[0].ms, 250);
    assert_int_equal(rig->plan.rules[1].per_mille, 5);
    static const char *const wrong[] = { "slow",   "slow=",         "slow=1001",
                                         "slow=x", "nothing=5",     "slow=1:x",
                                         ",",      "slow=1:700000", "slow=99999999" };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(fault_plan_parse(str_from(wrong[i]), &rig->twin, &error), STATUS_INVALID);
    assert_int_equal(rig->twin.rule_count, 0);
}

static void names_are_read_as_they_are_written(void **state)
{
    (void)state; /* needs no rig */
    for (unsigned fault = 1; fault < SANDBOX_FAULT_COUNT; fault++) {
        enum sandbox_fault found;
        assert_true(fault_parse(str_from(fault_name((enum sandbox_fault)fault)), &found));
        assert_int_equal(found, fault);
    }
    enum sandbox_fault found;
    assert_false(fault_parse(STR("none"), &found));
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(faults_come_at_their_rates_and_one_at_a_time),
        RIGGED(a_seed_decides_alone),
        RIGGED(a_named_order_meets_its_fault_once),
        RIGGED(rules_may_be_for_one_operation),
        RIGGED(queries_meet_only_rules_that_name_them),
        RIGGED(a_methods_fault_comes_the_first_time_only),
        RIGGED(rules_out_of_range_are_refused),
        RIGGED(the_command_lines_words_are_read),
        cmocka_unit_test(names_are_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

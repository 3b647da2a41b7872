/*
 * Goal: causes, labels, rejections and money follow from what invariants and predicates say.
 * Method: two faults over evidence whose answers are written down; one answer is changed at a
 * time, and the label must change as the rules of labels say.
 */
#include "doctor/diagnose.h"

#include "doctor/label_test.h"

static void all_true_and_seen_by_two_systems_is_confirmed(void **state)
{
    (void)state; /* the bench is static */
    assert_int_equal(label_of_one_cause(), LABEL_CONFIRMED);
    const struct diagnosis *diagnosis = &bench.diagnosis;
    const struct instance *cause = &diagnosis->instances[diagnosis->causes[0]];
    assert_int_equal(cause->systems, 2);
    assert_int_equal(cause->start_ns, 5);
    assert_int_equal(cause->last_ns, 9);
    assert_true(cause->growing);
    assert_int_equal(diagnosis->unexplained_count, 0);
    assert_int_equal(bench.script.violations, 2);
    assert_int_equal(diagnosis->drift_count, 2);
    assert_true(diagnosis->drifts[0].delta.minor == 500);
    assert_true(diagnosis->drifts[1].delta.minor == -70);
    assert_int_equal(diagnosis->total_count, 1);
    assert_true(diagnosis->totals[0].over.minor == 500 && diagnosis->totals[0].under.minor == -70);
}

static void what_lacks_lowers_the_label(void **state)
{
    (void)state; /* the bench is static */
    bench.script.uncovered = bit_of("psp");
    assert_int_equal(label_of_one_cause(), LABEL_PROBABLE); /* the forbid is unknown */
    assert_int_equal(bench.diagnosis.next_kind, evidence_kind_find(STR("psp")));
    bench.script.uncovered = bit_of("ledger_tx");
    bench.queries[REQUIRE1].row_count = 0;
    assert_int_equal(label_of_one_cause(), LABEL_POSSIBLE);
}

static void one_witness_is_not_enough(void **state)
{
    (void)state;                                                   /* the bench is static */
    bench.queries[REQUIRE1].rows[0][1] = (struct script_cell)N(3); /* the first system's too */
    assert_int_equal(label_of_one_cause(), LABEL_PROBABLE);
}

static void what_is_predicted_and_missing_lowers_the_label(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[PREDICT1].row_count = 3;
    bench.queries[PREDICT1].rows[2][0] = (struct script_cell)T("I01");
    bench.queries[PREDICT1].rows[2][1] = (struct script_cell)T("c");
    bench.queries[PREDICT1].rows[2][2] = (struct script_cell)N(1);
    assert_int_equal(label_of_one_cause(), LABEL_PROBABLE);
}

static void a_forbid_that_is_true_rejects_with_its_record(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[FORBID1].row_count = 1;
    bench.queries[FORBID1].rows[0][0] = (struct script_cell)N(8);
    const struct diagnosis *diagnosis = diagnose();
    assert_int_equal(diagnosis->cause_count, 0);
    assert_int_equal(diagnosis->unexplained_count, 2);
    assert_true(diagnosis->totals[0].unexplained.minor == 570);
    assert_int_equal(diagnosis->nearest, 0);
    const struct instance *nearest = &diagnosis->instances[0];
    assert_true(nearest->rejected);
    assert_int_equal(nearest->predicates[nearest->rejected_by].witnesses[0], 8);
}

static void a_require_that_is_false_rejects_and_one_that_fails_is_unknown(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[REQUIRE1].row_count = 0;
    assert_int_equal(diagnose()->cause_count, 0);
    bench.queries[REQUIRE1].failure = STATUS_LIMIT;
    assert_int_equal(label_of_one_cause(), LABEL_POSSIBLE);
}

static void two_that_explain_as_much_are_ambiguous(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[TRIGGER2].row_count = 1;
    bench.queries[PREDICT2].row_count = 2;
    bench.queries[PREDICT2].rows[1][0] = (struct script_cell)T("I01");
    bench.queries[PREDICT2].rows[1][1] = (struct script_cell)T("b");
    assert_int_equal(label_of_one_cause(), LABEL_AMBIGUOUS);
    const struct instance *cause = &bench.diagnosis.instances[bench.diagnosis.causes[0]];
    assert_int_equal(cause->alternative_count, 1);
}

static void one_that_explains_less_is_not_chosen_beside(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[TRIGGER2].row_count = 1;
    assert_int_equal(label_of_one_cause(), LABEL_CONFIRMED);
}

static void a_violation_outside_coverage_is_none(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[VIOL].row_count = 0;
    bench.script.uncovered = bit_of("posting");
    const struct diagnosis *diagnosis = diagnose();
    assert_int_equal(diagnosis->finding_count, 0);
    assert_int_equal(diagnosis->invariants[0].holds, TRUTH_UNKNOWN);
    bench.script.uncovered = 0;
    assert_int_equal(diagnose()->invariants[0].holds, TRUTH_TRUE);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(all_true_and_seen_by_two_systems_is_confirmed),
        CASE(what_lacks_lowers_the_label),
        CASE(one_witness_is_not_enough),
        CASE(what_is_predicted_and_missing_lowers_the_label),
        CASE(a_forbid_that_is_true_rejects_with_its_record),
        CASE(a_require_that_is_false_rejects_and_one_that_fails_is_unknown),
        CASE(two_that_explain_as_much_are_ambiguous),
        CASE(one_that_explains_less_is_not_chosen_beside),
        CASE(a_violation_outside_coverage_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

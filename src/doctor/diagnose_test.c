/*
 * Goal: causes, labels, rejections and money follow from what invariants and predicates say.
 * Method: two faults over evidence whose answers are written down; one answer is changed at a
 * time, and the label must change as the rules of labels say.
 */
#include "doctor/diagnose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/examination_test.h"

static const char rules_text[] =
    "%file a.rule\n"
    "invariant I01\nname: books\nviolations (needs posting):\n  viol\n"
    "fault F1\nname: one\ntitle: of {p}\nrepair: none\nprevention: care\n"
    "layer: edge\n"
    "trigger t:\n  trigger1\nrequire r (needs ledger_tx):\n  require1\n"
    "forbid f (needs psp):\n  forbid1\npredict:\n  predict1\n"
    "affected:\n  affected1\nstart:\n  start1\nlast:\n  last1\n"
    "fault F2\nname: two\ntitle: x\nrepair: none\nprevention: care\n"
    "layer: time\n"
    "trigger t:\n  trigger2\nrequire r (needs wal):\n  require2\n"
    "predict:\n  predict2\n"
    "%file F1.fixtures\ncase\n%file F2.fixtures\ncase\n";

enum {
    VIOL,
    TRIGGER1,
    REQUIRE1,
    FORBID1,
    PREDICT1,
    AFFECTED1,
    START1,
    LAST1,
    TRIGGER2,
    REQUIRE2,
    PREDICT2,
    QUERY_COUNT
};

static const struct script_query usual[QUERY_COUNT] = {
    [VIOL] = { "viol",
               "key account ccy delta w",
               2,
               { { T("a"), T("w1"), T("EUR"), N(500), N(1) },
                 { T("b"), T("w2"), T("EUR"), N(-70), N(2) } },
               STATUS_OK },
    [TRIGGER1] = { "trigger1", "p", 1, { { T("x") } }, STATUS_OK },
    [REQUIRE1] = { "require1", "w w1", 1, { { N(1), N(2) } }, STATUS_OK },
    [FORBID1] = { "forbid1", "w", 0, { { NONE } }, STATUS_OK },
    [PREDICT1] = { "predict1",
                   "inv key delta",
                   2,
                   { { T("I01"), T("a"), N(500) }, { T("I01"), T("b"), N(-70) } },
                   STATUS_OK },
    [AFFECTED1] = { "affected1",
                    "account ccy delta payment",
                    3,
                    { { T("w1"), T("EUR"), N(300), T("p1") },
                      { T("w1"), T("EUR"), N(200), T("p2") },
                      { T("w2"), T("EUR"), N(-70), T("p1") } },
                    STATUS_OK },
    [START1] = { "start1", "ts", 1, { { N(5) } }, STATUS_OK },
    [LAST1] = { "last1", "ts", 2, { { N(7) }, { N(9) } }, STATUS_OK },
    [TRIGGER2] = { "trigger2", "p", 0, { { NONE } }, STATUS_OK },
    [REQUIRE2] = { "require2", "w", 1, { { N(1) } }, STATUS_OK },
    [PREDICT2] = { "predict2", "inv key", 1, { { T("I01"), T("a") } }, STATUS_OK },
};

struct bench {
    struct script_query queries[QUERY_COUNT];
    struct script script;
    struct rule_set rules;
    struct doctor doctor;
    struct arena arena;
    struct diagnosis diagnosis;
};
static struct bench bench;

static int begin(void **state)
{
    (void)state; /* the bench is static */
    memcpy(bench.queries, usual, sizeof usual);
    script_init(&bench.script, bench.queries, QUERY_COUNT);
    return arena_init(&bench.arena, 8 << 20) == STATUS_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state; /* the bench is static */
    arena_done(&bench.arena);
    return 0;
}

static const struct diagnosis *diagnose(void)
{
    struct error error = { 0 };
    struct str text = { rules_text, sizeof rules_text - 1 };
    assert_int_equal(rule_set_parse(text, &bench.rules, &error), STATUS_OK);
    assert_int_equal(doctor_init(&bench.doctor, &bench.rules, &bench.script.port, &error),
                     STATUS_OK);
    enum status status =
        doctor_diagnose(&bench.doctor, NULL, &bench.arena, &bench.diagnosis, &error);
    assert_int_equal(status, STATUS_OK);
    return &bench.diagnosis;
}

static uint64_t bit_of(const char *kind)
{
    return UINT64_C(1) << evidence_kind_find(str_from(kind));
}

static enum label label_of_one_cause(void)
{
    const struct diagnosis *diagnosis = diagnose();
    assert_int_equal(diagnosis->cause_count, 1);
    return diagnosis->instances[diagnosis->causes[0]].label;
}

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

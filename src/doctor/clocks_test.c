/*
 * Goal: a clock that cannot be right is found, with the bounds of its offset; small errors are not.
 * Method: pairs between three clocks, one of them 5 s ahead; then 0.1 s.
 */
#include "doctor/clocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/diagnose_test.h"
#include "doctor/invariants.h"

#define SECOND INT64_C(1000000000)

static const char text[] = "%file a.rule\ninvariant I28\nname: clocks\nviolations:\n  none\n"
                           "causal C1\nname: pairs\npairs:\n  pairs\n";

/* a before b before c before a, with b ahead by so much. */
static void the_clock_ahead_is_found(int64_t ahead_ns, bool wrong)
{
    struct error error = { 0 };
    struct script_query queries[] = {
        { "none", "key", 0, { { NONE } }, STATUS_OK },
        { "pairs",
          "before_clock before_ts after_clock after_ts",
          4,
          { { T("a"), N(10 * SECOND), T("b"), N(11 * SECOND + ahead_ns) },
            { T("b"), N(12 * SECOND + ahead_ns), T("c"), N(13 * SECOND) },
            { T("a"), N(10 * SECOND), T("c"), N(11 * SECOND) },
            { T("c"), N(11 * SECOND), T("a"), N(12 * SECOND) } },
          STATUS_OK },
    };
    struct examination examination = examine(text, queries, 2, &error);
    assert_int_equal(examine_invariants(&examination), STATUS_OK);
    assert_int_equal(examine_clocks(&examination), STATUS_OK);
    assert_int_equal(diagnosis.clocks_agree, !wrong);
    assert_int_equal(diagnosis.clock_count, 3);
    assert_int_equal(script.violations, wrong ? 1 : 0);
    if (wrong) {
        const struct finding *finding = (const void *)examination.findings.data;
        assert_true(str_equal(finding->key, STR("b")));
        assert_int_equal(diagnosis.invariants[0].holds, TRUTH_FALSE);
        assert_true(diagnosis.clocks[1].highest_ns < 0 && diagnosis.clocks[1].known);
    }
    buf_free(&examination.findings);
}

static void a_clock_far_ahead_is_found_and_one_nearly_right_is_not(void **state)
{
    (void)state; /* no fixture is needed */
    the_clock_ahead_is_found(5 * SECOND, true);
    the_clock_ahead_is_found(SECOND / 10, false);
    arena_done(&arena);
}

/* Of two clocks either may be wrong: the ledger's is believed, whatever the other is called. */
static void the_ledgers_clock_is_believed(void **state)
{
    (void)state; /* no fixture is needed */
    static const char *const names[] = { "gateway", "zone" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error error = { 0 };
        struct script_query queries[] = {
            { "none", "key", 0, { { NONE } }, STATUS_OK },
            { "pairs",
              "before_clock before_ts after_clock after_ts",
              1,
              { { T(names[i]), N(15 * SECOND), T("ledger"), N(11 * SECOND) } },
              STATUS_OK },
        };
        struct examination examination = examine(text, queries, 2, &error);
        assert_int_equal(examine_invariants(&examination), STATUS_OK);
        assert_int_equal(examine_clocks(&examination), STATUS_OK);
        assert_int_equal(script.violations, 1);
        const struct finding *finding = (const void *)examination.findings.data;
        assert_true(str_equal(finding->key, str_from(names[i])));
        buf_free(&examination.findings);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ledgers_clock_is_believed),
        cmocka_unit_test(a_clock_far_ahead_is_found_and_one_nearly_right_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: rows of an invariant are findings, unless they are excused.
 * Method: an invariant of two rows, with an exception that has a row and without.
 */
#include "doctor/invariants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/diagnose_test.h"

static void an_exception_excuses(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    struct script_query queries[] = {
        { "one", "key delta", 2, { { T("a"), N(5) }, { T("b"), NONE } }, STATUS_OK },
        { "but", "x", 0, { { NONE } }, STATUS_OK },
    };
    for (uint32_t excused = 0; excused < 2; excused++) {
        queries[1].row_count = excused;
        struct examination examination = examine(
            "%file a.rule\ninvariant I1\nname: x\nviolations:\n  one\nexception e:\n  but\n",
            queries, 2, &error);
        assert_int_equal(examine_invariants(&examination), STATUS_OK);
        assert_int_equal(diagnosis.invariants[0].violations, excused ? 0 : 2);
        assert_int_equal(diagnosis.invariants[0].excused, excused ? 2 : 0);
        assert_int_equal(script.violations, excused ? 0 : 2);
        buf_free(&examination.findings);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exception_excuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

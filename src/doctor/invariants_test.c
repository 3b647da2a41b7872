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

#include "doctor/examination_test.h"

static struct rule_set rules;
static struct doctor doctor;
static struct script script;

static struct arena arena;
static struct diagnosis diagnosis;

/* An examination of a rule text over a script, up to where a step is tested. */
static struct examination examine(const char *text, const struct script_query *queries,
                                  uint32_t count, struct error *error)
{
    script_init(&script, queries, count);
    arena_done(&arena);
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    assert_int_equal(rule_set_parse(str_from(text), &rules, error), STATUS_OK);
    assert_int_equal(doctor_init(&doctor, &rules, &script.port, error), STATUS_OK);
    diagnosis = (struct diagnosis){ .rules = &rules, .bundle = &script.bundle };
    struct examination examination = { .doctor = &doctor,
                                       .arena = &arena,
                                       .out = &diagnosis,
                                       .error = error,
                                       .covered = ~UINT64_C(0) };
    buf_init(&examination.findings, 64 << 10);
    buf_init(&examination.instances, 64 << 10);
    return examination;
}

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

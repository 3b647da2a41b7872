/*
 * Goal: each row of a trigger is one instance, and rows that say the same are one.
 * Method: a trigger of three rows, two of them alike but for their witness.
 */
#include "doctor/instances.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/diagnose_test.h"

static void alike_rows_are_one_instance(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    static const struct script_query queries[] = {
        { "trigger",
          "p w",
          3,
          { { T("x"), N(1) }, { T("x"), N(2) }, { T("y"), N(3) } },
          STATUS_OK },
        { "require", "w", 1, { { N(1) } }, STATUS_OK },
        { "predict", "inv key", 0, { { NONE } }, STATUS_OK },
    };
    struct examination examination =
        examine("%file a.rule\nfault F1\nname: x\ntitle: x\nrepair: x\nprevention: x\n"
                "trigger t:\n  trigger\nrequire r:\n  require\npredict:\n  predict\n"
                "%file F1.fixtures\ncase\n",
                queries, 3, &error);
    assert_int_equal(examine_instances(&examination), STATUS_OK);
    assert_int_equal(diagnosis.instance_count, 2);
    assert_true(str_equal(diagnosis.instances[1].parameters[0].value.text, STR("y")));
    assert_int_equal(diagnosis.instances[0].predicates[0].value, TRUTH_TRUE);
    assert_int_equal(examine_extent(&examination, &diagnosis.instances[0]), STATUS_OK);
    buf_free(&examination.instances);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_rows_are_one_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

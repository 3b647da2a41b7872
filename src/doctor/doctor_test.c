/*
 * Goal: rules are bound to evidence only when their queries have the columns that they need.
 * Method: a rule over written-down queries, with a column and without it.
 */
#include "doctor/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/examination_test.h"

static struct rule_set rules;
static struct doctor doctor;
static struct script script;

static void a_query_without_its_column_is_refused(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    struct script_query queries[] = { { .sql = "one", .columns = "key ts" } };
    script_init(&script, queries, 1);
    assert_int_equal(
        rule_set_parse(STR("%file a.rule\ninvariant I1\nname: x\nviolations:\n  one\n"), &rules,
                       &error),
        STATUS_OK);
    assert_int_equal(doctor_init(&doctor, &rules, &script.port, &error), STATUS_OK);
    assert_int_equal(doctor.queries[0].columns[COLUMN_TS], 1);
    assert_int_equal(doctor.queries[0].columns[COLUMN_CCY], -1);
    queries[0].columns = "ts";
    assert_int_equal(doctor_init(&doctor, &rules, &script.port, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "a.rule:3"));
    queries[0].sql = "other";
    assert_int_equal(doctor_init(&doctor, &rules, &script.port, &error), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_without_its_column_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

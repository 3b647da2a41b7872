/*
 * Goal: no name that comes with a bundle leads out of it, and none that we give is refused.
 * Method: tables of names, also every name of a bundle that was worked with.
 */
#include "doctor/bundle_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const outside[] = {
    "",    "/",      "/etc/passwd", "..",    "../x", "evidence/../../x", "evidence/..",
    "./x", "plan/.", "a//b",        "plan/", ".",
};

static void names_that_lead_out_are_none(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        if (bundle_path_is_inside(str_from(outside[i]))) fail_msg("'%s' is inside", outside[i]);
        if (bundle_path_is_kept(str_from(outside[i]))) fail_msg("'%s' is kept", outside[i]);
    }
    assert_false(bundle_path_is_inside((struct str){ "a\0b", 3 }));
    char far[BUNDLE_PATH_LEN_MAX + 1];
    memset(far, 'x', sizeof far);
    assert_true(bundle_path_is_inside((struct str){ far, sizeof far - 1 }));
    assert_false(bundle_path_is_inside((struct str){ far, sizeof far }));
}

static void names_of_a_bundle_are_kept(void **state)
{
    (void)state; /* no fixture */
    static const char *const names[] = {
        "incident.json",
        "incident.md",
        "sources.ndjson",
        "manifest.json",
        "tables.json",
        "derived.json",
        "evidence/01-ledger.ndjson",
        "plan/plan.json",
        "plan/plan.sql",
        "plan/steps.ndjson",
        "approvals/anna.note",
        "findings/eve-12.note",
        "report/after.json",
        "approvals/...note",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!bundle_path_is_kept(str_from(names[i]))) fail_msg("'%s' is not kept", names[i]);
}

static void names_that_no_custody_tells_of_are_not_kept(void **state)
{
    (void)state; /* no fixture */
    static const char *const names[] = {
        BUNDLE_CUSTODY_FILE, BUNDLE_UNFINISHED_FILE, "elsewhere/x", "evidence/deep/x", "plan/../x",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bundle_path_is_kept(str_from(names[i]))) fail_msg("'%s' is kept", names[i]);
    assert_true(bundle_path_is_inside(STR("elsewhere/deep/x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_lead_out_are_none),
        cmocka_unit_test(names_of_a_bundle_are_kept),
        cmocka_unit_test(names_that_no_custody_tells_of_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

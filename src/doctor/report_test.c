/*
 * Goal: amounts are shown in major units, actions have a due time and a command that can be given.
 * Method: amounts of several currencies; every action of the table.
 */
#include "doctor/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void amounts_are_shown_in_major_units(void **state)
{
    (void)state; /* no fixture */
    static const char *const cases[][3] = {
        { "1050", "EUR", "10.50" },
        { "-7", "EUR", "-0.07" },
        { "1050", "JPY", "1050" },
        { "1", "KWD", "0.001" },
        { "1050", "USDT", "1050" },
        { "nonsense", "EUR", "nonsense" },
        { "170141183460469231731687303715884105727", "EUR",
          "1701411834604692317316873037158841057.27" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_SCOPE struct buf out;
        buf_init(&out, 4096);
        report_amount(&out, str_from(cases[i][0]), str_from(cases[i][1]));
        assert_string_equal(buf_terminated(&out), cases[i][2]);
    }
}

static void actions_are_due_and_can_be_proven(void **state)
{
    (void)state; /* no fixture */
    struct arena arena;
    struct error error;
    struct report report = { .bundle = STR("ca`se") };
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    assert_int_equal(json_tree_parse(STR("{\"as_of\":\"2026-11-23T00:10:04Z\"}"), &arena,
                                     &report.diagnosis, &error),
                     STATUS_OK);
    for (const struct report_action *action = report_actions; action->horizon != NULL; action++) {
        BUF_SCOPE struct buf proof;
        char due[TIME_TEXT_SIZE];
        buf_init(&proof, 4096);
        report_proof(&report, action, &proof);
        assert_true(str_starts(buf_view(&proof), STR("tpwallet ")));
        assert_null(strchr(buf_terminated(&proof), '`'));
        assert_null(strchr(buf_terminated(&proof), '%'));
        assert_int_equal(report_due(&report, action, due).len, 16);
        assert_true(action->due_hours > 0);
    }
    report.diagnosis = NULL;
    char due[TIME_TEXT_SIZE];
    assert_int_equal(report_due(&report, &report_actions[0], due).len, 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_shown_in_major_units),
        cmocka_unit_test(actions_are_due_and_can_be_proven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

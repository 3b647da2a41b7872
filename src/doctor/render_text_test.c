/*
 * Goal: the text of a diagnosis names the verdict, the cause and what is open.
 * Method: one with a cause and an open violation; why a fault is no cause; what to collect.
 */
#include "doctor/render_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/examination_test.h"

static struct rule_set rules;
static struct script script;

/* One cause with one violation, and one violation that is open. */
static void with_diagnosis(void (*look)(const struct diagnosis *diagnosis))
{
    struct error error = { 0 };
    static const char text[] =
        "%file a.rule\ninvariant I1\nname: books\nviolations:\n  x\n"
        "fault F1\nname: one\ntitle: of {p} and {q}\nrepair: none\nprevention: care\n"
        "trigger t:\n  x\nrequire r:\n  x\npredict:\n  x\n%file F1.fixtures\ncase\n";
    assert_int_equal(rule_set_parse(STR(text), &rules, &error), STATUS_OK);
    script_init(&script, NULL, 0);
    struct invariant_result invariant = { .holds = TRUTH_FALSE, .violations = 2 };
    struct finding findings[] = { { .key = STR("a"), .cause = 0 },
                                  { .key = STR("b"), .cause = -1 } };
    struct parameter parameter = { "p", { EVIDENCE_CELL_TEXT, 0, STR("x") } };
    struct predicate_result predicate = {
        .query = 2, .value = TRUTH_TRUE, .witness_count = 1, .witnesses = { 7 }
    };
    uint32_t explained = 0;
    struct instance instance = { .rule = 1,
                                 .parameter_count = 1,
                                 .parameters = &parameter,
                                 .predicate_count = 1,
                                 .predicates = &predicate,
                                 .selected = true,
                                 .label = LABEL_PROBABLE,
                                 .explain_count = 1,
                                 .explains = &explained };
    uint32_t cause = 0;
    struct diagnosis diagnosis = { .rules = &rules,
                                   .bundle = &script.bundle,
                                   .nearest = -1,
                                   .next_kind = -1,
                                   .invariants = &invariant,
                                   .invariant_count = 1,
                                   .findings = findings,
                                   .finding_count = 2,
                                   .instances = &instance,
                                   .instance_count = 1,
                                   .causes = &cause,
                                   .cause_count = 1,
                                   .unexplained_count = 1,
                                   .clocks_agree = true };
    look(&diagnosis);
}

static void look_at_text(const struct diagnosis *diagnosis)
{
    struct error error = { 0 };
    struct buf BUF_SCOPE out;
    buf_init(&out, 64 << 10);
    assert_int_equal(diagnosis_text(diagnosis, &script.port, &out, &error), STATUS_OK);
    const char *text = buf_terminated(&out);
    assert_non_null(strstr(text, "state:   DEGRADED"));
    assert_non_null(strstr(text, "cause:   [F1] of x and ?\n         PROBABLE"));
    assert_non_null(strstr(text, "UNKNOWN: 1 violations are not explained"));
    assert_non_null(strstr(text, "R-0000000000000007"));
    buf_reset(&out);
    assert_int_equal(diagnosis_why_not(diagnosis, &script.port, STR("F1"), &out, &error),
                     STATUS_OK);
    assert_non_null(strstr(buf_terminated(&out), "it is a cause"));
    assert_int_equal(diagnosis_why_not(diagnosis, &script.port, STR("F9"), &out, &error),
                     STATUS_NOT_FOUND);
    buf_reset(&out);
    diagnosis_next(diagnosis, &out);
    assert_non_null(strstr(buf_terminated(&out), "nothing that could be collected"));
}

static void the_text_names_what_counts(void **state)
{
    (void)state; /* no fixture is needed */
    with_diagnosis(look_at_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_names_what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

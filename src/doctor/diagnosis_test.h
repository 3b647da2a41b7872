/* diagnosis_test.h - for tests: a diagnosis with one cause and one violation that is open. */
#ifndef DOCTOR_DIAGNOSIS_TEST_H
#define DOCTOR_DIAGNOSIS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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
        "fault F1\nname: one\ntitle: of {p} and {q}\nrepair: none\nprevention: care\nstop: none\n"
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
    struct affected affected[14] = {
        { .account = STR("a1"), .ccy = STR("EUR"), .delta = { 1025 }, .payment = STR("t1") },
        { .account = STR("a2"),
          .ccy = STR("EUR"),
          .delta = { -7 },
          .hold = STR("h"),
          .left = true },
        { .webhook = STR("evt") },
    };
    instance.affected = affected;
    instance.affected_count = 14;
    struct account_drift drifts[] = { { STR("a1"), STR("EUR"), { 1025 } },
                                      { STR("a2"), STR("EUR"), { -7 } },
                                      { STR("a3"), STR("EUR"), { 0 } } };
    struct currency_total total = { .ccy = STR("EUR"),
                                    .over = { 1050 },
                                    .under = { -7 },
                                    .accounts_over = 2,
                                    .accounts_under = 1 };
    struct str left = STR("w9");
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
                                   .drift_count = 3,
                                   .drifts = drifts,
                                   .total_count = 1,
                                   .totals = &total,
                                   .left_count = 1,
                                   .left = &left,
                                   .clocks_agree = true };
    look(&diagnosis);
}

#endif

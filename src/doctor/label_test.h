/* label_test.h - for tests: two faults over evidence whose answers are written down. */
#ifndef DOCTOR_LABEL_TEST_H
#define DOCTOR_LABEL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/examination_test.h"

static const char rules_text[] =
    "%file a.rule\n"
    "invariant I01\nname: books\nseverity: money\nviolations (needs posting):\n  viol\n"
    "bar b:\n  bar1\n"
    "fault F1\nname: one\ntitle: of {p}\nrepair: none\nprevention: care\n"
    "layer: edge\nledger_entry: yes\n"
    "trigger t:\n  trigger1\nrequire r (needs ledger_tx):\n  require1\n"
    "forbid f (needs psp):\n  forbid1\ndoubt d:\n  doubt1\npredict:\n  predict1\n"
    "affected:\n  affected1\nstart:\n  start1\nlast:\n  last1\n"
    "fault F2\nname: two\ntitle: x\nrepair: none\nprevention: care\n"
    "layer: time\nledger_entry: yes\n"
    "trigger t:\n  trigger2\nrequire r (needs wal):\n  require2\n"
    "predict:\n  predict2\naffected:\n  affected2\n"
    "%file F1.fixtures\ncase\n%file F2.fixtures\ncase\n";

enum {
    VIOL,
    BAR1,
    TRIGGER1,
    REQUIRE1,
    FORBID1,
    DOUBT1,
    PREDICT1,
    AFFECTED1,
    START1,
    LAST1,
    TRIGGER2,
    REQUIRE2,
    PREDICT2,
    AFFECTED2,
    PAYMENTS,
    REVERSALS,
    QUERY_COUNT
};

static const struct script_query usual[QUERY_COUNT] = {
    [VIOL] = { "viol",
               "key account ccy delta w",
               2,
               { { T("a"), T("w1"), T("EUR"), N(500), N(1) },
                 { T("b"), T("w2"), T("EUR"), N(-70), N(2) } },
               STATUS_OK },
    [BAR1] = { "bar1", "w", 0, { { NONE } }, STATUS_OK },
    [TRIGGER1] = { "trigger1", "p", 1, { { T("x") } }, STATUS_OK },
    [REQUIRE1] = { "require1", "w w1", 1, { { N(1), N(2) } }, STATUS_OK },
    [FORBID1] = { "forbid1", "w", 0, { { NONE } }, STATUS_OK },
    [DOUBT1] = { "doubt1", "account w", 0, { { NONE } }, STATUS_OK },
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
    [AFFECTED2] = { "affected2", "account ccy delta payment", 0, { { NONE } }, STATUS_OK },
    [PAYMENTS] = { CLAIMS_QUERY, "payment", 0, { { NONE } }, STATUS_OK },
    [REVERSALS] = { REMEDY_QUERY, "payment account ccy delta key", 0, { { NONE } }, STATUS_OK },
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

static inline int begin(void **state)
{
    (void)state; /* the bench is static */
    memcpy(bench.queries, usual, sizeof usual);
    script_init(&bench.script, bench.queries, QUERY_COUNT);
    return arena_init(&bench.arena, 8 << 20) == STATUS_OK ? 0 : -1;
}

static inline int end(void **state)
{
    (void)state; /* the bench is static */
    arena_done(&bench.arena);
    return 0;
}

static inline const struct diagnosis *diagnose(void)
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

static inline uint64_t bit_of(const char *kind)
{
    return UINT64_C(1) << evidence_kind_find(str_from(kind));
}

static inline const struct instance *one_cause(void)
{
    const struct diagnosis *diagnosis = diagnose();
    assert_int_equal(diagnosis->cause_count, 1);
    return &diagnosis->instances[diagnosis->causes[0]];
}

static inline enum label label_of_one_cause(void)
{
    return one_cause()->label;
}

#endif

/*
 * Goal: rules are read as they are written, and a flaw is named with file and line.
 * Method: a small set read back; a table of flawed texts with words of their errors.
 */
#include "doctor/rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/evidence.h"

#define FAULT "fault F1\nname: one\ntitle: t\nrepair: none\nprevention: care\n"
#define BODY                                                                                       \
    "trigger t (narrow unbalanced):\n  SELECT 1\nrequire r:\n  SELECT 1\npredict:\n  SELECT 1\n"
#define CASES "%file F1.fixtures\ncase\n"
#define DEFINITIONS "define a:\n  SELECT 1\ndefine b:\n  SELECT 2 FROM a\n"

static struct rule_set set;

static void a_rule_is_read_as_it_is_written(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    static const char text[] =
        "%file a.rule\n# words\n" FAULT "layer: time\nwhy: one\n  two\n"
        "trigger t (narrow unbalanced):\n  SELECT 1\n    FROM x\nrequire r (needs log span; absent wal; at ts):\n  SELECT 2\n"
        "separate F2 s:\n  SELECT 3\npredict:\n  SELECT 4\n" CASES;
    assert_int_equal(rule_set_parse(STR(text), &set, &error), STATUS_OK);
    assert_int_equal(set.rule_count, 1);
    const struct rule *rule = &set.rules[rule_find(&set, STR("F1"))];
    assert_int_equal(rule->layer, RULE_LAYER_TIME);
    assert_true(str_equal(rule->why, STR("one\n  two")));
    assert_true(str_equal(rule->fixtures, STR("case\n")));
    assert_int_equal(rule->query_count, 4);
    assert_true(str_equal(set.queries[0].sql, STR("SELECT 1\n    FROM x")));
    assert_true(str_equal(set.queries[0].narrow, STR("unbalanced")));
    uint64_t needs = UINT64_C(1) << evidence_kind_find(STR("log")) |
                     UINT64_C(1) << evidence_kind_find(STR("span"));
    assert_true(set.queries[1].needs == needs);
    assert_true(set.queries[1].absent == UINT64_C(1) << evidence_kind_find(STR("wal")));
    assert_true(str_equal(set.queries[1].at, STR("ts")));
    assert_true(str_equal(set.queries[2].lookalike, STR("F2")));
    assert_true(str_equal(set.queries[2].name, STR("s")));
}

static void a_query_brings_the_definitions_that_it_names(void **state)
{
    static const struct {
        const char *query;
        const char *written;
    } rows[] = {
        { "SELECT 1 FROM xa", "SELECT 1 FROM xa" },
        { "SELECT a.z FROM a", "WITH a AS (SELECT 1) SELECT a.z FROM a" },
        { "SELECT 1 FROM b", "WITH a AS (SELECT 1), b AS (SELECT 2 FROM a) SELECT 1 FROM b" },
        { "WITH c AS (SELECT 3) SELECT 1 FROM c, a",
          "WITH a AS (SELECT 1), c AS (SELECT 3) SELECT 1 FROM c, a" },
        { "WITH RECURSIVE c AS (SELECT 3) SELECT 1 FROM c, a",
          "WITH RECURSIVE a AS (SELECT 1), c AS (SELECT 3) SELECT 1 FROM c, a" },
    };
    static const char before[] =
        "%file a.rule\n" FAULT DEFINITIONS "trigger t:\n  SELECT 1 FROM b\nrequire r:\n  ";
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = { 0 };
        struct buf BUF_SCOPE text;
        buf_init(&text, 1024);
        buf_append_format(&text, "%s%s%s", before, rows[i].query, "\npredict:\n  SELECT 1\n" CASES);
        assert_int_equal(rule_set_parse(buf_view(&text), &set, &error), STATUS_OK);
        struct buf BUF_SCOPE out;
        buf_init(&out, 1024);
        rule_query_write(&set, &set.rules[0], &set.queries[3], &out);
        assert_string_equal(buf_terminated(&out), rows[i].written);
    }
}

static void flaws_are_named(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        { "fault F1\n", "begins with no file" },
        { "%file a.rule\nname: x\n", "a.rule:1: a rule must begin first" },
        { "%file a.rule\n" FAULT BODY, "no fixtures" },
        { "%file a.rule\n" FAULT "bar b:\n  SELECT 1\n" BODY, "no such part" },
        { "%file a.rule\n" FAULT CASES, "no trigger" },
        { "%file a.rule\n" FAULT FAULT CASES, "the id is taken" },
        { "%file a.rule\n" FAULT "colour: red\n", "no such property" },
        { "%file a.rule\n" FAULT "layer: deep\n", "no such layer" },
        { "%file a.rule\n" FAULT "benign: maybe\n", "yes or no" },
        { "%file a.rule\n" FAULT "require r (needs odd):\n", "no kind" },
        { "%file a.rule\n" FAULT "require r (wants log):\n", "needs, absent, at or narrow" },
        { "%file a.rule\n" FAULT "require r (narrow odd):\n", "no such narrowing" },
        { "%file a.rule\n" FAULT "require r (needs log:\n", "no kind" },
        { "%file a.rule\n" FAULT "require r\n", "a ':' is wanted" },
        { "%file a.rule\n" FAULT "pairs:\n", "no such part" },
        { "%file a.rule\n" FAULT "# a\n  b\n", "continues nothing" },
        { "%file a.rule\nfault\n", "an id is wanted" },
        { "%file a.rule\nfault F'1\n", "an id is wanted" },
        { "%file a.rule\nfault MY_RULE-123456789\n", "an id is wanted" },
        { "%file a.rule\nfault my-rule_12345678\nname:\n", "it has no name" },
        { "%file a.rule\ninvariant I1\nname: x\n", "violations" },
        { "%file a.rule\ninvariant I1\nname: x\nseverity: gold\n",
          "a.rule:3: there is no such sev" },
        { "%file a.rule\n" FAULT "lookalikes: F1 F7\n" BODY CASES, "a.rule:6: rule F1: a look-al" },
        { "%file a.rule\n" FAULT "predict:\n", "a part has no query" },
        { "%file a.rule\n" FAULT "define:\n  SELECT 1\n" BODY CASES, "a name is wanted" },
        { "%file a.rule\n" FAULT "define posting:\n  SELECT 1\n" BODY CASES, "not that of a kind" },
        { "%file a.rule\n" FAULT "define a:\n  SELECT 1\n" BODY CASES, "used by nothing" },
        { "%file a.rule\n" FAULT DEFINITIONS "define a:\n  SELECT 1\n", "is defined already" },
        { "%file a.rule\n" FAULT BODY "define a:\n  SELECT 1\n", "before the other parts" },
        { "%file a.rule\ninvariant I1\nname: x\ndefine a:\n  SELECT 1\n", "no such part" },
        { "%file F9.fixtures\ncase\n", "no rule of that name" },
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = { 0 };
        assert_int_equal(rule_set_parse(str_from(rows[i].text), &set, &error), STATUS_INVALID);
        if (strstr(error.message, rows[i].words) == NULL) {
            fail_msg("%s: %s", rows[i].text, error.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_read_as_it_is_written),
        cmocka_unit_test(a_query_brings_the_definitions_that_it_names),
        cmocka_unit_test(flaws_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

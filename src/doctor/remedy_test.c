/*
 * Goal: what a wallet took back already is not told, or planned, a second time.
 *
 * Method: one cause that touched three rows, and reversals of them: in part, whole, by two entries,
 * more than whole, of another account, in another currency; of what only has a key, and of
 * reversals themselves, as their legs are told. What is left is compared to the cent. Where they
 * cannot be looked up to the end, all of it is left to people.
 */
#include "doctor/remedy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "doctor/examination_test.h"

static struct rule_set rules;
static struct doctor doctor;
static struct script script;
static struct arena arena;
static struct diagnosis diagnosis;

static const char rules_text[] =
    "%file a.rule\n"
    "invariant I01\nname: books\nviolations (needs posting):\n  broken\n"
    "fault F1\nname: one\ntitle: x\nrepair: reverse\nprevention: care\nlayer: edge\n"
    "trigger t:\n  trigger\nrequire r (needs ledger_tx):\n  require\npredict:\n  predict\n"
    "affected:\n  affected\nlast:\n  last\n%file F1.fixtures\ncase\n";

enum { BROKEN, TRIGGER, REQUIRE, PREDICT, AFFECTED, LAST, REVERSED, QUERIES };

static struct script_query queries[QUERIES];

static const struct script_query usual[QUERIES] = {
    [BROKEN] = { "broken", "key", 1, { { T("a") } }, STATUS_OK },
    [TRIGGER] = { "trigger", "p", 1, { { N(1) } }, STATUS_OK },
    [REQUIRE] = { "require", "w", 1, { { N(1) } }, STATUS_OK },
    [PREDICT] = { "predict", "inv key", 1, { { T("I01"), T("a") } }, STATUS_OK },
    [AFFECTED] = { "affected",
                   "account ccy delta payment",
                   3,
                   { { T("w1"), T("EUR"), N(300), T("t1") },
                     { T("w2"), T("EUR"), N(-300), T("t1") },
                     { T("w3"), T("EUR"), N(50), T("t2") } },
                   STATUS_OK },
    [LAST] = { "last", "ts", 1, { { N(900) } }, STATUS_OK },
    [REVERSED] = { REMEDY_QUERY, "payment account ccy delta key", 0, { { NONE } }, STATUS_OK },
};

static void reversed_of_key(const char *key, const char *tx, const char *account, const char *ccy,
                            int64_t delta)
{
    struct script_query *query = &queries[REVERSED];
    struct script_cell *row = query->rows[query->row_count++];
    row[0].text = tx;
    row[1].text = account;
    row[2].text = ccy;
    row[3] = (struct script_cell)N(delta);
    row[4] = (struct script_cell)NONE;
    if (key != NULL) row[4] = (struct script_cell){ key, 0 };
}

static void reversed(const char *tx, const char *account, const char *ccy, int64_t delta)
{
    reversed_of_key(NULL, tx, account, ccy, delta);
}

static int begin(void **state)
{
    (void)state; /* the script is static */
    memcpy(queries, usual, sizeof usual);
    return 0;
}

static enum status examined(void)
{
    struct error error = { 0 };
    script_init(&script, queries, QUERIES);
    arena_done(&arena);
    assert_int_equal(arena_init(&arena, 8 << 20), STATUS_OK);
    assert_int_equal(rule_set_parse(str_from(rules_text), &rules, &error), STATUS_OK);
    assert_int_equal(doctor_init(&doctor, &rules, &script.port, &error), STATUS_OK);
    return doctor_diagnose(&doctor, NULL, &arena, &diagnosis, &error);
}

static const struct instance *diagnosed(void)
{
    assert_int_equal(examined(), STATUS_OK);
    assert_int_equal(diagnosis.cause_count, 1);
    return &diagnosis.instances[diagnosis.causes[0]];
}

static void nothing_reversed_leaves_all(void **state)
{
    (void)state; /* the script is static */
    const struct instance *cause = diagnosed();
    assert_int_equal(cause->affected_count, 3);
    assert_false(instance_is_settled(cause));
    assert_false(diagnosis_is_settled(&diagnosis));
}

static void what_was_taken_back_is_gone(void **state)
{
    (void)state; /* the script is static */
    reversed("t1", "w1", "EUR", -300);
    reversed("t1", "w2", "EUR", 300);
    const struct instance *cause = diagnosed();
    assert_int_equal(cause->settled_count, 2);
    assert_int_equal(cause->affected_count, 1);
    assert_true(str_equal(cause->affected[0].account, STR("w3")));
    assert_int_equal(diagnosis.drift_count, 1);
    assert_false(diagnosis_is_settled(&diagnosis));
    reversed("t2", "w3", "EUR", -30);
    reversed("t2", "w3", "EUR", -20); /* in two entries */
    cause = diagnosed();
    assert_int_equal(cause->settled_count, 3);
    assert_true(instance_is_settled(cause) && diagnosis_is_settled(&diagnosis));
    assert_true(cause->growing); /* what goes on may happen again */
}

static void the_rest_is_to_the_cent(void **state)
{
    (void)state; /* the script is static */
    reversed("t2", "w3", "EUR", -49);
    reversed("t1", "w1", "USD", -300); /* another currency */
    reversed("t1", "w9", "EUR", -300); /* another account */
    reversed("t9", "w2", "EUR", 300);  /* another transaction */
    reversed("t1", "w2", "EUR", -300); /* makes it worse: no remedy */
    const struct instance *cause = diagnosed();
    assert_int_equal(cause->affected_count, 3);
    assert_true(cause->affected[0].delta.minor == 300);
    assert_true(cause->affected[1].delta.minor == -300);
    assert_true(cause->affected[2].delta.minor == 1);
}

static void a_reversal_settles_one_row(void **state)
{
    (void)state; /* the script is static */
    struct script_query *affected = &queries[AFFECTED];
    affected->row_count = 4;
    memcpy(affected->rows[3], affected->rows[2], sizeof affected->rows[3]);
    reversed("t2", "w3", "EUR", -50);
    assert_int_equal(diagnosed()->affected_count, 3);
}

static void a_reversal_that_was_reversed_settles_nothing(void **state)
{
    (void)state; /* the script is static */
    reversed("t2", "w3", "EUR", -50);
    reversed("r1", "w3", "EUR", 50); /* of the first reversal */
    reversed("t2", "w3", "EUR", 50); /* the same leg, of what that had taken back */
    const struct instance *cause = diagnosed();
    assert_int_equal(cause->settled_count, 0);
    assert_true(cause->affected[2].delta.minor == 50);
    reversed("t2", "w3", "EUR", -50); /* and again */
    assert_int_equal(diagnosed()->settled_count, 1);
}

static void what_has_only_a_key_is_found_by_it(void **state)
{
    (void)state; /* the script is static */
    struct script_query *affected = &queries[AFFECTED];
    affected->rows[2][3] = (struct script_cell)T("k2");
    affected->row_count = 4;
    memcpy(affected->rows[3], affected->rows[2], sizeof affected->rows[3]);
    reversed_of_key("k9", "t9", "w3", "EUR", -50);
    reversed_of_key("k2", "t2", "w3", "USD", -50);
    assert_int_equal(diagnosed()->settled_count, 0);
    reversed_of_key("k2", "t2", "w3", "EUR", -50); /* one leg, one row */
    assert_int_equal(diagnosed()->settled_count, 1);
    reversed_of_key("k2", "t3", "w3", "EUR", -20); /* another transaction of the key */
    const struct instance *cause = diagnosed();
    assert_int_equal(cause->settled_count, 1);
    assert_true(cause->affected[2].delta.minor == 30);
}

/* It may all have been taken back: nobody knows, and the diagnosis goes on. */
static void what_could_not_be_looked_up_holds_the_repair_back(void **state)
{
    static const enum status failures[] = { STATUS_LIMIT, STATUS_INVALID };
    (void)state;                       /* the script is static */
    reversed("t1", "w1", "EUR", -300); /* told before it failed: it may have been brought back */
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        queries[REVERSED].failure = failures[i];
        const struct instance *cause = diagnosed();
        assert_int_equal(cause->settled_count, 0);
        assert_int_equal(cause->affected_count, 3);
        for (uint32_t k = 0; k < 3; k++) assert_true(cause->affected[k].left);
        assert_true(cause->extent_cut);
    }
    for (uint32_t k = 0; k < 3; k++) queries[AFFECTED].rows[k][3] = (struct script_cell)NONE;
    assert_false(diagnosed()->extent_cut); /* of no payment nothing is taken back */
    queries[REVERSED].failure = STATUS_UNAVAILABLE;
    assert_int_equal(examined(), STATUS_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_reversed_leaves_all, begin),
        cmocka_unit_test_setup(what_was_taken_back_is_gone, begin),
        cmocka_unit_test_setup(the_rest_is_to_the_cent, begin),
        cmocka_unit_test_setup(a_reversal_settles_one_row, begin),
        cmocka_unit_test_setup(a_reversal_that_was_reversed_settles_nothing, begin),
        cmocka_unit_test_setup(what_has_only_a_key_is_found_by_it, begin),
        cmocka_unit_test_setup(what_could_not_be_looked_up_holds_the_repair_back, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

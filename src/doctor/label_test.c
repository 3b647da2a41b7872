/*
 * Goal: CONFIRMED is said only of what is counted in full and closed in money, and whatever holds
 * a cause back is named.
 * Method: a cause that is CONFIRMED; one answer or one source is taken away at a time.
 */
#include "doctor/label.h"

#include "doctor/label_test.h"

static void held_back(enum label label, const char *why)
{
    const struct instance *cause = one_cause();
    assert_int_equal(cause->label, label);
    assert_int_equal(cause->held_back.len, strlen(why));
    assert_memory_equal(cause->held_back.data, why, strlen(why));
}

static void nothing_holds_back_what_is_whole(void **state)
{
    (void)state; /* the bench is static */
    const struct instance *cause = one_cause();
    assert_int_equal(cause->label, LABEL_CONFIRMED);
    assert_int_equal(cause->held_back.len, 0);
}

static void the_first_thing_that_lacks_is_named(void **state)
{
    (void)state; /* the bench is static */
    bench.script.uncovered = bit_of("psp");
    held_back(LABEL_PROBABLE, "it could not be excluded: f");
    bench.script.uncovered = bit_of("ledger_tx");
    bench.queries[REQUIRE1].row_count = 0;
    held_back(LABEL_POSSIBLE, "it could not be seen: r");
}

static void a_doubt_of_the_rule_holds_back(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[DOUBT1].row_count = 1;
    bench.queries[DOUBT1].rows[0][0] = (struct script_cell)T("w9");
    bench.queries[DOUBT1].rows[0][1] = (struct script_cell)N(1);
    held_back(LABEL_PROBABLE, "it is not known: d");
    bench.queries[DOUBT1].row_count = 0;
    bench.queries[DOUBT1].failure = STATUS_LIMIT; /* it cannot be told */
    held_back(LABEL_PROBABLE, "it is not known: d");
}

static void what_the_extent_reads_must_be_covered(void **state)
{
    (void)state; /* the bench is static */
    bench.script.reads[AFFECTED1] = bit_of("wal") | bit_of("message");
    assert_int_equal(one_cause()->label, LABEL_CONFIRMED);
    bench.script.uncovered = bit_of("wal");
    held_back(LABEL_PROBABLE, "not all was seen that it is counted by: wal");
}

static void the_repair_closes_what_was_measured(void **state)
{
    (void)state;                            /* the bench is static */
    bench.queries[AFFECTED1].row_count = 2; /* nothing is posted for w2 */
    held_back(LABEL_PROBABLE, "its repair leaves I01 b open");
    bench.queries[AFFECTED1].row_count = 3;
    bench.queries[AFFECTED1].rows[2][2] = (struct script_cell)N(-71);
    bench.queries[AFFECTED1].rows[2][3] = (struct script_cell)T("b");
    held_back(LABEL_PROBABLE, "its repair is not what I01 b measured");
    bench.queries[AFFECTED1].rows[2][2] = (struct script_cell)N(-70);
    assert_int_equal(one_cause()->label, LABEL_CONFIRMED);
}

static void what_nothing_explains_about_its_accounts_holds_back(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[VIOL].row_count = 3;
    bench.queries[VIOL].rows[2][0] = (struct script_cell)T("z");
    bench.queries[VIOL].rows[2][1] = (struct script_cell)T("w2");
    bench.queries[VIOL].rows[2][2] = (struct script_cell)T("EUR");
    bench.queries[VIOL].rows[2][3] = (struct script_cell)N(5);
    bench.queries[VIOL].rows[2][4] = (struct script_cell)N(3);
    held_back(LABEL_PROBABLE, "nothing explains I01 z");
    bench.queries[VIOL].rows[2][1] = (struct script_cell)T("w8");
    assert_int_equal(one_cause()->label, LABEL_CONFIRMED);
}

static void a_key_that_the_repair_leaves_out_is_open(void **state)
{
    (void)state; /* the bench is static */
    const struct script_cell open[] = { T("c"), T("w1"), T("EUR"), N(40), N(3) };
    bench.queries[VIOL].row_count = 3;
    memcpy(bench.queries[VIOL].rows[2], open, sizeof open);
    bench.queries[PREDICT1].row_count = 3;
    bench.queries[PREDICT1].rows[2][0] = (struct script_cell)T("I01");
    bench.queries[PREDICT1].rows[2][1] = (struct script_cell)T("c");
    bench.queries[PREDICT1].rows[2][2] = (struct script_cell)N(40);
    assert_int_equal(one_cause()->label, LABEL_CONFIRMED); /* its rows go by no key */
    bench.queries[AFFECTED1].rows[0][2] = (struct script_cell)N(500);
    bench.queries[AFFECTED1].rows[0][3] = (struct script_cell)T("a");
    held_back(LABEL_PROBABLE, "its repair leaves I01 c open");
    bench.queries[AFFECTED1].rows[1][2] = (struct script_cell)N(40);
    bench.queries[AFFECTED1].rows[1][3] = (struct script_cell)T("c");
    assert_int_equal(one_cause()->label, LABEL_CONFIRMED);
}

static void what_was_cut_short_holds_back(void **state)
{
    (void)state; /* the bench is static */
    struct error error = { 0 };
    const struct diagnosis *diagnosis = diagnose();
    struct instance *cause = &bench.diagnosis.instances[diagnosis->causes[0]];
    struct examination examination = { .doctor = &bench.doctor,
                                       .arena = &bench.arena,
                                       .out = &bench.diagnosis,
                                       .error = &error,
                                       .covered = ~UINT64_C(0) };
    assert_int_equal(cause->label, LABEL_CONFIRMED);
    bench.diagnosis.search_cut = true;
    assert_int_equal(label_cause(&examination, cause), STATUS_OK);
    assert_int_equal(cause->label, LABEL_PROBABLE);
    bench.diagnosis.search_cut = false;
    bench.diagnosis.truncated = true;
    assert_int_equal(label_cause(&examination, cause), STATUS_OK);
    assert_int_equal(cause->label, LABEL_PROBABLE);
    bench.queries[AFFECTED1].failure = STATUS_LIMIT; /* with all its rows told */
    held_back(LABEL_PROBABLE, "what it touched could not be counted to the end");
    bench.queries[AFFECTED1].failure = STATUS_OK;
    bench.queries[REVERSALS].failure = STATUS_LIMIT; /* how much of it was taken back since */
    held_back(LABEL_PROBABLE, "what it touched could not be counted to the end");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(nothing_holds_back_what_is_whole),
        CASE(the_first_thing_that_lacks_is_named),
        CASE(a_doubt_of_the_rule_holds_back),
        CASE(what_the_extent_reads_must_be_covered),
        CASE(the_repair_closes_what_was_measured),
        CASE(what_nothing_explains_about_its_accounts_holds_back),
        CASE(a_key_that_the_repair_leaves_out_is_open),
        CASE(what_was_cut_short_holds_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

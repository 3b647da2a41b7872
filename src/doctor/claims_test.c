/*
 * Goal: what may be nobody's, or is another cause's as well, is not posted, and its cause is no
 * longer CONFIRMED.
 * Method: a cause whose rows are all posted; then a bar of the invariant, and a second cause with
 * a row about the same payment.
 */
#include "doctor/claims.h"

#include "doctor/label_test.h"

/* The rows of a cause: '.' posted, '-' left, 'b' left and barred. */
static const char *rows_of(const struct instance *cause)
{
    static char text[SCRIPT_ROWS_MAX + 1];
    memset(text, 0, sizeof text);
    for (uint32_t i = 0; i < cause->affected_count; i++) {
        const struct affected *row = &cause->affected[i];
        text[i] = row->barred_by != 0 ? 'b' : row->left ? '-' : '.';
        assert_true(row->left || row->barred_by == 0);
    }
    return text;
}

static void what_nothing_bars_is_posted(void **state)
{
    (void)state; /* the bench is static */
    const struct instance *cause = one_cause();
    assert_string_equal(rows_of(cause), "...");
    assert_int_equal(cause->label, LABEL_CONFIRMED);
    assert_int_equal(bench.diagnosis.left_count, 0);
}

static void what_would_break_an_invariant_is_left(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[BAR1].row_count = 1;
    const struct instance *cause = one_cause();
    assert_string_equal(rows_of(cause), "bbb");
    assert_int_equal(cause->label, LABEL_PROBABLE);
    assert_true(str_equal(cause->held_back, STR("posting for p1 would break I01 (b)")));
    assert_int_equal(bench.diagnosis.left_count, 2);
    assert_true(str_equal(bench.diagnosis.left[1], STR("w2")));
}

static void a_bar_that_was_cut_short_bars(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[BAR1].failure = STATUS_LIMIT;
    assert_string_equal(rows_of(one_cause()), "bbb");
}

static void only_what_is_posted_is_barred(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[BAR1].row_count = 1;
    bench.queries[AFFECTED1].rows[0][2] = (struct script_cell)N(0); /* touched, and right */
    bench.queries[AFFECTED1].rows[1][3] = (struct script_cell)NONE; /* no payment */
    bench.queries[AFFECTED1].rows[2][0] = (struct script_cell)T("w3");
    assert_string_equal(rows_of(one_cause()), "..b");
}

/* F1 explains "b" alone, so that both are chosen; the second one is the first of the layers. */
static const struct diagnosis *two_causes(const char *payment)
{
    bench.queries[PREDICT1].row_count = 1;
    bench.queries[PREDICT1].rows[0][1] = (struct script_cell)T("b");
    bench.queries[PREDICT1].rows[0][2] = (struct script_cell)N(-70);
    bench.queries[TRIGGER2].row_count = 1;
    bench.queries[TRIGGER2].rows[0][0] = (struct script_cell)T("y");
    bench.queries[AFFECTED2].row_count = 1;
    bench.queries[AFFECTED2].rows[0][0] = (struct script_cell)T("w9");
    bench.queries[AFFECTED2].rows[0][1] = (struct script_cell)T("EUR");
    bench.queries[AFFECTED2].rows[0][2] = (struct script_cell)N(40);
    bench.queries[AFFECTED2].rows[0][3] = (struct script_cell){ payment, 0 };
    const struct diagnosis *diagnosis = diagnose();
    assert_int_equal(diagnosis->cause_count, 2);
    return diagnosis;
}

static void a_payment_that_two_causes_post_for_is_left(void **state)
{
    (void)state; /* the bench is static */
    const struct diagnosis *diagnosis = two_causes("p2");
    const struct instance *second = &diagnosis->instances[diagnosis->causes[0]];
    const struct instance *first = &diagnosis->instances[diagnosis->causes[1]];
    assert_string_equal(rows_of(second), "b");
    assert_string_equal(rows_of(first), "-b."); /* w1 as a whole, and w2 not */
    assert_true(str_equal(diagnosis->rules->rules[first->affected[1].barred_by - 1].id, STR("F2")));
    assert_true(
        str_equal(diagnosis->rules->rules[second->affected[0].barred_by - 1].id, STR("F1")));
}

static void other_payments_are_posted(void **state)
{
    (void)state; /* the bench is static */
    const struct diagnosis *diagnosis = two_causes("p9");
    assert_string_equal(rows_of(&diagnosis->instances[diagnosis->causes[0]]), ".");
    assert_string_equal(rows_of(&diagnosis->instances[diagnosis->causes[1]]), "...");
}

/* The script says one transaction of whatever name it is asked by. */
static void a_payment_is_one_under_whichever_name(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[PAYMENTS].row_count = 1;
    bench.queries[PAYMENTS].rows[0][0] = (struct script_cell)T("t1");
    const struct diagnosis *diagnosis = two_causes("p9");
    assert_string_equal(rows_of(&diagnosis->instances[diagnosis->causes[0]]), "b");
    assert_string_equal(rows_of(&diagnosis->instances[diagnosis->causes[1]]), "bbb");
}

/* The payments of the two causes may be one: nobody knows, and the diagnosis goes on. */
static void what_could_not_be_looked_up_is_left(void **state)
{
    static const enum status failures[] = { STATUS_LIMIT, STATUS_INVALID };
    (void)state; /* the bench is static */
    (void)two_causes("p9");
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        bench.queries[PAYMENTS].failure = failures[i];
        const struct diagnosis *diagnosis = diagnose();
        const struct instance *first = &diagnosis->instances[diagnosis->causes[1]];
        assert_string_equal(rows_of(&diagnosis->instances[diagnosis->causes[0]]), "-");
        assert_string_equal(rows_of(first), "---");
        assert_int_equal(first->label, LABEL_PROBABLE);
        assert_true(
            str_equal(first->held_back, STR("what it touched could not be counted to the end")));
    }
    bench.queries[PAYMENTS].failure = STATUS_OK;
    assert_string_equal(rows_of(&diagnose()->instances[bench.diagnosis.causes[1]]), "...");
}

static void what_another_cause_touched_without_posting_is_left(void **state)
{
    (void)state; /* the bench is static */
    (void)two_causes("p1");
    bench.queries[AFFECTED2].rows[0][2] = (struct script_cell)NONE;
    bench.queries[AFFECTED1].rows[1][0] = (struct script_cell)T("w9"); /* of p2 */
    const struct diagnosis *diagnosis = diagnose();
    assert_string_equal(rows_of(&diagnosis->instances[diagnosis->causes[0]]), "b");
    assert_string_equal(rows_of(&diagnosis->instances[diagnosis->causes[1]]), "bb-");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(what_nothing_bars_is_posted),
        CASE(what_would_break_an_invariant_is_left),
        CASE(a_bar_that_was_cut_short_bars),
        CASE(only_what_is_posted_is_barred),
        CASE(a_payment_that_two_causes_post_for_is_left),
        CASE(other_payments_are_posted),
        CASE(a_payment_is_one_under_whichever_name),
        CASE(what_could_not_be_looked_up_is_left),
        CASE(what_another_cause_touched_without_posting_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

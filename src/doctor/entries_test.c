/*
 * Goal: nothing is posted to an account that anything is in doubt about, nor by a cause that may be
 * another one.
 * Method: a cause whose rows are all posted; a doubt, an open violation or a lacking source each
 * leave the rows alone that they must, and no others.
 */
#include "doctor/entries.h"

#include "doctor/label_test.h"

/* By account: "w1 w1 w2", each with a '-' when it is left alone. */
static void rows_are(const char *expected)
{
    const struct instance *cause = one_cause();
    char text[64] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < cause->affected_count; i++) {
        const struct affected *row = &cause->affected[i];
        memcpy(text + len, row->account.data, row->account.len);
        len += row->account.len;
        if (row->left) text[len++] = '-';
        text[len++] = ' ';
    }
    assert_string_equal(text, expected);
}

static void all_is_posted_when_nothing_is_in_doubt(void **state)
{
    (void)state; /* the bench is static */
    rows_are("w1 w1 w2 ");
}

static void an_account_in_doubt_is_left_alone(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[DOUBT1].row_count = 1;
    bench.queries[DOUBT1].rows[0][0] = (struct script_cell)T("w2");
    bench.queries[DOUBT1].rows[0][1] = (struct script_cell)N(1);
    rows_are("w1 w1 w2- ");
}

static void an_account_with_an_open_violation_is_left_alone(void **state)
{
    (void)state;                           /* the bench is static */
    bench.queries[PREDICT1].row_count = 1; /* "b" of w2 stays open */
    rows_are("w1 w1 w2- ");
}

static void what_may_be_another_cause_posts_nothing(void **state)
{
    (void)state; /* the bench is static */
    bench.script.uncovered = bit_of("psp");
    rows_are("w1- w1- w2- ");
    bench.script.uncovered = bit_of("cache");
    bench.script.reads[AFFECTED1] = bit_of("cache");
    rows_are("w1- w1- w2- ");
}

static void a_doubt_that_cannot_be_told_leaves_all(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[DOUBT1].failure = STATUS_LIMIT;
    rows_are("w1- w1- w2- ");
}

static void what_was_not_counted_to_the_end_posts_nothing(void **state)
{
    (void)state; /* the bench is static */
    bench.queries[AFFECTED1].failure = STATUS_LIMIT;
    rows_are("w1- w1- w2- ");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(all_is_posted_when_nothing_is_in_doubt),
        CASE(an_account_in_doubt_is_left_alone),
        CASE(an_account_with_an_open_violation_is_left_alone),
        CASE(what_may_be_another_cause_posts_nothing),
        CASE(a_doubt_that_cannot_be_told_leaves_all),
        CASE(what_was_not_counted_to_the_end_posts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

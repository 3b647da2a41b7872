/*
 * Goal: what a plan takes back is what the record that the diagnosis cites is about, whoever wrote
 * other lines of the evidence.
 * Method: two lines with one id, made for this, in one source and in two, in either order.
 */
#include "doctor/plan_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"

/* The two differ in the transaction, and in a text that makes up for it. */
#define TWIN(tx, event)                                                                            \
    STR("{\"kind\":\"applied\",\"tx\":\"" tx "pay---D\",\"group\":\"payouts\","                    \
        "\"topic\":\"payments\",\"part\":0,\"pos\":7,\"result\":\"effect\","                       \
        "\"ts\":\"2026-11-21T06:00:00Z\",\"event\":\"eeeeeeeee" event "refVa8z\",\"consumer\":\""  \
        "cccccccccccccccccccccccccccccccccccccccccccccccccc"                                       \
        "cccccccccccccccccccccccccccccccccccccccccccccccccc\"}")
#define CITED TWIN("0", "1")
#define OTHER TWIN("1", "0")
#define POSTING(tx, account, amount)                                                               \
    STR("{\"kind\":\"posting\",\"tx\":\"" tx "\",\"account\":\"" account                           \
        "\",\"ccy\":\"EUR\",\"amount\":\"" amount "\"}")
#define SOURCE STR("evidence/01-ledger.ndjson")
#define LOG STR("evidence/02-log.ndjson")

struct tracing {
    struct arena texts;
    struct arena line;
    struct plan_diagnosis diagnosis;
    struct plan_row row;
    struct str left[4];
    struct plan_trace trace;
    struct error error;
};

static int setup(void **state)
{
    struct tracing *it = calloc(1, sizeof *it);
    if (it == NULL || arena_init(&it->texts, 1 << 20) != STATUS_OK ||
        arena_init(&it->line, PLAN_TRACE_LINE_ARENA) != STATUS_OK)
        return -1;
    struct str cited = CITED;
    it->row = (struct plan_row){
        .account = STR("w1"),
        .ccy = STR("EUR"),
        .delta = { -500 },
        .record = hash_bytes(cited.data, cited.len),
        .source = SOURCE,
    };
    it->diagnosis.rows = &it->row;
    it->diagnosis.row_count = 1;
    it->diagnosis.left = it->left;
    it->diagnosis.causes[0].ledger_entry = true;
    it->trace.diagnosis = &it->diagnosis;
    it->trace.texts = &it->texts;
    it->trace.line = &it->line;
    it->trace.error = &it->error;
    plan_trace_begin(&it->trace);
    *state = it;
    return 0;
}

static int teardown(void **state)
{
    struct tracing *it = *state;
    arena_done(&it->texts);
    arena_done(&it->line);
    free(it);
    return 0;
}

static enum status record(struct tracing *it, struct str source, struct str line)
{
    return plan_trace_record(&it->trace, source, line);
}

static void the_twins_have_one_id(void **state)
{
    (void)state; /* lines alone */
    struct str cited = CITED;
    struct str other = OTHER;
    assert_false(str_equal(cited, other));
    assert_int_equal(hash_bytes(cited.data, cited.len), hash_bytes(other.data, other.len));
}

static void a_twin_in_another_source_leads_nowhere(void **state)
{
    struct tracing *it = *state;
    assert_int_equal(record(it, LOG, OTHER), STATUS_OK);
    assert_false(it->row.found);
    assert_int_equal(record(it, SOURCE, CITED), STATUS_OK);
    assert_int_equal(record(it, LOG, OTHER), STATUS_OK);
    assert_true(str_equal(it->row.tx, STR("0pay---D")));
}

static void a_twin_in_the_source_is_refused_in_either_order(void **state)
{
    struct tracing *it = *state;
    assert_int_equal(record(it, SOURCE, CITED), STATUS_OK);
    assert_int_equal(record(it, SOURCE, OTHER), STATUS_DENIED);
    assert_non_null(strstr(it->error.message, "R-6b9296d0657704b7 is two records"));
    it->row.found = false;
    assert_int_equal(record(it, SOURCE, OTHER), STATUS_OK);
    assert_int_equal(record(it, SOURCE, CITED), STATUS_DENIED);
}

static void a_line_that_is_twice_is_one_record(void **state)
{
    struct tracing *it = *state;
    assert_int_equal(record(it, SOURCE, CITED), STATUS_OK);
    assert_int_equal(record(it, SOURCE, CITED), STATUS_OK);
    assert_true(str_equal(it->row.tx, STR("0pay---D")));
}

static void legs_are_those_of_its_transaction(void **state)
{
    struct tracing *it = *state;
    assert_int_equal(record(it, SOURCE, CITED), STATUS_OK);
    assert_int_equal(plan_trace_turn(&it->trace), STATUS_OK);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("1pay---D", "w9", "-500")), STATUS_OK);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("0pay---D", "w1", "-500")), STATUS_OK);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("0pay---D", "shop", "500")), STATUS_OK);
    assert_true(str_equal(it->row.debit, STR("w1")));
    assert_true(str_equal(it->row.credit, STR("shop")));
    assert_true(plan_row_is_traced(&it->row));
    assert_false(it->row.between);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("0pay---D", "w2", "500")), STATUS_OK);
    assert_false(plan_row_is_traced(&it->row));
}

#define LEFT "74706c61-6e65-8001-8000-000040010000" /* what is on its way from lane 0 to lane 1 */
#define CAME "74706c61-6e65-8002-8000-000040000001"

/* Rows of both lanes, or of the one it left alone: what was paid from w1 to the shop. */
static void halves_begin(struct tracing *it, struct plan_row rows[2], uint32_t count)
{
    struct str left = STR("{\"kind\":\"ledger_tx\",\"tx\":\"d2\",\"arrival\":\"a2\"}");
    struct str came = STR("{\"kind\":\"ledger_tx\",\"tx\":\"a2\"}");
    rows[0] = it->row;
    rows[0].record = hash_bytes(left.data, left.len);
    rows[1] = it->row;
    rows[1].account = STR("shop");
    rows[1].delta = (struct signed_amount){ 500 };
    rows[1].record = hash_bytes(came.data, came.len);
    it->diagnosis.rows = rows;
    it->diagnosis.row_count = count;
    plan_trace_begin(&it->trace);
    assert_int_equal(record(it, SOURCE, left), STATUS_OK);
    assert_int_equal(record(it, SOURCE, came), STATUS_OK); /* cited or not */
    assert_int_equal(plan_trace_turn(&it->trace), STATUS_OK);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("d2", "w1", "-500")), STATUS_OK);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("d2", LEFT, "500")), STATUS_OK);
}

static void halves_in_two_lanes_are_one_transfer(void **state)
{
    struct tracing *it = *state;
    struct plan_row rows[2];
    halves_begin(it, rows, 2);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("a2", CAME, "-500")), STATUS_OK);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("a2", "shop", "500")), STATUS_OK);
    assert_int_equal(plan_trace_end(&it->trace), STATUS_OK);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(str_equal(rows[i].tx, STR("d2")));
        assert_true(str_equal(rows[i].debit, STR("w1")));
        assert_true(str_equal(rows[i].credit, STR("shop")));
        assert_true(plan_row_is_traced(&rows[i]));
        assert_true(rows[i].between);
    }
}

static void the_other_half_need_not_be_cited(void **state)
{
    struct tracing *it = *state;
    struct plan_row rows[2];
    halves_begin(it, rows, 1);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("a2", CAME, "-500")), STATUS_OK);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("a2", "shop", "500")), STATUS_OK);
    assert_int_equal(plan_trace_end(&it->trace), STATUS_OK);
    assert_true(rows[0].between);
    assert_true(str_equal(rows[0].credit, STR("shop")));
    assert_true(plan_row_is_traced(&rows[0]));
    assert_false(plan_row_is_left(&it->diagnosis, &rows[0]));
}

static void half_a_transfer_is_not_traced(void **state)
{
    struct tracing *it = *state;
    struct plan_row rows[2];
    halves_begin(it, rows, 2);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("a2", CAME, "-499")), STATUS_OK);
    assert_int_equal(plan_trace_leg(&it->trace, POSTING("a2", "shop", "499")), STATUS_OK);
    assert_int_equal(plan_trace_end(&it->trace), STATUS_OK);
    assert_false(plan_row_is_traced(&rows[0]));
    assert_false(plan_row_is_traced(&rows[1]));
    assert_int_equal(it->diagnosis.left_count, 2); /* to people, so that others get their plan */
    assert_true(str_equal(it->left[0], STR("shop")));
    assert_true(str_equal(it->left[1], STR("w1")));
    for (uint32_t i = 0; i < 2; i++) assert_true(rows[i].left);
}

/* Of a cause that posts nothing, nothing is to be left. */
static void where_nothing_is_posted_nothing_is_left(void **state)
{
    struct tracing *it = *state;
    struct plan_row rows[2];
    it->diagnosis.causes[0].ledger_entry = false;
    halves_begin(it, rows, 2);
    assert_int_equal(plan_trace_end(&it->trace), STATUS_OK);
    assert_int_equal(it->diagnosis.left_count, 0);
    assert_false(rows[0].left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_twins_have_one_id),
        cmocka_unit_test_setup_teardown(a_twin_in_another_source_leads_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(a_twin_in_the_source_is_refused_in_either_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_line_that_is_twice_is_one_record, setup, teardown),
        cmocka_unit_test_setup_teardown(legs_are_those_of_its_transaction, setup, teardown),
        cmocka_unit_test_setup_teardown(halves_in_two_lanes_are_one_transfer, setup, teardown),
        cmocka_unit_test_setup_teardown(the_other_half_need_not_be_cited, setup, teardown),
        cmocka_unit_test_setup_teardown(half_a_transfer_is_not_traced, setup, teardown),
        cmocka_unit_test_setup_teardown(where_nothing_is_posted_nothing_is_left, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

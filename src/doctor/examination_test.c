/*
 * Goal: cells become texts, amounts and numbers without loss.
 * Method: each sort of cell; texts in order.
 */
#include "doctor/examination.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void cells_are_read_as_what_they_are(void **state)
{
    (void)state; /* no fixture is needed */
    struct arena arena;
    assert_int_equal(arena_init(&arena, 4096), STATUS_OK);
    struct doctor_query query = { .column_count = 2 };
    memset(query.columns, -1, sizeof query.columns);
    query.columns[COLUMN_KEY] = 0;
    query.columns[COLUMN_DELTA] = 1;
    struct evidence_cell cells[] = {
        { EVIDENCE_CELL_NUMBER, -42, { NULL, 0 } },
        { EVIDENCE_CELL_TEXT, 0, STR("18446744073709551616") },
    };
    struct row row = { &query, cells };
    struct str text;
    assert_true(row_text(&row, COLUMN_KEY, &arena, &text));
    assert_true(str_equal(text, STR("-42")));
    assert_true(row_text(&row, COLUMN_CCY, &arena, &text));
    assert_int_equal(text.len, 0);
    struct delta delta;
    assert_true(cell_delta(&cells[1], &delta));
    assert_true(delta.minor == (int128)1 << 64);
    assert_int_equal(row_number(&row, COLUMN_KEY), -42);
    assert_int_equal(row_number(&row, COLUMN_W), 0);
    arena_done(&arena);
}

static void texts_are_compared_bytewise(void **state)
{
    (void)state; /* no fixture is needed */
    assert_true(text_compare(STR("a"), STR("ab")) < 0);
    assert_true(text_compare(STR("b"), STR("ab")) > 0);
    assert_int_equal(text_compare(STR(""), STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_read_as_what_they_are),
        cmocka_unit_test(texts_are_compared_bytewise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

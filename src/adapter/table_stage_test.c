/*
 * Goal: queries over another's tables give what they ask for, exactly; what cannot be exact, what is
 * not of its type, and what would change anything is refused by name.
 * Method: one table of one mapping; queries in a table, with the rows or the error that they give.
 */
#include "adapter/table_stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/buf.h"

static struct table_mapping mapping;

static void mapping_make(const char *query)
{
    memset(&mapping, 0, sizeof mapping);
    mapping.assets.count = 1;
    mapping.assets.list[0].code = STR("POINTS");
    mapping.table_count = 1;
    mapping.tables[0] = (struct table_spec){
        .name = STR("t"),
        .column_count = 3,
        .columns = { { STR("id"), TABLE_TYPE_TEXT, true },
                     { STR("amount"), TABLE_TYPE_DECIMAL, false },
                     { STR("at"), TABLE_TYPE_TIME, false } },
    };
    mapping.record_count = 1;
    mapping.records[0].query = str_from(query);
}

static enum status on_columns(void *context, const char *const *names, uint32_t count,
                              struct error *out_error)
{
    (void)context; /* rows are looked at */
    (void)names;
    (void)count;
    (void)out_error; /* nothing fails */
    return STATUS_OK;
}

static enum status on_row(void *context, const struct evidence_cell *cells, uint32_t count,
                          struct error *out_error)
{
    struct buf *seen = context;
    (void)out_error; /* nothing fails */
    for (uint32_t i = 0; i < count; i++) {
        if (cells[i].type == EVIDENCE_CELL_NUMBER)
            buf_append_format(seen, "%lld ", (long long)cells[i].number);
        else if (cells[i].type == EVIDENCE_CELL_TEXT)
            buf_append_format(seen, "'%.*s' ", STR_ARG(cells[i].text));
        else
            buf_append_str(seen, STR("NULL "));
    }
    return STATUS_OK;
}

static enum status asked(const char *query, struct buf *seen, struct error *out_error)
{
    static const struct str rows[][3] = {
        { { "a", 1 }, { "12.5", 4 }, { "1970-01-01 00:00:01+00", 22 } },
        { { "b", 1 }, { "-99999999999999999999.01", 24 }, { NULL, 0 } },
    };
    struct table_stage *stage = NULL;
    const struct table_stage_visitor visitor = { on_columns, on_row, seen };
    mapping_make(query);
    assert_int_equal(table_stage_open(&mapping, &stage, out_error), STATUS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(table_stage_row(stage, 0, rows[i], out_error), STATUS_OK);
    assert_int_equal(table_stage_rows(stage, 0), 2);
    assert_int_equal(table_stage_ready(stage, out_error), STATUS_OK);
    enum status status = table_stage_query(stage, 0, &visitor, out_error);
    table_stage_close(stage);
    return status;
}

static void queries_and_what_they_give(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *query;
        const char *rows;  /* or */
        const char *fault; /* a part of the error */
    } cases[] = {
        { "SELECT id, at FROM t ORDER BY id", "'a' 1000000000 'b' NULL ", NULL },
        { "SELECT minor(amount, 'EUR') FROM t ORDER BY id", "1250 '-9999999999999999999901' ",
          NULL },
        { "SELECT msum(minor(amount, 'EUR')) FROM t", "'-9999999999999999998651' ", NULL },
        { "SELECT minor(NULL, 'EUR')", "NULL ", NULL },
        { "SELECT minor('7', 'POINTS')", "7 ", NULL },
        { "SELECT rescale('2500', '100', 'EUR'), rescale('2500', '1000', 'EUR')", "2500 250 ",
          NULL },
        { "SELECT asset_code('USD/2'), asset_code('USD/4'), asset_code('POINTS'), asset_code('X/2')",
          "'USD' 'USD/4' 'POINTS' 'X/2' ", NULL },
        { "SELECT value FROM json_each('[1, \"x\"]')", "1 'x' ", NULL },
        { "SELECT minor(amount, 'JPY') FROM t", NULL, "'12.5' has more decimals" },
        { "SELECT minor(amount, 'GOLD') FROM t", NULL, "'GOLD' is an asset without decimals" },
        { "SELECT rescale('25', '1000', 'EUR')", NULL, "no whole number" },
        { "SELECT rescale('25', '0', 'EUR')", NULL, "no whole number" },
        { "SELECT refuse('two precisions')", NULL, "'two precisions' is what the mapping refuses" },
        { "SELECT nobody FROM t", NULL, "no such column: nobody" },
        { "SELECT \"nobody\" FROM t", NULL, "no such column: nobody" },
        { "SELECT id FROM u", NULL, "no such table: u" },
        { "DELETE FROM t", NULL, "not authorized" },
        { "ATTACH 'x' AS y", NULL, "not authorized" },
        { "SELECT 1; SELECT 2", NULL, "is not one SELECT" },
        { "SELECT random()", NULL, "not authorized" },
        { "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT 1 FROM t WHERE id = 'c'",
          "", NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = { .message = "" };
        BUF_SCOPE struct buf seen;
        buf_init(&seen, 4096);
        enum status status = asked(cases[i].query, &seen, &error);
        bool right =
            cases[i].fault == NULL
                ? status == STATUS_OK && str_equal(buf_view(&seen), str_from(cases[i].rows))
                : status == STATUS_INVALID && strstr(error.message, cases[i].fault) != NULL;
        if (!right)
            print_message("%s: %s %s\n", cases[i].query, error.message, buf_terminated(&seen));
        assert_true(right);
    }
}

/* Whose reading a guard notes in a place of its own. */
static void a_table_may_be_named_as_a_kind_of_record(void **state)
{
    (void)state; /* no fixture */
    static const struct str row[3] = { { "a", 1 }, { "1", 1 }, { NULL, 0 } };
    struct table_stage *stage = NULL;
    struct error error = { .message = "" };
    BUF_SCOPE struct buf seen;
    const struct table_stage_visitor visitor = { on_columns, on_row, &seen };
    buf_init(&seen, 4096);
    mapping_make("SELECT id, 1 FROM account");
    mapping.tables[0].name = STR("account");
    assert_int_equal(table_stage_open(&mapping, &stage, &error), STATUS_OK);
    assert_int_equal(table_stage_row(stage, 0, row, &error), STATUS_OK);
    assert_int_equal(table_stage_ready(stage, &error), STATUS_OK);
    assert_int_equal(table_stage_query(stage, 0, &visitor, &error), STATUS_OK);
    assert_true(str_equal(buf_view(&seen), STR("'a' 1 ")));
    table_stage_close(stage);
}

static void what_is_not_of_its_type_is_named_with_table_row_and_column(void **state)
{
    (void)state; /* no fixture */
    static const struct str rows[][3] = {
        { { "a", 1 }, { "1", 1 }, { NULL, 0 } },
        { { "b", 1 }, { "1", 1 }, { "1970-01-01 00:00:01", 19 } },
    };
    struct table_stage *stage = NULL;
    struct error error = { .message = "" };
    mapping_make("SELECT 1");
    assert_int_equal(table_stage_open(&mapping, &stage, &error), STATUS_OK);
    assert_int_equal(table_stage_row(stage, 0, rows[0], &error), STATUS_OK);
    assert_int_equal(table_stage_row(stage, 0, rows[1], &error), STATUS_INVALID);
    assert_non_null(
        strstr(error.message, "table t, row 2, column at (time): '1970-01-01 00:00:01' is"));
    assert_non_null(strstr(error.message, "two time zones are mixed"));
    table_stage_close(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_and_what_they_give),
        cmocka_unit_test(a_table_may_be_named_as_a_kind_of_record),
        cmocka_unit_test(what_is_not_of_its_type_is_named_with_table_row_and_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: the rows of a dump are those that were in the tables, whatever else stands in it; what is no
 * dump, or ends too early, is refused with its line.
 * Method: dumps as pg_dump writes them, by COPY and by INSERT, with quotes, dollars, comments and
 * functions around; each is also fed with a line missing at its end.
 */
#include "doctor/sql_dump.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct seen {
    struct buf text; /* "schema.table(a=1,b=NULL)" for each row, "[table]" for each table */
};

static enum status on_table(void *context, const struct sql_dump_row *row, struct error *out_error)
{
    struct seen *seen = context;
    (void)out_error; /* nothing fails */
    buf_append_format(&seen->text, "[%.*s %u]", STR_ARG(row->table), row->count);
    return STATUS_OK;
}

static enum status on_row(void *context, const struct sql_dump_row *row, struct error *out_error)
{
    struct seen *seen = context;
    buf_append_format(&seen->text, "%.*s.%.*s(", STR_ARG(row->schema), STR_ARG(row->table));
    for (uint32_t i = 0; i < row->count; i++) {
        bool null = row->cells[i].data == NULL;
        struct str cell = null ? STR("NULL") : row->cells[i];
        buf_append_format(&seen->text, "%s%.*s=%.*s", i == 0 ? "" : ",", STR_ARG(row->columns[i]),
                          STR_ARG(cell));
    }
    buf_append_str(&seen->text, STR(")"));
    if (row->count > 0 && row->cells[0].data != NULL && str_equal(row->cells[0], STR("stop")))
        return error_set(out_error, STATUS_DENIED, "stopped");
    return STATUS_OK;
}

static enum status read_dump(const char *text, struct seen *seen, bool *out_complete,
                             struct error *out_error)
{
    static struct sql_dump dump;
    const struct sql_dump_visitor visitor = { on_table, on_row, seen, 7 };
    struct str rest = str_from(text);
    struct str line;
    enum status status = sql_dump_init(&dump, &visitor, out_error);
    while (status == STATUS_OK && str_take_line(&rest, &line))
        status = sql_dump_line(&dump, line, out_error);
    if (status == STATUS_OK) status = sql_dump_end(&dump, out_error);
    *out_complete = dump.complete;
    sql_dump_free(&dump);
    return status;
}

static void rows_are_found_among_everything_else(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        const char *rows;
    } cases[] = {
        { "", "" },
        { "\\restrict abc\nSET x = 'a;b';\nSELECT pg_catalog.set_config('search_path', '', false);\n"
          "CREATE TABLE s.t (\n    id text DEFAULT 'a,b'::text NOT NULL,\n    \"Big\" numeric(10,2),\n"
          "    CONSTRAINT c CHECK (((id)::text <> ';'::text))\n);\n"
          "COPY s.t (id, \"Big\") FROM stdin;\na\\tb\t1.50\n\\N\t\\N\n;\\\\\t\n\\.\n\\unrestrict abc\n",
          "[t 2][t 2]s.t(id=a\tb,Big=1.50)s.t(id=NULL,Big=NULL)s.t(id=;\\,Big=)" },
        { "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $_$ BEGIN\n COPY t (a) FROM stdin;\n"
          "INSERT INTO t VALUES (1); $x$ ; END $_$;\n/* INSERT /* ; */ INTO t */ -- ; COPY\n"
          "INSERT INTO t (a, b) VALUES (1, 'it''s'), (-2.5, NULL);\n",
          ".t(a=1,b=it's).t(a=-2.5,b=NULL)" },
        { "create table T (A int, B text);insert into t values (1, E'x\\n\\'y'::text), (2, $$z;$$);\n",
          "[t 2].t(a=1,b=x\n'y).t(a=2,b=z;)" },
        { "INSERT INTO s.t (a) OVERRIDING SYSTEM VALUE VALUES (true);\n", "s.t(a=true)" },
        { "COPY t (a) FROM stdin;\n\\.\nCOPY u (a) FROM stdin;\n\\x\n\\101\\b\n\\.\n",
          "[t 1][u 1].u(a=x).u(a=A\b)" },
        { "INSERT INTO t (a)\nVALUES ('two\nlines');\n", ".t(a=two\nlines)" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = { .message = "" };
        struct seen seen;
        bool complete;
        buf_init(&seen.text, 4096);
        enum status status = read_dump(cases[i].text, &seen, &complete, &error);
        bool same = status == STATUS_OK && str_equal(buf_view(&seen.text), str_from(cases[i].rows));
        if (!same)
            print_message("case %zu: %s\n%s\n", i, error.message, buf_terminated(&seen.text));
        assert_true(same);
        assert_false(complete);
        buf_free(&seen.text);
    }
}

static void what_is_no_dump_is_refused_with_its_line(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        const char *fault;
    } cases[] = {
        { "PGDMP\n", "line 1: a dump that is not in the plain format" },
        { "\n\\connect other\n", "line 2: a command of psql's" },
        { "COPY t (a, b) FROM stdin;\n1\t2\n1\n\\.\n", "line 3: no row of the 2 columns" },
        { "COPY t (a) FROM stdin;\n1\t2\n\\.\n", "line 2: no row" },
        { "COPY t (a) FROM stdin;\n1\\\n\\.\n", "line 2: no row" },
        { "COPY t (a) FROM stdin;\n1\n", "ends inside of the rows of t" },
        { "COPY t (a) FROM '/etc/passwd';\n", "not from stdin" },
        { "COPY t FROM stdin;\n", "without names of columns" },
        { "INSERT INTO t VALUES (1);\n", "without names of columns" },
        { "INSERT INTO t (a) VALUES (1, 2);\n", "no list of literals" },
        { "INSERT INTO t (a) VALUES (now());\n", "no list of literals" },
        { "INSERT INTO t (a) VALUES (DEFAULT);\n", "no list of literals" },
        { "INSERT INTO t (a) SELECT 1;\n", "something else than VALUES" },
        { "INSERT INTO t (a) VALUES (1\n", "ends inside of a statement" },
        { "SELECT 'a\n", "ends inside of a statement" },
        { "SELECT $a$ $b$;\n", "ends inside of a statement" },
        { "INSERT INTO t (a) VALUES ('stop'), ('on');\n", "stopped" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = { .message = "" };
        struct seen seen;
        bool complete;
        buf_init(&seen.text, 4096);
        enum status status = read_dump(cases[i].text, &seen, &complete, &error);
        bool told = status != STATUS_OK && strstr(error.message, cases[i].fault) != NULL;
        if (!told) print_message("case %zu: %s\n", i, error.message);
        assert_true(told);
        buf_free(&seen.text);
    }
}

static void the_mark_at_the_end_is_seen_outside_of_rows_only(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    struct seen seen;
    bool complete;
    buf_init(&seen.text, 4096);
    assert_int_equal(
        read_dump("SELECT 1;\n-- PostgreSQL database dump complete\n", &seen, &complete, &error),
        STATUS_OK);
    assert_true(complete);
    assert_int_equal(
        read_dump("COPY t (a) FROM stdin;\n-- PostgreSQL database dump complete\n\\.\n", &seen,
                  &complete, &error),
        STATUS_OK);
    assert_false(complete);
    buf_free(&seen.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_among_everything_else),
        cmocka_unit_test(what_is_no_dump_is_refused_with_its_line),
        cmocka_unit_test(the_mark_at_the_end_is_seen_outside_of_rows_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

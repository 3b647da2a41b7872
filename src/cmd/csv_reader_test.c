/*
 * Goal: a CSV file is read exactly as RFC 4180 says, or refused with the line.
 * Method: small documents through a pipe, compared with the fields expected, joined by '|'
 * and ';'; and a file of many windows, so that records straddle each window's end.
 */
#include "cmd/csv_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Reads all of a descriptor into "a|b;c|d;"; the status that ended it. */
static enum status read_all(int descriptor, struct buf *out, uint64_t *out_line)
{
    struct csv_reader reader;
    csv_reader_init(&reader, descriptor);
    struct error error;
    enum status status;
    bool found = true;
    while ((status = csv_reader_next(&reader, &found, &error)) == STATUS_OK && found) {
        for (uint32_t i = 0; i < reader.field_count; i++) {
            if (i > 0) buf_append_byte(out, '|');
            buf_append_str(out, reader.fields[i]);
        }
        buf_append_byte(out, ';');
    }
    *out_line = reader.line;
    csv_reader_done(&reader);
    return status;
}

static enum status read_text(struct str text, struct buf *out, uint64_t *out_line)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text.data, text.len), (ssize_t)text.len);
    close(ends[1]);
    buf_reset(out);
    enum status status = read_all(ends[0], out, out_line);
    close(ends[0]);
    return status;
}

struct csv_case {
    const char *text;
    const char *fields; /* NULL: refused */
    uint64_t line;      /* where, when refused */
};

static const struct csv_case cases[] = {
    { "a,b\n1,2\n", "a|b;1|2;", 0 },
    { "a,b\r\n1,2\r\n", "a|b;1|2;", 0 },
    { "a,b\n1,2", "a|b;1|2;", 0 },
    { "", "", 0 },
    { "\n\n", "", 0 },
    { "a\n\nb\n", "a;b;", 0 },
    { ",\n", "|;", 0 },
    { "\"a\",\"b\"\n", "a|b;", 0 },
    { "\"a,b\",c\n", "a,b|c;", 0 },
    { "\"a\"\"b\",c\n", "a\"b|c;", 0 },
    { "\"a\nb\",c\nd,e\n", "a\nb|c;d|e;", 0 },
    { "\"\",\"\"\n", "|;", 0 },
    { "\"a\"", "a;", 0 },
    { "\xEF\xBB\xBF"
      "a,b\n",
      "a|b;", 0 },
    { " a , b \n", " a | b ;", 0 },
    { "a\nb\"c\n", NULL, 2 },
    { "a\n\"b\"c\n", NULL, 2 },
    { "a\nb\n\"open\n", NULL, 3 },
    { "a\rb\n", NULL, 1 },
    { "\"x\ny\"\nb\"\n", NULL, 3 },
};

static void each_document_is_read_or_refused_at_its_line(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t line = 0;
        enum status status = read_text(str_from(cases[i].text), &out, &line);
        if (cases[i].fields == NULL) {
            assert_int_equal(status, STATUS_INVALID);
            assert_int_equal(line, cases[i].line);
        } else {
            assert_int_equal(status, STATUS_OK);
            assert_string_equal(buf_terminated(&out), cases[i].fields);
        }
    }
    buf_free(&out);
}

static void a_zero_byte_is_refused(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    uint64_t line;
    assert_int_equal(read_text(STR("a\nb\0c\n"), &out, &line), STATUS_INVALID);
    assert_int_equal(line, 2);
    assert_int_equal(read_text(STR("a\n\"b\0c\"\n"), &out, &line), STATUS_INVALID);
    assert_int_equal(line, 2);
    buf_free(&out);
}

static void more_fields_than_the_limit_are_refused(void **state)
{
    (void)state;
    struct buf text;
    struct buf out;
    buf_init(&text, 4096);
    buf_init(&out, 4096);
    for (int i = 0; i < CSV_FIELDS_MAX; i++) buf_append_byte(&text, ',');
    buf_append_byte(&text, '\n');
    uint64_t line;
    assert_int_equal(read_text(buf_view(&text), &out, &line), STATUS_LIMIT);
    buf_free(&text);
    buf_free(&out);
}

/* Wider than the window: records straddle its end, and the lines still count right. */
static void a_long_file_is_read_across_windows(void **state)
{
    (void)state;
    enum { ROWS = 300000 };
    FILE *file = tmpfile();
    assert_non_null(file);
    for (int i = 0; i < ROWS; i++) assert_true(fprintf(file, "%d,\"%d\"\"\n\",x\r\n", i, i) > 0);
    assert_int_equal(fflush(file), 0);
    rewind(file);

    struct csv_reader reader;
    csv_reader_init(&reader, fileno(file));
    struct error error;
    bool found = true;
    for (uint64_t i = 0; i < ROWS; i++) {
        char first[32];
        int len = snprintf(first, sizeof(first), "%llu", (unsigned long long)i);
        assert_true(len > 0);
        assert_int_equal(csv_reader_next(&reader, &found, &error), STATUS_OK);
        assert_true(found);
        assert_int_equal(reader.line, 2 * i + 1);
        assert_int_equal(reader.field_count, 3);
        assert_true(str_equal(reader.fields[0], str_from(first)));
        assert_int_equal(reader.fields[1].len, (size_t)len + 2);
    }
    assert_int_equal(csv_reader_next(&reader, &found, &error), STATUS_OK);
    assert_false(found);
    csv_reader_done(&reader);
    assert_int_equal(fclose(file), 0);
}

static void a_record_over_the_limit_is_refused(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    for (int i = 0; i < CSV_RECORD_SIZE_MAX + CSV_RECORD_SIZE_MAX / 2; i++)
        assert_int_equal(putc('x', file), 'x');
    assert_int_equal(fflush(file), 0);
    rewind(file);
    struct buf out;
    buf_init(&out, 4 * CSV_RECORD_SIZE_MAX);
    uint64_t line;
    assert_int_equal(read_all(fileno(file), &out, &line), STATUS_LIMIT);
    assert_int_equal(line, 1);
    buf_free(&out);
    assert_int_equal(fclose(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_document_is_read_or_refused_at_its_line),
        cmocka_unit_test(a_zero_byte_is_refused),
        cmocka_unit_test(more_fields_than_the_limit_are_refused),
        cmocka_unit_test(a_long_file_is_read_across_windows),
        cmocka_unit_test(a_record_over_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: a mapping names its columns or is refused, and rows of CSV and NDJSON that say the same
 * become the same fields.
 * Method: mappings as texts; small files of both formats, their rows compared field by field,
 * good and bad ones mixed.
 */
#include "cmd/import_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void a_mapping_is_taken_apart_or_refused_with_a_hint(void **state)
{
    (void)state;
    struct import_mapping mapping;
    struct error error;
    assert_int_equal(
        import_mapping_parse(IMPORT_TRANSFERS, "debit=from,amount==5,code=a=b", &mapping, &error),
        STATUS_OK);
    assert_int_equal(mapping.fields[IMPORT_FIELD_DEBIT].source, IMPORT_COLUMN);
    assert_true(str_equal(mapping.fields[IMPORT_FIELD_DEBIT].text, STR("from")));
    assert_int_equal(mapping.fields[IMPORT_FIELD_AMOUNT].source, IMPORT_CONSTANT);
    assert_true(str_equal(mapping.fields[IMPORT_FIELD_AMOUNT].text, STR("5")));
    assert_true(str_equal(mapping.fields[IMPORT_FIELD_CODE].text, STR("a=b")));
    assert_int_equal(mapping.fields[IMPORT_FIELD_CREDIT].source, IMPORT_NONE);

    const struct {
        enum import_kind kind;
        const char *text;
        const char *hint;
    } cases[] = {
        { IMPORT_TRANSFERS, "debt=x", "debit" },
        { IMPORT_ACCOUNTS, "debit=x", "" },
        { IMPORT_TRANSFERS, "opening=x", "" },
        { IMPORT_TRANSFERS, "zzzzzzzz=x", "the fields are" },
        { IMPORT_TRANSFERS, "debit", "field=column" },
        { IMPORT_TRANSFERS, "debit=", "" },
        { IMPORT_TRANSFERS, "debit==", "" },
        { IMPORT_TRANSFERS, "debit=a,debit=b", "" },
        { IMPORT_TRANSFERS, ",", "" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum status status = import_mapping_parse(cases[i].kind, cases[i].text, &mapping, &error);
        assert_int_equal(status, STATUS_INVALID);
        assert_non_null(strstr(error.hint, cases[i].hint));
    }
}

static int file_of(const char *text)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fflush(file), 0);
    int descriptor = dup(fileno(file));
    assert_true(descriptor >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
    return descriptor;
}

/* "line:id,user_ref,amount,flags;" for each row, or "line!fault;". */
static enum status read_rows(enum import_format format, const char *text, const char *map,
                             struct buf *out)
{
    struct import_mapping mapping;
    struct error error;
    assert_int_equal(import_mapping_parse(IMPORT_TRANSFERS, map, &mapping, &error), STATUS_OK);
    int descriptor = file_of(text);
    struct import_rows rows;
    buf_reset(out);
    enum status status = import_rows_open(&rows, format, descriptor, &mapping, &error);
    bool found = true;
    while (status == STATUS_OK) {
        status = import_rows_next(&rows, &found, &error);
        if (status != STATUS_OK || !found) break;
        if (rows.fault != NULL) {
            buf_append_format(out, "%llu!;", (unsigned long long)rows.line);
            continue;
        }
        buf_append_format(
            out, "%llu:%.*s,%.*s,%.*s,%.*s;", (unsigned long long)rows.line,
            STR_ARG(rows.values[IMPORT_FIELD_ID]), STR_ARG(rows.values[IMPORT_FIELD_USER_REF]),
            STR_ARG(rows.values[IMPORT_FIELD_AMOUNT]), STR_ARG(rows.values[IMPORT_FIELD_FLAGS]));
    }
    import_rows_close(&rows);
    close(descriptor);
    return status;
}

static void both_formats_give_the_same_fields(void **state)
{
    (void)state;
    static const char map[] = "id=key,user_ref=key,amount=value,flags=f";
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(
        read_rows(IMPORT_CSV, "key,other,value,f\n1,x,5.00,a|b\n2,y\n\n3,\"z\n\",7,\n", map, &out),
        STATUS_OK);
    assert_string_equal(buf_terminated(&out), "2:1,1,5.00,a|b;3!;5:3,3,7,;");
    assert_int_equal(read_rows(IMPORT_NDJSON,
                               "{\"key\":\"1\",\"other\":{\"a\":[1]},\"value\":\"5.00\","
                               "\"f\":[\"a\",\"b\"]}\n{\"key\":\"2\"\n\n"
                               "{\"value\":7,\"f\":null,\"key\":\"\\u0033\"}",
                               map, &out),
                     STATUS_OK);
    assert_string_equal(buf_terminated(&out), "1:1,1,5.00,a|b;2!;4:3,3,7,;");
    buf_free(&out);
}

static void an_object_where_a_value_is_due_is_the_rows_fault(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(
        read_rows(IMPORT_NDJSON, "{\"id\":{}}\n{\"id\":\"1\",\"id\":\"2\"}\n[]\n", NULL, &out),
        STATUS_OK);
    assert_string_equal(buf_terminated(&out), "1!;2!;3!;");
    buf_free(&out);
}

static void a_mapped_column_must_be_there_and_an_unmapped_one_need_not(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(read_rows(IMPORT_CSV, "a,b\n1,2\n", "id=c", &out), STATUS_INVALID);
    assert_int_equal(read_rows(IMPORT_CSV, "", "id=c", &out), STATUS_INVALID);
    assert_int_equal(read_rows(IMPORT_CSV, "id,b\n1,2\n", NULL, &out), STATUS_OK);
    assert_string_equal(buf_terminated(&out), "2:1,,,;");
    buf_free(&out);
}

static void lines_longer_than_a_window_of_input_are_read(void **state)
{
    (void)state;
    struct buf text;
    struct buf out;
    buf_init(&text, 8 << 20);
    buf_init(&out, 8 << 20);
    for (int i = 0; i < 40000; i++)
        buf_append_format(&text, "{\"id\":\"%d\",\"padding\":\"%080d\"}\n", i, i);
    assert_int_equal(read_rows(IMPORT_NDJSON, buf_terminated(&text), "id=id", &out), STATUS_OK);
    assert_non_null(strstr(buf_terminated(&out), "40000:39999,,,;"));
    buf_reset(&text);
    buf_append_str(&text, STR("{\"id\":\"1\"}\n{\"id\":\""));
    for (int i = 0; i < 2 << 20; i++) buf_append_byte(&text, 'x');
    assert_int_equal(read_rows(IMPORT_NDJSON, buf_terminated(&text), "id=id", &out), STATUS_LIMIT);
    buf_free(&text);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_is_taken_apart_or_refused_with_a_hint),
        cmocka_unit_test(both_formats_give_the_same_fields),
        cmocka_unit_test(an_object_where_a_value_is_due_is_the_rows_fault),
        cmocka_unit_test(a_mapped_column_must_be_there_and_an_unmapped_one_need_not),
        cmocka_unit_test(lines_longer_than_a_window_of_input_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

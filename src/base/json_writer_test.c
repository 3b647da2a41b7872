/*
 * Goal: whatever is written in order is JSON that the reader gives back unchanged; whatever is
 * written out of order stops the program; what does not fit says so.
 * Method: exact texts; all bytes as strings, read back; a buf of every size below what is
 * needed; each misuse in a child process.
 */
#include "base/json_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/json_reader.h"

/* One of everything, in every place where a comma may be due. */
static void write_everything(struct json_writer *writer)
{
    json_write_object_begin(writer);
    json_write_key(writer, STR("empty"));
    json_write_array_begin(writer);
    json_write_array_end(writer);
    json_write_key(writer, STR("a\"b\n"));
    json_write_object_begin(writer);
    json_write_object_end(writer);
    json_write_key(writer, STR(""));
    json_write_array_begin(writer);
    json_write_null(writer);
    json_write_bool(writer, true);
    json_write_bool(writer, false);
    json_write_uint64(writer, 0);
    json_write_uint64(writer, UINT64_MAX);
    json_write_int64(writer, INT64_MIN);
    json_write_int64(writer, INT64_MAX);
    json_write_int64(writer, -1);
    json_write_string(writer, STR(""));
    json_write_string(writer, STR("plain"));
    json_write_string(writer, STR("\x01\b\f\n\r\t\"\\/\x7F\xE2\x82\xAC"));
    json_write_uuid(writer, (struct uuid){ .hi = 0x0190A8E000007000U, .lo = 0x800000000000002AU });
    json_write_money(writer, money_from_minor(1250), 2);
    json_write_money(writer, money_from_minor(5), 0);
    json_write_object_begin(writer);
    json_write_object_end(writer);
    json_write_array_begin(writer);
    json_write_array_end(writer);
    json_write_array_end(writer);
    json_write_key(writer, (struct str){ NULL, 0 });
    json_write_string(writer, (struct str){ NULL, 0 });
    json_write_object_end(writer);
}

static const char everything[] =
    "{\"empty\":[],\"a\\\"b\\n\":{},\"\":[null,true,false,0,18446744073709551615,"
    "-9223372036854775808,9223372036854775807,-1,\"\",\"plain\","
    "\"\\u0001\\b\\f\\n\\r\\t\\\"\\\\/\x7F\xE2\x82\xAC\",\"0190a8e0-0000-7000-8000-00000000002a\","
    "\"12.50\",\"5\",{},[]],\"\":\"\"}";

static void what_is_written_is_exact(void **state)
{
    (void)state; /* no fixture */
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 4096);
    json_writer_init(&writer, &out);
    write_everything(&writer);
    assert_int_equal(json_write_end(&writer), STATUS_OK);
    assert_string_equal(buf_terminated(&out), everything);
    buf_free(&out);
}

static void what_does_not_fit_says_so(void **state)
{
    (void)state; /* no fixture */
    for (size_t size = 0; size < sizeof everything - 1; size++) {
        struct buf out;
        struct json_writer writer;
        buf_init(&out, size);
        json_writer_init(&writer, &out);
        write_everything(&writer);
        assert_int_equal(json_write_end(&writer), STATUS_LIMIT);
        assert_true(out.len <= size);
        buf_free(&out);
    }
}

static void a_value_alone_is_json(void **state)
{
    (void)state; /* no fixture */
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 64);
    json_writer_init(&writer, &out);
    json_write_uint64(&writer, 10);
    assert_int_equal(json_write_end(&writer), STATUS_OK);
    buf_append_byte(&out, '\n');
    json_writer_init(&writer, &out);
    json_write_string(&writer, STR("\n"));
    assert_int_equal(json_write_end(&writer), STATUS_OK);
    assert_string_equal(buf_terminated(&out), "10\n\"\\n\"");
    buf_free(&out);
}

/* Written as a key and as a string, then read; compared with what it must come to. */
static void read_back(struct str text, struct str expected)
{
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 1 << 16);
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    json_write_key(&writer, text);
    json_write_string(&writer, text);
    json_write_object_end(&writer);
    assert_int_equal(json_write_end(&writer), STATUS_OK);

    struct arena arena;
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    struct json_reader reader;
    struct str key, value;
    json_reader_init(&reader, buf_view(&out), &arena);
    assert_true(json_object_begin(&reader));
    assert_true(json_object_next(&reader, &key) && str_equal(key, expected));
    assert_true(json_string(&reader, &value));
    assert_true(str_equal(value, expected));
    assert_false(json_object_next(&reader, &key));
    assert_int_equal(json_end(&reader), STATUS_OK);
    arena_done(&arena);
    buf_free(&out);
}

static void every_ascii_string_is_read_back_as_it_was(void **state)
{
    (void)state; /* no fixture */
    char text[24];
    for (unsigned byte = 0; byte < 128; byte++) {
        for (size_t place = 0; place < sizeof text; place++) {
            memset(text, 'x', sizeof text);
            text[place] = (char)byte;
            struct str written = { text, sizeof text };
            read_back(written, written);
        }
    }
}

static void bytes_that_are_no_utf8_become_replacement_characters(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        const char *read;
    } cases[] = {
        { "\xFF", "\xEF\xBF\xBD" },
        { "a\x80z", "a\xEF\xBF\xBDz" },
        { "\xC3\xA9", "\xC3\xA9" },
        { "\xC3", "\xEF\xBF\xBD" },
        { "\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xF0\x9F\x98\x80\xF0", "\xF0\x9F\x98\x80\xEF\xBF\xBD" },
        { "\xC0\xAF\"", "\xEF\xBF\xBD\xEF\xBF\xBD\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        read_back(str_from(cases[i].text), str_from(cases[i].read));
}

static void misuse(void *argument)
{
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 4096);
    json_writer_init(&writer, &out);
    switch (*(const int *)argument) {
    case 0: /* a value without a key */
        json_write_object_begin(&writer);
        json_write_null(&writer);
        break;
    case 1: /* a key in an array */
        json_write_array_begin(&writer);
        json_write_key(&writer, STR("a"));
        break;
    case 2: /* a key at the top */ json_write_key(&writer, STR("a")); break;
    case 3: /* a key after a key */
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("a"));
        json_write_key(&writer, STR("b"));
        break;
    case 4: /* an end after a key */
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("a"));
        json_write_object_end(&writer);
        break;
    case 5: /* the wrong end */
        json_write_array_begin(&writer);
        json_write_object_end(&writer);
        break;
    case 6: /* an end too many */
        json_write_array_begin(&writer);
        json_write_array_end(&writer);
        json_write_array_end(&writer);
        break;
    case 7: /* two values at the top */
        json_write_null(&writer);
        json_write_null(&writer);
        break;
    case 8: /* no value */ (void)!json_write_end(&writer); break;
    case 9: /* the end before the end */
        json_write_array_begin(&writer);
        (void)!json_write_end(&writer);
        break;
    default: /* too deep */
        for (int i = 0; i <= JSON_DEPTH_MAX; i++) json_write_array_begin(&writer);
        break;
    }
    buf_free(&out);
}

static void calls_out_of_order_stop_the_program(void **state)
{
    (void)state; /* no fixture */
    for (int way = 0; way < 11; way++) {
        if (!dies(misuse, &way)) fail_msg("misuse %d goes unnoticed", way);
    }
}

static void as_deep_as_is_allowed_is_written(void **state)
{
    (void)state; /* no fixture */
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 4096);
    json_writer_init(&writer, &out);
    for (int i = 0; i < JSON_DEPTH_MAX; i += 2) {
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("k"));
        json_write_array_begin(&writer);
    }
    for (int i = 0; i < JSON_DEPTH_MAX; i += 2) {
        json_write_array_end(&writer);
        json_write_object_end(&writer);
    }
    assert_int_equal(json_write_end(&writer), STATUS_OK);
    struct arena arena;
    assert_int_equal(arena_init(&arena, 4096), STATUS_OK);
    struct json_reader reader;
    json_reader_init(&reader, buf_view(&out), &arena);
    assert_true(json_skip(&reader));
    assert_int_equal(json_end(&reader), STATUS_OK);
    arena_done(&arena);
    buf_free(&out);
}

static void json_that_is_there_already_stands_as_it_is(void **state)
{
    (void)state; /* no fixture */
    struct buf BUF_SCOPE out;
    buf_init(&out, 256);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_array_begin(&writer);
    json_write_json(&writer, STR("{\"a\":[1,2]}"));
    json_write_json(&writer, STR("7"));
    json_write_array_end(&writer);
    assert_int_equal(json_write_end(&writer), STATUS_OK);
    assert_true(str_equal(buf_view(&out), STR("[{\"a\":[1,2]},7]")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_exact),
        cmocka_unit_test(what_does_not_fit_says_so),
        cmocka_unit_test(a_value_alone_is_json),
        cmocka_unit_test(every_ascii_string_is_read_back_as_it_was),
        cmocka_unit_test(bytes_that_are_no_utf8_become_replacement_characters),
        cmocka_unit_test(calls_out_of_order_stop_the_program),
        cmocka_unit_test(as_deep_as_is_allowed_is_written),
        cmocka_unit_test(json_that_is_there_already_stands_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: the reader takes exactly the JSON of RFC 8259 that is within its limits, says what is
 * wrong and where, and never reads a byte too far.
 * Method: tables of texts by rule, skipped whole, with the fault and its JSON Pointer; one text
 * that holds everything, cut at every byte; values of each type asked for as each other;
 * duplicate keys in unlike spellings; inputs on the heap at their exact size.
 */
#include "base/json_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check_test.h"

enum { ARENA_SIZE = 1 << 16 };

static struct arena arena_new(void)
{
    struct arena arena;
    assert_int_equal(arena_init(&arena, ARENA_SIZE), STATUS_OK);
    return arena;
}

struct verdict {
    enum json_fault fault;
    size_t offset;
    char pointer[128];
};

static void verdict_of(const struct json_reader *reader, struct verdict *out_verdict)
{
    struct buf pointer;
    buf_init(&pointer, sizeof out_verdict->pointer - 1);
    json_pointer(reader, &pointer);
    assert_int_equal(buf_status(&pointer), STATUS_OK);
    out_verdict->fault = reader->fault;
    out_verdict->offset = reader->fault_offset;
    memcpy(out_verdict->pointer, buf_terminated(&pointer), pointer.len + 1);
    buf_free(&pointer);
}

/* Reads a text whole by json_skip(), from memory of exactly its size. */
static void skip_whole(struct str text, struct verdict *out_verdict)
{
    char *exact = malloc(text.len + (text.len == 0));
    assert_non_null(exact);
    memcpy(exact, text.data, text.len);
    struct arena arena = arena_new();
    struct json_reader reader;
    json_reader_init(&reader, (struct str){ exact, text.len }, &arena);
    bool taken = json_skip(&reader);
    enum status status = json_end(&reader);
    assert_int_equal(status == STATUS_OK, reader.fault == JSON_FAULT_NONE);
    assert_true(taken || status != STATUS_OK);
    if (status == STATUS_OK) assert_int_equal(arena.used, 0);
    verdict_of(&reader, out_verdict);
    arena_done(&arena);
    free(exact);
}

static void what_the_grammar_allows_passes(void **state)
{
    (void)state; /* no fixture */
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "10",
        "1.0",
        "0.5",
        "-0.5e+10",
        "1E5",
        "1e-5",
        "0e0",
        "123456789012345678901234567890",
        "1e999999",
        "\"\"",
        "\"a\"",
        "\"\x7F\"",
        "\"\\u0000\"",
        "\"\xF4\x8F\xBF\xBF\"",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        " \t\r\n1 \t\r\n",
        "[1,2,3]",
        "[ 1 , [ ] , { } ]",
        "{\"a\":1,\"b\":2}",
        "{ \"a\" : { \"a\" : [ { \"a\" : null } ] } }",
        "{\"\":0}",
        "{\"a\":1,\"A\":2,\"a \":3}",
        "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
        "[{\"a\":1},{\"a\":1}]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct verdict verdict;
        skip_whole(str_from(texts[i]), &verdict);
        if (verdict.fault != JSON_FAULT_NONE)
            fail_msg("%s: %s", texts[i], json_fault_name(verdict.fault));
        assert_string_equal(verdict.pointer, "");
    }
}

struct refusal {
    const char *text;
    enum json_fault fault;
    size_t offset;
    const char *pointer;
};

static const struct refusal refusals[] = {
    { "", JSON_FAULT_TRUNCATED, 0, "" },
    { " ", JSON_FAULT_TRUNCATED, 1, "" },
    { "\xEF\xBB\xBF[]", JSON_FAULT_SYNTAX, 0, "" },
    { "\f1", JSON_FAULT_SYNTAX, 0, "" },
    { "\v1", JSON_FAULT_SYNTAX, 0, "" },
    { "\xC2\xA0[]", JSON_FAULT_SYNTAX, 0, "" },

    { "nul", JSON_FAULT_TRUNCATED, 3, "" },
    { "nulL", JSON_FAULT_SYNTAX, 3, "" },
    { "True", JSON_FAULT_SYNTAX, 0, "" },
    { "truth", JSON_FAULT_SYNTAX, 3, "" },
    { "truee", JSON_FAULT_TRAILING, 4, "" },
    { "fals", JSON_FAULT_TRUNCATED, 4, "" },
    { "NaN", JSON_FAULT_SYNTAX, 0, "" },
    { "Infinity", JSON_FAULT_SYNTAX, 0, "" },
    { "'a'", JSON_FAULT_SYNTAX, 0, "" },
    { "// x\n1", JSON_FAULT_SYNTAX, 0, "" },
    { "1 /* x */", JSON_FAULT_TRAILING, 2, "" },

    { "-", JSON_FAULT_TRUNCATED, 1, "" },
    { "+1", JSON_FAULT_SYNTAX, 0, "" },
    { ".5", JSON_FAULT_SYNTAX, 0, "" },
    { "00", JSON_FAULT_NUMBER, 1, "" },
    { "01", JSON_FAULT_NUMBER, 1, "" },
    { "-01", JSON_FAULT_NUMBER, 2, "" },
    { "-a", JSON_FAULT_NUMBER, 1, "" },
    { "1.", JSON_FAULT_TRUNCATED, 2, "" },
    { "[1.]", JSON_FAULT_NUMBER, 3, "/0" },
    { "1e", JSON_FAULT_TRUNCATED, 2, "" },
    { "[1e]", JSON_FAULT_NUMBER, 3, "/0" },
    { "1e+", JSON_FAULT_TRUNCATED, 3, "" },
    { "[1E-]", JSON_FAULT_NUMBER, 4, "/0" },
    { "1.e5", JSON_FAULT_NUMBER, 2, "" },
    { "0x10", JSON_FAULT_TRAILING, 1, "" },
    { "1 2", JSON_FAULT_TRAILING, 2, "" },
    { "1_000", JSON_FAULT_TRAILING, 1, "" },

    { "\"", JSON_FAULT_TRUNCATED, 1, "" },
    { "\"a", JSON_FAULT_TRUNCATED, 2, "" },
    { "\"\t\"", JSON_FAULT_CONTROL, 1, "" },
    { "\"\\x\"", JSON_FAULT_ESCAPE, 2, "" },
    { "[\"\\ud800\"]", JSON_FAULT_SURROGATE, 4, "/0" },
    { "{\"a\":\"\xFF\"}", JSON_FAULT_UTF8, 6, "/a" },
    { "{\"\xFF\":1}", JSON_FAULT_UTF8, 2, "" },

    { "[", JSON_FAULT_TRUNCATED, 1, "" },
    { "]", JSON_FAULT_SYNTAX, 0, "" },
    { "[1", JSON_FAULT_TRUNCATED, 2, "" },
    { "[1,", JSON_FAULT_TRUNCATED, 3, "/1" },
    { "[1,]", JSON_FAULT_SYNTAX, 3, "/1" },
    { "[,1]", JSON_FAULT_SYNTAX, 1, "/0" },
    { "[1,,2]", JSON_FAULT_SYNTAX, 3, "/1" },
    { "[1 2]", JSON_FAULT_SYNTAX, 3, "" },
    { "[1}", JSON_FAULT_SYNTAX, 2, "" },
    { "[1]]", JSON_FAULT_TRAILING, 3, "" },
    { "[1:2]", JSON_FAULT_SYNTAX, 2, "" },

    { "{", JSON_FAULT_TRUNCATED, 1, "" },
    { "}", JSON_FAULT_SYNTAX, 0, "" },
    { "{\"a\"", JSON_FAULT_TRUNCATED, 4, "" },
    { "{\"a\":", JSON_FAULT_TRUNCATED, 5, "/a" },
    { "{\"a\":}", JSON_FAULT_SYNTAX, 5, "/a" },
    { "{\"a\"}", JSON_FAULT_SYNTAX, 4, "" },
    { "{\"a\",\"b\"}", JSON_FAULT_SYNTAX, 4, "" },
    { "{\"a\":1", JSON_FAULT_TRUNCATED, 6, "" },
    { "{\"a\":1,", JSON_FAULT_TRUNCATED, 7, "" },
    { "{\"a\":1,}", JSON_FAULT_SYNTAX, 7, "" },
    { "{,\"a\":1}", JSON_FAULT_SYNTAX, 1, "" },
    { "{a:1}", JSON_FAULT_SYNTAX, 1, "" },
    { "{1:1}", JSON_FAULT_SYNTAX, 1, "" },
    { "{null:1}", JSON_FAULT_SYNTAX, 1, "" },
    { "{\"a\":1 \"b\":2}", JSON_FAULT_SYNTAX, 7, "" },
    { "{\"a\":1]", JSON_FAULT_SYNTAX, 6, "" },
    { "{\"a\":1}}", JSON_FAULT_TRAILING, 7, "" },
    { "{\"a\"=1}", JSON_FAULT_SYNTAX, 4, "" },

    { "{\"a\":1,\"a\":2}", JSON_FAULT_DUPLICATE, 7, "/a" },
    { "{\"a\":1,\"\\u0061\":2}", JSON_FAULT_DUPLICATE, 7, "/a" },
    { "{\"\\u0061\":1,\"b\":0,\"a\":2}", JSON_FAULT_DUPLICATE, 18, "/a" },
    { "{\"\":1,\"\":2}", JSON_FAULT_DUPLICATE, 6, "/" },
    { "[0,{\"x\":{\"~/\":1,\"b\":2,\"~/\":3}}]", JSON_FAULT_DUPLICATE, 22, "/1/x/~0~1" },
    { "{\"a\":{\"a\":1},\"a\":1}", JSON_FAULT_DUPLICATE, 13, "/a" },

    { "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", JSON_FAULT_DEPTH, 16,
      "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0" },
    { "{\"a\":[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]}", JSON_FAULT_DEPTH, 20,
      "/a/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0" },
};

static void what_the_grammar_forbids_is_named_and_placed(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct verdict verdict;
        skip_whole(str_from(refusals[i].text), &verdict);
        if (verdict.fault != refusals[i].fault || verdict.offset != refusals[i].offset)
            fail_msg("%s: %s at %zu", refusals[i].text, json_fault_name(verdict.fault),
                     verdict.offset);
        if (strcmp(verdict.pointer, refusals[i].pointer) != 0)
            fail_msg("%s: pointer is %s", refusals[i].text, verdict.pointer);
    }
}

static void a_zero_byte_is_no_json(void **state)
{
    (void)state; /* no fixture */
    static const struct str texts[] = { { "\0", 1 },      { "1\0", 2 },         { "[\0]", 3 },
                                        { "\"\0\"", 3 },  { "{\"a\0\":1}", 8 }, { "tru\0", 4 },
                                        { "[1\0,2]", 6 }, { "1\0002", 3 } };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct verdict verdict;
        skip_whole(texts[i], &verdict);
        if (verdict.fault == JSON_FAULT_NONE) fail_msg("text %zu passed", i);
    }
}

static const char everything[] =
    " { \"id\" : \"0190a8e0-0000-7000-8000-00000000002a\" , \"n\":-1.5e+3,\"t\":true,\"f\":false,"
    "\"z\":null,\"s\":\"\\ud83d\\ude00 \xE2\x82\xAC \\n\",\"a\":[0,[],{}, {\"k\\t\":[1 , 2]}]}\r\n";

static void a_text_cut_anywhere_is_refused(void **state)
{
    (void)state; /* no fixture */
    struct verdict verdict;
    size_t whole = sizeof everything - 1 - 2; /* without the line end */
    for (size_t len = 0; len < whole; len++) {
        skip_whole((struct str){ everything, len }, &verdict);
        if (verdict.fault == JSON_FAULT_NONE) fail_msg("cut at %zu passes", len);
        /* A cut character is not valid UTF-8; all other cuts are told as what they are. */
        if (verdict.fault != JSON_FAULT_UTF8) assert_int_equal(verdict.fault, JSON_FAULT_TRUNCATED);
    }
    for (size_t len = whole; len < sizeof everything; len++) {
        skip_whole((struct str){ everything, len }, &verdict);
        assert_int_equal(verdict.fault, JSON_FAULT_NONE);
    }
}

static void a_text_with_any_byte_changed_is_read_within_its_bounds(void **state)
{
    (void)state; /* no fixture */
    char text[sizeof everything];
    for (size_t place = 0; place < sizeof everything - 1; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(text, everything, sizeof text);
            text[place] = (char)byte;
            struct verdict verdict;
            skip_whole((struct str){ text, sizeof text - 1 }, &verdict);
            assert_true(verdict.offset <= sizeof text - 1);
        }
    }
}

static void start(struct json_reader *reader, const char *text, struct arena *arena)
{
    json_reader_init(reader, str_from(text), arena);
}

static void values_are_read_as_what_they_are(void **state)
{
    (void)state; /* no fixture */
    struct arena arena = arena_new();
    struct json_reader reader;
    start(
        &reader,
        "[true,false,null,0,18446744073709551615,-1.5e3,\"\",\"plain\",\"\\u20ac\\n\","
        "\"0190A8E0-0000-7000-8000-00000000002a\",\"\\u0030190a8e0-0000-7000-8000-00000000002a\"]",
        &arena);
    bool flag = false;
    uint64_t number = 77;
    struct str text = STR("");
    struct uuid id = { 0 };
    assert_int_equal(json_peek(&reader), JSON_ARRAY);
    assert_true(json_array_begin(&reader));
    assert_true(json_array_next(&reader) && json_bool(&reader, &flag) && flag);
    assert_true(json_array_next(&reader) && json_bool(&reader, &flag) && !flag);
    assert_true(json_array_next(&reader) && json_null(&reader));
    assert_true(json_array_next(&reader) && !json_null(&reader));
    assert_true(json_uint64(&reader, &number) && number == 0);
    assert_true(json_array_next(&reader) && json_uint64(&reader, &number));
    assert_true(number == UINT64_MAX);
    assert_true(json_array_next(&reader) && json_number(&reader, &text));
    assert_true(str_equal(text, STR("-1.5e3")));
    assert_true(json_array_next(&reader) && json_string(&reader, &text) && text.len == 0);
    assert_true(json_array_next(&reader) && json_string(&reader, &text));
    assert_true(str_equal(text, STR("plain")));
    assert_ptr_equal(text.data, strstr(reader.start, "plain")); /* a view, no copy */
    assert_true(json_array_next(&reader) && json_string(&reader, &text));
    assert_true(str_equal(text, STR("\xE2\x82\xAC\n")));
    for (unsigned i = 0; i < 2; i++) {
        assert_true(json_array_next(&reader) && json_uuid(&reader, &id));
        assert_true(id.hi == 0x0190A8E000007000U && id.lo == 0x800000000000002AU);
    }
    assert_false(json_array_next(&reader));
    assert_int_equal(json_end(&reader), STATUS_OK);
    arena_done(&arena);
}

/* Asks for a value as each type; bit i: way i was taken. */
static unsigned ways_taken(const char *value)
{
    unsigned taken = 0;
    for (unsigned way = 0; way < 8; way++) {
        struct json_reader reader;
        start(&reader, value, NULL);
        bool flag;
        uint64_t number;
        struct str text;
        struct uuid id;
        bool ok = way == 0   ? json_null(&reader)
                  : way == 1 ? json_bool(&reader, &flag)
                  : way == 2 ? json_number(&reader, &text)
                  : way == 3 ? json_uint64(&reader, &number)
                  : way == 4 ? json_string(&reader, &text)
                  : way == 5 ? json_uuid(&reader, &id)
                  : way == 6 ? json_array_begin(&reader)
                             : json_object_begin(&reader);
        taken |= (unsigned)ok << way;
        if (ok || way == 0) continue;
        enum json_fault fault = reader.fault;
        assert_true(fault == JSON_FAULT_TYPE || (way == 5 && fault == JSON_FAULT_UUID));
        assert_int_equal(json_end(&reader), STATUS_INVALID);
    }
    return taken;
}

static void a_value_of_another_type_is_refused(void **state)
{
    (void)state; /* no fixture */
    assert_int_equal(ways_taken("null"), 1 << 0);
    assert_int_equal(ways_taken("true"), 1 << 1);
    assert_int_equal(ways_taken("7"), 1 << 2 | 1 << 3);
    assert_int_equal(ways_taken("-7"), 1 << 2);
    assert_int_equal(ways_taken("7.0"), 1 << 2);
    assert_int_equal(ways_taken("7e0"), 1 << 2);
    assert_int_equal(ways_taken("\"7\""), 1 << 4);
    assert_int_equal(ways_taken("\"0190a8e0-0000-7000-8000-00000000002a\""), 1 << 4 | 1 << 5);
    assert_int_equal(ways_taken("\"0190a8e0-0000-7000-8000-00000000002\""), 1 << 4);
    assert_int_equal(ways_taken("\"0190a8e0-0000-7000-8000-00000000002aa\""), 1 << 4);
    assert_int_equal(ways_taken("\"0190a8e000007000800000000000002a\""), 1 << 4);
    assert_int_equal(ways_taken("[]"), 1 << 6);
    assert_int_equal(ways_taken("{}"), 1 << 7);
}

static void numbers_past_64_bits_are_out_of_range(void **state)
{
    (void)state; /* no fixture */
    static const char *const texts[] = { "18446744073709551616", "18446744073709551620",
                                         "99999999999999999999", "100000000000000000000000" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json_reader reader;
        uint64_t number = 77;
        start(&reader, texts[i], NULL);
        assert_false(json_uint64(&reader, &number));
        assert_int_equal(reader.fault, JSON_FAULT_RANGE);
        assert_int_equal(number, 77);
    }
}

enum { FIELD_ID, FIELD_AMOUNT, FIELD_TO, FIELD_A_LONG_ONE, FIELD_A, FIELD_COUNT };
static const struct str field_names[FIELD_COUNT] = {
    { "id", 2 }, { "amount", 6 }, { "to", 2 }, { "a_name_of_more_than_16", 22 }, { "a", 1 },
};
static const struct json_fields fields = { field_names, FIELD_COUNT };

/* Reads one object of the fields above, each a number, into values by field. */
static void fields_read(struct json_reader *reader, uint64_t values[FIELD_COUNT])
{
    if (!json_object_begin(reader)) return;
    unsigned field;
    while (json_object_field(reader, &fields, &field)) {
        assert_true(field < FIELD_COUNT);
        if (!json_uint64(reader, &values[field])) return;
    }
}

static void fields_are_found_in_any_order_and_spelling(void **state)
{
    (void)state; /* no fixture */
    static const char *const texts[] = {
        "{\"id\":1,\"amount\":2,\"to\":3,\"a_name_of_more_than_16\":4,\"a\":5}",
        "{\"a\":5,\"a_name_of_more_than_16\":4,\"to\":3,\"amount\":2,\"id\":1}",
        " { \"to\" : 3 , \"id\" : 1 , \"a\" : 5 , \"amount\" : 2 , \"a_name_of_more_than_16\" : 4 } ",
        "{\"\\u0069d\":1,\"am\\u006funt\":2,\"t\\u006F\":3,\"a\":5,\"a_name_of_more_than_1\\u0036\":4}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct arena arena = arena_new();
        struct json_reader reader;
        uint64_t values[FIELD_COUNT] = { 0 };
        start(&reader, texts[i], &arena);
        fields_read(&reader, values);
        assert_int_equal(json_end(&reader), STATUS_OK);
        assert_int_equal(json_fields_seen(&reader), (1 << FIELD_COUNT) - 1);
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            assert_int_equal(values[field], field + 1);
        arena_done(&arena);
    }
}

static void unknown_and_repeated_fields_are_refused(void **state)
{
    (void)state; /* no fixture */
    static const struct refusal cases[] = {
        { "{\"id\":1,\"di\":2}", JSON_FAULT_UNKNOWN, 8, "/di" },
        { "{\"Id\":1}", JSON_FAULT_UNKNOWN, 1, "/Id" },
        { "{\"\":1}", JSON_FAULT_UNKNOWN, 1, "/" },
        { "{\"amounts\":1}", JSON_FAULT_UNKNOWN, 1, "/amounts" },
        { "{\"amoumt\":1}", JSON_FAULT_UNKNOWN, 1, "/amoumt" },
        { "{\"amxunt\":1}", JSON_FAULT_UNKNOWN, 1, "/amxunt" },
        { "{\"a_name_of_more_than_17\":1}", JSON_FAULT_UNKNOWN, 1, "/a_name_of_more_than_17" },
        { "{\"b\":1}", JSON_FAULT_UNKNOWN, 1, "/b" },
        { "{\"a/b~\":1}", JSON_FAULT_UNKNOWN, 1, "/a~1b~0" },
        { "{\"id\":1,\"id\":1}", JSON_FAULT_DUPLICATE, 8, "/id" },
        { "{\"id\":1,\"to\":1,\"\\u0069d\":1}", JSON_FAULT_DUPLICATE, 15, "/id" },
        { "{\"a\":1,\"to\":1,\"a\":1}", JSON_FAULT_DUPLICATE, 14, "/a" },
        { "{\"id\":\"1\"}", JSON_FAULT_TYPE, 6, "/id" },
        { "{\"id", JSON_FAULT_TRUNCATED, 4, "" },
        { "{\"id\"", JSON_FAULT_TRUNCATED, 5, "" },
        { "{\"id\" 1}", JSON_FAULT_SYNTAX, 6, "" },
        { "{\"unknown", JSON_FAULT_TRUNCATED, 9, "" },
        { "[]", JSON_FAULT_TYPE, 0, "" },
        { "{} {}", JSON_FAULT_TRAILING, 3, "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = arena_new();
        struct json_reader reader;
        uint64_t values[FIELD_COUNT];
        start(&reader, cases[i].text, &arena);
        fields_read(&reader, values);
        assert_int_equal(json_end(&reader), STATUS_INVALID);
        struct verdict verdict;
        verdict_of(&reader, &verdict);
        if (verdict.fault != cases[i].fault || verdict.offset != cases[i].offset ||
            strcmp(verdict.pointer, cases[i].pointer) != 0)
            fail_msg("%s: %s at %zu, %s", cases[i].text, json_fault_name(verdict.fault),
                     verdict.offset, verdict.pointer);
        arena_done(&arena);
    }
}

/* The looks ahead at an expected key and at a UUID must stop where the input does. */
static void fields_and_ids_cut_anywhere_are_read_within_their_bounds(void **state)
{
    (void)state; /* no fixture */
    static const char text[] = "{\"id\":1,\"amount\":2,\"a_name_of_more_than_16\":3,\"a\":4}";
    static const char id_text[] = "\"0190a8e0-0000-7000-8000-00000000002a\"";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact + 1, text, len); /* ends where the memory does */
        struct json_reader reader;
        uint64_t values[FIELD_COUNT];
        json_reader_init(&reader, (struct str){ exact + 1, len }, NULL);
        fields_read(&reader, values);
        assert_int_equal(json_end(&reader), STATUS_INVALID);
        assert_int_equal(reader.fault, JSON_FAULT_TRUNCATED);
        assert_int_equal(reader.fault_offset, len);
        free(exact);
    }
    for (size_t len = 0; len < sizeof id_text - 1; len++) {
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact + 1, id_text, len);
        struct json_reader reader;
        struct uuid id;
        json_reader_init(&reader, (struct str){ exact + 1, len }, NULL);
        assert_false(json_uuid(&reader, &id));
        assert_int_equal(reader.fault, JSON_FAULT_TRUNCATED);
        free(exact);
    }
}

static void the_fields_seen_are_those_of_the_object_just_ended(void **state)
{
    (void)state; /* no fixture */
    struct json_reader reader;
    uint64_t values[FIELD_COUNT];
    unsigned field;
    start(&reader, "{\"to\":{\"id\":1,\"a\":2}}", NULL);
    assert_true(json_object_begin(&reader) && json_object_field(&reader, &fields, &field));
    fields_read(&reader, values);
    assert_int_equal(json_fields_seen(&reader), 1 << FIELD_ID | 1 << FIELD_A);
    assert_false(json_object_field(&reader, &fields, &field));
    assert_int_equal(json_fields_seen(&reader), 1 << FIELD_TO);
    assert_int_equal(json_end(&reader), STATUS_OK);
}

/* Reading has stopped in the deepest container that there can be. */
static void no_fields_are_seen_after_a_fault(void **state)
{
    (void)state; /* no fixture */
    struct json_reader reader;
    struct str text;
    unsigned field;
    start(&reader, "{\"to\":[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]}", NULL);
    assert_true(json_object_begin(&reader) && json_object_field(&reader, &fields, &field));
    assert_false(json_raw(&reader, &text));
    assert_int_equal(reader.depth, JSON_DEPTH_MAX);
    assert_false(json_object_field(&reader, &fields, &field));
    assert_int_equal(json_fields_seen(&reader), 0);
    assert_int_equal(json_end(&reader), STATUS_LIMIT);
}

static void the_first_fault_stays_and_nothing_is_written_after_it(void **state)
{
    (void)state; /* no fixture */
    struct json_reader reader;
    start(&reader, "[true,1]", NULL);
    assert_true(json_array_begin(&reader) && json_array_next(&reader));
    uint64_t number = 77;
    bool flag = true;
    struct str text = STR("kept");
    struct uuid id = { 7, 7 };
    unsigned field = 77;
    assert_false(json_uint64(&reader, &number));
    assert_false(json_bool(&reader, &flag) || json_null(&reader) || json_skip(&reader));
    assert_false(json_string(&reader, &text) || json_number(&reader, &text));
    assert_false(json_uuid(&reader, &id));
    assert_false(json_array_begin(&reader) || json_object_begin(&reader));
    assert_false(json_array_next(&reader) || json_object_next(&reader, &text));
    assert_false(json_object_field(&reader, &fields, &field));
    json_fail(&reader, "another reason");
    assert_int_equal(json_peek(&reader), JSON_NOTHING);
    assert_int_equal(json_end(&reader), STATUS_INVALID);
    assert_int_equal(reader.fault, JSON_FAULT_TYPE);
    assert_int_equal(reader.fault_offset, 1);
    assert_string_equal(reader.reason, json_fault_text(JSON_FAULT_TYPE));
    assert_true(number == 77 && flag && field == 77 && id.hi == 7 && text.len == 4);
}

static void the_caller_can_refuse_what_it_has_read(void **state)
{
    (void)state; /* no fixture */
    struct json_reader reader;
    struct verdict verdict;
    unsigned field;
    uint64_t number;
    start(&reader, "[{},{\"amount\":0}]", NULL);
    assert_true(json_array_begin(&reader) && json_array_next(&reader) && json_skip(&reader));
    assert_true(json_array_next(&reader) && json_object_begin(&reader));
    assert_true(json_object_field(&reader, &fields, &field) && json_uint64(&reader, &number));
    struct json_reader later = reader;
    json_fail(&reader, "must be more than zero");
    assert_int_equal(json_end(&reader), STATUS_INVALID);
    verdict_of(&reader, &verdict);
    assert_int_equal(verdict.fault, JSON_FAULT_VALUE);
    assert_string_equal(verdict.pointer, "/1/amount");
    assert_string_equal(reader.reason, "must be more than zero");

    assert_false(json_object_field(&later, &fields, &field));
    json_fail(&later, "an id is required");
    verdict_of(&later, &verdict);
    assert_string_equal(verdict.pointer, "/1");
}

static void escapes_need_an_arena_with_room(void **state)
{
    (void)state; /* no fixture */
    struct json_reader reader;
    struct str text;
    start(&reader, "\"a\\n\"", NULL);
    assert_false(json_string(&reader, &text));
    assert_int_equal(json_end(&reader), STATUS_LIMIT);
    assert_int_equal(reader.fault, JSON_FAULT_MEMORY);

    _Alignas(16) uint8_t room[16];
    struct arena arena;
    arena_init_over(&arena, room, sizeof room);
    start(&reader, "[\"0123456789abcd\\n\",\"\\n\"]", &arena);
    assert_true(json_array_begin(&reader) && json_array_next(&reader));
    assert_true(json_string(&reader, &text));
    assert_true(str_equal(text, STR("0123456789abcd\n")));
    assert_true(json_array_next(&reader) && !json_string(&reader, &text));
    assert_int_equal(json_end(&reader), STATUS_LIMIT);
    struct verdict verdict;
    verdict_of(&reader, &verdict);
    assert_string_equal(verdict.pointer, "/1");
    arena_done(&arena);

    start(&reader, "{\"a\":1}", NULL);
    assert_true(json_object_begin(&reader) && !json_object_next(&reader, &text));
    assert_int_equal(json_end(&reader), STATUS_LIMIT);
}

/* Keys "k0" to "k<count-1>" in an order that visits each once; `repeated` stands at the end. */
static void many_keys(struct buf *text, unsigned count, unsigned repeated)
{
    buf_append_byte(text, '{');
    for (unsigned i = 0; i < count; i++)
        buf_append_format(text, "\"k%u\":%u,", (unsigned)((uint64_t)i * 7919 % count), i);
    buf_append_format(text, "\"k%u\":0}", repeated);
    assert_int_equal(buf_status(text), STATUS_OK);
}

static void one_key_of_many_thousands_twice_is_found(void **state)
{
    (void)state; /* no fixture */
    enum { COUNT = 20000 };
    struct buf text;
    buf_init(&text, 1 << 20);
    for (unsigned repeated = 0; repeated <= COUNT; repeated += COUNT / 5) {
        buf_reset(&text);
        many_keys(&text, COUNT, repeated);
        struct arena arena;
        assert_int_equal(arena_init(&arena, (COUNT + 1) * 32 + 16), STATUS_OK);
        struct json_reader reader;
        json_reader_init(&reader, buf_view(&text), &arena);
        assert_int_equal(json_skip(&reader), repeated == COUNT);
        assert_int_equal(json_end(&reader), repeated == COUNT ? STATUS_OK : STATUS_INVALID);
        if (repeated < COUNT) {
            struct str last = buf_view(&text);
            while (last.data[last.len - 1] != 'k') last.len--;
            assert_int_equal(reader.fault, JSON_FAULT_DUPLICATE);
            assert_int_equal(reader.fault_offset, last.len - 2);
        }
        arena_done(&arena);
    }
    buf_free(&text);
}

static void members_of_any_name_are_read_in_order(void **state)
{
    (void)state; /* no fixture */
    struct arena arena = arena_new();
    struct json_reader reader;
    struct str key, value;
    start(&reader, "{\"b\":\"1\",\"\\u0061\":\"2\",\"\":{\"a\":[]}}", &arena);
    assert_true(json_object_begin(&reader));
    assert_true(json_object_next(&reader, &key) && str_equal(key, STR("b")));
    assert_true(json_string(&reader, &value) && str_equal(value, STR("1")));
    assert_true(json_object_next(&reader, &key) && str_equal(key, STR("a")));
    assert_true(json_string(&reader, &value) && str_equal(value, STR("2")));
    assert_true(json_object_next(&reader, &key) && key.len == 0);
    assert_true(json_skip(&reader));
    assert_false(json_object_next(&reader, &key));
    assert_int_equal(json_end(&reader), STATUS_OK);
    arena_done(&arena);
}

/* What no input can cause, only a wrong caller. */
static void misuse(void *argument)
{
    struct json_reader reader;
    struct str text;
    bool flag;
    unsigned field;
    switch (*(const int *)argument) {
    case 0: /* a value where none is due */
        start(&reader, "true", NULL);
        if (json_bool(&reader, &flag)) (void)json_bool(&reader, &flag);
        break;
    case 1: /* an item without reading the one before */
        start(&reader, "[1,2]", NULL);
        if (json_array_begin(&reader) && json_array_next(&reader)) (void)!json_array_next(&reader);
        break;
    case 2: /* an object read as an array */
        start(&reader, "{}", NULL);
        if (json_object_begin(&reader)) (void)!json_array_next(&reader);
        break;
    case 3: /* an array read as an object */
        start(&reader, "[]", NULL);
        if (json_array_begin(&reader)) (void)!json_object_next(&reader, &text);
        break;
    case 4: /* an end within an array */
        start(&reader, "[]", NULL);
        if (json_array_begin(&reader)) (void)!json_end(&reader);
        break;
    case 5: /* an end before the value */
        start(&reader, "1", NULL);
        (void)!json_end(&reader);
        break;
    case 6: /* the next of nothing */
        start(&reader, "1", NULL);
        (void)!json_array_next(&reader);
        break;
    default: /* both ways of reading one object */
        start(&reader, "{\"a\":true,\"b\":true}", NULL);
        if (json_object_begin(&reader) && json_object_field(&reader, &fields, &field) &&
            json_bool(&reader, &flag))
            (void)!json_object_next(&reader, &text);
        break;
    }
}

static void calls_out_of_order_stop_the_program(void **state)
{
    (void)state; /* no fixture */
    for (int way = 0; way < 8; way++) {
        if (!dies(misuse, &way)) fail_msg("misuse %d goes unnoticed", way);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_grammar_allows_passes),
        cmocka_unit_test(what_the_grammar_forbids_is_named_and_placed),
        cmocka_unit_test(a_zero_byte_is_no_json),
        cmocka_unit_test(a_text_cut_anywhere_is_refused),
        cmocka_unit_test(a_text_with_any_byte_changed_is_read_within_its_bounds),
        cmocka_unit_test(values_are_read_as_what_they_are),
        cmocka_unit_test(a_value_of_another_type_is_refused),
        cmocka_unit_test(numbers_past_64_bits_are_out_of_range),
        cmocka_unit_test(fields_are_found_in_any_order_and_spelling),
        cmocka_unit_test(unknown_and_repeated_fields_are_refused),
        cmocka_unit_test(fields_and_ids_cut_anywhere_are_read_within_their_bounds),
        cmocka_unit_test(the_fields_seen_are_those_of_the_object_just_ended),
        cmocka_unit_test(no_fields_are_seen_after_a_fault),
        cmocka_unit_test(the_first_fault_stays_and_nothing_is_written_after_it),
        cmocka_unit_test(the_caller_can_refuse_what_it_has_read),
        cmocka_unit_test(escapes_need_an_arena_with_room),
        cmocka_unit_test(one_key_of_many_thousands_twice_is_found),
        cmocka_unit_test(members_of_any_name_are_read_in_order),
        cmocka_unit_test(calls_out_of_order_stop_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

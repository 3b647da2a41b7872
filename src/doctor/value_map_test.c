/*
 * Goal: a map leads to what it says and to nothing else; wrong lines of one are refused by number;
 * amounts are of the currency's decimals, and never guessed.
 * Method: tables of lines beside errors, of patterns beside keys, of values beside records.
 */
#include "doctor/value_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fault_case {
    const char *text;
    const char *fault; /* part of the error; NULL: it is taken */
};

static const struct fault_case faults[] = {
    { "account = key.1\n# remark\n\namounts = major\n", NULL },
    { "account = value.a.b header.X key value", NULL },
    { "account", "line 1" },
    { "account =", "line 1" },
    { "\n= value", "line 2" },
    { "balance = value.x", "no such field" },
    { "account = body.x", "a path is" },
    { "account = key.0", "a path is" },
    { "account = key.9", "a path is" },
    { "amounts = whole", "minor or major" },
};

static void wrong_lines_are_refused_by_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct value_map map = { 0 };
        struct error error;
        enum status status = value_map_parse(&map, "cache", str_from(faults[i].text), &error);
        assert_int_equal(status, faults[i].fault == NULL ? STATUS_OK : STATUS_INVALID);
        if (faults[i].fault != NULL) assert_non_null(strstr(error.message, faults[i].fault));
    }
}

struct match_case {
    const char *pattern;
    const char *key;
    const char *captures; /* "a|b"; NULL: it is not of the pattern */
};

static const struct match_case matches[] = {
    { "balance:*", "balance:w17", "w17" },
    { "*:*:balance", "t5:w17:balance", "t5|w17" },
    { "*:*", "a:b:c", "a|b:c" },
    { "*ab", "aab", "a" },
    { "*", "", "" },
    { "a*", "a", "" },
    { "balance:*", "balance", NULL },
    { "x", "xy", NULL },
    { "xy", "x", NULL },
    { "*b", "aba", NULL },
};

static void keys_are_matched_and_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof matches[0]; i++) {
        const struct match_case *row = &matches[i];
        struct value_source source = { 0 };
        bool is = value_key_match(&source, str_from(row->pattern), str_from(row->key));
        assert_int_equal(is, row->captures != NULL);
        if (!is) continue;
        BUF_SCOPE struct buf text;
        buf_init(&text, 256);
        for (uint32_t k = 0; k < source.capture_count; k++) {
            if (k > 0) buf_append_byte(&text, '|');
            buf_append_str(&text, source.captures[k]);
        }
        struct str view = buf_view(&text);
        assert_true(str_equal(view, str_from(row->captures)));
    }
}

struct value_case {
    const char *map;
    const char *value; /* JSON, or a text */
    const char *record;
};

static const struct value_case values[] = {
    { "amount = value.b\nccy = value.c", "{\"b\":\"12.50\",\"c\":\"EUR\"}",
      "\"amount\":\"1250\",\"ccy\":\"EUR\"" },
    { "amount = value.b\nccy = value.c", "{\"b\":12,\"c\":\"JPY\"}",
      "\"amount\":\"12\",\"ccy\":\"JPY\"" },
    { "amounts = major\namount = value.b\nccy = value.c", "{\"b\":-12,\"c\":\"EUR\"}",
      "\"amount\":\"-1200\",\"ccy\":\"EUR\"" },
    { "amount = value.b", "{\"b\":\"12.50\"}", "" }, /* of what? */
    { "amount = value.b\nccy = value.c", "{\"b\":\"1.505\",\"c\":\"EUR\"}", "\"ccy\":\"EUR\"" },
    { "amount = value.b", "{\"b\":\"-170141183460469231731687303715884105727\"}",
      "\"amount\":\"-170141183460469231731687303715884105727\"" },
    { "amount = value.b", "{\"b\":\"170141183460469231731687303715884105728\"}", "" },
    { "ver = value.v", "{\"v\":9223372036854775808}", "" },
    { "ver = value.v", "{\"v\":\"000000000000000000007\"}", "\"ver\":7" },
    { "account = value.x value.y key.1", "{\"y\":\"w1\"}", "\"account\":\"w1\"" },
    { "account = value.x key.1", "{\"x\":{\"y\":1}}", "\"account\":\"K\"" },
    { "idem = header.idempotency-key", "{}", "\"idem\":\"i1\"" },
    { "trace = header.traceparent", "{}", "\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\"" },
    { "account = value", "w1", "\"account\":\"w1\"" },
    { "dirty = value.d", "{\"d\":true}", "\"dirty\":true" },
    { "dirty = value.d", "{\"d\":1}", "" },
    { "op = value.o", "{\"o\":\"burn\"}", "" },
    { "op = value.o", "{\"o\":\"evict\"}", "\"op\":\"evict\"" },
    { "account = value.n", "{\"n\":\"4111111111111111\"}", "\"account\":\"411111******1111\"" },
};

static void values_become_fields_of_their_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct value_case *row = &values[i];
        struct value_map map = { 0 };
        struct arena arena;
        struct error error;
        struct mask_counts masked = { 0 };
        struct value_source source = { .header_count = 2,
                                       .headers = { { STR("Idempotency-Key"), STR("i1") },
                                                    { STR("traceparent"),
                                                      STR("00-4bf92f3577b34da6a3ce929d0e0e4736-"
                                                          "00f067aa0ba902b7-01") } } };
        assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
        assert_int_equal(value_map_parse(&map, "cache", str_from(row->map), &error), STATUS_OK);
        assert_true(value_key_match(&source, STR("*"), STR("K")));
        if (row->value[0] == '{') {
            enum status status =
                json_tree_parse(str_from(row->value), &arena, &source.root, &error);
            assert_int_equal(status, STATUS_OK);
        }
        source.text = str_from(row->value);
        BUF_SCOPE struct buf out;
        BUF_SCOPE struct buf wanted;
        buf_init(&out, 4096);
        buf_init(&wanted, 4096);
        struct evidence_line line;
        evidence_begin(&line, &out, "cache", &masked);
        value_map_write(&map, "cache", "key", &source, &line);
        evidence_end(&line);
        buf_append_format(&wanted, "{\"kind\":\"cache\"%s%s}\n", row->record[0] == '\0' ? "" : ",",
                          row->record);
        assert_string_equal(buf_terminated(&out), buf_terminated(&wanted));
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_lines_are_refused_by_number),
        cmocka_unit_test(keys_are_matched_and_taken_apart),
        cmocka_unit_test(values_become_fields_of_their_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

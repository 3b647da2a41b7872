/*
 * Goal: a line is a record with typed values, or a reject with its reason, and never a guess.
 * Method: a line with every sort of value; a table of broken lines, each with words of its reason.
 */
#include "doctor/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static struct record_names names;
static struct arena arena;
static struct record record;

static enum status parse(const char *line, const char **out_reason)
{
    record_names_init(&names);
    arena_done(&arena);
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    return record_parse(&names, str_from(line), &arena, &record, out_reason);
}

static const struct record_value *value_of(const char *name)
{
    const struct evidence_field *field;
    const struct evidence_kind *kind = &evidence_kinds[record.kind];
    for (uint32_t i = 0; (field = evidence_field_at(kind, i)) != NULL; i++) {
        if (strcmp(field->name, name) != 0) continue;
        return (record.seen >> i & 1) == 0 ? NULL : &record.values[i];
    }
    return NULL;
}

static void values_have_their_types(void **state)
{
    (void)state; /* no fixture is needed */
    const char *reason = NULL;
    assert_int_equal(
        parse("{\"kind\":\"ledger_tx\",\"ts\":\"2026-11-22T10:00:00.5+02:00\",\"tx\":501773,"
              "\"amount\":\"-170141183460469231731687303715884105728\",\"ccy\":\"CNY\","
              "\"lsn\":\"-7\",\"row_ok\":true,\"idem\":null,\"state\":\"posted\"}",
              &reason),
        STATUS_OK);
    assert_true(value_of("ts")->number == INT64_C(1795334400500000000));
    assert_true(str_equal(value_of("tx")->text, STR("501773")));
    assert_true(
        str_equal(value_of("amount")->text, STR("-170141183460469231731687303715884105728")));
    assert_int_equal(value_of("lsn")->number, -7);
    assert_int_equal(value_of("row_ok")->number, 1);
    assert_null(value_of("idem"));
    assert_int_equal(record.unknown_count, 0);
}

static void unknown_fields_are_counted_and_spoil_nothing(void **state)
{
    (void)state; /* no fixture is needed */
    const char *reason = NULL;
    assert_int_equal(parse("{\"kind\":\"posting\",\"colour\":[1,{}],\"tx\":\"t\",\"account\":\"a\","
                           "\"amount\":5,\"ccy\":\"EUR\",\"x\":1}",
                           &reason),
                     STATUS_OK);
    assert_int_equal(record.unknown_count, 2);
    assert_true(str_equal(record.unknown[0], STR("colour")));
    assert_int_equal(value_of("amount")->number, 5);
}

static void broken_lines_are_rejects_with_a_reason(void **state)
{
    static const struct {
        const char *line;
        const char *words;
    } rows[] = {
        { "", "has no kind" },
        { "{}", "has no kind" },
        { "[\"kind\",\"posting\"]", "has no kind" },
        { "{\"kind\":\"nothing\"}", "has no kind" },
        { "{\"kind\" : 7}", "has no kind" },
        { "{\"tx\":\"kind\",\"x\":{\"kind\":\"posting\"}}", "has no kind" },
        { "{\"tx\":\"\\", "has no kind" },
        { "{\"tx\":\"t\",\"kind\":\"posting\"}", "required" },
        { "{\"kind\":\"posting\",\"tx\":\"t\", \"kind\":\"hold\"}", "duplicate" },
        { "{\"tx\":\"t\",\"kind\":\"posting\",\"kind\":\"hold\"}", "duplicate" },
        { "x {\"kind\":\"posting\"}", "not JSON" },
        { "{\"kind\":\"posting\",\"tx\":\"t\",\"account\":\"a\",\"ccy\":\"EUR\"}", "required" },
        { "{\"kind\":\"posting\",\"amount\":\"1.5\"}", "whole number of minor units" },
        { "{\"kind\":\"posting\",\"amount\":\"01\"}", "whole number of minor units" },
        { "{\"kind\":\"posting\",\"amount\":1e3}", "whole number of minor units" },
        { "{\"kind\":\"posting\",\"amount\":\"170141183460469231731687303715884105728\"}", "128" },
        { "{\"kind\":\"posting\",\"ts\":\"yesterday\"}", "RFC 3339" },
        { "{\"kind\":\"posting\",\"ts\":-5}", "nanoseconds" },
        { "{\"kind\":\"posting\",\"pos\":1.5}", "not whole" },
        { "{\"kind\":\"posting\",\"tx\":\"\"}", "empty" },
        { "{\"kind\":\"posting\",\"tx\":true}", "neither string nor number" },
        { "{\"kind\":\"ledger_tx\",\"state\":\"odd\"}", "list" },
        { "{\"kind\":\"wal\",\"op\":\"odd\"}", "list" },
        { "{\"kind\":\"ledger_tx\",\"row_ok\":\"true\"}", "true or false" },
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *reason = NULL;
        assert_int_equal(parse(rows[i].line, &reason), STATUS_INVALID);
        if (strstr(reason, rows[i].words) == NULL) fail_msg("%s: %s", rows[i].line, reason);
    }
    const char *reason = NULL;
    assert_int_equal(parse("{\"kind\":\"posting\",\"tx\":\"t\"", &reason), STATUS_INVALID);
    assert_int_equal(parse("{\"kind\":\"posting\",\"tx\":\"t\",\"tx\":\"u\"}", &reason),
                     STATUS_INVALID);
    assert_int_equal(parse("{\"kind\":\"posting\"} x", &reason), STATUS_INVALID);
    arena_done(&arena);
}

/* As other programs write it: blanks anywhere, members in any order. */
static void valid_json_is_a_record_however_it_is_written(void **state)
{
    static const char *const lines[] = {
        "{\"kind\": \"posting\", \"tx\": \"t\", \"account\": \"a\", \"amount\": \"5\", \"ccy\": \"EUR\"}",
        " {\t\"kind\" :\"posting\",\"tx\":\"t\",\"account\":\"a\",\"amount\":5,\"ccy\":\"EUR\" } \r",
        "{\"account\":\"a\",\"amount\":\"5\",\"ccy\":\"EUR\",\"kind\":\"posting\",\"tx\":\"t\"}",
        ("{\"colour\":{\"kind\":\"hold\"},\"x\":[\"kind\"],\"account\":\"a\",\"amount\":5,\"ccy\":\"EUR\","
         "\"note\":\"\\\"kind\\\":\",\"kind\":\"posting\",\"tx\":\"t\"}"),
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *reason = "";
        if (parse(lines[i], &reason) != STATUS_OK) fail_msg("%s: %s", lines[i], reason);
        assert_string_equal(evidence_kinds[record.kind].name, "posting");
        assert_int_equal(value_of("amount")->number, 5);
        assert_true(str_equal(value_of("account")->text, STR("a")));
    }
    arena_done(&arena);
}

/* A blank behind the kind sends a line through the JSON reader, which has the last word. */
static void plain_lines_are_read_as_the_json_reader_does(void **state)
{
    static const char *const rests[] = {
        ("\"ts\":\"2026-11-22T23:41:07.114Z\",\"tx\":\"t1\",\"account\":\"a\","
         "\"amount\":\"-42000\",\"ccy\":\"CNY\",\"ver\":8"),
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":999999999999999999,\"ccy\":\"EUR\",\"seq\":\"0\"",
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":\"1000000000000000000\",\"ccy\":\"EUR\"",
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":\"-0\",\"ccy\":\"EUR\"",
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":-0,\"ccy\":\"EUR\"",
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":\"00\",\"ccy\":\"EUR\"",
        "\"tx\":17,\"account\":\"a\\n\",\"amount\":0,\"ccy\":\"\xc3\xa9\",\"host\":null",
        "\"tx\":\"t\",\"tx\":\"t\",\"account\":\"a\",\"amount\":0,\"ccy\":\"EUR\"",
        "\"tx\":\"t\",\"account\":\"\",\"amount\":0,\"ccy\":\"EUR\"",
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":0,\"ccy\":\"EUR\",\"colour\":\"red\"",
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":\"\",\"ccy\":\"EUR\"",
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":1.0,\"ccy\":\"EUR\"",
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":true,\"ccy\":\"EUR\"",
        "\"tx\":\"t\",\"account\":\"a\",\"amount\":1,\"ccy\":\"EUR\",\"ts\":\"2026-02-30T00:00:00Z\"",
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        struct buf BUF_SCOPE quick;
        struct buf BUF_SCOPE slow;
        buf_init(&quick, 1024);
        buf_init(&slow, 1024);
        buf_append_format(&quick, "{\"kind\":\"posting\",%s}", rests[i]);
        buf_append_format(&slow, "{\"kind\":\"posting\", %s}", rests[i]);
        const char *reason = "";
        const char *other = "";
        static struct record first;
        enum status status = parse(buf_terminated(&quick), &reason);
        first = record;
        struct arena kept = arena; /* its texts */
        arena = (struct arena){ 0 };
        assert_int_equal(parse(buf_terminated(&slow), &other), status);
        assert_string_equal(reason, other);
        if (status == STATUS_OK) {
            assert_true(first.seen == record.seen);
            assert_int_equal(first.unknown_count, record.unknown_count);
        }
        for (uint32_t k = 0; status == STATUS_OK && k < EVIDENCE_FIELDS_MAX; k++) {
            if ((record.seen >> k & 1) == 0) continue;
            assert_true(first.values[k].number == record.values[k].number);
            assert_true(str_equal(first.values[k].text, record.values[k].text));
        }
        arena_done(&kept);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_their_types),
        cmocka_unit_test(unknown_fields_are_counted_and_spoil_nothing),
        cmocka_unit_test(broken_lines_are_rejects_with_a_reason),
        cmocka_unit_test(valid_json_is_a_record_however_it_is_written),
        cmocka_unit_test(plain_lines_are_read_as_the_json_reader_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

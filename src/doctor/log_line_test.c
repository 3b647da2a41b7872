/*
 * Goal: lines of the usual logs are read as what they say; what is broken is refused.
 * Method: lines beside the pairs that they hold, in tables; times in every form.
 */
#include "base/buf.h"
#include "doctor/log_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct line_case {
    const char *text;
    const char *pairs; /* "name=value|name=value"; NULL: it is refused */
};

static const struct line_case lines[] = {
    { "{\"ts\":\"2026-11-23T00:00:00Z\",\"n\":12.5,\"ok\":true,\"x\":null,\"in\":{\"a\":1}}",
      "ts=2026-11-23T00:00:00Z|n=12.5|ok=true" },
    { "{\"a\":\"x\\ty\"}\r", "a=x\ty" },
    { "{\"a\":1", NULL },
    { "{\"a\":1,\"a\":2}", NULL },
    { "level=info msg=\"a \\\"b\\\" c\" n=1 flag", "level=info|msg=a \"b\" c|n=1|flag=true" },
    { "a= b=2", "a=|b=2" },
    { "a=\"x", NULL },
    { "a=\"x\"y", NULL },
    { "=x", NULL },
    { "1.2.3.4 - bob [23/Nov/2026:06:14:50 +0000] \"POST /v1/x?key=1 HTTP/1.1\" 201 12 "
      "\"-\" \"curl/7\" rt=0.01",
      "client=1.2.3.4|time=23/Nov/2026:06:14:50 +0000|method=POST|path=/v1/x|status=201|"
      "referrer=-|agent=curl/7|rt=0.01" },
    { "1.2.3.4 - - [23/Nov/2026:06:14:50 +0000] \"\" 400 0 \"-\" \"-\"",
      "client=1.2.3.4|time=23/Nov/2026:06:14:50 +0000|status=400|referrer=-|agent=-" },
    { "1.2.3.4 - - [23/Nov/2026:06:14:50 +0000", NULL },
    { "panic: something", NULL },
    { "", NULL },
};

static void lines_and_what_they_hold(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct arena arena;
        struct log_line line;
        assert_int_equal(arena_init(&arena, 16 << 10), STATUS_OK);
        enum status status = log_line_parse(str_from(lines[i].text), &arena, &line);
        if ((status == STATUS_OK) != (lines[i].pairs != NULL)) fail_msg("%s", lines[i].text);
        BUF_SCOPE struct buf got;
        buf_init(&got, 4096);
        for (uint32_t k = 0; k < line.count && status == STATUS_OK; k++)
            buf_append_format(&got, "%s%.*s=%.*s", k == 0 ? "" : "|", STR_ARG(line.pairs[k].name),
                              STR_ARG(line.pairs[k].value));
        if (status == STATUS_OK) assert_string_equal(buf_terminated(&got), lines[i].pairs);
        arena_done(&arena);
    }
}

static void times_in_every_form(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        int64_t ns; /* -1: none */
    } cases[] = {
        { "2001-09-09T01:46:40Z", 1000000000000000000 },
        { "2001-09-09T03:46:40.5+02:00", 1000000000500000000 },
        { "09/Sep/2001:01:46:40 +0000", 1000000000000000000 },
        { "09/Sep/2001:03:46:40 +0200", 1000000000000000000 },
        { "1000000000", 1000000000000000000 },
        { "1000000000.25", 1000000000250000000 },
        { "1000000000123", 1000000000123000000 },
        { "1000000000123456", 1000000000123456000 },
        { "1000000000123456789", 1000000000123456789 },
        { "99999999999999999999", -1 },
        { "1000000000.", -1 },
        { "1000000000.x", -1 },
        { "12", -1 },
        { "09/Xxx/2001:01:46:40 +0000", -1 },
        { "", -1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wall_time at = { -1 };
        (void)log_line_time(str_from(cases[i].text), &at); /* -1 stays when there is none */
        if (at.ns != cases[i].ns) fail_msg("%s: %lld", cases[i].text, (long long)at.ns);
    }
}

static void the_first_name_that_is_there_counts(void **state)
{
    (void)state; /* no fixture */
    struct arena arena;
    struct log_line line;
    assert_int_equal(arena_init(&arena, 16 << 10), STATUS_OK);
    assert_int_equal(log_line_parse(STR("b=2 c=3"), &arena, &line), STATUS_OK);
    assert_true(str_equal(log_line_value(&line, "a b c"), STR("2")));
    assert_int_equal(log_line_value(&line, "x y").len, 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_what_they_hold),
        cmocka_unit_test(times_in_every_form),
        cmocka_unit_test(the_first_name_that_is_there_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

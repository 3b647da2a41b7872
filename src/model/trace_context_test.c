/*
 * Goal: traceparent is taken exactly as W3C Trace Context level 1 says, and written as it says.
 * Method: tables of valid and invalid headers from the recommendation's rules; a header changed
 * at every character.
 */
#include "model/trace_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define ZEROS "00000000000000000000000000000000"

static void a_valid_header_is_read_and_written(void **state)
{
    (void)state; /* no fixture is needed */
    struct trace trace;
    uint8_t flags;
    assert_true(traceparent_parse(STR("00-" TRACE "-" SPAN "-01"), &trace, &flags));
    assert_int_equal(trace.id.hi, 0x4bf92f3577b34da6);
    assert_int_equal(trace.id.lo, 0xa3ce929d0e0e4736);
    assert_int_equal(trace.span, 0x00f067aa0ba902b7);
    assert_int_equal(flags, TRACE_FLAG_SAMPLED);
    char text[TRACEPARENT_SIZE];
    assert_true(str_equal(traceparent_format(trace, flags, text), STR("00-" TRACE "-" SPAN "-01")));
    assert_int_equal(strlen(text), TRACEPARENT_LEN);
}

static void later_versions_may_say_more(void **state)
{
    (void)state; /* no fixture is needed */
    struct trace trace;
    uint8_t flags;
    assert_true(traceparent_parse(STR("01-" TRACE "-" SPAN "-00"), &trace, &flags));
    assert_true(traceparent_parse(STR("cc-" TRACE "-" SPAN "-00-what-the-future"), &trace, &flags));
}

static void what_is_passed_on_is_our_own_text(void **state)
{
    (void)state; /* no fixture is needed */
    char text[TRACEPARENT_SIZE];
    assert_true(str_equal(traceparent_renew(STR("cc-" TRACE "-" SPAN "-01-what-the-future"), text),
                          STR("00-" TRACE "-" SPAN "-01")));
    assert_int_equal(traceparent_renew(STR("01-" TRACE "-" SPAN "-01-\r\nx: y"), text).len, 0);
    assert_int_equal(traceparent_renew(STR(""), text).len, 0);
}

static void invalid_headers_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-01-more",
        "01-" TRACE "-" SPAN "-01-\r\nx: y",
        "01-" TRACE "-" SPAN "-01-\n",
        "01-" TRACE "-" SPAN "-01-\x7f",
        "01-" TRACE "-" SPAN "-01-\xc3\xa4",
        "01-" TRACE "-" SPAN "-01x",
        "ff-" TRACE "-" SPAN "-01",
        "00-" ZEROS "-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
        "00-" TRACE "-00F067AA0BA902B7-01",
        "00-" TRACE "-" SPAN "-0G",
        "0x-" TRACE "-" SPAN "-01",
        " 00-" TRACE "-" SPAN "-01",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
    };
    (void)state; /* no fixture is needed */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trace trace;
        uint8_t flags;
        if (traceparent_parse(str_from(rows[i]), &trace, &flags)) fail_msg("taken: %s", rows[i]);
    }
}

static void a_changed_character_is_refused_or_read_as_it_is(void **state)
{
    (void)state; /* no fixture is needed */
    char header[] = "00-" TRACE "-" SPAN "-01";
    for (size_t at = 0; at < TRACEPARENT_LEN; at++) {
        char before = header[at];
        for (int byte = 0; byte < 256; byte++) {
            struct trace trace;
            uint8_t flags;
            char text[TRACEPARENT_SIZE];
            header[at] = (char)byte;
            if (at < 2 ||
                !traceparent_parse((struct str){ header, TRACEPARENT_LEN }, &trace, &flags))
                continue;
            assert_memory_equal(traceparent_format(trace, flags, text).data, header,
                                TRACEPARENT_LEN);
        }
        header[at] = before;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_header_is_read_and_written),
        cmocka_unit_test(later_versions_may_say_more),
        cmocka_unit_test(what_is_passed_on_is_our_own_text),
        cmocka_unit_test(invalid_headers_are_refused),
        cmocka_unit_test(a_changed_character_is_refused_or_read_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

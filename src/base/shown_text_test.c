/*
 * Goal: no text from elsewhere moves a cursor, names a window, hides or turns around what stands
 * beside it; all others stay as they are.
 * Method: a table, then every byte and every character of the basic plane.
 */
#include "base/shown_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *shown;
} cases[] = {
    { "plain, with \\ and \"", "plain, with \\ and \"" },
    { "J\xC3\xBCrg \xE5\x8F\x97 \xF0\x9F\x98\x80", "J\xC3\xBCrg \xE5\x8F\x97 \xF0\x9F\x98\x80" },
    { "\x1b[2Jgone", "\\x1b[2Jgone" },
    { "a\nb\tc\rd", "a\\nb\\tc\\x0dd" },
    { "\x7f\xC2\x9B"
      "31m",
      "\\u007f\\u009b31m" },
    { "abc\xE2\x80\xAE"
      "def\xE2\x81\xA9",
      "abc\\u202edef\\u2069" },
    { "\xE2\x80\xA8", "\\u2028" },
    { "\x9b\xff\xC3", "\\x9b\\xff\\xc3" },
    { "", "" },
};

static void what_commands_a_terminal_is_escaped(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf out;
    buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_reset(&out);
        shown_text_append(&out, str_from(cases[i].text));
        assert_string_equal(buf_terminated(&out), cases[i].shown);
    }
    buf_reset(&out);
    shown_text_append_lines(&out, STR("a\n\tb\x1b\n"));
    assert_string_equal(buf_terminated(&out), "a\n\tb\\x1b\n");
}

static void nothing_below_a_blank_is_left(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf out;
    buf_init(&out, 1000);
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[2] = { 'a', (char)byte };
        buf_reset(&out);
        shown_text_append(&out, (struct str){ text, 2 });
        for (size_t i = 0; i < out.len; i++) assert_in_range(out.data[i], ' ', '~');
    }
}

static void plain_is_what_stays_as_it_is(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf out;
    buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct str text = str_from(cases[i].text);
        buf_reset(&out);
        shown_text_append_lines(&out, text);
        assert_int_equal(shown_text_is_plain(text), str_equal(buf_view(&out), text));
    }
    assert_true(shown_text_is_plain(STR("a\n\tb")));
}

static void what_does_not_fit_is_seen(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf out;
    buf_init(&out, 5);
    shown_text_append(&out, STR("\x1b\x1b"));
    assert_true(out.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_commands_a_terminal_is_escaped),
        cmocka_unit_test(nothing_below_a_blank_is_left),
        cmocka_unit_test(plain_is_what_stays_as_it_is),
        cmocka_unit_test(what_does_not_fit_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

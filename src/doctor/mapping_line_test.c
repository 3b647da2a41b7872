/*
 * Goal: a mapping's lines are taken apart as docs/reconcile.md says, and counted as editors count.
 * Method: a text with everything that may stand between, and what comes out of it.
 */
#include "doctor/mapping_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void next_is(struct str *text, struct mapping_line *line, uint32_t number, const char *name,
                    const char *value)
{
    assert_true(mapping_line_next(text, line));
    assert_int_equal(line->number, number);
    assert_true(str_equal(line->name, str_from(name)));
    assert_true(str_equal(line->value, str_from(value)));
    assert_false(line->broken);
}

static void lines_are_names_and_values(void **state)
{
    (void)state; /* no fixture */
    struct str text = STR("# a comment\n\n a = b \r\nc == d=e\n  # more\nf =\n=g\nh = i");
    struct mapping_line line = { 0 };
    next_is(&text, &line, 3, "a", "b");
    assert_false(line.constant);
    next_is(&text, &line, 4, "c", "d=e");
    assert_true(line.constant);
    next_is(&text, &line, 6, "f", "");
    next_is(&text, &line, 7, "", "g");
    next_is(&text, &line, 8, "h", "i");
    assert_false(mapping_line_next(&text, &line));
}

static void a_line_without_a_sign_is_broken(void **state)
{
    (void)state; /* no fixture */
    struct str text = STR("a b\n");
    struct mapping_line line = { 0 };
    assert_true(mapping_line_next(&text, &line));
    assert_true(line.broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_names_and_values),
        cmocka_unit_test(a_line_without_a_sign_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

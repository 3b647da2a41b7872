/*
 * Goal: letters compare without their case, and no other byte counts as a letter.
 * Method: every pair of bytes, beside the rule said in other words.
 */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void only_letters_are_equal_in_both_cases(void **state)
{
    (void)state; /* no fixture */
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            const char *first = memchr(upper, a, 26);
            const char *second = memchr(upper, b, 26);
            bool equal = a == b || (first != NULL && lower[first - upper] == b) ||
                         (second != NULL && lower[second - upper] == a);
            const char text[] = { 'x', (char)a, 'y' };
            const char other[] = { 'X', (char)b };
            struct str start = { text, 2 };
            assert_int_equal(str_equal_caseless(start, (struct str){ other, 2 }), equal);
            assert_int_equal(str_starts_caseless((struct str){ text, 3 }, (struct str){ other, 2 }),
                             equal);
        }
    }
}

static void a_shorter_text_is_a_start_and_not_equal(void **state)
{
    (void)state; /* no fixture */
    assert_false(str_equal_caseless(STR("Date"), STR("dates")));
    assert_true(str_starts_caseless(STR("Dates"), STR("date")));
    assert_false(str_starts_caseless(STR("Date"), STR("dates")));
    assert_true(str_equal_caseless((struct str){ NULL, 0 }, STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_letters_are_equal_in_both_cases),
        cmocka_unit_test(a_shorter_text_is_a_start_and_not_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

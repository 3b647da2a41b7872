/*
 * Goal: a line is read by its name and nothing else, and what is written is read again.
 * Method: rows of lines that are nearly right; a digest there and back.
 */
#include "doctor/note_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void lines_are_taken_by_name(void **state)
{
    (void)state; /* no fixture */
    struct str rest = STR("who anna of x\nnext 1\n");
    struct str value;
    assert_true(note_line_take(&rest, "who", &value));
    assert_true(str_equal(value, STR("anna of x")));
    assert_true(str_equal(rest, STR("next 1\n")));
    static const char *const wrong[] = { "",          "who\n",      "who \n", "whom anna\n",
                                         "wh anna\n", "who\tanna\n" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        rest = str_from(wrong[i]);
        assert_false(note_line_take(&rest, "who", &value));
    }
}

static void digests_come_back(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf text;
    buf_init(&text, 4096);
    struct digest digest = digest_of("a", 1);
    struct digest again;
    note_line_digest(&text, "plan", &digest);
    struct str rest = buf_view(&text);
    assert_true(note_line_take_digest(&rest, "plan", &again));
    assert_true(digest_equal(&digest, &again));
    assert_int_equal(rest.len, 0);
    rest = STR("plan 00ff\n");
    assert_false(note_line_take_digest(&rest, "plan", &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_taken_by_name),
        cmocka_unit_test(digests_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: a mistyped name is answered with the one that was meant, and with none when it could
 * be anything.
 * Method: a table of words and what they are taken for, over a set like the real one.
 */
#include "cmd/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const names[] = { "listen", "plain", "tls-cert", "tls-key", "otlp", NULL };

static const char *name_at(const void *set, uint32_t index)
{
    const char *const *list = set;
    return list[index];
}

static void a_word_is_taken_for_the_name_with_the_fewest_edits(void **state)
{
    (void)state;
    const struct {
        const char *word;
        const char *name; /* NULL: none is near */
    } cases[] = {
        { "listen", "listen" },     { "lisen", "listen" },
        { "listne", "listen" },     { "pain", "plain" },
        { "tls-crt", "tls-cert" },  { "tls-kye", "tls-key" },
        { "oltp", "otlp" },         { "o", NULL },
        { "xyzzy", NULL },          { "", NULL },
        { "listen-address", NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *found = nearest_name(cases[i].word, name_at, names);
        if (cases[i].name == NULL)
            assert_null(found);
        else {
            assert_non_null(found);
            assert_string_equal(found, cases[i].name);
        }
    }
}

static void a_word_over_the_limit_is_near_to_nothing(void **state)
{
    (void)state;
    char word[NEAREST_NAME_LEN_MAX + 2];
    for (size_t i = 0; i < sizeof(word) - 1; i++) word[i] = 'a';
    word[sizeof(word) - 1] = '\0';
    const char *const same[] = { word, NULL };
    assert_null(nearest_name(word, name_at, same));
    word[NEAREST_NAME_LEN_MAX] = '\0';
    assert_non_null(nearest_name(word, name_at, same));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_taken_for_the_name_with_the_fewest_edits),
        cmocka_unit_test(a_word_over_the_limit_is_near_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

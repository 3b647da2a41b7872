/*
 * Goal: a command line is taken as the tables declare it, or refused with the word that is
 * wrong and the one that was meant.
 * Method: command lines over the real table of commands, whole; then every command of the
 * table is looked at for what help and parser take for granted.
 */
#include "cmd/invocation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 12 };

struct line {
    const char *words[WORDS_MAX];
};

static enum exit_code parse(const struct line *line, struct invocation *invocation,
                            struct error *error)
{
    char *argv[WORDS_MAX + 1] = { (char *)(uintptr_t) "tpwallet" };
    int argc = 1;
    for (; line->words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)line->words[argc - 1];
    *error = (struct error){ 0 };
    return invocation_parse(argc, argv, invocation, error);
}

static void options_stand_before_and_behind_and_with_an_equals_sign(void **state)
{
    (void)state;
    const struct line lines[] = {
        { { "--data", "d", "--json", "balance", "x", "--at", "7-1" } },
        { { "balance", "--at=7-1", "x", "--json", "--data=d" } },
        { { "balance", "--data", "d", "--json", "--at", "7-1", "--", "x" } },
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct invocation invocation;
        struct error error;
        assert_int_equal(parse(&lines[i], &invocation, &error), EXIT_CODE_DONE);
        assert_ptr_equal(invocation.command, &command_balance);
        assert_string_equal(invocation.data, "d");
        assert_true(invocation.json);
        assert_int_equal(invocation.positional_count, 1);
        assert_string_equal(invocation.positionals[0], "x");
        assert_string_equal(invocation_text(&invocation, "at"), "7-1");
    }
}

static void a_value_that_is_not_given_is_the_fallback(void **state)
{
    (void)state;
    const struct line line = { { "serve" } };
    struct invocation invocation;
    struct error error;
    assert_int_equal(parse(&line, &invocation, &error), EXIT_CODE_DONE);
    assert_string_equal(invocation_text(&invocation, "listen"), "127.0.0.1:8080");
    assert_false(invocation_has(&invocation, "listen"));
    assert_null(invocation_text(&invocation, "otlp"));
}

static void what_is_wrong_is_refused_with_its_word_and_a_hint(void **state)
{
    (void)state;
    const struct {
        struct line line;
        const char *message; /* holds this */
        const char *hint;    /* and this */
    } cases[] = {
        { { { "serve", "--lisen", "x" } }, "--lisen", "--listen" },
        { { { "serve", "--jsn" } }, "--jsn", "--json" },
        { { { "serve", "--zzzzzz" } }, "--zzzzzz", "help serve" },
        { { { "serve", "--listen" } }, "--listen", "where to listen" },
        { { { "serve", "--plain=yes" } }, "takes no value", "" },
        { { { "serve", "--listen", "a", "--listen", "b" } }, "twice", "" },
        { { { "serve", "more" } }, "more", "help serve" },
        { { { "serve", "-l" } }, "-l", "two dashes" },
        { { { "balance" } }, "ID", "help balance" },
        { { { "blance", "x" } }, "blance", "'balance'" },
        { { { "transfer", "vod" } }, "transfer vod", "'transfer void'" },
        { { { "transfer" } }, "transfer", "help transfer" },
        { { { "qqqqqq" } }, "qqqqqq", "tpwallet help" },
        { { { "--nothing" } }, "--nothing", "" },
        { { { NULL } }, "no command", "tpwallet help" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct invocation invocation;
        struct error error;
        assert_int_equal(parse(&cases[i].line, &invocation, &error), EXIT_CODE_USAGE);
        assert_int_equal(error.status, STATUS_INVALID);
        assert_non_null(strstr(error.message, cases[i].message));
        assert_non_null(strstr(error.hint, cases[i].hint));
    }
}

static void help_is_given_however_little_else_is(void **state)
{
    (void)state;
    const struct line lines[] = { { { "balance", "--help" } },
                                  { { "balance", "-h" } },
                                  { { "--help" } },
                                  { { "--help", "balance" } } };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct invocation invocation;
        struct error error;
        assert_int_equal(parse(&lines[i], &invocation, &error), EXIT_CODE_DONE);
        assert_true(invocation.help);
    }
    const struct line group = { { "account", "--help" } };
    struct invocation invocation;
    struct error error;
    assert_int_equal(parse(&group, &invocation, &error), EXIT_CODE_DONE);
    assert_ptr_equal(invocation.command, &command_help);
    assert_string_equal(invocation.positionals[0], "account");
}

static void numbers_are_whole_and_in_range_with_an_optional_suffix(void **state)
{
    (void)state;
    const struct {
        const char *text;
        uint64_t value; /* 0: refused */
    } cases[] = {
        { "1", 1 },
        { "1000", 1000 },
        { "2k", 2000 },
        { "3M", 3000000 },
        { "0", 0 },
        { "4000001", 0 },
        { "", 0 },
        { "k", 0 },
        { "1kk", 0 },
        { "1 ", 0 },
        { "-1", 0 },
        { "0x10", 0 },
        { "1.5", 0 },
        { "99999999999999999999", 0 },
        { "18446744073709551615k", 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct line line = { { "demo", "--transfers", cases[i].text } };
        struct invocation invocation;
        struct error error;
        assert_int_equal(parse(&line, &invocation, &error), EXIT_CODE_DONE);
        uint64_t value = 7;
        enum status status = invocation_number(&invocation, "transfers",
                                               (struct number_range){ 1, 4000000 }, &value, &error);
        assert_int_equal(status, cases[i].value == 0 ? STATUS_INVALID : STATUS_OK);
        assert_int_equal(value, cases[i].value == 0 ? 7 : cases[i].value);
    }
}

static void every_command_is_found_by_its_words_and_can_be_explained(void **state)
{
    (void)state;
    for (uint32_t i = 0; commands[i] != NULL; i++) {
        const struct command *command = commands[i];
        assert_non_null(command->summary);
        assert_non_null(command->examples);
        assert_non_null(command->run);
        size_t len = strlen(command->name);
        assert_memory_equal(command->examples, command->name, len);
        for (uint32_t j = 0; command->options != NULL && command->options[j].name != NULL; j++) {
            assert_true(j < COMMAND_OPTIONS_MAX);
            assert_non_null(command->options[j].help);
            assert_string_not_equal(command->options[j].name, "data");
            assert_string_not_equal(command->options[j].name, "json");
        }
        char words[64];
        assert_true(len < sizeof(words));
        memcpy(words, command->name, len + 1);
        char *split[COMMAND_WORDS_MAX] = { NULL };
        char *rest = words;
        int count = 0;
        while (rest != NULL) {
            assert_true(count < COMMAND_WORDS_MAX);
            split[count++] = strsep(&rest, " ");
        }
        int taken = 0;
        assert_ptr_equal(command_find(count, split, &taken), command);
        assert_int_equal(taken, count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_and_behind_and_with_an_equals_sign),
        cmocka_unit_test(a_value_that_is_not_given_is_the_fallback),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_word_and_a_hint),
        cmocka_unit_test(help_is_given_however_little_else_is),
        cmocka_unit_test(numbers_are_whole_and_in_range_with_an_optional_suffix),
        cmocka_unit_test(every_command_is_found_by_its_words_and_can_be_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

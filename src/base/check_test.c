/*
 * Goal: a check that holds does nothing, one that fails says where and what, then aborts.
 * Method: a child process whose stderr is a pipe.
 */
#include "base/check.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check_test.h"

static void check_number(void *argument)
{
    CHECK(*(const int *)argument == 7);
}

static void only_a_check_that_fails_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    int seven = 7;
    int eight = 8;
    assert_false(dies(check_number, &seven));
    assert_true(dies(check_number, &eight));
}

static bool look(int *looks)
{
    *looks += 1;
    return true;
}

static void the_condition_is_looked_at_once(void **state)
{
    (void)state; /* no fixture */
    int looks = 0;
    CHECK(look(&looks));
    assert_int_equal(looks, 1);
}

static void the_message_names_file_line_and_condition(void **state)
{
    (void)state; /* no fixture */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (dup2(ends[1], STDERR_FILENO) < 0) _exit(1);
        check_failed("src/file.c", 12, "two == three");
    }
    (void)close(ends[1]); /* so that reading ends when the child does */
    char text[256];
    size_t len = 0;
    for (ssize_t got; (got = read(ends[0], text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)got;
    text[len] = '\0';
    (void)close(ends[0]);
    int ended = 0;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGABRT);
    assert_non_null(strstr(text, "src/file.c:12: check failed: two == three\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_check_that_fails_stops_the_program),
        cmocka_unit_test(the_condition_is_looked_at_once),
        cmocka_unit_test(the_message_names_file_line_and_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

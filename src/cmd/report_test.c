/*
 * Goal: texts of others do not command the terminal that they are shown on, and reach files unchanged.
 * Method: one text, written to a pseudo-terminal and to a file.
 */
#define _GNU_SOURCE /* posix_openpt() */
#include "cmd/report.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT "{\"a\":\"\x7f\xc2\x9b\xe2\x80\xae\"}\n"

static void a_terminal_gets_no_command(void **state)
{
    static const char shown[] = "{\"a\":\"\\u007f\\u009b\\u202e\"}\r\n"; /* the terminal's own \r */
    char bytes[64];
    (void)state; /* a terminal of its own */
    int ours = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(ours >= 0 && grantpt(ours) == 0 && unlockpt(ours) == 0);
    int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY);
    FILE *file = fdopen(theirs, "w");
    assert_non_null(file);
    assert_true(report_put(file, STR(TEXT)));
    assert_int_equal(fflush(file), 0);
    size_t len = 0;
    while (len < sizeof shown - 1) {
        ssize_t size = read(ours, bytes + len, sizeof bytes - len);
        assert_true(size > 0);
        len += (size_t)size;
    }
    assert_int_equal(len, sizeof shown - 1);
    assert_memory_equal(bytes, shown, len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(close(ours), 0);
}

static void a_file_gets_it_as_it_is(void **state)
{
    char bytes[64];
    (void)state; /* a file of its own */
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(report_put(file, STR(TEXT)));
    rewind(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof TEXT - 1);
    assert_memory_equal(bytes, TEXT, sizeof TEXT - 1);
    assert_int_equal(fclose(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_gets_no_command),
        cmocka_unit_test(a_file_gets_it_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

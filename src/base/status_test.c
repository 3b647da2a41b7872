/*
 * Goal: each status has a name of its own and a sentence; a number that is none stops the
 * program. An errno comes to the status it is documented to come to.
 * Method: all of them, and the first beyond, in a child process; a table.
 */
#include "base/status.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check_test.h"

static void each_status_has_a_name_of_its_own_and_a_sentence(void **state)
{
    (void)state; /* no fixture */
    for (enum status status = 0; status < STATUS_COUNT; status++) {
        assert_true(strlen(status_name(status)) >= 2);
        assert_true(strlen(status_text(status)) >= 2);
        for (enum status other = 0; other < status; other++)
            assert_string_not_equal(status_name(other), status_name(status));
    }
    assert_string_equal(status_name(STATUS_OK), "OK");
    assert_string_equal(status_name(STATUS_IN_DOUBT), "IN_DOUBT");
    assert_string_equal(status_name(STATUS_STOPPED), "STOPPED");
    assert_int_equal(STATUS_OK, 0);
}

static void name_of(void *argument)
{
    (void)status_name(*(const enum status *)argument); /* dies before it returns */
}

static void text_of(void *argument)
{
    (void)status_text(*(const enum status *)argument); /* dies before it returns */
}

static void a_number_that_is_no_status_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    enum status beyond = STATUS_COUNT;
    enum status last = STATUS_COUNT - 1;
    assert_true(dies(name_of, &beyond));
    assert_true(dies(text_of, &beyond));
    assert_false(dies(name_of, &last));
}

static void a_full_disk_and_a_missing_right_are_told_from_the_rest(void **state)
{
    (void)state; /* no fixture */
    static const int full[] = { ENOSPC, EDQUOT };
    static const int denied[] = { EACCES, EPERM, EROFS };
    static const int others[] = { EIO, ENOENT, EEXIST, EFBIG, EMFILE, 0 };
    for (size_t i = 0; i < 2; i++) assert_int_equal(status_of_errno(full[i]), STATUS_LIMIT);
    for (size_t i = 0; i < 3; i++) assert_int_equal(status_of_errno(denied[i]), STATUS_DENIED);
    for (size_t i = 0; i < 6; i++) assert_int_equal(status_of_errno(others[i]), STATUS_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_a_name_of_its_own_and_a_sentence),
        cmocka_unit_test(a_number_that_is_no_status_stops_the_program),
        cmocka_unit_test(a_full_disk_and_a_missing_right_are_told_from_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

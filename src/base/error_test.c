/*
 * Goal: an error holds its status and three texts, never more than fit, always terminated.
 * Method: texts short and long, in order, without an error to write to.
 */
#include "base/error.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void an_error_holds_status_message_detail_and_hint(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    assert_int_equal(error_set(&error, STATUS_CORRUPT, "batch %d is damaged", 7), STATUS_CORRUPT);
    error_detail(&error, "at offset %d", 12);
    error_hint(&error, "run %s", "check");
    assert_int_equal(error.status, STATUS_CORRUPT);
    assert_string_equal(error.message, "batch 7 is damaged");
    assert_string_equal(error.detail, "at offset 12");
    assert_string_equal(error.hint, "run check");
}

static void setting_it_again_clears_what_was_added(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    (void)error_set(&error, STATUS_CORRUPT, "first"); /* as given */
    error_detail(&error, "of the first");
    error_hint(&error, "for the first");
    assert_int_equal(error_set(&error, STATUS_LIMIT, "second"), STATUS_LIMIT);
    assert_int_equal(error.status, STATUS_LIMIT);
    assert_string_equal(error.message, "second");
    assert_string_equal(error.detail, "");
    assert_string_equal(error.hint, "");
}

static void texts_that_do_not_fit_are_cut_and_terminated(void **state)
{
    (void)state; /* no fixture */
    char long_text[ERROR_TEXT_SIZE * 2];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    struct error error;
    memset(&error, 'y', sizeof error);
    assert_int_equal(error_set(&error, STATUS_INVALID, "%s", long_text), STATUS_INVALID);
    error_detail(&error, "%s", long_text);
    error_hint(&error, "%.255s", long_text);
    assert_int_equal(strlen(error.message), ERROR_TEXT_SIZE - 1);
    assert_int_equal(strlen(error.detail), ERROR_TEXT_SIZE - 1);
    assert_int_equal(strlen(error.hint), ERROR_TEXT_SIZE - 1);
}

static void without_an_error_only_the_status_goes_up(void **state)
{
    (void)state; /* no fixture */
    assert_int_equal(error_set(NULL, STATUS_DENIED, "not kept"), STATUS_DENIED);
    error_detail(NULL, "not kept");
    error_hint(NULL, "not kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_holds_status_message_detail_and_hint),
        cmocka_unit_test(setting_it_again_clears_what_was_added),
        cmocka_unit_test(texts_that_do_not_fit_are_cut_and_terminated),
        cmocka_unit_test(without_an_error_only_the_status_goes_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: labels have the names that reports and fixtures use.
 * Method: all of them.
 */
#include "doctor/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void labels_have_names(void **state)
{
    (void)state; /* no fixture is needed */
    assert_string_equal(label_name(LABEL_NONE), "-");
    assert_string_equal(label_name(LABEL_CONFIRMED), "CONFIRMED");
    assert_string_equal(label_name(LABEL_UNKNOWN), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

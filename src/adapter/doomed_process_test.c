/*
 * Goal: the report of a process that died arrives whole, and a death before it is noticed.
 * Method: a body that fills a report larger than a pipe holds, and one that dies first.
 */
#include "adapter/doomed_process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { REPORT_SIZE = 200000 };

static void fill(void *argument, void *report)
{
    memset(report, *(const int *)argument, REPORT_SIZE);
}

static void die(void *argument, void *report)
{
    (void)argument;
    (void)report;
    (void)raise(SIGKILL);
}

static void report_arrives_whole(void **state)
{
    (void)state;
    static uint8_t report[REPORT_SIZE];
    int value = 7;
    assert_int_equal(doomed_process_run(fill, &value, report, sizeof report, NULL), STATUS_OK);
    for (size_t i = 0; i < sizeof report; i++) assert_int_equal(report[i], 7);
}

static void death_before_the_report_is_noticed(void **state)
{
    (void)state;
    uint8_t report[16] = { 0 };
    struct error error = { 0 };
    assert_int_equal(doomed_process_run(die, NULL, report, sizeof report, &error),
                     STATUS_UNAVAILABLE);
    assert_string_equal(error.message, "the process failed before its report");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_arrives_whole),
        cmocka_unit_test(death_before_the_report_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

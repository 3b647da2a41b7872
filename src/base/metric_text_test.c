/*
 * Goal: a family is described, and no value of a label ends it early.
 * Method: samples whose values hold what has a meaning in the format, compared as text.
 */
#include "base/metric_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void labels_are_escaped(void **state)
{
    (void)state; /* no fixture */
    struct buf BUF_SCOPE out;
    buf_init(&out, 4096);
    metric_head_write(&out, "x_total", "counter", "Of x");
    metric_labelled_write(&out, "x_total", "log", STR("a/0"), 7);
    metric_labelled_write(&out, "x_total", "log", STR("a\"b\\c\nd"), UINT64_MAX);
    assert_string_equal(buf_terminated(&out), "# HELP x_total Of x\n"
                                              "# TYPE x_total counter\n"
                                              "x_total{log=\"a/0\"} 7\n"
                                              "x_total{log=\"a\\\"b\\\\c\\nd\"} "
                                              "18446744073709551615\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(labels_are_escaped) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

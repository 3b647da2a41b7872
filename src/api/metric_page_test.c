/*
 * Goal: a page of several lanes has each family once, with one head, and all samples of all lanes
 * under it, each with its lane; whatever families which lane has, and in which order.
 * Method: parts written down, and the page that they must come to; one that is too large.
 */
#include "api/metric_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/metric_text.h"

static void expect_page(const char *const *texts, uint32_t count, const char *wanted)
{
    struct metric_page page;
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    metric_page_init(&page);
    for (uint32_t i = 0; i < count; i++)
        buf_append_str(metric_page_part(&page, 10 * i), str_from(texts[i]));
    metric_page_write(&page, &out);
    metric_page_free(&page);
    assert_string_equal(buf_terminated(&out), wanted);
}

#define HEAD(name) "# HELP " name " what it is\n# TYPE " name " gauge\n"

static void one_lane_gets_its_label(void **state)
{
    (void)state;
    static const char *const texts[] = { HEAD("a") "a 1\n" HEAD(
        "b") "b{x=\"y z{\"} 2.5\nb_sum{x=\"1\"} 3\n"
             "b_count 4\n" };
    expect_page(texts, 1,
                HEAD("a") "a{lane=\"0\"} 1\n" HEAD("b") "b{lane=\"0\",x=\"y z{\"} 2.5\n"
                                                        "b_sum{lane=\"0\",x=\"1\"} 3\n"
                                                        "b_count{lane=\"0\"} 4\n");
    expect_page(texts, 0, "");
}

static void a_family_has_one_head_whoever_has_it(void **state)
{
    (void)state;
    static const char *const texts[] = {
        HEAD("a") "a 1\n" HEAD("b") "b 2\n" HEAD("only") "only 3\n",
        HEAD("a") "a 4\n" HEAD("new") "new 5\n" HEAD("b") "b 6\n" HEAD("bb") "bb 7\n",
        "",
        HEAD("b") "b 8\n" HEAD("a") "a 9\n" HEAD("empty") HEAD("new") "new 0\n",
    };
    expect_page(
        texts, 4,
        HEAD("a") "a{lane=\"0\"} 1\na{lane=\"10\"} 4\na{lane=\"30\"} 9\n" HEAD("b") "b{lane=\"0\"} 2\nb{lane=\"10\"} 6\nb{lane=\"30\"} 8\n" HEAD(
            "only") "only{lane=\"0\"} 3\n" HEAD("new") "new{lane=\"10\"} 5\nnew{lane=\"30\"} 0\n" HEAD("bb") "bb{lane=\"10\"} 7\n" HEAD("empty"));
}

static void a_part_that_is_too_large_is_left_out(void **state)
{
    (void)state;
    struct metric_page page;
    BUF_SCOPE struct buf out;
    buf_init(&out, 1 << 20);
    metric_page_init(&page);
    struct buf *large = metric_page_part(&page, 0);
    metric_head_write(large, "large", "gauge", "too much");
    while (!large->overflow) metric_labelled_write(large, "large", "x", STR("0123456789"), 1);
    buf_append_str(metric_page_part(&page, 1), STR(HEAD("a") "a 1\n"));
    metric_page_write(&page, &out);
    metric_page_free(&page);
    assert_string_equal(buf_terminated(&out), HEAD("a") "a{lane=\"1\"} 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lane_gets_its_label),
        cmocka_unit_test(a_family_has_one_head_whoever_has_it),
        cmocka_unit_test(a_part_that_is_too_large_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

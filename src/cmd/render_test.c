/*
 * Goal: any JSON answer is shown without loss of what it says, and what is no answer is refused.
 * Method: documents beside the text they become; every document cut at every byte.
 */
#include "cmd/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char object[] = "{\"id\":\"7\",\"balance\":{\"net\":\"1.00\",\"n\":{\"x\":null}},"
                             "\"flags\":[\"a\",\"b\"],\"ok\":true,\"count\":12,\"rows\":[{}]}";

static void an_object_becomes_lines_of_names_and_values(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(render_object(str_from(object), &out), STATUS_OK);
    assert_string_equal(buf_terminated(&out), "id           7\n"
                                              "balance.net  1.00\n"
                                              "balance.n.x  \n"
                                              "flags        a, b\n"
                                              "ok           true\n"
                                              "count        12\n"
                                              "rows         \n");
    buf_free(&out);
}

static const struct render_column columns[] = {
    { "id", "ID", false }, { "balance.net", "NET", true }, { "gone", "GONE", false }, { 0 }
};

static void a_list_becomes_a_table_with_the_rest_below(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    static const char list[] = "{\"items\":[{\"id\":\"long\",\"balance\":{\"net\":\"1.00\"}},"
                               "{\"id\":\"b\",\"balance\":{\"net\":\"100.00\"}}],\"next\":\"c\"}";
    assert_int_equal(render_table(str_from(list), "items", columns, &out), STATUS_OK);
    assert_string_equal(buf_terminated(&out), "ID       NET  GONE\n"
                                              "long    1.00  \n"
                                              "b     100.00  \n"
                                              "\n"
                                              "next  c\n");
    buf_reset(&out);
    assert_int_equal(render_table(STR("{\"items\":[]}"), "items", columns, &out), STATUS_OK);
    assert_string_equal(buf_terminated(&out), "ID  NET  GONE\n(none)\n\n");
    buf_free(&out);
}

static void a_cut_answer_is_refused_wherever_it_is_cut(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    for (size_t len = 0; len < strlen(object); len++) {
        assert_int_equal(render_object((struct str){ object, len }, &out), STATUS_INVALID);
        assert_int_equal(render_table((struct str){ object, len }, "rows", columns, &out),
                         STATUS_INVALID);
    }
    assert_int_equal(render_object(STR("[]"), &out), STATUS_INVALID);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_becomes_lines_of_names_and_values),
        cmocka_unit_test(a_list_becomes_a_table_with_the_rest_below),
        cmocka_unit_test(a_cut_answer_is_refused_wherever_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: the JSON of a diagnosis is whole, the same each time, and its exit bits say what it says.
 * Method: a diagnosis of nothing, and one with a cause and an open violation, written twice.
 */
#include "doctor/render_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/diagnosis_test.h"

static void look_at_json(const struct diagnosis *diagnosis)
{
    struct error error = { 0 };
    struct buf BUF_SCOPE first;
    struct buf BUF_SCOPE second;
    buf_init(&first, 64 << 10);
    buf_init(&second, 64 << 10);
    assert_int_equal(diagnosis_json(diagnosis, &script.port, &first, &error), STATUS_OK);
    assert_int_equal(diagnosis_json(diagnosis, &script.port, &second, &error), STATUS_OK);
    assert_true(str_equal(buf_view(&first), buf_view(&second)));
    const char *text = buf_terminated(&first);
    assert_non_null(strstr(text, "\"verdict\":\"partly explained\""));
    assert_non_null(strstr(text, "\"title\":\"of x and ?\""));
    assert_non_null(strstr(text, "\"label\":\"PROBABLE\""));
    assert_non_null(strstr(text, "\"record\":\"R-0000000000000007\""));
    assert_non_null(strstr(text, "\"exit_bits\":5"));
}

static void the_document_has_all_of_it(void **state)
{
    (void)state; /* no fixture is needed */
    with_diagnosis(look_at_json);
}

static void nothing_is_clean(void **state)
{
    (void)state; /* no fixture is needed */
    struct diagnosis diagnosis = { .nearest = -1, .next_kind = -1 };
    assert_int_equal(diagnosis_exit_bits(&diagnosis), 0);
    diagnosis.truncated = true;
    assert_int_equal(diagnosis_exit_bits(&diagnosis), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_has_all_of_it),
        cmocka_unit_test(nothing_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

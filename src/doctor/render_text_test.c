/*
 * Goal: the text of a diagnosis names the verdict, the cause and what is open.
 * Method: one with a cause and an open violation; why a fault is no cause; what to collect.
 */
#include "doctor/render_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "doctor/diagnosis_test.h"

static void look_at_text(const struct diagnosis *diagnosis)
{
    struct error error = { 0 };
    struct buf BUF_SCOPE out;
    buf_init(&out, 64 << 10);
    assert_int_equal(diagnosis_text(diagnosis, &script.port, &out, &error), STATUS_OK);
    const char *text = buf_terminated(&out);
    assert_non_null(strstr(text, "state:   DEGRADED"));
    assert_non_null(strstr(text, "cause:   [F1] of x and ?\n         PROBABLE"));
    assert_non_null(strstr(text, "UNKNOWN: 1 violation is not explained"));
    assert_non_null(strstr(text, "R-0000000000000007"));
    assert_non_null(strstr(text, "money:   EUR 10.50 too much on 2 accounts, 0.07 too little on 1 "
                                 "account, 0.00 unexplained\n"));
    assert_non_null(strstr(text, "left:    nothing is posted to 1 account, people have to look at "
                                 "it: w9\n"));
    assert_non_null(strstr(text, "action:  repair   none\n")); /* and there is nothing to stop */
    buf_reset(&out);
    assert_int_equal(diagnosis_why_not(diagnosis, &script.port, STR("F1"), &out, &error),
                     STATUS_OK);
    assert_non_null(strstr(buf_terminated(&out), "it is a cause"));
    assert_int_equal(diagnosis_why_not(diagnosis, &script.port, STR("F9"), &out, &error),
                     STATUS_NOT_FOUND);
    buf_reset(&out);
    diagnosis_next(diagnosis, &out);
    assert_non_null(strstr(buf_terminated(&out), "nothing that could be collected"));
}

static void the_text_names_what_counts(void **state)
{
    (void)state; /* no fixture is needed */
    with_diagnosis(look_at_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_names_what_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: a report holds what the documents say, and nothing of it as markup; the same documents give
 * the same bytes.
 * Method: a diagnosis whose every text is hostile; a report without anything but a diagnosis.
 */
#include "doctor/report_html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "doctor/report_test.h"

static void nothing_of_the_evidence_is_markup(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf html;
    BUF_SCOPE struct buf again;
    buf_init(&html, 4 << 20);
    buf_init(&again, 4 << 20);
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    const struct report report = {
        .diagnosis = parsed(diagnosis_text),
        .incident = parsed("{\"title\":\"" EVIL "\",\"timeline\":[{\"text\":\"" EVIL "\"}]}"),
        .plan = parsed("{\"approvals\":2,\"steps\":[{\"kind\":\"compensate\",\"what\":\"" EVIL
                       "\",\"ccy\":\"EUR\",\"amount_minor\":\"1050\",\"target\":\"t\"}]}"),
        .bundle = STR("case<b>"),
    };
    report_html(&report, &html);
    report_html(&report, &again);
    assert_true(str_equal(buf_view(&html), buf_view(&again)));
    assert_null(strstr(buf_terminated(&html), "<script"));
    assert_null(strstr(buf_terminated(&html), "case<b>"));
    assert_non_null(strstr(buf_terminated(&html), "&lt;script&gt;"));
    assert_non_null(strstr(buf_terminated(&html), "still growing"));
    assert_non_null(strstr(buf_terminated(&html), "<td class=n>10.50</td>"));
    assert_non_null(strstr(buf_terminated(&html), "170141183460469231731687303715884105727"));
    assert_non_null(strstr(buf_terminated(&html), "<circle"));
    assert_non_null(strstr(buf_terminated(&html), "2026-11-24T00:10"));
    assert_null(strstr(buf_terminated(&html), "http")); /* nothing from elsewhere */
    arena_done(&arena);
}

static void a_diagnosis_alone_is_enough(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf html;
    buf_init(&html, 4 << 20);
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    const struct report report = { .diagnosis = parsed("{}"), .bundle = STR("case") };
    report_html(&report, &html);
    assert_non_null(strstr(buf_terminated(&html), "There is none yet"));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_evidence_is_markup),
        cmocka_unit_test(a_diagnosis_alone_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: the RCA document holds what the documents say, and nothing of it as markup.
 * Method: a diagnosis whose every text is hostile; a document without anything but a diagnosis.
 */
#include "doctor/report_markdown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "doctor/report_test.h"

static void nothing_of_the_evidence_is_markup(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf markdown;
    buf_init(&markdown, 4 << 20);
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    const struct report report = {
        .diagnosis = parsed(diagnosis_text),
        .incident = parsed("{\"title\":\"" EVIL "\",\"timeline\":[{\"text\":\"" EVIL "\"}]}"),
        .plan = parsed("{\"approvals\":2,\"steps\":[{\"kind\":\"compensate\",\"what\":\"" EVIL
                       "\",\"ccy\":\"EUR\",\"amount_minor\":\"1050\",\"target\":\"t\"}]}"),
        .bundle = STR("case<b>"),
    };
    report_markdown(&report, &markdown);
    for (size_t i = 0; i < markdown.len; i++)
        if (markdown.data[i] == '<') assert_int_equal(markdown.data[i - 1], '\\');
    assert_non_null(strstr(buf_terminated(&markdown), "\\<script\\>"));
    assert_non_null(
        strstr(buf_terminated(&markdown), "| 2 | 0.07 | 1 |")); /* too little, unsigned */
    assert_non_null(strstr(buf_terminated(&markdown), "EUR 10.50, taking back t"));
    assert_non_null(strstr(buf_terminated(&markdown), "| 7 d | P1 |"));
    arena_done(&arena);
}

static void a_diagnosis_alone_is_enough(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf markdown;
    buf_init(&markdown, 4 << 20);
    assert_int_equal(arena_init(&arena, 1 << 16), STATUS_OK);
    const struct report report = { .diagnosis = parsed("{}"), .bundle = STR("case") };
    report_markdown(&report, &markdown);
    assert_non_null(strstr(buf_terminated(&markdown), "There is no plan yet"));
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

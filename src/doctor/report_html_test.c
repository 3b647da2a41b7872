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

#include "base/base64.h"
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
    assert_non_null(strstr(buf_terminated(&html), "<td class=n>0.07</td>")); /* "too little" */
    assert_null(strstr(buf_terminated(&html), "-0.07"));
    assert_non_null(strstr(buf_terminated(&html), "170141183460469231731687303715884105727"));
    assert_non_null(strstr(buf_terminated(&html), "<circle"));
    assert_non_null(strstr(buf_terminated(&html), "2026-11-24T00:10"));
    assert_null(strstr(buf_terminated(&html), "http")); /* nothing from elsewhere */
    arena_done(&arena);
}

/* After each such mark a text of the report begins: in Chinese with no letter of another script. */
static void texts_are_chinese(const char *page, const char *mark)
{
    uint32_t count = 0;
    for (const char *at = strstr(page, mark); at != NULL; at = strstr(at, mark)) {
        at += strlen(mark);
        if (((unsigned char)at[0] & 0x80) == 0) fail_msg("%s%.20s", mark, at);
        count++;
    }
    assert_true(count > 0);
}

static void a_page_has_the_language_that_is_wanted(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf html;
    buf_init(&html, 4 << 20);
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    struct report report = {
        .diagnosis = parsed(diagnosis_text),
        .incident = parsed("{\"title\":\"x\",\"state\":\"verified\"}"),
        .plan = parsed("{\"approvals\":2,\"steps\":[{\"kind\":\"compensate\",\"what\":\"y\"}]}"),
        .bundle = STR("case"),
    };
    report_html(&report, &html);
    assert_non_null(strstr(buf_terminated(&html), "<html lang=en>"));
    assert_non_null(strstr(buf_terminated(&html), "<h2>Affected</h2>"));
    buf_reset(&html);
    report.language = REPORT_CHINESE;
    report_html(&report, &html);
    const char *page = buf_terminated(&html);
    assert_non_null(strstr(page, "<html lang=zh>"));
    texts_are_chinese(page, "<h2>");
    texts_are_chinese(page, "<th>");
    texts_are_chinese(page, "<div><b>");
    texts_are_chinese(page, "<summary>");
    assert_non_null(strstr(page, "已解释，仍在扩大")); /* the verdict */
    assert_non_null(strstr(page, "&mdash; 已确认"));
    assert_non_null(strstr(page, "<td>补偿分录</td>"));
    assert_non_null(strstr(page, "状态 已核验"));
    assert_non_null(strstr(page, "R-1")); /* what was cited stays */
    arena_done(&arena);
}

static void what_the_repair_came_to_is_shown(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf html;
    buf_init(&html, 4 << 20);
    assert_int_equal(arena_init(&arena, 1 << 20), STATUS_OK);
    static const char before[] =
        "{\"money\":[{\"ccy\":\"EUR\",\"over\":\"500\"}],"
        "\"clocks\":[{\"clock\":\"db\",\"lowest_ns\":-2000000000,\"highest_ns\":1000000000}],"
        "\"violations\":[{\"record\":{\"record\":\"R-1\",\"system\":\"db\","
        "\"ts\":\"2026-11-23T00:00:00Z\"}},{\"record\":{\"record\":\"R-2\",\"system\":\"db\","
        "\"ts\":\"2026-11-23T00:00:10Z\"}}],"
        "\"invariants\":[{\"id\":\"I09\",\"name\":\"n\",\"holds\":\"no\",\"violations\":6},"
        "{\"id\":\"I02\",\"name\":\"n\",\"holds\":\"no\",\"violations\":1}],"
        "\"causes\":[{\"fault\":\"P01\",\"affected\":[{\"account\":\"=1+1\",\"ccy\":\"EUR\","
        "\"delta\":\"-500\",\"payment\":\"a\\\"b\"}]}]}";
    static const char after[] = "{\"verdict\":\"repaired\",\"money\":[],\"invariants\":["
                                "{\"id\":\"I09\",\"holds\":\"no\",\"violations\":6},"
                                "{\"id\":\"I02\",\"holds\":\"yes\",\"violations\":0}]}";
    const struct report report = {
        .diagnosis = parsed(before),
        .applied = parsed("{}"),
        .after = parsed(after),
        .bundle = STR("case"),
    };
    report_html(&report, &html);
    const char *page = buf_terminated(&html);
    assert_non_null(strstr(page, "6, each taken back"));
    assert_non_null(strstr(page, "<td class=good>holds</td>"));
    assert_null(strstr(page, "see verify-repair"));
    assert_non_null(strstr(page, "stroke-width=3")); /* when it may have been */
    /* fault,account,...: a formula is none, a quote is two. */
    static const char csv[] = "fault,account,currency,minor_units,payment,record\n"
                              "\"P01\",\"'=1+1\",\"EUR\",-500,\"a\"\"b\",\"\"\n";
    char text[BASE64_TEXT_SIZE(sizeof csv)];
    (void)base64_format(csv, sizeof csv - 1, text);
    assert_non_null(strstr(page, text));
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
        cmocka_unit_test(a_page_has_the_language_that_is_wanted),
        cmocka_unit_test(what_the_repair_came_to_is_shown),
        cmocka_unit_test(a_diagnosis_alone_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: a line is what docs/bundle.md says, and no secret gets into one.
 * Method: lines compared as text; texts with card numbers, too long, and not UTF-8.
 */
#include "doctor/evidence_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void fields_are_written_as_the_format_says(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf out;
    buf_init(&out, EVIDENCE_LINE_SIZE_MAX);
    struct mask_counts masked = { 0, 0 };
    struct evidence_line line;
    evidence_begin(&line, &out, "posting", &masked);
    evidence_text(&line, "tx", STR("a\"b"));
    evidence_text(&line, "idem", STR(""));
    evidence_uuid(&line, "event", (struct uuid){ 0 });
    evidence_amount(&line, "amount", (struct signed_amount){ -SIGNED_AMOUNT_MAX });
    evidence_int(&line, "ver", -3);
    evidence_bool(&line, "ok", true);
    evidence_time(&line, "ts", (struct wall_time){ 1 });
    evidence_end(&line);
    assert_string_equal(buf_terminated(&out),
                        "{\"kind\":\"posting\",\"tx\":\"a\\\"b\","
                        "\"amount\":\"-170141183460469231731687303715884105727\",\"ver\":-3,"
                        "\"ok\":true,\"ts\":\"1970-01-01T00:00:00.000000001Z\"}\n");
}

static void secrets_stay_outside(void **state)
{
    (void)state; /* no fixture */
    BUF_SCOPE struct buf out;
    buf_init(&out, EVIDENCE_LINE_SIZE_MAX);
    struct mask_counts masked = { 0, 0 };
    struct evidence_line line;
    static char long_text[10000];
    memset(long_text, 'x', sizeof long_text);
    evidence_begin(&line, &out, "log", &masked);
    evidence_text(&line, "error", STR("card 4111111111111111, Bearer abcdefgh12345678"));
    evidence_text(&line, "code", (struct str){ long_text, sizeof long_text });
    evidence_text(&line, "level", STR("\xff"));
    evidence_end(&line);
    assert_int_equal(masked.cards, 1);
    assert_int_equal(masked.secrets, 1);
    assert_null(strstr(buf_terminated(&out), "4111111111111111"));
    assert_null(strstr(buf_terminated(&out), "abcdefgh"));
    assert_in_range(out.len, EVIDENCE_LINE_TEXT_MAX, EVIDENCE_LINE_TEXT_MAX + 200);
    assert_false(out.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_written_as_the_format_says),
        cmocka_unit_test(secrets_stay_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

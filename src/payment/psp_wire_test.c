/*
 * Goal: what every wire relies on: hostile tokens are refused, reasons are stable codes, and a
 * refused question is never taken for a refused order.
 * Method: tables; each HTTP status from 0 to 999.
 */
#include "payment/psp_wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void tokens_are_short_printable_and_without_space(void **state)
{
    (void)state;
    static const char longest[] = "123456789012345678901234567890123456789012345678901234567890123";
    char token[PSP_TOKEN_SIZE] = "before";
    assert_true(psp_token_read(str_from(longest), token));
    assert_string_equal(token, longest);
    assert_true(psp_token_read(STR("pi_1"), token));
    assert_string_equal(token, "pi_1");
    static const char *const bad[] = { "", "a b", "a\n", "\x7f", "\xc3\xa4" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(psp_token_read(str_from(bad[i]), token));
    assert_false(psp_token_read((struct str){ "a\0b", 3 }, token));
    assert_false(psp_token_read((struct str){ longest, sizeof longest }, token));
    assert_string_equal(token, "pi_1");
}

static void tokens_in_paths_are_plain(void **state)
{
    (void)state;
    assert_true(psp_token_plain("pi_1-Az"));
    static const char *const bad[] = { "", "../x", "a/b", "a?b", "a%2F", "a:1", "a#" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(psp_token_plain(bad[i]));
}

static void reasons_are_stable_codes(void **state)
{
    (void)state;
    struct psp_reply reply = { 0 };
    psp_reason_set(&reply, STR("Card-Declined: 7"));
    assert_string_equal(reply.reason, "card_declined__7");
    psp_reason_set(&reply, STR("a2345678901234567890123456789012345"));
    assert_string_equal(reply.reason, "a234567890123456789012345678901");
    psp_reason_set(&reply, STR(""));
    assert_string_equal(reply.reason, "");
}

static void statuses_say_what_may_have_been_done(void **state)
{
    (void)state;
    for (unsigned status = 0; status < 1000; status++) {
        for (int query = 0; query < 2; query++) {
            const struct psp_http http = { .status = status, .retry_after_s = 2 };
            struct psp_reply reply = { .query = query == 1, .asset = 978, .object = "x" };
            psp_reply_by_status(&http, STR("why"), &reply);
            unsigned expected = PSP_ANSWER_UNKNOWN;
            if (status >= 400 && status < 500 && query == 0) expected = PSP_ANSWER_INVALID;
            if (status == 401 || status == 403) expected = PSP_ANSWER_NOT_SENT;
            if (status == 429) expected = PSP_ANSWER_THROTTLED;
            assert_int_equal(reply.answer, expected);
            assert_int_equal(reply.retry_after_ms, status == 429 ? 2000 : 0);
            assert_int_equal(reply.asset, 0);
            assert_string_equal(reply.object, "");
            assert_string_equal(reply.reason, "why");
        }
    }
    const struct psp_http late = { .status = 429, .retry_after_s = UINT32_MAX };
    struct psp_reply reply = { 0 };
    psp_reply_by_status(&late, STR("why"), &reply);
    assert_int_equal(reply.retry_after_ms, UINT32_MAX);
}

static void events_refer_to_a_step_of_ours_or_to_none(void **state)
{
    (void)state;
    struct psp_event event = { 0 };
    psp_event_refer(&event, STR("0190a1b2-0000-7000-8000-00000000c3d4:3"));
    assert_true(event.ours);
    assert_int_equal(event.step_number, 3);
    psp_event_refer(&event, STR("order 17"));
    assert_false(event.ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_short_printable_and_without_space),
        cmocka_unit_test(tokens_in_paths_are_plain),
        cmocka_unit_test(reasons_are_stable_codes),
        cmocka_unit_test(statuses_say_what_may_have_been_done),
        cmocka_unit_test(events_refer_to_a_step_of_ours_or_to_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

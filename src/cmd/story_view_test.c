/*
 * Goal: a story is told with each unit's time, cause, state, actor, call and transfers, accounts by
 * their role; what is missing is marked; and what is no story is refused.
 * Method: answers as the API gives them, one of each part; lines looked for in the text.
 */
#define _GNU_SOURCE /* memmem */
#include "cmd/story_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "payment/chart.h"

#define WALLET "019ab000-0000-7000-8000-0000000000a1"
#define REFUND "019ab000-0000-7000-8000-0000000000d2"

static char story[8192];

/* A pay-in that was in doubt, settled across midnight, with a refund; two things are missing. */
static struct str story_make(void)
{
    static const char format[] =
        "{\"payment\":{\"id\":\"019ab000-0000-7000-8000-0000000000d1\",\"kind\":\"pay_in\","
        "\"state\":\"succeeded\",\"wallet\":\"" WALLET "\",\"asset\":\"EUR\",\"amount\":\"25.00\","
        "\"psp\":\"sandbox\",\"method\":\"card_ok\"},\"units\":["
        "{\"at\":\"2026-11-29T23:59:58.000000000Z\",\"position\":\"3-0\",\"cause\":\"create\","
        "\"actor\":\"operator\",\"state\":\"pending\",\"captured\":\"0.00\","
        "\"due_at\":\"2026-11-29T23:59:58.500000000Z\",\"transfers\":[]},"
        "{\"at\":\"2026-11-29T23:59:59.250000000Z\",\"position\":\"4-0\",\"cause\":\"answer\","
        "\"actor\":\"wallet\",\"state\":\"in_doubt\",\"reason\":\"timeout\",\"captured\":\"0.00\","
        "\"psp_call\":{\"psp\":\"sandbox\",\"step\":\"charge\",\"step_number\":1,\"query\":false,"
        "\"answer\":\"unknown\",\"duration_ms\":1250},\"transfers\":[]},"
        "{\"at\":\"2026-11-30T00:00:10.000000000Z\",\"position\":\"9-1\",\"cause\":\"answer\","
        "\"actor\":\"wallet\",\"state\":\"succeeded\",\"captured\":\"25.00\","
        "\"psp_call\":{\"psp\":\"sandbox\",\"step\":\"charge\",\"step_number\":1,\"query\":true,"
        "\"answer\":\"done\",\"http_status\":200,\"duration_ms\":3},\"with_payment\":\"" REFUND
        "\",\"transfers\":[{\"id\":\"" WALLET "\",\"kind\":\"direct\",\"outcome\":\"ok\","
        "\"debit\":\"%s\",\"credit\":\"" WALLET
        "\",\"asset\":\"EUR\",\"amount\":\"25.00\",\"credit_balance\":{\"net\":\"31.50\"}},"
        "{\"id\":\"" WALLET "\",\"kind\":\"direct\",\"outcome\":\"account_frozen\","
        "\"debit\":\"%s\",\"credit\":\"" REFUND "\",\"asset\":\"EUR\",\"amount\":\"1.00\"},"
        "{\"id\":\"" WALLET "\",\"kind\":\"departure\",\"outcome\":\"ok\",\"debit\":\"" WALLET
        "\",\"credit\":\"74706c61-6e65-8001-8000-00f480010000\",\"to\":\"" REFUND
        "\",\"asset\":\"EUR\",\"amount\":\"2.00\"}]}],"
        "\"left_out\":7,\"gaps\":[{\"missing\":\"webhook\",\"text\":\"it did not come\","
        "\"due_by\":\"2026-11-30T00:00:15.000000000Z\"}],\"webhooks\":[{\"received_at\":\"2026-11-30T00:00:11.500000000Z\",\"sender\":\"sandbox\",\"verified\":true,\"event\":\"evt_7\",\"kind\":\"order\",\"mark\":\"done\",\"effect\":\"9-2\"},{\"received_at\":\"2026-11-30T00:00:12.000000000Z\",\"sender\":\"old\",\"verified\":true,\"mark\":\"none\"}],\"events\":[{\"id\":\"3-0\",\"type\":\"payment.pending\",\"deliveries\":[]},{\"id\":\"9-1\",\"type\":\"payment.succeeded\",\"deliveries\":[{\"endpoint\":\"" REFUND
        "\",\"delivery\":\"delivered\"},{\"endpoint\":\"" WALLET
        "\",\"delivery\":\"dead_letter\",\"sequence\":4,\"attempts\":16,\"http_status\":500}]}],\"not_told\":[{\"what\":\"balances\",\"text\":\"too far\"}],\"as_of\":\"9\"}";
    char clearing[UUID_TEXT_LEN + 1];
    char bank[UUID_TEXT_LEN + 1];
    uuid_format(chart_account_id(LANE_ALONE, 978, CHART_CLEARING, "sandbox").value, clearing);
    uuid_format(chart_account_id(LANE_ALONE, 978, CHART_BANK, "").value, bank);
    int len = snprintf(story, sizeof story, format, clearing, bank);
    assert_in_range(len, 1, sizeof story - 1);
    return (struct str){ story, (size_t)len };
}

static void has(const struct buf *text, const char *line)
{
    if (memmem(text->data, text->len, line, strlen(line)) == NULL)
        fail_msg("no '%s' in:\n%.*s", line, STR_ARG(buf_view(text)));
}

static void lacks(const struct buf *text, const char *line)
{
    if (memmem(text->data, text->len, line, strlen(line)) != NULL)
        fail_msg("'%s' in:\n%.*s", line, STR_ARG(buf_view(text)));
}

static void a_story_is_told_line_by_line(void **state)
{
    (void)state;
    BUF_SCOPE struct buf out;
    buf_init(&out, 64 << 10);
    assert_int_equal(story_view(story_make(), &out), STATUS_OK);
    has(&out, "pay_in 019ab000-0000-7000-8000-0000000000d1: 25.00 EUR, succeeded\n");
    has(&out, "7 units before the first one here\n");
    has(&out, "2026-11-29 (UTC)\n23:59:58.000      +0 ms  create   -> pending ");
    has(&out, "by operator, unit 3-0\n");
    has(&out, "captured 0.00, due 23:59:58.500\n");
    has(&out, "+1250 ms  answer   -> in_doubt      (timeout) by wallet, unit 4-0\n");
    has(&out, "sandbox: charge (step 1) -> unknown, no HTTP answer, 1250 ms\n");
    has(&out, "2026-11-30 (UTC)\n00:00:10.000    +10.7 s  answer   -> succeeded ");
    has(&out, "sandbox: asked about charge (step 1) -> done, HTTP 200, 3 ms\n");
    has(&out, "with payment " REFUND ", in the same unit\n");
    has(&out, "25.00 EUR  debit clearing of sandbox, credit wallet\n");
    has(&out, "balance then: clearing of sandbox not told, wallet 31.50\n");
    has(&out, "1.00 EUR  debit bank, credit " REFUND "  REFUSED: account_frozen\n");
    has(&out, "departure       2.00 EUR  debit wallet, credit transit to lane 1, for " REFUND "\n");
    has(&out, "MISSING webhook, due by 2026-11-30T00:00:15.000000000Z: it did not come\n");
    has(&out,
        "WEBHOOK IN 2026-11-30 00:00:11.500 from sandbox: order, event evt_7, verified, done, "
        "effect: unit 9-2\n");
    has(&out,
        "from old: of a sender that is not configured any more, verified, none, no unit of its "
        "own\n");
    has(&out, "EVENT OUT 3-0 payment.pending: to no endpoint that is known\n");
    has(&out, "EVENT OUT 9-1 payment.succeeded\n");
    has(&out, REFUND ": delivered\n");
    has(&out, WALLET ": dead_letter, number 4, after 16 attempts\n");
    has(&out, "NOT TOLD balances: too far\n");
    lacks(&out, "balance then: bank"); /* it was refused */
}

static void what_is_no_story_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"payment\":{}}",
        "{\"payment\":{\"id\":\"x\"},\"units\":[{\"at\":\"yesterday\"}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        BUF_SCOPE struct buf out;
        buf_init(&out, 64 << 10);
        assert_int_equal(story_view(str_from(texts[i]), &out), STATUS_INVALID);
    }
    BUF_SCOPE struct buf small;
    buf_init(&small, 100);
    assert_int_equal(story_view(story_make(), &small), STATUS_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_is_told_line_by_line),
        cmocka_unit_test(what_is_no_story_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

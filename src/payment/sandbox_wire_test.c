/*
 * Goal: an order is written as documented, and no answer, statement or event is taken for more
 * than it says: what is not understood is UNKNOWN.
 * Method: tables of answers; every prefix of good texts, and good texts with each byte changed.
 */
#include "payment/sandbox_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { EUR = 978, JPY = 392, TEXT_SIZE = 1024 };

static struct psp_order order_make(void)
{
    struct psp_order order = { .step_number = 1,
                               .operation = PSP_CHARGE,
                               .asset = EUR,
                               .amount = money_from_minor(1250),
                               .method = "pm_card_visa" };
    assert_int_equal(uuid_parse(STR("0190a1b2-0000-7000-8000-00000000c3d4"), &order.payment.value),
                     STATUS_OK);
    return order;
}

static struct psp_reply answer_of(const struct psp_order *order, bool query, unsigned status,
                                  struct str body)
{
    struct arena arena;
    struct psp_reply reply = { .query = query };
    const struct psp_http http = { .status = status, .body = body };
    assert_int_equal(arena_init(&arena, 2 * SANDBOX_ANSWER_SIZE_MAX), STATUS_OK);
    sandbox_answer_read(order, &http, &arena, &reply);
    arena_done(&arena);
    return reply;
}

static void orders_are_written_as_documented(void **state)
{
    (void)state;
    struct psp_order order = order_make();
    BUF_SCOPE struct buf body;
    buf_init(&body, TEXT_SIZE);
    assert_int_equal(sandbox_order_write(&order, &body), STATUS_OK);
    assert_string_equal(buf_terminated(&body),
                        "{\"reference\":\"0190a1b2-0000-7000-8000-00000000c3d4:1\","
                        "\"operation\":\"charge\",\"asset\":\"EUR\",\"amount\":\"12.50\","
                        "\"method\":\"pm_card_visa\",\"object\":\"\",\"last\":false}");
    order.asset = 10001; /* a custom asset */
    size_t len = body.len;
    assert_int_equal(sandbox_order_write(&order, &body), STATUS_INVALID);
    assert_int_equal(body.len, len);
    buf_reset(&body);
    sandbox_query_path(&order, &body);
    assert_string_equal(buf_terminated(&body), "/orders/0190a1b2-0000-7000-8000-00000000c3d4:1");
}

#define ANSWER(status, amount, asset, more)                                                        \
    "{\"object\":\"ch_1\",\"reference\":\"0190a1b2-0000-7000-8000-00000000c3d4:1\","               \
    "\"operation\":\"charge\",\"status\":\"" status "\",\"amount\":\"" amount                      \
    "\",\"asset\":\"" asset "\"" more "}"

struct sample {
    unsigned status;
    bool query;
    const char *body;
    enum psp_answer answer;
    const char *reason;
};

static const struct sample samples[] = {
    { 200, false, ANSWER("done", "12.50", "EUR", ""), PSP_ANSWER_DONE, "" },
    { 200, true, ANSWER("done", "12.50", "EUR", ""), PSP_ANSWER_DONE, "" },
    { 200, false, ANSWER("done", "12.50", "EUR", ",\"new\":{\"a\":[1,2]}"), PSP_ANSWER_DONE, "" },
    { 200, false, ANSWER("pending", "12.50", "EUR", ",\"reason\":null"), PSP_ANSWER_PENDING, "" },
    { 200, false, ANSWER("declined", "12.50", "EUR", ",\"reason\":\"card_declined\""),
      PSP_ANSWER_DECLINED, "card_declined" },
    { 200, false, ANSWER("perhaps", "12.50", "EUR", ""), PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { 200, false, ANSWER("done", "12.505", "EUR", ""), PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { 200, false, ANSWER("done", "-1", "EUR", ""), PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { 200, false, ANSWER("done", "12.50", "QQQ", ""), PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { 200, false, ANSWER("done", "12.50", "EUR", ",\"object\":\"ch_2\""), PSP_ANSWER_UNKNOWN,
      "answer_unreadable" },
    { 200, false, ANSWER("done", "12.50", "EUR", "") "x", PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { 200, false, "", PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { 200, false, "[]", PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { 200, false, "{}", PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { 200, false, "<html>", PSP_ANSWER_UNKNOWN, "answer_unreadable" },
    { 404, true, "{\"error\":{\"code\":\"order_not_found\",\"message\":\"\"}}",
      PSP_ANSWER_NOT_FOUND, "order_not_found" },
    { 404, true, "{\"error\":{\"code\":\"route_not_found\"}}", PSP_ANSWER_UNKNOWN,
      "route_not_found" },
    { 404, true, "not found", PSP_ANSWER_UNKNOWN, "http_status" },
    { 404, false, "{\"error\":{\"code\":\"order_not_found\"}}", PSP_ANSWER_INVALID,
      "order_not_found" },
    { 422, false, "{\"error\":{\"code\":\"asset_unknown\"}}", PSP_ANSWER_INVALID, "asset_unknown" },
    { 409, false, "{\"error\":{\"code\":\"reference_reused\"}}", PSP_ANSWER_INVALID,
      "reference_reused" },
    { 401, false, "{\"error\":[]}", PSP_ANSWER_NOT_SENT, "http_status" },
    { 401, true, "", PSP_ANSWER_NOT_SENT, "http_status" },
    { 429, false, "", PSP_ANSWER_THROTTLED, "http_status" },
    { 503, false, "", PSP_ANSWER_UNKNOWN, "http_status" },
    { 500, false, "{\"error\":{\"code\":\"internal\"}}", PSP_ANSWER_UNKNOWN, "internal" },
    { 201, false, ANSWER("done", "12.50", "EUR", ""), PSP_ANSWER_UNKNOWN, "http_status" },
    { 302, false, "", PSP_ANSWER_UNKNOWN, "http_status" },
};

static void answers_are_understood_or_unknown(void **state)
{
    (void)state;
    const struct psp_order order = order_make();
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *sample = &samples[i];
        struct psp_reply reply =
            answer_of(&order, sample->query, sample->status, str_from(sample->body));
        if (reply.answer != sample->answer || strcmp(reply.reason, sample->reason) != 0) {
            fail_msg("%u %s: %s '%s'", sample->status, sample->body, psp_answer_name(reply.answer),
                     reply.reason);
        }
        bool said = reply.answer == PSP_ANSWER_DONE || reply.answer == PSP_ANSWER_PENDING ||
                    reply.answer == PSP_ANSWER_DECLINED;
        assert_string_equal(reply.object, said ? "ch_1" : "");
        assert_int_equal(reply.asset, said ? EUR : 0);
        assert_true(reply.amount.minor == (said ? 1250 : 0));
    }
}

static void a_503_with_a_time_was_not_looked_at(void **state)
{
    (void)state;
    const struct psp_order order = order_make();
    const struct psp_http http = { .status = 503, .retry_after_s = 3 };
    struct psp_reply reply = { 0 };
    struct arena arena = { 0 };
    sandbox_answer_read(&order, &http, &arena, &reply);
    assert_int_equal(reply.answer, PSP_ANSWER_THROTTLED);
    assert_int_equal(reply.retry_after_ms, 3000);
}

static void what_the_psp_says_is_told_though_it_differs_from_the_order(void **state)
{
    (void)state;
    const struct psp_order order = order_make();
    struct psp_reply reply = answer_of(&order, false, 200, STR(ANSWER("done", "1250", "JPY", "")));
    assert_int_equal(reply.answer, PSP_ANSWER_DONE);
    assert_int_equal(reply.asset, JPY);
    assert_true(reply.amount.minor == 1250);
}

static void an_answer_to_another_order_is_none(void **state)
{
    (void)state;
    struct psp_order order = order_make();
    order.step_number = 2;
    struct str body = STR(ANSWER("done", "12.50", "EUR", ""));
    assert_int_equal(answer_of(&order, false, 200, body).answer, PSP_ANSWER_UNKNOWN);
    assert_string_equal(answer_of(&order, false, 200, body).reason, "other_reference");
    order.step_number = 1;
    order.operation = PSP_AUTHORISE;
    assert_int_equal(answer_of(&order, true, 200, body).answer, PSP_ANSWER_UNKNOWN);
    assert_string_equal(answer_of(&order, true, 200, body).reason, "other_operation");
}

static void no_part_of_an_answer_is_an_answer(void **state)
{
    (void)state;
    const struct psp_order order = order_make();
    static const char body[] = ANSWER("done", "12.50", "EUR", "");
    for (size_t len = 0; len + 1 < sizeof body; len++) {
        struct psp_reply reply = answer_of(&order, false, 200, (struct str){ body, len });
        assert_int_equal(reply.answer, PSP_ANSWER_UNKNOWN);
    }
}

/* ---- Statements ---- */

#define HEAD "id,reference,object,kind,asset,gross,fee,net,at\n"
#define KEY "0190a1b2-0000-7000-8000-00000000c3d4:1"
#define AT "2026-11-23T06:14:50.000000000Z"

static enum status statement_of(const char *text, struct psp_line *lines, uint32_t *count,
                                struct error *error)
{
    return sandbox_statement_read(str_from(text), 40, lines, 4, count, error);
}

static void statements_are_read_line_by_line(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "ln_1," KEY ",ch_1,charge,EUR,12.50,0.44,12.06," AT "\n"
             "ln_2," KEY ",re_1,refund,EUR,2.50,0.10,-2.60," AT "\n"
             "ln_3,,ch_1,charge,JPY,5,30,-25," AT "\n"
             "ln_4," KEY ",ch_1,chargeback_reversal,EUR,0.44,0.44,0.00," AT "\n";
    struct psp_line lines[4];
    uint32_t count = 0;
    struct error error;
    assert_int_equal(statement_of(text, lines, &count, &error), STATUS_OK);
    assert_int_equal(count, 4);
    assert_string_equal(lines[0].id, "ln_1");
    assert_string_equal(lines[0].reference, KEY);
    assert_string_equal(lines[0].object, "ch_1");
    assert_int_equal(lines[0].kind, PSP_LINE_CHARGE);
    assert_int_equal(lines[0].asset, EUR);
    assert_true(lines[0].gross.minor == 1250);
    assert_true(lines[0].fee.minor == 44);
    assert_int_equal(lines[0].at.ns, INT64_C(1795414490) * NS_PER_S);
    assert_int_equal(lines[1].kind, PSP_LINE_REFUND);
    assert_string_equal(lines[2].reference, "");
    assert_int_equal(lines[2].asset, JPY);
    assert_int_equal(lines[3].kind, PSP_LINE_CHARGEBACK_REVERSAL);
    assert_int_equal(statement_of(HEAD, lines, &count, &error), STATUS_OK);
    assert_int_equal(count, 0);
}

static void wrong_lines_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        { "", "no statement" },
        { "<html>\n", "no statement" },
        { HEAD "ln_1," KEY ",ch_1,charge,EUR,12.50,0.44,12.06," AT, "line 40" },
        { HEAD "ln_1," KEY ",ch_1,charge,EUR,12.50,0.44,12.06\n", "nine fields" },
        { HEAD "ln_1," KEY ",ch_1,charge,EUR,12.50,0.44,12.06," AT ",x\n", "nine fields" },
        { HEAD "," KEY ",ch_1,charge,EUR,12.50,0.44,12.06," AT "\n", "line 40" },
        { HEAD "ln_1," KEY ",,charge,EUR,12.50,0.44,12.06," AT "\n", "object" },
        { HEAD "ln_1," KEY ",ch_1,charges,EUR,12.50,0.44,12.06," AT "\n", "kind" },
        { HEAD "ln_1," KEY ",ch_1,charge,QQQ,12.50,0.44,12.06," AT "\n", "asset" },
        { HEAD "ln_1," KEY ",ch_1,charge,EUR,12.5O,0.44,12.06," AT "\n", "gross" },
        { HEAD "ln_1," KEY ",ch_1,charge,EUR,12.50,-0.44,12.94," AT "\n", "fee" },
        { HEAD "ln_1," KEY ",ch_1,charge,EUR,12.50,0.44,12.07," AT "\n", "net" },
        { HEAD "ln_1," KEY ",ch_1,charge,EUR,12.50,0.44,-12.06," AT "\n", "net" },
        { HEAD "ln_1," KEY ",ch_1,refund,EUR,12.50,0.44,12.94," AT "\n", "net" },
        { HEAD "ln_1," KEY ",ch_1,refund,EUR,0.00,0.00,-0.00," AT "\n", "net" },
        { HEAD "ln_1," KEY ",ch_1,charge,EUR,12.50,0.44,12.06,yesterday\n", "at" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct psp_line lines[4];
        uint32_t count = 7;
        struct error error = { 0 };
        enum status status = statement_of(bad[i].text, lines, &count, &error);
        if (status != STATUS_INVALID || strstr(error.message, bad[i].says) == NULL)
            fail_msg("%s: %s '%s'", bad[i].text, status_name(status), error.message);
        assert_int_equal(count, 7);
    }
}

static void more_lines_than_asked_for_are_refused(void **state)
{
    (void)state;
    static const char line[] = "ln_1,,ch_1,charge,JPY,5,0,5," AT "\n";
    struct psp_line lines[4];
    uint32_t count = 0;
    struct error error;
    BUF_SCOPE struct buf text;
    buf_init(&text, TEXT_SIZE);
    buf_append_str(&text, STR(HEAD));
    for (int i = 0; i < 5; i++) {
        buf_append(&text, line, sizeof line - 1);
        enum status status = statement_of(buf_terminated(&text), lines, &count, &error);
        assert_int_equal(status, i < 4 ? STATUS_OK : STATUS_INVALID);
    }
}

/* ---- Events ---- */

static void events_are_hints_with_what_they_refer_to(void **state)
{
    (void)state;
    struct arena arena;
    struct psp_event event;
    assert_int_equal(arena_init(&arena, SANDBOX_EVENT_SIZE_MAX), STATUS_OK);
    static const char updated[] = "{\"id\":\"evt_1\",\"type\":\"order.updated\",\"at\":\"" AT
                                  "\",\"data\":" ANSWER("done", "12.50", "EUR", "") "}";
    assert_int_equal(sandbox_event_read(STR(updated), &arena, &event), STATUS_OK);
    assert_int_equal(event.kind, PSP_EVENT_ORDER);
    assert_true(event.ours);
    assert_int_equal(event.step_number, 1);
    assert_int_equal(event.answer, PSP_ANSWER_DONE);
    assert_string_equal(event.id, "evt_1");
    assert_string_equal(event.object, "ch_1");
    static const char opened[] =
        "{\"id\":\"evt_2\",\"type\":\"chargeback.opened\",\"at\":\"" AT
        "\",\"data\":{\"chargeback\":\"cb_1\",\"object\":\"ch_1\","
        "\"reference\":\"" KEY "\",\"asset\":\"EUR\",\"amount\":\"3.00\"}}";
    assert_int_equal(sandbox_event_read(STR(opened), &arena, &event), STATUS_OK);
    assert_int_equal(event.kind, PSP_EVENT_CHARGEBACK_OPENED);
    assert_string_equal(event.chargeback, "cb_1");
    assert_int_equal(event.asset, EUR);
    assert_true(event.amount.minor == 300);
    static const char other[] =
        "{\"id\":\"evt_3\",\"type\":\"weather.fine\",\"at\":\"" AT "\",\"data\":{}}";
    assert_int_equal(sandbox_event_read(STR(other), &arena, &event), STATUS_OK);
    assert_int_equal(event.kind, PSP_EVENT_OTHER);
    assert_false(event.ours);
    for (size_t len = 0; len + 1 < sizeof opened; len++) {
        arena_reset(&arena);
        assert_int_equal(sandbox_event_read((struct str){ opened, len }, &arena, &event),
                         STATUS_INVALID);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_written_as_documented),
        cmocka_unit_test(answers_are_understood_or_unknown),
        cmocka_unit_test(a_503_with_a_time_was_not_looked_at),
        cmocka_unit_test(what_the_psp_says_is_told_though_it_differs_from_the_order),
        cmocka_unit_test(an_answer_to_another_order_is_none),
        cmocka_unit_test(no_part_of_an_answer_is_an_answer),
        cmocka_unit_test(statements_are_read_line_by_line),
        cmocka_unit_test(wrong_lines_are_named),
        cmocka_unit_test(more_lines_than_asked_for_are_refused),
        cmocka_unit_test(events_are_hints_with_what_they_refer_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

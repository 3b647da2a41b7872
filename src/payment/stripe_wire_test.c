/*
 * Goal: requests are what Stripe documents, and each answer comes to what may be concluded from
 * it: never more, and what is not understood is UNKNOWN.
 * Method: tables of requests and answers per operation, for orders and queries; prefixes of a good
 * answer; every HTTP status with each type of error.
 */
#include "payment/stripe_wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY "0190a1b2-0000-7000-8000-00000000c3d4:2"
enum { EUR = 978, KWD = 414, TEXT_SIZE = 2048, ARENA_SIZE = 64 << 10 };

static struct psp_order order_make(enum psp_operation operation)
{
    struct psp_order order = { .step_number = 2,
                               .operation = (uint8_t)operation,
                               .asset = EUR,
                               .last = true,
                               .amount = money_from_minor(1250) };
    assert_int_equal(uuid_parse(STR("0190a1b2-0000-7000-8000-00000000c3d4"), &order.payment.value),
                     STATUS_OK);
    return order;
}

static void set(char token[PSP_TOKEN_SIZE], const char *text)
{
    assert_true(psp_token_read(str_from(text), token));
}

/* ---- Requests ---- */

static void assert_order(const struct psp_order *order, const char *path, const char *form)
{
    BUF_SCOPE struct buf got_path;
    BUF_SCOPE struct buf got_form;
    buf_init(&got_path, STRIPE_PATH_SIZE_MAX);
    buf_init(&got_form, STRIPE_FORM_SIZE_MAX);
    assert_int_equal(stripe_order_write(order, &got_path, &got_form), STATUS_OK);
    assert_string_equal(buf_terminated(&got_path), path);
    assert_string_equal(buf_terminated(&got_form), form);
}

static void orders_are_the_requests_that_stripe_documents(void **state)
{
    (void)state;
    struct psp_order order = order_make(PSP_CHARGE);
    set(order.method, "pm_card_visa");
    assert_order(&order, "/v1/payment_intents",
                 "amount=1250&currency=eur&payment_method=pm_card_visa&payment_method_types[0]=card"
                 "&confirm=true&capture_method=automatic&error_on_requires_action=true"
                 "&metadata[reference]=0190a1b2-0000-7000-8000-00000000c3d4%3A2");
    order.operation = PSP_AUTHORISE;
    set(order.method, "a&b=c/+%");
    assert_order(&order, "/v1/payment_intents",
                 "amount=1250&currency=eur&payment_method=a%26b%3Dc%2F%2B%25"
                 "&payment_method_types[0]=card&confirm=true&capture_method=manual"
                 "&payment_method_options[card][request_multicapture]=if_available"
                 "&error_on_requires_action=true"
                 "&metadata[reference]=0190a1b2-0000-7000-8000-00000000c3d4%3A2");
    order = order_make(PSP_CAPTURE);
    set(order.object, "pi_1");
    assert_order(&order, "/v1/payment_intents/pi_1/capture",
                 "amount_to_capture=1250&metadata[capture_2]=1250");
    order.last = false;
    assert_order(&order, "/v1/payment_intents/pi_1/capture",
                 "amount_to_capture=1250&final_capture=false&metadata[capture_2]=1250");
    order.operation = PSP_CANCEL;
    assert_order(&order, "/v1/payment_intents/pi_1/cancel", "");
    order.operation = PSP_REFUND;
    assert_order(&order, "/v1/refunds",
                 "payment_intent=pi_1&amount=1250"
                 "&metadata[reference]=0190a1b2-0000-7000-8000-00000000c3d4%3A2");
    order = order_make(PSP_PAY_OUT);
    set(order.method, "ba_1");
    assert_order(&order, "/v1/payouts",
                 "amount=1250&currency=eur&destination=ba_1&method=standard"
                 "&metadata[reference]=0190a1b2-0000-7000-8000-00000000c3d4%3A2");
}

static void what_cannot_be_said_is_not_written(void **state)
{
    (void)state;
    BUF_SCOPE struct buf path;
    BUF_SCOPE struct buf form;
    buf_init(&path, STRIPE_PATH_SIZE_MAX);
    buf_init(&form, STRIPE_FORM_SIZE_MAX);
    struct psp_order order = order_make(PSP_CHARGE);
    order.asset = KWD;
    order.amount = money_from_minor(5124);
    assert_int_equal(stripe_order_write(&order, &path, &form), STATUS_INVALID);
    static const char *const objects[] = { "", "../accounts", "pi_1/capture", "pi_1?x=1" };
    static const uint8_t operations[] = { PSP_CAPTURE, PSP_CANCEL, PSP_REFUND };
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        for (size_t j = 0; j < sizeof operations; j++) {
            order = order_make((enum psp_operation)operations[j]);
            if (objects[i][0] != '\0') set(order.object, objects[i]);
            assert_int_equal(stripe_order_write(&order, &path, &form), STATUS_INVALID);
            assert_int_equal(stripe_query_write(&order, "", &path), STATUS_INVALID);
        }
    }
    assert_int_equal(path.len, 0);
    assert_int_equal(form.len, 0);
}

static void assert_query(enum psp_operation operation, const char *object, const char *after,
                         const char *path)
{
    struct psp_order order = order_make(operation);
    BUF_SCOPE struct buf got;
    buf_init(&got, STRIPE_PATH_SIZE_MAX);
    if (object[0] != '\0') set(order.object, object);
    assert_int_equal(stripe_query_write(&order, after, &got), STATUS_OK);
    assert_string_equal(buf_terminated(&got), path);
}

static void queries_ask_for_what_is_consistent_where_it_can_be(void **state)
{
    (void)state;
    assert_query(PSP_CHARGE, "", "",
                 "/v1/payment_intents/search?limit=2&query=metadata%5B%27reference%27%5D%3A%27"
                 "0190a1b2-0000-7000-8000-00000000c3d4%3A2%27");
    assert_query(PSP_CHARGE, "pi_1", "", "/v1/payment_intents/pi_1");
    assert_query(PSP_AUTHORISE, "pi_1", "", "/v1/payment_intents/pi_1");
    assert_query(PSP_CAPTURE, "pi_1", "", "/v1/payment_intents/pi_1");
    assert_query(PSP_CANCEL, "pi_1", "", "/v1/payment_intents/pi_1");
    assert_query(PSP_REFUND, "pi_1", "", "/v1/refunds?limit=100&payment_intent=pi_1");
    assert_query(PSP_REFUND, "pi_1", "re_9",
                 "/v1/refunds?limit=100&payment_intent=pi_1&starting_after=re_9");
    assert_query(PSP_PAY_OUT, "po_1", "", "/v1/payouts/po_1");
    assert_query(PSP_PAY_OUT, "", "po_9", "/v1/payouts?limit=100&starting_after=po_9");
}

/* ---- Objects ---- */

struct sample {
    enum psp_operation operation;
    bool query;
    const char *body;
    enum psp_answer answer;
    uint64_t minor;
    const char *reason;
};

#define INTENT(status, amount, received, capturable, metadata, more)                               \
    "{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"amount\":" amount                            \
    ",\"amount_received\":" received ",\"amount_capturable\":" capturable                          \
    ",\"currency\":\"eur\",\"metadata\":{" metadata "},\"status\":\"" status "\"" more "}"
#define OURS "\"reference\":\"" KEY "\""
#define REFUND(status, more)                                                                          \
    "{\"id\":\"re_1\",\"object\":\"refund\",\"amount\":1250,\"currency\":\"eur\",\"metadata\":{" OURS \
    "},\"status\":" status more "}"
#define PAYOUT(status, more)                                                                          \
    "{\"id\":\"po_1\",\"object\":\"payout\",\"amount\":1250,\"currency\":\"eur\",\"metadata\":{" OURS \
    "},\"status\":" status more "}"

static const struct sample samples[] = {
    { PSP_CHARGE, false, INTENT("succeeded", "1250", "1250", "0", OURS, ""), PSP_ANSWER_DONE, 1250,
      "" },
    { PSP_CHARGE, true, INTENT("succeeded", "1250", "1200", "0", OURS, ""), PSP_ANSWER_DONE, 1200,
      "" },
    { PSP_CHARGE, false, INTENT("processing", "1250", "0", "0", OURS, ""), PSP_ANSWER_PENDING, 1250,
      "" },
    { PSP_CHARGE, true, INTENT("requires_action", "1250", "0", "0", OURS, ""), PSP_ANSWER_PENDING,
      1250, "" },
    { PSP_CHARGE, true,
      INTENT("requires_payment_method", "1250", "0", "0", OURS,
             ",\"last_payment_error\":{\"code\":\"card_declined\",\"decline_code\":\"lost_card\"}"),
      PSP_ANSWER_DECLINED, 1250, "lost_card" },
    { PSP_CHARGE, true, INTENT("canceled", "1250", "0", "0", OURS, ""), PSP_ANSWER_DECLINED, 1250,
      "canceled" },
    { PSP_CHARGE, true, INTENT("requires_confirmation", "1250", "0", "0", OURS, ""),
      PSP_ANSWER_UNKNOWN, 0, "unexpected_status" },
    { PSP_CHARGE, true, INTENT("requires_capture", "1250", "0", "1250", OURS, ""),
      PSP_ANSWER_UNKNOWN, 0, "unexpected_status" },
    { PSP_CHARGE, false, INTENT("succeeded", "1250", "1250", "0", "\"reference\":\"x\"", ""),
      PSP_ANSWER_UNKNOWN, 0, "other_reference" },
    { PSP_CHARGE, false, INTENT("succeeded", "1250", "1250", "0", "", ""), PSP_ANSWER_UNKNOWN, 0,
      "other_reference" },
    { PSP_CHARGE, false, INTENT("succeeded", "1250", "-1250", "0", OURS, ""), PSP_ANSWER_UNKNOWN, 0,
      "answer_unreadable" },
    { PSP_CHARGE, false, REFUND("\"succeeded\"", ""), PSP_ANSWER_UNKNOWN, 0, "other_object" },
    { PSP_CHARGE, false, "{}", PSP_ANSWER_UNKNOWN, 0, "other_object" },
    { PSP_CHARGE, false, "garbage", PSP_ANSWER_UNKNOWN, 0, "answer_unreadable" },
    { PSP_CHARGE, false, "", PSP_ANSWER_UNKNOWN, 0, "answer_unreadable" },
    { PSP_AUTHORISE, false, INTENT("requires_capture", "1250", "0", "1000", OURS, ""),
      PSP_ANSWER_DONE, 1000, "" },
    { PSP_AUTHORISE, true, INTENT("requires_capture", "1250", "400", "850", OURS, ""),
      PSP_ANSWER_DONE, 1250, "" },
    { PSP_AUTHORISE, true, INTENT("succeeded", "1250", "1250", "0", OURS, ""), PSP_ANSWER_DONE,
      1250, "" },
    { PSP_AUTHORISE, true, INTENT("canceled", "1250", "0", "0", OURS, ""), PSP_ANSWER_DECLINED,
      1250, "canceled" },
    { PSP_CAPTURE, false,
      INTENT("requires_capture", "2000", "1650", "350",
             "\"capture_1\":\"400\",\"capture_2\":\"1250\"", ""),
      PSP_ANSWER_DONE, 1250, "" },
    { PSP_CAPTURE, true, INTENT("succeeded", "1250", "1249", "0", "\"capture_2\":\"1250\"", ""),
      PSP_ANSWER_DONE, 1249, "" },
    { PSP_CAPTURE, true, INTENT("canceled", "2000", "1250", "0", "\"capture_2\":\"1250\"", ""),
      PSP_ANSWER_DONE, 1250, "" },
    { PSP_CAPTURE, true, INTENT("processing", "1250", "0", "0", "\"capture_2\":\"1250\"", ""),
      PSP_ANSWER_PENDING, 1250, "" },
    { PSP_CAPTURE, true, INTENT("requires_capture", "1250", "0", "1250", OURS, ""),
      PSP_ANSWER_NOT_FOUND, 0, "not_captured" },
    { PSP_CAPTURE, true, INTENT("canceled", "1250", "0", "0", "", ""), PSP_ANSWER_DECLINED, 1250,
      "canceled" },
    { PSP_CAPTURE, true, INTENT("succeeded", "1250", "1250", "0", "", ""), PSP_ANSWER_UNKNOWN, 0,
      "captured_by_others" },
    { PSP_CAPTURE, false, INTENT("succeeded", "1250", "1250", "0", "", ""), PSP_ANSWER_UNKNOWN, 0,
      "other_reference" },
    { PSP_CAPTURE, true,
      INTENT("succeeded", "1250", "10", "0", "\"capture_2\":\"10\",\"capture_1\":\"20\"", ""),
      PSP_ANSWER_UNKNOWN, 0, "amount_unreadable" },
    { PSP_CANCEL, false, INTENT("canceled", "1250", "0", "0", "", ""), PSP_ANSWER_DONE, 1250, "" },
    { PSP_CANCEL, true, INTENT("succeeded", "1250", "1000", "0", "", ""), PSP_ANSWER_DONE, 250,
      "" },
    { PSP_CANCEL, true, INTENT("requires_capture", "1250", "0", "1250", "", ""),
      PSP_ANSWER_NOT_FOUND, 0, "not_canceled" },
    { PSP_CANCEL, false, INTENT("requires_capture", "1250", "0", "1250", "", ""),
      PSP_ANSWER_UNKNOWN, 0, "unexpected_status" },
    { PSP_REFUND, false, REFUND("\"succeeded\"", ""), PSP_ANSWER_DONE, 1250, "" },
    { PSP_REFUND, false, REFUND("\"pending\"", ""), PSP_ANSWER_PENDING, 1250, "" },
    { PSP_REFUND, false, REFUND("\"requires_action\"", ""), PSP_ANSWER_PENDING, 1250, "" },
    { PSP_REFUND, false, REFUND("\"failed\"", ",\"failure_reason\":\"expired_or_canceled_card\""),
      PSP_ANSWER_DECLINED, 1250, "expired_or_canceled_card" },
    { PSP_REFUND, false, REFUND("\"canceled\"", ""), PSP_ANSWER_DECLINED, 1250, "canceled" },
    { PSP_REFUND, false, REFUND("null", ""), PSP_ANSWER_UNKNOWN, 0, "unexpected_status" },
    { PSP_PAY_OUT, false, PAYOUT("\"paid\"", ""), PSP_ANSWER_DONE, 1250, "" },
    { PSP_PAY_OUT, false, PAYOUT("\"in_transit\"", ""), PSP_ANSWER_PENDING, 1250, "" },
    { PSP_PAY_OUT, false, PAYOUT("\"failed\"", ",\"failure_code\":\"account_closed\""),
      PSP_ANSWER_DECLINED, 1250, "account_closed" },
};

static struct psp_reply reply_to(const struct psp_order *order, const struct psp_http *http,
                                 bool query)
{
    static char memory[ARENA_SIZE];
    struct arena arena;
    char after[PSP_TOKEN_SIZE] = "";
    struct psp_reply reply = { .query = query };
    arena_init_over(&arena, memory, sizeof memory);
    if (!query)
        stripe_answer_read(order, http, &arena, &reply);
    else
        assert_false(stripe_query_read(order, http, &arena, &reply, after));
    return reply;
}

static void objects_come_to_what_may_be_concluded(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *sample = &samples[i];
        struct psp_order order = order_make(sample->operation);
        set(order.object, "pi_1");
        const struct psp_http http = { .status = 200, .body = str_from(sample->body) };
        struct psp_reply reply = reply_to(&order, &http, sample->query);
        if (reply.answer != sample->answer || reply.amount.minor != sample->minor ||
            strcmp(reply.reason, sample->reason) != 0) {
            fail_msg("%s: %s %lu '%s'", sample->body, psp_answer_name(reply.answer),
                     (unsigned long)reply.amount.minor, reply.reason);
        }
        if (sample->minor > 0) assert_int_equal(reply.asset, EUR);
        if (sample->answer == PSP_ANSWER_DONE) assert_int_equal(reply.object[2], '_');
    }
}

static void no_part_of_an_answer_is_an_answer(void **state)
{
    (void)state;
    static const char body[] = INTENT("succeeded", "1250", "1250", "0", OURS, "");
    const struct psp_order order = order_make(PSP_CHARGE);
    for (size_t len = 0; len + 1 < sizeof body; len++) {
        const struct psp_http http = { .status = 200, .body = { body, len } };
        assert_int_equal(reply_to(&order, &http, false).answer, PSP_ANSWER_UNKNOWN);
    }
}

/* ---- Lists ---- */

static void lists_are_searched_for_our_reference(void **state)
{
    (void)state;
    static const struct {
        enum psp_operation operation;
        const char *body;
        enum psp_answer answer;
        const char *after;
        const char *reason;
    } cases[] = {
        { PSP_REFUND, "{\"object\":\"list\",\"data\":[],\"has_more\":false}", PSP_ANSWER_NOT_FOUND,
          "", "not_found" },
        { PSP_REFUND,
          "{\"data\":[{\"id\":\"re_7\",\"object\":\"refund\"}," REFUND("\"succeeded\"", "") "]}",
          PSP_ANSWER_DONE, "", "" },
        { PSP_REFUND, "{\"data\":[{\"id\":\"re_7\",\"object\":\"refund\"}],\"has_more\":true}",
          PSP_ANSWER_UNKNOWN, "re_7", "more_pages" },
        { PSP_REFUND, "{\"data\":[{\"id\":\"re/7\"}],\"has_more\":true}", PSP_ANSWER_UNKNOWN, "",
          "more_pages" },
        { PSP_REFUND, "{\"data\":[],\"has_more\":true}", PSP_ANSWER_UNKNOWN, "", "more_pages" },
        { PSP_REFUND, "{\"data\":[" REFUND("\"succeeded\"", "") "," REFUND("\"pending\"", "") "]}",
          PSP_ANSWER_UNKNOWN, "", "found_twice" },
        { PSP_REFUND, "{\"object\":\"list\"}", PSP_ANSWER_UNKNOWN, "", "answer_unreadable" },
        { PSP_REFUND, "{\"data\":[{\"amount\":1.5}]}", PSP_ANSWER_UNKNOWN, "",
          "answer_unreadable" },
        { PSP_CHARGE, "{\"data\":[],\"has_more\":false}", PSP_ANSWER_NOT_FOUND, "", "not_found" },
        { PSP_CHARGE,
          "{\"data\":[" INTENT("succeeded", "1250", "1250", "0", OURS, "") "],\"has_more\":false}",
          PSP_ANSWER_DONE, "", "" },
        { PSP_CHARGE, "{\"data\":[{\"id\":\"pi_7\"}],\"has_more\":true}", PSP_ANSWER_UNKNOWN, "",
          "more_pages" },
        { PSP_PAY_OUT, "{\"data\":[" PAYOUT("\"paid\"", "") "]}", PSP_ANSWER_DONE, "", "" },
    };
    static char memory[ARENA_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct psp_order order = order_make(cases[i].operation);
        if (order.operation == PSP_REFUND) set(order.object, "pi_1");
        struct arena arena;
        char after[PSP_TOKEN_SIZE] = "";
        struct psp_reply reply = { .query = true };
        const struct psp_http http = { .status = 200, .body = str_from(cases[i].body) };
        arena_init_over(&arena, memory, sizeof memory);
        bool more = stripe_query_read(&order, &http, &arena, &reply, after);
        if (reply.answer != cases[i].answer || strcmp(after, cases[i].after) != 0 ||
            strcmp(reply.reason, cases[i].reason) != 0) {
            fail_msg("%s: %s '%s' '%s'", cases[i].body, psp_answer_name(reply.answer), after,
                     reply.reason);
        }
        assert_int_equal(more, after[0] != '\0');
    }
}

/* ---- Errors ---- */

#define ERROR(members) "{\"error\":{" members "}}"

static void errors_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *body;
        enum psp_answer answer;
        enum psp_answer of_query;
        const char *reason;
        const char *object;
    } cases[] = {
        { 402,
          ERROR("\"type\":\"card_error\",\"code\":\"card_declined\",\"decline_code\":"
                "\"insufficient_funds\",\"payment_intent\":{\"id\":\"pi_1\",\"amount\":1}"),
          PSP_ANSWER_DECLINED, PSP_ANSWER_UNKNOWN, "insufficient_funds", "pi_1" },
        { 402, ERROR("\"type\":\"card_error\",\"code\":\"expired_card\""), PSP_ANSWER_DECLINED,
          PSP_ANSWER_UNKNOWN, "expired_card", "" },
        { 400, ERROR("\"type\":\"card_error\",\"code\":\"incorrect_number\""), PSP_ANSWER_DECLINED,
          PSP_ANSWER_UNKNOWN, "incorrect_number", "" },
        { 402, "<html>pay us</html>", PSP_ANSWER_INVALID, PSP_ANSWER_UNKNOWN, "http_status", "" },
        { 400, ERROR("\"type\":\"idempotency_error\""), PSP_ANSWER_INVALID, PSP_ANSWER_UNKNOWN,
          "idempotency_error", "" },
        { 409, ERROR("\"type\":\"idempotency_error\""), PSP_ANSWER_INVALID, PSP_ANSWER_UNKNOWN,
          "idempotency_error", "" },
        { 409, ERROR("\"type\":\"invalid_request_error\",\"code\":\"idempotency_key_in_use\""),
          PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN, "idempotency_key_in_use", "" },
        { 409, "", PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN, "http_status", "" },
        { 429, ERROR("\"type\":\"invalid_request_error\",\"code\":\"lock_timeout\""),
          PSP_ANSWER_THROTTLED, PSP_ANSWER_THROTTLED, "lock_timeout", "" },
        { 400, ERROR("\"type\":\"invalid_request_error\",\"code\":\"lock_timeout\""),
          PSP_ANSWER_THROTTLED, PSP_ANSWER_THROTTLED, "lock_timeout", "" },
        { 429, ERROR("\"type\":\"invalid_request_error\",\"code\":\"rate_limit\""),
          PSP_ANSWER_THROTTLED, PSP_ANSWER_THROTTLED, "rate_limit", "" },
        { 400, ERROR("\"type\":\"invalid_request_error\",\"code\":\"balance_insufficient\""),
          PSP_ANSWER_DECLINED, PSP_ANSWER_UNKNOWN, "balance_insufficient", "" },
        { 400, ERROR("\"type\":\"invalid_request_error\",\"param\":\"amount\""), PSP_ANSWER_INVALID,
          PSP_ANSWER_UNKNOWN, "invalid_request_error", "" },
        { 401, ERROR("\"type\":\"invalid_request_error\""), PSP_ANSWER_NOT_SENT,
          PSP_ANSWER_NOT_SENT, "invalid_request_error", "" },
        { 404, ERROR("\"type\":\"invalid_request_error\",\"code\":\"resource_missing\""),
          PSP_ANSWER_INVALID, PSP_ANSWER_UNKNOWN, "resource_missing", "" },
        { 500, ERROR("\"type\":\"api_error\""), PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN, "api_error",
          "" },
        { 503, ERROR("\"type\":\"card_error\""), PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN,
          "card_error", "" },
        { 500, ERROR("\"code\":\"lock_timeout\""), PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN,
          "lock_timeout", "" },
        { 301, "", PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN, "http_status", "" },
        { 202, INTENT("succeeded", "1250", "1250", "0", OURS, ""), PSP_ANSWER_UNKNOWN,
          PSP_ANSWER_UNKNOWN, "http_status", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct psp_order order = order_make(PSP_CHARGE);
        const struct psp_http http = { .status = cases[i].status, .body = str_from(cases[i].body) };
        struct psp_reply reply = reply_to(&order, &http, false);
        struct psp_reply of_query = reply_to(&order, &http, true);
        if (reply.answer != cases[i].answer || of_query.answer != cases[i].of_query ||
            strcmp(reply.reason, cases[i].reason) != 0 ||
            strcmp(reply.object, cases[i].object) != 0) {
            fail_msg("%u %s: %s %s '%s' '%s'", cases[i].status, cases[i].body,
                     psp_answer_name(reply.answer), psp_answer_name(of_query.answer), reply.reason,
                     reply.object);
        }
    }
}

static void too_little_memory_is_unknown(void **state)
{
    (void)state;
    const struct psp_order order = order_make(PSP_CHARGE);
    const struct psp_http http = { .status = 200,
                                   .body =
                                       STR(INTENT("succeeded", "1250", "1250", "0", OURS, "")) };
    char memory[64];
    struct arena arena;
    struct psp_reply reply = { 0 };
    arena_init_over(&arena, memory, sizeof memory);
    stripe_answer_read(&order, &http, &arena, &reply);
    assert_int_equal(reply.answer, PSP_ANSWER_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_the_requests_that_stripe_documents),
        cmocka_unit_test(what_cannot_be_said_is_not_written),
        cmocka_unit_test(queries_ask_for_what_is_consistent_where_it_can_be),
        cmocka_unit_test(objects_come_to_what_may_be_concluded),
        cmocka_unit_test(no_part_of_an_answer_is_an_answer),
        cmocka_unit_test(lists_are_searched_for_our_reference),
        cmocka_unit_test(errors_are_told_apart),
        cmocka_unit_test(too_little_memory_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

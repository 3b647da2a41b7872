/*
 * Goal: what is sent is the envelope, signed so that it verifies with each live key; only a whole
 * answer of 2xx counts as delivered.
 * Method: a called http_out in memory keeps the request, which is then verified as a receiver
 * does; a table of answers.
 */
#include "wallet/webhook_attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "webhook/signature.h"

struct receiver {
    struct http_out port; /* first */
    uint32_t calls;
    enum status status;
    struct http_out_response response;
    bool verified;
    struct webhook_endpoint *endpoint;
    char traceparent[64]; /* that came; "": none */
    struct webhook_scratch scratch;
};

static enum status receive(struct http_out *http, const struct http_out_request *request,
                           struct http_out_response *out_response, struct buf *out_body,
                           struct error *out_error)
{
    struct receiver *receiver = (struct receiver *)http;
    receiver->calls++;
    assert_true(str_equal(request->method, STR("POST")));
    assert_true(str_equal(request->url, STR("https://example.com/hook")));
    struct webhook_header headers[HTTP_OUT_HEADERS_MAX];
    for (uint32_t i = 0; i < request->header_count; i++) {
        headers[i] = (struct webhook_header){ request->headers[i].name, request->headers[i].value };
        if (!str_equal(headers[i].name, STR("traceparent"))) continue;
        assert_int_equal(headers[i].value.len, 55);
        memcpy(receiver->traceparent, headers[i].value.data, 55);
    }
    receiver->verified = true;
    for (uint32_t i = 0; i < receiver->endpoint->key_count; i++) {
        struct signing_key *key = &receiver->endpoint->keys[i];
        const struct webhook_policy policy = { .scheme = WEBHOOK_STANDARD, .tolerance_s = 300 };
        const struct webhook_check check = { .policy = &policy,
                                             .keys = &key,
                                             .key_count = 1,
                                             .now = { 500 * NS_PER_S },
                                             .scratch = &receiver->scratch };
        const struct webhook_message message = { headers, request->header_count, request->body };
        struct webhook_verdict verdict;
        receiver->verified &= webhook_verify(&check, &message, &verdict);
        assert_true(str_equal(verdict.id, STR("7-1")));
    }
    if (receiver->status != STATUS_OK) return error_set(out_error, receiver->status, "as told");
    buf_reset(out_body);
    *out_response = receiver->response;
    return STATUS_OK;
}

static void make_endpoint(struct webhook_endpoint *endpoint)
{
    static const char seed[] = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    *endpoint = (struct webhook_endpoint){ .state = ENDPOINT_ACTIVE, .key_count = 2 };
    memcpy(endpoint->url, "https://example.com/hook", 25);
    uint8_t bytes[32] = { 1, 2, 3 };
    assert_int_equal(signing_key_take(bytes, sizeof bytes, &endpoint->keys[0]), STATUS_OK);
    assert_int_equal(signing_key_parse(STR(seed), &endpoint->keys[1]), STATUS_OK);
}

static struct attempt_result send_traced(struct receiver *receiver,
                                         struct webhook_endpoint *endpoint, struct trace trace,
                                         bool watched)
{
    static const struct feed_event event = { .position = { 7, 1 },
                                             .id = STR("7-1"),
                                             .type = STR("payment.succeeded"),
                                             .source = STR("/test"),
                                             .data = STR("{}") };
    struct attempt_memory memory;
    attempt_memory_init(&memory, 1024);
    receiver->port.call = receive;
    receiver->endpoint = endpoint;
    buf_init(&receiver->scratch.message, WEBHOOK_SCRATCH_SIZE);
    buf_init(&receiver->scratch.form, WEBHOOK_SCRATCH_SIZE);
    const struct attempt attempt = { .endpoint = endpoint,
                                     .event = &event,
                                     .delivery = { .sequence = 1 },
                                     .trace = trace,
                                     .watched = watched,
                                     .now = { 500 * NS_PER_S } };
    struct attempt_result result = attempt_send(&attempt, &receiver->port, &memory);
    attempt_memory_free(&memory);
    buf_free(&receiver->scratch.message);
    buf_free(&receiver->scratch.form);
    return result;
}

static struct attempt_result send_one(struct receiver *receiver, struct webhook_endpoint *endpoint)
{
    return send_traced(receiver, endpoint, (struct trace){ 0 }, false);
}

static void the_header_says_what_is_watched(void **state)
{
    (void)state; /* no fixture */
    struct webhook_endpoint endpoint;
    make_endpoint(&endpoint);
    const struct trace trace = { .id = { .hi = 1, .lo = 2 }, .span = 3 };
    struct receiver none = { .response = { .status = 204 } };
    struct receiver quiet = none;
    struct receiver watched = none;
    (void)send_one(&none, &endpoint); /* whatever comes of it */
    (void)send_traced(&quiet, &endpoint, trace, false);
    (void)send_traced(&watched, &endpoint, trace, true);
    assert_string_equal(none.traceparent, "");
    assert_string_equal(quiet.traceparent,
                        "00-00000000000000010000000000000002-0000000000000003-00");
    assert_string_equal(watched.traceparent,
                        "00-00000000000000010000000000000002-0000000000000003-01");
    endpoint_done(&endpoint);
}

static void every_live_key_signs(void **state)
{
    (void)state; /* no fixture */
    struct webhook_endpoint endpoint;
    make_endpoint(&endpoint);
    struct receiver receiver = { .response = { .status = 204 } };
    assert_true(send_one(&receiver, &endpoint).delivered);
    assert_true(receiver.verified);
    endpoint.keys[1].not_after.ns = 500 * NS_PER_S; /* over at that moment */
    assert_true(send_one(&receiver, &endpoint).delivered);
    assert_false(receiver.verified);
    endpoint.keys[0].not_before.ns = 501 * NS_PER_S;
    receiver.calls = 0;
    assert_false(send_one(&receiver, &endpoint).delivered);
    assert_int_equal(receiver.calls, 0); /* nothing unsigned goes out */
    endpoint_done(&endpoint);
}

static void only_a_whole_2xx_is_delivered(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        enum status status;
        unsigned http_status;
        bool delivered;
        bool gone;
    } cases[] = {
        { STATUS_OK, 200, true, false },        { STATUS_OK, 299, true, false },
        { STATUS_OK, 199, false, false },       { STATUS_OK, 300, false, false },
        { STATUS_OK, 302, false, false },       { STATUS_OK, 410, false, true },
        { STATUS_OK, 500, false, false },       { STATUS_UNAVAILABLE, 200, false, false },
        { STATUS_IN_DOUBT, 200, false, false }, { STATUS_LIMIT, 200, false, false },
        { STATUS_DENIED, 200, false, false },
    };
    struct webhook_endpoint endpoint;
    make_endpoint(&endpoint);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct receiver receiver = { .status = cases[i].status,
                                     .response = { cases[i].http_status, 9, 1 } };
        struct attempt_result result = send_one(&receiver, &endpoint);
        if (result.delivered != cases[i].delivered || result.gone != cases[i].gone) {
            fail_msg("case %zu", i);
        }
        assert_int_equal(result.http_status,
                         cases[i].status == STATUS_OK ? cases[i].http_status : 0);
    }
    endpoint_done(&endpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_says_what_is_watched),
        cmocka_unit_test(every_live_key_signs),
        cmocka_unit_test(only_a_whole_2xx_is_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

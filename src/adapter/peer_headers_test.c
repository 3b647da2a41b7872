/*
 * Goal: what a caller says reaches the owner, but for what is of its connection or would pass for a
 * peer's word; of an answer, what an API of ours sets comes back.
 * Method: tables of names.
 */
#include "adapter/peer_headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "port/peer.h"

static void a_client_cannot_speak_as_a_peer(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *name;
        bool passes;
    } cases[] = {
        { "Authorization", true },     { "Idempotency-Key", true },    { "content-type", true },
        { "webhook-signature", true }, { "TPW-Min-Position", true },   { "tracestate", true },
        { "Last-Event-ID", true },     { "tpw-local-user", false },    { "TPW-LOCAL-USER", false },
        { "TPW-Left-Ms", false },      { "connection", false },        { "Host", false },
        { "Content-Length", false },   { "transfer-encoding", false }, { "traceparent", false },
        { "tpw-arrival", false },      { "tpw-ledger", false },        { "TPW-Lane", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(peer_passes_header(str_from(cases[i].name)), cases[i].passes);
    }
}

static void an_answer_has_what_the_owner_set(void **state)
{
    (void)state; /* no fixture */
    static struct api_call call;
    peer_answer_header(&call, STR("content-type"), STR(" application/problem+json\r\n"));
    peer_answer_header(&call, STR("Date"), STR(" now\r\n"));
    peer_answer_header(&call, STR("idempotent-replayed"), STR(" true\r\n"));
    peer_answer_header(&call, STR("Set-Cookie"), STR(" a=b\r\n"));
    peer_answer_header(&call, STR("Retry-After"), STR("10"));
    assert_string_equal(call.answer_type, "application/problem+json");
    assert_int_equal(call.header_count, 2);
    assert_string_equal(call.headers[0].name, "Idempotent-Replayed");
    assert_string_equal(call.headers[0].value, "true");
    assert_string_equal(call.headers[1].value, "10");
    peer_answer_header(&call, STR("Content-Type"), STR("x/y"));
    assert_string_equal(call.answer_type, "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_cannot_speak_as_a_peer),
        cmocka_unit_test(an_answer_has_what_the_owner_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: what is kept of rejected webhooks is bounded in number and rate, and never holds a
 * secret, a signature or the body.
 * Method: floods under a stepped clock; the ring's ends; all bytes of an entry searched for what
 * was in the message.
 */
#include "webhook/rejections.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check_test.h"

static const struct webhook_header HEADERS[] = {
    { STR("Content-Type"), STR("application/json") },
    { STR("Webhook-Signature"), STR("v1,c2lnbmF0dXJlLW9mLXNvbWVib2R5") },
    { STR("Authorization"), STR("Bearer topsecret") },
    { STR("X-Odd\x01\xFF"), STR("\xFE") },
    { STR("webhook-id"), STR("msg_1\r\nInjected: yes") },
};

static void add(struct rejections *rejections, int64_t at_ms, struct str body)
{
    static const struct signing_key key = { .name = "2026-11" };
    const struct webhook_message message = { HEADERS, 5, body };
    const struct webhook_verdict verdict = {
        .reason = WEBHOOK_REASON_KEY_EXPIRED, .timed = true, .ahead_s = -5, .key = &key
    };
    const struct rejection_source source = {
        STR("stripe"), &message, &verdict, { at_ms * NS_PER_MS }
    };
    rejections_add(rejections, &source);
}

static struct rejections *rejections_make(void)
{
    struct rejections *rejections = calloc(1, sizeof *rejections);
    assert_non_null(rejections);
    return rejections;
}

static void contains(const struct rejection *entry, const char *text, bool wanted)
{
    size_t len = strlen(text);
    bool found = false;
    for (size_t at = 0; at + len <= sizeof *entry; at++) {
        found |= memcmp((const char *)entry + at, text, len) == 0;
    }
    if (found != wanted) fail_msg("%s: %s", text, found ? "found" : "not found");
}

static void an_entry_says_what_matters_and_no_secret(void **state)
{
    (void)state; /* no fixture */
    struct rejections *rejections = rejections_make();
    add(rejections, 1000, STR("{\"card\":\"4242\"}"));
    const struct rejection *entry = rejections_at(rejections, 0);
    assert_non_null(entry);
    assert_int_equal(entry->number, 1);
    assert_int_equal(entry->reason, WEBHOOK_REASON_KEY_EXPIRED);
    assert_int_equal(entry->ahead_s, -5);
    assert_string_equal(entry->secret, "2026-11");
    assert_string_equal(entry->endpoint, "stripe");
    assert_int_equal(entry->body_size, 15);
    struct digest digest = digest_of("{\"card\":\"4242\"}", 15);
    assert_true(digest_equal(&entry->body_digest, &digest));
    assert_string_equal(entry->headers, "Content-Type: application/json\n"
                                        "Webhook-Signature: (31 bytes)\n"
                                        "Authorization: (16 bytes)\n"
                                        "X-Odd??: (1 bytes)\n"
                                        "webhook-id: msg_1??Injected: yes\n");
    contains(entry, "application/json", true);
    contains(entry, "topsecret", false);
    contains(entry, "c2lnbmF0", false);
    contains(entry, "4242", false);
    assert_null(rejections_at(rejections, 1));
    free(rejections);
}

static void a_flood_is_counted_and_not_kept(void **state)
{
    (void)state; /* no fixture */
    struct rejections *rejections = rejections_make();
    for (int i = 0; i < 1000; i++) add(rejections, 5000, STR("x"));
    assert_int_equal(rejections->count, 1000);
    assert_int_equal(rejections->kept, REJECTIONS_BURST_MAX);
    assert_false(rejections_has_room(rejections, (struct wall_time){ 5000 * NS_PER_MS }));
    assert_false(rejections_has_room(rejections, (struct wall_time){ 1000 * NS_PER_MS }));
    assert_false(rejections_has_room(rejections, (struct wall_time){ 1099 * NS_PER_MS }));
    assert_true(rejections_has_room(rejections, (struct wall_time){ 1101 * NS_PER_MS }));
    add(rejections, 1101, STR("y"));
    assert_int_equal(rejections->kept, REJECTIONS_BURST_MAX + 1);
    assert_int_equal(rejections_at(rejections, 0)->number, 1001);
    assert_int_equal(rejections_at(rejections, 1)->number, REJECTIONS_BURST_MAX);
    free(rejections);
}

static void the_oldest_make_room(void **state)
{
    (void)state; /* no fixture */
    struct rejections *rejections = rejections_make();
    for (int i = 1; i <= REJECTIONS_MAX + 10; i++) add(rejections, i * 1000, STR("x"));
    assert_int_equal(rejections->kept, REJECTIONS_MAX + 10);
    assert_int_equal(rejections_at(rejections, 0)->number, REJECTIONS_MAX + 10);
    assert_int_equal(rejections_at(rejections, REJECTIONS_MAX - 1)->number, 11);
    assert_null(rejections_at(rejections, REJECTIONS_MAX));
    free(rejections);
}

static void many_and_long_headers_are_cut(void **state)
{
    (void)state; /* no fixture */
    static char value[4096];
    memset(value, 'v', sizeof value);
    struct webhook_header headers[WEBHOOK_HEADERS_MAX];
    for (int i = 0; i < WEBHOOK_HEADERS_MAX; i++) {
        headers[i] = (struct webhook_header){ STR("User-Agent"), { value, sizeof value } };
    }
    const struct webhook_message message = { headers, WEBHOOK_HEADERS_MAX, STR("") };
    const struct webhook_verdict verdict = { .reason = WEBHOOK_REASON_NO_MATCH };
    const struct rejection_source source = {
        STR("an endpoint with a name that is too long"), &message, &verdict, { 1 }
    };
    struct rejections *rejections = rejections_make();
    rejections_add(rejections, &source);
    const struct rejection *entry = rejections_at(rejections, 0);
    size_t len = strnlen(entry->headers, sizeof entry->headers);
    assert_true(len < sizeof entry->headers && len > 800);
    assert_int_equal(entry->headers[len - 1], '\n');
    assert_int_equal(strlen(entry->endpoint), REJECTION_ENDPOINT_SIZE - 1);
    free(rejections);
}

static void add_verified(void *rejections)
{
    const struct webhook_message message = { NULL, 0, STR("") };
    const struct webhook_verdict verdict = { .reason = WEBHOOK_REASON_VERIFIED };
    const struct rejection_source source = { STR("e"), &message, &verdict, { 1 } };
    rejections_add(rejections, &source); /* it stops before */
}

static void what_verified_is_no_rejection(void **state)
{
    (void)state; /* no fixture */
    struct rejections *rejections = rejections_make();
    assert_true(dies(add_verified, rejections));
    free(rejections);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_says_what_matters_and_no_secret),
        cmocka_unit_test(a_flood_is_counted_and_not_kept),
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(many_and_long_headers_are_cut),
        cmocka_unit_test(what_verified_is_no_rejection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

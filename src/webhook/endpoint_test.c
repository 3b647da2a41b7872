/*
 * Goal: endpoints are checked, filter as their texts say, sign through a rotation without a gap,
 * and attempts are spaced and ended as the policy says.
 * Method: tables; a rotation watched at its moments; the delays of many seeds between their
 * bounds, and not all the same.
 */
#include "webhook/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void put_text(char *out, const char *text, size_t size)
{
    memset(out, 0, size);
    memcpy(out, text, strlen(text) < size ? strlen(text) : size);
}

static void urls(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *url;
        bool good;
    } cases[] = {
        { "https://example.com/hooks?a=b", true },
        { "http://127.0.0.1:8080", true },
        { "https://[::1]/", true },
        { "https://example.com/a@b", true },
        { "https://user:password@example.com/", false },
        { "ftp://example.com/", false },
        { "https://", false },
        { "https:///path", false },
        { "https://?x", false },
        { "https://:80", false },
        { "https://a b/", false },
        { "https://a/#fragment", false },
        { "https://a\\@b/", false },
        { "https://a\r\nHost: b/", false },
        { "https://\xC3\xA4/", false },
        { "", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct webhook_endpoint endpoint = { .state = ENDPOINT_ACTIVE };
        const char *field;
        put_text(endpoint.url, cases[i].url, sizeof endpoint.url);
        if ((endpoint_fault(&endpoint, &field) == NULL) != cases[i].good) fail_msg("case %zu", i);
    }
    struct webhook_endpoint endpoint = { .state = ENDPOINT_ACTIVE };
    const char *field;
    memset(endpoint.url, 'a', sizeof endpoint.url);
    memcpy(endpoint.url, "https://", 8);
    assert_non_null(endpoint_fault(&endpoint, &field));
    put_text(endpoint.url, "https://a", sizeof endpoint.url);
    assert_null(endpoint_fault(&endpoint, &field));
    endpoint.state = 0;
    assert_non_null(endpoint_fault(&endpoint, &field));
    assert_string_equal(field, "state");
}

static void filters(void **state)
{
    (void)state; /* no fixture */
    static const char *const bad[] = { "", "*", ".*", "a*", "a.", ".a", "A", "a b", "a.*.b" };
    struct webhook_endpoint endpoint = { .state = ENDPOINT_ACTIVE, .filter_count = 1 };
    const char *field;
    put_text(endpoint.url, "https://a", sizeof endpoint.url);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_text(endpoint.filters[0], bad[i], sizeof endpoint.filters[0]);
        if (endpoint_fault(&endpoint, &field) == NULL) fail_msg("filter '%s'", bad[i]);
        assert_string_equal(field, "filters");
    }
    put_text(endpoint.filters[0], "payment.*", sizeof endpoint.filters[0]);
    put_text(endpoint.filters[1], "refund.failed", sizeof endpoint.filters[1]);
    endpoint.filter_count = 2;
    assert_null(endpoint_fault(&endpoint, &field));
    assert_true(endpoint_wants(&endpoint, STR("payment.succeeded")));
    assert_true(endpoint_wants(&endpoint, STR("refund.failed")));
    assert_false(endpoint_wants(&endpoint, STR("refund.failed.twice")));
    assert_false(endpoint_wants(&endpoint, STR("refund.succeeded")));
    assert_false(endpoint_wants(&endpoint, STR("payment")));
    assert_false(endpoint_wants(&endpoint, STR("payments.made")));
    endpoint.filter_count = 0;
    assert_true(endpoint_wants(&endpoint, STR("anything")));
}

static void make_key(uint8_t fill, const char *name, struct signing_key *out_key)
{
    uint8_t bytes[32];
    memset(bytes, fill, sizeof bytes);
    assert_int_equal(signing_key_take(bytes, sizeof bytes, out_key), STATUS_OK);
    signing_key_name(out_key, str_from(name));
}

static uint32_t live_at(struct webhook_endpoint *endpoint, int64_t s, struct signing_key **keys)
{
    return endpoint_live_keys(endpoint, (struct wall_time){ s * NS_PER_S }, keys);
}

static void rotation_has_no_gap(void **state)
{
    (void)state; /* no fixture */
    struct webhook_endpoint endpoint = { .state = ENDPOINT_ACTIVE };
    struct signing_key *keys[ENDPOINT_KEYS_MAX];
    struct signing_key key = { 0 };
    static const struct signing_key zero;
    make_key(1, "one", &key);
    assert_int_equal(endpoint_rotate(&endpoint, &key, (struct wall_time){ 100 * NS_PER_S }, 0),
                     STATUS_OK);
    assert_memory_equal(&key, &zero, sizeof key); /* taken over: no copy is left */
    assert_int_equal(live_at(&endpoint, 99, keys), 0);
    assert_int_equal(live_at(&endpoint, 100, keys), 1);
    make_key(2, "two", &key);
    assert_int_equal(endpoint_rotate(&endpoint, &key, (struct wall_time){ 200 * NS_PER_S }, 50),
                     STATUS_OK);
    assert_int_equal(live_at(&endpoint, 200, keys), 2);
    assert_string_equal(keys[0]->name, "two"); /* newest first */
    assert_string_equal(keys[1]->name, "one");
    assert_int_equal(live_at(&endpoint, 249, keys), 2);
    assert_int_equal(live_at(&endpoint, 250, keys), 1);
    assert_string_equal(keys[0]->name, "two");
    make_key(3, "three", &key);
    assert_int_equal(endpoint_rotate(&endpoint, &key, (struct wall_time){ 300 * NS_PER_S }, 900),
                     STATUS_OK);
    assert_int_equal(endpoint.key_count, 2); /* "one" is over and gone */
    make_key(4, "four", &key);
    assert_int_equal(endpoint_rotate(&endpoint, &key, (struct wall_time){ 310 * NS_PER_S }, 5),
                     STATUS_OK);
    assert_int_equal(live_at(&endpoint, 314, keys), 3);
    assert_int_equal(live_at(&endpoint, 315, keys), 1); /* shortened to the newer overlap */
    make_key(5, "five", &key);
    assert_int_equal(endpoint_rotate(&endpoint, &key, (struct wall_time){ 311 * NS_PER_S }, 5),
                     STATUS_OK);
    make_key(6, "six", &key);
    assert_int_equal(endpoint_rotate(&endpoint, &key, (struct wall_time){ 312 * NS_PER_S }, 5),
                     STATUS_LIMIT);
    assert_string_equal(key.name, "six"); /* untouched */
    assert_int_equal(live_at(&endpoint, 312, keys), 4);
    const struct digest_part part = { "x", 1 };
    struct digest digest = hmac_key_digest(&keys[0]->prepared, &part, 1);
    struct digest expected = hmac_sha256(&keys[0]->secret, &part, 1);
    assert_true(digest_equal(&digest, &expected));
    signing_key_done(&key);
    endpoint_done(&endpoint);
    endpoint_done(&endpoint);
    endpoint_done(NULL);
}

static void delays_double_with_jitter(void **state)
{
    (void)state; /* no fixture */
    const struct delivery_policy policy = { .first_ms = 1000, .delay_ms_max = 60000 };
    struct prng prng;
    prng_init(&prng, 5);
    uint32_t first = delivery_delay_ms(&policy, 1, 0, &prng);
    bool varies = false;
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t attempts = i % 80 + 1;
        uint64_t step = attempts > 6 ? 60000 : UINT64_C(1000) << (attempts - 1);
        if (step > 60000) step = 60000;
        uint32_t delay = delivery_delay_ms(&policy, attempts, 0, &prng);
        assert_true(delay >= step / 2 && delay <= step);
        varies |= attempts == 1 && delay != first;
    }
    assert_true(varies);
    assert_int_equal(delivery_delay_ms(&policy, 1, 30, &prng), 30000);
    assert_int_equal(delivery_delay_ms(&policy, 1, UINT32_MAX, &prng), 60000);
}

static void when_to_stop(void **state)
{
    (void)state; /* no fixture */
    const struct delivery_policy policy = { .attempts_max = 3,
                                            .disable_after_s = 1000,
                                            .disable_after_letters = 4 };
    static const struct {
        struct delivery_record record;
        int64_t now_s;
        enum delivery_next next;
    } cases[] = {
        { { 1, 0, { 1 }, false }, 5, DELIVERY_RETRY },
        { { 2, 0, { 1 }, false }, 5, DELIVERY_RETRY },
        { { 3, 0, { 1 }, false }, 5, DELIVERY_DEAD_LETTER },
        { { 3, 2, { 1 }, false }, 5, DELIVERY_DEAD_LETTER },
        { { 3, 3, { 1 }, false }, 5, DELIVERY_DISABLE },
        { { 1, 0, { 1 * NS_PER_S }, false }, 1000, DELIVERY_RETRY },
        { { 1, 0, { 1 * NS_PER_S }, false }, 1001, DELIVERY_DISABLE },
        { { 1, 0, { 0 }, false }, 5000, DELIVERY_RETRY },
        { { 1, 0, { 1 }, true }, 5, DELIVERY_DISABLE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum delivery_next next = delivery_judge(&policy, &cases[i].record,
                                                 (struct wall_time){ cases[i].now_s * NS_PER_S });
        if (next != cases[i].next) fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(filters),
        cmocka_unit_test(rotation_has_no_gap),
        cmocka_unit_test(delays_double_with_jitter),
        cmocka_unit_test(when_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

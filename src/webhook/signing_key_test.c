/*
 * Goal: secrets and keys are read as Standard Webhooks and Stripe write them, and nothing else;
 * they are live exactly inside their window; what is done is wiped.
 * Method: a table of texts with their status; written texts read again; the two ends of a window
 * to the nanosecond.
 */
#include "webhook/signing_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/check_test.h"
#include "base/hex.h"

/* RFC 8032, 7.1, test 1 */
static const char SEED[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
static const char PUBLIC[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

static void write_key(const char *prefix, const char *first, const char *second, struct buf *out)
{
    uint8_t bytes[64];
    size_t size = strlen(first) / 2;
    assert_int_equal(hex_parse(str_from(first), bytes, size), STATUS_OK);
    if (second != NULL) {
        assert_int_equal(hex_parse(str_from(second), bytes + size, 32), STATUS_OK);
        size += 32;
    }
    buf_append_str(out, str_from(prefix));
    base64_append(out, bytes, size);
}

static void texts_are_read_or_refused(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *text;
        enum status status;
        enum signing_key_kind kind;
    } cases[] = {
        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", STATUS_OK, SIGNING_KEY_HMAC },
        { "whsec_", STATUS_INVALID, SIGNING_KEY_NONE },
        { "whsec_AAAAAAAAAAAAAAAAAAAA", STATUS_INVALID, SIGNING_KEY_NONE }, /* 15 bytes */
        { "whsec_AAAAAAAAAAAAAAAAAAAAAA==", STATUS_OK, SIGNING_KEY_HMAC },  /* 16 */
        { "whsec_AAAAAAAAAAAAAAAAAAAAAA", STATUS_INVALID, SIGNING_KEY_NONE },
        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", STATUS_INVALID, SIGNING_KEY_NONE },
        { "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", STATUS_INVALID, SIGNING_KEY_NONE },
        { "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", STATUS_INVALID, SIGNING_KEY_NONE },
        { "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", STATUS_INVALID, SIGNING_KEY_NONE },
        { "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", STATUS_INVALID, SIGNING_KEY_NONE },
        { "", STATUS_INVALID, SIGNING_KEY_NONE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct signing_key key = { .kind = SIGNING_KEY_NONE };
        enum status status = signing_key_parse(str_from(cases[i].text), &key);
        if (status != cases[i].status || key.kind != cases[i].kind) fail_msg("case %zu", i);
        signing_key_done(&key);
    }
}

static void a_long_secret_is_over_the_limit(void **state)
{
    (void)state; /* no fixture */
    uint8_t bytes[SECRET_SIZE_MAX + 3] = { 0 };
    struct buf BUF_SCOPE text;
    buf_init(&text, 1024);
    buf_append_str(&text, STR("whsec_"));
    base64_append(&text, bytes, sizeof bytes);
    struct signing_key key;
    assert_int_equal(signing_key_parse(buf_view(&text), &key), STATUS_LIMIT);
    assert_int_equal(signing_key_plain((struct str){ (const char *)bytes, sizeof bytes }, &key),
                     STATUS_LIMIT);
}

static void keys_of_ed25519_are_read_and_written(void **state)
{
    (void)state; /* no fixture */
    struct buf BUF_SCOPE text;
    struct buf BUF_SCOPE again;
    struct buf BUF_SCOPE public;
    buf_init(&text, 1024);
    buf_init(&again, 1024);
    buf_init(&public, 1024);
    write_key("whsk_", SEED, NULL, &text);
    write_key("whpk_", PUBLIC, NULL, &public);
    struct signing_key key;
    assert_int_equal(signing_key_parse(buf_view(&text), &key), STATUS_OK);
    assert_int_equal(key.kind, SIGNING_KEY_ED25519);
    struct signing_key copy = key;
    struct ed25519_signature signature = ed25519_sign(&key.secret, STR("message"));
    assert_true(ed25519_verify(&copy.public, STR("message"), &signature));
    assert_false(ed25519_verify(&copy.public, STR("massage"), &signature));
    signing_key_done(&copy); /* each has its own */
    assert_true(ed25519_verify(&key.public, STR("message"), &signature));
    signing_key_format(&key, false, &again);
    assert_true(str_equal(buf_view(&again), buf_view(&text)));
    buf_reset(&again);
    signing_key_format(&key, true, &again);
    assert_true(str_equal(buf_view(&again), buf_view(&public)));
    signing_key_done(&key);

    buf_reset(&text);
    write_key("whsk_", SEED, PUBLIC, &text);
    assert_int_equal(signing_key_parse(buf_view(&text), &key), STATUS_OK);
    assert_int_equal(key.kind, SIGNING_KEY_ED25519);
    signing_key_done(&key);
    buf_reset(&text);
    write_key("whsk_", SEED, SEED, &text); /* not the public key of that seed */
    assert_int_equal(signing_key_parse(buf_view(&text), &key), STATUS_INVALID);

    assert_int_equal(signing_key_parse(buf_view(&public), &key), STATUS_OK);
    assert_int_equal(key.kind, SIGNING_KEY_ED25519_PUBLIC);
    buf_reset(&again);
    signing_key_format(&key, true, &again);
    assert_true(str_equal(buf_view(&again), buf_view(&public)));
    signing_key_done(&key);
}

static void plain_secrets_are_their_own_bytes(void **state)
{
    (void)state; /* no fixture */
    struct signing_key key;
    assert_int_equal(signing_key_plain(STR("whsec_test_secret"), &key), STATUS_OK);
    assert_int_equal(key.secret.size, 17);
    assert_memory_equal(key.secret.bytes, "whsec_test_secret", 17); /* compared with a test's */
    signing_key_name(&key, STR("a name that is far longer than there is room for"));
    assert_int_equal(strlen(key.name), SIGNING_KEY_NAME_SIZE - 1);
    signing_key_done(&key);
    static const struct signing_key zero;
    assert_memory_equal(&key, &zero, sizeof key);
    assert_int_equal(signing_key_plain(STR("fifteen bytes.."), &key), STATUS_INVALID);
}

static void taken_bytes_are_wiped(void **state)
{
    (void)state; /* no fixture */
    static const uint8_t zeros[SECRET_SIZE_MAX];
    uint8_t bytes[32];
    struct signing_key key;
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(signing_key_take(bytes, sizeof bytes, &key), STATUS_OK);
    assert_memory_equal(bytes, zeros, sizeof bytes);
    signing_key_done(&key);
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(signing_key_take(bytes, 15, &key), STATUS_INVALID);
    assert_memory_equal(bytes, zeros, 15);
}

static void a_key_is_live_inside_its_window(void **state)
{
    (void)state; /* no fixture */
    struct signing_key key = { .not_before = { 1000 }, .not_after = { 2000 } };
    assert_int_equal(signing_key_age(&key, (struct wall_time){ 999 }), SIGNING_KEY_NOT_YET);
    assert_int_equal(signing_key_age(&key, (struct wall_time){ 1000 }), SIGNING_KEY_LIVE);
    assert_int_equal(signing_key_age(&key, (struct wall_time){ 1999 }), SIGNING_KEY_LIVE);
    assert_int_equal(signing_key_age(&key, (struct wall_time){ 2000 }), SIGNING_KEY_EXPIRED);
    key = (struct signing_key){ 0 };
    assert_int_equal(signing_key_age(&key, (struct wall_time){ INT64_MAX }), SIGNING_KEY_LIVE);
}

static void write_secret_of_public(void *key)
{
    struct buf out;
    buf_init(&out, 256);
    signing_key_format(key, false, &out); /* it stops before */
}

static void a_public_key_has_no_secret_to_write(void **state)
{
    (void)state; /* no fixture */
    struct signing_key key = { .kind = SIGNING_KEY_ED25519_PUBLIC };
    assert_true(dies(write_secret_of_public, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_or_refused),
        cmocka_unit_test(a_long_secret_is_over_the_limit),
        cmocka_unit_test(keys_of_ed25519_are_read_and_written),
        cmocka_unit_test(plain_secrets_are_their_own_bytes),
        cmocka_unit_test(taken_bytes_are_wiped),
        cmocka_unit_test(a_key_is_live_inside_its_window),
        cmocka_unit_test(a_public_key_has_no_secret_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

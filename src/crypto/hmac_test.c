/*
 * Goal: HMAC-SHA-256 as RFC 4231 has it, whole and in parts, with keys short and long.
 * Method: test cases 1 to 4, 6 and 7 of RFC 4231 (5 is about a cut result); one bit of the key.
 */
#include "crypto/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/hex.h"

static const struct {
    size_t key_size;
    const char *key; /* NULL: key_size times `fill` */
    uint8_t fill;
    const char *message; /* NULL: 50 times 0xdd or 0xcd, as `fill` says */
    const char *digest;
} CASES[] = {
    { 20, NULL, 0x0b, "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { 4, "Jefe", 0, "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { 20, NULL, 0xaa, NULL, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { 25,
      "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
      "\x17\x18\x19",
      0, NULL, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
    { 131, NULL, 0xaa, "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { 131, NULL, 0xaa,
      "This is a test using a larger than block-size key and a larger than block-size data. The "
      "key needs to be hashed before being used by the HMAC algorithm.",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
};

static void key_of(size_t i, struct secret *key)
{
    uint8_t bytes[SECRET_SIZE_MAX];
    memset(bytes, CASES[i].fill, sizeof bytes);
    if (CASES[i].key != NULL) memcpy(bytes, CASES[i].key, CASES[i].key_size);
    assert_int_equal(secret_take(bytes, CASES[i].key_size, key), STATUS_OK);
}

static void published_examples(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct secret SECRET_SCOPE key;
        key_of(i, &key);
        char same[50];
        memset(same, CASES[i].fill == 0xaa ? 0xdd : 0xcd, sizeof same);
        struct digest_part whole = { same, sizeof same };
        if (CASES[i].message != NULL) {
            whole = (struct digest_part){ CASES[i].message, strlen(CASES[i].message) };
        }
        struct digest digest = hmac_sha256(&key, &whole, 1);
        char digits[65];
        (void)hex_format(digest.bytes, sizeof digest.bytes, digits); /* compared as text */
        assert_string_equal(digits, CASES[i].digest);
        const struct digest_part parts[] = {
            { whole.data, 3 },
            { NULL, 0 },
            { (const char *)whole.data + 3, whole.size - 3 },
        };
        struct digest again = hmac_sha256(&key, parts, 3);
        assert_true(digest_equal(&digest, &again));
        key.bytes[key.size - 1] ^= 1;
        again = hmac_sha256(&key, &whole, 1);
        assert_false(digest_equal(&digest, &again));
    }
}

static void a_prepared_key_gives_the_same_again_and_again(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct secret SECRET_SCOPE key;
        key_of(i, &key);
        struct hmac_key prepared;
        hmac_key_init(&prepared, &key);
        for (size_t size = 0; size < 200; size++) {
            char message[200];
            memset(message, 'm', sizeof message);
            const struct digest_part part = { message, size };
            struct digest expected = hmac_sha256(&key, &part, 1);
            struct digest digest = hmac_key_digest(&prepared, &part, 1);
            assert_true(digest_equal(&digest, &expected));
        }
    }
}

static void hash_with(void *key)
{
    (void)hmac_sha256(key, NULL, 0); /* it stops before */
}

static void no_key_at_all_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    struct secret key = { .size = 0 };
    assert_true(dies(hash_with, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(a_prepared_key_gives_the_same_again_and_again),
        cmocka_unit_test(no_key_at_all_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

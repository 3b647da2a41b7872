/*
 * Goal: keys and signatures are those of RFC 8032, and nothing changed is verified.
 * Method: TEST 1 to 3 of RFC 8032, section 7.1; each bit of message, key and signature flipped;
 * the group's order added to a signature's second half (section 5.1.7 forbids it).
 */
#include "crypto/ed25519.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/hex.h"

struct vector {
    const char *seed;
    const char *public;
    const char *message;
    const char *signature;
};

static const struct vector VECTORS[] = {
    { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
      "b46bd25bf5f0595bbe24655141438e7a100b" },
    { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
      "1d8c387b2eaeb4302aeeb00d291612bb0c00" },
    { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
      "c6594a7c15e9716ed28dc027beceea1ec40a" },
};

static void seed_of(const char *text, struct secret *seed)
{
    uint8_t bytes[ED25519_SEED_SIZE];
    assert_int_equal(hex_parse(str_from(text), bytes, sizeof bytes), STATUS_OK);
    assert_int_equal(secret_take(bytes, sizeof bytes, seed), STATUS_OK);
}

static void published_examples(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++) {
        struct secret SECRET_SCOPE seed;
        seed_of(VECTORS[i].seed, &seed);
        uint8_t message[4];
        size_t len = strlen(VECTORS[i].message) / 2;
        assert_int_equal(hex_parse(str_from(VECTORS[i].message), message, len), STATUS_OK);
        struct str text = { (const char *)message, len };
        char digits[2 * ED25519_SIGNATURE_SIZE + 1];
        struct ed25519_public public = ed25519_public_of(&seed);
        (void)hex_format(public.bytes, sizeof public.bytes, digits); /* compared as text */
        assert_string_equal(digits, VECTORS[i].public);
        struct ed25519_signature signature = ed25519_sign(&seed, text);
        (void)hex_format(signature.bytes, sizeof signature.bytes, digits); /* compared as text */
        assert_string_equal(digits, VECTORS[i].signature);
        assert_true(ed25519_verify(&public, text, &signature));
    }
}

static void nothing_changed_is_verified(void **state)
{
    (void)state; /* no fixture */
    struct secret SECRET_SCOPE seed;
    seed_of(VECTORS[2].seed, &seed);
    const struct ed25519_public public = ed25519_public_of(&seed);
    char message[] = "one euro to Ada";
    const struct str text = { message, sizeof message - 1 };
    const struct ed25519_signature signature = ed25519_sign(&seed, text);
    assert_true(ed25519_verify(&public, text, &signature));
    for (size_t i = 0; i < 8 * sizeof signature.bytes; i++) {
        struct ed25519_signature other = signature;
        other.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(ed25519_verify(&public, text, &other));
    }
    for (size_t i = 0; i < 8 * sizeof public.bytes; i++) {
        struct ed25519_public other = public;
        other.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(ed25519_verify(&other, text, &signature));
    }
    for (size_t i = 0; i < 8 * text.len; i++) {
        message[i / 8] = (char)(message[i / 8] ^ 1 << i % 8);
        assert_false(ed25519_verify(&public, text, &signature));
        message[i / 8] = (char)(message[i / 8] ^ 1 << i % 8);
    }
    assert_false(ed25519_verify(&public, (struct str){ message, text.len - 1 }, &signature));
    assert_true(ed25519_verify(&public, text, &signature));
}

static void a_signature_has_one_form(void **state)
{
    (void)state; /* no fixture */
    /* The order L of the base point, little-endian (RFC 8032, section 5.1). */
    static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                       0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                       0,    0,    0,    0,    0,    0,    0,    0,
                                       0,    0,    0,    0,    0,    0,    0,    0x10 };
    struct secret SECRET_SCOPE seed;
    seed_of(VECTORS[0].seed, &seed);
    struct ed25519_public public = ed25519_public_of(&seed);
    struct ed25519_signature signature = ed25519_sign(&seed, STR("x"));
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature.bytes[32 + i] + order[i];
        signature.bytes[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
    assert_false(ed25519_verify(&public, STR("x"), &signature));
}

static void sign_with(void *seed)
{
    (void)ed25519_sign(seed, STR("x")); /* it stops before */
}

static void a_seed_of_another_size_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    struct secret seed = { .size = ED25519_SEED_SIZE - 1 };
    assert_true(dies(sign_with, &seed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(nothing_changed_is_verified),
        cmocka_unit_test(a_signature_has_one_form),
        cmocka_unit_test(a_seed_of_another_size_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

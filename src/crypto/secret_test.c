/*
 * Goal: a secret leaves nothing behind, neither where it came from nor where it was, and every
 * bit of it counts in a comparison.
 * Method: memory is looked at after each step; each bit is flipped.
 */
#include "crypto/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool is_wiped(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        if (at[i] != 0) return false;
    }
    return true;
}

static void taking_wipes_the_source_and_done_the_secret(void **state)
{
    (void)state; /* no fixture */
    char source[] = "correct horse battery staple";
    size_t size = strlen(source);
    struct secret secret;
    memset(&secret, 0xAA, sizeof secret);
    assert_int_equal(secret_take(source, size, &secret), STATUS_OK);
    assert_true(is_wiped(source, sizeof source));
    assert_int_equal(secret.size, size);
    assert_memory_equal(secret.bytes, "correct horse battery staple", size);
    assert_true(is_wiped(secret.bytes + size, sizeof secret.bytes - size));
    secret_done(&secret);
    assert_true(is_wiped(&secret, sizeof secret));
    secret_done(NULL);
}

static void too_long_is_wiped_and_refused(void **state)
{
    (void)state; /* no fixture */
    uint8_t source[SECRET_SIZE_MAX + 1];
    memset(source, 5, sizeof source);
    struct secret secret = { .size = 3 };
    assert_int_equal(secret_take(source, sizeof source, &secret), STATUS_LIMIT);
    assert_true(is_wiped(source, sizeof source));
    assert_int_equal(secret.size, 3);
    memset(source, 5, sizeof source);
    assert_int_equal(secret_take(source, SECRET_SIZE_MAX, &secret), STATUS_OK);
    assert_int_equal(secret.size, SECRET_SIZE_MAX);
    assert_int_equal(source[SECRET_SIZE_MAX], 5);
    secret_done(&secret);
}

static void every_bit_and_the_size_count(void **state)
{
    (void)state; /* no fixture */
    char first[] = "0123456789";
    char second[] = "0123456789";
    char shorter[] = "012345678";
    struct secret a, b, c;
    assert_int_equal(secret_take(first, 10, &a), STATUS_OK);
    assert_int_equal(secret_take(second, 10, &b), STATUS_OK);
    assert_int_equal(secret_take(shorter, 9, &c), STATUS_OK);
    assert_true(secret_equal(&a, &b));
    assert_false(secret_equal(&a, &c));
    a.bytes[9] = 0; /* the same bytes, but one of them is beyond the shorter one's end */
    assert_false(secret_equal(&a, &c));
    assert_false(secret_equal(&c, &a));
    a.bytes[9] = '9';
    for (size_t i = 0; i < 80; i++) {
        b.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(secret_equal(&a, &b));
        b.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(secret_equal(&a, &b));
    secret_done(&a);
    secret_done(&b);
    assert_false(secret_equal(&a, &b)); /* both are empty: nobody is let in by no secret at all */
    assert_false(secret_bytes_equal("", "", 0));
    assert_true(secret_bytes_equal("ab", "ab", 2));
    assert_false(secret_bytes_equal("ab", "ac", 2));
    secret_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taking_wipes_the_source_and_done_the_secret),
        cmocka_unit_test(too_long_is_wiped_and_refused),
        cmocka_unit_test(every_bit_and_the_size_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

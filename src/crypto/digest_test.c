/*
 * Goal: SHA-256 as FIPS 180-4 has it, whole and in parts, and a comparison that can say no.
 * Method: the published examples for "abc" and one million "a" (NIST, SHA-256 example values).
 */
#include "crypto/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct digest ABC = { {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
} };
static const struct digest MILLION_A = { {
    0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92, 0x81, 0xa1, 0xc7, 0xe2, 0x84, 0xd7, 0x3e, 0x67,
    0xf1, 0x80, 0x9a, 0x48, 0xa4, 0x97, 0x20, 0x0e, 0x04, 0x6d, 0x39, 0xcc, 0xc7, 0x11, 0x2c, 0xd0,
} };

static void published_examples(void **state)
{
    (void)state;
    struct digest abc = digest_of("abc", 3);
    assert_memory_equal(&abc, &ABC, sizeof abc);
    char *text = malloc(1000000);
    assert_non_null(text);
    memset(text, 'a', 1000000);
    struct digest million = digest_of(text, 1000000);
    free(text);
    assert_memory_equal(&million, &MILLION_A, sizeof million);
}

static void parts_are_one_message(void **state)
{
    (void)state;
    const struct digest_part parts[] = { { "a", 1 }, { NULL, 0 }, { "bc", 2 } };
    struct digest digest = digest_of_parts(parts, 3);
    assert_true(digest_equal(&digest, &ABC));
}

static void a_stream_begins_anew_behind_its_end(void **state)
{
    (void)state;
    struct digest_stream stream;
    digest_stream_init(&stream);
    for (unsigned i = 0; i < 3; i++) {
        digest_stream_add(&stream, "a", 1);
        struct digest_stream other = stream; /* goes on by itself */
        digest_stream_add(&stream, NULL, 0);
        digest_stream_add(&stream, "bc", 2);
        struct digest digest = digest_stream_end(&stream);
        assert_true(digest_equal(&digest, &ABC));
        digest_stream_add(&other, "bd", 2);
        digest = digest_stream_end(&other);
        assert_false(digest_equal(&digest, &ABC));
    }
}

static void one_bit_makes_them_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < 256; i++) {
        struct digest other = ABC;
        other.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(digest_equal(&other, &ABC));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(parts_are_one_message),
        cmocka_unit_test(a_stream_begins_anew_behind_its_end),
        cmocka_unit_test(one_bit_makes_them_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: no card number and no secret passes, whatever stands around it, and nothing else is
 * touched; what was masked once is clean.
 * Method: texts beside what must come out, in a table; every test number of the card schemes at
 * every place of a line; random lines masked twice.
 */
#include "doctor/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"

struct text_case {
    const char *text;
    const char *masked; /* NULL: as it is */
};

static const struct text_case cases[] = {
    { "card 4111111111111111 ok", "card 411111******1111 ok" },
    { "4111 1111 1111 1111", "4111 11** **** 1111" },
    { "4111-1111-1111-1111,", "4111-11**-****-1111," },
    { "pan 4111.1111.1111.1111.", "pan 4111.11**.****.1111." },
    { "3782.822463.10005", "3782.82****.*0005" },
    { "4111.1111.1111.1112", NULL },
    { "411.11111111.11111", NULL }, /* no groups of a card */
    { "4111111111111.111", NULL },  /* an amount */
    { "4111111111.111111", NULL },  /* seconds */
    { "{\"pan\":\"5555555555554444\"}", "{\"pan\":\"555555******4444\"}" },
    { "378282246310005", "378282*****0005" },
    { "4111111111111112", NULL },
    { "tx_4111111111111111", NULL },
    { "4111111111111111a", NULL },
    { "14111111111111111", NULL },    /* begins with 1 */
    { "41111111111111114111", NULL }, /* twenty digits */
    { "1764460800000000000", NULL },  /* nanoseconds */
    { "0190a1b2-4111-7111-8111-111111111111", NULL },
    { "amount 4111111111111 minor", NULL },
    { "tpw_00112233445566778899aabbccddeeff", "[secret]" },
    { "key=tpw_short", NULL },
    { "Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [secret]" },
    { "authorization: basic dXNlcjpwYXNz", "authorization: basic [secret]" },
    { "\"password\":\"a\\\"b c\",\"user\":\"x\"", "\"password\":\"[secret]\",\"user\":\"x\"" },
    { "user=x password=hunter2 level=info", "user=x password=[secret] level=info" },
    { "GET /a?api_key=123&b=2", "GET /a?api_key=[secret]&b=2" },
    { "postgres://bob:pa55@db/x", "postgres://bob:[secret]@db/x" },
    { "http://127.0.0.1:8080/path", NULL },
    { "sk_live_abcdefghijkl", "[secret]" },
    { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "[secret]" },
    { "AKIAIOSFODNN7EXAMPLE", "[secret]" },
    { "PRIVATE+KEY+log+1f2e3d4c+AAAA", "[secret]" },
    { "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "[secret]" },
    { "a\n-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\nb",
      "a\n[secret]\nb" },
    { "-----BEGIN PRIVATE KEY-----\nMIIB", "[secret]" },
    { "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", NULL },
    { "\"key\":\"-----BEGIN PRIVATE KEY-----\\nMIIB\\n-----END PRIVATE KEY-----\\n\"",
      "\"key\":\"[secret]\\n\"" },
    { "secret", NULL },
    { "secret=", NULL },
    { "the password is unknown", NULL },
    { "", NULL },
};

static void texts_and_what_becomes_of_them(void **state)
{
    (void)state; /* no fixture */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_SCOPE struct buf out;
        buf_init(&out, 4096);
        struct mask_counts counts = { 0, 0 };
        mask_text(str_from(cases[i].text), &out, &counts);
        const char *wanted = cases[i].masked == NULL ? cases[i].text : cases[i].masked;
        if (!str_equal(buf_view(&out), str_from(wanted)))
            fail_msg("'%s' became '%s'", cases[i].text, buf_terminated(&out));
        assert_int_equal(counts.cards + counts.secrets, cases[i].masked != NULL);
        assert_true(mask_is_clean(buf_view(&out)));
        assert_int_equal(mask_is_clean(str_from(cases[i].text)), cases[i].masked == NULL);
    }
}

static void card_numbers_are_found_at_every_place(void **state)
{
    (void)state; /* no fixture */
    static const char *const numbers[] = {
        "4242424242424242", "4000056655665556", "5200828282828210", "2223003122003222",
        "371449635398431",  "6011111111111117", "3056930009020004", "36227206271667",
        "6200000000000005", "3566002020360505", "4222222222222",
    };
    static const char around[] = " ,:\"'=/([{;|<";
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        for (size_t k = 0; k < sizeof around - 1; k++) {
            BUF_SCOPE struct buf line;
            BUF_SCOPE struct buf out;
            buf_init(&line, 256);
            buf_init(&out, 256);
            buf_append_format(&line, "pay%c%s%cdone", around[k], numbers[i], around[k]);
            struct mask_counts counts = { 0, 0 };
            mask_text(buf_view(&line), &out, &counts);
            if (counts.cards != 1) fail_msg("%s", buf_terminated(&line));
            assert_int_equal(line.len, out.len);
        }
    }
}

static void what_was_masked_is_clean(void **state)
{
    (void)state; /* no fixture */
    static const char *const pieces[] = {
        "4111111111111111", "password=",  "\"",    " ",  "-----BEGIN PRIVATE KEY-----",
        "Bearer ",          "tpw_012345", "//a:",  "@",  "-----END",
        "4111 1111 ",       "-",          "\\",    "\n", "sk_live_12345678",
        "secret: ",         "KEY-----",   "basic", "0",  "eyJhbGciOi",
    };
    struct prng prng;
    prng_init(&prng, 5);
    for (int round = 0; round < 20000; round++) {
        BUF_SCOPE struct buf text;
        BUF_SCOPE struct buf out;
        buf_init(&text, 4096);
        buf_init(&out, 8192);
        for (uint64_t i = prng_below(&prng, 9); i > 0; i--)
            buf_append_str(&text, str_from(pieces[prng_below(&prng, 20)]));
        struct mask_counts counts = { 0, 0 };
        mask_text(buf_view(&text), &out, &counts);
        if (!mask_is_clean(buf_view(&out)))
            fail_msg("'%s' became '%s'", buf_terminated(&text), buf_terminated(&out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_what_becomes_of_them),
        cmocka_unit_test(card_numbers_are_found_at_every_place),
        cmocka_unit_test(what_was_masked_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

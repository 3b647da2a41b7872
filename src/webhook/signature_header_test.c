/*
 * Goal: the headers' grammars are read strictly, with their limits, and whatever comes is answered.
 * Method: tables of values with the status and the counts; maxima and one more; every byte value
 * put at every place of a good header.
 */
#include "webhook/signature_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

#define V1 "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define V1A                                                                                        \
    "v1a,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define HEX "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

struct case_of {
    const char *value;
    enum status status;
    uint32_t count;
    uint32_t unknown;
};

static void standard_headers(void **state)
{
    (void)state; /* no fixture */
    static const struct case_of cases[] = {
        { V1, STATUS_OK, 1, 0 },
        { V1A, STATUS_OK, 1, 0 },
        { V1 " " V1A " " V1, STATUS_OK, 3, 0 },
        { V1 " v2,whatever v9-x,a", STATUS_OK, 1, 2 },
        { "v2,whatever", STATUS_NOT_FOUND, 0, 1 },
        { "", STATUS_INVALID, 0, 0 },
        { " " V1, STATUS_INVALID, 0, 0 },
        { V1 " ", STATUS_INVALID, 0, 0 },
        { V1 "  " V1, STATUS_INVALID, 0, 0 },
        { V1 "," V1, STATUS_INVALID, 0, 0 },
        { "v1", STATUS_INVALID, 0, 0 },
        { "v1,", STATUS_INVALID, 0, 0 },
        { "v1,AAAA", STATUS_INVALID, 0, 0 },
        { "v1," HEX, STATUS_INVALID, 0, 0 },
        { "v1a,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", STATUS_INVALID, 0, 0 },
        { ",AAAA", STATUS_INVALID, 0, 0 },
        { "v2,", STATUS_INVALID, 0, 0 },
        { V1 " v\xC3\xA4,x", STATUS_INVALID, 0, 0 },
        { V1 " v2,\xFF\xFE", STATUS_INVALID, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct signature_list list;
        enum status status = signature_header_standard(str_from(cases[i].value), &list);
        if (status != cases[i].status) fail_msg("case %zu: %s", i, status_name(status));
        if (status == STATUS_INVALID) continue;
        assert_int_equal(list.count, cases[i].count);
        assert_int_equal(list.unknown, cases[i].unknown);
    }
}

static void stripe_headers(void **state)
{
    (void)state; /* no fixture */
    static const struct case_of cases[] = {
        { "t=1492774577,v1=" HEX, STATUS_OK, 1, 0 },
        { "v1=" HEX ",t=1492774577", STATUS_OK, 1, 0 },
        { "t=1492774577,v1=" HEX ",v1=" HEX ",v0=6ffbb59b", STATUS_OK, 2, 1 },
        { "t=1492774577,v0=6ffbb59b", STATUS_NOT_FOUND, 0, 1 },
        { "v1=" HEX, STATUS_INVALID, 0, 0 },
        { "t=1,t=1,v1=" HEX, STATUS_INVALID, 0, 0 },
        { "t=,v1=" HEX, STATUS_INVALID, 0, 0 },
        { "t=0,v1=" HEX, STATUS_INVALID, 0, 0 },
        { "t=-5,v1=" HEX, STATUS_INVALID, 0, 0 },
        { "t=1492774577, v1=" HEX, STATUS_INVALID, 0, 0 },
        { "t=1492774577,v1=" HEX ",", STATUS_INVALID, 0, 0 },
        { "t=1492774577,v1=" HEX "0", STATUS_INVALID, 0, 0 },
        { "t=1492774577,v1=", STATUS_INVALID, 0, 0 },
        { "t=1492774577,v1", STATUS_INVALID, 0, 0 },
        { "t=1492774577,v1=" HEX ",\xC0\x80=1", STATUS_INVALID, 0, 0 },
        { "", STATUS_INVALID, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct signature_list list;
        enum status status = signature_header_stripe(str_from(cases[i].value), &list);
        if (status != cases[i].status) fail_msg("case %zu: %s", i, status_name(status));
        if (status == STATUS_INVALID) continue;
        assert_int_equal(list.count, cases[i].count);
        assert_int_equal(list.unknown, cases[i].unknown);
        assert_int_equal(list.timestamp_s, 1492774577);
        assert_true(str_equal(list.timestamp, STR("1492774577")));
    }
}

static void plain_headers(void **state)
{
    (void)state; /* no fixture */
    struct signature_list list;
    assert_int_equal(signature_header_plain(STR(HEX), STR(""), false, &list), STATUS_OK);
    assert_int_equal(list.items[0].hmac.bytes[1], 0x11);
    assert_int_equal(signature_header_plain(STR("sha256=" HEX), STR("sha256="), false, &list),
                     STATUS_OK);
    assert_int_equal(signature_header_plain(STR(HEX), STR("sha256="), false, &list),
                     STATUS_INVALID);
    assert_int_equal(signature_header_plain(STR("sha1=" HEX), STR("sha256="), false, &list),
                     STATUS_INVALID);
    assert_int_equal(signature_header_plain(STR(HEX " "), STR(""), false, &list), STATUS_INVALID);
    assert_int_equal(signature_header_plain(STR(HEX), STR(""), true, &list), STATUS_INVALID);
    assert_int_equal(signature_header_plain(STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
                                            STR(""), true, &list),
                     STATUS_OK);
}

static void repeat(struct buf *out, const char *text, uint32_t times, const char *between)
{
    buf_reset(out);
    for (uint32_t i = 0; i < times; i++) {
        if (i > 0) buf_append_str(out, str_from(between));
        buf_append_str(out, str_from(text));
    }
}

static void as_many_as_allowed_and_one_more(void **state)
{
    (void)state; /* no fixture */
    struct signature_list list;
    struct buf BUF_SCOPE value;
    buf_init(&value, 1 << 17);
    repeat(&value, V1A, SIGNATURES_MAX, " ");
    assert_int_equal(signature_header_standard(buf_view(&value), &list), STATUS_OK);
    repeat(&value, V1, SIGNATURES_MAX + 1, " ");
    assert_int_equal(signature_header_standard(buf_view(&value), &list), STATUS_LIMIT);
    repeat(&value, "v2,x", SIGNATURES_MAX + 1, " ");
    assert_int_equal(signature_header_standard(buf_view(&value), &list), STATUS_LIMIT);
    repeat(&value, "v1=" HEX, SIGNATURES_MAX + 1, ",");
    assert_int_equal(signature_header_stripe(buf_view(&value), &list), STATUS_LIMIT);
    repeat(&value, "v0=1", SIGNATURES_MAX + 1, ",");
    assert_int_equal(signature_header_stripe(buf_view(&value), &list), STATUS_LIMIT);
    repeat(&value, V1, 1 << 10, " "); /* 48 KiB of signatures */
    assert_int_equal(signature_header_standard(buf_view(&value), &list), STATUS_LIMIT);
    assert_int_equal(signature_header_plain(buf_view(&value), STR(""), false, &list), STATUS_LIMIT);
}

static void timestamps(void **state)
{
    (void)state; /* no fixture */
    static const char *const bad[] = { "",   "0",    "01",  "-1",           "+1",
                                       "1 ", "1.5",  "1e9", "123456789012", "0x10",
                                       " 1", "\xB9", "1\n", "NaN" };
    uint64_t seconds = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (signature_timestamp(str_from(bad[i]), &seconds) != STATUS_INVALID) fail_msg("%zu", i);
    }
    assert_int_equal(seconds, 7);
    assert_int_equal(signature_timestamp(STR("99999999999"), &seconds), STATUS_OK);
    assert_int_equal(seconds, 99999999999);
}

static void any_byte_anywhere_is_answered(void **state)
{
    (void)state; /* no fixture */
    static const char good[] = "t=1492774577,v1=" HEX;
    for (size_t at = 0; at < sizeof good - 1; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char *copy = malloc(sizeof good - 1); /* without a terminator, so that none is read */
            assert_non_null(copy);
            memcpy(copy, good, sizeof good - 1);
            copy[at] = (char)byte;
            struct str value = { copy, sizeof good - 1 };
            struct signature_list list;
            enum status status = signature_header_stripe(value, &list);
            assert_true(status == STATUS_OK || status == STATUS_INVALID ||
                        status == STATUS_NOT_FOUND);
            status = signature_header_standard(value, &list);
            assert_true(status == STATUS_INVALID || status == STATUS_NOT_FOUND);
            free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standard_headers), cmocka_unit_test(stripe_headers),
        cmocka_unit_test(plain_headers),    cmocka_unit_test(as_many_as_allowed_and_one_more),
        cmocka_unit_test(timestamps),       cmocka_unit_test(any_byte_anywhere_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

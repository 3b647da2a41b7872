/*
 * Goal: exactly valid UTF-8 passes, escapes are undone exactly, and the word-wise scan agrees
 * with a byte-wise one.
 * Method: every code point encoded by the test's own rule must pass, and every sequence of up
 * to three bytes is compared with it; a table of escapes and faults with their places; all
 * bytes at all alignments against the naive scan.
 */
#include "base/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/str.h"

static unsigned encode(uint32_t point, char to[4])
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    unsigned len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (unsigned i = len - 1; i > 0; i--, point >>= 6) to[i] = (char)(0x80 | (point & 63));
    to[0] = (char)((0xF00 >> len & 0xFF) | point);
    return len;
}

static void every_code_point_but_surrogates_is_valid(void **state)
{
    (void)state; /* no fixture */
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        char text[4];
        unsigned len = encode(point, text);
        bool surrogate = point >= 0xD800 && point <= 0xDFFF;
        unsigned found = json_text_utf8(text, text + len);
        if (found != (surrogate ? 0 : len)) fail_msg("U+%04X: %u", point, found);
        if (len > 1 && json_text_utf8(text, text + len - 1) != 0) fail_msg("U+%04X cut", point);
    }
}

/* As many sequences of two, three and four bytes are accepted as there are characters. */
static void nothing_else_is_valid(void **state)
{
    (void)state; /* no fixture */
    unsigned two = 0;
    unsigned three = 0;
    for (uint32_t bytes = 0; bytes < 1 << 24; bytes++) {
        const char text[3] = { (char)(bytes >> 16), (char)(bytes >> 8), (char)bytes };
        unsigned len = json_text_utf8(text, text + 3);
        three += len == 3;
        two += len == 2 && (bytes & 0xFF) == 0;
    }
    assert_int_equal(two, 0x800 - 0x80);
    assert_int_equal(three, 0x10000 - 0x800 - 0x800);
    unsigned four = 0;
    for (uint32_t bytes = 0; bytes < 1 << 16; bytes++) {
        for (unsigned last = 0; last < 256; last += 51) { /* 0, 51, 102, 153 (valid), 204, 255 */
            const char text[4] = { (char)(bytes >> 8), (char)bytes, (char)0x80, (char)last };
            four += json_text_utf8(text, text + 4) == 4;
        }
    }
    assert_int_equal(four, (0x110000 - 0x10000) / 4096);
}

static const char *naive_skip(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
           *at != '\\')
        at++;
    return at;
}

static void scanning_by_words_agrees_with_scanning_by_bytes(void **state)
{
    (void)state; /* no fixture */
    enum { LEN = 40 };
    char *text = malloc(LEN);
    assert_non_null(text);
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < LEN; place++) {
            memset(text, byte % 2 == 0 ? ' ' : '~', LEN);
            text[place] = (char)byte;
            if (place + 1 < LEN) text[place + 1] = (char)(byte + 1);
            for (size_t from = 0; from < 9; from++)
                assert_ptr_equal(json_text_skip_plain(text + from, text + LEN),
                                 naive_skip(text + from, text + LEN));
        }
    }
    free(text);
}

static void strings_are_scanned_and_decoded(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *raw; /* without the closing quote */
        const char *decoded;
    } cases[] = {
        { "", "" },
        { "abc", "abc" },
        { "\\\"\\\\\\/", "\"\\/" },
        { "\\b\\f\\n\\r\\t", "\b\f\n\r\t" },
        { "\\u0041\\u00e9\\u20AC", "A\xC3\xA9\xE2\x82\xAC" },
        { "\\uD83D\\uDE00!", "\xF0\x9F\x98\x80!" },
        { "\\ud800\\udc00\\udbff\\udfff", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF" },
        { "\xC3\xA9\\n\xE2\x82\xAC", "\xC3\xA9\n\xE2\x82\xAC" },
        { "\\uFFFE\\uFFFF\\ud7ff\\ue000", "\xEF\xBF\xBE\xEF\xBF\xBF\xED\x9F\xBF\xEE\x80\x80" },
        { "\x7F", "\x7F" },
        { "a long text without anything in it, then \\t",
          "a long text without anything in it, then \t" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char raw[128];
        size_t len = strlen(cases[i].raw);
        memcpy(raw, cases[i].raw, len);
        memcpy(raw + len, "\",", 2);
        const char *end = NULL;
        bool escaped = false;
        assert_int_equal(json_text_scan(raw, raw + len + 2, &end, &escaped), JSON_FAULT_NONE);
        assert_ptr_equal(end, raw + len);
        assert_int_equal(escaped, strchr(cases[i].raw, '\\') != NULL);
        char decoded[128];
        size_t decoded_len = json_text_decode(raw, end, decoded);
        assert_int_equal(decoded_len, strlen(cases[i].decoded));
        assert_memory_equal(decoded, cases[i].decoded, decoded_len);
    }
}

static void an_escaped_zero_is_a_byte_like_others(void **state)
{
    (void)state; /* no fixture */
    const struct str raw = STR("a\\u0000b\"");
    const char *end;
    bool escaped;
    assert_int_equal(json_text_scan(raw.data, raw.data + raw.len, &end, &escaped), JSON_FAULT_NONE);
    char decoded[16];
    assert_int_equal(json_text_decode(raw.data, end, decoded), 3);
    assert_memory_equal(decoded, "a\0b", 3);
}

static void faults_of_strings_are_named_and_placed(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *raw;
        enum json_fault fault;
        size_t place;
    } cases[] = {
        { "", JSON_FAULT_TRUNCATED, 0 },
        { "abc", JSON_FAULT_TRUNCATED, 3 },
        { "a\nb\"", JSON_FAULT_CONTROL, 1 },
        { "\x1F\"", JSON_FAULT_CONTROL, 0 },
        { "ab\\", JSON_FAULT_TRUNCATED, 3 },
        { "\\a\"", JSON_FAULT_ESCAPE, 1 },
        { "\\'\"", JSON_FAULT_ESCAPE, 1 },
        { "\\U0041\"", JSON_FAULT_ESCAPE, 1 },
        { "\\x41\"", JSON_FAULT_ESCAPE, 1 },
        { "\\\n\"", JSON_FAULT_ESCAPE, 1 },
        { "\\u", JSON_FAULT_TRUNCATED, 2 },
        { "\\u12", JSON_FAULT_TRUNCATED, 4 },
        { "\\u12\"", JSON_FAULT_ESCAPE, 4 },
        { "\\u12g4\"", JSON_FAULT_ESCAPE, 4 },
        { "\\u 123\"", JSON_FAULT_ESCAPE, 2 },
        { "\\ud800", JSON_FAULT_TRUNCATED, 6 },
        { "\\ud800\\", JSON_FAULT_TRUNCATED, 6 },
        { "\\ud800\\u", JSON_FAULT_TRUNCATED, 8 },
        { "\\ud800\\udc0", JSON_FAULT_TRUNCATED, 11 },
        { "\\ud800\"", JSON_FAULT_SURROGATE, 2 },
        { "\\ud800x\"", JSON_FAULT_SURROGATE, 2 },
        { "\\ud800\\n\"", JSON_FAULT_SURROGATE, 2 },
        { "\\ud800\\u0041\"", JSON_FAULT_SURROGATE, 2 },
        { "\\ud800\\ud800\"", JSON_FAULT_SURROGATE, 2 },
        { "\\udc00\"", JSON_FAULT_SURROGATE, 2 },
        { "\\udc00\\ud800\"", JSON_FAULT_SURROGATE, 2 },
        { "a\x80\"", JSON_FAULT_UTF8, 1 },
        { "\xC0\x80\"", JSON_FAULT_UTF8, 0 },
        { "\xC1\xBF\"", JSON_FAULT_UTF8, 0 },
        { "\xE0\x80\x80\"", JSON_FAULT_UTF8, 0 },
        { "\xED\xA0\x80\"", JSON_FAULT_UTF8, 0 },
        { "\xF0\x8F\xBF\xBF\"", JSON_FAULT_UTF8, 0 },
        { "\xF4\x90\x80\x80\"", JSON_FAULT_UTF8, 0 },
        { "\xF5\x80\x80\x80\"", JSON_FAULT_UTF8, 0 },
        { "\xFE\"", JSON_FAULT_UTF8, 0 },
        { "ab\xC3\"", JSON_FAULT_UTF8, 2 },
        { "ab\xE2\x82\"", JSON_FAULT_UTF8, 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].raw);
        char *exact = malloc(len + 1); /* so that AddressSanitizer sees a byte too far */
        assert_non_null(exact);
        memcpy(exact + 1, cases[i].raw, len);
        const char *end = NULL;
        bool escaped;
        enum json_fault fault = json_text_scan(exact + 1, exact + 1 + len, &end, &escaped);
        if (fault != cases[i].fault || end != exact + 1 + cases[i].place)
            fail_msg("case %zu: %s at %td", i, json_fault_name(fault), end - exact - 1);
        free(exact);
    }
}

static void fault_name_of(void *argument)
{
    (void)json_fault_name(*(const enum json_fault *)argument); /* dies before it returns */
}

static void faults_have_names_texts_and_statuses(void **state)
{
    (void)state; /* no fixture */
    assert_string_equal(json_fault_name(JSON_FAULT_DUPLICATE), "DUPLICATE");
    assert_string_equal(json_fault_text(JSON_FAULT_DUPLICATE), "duplicate key");
    for (enum json_fault fault = 0; fault < JSON_FAULT_COUNT; fault++) {
        enum status status = json_fault_status(fault);
        assert_int_equal(status == STATUS_OK, fault == JSON_FAULT_NONE);
        assert_int_equal(status == STATUS_LIMIT,
                         fault == JSON_FAULT_DEPTH || fault == JSON_FAULT_MEMORY);
    }
    enum json_fault beyond = JSON_FAULT_COUNT;
    assert_true(dies(fault_name_of, &beyond));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_but_surrogates_is_valid),
        cmocka_unit_test(nothing_else_is_valid),
        cmocka_unit_test(scanning_by_words_agrees_with_scanning_by_bytes),
        cmocka_unit_test(strings_are_scanned_and_decoded),
        cmocka_unit_test(an_escaped_zero_is_a_byte_like_others),
        cmocka_unit_test(faults_of_strings_are_named_and_placed),
        cmocka_unit_test(faults_have_names_texts_and_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

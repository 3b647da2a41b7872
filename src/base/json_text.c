/* UTF-8 by table 3-7 of the Unicode standard; escapes by RFC 8259 section 7. */
#include "base/json_text.h"

#include "base/check.h"

#define FAULT_NAME(name, status, text) #name,
#define FAULT_TEXT(name, status, text) text,
#define FAULT_STATUS(name, status, text) STATUS_##status,
static const char *const fault_names[] = { JSON_FAULT_TABLE(FAULT_NAME) };
static const char *const fault_texts[] = { JSON_FAULT_TABLE(FAULT_TEXT) };
static const enum status fault_statuses[] = { JSON_FAULT_TABLE(FAULT_STATUS) };
#undef FAULT_NAME
#undef FAULT_TEXT
#undef FAULT_STATUS

const char *json_fault_name(enum json_fault fault)
{
    CHECK(fault < JSON_FAULT_COUNT);
    return fault_names[fault];
}

const char *json_fault_text(enum json_fault fault)
{
    CHECK(fault < JSON_FAULT_COUNT);
    return fault_texts[fault];
}

enum status json_fault_status(enum json_fault fault)
{
    CHECK(fault < JSON_FAULT_COUNT);
    return fault_statuses[fault];
}

static bool byte_between(char c, unsigned first, unsigned last)
{
    return (unsigned char)c >= first && (unsigned char)c <= last;
}

static bool continuations(const char *at, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!byte_between(at[i], 0x80, 0xBF)) return false;
    }
    return true;
}

unsigned json_text_utf8(const char *at, const char *end)
{
    size_t rest = (size_t)(end - at);
    unsigned lead = (unsigned char)at[0];
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0; /* a continuation, overlong, or past U+10FFFF */
    if (lead < 0xE0) return rest >= 2 && continuations(at + 1, 1) ? 2 : 0;
    if (lead < 0xF0) {
        unsigned first = lead == 0xE0 ? 0xA0 : 0x80; /* below would be overlong */
        unsigned last = lead == 0xED ? 0x9F : 0xBF;  /* above would be a surrogate */
        bool valid = rest >= 3 && byte_between(at[1], first, last) && continuations(at + 2, 1);
        return valid ? 3 : 0;
    }
    unsigned first = lead == 0xF0 ? 0x90 : 0x80; /* below would be overlong */
    unsigned last = lead == 0xF4 ? 0x8F : 0xBF;  /* above would pass U+10FFFF */
    bool valid = rest >= 4 && byte_between(at[1], first, last) && continuations(at + 2, 2);
    return valid ? 4 : 0;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Four digits; *at is moved to the first that is none, or behind the fourth. */
static enum json_fault code_unit_take(const char **at, const char *end, uint32_t *out_unit)
{
    uint32_t unit = 0;
    for (unsigned i = 0; i < 4; i++, *at += 1) {
        if (*at == end) return JSON_FAULT_TRUNCATED;
        int digit = digit_value(**at);
        if (digit < 0) return JSON_FAULT_ESCAPE;
        unit = unit << 4 | (uint32_t)digit;
    }
    *out_unit = unit;
    return JSON_FAULT_NONE;
}

static bool is_high_surrogate(uint32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(uint32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* From behind "\u" on; a pair of surrogates is two such escapes and one character. */
static enum json_fault unicode_take(const char **at, const char *end, uint32_t *out_character)
{
    const char *first = *at;
    uint32_t unit;
    enum json_fault fault = code_unit_take(at, end, &unit);
    if (fault != JSON_FAULT_NONE) return fault;
    *out_character = unit;
    if (!is_high_surrogate(unit) && !is_low_surrogate(unit)) return JSON_FAULT_NONE;
    if (is_high_surrogate(unit)) {
        if (*at == end || (end - *at == 1 && **at == '\\')) return JSON_FAULT_TRUNCATED;
        if ((*at)[0] == '\\' && (*at)[1] == 'u') {
            *at += 2;
            uint32_t low;
            fault = code_unit_take(at, end, &low);
            if (fault != JSON_FAULT_NONE) return fault;
            *out_character = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            if (is_low_surrogate(low)) return JSON_FAULT_NONE;
        }
    }
    *at = first;
    return JSON_FAULT_SURROGATE;
}

/* The character that a one-letter escape stands for; 0 when there is none. */
static char escape_character(char letter)
{
    switch (letter) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
    }
}

/* From the backslash on. */
static enum json_fault escape_take(const char **at, const char *end, uint32_t *out_character)
{
    *at += 1;
    if (*at == end) return JSON_FAULT_TRUNCATED;
    char letter = **at;
    if (letter == 'u') {
        *at += 1;
        return unicode_take(at, end, out_character);
    }
    *out_character = (uint32_t)(unsigned char)escape_character(letter);
    if (*out_character == 0) return JSON_FAULT_ESCAPE;
    *at += 1;
    return JSON_FAULT_NONE;
}

enum json_fault json_text_scan(const char *at, const char *end, const char **out_end,
                               bool *out_escaped)
{
    enum json_fault fault = JSON_FAULT_NONE;
    *out_escaped = false;
    while (fault == JSON_FAULT_NONE) {
        at = json_text_skip_plain(at, end);
        if (at == end) {
            fault = JSON_FAULT_TRUNCATED;
        } else if (*at == '"') {
            break;
        } else if (*at == '\\') {
            uint32_t character;
            *out_escaped = true;
            fault = escape_take(&at, end, &character);
        } else if ((unsigned char)*at < 0x20) {
            fault = JSON_FAULT_CONTROL;
        } else {
            unsigned len = json_text_utf8(at, end);
            if (len == 0) fault = JSON_FAULT_UTF8;
            at += len;
        }
    }
    *out_end = at;
    return fault;
}

static size_t utf8_put(uint32_t character, char *to)
{
    if (character < 0x80) {
        to[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        to[0] = (char)(0xC0 | character >> 6);
        to[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        to[0] = (char)(0xE0 | character >> 12);
        to[1] = (char)(0x80 | (character >> 6 & 0x3F));
        to[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | character >> 18);
    to[1] = (char)(0x80 | (character >> 12 & 0x3F));
    to[2] = (char)(0x80 | (character >> 6 & 0x3F));
    to[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

size_t json_text_decode(const char *at, const char *end, char *out_text)
{
    char *to = out_text;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        uint32_t character;
        enum json_fault fault = escape_take(&at, end, &character);
        CHECK(fault == JSON_FAULT_NONE);
        to += utf8_put(character, to);
    }
    return (size_t)(to - out_text);
}

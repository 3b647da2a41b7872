#include "base/shown_text.h"

#include "base/json_text.h"

/* Of a character of two or three bytes; others are none that is escaped. */
static uint32_t code_of(const char *at, unsigned len)
{
    const unsigned char *byte = (const unsigned char *)at;
    if (len == 2) return (byte[0] & 0x1FU) << 6 | (byte[1] & 0x3FU);
    if (len == 3) return (byte[0] & 0x0FU) << 12 | (byte[1] & 0x3FU) << 6 | (byte[2] & 0x3FU);
    return len == 1 ? byte[0] : UINT32_MAX;
}

/* Lines and paragraphs of Unicode are as good as a line feed where a terminal knows them. */
static bool commands(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return true;
    return code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/* The character at `at`: *out_len is 0 when it is no UTF-8, and *out_code then the byte. */
static bool is_shown(const char *at, const char *end, unsigned *out_len, uint32_t *out_code)
{
    *out_len = json_text_utf8(at, end);
    *out_code = *out_len == 0 ? (unsigned char)*at : code_of(at, *out_len);
    return *out_len > 0 && !commands(*out_code);
}

static void append(struct buf *out, struct str text, bool lines)
{
    const char *end = text.data + text.len;
    for (const char *at = text.data; at < end && !out->overflow;) {
        unsigned len;
        uint32_t code;
        bool shown = is_shown(at, end, &len, &code);
        bool line = code == '\n' || code == '\t';
        if (shown || (lines && line))
            buf_append(out, at, len);
        else if (line)
            buf_append_str(out, code == '\n' ? STR("\\n") : STR("\\t"));
        else
            buf_append_format(out, len == 0 || code < 0x20 ? "\\x%02x" : "\\u%04x", (unsigned)code);
        at += len == 0 ? 1 : len;
    }
}

void shown_text_append(struct buf *out, struct str text)
{
    append(out, text, false);
}

void shown_text_append_lines(struct buf *out, struct str text)
{
    append(out, text, true);
}

bool shown_text_is_plain(struct str text)
{
    const char *end = text.data + text.len;
    unsigned len;
    uint32_t code;
    for (const char *at = text.data; at < end; at += len)
        if (!is_shown(at, end, &len, &code) && code != '\n' && code != '\t') return false;
    return true;
}

/* 00-<32 trace id>-<16 parent id>-<2 flags>, all lower-case hexadecimal. */
#include "model/trace_context.h"

#include "base/check.h"
#include "base/hex.h"

static bool is_lower_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool letter = text[i] >= 'a' && text[i] <= 'f';
        if (!digit && !letter) return false;
    }
    return true;
}

static bool word_take(const char digits[16], uint64_t *out_value)
{
    uint32_t high;
    uint32_t low;
    if (!is_lower_hex(digits, 16)) return false;
    if (!hex_take(digits, &high) || !hex_take(digits + 8, &low)) return false;
    *out_value = (uint64_t)high << 32 | low;
    return true;
}

static bool byte_take(const char digits[2], uint8_t *out_value)
{
    return is_lower_hex(digits, 2) &&
           hex_parse((struct str){ digits, 2 }, out_value, 1) == STATUS_OK;
}

/* What a later version says behind what we know: text, and nothing that ends a header. */
static bool is_tail(struct str tail)
{
    if (tail.len > 0 && tail.data[0] != '-') return false;
    for (size_t i = 0; i < tail.len; i++) {
        if (tail.data[i] < ' ' || tail.data[i] > '~') return false;
    }
    return true;
}

bool traceparent_parse(struct str header, struct trace *out_trace, uint8_t *out_flags)
{
    CHECK(out_trace != NULL);
    CHECK(out_flags != NULL);
    const char *at = header.data;
    if (header.len < TRACEPARENT_LEN) return false;
    uint8_t version;
    if (!byte_take(at, &version) || version == 0xFF) return false;
    const struct str tail = { at + TRACEPARENT_LEN, header.len - TRACEPARENT_LEN };
    if ((version == 0 && tail.len > 0) || !is_tail(tail)) return false;
    if (at[2] != '-' || at[35] != '-' || at[52] != '-') return false;
    struct trace trace;
    uint8_t flags;
    if (!word_take(at + 3, &trace.id.hi) || !word_take(at + 19, &trace.id.lo)) return false;
    if (!word_take(at + 36, &trace.span) || !byte_take(at + 53, &flags)) return false;
    if (uuid_is_nil(trace.id) || trace.span == 0) return false;
    *out_trace = trace;
    *out_flags = flags;
    return true;
}

static void word_put(uint64_t value, char out_digits[16])
{
    hex_put((uint32_t)(value >> 32), out_digits);
    hex_put((uint32_t)value, out_digits + 8);
}

struct str traceparent_format(struct trace trace, uint8_t flags, char text[TRACEPARENT_SIZE])
{
    text[0] = '0';
    text[1] = '0';
    text[2] = '-';
    word_put(trace.id.hi, text + 3);
    word_put(trace.id.lo, text + 19);
    text[35] = '-';
    word_put(trace.span, text + 36);
    text[52] = '-';
    (void)hex_format(&flags, 1, text + 53); /* the text is known: it starts at `text` */
    return (struct str){ text, TRACEPARENT_LEN };
}

struct str traceparent_renew(struct str header, char text[TRACEPARENT_SIZE])
{
    struct trace trace;
    uint8_t flags;
    if (!traceparent_parse(header, &trace, &flags)) return STR("");
    return traceparent_format(trace, flags, text);
}

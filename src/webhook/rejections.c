#include "webhook/rejections.h"

#include <string.h>

#include "base/check.h"

enum { NAME_LEN_MAX = 64, VALUE_LEN_MAX = 128 };

static const uint64_t TOKEN_US = 1000000 / REJECTIONS_PER_S_MAX;
static const uint64_t TOKENS_US_MAX = REJECTIONS_BURST_MAX * (1000000 / REJECTIONS_PER_S_MAX);

static void tokens_fill(struct rejections *rejections, struct wall_time now)
{
    int64_t passed_ns = now.ns - rejections->filled_at.ns;
    if (rejections->count == 0 && rejections->filled_at.ns == 0) {
        rejections->tokens_us = TOKENS_US_MAX;
    } else if (passed_ns > 0) { /* a clock that steps back gives nothing */
        uint64_t passed_us = (uint64_t)passed_ns / 1000;
        uint64_t missing_us = TOKENS_US_MAX - rejections->tokens_us;
        rejections->tokens_us += passed_us < missing_us ? passed_us : missing_us;
    }
    rejections->filled_at = now;
}

bool rejections_has_room(struct rejections *rejections, struct wall_time now)
{
    tokens_fill(rejections, now);
    return rejections->tokens_us >= TOKEN_US;
}

/* What says who sent it, when and in what form; everything else may hold a credential. */
static bool is_harmless(struct str name)
{
    static const struct str names[] = {
        STR("content-type"),      STR("content-length"), STR("content-encoding"),
        STR("transfer-encoding"), STR("user-agent"),     STR("date"),
        STR("webhook-id"),        STR("svix-id"),        STR("webhook-timestamp"),
        STR("svix-timestamp"),
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_equal_caseless(name, names[i])) return true;
    }
    return false;
}

static void append_printable(struct buf *out, struct str text, size_t len_max)
{
    size_t len = text.len < len_max ? text.len : len_max;
    for (size_t i = 0; i < len; i++) {
        bool printable = text.data[i] >= ' ' && text.data[i] <= '~';
        buf_append_byte(out, printable ? (uint8_t)text.data[i] : '?');
    }
    if (len < text.len) buf_append_str(out, STR("..."));
}

static void append_header(struct buf *out, const struct webhook_header *header)
{
    append_printable(out, header->name, NAME_LEN_MAX);
    buf_append_str(out, STR(": "));
    if (is_harmless(header->name)) {
        append_printable(out, header->value, VALUE_LEN_MAX);
    } else {
        buf_append_format(out, "(%zu bytes)", header->value.len);
    }
    buf_append_byte(out, '\n');
}

/* Whole lines, as many as fit. */
static void mask_headers(const struct webhook_message *message, char out[REJECTION_HEADERS_SIZE])
{
    struct buf BUF_SCOPE line;
    buf_init(&line, NAME_LEN_MAX + VALUE_LEN_MAX + 32);
    size_t len = 0;
    for (uint32_t i = 0; i < message->header_count; i++) {
        buf_reset(&line);
        append_header(&line, &message->headers[i]);
        if (buf_status(&line) != STATUS_OK || line.len >= REJECTION_HEADERS_SIZE - len) break;
        memcpy(out + len, line.data, line.len);
        len += line.len;
    }
    out[len] = 0;
}

static void copy_text(struct str text, char *out, size_t size)
{
    size_t len = text.len < size ? text.len : size - 1;
    if (len > 0) memcpy(out, text.data, len);
    out[len] = 0;
}

void rejections_add(struct rejections *rejections, const struct rejection_source *source)
{
    const struct webhook_verdict *verdict = source->verdict;
    CHECK(verdict->reason != WEBHOOK_REASON_VERIFIED);
    bool room = rejections_has_room(rejections, source->now);
    rejections->count++;
    if (!room) return;
    rejections->tokens_us -= TOKEN_US;
    struct rejection *entry = &rejections->entries[rejections->kept++ % REJECTIONS_MAX];
    *entry = (struct rejection){
        .number = rejections->count,
        .at = source->now,
        .reason = verdict->reason,
        .form = verdict->form,
        .timed = verdict->timed,
        .ahead_s = verdict->ahead_s,
        .body_size = source->message->body.len,
        .body_digest = digest_of(source->message->body.data, source->message->body.len),
    };
    copy_text(source->endpoint, entry->endpoint, sizeof entry->endpoint);
    if (verdict->key != NULL) {
        copy_text(str_from(verdict->key->name), entry->secret, sizeof entry->secret);
    }
    mask_headers(source->message, entry->headers);
}

const struct rejection *rejections_at(const struct rejections *rejections, uint64_t index)
{
    uint64_t there = rejections->kept < REJECTIONS_MAX ? rejections->kept : REJECTIONS_MAX;
    if (index >= there) return NULL;
    return &rejections->entries[(rejections->kept - 1 - index) % REJECTIONS_MAX];
}

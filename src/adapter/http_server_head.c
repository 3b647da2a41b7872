/* The walk over a request's head; see the header for why it trusts no parser but places. */
#include "adapter/http_server_head.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"

enum seen {
    SEEN_HOST = 1 << 0,
    SEEN_CONTENT_LENGTH = 1 << 1,
    SEEN_TRANSFER_ENCODING = 1 << 2,
    SEEN_CONTENT_TYPE = 1 << 3,
    SEEN_AUTHORIZATION = 1 << 4,
    SEEN_IDEMPOTENCY_KEY = 1 << 5,
    SEEN_TRACEPARENT = 1 << 6,
    SEEN_EXPECT = 1 << 7,
    SEEN_ACCEPT = 1 << 8,
    SEEN_TRACESTATE = 1 << 9,
    SEEN_MIN_POSITION = 1 << 10,
    SEEN_LAST_EVENT_ID = 1 << 11,
    SEEN_MAY_REPEAT = SEEN_ACCEPT | SEEN_TRACESTATE,
};

static void fault_set(struct http_head_reader *reader, unsigned status, const char *code,
                      const char *detail, const char *hint)
{
    if (reader->fault.code != NULL) return; /* the first one explains the others */
    reader->fault =
        (struct http_fault){ .status = status, .code = code, .detail = detail, .hint = hint };
}

static void malformed(struct http_head_reader *reader, const char *detail, const char *hint)
{
    fault_set(reader, 400, "malformed_request", detail, hint);
}

/* RFC 9110, section 5.6.2. */
static bool is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_char(text.data[i])) return false;
    }
    return text.len > 0;
}

/* RFC 9110, section 5.5: visible characters, bytes above 127, spaces and tabs. */
static bool is_field_value(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

static bool is_visible_ascii(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f) return false;
    }
    return text.len > 0;
}

static enum api_method method_of(struct str name)
{
    static const struct {
        struct str name;
        enum api_method method;
    } methods[] = {
        { { "GET", 3 }, API_GET },       { { "POST", 4 }, API_POST }, { { "PATCH", 5 }, API_PATCH },
        { { "DELETE", 6 }, API_DELETE }, { { "PUT", 3 }, API_PUT },   { { "HEAD", 4 }, API_HEAD },
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (str_equal(name, methods[i].name)) return methods[i].method;
    }
    return API_OTHER;
}

/* Absolute form is for proxies, but a server must take it: RFC 9112, section 3.2.2. */
static struct str origin_form(struct str target)
{
    const struct str schemes[] = { STR("http://"), STR("https://") };
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct str scheme = schemes[i];
        if (target.len <= scheme.len || !str_starts_caseless(target, scheme)) continue;
        const char *end = target.data + target.len;
        const char *slash = memchr(target.data + scheme.len, '/', target.len - scheme.len);
        if (slash != NULL && slash > target.data + scheme.len) {
            return (struct str){ slash, (size_t)(end - slash) };
        }
    }
    return target;
}

static void target_read(struct http_head_reader *reader, struct str target)
{
    if (target.len > HTTP_TARGET_LEN_MAX) {
        fault_set(reader, 414, "uri_too_long", "the request target has more than 8,192 bytes",
                  "put the values into the body");
        return;
    }
    struct str path = origin_form(target);
    if (!is_visible_ascii(path) || path.data[0] != '/' ||
        memchr(path.data, '#', path.len) != NULL) {
        malformed(reader, "the request target is no path", "it begins with / and is ASCII");
        return;
    }
    const char *mark = memchr(path.data, '?', path.len);
    reader->head.path = path;
    if (mark != NULL) {
        reader->head.path.len = (size_t)(mark - path.data);
        reader->head.query = (struct str){ mark + 1, path.len - reader->head.path.len - 1 };
    }
}

void http_head_begin(struct http_head_reader *reader, const char *method, const char *url,
                     const char *version, struct str target)
{
    CHECK(reader != NULL);
    CHECK(method != NULL);
    CHECK(version != NULL);
    *reader = (struct http_head_reader){ 0 };
    struct str name = str_from(method);
    struct str protocol = str_from(version);
    reader->head.method = method_of(name);
    reader->http_1_0 = str_equal(protocol, STR("HTTP/1.0"));
    reader->begin = name.data;
    reader->next = protocol.data + protocol.len + 2;
    if (!is_token(name)) malformed(reader, "the method is no token", NULL);
    if (url != name.data + name.len + 1 || protocol.data != url + target.len + 1) {
        malformed(reader, "the request line is not METHOD SP target SP version", NULL);
    }
    if (protocol.data[protocol.len + 1] != '\0') {
        malformed(reader, "the request line does not end in CR LF", NULL);
        return;
    }
    target_read(reader, target);
}

/* Decimal digits and nothing else; the library has refused what passes 64 bits. */
static void content_length_read(struct http_head_reader *reader, struct str value)
{
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c < '0' || c > '9' || length > (UINT64_MAX - 9) / 10) {
            malformed(reader, "Content-Length is not one decimal number", NULL);
            return;
        }
        length = length * 10 + (uint64_t)(c - '0');
    }
    if (value.len == 0) malformed(reader, "Content-Length is empty", NULL);
    reader->head.content_length = length;
}

static void transfer_encoding_read(struct http_head_reader *reader, struct str value)
{
    if (!str_equal_caseless(value, STR("chunked"))) {
        malformed(reader, "Transfer-Encoding is not chunked", "no other coding is understood");
    }
    if (reader->http_1_0) malformed(reader, "Transfer-Encoding in HTTP/1.0", NULL);
    reader->head.chunked = true;
}

static unsigned header_bit(struct str name)
{
    static const struct {
        struct str name;
        unsigned bit;
    } headers[] = {
        { { "Host", 4 }, SEEN_HOST },
        { { "Content-Length", 14 }, SEEN_CONTENT_LENGTH },
        { { "Transfer-Encoding", 17 }, SEEN_TRANSFER_ENCODING },
        { { "Content-Type", 12 }, SEEN_CONTENT_TYPE },
        { { "Authorization", 13 }, SEEN_AUTHORIZATION },
        { { "Idempotency-Key", 15 }, SEEN_IDEMPOTENCY_KEY },
        { { "traceparent", 11 }, SEEN_TRACEPARENT },
        { { "Expect", 6 }, SEEN_EXPECT },
        { { "Accept", 6 }, SEEN_ACCEPT },
        { { "tracestate", 10 }, SEEN_TRACESTATE },
        { { "TPW-Min-Position", 16 }, SEEN_MIN_POSITION },
        { { "last-event-id", 13 }, SEEN_LAST_EVENT_ID },
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (str_equal_caseless(name, headers[i].name)) return headers[i].bit;
    }
    return 0;
}

static void header_store(struct http_head_reader *reader, unsigned bit, struct str value)
{
    struct http_head *head = &reader->head;
    switch (bit) {
    case SEEN_CONTENT_LENGTH: content_length_read(reader, value); break;
    case SEEN_TRANSFER_ENCODING: transfer_encoding_read(reader, value); break;
    case SEEN_CONTENT_TYPE: head->content_type = value; break;
    case SEEN_AUTHORIZATION: head->authorization = value; break;
    case SEEN_IDEMPOTENCY_KEY: head->idempotency_key = value; break;
    case SEEN_MIN_POSITION: head->min_position = value; break;
    case SEEN_LAST_EVENT_ID: head->last_event_id = value; break;
    case SEEN_TRACEPARENT: head->traceparent = value; break;
    case SEEN_ACCEPT: head->accept = value; break;
    case SEEN_TRACESTATE: head->tracestate = value; break;
    case SEEN_EXPECT:
        if (!str_equal_caseless(value, STR("100-continue"))) {
            malformed(reader, "Expect is not 100-continue", NULL);
        }
        break;
    default: break;
    }
}

/* Whether the header's bytes stand exactly as `name: value CR LF` would have left them. */
static bool header_in_place(const struct http_head_reader *reader, struct http_header header)
{
    if (header.name.data != reader->next) return false;
    const char *at = header.name.data + header.name.len;
    if (*at != '\0') return false; /* the colon was here */
    for (at++; at < header.value.data; at++) {
        if (*at != ' ' && *at != '\t') return false;
    }
    at = header.value.data + header.value.len;
    return at >= header.name.data && at[0] == '\0' && at[1] == '\0'; /* CR LF */
}

void http_head_take(struct http_head_reader *reader, struct http_header header)
{
    CHECK(reader != NULL);
    if (reader->fault.code != NULL) return; /* places after the first fault mean nothing */
    if (!header_in_place(reader, header)) {
        malformed(reader, "a header line is not `name: value` and CR LF on one line",
                  "folded lines, bare LF, and zero bytes are refused");
        return;
    }
    reader->next = header.value.data + header.value.len + 2;
    struct str value = header.value;
    while (value.len > 0 &&
           (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t')) {
        value.len--;
    }
    if (!is_token(header.name)) {
        malformed(reader, "a header name is no token", "no space may stand before the colon");
    }
    if (!is_field_value(value)) malformed(reader, "a header value has control characters", NULL);

    struct http_head *head = &reader->head;
    if (head->raw_count == API_RAW_HEADERS_MAX) {
        fault_set(reader, 431, "headers_too_large", "there are more header lines than allowed",
                  NULL);
        return; /* none may be lost: a peer is handed all of them */
    }
    head->raw[head->raw_count++] = (struct api_raw_header){ header.name, value };
    unsigned bit = header_bit(header.name);
    if (bit == 0) return;
    if ((reader->seen & bit) != 0) {
        if ((bit & SEEN_MAY_REPEAT) == 0) {
            malformed(reader, "a header that may come once came twice", NULL);
        }
        return;
    }
    reader->seen |= bit;
    header_store(reader, bit, value);
}

bool http_head_end(struct http_head_reader *reader, size_t size)
{
    CHECK(reader != NULL);
    if (size > REQUEST_HEADERS_SIZE_MAX) {
        fault_set(reader, 431, "headers_too_large", "the headers have more bytes than allowed",
                  NULL);
    }
    if (reader->fault.code != NULL) return false;
    if (reader->next + 2 != reader->begin + size) { /* the bytes of CR LF, and none more */
        malformed(reader, "the headers do not end in an empty line of CR LF", NULL);
    }
    if ((reader->seen & SEEN_HOST) == 0 && !reader->http_1_0) {
        malformed(reader, "there is no Host header", NULL);
    }
    if ((reader->seen & SEEN_CONTENT_LENGTH) != 0 && (reader->seen & SEEN_TRANSFER_ENCODING) != 0) {
        malformed(reader, "both Content-Length and Transfer-Encoding", "send one of them");
    }
    return reader->fault.code == NULL;
}

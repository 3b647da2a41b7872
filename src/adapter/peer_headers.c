#include "adapter/peer_headers.h"

#include <string.h>

#include "port/peer.h"

/* Names that an API of ours answers with; what is not among them is not passed on. */
static const char *const ANSWER_HEADERS[] = {
    "Allow",       "Cache-Control",       "Idempotent-Replayed", "Location", "Retry-After",
    "traceparent", PEER_HEADER_NOT_OWNER, "WWW-Authenticate",    "TPW-Lane",
};

/* The same of its types. */
static const char *const ANSWER_TYPES[] = {
    "application/json",
    "application/problem+json",
    "application/x-ndjson",
    "application/vnd.tpwallet.transfer-results",
    "application/vnd.tpwallet.transfers",
    "application/octet-stream",
    "application/yaml",
    "text/csv",
    "text/event-stream",
    "text/plain; charset=utf-8",
    "text/plain; version=0.0.4; charset=utf-8",
};

static const char *find_name(const char *const *names, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal_caseless(name, str_from(names[i]))) return names[i];
    }
    return NULL;
}
#define FIND_NAME(names, name) find_name(names, sizeof(names) / sizeof(names)[0], name)

static struct str trim(struct str text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) text.len--;
    return text;
}

void peer_answer_header(struct api_call *call, struct str name, struct str value)
{
    value = trim(value);
    if (str_equal_caseless(name, STR("Content-Type"))) {
        const char *type = FIND_NAME(ANSWER_TYPES, value);
        call->answer_type = type == NULL ? "application/octet-stream" : type;
        return;
    }
    const char *known = FIND_NAME(ANSWER_HEADERS, name);
    if (known == NULL || call->header_count == API_HEADERS_MAX) return;
    if (value.len >= API_HEADER_SIZE) return;
    struct api_header *header = &call->headers[call->header_count++];
    header->name = known;
    if (value.len > 0) memcpy(header->value, value.data, value.len);
    header->value[value.len] = '\0';
}

/* Of one connection, said otherwise by libcurl, or said anew. */
static const char *const NOT_PASSED[] = {
    "Connection",
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "TE",
    "Upgrade",
    "Keep-Alive",
    "Expect",
    "traceparent",
    "Trailer",
    "Proxy-Authorization",
    "Proxy-Connection",
    PEER_HEADER_LEFT_MS,
    PEER_HEADER_LOCAL,
    PEER_HEADER_ARRIVAL,
    PEER_HEADER_LEDGER,
    PEER_HEADER_SECRET,
};

bool peer_passes_header(struct str name)
{
    return FIND_NAME(NOT_PASSED, name) == NULL;
}

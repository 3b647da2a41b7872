#include "adapter/psp_caller.h"

#include <string.h>

#include "base/check.h"
#include "model/trace_context.h"

enum { AUTHORIZATION_SIZE = SECRET_SIZE_MAX + 8 };

static bool name_valid(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < PSP_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

enum status psp_caller_init(struct psp_caller *caller, const struct psp_options *options,
                            struct error *out_error)
{
    CHECK(options->http != NULL);
    CHECK(options->clock != NULL);
    CHECK(options->key != NULL);
    struct str url = str_from(options->url);
    while (url.len > 0 && url.data[url.len - 1] == '/') url.len--;
    if (!name_valid(options->name)) {
        return error_set(out_error, STATUS_INVALID,
                         "'%s' is no name of a PSP: 1 to %d of a-z 0-9 -", options->name,
                         PSP_NAME_SIZE - 1);
    }
    if (url.len >= PSP_URL_SIZE ||
        (!str_starts(url, STR("https://")) && !str_starts(url, STR("http://")))) {
        return error_set(out_error, STATUS_INVALID, "'%s' is no URL of a PSP", options->url);
    }
    *caller = (struct psp_caller){ .options = *options };
    memcpy(caller->url, url.data, url.len);
    caller->options.url = caller->url;
    if (options->connect_ms_max == 0) caller->options.connect_ms_max = PSP_CONNECT_MS;
    if (options->call_ms_max == 0) caller->options.call_ms_max = PSP_CALL_MS;
    return STATUS_OK;
}

struct monotonic_time psp_caller_until(const struct psp_caller *caller)
{
    struct monotonic_time now = clock_monotonic(caller->options.clock);
    return (struct monotonic_time){ now.ns + caller->options.call_ms_max * NS_PER_MS };
}

/* "Bearer KEY"; to be wiped. */
static struct str authorization_make(const struct secret *key, char text[AUTHORIZATION_SIZE])
{
    static const char scheme[] = "Bearer ";
    memcpy(text, scheme, sizeof scheme - 1);
    memcpy(text + sizeof scheme - 1, key->bytes, key->size);
    return (struct str){ text, sizeof scheme - 1 + key->size };
}

/* "" when there is no trace. */
static struct str traceparent_make(const struct psp_request *request, char text[TRACEPARENT_SIZE])
{
    if (uuid_is_nil(request->trace.id) || request->trace.span == 0) return STR("");
    return traceparent_format(request->trace, request->watched ? TRACE_FLAG_SAMPLED : 0, text);
}

static uint32_t headers_make(const struct psp_request *request, struct str authorization,
                             struct str traceparent, struct http_out_header *out_headers)
{
    const struct http_out_header all[] = {
        { STR("Authorization"), authorization },
        { STR("Accept"), STR("application/json, text/csv") },
        { STR("Content-Type"), request->content_type },
        { STR("Idempotency-Key"), request->idempotency_key },
        { STR("traceparent"), traceparent },
        { request->version_name, request->version },
    };
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].value.len > 0) out_headers[count++] = all[i];
    }
    return count;
}

/* The time left, in milliseconds; 0: it is over. */
static uint32_t time_left_ms(const struct psp_caller *caller, struct monotonic_time until)
{
    int64_t left_ns = until.ns - clock_monotonic(caller->options.clock).ns;
    return left_ns < NS_PER_MS ? 0 : (uint32_t)(left_ns / NS_PER_MS);
}

enum status psp_caller_call(const struct psp_caller *caller, const struct psp_request *request,
                            struct psp_http *out_http, struct buf *out_body,
                            struct error *out_error)
{
    char authorization[AUTHORIZATION_SIZE];
    char traceparent[TRACEPARENT_SIZE];
    struct http_out_header headers[HTTP_OUT_HEADERS_MAX];
    struct http_out_response response = { 0 };
    uint32_t left_ms = time_left_ms(caller, request->until);
    if (left_ms == 0) return error_set(out_error, STATUS_UNAVAILABLE, "the time is over");
    BUF_SCOPE struct buf url;
    buf_init(&url, PSP_URL_SIZE + request->path.len);
    buf_append_str(&url, str_from(caller->url));
    buf_append_str(&url, request->path);
    if (buf_status(&url) != STATUS_OK)
        return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    uint32_t connect_ms = caller->options.connect_ms_max;
    const struct http_out_request call = {
        .method = request->method,
        .url = buf_view(&url),
        .headers = headers,
        .header_count =
            headers_make(request, authorization_make(caller->options.key, authorization),
                         traceparent_make(request, traceparent), headers),
        .body = request->body,
        .connect_ms_max = connect_ms < left_ms ? connect_ms : left_ms,
        .call_ms_max = left_ms,
        .private_allowed = caller->options.private_allowed,
    };
    struct http_out *http = caller->options.http;
    enum status status = http->call(http, &call, &response, out_body, out_error);
    secret_wipe(authorization, sizeof authorization);
    if (status != STATUS_OK) return status;
    *out_http = (struct psp_http){ .status = response.status,
                                   .retry_after_s = response.retry_after_s,
                                   .body = buf_view(out_body) };
    return STATUS_OK;
}

void psp_caller_silence(enum status status, struct psp_reply *reply)
{
    switch ((int)status) {
    case STATUS_UNAVAILABLE:
    case STATUS_INVALID: psp_reply_set(reply, PSP_ANSWER_NOT_SENT, STR("no_connection")); break;
    case STATUS_DENIED: psp_reply_set(reply, PSP_ANSWER_NOT_SENT, STR("not_trusted")); break;
    case STATUS_LIMIT: psp_reply_set(reply, PSP_ANSWER_UNKNOWN, STR("answer_too_long")); break;
    default: psp_reply_set(reply, PSP_ANSWER_UNKNOWN, STR("no_answer")); break;
    }
}

void psp_caller_finish(const struct psp_caller *caller, struct monotonic_time start,
                       struct psp_reply *reply)
{
    int64_t took_ns = clock_monotonic(caller->options.clock).ns - start.ns;
    reply->duration_ms = (uint32_t)(took_ns / NS_PER_MS);
    reply->at = clock_wall(caller->options.clock);
}

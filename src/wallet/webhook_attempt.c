#include "wallet/webhook_attempt.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "model/trace_context.h"
#include "webhook/signature.h"

static const struct webhook_policy STANDARD = { .scheme = WEBHOOK_STANDARD };

void attempt_memory_init(struct attempt_memory *memory, size_t answer_size_max)
{
    buf_init(&memory->event, EVENT_SIZE_MAX);
    buf_init(&memory->body, EVENT_SIZE_MAX);
    buf_init(&memory->signature, SIGNATURE_HEADER_SIZE_MAX);
    buf_init(&memory->scratch, EVENT_SIZE_MAX + WEBHOOK_ID_LEN_MAX + 64);
    buf_init(&memory->answer, answer_size_max);
}

void attempt_memory_free(struct attempt_memory *memory)
{
    buf_free(&memory->event);
    buf_free(&memory->body);
    buf_free(&memory->signature);
    buf_free(&memory->scratch);
    buf_free(&memory->answer);
}

/* False: there is no key to sign with, or the event is too large. */
static bool make_body(const struct attempt *attempt, struct attempt_memory *memory)
{
    struct signing_key *keys[ENDPOINT_KEYS_MAX];
    uint32_t count = endpoint_live_keys(attempt->endpoint, attempt->now, keys);
    buf_reset(&memory->body);
    buf_reset(&memory->signature);
    if (count == 0) return false;
    if (event_envelope_write(attempt->event, &attempt->delivery, &memory->body) != STATUS_OK) {
        return false;
    }
    const struct webhook_signing signing = {
        .policy = &STANDARD,
        .keys = keys,
        .key_count = count,
        .id = attempt->event->id,
        .timestamp_s = (uint64_t)(attempt->now.ns / NS_PER_S),
        .body = buf_view(&memory->body),
        .scratch = &memory->scratch,
    };
    webhook_sign(&signing, &memory->signature);
    return buf_status(&memory->signature) == STATUS_OK;
}

struct attempt_result attempt_send(const struct attempt *attempt, struct http_out *http,
                                   struct attempt_memory *memory)
{
    struct attempt_result result = { .http_status = 0 };
    if (!make_body(attempt, memory)) return result;
    char timestamp[24];
    int len = snprintf(timestamp, sizeof timestamp, "%" PRId64, attempt->now.ns / NS_PER_S);
    CHECK(len > 0 && (size_t)len < sizeof timestamp);
    char traceparent[TRACEPARENT_SIZE];
    uint8_t flags = attempt->watched ? TRACE_FLAG_SAMPLED : 0;
    const struct http_out_header headers[] = {
        { STR("content-type"), STR("application/cloudevents+json") },
        { STR("user-agent"), STR("tpwallet") },
        { STR("webhook-id"), attempt->event->id },
        { STR("webhook-timestamp"), { timestamp, (size_t)len } },
        { STR("webhook-signature"), buf_view(&memory->signature) },
        { STR("traceparent"), traceparent_format(attempt->trace, flags, traceparent) },
    };
    uint32_t header_count = sizeof headers / sizeof headers[0];
    if (uuid_is_nil(attempt->trace.id)) header_count--;
    const struct http_out_request request = {
        .method = STR("POST"),
        .url = str_from(attempt->endpoint->url),
        .headers = headers,
        .header_count = header_count,
        .body = buf_view(&memory->body),
        .connect_ms_max = attempt->connect_ms_max,
        .call_ms_max = attempt->call_ms_max,
        .private_allowed = attempt->private_allowed,
    };
    struct http_out_response response = { 0 };
    struct error error = { 0 };
    enum status status = http->call(http, &request, &response, &memory->answer, &error);
    if (status != STATUS_OK) return result;
    result.delivered = response.status >= 200 && response.status <= 299;
    result.gone = response.status == 410;
    result.http_status = (uint16_t)response.status;
    result.retry_after_s = response.retry_after_s;
    return result;
}

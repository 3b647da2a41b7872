#include "payment/psp_wire.h"

#include "base/check.h"

const char *psp_event_kind_name(unsigned kind)
{
#define PSP_EVENT_NAME(name, text) text,
    static const char *const names[] = { PSP_EVENT_TABLE(PSP_EVENT_NAME) };
#undef PSP_EVENT_NAME
    CHECK(kind < PSP_EVENT_COUNT);
    return names[kind];
}

bool psp_token_read(struct str text, char out_token[PSP_TOKEN_SIZE])
{
    if (text.len == 0 || text.len >= PSP_TOKEN_SIZE) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') return false;
    }
    memset(out_token, 0, PSP_TOKEN_SIZE);
    memcpy(out_token, text.data, text.len);
    return true;
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

bool psp_token_plain(const char *token)
{
    for (const char *at = token; *at != '\0'; at++) {
        if (!is_lower_or_digit(*at) && !is_upper(*at) && *at != '_' && *at != '-') return false;
    }
    return token[0] != '\0';
}

void psp_reason_set(struct psp_reply *reply, struct str text)
{
    size_t len = text.len < PSP_REASON_SIZE - 1 ? text.len : PSP_REASON_SIZE - 1;
    memset(reply->reason, 0, sizeof reply->reason);
    for (size_t i = 0; i < len; i++) {
        char c = ascii_lower(text.data[i]);
        reply->reason[i] = is_lower_or_digit(c) ? c : '_';
    }
}

void psp_reply_set(struct psp_reply *reply, enum psp_answer answer, struct str reason)
{
    reply->answer = (uint8_t)answer;
    reply->asset = 0;
    reply->amount = MONEY_ZERO;
    memset(reply->object, 0, sizeof reply->object);
    psp_reason_set(reply, reason);
}

void psp_reply_by_status(const struct psp_http *http, struct str reason, struct psp_reply *reply)
{
    enum { UNAUTHORIZED = 401, FORBIDDEN = 403, THROTTLED = 429 };
    enum psp_answer answer = PSP_ANSWER_UNKNOWN;
    if (http->status == THROTTLED) {
        answer = PSP_ANSWER_THROTTLED;
        uint64_t ms = (uint64_t)http->retry_after_s * 1000;
        reply->retry_after_ms = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
    } else if (http->status == UNAUTHORIZED || http->status == FORBIDDEN) {
        answer = PSP_ANSWER_NOT_SENT; /* our key is wrong: nothing was looked at */
    } else if (http->status >= 400 && http->status < 500 && !reply->query) {
        answer = PSP_ANSWER_INVALID;
    }
    psp_reply_set(reply, answer, reason);
}

bool psp_json_text(struct json_reader *reader, struct str *out_text)
{
    if (json_peek(reader) == JSON_NULL) {
        *out_text = STR("");
        return json_null(reader);
    }
    return json_string(reader, out_text);
}

void psp_event_refer(struct psp_event *event, struct str reference)
{
    event->ours = psp_key_parse(reference, &event->payment, &event->step_number);
}

#include "doctor/webhook_capture.h"

#include <string.h>

#include "base/base64.h"
#include "base/decimal.h"
#include "doctor/log_line.h"

const char webhook_capture_paths[] =
    "event = header.webhook-id header.svix-id header.ce-id value.event_id value.id\n"
    "delivery = header.webhook-delivery header.x-delivery-id\n"
    "type = value.type header.ce-type\n"
    "created_ts = value.time value.at value.created_at value.created header.ce-time\n"
    "seq = value.sequence\n"
    "psp_ref = value.psp_ref value.data.object.payment_intent value.data.object.id "
    "value.data.object\n"
    "idem = value.data.reference value.data.object.metadata.reference\n"
    "object = value.subject value.data.payment.id\n"
    "state = value.data.status value.data.payment.state\n"
    "trace = header.traceparent value.traceparent\n"
    "tx = value.data.tx\n"
    "account = value.data.account\n"
    "amount = value.data.amount_minor\n"
    "ccy = value.data.asset value.data.currency\n";

/* ---- reading ---- */

static bool header_add(struct webhook_capture *capture, struct str name, struct str value)
{
    if (capture->header_count == WEBHOOK_HEADERS_MAX || name.len == 0) return false;
    capture->headers[capture->header_count++] = (struct webhook_header){ name, value };
    return true;
}

/* {"name":"value"}, or [["name","value"]], which may have a name twice. */
static bool headers_read(const struct json_node *node, struct webhook_capture *capture)
{
    if (node == NULL) return true;
    if (node->type != JSON_OBJECT && node->type != JSON_ARRAY) return false;
    for (const struct json_node *item = node->first; item != NULL; item = item->next) {
        bool pair = item->type == JSON_ARRAY && item->count == 2 &&
                    item->first->type == JSON_STRING && item->first->next->type == JSON_STRING;
        bool member = node->type == JSON_OBJECT && item->type == JSON_STRING;
        if (!pair && !member) return false;
        if (!header_add(capture, pair ? item->first->text : item->key,
                        pair ? item->first->next->text : item->text))
            return false;
    }
    return true;
}

static bool body_read(const struct json_node *line, struct arena *arena, struct str *out_body)
{
    const struct json_node *coded = json_tree_member(line, "body");
    if (coded == NULL) {
        *out_body = json_tree_text(line, "body_text");
        return json_tree_member(line, "body_text") != NULL;
    }
    size_t size = 0;
    if (coded->type != JSON_STRING) return false;
    uint8_t *bytes = arena_take(arena, coded->text.len + 1);
    if (bytes == NULL) return false;
    if (base64_parse(coded->text, coded->text.len, bytes, &size) != STATUS_OK) return false;
    *out_body = (struct str){ (const char *)bytes, size };
    return true;
}

bool webhook_capture_read(const struct json_node *line, const char *direction, struct arena *arena,
                          struct webhook_capture *out_capture, const char **out_reason)
{
    struct webhook_capture capture = { .direction = direction };
    struct str way = json_tree_text(line, "direction");
    uint64_t status = 0;
    *out_reason = NULL;
    if (str_equal(way, STR("in"))) capture.direction = "in";
    if (str_equal(way, STR("out"))) capture.direction = "out";
    capture.connector = json_tree_text(line, "connector");
    capture.delivery = json_tree_text(line, "delivery");
    if (line->type != JSON_OBJECT || !log_line_time(json_tree_text(line, "ts"), &capture.at))
        *out_reason = "it has no time: ts";
    else if (!headers_read(json_tree_member(line, "headers"), &capture))
        *out_reason = "headers are an object of texts, or an array of pairs; 64 at most";
    else if (!body_read(line, arena, &capture.body))
        *out_reason = "it has neither body (base64) nor body_text";
    else if (json_tree_text(line, "status").len > 0 &&
             decimal_parse(json_tree_text(line, "status"), 999, &status) != STATUS_OK)
        *out_reason = "status is none of HTTP's";
    capture.status = (int64_t)status;
    if (*out_reason == NULL) *out_capture = capture;
    return *out_reason == NULL;
}

/* ---- what its signature is worth ---- */

static bool is_json_form(uint8_t form)
{
    return form == BODY_FORM_JSON_COMPACT || form == BODY_FORM_JSON_INDENTED ||
           form == BODY_FORM_JSON_SPACED;
}

/* Why a receiver with these secrets would reject it, as docs/bundle.md has it; NULL: it would not. */
static const char *reason_of(uint8_t reason)
{
    switch ((enum webhook_reason)reason) {
    case WEBHOOK_REASON_VERIFIED: return NULL;
    case WEBHOOK_REASON_TIMESTAMP_OLD:
    case WEBHOOK_REASON_TIMESTAMP_AHEAD:
    case WEBHOOK_REASON_TIMESTAMP_MALFORMED: return "timestamp";
    case WEBHOOK_REASON_KEY_EXPIRED:
    case WEBHOOK_REASON_KEY_NOT_YET:
    case WEBHOOK_REASON_KEY_OTHER:
    case WEBHOOK_REASON_NO_KEY: return "unknown_key";
    case WEBHOOK_REASON_HEADER_MISSING:
    case WEBHOOK_REASON_VERSION_UNKNOWN: return "no_signature";
    case WEBHOOK_REASON_BODY_CHANGED:
    case WEBHOOK_REASON_NO_MATCH: return "signature";
    case WEBHOOK_REASON_TOO_LARGE:
    case WEBHOOK_REASON_HEADER_TWICE:
    case WEBHOOK_REASON_HEADER_MALFORMED:
    case WEBHOOK_REASON_SIGNATURES_TOO_MANY:
    case WEBHOOK_REASON_COUNT: break;
    }
    return "parse";
}

static void signature_fields(const struct webhook_verdict *verdict, uint32_t tolerance_s,
                             struct evidence_line *line)
{
    bool other = verdict->reason == WEBHOOK_REASON_KEY_EXPIRED ||
                 verdict->reason == WEBHOOK_REASON_KEY_NOT_YET ||
                 verdict->reason == WEBHOOK_REASON_KEY_OTHER;
    bool raw = verdict->reason == WEBHOOK_REASON_VERIFIED ||
               verdict->reason == WEBHOOK_REASON_TIMESTAMP_OLD ||
               verdict->reason == WEBHOOK_REASON_TIMESTAMP_AHEAD;
    bool looked = raw || other || verdict->reason == WEBHOOK_REASON_BODY_CHANGED ||
                  verdict->reason == WEBHOOK_REASON_NO_KEY ||
                  verdict->reason == WEBHOOK_REASON_NO_MATCH;
    if (looked) evidence_word(line, "sig_raw", raw ? "ok" : "bad");
    if (looked && !raw) evidence_word(line, "sig_other", other ? "ok" : "bad");
    if (verdict->reason == WEBHOOK_REASON_BODY_CHANGED)
        evidence_word(line, "sig_parsed", is_json_form(verdict->form) ? "ok" : "bad");
    if (verdict->key != NULL) evidence_text(line, "kid", str_from(verdict->key->name));
    if (!verdict->timed) return;
    if (verdict->ahead_s < INT32_MAX && verdict->ahead_s > -INT64_C(9000000000))
        evidence_int(line, "age_ns", -verdict->ahead_s * NS_PER_S);
    evidence_int(line, "tolerance_ns", tolerance_s * NS_PER_S);
}

static const char *verdict_of(const struct webhook_capture *capture)
{
    enum { OK_FROM = 200, OK_TO = 299, REFUSED_FROM = 400, REFUSED_TO = 499 };
    if (capture->verified) return "accepted";
    if (capture->status >= OK_FROM && capture->status <= OK_TO) return "accepted";
    bool refused = capture->status >= REFUSED_FROM && capture->status <= REFUSED_TO;
    return refused ? "rejected" : NULL;
}

static void verdict_write(const struct webhook_capture *capture, struct webhook_judge *judge,
                          struct evidence_line *line)
{
    struct webhook_verdict verdict;
    const char *word = verdict_of(capture);
    const char *reason = NULL;
    if (judge != NULL && judge->key_count > 0) {
        const struct webhook_check check = {
            .policy = &judge->policy,
            .keys = judge->keys,
            .key_count = judge->key_count,
            .now = capture->at,
            .diagnose = true,
            .scratch = &judge->scratch,
        };
        const struct webhook_message message = { capture->headers, capture->header_count,
                                                 capture->body };
        if (!webhook_verify(&check, &message, &verdict)) reason = reason_of(verdict.reason);
        signature_fields(&verdict, judge->policy.tolerance_s, line);
    }
    if (word != NULL) evidence_word(line, "verdict", word);
    bool rejected = word != NULL && strcmp(word, "rejected") == 0;
    if (rejected && reason != NULL) evidence_word(line, "reason", reason);
}

bool webhook_capture_write(const struct webhook_capture *capture,
                           const struct webhook_writing *writing)
{
    struct value_source source = { .header_count = 0 };
    struct evidence_line line;
    arena_reset(writing->arena);
    for (uint32_t i = 0; i < capture->header_count && i < VALUE_HEADERS_MAX; i++)
        source.headers[source.header_count++] =
            (struct value_header){ capture->headers[i].name, capture->headers[i].value };
    source.text = capture->body;
    if (json_tree_parse(capture->body, writing->arena, &source.root, NULL) != STATUS_OK)
        source.root = NULL;
    if (value_map_find(writing->map, "event", &source).len == 0) return false;
    evidence_begin(&line, writing->out, "webhook", writing->masked);
    evidence_time(&line, "ts", capture->at);
    evidence_word(&line, "direction", capture->direction);
    evidence_text(&line, "connector", capture->connector);
    if (capture->delivery.len > 0) evidence_text(&line, "delivery", capture->delivery);
    verdict_write(capture, writing->judge, &line);
    if (capture->processed) evidence_bool(&line, "processed", true);
    value_map_write(writing->map, "webhook",
                    capture->delivery.len > 0
                        ? "ts direction connector verdict reason kid processed delivery sig_raw "
                          "sig_parsed sig_other age_ns tolerance_ns"
                        : "ts direction connector verdict reason kid processed sig_raw sig_parsed "
                          "sig_other age_ns tolerance_ns",
                    &source, &line);
    evidence_end(&line);
    return true;
}

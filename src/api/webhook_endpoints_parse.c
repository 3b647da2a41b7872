/* Members go straight to where they are wanted; webhook/endpoint.h judges the whole. */
#include "api/webhook_endpoints_parse.h"

#include <string.h>

#include "base/check.h"
#include "model/position.h"

enum field {
    FIELD_ID,
    FIELD_URL,
    FIELD_FILTERS,
    FIELD_AFTER,
    FIELD_STATE,
    FIELD_OVERLAP_S,
    FIELD_SEQUENCE,
    FIELD_COUNT
};
static const struct str names[FIELD_COUNT] = {
    { "id", 2 },    { "url", 3 },       { "filters", 7 },  { "after", 5 },
    { "state", 5 }, { "overlap_s", 9 }, { "sequence", 8 },
};
static const struct json_fields fields = { names, FIELD_COUNT };

enum { OVERLAP_S_MAX = 365 * 24 * 3600 };

#define BIT(field) (1U << (field))
static const uint32_t allowed[] = {
    [ENDPOINT_CREATE] = BIT(FIELD_ID) | BIT(FIELD_URL) | BIT(FIELD_FILTERS) | BIT(FIELD_AFTER),
    [ENDPOINT_UPDATE] = BIT(FIELD_URL) | BIT(FIELD_FILTERS) | BIT(FIELD_STATE),
    [ENDPOINT_ROTATE] = BIT(FIELD_OVERLAP_S),
    [ENDPOINT_REDRIVE] = BIT(FIELD_SEQUENCE),
};

/* Terminated; out_text is zeroed and has room for size bytes. */
static bool text_take(struct body *body, char *out_text, size_t size)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    if (text.len == 0 || text.len >= size || memchr(text.data, '\0', text.len) != NULL) {
        (void)body_fault(body, PROBLEM_INVALID_VALUE, NULL, "is empty, or too long");
        problem_limit(body->problem, size - 1);
        return false;
    }
    memcpy(out_text, text.data, text.len);
    return true;
}

static bool filters_take(struct body *body, struct webhook_desk_view *wanted)
{
    if (!json_array_begin(&body->reader)) return body_expected(body, "must be an array");
    while (json_array_next(&body->reader)) {
        if (wanted->filter_count == ENDPOINT_FILTERS_MAX) {
            (void)body_fault(body, PROBLEM_TOO_MANY_ITEMS, NULL, "are too many filters");
            problem_limit(body->problem, ENDPOINT_FILTERS_MAX);
            return false;
        }
        if (!text_take(body, wanted->filters[wanted->filter_count], ENDPOINT_FILTER_SIZE))
            return false;
        wanted->filter_count++;
    }
    return body->reader.fault == JSON_FAULT_NONE || body_reader_fault(body);
}

static bool state_take(struct body *body, uint8_t *out_state)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    bool active = str_equal(text, STR("active"));
    if (!active && !str_equal(text, STR("disabled")))
        return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "must be active or disabled");
    *out_state = active ? ENDPOINT_ACTIVE : ENDPOINT_DISABLED;
    return true;
}

static bool after_take(struct body *body, struct position *out_after)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    if (position_parse(text, out_after)) return true;
    return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                      "must be a position: BATCH-INDEX or BATCH");
}

static bool sequence_take(struct body *body, uint64_t *out_sequence)
{
    if (!json_uint64(&body->reader, out_sequence)) return body_expected(body, "must be a number");
    if (*out_sequence > 0 && *out_sequence <= INT64_MAX) return true;
    return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "must be a sequence number, from 1");
}

static bool overlap_take(struct body *body, uint32_t *out_overlap_s)
{
    if (!body_uint32(body, out_overlap_s)) return false;
    if (*out_overlap_s <= OVERLAP_S_MAX) return true;
    (void)body_fault(body, PROBLEM_INVALID_VALUE, NULL, "must be at most a year");
    problem_limit(body->problem, OVERLAP_S_MAX);
    return false;
}

static bool field_take(struct body *body, enum field field, struct endpoint_body *out)
{
    struct webhook_desk_change *change = &out->change;
    switch (field) {
    case FIELD_ID: out->has_id = true; return body_id(body, &change->wanted.id);
    case FIELD_URL:
        change->url = true;
        return text_take(body, change->wanted.url, sizeof change->wanted.url);
    case FIELD_FILTERS: change->filters = true; return filters_take(body, &change->wanted);
    case FIELD_AFTER: out->has_after = true; return after_take(body, &change->wanted.since);
    case FIELD_STATE: change->state = true; return state_take(body, &change->wanted.state);
    case FIELD_OVERLAP_S: return overlap_take(body, &out->overlap_s);
    case FIELD_SEQUENCE: return sequence_take(body, &out->sequence);
    case FIELD_COUNT: break;
    }
    CHECK(false); /* none of the fields */
    return false;
}

/* What is given must do for an endpoint; what is not given is taken to be in order. */
static bool judge(struct body *body, enum endpoint_request request, const struct endpoint_body *out)
{
    const struct webhook_desk_change *change = &out->change;
    if (request == ENDPOINT_CREATE && !change->url)
        return body_fault(body, PROBLEM_MISSING_FIELD, "url", "is required");
    if (request == ENDPOINT_UPDATE && !change->url && !change->filters && !change->state)
        return body_fault(body, PROBLEM_MISSING_FIELD, NULL, "one of url, filters, state");
    struct webhook_endpoint endpoint = { .id = { 1, 1 },
                                         .url = "https://receiver.example/",
                                         .state = ENDPOINT_ACTIVE };
    if (change->url) memcpy(endpoint.url, change->wanted.url, sizeof endpoint.url);
    endpoint.filter_count = change->wanted.filter_count;
    memcpy(endpoint.filters, change->wanted.filters, sizeof endpoint.filters);
    const char *field = NULL;
    const char *fault = endpoint_fault(&endpoint, &field);
    return fault == NULL || body_fault(body, PROBLEM_INVALID_VALUE, field, fault);
}

bool endpoint_body_parse(enum endpoint_request request, struct str text, struct arena *scratch,
                         struct endpoint_body *out_body, struct problem *out_problem)
{
    struct body body;
    unsigned field;
    body_init(&body, text, scratch, out_problem);
    if (!json_object_begin(&body.reader)) return body_expected(&body, "must be an object");
    while (json_object_field(&body.reader, &fields, &field)) {
        if ((allowed[request] & BIT(field)) == 0)
            return body_fault(&body, PROBLEM_UNKNOWN_FIELD, NULL, "is not taken here");
        if (!field_take(&body, (enum field)field, out_body)) return false;
    }
    if (body.reader.fault != JSON_FAULT_NONE) return body_reader_fault(&body);
    if (json_end(&body.reader) != STATUS_OK) return body_reader_fault(&body);
    if (request == ENDPOINT_ROTATE || request == ENDPOINT_REDRIVE) return true;
    return judge(&body, request, out_body);
}

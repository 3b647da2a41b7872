/* Faults of the JSON reader and of values become problems with a JSON pointer. */
#include "api/body.h"

#include "base/check.h"

void body_init(struct body *body, struct str text, struct arena *scratch, struct problem *problem)
{
    body->scratch = scratch;
    body->assets = NULL;
    body->problem = problem;
    body->line = 0;
    arena_reset(scratch);
    json_reader_init(&body->reader, text, scratch);
}

bool body_is_array(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r') return byte == '[';
    }
    return false;
}

bool body_empty_array(struct body *body)
{
    (void)problem_raise(body->problem, PROBLEM_INVALID_VALUE, NULL);
    problem_detail(body->problem, "an empty array asks for nothing");
    return false;
}

static void field_set(struct body *body, const char *name)
{
    BUF_SCOPE struct buf pointer;
    buf_init(&pointer, PROBLEM_TEXT_SIZE - 1);
    json_pointer(&body->reader, &pointer);
    if (name != NULL) buf_append_format(&pointer, "/%s", name);
    if (pointer.len > 0 && !pointer.overflow)
        problem_field(body->problem, "%s", buf_terminated(&pointer));
    body->problem->line = body->line;
}

bool body_fault(struct body *body, enum problem_code code, const char *name, const char *reason)
{
    CHECK(reason != NULL);
    if (body->reader.fault != JSON_FAULT_NONE) return body_reader_fault(body);
    if (problem_is_set(body->problem)) return false;
    (void)problem_raise(body->problem, code, NULL);
    problem_detail(body->problem, "%s", reason);
    field_set(body, name);
    json_fail(&body->reader, reason);
    return false;
}

static enum problem_code code_of(enum json_fault fault)
{
    switch (fault) {
    case JSON_FAULT_DUPLICATE: return PROBLEM_DUPLICATE_FIELD;
    case JSON_FAULT_UNKNOWN: return PROBLEM_UNKNOWN_FIELD;
    case JSON_FAULT_TYPE: return PROBLEM_WRONG_TYPE;
    case JSON_FAULT_RANGE:
    case JSON_FAULT_UUID:
    case JSON_FAULT_VALUE: return PROBLEM_INVALID_VALUE;
    case JSON_FAULT_NONE:
    case JSON_FAULT_TRUNCATED:
    case JSON_FAULT_SYNTAX:
    case JSON_FAULT_TRAILING:
    case JSON_FAULT_CONTROL:
    case JSON_FAULT_ESCAPE:
    case JSON_FAULT_SURROGATE:
    case JSON_FAULT_UTF8:
    case JSON_FAULT_NUMBER:
    case JSON_FAULT_DEPTH:
    case JSON_FAULT_MEMORY:
    case JSON_FAULT_COUNT: break;
    }
    return PROBLEM_MALFORMED_JSON;
}

bool body_reader_fault(struct body *body)
{
    CHECK(body->reader.fault != JSON_FAULT_NONE);
    if (problem_is_set(body->problem)) return false;
    (void)problem_raise(body->problem, code_of(body->reader.fault), NULL);
    problem_detail(body->problem, "%s (byte %zu)", body->reader.reason, body->reader.fault_offset);
    if (body->reader.fault == JSON_FAULT_DEPTH) problem_limit(body->problem, JSON_DEPTH_MAX);
    field_set(body, NULL);
    return false;
}

bool body_expected(struct body *body, const char *wanted)
{
    bool first = !problem_is_set(body->problem);
    (void)body_reader_fault(body); /* always false */
    if (first && body->reader.fault == JSON_FAULT_TYPE)
        problem_detail(body->problem, "%s (byte %zu)", wanted, body->reader.fault_offset);
    return false;
}

bool body_id(struct body *body, struct uuid *out_id)
{
    struct uuid id;
    if (!json_uuid(&body->reader, &id))
        return body_expected(body, "must be a string that is a UUID");
    if (uuid_is_nil(id))
        return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "an id cannot be all zero");
    *out_id = id;
    return true;
}

bool body_uint32(struct body *body, uint32_t *out_value)
{
    uint64_t value;
    if (!json_uint64(&body->reader, &value))
        return body_expected(body, "must be a whole number without sign, point or exponent");
    if (value > UINT32_MAX) {
        (void)body_fault(body, PROBLEM_INVALID_VALUE, NULL, "must be at most 4294967295");
        problem_limit(body->problem, UINT32_MAX);
        return false;
    }
    *out_value = (uint32_t)value;
    return true;
}

bool body_asset(struct body *body, struct asset *out_asset)
{
    struct str code;
    if (!json_string(&body->reader, &code)) return body_expected(body, "must be a string");
    struct asset_source *assets = body->assets;
    if (code.len > 0 && code.len <= ASSET_CODE_LEN_MAX &&
        memcmp(assets->last.code, code.data, code.len) == 0 &&
        assets->last.code[code.len] == '\0') {
        *out_asset = assets->last;
        return true;
    }
    if (assets->by_code(assets->context, code, &assets->last) != STATUS_OK) {
        assets->last = (struct asset){ 0 };
        return body_fault(body, PROBLEM_UNKNOWN_ASSET, NULL,
                          "an ISO 4217 code like EUR, or one made by POST /v1/assets");
    }
    *out_asset = assets->last;
    return true;
}

bool body_date(struct body *body, struct business_date *out_date)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    if (business_date_parse(text, out_date) == STATUS_OK) return true;
    return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                      "must be a date YYYY-MM-DD, 1970-01-02 to 9999-12-31");
}

static bool wrong_exponent(struct body *body, const struct asset *asset)
{
    (void)body_fault(body, PROBLEM_WRONG_EXPONENT, "amount",
                     "nothing is rounded: send no more decimals than the asset has");
    problem_limit(body->problem, asset->exponent);
    problem_detail(body->problem, "%s has %u decimals", asset->code, asset->exponent);
    body->problem->hint = "nothing is rounded: send no more decimals than the asset has";
    return false;
}

bool body_amount(struct body *body, struct str text, const struct asset *asset,
                 struct money *out_amount)
{
    if (str_equal(text, STR("all"))) {
        *out_amount = MONEY_MAX;
        return true;
    }
    struct money amount;
    enum status status = money_parse(text, asset->exponent, &amount);
    if (status == STATUS_OK && !money_equal(amount, MONEY_MAX)) {
        *out_amount = amount;
        return true;
    }
    if (status == STATUS_OK || status == STATUS_LIMIT)
        return body_fault(body, PROBLEM_INVALID_VALUE, "amount",
                          "must be less than 2^128 - 1 in minor units");
    struct money finer;
    enum status wide = money_parse(text, MONEY_EXPONENT_MAX, &finer);
    if (wide == STATUS_OK || wide == STATUS_LIMIT) return wrong_exponent(body, asset);
    return body_fault(
        body, PROBLEM_INVALID_VALUE, "amount",
        "must be a string of digits, optionally with a point and decimals: \"12.50\"");
}

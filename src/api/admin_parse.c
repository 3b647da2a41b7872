/* Every field is required: the fields seen say what is missing. */
#include "api/admin_parse.h"

#include "base/check.h"
#include "base/hex.h"

/* Raises the first of the fields that was not there; true when none is missing. */
static bool complete(struct body *body, const struct json_fields *fields, uint64_t seen)
{
    if (body->reader.fault != JSON_FAULT_NONE) return body_reader_fault(body);
    for (uint32_t i = 0; i < fields->count; i++) {
        if ((seen >> i & 1) == 0)
            return body_fault(body, PROBLEM_MISSING_FIELD, fields->names[i].data, "is required");
    }
    if (json_end(&body->reader) != STATUS_OK) return body_reader_fault(body);
    return true;
}

enum { ASSET_CODE, ASSET_EXPONENT };
static const struct str asset_names[] = { { "code", 4 }, { "exponent", 8 } };
static const struct json_fields asset_fields = { asset_names, 2 };

static bool asset_take(struct body *body, unsigned field, struct asset *asset)
{
    struct str code;
    uint32_t exponent;
    if (field == ASSET_EXPONENT) {
        if (!body_uint32(body, &exponent)) return false;
        if (exponent <= ASSET_EXPONENT_MAX) {
            asset->exponent = (uint8_t)exponent;
            return true;
        }
        (void)body_fault(body, PROBLEM_INVALID_VALUE, NULL, "must be at most 18");
        problem_limit(body->problem, ASSET_EXPONENT_MAX);
        return false;
    }
    if (!json_string(&body->reader, &code)) return body_expected(body, "must be a string");
    if (!asset_custom_code_valid(code))
        return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                          "must be 3 to 12 of A-Z and 0-9, a letter first, and no ISO 4217 code");
    memcpy(asset->code, code.data, code.len);
    asset->code[code.len] = '\0';
    return true;
}

bool asset_create_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                        struct problem *out_problem)
{
    struct body body;
    unsigned field;
    uint64_t seen = 0;
    body_init(&body, text, scratch, out_problem);
    *out_admin = (struct admin){ .kind = ADMIN_ASSET_CREATE };
    if (!json_object_begin(&body.reader)) return body_expected(&body, "must be an object");
    while (json_object_field(&body.reader, &asset_fields, &field)) {
        seen |= UINT64_C(1) << field;
        if (!asset_take(&body, field, &out_admin->asset)) return false;
    }
    return complete(&body, &asset_fields, seen);
}

static const struct str period_names[] = { { "through", 7 } };
static const struct json_fields period_fields = { period_names, 1 };

bool period_close_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                        struct problem *out_problem)
{
    struct body body;
    unsigned field;
    uint64_t seen = 0;
    body_init(&body, text, scratch, out_problem);
    *out_admin = (struct admin){ .kind = ADMIN_PERIOD_CLOSE };
    if (!json_object_begin(&body.reader)) return body_expected(&body, "must be an object");
    while (json_object_field(&body.reader, &period_fields, &field)) {
        seen |= UINT64_C(1) << field;
        if (!body_date(&body, &out_admin->closed_through)) return false;
    }
    return complete(&body, &period_fields, seen);
}

enum { KEY_NAME, KEY_SCOPES };
static const struct str key_names[] = { { "name", 4 }, { "scopes", 6 } };
static const struct json_fields key_fields = { key_names, 2 };

static bool key_name_take(struct body *body, struct credential *credential)
{
    struct str name;
    if (!json_string(&body->reader, &name)) return body_expected(body, "must be a string");
    bool fits = name.len > 0 && name.len <= CREDENTIAL_NAME_LEN_MAX;
    for (size_t i = 0; fits && i < name.len; i++) fits = name.data[i] >= ' ' && name.data[i] <= '~';
    if (!fits)
        return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                          "must be 1 to 63 printable ASCII characters");
    memcpy(credential->name, name.data, name.len);
    credential->name[name.len] = '\0';
    return true;
}

static bool key_scopes_take(struct body *body, struct credential *credential)
{
    if (!json_array_begin(&body->reader)) return body_expected(body, "must be an array");
    while (json_array_next(&body->reader)) {
        struct str text;
        uint32_t scope;
        if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
        if (!scope_parse(text, &scope))
            return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "there is no such scope");
        if ((credential->scopes & scope) != 0)
            return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "the scope is given twice");
        credential->scopes |= scope;
    }
    if (body->reader.fault != JSON_FAULT_NONE) return body_reader_fault(body);
    return credential->scopes != 0 ||
           body_fault(body, PROBLEM_INVALID_VALUE, NULL, "a scope is required");
}

bool key_create_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                      struct problem *out_problem)
{
    struct body body;
    unsigned field;
    uint64_t seen = 0;
    body_init(&body, text, scratch, out_problem);
    *out_admin = (struct admin){ .kind = ADMIN_CREDENTIAL_CREATE };
    struct credential *credential = &out_admin->credential;
    if (!json_object_begin(&body.reader)) return body_expected(&body, "must be an object");
    while (json_object_field(&body.reader, &key_fields, &field)) {
        seen |= UINT64_C(1) << field;
        bool taken = field == KEY_NAME ? key_name_take(&body, credential)
                                       : key_scopes_take(&body, credential);
        if (!taken) return false;
    }
    return complete(&body, &key_fields, seen);
}

static const struct str repair_names[] = { { "plan", 4 } };
static const struct json_fields repair_fields = { repair_names, 1 };

static bool digest_take(struct body *body, struct digest *out_digest)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    if (hex_parse(text, out_digest->bytes, sizeof out_digest->bytes) == STATUS_OK) return true;
    return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                      "must be a SHA-256: 64 digits of 0-9, a-f");
}

bool repair_note_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                       struct problem *out_problem)
{
    struct body body;
    unsigned field;
    uint64_t seen = 0;
    body_init(&body, text, scratch, out_problem);
    *out_admin = (struct admin){ .kind = ADMIN_NOTICE, .notice = { .kind = NOTICE_REPAIR } };
    if (!json_object_begin(&body.reader)) return body_expected(&body, "must be an object");
    while (json_object_field(&body.reader, &repair_fields, &field)) {
        seen |= UINT64_C(1) << field;
        if (!digest_take(&body, &out_admin->notice.digest)) return false;
    }
    return complete(&body, &repair_fields, seen);
}

/* Small objects of which every field is required. */
#include "api/admin_parse.h"

#include "base/check.h"
#include "base/hex.h"

/* Of an object whose fields are all required: takes the field's value. False: raised. */
typedef bool field_take(struct body *body, unsigned field, struct admin *admin);

struct form {
    struct json_fields fields;
    field_take *take;
};

static bool form_parse(struct body *body, const struct form *form, struct admin *admin)
{
    unsigned field;
    uint64_t seen = 0;
    if (!json_object_begin(&body->reader)) return body_expected(body, "must be an object");
    while (json_object_field(&body->reader, &form->fields, &field)) {
        seen |= UINT64_C(1) << field;
        if (!form->take(body, field, admin)) return false;
    }
    if (body->reader.fault != JSON_FAULT_NONE) return body_reader_fault(body);
    for (uint32_t i = 0; i < form->fields.count; i++) {
        if ((seen >> i & 1) == 0)
            return body_fault(body, PROBLEM_MISSING_FIELD, form->fields.names[i].data,
                              "is required");
    }
    if (json_end(&body->reader) != STATUS_OK) return body_reader_fault(body);
    return true;
}

enum { ASSET_CODE, ASSET_EXPONENT };
static const struct str asset_names[] = { { "code", 4 }, { "exponent", 8 } };

static bool asset_take(struct body *body, unsigned field, struct admin *admin)
{
    struct asset *asset = &admin->asset;
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
    static const struct form form = { { asset_names, 2 }, asset_take };
    struct body body;
    body_init(&body, text, scratch, out_problem);
    *out_admin = (struct admin){ .kind = ADMIN_ASSET_CREATE };
    return form_parse(&body, &form, out_admin);
}

static const struct str period_names[] = { { "through", 7 } };

static bool period_take(struct body *body, unsigned field, struct admin *admin)
{
    (void)field; /* the only one */
    return body_date(body, &admin->closed_through);
}

bool period_close_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                        struct problem *out_problem)
{
    static const struct form form = { { period_names, 1 }, period_take };
    struct body body;
    body_init(&body, text, scratch, out_problem);
    *out_admin = (struct admin){ .kind = ADMIN_PERIOD_CLOSE };
    return form_parse(&body, &form, out_admin);
}

enum { KEY_NAME, KEY_SCOPES };
static const struct str key_names[] = { { "name", 4 }, { "scopes", 6 } };

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

static bool key_take(struct body *body, unsigned field, struct admin *admin)
{
    return field == KEY_NAME ? key_name_take(body, &admin->credential)
                             : key_scopes_take(body, &admin->credential);
}

bool key_create_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                      struct problem *out_problem)
{
    static const struct form form = { { key_names, 2 }, key_take };
    struct body body;
    body_init(&body, text, scratch, out_problem);
    *out_admin = (struct admin){ .kind = ADMIN_CREDENTIAL_CREATE };
    return form_parse(&body, &form, out_admin);
}

static const struct str repair_names[] = { { "plan", 4 } };

static bool repair_take(struct body *body, unsigned field, struct admin *admin)
{
    struct digest *digest = &admin->notice.digest;
    (void)field; /* the only one */
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    if (hex_parse(text, digest->bytes, sizeof digest->bytes) == STATUS_OK) return true;
    return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                      "must be a SHA-256: 64 digits of 0-9, a-f");
}

bool repair_note_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                       struct problem *out_problem)
{
    static const struct form form = { { repair_names, 1 }, repair_take };
    struct body body;
    body_init(&body, text, scratch, out_problem);
    *out_admin = (struct admin){ .kind = ADMIN_NOTICE, .notice = { .kind = NOTICE_REPAIR } };
    return form_parse(&body, &form, out_admin);
}

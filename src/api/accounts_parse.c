/* As transfers: each member goes straight into the account it belongs to. */
#include "api/accounts_parse.h"

#include "base/check.h"
#include "model/transit.h"

#define FIELD_TABLE(X)                                                                             \
    X(ID, "id")                                                                                    \
    X(ASSET, "asset")                                                                              \
    X(KIND, "kind")                                                                                \
    X(FLAGS, "flags")                                                                              \
    X(USER_REF, "user_ref")                                                                        \
    X(METADATA_REF, "metadata_ref")

#define FIELD_ENUM(name, text) FIELD_##name,
enum field { FIELD_TABLE(FIELD_ENUM) FIELD_COUNT };
#undef FIELD_ENUM
#define FIELD_NAME(name, text) { text, sizeof(text) - 1 },
static const struct str field_names[] = { FIELD_TABLE(FIELD_NAME) };
#undef FIELD_NAME
static const struct json_fields fields = { field_names, FIELD_COUNT };

enum { ACCOUNT_TEXT_LEN_MIN = 24 }; /* {"asset":"EUR","kind":"asset"} is 30 bytes */

static bool kind_take(struct body *body, struct account *account)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    if (account_kind_parse(text, &account->kind)) return true;
    return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                      "must be asset, liability, equity, income or expense");
}

static bool flags_take(struct body *body, struct account *account)
{
    if (!json_array_begin(&body->reader)) return body_expected(body, "must be an array");
    while (json_array_next(&body->reader)) {
        struct str text;
        uint16_t flag;
        if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
        if (!account_flag_parse(text, &flag) || (flag & ACCOUNT_FLAGS_BOUND) == 0)
            return body_fault(
                body, PROBLEM_INVALID_VALUE, NULL,
                "must be debits_must_not_exceed_credits or credits_must_not_exceed_debits");
        if ((account->flags & flag) != 0)
            return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "the flag is given twice");
        account->flags |= flag;
    }
    return true;
}

static bool field_take(struct body *body, unsigned field, struct account *account)
{
    struct asset asset = { 0 };
    switch ((enum field)field) {
    case FIELD_ID: return body_id(body, &account->id.value);
    case FIELD_ASSET:
        if (!body_asset(body, &asset)) return false;
        account->asset = asset.id;
        return true;
    case FIELD_KIND: return kind_take(body, account);
    case FIELD_FLAGS: return flags_take(body, account);
    case FIELD_USER_REF: return body_id(body, &account->user_ref);
    case FIELD_METADATA_REF: return body_id(body, &account->metadata_ref);
    case FIELD_COUNT: break;
    }
    CHECK(field < FIELD_COUNT);
    return false;
}

static bool item_take(struct body *body, struct account *out_account)
{
    arena_reset(body->scratch);
    *out_account = (struct account){ 0 };
    uint64_t seen = 0;
    unsigned field;
    if (!json_object_begin(&body->reader)) return body_expected(body, "must be an object");
    while (json_object_field(&body->reader, &fields, &field)) {
        seen |= UINT64_C(1) << field;
        if (!field_take(body, field, out_account)) return false;
    }
    if (body->reader.fault != JSON_FAULT_NONE) return body_reader_fault(body);
    if ((seen >> FIELD_ASSET & 1) == 0)
        return body_fault(body, PROBLEM_MISSING_FIELD, "asset", "an asset is required");
    if ((seen >> FIELD_KIND & 1) == 0)
        return body_fault(body, PROBLEM_MISSING_FIELD, "kind", "a kind is required");
    /* Refused once, for whatever reason, it could never be made. */
    if (transit_account_is(out_account->id))
        return body_fault(body, PROBLEM_INVALID_VALUE, "id",
                          "accounts between lanes make themselves");
    const char *name = NULL;
    const char *sentence = account_fault(out_account, &name);
    return sentence == NULL || body_fault(body, PROBLEM_INVALID_VALUE, name, sentence);
}

static bool item_add(struct body *body, struct account_list *list)
{
    if (list->count == list->capacity) {
        (void)body_fault(body, PROBLEM_TOO_MANY_ITEMS, NULL, "send the rest in another request");
        problem_limit(body->problem, REQUEST_ACCOUNTS_MAX);
        return false;
    }
    struct account *account = &list->accounts[list->count];
    if (!item_take(body, account)) return false;
    list->ids_missing |= uuid_is_nil(account->id.value);
    list->count++;
    return true;
}

uint32_t accounts_capacity(size_t body_size)
{
    size_t capacity = body_size / ACCOUNT_TEXT_LEN_MIN + 1;
    return capacity < REQUEST_ACCOUNTS_MAX ? (uint32_t)capacity : REQUEST_ACCOUNTS_MAX;
}

bool accounts_parse(struct str text, struct asset_source *assets, struct arena *scratch,
                    struct account_list *out_list, struct problem *out_problem)
{
    CHECK(out_list->capacity > 0);
    out_list->count = 0;
    out_list->ids_missing = false;
    struct body body;
    body_init(&body, text, scratch, out_problem);
    body.assets = assets;
    if (body_is_array(text)) {
        if (!json_array_begin(&body.reader)) return body_expected(&body, "must be an array");
        while (json_array_next(&body.reader)) {
            if (!item_add(&body, out_list)) return false;
        }
    } else if (!item_add(&body, out_list)) {
        return false;
    }
    if (json_end(&body.reader) != STATUS_OK) return body_reader_fault(&body);
    return out_list->count > 0 || body_empty_array(&body);
}

static const struct str change_names[] = { { "frozen", 6 }, { "closed", 6 } };
static const struct json_fields change_fields = { change_names, 2 };

static bool change_take(struct body *body, unsigned field, struct admin *admin)
{
    bool value = false;
    if (!json_bool(&body->reader, &value)) return body_expected(body, "must be true or false");
    uint16_t flag = field == 0 ? ACCOUNT_FLAG_FROZEN : ACCOUNT_FLAG_CLOSED;
    if (value) {
        admin->set |= flag;
        return true;
    }
    if (flag == ACCOUNT_FLAG_CLOSED)
        return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "a closed account stays closed");
    admin->clear |= flag;
    return true;
}

bool account_change_parse(struct str text, struct arena *scratch, struct admin *out_admin,
                          struct problem *out_problem)
{
    struct body body;
    body_init(&body, text, scratch, out_problem);
    out_admin->set = 0;
    out_admin->clear = 0;
    unsigned field;
    if (!json_object_begin(&body.reader)) return body_expected(&body, "must be an object");
    while (json_object_field(&body.reader, &change_fields, &field)) {
        if (!change_take(&body, field, out_admin)) return false;
    }
    if (json_end(&body.reader) != STATUS_OK) return body_reader_fault(&body);
    if (out_admin->set != 0 || out_admin->clear != 0) return true;
    (void)problem_raise(out_problem, PROBLEM_MISSING_FIELD, "send frozen or closed");
    return false;
}

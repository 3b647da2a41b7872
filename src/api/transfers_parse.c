/* One pass over the body: each member goes straight into the transfer it belongs to. */
#include "api/transfers_parse.h"

#include "base/check.h"

/* In the order in which clients write them. */
#define FIELD_TABLE(X)                                                                             \
    X(ID, "id")                                                                                    \
    X(KIND, "kind")                                                                                \
    X(DEBIT, "debit")                                                                              \
    X(CREDIT, "credit")                                                                            \
    X(ASSET, "asset")                                                                              \
    X(AMOUNT, "amount")                                                                            \
    X(TARGET, "target")                                                                            \
    X(USER_REF, "user_ref")                                                                        \
    X(VALUE_DATE, "value_date")                                                                    \
    X(TIMEOUT_S, "timeout_s")                                                                      \
    X(CODE, "code")                                                                                \
    X(FLAGS, "flags")

#define FIELD_ENUM(name, text) FIELD_##name,
enum field { FIELD_TABLE(FIELD_ENUM) FIELD_COUNT };
#undef FIELD_ENUM
#define FIELD_NAME(name, text) { text, sizeof(text) - 1 },
static const struct str field_names[] = { FIELD_TABLE(FIELD_NAME) };
#undef FIELD_NAME
static const struct json_fields fields = { field_names, FIELD_COUNT };

enum {
    TRANSFER_TEXT_LEN_MIN = 40
}; /* a void is 66 bytes; so a list never takes 6 times its text */

struct draft {
    struct transfer *transfer;
    struct str amount;
    struct asset asset;
    uint64_t seen; /* by enum field */
};

static bool kind_take(struct body *body, struct transfer *transfer)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    bool known = transfer_kind_parse(text, &transfer->kind);
    if (known && transfer->kind != TRANSFER_EXPIRE && transfer->kind != TRANSFER_DEPARTURE)
        return true;
    return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                      "must be direct, hold, post, void or reversal");
}

static bool flags_take(struct body *body, struct transfer *transfer)
{
    if (!json_array_begin(&body->reader)) return body_expected(body, "must be an array");
    while (json_array_next(&body->reader)) {
        struct str text;
        uint8_t flag;
        if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
        if (!transfer_flag_parse(text, &flag))
            return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                              "must be linked, balancing_debit, balancing_credit or keep_rest");
        if ((transfer->flags & flag) != 0)
            return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "the flag is given twice");
        transfer->flags |= flag;
    }
    return true;
}

static bool field_take(struct body *body, unsigned field, struct draft *draft)
{
    struct transfer *transfer = draft->transfer;
    switch ((enum field)field) {
    case FIELD_ID: return body_id(body, &transfer->id.value);
    case FIELD_KIND: return kind_take(body, transfer);
    case FIELD_DEBIT: return body_id(body, &transfer->debit.value);
    case FIELD_CREDIT: return body_id(body, &transfer->credit.value);
    case FIELD_ASSET: return body_asset(body, &draft->asset);
    case FIELD_AMOUNT:
        return json_string(&body->reader, &draft->amount) ||
               body_expected(body, "must be a string");
    case FIELD_TARGET: return body_id(body, &transfer->target.value);
    case FIELD_USER_REF: return body_id(body, &transfer->user_ref);
    case FIELD_VALUE_DATE: return body_date(body, &transfer->value_date);
    case FIELD_TIMEOUT_S: return body_uint32(body, &transfer->timeout_s);
    case FIELD_CODE: return body_uint32(body, &transfer->code);
    case FIELD_FLAGS: return flags_take(body, transfer);
    case FIELD_COUNT: break;
    }
    CHECK(field < FIELD_COUNT);
    return false;
}

static bool seen(const struct draft *draft, enum field field)
{
    return (draft->seen >> field & 1) != 0;
}

/* Without an amount a post, void or reversal is of all; others must say how much. */
static bool amount_settle(struct body *body, struct draft *draft)
{
    struct transfer *transfer = draft->transfer;
    bool own_sides = transfer->kind == TRANSFER_DIRECT || transfer->kind == TRANSFER_HOLD;
    transfer->asset = draft->asset.id;
    if (!seen(draft, FIELD_AMOUNT)) {
        if (own_sides)
            return body_fault(body, PROBLEM_MISSING_FIELD, "amount", "an amount is required");
        transfer->amount = MONEY_MAX;
        return true;
    }
    bool all = str_equal(draft->amount, STR("all"));
    if (!all && !seen(draft, FIELD_ASSET) && transfer->kind != TRANSFER_VOID)
        return body_fault(body, PROBLEM_MISSING_FIELD, "asset",
                          "an amount needs the asset it is counted in");
    return body_amount(body, draft->amount, &draft->asset, &transfer->amount);
}

/* The rules of the model; what is absent is reported as missing. */
static bool model_check(struct body *body, const struct draft *draft)
{
    const char *name = NULL;
    const char *sentence = transfer_fault(draft->transfer, &name);
    if (sentence == NULL) return true;
    enum problem_code code = PROBLEM_INVALID_VALUE;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (str_equal(field_names[i], str_from(name)) && !seen(draft, i))
            code = PROBLEM_MISSING_FIELD;
    }
    return body_fault(body, code, name, sentence);
}

static bool item_take(struct body *body, struct transfer *out_transfer)
{
    arena_reset(body->scratch);
    *out_transfer = (struct transfer){ .kind = TRANSFER_DIRECT };
    struct draft draft = { .transfer = out_transfer };
    if (!json_object_begin(&body->reader)) return body_expected(body, "must be an object");
    unsigned field;
    while (json_object_field(&body->reader, &fields, &field)) {
        draft.seen |= UINT64_C(1) << field;
        if (!field_take(body, field, &draft)) return false;
    }
    if (body->reader.fault != JSON_FAULT_NONE) return body_reader_fault(body);
    return amount_settle(body, &draft) && model_check(body, &draft);
}

static bool item_add(struct body *body, struct transfer_list *list)
{
    if (list->count == list->capacity) {
        (void)body_fault(body, PROBLEM_TOO_MANY_ITEMS, NULL, "send the rest in another request");
        problem_limit(body->problem, REQUEST_TRANSFERS_MAX);
        return false;
    }
    struct transfer *transfer = &list->transfers[list->count];
    if (!item_take(body, transfer)) return false;
    list->ids_missing |= uuid_is_nil(transfer->id.value);
    list->count++;
    return true;
}

/* Groups of linked items end inside the request, and fit in a batch. at: the item's number. */
static bool linked_check(const struct transfer_list *list, uint32_t *out_at,
                         enum problem_code *out_code)
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        bool linked = (list->transfers[i].flags & TRANSFER_FLAG_LINKED) != 0;
        *out_at = i;
        *out_code = PROBLEM_LINKED_GROUP_TOO_LONG;
        if (linked && ++length >= LINKED_MAX) return false;
        if (!linked) length = 0;
    }
    *out_code = PROBLEM_LINKED_GROUP_OPEN;
    return length == 0;
}

static bool groups_check(const struct transfer_list *list, bool array, struct problem *problem)
{
    uint32_t at = 0;
    enum problem_code code = PROBLEM_COUNT;
    if (linked_check(list, &at, &code)) return true;
    (void)problem_raise(problem, code, NULL);
    if (code == PROBLEM_LINKED_GROUP_TOO_LONG) problem_limit(problem, LINKED_MAX);
    if (array) problem_field(problem, "/%u/flags", at);
    if (!array) problem_field(problem, "/flags");
    return false;
}

uint32_t transfers_capacity(size_t body_size)
{
    size_t capacity = body_size / TRANSFER_TEXT_LEN_MIN + 1;
    return capacity < REQUEST_TRANSFERS_MAX ? (uint32_t)capacity : REQUEST_TRANSFERS_MAX;
}

bool transfers_parse_json(struct str text, struct asset_source *assets, struct arena *scratch,
                          struct transfer_list *out_list, struct problem *out_problem)
{
    CHECK(out_list->capacity > 0);
    out_list->count = 0;
    out_list->ids_missing = false;
    struct body body;
    body_init(&body, text, scratch, out_problem);
    body.assets = assets;
    bool array = body_is_array(text);
    if (array) {
        if (!json_array_begin(&body.reader)) return body_expected(&body, "must be an array");
        while (json_array_next(&body.reader)) {
            if (!item_add(&body, out_list)) return false;
        }
    } else if (!item_add(&body, out_list)) {
        return false;
    }
    if (json_end(&body.reader) != STATUS_OK) return body_reader_fault(&body);
    if (out_list->count == 0) return body_empty_array(&body);
    return groups_check(out_list, array, out_problem);
}

static bool line_take(struct body *body, struct str line, struct transfer_list *list)
{
    json_reader_init(&body->reader, line, body->scratch);
    if (!item_add(body, list)) return false;
    if (json_end(&body->reader) != STATUS_OK) return body_reader_fault(body);
    if (!uuid_is_nil(list->transfers[list->count - 1].id.value)) return true;
    (void)problem_raise(body->problem, PROBLEM_MISSING_FIELD, NULL);
    problem_field(body->problem, "/id");
    problem_detail(body->problem, "items of a stream need ids, so that a cut one can go on");
    body->problem->line = body->line;
    return false;
}

static bool is_blank(struct str line)
{
    for (size_t i = 0; i < line.len; i++) {
        char byte = line.data[i];
        if (byte != ' ' && byte != '\t' && byte != '\r') return false;
    }
    return true;
}

bool transfers_parse_ndjson(struct str text, struct asset_source *assets, struct arena *scratch,
                            struct transfer_list *out_list, struct problem *out_problem)
{
    CHECK(out_list->capacity > 0);
    out_list->count = 0;
    out_list->ids_missing = false;
    struct body body;
    body_init(&body, text, scratch, out_problem);
    body.assets = assets;
    size_t at = 0;
    while (at < text.len) {
        const char *feed = memchr(text.data + at, '\n', text.len - at);
        size_t end = feed == NULL ? text.len : (size_t)(feed - text.data);
        struct str line = { text.data + at, end - at };
        body.line++;
        if (!is_blank(line) && !line_take(&body, line, out_list)) return false;
        at = end + 1;
    }
    if (out_list->count == 0) {
        (void)problem_raise(out_problem, PROBLEM_MALFORMED_BODY, NULL);
        problem_detail(out_problem, "there is no line in it");
        return false;
    }
    if (groups_check(out_list, false, out_problem)) return true;
    out_problem->line = body.line;
    return false;
}

static bool record_check(const struct transfer_list *list, uint32_t at, struct problem *problem)
{
    const char *name = "id";
    const char *sentence = "records need ids, so that a cut stream can go on";
    if (!uuid_is_nil(list->transfers[at].id.value))
        sentence = transfer_fault(&list->transfers[at], &name);
    if (sentence == NULL) return true;
    (void)problem_raise(problem, PROBLEM_INVALID_VALUE, NULL);
    problem_field(problem, "/%u/%s", at, name);
    problem_detail(problem, "%s", sentence);
    return false;
}

/* As many records as there are, unchecked. */
static bool records_take(struct str bytes, struct transfer_list *out_list,
                         struct problem *out_problem)
{
    CHECK(out_list->capacity > 0);
    out_list->count = 0;
    out_list->ids_missing = false;
    size_t count = bytes.len / sizeof(struct transfer);
    if (count == 0 || bytes.len % sizeof(struct transfer) != 0) {
        (void)problem_raise(out_problem, PROBLEM_MALFORMED_BODY, NULL);
        problem_detail(out_problem, "%zu bytes are not one or more records of 128", bytes.len);
        return false;
    }
    if (count > out_list->capacity) {
        (void)problem_raise(out_problem, PROBLEM_TOO_MANY_ITEMS, NULL);
        problem_limit(out_problem, REQUEST_TRANSFERS_MAX);
        return false;
    }
    memcpy(out_list->transfers, bytes.data, bytes.len);
    out_list->count = (uint32_t)count;
    return true;
}

bool transfers_parse_binary(struct str bytes, struct transfer_list *out_list,
                            struct problem *out_problem)
{
    if (!records_take(bytes, out_list, out_problem)) return false;
    for (uint32_t i = 0; i < out_list->count; i++) {
        if (!record_check(out_list, i, out_problem)) return false;
    }
    return groups_check(out_list, true, out_problem);
}

bool transfers_parse_arrivals(struct str bytes, uint32_t lane, uint32_t lanes,
                              struct transfer_list *out_list, struct problem *out_problem)
{
    if (!records_take(bytes, out_list, out_problem)) return false;
    for (uint32_t i = 0; i < out_list->count; i++) {
        if (transit_arrival_fits(&out_list->transfers[i], lane, lanes)) continue;
        (void)problem_raise(out_problem, PROBLEM_INVALID_VALUE, NULL);
        problem_field(out_problem, "/%u", i);
        problem_detail(out_problem, "is nothing that arrives in lane %u of %u", lane, lanes);
        return false;
    }
    return true;
}

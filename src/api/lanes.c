#include "api/lanes.h"

#include "api/cursor.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/hash.h"
#include "base/json_reader.h"
#include "model/transit.h"
#include "payment/event_reader.h"

/* ---- Where a call goes ---- */

/* NULL: it does not say. */
static const struct str *header_value(const struct api_call *call)
{
    for (uint32_t i = 0; i < call->raw_header_count; i++)
        if (str_equal_caseless(call->raw_headers[i].name, STR("tpw-lane")))
            return &call->raw_headers[i].value;
    return NULL;
}

static bool header_lane(const struct api_call *call, uint32_t lanes, uint32_t *out_lane)
{
    uint64_t lane;
    const struct str *value = header_value(call);
    if (value == NULL || decimal_parse(*value, lanes - 1, &lane) != STATUS_OK) return false;
    *out_lane = (uint32_t)lane;
    return true;
}

bool lanes_call_names_none(const struct api_call *call, uint32_t lanes)
{
    uint32_t lane;
    return header_value(call) != NULL && !header_lane(call, lanes == 0 ? 1 : lanes, &lane);
}

bool lanes_call_names_one(const struct api_call *call, uint32_t lanes)
{
    uint32_t lane;
    return lanes > 1 && header_lane(call, lanes, &lane);
}

/* The id in "/v1/accounts/{id}" and what is below it, for that start. */
static bool path_id(struct str path, struct str start, struct uuid *out_id)
{
    if (!str_starts(path, start) || path.len < start.len + UUID_TEXT_LEN) return false;
    struct str id = { path.data + start.len, UUID_TEXT_LEN };
    return uuid_parse(id, out_id) == STATUS_OK;
}

static bool member_find(struct json_reader *reader, struct str member, struct uuid *out_id)
{
    if (json_peek(reader) == JSON_ARRAY) {
        if (!json_array_begin(reader) || !json_array_next(reader)) return false;
    }
    if (json_peek(reader) != JSON_OBJECT || !json_object_begin(reader)) return false;
    struct str key;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, member)) return json_uuid(reader, out_id);
        if (!json_skip(reader)) return false;
    }
    return false;
}

/* A member of the first object of a body, as an id; false: there is none that can be read. */
static bool body_member(struct str body, struct str member, struct uuid *out_id)
{
    uint8_t memory[4096]; /* for the keys of one item */
    struct arena arena;
    arena_init_over(&arena, memory, sizeof memory);
    struct json_reader reader;
    json_reader_init(&reader, body, &arena);
    bool found = member_find(&reader, member, out_id);
    arena_done(&arena);
    return found;
}

static struct str first_line(struct str text)
{
    size_t len = 0;
    while (len < text.len && text.data[len] != '\n') len++;
    return (struct str){ text.data, len };
}

static uint32_t lane_of_transfers(const struct api_call *call, uint32_t lanes)
{
    struct account_id debit;
    uint32_t media = media_parse(call->content_type);
    if (media == MEDIA_TRANSFERS) {
        struct transfer first;
        if (call->body.len < sizeof first) return 0;
        memcpy(&first, call->body.data, sizeof first);
        return lane_of_account(first.debit, lanes);
    }
    struct str body = media == MEDIA_X_NDJSON ? first_line(call->body) : call->body;
    return body_member(body, STR("debit"), &debit.value) ? lane_of_account(debit, lanes) : 0;
}

static uint32_t lane_of_member(const struct api_call *call, struct str member, uint32_t lanes)
{
    struct account_id id;
    if (body_member(call->body, member, &id.value)) return lane_of_account(id, lanes);
    if (call->idempotency_key.len == 0) return 0;
    return (uint32_t)(hash_bytes(call->idempotency_key.data, call->idempotency_key.len) % lanes);
}

static uint32_t lane_of_draft(const struct api_call *call, uint32_t lanes)
{
    struct account_id account;
    struct payment_id parent;
    if (body_member(call->body, STR("wallet"), &account.value) ||
        body_member(call->body, STR("merchant"), &account.value))
        return lane_of_account(account, lanes);
    bool gives_back = body_member(call->body, STR("payment"), &parent.value);
    return gives_back ? lane_of_payment(parent, lanes) : 0;
}

/* Nobody has looked at its signature yet: that is for the lane that gets it. */
static uint32_t lane_of_webhook(const struct api_call *call, struct str sender, uint32_t lanes)
{
    struct arena arena;
    struct psp_event event = { 0 };
    if (arena_init(&arena, 2 * call->body.len + EVENT_READER_SLACK) != STATUS_OK) return 0;
    enum status status = event_reader_of(sender)(call->body, &arena, &event);
    arena_done(&arena); /* the event holds copies */
    return status == STATUS_OK && event.ours ? lane_of_payment(event.payment, lanes) : 0;
}

static bool is_list(struct str path)
{
    return str_equal(path, STR("/v1/accounts")) || str_equal(path, STR("/v1/transfers")) ||
           str_equal(path, STR("/v1/payments")) || str_equal(path, STR("/v1/transits"));
}

/* The value of `cursor` in a query; empty when there is none. */
static struct str query_cursor(struct str query)
{
    struct str name = STR("cursor=");
    while (query.len > 0) {
        size_t len = 0;
        while (len < query.len && query.data[len] != '&') len++;
        struct str one = { query.data, len };
        if (str_starts(one, name)) return (struct str){ one.data + name.len, one.len - name.len };
        len = len < query.len ? len + 1 : len;
        query = (struct str){ query.data + len, query.len - len };
    }
    return query;
}

static uint32_t lane_of_list(const struct api_call *call, uint32_t lanes)
{
    if (!is_list(call->path)) return 0;
    uint32_t lane = cursor_lane(query_cursor(call->query));
    return lane < lanes ? lane : 0; /* which refuses the cursor */
}

uint32_t lanes_of_call(const struct api_call *call, uint32_t lanes)
{
    static const struct str webhooks = { "/v1/webhooks/", 13 };
    uint32_t lane;
    struct uuid id;
    if (lanes <= 1) return 0;
    if (header_lane(call, lanes, &lane)) return lane;
    if (path_id(call->path, STR("/v1/accounts/"), &id))
        return lane_of_account((struct account_id){ id }, lanes);
    if (path_id(call->path, STR("/v1/payments/"), &id))
        return lane_of_payment((struct payment_id){ id }, lanes);
    if (call->method == API_GET || call->method == API_HEAD) return lane_of_list(call, lanes);
    if (call->method != API_POST) return 0;
    if (str_equal(call->path, STR("/v1/transfers"))) return lane_of_transfers(call, lanes);
    if (str_equal(call->path, STR("/v1/accounts"))) return lane_of_member(call, STR("id"), lanes);
    if (str_equal(call->path, STR("/v1/payments"))) return lane_of_draft(call, lanes);
    if (!str_starts(call->path, webhooks)) return 0;
    struct str sender = { call->path.data + webhooks.len, call->path.len - webhooks.len };
    return lane_of_webhook(call, sender, lanes);
}

/* ---- What a lane makes of it ---- */

static uint32_t lanes_of(const struct work *work)
{
    uint32_t lanes = work->api->options.lanes;
    return lanes == 0 ? 1 : lanes;
}

bool lanes_list_is_of_all(const struct work *work)
{
    return work->api->options.carry != NULL && is_list(work->path) &&
           !lanes_call_names_one(work->call, lanes_of(work));
}

static bool wrong_lane(struct work *work, const char *field, uint32_t lane)
{
    (void)problem_raise(&work->problem, PROBLEM_WRONG_LANE, "name the lane: TPW-Lane");
    problem_detail(&work->problem, "this account is in lane %u, and this is lane %u", lane,
                   work->api->options.lane);
    problem_field(&work->problem, "%s", field);
    return false;
}

/* Whether the account is in this lane, or, nil, in none. */
static bool is_here(struct work *work, struct account_id id, const char *field)
{
    if (uuid_is_nil(id.value)) return true;
    uint32_t lane = lane_of_account(id, lanes_of(work));
    return lane == work->api->options.lane ? true : wrong_lane(work, field, lane);
}

bool lanes_path_here(struct work *work)
{
    if (lanes_of(work) == 1 || !str_starts(work->path, STR("/v1/accounts/"))) return true;
    return is_here(work, (struct account_id){ work->id }, "id");
}

/*
 * A root from which the first account, or the payment, has an id in this lane: one of so many, by
 * chance.
 */
static void root_fit(struct work *work)
{
    uint32_t lanes = lanes_of(work);
    struct request *request = &work->request;
    while (lane_of_account((struct account_id){ request->root }, lanes) !=
           work->api->options.lane) {
        request->root = lane_new_id(work->api->lane);
    }
}

bool lanes_accounts_here(struct work *work, const struct account *accounts, uint32_t count)
{
    if (lanes_of(work) == 1) return true;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_here(work, accounts[i].id, "id")) return false;
        if (!uuid_is_nil(accounts[i].id.value)) continue;
        if (count == 1) {
            root_fit(work);
            continue;
        }
        (void)problem_raise(&work->problem, PROBLEM_MISSING_FIELD,
                            "in a ledger with several lanes each of many accounts needs an id");
        problem_field(&work->problem, "id");
        return false;
    }
    return true;
}

static bool between_lanes(struct work *work, const char *field, const char *sentence)
{
    (void)problem_raise(&work->problem, PROBLEM_BETWEEN_LANES, NULL);
    problem_detail(&work->problem, "%s", sentence);
    problem_field(&work->problem, "%s", field);
    return false;
}

/* As is_here(), of a payment. */
static bool payment_is_here(struct work *work, struct payment_id id, const char *field)
{
    if (uuid_is_nil(id.value)) return true;
    uint32_t lane = lane_of_payment(id, lanes_of(work));
    if (lane == work->api->options.lane) return true;
    (void)problem_raise(&work->problem, PROBLEM_WRONG_LANE,
                        "give it none, and the call an Idempotency-Key; or one of version 8 whose "
                        "lowest 16 bits are the lane");
    problem_detail(&work->problem, "this id is of lane %u, and the payment's home is lane %u", lane,
                   work->api->options.lane);
    problem_field(&work->problem, "%s", field);
    return false;
}

bool lanes_payment_here(struct work *work, const struct payment *draft)
{
    uint32_t lanes = lanes_of(work);
    if (lanes == 1) return true;
    bool merchant = draft->kind == PAYMENT_MERCHANT;
    const char *counter = merchant ? "merchant" : "to";
    bool card = uuid_is_nil(draft->wallet.value);
    if (!is_here(work, draft->wallet, "wallet")) return false;
    if (card && !is_here(work, draft->counter, counter)) return false;
    bool departs = !uuid_is_nil(draft->counter.value) &&
                   lane_of_account(draft->counter, lanes) != work->api->options.lane;
    if (departs && draft->kind == PAYMENT_EXCHANGE)
        return between_lanes(work, counter, "an exchange cannot be between two lanes");
    if (!payment_is_here(work, draft->parent, "payment")) return false;
    if (uuid_is_nil(draft->id.value)) {
        root_fit(work);
        return true;
    }
    return payment_is_here(work, draft->id, "id");
}

bool lanes_first_here(struct work *work, const char *done)
{
    if (work->api->options.lane == 0) return true;
    (void)problem_raise(&work->problem, PROBLEM_WRONG_LANE,
                        "name no lane: it goes to all of them by itself");
    problem_detail(&work->problem, "%s in lane 0, and this is lane %u", done,
                   work->api->options.lane);
    problem_field(&work->problem, "TPW-Lane");
    return false;
}

bool lanes_act_here(struct work *work)
{
    if (!lanes_first_here(work, "assets, rates and closed periods are made")) return false;
    if (work->api->options.carry != NULL) return true;
    (void)problem_raise(&work->problem, PROBLEM_UNAVAILABLE,
                        "start `tpwallet serve` on the ledger, and repeat");
    problem_detail(&work->problem, "it is for all lanes of the ledger, and only lane 0 is open");
    return false;
}

/* One that names both its accounts. before: the one in front of it, or NULL. */
static bool transfer_here(struct work *work, struct transfer *transfer,
                          const struct transfer *before)
{
    uint32_t lanes = lanes_of(work);
    if (!is_here(work, transfer->debit, "debit")) return false;
    if (lane_of_account(transfer->credit, lanes) == work->api->options.lane) return true;
    const char *field = "flags";
    const char *sentence = transit_fault(transfer, &field);
    bool linked = before != NULL && (before->flags & TRANSFER_FLAG_LINKED) != 0;
    if (linked) sentence = "a linked group cannot be between two lanes";
    if (sentence != NULL) return between_lanes(work, field, sentence);
    const struct lane_part here = { work->api->options.lane, lanes };
    *transfer = transit_departure(transfer, here);
    work->departs = true;
    return true;
}

bool lanes_transfers_here(struct work *work, struct transfer *transfers, uint32_t count)
{
    if (lanes_of(work) == 1) return true;
    for (uint32_t i = 0; i < count; i++) {
        bool names = transfers[i].kind == TRANSFER_DIRECT || transfers[i].kind == TRANSFER_HOLD;
        const struct transfer *before = i == 0 ? NULL : &transfers[i - 1];
        if (names && !transfer_here(work, &transfers[i], before)) return false;
    }
    return true;
}

#include "adapter/sandbox_stripe.h"

#include <stdio.h>

#include "adapter/sandbox_stripe_wire.h"
#include "adapter/sandbox_wire.h"
#include "base/check.h"
#include "crypto/digest.h"
#include "model/asset.h"
#include "sandbox/trace.h"

enum { STRIPE_PAGE_MAX = 100 };

static void item_answer(struct desk_call *call, uint32_t item)
{
    struct json_writer writer;
    desk_json(call, &writer);
    wire_stripe_item(&writer, call->desk->sandbox, item);
    desk_json_end(&writer);
}

/* ---- reading ---- */

/* psp_key() as it is; any other text stands for a payment made of its digest. */
static void reference_take(struct str text, struct psp_order *out_order)
{
    if (psp_key_parse(text, &out_order->payment, &out_order->step_number)) return;
    struct digest digest = digest_of(text.data, text.len);
    memcpy(&out_order->payment, digest.bytes, sizeof out_order->payment);
    out_order->step_number = 1;
}

/* What every POST has: a key and a form. False: it is answered. */
static bool post_begin(struct desk_call *call, struct form *out_form, struct psp_order *out_order)
{
    struct str key = call->api->idempotency_key;
    if (key.len == 0) {
        desk_error(call, 400, "idempotency_key_missing", "the sandbox wants an Idempotency-Key");
        return false;
    }
    if (form_read(call->api->body, &call->desk->arena, out_form) != STATUS_OK) {
        desk_error(call, 400, "parameter_invalid", "the body is no form");
        return false;
    }
    struct str reference = form_value(out_form, STR("metadata[reference]"));
    reference_take(reference.len > 0 ? reference : key, out_order);
    return true;
}

static bool token_take(struct str text, char out_text[PSP_TOKEN_SIZE])
{
    if (text.len >= PSP_TOKEN_SIZE) return false;
    memcpy(out_text, text.data, text.len);
    out_text[text.len] = '\0';
    return true;
}

static bool currency_read(struct desk_call *call, const struct form *form, uint32_t *out_asset)
{
    enum { CURRENCY_LEN = 3 };
    struct str text = form_value(form, STR("currency"));
    char upper[CURRENCY_LEN];
    const struct asset *asset = NULL;
    if (text.len == CURRENCY_LEN) {
        for (size_t i = 0; i < CURRENCY_LEN; i++) upper[i] = (char)(text.data[i] & ~0x20);
        asset = asset_iso_by_code((struct str){ upper, CURRENCY_LEN });
    }
    if (asset == NULL) {
        desk_error(call, 400, "invalid_currency", "Invalid currency.");
        return false;
    }
    *out_asset = asset->id;
    return true;
}

/* Without the field: `fallback`, which is none when zero. */
static bool amount_read(struct desk_call *call, const struct form *form, struct str name,
                        struct money fallback, struct psp_order *order)
{
    uint64_t number = 0;
    order->amount = fallback;
    if (!form_has(form, name) && !money_is_zero(fallback)) return true;
    bool read = form_number(form, name, UINT64_C(999999999999999999), &number) && number > 0 &&
                wire_stripe_amount_read(number, order->asset, &order->amount);
    if (!read) desk_error(call, 400, "parameter_invalid_integer", "Invalid amount.");
    return read;
}

/* ---- orders ---- */

static void declined_answer(struct desk_call *call, uint32_t item, enum sandbox_reason reason)
{
    struct sandbox *sandbox = call->desk->sandbox;
    const char *code;
    const char *decline = wire_stripe_decline_code(reason, &code);
    struct json_writer writer;
    desk_json(call, &writer);
    call->api->status = 402;
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("error"));
    json_write_object_begin(&writer);
    desk_text(&writer, STR("type"), STR("card_error"));
    desk_text(&writer, STR("code"), str_from(code));
    desk_text(&writer, STR("decline_code"), str_from(decline));
    desk_text(&writer, STR("message"), STR("Your card was declined."));
    json_write_key(&writer, STR("payment_intent"));
    wire_stripe_item(&writer, sandbox, item);
    json_write_object_end(&writer);
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

/* An order that its charge's state or sums forbid; NULL: it was declined by the method. */
static const char *forbidden_code(enum sandbox_reason reason)
{
    switch ((int)reason) { /* the others are the method's */
    case REASON_NOT_RESERVED:
    case REASON_ALREADY_CAPTURED:
    case REASON_RESERVATION_EXPIRED: return "payment_intent_unexpected_state";
    case REASON_OVER_REMAINDER: return "amount_too_large";
    default: return NULL;
    }
}

static void order_answer(struct desk_call *call, uint32_t item)
{
    const struct sandbox_item *about = sandbox_item(call->desk->sandbox, item);
    enum sandbox_reason reason = (enum sandbox_reason)about->reason;
    const char *forbidden = forbidden_code(reason);
    bool refused = about->first == PSP_ANSWER_DECLINED;
    bool flow = about->kind == PSP_REFUND || about->kind == PSP_PAY_OUT;
    if (refused && forbidden != NULL)
        desk_error(call, 400, forbidden, "This is not possible in its state.");
    else if (refused && !flow)
        declined_answer(call, item, reason);
    else
        item_answer(call, item);
}

static void invalid_answer(struct desk_call *call, const struct psp_reply *reply)
{
    if (reply->http_status == 409)
        desk_error(call, 400, "reference_reused",
                   "Keys for idempotent requests can only be used with the same parameters.");
    else if (strcmp(reply->reason, "object_unknown") == 0)
        desk_error(call, 404, "resource_missing", "No such object.");
    else
        desk_error(call, 400, reply->reason, "The request makes no sense.");
}

/* What a fault of the answer's content changes for the time of writing it. */
static void wrong_answer(struct desk_call *call, uint32_t item, enum sandbox_fault fault)
{
    struct sandbox *sandbox = call->desk->sandbox;
    uint32_t shown = item;
    unsigned kind = sandbox->items[item].kind;
    if (kind == PSP_CAPTURE || kind == PSP_CANCEL) shown = sandbox->items[item].parent;
    struct sandbox_item kept = sandbox->items[shown];
    if (fault == SANDBOX_FAULT_WRONG_AMOUNT) sandbox->items[shown].amount.minor += 10;
    if (fault == SANDBOX_FAULT_WRONG_ASSET)
        sandbox->items[shown].asset = kept.asset == 978 ? 840 : 978; /* EUR and USD */
    order_answer(call, item);
    sandbox->items[shown] = kept;
}

static void order_take(struct desk_call *call, const struct psp_order *order)
{
    struct sandbox *sandbox = call->desk->sandbox;
    struct desk_fault fault;
    if (!desk_fault_before(call, order, &fault)) return;
    bool known = sandbox_find(sandbox, order->payment, order->step_number) != SANDBOX_NONE;
    struct psp_reply reply;
    sandbox_order(sandbox, order, &reply);
    if (reply.answer == PSP_ANSWER_INVALID) {
        invalid_answer(call, &reply);
    } else if (reply.answer == PSP_ANSWER_THROTTLED) {
        desk_error(call, 503, "throttled", "the sandbox is full: start it with more --orders-max");
        desk_header(call, "Retry-After", "60");
    } else {
        uint32_t item = sandbox_find(sandbox, order->payment, order->step_number);
        wrong_answer(call, item, fault.fault);
        if (known) desk_header(call, "Idempotent-Replayed", "true");
    }
    desk_fault_after(call, &fault);
}

static void intent_post(struct desk_call *call)
{
    struct form form;
    struct psp_order order = { .operation = PSP_CHARGE };
    if (!post_begin(call, &form, &order)) return;
    if (!currency_read(call, &form, &order.asset)) return;
    if (!amount_read(call, &form, STR("amount"), MONEY_ZERO, &order)) return;
    if (!str_equal(form_value(&form, STR("confirm")), STR("true"))) {
        desk_error(call, 400, "parameter_missing", "the sandbox wants confirm=true");
        return;
    }
    if (str_equal(form_value(&form, STR("capture_method")), STR("manual")))
        order.operation = PSP_AUTHORISE;
    if (!token_take(form_value(&form, STR("payment_method")), order.method)) {
        desk_error(call, 400, "resource_missing", "No such payment method.");
        return;
    }
    order_take(call, &order);
}

/* The charge that the path or the form names; NULL: it is answered. */
static const struct sandbox_item *charge_named(struct desk_call *call, struct str object,
                                               struct psp_order *order)
{
    struct sandbox *sandbox = call->desk->sandbox;
    uint32_t item = sandbox_find_object(sandbox, object);
    const struct sandbox_item *charge = item == SANDBOX_NONE ? NULL : sandbox_item(sandbox, item);
    bool found = charge != NULL && (charge->kind == PSP_CHARGE || charge->kind == PSP_AUTHORISE) &&
                 token_take(object, order->object);
    if (!found) {
        desk_error(call, 404, "resource_missing", "No such payment_intent.");
        return NULL;
    }
    order->asset = charge->asset;
    return charge;
}

/* An amount that was left out is all that is left, and is told the same when it is asked again. */
static struct money left_or_first(const struct sandbox *sandbox, const struct psp_order *order,
                                  struct money left)
{
    uint32_t known = sandbox_find(sandbox, order->payment, order->step_number);
    return known == SANDBOX_NONE ? left : sandbox_item(sandbox, known)->amount;
}

static void capture_post(struct desk_call *call)
{
    struct form form;
    struct psp_order order = { .operation = PSP_CAPTURE };
    if (!post_begin(call, &form, &order)) return;
    const struct sandbox_item *charge = charge_named(call, call->parameter, &order);
    if (charge == NULL) return;
    struct money left = { charge->amount.minor - charge->captured.minor };
    if (money_is_zero(left)) left.minor = 1; /* nothing is left: the order says so */
    left = left_or_first(call->desk->sandbox, &order, left);
    if (!amount_read(call, &form, STR("amount_to_capture"), left, &order)) return;
    order.last = !str_equal(form_value(&form, STR("final_capture")), STR("false"));
    order_take(call, &order);
}

static void cancel_post(struct desk_call *call)
{
    struct form form;
    struct psp_order order = { .operation = PSP_CANCEL };
    if (!post_begin(call, &form, &order)) return;
    if (charge_named(call, call->parameter, &order) != NULL) order_take(call, &order);
}

static void refund_post(struct desk_call *call)
{
    struct form form;
    struct psp_order order = { .operation = PSP_REFUND };
    if (!post_begin(call, &form, &order)) return;
    struct str object = form_value(&form, STR("payment_intent"));
    const struct sandbox_item *charge = charge_named(call, object, &order);
    if (charge == NULL) return;
    struct money left = sandbox_refundable(charge);
    if (money_is_zero(left)) left.minor = 1; /* nothing is left: the order says so */
    left = left_or_first(call->desk->sandbox, &order, left);
    if (amount_read(call, &form, STR("amount"), left, &order)) order_take(call, &order);
}

static void payout_post(struct desk_call *call)
{
    struct form form;
    struct psp_order order = { .operation = PSP_PAY_OUT };
    if (!post_begin(call, &form, &order)) return;
    if (!currency_read(call, &form, &order.asset)) return;
    if (!amount_read(call, &form, STR("amount"), MONEY_ZERO, &order)) return;
    if (!token_take(form_value(&form, STR("destination")), order.method)) {
        desk_error(call, 400, "resource_missing", "No such external account.");
        return;
    }
    order_take(call, &order);
}

/* ---- looking ---- */

static void object_get(struct desk_call *call)
{
    struct sandbox *sandbox = call->desk->sandbox;
    uint32_t item = sandbox_find_object(sandbox, call->parameter);
    if (item == SANDBOX_NONE || sandbox_item(sandbox, item)->kind == SANDBOX_CHARGEBACK) {
        desk_error(call, 404, "resource_missing", "No such object.");
        return;
    }
    struct desk_fault fault;
    const struct sandbox_item *about = sandbox_item(sandbox, item);
    if (!desk_fault_query(call, about->payment, about->step_number, &fault)) return;
    item_answer(call, item);
    desk_fault_after(call, &fault);
}

static void dispute_get(struct desk_call *call)
{
    struct sandbox *sandbox = call->desk->sandbox;
    uint32_t item = sandbox_find_object(sandbox, call->parameter);
    if (item == SANDBOX_NONE || sandbox_item(sandbox, item)->kind != SANDBOX_CHARGEBACK)
        desk_error(call, 404, "resource_missing", "No such dispute.");
    else
        item_answer(call, item);
}

static void list_begin(struct desk_call *call, struct str object, struct json_writer *out_writer)
{
    desk_json(call, out_writer);
    json_write_object_begin(out_writer);
    desk_text(out_writer, STR("object"), object);
    json_write_key(out_writer, STR("data"));
    json_write_array_begin(out_writer);
}

static void list_end(struct json_writer *writer, bool more)
{
    json_write_array_end(writer);
    json_write_key(writer, STR("has_more"));
    json_write_bool(writer, more);
    json_write_object_end(writer);
    desk_json_end(writer);
}

/* metadata['reference']:'TEXT'; false: it is another query. */
static bool search_read(struct str query, struct str *out_reference)
{
    struct str before = STR("metadata['reference']:'");
    if (!str_starts(query, before) || query.data[query.len - 1] != '\'') return false;
    if (query.len <= before.len) return false;
    *out_reference = (struct str){ query.data + before.len, query.len - before.len - 1 };
    return true;
}

static bool query_read(struct desk_call *call, struct form *out_query)
{
    if (form_read(call->api->query, &call->desk->arena, out_query) == STATUS_OK) return true;
    desk_error(call, 400, "parameter_invalid", "the query is no form");
    return false;
}

static void intent_search(struct desk_call *call)
{
    struct sandbox *sandbox = call->desk->sandbox;
    struct form query;
    struct str reference;
    if (!query_read(call, &query)) return;
    if (!search_read(form_value(&query, STR("query")), &reference)) {
        desk_error(call, 400, "parameter_invalid", "only metadata['reference']:'...' is searched");
        return;
    }
    struct psp_order order = { .operation = PSP_CHARGE };
    struct desk_fault fault;
    reference_take(reference, &order);
    if (!desk_fault_query(call, order.payment, order.step_number, &fault)) return;
    uint32_t item = sandbox_find(sandbox, order.payment, order.step_number);
    if (item != SANDBOX_NONE && sandbox_item(sandbox, item)->kind > PSP_AUTHORISE)
        item = SANDBOX_NONE;
    if (item != SANDBOX_NONE && desk_is_blind(call, item)) item = SANDBOX_NONE;
    struct json_writer writer;
    list_begin(call, STR("search_result"), &writer);
    if (item != SANDBOX_NONE) wire_stripe_item(&writer, sandbox, item);
    list_end(&writer, false);
    desk_fault_after(call, &fault);
}

static bool page_read(struct desk_call *call, const struct form *query, uint64_t *out_limit)
{
    *out_limit = 10;
    bool read = form_number(query, STR("limit"), STRIPE_PAGE_MAX, out_limit) && *out_limit > 0;
    if (!read) desk_error(call, 400, "parameter_invalid_integer", "limit is 1 to 100");
    return read;
}

/* At Stripe, what its charge forbade was never made. */
static bool is_listed(struct desk_call *call, uint32_t item, unsigned kind)
{
    const struct sandbox_item *about = sandbox_item(call->desk->sandbox, item);
    if (about->kind != kind || desk_is_blind(call, item)) return false;
    return about->state != SANDBOX_DECLINED ||
           forbidden_code((enum sandbox_reason)about->reason) == NULL;
}

/* Newest first along the chain; of the kind only. */
static void chain_list(struct desk_call *call, const struct form *query, uint32_t at, unsigned kind)
{
    struct sandbox *sandbox = call->desk->sandbox;
    uint64_t limit;
    if (!page_read(call, query, &limit)) return;
    struct str after = form_value(query, STR("starting_after"));
    if (after.len > 0) {
        uint32_t last = sandbox_find_object(sandbox, after);
        at = last == SANDBOX_NONE ? SANDBOX_NONE : sandbox_item(sandbox, last)->previous;
    }
    struct json_writer writer;
    bool more = false;
    list_begin(call, STR("list"), &writer);
    for (; at != SANDBOX_NONE && !more; at = sandbox_item(sandbox, at)->previous) {
        if (!is_listed(call, at, kind)) continue;
        more = limit == 0;
        if (more) continue;
        wire_stripe_item(&writer, sandbox, at);
        limit--;
    }
    list_end(&writer, more);
}

static void refund_list(struct desk_call *call)
{
    struct form query;
    struct psp_order order = { .operation = PSP_REFUND };
    if (!query_read(call, &query)) return;
    const struct sandbox_item *charge =
        charge_named(call, form_value(&query, STR("payment_intent")), &order);
    if (charge != NULL) chain_list(call, &query, charge->newest, PSP_REFUND);
}

static void payout_list(struct desk_call *call)
{
    struct form query;
    if (query_read(call, &query))
        chain_list(call, &query, call->desk->sandbox->newest_pay_out, PSP_PAY_OUT);
}

/* ---- balance transactions ---- */

static bool transaction_number(struct str id, uint64_t *out_number)
{
    const struct form one = { .count = 1, .fields = { { STR("n"), { id.data + 4, id.len - 4 } } } };
    return form_number(&one, STR("n"), UINT32_MAX, out_number);
}

struct span {
    uint64_t from_s; /* created[gte] */
    uint64_t to_s;   /* created[lt] */
    uint64_t limit;
    uint64_t end; /* lines below this place */
};

static bool span_read(struct desk_call *call, const struct form *query, struct span *out_span)
{
    struct str after = form_value(query, STR("starting_after"));
    *out_span =
        (struct span){ .to_s = INT64_MAX / NS_PER_S, .end = call->desk->sandbox->line_count };
    if (!page_read(call, query, &out_span->limit)) return false;
    uint64_t number = out_span->end + 1;
    bool read = form_number(query, STR("created[gte]"), INT64_MAX / NS_PER_S, &out_span->from_s) &&
                form_number(query, STR("created[lt]"), INT64_MAX / NS_PER_S, &out_span->to_s);
    if (after.len > 0)
        read = read && str_starts(after, STR("txn_")) && transaction_number(after, &number);
    if (after.len > 0 && number > 0 && number <= out_span->end) out_span->end = number - 1;
    if (!read) desk_error(call, 400, "parameter_invalid", "created and starting_after are wrong");
    return read;
}

static void transaction_list(struct desk_call *call)
{
    struct sandbox *sandbox = call->desk->sandbox;
    struct form query;
    struct span span;
    if (!query_read(call, &query) || !span_read(call, &query, &span)) return;
    struct json_writer writer;
    bool more = false;
    list_begin(call, STR("list"), &writer);
    for (uint64_t at = span.end; at-- > 0 && !more;) {
        const struct sandbox_line *line = &sandbox->lines[at];
        if (line->at.ns < (int64_t)span.from_s * NS_PER_S) break;
        if (line->at.ns >= (int64_t)span.to_s * NS_PER_S) continue;
        if (line->fault == SANDBOX_FAULT_STATEMENT_MISSING) continue;
        more = span.limit == 0;
        if (more) continue;
        wire_stripe_transaction(&writer, sandbox, (uint32_t)at);
        if (line->fault == SANDBOX_FAULT_STATEMENT_DOUBLE)
            wire_stripe_transaction(&writer, sandbox, (uint32_t)at);
        span.limit--;
    }
    list_end(&writer, more);
}

/* ---- events ---- */

static void event_get(struct desk_call *call)
{
    uint32_t event;
    if (!wire_event_find(call->desk->sandbox, call->parameter, &event)) {
        desk_error(call, 404, "resource_missing", "No such event.");
        return;
    }
    struct json_writer writer;
    desk_json(call, &writer);
    wire_stripe_event(&writer, call->desk->sandbox, event);
    desk_json_end(&writer);
}

static void event_list(struct desk_call *call)
{
    struct sandbox *sandbox = call->desk->sandbox;
    struct form query;
    uint64_t limit;
    uint32_t at = sandbox->event_count;
    if (!query_read(call, &query) || !page_read(call, &query, &limit)) return;
    struct str after = form_value(&query, STR("starting_after"));
    if (after.len > 0 && !wire_event_find(sandbox, after, &at)) at = 0;
    struct json_writer writer;
    list_begin(call, STR("list"), &writer);
    for (; at > 0 && limit > 0; limit--) wire_stripe_event(&writer, sandbox, --at);
    list_end(&writer, at > 0);
}

const struct desk_route desk_stripe_routes[] = {
    { API_POST, "/v1/payment_intents", intent_post },
    { API_GET, "/v1/payment_intents/search", intent_search },
    { API_GET, "/v1/payment_intents/*", object_get },
    { API_POST, "/v1/payment_intents/*/capture", capture_post },
    { API_POST, "/v1/payment_intents/*/cancel", cancel_post },
    { API_POST, "/v1/refunds", refund_post },
    { API_GET, "/v1/refunds", refund_list },
    { API_GET, "/v1/refunds/*", object_get },
    { API_POST, "/v1/payouts", payout_post },
    { API_GET, "/v1/payouts", payout_list },
    { API_GET, "/v1/payouts/*", object_get },
    { API_GET, "/v1/disputes/*", dispute_get },
    { API_GET, "/v1/balance_transactions", transaction_list },
    { API_GET, "/v1/events", event_list },
    { API_GET, "/v1/events/*", event_get },
    { 0 },
};

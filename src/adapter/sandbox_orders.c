#include "adapter/sandbox_orders.h"

#include <stdio.h>

#include "adapter/sandbox_wire.h"
#include "base/check.h"
#include "base/json_reader.h"
#include "model/asset.h"

/* ---- reading ---- */

static bool token_take(struct str text, size_t size, char *out_text)
{
    if (text.len >= size) return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~') return false;
    if (text.len > 0) memcpy(out_text, text.data, text.len);
    out_text[text.len] = '\0';
    return true;
}

static uint8_t operation_of(struct str name)
{
    for (unsigned operation = 1; operation < PSP_OPERATION_END; operation++)
        if (str_equal(name, str_from(psp_operation_name(operation)))) return (uint8_t)operation;
    return 0;
}

enum order_field {
    ORDER_REFERENCE,
    ORDER_OPERATION,
    ORDER_ASSET,
    ORDER_AMOUNT,
    ORDER_METHOD,
    ORDER_OBJECT,
    ORDER_LAST,
    ORDER_FIELDS,
};

struct order_text {
    struct str texts[ORDER_LAST];
    bool last;
};

/* NULL: it was read; else the code of what is wrong. */
static const char *fields_read(struct desk_call *call, struct order_text *out_text)
{
    static const struct str names[ORDER_FIELDS] = {
        { "reference", 9 }, { "operation", 9 }, { "asset", 5 }, { "amount", 6 },
        { "method", 6 },    { "object", 6 },    { "last", 4 },
    };
    const struct json_fields fields = { names, ORDER_FIELDS };
    struct json_reader reader;
    uint64_t seen = 0;
    json_reader_init(&reader, call->api->body, &call->desk->arena);
    if (json_object_begin(&reader)) {
        unsigned field;
        while (json_object_field(&reader, &fields, &field)) {
            if (field == ORDER_LAST)
                (void)json_bool(&reader, &out_text->last); /* json_end() tells */
            else
                (void)json_string(&reader, &out_text->texts[field]); /* the same */
        }
        seen = json_fields_seen(&reader);
    }
    if (json_end(&reader) != STATUS_OK)
        return reader.fault == JSON_FAULT_UNKNOWN ? "field_unknown" : "malformed";
    return seen == (1U << ORDER_FIELDS) - 1 ? NULL : "field_missing";
}

static const char *order_read(struct desk_call *call, struct psp_order *out_order)
{
    struct order_text text = { .last = false };
    const char *fault = fields_read(call, &text);
    if (fault != NULL) return fault;
    *out_order = (struct psp_order){ .operation = operation_of(text.texts[ORDER_OPERATION]),
                                     .last = text.last };
    if (!psp_key_parse(text.texts[ORDER_REFERENCE], &out_order->payment, &out_order->step_number))
        return "malformed";
    if (out_order->operation == 0) return "operation_unknown";
    const struct asset *asset = asset_iso_by_code(text.texts[ORDER_ASSET]);
    if (asset == NULL) return "asset_unknown";
    out_order->asset = asset->id;
    if (money_parse(text.texts[ORDER_AMOUNT], asset->exponent, &out_order->amount) != STATUS_OK)
        return "amount_invalid";
    if (!token_take(text.texts[ORDER_METHOD], PSP_TOKEN_SIZE, out_order->method))
        return "method_unknown";
    if (!token_take(text.texts[ORDER_OBJECT], PSP_TOKEN_SIZE, out_order->object))
        return "object_unknown";
    return NULL;
}

/* One text field of a small object, which may hold no other. False: it is answered. */
static bool one_text(struct desk_call *call, struct str name, struct str *out_text)
{
    const struct json_fields fields = { &name, 1 };
    struct json_reader reader;
    uint64_t seen = 0;
    json_reader_init(&reader, call->api->body, &call->desk->arena);
    if (json_object_begin(&reader)) {
        unsigned field;
        while (json_object_field(&reader, &fields, &field))
            (void)json_string(&reader, out_text); /* json_end() tells */
        seen = json_fields_seen(&reader);
    }
    if (json_end(&reader) == STATUS_OK && seen == 1) return true;
    desk_error(call, 400, "malformed", "the body does not hold what is wanted");
    return false;
}

/* ---- orders ---- */

static void item_answer(struct desk_call *call, uint32_t item)
{
    struct json_writer writer;
    desk_json(call, &writer);
    wire_item(&writer, call->desk->sandbox, item);
    desk_json_end(&writer);
}

/* The order as it was done, but named wrongly. */
static void wrong_answer(struct desk_call *call, uint32_t item, enum sandbox_fault fault)
{
    struct sandbox *sandbox = call->desk->sandbox;
    struct sandbox_item kept = sandbox->items[item];
    if (fault == SANDBOX_FAULT_WRONG_AMOUNT) sandbox->items[item].amount.minor++;
    if (fault == SANDBOX_FAULT_WRONG_ASSET)
        sandbox->items[item].asset = kept.asset == 978 ? 840 : 978; /* EUR and USD */
    item_answer(call, item);
    sandbox->items[item] = kept;
}

static void order_post(struct desk_call *call)
{
    struct psp_order order;
    struct desk_fault fault;
    const char *wrong = order_read(call, &order);
    if (wrong != NULL) {
        desk_error(call, 400, wrong, "the order makes no sense");
        return;
    }
    if (!desk_fault_before(call, &order, &fault)) return;
    struct psp_reply reply;
    sandbox_order(call->desk->sandbox, &order, &reply);
    if (reply.answer == PSP_ANSWER_INVALID) {
        desk_error(call, reply.http_status, reply.reason,
                   reply.http_status == 409 ? "this reference was used with other content"
                                            : "the order makes no sense");
    } else if (reply.answer == PSP_ANSWER_THROTTLED) {
        desk_error(call, 503, "throttled", "the sandbox is full: start it with more --orders-max");
        desk_header(call, "Retry-After", "60");
    } else {
        uint32_t item = sandbox_find(call->desk->sandbox, order.payment, order.step_number);
        wrong_answer(call, item, fault.fault);
    }
    desk_fault_after(call, &fault);
}

static uint32_t order_named(struct desk_call *call)
{
    struct payment_id payment;
    uint32_t step_number;
    uint32_t item = SANDBOX_NONE;
    if (psp_key_parse(call->parameter, &payment, &step_number))
        item = sandbox_find(call->desk->sandbox, payment, step_number);
    if (item == SANDBOX_NONE)
        desk_error(call, 404, "order_not_found", "there is no order with this reference");
    return item;
}

static void order_get(struct desk_call *call)
{
    struct payment_id payment = { 0 };
    uint32_t step_number = 0;
    struct desk_fault fault;
    /* What is no reference names no order, and is answered so. */
    (void)psp_key_parse(call->parameter, &payment, &step_number);
    if (!desk_fault_query(call, payment, step_number, &fault)) return;
    uint32_t item = order_named(call);
    if (item != SANDBOX_NONE && desk_is_blind(call, item))
        desk_error(call, 404, "order_not_found", "there is no order with this reference");
    else if (item != SANDBOX_NONE)
        item_answer(call, item);
    desk_fault_after(call, &fault);
}

static bool page_read(struct desk_call *call, uint64_t *out_from, uint64_t *out_limit)
{
    struct form query;
    *out_from = 0;
    *out_limit = DESK_PAGE_MAX;
    if (form_read(call->api->query, &call->desk->arena, &query) == STATUS_OK &&
        form_number(&query, STR("from"), UINT32_MAX, out_from) &&
        form_number(&query, STR("limit"), DESK_PAGE_MAX, out_limit) && *out_limit > 0)
        return true;
    desk_error(call, 400, "malformed", "from and limit (1 to 1000) are whole numbers");
    return false;
}

static void orders_list(struct desk_call *call)
{
    const struct sandbox *sandbox = call->desk->sandbox;
    uint64_t at;
    uint64_t limit;
    if (!page_read(call, &at, &limit)) return;
    struct json_writer writer;
    desk_json(call, &writer);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("orders"));
    json_write_array_begin(&writer);
    for (; limit > 0 && at < sandbox->item_count; at++) {
        if (sandbox->items[at].kind == SANDBOX_CHARGEBACK) continue;
        wire_item(&writer, sandbox, (uint32_t)at);
        limit--;
    }
    json_write_array_end(&writer);
    json_write_key(&writer, STR("next"));
    if (at < sandbox->item_count)
        json_write_uint64(&writer, at);
    else
        json_write_null(&writer);
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

/* ---- late truths ---- */

static void turn_answer(struct desk_call *call, enum sandbox_turn turn, uint8_t reason)
{
    uint32_t item = order_named(call);
    if (item == SANDBOX_NONE) return;
    if (sandbox_turn(call->desk->sandbox, item, turn, (enum sandbox_reason)reason) == STATUS_OK)
        item_answer(call, item);
    else
        desk_error(call, 422, "state_forbids", "the order's state does not allow this");
}

static bool reason_read(struct desk_call *call, uint8_t *out_reason)
{
    struct str code = STR("");
    if (!one_text(call, STR("reason"), &code)) return false;
    if (reason_parse(code, out_reason)) return true;
    desk_error(call, 400, "reason_unknown", "the reason is none of those documented");
    return false;
}

static void order_complete(struct desk_call *call)
{
    turn_answer(call, SANDBOX_TURN_COMPLETE, REASON_NONE);
}

static void order_decline(struct desk_call *call)
{
    uint8_t reason;
    if (reason_read(call, &reason)) turn_answer(call, SANDBOX_TURN_DECLINE, reason);
}

static void order_fail(struct desk_call *call)
{
    uint8_t reason;
    if (reason_read(call, &reason)) turn_answer(call, SANDBOX_TURN_FAIL, reason);
}

/* ---- chargebacks ---- */

static bool dispute_read(struct desk_call *call, struct str *out_object, struct str *out_amount)
{
    static const struct str names[] = { { "object", 6 }, { "amount", 6 } };
    const struct json_fields fields = { names, 2 };
    struct json_reader reader;
    uint64_t seen = 0;
    json_reader_init(&reader, call->api->body, &call->desk->arena);
    if (json_object_begin(&reader)) {
        unsigned field;
        while (json_object_field(&reader, &fields, &field))
            (void)json_string(&reader, field == 0 ? out_object : out_amount); /* json_end() */
        seen = json_fields_seen(&reader);
    }
    return json_end(&reader) == STATUS_OK && seen == 3;
}

static void chargeback_post(struct desk_call *call)
{
    struct sandbox *sandbox = call->desk->sandbox;
    struct str object = STR("");
    struct str amount = STR("");
    if (!dispute_read(call, &object, &amount)) {
        desk_error(call, 400, "malformed", "object and amount are wanted");
        return;
    }
    uint32_t charge = sandbox_find_object(sandbox, object);
    if (charge == SANDBOX_NONE) {
        desk_error(call, 400, "object_unknown", "there is no such charge");
        return;
    }
    struct money disputed;
    unsigned exponent = asset_iso_by_id(sandbox_item(sandbox, charge)->asset)->exponent;
    uint32_t made;
    enum status status = money_parse(amount, exponent, &disputed);
    if (status == STATUS_OK) status = sandbox_dispute(sandbox, charge, disputed, &made);
    if (status == STATUS_OK)
        item_answer(call, made);
    else
        desk_error(call, 422, "amount_invalid", "more than can be disputed, or no charge");
}

static uint32_t chargeback_named(struct desk_call *call)
{
    struct sandbox *sandbox = call->desk->sandbox;
    uint32_t item = sandbox_find_object(sandbox, call->parameter);
    if (item != SANDBOX_NONE && sandbox_item(sandbox, item)->kind == SANDBOX_CHARGEBACK)
        return item;
    desk_error(call, 404, "object_unknown", "there is no such chargeback");
    return SANDBOX_NONE;
}

static void chargeback_get(struct desk_call *call)
{
    uint32_t item = chargeback_named(call);
    if (item != SANDBOX_NONE) item_answer(call, item);
}

static void decide(struct desk_call *call, enum sandbox_state state)
{
    uint32_t item = chargeback_named(call);
    if (item == SANDBOX_NONE) return;
    if (sandbox_dispute_decide(call->desk->sandbox, item, state) == STATUS_OK)
        item_answer(call, item);
    else
        desk_error(call, 422, "state_forbids", "won or lost of what is opened, reversed of lost");
}

static void chargeback_won(struct desk_call *call)
{
    decide(call, SANDBOX_WON);
}

static void chargeback_lost(struct desk_call *call)
{
    decide(call, SANDBOX_LOST);
}

static void chargeback_reversed(struct desk_call *call)
{
    decide(call, SANDBOX_REVERSED);
}

/* ---- methods ---- */

static void method_write(struct json_writer *writer, uint8_t number)
{
    enum { SHOWN = 4 };
    uint32_t count;
    const struct sandbox_method *method = &method_table(&count)[number];
    char token[PSP_TOKEN_SIZE];
    struct str digits = str_from(method->number);
    desk_text(writer, STR("method"), method_token(number, token));
    desk_text(writer, STR("kind"), method->bank ? STR("bank") : STR("card"));
    desk_text(writer, STR("last4"), (struct str){ digits.data + digits.len - SHOWN, SHOWN });
}

static void method_post(struct desk_call *call)
{
    bool bank = false;
    struct str number = STR("");
    struct json_reader peek;
    json_reader_init(&peek, call->api->body, &call->desk->arena);
    struct str key;
    if (json_object_begin(&peek) && json_object_next(&peek, &key))
        bank = str_equal(key, STR("iban"));
    if (!one_text(call, bank ? STR("iban") : STR("number"), &number)) return;
    uint8_t method;
    if (!method_by_number(number, bank, &method)) {
        desk_error(call, 400, "method_unknown",
                   "no test number: GET /payment_methods lists them; never send a real one");
        return;
    }
    struct json_writer writer;
    desk_json(call, &writer);
    json_write_object_begin(&writer);
    method_write(&writer, method);
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

static void methods_list(struct desk_call *call)
{
    uint32_t count;
    const struct sandbox_method *methods = method_table(&count);
    struct json_writer writer;
    desk_json(call, &writer);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("methods"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < count; i++) {
        json_write_object_begin(&writer);
        method_write(&writer, (uint8_t)i);
        desk_text(&writer, STR("number"), str_from(methods[i].number));
        desk_text(&writer, STR("outcome"), str_from(methods[i].text));
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    desk_json_end(&writer);
}

const struct desk_route desk_order_routes[] = {
    { API_POST, "/orders", order_post },
    { API_GET, "/orders", orders_list },
    { API_GET, "/orders/*", order_get },
    { API_POST, "/orders/*/complete", order_complete },
    { API_POST, "/orders/*/decline", order_decline },
    { API_POST, "/orders/*/fail", order_fail },
    { API_POST, "/chargebacks", chargeback_post },
    { API_GET, "/chargebacks/*", chargeback_get },
    { API_POST, "/chargebacks/*/won", chargeback_won },
    { API_POST, "/chargebacks/*/lost", chargeback_lost },
    { API_POST, "/chargebacks/*/reversed", chargeback_reversed },
    { API_POST, "/payment_methods", method_post },
    { API_GET, "/payment_methods", methods_list },
    { 0 },
};

#include "payment/stripe_wire.h"

#include "base/check.h"
#include "payment/stripe_amount.h"
#include "payment/stripe_object.h"

/* ---- Requests ---- */

/* As application/x-www-form-urlencoded and in queries: unreserved characters stay. */
static void text_escape(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (plain)
            buf_append_byte(out, (uint8_t)c);
        else
            buf_append_format(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static void name_write(struct buf *form, const char *name)
{
    if (form->len > 0) buf_append_byte(form, '&');
    buf_append_format(form, "%s=", name);
}

static void text_field(struct buf *form, const char *name, struct str value)
{
    name_write(form, name);
    text_escape(form, value);
}

static void number_field(struct buf *form, const char *name, uint64_t value)
{
    name_write(form, name);
    buf_append_format(form, "%llu", (unsigned long long)value);
}

static void reference_field(struct buf *form, const struct psp_order *order)
{
    char key[PSP_KEY_SIZE];
    text_field(form, "metadata[reference]", psp_key(order->payment, order->step_number, key));
}

struct amount {
    uint64_t number;
    char currency[STRIPE_CURRENCY_SIZE];
};

static void intent_form(const struct psp_order *order, const struct amount *amount,
                        struct buf *form)
{
    bool charge = order->operation == PSP_CHARGE;
    number_field(form, "amount", amount->number);
    text_field(form, "currency", str_from(amount->currency));
    text_field(form, "payment_method", str_from(order->method));
    text_field(form, "payment_method_types[0]", STR("card"));
    text_field(form, "confirm", STR("true"));
    text_field(form, "capture_method", charge ? STR("automatic") : STR("manual"));
    if (!charge) {
        text_field(form, "payment_method_options[card][request_multicapture]", STR("if_available"));
    }
    /* Nobody is there to be asked: what wants the card's holder is declined. */
    text_field(form, "error_on_requires_action", STR("true"));
    reference_field(form, order);
}

static void capture_form(const struct psp_order *order, const struct amount *amount,
                         struct buf *form)
{
    number_field(form, "amount_to_capture", amount->number);
    if (!order->last) text_field(form, "final_capture", STR("false"));
    buf_append_format(form, "&metadata[capture_%u]=%llu", order->step_number,
                      (unsigned long long)amount->number);
}

static void refund_form(const struct psp_order *order, const struct amount *amount,
                        struct buf *form)
{
    text_field(form, "payment_intent", str_from(order->object));
    number_field(form, "amount", amount->number);
    reference_field(form, order);
}

static void pay_out_form(const struct psp_order *order, const struct amount *amount,
                         struct buf *form)
{
    number_field(form, "amount", amount->number);
    text_field(form, "currency", str_from(amount->currency));
    text_field(form, "destination", str_from(order->method));
    text_field(form, "method", STR("standard"));
    reference_field(form, order);
}

static bool object_is_known(const struct psp_order *order)
{
    return order->object[0] != '\0';
}

enum status stripe_order_write(const struct psp_order *order, struct buf *out_path,
                               struct buf *out_form)
{
    struct amount amount = { 0 };
    bool pay_out = order->operation == PSP_PAY_OUT;
    bool about = order->operation == PSP_CAPTURE || order->operation == PSP_CANCEL ||
                 order->operation == PSP_REFUND;
    if (about && !psp_token_plain(order->object)) return STATUS_INVALID;
    if (order->operation != PSP_CANCEL &&
        stripe_amount_write(order->asset, order->amount, pay_out, &amount.number,
                            amount.currency) != STATUS_OK)
        return STATUS_INVALID;
    switch ((enum psp_operation)order->operation) {
    case PSP_CHARGE:
    case PSP_AUTHORISE:
        buf_append_str(out_path, STR("/v1/payment_intents"));
        intent_form(order, &amount, out_form);
        break;
    case PSP_CAPTURE:
        buf_append_format(out_path, "/v1/payment_intents/%s/capture", order->object);
        capture_form(order, &amount, out_form);
        break;
    case PSP_CANCEL:
        buf_append_format(out_path, "/v1/payment_intents/%s/cancel", order->object);
        break;
    case PSP_REFUND:
        buf_append_str(out_path, STR("/v1/refunds"));
        refund_form(order, &amount, out_form);
        break;
    case PSP_PAY_OUT:
        buf_append_str(out_path, STR("/v1/payouts"));
        pay_out_form(order, &amount, out_form);
        break;
    case PSP_OPERATION_END: return STATUS_INVALID;
    }
    return STATUS_OK;
}

static void search_write(const struct psp_order *order, struct buf *out_path)
{
    char key[PSP_KEY_SIZE];
    buf_append_str(out_path, STR("/v1/payment_intents/search?limit=2&query="));
    text_escape(out_path, STR("metadata['reference']:'"));
    text_escape(out_path, psp_key(order->payment, order->step_number, key));
    text_escape(out_path, STR("'"));
}

enum status stripe_query_write(const struct psp_order *order, const char *after,
                               struct buf *out_path)
{
    bool known = object_is_known(order);
    if (known && !psp_token_plain(order->object)) return STATUS_INVALID;
    switch ((enum psp_operation)order->operation) {
    case PSP_CHARGE:
    case PSP_AUTHORISE:
        if (known)
            buf_append_format(out_path, "/v1/payment_intents/%s", order->object);
        else
            search_write(order, out_path);
        return STATUS_OK;
    case PSP_CAPTURE:
    case PSP_CANCEL:
        if (!known) return STATUS_INVALID;
        buf_append_format(out_path, "/v1/payment_intents/%s", order->object);
        return STATUS_OK;
    case PSP_REFUND:
        if (!known) return STATUS_INVALID;
        buf_append_format(out_path, "/v1/refunds?limit=%d&payment_intent=%s", STRIPE_PAGE_OBJECTS,
                          order->object);
        break;
    case PSP_PAY_OUT:
        if (known) {
            buf_append_format(out_path, "/v1/payouts/%s", order->object);
            return STATUS_OK;
        }
        buf_append_format(out_path, "/v1/payouts?limit=%d", STRIPE_PAGE_OBJECTS);
        break;
    case PSP_OPERATION_END: return STATUS_INVALID;
    }
    if (after[0] != '\0') buf_append_format(out_path, "&starting_after=%s", after);
    return STATUS_OK;
}

/* ---- What an object says ---- */

/* With DONE, PENDING and DECLINED, `amount` is what has moved, or will. */
struct meaning {
    enum psp_answer answer;
    struct str reason;
    int64_t amount;
};

static struct meaning unknown(struct str reason)
{
    return (struct meaning){ .answer = PSP_ANSWER_UNKNOWN, .reason = reason };
}

static struct meaning declined(const struct stripe_object *object, struct str otherwise)
{
    struct str reason = object->failure.len > 0 ? object->failure : otherwise;
    return (struct meaning){ PSP_ANSWER_DECLINED, reason, object->amount };
}

static bool status_is(const struct stripe_object *object, const char *status)
{
    return str_equal(object->status, str_from(status));
}

static struct meaning charge_meaning(const struct stripe_object *intent)
{
    if (status_is(intent, "succeeded"))
        return (struct meaning){ PSP_ANSWER_DONE, STR(""), intent->amount_received };
    if (status_is(intent, "processing") || status_is(intent, "requires_action"))
        return (struct meaning){ PSP_ANSWER_PENDING, STR(""), intent->amount };
    if (status_is(intent, "requires_payment_method")) return declined(intent, STR("card_declined"));
    if (status_is(intent, "canceled")) return declined(intent, STR("canceled"));
    return unknown(STR("unexpected_status"));
}

static struct meaning authorise_meaning(const struct stripe_object *intent)
{
    if (status_is(intent, "requires_capture") && intent->amount_received == 0)
        return (struct meaning){ PSP_ANSWER_DONE, STR(""), intent->amount_capturable };
    /* Captured meanwhile, in part or whole: so it was reserved. */
    if (status_is(intent, "requires_capture") || status_is(intent, "succeeded"))
        return (struct meaning){ PSP_ANSWER_DONE, STR(""), intent->amount };
    return charge_meaning(intent);
}

static struct meaning capture_meaning(const struct stripe_object *intent, bool query)
{
    if (!intent->marked) {
        /* A query comes before, and ours is not there; nothing else could have moved it. */
        if (!query) return unknown(STR("other_reference"));
        if (status_is(intent, "canceled")) return declined(intent, STR("canceled"));
        if (status_is(intent, "succeeded")) return unknown(STR("captured_by_others"));
        return (struct meaning){ PSP_ANSWER_NOT_FOUND, STR("not_captured"), 0 };
    }
    if (intent->marked_other < 0 || intent->amount_received < intent->marked_other)
        return unknown(STR("amount_unreadable"));
    if (status_is(intent, "processing"))
        return (struct meaning){ PSP_ANSWER_PENDING, STR(""), intent->amount };
    int64_t amount = intent->amount_received - intent->marked_other;
    return (struct meaning){ PSP_ANSWER_DONE, STR(""), amount };
}

static struct meaning cancel_meaning(const struct stripe_object *intent, bool query)
{
    bool nothing_left = status_is(intent, "canceled") || status_is(intent, "succeeded");
    if (nothing_left && intent->amount >= intent->amount_received) {
        int64_t released = intent->amount - intent->amount_received;
        return (struct meaning){ PSP_ANSWER_DONE, STR(""), released };
    }
    if (query && status_is(intent, "requires_capture"))
        return (struct meaning){ PSP_ANSWER_NOT_FOUND, STR("not_canceled"), 0 };
    return unknown(STR("unexpected_status"));
}

/* Of a refund or pay-out. */
static struct meaning transfer_meaning(const struct stripe_object *object)
{
    if (status_is(object, "succeeded") || status_is(object, "paid"))
        return (struct meaning){ PSP_ANSWER_DONE, STR(""), object->amount };
    if (status_is(object, "pending") || status_is(object, "in_transit") ||
        status_is(object, "requires_action"))
        return (struct meaning){ PSP_ANSWER_PENDING, STR(""), object->amount };
    if (status_is(object, "failed")) return declined(object, STR("failed"));
    if (status_is(object, "canceled")) return declined(object, STR("canceled"));
    return unknown(STR("unexpected_status"));
}

static struct str kind_expected(const struct psp_order *order)
{
    if (order->operation == PSP_REFUND) return STR("refund");
    if (order->operation == PSP_PAY_OUT) return STR("payout");
    return STR("payment_intent");
}

/* Whether the object is the one that the order is about. */
static bool object_agrees(const struct psp_order *order, const struct stripe_object *object)
{
    char key[PSP_KEY_SIZE];
    if (order->operation == PSP_CAPTURE || order->operation == PSP_CANCEL)
        return str_equal(object->id, str_from(order->object));
    return str_equal(object->reference, psp_key(order->payment, order->step_number, key));
}

static struct meaning object_meaning(const struct psp_order *order,
                                     const struct stripe_object *object, bool query)
{
    if (!str_equal(object->kind, kind_expected(order))) return unknown(STR("other_object"));
    if (!object_agrees(order, object)) return unknown(STR("other_reference"));
    switch ((enum psp_operation)order->operation) {
    case PSP_CHARGE: return charge_meaning(object);
    case PSP_AUTHORISE: return authorise_meaning(object);
    case PSP_CAPTURE: return capture_meaning(object, query);
    case PSP_CANCEL: return cancel_meaning(object, query);
    case PSP_REFUND:
    case PSP_PAY_OUT: return transfer_meaning(object);
    case PSP_OPERATION_END: break;
    }
    return unknown(STR("other_object"));
}

static void object_reply(const struct psp_order *order, const struct stripe_object *object,
                         struct psp_reply *reply)
{
    char id[PSP_TOKEN_SIZE];
    struct meaning meaning = object_meaning(order, object, reply->query);
    psp_reply_set(reply, meaning.answer, meaning.reason);
    bool tells = meaning.answer == PSP_ANSWER_DONE || meaning.answer == PSP_ANSWER_PENDING ||
                 meaning.answer == PSP_ANSWER_DECLINED;
    if (!tells) return;
    uint32_t asset = 0;
    struct money amount = MONEY_ZERO;
    if (!psp_token_read(object->id, id) || meaning.amount < 0 ||
        stripe_amount_read(object->currency, (uint64_t)meaning.amount, &asset, &amount) !=
            STATUS_OK) {
        psp_reply_set(reply, PSP_ANSWER_UNKNOWN, STR("answer_unreadable"));
        return;
    }
    memcpy(reply->object, id, sizeof id);
    reply->asset = asset;
    reply->amount = amount;
}

/* ---- Errors ---- */

struct failure {
    struct str type;
    struct str code;
    struct str decline_code;
    struct stripe_object intent; /* with card errors */
};

static bool failure_members(struct json_reader *reader, struct failure *out_failure)
{
    struct str key;
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("type"))) {
            (void)psp_json_text(reader, &out_failure->type); /* a fault stays */
        } else if (str_equal(key, STR("code"))) {
            (void)psp_json_text(reader, &out_failure->code);
        } else if (str_equal(key, STR("decline_code"))) {
            (void)psp_json_text(reader, &out_failure->decline_code);
        } else if (str_equal(key, STR("payment_intent")) && json_peek(reader) == JSON_OBJECT) {
            (void)stripe_object_read(reader, 0, &out_failure->intent);
        } else {
            (void)json_skip(reader);
        }
    }
    return reader->fault == JSON_FAULT_NONE;
}

/* All empty when the body is none of Stripe's errors. */
static struct failure failure_read(struct str body, struct arena *arena)
{
    struct json_reader reader;
    struct failure failure = { 0 };
    struct str key;
    json_reader_init(&reader, body, arena);
    if (!json_object_begin(&reader)) return failure;
    while (json_object_next(&reader, &key)) {
        bool error = str_equal(key, STR("error"));
        (void)(error ? failure_members(&reader, &failure) : json_skip(&reader)); /* as above */
    }
    if (json_end(&reader) != STATUS_OK) return (struct failure){ 0 };
    return failure;
}

/* Codes of a 4xx that are decisions of Stripe's about the money, not faults of ours. */
static bool code_declines(struct str code)
{
    static const char *const codes[] = { "balance_insufficient", "charge_already_refunded",
                                         "charge_disputed" };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (str_equal(code, str_from(codes[i]))) return true;
    }
    return false;
}

static void failure_reply(const struct psp_http *http, struct arena *arena, struct psp_reply *reply)
{
    enum { PAYMENT_REQUIRED = 402, CONFLICT = 409 };
    struct failure failure = failure_read(http->body, arena);
    struct str reason = failure.decline_code;
    if (reason.len == 0) reason = failure.code;
    if (reason.len == 0) reason = failure.type;
    if (reason.len == 0) reason = STR("http_status");
    psp_reply_by_status(http, reason, reply);
    if (http->status < 400 || http->status >= 500) return;
    if (str_equal(failure.code, STR("lock_timeout"))) {
        psp_reply_set(reply, PSP_ANSWER_THROTTLED, reason);
        return;
    }
    if (reply->query || reply->answer != PSP_ANSWER_INVALID) return;
    /* The same key is being worked on: what comes of that is not known yet. */
    bool same_running =
        http->status == CONFLICT && !str_equal(failure.type, STR("idempotency_error"));
    if (same_running || str_equal(failure.code, STR("idempotency_key_in_use"))) {
        psp_reply_set(reply, PSP_ANSWER_UNKNOWN, reason);
        return;
    }
    bool card = str_equal(failure.type, STR("card_error"));
    bool understood = failure.type.len > 0;
    if (!card && !(understood && http->status == PAYMENT_REQUIRED) && !code_declines(failure.code))
        return;
    psp_reply_set(reply, PSP_ANSWER_DECLINED, reason);
    char id[PSP_TOKEN_SIZE];
    if (psp_token_read(failure.intent.id, id)) memcpy(reply->object, id, sizeof id);
}

void stripe_answer_read(const struct psp_order *order, const struct psp_http *http,
                        struct arena *arena, struct psp_reply *out_reply)
{
    enum { OK = 200 };
    struct json_reader reader;
    struct stripe_object object;
    if (http->status != OK) {
        failure_reply(http, arena, out_reply);
        return;
    }
    psp_reply_set(out_reply, PSP_ANSWER_UNKNOWN, STR("answer_unreadable"));
    json_reader_init(&reader, http->body, arena);
    if (!stripe_object_read(&reader, order->step_number, &object)) return;
    if (json_end(&reader) != STATUS_OK) return;
    object_reply(order, &object, out_reply);
}

/* ---- Lists ---- */

struct page {
    uint32_t found; /* objects that carry our reference */
    bool list;
    bool more;
    struct stripe_object object; /* the newest found */
    struct str last;             /* id of the last object */
};

static bool objects_read(struct json_reader *reader, const struct psp_order *order,
                         struct page *page)
{
    struct stripe_object object;
    if (!json_array_begin(reader)) return false;
    while (json_array_next(reader)) {
        if (!stripe_object_read(reader, order->step_number, &object)) break;
        page->last = object.id;
        if (!object_agrees(order, &object)) continue;
        page->object = object;
        page->found++;
    }
    return reader->fault == JSON_FAULT_NONE;
}

static bool page_read(const struct psp_order *order, struct str body, struct arena *arena,
                      struct page *out_page)
{
    struct json_reader reader;
    struct str key;
    json_reader_init(&reader, body, arena);
    if (!json_object_begin(&reader)) return false;
    while (json_object_next(&reader, &key)) {
        if (str_equal(key, STR("data"))) {
            out_page->list = true;
            (void)objects_read(&reader, order, out_page); /* a fault stays */
        } else if (str_equal(key, STR("has_more"))) {
            (void)json_bool(&reader, &out_page->more);
        } else {
            (void)json_skip(&reader);
        }
    }
    return json_end(&reader) == STATUS_OK && out_page->list;
}

static bool query_is_list(const struct psp_order *order)
{
    return order->operation == PSP_REFUND || !object_is_known(order);
}

bool stripe_query_read(const struct psp_order *order, const struct psp_http *http,
                       struct arena *arena, struct psp_reply *out_reply,
                       char out_after[PSP_TOKEN_SIZE])
{
    enum { OK = 200 };
    struct page page = { 0 };
    if (!query_is_list(order) || http->status != OK) {
        stripe_answer_read(order, http, arena, out_reply);
        return false;
    }
    psp_reply_set(out_reply, PSP_ANSWER_UNKNOWN, STR("answer_unreadable"));
    if (!page_read(order, http->body, arena, &page)) return false;
    if (page.found > 1) {
        psp_reason_set(out_reply, STR("found_twice"));
        return false;
    }
    if (page.found == 1) {
        object_reply(order, &page.object, out_reply);
        return false;
    }
    if (page.more) {
        psp_reason_set(out_reply, STR("more_pages"));
        char last[PSP_TOKEN_SIZE];
        bool search = order->operation == PSP_CHARGE || order->operation == PSP_AUTHORISE;
        if (search) return false; /* it finds others than it was asked for */
        if (!psp_token_read(page.last, last) || !psp_token_plain(last)) return false;
        memcpy(out_after, last, sizeof last);
        return true;
    }
    psp_reply_set(out_reply, PSP_ANSWER_NOT_FOUND, STR("not_found"));
    return false;
}

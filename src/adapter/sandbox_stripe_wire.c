#include "adapter/sandbox_stripe_wire.h"

#include <stdio.h>

#include "adapter/sandbox_desk.h"
#include "adapter/sandbox_wire.h"
#include "base/check.h"
#include "model/asset.h"
#include "sandbox/statement.h"
#include "sandbox/trace.h"

enum { ISK = 352, UGX = 800, MGA = 969, HUNDRED = 100 };

bool wire_stripe_amount(struct money amount, uint32_t asset, uint64_t *out_amount)
{
    const struct asset *known = asset_iso_by_id(asset);
    CHECK(known != NULL);
    uint64_t minor = (uint64_t)amount.minor; /* at most 18 digits */
    if (known->exponent == 3 && minor % 10 != 0) return false;
    if (asset == MGA && minor % HUNDRED != 0) return false;
    if (asset == MGA) minor /= HUNDRED;
    if (asset == ISK || asset == UGX) minor *= HUNDRED;
    *out_amount = minor;
    return true;
}

bool wire_stripe_amount_read(uint64_t amount, uint32_t asset, struct money *out_amount)
{
    const struct asset *known = asset_iso_by_id(asset);
    CHECK(known != NULL);
    if (known->exponent == 3 && amount % 10 != 0) return false;
    if ((asset == ISK || asset == UGX) && amount % HUNDRED != 0) return false;
    if (asset == ISK || asset == UGX) amount /= HUNDRED;
    struct money read = money_from_minor(amount);
    if (asset == MGA) read.minor *= HUNDRED;
    *out_amount = read;
    return true;
}

/* What the books hold came in through either wire; the native one allows what Stripe's cannot tell. */
static uint64_t amount_of(struct money amount, uint32_t asset)
{
    uint64_t told = 0;
    if (!wire_stripe_amount(amount, asset, &told)) told = (uint64_t)amount.minor;
    return told;
}

const char *wire_stripe_decline_code(enum sandbox_reason reason, const char **out_code)
{
    *out_code = "card_declined";
    switch ((int)reason) { /* the others are no reasons of cards */
    case REASON_EXPIRED_CARD: *out_code = "expired_card"; return "expired_card";
    case REASON_AUTHENTICATION_REQUIRED:
        *out_code = "authentication_required";
        return "authentication_required";
    case REASON_CARD_DECLINED: return "generic_decline";
    default: return reason_code(reason);
    }
}

static void currency_write(struct json_writer *writer, uint32_t asset)
{
    struct str code = desk_asset_code(asset);
    char lower[ASSET_CODE_LEN_MAX + 1];
    for (size_t i = 0; i < code.len; i++) lower[i] = (char)(code.data[i] | 0x20);
    desk_text(writer, STR("currency"), (struct str){ lower, code.len });
}

static void key_null(struct json_writer *writer, struct str key)
{
    json_write_key(writer, key);
    json_write_null(writer);
}

static void created_write(struct json_writer *writer, struct wall_time at)
{
    desk_number(writer, STR("created"), (uint64_t)(at.ns / NS_PER_S));
}

/* metadata[reference], and of a charge metadata[capture_N] for each capture that was done. */
static void metadata_write(struct json_writer *writer, const struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *about = sandbox_item(sandbox, item);
    char key[PSP_KEY_SIZE];
    json_write_key(writer, STR("metadata"));
    json_write_object_begin(writer);
    desk_text(writer, STR("reference"), psp_key(about->payment, about->step_number, key));
    for (uint32_t at = about->newest; at != SANDBOX_NONE;) {
        const struct sandbox_item *child = sandbox_item(sandbox, at);
        at = child->previous;
        if (child->kind != PSP_CAPTURE || child->state != SANDBOX_DONE) continue;
        char name[32];
        char value[32];
        int name_len = snprintf(name, sizeof name, "capture_%u", child->step_number);
        int value_len = snprintf(value, sizeof value, "%llu",
                                 (unsigned long long)amount_of(child->amount, child->asset));
        CHECK(name_len > 0 && value_len > 0);
        desk_text(writer, (struct str){ name, (size_t)name_len },
                  (struct str){ value, (size_t)value_len });
    }
    json_write_object_end(writer);
}

static struct str intent_status(const struct sandbox_item *item)
{
    switch ((int)item->state) { /* a charge has no other states */
    case SANDBOX_PENDING: return STR("processing");
    case SANDBOX_RESERVED: return STR("requires_capture");
    case SANDBOX_DECLINED: return STR("requires_payment_method");
    case SANDBOX_CANCELLED:
    case SANDBOX_EXPIRED: return STR("canceled");
    default: return STR("succeeded");
    }
}

static void payment_error_write(struct json_writer *writer, const struct sandbox_item *item)
{
    if (item->state != SANDBOX_DECLINED) {
        key_null(writer, STR("last_payment_error"));
        return;
    }
    const char *code;
    const char *decline = wire_stripe_decline_code((enum sandbox_reason)item->reason, &code);
    json_write_key(writer, STR("last_payment_error"));
    json_write_object_begin(writer);
    desk_text(writer, STR("type"), STR("card_error"));
    desk_text(writer, STR("code"), str_from(code));
    desk_text(writer, STR("decline_code"), str_from(decline));
    desk_text(writer, STR("message"), STR("Your card was declined."));
    json_write_object_end(writer);
}

static void intent_write(struct json_writer *writer, const struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *charge = sandbox_item(sandbox, item);
    char id[PSP_TOKEN_SIZE];
    char latest[PSP_TOKEN_SIZE];
    char method[PSP_TOKEN_SIZE];
    bool reserved = charge->state == SANDBOX_RESERVED;
    struct money left = { charge->amount.minor - charge->captured.minor };
    json_write_object_begin(writer);
    desk_text(writer, STR("id"), sandbox_object(sandbox, item, true, id));
    desk_text(writer, STR("object"), STR("payment_intent"));
    desk_number(writer, STR("amount"), amount_of(charge->amount, charge->asset));
    desk_number(writer, STR("amount_capturable"), reserved ? amount_of(left, charge->asset) : 0);
    desk_number(writer, STR("amount_received"), amount_of(charge->captured, charge->asset));
    currency_write(writer, charge->asset);
    desk_text(writer, STR("capture_method"),
              charge->kind == PSP_CHARGE ? STR("automatic") : STR("manual"));
    desk_text(writer, STR("status"), intent_status(charge));
    desk_text(writer, STR("payment_method"), method_token(charge->method, method));
    desk_text(writer, STR("latest_charge"), sandbox_object(sandbox, item, false, latest));
    metadata_write(writer, sandbox, item);
    created_write(writer, charge->created_at);
    payment_error_write(writer, charge);
    json_write_key(writer, STR("livemode"));
    json_write_bool(writer, false);
    json_write_object_end(writer);
}

static void failure_write(struct json_writer *writer, struct str key,
                          const struct sandbox_item *item)
{
    if (item->state == SANDBOX_DECLINED)
        desk_text(writer, key, str_from(reason_code((enum sandbox_reason)item->reason)));
    else
        key_null(writer, key);
}

static void flow_status_write(struct json_writer *writer, const struct sandbox_item *item,
                              struct str done)
{
    bool pending = item->state == SANDBOX_PENDING;
    bool declined = item->state == SANDBOX_DECLINED;
    desk_text(writer, STR("status"), pending ? STR("pending") : declined ? STR("failed") : done);
}

/* Of a refund or a dispute: which payment intent and charge it is about. */
static void about_write(struct json_writer *writer, const struct sandbox *sandbox, uint32_t charge)
{
    char text[PSP_TOKEN_SIZE];
    desk_text(writer, STR("payment_intent"), sandbox_object(sandbox, charge, true, text));
    desk_text(writer, STR("charge"), sandbox_object(sandbox, charge, false, text));
}

static void head_write(struct json_writer *writer, const struct sandbox *sandbox, uint32_t item,
                       struct str object)
{
    const struct sandbox_item *about = sandbox_item(sandbox, item);
    char id[PSP_TOKEN_SIZE];
    desk_text(writer, STR("id"), sandbox_object(sandbox, item, true, id));
    desk_text(writer, STR("object"), object);
    desk_number(writer, STR("amount"), amount_of(about->amount, about->asset));
    currency_write(writer, about->asset);
    metadata_write(writer, sandbox, item);
    created_write(writer, about->created_at);
}

void wire_stripe_item(struct json_writer *writer, const struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *about = sandbox_item(sandbox, item);
    switch (about->kind) {
    case PSP_CAPTURE:
    case PSP_CANCEL: intent_write(writer, sandbox, about->parent); return;
    case PSP_CHARGE:
    case PSP_AUTHORISE: intent_write(writer, sandbox, item); return;
    default: break;
    }
    json_write_object_begin(writer);
    switch (about->kind) {
    case PSP_REFUND:
        head_write(writer, sandbox, item, STR("refund"));
        about_write(writer, sandbox, about->parent);
        flow_status_write(writer, about, STR("succeeded"));
        failure_write(writer, STR("failure_reason"), about);
        break;
    case PSP_PAY_OUT:
        head_write(writer, sandbox, item, STR("payout"));
        flow_status_write(writer, about, STR("paid"));
        failure_write(writer, STR("failure_code"), about);
        break;
    default:
        head_write(writer, sandbox, item, STR("dispute"));
        about_write(writer, sandbox, about->parent);
        desk_text(writer, STR("status"),
                  about->state == SANDBOX_OPENED ? STR("needs_response")
                  : about->state == SANDBOX_LOST ? STR("lost")
                                                 : STR("won"));
        break;
    }
    json_write_object_end(writer);
}

static struct str charge_event_type(const struct sandbox_event *event)
{
    switch ((int)event->state) { /* a charge has no other states */
    case SANDBOX_PENDING: return STR("payment_intent.processing");
    case SANDBOX_RESERVED: return STR("payment_intent.amount_capturable_updated");
    case SANDBOX_DECLINED: return STR("payment_intent.payment_failed");
    case SANDBOX_CANCELLED:
    case SANDBOX_EXPIRED: return STR("payment_intent.canceled");
    default: return STR("payment_intent.succeeded");
    }
}

static struct str stripe_event_type(const struct sandbox *sandbox,
                                    const struct sandbox_event *event)
{
    const struct sandbox_item *item = sandbox_item(sandbox, event->item);
    bool declined = event->state == SANDBOX_DECLINED;
    bool done = event->state == SANDBOX_DONE;
    switch (item->kind) {
    case PSP_CAPTURE:
        if (sandbox_item(sandbox, item->parent)->state == SANDBOX_DONE)
            return STR("payment_intent.succeeded");
        return STR("charge.captured");
    case PSP_CANCEL: return STR("payment_intent.canceled");
    case PSP_REFUND:
        if (event->created) return STR("refund.created");
        return declined ? STR("refund.failed") : STR("refund.updated");
    case PSP_PAY_OUT:
        if (declined) return STR("payout.failed");
        return done ? STR("payout.paid") : STR("payout.created");
    case SANDBOX_CHARGEBACK:
        if (event->state == SANDBOX_OPENED) return STR("charge.dispute.created");
        if (event->state == SANDBOX_REVERSED) return STR("charge.dispute.funds_reinstated");
        return STR("charge.dispute.closed");
    default: return charge_event_type(event);
    }
}

void wire_stripe_event(struct json_writer *writer, const struct sandbox *sandbox, uint32_t event)
{
    const struct sandbox_event *about = sandbox_event(sandbox, event);
    char id[WIRE_EVENT_ID_SIZE];
    json_write_object_begin(writer);
    desk_text(writer, STR("id"), wire_event_id(event, id));
    desk_text(writer, STR("object"), STR("event"));
    desk_text(writer, STR("type"), stripe_event_type(sandbox, about));
    created_write(writer, about->at);
    json_write_key(writer, STR("livemode"));
    json_write_bool(writer, false);
    json_write_key(writer, STR("data"));
    json_write_object_begin(writer);
    json_write_key(writer, STR("object"));
    wire_stripe_item(writer, sandbox, about->item);
    json_write_object_end(writer);
    json_write_object_end(writer);
}

/* ---- balance transactions ---- */

static struct str transaction_type(unsigned kind)
{
    switch (kind) {
    case PSP_LINE_CHARGE: return STR("charge");
    case PSP_LINE_REFUND: return STR("refund");
    case PSP_LINE_PAY_OUT: return STR("payout");
    case PSP_LINE_REFUND_FAILURE: return STR("refund_failure");
    case PSP_LINE_PAY_OUT_RETURN: return STR("payout_failure");
    default: return STR("adjustment");
    }
}

static void source_write(struct json_writer *writer, const struct sandbox *sandbox,
                         const struct sandbox_line *line)
{
    const struct sandbox_item *item = sandbox_item(sandbox, line->item);
    bool capture = item->kind == PSP_CAPTURE;
    bool charge = capture || item->kind == PSP_CHARGE;
    json_write_key(writer, STR("source"));
    if (!charge) {
        wire_stripe_item(writer, sandbox, line->item);
        return;
    }
    uint32_t number = capture ? item->parent : line->item;
    char id[PSP_TOKEN_SIZE];
    json_write_object_begin(writer);
    desk_text(writer, STR("id"), sandbox_object(sandbox, number, false, id));
    desk_text(writer, STR("object"), STR("charge"));
    metadata_write(writer, sandbox, number);
    desk_text(writer, STR("payment_intent"), sandbox_object(sandbox, number, true, id));
    json_write_object_end(writer);
}

void wire_stripe_transaction(struct json_writer *writer, const struct sandbox *sandbox,
                             uint32_t line)
{
    const struct sandbox_line *about = &sandbox->lines[line];
    uint32_t asset = sandbox_item(sandbox, about->item)->asset;
    bool more = trace_sides((enum psp_line_kind)about->kind).owed_more;
    int64_t gross = (int64_t)amount_of(about->gross, asset);
    int64_t fee = (int64_t)amount_of(about->fee, asset);
    char id[PSP_TOKEN_SIZE];
    int len = snprintf(id, sizeof id, "txn_%012u", line + 1);
    CHECK(len > 0 && (size_t)len < sizeof id);
    json_write_object_begin(writer);
    desk_text(writer, STR("id"), (struct str){ id, (size_t)len });
    desk_text(writer, STR("object"), STR("balance_transaction"));
    desk_text(writer, STR("type"), transaction_type(about->kind));
    json_write_key(writer, STR("amount"));
    json_write_int64(writer, more ? gross : -gross);
    currency_write(writer, asset);
    json_write_key(writer, STR("fee"));
    json_write_int64(writer, fee);
    json_write_key(writer, STR("net"));
    json_write_int64(writer, (more ? gross : -gross) - fee);
    created_write(writer, about->at);
    source_write(writer, sandbox, about);
    json_write_object_end(writer);
}

/* What a payment of its kind cannot have, or does not have yet, is left out. */
#include "api/payments_render.h"

#include "model/rate.h"

static void text_write(struct render *render, struct str key, const char *text)
{
    if (text[0] != '\0') render_name(render, key, text);
}

static void time_write(struct render *render, struct str key, struct wall_time time)
{
    if (time.ns != 0) render_time(render, key, time);
}

static void some_write(struct render *render, struct str key, struct money amount, uint32_t asset)
{
    if (!money_is_zero(amount)) render_amount(render, key, amount, asset);
}

/* False: an asset is not known, which only damage can bring about. */
static bool pair_find(struct asset_source *assets, uint32_t asset, uint32_t counter_asset,
                      struct rate_pair *out_pair, struct asset out_both[2])
{
    if (assets->by_id(assets->context, asset, &out_both[0]) != STATUS_OK) return false;
    if (assets->by_id(assets->context, counter_asset, &out_both[1]) != STATUS_OK) return false;
    *out_pair = (struct rate_pair){
        .asset = asset,
        .counter_asset = counter_asset,
        .exponent = out_both[0].exponent,
        .counter_exponent = out_both[1].exponent,
    };
    return true;
}

static void rate_write(struct render *render, const struct rate *rate, const struct rate_pair *pair)
{
    char text[RATE_TEXT_SIZE];
    render_text(render, STR("rate"), rate_format(rate, pair, text));
}

static void exchange_write(struct render *render, const struct payment *payment)
{
    struct rate_pair pair;
    struct asset both[2];
    bool known = pair_find(render->assets, payment->asset, payment->counter_asset, &pair, both);
    if (!known) return;
    render_name(render, STR("to_asset"), both[1].code);
    if (payment->rate_denominator == 0) return; /* refused before there was a rate */
    render_amount(render, STR("to_amount"), payment->counter_amount, payment->counter_asset);
    some_write(render, STR("residue"), payment->residue, payment->asset);
    const struct rate rate = {
        .numerator = payment->rate_numerator,
        .denominator = payment->rate_denominator,
    };
    rate_write(render, &rate, &pair);
}

static void amounts_write(struct render *render, const struct payment *payment)
{
    uint32_t asset = payment->asset;
    render_asset(render, asset);
    render_amount(render, STR("amount"), payment->amount, asset);
    render_amount(render, STR("captured"), payment->captured, asset);
    some_write(render, STR("refund_pending"), payment->refund_pending, asset);
    some_write(render, STR("refunded"), payment->refunded, asset);
    some_write(render, STR("disputed"), payment->disputed, asset);
    if (payment->kind == PAYMENT_EXCHANGE) exchange_write(render, payment);
}

static void psp_write(struct render *render, const struct payment *payment)
{
    text_write(render, STR("psp"), payment->psp);
    text_write(render, STR("method"), payment->method);
    text_write(render, STR("psp_object"), payment->psp_object);
    if (payment->step == 0) return;
    render_name(render, STR("step"), psp_operation_name(payment->step));
    render_number(render, STR("step_number"), payment->step_number);
    if (!money_equal(payment->step_amount, payment->amount))
        render_amount(render, STR("step_amount"), payment->step_amount, payment->asset);
    render_number(render, STR("attempts"), payment->attempts);
}

void render_payment(struct render *render, const struct payment *payment)
{
    render_uuid(render, STR("id"), payment->id.value);
    render_name(render, STR("kind"), payment_kind_name(payment->kind));
    render_name(render, STR("state"), payment_state_name(payment->state));
    text_write(render, STR("reason"), payment->reason);
    render_reference(render, STR("payment"), payment->parent.value);
    render_reference(render, STR("wallet"), payment->wallet.value);
    render_reference(render, STR("counter"), payment->counter.value);
    amounts_write(render, payment);
    psp_write(render, payment);
    if ((payment->flags & PAYMENT_FLAG_SETTLED) != 0) render_bool(render, STR("settled"), true);
    if (payment->code != 0) render_number(render, STR("code"), payment->code);
    render_reference(render, STR("user_ref"), payment->user_ref);
    render_time(render, STR("created_at"), payment->created_at);
    time_write(render, STR("expires_at"), payment->expires_at);
    time_write(render, STR("due_at"), payment->next_at);
    render_number(render, STR("version"), payment->version);
}

void render_rate(struct render *render, const struct rate *rate)
{
    struct rate_pair pair;
    struct asset both[2];
    if (!pair_find(render->assets, rate->asset, rate->counter_asset, &pair, both)) return;
    render_name(render, STR("asset"), both[0].code);
    render_name(render, STR("to_asset"), both[1].code);
    rate_write(render, rate, &pair);
    render_number(render, STR("numerator"), rate->numerator);
    render_number(render, STR("denominator"), rate->denominator);
}

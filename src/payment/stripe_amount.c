#include "payment/stripe_amount.h"

#include "model/asset.h"

/* What Stripe's minor unit is of ours: ours * times = Stripe's * per; Stripe's is a multiple. */
struct scale {
    uint8_t times;
    uint8_t per;
    uint8_t multiple;         /* of Stripe's amount */
    uint8_t multiple_pay_out; /* the same for pay-outs */
};

static const struct {
    char code[STRIPE_CURRENCY_SIZE];
    struct scale scale;
} exceptions[] = {
    { "MGA", { 1, 100, 1, 1 } }, { "ISK", { 100, 1, 100, 100 } }, { "UGX", { 100, 1, 100, 100 } },
    { "BHD", { 1, 1, 10, 10 } }, { "JOD", { 1, 1, 10, 10 } },     { "KWD", { 1, 1, 10, 10 } },
    { "OMR", { 1, 1, 10, 10 } }, { "TND", { 1, 1, 10, 10 } },     { "HUF", { 1, 1, 1, 100 } },
    { "TWD", { 1, 1, 1, 100 } },
};

static bool scale_of(const struct asset *asset, struct scale *out_scale)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (!str_equal(str_from(asset->code), str_from(exceptions[i].code))) continue;
        *out_scale = exceptions[i].scale;
        return true;
    }
    *out_scale = (struct scale){ 1, 1, 1, 1 };
    return asset->exponent == 0 || asset->exponent == 2;
}

enum status stripe_amount_write(uint32_t asset, struct money amount, bool pay_out,
                                uint64_t *out_amount, char out_currency[STRIPE_CURRENCY_SIZE])
{
    const struct asset *iso = asset_iso_by_id(asset);
    struct scale scale;
    if (iso == NULL || !scale_of(iso, &scale)) return STATUS_INVALID;
    if (amount.minor > STRIPE_AMOUNT_MAX * scale.per) return STATUS_INVALID;
    if (amount.minor % scale.per != 0) return STATUS_INVALID;
    uint64_t theirs = (uint64_t)amount.minor / scale.per * scale.times;
    if (theirs > STRIPE_AMOUNT_MAX) return STATUS_INVALID;
    if (theirs % (pay_out ? scale.multiple_pay_out : scale.multiple) != 0) return STATUS_INVALID;
    *out_amount = theirs;
    for (int i = 0; i < STRIPE_CURRENCY_SIZE - 1; i++)
        out_currency[i] = (char)(iso->code[i] - 'A' + 'a');
    out_currency[STRIPE_CURRENCY_SIZE - 1] = '\0';
    return STATUS_OK;
}

enum status stripe_amount_read(struct str currency, uint64_t amount, uint32_t *out_asset,
                               struct money *out_amount)
{
    char code[STRIPE_CURRENCY_SIZE] = "";
    struct scale scale;
    if (currency.len != STRIPE_CURRENCY_SIZE - 1) return STATUS_INVALID;
    for (size_t i = 0; i < currency.len; i++) {
        if (currency.data[i] < 'a' || currency.data[i] > 'z') return STATUS_INVALID;
        code[i] = (char)(currency.data[i] - 'a' + 'A');
    }
    const struct asset *iso = asset_iso_by_code(str_from(code));
    if (iso == NULL || !scale_of(iso, &scale)) return STATUS_INVALID;
    uint128 ours = (uint128)amount * scale.per;
    if (ours % scale.times != 0) return STATUS_INVALID;
    *out_asset = iso->id;
    out_amount->minor = ours / scale.times;
    return STATUS_OK;
}

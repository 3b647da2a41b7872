/* stripe_amount.h - amounts as Stripe counts them: currencies without decimals, and with three. */
#ifndef PAYMENT_STRIPE_AMOUNT_H
#define PAYMENT_STRIPE_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/money.h"
#include "base/status.h"
#include "base/str.h"

/*
 * Stripe takes ISO 4217's minor units, but:
 * - MGA has no decimals there (two in ISO): whole ariary only.
 * - ISK and UGX have two decimals there (none in ISO), both zero.
 * - BHD, JOD, KWD, OMR and TND have three, of which the last is zero.
 * - Pay-outs of HUF and TWD are whole: both decimals zero.
 * - Other currencies that ISO gives three or four decimals are not taken.
 * - More than 12 digits are not taken.
 * What cannot be said exactly is refused, never rounded.
 */
enum { STRIPE_CURRENCY_SIZE = 4 };
#define STRIPE_AMOUNT_MAX UINT64_C(999999999999)

/* The currency in lower case. STATUS_INVALID: it cannot be said to Stripe. */
enum status stripe_amount_write(uint32_t asset, struct money amount, bool pay_out,
                                uint64_t *out_amount, char out_currency[STRIPE_CURRENCY_SIZE])
    MUST_CHECK;
/* STATUS_INVALID: no currency, or an amount that it does not have. */
enum status stripe_amount_read(struct str currency, uint64_t amount, uint32_t *out_asset,
                               struct money *out_amount) MUST_CHECK;

#endif

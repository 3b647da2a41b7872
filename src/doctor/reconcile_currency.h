/* reconcile_currency.h - the currencies of a comparison: ISO 4217, and those that a mapping adds. */
#ifndef DOCTOR_RECONCILE_CURRENCY_H
#define DOCTOR_RECONCILE_CURRENCY_H

#include "base/limits.h"
#include "doctor/reconcile_line.h"

enum { RECONCILE_CURRENCIES_MAX = 256 };

/* What a currency's lines came to, for the report. */
struct reconcile_currency {
    char code[ASSET_CODE_LEN_MAX + 1];
    uint8_t exponent;
    struct signed_amount bound; /* reconcile_bound() */
};

struct reconcile_currencies {
    struct reconcile_currency list[RECONCILE_CURRENCIES_MAX];
    uint32_t count;
};

/* Of a code in upper or lower case; an ISO one is added when it is met. False: there is none. */
bool reconcile_currency_find(struct reconcile_currencies *currencies, struct str code,
                             uint32_t *out_currency);

/* STATUS_INVALID: no code, an ISO one with other decimals, or one given twice. STATUS_LIMIT. */
enum status reconcile_currency_add(struct reconcile_currencies *currencies, struct str code,
                                   unsigned exponent) MUST_CHECK;

/*
 * Sums of lines fit in 128 bits when every line was counted here first, per currency: *bound is
 * what all amounts and fees can come to. False, and *bound unchanged: this line has to be refused.
 */
bool reconcile_bound(struct signed_amount *bound, const struct reconcile_line *line);

#endif

/* reconcile_fees.h - what a contract says that a movement costs: by kind, currency and date. */
#ifndef DOCTOR_RECONCILE_FEES_H
#define DOCTOR_RECONCILE_FEES_H

#include "base/error.h"
#include "doctor/reconcile_currency.h"
#include "doctor/reconcile_line.h"

enum { RECONCILE_FEES_MAX = 256, RECONCILE_KIND_MAX = 32 };

struct reconcile_fee {
    char kind[RECONCILE_KIND_MAX]; /* "*": every kind */
    uint32_t currency;
    struct business_date from;
    uint32_t ppm;               /* of the amount, in millionths; 2.9 % is 29000 */
    struct signed_amount fixed; /* beside it */
};

struct reconcile_fees {
    struct reconcile_fee fees[RECONCILE_FEES_MAX];
    uint32_t count;
};

/*
 * One contract a line: "KIND CURRENCY FROM PERCENT% FIXED", as "charge EUR 2026-01-01 1.4% 0.25";
 * empty lines and those that begin with # are none. STATUS_INVALID names the line.
 */
enum status reconcile_fees_parse(struct str text, struct reconcile_currencies *currencies,
                                 struct reconcile_fees *out_fees, struct error *out_error)
    MUST_CHECK;

/*
 * The fee of the contract that was in force: the latest `from` that is not after the line's day,
 * its own kind before "*". The percentage is of the amount without its sign, half a minor unit is
 * rounded up. False: no contract is about it, or the product passes 127 bits.
 */
bool reconcile_fee_of(const struct reconcile_fees *fees, struct str kind,
                      const struct reconcile_line *line, struct signed_amount *out_fee);

#endif

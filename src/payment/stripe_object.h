/* stripe_object.h - an object of Stripe's as it is read: the members that are used, others skipped. */
#ifndef PAYMENT_STRIPE_OBJECT_H
#define PAYMENT_STRIPE_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json_reader.h"
#include "base/str.h"

/*
 * Payment intents, charges, refunds, payouts and disputes in one: what an object lacks is empty,
 * or below zero for numbers. Texts are views into the input or the arena. What Stripe gives as an
 * id or, expanded, as an object is read as the id.
 */
struct stripe_object {
    struct str id;
    struct str kind; /* "object": "payment_intent" */
    struct str status;
    struct str currency;
    struct str payment_intent;
    struct str reference; /* metadata[reference] */
    struct str failure; /* decline_code, else code, of last_payment_error; failure_code, _reason */
    int64_t amount;
    int64_t amount_received;
    int64_t amount_capturable;
    int64_t created;
    bool marked;          /* metadata[capture_N] is there, N as asked for */
    int64_t marked_other; /* sum of the marks of other captures; below zero: one is no number */
};

/* Takes the object that is due. step_number is the N of `marked`. False after a fault. */
bool stripe_object_read(struct json_reader *reader, uint32_t step_number,
                        struct stripe_object *out_object);

/* Takes a whole number of either sign; null is -1. */
bool stripe_number_read(struct json_reader *reader, int64_t *out_number);

#endif

/* stripe_event.h - Stripe's events as hints: what a webhook's body refers to. */
#ifndef PAYMENT_STRIPE_EVENT_H
#define PAYMENT_STRIPE_EVENT_H

#include "base/arena.h"
#include "base/status.h"
#include "payment/psp_wire.h"

/*
 * The signature is checked before. type payment_intent.*, refund.*, payout.* and charge.refund.*
 * are PSP_EVENT_ORDER, with the object's id (of a refund, the refund's) and reference.
 * charge.dispute.created is CHARGEBACK_OPENED; charge.dispute.closed is WON, LOST or REVERSED
 * (warning_closed, and prevented) by the dispute's status; its object is the payment intent, by
 * which the payment is found: a dispute carries no reference. All else is OTHER.
 *
 * STATUS_INVALID: it is not one of Stripe's events. An arena of twice the body is enough.
 */
enum status stripe_event_read(struct str body, struct arena *arena, struct psp_event *out_event)
    MUST_CHECK;

#endif

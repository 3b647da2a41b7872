/* stripe_wire.h - the part of Stripe's API that is used, as bytes: requests out, answers in. */
#ifndef PAYMENT_STRIPE_WIRE_H
#define PAYMENT_STRIPE_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "model/psp.h"
#include "payment/psp_wire.h"

/*
 * operation    order                                    query
 * CHARGE       POST payment_intents, confirmed          by its id when known, else searched by
 * AUTHORISE    the same, captured by hand               metadata[reference]
 * CAPTURE      POST payment_intents/ID/capture          by its id: metadata[capture_N] is there
 * CANCEL       POST payment_intents/ID/cancel           by its id: canceled, or nothing is left
 * REFUND       POST refunds                             the payment intent's refunds, one by one
 * PAY_OUT      POST payouts                             by its id when known, else all payouts
 *
 * metadata[reference] is psp_key(), and so is the header Idempotency-Key, which the caller sends.
 * A capture is marked by metadata[capture_N], N the step's number, with the amount asked for; what
 * was captured by it is amount_received less the marks of the other captures.
 */
enum {
    STRIPE_PATH_SIZE_MAX = 1 << 10,
    STRIPE_FORM_SIZE_MAX = 4 << 10,
    STRIPE_ANSWER_SIZE_MAX = 1 << 20, /* a page of 100 objects, some with others inside */
    STRIPE_ARENA_SIZE_MAX = 4 << 20,
    STRIPE_PAGE_OBJECTS = 100, /* Stripe's maximum */
    STRIPE_EVENT_SIZE_MAX = 256 << 10,
};

/* STATUS_INVALID: it cannot be said to Stripe; nothing is to be sent. */
enum status stripe_order_write(const struct psp_order *order, struct buf *out_path,
                               struct buf *out_form) MUST_CHECK;

/* One GET; `after` is "" or what stripe_query_read() gave. STATUS_INVALID: as above. */
enum status stripe_query_write(const struct psp_order *order, const char *after,
                               struct buf *out_path) MUST_CHECK;

/* What an answer to an order comes to; writes what sandbox_answer_read() writes. */
void stripe_answer_read(const struct psp_order *order, const struct psp_http *http,
                        struct arena *arena, struct psp_reply *out_reply);

/*
 * The same of a query. True: it is not on this page, and there is another; out_after names it,
 * and the reply is UNKNOWN until then.
 */
bool stripe_query_read(const struct psp_order *order, const struct psp_http *http,
                       struct arena *arena, struct psp_reply *out_reply,
                       char out_after[PSP_TOKEN_SIZE]);

#endif

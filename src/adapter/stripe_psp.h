/* stripe_psp.h - port/psp.h over Stripe's API, or a server that speaks that part of it. */
#ifndef ADAPTER_STRIPE_PSP_H
#define ADAPTER_STRIPE_PSP_H

#include "adapter/psp_caller.h"

/*
 * What is sent and how answers are read: payment/stripe_wire.h, payment/stripe_statement.h. The
 * version of the API is pinned, so that shapes do not change under us.
 */
#define STRIPE_VERSION "2026-08-26.dahlia"

enum {
    /* Search: below a minute as a rule, up to an hour when Stripe has trouble. */
    STRIPE_HORIZON_MS = 3600 * 1000,
    /* Keys may be forgotten after 24 hours; one is left for clocks and calls under way. */
    STRIPE_KEY_WINDOW_MS = 23 * 3600 * 1000,
    /* Pay-outs are searched one by one when the id is not known: 10,000 of them. */
    STRIPE_PAGES_MAX = 100,
};

/* STATUS_INVALID, STATUS_UNAVAILABLE as psp_caller_init() and memory say. */
enum status stripe_psp_open(const struct psp_options *options, struct psp **out_psp,
                            struct error *out_error) MUST_CHECK;

#endif

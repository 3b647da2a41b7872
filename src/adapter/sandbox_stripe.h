/* sandbox_stripe.h - the subset of Stripe's API that the sandbox speaks. */
#ifndef ADAPTER_SANDBOX_STRIPE_H
#define ADAPTER_SANDBOX_STRIPE_H

#include "adapter/sandbox_desk.h"

/* Ends with an entry whose path is NULL. */
extern const struct desk_route desk_stripe_routes[];

#endif

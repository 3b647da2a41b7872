/* payments_render.h - payments and rates in answers. */
#ifndef API_PAYMENTS_RENDER_H
#define API_PAYMENTS_RENDER_H

#include "api/render.h"
#include "model/admin.h"
#include "model/payment.h"

/* The members of a payment, into the object that is open. */
void render_payment(struct render *render, const struct payment *payment);

/* asset, to_asset, rate, numerator and denominator; nothing when an asset is not known. */
void render_rate(struct render *render, const struct rate *rate);

#endif

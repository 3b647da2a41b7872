/* sandbox_stripe_wire.h - the sandbox's items and events in Stripe's shapes, and Stripe's amounts. */
#ifndef ADAPTER_SANDBOX_STRIPE_WIRE_H
#define ADAPTER_SANDBOX_STRIPE_WIRE_H

#include "base/json_writer.h"
#include "sandbox/sandbox.h"

void wire_stripe_item(struct json_writer *writer, const struct sandbox *sandbox, uint32_t item);
void wire_stripe_event(struct json_writer *writer, const struct sandbox *sandbox, uint32_t event);
/* A statement line as a balance transaction. */
void wire_stripe_transaction(struct json_writer *writer, const struct sandbox *sandbox,
                             uint32_t line);
/*
 * Stripe counts in its own minor units: ISK and UGX with two decimals, MGA with none; what has
 * three decimals must end in a zero. False when an amount cannot be told so.
 */
bool wire_stripe_amount(struct money amount, uint32_t asset, uint64_t *out_amount);
bool wire_stripe_amount_read(uint64_t amount, uint32_t asset, struct money *out_amount);
const char *wire_stripe_decline_code(enum sandbox_reason reason, const char **out_code);

#endif

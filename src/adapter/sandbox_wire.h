/* sandbox_wire.h - what the sandbox writes of itself: orders, chargebacks, events, Stripe's objects. */
#ifndef ADAPTER_SANDBOX_WIRE_H
#define ADAPTER_SANDBOX_WIRE_H

#include "base/json_writer.h"
#include "sandbox/sandbox.h"

/* An order or a chargeback as it stands; one JSON object. */
void wire_item(struct json_writer *writer, const struct sandbox *sandbox, uint32_t item);
/* The body of a webhook: the item as it stood when the event was made. */
void wire_event(struct json_writer *writer, const struct sandbox *sandbox, uint32_t event);
enum { WIRE_EVENT_ID_SIZE = 32 };
struct str wire_event_id(uint32_t event, char out_text[WIRE_EVENT_ID_SIZE]);
/* The event of that id. */
bool wire_event_find(const struct sandbox *sandbox, struct str id, uint32_t *out_event);

/* ---- Stripe's shapes ---- */

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

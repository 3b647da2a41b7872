/* sandbox_wire.h - what the sandbox writes of itself: orders, chargebacks and events. */
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

#endif

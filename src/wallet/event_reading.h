/* event_reading.h - an event's envelope taken apart again, as a consumer gets it from outside. */
#ifndef WALLET_EVENT_READING_H
#define WALLET_EVENT_READING_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "port/event_store.h"

enum { EVENT_TEXT_LEN_MAX = 512 }; /* of source, type, and what is said of a payment */

/*
 * Views are into json and the arena, which must have room for json.len and a third more. Members
 * that are not known are passed over: fields are added in time. STATUS_INVALID: it is no event of
 * a ledger, with the reason in out_error. STATUS_LIMIT: the arena is too small.
 */
enum status event_reading_parse(struct str json, struct arena *arena,
                                struct event_reading *out_event, struct error *out_error)
    MUST_CHECK;

#endif

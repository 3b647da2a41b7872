/* event_reading.h - an event's envelope taken apart again, as a consumer gets it from outside. */
#ifndef WALLET_EVENT_READING_H
#define WALLET_EVENT_READING_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "base/time.h"
#include "model/id.h"

/* A payment as an event shows it; texts are "" where it says nothing. */
struct event_payment {
    struct uuid id;
    struct str kind;
    struct str state;
    struct str asset;
    struct str amount;
    uint64_t version; /* grows with each change: what is older is no news */
};

struct event_reading {
    struct str id;
    struct str source;
    struct str type;
    struct position position; /* the id's */
    struct wall_time time;
    uint32_t payment_count; /* the payment, and its parent when that has changed with it */
    struct event_payment payments[2];
};

/*
 * Views are into json and the arena, which must have room for json.len and a third more. Members
 * that are not known are passed over: fields are added in time. STATUS_INVALID: it is no event of
 * a ledger, with the reason in out_error. STATUS_LIMIT: the arena is too small.
 */
enum status event_reading_parse(struct str json, struct arena *arena,
                                struct event_reading *out_event, struct error *out_error)
    MUST_CHECK;

#endif

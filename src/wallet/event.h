/* event.h - what others may know of a unit: one event, made of the unit's records alone. */
#ifndef WALLET_EVENT_H
#define WALLET_EVENT_H

#include "model/asset.h"
#include "model/record.h"
#include "wallet/event_feed.h"

/*
 * Pure: the same records are the same event, at every reading and for ever. A unit is at most one
 * event, whose id is its position:
 *
 *   payment.STATE      a payment was made, has moved, or its amounts have changed; data is the
 *                      payment, and `parent` when that has changed with it
 *   transfer.KIND      transfers that belong to no payment; data says how many the unit has, and
 *                      lists the first EVENT_TRANSFERS_MAX
 *   account.created, account.changed
 *
 * Refusals are no events, but for payments that were refused (payment.failed); nor are keys,
 * assets, rates and periods. Ids are random; there is nothing personal in an event.
 */

enum { EVENT_TRANSFERS_MAX = 100 };

/* What is known of the unit while its records pass, in order. Zeroed: nothing yet. */
struct event_unit {
    const struct record_context *context;
    const struct record_head *first; /* the record that the event is about; NULL: no event */
    const struct record_payment *parent;
    const struct record_transfer *transfers[LINKED_MAX];
    uint32_t transfer_count;
};

/* The records stay the caller's until the event is written. */
void event_unit_add(struct event_unit *unit, const struct record_context *context,
                    const struct record_head *record);

/* Finds code and exponent of an asset; false: it is not known. */
struct event_assets {
    bool (*find)(void *context, uint32_t id, struct asset *out_asset);
    void *context;
};

/*
 * Writes the event's parts into memory, which is emptied first. False: the unit is no event.
 * source of the event is left to the caller. What does not fit sets memory's overflow.
 */
bool event_write(const struct event_unit *unit, struct position position, struct wall_time stamp,
                 const struct event_assets *assets, struct buf *memory,
                 struct feed_event *out_event);

#endif

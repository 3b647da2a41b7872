/* event_envelope.h - an event as CloudEvents 1.0 in JSON: one form for every way out. */
#ifndef WALLET_EVENT_ENVELOPE_H
#define WALLET_EVENT_ENVELOPE_H

#include "wallet/event_feed.h"

/*
 * What a delivery to an endpoint says beside the event, as extension attributes: "sequence" (a
 * string of digits), "passed" (how many sequence numbers right before it are dead letters, when
 * there are any) and "redriven" (when it is a dead letter delivered after all).
 */
struct event_delivery {
    uint64_t sequence;
    uint64_t passed;
    bool redriven;
};

/*
 * Appends one JSON object; the same bytes for the same arguments, for ever, so that "traceparent"
 * has the unit's own span and says that it may have been sampled: whether it was is not in the
 * journal. What was is said by the traceparent beside the envelope, in the headers it travels with.
 * delivery NULL: the event alone. STATUS_LIMIT: it does not fit.
 */
enum status event_envelope_write(const struct feed_event *event,
                                 const struct event_delivery *delivery, struct buf *out_json)
    MUST_CHECK;

#endif

/* transit.h - the workers of money between lanes: what has left goes on until it is there or back. */
#ifndef WALLET_TRANSIT_H
#define WALLET_TRANSIT_H

#include "model/transit.h"
#include "wallet/lane.h"

/*
 * One worker for each other lane. It goes round straight: look which departures for that lane are
 * open, ask the lane to take what arrives, wait until that is durable there, end the departures
 * here: settled where it was accepted, released where it was refused. The steps and their ids are
 * in model/transit.h, so a crash anywhere between loses nothing and asking again doubles nothing;
 * nothing of the workers' own is durable.
 *
 * A departure that a payment waits for is ended by the payment's own command, PAYMENT_CAUSE_ARRIVE:
 * what has become of both is one unit.
 *
 * What the other lane answers for some ends, whatever becomes of the others: a call that fails is
 * made again for each of them, so that one which has no answer is not in the way of the rest.
 *
 * An end that this lane refuses is refused for good: nothing of an end looks at what can heal. Such a
 * departure is stuck: told once as an alarm, counted, and left as it is (its money stays reserved, so
 * nothing is lost or doubled) until it is ended in another way or somebody else owns the lane. All
 * that is no answer (no owner, overload, an index that is being rebuilt) is asked for again, after a
 * pause that grows up to 5 s, some of it by chance.
 *
 * A departure that the other lane has not decided after patience_ms is taken back: asked for again
 * in a way that refuses it for ever when it is not known there. While that lane cannot be reached
 * it stays open, whatever the time, since it may have been accepted.
 */
struct transit;

/*
 * The way to another lane, in this process or not. As lane_run(): STATUS_OK: results are written.
 * STATUS_IN_DOUBT: it may be done, or be done yet, at any time; anything else: it is not done. It
 * keeps nothing of the request's when it returns, which it does within TRANSIT_CALL_MS_MAX.
 */
struct transit_link {
    enum status (*run)(struct transit_link *link, struct request *request);
};

enum { TRANSIT_CALL_MS_MAX = 30000, TRANSIT_PATIENCE_MS_DEFAULT = 60000 };

struct transit_options {
    uint32_t lanes;                    /* of the ledger, 2 to LANES_MAX */
    uint32_t lane;                     /* this one */
    int64_t patience_ms;               /* at least 1 */
    struct transit_link *const *links; /* by lane, this one's is not used; outlive the workers */
};

/* Since the start, but for the first two. */
struct transit_status {
    uint64_t open;  /* now: all of them, when a worker looked last */
    uint64_t stuck; /* now: of those, the ones whose end was refused */
    uint64_t settled;
    uint64_t released;
    uint64_t withdrawn;   /* asked to be taken back; may have been accepted before */
    uint64_t unreachable; /* rounds in which the other lane did not answer all */
    uint64_t broken;      /* ends that were refused: never, or alarm */
};

/* STATUS_LIMIT: no memory; STATUS_UNAVAILABLE: no task can be started. */
enum status transit_start(struct lane *lane, const struct lane_ports *ports,
                          const struct transit_options *options, struct transit **out_transit,
                          struct error *out_error) MUST_CHECK;

/*
 * Workers finish the call in hand and end. Before lane_close(); a lane that is drained sends them
 * away. Accepts NULL.
 */
void transit_stop(struct transit *transit);

/* Something has left: whoever made a departure says so, or the workers find it within a second. */
void transit_wake(struct transit *transit);

/*
 * Why this lane has refused to end a departure for lane `peer` (static: the code of an outcome); NULL:
 * it has not, as far as is known. Nothing of it is durable: after a start, or with another owner, each
 * is waited for until it was tried here once more, and past TRANSIT_STUCK_MAX to one lane none is
 * known. paid: a payment waits for it.
 */
const char *transit_refusal(struct transit *transit, uint32_t peer, struct transfer_id departure,
                            bool paid);

void transit_get_status(struct transit *transit, struct transit_status *out_status);

#endif

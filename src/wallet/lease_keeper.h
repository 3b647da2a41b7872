/* lease_keeper.h - when to renew a lease, when to stop answering, when to try to take over. Pure. */
#ifndef WALLET_LEASE_KEEPER_H
#define WALLET_LEASE_KEEPER_H

#include "base/time.h"
#include "port/lease.h"

/*
 * A replica's side of one lane's lease. It knows one clock, its own monotonic one, and counts a
 * lease from before the request for it was sent: whatever the network took, the lease ends later
 * for the others than for its holder. The margin covers clocks that run at different speeds:
 * a hundredth of the term, and then some.
 *
 *   FOLLOWING ── take ──► HOLDING ── somebody else has taken it ──► FOLLOWING
 *                          │   ▲
 *                 time up, │   │ renewed, and nobody had taken it
 *                          ▼   │
 *                     (holding, but not to be believed: nothing is answered)
 *
 * Whoever only lost touch keeps what it has in memory: the epoch of its lease tells whether
 * anybody else was there.
 */
struct lease_terms {
    uint32_t ttl_ms;
    uint32_t margin_ms; /* believed so much less */
    uint32_t renew_ms;  /* from one renewal to the next, when all goes well */
    uint32_t retry_ms;  /* after one that did not go well */
    uint32_t poll_ms;   /* from one look of a follower to the next */
};

/* 2 s, of which 250 ms are margin; renewed each 400 ms: four may fail. */
extern const struct lease_terms LEASE_TERMS_DEFAULT;

enum lease_role { LEASE_FOLLOWING, LEASE_HOLDING };

enum lease_step {
    LEASE_STEP_NONE, /* before `at` there is nothing to do */
    LEASE_STEP_READ,
    LEASE_STEP_TAKE,
    LEASE_STEP_RENEW,
};

struct lease_keeper {
    struct lease_terms terms;
    struct lease_party party;
    enum lease_role role;
    uint64_t epoch;              /* of the lease that is held */
    struct monotonic_time until; /* believed so long; 0: not at all */
    struct monotonic_time at;    /* of the next step */
    bool take_now;               /* it was seen expired, and open to this one */
    bool known;                  /* view is something: */
    struct lease_view view;      /* as last seen, */
    struct monotonic_time seen;  /* asked for then */
};

/* False: the terms contradict themselves. */
bool lease_terms_fit(const struct lease_terms *terms);

void lease_keeper_init(struct lease_keeper *keeper, const struct lease_terms *terms,
                       const struct lease_party *party);

/*
 * What to ask of the lease now. A follower takes only when it is able to own the lane (`warm`).
 * The same again until lease_keeper_answered().
 */
enum lease_step lease_keeper_next(const struct lease_keeper *keeper, struct monotonic_time now,
                                  bool warm);

/* What came of a step that was asked for at `asked`. view counts for STATUS_OK only. */
struct lease_answer {
    enum lease_step step;
    enum status status;
    struct lease_view view;
    struct monotonic_time asked; /* before the request was sent */
    struct monotonic_time now;
};
void lease_keeper_answered(struct lease_keeper *keeper, const struct lease_answer *answer);

/* Whether an answer may leave now. */
bool lease_keeper_believes(const struct lease_keeper *keeper, struct monotonic_time now);

/* Nothing is answered any more from here on; the lease may then be released. */
void lease_keeper_yield(struct lease_keeper *keeper, struct monotonic_time now);

/* Who is asked for to own the lane next, when this one holds it and is not meant; or NULL. */
const char *lease_keeper_wanted(const struct lease_keeper *keeper);

/* The url of who owns the lane, as last seen; NULL: nobody is known to, or it is this one. */
const char *lease_keeper_owner(const struct lease_keeper *keeper, struct monotonic_time now);

#endif

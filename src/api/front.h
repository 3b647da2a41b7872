/* front.h - in front of a lane's API: a call is answered here by its owner, or by whoever owns it. */
#ifndef API_FRONT_H
#define API_FRONT_H

#include "api/api.h"
#include "port/lane_route.h"
#include "port/peer.h"
#include "port/tracer.h"

/*
 * What a replica's transports see instead of an api. A call goes to the API of its lane when this
 * replica owns the lane, and is handed to the owner when another does. While nobody is known to,
 * it is held, and tried again every few milliseconds, until hold_ms have passed since it came.
 *
 *   start ──► owned here? ──yes──► api ──► still believed? ──yes──► answer
 *     │             │ no                        │ no
 *     │             ▼                           ▼
 *     │        owner known? ──yes──► peer ──► undone, or repeatable: held ──► again
 *     │             │ no                        │ neither
 *     │             ▼                           ▼
 *     │           held                       503 in_doubt
 *     └─ of a peer: owned here, or refused as not_owner: one hop, never two
 *
 * No answer leaves that is not covered by the lease: that is asked when the API has the answer,
 * and once more right before the transport gets it, commits and reads alike. An answer that is
 * not covered is thrown away; the call is made again at the next owner when that is safe:
 * reads, calls with an Idempotency-Key, and the creation of items, whose ids are given.
 *
 * GET /v1/accounts/{id} with max_stale_ms may be answered by a replica that follows the lane, from
 * what it has in memory, when that is not older and covers min_position; else, and when it finds
 * nothing there, by the owner as ever. Its age is looked at once more before it leaves.
 *
 * /livez, /readyz, /metrics and the documents are answered by each replica for itself, of all lanes
 * that it owns or follows.
 *
 * Memory: FRONT_CALLS_MAX calls at once (about 500 bytes each); past it 429.
 */
struct front;

enum {
    FRONT_CALLS_MAX = API_CALLS_MAX,
    FRONT_HOLD_MS = 8000,
    FRONT_LEFT_MS_MAX = 30000,
    /* Of links: they ask again by themselves, and whoever ends them waits for a call. */
    FRONT_LINK_HOLD_MS = 1000,
    FRONT_LINK_LEFT_MS_MAX = 5000,
};

struct front_options {
    struct lane_route *route; /* all belong to the caller and outlive the front */
    struct peer *peer;
    struct sync *sync;
    struct clock *clock;
    struct entropy *entropy;
    struct tracer *tracer; /* NULL: nobody watches */
    /* Who shows it is a peer, and nobody else. NULL: the transport knows who is one. */
    const struct secret *peer_secret;
    uint32_t hold_ms;   /* 0: FRONT_HOLD_MS */
    struct uuid ledger; /* a call of a peer that names another is refused; nil: not looked at */
    uint32_t lanes;     /* of the ledger: api/lanes.h says where a call goes; 0 and 1: one */
};

enum status front_new(const struct front_options *options, struct front **out_front,
                      struct error *out_error) MUST_CHECK;
/* Nothing may be pending, no stream open. Accepts NULL. */
void front_free(struct front *front);

/* For transports that clients reach; and for the one that only peers reach. */
struct api_service front_service(struct front *front);
struct api_service front_peer_service(struct front *front);
/* For what lanes of this process ask of others: arrivals (api/lane_link.h), totals. */
struct api_service front_link_service(struct front *front);

/* A lane has come here, or its owner is known: what is held is tried again now. Any task. */
void front_wake(struct front *front);

struct front_status {
    uint64_t forwarded; /* calls sent to a peer, each attempt */
    uint64_t followed;  /* calls answered from what is followed here */
    uint64_t held;      /* calls that had to wait for an owner */
    uint64_t held_now;
    uint64_t silenced; /* answers thrown away, as the lease had run out */
    uint64_t refused;  /* calls of peers, for a lane that is not owned here */
    uint64_t given_up; /* calls that found no owner in time */
};
void front_get_status(struct front *front, struct front_status *out_status);

#endif

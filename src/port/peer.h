/* peer.h - calls handed on to another replica: asynchronous, clear about what was sent. */
#ifndef PORT_PEER_H
#define PORT_PEER_H

#include "port/api_call.h"
#include "port/lease.h"

/*
 * The headers between replicas. A replica believes them only of a peer: of a connection to its
 * listener for peers, which shows a certificate of the cluster's, or the secret, or both.
 */
#define PEER_HEADER_SECRET "TPW-Peer-Secret"  /* that all replicas share */
#define PEER_HEADER_LEFT_MS "TPW-Left-Ms"     /* how long the caller waits for the answer */
#define PEER_HEADER_LOCAL "TPW-Local-User"    /* came over the local socket: a uid, or "-" */
#define PEER_HEADER_ARRIVAL "TPW-Arrival"     /* of another lane: "decide", "pay", "withdraw" */
#define PEER_HEADER_LEDGER "TPW-Ledger"       /* the ledger's id, where it has one */
#define PEER_HEADER_NOT_OWNER "TPW-Not-Owner" /* in answers: "undone" or "doubt" */

enum { PEER_TRACEPARENT_SIZE = 56 };

/*
 * Belongs to the caller, from send() until done() was called or, when the answer comes in parts,
 * until leave().
 */
struct peer_call {
    struct api_call *call; /* its request is sent; its answer is written on STATUS_OK */
    char url[LEASE_URL_SIZE];
    char traceparent[PEER_TRACEPARENT_SIZE]; /* sent instead of the caller's; "": none */
    uint32_t left_ms;                        /* of the whole call; of a stream up to its head */

    /* Called once, by a task of the peer's; short, and it may call send() for another call. */
    void (*done)(struct peer_call *peer_call);
    void *owner;

    /*
     * STATUS_OK: there is an answer, whatever its status; a stream's answer has its first part,
     * and call->streams. STATUS_UNAVAILABLE, STATUS_DENIED: nothing was sent. STATUS_IN_DOUBT:
     * something was sent, and no whole answer came. STATUS_LIMIT: the answer does not fit.
     */
    enum status status;
    void *work; /* the peer's own */
};

struct peer {
    void (*send)(struct peer *peer, struct peer_call *peer_call);

    /* Of an answer in parts: as api_service has them (port/api_call.h). */
    enum api_progress (*more)(struct peer *peer, struct peer_call *peer_call);
    void (*hurry)(struct peer *peer, struct peer_call *peer_call);
    void (*leave)(struct peer *peer, struct peer_call *peer_call);
    void (*stop)(struct peer *peer);

    /* No call may be under way. Accepts NULL. */
    void (*close)(struct peer *peer);
};

#endif

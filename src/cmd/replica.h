/* replica.h - a lane in one of several servers before one journal: followed, or owned while its lease runs. */
#ifndef CMD_REPLICA_H
#define CMD_REPLICA_H

#include <stdatomic.h>

#include "api/front.h"
#include "cmd/host.h"
#include "port/lane_route.h"
#include "wallet/lease_keeper.h"

/*
 *   COLD ── recovers ──► FOLLOWING ── takes the lease ──► LEADING
 *    ▲                       │                              │
 *    └──── memory is of no use any more, or was handed over ┘
 *
 * Two tasks: one asks for the lease and nothing else, so that nothing slow delays a renewal; the
 * other changes roles. What leads (the lane's API, saga, relays) is opened when the lease is
 * held, and closed when it is lost or handed over; then the replica follows again. Calls to the
 * outside are made only while the lease is believed (struct http_cover).
 */
struct replica;

struct replica_options {
    const char *folder; /* outlives it */
    const char *name;   /* below LEASE_NAME_SIZE */
    uint32_t lane;
    const struct lease_terms *terms; /* NULL: LEASE_TERMS_DEFAULT; copied */
    struct log *log;
    atomic_uint *owned; /* lanes of the process: it counts here while it owns, or takes, its own */
    struct key_ring *keys; /* of lane 0: follows its keys while they are in memory; else NULL */
    struct carry *carry;   /* told when the lane is in memory; NULL: there is one lane */
    /* Around each time that it owns the lane, before anything is answered. */
    enum status (*begin)(void *context, struct host *host, struct error *out_error);
    void (*end)(void *context);
    void *context; /* of both */
};

/* STATUS_INVALID: the folder's journal is in no database. Else as host_open(). */
enum status replica_open(const struct replica_options *options, struct replica **out_replica,
                         struct error *out_error) MUST_CHECK;

/* What port/lane_route.h asks of the replica's lane. */
enum lane_place replica_find(struct replica *replica, char out_url[LEASE_URL_SIZE]);
bool replica_enter(struct replica *replica, struct api_service *out_service);
void replica_leave(struct replica *replica);
bool replica_may_answer(struct replica *replica);
bool replica_enter_own(struct replica *replica, struct api_service *out_service);
void replica_leave_own(struct replica *replica);
/* Until replica_leave_own(). */
bool replica_enter_followed(struct replica *replica, const struct lane_need *need,
                            struct api_service *out_service);

struct replica_start_options {
    const struct host_options *host; /* copied; what it points to outlives the replica */
    struct front *front;             /* whom to wake when the owner changes */
    const char *url;                 /* where peers reach this one; below LEASE_URL_SIZE */
};
/*
 * Begins to recover, follow and ask for the lease. Once. STATUS_CONFLICT: another server is this
 * replica, and the error tells where. STATUS_UNAVAILABLE: no task, or no lease can be read.
 */
enum status replica_start(struct replica *replica, const struct replica_start_options *options,
                          struct error *out_error) MUST_CHECK;

/*
 * Hands the lane over to a replica that is warm, if this one owns it and there is one, and never
 * takes it again; calls are forwarded meanwhile, and after it. The wait returns when that is done.
 */
void replica_retire(struct replica *replica);
void replica_retire_wait(struct replica *replica);

/* Ends its tasks, and with them all that it runs. The transports have no call any more. */
void replica_stop(struct replica *replica);
/* Stops it if that was not done. The front is gone. Accepts NULL. */
void replica_close(struct replica *replica);

enum replica_role { REPLICA_COLD, REPLICA_FOLLOWING, REPLICA_LEADING };

struct replica_status {
    enum replica_role role;
    bool warm;        /* could own the lane at once */
    bool clock_off;   /* CLOCK_SKEW_MS_MAX: it takes no lane */
    bool name_shared; /* another server says that it is this replica */
    bool keeps_log;   /* it has the key of the lane's verifiable log, and keeps that as an owner */
    int64_t skew_ms;  /* how far the wall clock is from the database's at least, either way */
    uint64_t left;    /* batches that a follower has yet to read */
    uint64_t epoch;   /* of the lease that is, or was last, held */
    int64_t left_ms;  /* how long the lease is still believed; 0: it is not */
    uint64_t takeovers;
    int64_t takeover_ms;           /* the newest: from seeing the lease open to answering */
    uint64_t losses;               /* times that another had taken the lane over */
    uint64_t handovers;            /* times that the lane was handed over as planned */
    struct transit_status transit; /* of what left the lane while it was owned here */
};
void replica_get_status(struct replica *replica, struct replica_status *out_status);

#endif

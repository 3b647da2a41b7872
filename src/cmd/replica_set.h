/* replica_set.h - one of several servers before one journal: all lanes of its ledger, each owned or followed. */
#ifndef CMD_REPLICA_SET_H
#define CMD_REPLICA_SET_H

#include "cmd/replica.h"

/*
 * A replica for each lane, with its own lease, tasks and connections, so that no lane waits for
 * another; and the ways between lanes, to whoever owns them. Lanes spread as wallet/lane_share.h
 * says. PSPs, webhooks, the bus, the SQL tables and the cache are run by each lane's owner, for it;
 * witnesses by lane 0's.
 *
 * The API that tells about the process is lane 0's.
 */
struct replica_set;

struct replica_set_options {
    const char *folder;              /* of lane 0; outlives it */
    const char *name;                /* below LEASE_NAME_SIZE */
    const struct lease_terms *terms; /* copied */
    struct log *log;
    /* As replica_options have them, of lane 0. */
    enum status (*begin)(void *context, struct host *host, struct error *out_error);
    void (*end)(void *context);
    void *context;
};

/* As replica_open(). STATUS_INVALID also: the folder is that of another lane than 0. */
enum status replica_set_open(const struct replica_set_options *options,
                             struct replica_set **out_set, struct error *out_error) MUST_CHECK;

uint32_t replica_set_lanes(const struct replica_set *set);
struct lane_route *replica_set_route(struct replica_set *set);
/* Of calls to the outside that the lane's owner makes. */
struct http_cover replica_set_cover(struct replica_set *set, uint32_t lane);

/* Once; options are lane 0's. As replica_start(). */
enum status replica_set_start(struct replica_set *set, const struct replica_start_options *options,
                              struct error *out_error) MUST_CHECK;

/* As replica_retire() and the wait, of all. */
void replica_set_retire(struct replica_set *set);

/* As replica_stop() and replica_close(). */
void replica_set_stop(struct replica_set *set);
void replica_set_close(struct replica_set *set);

/* For host_options.process: what it and its lanes tell. */
const struct metric_process *replica_set_process(struct replica_set *set);

#endif

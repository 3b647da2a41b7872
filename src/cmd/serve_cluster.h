/* serve_cluster.h - what a server needs to be one of several before one journal: its options and peers. */
#ifndef CMD_SERVE_CLUSTER_H
#define CMD_SERVE_CLUSTER_H

#include "adapter/http_server.h"
#include "cmd/invocation.h"
#include "cmd/replica_set.h"

enum { SERVE_HEARTBEAT_S_MAX = 3600 }; /* of --heartbeat-s */

/* Zeroed: the server is alone. Stays where it was opened. */
struct serve_cluster {
    struct replica_set *replicas;
    struct front *front;
    struct peer *peer;
    struct http_server *listener; /* for peers */
    struct secret secret;         /* of all replicas; empty: there is none */
};

/*
 * From the options --cluster, --replica-name, --lease-ms and --peer-...; nothing happens yet. tracer: who
 * watches, or NULL.
 * STATUS_INVALID: options that do not fit together; or the folder's journal is in no database.
 * Else as replica_set_open(); out_cluster is to be closed either way.
 */
enum status serve_cluster_open(const struct invocation *invocation,
                               const struct replica_set_options *options, struct tracer *tracer,
                               struct serve_cluster *out_cluster, struct error *out_error)
    MUST_CHECK;

/*
 * Listens for peers, with `like` for all that is not the cluster's own, and begins to follow.
 * As http_server_open().
 */
enum status serve_cluster_start(struct serve_cluster *cluster, const struct invocation *invocation,
                                const struct http_server_options *like,
                                const struct host_options *host, struct error *out_error)
    MUST_CHECK;

/* The transports for clients have no call any more. Accepts a zeroed struct. */
void serve_cluster_close(struct serve_cluster *cluster);

#endif

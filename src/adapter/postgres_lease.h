/* postgres_lease.h - the lease port over PostgreSQL: a row per lane, by the database's clock. */
#ifndef ADAPTER_POSTGRES_LEASE_H
#define ADAPTER_POSTGRES_LEASE_H

#include "adapter/postgres_connection.h"
#include "port/lease.h"

/*
 * One connection, made again when it is lost; one task at a time. Every write is a statement and
 * a commit of its own; when its answer does not come, or the server warns that no standby has
 * it, that is STATUS_IN_DOUBT.
 *
 * The clock is the server's. After a failover it is another server's: a lease then ends sooner or
 * later by as much as their clocks differ. When that is more than a lease's margin, an owner that
 * the new server can be reached by others could believe a moment too long: keep the servers'
 * clocks together (docs/operating.md).
 */
struct postgres_lease_options {
    const char *url; /* without a password; copied */
    enum postgres_schema schema;
};

/* The schema is there already: postgres_store_open() brings it up. As postgres_connection_open(). */
enum status postgres_lease_open(const struct postgres_lease_options *options,
                                struct lease **out_lease, struct error *out_error) MUST_CHECK;

#endif

/* mariadb_binlog.h - a MariaDB's row-based binlog, from its oldest file to its end at this moment. */
#ifndef ADAPTER_MARIADB_BINLOG_H
#define ADAPTER_MARIADB_BINLOG_H

#include "adapter/mariadb_connection.h"
#include "doctor/binlog_session.h"

struct mariadb_binlog_extent {
    int64_t from_pos; /* mariadb_position() */
    int64_t to_pos;
    struct wall_time from; /* when its oldest file was begun */
};

struct mariadb_binlog_visitor {
    void *context;
    enum status (*taken)(void *context); /* behind each event: what is not OK ends the reading */
};

/*
 * The mapped tables as they are now are told to the session, then all events of the log. The
 * connection is good for nothing but closing then. STATUS_INVALID: the server keeps no binlog, lacks
 * a mapped table or column, or the log is broken. STATUS_DENIED: the user needs REPLICATION SLAVE,
 * BINLOG MONITOR, and SELECT on the mapped tables. STATUS_UNAVAILABLE.
 */
enum status mariadb_binlog_read(struct mariadb_connection *connection,
                                const struct wal_mapping *mapping, struct binlog_session *session,
                                const struct mariadb_binlog_visitor *visitor,
                                struct mariadb_binlog_extent *out_extent, struct error *out_error)
    MUST_CHECK;

#endif

/* mariadb_state.h - what a MariaDB says of itself at one instant, to whoever may ask. */
#ifndef ADAPTER_MARIADB_STATE_H
#define ADAPTER_MARIADB_STATE_H

#include "adapter/database_state.h"
#include "adapter/mariadb_connection.h"

/* Its version, and its clock beside ours. As mariadb_query(). */
enum status mariadb_state_instant(struct mariadb_connection *connection,
                                  struct database_instant *out_instant, struct error *out_error)
    MUST_CHECK;

/*
 * Settings that decide what a commit is worth; who waits for whose row, and prepared transactions
 * (XA); how far this server is as a replica of others, and where its own binlog ends. There are no
 * relays. *out_whole: nothing is missing, which a primary cannot say of its replicas. As
 * mariadb_query().
 */
enum status mariadb_state_read(struct mariadb_connection *connection, enum database_part part,
                               const struct database_visitor *visitor, bool *out_whole,
                               struct error *out_error) MUST_CHECK;

#endif

/* mariadb_connection.h - a session at somebody's MariaDB: read and nothing else, with limits on waiting. */
#ifndef ADAPTER_MARIADB_CONNECTION_H
#define ADAPTER_MARIADB_CONNECTION_H

#include <mariadb/mysql.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

enum { MARIADB_STATEMENT_S_MAX = 9, MARIADB_READ_S_MAX = 60 };

struct mariadb_connection {
    MYSQL *mysql;
};

/*
 * options: a file as the server's own clients read it, of groups [client] and [tpwallet]; where, as
 * whom and with which password stand in it, so that it is its owner's alone. STATUS_NOT_FOUND: there
 * is no such file. STATUS_DENIED: others may read it, or the server does not let us in.
 * STATUS_UNAVAILABLE.
 */
enum status mariadb_connection_open(const char *options, struct mariadb_connection *connection,
                                    struct error *out_error) MUST_CHECK;
/* Accepts a zeroed one. */
void mariadb_connection_close(struct mariadb_connection *connection);

/*
 * Rows as text, all of them; mysql_free_result() them. STATUS_DENIED: the user lacks a right.
 * STATUS_UNAVAILABLE.
 */
enum status mariadb_query(struct mariadb_connection *connection, const char *sql,
                          MYSQL_RES **out_result, struct error *out_error) MUST_CHECK;
/* The newest failure of the session, in our words. */
enum status mariadb_failure(struct mariadb_connection *connection, struct error *out_error)
    MUST_CHECK;

/* A column of a row; "" for NULL. Lives as long as the result. */
struct str mariadb_text(MYSQL_RES *result, MYSQL_ROW row, unsigned column);
/* 0 when it is none. */
int64_t mariadb_int64(MYSQL_RES *result, MYSQL_ROW row, unsigned column);
/* The place of a column by its name, or -1. */
int mariadb_column(MYSQL_RES *result, const char *name);

/* A place in the binlog as one number: that of the file above 32 bits of offset. 0: it is none. */
int64_t mariadb_position(struct str file, int64_t offset);

#endif

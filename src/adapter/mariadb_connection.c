#include "adapter/mariadb_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/decimal.h"

/* Numbers of the server's and the client's errors. */
enum {
    NO_DATABASE_RIGHT = 1044,
    NO_ACCESS = 1045,
    NO_TABLE_RIGHT = 1142,
    NO_PRIVILEGE = 1227,
    NO_COLUMN_RIGHT = 1143,
    TOO_MANY_CONNECTIONS = 1040,
    NO_REPLICATION_RIGHT = 1236, /* of the binlog: also when a file of it is gone */
};

enum status mariadb_failure(struct mariadb_connection *connection, struct error *out_error)
{
    static const char denied[] = "the database's user lacks a right";
    enum status status = STATUS_UNAVAILABLE;
    switch (mysql_errno(connection->mysql)) {
    case NO_ACCESS:
        status = error_set(out_error, STATUS_DENIED, "the database does not let us in");
        break;
    case NO_DATABASE_RIGHT:
    case NO_TABLE_RIGHT:
    case NO_COLUMN_RIGHT:
    case NO_PRIVILEGE: status = error_set(out_error, STATUS_DENIED, "%s", denied); break;
    case NO_REPLICATION_RIGHT:
        status = error_set(out_error, STATUS_UNAVAILABLE, "the binlog cannot be read");
        break;
    case TOO_MANY_CONNECTIONS:
        status = error_set(out_error, STATUS_UNAVAILABLE, "the database has no connection left");
        break;
    default: status = error_set(out_error, STATUS_UNAVAILABLE, "the database failed"); break;
    }
    error_detail(out_error, "%s", mysql_error(connection->mysql));
    if (status == STATUS_DENIED) error_hint(out_error, "docs/casework.md says which are needed");
    return status;
}

static enum status file_check(const char *path, struct error *out_error)
{
    struct stat file;
    if (stat(path, &file) != 0)
        return error_set(out_error, STATUS_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    if ((file.st_mode & (S_IRWXG | S_IRWXO)) == 0) return STATUS_OK;
    (void)error_set(out_error, STATUS_DENIED, "%s may be read by others: it holds a password",
                    path);
    error_hint(out_error, "chmod 600");
    return STATUS_DENIED;
}

/* What the session may do: nothing but read, and not for long. */
static const char *const session[] = {
    "SET NAMES utf8mb4",
    "SET SESSION TRANSACTION READ ONLY",
    "SET SESSION time_zone = 'SYSTEM'",
    "SET SESSION max_statement_time = 9",
    "SET SESSION lock_wait_timeout = 1",
};

enum status mariadb_connection_open(const char *options, struct mariadb_connection *connection,
                                    struct error *out_error)
{
    connection->mysql = NULL;
    enum status status = file_check(options, out_error);
    if (status != STATUS_OK) return status;
    connection->mysql = mysql_init(NULL);
    CHECK(connection->mysql != NULL);
    const unsigned connect_s = 5;
    const unsigned read_s = MARIADB_READ_S_MAX;
    const unsigned no = 0;
    bool set = mysql_optionsv(connection->mysql, MYSQL_READ_DEFAULT_FILE, options) == 0 &&
               mysql_optionsv(connection->mysql, MYSQL_READ_DEFAULT_GROUP, "tpwallet") == 0 &&
               mysql_optionsv(connection->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s) == 0 &&
               mysql_optionsv(connection->mysql, MYSQL_OPT_READ_TIMEOUT, &read_s) == 0 &&
               mysql_optionsv(connection->mysql, MYSQL_OPT_LOCAL_INFILE, &no) == 0;
    CHECK(set);
    if (mysql_real_connect(connection->mysql, NULL, NULL, NULL, NULL, 0, NULL, 0) == NULL)
        status = mariadb_failure(connection, out_error);
    for (size_t i = 0; i < sizeof session / sizeof session[0] && status == STATUS_OK; i++)
        if (mysql_query(connection->mysql, session[i]) != 0)
            status = mariadb_failure(connection, out_error);
    if (status != STATUS_OK) mariadb_connection_close(connection);
    return status;
}

void mariadb_connection_close(struct mariadb_connection *connection)
{
    if (connection->mysql != NULL) mysql_close(connection->mysql);
    connection->mysql = NULL;
}

enum status mariadb_query(struct mariadb_connection *connection, const char *sql,
                          MYSQL_RES **out_result, struct error *out_error)
{
    if (mysql_query(connection->mysql, sql) != 0) return mariadb_failure(connection, out_error);
    MYSQL_RES *result = mysql_store_result(connection->mysql);
    if (result == NULL) return mariadb_failure(connection, out_error);
    *out_result = result;
    return STATUS_OK;
}

struct str mariadb_text(MYSQL_RES *result, MYSQL_ROW row, unsigned column)
{
    CHECK(column < mysql_num_fields(result));
    if (row[column] == NULL) return STR("");
    return (struct str){ row[column], mysql_fetch_lengths(result)[column] };
}

int64_t mariadb_int64(MYSQL_RES *result, MYSQL_ROW row, unsigned column)
{
    CHECK(column < mysql_num_fields(result));
    return row[column] == NULL ? 0 : strtoll(row[column], NULL, 10);
}

int mariadb_column(MYSQL_RES *result, const char *name)
{
    const MYSQL_FIELD *fields = mysql_fetch_fields(result);
    for (unsigned i = 0; i < mysql_num_fields(result); i++)
        if (strcmp(fields[i].name, name) == 0) return (int)i;
    return -1;
}

int64_t mariadb_position(struct str file, int64_t offset)
{
    uint64_t number = 0;
    size_t digits = file.len;
    while (digits > 0 && file.data[digits - 1] >= '0' && file.data[digits - 1] <= '9') digits--;
    while (digits < file.len && file.data[digits] == '0') digits++;
    struct str text = { file.data + digits, file.len - digits };
    if (decimal_parse(text, INT32_MAX, &number) != STATUS_OK || offset < 0 || offset > UINT32_MAX)
        return 0;
    return (int64_t)(number << 32) | offset;
}

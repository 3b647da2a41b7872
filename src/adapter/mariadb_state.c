#include "adapter/mariadb_state.h"

#include <stdio.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "doctor/binlog_row.h"

enum { CLOCK_TRIES = 5 };

enum status mariadb_state_instant(struct mariadb_connection *connection,
                                  struct database_instant *out_instant, struct error *out_error)
{
    static const char now[] = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED),"
                              " VERSION()";
    struct clock *clock = system_clock();
    struct database_instant instant = { .offset_error_ns = -1 };
    enum status status = STATUS_OK;
    for (int i = 0; i < CLOCK_TRIES && status == STATUS_OK; i++) {
        MYSQL_RES *result = NULL;
        struct database_clock taken = { .asked = clock->wall(clock) };
        status = mariadb_query(connection, now, &result, out_error);
        if (status != STATUS_OK) break;
        taken.answered = clock->wall(clock);
        MYSQL_ROW row = mysql_fetch_row(result);
        CHECK(row != NULL);
        taken.said.ns = mariadb_int64(result, row, 0) * NS_PER_US;
        database_clock_take(&taken, &instant);
        instant.at = taken.said;
        struct str version = mariadb_text(result, row, 1);
        int len = snprintf(instant.version, sizeof instant.version, "MariaDB %.*s",
                           version.len < 40 ? (int)version.len : 40, version.data);
        CHECK(len > 0);
        mysql_free_result(result);
    }
    if (status == STATUS_OK) *out_instant = instant;
    return status;
}

/* ---- settings ---- */

static enum status settings_visit(struct mariadb_connection *connection,
                                  const struct database_visitor *visitor, bool *out_whole,
                                  struct error *out_error)
{
    static const char sql[] =
        "SELECT CONCAT('mariadb.', LOWER(VARIABLE_NAME)), VARIABLE_VALUE"
        " FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME IN ('version', 'sync_binlog',"
        " 'innodb_flush_log_at_trx_commit', 'innodb_doublewrite', 'log_bin', 'binlog_format',"
        " 'binlog_row_image', 'binlog_row_metadata', 'binlog_checksum', 'binlog_expire_logs_seconds',"
        " 'log_slave_updates', 'gtid_strict_mode', 'gtid_domain_id', 'server_id', 'read_only',"
        " 'tx_isolation', 'autocommit', 'sql_mode', 'innodb_lock_wait_timeout',"
        " 'innodb_rollback_on_timeout', 'innodb_deadlock_detect', 'lock_wait_timeout',"
        " 'idle_transaction_timeout', 'wait_timeout', 'max_statement_time', 'max_connections',"
        " 'rpl_semi_sync_master_enabled', 'rpl_semi_sync_master_wait_point',"
        " 'slave_parallel_mode', 'system_time_zone', 'time_zone', 'collation_server') ORDER BY 1";
    MYSQL_RES *result = NULL;
    enum status status = mariadb_query(connection, sql, &result, out_error);
    if (status != STATUS_OK) return status;
    MYSQL_ROW row;
    while (status == STATUS_OK && (row = mysql_fetch_row(result)) != NULL) {
        const struct database_setting setting = { mariadb_text(result, row, 0),
                                                  mariadb_text(result, row, 1) };
        status = visitor->setting(visitor->context, &setting);
    }
    mysql_free_result(result);
    *out_whole = true;
    return status;
}

/* ---- locks ---- */

/* Transactions without a client: recovered, or prepared and left. */
struct left_ones {
    int64_t count;
    int64_t youngest_ns;
    int64_t xid; /* when it is the only one */
};

static enum status left_ones_read(struct mariadb_connection *connection, struct left_ones *out_left,
                                  struct error *out_error)
{
    static const char sql[] =
        "SELECT COUNT(*), MIN(TIMESTAMPDIFF(MICROSECOND, trx_started, SYSDATE(6))), MIN(trx_id)"
        " FROM information_schema.INNODB_TRX"
        " WHERE trx_mysql_thread_id = 0 AND trx_state = 'RUNNING'";
    MYSQL_RES *result = NULL;
    enum status status = mariadb_query(connection, sql, &result, out_error);
    if (status != STATUS_OK) return status;
    MYSQL_ROW row = mysql_fetch_row(result);
    CHECK(row != NULL);
    *out_left = (struct left_ones){
        .count = mariadb_int64(result, row, 0),
        .youngest_ns = mariadb_int64(result, row, 1) * NS_PER_US,
        .xid = mariadb_int64(result, row, 2),
    };
    mysql_free_result(result);
    return STATUS_OK;
}

/* How many there are, and the name of the last one. */
static enum status prepared_visit(struct mariadb_connection *connection,
                                  const struct database_visitor *visitor,
                                  const struct left_ones *left, struct buf *gid, int64_t *out_count,
                                  struct error *out_error)
{
    enum { FORMAT, FIRST_SIZE, SECOND_SIZE, DATA, COLUMNS };
    MYSQL_RES *result = NULL;
    enum status status = mariadb_query(connection, "XA RECOVER", &result, out_error);
    if (status != STATUS_OK) return status;
    CHECK(mysql_num_fields(result) == COLUMNS);
    MYSQL_ROW row;
    int64_t count = (int64_t)mysql_num_rows(result);
    while (status == STATUS_OK && (row = mysql_fetch_row(result)) != NULL) {
        struct str data = mariadb_text(result, row, DATA);
        size_t first = (size_t)mariadb_int64(result, row, FIRST_SIZE);
        if (first > data.len) first = data.len;
        buf_reset(gid);
        binlog_gid_append((struct str){ data.data, first },
                          (struct str){ data.data + first, data.len - first }, gid);
        const struct database_wait wait = {
            .blocker_xid = count == 1 && left->count == 1 ? left->xid : 0,
            .gid = buf_view(gid),
            .client = left->count >= count ? DATABASE_CLIENT_GONE : DATABASE_CLIENT_UNKNOWN,
            .age_ns = left->count >= count ? left->youngest_ns : -1,
        };
        status = visitor->wait(visitor->context, &wait);
    }
    mysql_free_result(result);
    *out_count = count;
    return status;
}

static enum status pairs_visit(struct mariadb_connection *connection,
                               const struct database_visitor *visitor, struct str gid,
                               struct error *out_error)
{
    static const char sql[] =
        "SELECT w.requesting_trx_id, w.blocking_trx_id, b.trx_mysql_thread_id = 0,"
        " TIMESTAMPDIFF(MICROSECOND, b.trx_started, SYSDATE(6))"
        " FROM information_schema.INNODB_LOCK_WAITS w"
        " JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id";
    MYSQL_RES *result = NULL;
    enum status status = mariadb_query(connection, sql, &result, out_error);
    if (status != STATUS_OK) return status;
    MYSQL_ROW row;
    while (status == STATUS_OK && (row = mysql_fetch_row(result)) != NULL) {
        bool gone = mariadb_int64(result, row, 2) != 0;
        const struct database_wait wait = {
            .xid = mariadb_int64(result, row, 0),
            .blocker_xid = mariadb_int64(result, row, 1),
            .gid = gone ? gid : STR(""),
            .client = gone ? DATABASE_CLIENT_GONE : DATABASE_CLIENT_ALIVE,
            .age_ns = mariadb_int64(result, row, 3) * NS_PER_US,
        };
        status = visitor->wait(visitor->context, &wait);
    }
    mysql_free_result(result);
    return status;
}

/*
 * The server names prepared transactions in one list and tells of their age and locks in another,
 * without a number that both have: they are joined where there is only one.
 */
static enum status waits_visit(struct mariadb_connection *connection,
                               const struct database_visitor *visitor, bool *out_whole,
                               struct error *out_error)
{
    struct left_ones left;
    int64_t prepared = 0;
    BUF_SCOPE struct buf gid;
    buf_init(&gid, 8 * BINLOG_GID_MAX);
    enum status status = left_ones_read(connection, &left, out_error);
    if (status == STATUS_OK)
        status = prepared_visit(connection, visitor, &left, &gid, &prepared, out_error);
    bool one = prepared == 1 && left.count == 1;
    if (status == STATUS_OK)
        status = pairs_visit(connection, visitor, one ? buf_view(&gid) : STR(""), out_error);
    *out_whole = true;
    return status;
}

/* ---- copies ---- */

static enum status own_end_visit(struct mariadb_connection *connection,
                                 const struct database_visitor *visitor, struct error *out_error)
{
    MYSQL_RES *result = NULL;
    enum status status = mariadb_query(connection, "SHOW MASTER STATUS", &result, out_error);
    if (status != STATUS_OK) return status;
    MYSQL_ROW row = mysql_fetch_row(result);
    if (row != NULL) {
        int64_t end = mariadb_position(mariadb_text(result, row, 0), mariadb_int64(result, row, 1));
        const struct database_replica own = { STR("primary"), end, end, true };
        status = visitor->replica(visitor->context, &own);
    }
    mysql_free_result(result);
    return status;
}

static enum status sources_visit(struct mariadb_connection *connection,
                                 const struct database_visitor *visitor, struct error *out_error)
{
    MYSQL_RES *result = NULL;
    enum status status = mariadb_query(connection, "SHOW ALL SLAVES STATUS", &result, out_error);
    if (status != STATUS_OK) return status;
    const int columns[] = {
        mariadb_column(result, "Connection_name"),
        mariadb_column(result, "Relay_Master_Log_File"),
        mariadb_column(result, "Exec_Master_Log_Pos"),
        mariadb_column(result, "Master_Log_File"),
        mariadb_column(result, "Read_Master_Log_Pos"),
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) CHECK(columns[i] >= 0);
    MYSQL_ROW row;
    while (status == STATUS_OK && (row = mysql_fetch_row(result)) != NULL) {
        struct str name = mariadb_text(result, row, (unsigned)columns[0]);
        const struct database_replica copy = {
            .name = name.len == 0 ? STR("replica") : name,
            .pos = mariadb_position(mariadb_text(result, row, (unsigned)columns[1]),
                                    mariadb_int64(result, row, (unsigned)columns[2])),
            .primary_pos = mariadb_position(mariadb_text(result, row, (unsigned)columns[3]),
                                            mariadb_int64(result, row, (unsigned)columns[4])),
            .primary = false,
        };
        status = visitor->replica(visitor->context, &copy);
    }
    mysql_free_result(result);
    return status;
}

static enum status replicas_visit(struct mariadb_connection *connection,
                                  const struct database_visitor *visitor, bool *out_whole,
                                  struct error *out_error)
{
    MYSQL_RES *result = NULL;
    enum status status = own_end_visit(connection, visitor, out_error);
    if (status == STATUS_OK) status = sources_visit(connection, visitor, out_error);
    if (status == STATUS_OK)
        status = mariadb_query(connection, "SHOW SLAVE HOSTS", &result, out_error);
    if (status != STATUS_OK) return status;
    *out_whole = mysql_num_rows(result) == 0; /* how far they are, they alone know */
    mysql_free_result(result);
    return STATUS_OK;
}

enum status mariadb_state_read(struct mariadb_connection *connection, enum database_part part,
                               const struct database_visitor *visitor, bool *out_whole,
                               struct error *out_error)
{
    switch (part) {
    case DATABASE_SETTINGS: return settings_visit(connection, visitor, out_whole, out_error);
    case DATABASE_WAITS: return waits_visit(connection, visitor, out_whole, out_error);
    case DATABASE_REPLICAS: return replicas_visit(connection, visitor, out_whole, out_error);
    case DATABASE_RELAYS:
    case DATABASE_PARTS: break;
    }
    CHECK(false);
}

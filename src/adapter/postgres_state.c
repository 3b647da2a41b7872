#include "adapter/postgres_state.h"

#include <stdio.h>
#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"

enum { CLOCK_TRIES = 5 };

static const struct postgres_statement NOW = {
    "now", "SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::int8,"
           " current_setting('server_version')"
};

enum status postgres_state_instant(struct postgres_connection *connection,
                                   struct database_instant *out_instant, struct error *out_error)
{
    struct clock *clock = system_clock();
    struct database_instant instant = { .offset_error_ns = -1 };
    postgres_call_begin(connection);
    enum status status = postgres_prepare(connection, &NOW, out_error);
    for (int i = 0; i < CLOCK_TRIES && status == STATUS_OK; i++) {
        PGresult *result = NULL;
        struct database_clock taken = { .asked = clock->wall(clock) };
        status = postgres_query(connection, &NOW, NULL, &result, out_error);
        if (status != STATUS_OK) break;
        taken.answered = clock->wall(clock);
        taken.said.ns = postgres_int64(result, 0, 0);
        database_clock_take(&taken, &instant);
        instant.at = taken.said;
        struct str version = postgres_bytes(result, 0, 1);
        int len = snprintf(instant.version, sizeof instant.version, "PostgreSQL %.40s",
                           version.len < 40 ? version.data : "");
        CHECK(len > 0);
        PQclear(result);
    }
    if (status == STATUS_OK) *out_instant = instant;
    return status;
}

/* ---- settings ---- */

/* What decides about durability, isolation, waiting and copies; then where sequences stand. */
static const struct postgres_statement SETTINGS = {
    "settings",
    "SELECT 'postgresql.' || name, current_setting(name), true FROM pg_settings WHERE name IN"
    " ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums',"
    "  'synchronous_standby_names', 'wal_level', 'archive_mode', 'max_wal_senders',"
    "  'max_replication_slots', 'max_slot_wal_keep_size', 'wal_keep_size', 'wal_sender_timeout',"
    "  'hot_standby', 'hot_standby_feedback', 'recovery_min_apply_delay', 'in_hot_standby',"
    "  'default_transaction_isolation', 'default_transaction_read_only', 'deadlock_timeout',"
    "  'lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout',"
    "  'idle_session_timeout', 'max_prepared_transactions', 'max_connections',"
    "  'session_replication_role', 'track_commit_timestamp', 'autovacuum', 'TimeZone',"
    "  'lc_collate', 'server_encoding')"
    " UNION ALL"
    " SELECT 'sequence.' || schemaname || '.' || sequencename, last_value::text,"
    " has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'SELECT, USAGE')"
    " FROM pg_sequences ORDER BY 1"
};

static bool settings_whole(const PGresult *rows)
{
    for (int row = 0; row < PQntuples(rows); row++)
        if (!postgres_bool(rows, row, 2)) return false;
    return true;
}

static enum status settings_visit(const PGresult *rows, const struct database_visitor *visitor)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        if (PQgetisnull(rows, row, 1) != 0) continue; /* a sequence that gave nothing yet */
        const struct database_setting setting = { postgres_bytes(rows, row, 0),
                                                  postgres_bytes(rows, row, 1) };
        enum status status = visitor->setting(visitor->context, &setting);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* ---- locks ---- */

/*
 * A prepared transaction has no backend: its process is 0, and which one it is follows from the
 * lock that it holds and the waiter asks for. The second part are those for whom nobody waits.
 */
static const struct postgres_statement WAITS = {
    "waits",
    "WITH waiter AS (SELECT DISTINCT l.pid, a.backend_xid::text::int8 AS xid"
    "  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE NOT l.granted),"
    " pair AS (SELECT w.pid, w.xid, unnest(pg_blocking_pids(w.pid)) AS blocker FROM waiter w),"
    " prepared AS (SELECT gid, transaction::text::int8 AS xid,"
    "  (extract(epoch FROM clock_timestamp() - prepared) * 1000000000)::int8 AS age_ns"
    "  FROM pg_prepared_xacts)"
    " SELECT DISTINCT p.xid, b.backend_xid::text::int8, NULL::text, true,"
    "  (extract(epoch FROM clock_timestamp() - b.xact_start) * 1000000000)::int8"
    " FROM pair p JOIN pg_stat_activity b ON b.pid = p.blocker"
    " UNION ALL"
    " SELECT DISTINCT p.xid, x.xid, x.gid, false, x.age_ns"
    " FROM pair p JOIN pg_locks l ON l.pid = p.pid AND NOT l.granted AND p.blocker = 0"
    " JOIN pg_locks h ON h.granted AND h.pid IS NULL AND h.locktype = l.locktype"
    "  AND (h.database, h.relation, h.page, h.tuple, h.transactionid, h.classid, h.objid, h.objsubid)"
    "  IS NOT DISTINCT FROM"
    "  (l.database, l.relation, l.page, l.tuple, l.transactionid, l.classid, l.objid, l.objsubid)"
    " JOIN prepared x ON x.xid::text = split_part(h.virtualtransaction, '/', 2)"
    " UNION ALL"
    " SELECT NULL, xid, gid, false, age_ns FROM prepared"
};

static enum status waits_visit(const PGresult *rows, const struct database_visitor *visitor)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        bool alive = postgres_bool(rows, row, 3);
        bool aged = PQgetisnull(rows, row, 4) == 0;
        const struct database_wait wait = {
            .xid = postgres_int64(rows, row, 0),
            .blocker_xid = postgres_int64(rows, row, 1),
            .gid = postgres_bytes(rows, row, 2),
            .client = alive ? DATABASE_CLIENT_ALIVE : DATABASE_CLIENT_GONE,
            .age_ns = aged ? postgres_int64(rows, row, 4) : -1,
        };
        enum status status = visitor->wait(visitor->context, &wait);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* ---- copies ---- */

static const struct postgres_statement REPLICAS = {
    "replicas",
    "WITH me AS (SELECT pg_is_in_recovery() AS standby), position AS (SELECT CASE WHEN standby"
    "  THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn FROM me)"
    " SELECT coalesce(nullif(current_setting('cluster_name'), ''),"
    "   CASE WHEN standby THEN 'standby' ELSE 'primary' END),"
    "  (lsn - '0/0')::int8, ((CASE WHEN standby THEN (SELECT coalesce(latest_end_lsn,"
    "   pg_last_wal_receive_lsn()) FROM pg_stat_wal_receiver) ELSE lsn END) - '0/0')::int8,"
    "  NOT standby FROM me, position"
    " UNION ALL"
    " SELECT r.application_name, (r.replay_lsn - '0/0')::int8, (p.lsn - '0/0')::int8, false"
    " FROM pg_stat_replication r, position p"
};

/* A standby that has said nothing, or is hidden from this user, has no position. */
static bool replicas_whole(const PGresult *rows)
{
    for (int row = 0; row < PQntuples(rows); row++)
        if (PQgetisnull(rows, row, 1) != 0) return false;
    return true;
}

static enum status replicas_visit(const PGresult *rows, const struct database_visitor *visitor)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        if (PQgetisnull(rows, row, 1) != 0) continue;
        const struct database_replica replica = {
            .name = postgres_bytes(rows, row, 0),
            .pos = postgres_int64(rows, row, 1),
            .primary_pos = postgres_int64(rows, row, 2),
            .primary = postgres_bool(rows, row, 3),
        };
        enum status status = visitor->replica(visitor->context, &replica);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* ---- slots ---- */

static const struct postgres_statement SLOTS = {
    "slots", "SELECT slot_name::text, active, coalesce(wal_status, '') = 'lost',"
             " (coalesce(confirmed_flush_lsn, restart_lsn) - '0/0')::int8"
             " FROM pg_replication_slots ORDER BY 1"
};

static enum status slots_visit(const PGresult *rows, const struct database_visitor *visitor)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        const struct database_relay relay = {
            .name = postgres_bytes(rows, row, 0),
            .op = postgres_bool(rows, row, 2)   ? "slot_lost"
                  : postgres_bool(rows, row, 1) ? "position"
                                                : "stop",
            .to_pos = postgres_int64(rows, row, 3),
        };
        enum status status = visitor->relay(visitor->context, &relay);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* ---- any of them ---- */

static const struct {
    const struct postgres_statement *statement;
    enum status (*visit)(const PGresult *rows, const struct database_visitor *visitor);
    bool (*is_whole)(const PGresult *rows); /* NULL: the rows do not tell */
    bool of_others; /* it shows what other users do, as far as this one may see */
} PARTS[DATABASE_PARTS] = {
    [DATABASE_SETTINGS] = { &SETTINGS, settings_visit, settings_whole, false },
    [DATABASE_WAITS] = { &WAITS, waits_visit, NULL, true },
    [DATABASE_REPLICAS] = { &REPLICAS, replicas_visit, replicas_whole, true },
    [DATABASE_RELAYS] = { &SLOTS, slots_visit, NULL, false }, /* everybody sees all of them */
};

static const struct postgres_statement SEES_OTHERS = {
    "sees_others", "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"
};

static enum status others_seen(struct postgres_connection *connection, bool *out_seen,
                               struct error *out_error)
{
    PGresult *result = NULL;
    enum status status = postgres_query(connection, &SEES_OTHERS, NULL, &result, out_error);
    if (status != STATUS_OK) return status;
    *out_seen = postgres_bool(result, 0, 0);
    PQclear(result);
    return STATUS_OK;
}

enum status postgres_state_read(struct postgres_connection *connection, enum database_part part,
                                const struct database_visitor *visitor, bool *out_whole,
                                struct error *out_error)
{
    CHECK(part < DATABASE_PARTS);
    PGresult *rows = NULL;
    bool whole = true;
    postgres_call_begin(connection);
    enum status status = STATUS_OK;
    if (PARTS[part].of_others) status = others_seen(connection, &whole, out_error);
    if (status == STATUS_OK)
        status = postgres_query(connection, PARTS[part].statement, NULL, &rows, out_error);
    if (status != STATUS_OK) return status;
    status = PARTS[part].visit(rows, visitor);
    if (PARTS[part].is_whole != NULL && !PARTS[part].is_whole(rows)) whole = false;
    PQclear(rows);
    if (status == STATUS_OK) *out_whole = whole;
    return status;
}

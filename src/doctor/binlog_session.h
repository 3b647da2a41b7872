/* binlog_session.h - what a row-based binlog says, event by event, as evidence. */
#ifndef DOCTOR_BINLOG_SESSION_H
#define DOCTOR_BINLOG_SESSION_H

#include "doctor/binlog_row.h"
#include "doctor/wal_writer.h"

enum {
    BINLOG_MAPS_MAX = 256, /* tables that rows may refer to by number at a time */
    BINLOG_ROW_TEXTS_MAX = 4 << 20,
};

/* A mapped table as its database describes it now, which the log does not. */
struct binlog_schema {
    struct str name; /* DATABASE.TABLE */
    uint32_t count;
    const struct str *columns;
    const bool *is_unsigned;
};

struct binlog_session {
    struct wal_writer *writer;
    struct arena *arena; /* of schemas, and behind them of each row; the caller's */
    bool inside;         /* of a transaction */
    struct {
        struct str name;
        struct wal_binding binding;
        uint32_t column_count;
        const struct str *columns;
        const bool *is_unsigned;
    } tables[WAL_TABLES_MAX];
    uint32_t table_count;
    struct {
        uint64_t id;
        int32_t table; /* of tables; -1: not mapped; -2: it is another than the database has now */
    } maps[BINLOG_MAPS_MAX];
    uint32_t map_count;
    struct binlog_column columns[WAL_TABLES_MAX][BINLOG_COLUMNS_MAX]; /* beside tables */
    struct row_value before[BINLOG_COLUMNS_MAX];
    struct row_value after[BINLOG_COLUMNS_MAX];
};

/* The session is large: not for the stack. */
void binlog_session_init(struct binlog_session *session, struct wal_writer *writer,
                         struct arena *arena);
/* STATUS_NOT_FOUND: it is not mapped. STATUS_INVALID: it lacks a column. STATUS_LIMIT. */
enum status binlog_session_schema(struct binlog_session *session, const struct wal_mapping *mapping,
                                  const struct binlog_schema *schema, struct error *out_error)
    MUST_CHECK;

/* prepares: it ends prepared, and is committed or not by a later one. */
void binlog_session_begin(struct binlog_session *session, int64_t xid, int64_t pos,
                          struct wall_time at, bool prepares);

/* A table as the log describes it: rows behind it refer to it by its number. */
struct binlog_map {
    uint64_t id;
    struct str database;
    struct str table;
    struct str types;
    struct str metadata;
    struct str names; /* each behind its length; "": the log does not have them */
};
enum status binlog_session_map(struct binlog_session *session, const struct binlog_map *map,
                               struct error *out_error) MUST_CHECK;

struct binlog_rows {
    uint64_t id;
    enum wal_op op;
    int64_t pos;
    uint32_t column_count;
    const uint8_t *before; /* which columns are there, as bits; of inserts NULL */
    const uint8_t *after;  /* of deletions NULL */
    struct str data;
};
/* Rows of a table that was altered since are rejected. STATUS_INVALID: broken, or out of order. */
enum status binlog_session_rows(struct binlog_session *session, const struct binlog_rows *rows,
                                struct error *out_error) MUST_CHECK;

/* A statement in words: the end of a transaction, a TRUNCATE, or a change that rows do not show. */
void binlog_session_query(struct binlog_session *session, int64_t pos, struct str database,
                          struct str statement, struct str gid);
/* op: commit, abort or prepare. */
void binlog_session_end(struct binlog_session *session, const char *op, int64_t pos,
                        struct str gid);

#endif

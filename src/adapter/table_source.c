#include "adapter/table_source.h"

#include <stdlib.h>

#include "adapter/postgres_connection.h"
#include "adapter/sqlite_connection.h"
#include "base/check.h"
#include "doctor/sql_dump.h"

enum {
    SQL_SIZE_MAX = 16 << 10,
    CELL_SIZE_MAX = 16 << 20, /* as of a line of a dump */
    ROW_SIZE_MIN = 4,         /* bytes that SQLite keeps for one, however small it is */
};

/* Names stand between these pieces, in quotes; mappings have none in theirs. */
static const char select_columns[] = "SELECT \"";
static const char copy_columns[] = "COPY (SELECT \"";

static void append(struct buf *sql, const char *text)
{
    buf_append_str(sql, str_from(text));
}

static void columns_append(const struct table_spec *table, const char *verb, struct buf *sql)
{
    buf_reset(sql);
    append(sql, verb);
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (i > 0) append(sql, ", \"");
        buf_append_str(sql, table->columns[i].name);
        append(sql, "\"");
    }
    append(sql, " FROM \"");
}

/* ---- PostgreSQL ---- */

struct postgres_reading {
    struct postgres_connection *connection;
    struct table_stage *stage;
    struct arena arena; /* of a row */
    struct str cells[TABLE_COLUMNS_MAX];
};

static enum status copy_failed(struct postgres_reading *it, const struct table_spec *table,
                               const PGresult *result, struct error *out_error)
{
    enum status status = postgres_failure(it->connection, result, out_error);
    if (status != STATUS_INVALID) return status;
    char detail[ERROR_TEXT_SIZE];
    memcpy(detail, out_error->detail, sizeof detail);
    (void)error_set(out_error, status, "table %.*s.%.*s is not as the mapping says",
                    STR_ARG(table->schema), STR_ARG(table->name));
    error_detail(out_error, "%s", detail);
    error_hint(out_error, "a mapping of another version, or of another schema?");
    return status;
}

static enum status copy_row(struct postgres_reading *it, uint32_t place, struct str line,
                            const struct table_spec *table, struct error *out_error)
{
    arena_reset(&it->arena);
    if (line.len > 0 && line.data[line.len - 1] == '\n') line.len--;
    if (!sql_copy_line(line, &it->arena, it->cells, table->column_count))
        return error_set(out_error, STATUS_LIMIT, "a row of table %.*s is larger than 16 MiB",
                         STR_ARG(table->name));
    return table_stage_row(it->stage, place, it->cells, out_error);
}

static enum status rows_take(struct postgres_reading *it, const struct table_mapping *mapping,
                             uint32_t place, struct error *out_error)
{
    const struct table_spec *table = &mapping->tables[place];
    PGconn *pg = it->connection->pg;
    enum status status = STATUS_OK;
    char *line = NULL;
    int len;
    while ((len = PQgetCopyData(pg, &line, 0)) > 0) {
        if (status == STATUS_OK)
            status = copy_row(it, place, (struct str){ line, (size_t)len }, table, out_error);
        PQfreemem(line);
    }
    PGresult *result = PQgetResult(pg);
    if (status == STATUS_OK && (len == -2 || PQresultStatus(result) != PGRES_COMMAND_OK))
        status = copy_failed(it, table, result, out_error);
    PQclear(result);
    return status;
}

static enum status table_copy(struct postgres_reading *it, const struct table_mapping *mapping,
                              uint32_t place, struct error *out_error)
{
    const struct table_spec *table = &mapping->tables[place];
    BUF_SCOPE struct buf sql;
    buf_init(&sql, SQL_SIZE_MAX);
    columns_append(table, copy_columns, &sql);
    buf_append_str(&sql, table->schema);
    append(&sql, "\".\"");
    buf_append_str(&sql, table->name);
    append(&sql, "\") TO STDOUT");
    CHECK(!sql.overflow); /* 64 names of 63 bytes */
    PGresult *result = PQexec(it->connection->pg, buf_terminated(&sql));
    enum status status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_COPY_OUT)
        status = copy_failed(it, table, result, out_error);
    PQclear(result);
    return status == STATUS_OK ? rows_take(it, mapping, place, out_error) : status;
}

/* A snapshot, and values written as dumps have them; tables may be large, and are another's. */
static const char postgres_snapshot[] =
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
    " SET datestyle = 'ISO'; SET timezone = 'UTC'; SET search_path = pg_catalog;"
    " BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

enum status table_source_postgres(const char *url, const struct table_mapping *mapping,
                                  struct table_stage *stage, struct error *out_error)
{
    const struct postgres_connection_options options = {
        .url = url,
        .name = "tpwallet doctor",
        .read_only = true,
        .any_server = true,
        .guest = true,
    };
    struct postgres_reading it = { .stage = stage };
    enum status status = arena_init(&it.arena, SQL_DUMP_LINE_MAX);
    if (status != STATUS_OK) return error_set(out_error, status, "no memory for the tables");
    status = postgres_connection_open(&options, &it.connection, out_error);
    if (status == STATUS_OK) {
        status = postgres_execute(it.connection, postgres_snapshot, out_error);
        (void)PQsetnonblocking(it.connection->pg, 0); /* rows are waited for while it lives */
        for (uint32_t i = 0; i < mapping->table_count && status == STATUS_OK; i++)
            status = table_copy(&it, mapping, i, out_error);
        postgres_connection_close(it.connection); /* which ends the snapshot */
    }
    arena_done(&it.arena);
    return status;
}

/* ---- SQLite ---- */

/* Texts are good until the next step. False: a value that is neither text nor whole number. */
static bool cell_read(sqlite3_stmt *statement, int index, struct str *out_cell)
{
    int type = sqlite3_column_type(statement, index);
    if (type == SQLITE_FLOAT || type == SQLITE_BLOB) return false;
    const char *text = (const char *)sqlite3_column_text(statement, index);
    *out_cell = (struct str){ text, (size_t)sqlite3_column_bytes(statement, index) };
    if (type == SQLITE_NULL) *out_cell = (struct str){ NULL, 0 };
    return true;
}

static enum status row_take(sqlite3_stmt *statement, const struct table_spec *table, uint32_t place,
                            struct table_stage *stage, struct error *out_error)
{
    struct str cells[TABLE_COLUMNS_MAX];
    for (uint32_t i = 0; i < table->column_count; i++)
        if (!cell_read(statement, (int)i, &cells[i]))
            return error_set(out_error, STATUS_INVALID,
                             "table %.*s, row %llu, column %.*s is a binary fraction or a blob",
                             STR_ARG(table->name),
                             (unsigned long long)table_stage_rows(stage, place) + 1,
                             STR_ARG(table->columns[i].name));
    return table_stage_row(stage, place, cells, out_error);
}

/*
 * A view may be a query without an end, so it is not read; nor is a table of a module's. A pragma,
 * because the file can have a table pragma_table_list of its own.
 */
static enum status table_check(sqlite3 *db, const struct table_spec *table, struct error *out_error)
{
    sqlite3_stmt *statement = NULL;
    BUF_SCOPE struct buf sql;
    buf_init(&sql, SQL_SIZE_MAX);
    buf_append_format(&sql, "PRAGMA main.table_list(\"%.*s\")", STR_ARG(table->name));
    enum status status = sqlite_prepare(db, buf_terminated(&sql), &statement, out_error);
    if (status != STATUS_OK) return status;
    int code = sqlite3_step(statement);
    const char *type = NULL;
    if (code == SQLITE_ROW) type = (const char *)sqlite3_column_text(statement, 2);
    if (code == SQLITE_ROW && type != NULL && strcmp(type, "table") != 0)
        status = error_set(out_error, STATUS_INVALID,
                           "table %.*s is not as the mapping says: in the file it is a %s, and "
                           "only tables are read",
                           STR_ARG(table->name), type);
    else if (code == SQLITE_DONE)
        status = error_set(out_error, STATUS_INVALID,
                           "table %.*s is not as the mapping says: there is no such table",
                           STR_ARG(table->name));
    else if (code != SQLITE_ROW)
        status = sqlite_failure(db, code, out_error);
    (void)sqlite3_finalize(statement); /* repeats the code of the step */
    return status;
}

/* How many rows the file can hold: in a damaged one, pages may lead to others many times. */
static enum status rows_max_read(sqlite3 *db, uint64_t *out_max, struct error *out_error)
{
    static const char *const pragmas[] = { "PRAGMA main.page_count", "PRAGMA main.page_size" };
    enum status status = STATUS_OK;
    *out_max = 1;
    for (size_t i = 0; i < sizeof pragmas / sizeof pragmas[0] && status == STATUS_OK; i++) {
        sqlite3_stmt *statement = NULL;
        status = sqlite_prepare(db, pragmas[i], &statement, out_error);
        if (status != STATUS_OK) return status;
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *out_max *= (uint64_t)sqlite3_column_int64(statement, 0);
        else
            status = sqlite_failure(db, code, out_error);
        (void)sqlite3_finalize(statement); /* repeats the code of the step */
    }
    *out_max /= ROW_SIZE_MIN;
    return status;
}

static enum status rows_read(sqlite3 *db, sqlite3_stmt *statement, const struct table_spec *table,
                             uint32_t place, struct table_stage *stage, struct error *out_error)
{
    uint64_t max;
    int code = SQLITE_DONE;
    enum status status = rows_max_read(db, &max, out_error);
    while (status == STATUS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (table_stage_rows(stage, place) == max)
            return error_set(out_error, STATUS_CORRUPT,
                             "table %.*s has more rows than its file can hold: it is damaged",
                             STR_ARG(table->name));
        status = row_take(statement, table, place, stage, out_error);
    }
    if (status == STATUS_OK && code == SQLITE_TOOBIG)
        return error_set(out_error, STATUS_LIMIT, "a row of table %.*s is larger than 16 MiB",
                         STR_ARG(table->name));
    if (status == STATUS_OK && code != SQLITE_DONE) return sqlite_failure(db, code, out_error);
    return status;
}

static enum status table_select(sqlite3 *db, const struct table_mapping *mapping, uint32_t place,
                                struct table_stage *stage, struct error *out_error)
{
    const struct table_spec *table = &mapping->tables[place];
    sqlite3_stmt *statement = NULL;
    enum status status = table_check(db, table, out_error);
    if (status != STATUS_OK) return status;
    BUF_SCOPE struct buf sql;
    buf_init(&sql, SQL_SIZE_MAX);
    columns_append(table, select_columns, &sql);
    buf_append_str(&sql, table->name);
    append(&sql, "\"");
    CHECK(!sql.overflow); /* 64 names of 63 bytes */
    int code = sqlite3_prepare_v2(db, buf_terminated(&sql), -1, &statement, NULL);
    if (code == SQLITE_ERROR)
        return error_set(out_error, STATUS_INVALID, "table %.*s is not as the mapping says: %s",
                         STR_ARG(table->name), sqlite3_errmsg(db));
    if (code != SQLITE_OK) return sqlite_failure(db, code, out_error);
    status = rows_read(db, statement, table, place, stage, out_error);
    (void)sqlite3_finalize(statement); /* repeats the code of the step */
    return status;
}

enum status table_source_sqlite(const char *path, const struct table_mapping *mapping,
                                struct table_stage *stage, struct error *out_error)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) code = sqlite3_busy_timeout(db, SQLITE_BUSY_MS_MAX);
    if (code == SQLITE_OK) code = sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    if (code == SQLITE_OK) code = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (code == SQLITE_OK) code = sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    if (code == SQLITE_OK) (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, CELL_SIZE_MAX);
    enum status status = code == SQLITE_OK ? STATUS_OK : sqlite_failure(db, code, out_error);
    if (status == STATUS_OK)
        status =
            sqlite_execute(db, "PRAGMA cell_size_check = 1; BEGIN", out_error); /* a snapshot */
    for (uint32_t i = 0; i < mapping->table_count && status == STATUS_OK; i++)
        status = table_select(db, mapping, i, stage, out_error);
    (void)sqlite3_close(db); /* only read from */
    return status;
}

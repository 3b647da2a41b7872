#include "adapter/mariadb_binlog.h"

#include <mariadb_rpl.h>
#include <string.h>

#include "base/check.h"

/* ---- tables as they are now ---- */

struct schema_rows {
    struct str columns[BINLOG_COLUMNS_MAX];
    bool is_unsigned[BINLOG_COLUMNS_MAX];
    uint32_t count;
    char name[2 * WAL_NAME_MAX];
};

static enum status schema_tell(const struct schema_rows *rows, const struct wal_mapping *mapping,
                               struct binlog_session *session, struct error *out_error)
{
    if (rows->count == 0) return STATUS_OK;
    const struct binlog_schema schema = { str_from(rows->name), rows->count, rows->columns,
                                          rows->is_unsigned };
    enum status status = binlog_session_schema(session, mapping, &schema, out_error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status schemas_walk(MYSQL_RES *result, struct schema_rows *rows,
                                const struct wal_mapping *mapping, struct binlog_session *session,
                                struct error *out_error)
{
    MYSQL_ROW row;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (row = mysql_fetch_row(result)) != NULL) {
        struct str name = mariadb_text(result, row, 0);
        if (name.len >= sizeof rows->name) continue; /* longer than a mapping can say */
        if (!str_equal(name, str_from(rows->name))) {
            status = schema_tell(rows, mapping, session, out_error);
            memcpy(rows->name, name.data, name.len);
            rows->name[name.len] = '\0';
            rows->count = 0;
        }
        if (rows->count == BINLOG_COLUMNS_MAX) continue; /* the server allows no more */
        rows->columns[rows->count] = mariadb_text(result, row, 1);
        rows->is_unsigned[rows->count++] = mariadb_int64(result, row, 2) != 0;
    }
    return status == STATUS_OK ? schema_tell(rows, mapping, session, out_error) : status;
}

static enum status schemas_read(struct mariadb_connection *connection,
                                const struct wal_mapping *mapping, struct binlog_session *session,
                                struct error *out_error)
{
    static const char sql[] =
        "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME), COLUMN_NAME, LOCATE('unsigned', COLUMN_TYPE) > 0"
        " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys',"
        " 'information_schema', 'performance_schema')"
        " ORDER BY BINARY TABLE_SCHEMA, BINARY TABLE_NAME, ORDINAL_POSITION";
    MYSQL_RES *result = NULL;
    struct arena memory = { 0 };
    enum status status = arena_init(&memory, sizeof(struct schema_rows) + 64);
    if (status != STATUS_OK) return error_set(out_error, status, "no memory");
    struct schema_rows *rows = arena_take(&memory, sizeof *rows);
    CHECK(rows != NULL);
    rows->count = 0;
    rows->name[0] = '\0';
    status = mariadb_query(connection, sql, &result, out_error);
    if (status == STATUS_OK) {
        status = schemas_walk(result, rows, mapping, session, out_error);
        mysql_free_result(result);
    }
    arena_done(&memory);
    if (status != STATUS_OK || session->table_count == mapping->count) return status;
    return error_set(out_error, STATUS_INVALID,
                     "the database lacks %u of the mapping's tables, or hides them from this user",
                     mapping->count - session->table_count);
}

/* ---- the log ---- */

struct log_reading {
    struct binlog_session *session;
    const struct mariadb_binlog_visitor *visitor;
    int64_t file; /* its number, above 32 bits */
    bool begun;   /* a file was */
    char first[512];
    struct mariadb_binlog_extent extent;
};

static enum status extent_read(struct mariadb_connection *connection, struct log_reading *it,
                               struct error *out_error)
{
    MYSQL_RES *files = NULL;
    MYSQL_RES *end = NULL;
    enum status status = mariadb_query(connection, "SHOW BINARY LOGS", &files, out_error);
    if (status == STATUS_OK)
        status = mariadb_query(connection, "SHOW MASTER STATUS", &end, out_error);
    MYSQL_ROW first = status == STATUS_OK ? mysql_fetch_row(files) : NULL;
    MYSQL_ROW last = status == STATUS_OK ? mysql_fetch_row(end) : NULL;
    if (first != NULL && last != NULL) {
        struct str name = mariadb_text(files, first, 0);
        it->extent.from_pos = mariadb_position(name, 0);
        it->extent.to_pos =
            mariadb_position(mariadb_text(end, last, 0), mariadb_int64(end, last, 1));
        it->file = it->extent.from_pos;
        if (name.len < sizeof it->first) memcpy(it->first, name.data, name.len);
    }
    if (files != NULL) mysql_free_result(files);
    if (end != NULL) mysql_free_result(end);
    if (status == STATUS_OK && (it->first[0] == '\0' || it->extent.to_pos == 0))
        status = error_set(out_error, STATUS_INVALID, "the server keeps no binlog");
    return status;
}

static struct str view(MARIADB_STRING text)
{
    return (struct str){ text.str, text.length };
}

static void gid_read(const struct st_mariadb_rpl_gtid_event *event, struct buf *gid)
{
    size_t first = event->gtrid_len;
    if (event->xid.length < first) return;
    binlog_gid_append((struct str){ event->xid.str, first },
                      (struct str){ event->xid.str + first, event->xid.length - first }, gid);
}

static enum status map_take(struct log_reading *it, const MARIADB_RPL_EVENT *event,
                            struct error *out_error)
{
    const struct st_mariadb_rpl_table_map_event *table = &event->event.table_map;
    const struct binlog_map map = {
        .id = table->table_id,
        .database = view(table->database),
        .table = view(table->table),
        .types = view(table->column_types),
        .metadata = view(table->metadata),
        .names = { (const char *)table->column_names.data, table->column_names.length },
    };
    return binlog_session_map(it->session, &map, out_error);
}

static enum status rows_take(struct log_reading *it, const MARIADB_RPL_EVENT *event, int64_t pos,
                             struct error *out_error)
{
    const struct st_mariadb_rpl_rows_event *rows = &event->event.rows;
    static const enum wal_op ops[] = {
        [WRITE_ROWS] = WAL_INSERT,
        [UPDATE_ROWS] = WAL_UPDATE,
        [DELETE_ROWS] = WAL_DELETE,
    };
    CHECK(rows->type <= DELETE_ROWS);
    const struct binlog_rows taken = {
        .id = rows->table_id,
        .op = ops[rows->type],
        .pos = pos,
        .column_count = rows->column_count,
        .before = rows->type == WRITE_ROWS ? NULL : rows->column_bitmap,
        .after = rows->type == DELETE_ROWS   ? NULL
                 : rows->type == UPDATE_ROWS ? rows->column_update_bitmap
                                             : rows->column_bitmap,
        .data = { rows->row_data, rows->row_data_size },
    };
    return binlog_session_rows(it->session, &taken, out_error);
}

/* Only what goes into evidence, or would have: other events are the server's own. */
static enum status event_take(struct log_reading *it, const MARIADB_RPL_EVENT *event,
                              struct buf *gid, struct error *out_error)
{
    int64_t pos = it->file | (event->next_event_pos - event->event_length);
    int type = (int)event->event_type; /* most kinds are nothing to us */
    switch (type) {
    case GTID_EVENT:
        buf_reset(gid);
        gid_read(&event->event.gtid, gid);
        binlog_session_begin(
            it->session,
            (int64_t)((uint64_t)event->event.gtid.domain_id << 40 | event->event.gtid.sequence_nr),
            pos, (struct wall_time){ (int64_t)event->timestamp * NS_PER_S },
            (event->event.gtid.flags & FL_PREPARED_XA) != 0);
        return STATUS_OK;
    case TABLE_MAP_EVENT: return map_take(it, event, out_error);
    case WRITE_ROWS_EVENT_V1:
    case UPDATE_ROWS_EVENT_V1:
    case DELETE_ROWS_EVENT_V1:
    case WRITE_ROWS_EVENT:
    case UPDATE_ROWS_EVENT:
    case DELETE_ROWS_EVENT: return rows_take(it, event, pos, out_error);
    case XID_EVENT: binlog_session_end(it->session, "commit", pos, STR("")); return STATUS_OK;
    case XA_PREPARE_LOG_EVENT:
        binlog_session_end(it->session,
                           event->event.xa_prepare_log.one_phase ? "commit" : "prepare", pos,
                           buf_view(gid));
        return STATUS_OK;
    case QUERY_EVENT:
        binlog_session_query(it->session, pos, view(event->event.query.database),
                             view(event->event.query.statement), buf_view(gid));
        return STATUS_OK;
    case ROTATE_EVENT: /* one that is in no file stands before each of them */
        if ((event->flags & LOG_EVENT_ARTIFICIAL_F) == 0) return STATUS_OK;
        if (it->begun) it->file += INT64_C(1) << 32;
        it->begun = true;
        return STATUS_OK;
    case QUERY_COMPRESSED_EVENT:
    case WRITE_ROWS_COMPRESSED_EVENT_V1:
    case UPDATE_ROWS_COMPRESSED_EVENT_V1:
    case DELETE_ROWS_COMPRESSED_EVENT_V1:
    case WRITE_ROWS_COMPRESSED_EVENT:
    case UPDATE_ROWS_COMPRESSED_EVENT:
    case DELETE_ROWS_COMPRESSED_EVENT:
    case START_ENCRYPTION_EVENT:
    case INCIDENT_EVENT: it->session->writer->rejected++; return STATUS_OK;
    default: return STATUS_OK;
    }
}

static enum status log_walk(struct mariadb_connection *connection, MARIADB_RPL *log,
                            struct log_reading *it, struct error *out_error)
{
    BUF_SCOPE struct buf gid;
    buf_init(&gid, 8 * BINLOG_GID_MAX);
    enum status status = STATUS_OK;
    MARIADB_RPL_EVENT *event = NULL;
    while (status == STATUS_OK) {
        event = mariadb_rpl_fetch(log, event); /* at the end it frees what it was given */
        if (event == NULL) break;
        bool behind = (it->file | event->next_event_pos) > it->extent.to_pos;
        if (behind && event->event_type == GTID_EVENT) break; /* later than it was asked */
        if (event->timestamp != 0 && it->extent.from.ns == 0)
            it->extent.from.ns = (int64_t)event->timestamp * NS_PER_S;
        status = event_take(it, event, &gid, out_error);
        if (status == STATUS_OK) status = it->visitor->taken(it->visitor->context);
    }
    if (status == STATUS_OK && mysql_errno(connection->mysql) != 0)
        status = mariadb_failure(connection, out_error);
    if (event != NULL) mariadb_free_rpl_event(event);
    return status;
}

static enum status log_open(struct mariadb_connection *connection, const char *file,
                            MARIADB_RPL **out_log, struct error *out_error)
{
    /* Transactions are told of by number, and each event has its checksum, which is looked at. */
    static const char *const wanted[] = {
        "SET @mariadb_slave_capability = 4",
        "SET @master_binlog_checksum = @@global.binlog_checksum",
        "SET SESSION max_statement_time = 0",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (mysql_query(connection->mysql, wanted[i]) != 0)
            return mariadb_failure(connection, out_error);
    MARIADB_RPL *log = mariadb_rpl_init(connection->mysql);
    CHECK(log != NULL);
    /* 0 is nobody's: with another number the server would take us for that replica. */
    bool set = mariadb_rpl_optionsv(log, MARIADB_RPL_FILENAME, file, (size_t)0) == 0 &&
               mariadb_rpl_optionsv(log, MARIADB_RPL_START, 4UL) == 0 &&
               mariadb_rpl_optionsv(log, MARIADB_RPL_SERVER_ID, 0U) == 0 &&
               mariadb_rpl_optionsv(log, MARIADB_RPL_VERIFY_CHECKSUM, 1U) == 0 &&
               mariadb_rpl_optionsv(log, MARIADB_RPL_FLAGS,
                                    (unsigned)MARIADB_RPL_BINLOG_DUMP_NON_BLOCK) == 0;
    CHECK(set);
    if (mariadb_rpl_open(log) == 0) {
        *out_log = log;
        return STATUS_OK;
    }
    enum status status = mariadb_failure(connection, out_error);
    mariadb_rpl_close(log);
    return status;
}

enum status mariadb_binlog_read(struct mariadb_connection *connection,
                                const struct wal_mapping *mapping, struct binlog_session *session,
                                const struct mariadb_binlog_visitor *visitor,
                                struct mariadb_binlog_extent *out_extent, struct error *out_error)
{
    struct log_reading it = { .session = session, .visitor = visitor };
    MARIADB_RPL *log = NULL;
    enum status status = schemas_read(connection, mapping, session, out_error);
    if (status == STATUS_OK) status = extent_read(connection, &it, out_error);
    if (status == STATUS_OK) status = log_open(connection, it.first, &log, out_error);
    if (status != STATUS_OK) return status;
    status = log_walk(connection, log, &it, out_error);
    mariadb_rpl_close(log);
    if (status == STATUS_OK) *out_extent = it.extent;
    return status;
}

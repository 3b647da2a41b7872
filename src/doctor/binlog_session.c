#include "doctor/binlog_session.h"

#include "base/check.h"

enum { MAP_OTHER = -1, MAP_ALTERED = -2 };

void binlog_session_init(struct binlog_session *session, struct wal_writer *writer,
                         struct arena *arena)
{
    session->writer = writer;
    session->arena = arena;
    session->inside = false;
    session->table_count = 0;
    session->map_count = 0;
}

static bool str_keep(struct arena *arena, struct str text, struct str *out_kept)
{
    char *copy = arena_take(arena, text.len + 1);
    if (copy == NULL) return false;
    memcpy(copy, text.data, text.len);
    *out_kept = (struct str){ copy, text.len };
    return true;
}

enum status binlog_session_schema(struct binlog_session *session, const struct wal_mapping *mapping,
                                  const struct binlog_schema *schema, struct error *out_error)
{
    uint32_t at = session->table_count;
    CHECK(at < WAL_TABLES_MAX);
    CHECK(schema->count <= BINLOG_COLUMNS_MAX);
    enum status status = wal_mapping_bind(mapping, schema->name, schema->columns, schema->count,
                                          &session->tables[at].binding, out_error);
    if (status != STATUS_OK) return status;
    struct str *columns = arena_take_array(session->arena, schema->count, sizeof *columns);
    bool *is_unsigned = arena_take_array(session->arena, schema->count, sizeof *is_unsigned);
    bool kept = columns != NULL && is_unsigned != NULL &&
                str_keep(session->arena, schema->name, &session->tables[at].name);
    for (uint32_t i = 0; i < schema->count && kept; i++) {
        kept = str_keep(session->arena, schema->columns[i], &columns[i]);
        is_unsigned[i] = schema->is_unsigned[i];
    }
    if (!kept) return error_set(out_error, STATUS_LIMIT, "the mapped tables have too many columns");
    session->tables[at].column_count = schema->count;
    session->tables[at].columns = columns;
    session->tables[at].is_unsigned = is_unsigned;
    session->table_count++;
    return STATUS_OK;
}

void binlog_session_begin(struct binlog_session *session, int64_t xid, int64_t pos,
                          struct wall_time at, bool prepares)
{
    session->inside = true;
    session->map_count = 0;
    wal_writer_begin(session->writer, xid, pos, at);
    session->writer->provisional = prepares;
}

void binlog_session_end(struct binlog_session *session, const char *op, int64_t pos, struct str gid)
{
    if (!session->inside) return; /* an event of the server's own */
    session->inside = false;
    wal_writer_end(session->writer, op, pos, gid);
}

/* ---- tables ---- */

/* `database` and `table` with a point between. */
static bool name_is(struct str name, struct str database, struct str table)
{
    return name.len == database.len + 1 + table.len && str_starts(name, database) &&
           name.data[database.len] == '.' &&
           str_equal((struct str){ name.data + database.len + 1, table.len }, table);
}

static int32_t table_find(const struct binlog_session *session, struct str database,
                          struct str table)
{
    for (uint32_t i = 0; i < session->table_count; i++)
        if (name_is(session->tables[i].name, database, table)) return (int32_t)i;
    return MAP_OTHER;
}

/* Whether the log's own names, where it has them, are those that the database has now. */
static bool names_agree(const struct binlog_session *session, int32_t table, struct str names)
{
    for (uint32_t i = 0; i < session->tables[table].column_count && names.len > 0; i++) {
        size_t len = (uint8_t)names.data[0];
        if (len + 1 > names.len) return false;
        struct str name = { names.data + 1, len };
        if (!str_equal(name, session->tables[table].columns[i])) return false;
        names = (struct str){ name.data + len, names.len - len - 1 };
    }
    return names.len == 0;
}

enum status binlog_session_map(struct binlog_session *session, const struct binlog_map *map,
                               struct error *out_error)
{
    int32_t table = table_find(session, map->database, map->table);
    if (session->map_count == BINLOG_MAPS_MAX)
        return error_set(out_error, STATUS_LIMIT,
                         "a transaction of the log is about more than 256 tables");
    if (table != MAP_OTHER) {
        bool same = map->types.len == session->tables[table].column_count &&
                    names_agree(session, table, map->names);
        struct binlog_column *columns = session->columns[table];
        if (same) {
            enum status status =
                binlog_columns_parse(map->types, map->metadata, columns, out_error);
            if (status != STATUS_OK) return status;
            for (uint32_t i = 0; i < session->tables[table].column_count; i++)
                columns[i].is_unsigned = session->tables[table].is_unsigned[i];
        } else {
            table = MAP_ALTERED;
        }
    }
    session->maps[session->map_count].id = map->id;
    session->maps[session->map_count].table = table;
    session->map_count++;
    return STATUS_OK;
}

/* ---- rows ---- */

/* The newest map of that number. */
static const int32_t *map_find(const struct binlog_session *session, uint64_t id)
{
    for (uint32_t i = session->map_count; i > 0; i--)
        if (session->maps[i - 1].id == id) return &session->maps[i - 1].table;
    return NULL;
}

static enum status row_take(struct binlog_session *session, const struct binlog_rows *rows,
                            int32_t table, struct str *rest, struct error *out_error)
{
    ARENA_SCOPE struct arena_mark mark = arena_mark(session->arena);
    struct binlog_shape shape = { session->columns[table], rows->column_count, rows->before };
    enum status status = STATUS_OK;
    if (rows->before != NULL)
        status = binlog_image_take(&shape, rest, session->arena, session->before, out_error);
    shape.present = rows->after;
    if (status == STATUS_OK && rows->after != NULL)
        status = binlog_image_take(&shape, rest, session->arena, session->after, out_error);
    if (status != STATUS_OK) return status;
    const struct wal_row row = {
        .op = rows->op,
        .pos = rows->pos,
        .binding = &session->tables[table].binding,
        .before = rows->before == NULL ? NULL : session->before,
        .after = rows->after == NULL ? NULL : session->after,
    };
    wal_writer_row(session->writer, &row);
    return STATUS_OK;
}

enum status binlog_session_rows(struct binlog_session *session, const struct binlog_rows *rows,
                                struct error *out_error)
{
    const int32_t *table = map_find(session, rows->id);
    if (!session->inside || table == NULL)
        return error_set(out_error, STATUS_INVALID, "the log has rows of a table it did not name");
    if (*table == MAP_ALTERED) session->writer->rejected++;
    if (*table < 0) return STATUS_OK;
    if (rows->column_count != session->tables[*table].column_count)
        return error_set(out_error, STATUS_INVALID,
                         "rows of the log have not their table's columns");
    struct str rest = rows->data;
    while (rest.len > 0) {
        size_t left = rest.len;
        enum status status = row_take(session, rows, *table, &rest, out_error);
        if (status != STATUS_OK) return status;
        if (rest.len == left)
            return error_set(out_error, STATUS_INVALID, "rows of the log have no columns");
    }
    return STATUS_OK;
}

/* ---- statements ---- */

/* In upper or lower case; it is cut off with the blanks behind. */
static bool word_take(struct str *text, const char *word)
{
    size_t len = strlen(word);
    if (!str_starts_caseless(*text, (struct str){ word, len })) return false;
    if (text->len > len && strchr(" \t\r\n;`", text->data[len]) == NULL) return false;
    *text = (struct str){ text->data + len, text->len - len };
    while (text->len > 0 && strchr(" \t\r\n", text->data[0]) != NULL)
        *text = (struct str){ text->data + 1, text->len - 1 };
    return true;
}

/* A name, also between backquotes. */
static struct str name_take(struct str *text)
{
    bool quoted = text->len > 0 && text->data[0] == '`';
    if (quoted) *text = (struct str){ text->data + 1, text->len - 1 };
    size_t len = 0;
    const char *stops = quoted ? "`" : " \t\r\n;.`";
    while (len < text->len && strchr(stops, text->data[len]) == NULL) len++;
    struct str name = { text->data, len };
    len += quoted && len < text->len;
    *text = (struct str){ text->data + len, text->len - len };
    return name;
}

static void truncate_take(struct binlog_session *session, int64_t pos, struct str database,
                          struct str rest)
{
    (void)word_take(&rest, "table"); /* it may be left out */
    struct str table = name_take(&rest);
    if (rest.len > 0 && rest.data[0] == '.') {
        database = table;
        rest = (struct str){ rest.data + 1, rest.len - 1 };
        table = name_take(&rest);
    }
    int32_t at = table_find(session, database, table);
    if (at < 0) return;
    wal_writer_truncate(session->writer, pos, session->tables[at].binding.table);
    binlog_session_end(session, "commit", pos, STR(""));
}

void binlog_session_query(struct binlog_session *session, int64_t pos, struct str database,
                          struct str statement, struct str gid)
{
    static const char *const changes[] = {
        "insert", "update", "delete", "replace", "load", "with"
    };
    struct str rest = statement;
    if (!session->inside) return;
    if (word_take(&rest, "commit")) {
        binlog_session_end(session, "commit", pos, STR(""));
    } else if (word_take(&rest, "rollback")) {
        if (word_take(&rest, "to"))
            session->writer->rejected++; /* which of the rows before were taken back, nobody says */
        else
            binlog_session_end(session, "abort", pos, STR(""));
    } else if (word_take(&rest, "xa")) {
        bool commits = word_take(&rest, "commit");
        if (commits || word_take(&rest, "rollback"))
            binlog_session_end(session, commits ? "commit" : "abort", pos, gid);
    } else if (word_take(&rest, "truncate")) {
        truncate_take(session, pos, database, rest);
    }
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (word_take(&rest, changes[i])) session->writer->rejected++;
}

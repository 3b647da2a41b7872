#include "doctor/sql_dump.h"

#include "base/check.h"
#include "base/hash.h"
#include "doctor/sql_token.h"

enum { STATEMENT_HEAD = 64 }; /* bytes of a statement by which it is told apart */

/* What a CREATE TABLE said, for an INSERT that names no columns. */
struct sql_dump_table {
    struct sql_dump_table *below[4]; /* by two bits of the hash each */
    struct str schema;
    struct str name;
    uint32_t count;
    struct str columns[];
};

enum status sql_dump_init(struct sql_dump *dump, const struct sql_dump_visitor *visitor,
                          struct error *out_error)
{
    memset(dump, 0, sizeof *dump);
    dump->visitor = *visitor;
    buf_init(&dump->statement, SQL_DUMP_LINE_MAX);
    enum status status = arena_init(&dump->tables_arena, SQL_DUMP_DEFINITIONS_MAX);
    if (status == STATUS_OK) status = arena_init(&dump->row_arena, 4 * (size_t)SQL_DUMP_LINE_MAX);
    return status == STATUS_OK ? status : error_set(out_error, status, "no memory for the dump");
}

void sql_dump_free(struct sql_dump *dump)
{
    buf_free(&dump->statement);
    arena_done(&dump->tables_arena);
    arena_done(&dump->row_arena);
}

static enum status wrong(const struct sql_dump *dump, const char *what, struct error *out_error)
{
    return error_set(out_error, STATUS_INVALID, "the dump, line %llu: %s",
                     (unsigned long long)dump->line, what);
}

/* ---- names ---- */

static bool keep(struct sql_dump *dump, struct str text, struct str *out_text)
{
    char *copy = arena_take(&dump->tables_arena, text.len + 1);
    if (copy == NULL) return false;
    memcpy(copy, text.data, text.len);
    *out_text = (struct str){ copy, text.len };
    return true;
}

static bool table_name(struct sql_tokens *tokens, struct str *out_schema, struct str *out_name)
{
    *out_schema = STR("");
    if (!sql_token_name(tokens, out_name)) return false;
    if (!sql_token_is(tokens, ".")) return true;
    *out_schema = *out_name;
    return sql_token_name(tokens, out_name);
}

/* ( a, b ), behind its parenthesis. */
static bool name_list(struct sql_tokens *tokens, struct str *names, uint32_t *out_count)
{
    *out_count = 0;
    do {
        if (*out_count == SQL_DUMP_COLUMNS_MAX || !sql_token_name(tokens, &names[*out_count]))
            return false;
        ++*out_count;
    } while (sql_token_is(tokens, ","));
    return sql_token_is(tokens, ")");
}

/*
 * Where the table is, or would be: a tree by the bits of a hash, which is as deep as hashes agree.
 * Statements and tables may both be very many.
 */
static struct sql_dump_table **table_place(struct sql_dump *dump, struct str schema,
                                           struct str name)
{
    uint64_t hash = hash_fold(hash_bytes_seeded(name.data, name.len, dump->visitor.seed),
                              ~hash_bytes_seeded(schema.data, schema.len, dump->visitor.seed));
    struct sql_dump_table **place = &dump->tables;
    for (; *place != NULL; hash <<= 2) {
        struct sql_dump_table *table = *place;
        if (str_equal(table->name, name) && str_equal(table->schema, schema)) break;
        place = &table->below[hash >> 62];
    }
    return place;
}

/* ---- CREATE TABLE ---- */

/* Past the rest of a column's definition; true: another one follows. */
static bool definition_skip(struct sql_tokens *tokens)
{
    for (uint32_t depth = 0;;) {
        if (depth == 0 && sql_token_is(tokens, ",")) return true;
        if (depth == 0 && sql_token_is(tokens, ")")) return false;
        struct sql_token token = sql_token_take(tokens);
        if (token.kind == SQL_TOKEN_END || token.kind == SQL_TOKEN_BROKEN) return false;
        if (token.kind != SQL_TOKEN_MARK) continue;
        if (token.text.data[0] == '(') depth++;
        if (token.text.data[0] == ')') depth--;
    }
}

static bool is_constraint(const struct sql_tokens *tokens)
{
    static const char *const words[] = { "constraint", "primary", "unique", "check",
                                         "foreign",    "exclude", "like" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (tokens->next.kind == SQL_TOKEN_WORD && str_equal(tokens->next.text, str_from(words[i])))
            return true;
    return false;
}

static enum status definition_read(struct sql_dump *dump, struct sql_tokens *tokens,
                                   struct error *out_error)
{
    struct str schema;
    struct str name;
    uint32_t count = 0;
    bool guarded = sql_token_is(tokens, "if") && sql_token_is(tokens, "not");
    if (guarded && !sql_token_is(tokens, "exists"))
        return wrong(dump, "a table without a name", out_error);
    if (!table_name(tokens, &schema, &name))
        return wrong(dump, "a table without a name", out_error);
    struct sql_dump_table **place = table_place(dump, schema, name);
    if (!sql_token_is(tokens, "(") || *place != NULL) return STATUS_OK;
    do {
        if (is_constraint(tokens)) continue;
        if (count == SQL_DUMP_COLUMNS_MAX) return wrong(dump, "more than 512 columns", out_error);
        if (!sql_token_name(tokens, &dump->cells[count])) break;
        count++;
    } while (definition_skip(tokens));
    struct sql_dump_table *table =
        arena_take(&dump->tables_arena, sizeof *table + count * sizeof table->columns[0]);
    bool kept =
        table != NULL && keep(dump, schema, &table->schema) && keep(dump, name, &table->name);
    for (uint32_t i = 0; i < count && kept; i++)
        kept = keep(dump, dump->cells[i], &table->columns[i]);
    if (!kept) return error_set(out_error, STATUS_LIMIT, "the dump has too many tables");
    table->count = count;
    memset(table->below, 0, sizeof table->below);
    *place = table;
    const struct sql_dump_row row = {
        .schema = table->schema, .table = table->name, .count = count, .columns = table->columns
    };
    return dump->visitor.table(dump->visitor.context, &row, out_error);
}

/* ---- rows ---- */

static enum status row_give(struct sql_dump *dump, struct sql_dump_row row, struct error *out_error)
{
    row.cells = dump->cells;
    return dump->visitor.row(dump->visitor.context, &row, out_error);
}

/* The columns of a statement that names none. */
static enum status columns_known(struct sql_dump *dump, struct sql_dump_row *row,
                                 struct error *out_error)
{
    const struct sql_dump_table *table = *table_place(dump, row->schema, row->table);
    if (table == NULL)
        return wrong(dump, "rows without names of columns, of a table that was not made before",
                     out_error);
    row->count = table->count;
    row->columns = table->columns;
    return STATUS_OK;
}

/* A value, and the types that it is cast to. */
static bool value_read(struct sql_tokens *tokens, struct str *out_cell)
{
    struct sql_token token = sql_token_take(tokens);
    *out_cell = token.text;
    bool null = token.kind == SQL_TOKEN_WORD && str_equal(token.text, STR("null"));
    bool word = token.kind == SQL_TOKEN_WORD &&
                (str_equal(token.text, STR("true")) || str_equal(token.text, STR("false")));
    if (null) *out_cell = (struct str){ NULL, 0 };
    if (!null && !word && token.kind != SQL_TOKEN_STRING && token.kind != SQL_TOKEN_NUMBER)
        return false;
    while (sql_token_is(tokens, ":")) {
        struct str type;
        if (!sql_token_is(tokens, ":") || !sql_token_name(tokens, &type)) return false;
        if (sql_token_is(tokens, ".") && !sql_token_name(tokens, &type)) return false;
    }
    return true;
}

static bool tuple_read(struct sql_dump *dump, struct sql_tokens *tokens, uint32_t *out_count)
{
    *out_count = 0;
    if (!sql_token_is(tokens, "(")) return false;
    do {
        if (*out_count == SQL_DUMP_COLUMNS_MAX || !value_read(tokens, &dump->cells[*out_count]))
            return false;
        ++*out_count;
    } while (sql_token_is(tokens, ","));
    return sql_token_is(tokens, ")");
}

static enum status insert_read(struct sql_dump *dump, struct sql_tokens *tokens,
                               struct error *out_error)
{
    struct sql_dump_row row = { 0 };
    struct str *names = arena_take_array(&dump->row_arena, SQL_DUMP_COLUMNS_MAX, sizeof *names);
    uint32_t count;
    if (names == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the dump");
    if (!sql_token_is(tokens, "into") || !table_name(tokens, &row.schema, &row.table))
        return wrong(dump, "an INSERT without a table", out_error);
    row.columns = names;
    enum status status = STATUS_OK;
    if (!sql_token_is(tokens, "("))
        status = columns_known(dump, &row, out_error);
    else if (!name_list(tokens, names, &row.count))
        status = wrong(dump, "no list of columns", out_error);
    if (sql_token_is(tokens, "overriding"))
        (void)(sql_token_take(tokens), sql_token_is(tokens, "value")); /* or no VALUES follows */
    if (status == STATUS_OK && !sql_token_is(tokens, "values"))
        status = wrong(dump, "an INSERT of something else than VALUES", out_error);
    while (status == STATUS_OK) {
        if (!tuple_read(dump, tokens, &count) || count != row.count)
            return wrong(dump, "a row that is no list of literals, one for each column", out_error);
        status = row_give(dump, row, out_error);
        if (!sql_token_is(tokens, ",")) break;
    }
    return status;
}

/* COPY t (a, b) FROM stdin: the rows are the lines that follow. */
static enum status copy_begin(struct sql_dump *dump, struct sql_tokens *tokens,
                              struct error *out_error)
{
    struct sql_dump_row row = { 0 };
    struct str names[SQL_DUMP_COLUMNS_MAX];
    if (!table_name(tokens, &row.schema, &row.table))
        return wrong(dump, "a COPY without a table", out_error);
    row.columns = names;
    enum status status = STATUS_OK;
    if (!sql_token_is(tokens, "("))
        status = columns_known(dump, &row, out_error);
    else if (!name_list(tokens, names, &row.count))
        status = wrong(dump, "no list of columns", out_error);
    if (status != STATUS_OK) return status;
    if (!sql_token_is(tokens, "from") || !sql_token_is(tokens, "stdin") ||
        tokens->next.kind != SQL_TOKEN_END || row.count == 0)
        return wrong(dump, "a COPY that is not from stdin, in its text form", out_error);
    bool kept =
        keep(dump, row.schema, &dump->copy_schema) && keep(dump, row.table, &dump->copy_table);
    for (uint32_t i = 0; i < row.count && kept; i++)
        kept = keep(dump, row.columns[i], &dump->copy_columns[i]);
    if (!kept) return error_set(out_error, STATUS_LIMIT, "the dump has too many tables");
    dump->copy_count = row.count;
    return dump->visitor.table(dump->visitor.context, &row, out_error);
}

/* ---- statements ---- */

static bool head_is(struct str statement, const char *words)
{
    size_t len = strlen(words);
    if (statement.len < len) return false;
    for (size_t i = 0; i < len; i++) {
        char c = statement.data[i];
        if (c == '\n' || c == '\t') c = ' ';
        if (ascii_lower(c) != ascii_lower(words[i])) return false;
    }
    return true;
}

static bool has_rows(struct str statement)
{
    static const char *const heads[] = { "COPY ", "INSERT ", "CREATE TABLE ",
                                         "CREATE UNLOGGED TABLE " };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (head_is(statement, heads[i])) return true;
    return false;
}

static enum status statement_end(struct sql_dump *dump, struct error *out_error)
{
    struct sql_tokens tokens;
    struct str statement = buf_view(&dump->statement);
    enum status status = STATUS_OK;
    if (dump->statement.overflow) return wrong(dump, "a statement of more than 16 MiB", out_error);
    if (!dump->passed_over && has_rows(statement)) {
        arena_reset(&dump->row_arena);
        sql_tokens_init(&tokens, statement, &dump->row_arena);
        if (sql_token_is(&tokens, "copy"))
            status = copy_begin(dump, &tokens, out_error);
        else if (sql_token_is(&tokens, "insert"))
            status = insert_read(dump, &tokens, out_error);
        else if (sql_token_is(&tokens, "create")) {
            (void)sql_token_is(&tokens, "unlogged"); /* or it is not there */
            CHECK(sql_token_is(&tokens, "table"));
            status = definition_read(dump, &tokens, out_error);
        }
    }
    buf_reset(&dump->statement);
    dump->passed_over = false;
    return status;
}

static void byte_keep(struct sql_dump *dump, char c)
{
    bool blank = dump->statement.len == 0 && strchr(" \t\r\n", c) != NULL;
    if (dump->passed_over || blank) return;
    buf_append_byte(&dump->statement, (uint8_t)c);
    if (dump->statement.len == STATEMENT_HEAD && !has_rows(buf_view(&dump->statement)))
        dump->passed_over = true;
}

/* ---- where statements end ---- */

/* A dollar quote that begins at `at`: its tag is noted. */
static bool dollars_begin(struct sql_dump *dump, struct str line, size_t at)
{
    size_t len = 1;
    while (at + len < line.len && line.data[at + len] != '$') {
        char c = line.data[at + len++];
        bool name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                    (c >= '0' && c <= '9' && len > 2);
        if (!name || len + 1 >= sizeof dump->tag) return false;
    }
    if (at + len >= line.len) return false;
    dump->tag_len = len + 1;
    memcpy(dump->tag, line.data + at, dump->tag_len);
    return true;
}

static char char_at(struct str line, size_t at)
{
    return at < line.len ? line.data[at] : '\n';
}

/* E'…', and not the end of a word. */
static bool has_escapes(struct str line, size_t quote)
{
    if (quote == 0 || (line.data[quote - 1] != 'E' && line.data[quote - 1] != 'e')) return false;
    return quote == 1 || strchr(" \t(,=", line.data[quote - 2]) != NULL;
}

/* In the open: returns how many bytes belong together. */
static size_t plain_step(struct sql_dump *dump, struct str line, size_t at)
{
    char c = line.data[at];
    if (c == '-' && char_at(line, at + 1) == '-') return line.len - at;
    if (c == '/' && char_at(line, at + 1) == '*') {
        dump->inside = DUMP_COMMENT;
        dump->comment_depth = 1;
        return 2;
    }
    if (c == '\'') dump->inside = has_escapes(line, at) ? DUMP_ESCAPES : DUMP_QUOTE;
    if (c == '"') dump->inside = DUMP_NAME;
    if (c == '$' && dollars_begin(dump, line, at)) {
        dump->inside = DUMP_DOLLARS;
        for (size_t i = 0; i < dump->tag_len; i++) byte_keep(dump, dump->tag[i]);
        return dump->tag_len;
    }
    byte_keep(dump, c);
    return 1;
}

static size_t comment_step(struct sql_dump *dump, struct str line, size_t at)
{
    bool opens = line.data[at] == '/' && char_at(line, at + 1) == '*';
    bool closes = line.data[at] == '*' && char_at(line, at + 1) == '/';
    if (opens) dump->comment_depth++;
    if (closes && --dump->comment_depth == 0) dump->inside = DUMP_PLAIN;
    return opens || closes ? 2 : 1;
}

static size_t dollars_step(struct sql_dump *dump, struct str line, size_t at)
{
    bool ends =
        line.len - at >= dump->tag_len && memcmp(line.data + at, dump->tag, dump->tag_len) == 0;
    size_t len = ends ? dump->tag_len : 1;
    for (size_t i = 0; i < len; i++) byte_keep(dump, line.data[at + i]);
    if (ends) dump->inside = DUMP_PLAIN;
    return len;
}

static size_t quote_step(struct sql_dump *dump, struct str line, size_t at)
{
    char c = line.data[at];
    byte_keep(dump, c);
    if (dump->inside == DUMP_ESCAPES && c == '\\' && at + 1 < line.len) {
        byte_keep(dump, line.data[at + 1]);
        return 2;
    }
    /* A doubled quote ends it and begins it again. */
    if (c == (dump->inside == DUMP_NAME ? '"' : '\'')) {
        bool doubled = char_at(line, at + 1) == c;
        if (!doubled) dump->inside = DUMP_PLAIN;
        if (doubled) byte_keep(dump, c);
        return doubled ? 2 : 1;
    }
    return 1;
}

static enum status sql_line(struct sql_dump *dump, struct str line, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (size_t at = 0; at < line.len && status == STATUS_OK;) {
        if (dump->inside == DUMP_COMMENT) {
            at += comment_step(dump, line, at);
        } else if (dump->inside == DUMP_DOLLARS) {
            at += dollars_step(dump, line, at);
        } else if (dump->inside != DUMP_PLAIN) {
            at += quote_step(dump, line, at);
        } else if (line.data[at] == ';') {
            status = statement_end(dump, out_error);
            at++;
        } else {
            at += plain_step(dump, line, at);
        }
    }
    byte_keep(dump, '\n');
    return status;
}

/* ---- COPY's lines ---- */

/* \x41, \101, \n: one byte; its length is added to *at. */
static char copy_escape(struct str cell, size_t *at)
{
    static const char from[] = "bfnrtv";
    static const char to[] = "\b\f\n\r\t\v";
    char c = cell.data[(*at)++];
    const char *known = c == '\0' ? NULL : strchr(from, c);
    if (known != NULL) return to[known - from];
    int value = c - '0';
    if (c < '0' || c > '7') return c;
    for (int i = 0; i < 2 && *at < cell.len && cell.data[*at] >= '0' && cell.data[*at] <= '7'; i++)
        value = value * 8 + cell.data[(*at)++] - '0';
    return (char)value;
}

/* False: a backslash stands at its end. */
static bool copy_cell(struct str cell, char *room, struct str *out_cell)
{
    size_t len = 0;
    if (str_equal(cell, STR("\\N"))) {
        *out_cell = (struct str){ NULL, 0 };
        return true;
    }
    for (size_t at = 0; at < cell.len;) {
        char c = cell.data[at++];
        if (c == '\\' && at == cell.len) return false;
        room[len++] = c == '\\' ? copy_escape(cell, &at) : c;
    }
    *out_cell = (struct str){ room, len };
    return true;
}

bool sql_copy_line(struct str line, struct arena *arena, struct str *cells, uint32_t count)
{
    char *room = arena_take(arena, line.len + 1);
    size_t used = 0;
    uint32_t found = 0;
    if (room == NULL) return false;
    for (size_t at = 0; at <= line.len;) {
        const char *tab = at == line.len ? NULL : memchr(line.data + at, '\t', line.len - at);
        size_t end = tab == NULL ? line.len : (size_t)(tab - line.data);
        struct str cell = { line.data + at, end - at };
        if (found == count || !copy_cell(cell, room + used, &cells[found])) return false;
        used += cells[found++].len;
        at = end + 1;
    }
    return found == count;
}

static enum status copy_line(struct sql_dump *dump, struct str line, struct error *out_error)
{
    if (str_equal(line, STR("\\."))) {
        dump->copy_count = 0;
        return STATUS_OK;
    }
    arena_reset(&dump->row_arena);
    if (!sql_copy_line(line, &dump->row_arena, dump->cells, dump->copy_count))
        return error_set(
            out_error, STATUS_INVALID, "the dump, line %llu: no row of the %u columns of %.*s",
            (unsigned long long)dump->line, dump->copy_count, STR_ARG(dump->copy_table));
    const struct sql_dump_row row = { .schema = dump->copy_schema,
                                      .table = dump->copy_table,
                                      .count = dump->copy_count,
                                      .columns = dump->copy_columns };
    return row_give(dump, row, out_error);
}

/* \restrict and such are psql's; \connect would go to another database. */
static enum status meta_line(struct sql_dump *dump, struct str line, struct error *out_error)
{
    bool known = str_starts(line, STR("\\restrict")) || str_starts(line, STR("\\unrestrict")) ||
                 str_starts(line, STR("\\set ")) || str_starts(line, STR("\\encoding"));
    if (known) return STATUS_OK;
    enum status status = wrong(dump, "a command of psql's that does not belong here", out_error);
    if (str_starts(line, STR("\\c")))
        error_hint(out_error, "a dump of one database is needed: pg_dump, not pg_dumpall");
    return status;
}

enum status sql_dump_line(struct sql_dump *dump, struct str line, struct error *out_error)
{
    dump->line++;
    if (dump->line == 1 && str_starts(line, STR("PGDMP"))) {
        enum status status = wrong(dump, "a dump that is not in the plain format", out_error);
        error_hint(out_error, "`pg_restore -f dump.sql FILE` makes it plain");
        return status;
    }
    if (line.len > SQL_DUMP_LINE_MAX) return wrong(dump, "more than 16 MiB in one line", out_error);
    if (dump->copy_count > 0) return copy_line(dump, line, out_error);
    bool between = dump->inside == DUMP_PLAIN && dump->statement.len == 0 && !dump->passed_over;
    if (between && str_equal(line, STR("-- PostgreSQL database dump complete")))
        dump->complete = true;
    if (between && line.len > 0 && line.data[0] == '\\') return meta_line(dump, line, out_error);
    return sql_line(dump, line, out_error);
}

enum status sql_dump_end(struct sql_dump *dump, struct error *out_error)
{
    bool between = dump->inside == DUMP_PLAIN && dump->statement.len == 0 && !dump->passed_over;
    if (dump->copy_count > 0)
        return error_set(out_error, STATUS_INVALID, "the dump ends inside of the rows of %.*s",
                         STR_ARG(dump->copy_table));
    return between ? STATUS_OK : wrong(dump, "the dump ends inside of a statement", out_error);
}

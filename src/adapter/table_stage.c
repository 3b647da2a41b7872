#include "adapter/table_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_evidence_functions.h"
#include "base/buf.h"
#include "base/check.h"

enum {
    SQL_SIZE_MAX = 16 << 10,
    QUERY_STEPS = 1 << 20, /* of SQLite's own between two looks at how long a query takes */
    QUERY_ROUNDS_MAX = 100000,
};

struct table_stage {
    const struct table_mapping *mapping;
    sqlite3 *db;
    sqlite3_stmt *inserts[TABLE_MAPPING_TABLES_MAX];
    uint64_t rows[TABLE_MAPPING_TABLES_MAX];
    struct manifest nothing; /* nothing is covered while collecting */
    struct manifest *manifest;
    struct sqlite_evidence_guard guard;
    uint32_t rounds;
};

/* ---- what queries may call ---- */

static struct str text_of(sqlite3_value *value)
{
    const char *text = (const char *)sqlite3_value_text(value);
    return (struct str){ text == NULL ? "" : text, (size_t)sqlite3_value_bytes(value) };
}

static void refuse(sqlite3_context *context, struct str what, const char *why)
{
    char message[ERROR_TEXT_SIZE];
    int len =
        snprintf(message, sizeof message, "'%.*s' %s", what.len > 80 ? 80 : STR_ARG(what), why);
    CHECK(len > 0);
    sqlite3_result_error(context, message, -1);
}

static bool exponent_of(sqlite3_context *context, sqlite3_value *value, uint8_t *out_exponent)
{
    const struct table_stage *stage = sqlite3_user_data(context);
    struct str asset = text_of(value);
    if (table_assets_find(&stage->mapping->assets, asset, out_exponent)) return true;
    refuse(context, asset, "is an asset without decimals: they belong into `assets`");
    return false;
}

static void give_amount(sqlite3_context *context, struct signed_amount amount)
{
    char shown[SIGNED_AMOUNT_TEXT_SIZE];
    struct str written = signed_amount_format(amount, 0, shown);
    if (amount.minor >= INT64_MIN && amount.minor <= INT64_MAX)
        sqlite3_result_int64(context, (sqlite3_int64)amount.minor);
    else
        sqlite3_result_text(context, written.data, (int)written.len, SQLITE_TRANSIENT);
}

/* minor(decimal, asset) */
static void minor(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    struct signed_amount_form form = { .point = '.' };
    struct signed_amount amount;
    uint8_t exponent;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    struct str text = text_of(values[0]);
    if (!exponent_of(context, values[1], &exponent)) return;
    form.exponent = exponent;
    if (signed_amount_parse(text, &form, &amount) == STATUS_OK)
        give_amount(context, amount);
    else
        refuse(context, text, "has more decimals than its asset, or is no amount");
}

/* rescale(units, precision, asset): exact, or an error. */
static void rescale(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    const struct signed_amount_form form = { .point = '.' };
    struct signed_amount amount;
    struct signed_amount precision;
    uint8_t exponent;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    struct str text = text_of(values[0]);
    if (!exponent_of(context, values[2], &exponent)) return;
    bool good = signed_amount_parse(text, &form, &amount) == STATUS_OK &&
                signed_amount_parse(text_of(values[1]), &form, &precision) == STATUS_OK &&
                precision.minor > 0;
    for (; exponent > 0 && good; exponent--)
        good = !__builtin_mul_overflow(amount.minor, 10, &amount.minor);
    if (good && amount.minor % precision.minor == 0)
        give_amount(context, (struct signed_amount){ amount.minor / precision.minor });
    else
        refuse(context, text, "is no whole number of its asset's minor units, in this precision");
}

/* refuse(text) */
static void refuse_all(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    refuse(context, text_of(values[0]), "is what the mapping refuses");
}

/* asset_code('USD/2') */
static void asset_code(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count; /* as registered */
    const struct table_stage *stage = sqlite3_user_data(context);
    struct str text = text_of(values[0]);
    const char *slash = text.len == 0 ? NULL : memchr(text.data, '/', text.len);
    struct str code = { text.data, slash == NULL ? text.len : (size_t)(slash - text.data) };
    uint8_t known;
    uint8_t told = 0; /* no slash: no decimals */
    bool digits = slash != NULL && text.len >= code.len + 2 && text.len <= code.len + 3;
    for (size_t i = code.len + 1; digits && i < text.len; i++) {
        digits = text.data[i] >= '0' && text.data[i] <= '9';
        told = (uint8_t)(told * 10 + text.data[i] - '0');
    }
    bool same = (slash == NULL || digits) &&
                table_assets_find(&stage->mapping->assets, code, &known) && known == told;
    if (same) text = code;
    sqlite3_result_text(context, text.data, (int)text.len, SQLITE_TRANSIENT);
}

/* A mapping's query may not run for ever. */
static int progress(void *context)
{
    struct table_stage *stage = context;
    return ++stage->rounds > QUERY_ROUNDS_MAX;
}

static int functions_add(struct table_stage *stage)
{
    static const struct {
        const char *name;
        int count;
        void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
    } functions[] = {
        { "minor", 2, minor },
        { "rescale", 3, rescale },
        { "asset_code", 1, asset_code },
        { "refuse", 1, refuse_all },
    };
    int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC;
    int code = sqlite_evidence_functions(stage->db, &stage->manifest);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0] && code == SQLITE_OK; i++)
        code = sqlite3_create_function_v2(stage->db, functions[i].name, functions[i].count, flags,
                                          stage, functions[i].call, NULL, NULL, NULL);
    if (code == SQLITE_OK) code = sqlite_evidence_authorize(stage->db, &stage->guard);
    sqlite3_progress_handler(stage->db, QUERY_STEPS, progress, stage);
    return code;
}

/* ---- tables ---- */

/* Names stand between these pieces, in quotes; mappings have none in theirs. */
static const char create_table[] = "CREATE TABLE \"";
static const char insert_into[] = "INSERT INTO \"";
static const char create_index[] = "CREATE INDEX \"";

static void append(struct buf *sql, const char *text)
{
    buf_append_str(sql, str_from(text));
}

static enum status table_make(struct table_stage *stage, uint32_t place, struct error *out_error)
{
    const struct table_spec *table = &stage->mapping->tables[place];
    BUF_SCOPE struct buf make;
    BUF_SCOPE struct buf insert;
    buf_init(&make, SQL_SIZE_MAX);
    buf_init(&insert, SQL_SIZE_MAX);
    append(&make, create_table);
    buf_append_str(&make, table->name);
    append(&insert, insert_into);
    buf_append_str(&insert, table->name);
    append(&insert, "\" VALUES(");
    for (uint32_t i = 0; i < table->column_count; i++) {
        append(&make, i == 0 ? "\"(\"" : ", \"");
        buf_append_str(&make, table->columns[i].name);
        append(&make, "\"");
        append(&insert, i == 0 ? "?" : ", ?");
    }
    append(&make, ")");
    append(&insert, ")");
    CHECK(!make.overflow && !insert.overflow); /* 64 names of 63 bytes */
    enum status status = sqlite_execute(stage->db, buf_terminated(&make), out_error);
    if (status != STATUS_OK) return status;
    return sqlite_prepare(stage->db, buf_terminated(&insert), &stage->inserts[place], out_error);
}

enum status table_stage_open(const struct table_mapping *mapping, struct table_stage **out_stage,
                             struct error *out_error)
{
    static const char settings[] =
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
        "PRAGMA temp_store = FILE; PRAGMA cache_size = -65536; PRAGMA trusted_schema = 0;"
        "SELECT 1 FROM json_each('[]'), json_tree('[]'); BEGIN"; /* made here, as guards refuse it */
    struct table_stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the tables");
    stage->mapping = mapping;
    stage->manifest = &stage->nothing;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2("", &stage->db, flags, NULL); /* "": a file without a name */
    if (code == SQLITE_OK) code = sqlite3_db_config(stage->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    if (code == SQLITE_OK) code = functions_add(stage);
    enum status status = code == SQLITE_OK ? STATUS_OK : sqlite_failure(stage->db, code, out_error);
    if (status == STATUS_OK) status = sqlite_execute(stage->db, settings, out_error);
    for (uint32_t i = 0; i < mapping->table_count && status == STATUS_OK; i++)
        status = table_make(stage, i, out_error);
    if (status != STATUS_OK) {
        table_stage_close(stage);
        return status;
    }
    *out_stage = stage;
    return STATUS_OK;
}

void table_stage_close(struct table_stage *stage)
{
    if (stage == NULL) return;
    for (uint32_t i = 0; i < TABLE_MAPPING_TABLES_MAX; i++)
        (void)sqlite3_finalize(stage->inserts[i]); /* repeats the code of its last step */
    (void)sqlite3_close(stage->db);                /* nothing of it is kept */
    free(stage);
}

static int cell_bind(sqlite3_stmt *statement, int place, const struct table_value *value)
{
    if (value->is_number) return sqlite3_bind_int64(statement, place, value->number);
    return sqlite3_bind_text(statement, place, value->text.data, (int)value->text.len,
                             SQLITE_STATIC);
}

enum status table_stage_row(struct table_stage *stage, uint32_t table, const struct str *cells,
                            struct error *out_error)
{
    CHECK(table < stage->mapping->table_count);
    const struct table_spec *spec = &stage->mapping->tables[table];
    sqlite3_stmt *statement = stage->inserts[table];
    int code = sqlite3_clear_bindings(statement);
    stage->rows[table]++;
    for (uint32_t i = 0; i < spec->column_count && code == SQLITE_OK; i++) {
        struct table_value value;
        if (cells[i].data == NULL) continue;
        const char *fault =
            table_value_read(spec->columns[i].type, cells[i], &stage->mapping->zone, &value);
        if (fault != NULL)
            return error_set(out_error, STATUS_INVALID,
                             "table %.*s, row %llu, column %.*s (%s): '%.*s' is %s",
                             STR_ARG(spec->name), (unsigned long long)stage->rows[table],
                             STR_ARG(spec->columns[i].name), table_type_name(spec->columns[i].type),
                             cells[i].len > 40 ? 40 : STR_ARG(cells[i]), fault);
        code = cell_bind(statement, (int)i + 1, &value);
    }
    if (code != SQLITE_OK) return sqlite_failure(stage->db, code, out_error);
    return sqlite_step_done(statement, out_error);
}

static enum status index_make(struct table_stage *stage, const struct table_spec *table,
                              struct str column, struct error *out_error)
{
    BUF_SCOPE struct buf sql;
    buf_init(&sql, SQL_SIZE_MAX);
    append(&sql, create_index);
    buf_append_str(&sql, table->name);
    append(&sql, ".");
    buf_append_str(&sql, column);
    append(&sql, "\" ON \"");
    buf_append_str(&sql, table->name);
    append(&sql, "\"(\"");
    buf_append_str(&sql, column);
    append(&sql, "\")");
    CHECK(!sql.overflow); /* four names */
    return sqlite_execute(stage->db, buf_terminated(&sql), out_error);
}

enum status table_stage_ready(struct table_stage *stage, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < stage->mapping->table_count; i++) {
        const struct table_spec *table = &stage->mapping->tables[i];
        for (uint32_t k = 0; k < table->column_count && status == STATUS_OK; k++)
            if (table->columns[k].indexed)
                status = index_make(stage, table, table->columns[k].name, out_error);
    }
    return status;
}

uint64_t table_stage_rows(const struct table_stage *stage, uint32_t table)
{
    CHECK(table < stage->mapping->table_count);
    return stage->rows[table];
}

/* ---- queries ---- */

static enum status query_failed(struct table_stage *stage, uint32_t record, struct error *out_error)
{
    const struct table_record *asked = &stage->mapping->records[record];
    return error_set(out_error, STATUS_INVALID, "the mapping, record %u (%s): %s", record + 1,
                     evidence_kinds[asked->kind].name, sqlite3_errmsg(stage->db));
}

static struct evidence_cell cell_of(sqlite3_stmt *statement, int index)
{
    int type = sqlite3_column_type(statement, index);
    if (type == SQLITE_NULL) return (struct evidence_cell){ .type = EVIDENCE_CELL_NULL };
    if (type == SQLITE_INTEGER)
        return (struct evidence_cell){ .type = EVIDENCE_CELL_NUMBER,
                                       .number = sqlite3_column_int64(statement, index) };
    const char *text = (const char *)sqlite3_column_text(statement, index);
    size_t len = (size_t)sqlite3_column_bytes(statement, index);
    return (struct evidence_cell){ .type = EVIDENCE_CELL_TEXT,
                                   .text = { text == NULL ? "" : text, text == NULL ? 0 : len } };
}

static enum status rows_visit(struct table_stage *stage, sqlite3_stmt *statement, uint32_t record,
                              const struct table_stage_visitor *visitor, struct error *out_error)
{
    const char *names[EVIDENCE_FIELDS_MAX];
    struct evidence_cell cells[EVIDENCE_FIELDS_MAX];
    int count = sqlite3_column_count(statement);
    for (int i = 0; i < count; i++) names[i] = sqlite3_column_name(statement, i);
    enum status status = visitor->columns(visitor->context, names, (uint32_t)count, out_error);
    int code = SQLITE_ROW;
    while (status == STATUS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < count; i++) cells[i] = cell_of(statement, i);
        status = visitor->row(visitor->context, cells, (uint32_t)count, out_error);
    }
    if (status != STATUS_OK || code == SQLITE_DONE) return status;
    return query_failed(stage, record, out_error);
}

enum status table_stage_query(struct table_stage *stage, uint32_t record,
                              const struct table_stage_visitor *visitor, struct error *out_error)
{
    CHECK(record < stage->mapping->record_count);
    struct str sql = stage->mapping->records[record].query;
    sqlite3_stmt *statement = NULL;
    const char *tail = NULL;
    stage->rounds = 0;
    stage->guard.closed = true;
    int code = sqlite3_prepare_v3(stage->db, sql.data, (int)sql.len, 0, &statement, &tail);
    stage->guard.closed = false;
    enum status status = STATUS_OK;
    if (code != SQLITE_OK) return query_failed(stage, record, out_error);
    bool single = statement != NULL && tail == sql.data + sql.len &&
                  sqlite3_stmt_readonly(statement) != 0 &&
                  sqlite3_column_count(statement) <= EVIDENCE_FIELDS_MAX &&
                  sqlite3_column_count(statement) > 0;
    if (single)
        status = rows_visit(stage, statement, record, visitor, out_error);
    else
        status =
            error_set(out_error, STATUS_INVALID,
                      "the mapping, record %u is not one SELECT of up to 48 columns", record + 1);
    (void)sqlite3_finalize(statement); /* repeats the code of the step */
    return status;
}

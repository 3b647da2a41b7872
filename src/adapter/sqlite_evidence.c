#include "adapter/sqlite_evidence.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_evidence_functions.h"
#include "adapter/sqlite_evidence_schema.h"
#include "adapter/sqlite_evidence_store.h"
#include "base/buf.h"
#include "base/check.h"

enum {
    STORE_ARENA_SIZE = 3 * SQLITE_EVIDENCE_SORT_MAX,
};

static struct sqlite_evidence *store_of(struct evidence *evidence)
{
    return (struct sqlite_evidence *)evidence; /* its first member */
}

/* ---- queries ---- */

static enum status refused(struct sqlite_evidence *store, const char *what, struct error *out_error)
{
    (void)error_set(out_error, STATUS_INVALID, "the query is refused: %s", what);
    error_detail(out_error, "%s", sqlite3_errmsg(store->db));
    return STATUS_INVALID;
}

static enum status prepare(struct evidence *evidence, struct str sql, struct str narrow,
                           uint32_t *out_query, struct error *out_error)
{
    struct sqlite_evidence *store = store_of(evidence);
    if (store->query_count == SQLITE_EVIDENCE_QUERIES_MAX) {
        return error_set(out_error, STATUS_LIMIT, "more than %d queries",
                         SQLITE_EVIDENCE_QUERIES_MAX);
    }
    sqlite3_stmt *statement = NULL;
    const char *tail = NULL;
    store->guard = (struct sqlite_evidence_guard){ .closed = true };
    int code = sqlite3_prepare_v3(store->db, sql.data, (int)sql.len, SQLITE_PREPARE_PERSISTENT,
                                  &statement, &tail);
    store->guard.closed = false;
    if (code != SQLITE_OK) return refused(store, "SQLite does not take it", out_error);
    const char *end = sql.data + sql.len;
    while (tail < end && strchr(" \n\t;", *tail) != NULL) tail++;
    bool single = statement != NULL && tail == end && sqlite3_stmt_readonly(statement) != 0 &&
                  sqlite3_column_count(statement) <= EVIDENCE_COLUMNS_MAX &&
                  sqlite3_bind_parameter_count(statement) <= EVIDENCE_ARGUMENTS_MAX;
    if (!single) {
        (void)sqlite3_finalize(statement);
        return refused(store, "it is not one SELECT of up to 24 columns and parameters", out_error);
    }
    store->queries[store->query_count] = statement;
    store->reads[store->query_count] = store->guard.reads;
    enum narrowing narrowing = narrowing_find(narrow);
    store->narrowings[store->query_count] = narrowing == NARROWING_COUNT ? 0 : (uint8_t)narrowing;
    *out_query = store->query_count++;
    return STATUS_OK;
}

static const char *column(struct evidence *evidence, uint32_t query, uint32_t index)
{
    sqlite3_stmt *statement = store_of(evidence)->queries[query];
    if ((int)index >= sqlite3_column_count(statement)) return NULL;
    return sqlite3_column_name(statement, (int)index);
}

static uint64_t reads(struct evidence *evidence, uint32_t query)
{
    return store_of(evidence)->reads[query];
}

static int bind_argument(sqlite3_stmt *statement, const struct evidence_argument *argument)
{
    char name[64];
    int len = snprintf(name, sizeof name, ":%s", argument->name);
    CHECK(len > 0 && len < (int)sizeof name);
    int place = sqlite3_bind_parameter_index(statement, name);
    if (place == 0) return SQLITE_OK;
    const struct evidence_cell *cell = &argument->value;
    switch (cell->type) {
    case EVIDENCE_CELL_NULL: return sqlite3_bind_null(statement, place);
    case EVIDENCE_CELL_NUMBER: return sqlite3_bind_int64(statement, place, cell->number);
    case EVIDENCE_CELL_TEXT: break;
    }
    return sqlite3_bind_text(statement, place, cell->text.data, (int)cell->text.len, SQLITE_STATIC);
}

static struct evidence_cell cell_of(sqlite3_stmt *statement, int index)
{
    int type = sqlite3_column_type(statement, index);
    if (type == SQLITE_NULL) return (struct evidence_cell){ .type = EVIDENCE_CELL_NULL };
    if (type == SQLITE_INTEGER) {
        return (struct evidence_cell){ .type = EVIDENCE_CELL_NUMBER,
                                       .number = sqlite3_column_int64(statement, index) };
    }
    const char *text = (const char *)sqlite3_column_text(statement, index);
    size_t len = (size_t)sqlite3_column_bytes(statement, index);
    return (struct evidence_cell){ .type = EVIDENCE_CELL_TEXT,
                                   .text = { text == NULL ? "" : text, text == NULL ? 0 : len } };
}

static int step_all(sqlite3_stmt *statement, evidence_visit *visit, void *context)
{
    struct evidence_cell cells[EVIDENCE_COLUMNS_MAX];
    int count = sqlite3_column_count(statement);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < count; i++) cells[i] = cell_of(statement, i);
        if (!visit(context, cells, (uint32_t)count)) return SQLITE_DONE;
    }
    return code;
}

static enum status run(struct evidence *evidence, uint32_t query,
                       struct evidence_arguments arguments, evidence_visit *visit, void *context,
                       struct error *out_error)
{
    struct sqlite_evidence *store = store_of(evidence);
    CHECK(query < store->query_count);
    sqlite3_stmt *statement = store->queries[query];
    int code = SQLITE_OK;
    store->progress = 0;
    if (store->tables != NULL) store->tables->narrowing = (enum narrowing)store->narrowings[query];
    for (uint32_t i = 0; i < arguments.count && code == SQLITE_OK; i++) {
        code = bind_argument(statement, &arguments.items[i]);
    }
    if (code == SQLITE_OK) code = step_all(statement, visit, context);
    enum status status = STATUS_OK;
    if (code == SQLITE_INTERRUPT) {
        status = error_set(out_error, STATUS_LIMIT, "a query took too many steps");
    } else if (code == SQLITE_ERROR) {
        status = refused(store, "it failed on this evidence", out_error);
    } else if (code != SQLITE_DONE) {
        status = sqlite_failure(store->db, code, out_error);
    }
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    (void)sqlite3_clear_bindings(statement);
    return status;
}

static int progress(void *context)
{
    struct sqlite_evidence *store = context;
    return ++store->progress > EVIDENCE_PROGRESS_MAX;
}

/* ---- violations, records ---- */

static int bind_text_or_null(sqlite3_stmt *statement, int place, struct str text)
{
    if (text.len == 0) return sqlite3_bind_null(statement, place);
    return sqlite3_bind_text(statement, place, text.data, (int)text.len, SQLITE_STATIC);
}

static enum status violate(struct evidence *evidence, const struct evidence_violation *violation,
                           struct error *out_error)
{
    struct sqlite_evidence *store = store_of(evidence);
    sqlite3_stmt *statement = store->violate;
    const struct evidence_cell *delta = &violation->delta;
    int code = sqlite3_clear_bindings(statement);
    if (code == SQLITE_OK) code = bind_text_or_null(statement, 1, violation->invariant);
    if (code == SQLITE_OK) code = bind_text_or_null(statement, 2, violation->key);
    if (code == SQLITE_OK) code = bind_text_or_null(statement, 3, violation->account);
    if (code == SQLITE_OK) code = bind_text_or_null(statement, 4, violation->ccy);
    if (code == SQLITE_OK && delta->type == EVIDENCE_CELL_NUMBER) {
        code = sqlite3_bind_int64(statement, 5, delta->number);
    } else if (code == SQLITE_OK && delta->type == EVIDENCE_CELL_TEXT) {
        code = bind_text_or_null(statement, 5, delta->text);
    }
    if (code == SQLITE_OK && violation->ts_ns != 0) {
        code = sqlite3_bind_int64(statement, 6, violation->ts_ns);
    }
    if (code == SQLITE_OK && violation->record != 0) {
        code = sqlite3_bind_int64(statement, 7, violation->record);
    }
    if (code != SQLITE_OK) return sqlite_failure(store->db, code, out_error);
    return sqlite_step_done(statement, out_error);
}

static enum status forget(struct evidence *evidence, struct error *out_error)
{
    return sqlite_execute(store_of(evidence)->db, "DELETE FROM violation", out_error);
}

static enum evidence_coverage coverage(struct evidence *evidence, uint32_t kind, int64_t ts_ns)
{
    return manifest_covers(store_of(evidence)->manifest, kind, ts_ns);
}

static enum status cite_row(struct sqlite_evidence *store, int64_t record,
                            struct evidence_citation *out_citation, struct error *out_error)
{
    struct evidence_cursor cursor;
    uint32_t kind = (uint32_t)record & ((1U << EVIDENCE_NUMBER_BITS) - 1);
    enum status status = evidence_cursor_init(&cursor, &store->tables->rows, kind);
    if (status != STATUS_OK) (void)error_set(out_error, status, "no memory for a record");
    if (status == STATUS_OK) {
        evidence_cursor_number(&cursor, record);
        evidence_cursor_next(&cursor);
        status = cursor.status;
        if (status != STATUS_OK) *out_error = cursor.error;
    }
    if (status == STATUS_OK && cursor.end)
        status = error_set(out_error, STATUS_NOT_FOUND, "there is no such record");
    if (status == STATUS_OK) {
        bool timed = (cursor.record.seen & 1) != 0;
        *out_citation = (struct evidence_citation){
            .hash = cursor.record.hash,
            .kind = kind,
            .source = cursor.source,
            .ts_ns = timed ? cursor.record.values[0].number : 0,
        };
    }
    evidence_cursor_done(&cursor);
    return status;
}

static enum status cite(struct evidence *evidence, int64_t record,
                        struct evidence_citation *out_citation, struct error *out_error)
{
    struct sqlite_evidence *store = store_of(evidence);
    uint32_t kind = (uint32_t)record & ((1U << EVIDENCE_NUMBER_BITS) - 1);
    if (record <= 0 || kind >= evidence_kind_count()) {
        return error_set(out_error, STATUS_NOT_FOUND, "there is no such record");
    }
    if (store->tables != NULL) return cite_row(store, record, out_citation, out_error);
    enum status status = STATUS_OK;
    if (store->cites[kind] == NULL) {
        status =
            sqlite_evidence_prepare(store->db, kind, EVIDENCE_CITE, &store->cites[kind], out_error);
    }
    if (status != STATUS_OK) return status;
    sqlite3_stmt *statement = store->cites[kind];
    int code = sqlite3_bind_int64(statement, 1, record);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *out_citation = (struct evidence_citation){
            .hash = (uint64_t)sqlite3_column_int64(statement, 0),
            .kind = kind,
            .source = (uint32_t)sqlite3_column_int64(statement, 1),
            .ts_ns = sqlite3_column_int64(statement, 2),
        };
    } else if (code == SQLITE_DONE) {
        status = error_set(out_error, STATUS_NOT_FOUND, "there is no such record");
    } else {
        status = sqlite_failure(store->db, code, out_error);
    }
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    return status;
}

/* Which sources lose it is seen first: they no longer cover the kind. */
static enum status drop_of_kind(struct sqlite_evidence *store, uint32_t kind, uint64_t hash,
                                uint32_t *out_count, struct error *out_error)
{
    sqlite3_stmt *statement = NULL;
    enum status status =
        sqlite_evidence_prepare(store->db, kind, EVIDENCE_DROP, &statement, out_error);
    if (status != STATUS_OK) return status;
    int code = sqlite3_bind_int64(statement, 1, (int64_t)hash);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW) break;
        store->manifest->sources[sqlite3_column_int64(statement, 0)].rejected++;
        ++*out_count;
    }
    if (code != SQLITE_DONE) status = sqlite_failure(store->db, code, out_error);
    (void)sqlite3_finalize(statement); /* repeats the code of the step */
    return status;
}

static enum status drop_of_rows(struct sqlite_evidence *store, uint32_t kind, uint64_t hash,
                                uint32_t *out_count, struct error *out_error)
{
    static const struct evidence_bounds all = { .by_ts = false };
    struct evidence_cursor cursor;
    enum status status = evidence_cursor_init(&cursor, &store->tables->rows, kind);
    if (status != STATUS_OK) {
        (void)error_set(out_error, status, "no memory for a record");
    } else {
        evidence_cursor_all(&cursor, &all);
        for (evidence_cursor_next(&cursor); !cursor.end; evidence_cursor_next(&cursor)) {
            if (cursor.record.hash != hash) continue;
            store->manifest->sources[cursor.source].rejected++;
            ++*out_count;
        }
        status = cursor.status;
        if (status != STATUS_OK) *out_error = cursor.error;
    }
    evidence_cursor_done(&cursor);
    return status;
}

static enum status drop(struct evidence *evidence, uint64_t hash, uint32_t *out_count,
                        struct error *out_error)
{
    struct sqlite_evidence *store = store_of(evidence);
    enum status status = STATUS_OK;
    *out_count = 0;
    for (uint32_t kind = 0; status == STATUS_OK && kind < evidence_kind_count(); kind++) {
        status = store->tables != NULL ? drop_of_rows(store, kind, hash, out_count, out_error)
                                       : drop_of_kind(store, kind, hash, out_count, out_error);
    }
    if (status != STATUS_OK || store->tables == NULL || *out_count == 0) return status;
    struct evidence_rows *rows = &store->tables->rows;
    if (rows->dropped_count == EVIDENCE_DROPPED_MAX)
        return error_set(out_error, STATUS_LIMIT, "too many records are taken out");
    rows->dropped[rows->dropped_count++] = hash;
    return STATUS_OK;
}

static const struct evidence_bundle *bundle(struct evidence *evidence)
{
    return &store_of(evidence)->bundle;
}

/* ---- life ---- */

static enum status configure(struct sqlite_evidence *store,
                             const struct sqlite_evidence_options *options, struct error *out_error)
{
    static const char sql[] =
        "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF;"
        "PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = 0";
    static const char in_memory[] = "PRAGMA temp_store = MEMORY";
    static const char in_files[] = "PRAGMA temp_store = FILE";
    bool files = options->folder != NULL;
    enum status status = sqlite_execute(store->db, sql, out_error);
    if (status == STATUS_OK)
        status = sqlite_execute(store->db, files ? in_files : in_memory, out_error);
    if (status != STATUS_OK) return status;
    int code = files ? evidence_tables_register(store->tables, store->db) : SQLITE_OK;
    if (code == SQLITE_OK) code = sqlite_evidence_functions(store->db, &store->manifest);
    if (code == SQLITE_OK) code = sqlite_evidence_authorize(store->db, &store->guard);
    if (code != SQLITE_OK) return sqlite_failure(store->db, code, out_error);
    sqlite3_progress_handler(store->db, EVIDENCE_PROGRESS_STEPS, progress, store);
    (void)sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 0); /* the old limit is of no use */
    status = sqlite_evidence_schema(store->db, files, out_error);
    if (status != STATUS_OK) return status;
    return sqlite_prepare(store->db, "INSERT INTO violation VALUES(?, ?, ?, ?, ?, ?, ?)",
                          &store->violate, out_error);
}

enum status sqlite_evidence_open(const struct sqlite_evidence_options *options,
                                 struct sqlite_evidence **out_store, struct error *out_error)
{
    struct sqlite_evidence *store = calloc(1, sizeof *store);
    if (store == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for evidence");
    store->port = (struct evidence){ prepare, column,   reads, run,  violate,
                                     forget,  coverage, cite,  drop, bundle };
    store->manifest = &store->nothing;
    record_names_init(&store->names);
    enum status status = arena_init(&store->arena, STORE_ARENA_SIZE);
    if (status != STATUS_OK) (void)error_set(out_error, status, "no memory for evidence");
    if (status == STATUS_OK && options->folder != NULL) {
        status = evidence_tables_new(options->folder, &store->tables);
        if (status != STATUS_OK) (void)error_set(out_error, status, "no memory for evidence");
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = SQLITE_OK;
    if (status == STATUS_OK) code = sqlite3_open_v2(":memory:", &store->db, flags, NULL);
    if (code != SQLITE_OK) status = sqlite_failure(store->db, code, out_error);
    if (status == STATUS_OK) status = configure(store, options, out_error);
    if (status != STATUS_OK) {
        sqlite_evidence_close(store);
        return status;
    }
    *out_store = store;
    return STATUS_OK;
}

void sqlite_evidence_close(struct sqlite_evidence *store)
{
    if (store == NULL) return;
    for (uint32_t k = 0; k < EVIDENCE_KINDS_MAX; k++) {
        (void)sqlite3_finalize(store->inserts[k]); /* repeats the code of its last step */
        (void)sqlite3_finalize(store->cites[k]);
        (void)sqlite3_finalize(store->clears[k]);
    }
    for (uint32_t i = 0; i < store->query_count; i++) (void)sqlite3_finalize(store->queries[i]);
    (void)sqlite3_finalize(store->violate);
    (void)sqlite3_close(store->db); /* nothing of it is kept */
    evidence_tables_free(store->tables);
    arena_done(&store->arena);
    free(store->batch);
    free(store);
}

static enum status forget_records(struct sqlite_evidence *store, struct error *out_error)
{
    enum status status = forget(&store->port, out_error);
    if (status == STATUS_OK && store->tables != NULL) {
        status = evidence_tables_reset(store->tables);
        if (status != STATUS_OK) (void)error_set(out_error, status, "no memory for evidence");
    }
    for (uint32_t k = 0; status == STATUS_OK && k < evidence_kind_count(); k++) {
        if ((store->loaded >> k & 1) == 0) continue;
        sqlite3_stmt **clear = &store->clears[k];
        if (*clear == NULL) {
            status = sqlite_evidence_prepare(store->db, k, EVIDENCE_CLEAR, clear, out_error);
        }
        if (status == STATUS_OK) status = sqlite_step_done(*clear, out_error);
    }
    store->loaded = 0;
    store->sequence = 0;
    return status;
}

enum status sqlite_evidence_begin(struct sqlite_evidence *store, struct manifest *manifest,
                                  struct error *out_error)
{
    enum status status = STATUS_OK;
    if (!store->writing) status = sqlite_execute(store->db, "BEGIN", out_error);
    if (status != STATUS_OK) return status;
    store->writing = true;
    status = forget_records(store, out_error);
    store->manifest = manifest;
    store->bundle =
        (struct evidence_bundle){ manifest->incident, manifest->as_of_ns, manifest->from_ns,
                                  manifest->to_ns,    store->sources,     manifest->source_count };
    for (uint32_t i = 0; i < manifest->source_count; i++) {
        const struct manifest_source *source = &manifest->sources[i];
        store->has_digest[i] = false;
        store->sources[i] = (struct evidence_source){ .path = source->path,
                                                      .kinds = source->kinds,
                                                      .system = source->system,
                                                      .clock = source->clock,
                                                      .rejected = source->rejected,
                                                      .sha256 = source->sha256 };
    }
    return status;
}

enum status sqlite_evidence_ready(struct sqlite_evidence *store, struct error *out_error)
{
    CHECK(store->writing);
    enum status status = sqlite_execute(store->db, "COMMIT", out_error);
    store->writing = false;
    return status;
}

struct evidence *sqlite_evidence_port(struct sqlite_evidence *store)
{
    return &store->port;
}

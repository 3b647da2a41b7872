/* Tables of somebody's ledger as evidence: a source, a mapping, and the records that its queries give. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapter/system_entropy.h"
#include "adapter/table_source.h"
#include "base/check.h"
#include "base/reserve.h"
#include "cmd/doctor_tables.h"
#include "cmd/file_bytes.h"
#include "doctor/mappings_builtin.h"
#include "doctor/record.h"
#include "doctor/sql_dump.h"

enum { MAPPING_ARENA = 4 * TABLE_MAPPING_SIZE_MAX, LINE_ARENA = 4 * EVIDENCE_LINE_MAX };

/* ---- the mapping ---- */

enum status doctor_mapping_take(struct str text, struct doctor_mapping *mapping,
                                struct error *out_error)
{
    buf_init(&mapping->text, TABLE_MAPPING_SIZE_MAX + 1);
    enum status status = arena_init(&mapping->arena, MAPPING_ARENA);
    if (status != STATUS_OK) return error_set(out_error, status, "no memory for the mapping");
    mapping->parsed = reserve_new(sizeof *mapping->parsed);
    buf_append_str(&mapping->text, text);
    if (mapping->parsed == NULL || buf_status(&mapping->text) != STATUS_OK)
        return error_set(out_error, STATUS_LIMIT, "no memory for the mapping");
    return table_mapping_parse(buf_view(&mapping->text), &mapping->arena, mapping->parsed,
                               out_error);
}

enum status doctor_mapping_open(const char *name, struct doctor_mapping *mapping,
                                struct error *out_error)
{
    struct str text;
    BUF_SCOPE struct buf file;
    buf_init(&file, TABLE_MAPPING_SIZE_MAX + 1);
    if (!mappings_builtin_find(str_from(name), &text)) {
        enum status status = file_bytes_read(name, &file, out_error);
        if (status == STATUS_NOT_FOUND)
            error_hint(out_error, "`tpwallet doctor mappings` lists those that are built in");
        if (status != STATUS_OK) return status;
        text = buf_view(&file);
    }
    return doctor_mapping_take(text, mapping, out_error);
}

void doctor_mapping_close(struct doctor_mapping *mapping)
{
    if (mapping->parsed != NULL) reserve_free(mapping->parsed, sizeof *mapping->parsed);
    arena_done(&mapping->arena);
    buf_free(&mapping->text);
}

/* ---- a dump ---- */

struct dump_reading {
    const struct table_mapping *mapping;
    struct table_stage *stage;
    bool seen[TABLE_MAPPING_TABLES_MAX];
    uint32_t places[TABLE_MAPPING_TABLES_MAX][TABLE_COLUMNS_MAX]; /* of each column in a row */
    struct sql_dump dump;
};

/* Where each of the mapping's columns stands in the rows; they may stand elsewhere the next time. */
static enum status columns_bind(struct dump_reading *it, uint32_t table,
                                const struct sql_dump_row *row, struct error *out_error)
{
    const struct table_spec *spec = &it->mapping->tables[table];
    for (uint32_t i = 0; i < spec->column_count; i++) {
        uint32_t *place = &it->places[table][i];
        if (*place < row->count && str_equal(row->columns[*place], spec->columns[i].name)) continue;
        *place = 0;
        while (*place < row->count && !str_equal(row->columns[*place], spec->columns[i].name))
            ++*place;
        if (*place == row->count)
            return error_set(out_error, STATUS_INVALID, "table %.*s has no column %.*s",
                             STR_ARG(spec->name), STR_ARG(spec->columns[i].name));
    }
    it->seen[table] = true;
    return STATUS_OK;
}

static enum status dump_table(void *context, const struct sql_dump_row *row,
                              struct error *out_error)
{
    struct dump_reading *it = context;
    int table = table_mapping_find(it->mapping, row->schema, row->table);
    return table < 0 ? STATUS_OK : columns_bind(it, (uint32_t)table, row, out_error);
}

static enum status dump_row(void *context, const struct sql_dump_row *row, struct error *out_error)
{
    struct dump_reading *it = context;
    struct str cells[TABLE_COLUMNS_MAX];
    int table = table_mapping_find(it->mapping, row->schema, row->table);
    if (table < 0) return STATUS_OK;
    enum status status = columns_bind(it, (uint32_t)table, row, out_error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < it->mapping->tables[table].column_count; i++)
        cells[i] = row->cells[it->places[table][i]];
    return table_stage_row(it->stage, (uint32_t)table, cells, out_error);
}

static enum status dump_lines(struct dump_reading *it, FILE *file, struct error *out_error)
{
    enum { ROOM = SQL_DUMP_LINE_MAX + 2 };
    BUF_SCOPE struct buf window;
    buf_init(&window, ROOM);
    char *line = buf_extend(&window, ROOM);
    if (line == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the dump");
    enum status status = STATUS_OK;
    while (status == STATUS_OK && fgets(line, ROOM, file) != NULL) {
        size_t len = strlen(line);
        bool ends = len > 0 && line[len - 1] == '\n';
        struct str text = { line, len - ends };
        bool custom = it->dump.line == 0 && str_starts(text, STR("PGDMP")); /* which says so */
        if (!ends && feof(file) == 0 && !custom)
            return error_set(out_error, STATUS_INVALID,
                             "the dump, line %llu: more than 16 MiB, or a byte that is no text",
                             (unsigned long long)it->dump.line + 1);
        status = sql_dump_line(&it->dump, text, out_error);
    }
    if (status == STATUS_OK && ferror(file) != 0)
        status = error_set(out_error, STATUS_UNAVAILABLE, "the dump cannot be read");
    return status == STATUS_OK ? sql_dump_end(&it->dump, out_error) : status;
}

static enum status tables_seen(const struct dump_reading *it, struct error *out_error)
{
    for (uint32_t i = 0; i < it->mapping->table_count; i++) {
        const struct table_spec *spec = &it->mapping->tables[i];
        if (it->seen[i]) continue;
        return error_set(out_error, STATUS_INVALID, "the dump has no table %.*s.%.*s",
                         STR_ARG(spec->schema), STR_ARG(spec->name));
    }
    return STATUS_OK;
}

static enum status dump_take(struct dump_reading *it, FILE *file, struct error *out_error)
{
    struct sql_dump_visitor visitor = { .table = dump_table, .row = dump_row, .context = it };
    entropy_fill(system_entropy(), &visitor.seed, sizeof visitor.seed);
    enum status status = sql_dump_init(&it->dump, &visitor, out_error);
    if (status == STATUS_OK) status = dump_lines(it, file, out_error);
    if (status == STATUS_OK) status = tables_seen(it, out_error);
    sql_dump_free(&it->dump);
    return status;
}

static enum status dump_read(const char *path, const struct table_mapping *mapping,
                             struct table_stage *stage, bool *out_complete, struct error *out_error)
{
    struct dump_reading *it = reserve_new(sizeof *it);
    if (it == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the dump");
    it->mapping = mapping;
    it->stage = stage;
    FILE *file = fopen(path, "re");
    enum status status = STATUS_OK;
    if (file == NULL)
        status =
            error_set(out_error, STATUS_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    if (file != NULL) {
        status = dump_take(it, file, out_error);
        *out_complete = it->dump.complete;
        (void)fclose(file); /* only read from */
    }
    reserve_free(it, sizeof *it);
    return status;
}

/* ---- which kind of source ---- */

static bool is_sqlite(const char *path)
{
    static const char head[] = "SQLite format 3";
    char bytes[sizeof head] = { 0 };
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    size_t count = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file); /* only read from */
    return count == sizeof bytes && memcmp(bytes, head, sizeof head) == 0;
}

static enum status source_read(const char *source, const struct table_mapping *mapping,
                               struct table_stage *stage, bool *out_complete,
                               struct error *out_error)
{
    bool url = strncmp(source, "postgres://", 11) == 0 || strncmp(source, "postgresql://", 13) == 0;
    *out_complete = true;
    if (url) return table_source_postgres(source, mapping, stage, out_error);
    if (is_sqlite(source)) return table_source_sqlite(source, mapping, stage, out_error);
    return dump_read(source, mapping, stage, out_complete, out_error);
}

/* ---- records ---- */

struct tables_writing {
    struct doctor_file file;
    const struct table_mapping *mapping;
    uint32_t record;  /* of the mapping */
    uint64_t row;     /* of its query */
    size_t line_from; /* where the newest line begins in file.line */
    const struct evidence_field *fields[EVIDENCE_FIELDS_MAX];
    struct record_names names;
    struct arena arena;
};

static const struct evidence_kind *kind_of(const struct tables_writing *it)
{
    return &evidence_kinds[it->mapping->records[it->record].kind];
}

static enum status columns_take(void *context, const char *const *names, uint32_t count,
                                struct error *out_error)
{
    struct tables_writing *it = context;
    it->row = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = 0;
        const struct evidence_field *field;
        while ((field = evidence_field_at(kind_of(it), place)) != NULL &&
               strcmp(field->name, names[i]) != 0)
            place++;
        if (field == NULL)
            return error_set(out_error, STATUS_INVALID,
                             "the mapping, record %u: %s has no field '%.60s'", it->record + 1,
                             kind_of(it)->name, names[i]);
        it->fields[i] = field;
    }
    return STATUS_OK;
}

static void number_write(struct evidence_line *line, const struct evidence_field *field,
                         int64_t number)
{
    if (field->type == EVIDENCE_BOOL)
        evidence_bool(line, field->name, number != 0);
    else if (field->type == EVIDENCE_TIME)
        evidence_time(line, field->name, (struct wall_time){ number < 0 ? 0 : number });
    else if (field->type == EVIDENCE_AMOUNT)
        evidence_amount(line, field->name, (struct signed_amount){ number });
    else
        evidence_int(line, field->name, number);
}

/* A line that the doctor would not take is the mapping's mistake. */
static enum status line_check(struct tables_writing *it, struct error *out_error)
{
    struct record record;
    const char *reason;
    struct str lines = buf_view(&it->file.line);
    struct str line = { lines.data + it->line_from, lines.len - it->line_from - 1 };
    arena_reset(&it->arena);
    if (it->file.line.overflow) return error_set(out_error, STATUS_LIMIT, "a record is too large");
    if (record_parse(&it->names, line, &it->arena, &record, &reason) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "the mapping, record %u (%s), row %llu: %s",
                     it->record + 1, kind_of(it)->name, (unsigned long long)it->row, reason);
}

static enum status row_write(void *context, const struct evidence_cell *cells, uint32_t count,
                             struct error *out_error)
{
    struct tables_writing *it = context;
    struct evidence_line line;
    it->row++;
    it->line_from = it->file.line.len;
    evidence_begin(&line, &it->file.line, kind_of(it)->name, &it->file.masked);
    for (uint32_t i = 0; i < count; i++) {
        if (cells[i].type == EVIDENCE_CELL_TEXT)
            evidence_text(&line, it->fields[i]->name, cells[i].text);
        else if (cells[i].type == EVIDENCE_CELL_NUMBER)
            number_write(&line, it->fields[i], cells[i].number);
    }
    evidence_end(&line);
    enum status status = line_check(it, out_error);
    return status == STATUS_OK ? doctor_file_rows(&it->file, 1) : status;
}

static enum status records_write(struct tables_writing *it, struct table_stage *stage,
                                 struct error *out_error)
{
    const struct table_stage_visitor visitor = { columns_take, row_write, it };
    enum status status = STATUS_OK;
    for (it->record = 0; it->record < it->mapping->record_count && status == STATUS_OK;
         it->record++)
        if (it->mapping->records[it->record].query.len > 0)
            status = table_stage_query(stage, it->record, &visitor, out_error);
    return status;
}

/* Each kind of the mapping once. */
static void kinds_list(const struct table_mapping *mapping, const char **out_kinds)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < mapping->record_count; i++) {
        const char *name = evidence_kinds[mapping->records[i].kind].name;
        uint32_t at = 0;
        while (at < count && out_kinds[at] != name) at++;
        if (at == count) out_kinds[count++] = name;
    }
    out_kinds[count] = NULL;
}

static enum status source_write(struct doctor_bundle *bundle, const struct table_mapping *mapping,
                                struct table_stage *stage, bool complete)
{
    const char *kinds[TABLE_MAPPING_RECORDS_MAX + 1];
    char system[TABLE_NAME_LEN_MAX + 1] = { 0 };
    struct tables_writing *it = reserve_new(sizeof *it);
    if (it == NULL) return error_set(&bundle->error, STATUS_LIMIT, "no memory for the records");
    memcpy(system, mapping->system.data, mapping->system.len);
    kinds_list(mapping, kinds);
    struct doctor_source source = doctor_source_of(bundle, "tables", system, kinds);
    source.authority = 30;
    source.loss = complete ? "none" : "unknown";
    it->mapping = mapping;
    record_names_init(&it->names);
    enum status status = arena_init(&it->arena, LINE_ARENA);
    if (status != STATUS_OK) (void)error_set(&bundle->error, status, "no memory for the records");
    if (status == STATUS_OK) {
        status = doctor_file_begin(bundle, &source, &it->file);
        if (status == STATUS_OK) status = records_write(it, stage, &bundle->error);
        status = doctor_file_end(&it->file, status);
    }
    arena_done(&it->arena);
    reserve_free(it, sizeof *it);
    return status;
}

/* ---- the whole ---- */

/* A bundle is about one ledger of others; the mapping stays with it, for the plan. */
static enum status mapping_fits(struct doctor_bundle *bundle, struct str text)
{
    BUF_SCOPE struct buf before;
    buf_init(&before, TABLE_MAPPING_SIZE_MAX + 1);
    enum status status = doctor_bundle_get_kept(bundle, DOCTOR_TABLES_FILE, &before);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && str_equal(buf_view(&before), text)))
        return STATUS_OK;
    if (status != STATUS_OK) return status;
    return error_set(&bundle->error, STATUS_CONFLICT,
                     "the bundle has tables by another mapping: one bundle, one ledger");
}

static enum status tables_collect(struct doctor_bundle *bundle, const char *source,
                                  const struct doctor_mapping *mapping)
{
    struct table_stage *stage = NULL;
    bool complete = true;
    struct str text = buf_view(&mapping->text);
    enum status status = mapping_fits(bundle, text);
    if (status == STATUS_OK) status = table_stage_open(mapping->parsed, &stage, &bundle->error);
    if (status == STATUS_OK)
        status = source_read(source, mapping->parsed, stage, &complete, &bundle->error);
    if (status == STATUS_OK) status = table_stage_ready(stage, &bundle->error);
    if (status == STATUS_OK) status = source_write(bundle, mapping->parsed, stage, complete);
    table_stage_close(stage);
    if (status == STATUS_OK) status = doctor_bundle_put(bundle, DOCTOR_TABLES_FILE, "mapped", text);
    return status;
}

enum status doctor_collect_tables(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    const char *source = invocation_text(invocation, "tables");
    const char *name = invocation_text(invocation, "tables-mapping");
    struct doctor_mapping mapping = { 0 };
    if (name == NULL)
        return error_set(&bundle->error, STATUS_INVALID, "--tables needs --tables-mapping");
    enum status status = doctor_mapping_open(name, &mapping, &bundle->error);
    if (status == STATUS_OK) status = tables_collect(bundle, source, &mapping);
    doctor_mapping_close(&mapping);
    return status;
}

/*
 * Key lists and schedules as evidence: rows whose columns are the fields of docs/bundle.md, as CSV
 * with a header, as JSON objects on a line each, or as one JSON array of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "cmd/csv_reader.h"
#include "cmd/doctor_collectors.h"
#include "cmd/file_lines.h"
#include "doctor/record.h"

enum {
    FIELDS_MAX = 64,
    KINDS_MAX = 8, /* of a list, and a NULL */
    ARENA_SIZE = 8 * EVIDENCE_LINE_MAX,
    TS = 0, /* place in evidence_common */
};

struct list {
    struct doctor_file file;
    const char *option;
    const char *const *kinds; /* the first is meant where a row does not say */
    struct record_names names;
    struct arena arena;
    uint32_t count; /* fields of the row at hand */
    struct str columns[FIELDS_MAX];
    struct str values[FIELDS_MAX];
    uint64_t number; /* line of the row at hand; 0: it stands on none */
    bool seen[KINDS_MAX];
    const char *kinds_seen[KINDS_MAX];
};

/* NULL: a list has no such kind. */
static const char *kind_of(const struct list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (!str_equal(list->columns[i], STR("kind")) || list->values[i].len == 0) continue;
        for (const char *const *kind = list->kinds; *kind != NULL; kind++)
            if (str_equal(list->values[i], str_from(*kind))) return *kind;
        return NULL;
    }
    return list->kinds[0];
}

static const struct evidence_field *field_of(const char *kind, struct str name)
{
    const struct evidence_field *field;
    int place = evidence_kind_find(str_from(kind));
    CHECK(place >= 0);
    for (uint32_t i = 0; (field = evidence_field_at(&evidence_kinds[place], i)) != NULL; i++)
        if (str_equal(str_from(field->name), name)) return field;
    return NULL;
}

/* Texts are texts; the reader of bundles takes numbers, amounts and times as texts too. */
static bool field_write(const struct evidence_field *field, struct str value,
                        struct evidence_line *line)
{
    bool truth = str_equal(value, STR("true"));
    if (field->type != EVIDENCE_BOOL) {
        evidence_text(line, field->name, value);
        return true;
    }
    if (!truth && !str_equal(value, STR("false"))) return false;
    evidence_bool(line, field->name, truth);
    return true;
}

static void row_saw(struct list *list, const char *kind, const struct record *record)
{
    struct wall_time at = { record->values[TS].number };
    if ((record->seen & UINT64_C(1) << TS) != 0) doctor_file_saw(&list->file, at, at);
    for (uint32_t i = 0; list->kinds[i] != NULL; i++)
        list->seen[i] = list->seen[i] || list->kinds[i] == kind;
}

/* What is wrong with the row; then the line is as it was. NULL: it is a record. */
static const char *row_write(struct list *list, const char *kind)
{
    struct buf *out = &list->file.line;
    size_t before = out->len;
    struct evidence_line line;
    struct record record;
    const char *fault = NULL;
    evidence_begin(&line, out, kind, &list->file.masked);
    for (uint32_t i = 0; i < list->count; i++) {
        if (str_equal(list->columns[i], STR("kind")) || list->values[i].len == 0) continue;
        const struct evidence_field *field = field_of(kind, list->columns[i]);
        if (field == NULL)
            fault = "a field that its kind does not have";
        else if (!field_write(field, list->values[i], &line))
            fault = "neither true nor false";
    }
    evidence_end(&line);
    arena_reset(&list->arena);
    struct str text = { (const char *)out->data + before, out->len - before - 1 };
    bool fits = !out->overflow && text.len <= EVIDENCE_LINE_MAX;
    if (fault == NULL && !fits) fault = "the record is too long";
    if (fault == NULL &&
        record_parse(&list->names, text, &list->arena, &record, &fault) == STATUS_OK)
        row_saw(list, kind, &record);
    if (fault != NULL) out->len = before;
    return fault;
}

static enum status row_take(struct list *list)
{
    const char *kind = kind_of(list);
    const char *fault = kind == NULL ? "a kind that such a list does not have" : NULL;
    if (list->count == 0) fault = "no fields, not as many as the header, or more than 64";
    if (fault == NULL) fault = row_write(list, kind);
    if (fault != NULL) doctor_file_reject(&list->file, list->number, fault);
    return doctor_file_rows(&list->file, fault == NULL);
}

/* ---- JSON ---- */

static enum status object_take(struct list *list, const struct json_node *object)
{
    list->count = 0;
    if (object->type != JSON_OBJECT) {
        doctor_file_reject(&list->file, list->number, "no JSON object");
        return STATUS_OK;
    }
    if (object->count > FIELDS_MAX) return row_take(list);
    for (const struct json_node *member = object->first; member != NULL; member = member->next) {
        bool nested = member->type == JSON_OBJECT || member->type == JSON_ARRAY;
        list->columns[list->count] = nested ? STR("") : member->key; /* which is no field */
        list->values[list->count++] = nested ? STR("?") : member->text;
    }
    return row_take(list);
}

static enum status document_take(void *owner, const struct json_node *document)
{
    struct list *list = owner;
    if (document->type != JSON_ARRAY) return object_take(list, document);
    enum status status = STATUS_OK;
    for (const struct json_node *item = document->first; item != NULL && status == STATUS_OK;
         item = item->next)
        status = object_take(list, item);
    return status;
}

static enum status json_read(struct list *list, const char *path)
{
    const struct file_visitor visitor = { .document = document_take,
                                          .owner = list,
                                          .out_number = &list->number };
    uint64_t rejected = 0;
    enum status status = file_documents_read(path, &visitor, &rejected, &list->file.bundle->error);
    list->file.rejected += rejected;
    return status;
}

/* ---- CSV ---- */

static enum status header_check(const struct list *list, const struct csv_reader *reader)
{
    for (uint32_t i = 0; i < reader->field_count; i++) {
        struct str name = reader->fields[i];
        bool known = str_equal(name, STR("kind"));
        for (const char *const *kind = list->kinds; *kind != NULL; kind++)
            known = known || field_of(*kind, name) != NULL;
        if (!known)
            return error_set(&list->file.bundle->error, STATUS_INVALID,
                             "column %u of --%s, '%.*s', is no field of what such a list has",
                             i + 1, list->option, STR_ARG(name));
    }
    return STATUS_OK;
}

static enum status rows_read(struct list *list, struct csv_reader *reader)
{
    struct error *error = &list->file.bundle->error;
    BUF_SCOPE struct buf header; /* the reader's fields are gone at the next row */
    buf_init(&header, CSV_RECORD_SIZE_MAX);
    bool found = false;
    enum status status = csv_reader_next(reader, &found, error);
    if (status == STATUS_OK && !found)
        return error_set(error, STATUS_INVALID, "--%s has no header", list->option);
    if (status == STATUS_OK) status = header_check(list, reader);
    if (status != STATUS_OK) return status;
    uint32_t count = reader->field_count;
    for (uint32_t i = 0; i < count; i++) buf_append_str(&header, reader->fields[i]);
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        list->columns[i] = (struct str){ (const char *)header.data + at, reader->fields[i].len };
        at += reader->fields[i].len;
    }
    while ((status = csv_reader_next(reader, &found, error)) == STATUS_OK && found) {
        list->number = reader->line;
        list->count = reader->field_count == count ? count : 0; /* else it is no row */
        for (uint32_t i = 0; i < list->count; i++) list->values[i] = reader->fields[i];
        status = row_take(list);
        if (status != STATUS_OK) return status;
    }
    return status;
}

static enum status csv_read(struct list *list, int descriptor)
{
    struct csv_reader reader;
    csv_reader_init(&reader, descriptor);
    enum status status = rows_read(list, &reader);
    csv_reader_done(&reader);
    return status;
}

/* ---- both ---- */

static enum status file_read(struct list *list, const char *path)
{
    char first = '\0';
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return error_set(&list->file.bundle->error, STATUS_NOT_FOUND, "cannot open %s: %s", path,
                         strerror(errno));
    bool begun = pread(descriptor, &first, 1, 0) == 1;
    bool json = begun && (first == '{' || first == '[');
    enum status status = json ? STATUS_OK : csv_read(list, descriptor);
    (void)close(descriptor); /* only read from */
    return json ? json_read(list, path) : status;
}

/* A list that never tells of leases does not cover them. */
static const char *const *kinds_seen(struct list *list)
{
    uint32_t count = 0;
    for (uint32_t i = 0; list->kinds[i] != NULL; i++)
        if (list->seen[i]) list->kinds_seen[count++] = list->kinds[i];
    if (count == 0) list->kinds_seen[count++] = list->kinds[0];
    list->kinds_seen[count] = NULL;
    return list->kinds_seen;
}

static enum status list_collect(struct doctor_bundle *bundle, const struct invocation *invocation,
                                const char *option, const char *const *kinds)
{
    struct doctor_source source =
        doctor_source_of(bundle, option, invocation_text(invocation, "system"), kinds);
    BUF_SCOPE struct buf memory;
    buf_init(&memory, sizeof(struct list));
    struct list *list = buf_extend(&memory, sizeof *list);
    if (list == NULL) return error_set(&bundle->error, STATUS_LIMIT, "no memory");
    memset(list, 0, sizeof *list);
    list->option = option;
    list->kinds = kinds;
    record_names_init(&list->names);
    enum status status = arena_init(&list->arena, ARENA_SIZE);
    if (status != STATUS_OK) return error_set(&bundle->error, status, "no memory");
    status = doctor_file_begin(bundle, &source, &list->file);
    if (status == STATUS_OK) status = file_read(list, invocation_text(invocation, option));
    source.kinds = kinds_seen(list);
    doctor_file_bound(&list->file, invocation, &source);
    status = doctor_file_end(&list->file, status);
    arena_done(&list->arena);
    return status;
}

enum status doctor_collect_key_list(struct doctor_bundle *bundle,
                                    const struct invocation *invocation)
{
    static const char *const kinds[] = { "key_event", "key_use", "secret_hit", "cert", NULL };
    return list_collect(bundle, invocation, "key-list", kinds);
}

enum status doctor_collect_schedule(struct doctor_bundle *bundle,
                                    const struct invocation *invocation)
{
    static const char *const kinds[] = { "job", "lease", "deploy", "config", "rate", NULL };
    return list_collect(bundle, invocation, "schedule", kinds);
}

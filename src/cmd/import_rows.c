/* Two readers behind one call: what a row says is looked up by column once, by key for each line. */
#include "cmd/import_rows.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json_reader.h"

enum { LINE_SIZE_MAX = 1 << 20, LINE_WINDOW_SIZE = 2 * LINE_SIZE_MAX };

static void constants_set(struct import_rows *rows)
{
    for (uint32_t i = 0; i < IMPORT_FIELD_COUNT; i++) {
        bool constant = rows->mapping.fields[i].source == IMPORT_CONSTANT;
        rows->values[i] = constant ? rows->mapping.fields[i].text : STR("");
    }
}

static enum status column_missing(const struct import_rows *rows, uint32_t field,
                                  struct error *out_error)
{
    enum status status = error_set(
        out_error, STATUS_INVALID, "the file has no column '%.*s', which is mapped to '%s'",
        STR_ARG(rows->mapping.fields[field].text), import_field_name((enum import_field)field));
    BUF_SCOPE struct buf list;
    buf_init(&list, ERROR_TEXT_SIZE);
    for (uint32_t i = 0; i < rows->csv.field_count; i++)
        buf_append_format(&list, "%s%.*s", i == 0 ? "" : ", ", STR_ARG(rows->csv.fields[i]));
    error_hint(out_error, "its columns are %s", buf_terminated(&list));
    return status;
}

static enum status header_read(struct import_rows *rows, struct error *out_error)
{
    bool found;
    enum status status = csv_reader_next(&rows->csv, &found, out_error);
    if (status != STATUS_OK) return status;
    if (!found) return error_set(out_error, STATUS_INVALID, "the file is empty: no header");
    rows->column_count = rows->csv.field_count;
    for (uint32_t field = 0; field < IMPORT_FIELD_COUNT; field++) {
        enum import_source source = rows->mapping.fields[field].source;
        rows->columns[field] = -1;
        if (source != IMPORT_COLUMN && source != IMPORT_OPTIONAL) continue;
        for (uint32_t i = 0; i < rows->csv.field_count; i++)
            if (str_equal(rows->csv.fields[i], rows->mapping.fields[field].text))
                rows->columns[field] = (int32_t)i;
        if (rows->columns[field] < 0 && source == IMPORT_COLUMN)
            return column_missing(rows, field, out_error);
    }
    return STATUS_OK;
}

enum status import_rows_open(struct import_rows *rows, enum import_format format, int descriptor,
                             const struct import_mapping *mapping, struct error *out_error)
{
    *rows = (struct import_rows){ .format = format, .mapping = *mapping, .descriptor = descriptor };
    csv_reader_init(&rows->csv, descriptor);
    buf_init(&rows->window, LINE_WINDOW_SIZE);
    buf_init(&rows->joined, LINE_SIZE_MAX);
    if (format == IMPORT_CSV) return header_read(rows, out_error);
    /* room for a line without blanks: a key takes two bytes of it and 32 of the arena */
    if (arena_init(&rows->arena, 17 * LINE_SIZE_MAX) != STATUS_OK ||
        buf_extend(&rows->window, LINE_WINDOW_SIZE) == NULL)
        return error_set(out_error, STATUS_LIMIT, "no memory for reading");
    return STATUS_OK;
}

void import_rows_close(struct import_rows *rows)
{
    csv_reader_done(&rows->csv);
    arena_done(&rows->arena);
    buf_free(&rows->window);
    buf_free(&rows->joined);
}

static enum status csv_row_next(struct import_rows *rows, bool *out_found, struct error *out_error)
{
    enum status status = csv_reader_next(&rows->csv, out_found, out_error);
    if (status != STATUS_OK || !*out_found) return status;
    rows->line = rows->csv.line;
    rows->bytes = rows->csv.bytes;
    if (rows->csv.field_count != rows->column_count) {
        rows->fault = "it has not as many fields as the header";
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < IMPORT_FIELD_COUNT; i++)
        if (rows->columns[i] >= 0) rows->values[i] = rows->csv.fields[rows->columns[i]];
    return STATUS_OK;
}

/* The next line without its end, or false in *out_found. */
static enum status line_next(struct import_rows *rows, struct str *out_line, bool *out_found,
                             struct error *out_error)
{
    uint8_t *data = rows->window.data;
    size_t looked = 0;
    const uint8_t *newline = NULL;
    for (;;) {
        size_t left = rows->end - rows->start;
        if (left > looked) newline = memchr(data + rows->start + looked, '\n', left - looked);
        if (newline != NULL || rows->at_end) break;
        looked = left;
        if (left > LINE_SIZE_MAX)
            return error_set(out_error, STATUS_LIMIT, "line %llu is over 1 MiB",
                             (unsigned long long)rows->line + 1);
        memmove(data, data + rows->start, left);
        rows->start = 0;
        rows->end = left;
        ssize_t got = read(rows->descriptor, data + left, LINE_WINDOW_SIZE - left);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return error_set(out_error, STATUS_UNAVAILABLE, "cannot read: %s", strerror(errno));
        rows->at_end = got == 0;
        rows->end += (size_t)got;
    }
    size_t len = newline != NULL ? (size_t)(newline - data) - rows->start : rows->end - rows->start;
    *out_found = newline != NULL || len > 0;
    *out_line = (struct str){ (const char *)data + rows->start, len };
    rows->start += len + (newline != NULL ? 1 : 0);
    rows->bytes += len + (newline != NULL ? 1 : 0);
    rows->line++;
    return STATUS_OK;
}

/* Plain items joined by '|', kept in rows->joined until the next row. */
static struct str items_join(struct import_rows *rows, struct json_reader *reader)
{
    size_t from = rows->joined.len;
    if (!json_array_begin(reader)) return STR("");
    while (json_array_next(reader)) {
        struct str text = STR("");
        if (!json_string(reader, &text)) break;
        if (rows->joined.len > from) buf_append_byte(&rows->joined, '|');
        buf_append_str(&rows->joined, text);
    }
    return (struct str){ (const char *)rows->joined.data + from, rows->joined.len - from };
}

static struct str value_read(struct import_rows *rows, struct json_reader *reader)
{
    struct str text = STR("");
    bool truth = false;
    switch (json_peek(reader)) {
    case JSON_STRING: (void)json_string(reader, &text); break; /* faults show at json_end() */
    case JSON_NUMBER: (void)json_number(reader, &text); break;
    case JSON_BOOL:
        if (json_bool(reader, &truth)) text = truth ? STR("true") : STR("false");
        break;
    case JSON_NULL: (void)json_null(reader); break;
    case JSON_ARRAY: return items_join(rows, reader);
    case JSON_OBJECT: json_fail(reader, "a value that is mapped is an object"); break;
    case JSON_NOTHING: (void)json_skip(reader); break;
    }
    return text;
}

static bool mapped(const struct import_rows *rows, uint32_t field, struct str key)
{
    enum import_source source = rows->mapping.fields[field].source;
    if (source != IMPORT_COLUMN && source != IMPORT_OPTIONAL) return false;
    return str_equal(rows->mapping.fields[field].text, key);
}

static void object_read(struct import_rows *rows, struct json_reader *reader)
{
    if (!json_object_begin(reader)) return;
    struct str key;
    while (json_object_next(reader, &key)) {
        uint32_t field = 0;
        while (field < IMPORT_FIELD_COUNT && !mapped(rows, field, key)) field++;
        if (field == IMPORT_FIELD_COUNT) {
            (void)json_skip(reader); /* faults show at json_end() */
            continue;
        }
        struct str value = value_read(rows, reader);
        for (; field < IMPORT_FIELD_COUNT; field++)
            if (mapped(rows, field, key)) rows->values[field] = value;
    }
}

static enum status ndjson_row_next(struct import_rows *rows, bool *out_found,
                                   struct error *out_error)
{
    struct str line = STR("");
    do {
        enum status status = line_next(rows, &line, out_found, out_error);
        if (status != STATUS_OK || !*out_found) return status;
    } while (line.len == 0);
    arena_reset(&rows->arena);
    buf_reset(&rows->joined);
    /* never moves while a row's values point into it */
    if (rows->joined.capacity == 0) (void)buf_extend(&rows->joined, LINE_SIZE_MAX);
    buf_reset(&rows->joined);
    struct json_reader reader;
    json_reader_init(&reader, line, &rows->arena);
    object_read(rows, &reader);
    if (json_end(&reader) != STATUS_OK) rows->fault = reader.reason;
    return STATUS_OK;
}

enum status import_rows_next(struct import_rows *rows, bool *out_found, struct error *out_error)
{
    constants_set(rows);
    rows->fault = NULL;
    return rows->format == IMPORT_CSV ? csv_row_next(rows, out_found, out_error)
                                      : ndjson_row_next(rows, out_found, out_error);
}

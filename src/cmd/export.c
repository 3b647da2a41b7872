/* tpwallet export: accounts or transfers page by page, as NDJSON or CSV that import takes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "cmd/answer.h"
#include "cmd/call.h"
#include "cmd/report.h"
#include "cmd/session.h"

enum { ANSWER_SIZE_MAX = 16 << 20 };

/* One list of the API, and its columns as CSV. A list of columns ends with NULL. */
struct export_kind {
    const char *name;
    const char *path;
    const char *const *columns;
};

static const char *const account_columns[] = {
    "id",
    "asset",
    "kind",
    "flags",
    "user_ref",
    "metadata_ref",
    "balance.debits_posted",
    "balance.debits_pending",
    "balance.credits_posted",
    "balance.credits_pending",
    "balance.net",
    "entry_count",
    "created_at",
    NULL,
};

static const char *const transfer_columns[] = {
    "id",        "kind",     "outcome", "debit",     "credit",     "asset",     "amount",
    "requested", "released", "target",  "user_ref",  "value_date", "timeout_s", "code",
    "flags",     "position", "at",      "principal", "trace_id",   NULL,
};

static const struct export_kind kinds[] = {
    { "accounts", "/v1/accounts", account_columns },
    { "transfers", "/v1/transfers", transfer_columns },
};

struct export
{
    const struct invocation *invocation;
    const struct export_kind *kind;
    struct session session;
    FILE *file;
    bool csv;
    bool failed; /* the file could not be written */
    uint64_t items;
    struct buf line;
    struct buf answer;
    struct buf target;
    struct buf next; /* the cursor of the following page; empty at the end */
    struct arena arena;
    struct error error;
    unsigned http_status;
};

/* Copies the value that is due, whatever it is; recursion is bounded by the reader's depth. */
static void value_copy(struct json_reader *reader, struct json_writer *writer)
{
    struct str text = STR("");
    uint64_t number = 0;
    bool truth = false;
    switch (json_peek(reader)) {
    case JSON_OBJECT:
        json_write_object_begin(writer);
        if (json_object_begin(reader)) {
            while (json_object_next(reader, &text)) {
                json_write_key(writer, text);
                value_copy(reader, writer);
            }
        }
        json_write_object_end(writer);
        break;
    case JSON_ARRAY:
        json_write_array_begin(writer);
        if (json_array_begin(reader))
            while (json_array_next(reader)) value_copy(reader, writer);
        json_write_array_end(writer);
        break;
    case JSON_NUMBER:
        (void)json_uint64(reader, &number); /* faults show at json_end() */
        json_write_uint64(writer, number);
        break;
    case JSON_BOOL:
        (void)json_bool(reader, &truth); /* the same */
        json_write_bool(writer, truth);
        break;
    case JSON_NULL:
    case JSON_NOTHING:
        (void)json_null(reader); /* the same */
        json_write_null(writer);
        break;
    case JSON_STRING:
        (void)json_string(reader, &text); /* the same */
        json_write_string(writer, text);
        break;
    }
}

static void line_write(struct export *export)
{
    if (!report_put(export->file, buf_view(&export->line))) export->failed = true;
    buf_reset(&export->line);
}

/* NDJSON: each item as the API wrote it. */
static void items_copy(struct export *export, struct json_reader *reader)
{
    if (!json_array_begin(reader)) return;
    while (json_array_next(reader)) {
        struct json_writer writer;
        json_writer_init(&writer, &export->line);
        value_copy(reader, &writer);
        if (reader->fault != JSON_FAULT_NONE) return;
        if (json_write_end(&writer) != STATUS_OK) export->failed = true;
        buf_append_byte(&export->line, '\n');
        line_write(export);
        export->items++;
    }
}

static enum status page_as_lines(struct export *export)
{
    struct json_reader reader;
    json_reader_init(&reader, buf_view(&export->answer), &export->arena);
    if (json_object_begin(&reader)) {
        struct str key;
        while (json_object_next(&reader, &key)) {
            struct str next;
            if (str_equal(key, STR("items")))
                items_copy(export, &reader);
            else if (!str_equal(key, STR("next")))
                (void)json_skip(&reader); /* see json_end() */
            else if (json_string(&reader, &next))
                buf_append_str(&export->next, next);
        }
    }
    return json_end(&reader);
}

/* RFC 4180: quoted when it must be; several words of one field stand with '|' between. */
static void csv_field(struct buf *out, struct str text)
{
    bool quote = false;
    for (size_t i = 0; i < text.len; i++) quote = quote || strchr("\",\r\n", text.data[i]) != NULL;
    bool words = quote && memchr(text.data, '"', text.len) == NULL;
    for (size_t i = 0; words && i + 1 < text.len; i++)
        if (text.data[i] == ',' && text.data[i + 1] != ' ') words = false;
    if (words) {
        for (size_t i = 0; i < text.len; i++) {
            if (text.data[i] != ',')
                buf_append_byte(out, (uint8_t)text.data[i]);
            else {
                buf_append_byte(out, '|');
                i++;
            }
        }
        return;
    }
    if (quote) buf_append_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"') buf_append_byte(out, '"');
        buf_append_byte(out, (uint8_t)text.data[i]);
    }
    if (quote) buf_append_byte(out, '"');
}

static bool csv_row(void *argument, const struct answer_object *item)
{
    struct export *export = argument;
    for (uint32_t i = 0; export->kind->columns[i] != NULL; i++) {
        if (i > 0) buf_append_byte(&export->line, ',');
        csv_field(&export->line, answer_text(item, export->kind->columns[i]));
    }
    buf_append_byte(&export->line, '\n');
    line_write(export);
    export->items++;
    return true;
}

static enum status page_as_csv(struct export *export)
{
    struct answer_object rest;
    const struct answer_list list = { "items", csv_row, export };
    enum status status = answer_read_list(buf_view(&export->answer), &list, &export->arena, &rest);
    if (status == STATUS_OK) buf_append_str(&export->next, answer_text(&rest, "next"));
    return status;
}

static enum status page_get(struct export *export)
{
    const struct session_request request = { .method = API_GET,
                                             .target = buf_view(&export->target) };
    return session_call(&export->session, &request, &export->http_status, &export->answer,
                        &export->error);
}

/* All pages; STATUS_INVALID with http_status set when the API refused. */
static enum status pages_write(struct export *export)
{
    for (;;) {
        struct call call; /* only its way of writing a target */
        call_init(&call, export->invocation, API_GET, export->kind->path);
        call_query(&call, "limit", "1000");
        call_query(&call, "from", invocation_text(export->invocation, "from"));
        call_query(&call, "to", invocation_text(export->invocation, "to"));
        if (export->next.len > 0) call_query(&call, "cursor", buf_terminated(&export->next));
        buf_reset(&export->target);
        buf_append_str(&export->target, buf_view(&call.target));
        call_done(&call);

        enum status status = page_get(export);
        if (status != STATUS_OK) return status;
        if (export->http_status >= 300) return error_set(&export->error, STATUS_INVALID, "refused");
        arena_reset(&export->arena);
        buf_reset(&export->next);
        status = export->csv ? page_as_csv(export) : page_as_lines(export);
        if (status != STATUS_OK)
            return error_set(&export->error, status, "the answer is not understood");
        if (export->failed)
            return error_set(&export->error, STATUS_LIMIT, "the output cannot be written");
        if (export->next.len == 0) return STATUS_OK;
    }
}

static void header_write(struct export *export)
{
    for (uint32_t i = 0; export->kind->columns[i] != NULL; i++) {
        const char *name = strrchr(export->kind->columns[i], '.');
        name = name == NULL ? export->kind->columns[i] : name + 1;
        buf_append_format(&export->line, "%s%s", i == 0 ? "" : ",", name);
    }
    buf_append_byte(&export->line, '\n');
    line_write(export);
}

static int export_to_file(struct export *export)
{
    buf_init(&export->line, 1 << 20);
    buf_init(&export->answer, ANSWER_SIZE_MAX);
    buf_init(&export->target, 4096);
    buf_init(&export->next, 4096);
    enum status status = arena_init(&export->arena, 8 * (size_t)ANSWER_SIZE_MAX);
    if (status != STATUS_OK) error_set(&export->error, status, "no memory");
    const struct session_options options = { .folder = export->invocation->data,
                                             .read_only = true };
    bool opened = false;
    if (status == STATUS_OK) {
        status = session_open(&options, &export->session, &export->error);
        opened = status == STATUS_OK;
    }
    if (status == STATUS_OK && export->csv) header_write(export);
    if (status == STATUS_OK) status = pages_write(export);
    if (status == STATUS_OK && fflush(export->file) != 0)
        status = error_set(&export->error, STATUS_LIMIT, "the output cannot be written: %s",
                           strerror(errno));
    int code = EXIT_CODE_DONE;
    if (export->http_status >= 300)
        code = report_problem(export->invocation, export->http_status, buf_view(&export->answer));
    else if (status != STATUS_OK)
        code = report_error(export->invocation, &export->error);
    else
        (void)fprintf(stderr, "export: %llu %s\n", (unsigned long long)export->items,
                      export->kind->name);
    if (opened) session_close(&export->session);
    arena_done(&export->arena);
    buf_free(&export->line);
    buf_free(&export->answer);
    buf_free(&export->target);
    buf_free(&export->next);
    return code;
}

static int export_run(struct invocation *invocation)
{
    struct export export = { .invocation = invocation, .file = stdout };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(invocation->positionals[0], kinds[i].name) == 0) export.kind = &kinds[i];
    const char *format = invocation_text(invocation, "format");
    export.csv = strcmp(format, "csv") == 0;
    if (export.kind == NULL || (!export.csv && strcmp(format, "ndjson") != 0)) {
        error_set(&export.error, STATUS_INVALID, "'%s' as '%s' cannot be exported",
                  invocation->positionals[0], format);
        error_hint(&export.error, "accounts or transfers, as ndjson or csv");
        return report_error(invocation, &export.error);
    }
    const char *path = invocation_text(invocation, "output");
    if (path != NULL) export.file = fopen(path, "wex");
    if (export.file == NULL) {
        error_set(&export.error, errno == EEXIST ? STATUS_CONFLICT : STATUS_DENIED,
                  "cannot make '%s': %s", path, strerror(errno));
        return report_error(invocation, &export.error);
    }
    int code = export_to_file(&export);
    if (path != NULL && fclose(export.file) != 0 && code == EXIT_CODE_DONE) {
        error_set(&export.error, STATUS_LIMIT, "cannot write '%s'", path);
        code = report_error(invocation, &export.error);
    }
    return code;
}

static const struct positional positionals[] = {
    { "KIND", "accounts or transfers", false },
    { 0 },
};

static const struct option options[] = {
    { "format", "FORMAT", "ndjson or csv", "ndjson" },
    { "output", "FILE", "a new file; standard output without it", NULL },
    { "from", "TIME", "transfers stamped at or after this time (RFC 3339)", NULL },
    { "to", "TIME", "transfers stamped before this time", NULL },
    { 0 },
};

const struct command command_export = {
    .name = "export",
    .summary = "write all accounts or transfers, one a line",
    .details = "In the order in which they were made, page by page, so that memory stays small "
               "however many there are. Transfers include the refused ones, with their outcome. "
               "`tpwallet import` takes the files into another ledger.",
    .positionals = positionals,
    .options = options,
    .examples = "export transfers --output transfers.ndjson\n"
                "export accounts --format csv --output accounts.csv",
    .run = export_run,
};

#include "cmd/reconcile_read.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cmd/csv_reader.h"

static void refuse(struct reconcile_refusals *refusals, const char *file, uint64_t line,
                   const char *fault)
{
    if (refusals->count < RECONCILE_REFUSALS_SHOWN)
        refusals->shown[refusals->count] = (struct reconcile_refusal){ file, line, fault };
    refusals->count++;
}

/* The reader's error, with the file's name before it. */
static enum status named(const char *path, struct error *error)
{
    struct error inner = *error;
    enum status status = error_set(error, inner.status, "%s: %s", path, inner.message);
    error_hint(error, "%s", inner.hint);
    return status;
}

static enum status rows_read(const char *path, struct csv_reader *reader,
                             const struct reconcile_source *source,
                             const struct reconcile_visitor *visitor,
                             struct reconcile_refusals *refusals, struct error *out_error)
{
    uint32_t columns = reader->field_count;
    for (;;) {
        bool found;
        enum status status = csv_reader_next(reader, &found, out_error);
        if (status != STATUS_OK) return named(path, out_error);
        if (!found) return STATUS_OK;
        if (reader->field_count != columns) {
            refuse(refusals, path, reader->line, "another number of fields than the header");
            continue;
        }
        struct reconcile_line line;
        const char *fault;
        enum reconcile_row row =
            reconcile_row_read(source, reader->fields, reader->field_count, &line, &fault);
        if (row == RECONCILE_ROW_SKIPPED) refusals->skipped++;
        if (row == RECONCILE_ROW_REFUSED) refuse(refusals, path, reader->line, fault);
        if (row != RECONCILE_ROW_LINE) continue;
        line.line = reader->line;
        struct str batch = reconcile_row_text(&source->mapping, RECONCILE_FIELD_BATCH,
                                              reader->fields, reader->field_count);
        status = visitor->visit(visitor->context, &line, batch, out_error);
        if (status != STATUS_OK) return status;
    }
}

enum status reconcile_read_csv(const char *path, struct reconcile_source *source,
                               const struct reconcile_visitor *visitor,
                               struct reconcile_refusals *refusals, struct error *out_error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return error_set(out_error, STATUS_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    struct csv_reader reader;
    csv_reader_init(&reader, descriptor);
    bool found;
    enum status status = csv_reader_next(&reader, &found, out_error);
    if (status == STATUS_OK && !found)
        status = error_set(out_error, STATUS_INVALID, "it is empty: there is no header");
    if (status == STATUS_OK)
        status =
            reconcile_mapping_bind(&source->mapping, reader.fields, reader.field_count, out_error);
    if (status != STATUS_OK)
        status = named(path, out_error);
    else
        status = rows_read(path, &reader, source, visitor, refusals, out_error);
    csv_reader_done(&reader);
    (void)close(descriptor); /* only read from */
    return status;
}

#include "cmd/doctor_wal.h"

#include "cmd/file_bytes.h"

enum status doctor_wal_begin(struct doctor_bundle *bundle, const char *mapping,
                             const char *collector, const struct database_instant *instant,
                             struct doctor_wal *wal)
{
    static const char *const kinds[] = { "wal", NULL };
    const char *system = wal->source.system;
    wal->source = doctor_source_of(bundle, "wal", system, kinds);
    wal->source.collector = collector;
    wal->source.order = "total";
    wal->source.authority = 50; /* it cannot be otherwise than what was committed */
    wal->source.from = instant->at;
    wal->source.to = instant->at;
    wal->source.version = instant->version;
    wal->source.parts = &wal->part;
    wal->source.part_count = 1;
    wal->source.clock_offset_ns = instant->offset_ns;
    wal->source.clock_error_ns = instant->offset_error_ns;
    wal->file.bundle = bundle;
    buf_init(&wal->text, WAL_MAPPING_SIZE_MAX);
    enum status status = file_bytes_read(mapping, &wal->text, &bundle->error);
    if (status == STATUS_OK)
        status = wal_mapping_parse(buf_view(&wal->text), &wal->currencies, &wal->mapping,
                                   &bundle->error);
    if (status == STATUS_OK) status = doctor_file_begin(bundle, &wal->source, &wal->file);
    wal->writer.currencies = &wal->currencies;
    wal->writer.out = &wal->file.line;
    wal->writer.masked = &wal->file.masked;
    return status;
}

enum status doctor_wal_flush(struct doctor_wal *wal)
{
    wal->file.rejected = wal->writer.rejected;
    return doctor_file_rows(&wal->file, wal->writer.rows - wal->file.rows);
}

enum status doctor_wal_end(struct doctor_wal *wal, bool whole, enum status status)
{
    if (wal->writer.first.ns != 0) wal->source.from = wal->writer.first;
    if (!whole) wal->source.loss = "unknown";
    status = doctor_file_end(&wal->file, status);
    buf_free(&wal->text);
    return status;
}

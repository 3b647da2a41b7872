#include "cmd/doctor_wal.h"

#include <string.h>

#include "cmd/file_bytes.h"

/* What both sources have in common. */
static struct doctor_source source_of(const struct doctor_wal *wal, const char *name,
                                      const char *const *kinds,
                                      const struct database_instant *instant)
{
    struct doctor_source source =
        doctor_source_of(wal->file.bundle, name, wal->source.system, kinds);
    source.collector = wal->source.collector;
    source.from = instant->at;
    source.to = instant->at;
    source.version = instant->version;
    source.clock_offset_ns = instant->offset_ns;
    source.clock_error_ns = instant->offset_error_ns;
    return source;
}

static enum status books_begin(struct doctor_wal *wal, const struct database_instant *instant)
{
    struct doctor_bundle *bundle = wal->file.bundle;
    static const char *const all[] = { "account", "ledger_tx", "posting" };
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (uint32_t k = 0; k < wal->mapping.count; k++)
            if (str_equal(wal->mapping.tables[k].record, str_from(all[i]))) {
                wal->books_kinds[count++] = all[i];
                break;
            }
    if (strstr(buf_terminated(&bundle->sources), "\"posting\"") != NULL)
        return error_set(&bundle->error, STATUS_CONFLICT,
                         "the bundle has postings already: --wal-books would double them");
    wal->books_source = source_of(wal, "wal-books", wal->books_kinds, instant);
    enum status status = doctor_file_begin(bundle, &wal->books_source, &wal->books_file);
    if (status != STATUS_OK) return status;
    wal->writer.books = &wal->books;
    status = wal_books_init(&wal->books, &wal->books_file.line, &wal->books_file.masked);
    return status == STATUS_OK ? status : error_set(&bundle->error, status, "no memory");
}

enum status doctor_wal_begin(struct doctor_bundle *bundle, const struct invocation *invocation,
                             const struct database_instant *instant, struct doctor_wal *wal)
{
    static const char *const kinds[] = { "wal", NULL };
    wal->keeps_books = invocation_has(invocation, "wal-books");
    wal->file.bundle = bundle;
    wal->books_file.bundle = bundle;
    wal->source = source_of(wal, "wal", kinds, instant);
    wal->source.order = "total";
    wal->source.authority = 50; /* it cannot be otherwise than what was committed */
    wal->source.parts = &wal->part;
    wal->source.part_count = 1;
    buf_init(&wal->text, WAL_MAPPING_SIZE_MAX);
    enum status status =
        file_bytes_read(invocation_text(invocation, "wal-mapping"), &wal->text, &bundle->error);
    if (status == STATUS_OK)
        status = wal_mapping_parse(buf_view(&wal->text), &wal->currencies, &wal->mapping,
                                   &bundle->error);
    if (status == STATUS_OK) status = doctor_file_begin(bundle, &wal->source, &wal->file);
    if (status == STATUS_OK && wal->keeps_books) status = books_begin(wal, instant);
    wal->writer.currencies = &wal->currencies;
    wal->writer.out = &wal->file.line;
    wal->writer.masked = &wal->file.masked;
    return status;
}

static enum status books_flush(struct doctor_wal *wal)
{
    if (!wal->keeps_books) return STATUS_OK;
    wal->books_file.rejected = wal->writer.rejected + wal->books.unknown;
    return doctor_file_rows(&wal->books_file, wal->books.rows - wal->books_file.rows);
}

enum status doctor_wal_flush(struct doctor_wal *wal)
{
    wal->file.rejected = wal->writer.rejected;
    enum status status = doctor_file_rows(&wal->file, wal->writer.rows - wal->file.rows);
    return status == STATUS_OK ? books_flush(wal) : status;
}

static enum status accounts_write(struct doctor_wal *wal)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < wal->books.account_count && status == STATUS_OK; i++) {
        wal_books_account(&wal->books, i);
        status = books_flush(wal);
    }
    return status;
}

enum status doctor_wal_end(struct doctor_wal *wal, bool whole, enum status status)
{
    if (wal->writer.first.ns != 0) wal->source.from = wal->writer.first;
    if (!whole) wal->source.loss = "unknown";
    wal->books_source.from = wal->source.from;
    wal->books_source.loss = wal->source.loss;
    if (status == STATUS_OK) status = accounts_write(wal);
    status = doctor_file_end(&wal->file, status);
    if (wal->keeps_books) status = doctor_file_end(&wal->books_file, status);
    if (wal->keeps_books) wal_books_done(&wal->books);
    buf_free(&wal->text);
    return status;
}

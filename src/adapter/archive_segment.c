#include "adapter/archive_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/check.h"

enum {
    SEGMENT_MAGIC = 0x53575054, /* "TPWS" in the file */
    FOOTER_MAGIC = 0x46575054,  /* "TPWF" */
    SEGMENT_VERSION = 1,
    READ_SIZE = 1 << 20,
};

struct segment_header {
    uint32_t magic;
    uint32_t version;
    uint64_t first;
    uint64_t last;
    struct digest previous;
    uint8_t reserved[64];
    uint64_t check; /* XXH3-64 of all before */
};
_Static_assert(sizeof(struct segment_header) == 128, "stored as it is");

struct segment_entry {
    uint64_t sequence;
    uint64_t offset; /* of its bytes in the file */
    uint64_t size;
    struct wall_time stamp;
    struct digest hash;
    uint64_t check; /* XXH3-64 of all before */
};
_Static_assert(sizeof(struct segment_entry) == 72, "stored as it is");

struct segment_footer {
    uint32_t magic;
    uint32_t version;
    uint64_t table_offset;
    uint64_t count;
    struct digest digest; /* SHA-256 of all before the footer */
    uint64_t check;       /* XXH3-64 of all before */
};
_Static_assert(sizeof(struct segment_footer) == 64, "stored as it is");

struct archive_segment_writer {
    char path[SQLITE_PATH_SIZE];
    char temporary[SQLITE_PATH_SIZE];
    char archive[SQLITE_PATH_SIZE];
    FILE *file;
    struct digest_stream digest;
    uint64_t first;
    uint64_t last;
    struct segment_entry *entries;
    uint64_t count;
    uint64_t offset;
    bool sealed;
};

static enum status file_failure(const char *path, const char *what, struct error *out_error)
{
    int code = errno;
    bool full = status_of_errno(code) == STATUS_LIMIT;
    enum status status =
        error_set(out_error, full ? STATUS_LIMIT : STATUS_UNAVAILABLE, "%s: cannot %s", path, what);
    error_detail(out_error, "%s", strerror(code));
    error_hint(out_error, "check the disk and the permissions of archive/");
    return status;
}

static enum status damaged(const char *path, const char *how, struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s is damaged", path);
    error_detail(out_error, "%s", how);
    error_hint(out_error, "put back a good copy of this file, from a backup of archive/");
    return STATUS_CORRUPT;
}

enum status archive_segment_path(const char *archive, const struct journal_archived *range,
                                 char out_path[SQLITE_PATH_SIZE], struct error *out_error)
{
    char name[64];
    int length = snprintf(name, sizeof name, "%016llu-%016llu.segment",
                          (unsigned long long)range->first, (unsigned long long)range->last);
    CHECK(length > 0 && (size_t)length < sizeof name);
    return sqlite_path(archive, name, out_path, out_error);
}

/* ---- writing ---- */

static enum status put(struct archive_segment_writer *writer, const void *data, size_t size,
                       struct error *out_error)
{
    if (size > 0 && fwrite(data, 1, size, writer->file) != size) {
        return file_failure(writer->temporary, "be written", out_error);
    }
    digest_stream_add(&writer->digest, data, size);
    writer->offset += size;
    return STATUS_OK;
}

static enum status put_header(struct archive_segment_writer *writer, struct digest previous,
                              struct error *out_error)
{
    struct segment_header header = { .magic = SEGMENT_MAGIC, .version = SEGMENT_VERSION };
    header.first = writer->first;
    header.last = writer->last;
    header.previous = previous;
    header.check = XXH3_64bits(&header, offsetof(struct segment_header, check));
    return put(writer, &header, sizeof header, out_error);
}

enum status archive_segment_begin(const char *archive, uint64_t first, uint64_t last,
                                  struct digest previous,
                                  struct archive_segment_writer **out_writer,
                                  struct error *out_error)
{
    CHECK(first > 0 && first <= last);
    CHECK(strlen(archive) < SQLITE_PATH_SIZE);
    struct archive_segment_writer *writer = calloc(1, sizeof *writer);
    CHECK(writer != NULL);
    writer->first = first;
    writer->last = last;
    writer->entries = calloc(last - first + 1, sizeof *writer->entries);
    CHECK(writer->entries != NULL);
    digest_stream_init(&writer->digest);
    memcpy(writer->archive, archive, strlen(archive) + 1);
    struct journal_archived range = { .first = first, .last = last };
    enum status status = archive_segment_path(archive, &range, writer->path, out_error);
    if (status == STATUS_OK) {
        status = sqlite_path(archive, "unfinished", writer->temporary, out_error);
    }
    if (status == STATUS_OK) {
        int file = open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (file >= 0) writer->file = fdopen(file, "wb");
        if (writer->file == NULL) status = file_failure(writer->temporary, "be made", out_error);
    }
    if (status == STATUS_OK) status = put_header(writer, previous, out_error);
    if (status != STATUS_OK) {
        archive_segment_drop(writer);
        return status;
    }
    *out_writer = writer;
    return STATUS_OK;
}

enum status archive_segment_add(struct archive_segment_writer *writer,
                                const struct journal_batch *row, const void *data,
                                struct error *out_error)
{
    CHECK(row->sequence == writer->first + writer->count);
    CHECK(row->sequence <= writer->last);
    struct segment_entry *entry = &writer->entries[writer->count++];
    *entry = (struct segment_entry){
        .sequence = row->sequence,
        .offset = writer->offset,
        .size = row->size,
        .stamp = row->stamp,
        .hash = row->hash,
    };
    entry->check = XXH3_64bits(entry, offsetof(struct segment_entry, check));
    return put(writer, data, row->size, out_error);
}

static enum status put_end(struct archive_segment_writer *writer, struct digest *out_digest,
                           struct error *out_error)
{
    struct segment_footer footer = {
        .magic = FOOTER_MAGIC,
        .version = SEGMENT_VERSION,
        .table_offset = writer->offset,
        .count = writer->count,
    };
    enum status status =
        put(writer, writer->entries, writer->count * sizeof *writer->entries, out_error);
    if (status != STATUS_OK) return status;
    footer.digest = digest_stream_end(&writer->digest);
    footer.check = XXH3_64bits(&footer, offsetof(struct segment_footer, check));
    *out_digest = footer.digest;
    writer->offset += sizeof footer;
    if (fwrite(&footer, sizeof footer, 1, writer->file) != 1 || fflush(writer->file) != 0 ||
        fsync(fileno(writer->file)) != 0) {
        return file_failure(writer->temporary, "be written", out_error);
    }
    return STATUS_OK;
}

static enum status give_name(struct archive_segment_writer *writer, struct error *out_error)
{
    if (rename(writer->temporary, writer->path) != 0) {
        return file_failure(writer->path, "be named", out_error);
    }
    writer->sealed = true;
    int folder = open(writer->archive, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = folder < 0 ? -1 : fsync(folder);
    enum status status = STATUS_OK;
    if (failed != 0) status = file_failure(writer->archive, "be synced", out_error);
    if (folder >= 0) (void)close(folder); /* only synced */
    return status;
}

enum status archive_segment_seal(struct archive_segment_writer *writer,
                                 struct journal_archived *out_archived, struct error *out_error)
{
    CHECK(writer->count == writer->last - writer->first + 1);
    struct journal_archived archived = {
        .first = writer->first,
        .last = writer->last,
        .first_stamp = writer->entries[0].stamp,
        .last_stamp = writer->entries[writer->count - 1].stamp,
    };
    enum status status = put_end(writer, &archived.digest, out_error);
    if (status != STATUS_OK) return status;
    archived.size = writer->offset;
    status = give_name(writer, out_error);
    if (status == STATUS_OK) {
        status = archive_segment_verify(writer->archive, &archived, out_error);
    }
    if (status == STATUS_OK) *out_archived = archived;
    return status;
}

void archive_segment_drop(struct archive_segment_writer *writer)
{
    if (writer == NULL) return;
    if (writer->file != NULL) (void)fclose(writer->file); /* synced when sealed, else removed */
    if (!writer->sealed && writer->temporary[0] != 0) (void)unlink(writer->temporary);
    free(writer->entries);
    free(writer);
}

/* ---- reading ---- */

struct segment {
    char path[SQLITE_PATH_SIZE];
    struct journal_archived range;
    int file;
    uint64_t table_offset;
};

static enum status get(const struct segment *segment, void *out_bytes, uint64_t size,
                       uint64_t offset, struct error *out_error)
{
    uint8_t *to = out_bytes;
    while (size > 0) {
        ssize_t got = pread(segment->file, to, size, (off_t)offset);
        if (got < 0) return file_failure(segment->path, "be read", out_error);
        if (got == 0) return damaged(segment->path, "it ends too early", out_error);
        to += got;
        size -= (uint64_t)got;
        offset += (uint64_t)got;
    }
    return STATUS_OK;
}

static enum status get_footer(struct segment *segment, struct error *out_error)
{
    const struct journal_archived *range = &segment->range;
    const uint64_t count = range->last - range->first + 1;
    const uint64_t ends = count * sizeof(struct segment_entry) + sizeof(struct segment_footer);
    struct segment_footer footer;
    struct stat info;
    if (fstat(segment->file, &info) != 0 || (uint64_t)info.st_size != range->size ||
        range->size < sizeof(struct segment_header) + ends) {
        return damaged(segment->path, "its size is not what the journal says", out_error);
    }
    enum status status =
        get(segment, &footer, sizeof footer, range->size - sizeof footer, out_error);
    if (status != STATUS_OK) return status;
    if (footer.magic != FOOTER_MAGIC || footer.version != SEGMENT_VERSION ||
        footer.check != XXH3_64bits(&footer, offsetof(struct segment_footer, check)) ||
        footer.count != count || footer.table_offset != range->size - ends ||
        !digest_equal(&footer.digest, &range->digest)) {
        return damaged(segment->path, "its footer is not what the journal says", out_error);
    }
    segment->table_offset = footer.table_offset;
    return STATUS_OK;
}

static void segment_close(struct segment *segment)
{
    (void)close(segment->file); /* only read */
}

static enum status segment_open(const char *archive, const struct journal_archived *range,
                                struct segment *out_segment, struct error *out_error)
{
    out_segment->range = *range;
    enum status status = archive_segment_path(archive, range, out_segment->path, out_error);
    if (status != STATUS_OK) return status;
    out_segment->file = open(out_segment->path, O_RDONLY | O_CLOEXEC);
    if (out_segment->file < 0 && errno == ENOENT) {
        (void)error_set(out_error, STATUS_NOT_FOUND, "%s is not there", out_segment->path);
        error_detail(out_error, "it holds batches %llu to %llu", (unsigned long long)range->first,
                     (unsigned long long)range->last);
        error_hint(out_error, "put the file back where it was");
        return STATUS_NOT_FOUND;
    }
    if (out_segment->file < 0) return file_failure(out_segment->path, "be opened", out_error);
    status = get_footer(out_segment, out_error);
    if (status != STATUS_OK) segment_close(out_segment);
    return status;
}

static enum status get_entry(const struct segment *segment, uint64_t sequence,
                             struct segment_entry *out_entry, struct error *out_error)
{
    CHECK(sequence >= segment->range.first && sequence <= segment->range.last);
    struct segment_entry entry;
    uint64_t offset = segment->table_offset + (sequence - segment->range.first) * sizeof entry;
    enum status status = get(segment, &entry, sizeof entry, offset, out_error);
    if (status != STATUS_OK) return status;
    if (entry.check != XXH3_64bits(&entry, offsetof(struct segment_entry, check)) ||
        entry.sequence != sequence || entry.offset > segment->table_offset ||
        entry.size > segment->table_offset - entry.offset) {
        return damaged(segment->path, "its table is damaged", out_error);
    }
    *out_entry = entry;
    return STATUS_OK;
}

enum status archive_segment_row(const char *archive, const struct journal_archived *range,
                                uint64_t sequence, struct journal_batch *out_row,
                                struct error *out_error)
{
    struct segment segment;
    struct segment_entry entry;
    enum status status = segment_open(archive, range, &segment, out_error);
    if (status != STATUS_OK) return status;
    status = get_entry(&segment, sequence, &entry, out_error);
    segment_close(&segment);
    if (status != STATUS_OK) return status;
    *out_row = (struct journal_batch){ sequence, entry.stamp, entry.size, entry.hash };
    return STATUS_OK;
}

static enum status get_batch(const struct segment *segment, const struct segment_entry *entry,
                             struct buf *out_blob, struct error *out_error)
{
    void *data = buf_extend(out_blob, entry->size);
    if (data == NULL && entry->size > 0) {
        return error_set(out_error, STATUS_LIMIT, "batch %llu has %llu bytes",
                         (unsigned long long)entry->sequence, (unsigned long long)entry->size);
    }
    enum status status = get(segment, data, entry->size, entry->offset, out_error);
    if (status != STATUS_OK) return status;
    struct digest digest = digest_of(data, entry->size);
    if (digest_equal(&digest, &entry->hash)) return STATUS_OK;
    return damaged(segment->path, "a batch does not match its hash", out_error);
}

enum status archive_segment_read(const char *archive, const struct journal_archived *range,
                                 uint64_t sequence, struct buf *out_blob, struct error *out_error)
{
    struct segment segment;
    struct segment_entry entry;
    enum status status = segment_open(archive, range, &segment, out_error);
    if (status != STATUS_OK) return status;
    status = get_entry(&segment, sequence, &entry, out_error);
    if (status == STATUS_OK) status = get_batch(&segment, &entry, out_blob, out_error);
    segment_close(&segment);
    return status;
}

enum status archive_segment_part(const char *archive, const struct journal_archived *range,
                                 struct archive_part part, void *out_bytes, struct error *out_error)
{
    struct segment segment;
    struct segment_entry entry;
    enum status status = segment_open(archive, range, &segment, out_error);
    if (status != STATUS_OK) return status;
    status = get_entry(&segment, part.sequence, &entry, out_error);
    if (status == STATUS_OK && (uint64_t)part.offset + part.size > entry.size) {
        status = error_set(out_error, STATUS_NOT_FOUND, "batch %llu has %llu bytes",
                           (unsigned long long)part.sequence, (unsigned long long)entry.size);
    }
    if (status == STATUS_OK) {
        status = get(&segment, out_bytes, part.size, entry.offset + part.offset, out_error);
    }
    segment_close(&segment);
    return status;
}

/* All bytes before the footer, against its digest; the header on the way. */
static enum status verify_bytes(const struct segment *segment, struct error *out_error)
{
    uint8_t *bytes = malloc(READ_SIZE);
    CHECK(bytes != NULL);
    struct digest_stream stream;
    digest_stream_init(&stream);
    const uint64_t end = segment->range.size - sizeof(struct segment_footer);
    enum status status = STATUS_OK;
    for (uint64_t at = 0; status == STATUS_OK && at < end; at += READ_SIZE) {
        uint64_t size = end - at < READ_SIZE ? end - at : READ_SIZE;
        status = get(segment, bytes, size, at, out_error);
        if (status != STATUS_OK) break;
        digest_stream_add(&stream, bytes, size);
    }
    struct digest digest = digest_stream_end(&stream);
    free(bytes);
    if (status == STATUS_OK && !digest_equal(&digest, &segment->range.digest)) {
        status = damaged(segment->path, "it does not match its SHA-256", out_error);
    }
    return status;
}

enum status archive_segment_verify(const char *archive, const struct journal_archived *range,
                                   struct error *out_error)
{
    struct segment segment;
    enum status status = segment_open(archive, range, &segment, out_error);
    if (status != STATUS_OK) return status;
    status = verify_bytes(&segment, out_error);
    segment_close(&segment);
    return status;
}

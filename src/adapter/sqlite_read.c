#include "adapter/sqlite_read.h"

#include <string.h>

#include "adapter/archive_segment.h"
#include "base/check.h"

enum { READER_CACHE_KIB = 8192 };

static const char FIRST_SELECT[] = "SELECT min(sequence) FROM batch";

/* ---- the pool ---- */

static void reader_close(struct sqlite_reader *reader)
{
    sqlite3_stmt *statements[] = { reader->lane,   reader->batch, reader->first,
                                   reader->slices, reader->slice, reader->archived };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        (void)sqlite3_finalize(statements[i]); /* repeats the code of the last step */
    }
    sqlite_connection_close(reader->db);
    *reader = (struct sqlite_reader){ 0 };
}

static enum status reader_open(struct sqlite_reader *reader,
                               const struct sqlite_connection_options *options,
                               struct error *out_error)
{
    enum status status = sqlite_connection_open(options, &reader->db, out_error);
    if (status != STATUS_OK) return status;
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } statements[] = {
        { JOURNAL_LANE_SELECT, &reader->lane },   { JOURNAL_BATCH_SELECT, &reader->batch },
        { FIRST_SELECT, &reader->first },         { JOURNAL_SLICE_LIST, &reader->slices },
        { JOURNAL_SLICE_SELECT, &reader->slice }, { JOURNAL_ARCHIVED_SELECT, &reader->archived },
    };
    for (size_t i = 0; status == STATUS_OK && i < sizeof statements / sizeof statements[0]; i++) {
        status = sqlite_prepare(reader->db, statements[i].sql, statements[i].statement, out_error);
    }
    return status;
}

enum status sqlite_read_open(struct sqlite_read *read,
                             const struct sqlite_connection_options *options, const char *archive,
                             struct error *out_error)
{
    CHECK(strlen(options->path) < sizeof read->path);
    CHECK(strlen(archive) < sizeof read->archive);
    *read = (struct sqlite_read){ .open = true };
    int failed = pthread_mutex_init(&read->mutex, NULL);
    CHECK(failed == 0);
    failed = pthread_cond_init(&read->freed, NULL);
    CHECK(failed == 0);
    memcpy(read->path, options->path, strlen(options->path) + 1);
    memcpy(read->archive, archive, strlen(archive) + 1);
    struct sqlite_connection_options own = *options;
    own.read_only = true;
    own.page_size = 0;
    own.cache_kib = READER_CACHE_KIB;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < SQLITE_READERS; i++) {
        status = reader_open(&read->readers[i], &own, out_error);
    }
    if (status != STATUS_OK) sqlite_read_close(read);
    return status;
}

static struct sqlite_reader *reader_take(struct sqlite_read *read)
{
    struct sqlite_reader *taken = NULL;
    (void)pthread_mutex_lock(&read->mutex);
    while (taken == NULL) {
        for (size_t i = 0; taken == NULL && i < SQLITE_READERS; i++) {
            if (!read->readers[i].busy) taken = &read->readers[i];
        }
        if (taken == NULL) (void)pthread_cond_wait(&read->freed, &read->mutex);
    }
    taken->busy = true;
    (void)pthread_mutex_unlock(&read->mutex);
    return taken;
}

static void reader_give(struct sqlite_read *read, struct sqlite_reader *reader)
{
    (void)pthread_mutex_lock(&read->mutex);
    reader->busy = false;
    (void)pthread_cond_broadcast(&read->freed);
    (void)pthread_mutex_unlock(&read->mutex);
}

void sqlite_read_close(struct sqlite_read *read)
{
    if (!read->open) return;
    for (size_t i = 0; i < SQLITE_READERS; i++) {
        (void)pthread_mutex_lock(&read->mutex);
        while (read->readers[i].busy) (void)pthread_cond_wait(&read->freed, &read->mutex);
        (void)pthread_mutex_unlock(&read->mutex);
        reader_close(&read->readers[i]);
    }
    (void)pthread_cond_destroy(&read->freed);  /* nobody waits */
    (void)pthread_mutex_destroy(&read->mutex); /* nobody is inside */
    read->open = false;
}

/* ---- helpers on one reader; what they find missing is judged by their callers ---- */

static void bind_sequence(sqlite3_stmt *statement, uint64_t sequence)
{
    int code = sqlite3_bind_int64(statement, 1, (sqlite3_int64)sequence);
    CHECK(code == SQLITE_OK);
}

static enum status reader_row(struct sqlite_reader *reader, uint64_t sequence,
                              struct journal_batch *out_row, struct error *out_error)
{
    bind_sequence(reader->batch, sequence);
    int code = sqlite3_step(reader->batch);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        status = journal_batch_read(reader->batch, sequence, out_row, out_error);
    } else if (code == SQLITE_DONE) {
        status = STATUS_NOT_FOUND;
    } else {
        status = sqlite_failure(reader->db, code, out_error);
    }
    (void)sqlite3_reset(reader->batch); /* repeats the code of the step */
    return status;
}

static enum status reader_archived(struct sqlite_reader *reader, uint64_t sequence,
                                   struct journal_archived *out_row, struct error *out_error)
{
    bind_sequence(reader->archived, sequence);
    int code = sqlite3_step(reader->archived);
    enum status status = STATUS_OK;
    struct journal_archived row = { 0 };
    if (code == SQLITE_ROW) {
        status = journal_archived_read(reader->archived, &row, out_error);
        if (status == STATUS_OK && row.last < sequence) status = STATUS_NOT_FOUND;
    } else if (code == SQLITE_DONE) {
        status = STATUS_NOT_FOUND;
    } else {
        status = sqlite_failure(reader->db, code, out_error);
    }
    (void)sqlite3_reset(reader->archived); /* repeats the code of the step */
    if (status == STATUS_OK) *out_row = row;
    return status;
}

/*
 * The segment that holds a batch. When there is none: above the head STATUS_NOT_FOUND, below it
 * the batch is lost.
 */
static enum status not_in_table(struct sqlite_read *read, struct sqlite_reader *reader,
                                uint64_t sequence, struct journal_archived *out_range,
                                struct error *out_error)
{
    struct store_head head;
    enum status status = reader_archived(reader, sequence, out_range, out_error);
    if (status != STATUS_NOT_FOUND) return status;
    status = journal_lane_read(reader->lane, &head, out_error);
    if (status != STATUS_OK) return status;
    if (sequence == 0 || sequence > head.sequence) {
        return error_set(out_error, STATUS_NOT_FOUND, "there is no batch %llu",
                         (unsigned long long)sequence);
    }
    (void)error_set(out_error, STATUS_CORRUPT, "%s: batch %llu is missing", read->path,
                    (unsigned long long)sequence);
    error_detail(out_error, "the head is at %llu, and no segment holds it",
                 (unsigned long long)head.sequence);
    error_hint(out_error, "run `tpwallet check`; restore from a backup");
    return STATUS_CORRUPT;
}

static enum status blob_damaged(struct sqlite_read *read, const char *what, uint64_t key,
                                struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s: %s %llu is damaged", read->path, what,
                    (unsigned long long)key);
    error_detail(out_error, "its bytes do not match its stored digest");
    error_hint(out_error, "run `tpwallet check`; restore from a backup");
    return STATUS_CORRUPT;
}

/* SQLITE_ERROR from sqlite3_blob_open() is a row that is not there. */
static enum status reader_blob(struct sqlite_reader *reader, uint64_t sequence,
                               sqlite3_blob **out_blob, struct error *out_error)
{
    sqlite3_blob *blob = NULL;
    int code =
        sqlite3_blob_open(reader->db, "main", "batch", "data", (sqlite3_int64)sequence, 0, &blob);
    if (code == SQLITE_OK) {
        *out_blob = blob;
        return STATUS_OK;
    }
    enum status status = STATUS_NOT_FOUND;
    if ((code & 0xff) != SQLITE_ERROR) status = sqlite_failure(reader->db, code, out_error);
    (void)sqlite3_blob_close(blob); /* nothing was written through it */
    return status;
}

/* ---- batches ---- */

enum status sqlite_read_head(struct sqlite_read *read, struct store_head *out_head,
                             struct error *out_error)
{
    struct sqlite_reader *reader = reader_take(read);
    enum status status = journal_lane_read(reader->lane, out_head, out_error);
    reader_give(read, reader);
    return status;
}

static enum status reader_batch(struct sqlite_read *read, struct sqlite_reader *reader,
                                uint64_t sequence, struct buf *out_blob, struct error *out_error)
{
    struct journal_batch row;
    enum status status = reader_row(reader, sequence, &row, out_error);
    if (status != STATUS_OK) return status;
    sqlite3_blob *blob = NULL;
    status = reader_blob(reader, sequence, &blob, out_error);
    if (status != STATUS_OK) return status;
    int code = SQLITE_OK;
    void *data = NULL;
    if ((uint64_t)sqlite3_blob_bytes(blob) != row.size) {
        status = blob_damaged(read, "batch", sequence, out_error);
    } else {
        data = buf_extend(out_blob, row.size);
        if (data == NULL && row.size > 0) {
            status = error_set(out_error, STATUS_LIMIT, "batch %llu has %llu bytes",
                               (unsigned long long)sequence, (unsigned long long)row.size);
        }
    }
    if (status == STATUS_OK && row.size > 0) {
        code = sqlite3_blob_read(blob, data, (int)row.size, 0);
        if (code != SQLITE_OK) status = sqlite_failure(reader->db, code, out_error);
    }
    (void)sqlite3_blob_close(blob); /* nothing was written through it */
    if (status != STATUS_OK) return status;
    struct digest digest = digest_of(data, row.size);
    if (!digest_equal(&digest, &row.hash)) {
        return blob_damaged(read, "batch", sequence, out_error);
    }
    return STATUS_OK;
}

enum status sqlite_read_batch(struct sqlite_read *read, uint64_t sequence, struct buf *out_blob,
                              struct error *out_error)
{
    buf_reset(out_blob);
    struct sqlite_reader *reader = reader_take(read);
    enum status status = reader_batch(read, reader, sequence, out_blob, out_error);
    struct journal_archived range;
    if (status == STATUS_NOT_FOUND) {
        status = not_in_table(read, reader, sequence, &range, out_error);
        if (status == STATUS_OK) {
            status = archive_segment_read(read->archive, &range, sequence, out_blob, out_error);
        }
    }
    reader_give(read, reader);
    return status;
}

/* From the table or its segment. */
static enum status any_row(struct sqlite_read *read, struct sqlite_reader *reader,
                           uint64_t sequence, struct journal_batch *out_row,
                           struct error *out_error)
{
    enum status status = reader_row(reader, sequence, out_row, out_error);
    if (status != STATUS_NOT_FOUND) return status;
    struct journal_archived range;
    status = not_in_table(read, reader, sequence, &range, out_error);
    if (status != STATUS_OK) return status;
    return archive_segment_row(read->archive, &range, sequence, out_row, out_error);
}

enum status sqlite_read_row(struct sqlite_read *read, uint64_t sequence,
                            struct journal_batch *out_row, struct error *out_error)
{
    struct sqlite_reader *reader = reader_take(read);
    enum status status = any_row(read, reader, sequence, out_row, out_error);
    reader_give(read, reader);
    return status;
}

static enum status reader_part(struct sqlite_read *read, struct sqlite_reader *reader,
                               uint64_t sequence, struct sqlite_range range, void *out_bytes,
                               struct error *out_error)
{
    sqlite3_blob *blob = NULL;
    struct journal_archived archived;
    enum status status = reader_blob(reader, sequence, &blob, out_error);
    if (status == STATUS_NOT_FOUND) {
        status = not_in_table(read, reader, sequence, &archived, out_error);
        if (status != STATUS_OK) return status;
        struct archive_part part = { sequence, range.offset, range.size };
        return archive_segment_part(read->archive, &archived, part, out_bytes, out_error);
    }
    if (status != STATUS_OK) return status;
    uint64_t size = (uint64_t)sqlite3_blob_bytes(blob);
    if ((uint64_t)range.offset + range.size > size) {
        status = error_set(out_error, STATUS_NOT_FOUND, "batch %llu has %llu bytes",
                           (unsigned long long)sequence, (unsigned long long)size);
    } else if (range.size > 0) {
        int code = sqlite3_blob_read(blob, out_bytes, (int)range.size, (int)range.offset);
        if (code != SQLITE_OK) status = sqlite_failure(reader->db, code, out_error);
    }
    (void)sqlite3_blob_close(blob); /* nothing was written through it */
    return status;
}

enum status sqlite_read_part(struct sqlite_read *read, uint64_t sequence, struct sqlite_range range,
                             void *out_bytes, struct error *out_error)
{
    struct sqlite_reader *reader = reader_take(read);
    enum status status = reader_part(read, reader, sequence, range, out_bytes, out_error);
    reader_give(read, reader);
    return status;
}

enum status sqlite_read_archived(struct sqlite_read *read, uint64_t sequence,
                                 struct journal_archived *out_row, struct error *out_error)
{
    struct sqlite_reader *reader = reader_take(read);
    enum status status = reader_archived(reader, sequence, out_row, out_error);
    reader_give(read, reader);
    return status;
}

/* The first batch of the table; the head's + 1 when it has none. */
static enum status reader_first(struct sqlite_reader *reader, uint64_t none, uint64_t *out_first,
                                struct error *out_error)
{
    int code = sqlite3_step(reader->first);
    enum status status = STATUS_OK;
    if (code != SQLITE_ROW) {
        status = sqlite_failure(reader->db, code == SQLITE_DONE ? SQLITE_CORRUPT : code, out_error);
    } else if (sqlite3_column_type(reader->first, 0) == SQLITE_NULL) {
        *out_first = none;
    } else {
        *out_first = (uint64_t)sqlite3_column_int64(reader->first, 0);
    }
    (void)sqlite3_reset(reader->first); /* repeats the code of the step */
    return status;
}

enum status sqlite_read_first(struct sqlite_read *read, uint64_t *out_sequence,
                              struct error *out_error)
{
    struct sqlite_reader *reader = reader_take(read);
    struct store_head head;
    enum status status = journal_lane_read(reader->lane, &head, out_error);
    if (status == STATUS_OK) {
        status = reader_first(reader, head.sequence + 1, out_sequence, out_error);
    }
    reader_give(read, reader);
    return status;
}

static enum status reader_find_stamp(struct sqlite_read *read, struct sqlite_reader *reader,
                                     struct wall_time stamp, uint64_t *out_sequence,
                                     struct error *out_error)
{
    struct store_head head;
    enum status status = journal_lane_read(reader->lane, &head, out_error);
    if (status != STATUS_OK) return status;
    uint64_t low = 1;
    uint64_t high = head.sequence + 1; /* the answer is in [low, high] */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct journal_batch row;
        status = any_row(read, reader, middle, &row, out_error);
        if (status != STATUS_OK) return status;
        if (row.stamp.ns >= stamp.ns) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *out_sequence = low;
    return STATUS_OK;
}

enum status sqlite_read_find_stamp(struct sqlite_read *read, struct wall_time stamp,
                                   uint64_t *out_sequence, struct error *out_error)
{
    struct sqlite_reader *reader = reader_take(read);
    enum status status = reader_find_stamp(read, reader, stamp, out_sequence, out_error);
    reader_give(read, reader);
    return status;
}

/* ---- slices ---- */

enum status sqlite_read_slices(struct sqlite_read *read, struct buf *out_slices,
                               struct error *out_error)
{
    struct sqlite_reader *reader = reader_take(read);
    enum status status = STATUS_OK;
    int code = SQLITE_ROW;
    while (status == STATUS_OK && (code = sqlite3_step(reader->slices)) == SQLITE_ROW) {
        struct journal_slice row;
        status = journal_slice_read(reader->slices, &row, out_error);
        if (status == STATUS_OK) buf_append(out_slices, &row.slice, sizeof row.slice);
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = sqlite_failure(reader->db, code, out_error);
    }
    (void)sqlite3_reset(reader->slices); /* repeats the code of the step */
    reader_give(read, reader);
    if (status == STATUS_OK && buf_status(out_slices) != STATUS_OK) {
        status = error_set(out_error, STATUS_LIMIT, "too many slices for the list given");
    }
    return status;
}

static enum status reader_slice(struct sqlite_read *read, struct sqlite_reader *reader,
                                const struct store_slice *slice, struct buf *out_data,
                                struct error *out_error)
{
    struct journal_slice row;
    enum status status = journal_slice_read(reader->slice, &row, out_error);
    if (status != STATUS_OK) return status;
    if (row.slice.to != slice->to || row.slice.size != slice->size ||
        row.slice.at_batch != slice->at_batch) {
        return blob_damaged(read, "a slice of table", slice->table, out_error);
    }
    if (sqlite3_column_type(reader->slice, JOURNAL_SLICE_DATA) != SQLITE_BLOB) {
        return blob_damaged(read, "a slice of table", slice->table, out_error);
    }
    const void *data = sqlite3_column_blob(reader->slice, JOURNAL_SLICE_DATA);
    size_t size = (size_t)sqlite3_column_bytes(reader->slice, JOURNAL_SLICE_DATA);
    if (size > 0 && data == NULL) return sqlite_failure(reader->db, SQLITE_NOMEM, out_error);
    uint8_t digest[JOURNAL_SLICE_DIGEST_SIZE];
    journal_slice_digest(data, size, digest);
    if (size != row.slice.size || memcmp(digest, row.digest, sizeof digest) != 0) {
        return blob_damaged(read, "a slice of table", slice->table, out_error);
    }
    buf_append(out_data, data, size);
    if (buf_status(out_data) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "a slice of %zu bytes does not fit", size);
}

enum status sqlite_read_slice(struct sqlite_read *read, const struct store_slice *slice,
                              struct buf *out_data, struct error *out_error)
{
    buf_reset(out_data);
    struct sqlite_reader *reader = reader_take(read);
    bind_sequence(reader->slice, slice->table);
    int code = sqlite3_bind_int64(reader->slice, 2, (sqlite3_int64)slice->generation);
    CHECK(code == SQLITE_OK);
    code = sqlite3_bind_int64(reader->slice, 3, (sqlite3_int64)slice->from);
    CHECK(code == SQLITE_OK);
    enum status status = STATUS_OK;
    code = sqlite3_step(reader->slice);
    if (code == SQLITE_ROW) {
        status = reader_slice(read, reader, slice, out_data, out_error);
    } else if (code == SQLITE_DONE) {
        status = error_set(out_error, STATUS_NOT_FOUND, "the slice was replaced meanwhile");
    } else {
        status = sqlite_failure(reader->db, code, out_error);
    }
    (void)sqlite3_reset(reader->slice); /* repeats the code of the step */
    reader_give(read, reader);
    return status;
}

enum status sqlite_read_integrity(struct sqlite_read *read, struct error *out_error)
{
    struct sqlite_reader *reader = reader_take(read);
    sqlite3_stmt *check = NULL;
    enum status status = sqlite_prepare(reader->db, "PRAGMA integrity_check(1)", &check, out_error);
    if (status == STATUS_OK) {
        int code = sqlite3_step(check);
        const char *finding =
            code == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0) : NULL;
        if (code != SQLITE_ROW) {
            status =
                sqlite_failure(reader->db, code == SQLITE_DONE ? SQLITE_CORRUPT : code, out_error);
        } else if (finding == NULL || strcmp(finding, "ok") != 0) {
            status = error_set(out_error, STATUS_CORRUPT, "%s: its pages are damaged", read->path);
            error_detail(out_error, "%.200s", finding == NULL ? "" : finding);
            error_hint(out_error, "restore from a backup");
        }
        (void)sqlite3_finalize(check); /* repeats the code of the step */
    }
    reader_give(read, reader);
    return status;
}

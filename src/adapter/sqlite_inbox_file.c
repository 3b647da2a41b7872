#include "adapter/sqlite_inbox_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/check.h"

enum {
    PAGE_SIZE = 4096,
    CACHE_KIB = 8 << 10,
    WAL_FRAMES_MAX = 4096, /* 16 MiB; then it is moved into the database */
};

static const char INSERT[] = "INSERT INTO webhook(id, received_at, endpoint, digest, headers, body)"
                             " VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
static const char INSERT_STATE[] =
    "INSERT INTO state(id, mark, received_at, size, about) VALUES(?1, 0, ?2, ?3, ?4)";
static const char INSERT_ABOUT[] = "INSERT INTO about(payment, id) VALUES(?2, ?1)";
static const char UPDATE_MARK[] = "UPDATE state SET mark=?2 WHERE id=?1";
static const char DELETE[] = "DELETE FROM webhook WHERE id=?1";
static const char DELETE_ABOUT[] = "DELETE FROM about WHERE id=?1"
                                   " AND payment=(SELECT about FROM state WHERE id=?1)";
static const char DELETE_STATE[] = "DELETE FROM state WHERE id=?1";
static const char FIND_OLD[] = "SELECT id, size FROM state WHERE mark<>0 AND received_at<?1"
                               " AND id<?2 ORDER BY id LIMIT 1";
static const char SELECT[] = "SELECT w.received_at, w.endpoint, w.digest, w.headers, w.body, s.mark"
                             " FROM webhook w JOIN state s ON s.id=w.id WHERE w.id=?1";
static const char FIND[] = "SELECT id FROM about WHERE payment=?1 AND id>?2 ORDER BY id LIMIT ?3";
static const char UNMARKED[] = "SELECT id FROM state WHERE mark=0 AND id>?1 ORDER BY id LIMIT ?2";

static const struct sqlite_table TABLES[] = {
    { "webhook", "CREATE TABLE webhook(id INTEGER PRIMARY KEY, received_at INTEGER, endpoint TEXT,"
                 " digest INTEGER, headers BLOB, body BLOB)" },
    { "state", "CREATE TABLE state(id INTEGER PRIMARY KEY, mark INTEGER, received_at INTEGER,"
               " size INTEGER, about BLOB)" },
    { "about", "CREATE TABLE about(payment BLOB, id INTEGER, PRIMARY KEY(payment, id))"
               " WITHOUT ROWID" },
};
static const struct sqlite_file_kind KIND = {
    .name = "an inbox",
    .application_id = 0x74574962,
    .version = 2,
    .tables = TABLES,
    .table_count = sizeof TABLES / sizeof TABLES[0],
    .first_root = 2,
};

static void bind(sqlite3_stmt *statement, int at, uint64_t number)
{
    int code = sqlite3_bind_int64(statement, at, (sqlite3_int64)number);
    CHECK(code == SQLITE_OK);
}

static void bind_bytes(sqlite3_stmt *statement, int at, struct str bytes)
{
    int code = sqlite3_bind_blob64(statement, at, bytes.len == 0 ? "" : bytes.data, bytes.len,
                                   SQLITE_STATIC);
    CHECK(code == SQLITE_OK);
}

/* Nil is NULL. The bytes stay the caller's until the step. */
static void bind_subject(sqlite3_stmt *statement, int at, const struct uuid *about)
{
    int code = uuid_is_nil(*about)
                   ? sqlite3_bind_null(statement, at)
                   : sqlite3_bind_blob(statement, at, about, sizeof *about, SQLITE_STATIC);
    CHECK(code == SQLITE_OK);
}

static uint64_t webhook_digest(uint64_t id, const struct inbox_webhook *webhook)
{
    const uint64_t words[] = {
        id,
        (uint64_t)webhook->received_at.ns,
        XXH3_64bits(webhook->endpoint, strnlen(webhook->endpoint, sizeof webhook->endpoint)),
        XXH3_64bits(webhook->headers.data, webhook->headers.len),
        XXH3_64bits(webhook->body.data, webhook->body.len),
    };
    return XXH3_64bits(words, sizeof words);
}

/* ---- opening ---- */

static int on_wal(void *argument, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    ((struct inbox_file *)argument)->wal_frames = frames;
    return SQLITE_OK;
}

/* The file and its name in the folder, both on the disk. */
static enum status make_file(const struct inbox_file *file, const char *folder,
                             struct error *out_error)
{
    int handle = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int folder_handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool made = handle >= 0 && folder_handle >= 0 && fsync(folder_handle) == 0;
    if (!made) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, "%s: cannot be opened", file->path);
        error_detail(out_error, "open or fsync: %m");
    }
    if (handle >= 0) (void)close(handle); /* nothing was written */
    if (folder_handle >= 0) (void)close(folder_handle);
    return made ? STATUS_OK : STATUS_UNAVAILABLE;
}

static enum status prepare(struct inbox_file *file, struct error *out_error)
{
    const struct {
        sqlite3 *db;
        const char *sql;
        sqlite3_stmt **statement;
    } statements[] = {
        { file->writer, "BEGIN IMMEDIATE", &file->begin },
        { file->writer, "COMMIT", &file->commit },
        { file->writer, "ROLLBACK", &file->rollback },
        { file->writer, INSERT, &file->insert },
        { file->writer, INSERT_STATE, &file->insert_state },
        { file->writer, INSERT_ABOUT, &file->insert_about },
        { file->writer, UPDATE_MARK, &file->update_mark },
        { file->writer, DELETE, &file->delete },
        { file->writer, DELETE_ABOUT, &file->delete_about },
        { file->writer, DELETE_STATE, &file->delete_state },
        { file->writer, FIND_OLD, &file->find_old },
        { file->reader, SELECT, &file->select },
        { file->reader, UNMARKED, &file->unmarked },
        { file->reader, FIND, &file->find },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof statements / sizeof statements[0]; i++) {
        status =
            sqlite_prepare(statements[i].db, statements[i].sql, statements[i].statement, out_error);
    }
    return status;
}

static enum status read_totals(struct inbox_file *file, struct error *out_error)
{
    int64_t last = 0;
    int64_t bytes = 0;
    enum status status = sqlite_pragma_number(
        file->writer, "SELECT coalesce(max(id), 0) FROM state", &last, out_error);
    if (status == STATUS_OK) {
        status = sqlite_pragma_number(file->writer, "SELECT coalesce(sum(size), 0) FROM state",
                                      &bytes, out_error);
    }
    if (status != STATUS_OK) return status;
    if (last < 0 || bytes < 0) {
        return error_set(out_error, STATUS_CORRUPT, "%s: impossible ids or sizes", file->path);
    }
    file->next_id = (uint64_t)last + 1;
    file->bytes = (uint64_t)bytes;
    return STATUS_OK;
}

static enum status open_connections(struct inbox_file *file, bool may_create,
                                    struct error *out_error)
{
    struct sqlite_connection_options options = {
        .path = file->path,
        .vfs = file->vfs,
        .page_size = PAGE_SIZE,
        .cache_kib = CACHE_KIB,
        .sync = SYNC_AT_COMMIT,
    };
    enum status status = sqlite_connection_open(&options, &file->writer, out_error);
    if (status != STATUS_OK) return status;
    (void)sqlite3_wal_hook(file->writer, on_wal, file); /* no hook was there before */
    status = sqlite_file_prepare(file->writer, &KIND, may_create, out_error);
    if (status != STATUS_OK) return status;
    options.read_only = true;
    options.page_size = 0;
    status = sqlite_connection_open(&options, &file->reader, out_error);
    if (status == STATUS_OK) status = prepare(file, out_error);
    if (status == STATUS_OK) status = read_totals(file, out_error);
    return status;
}

enum status inbox_file_open(struct inbox_file *file, const char *folder, const char *vfs,
                            struct error *out_error)
{
    *file = (struct inbox_file){ .vfs = vfs };
    enum status status = sqlite_path(folder, "inbox.db", file->path, out_error);
    if (status == STATUS_OK) status = make_file(file, folder, out_error);
    if (status == STATUS_OK) status = open_connections(file, true, out_error);
    return status;
}

static void close_connections(struct inbox_file *file)
{
    sqlite3_stmt **statements[] = { &file->begin,        &file->commit,       &file->rollback,
                                    &file->insert,       &file->insert_state, &file->delete,
                                    &file->delete_state, &file->find_old,     &file->select,
                                    &file->update_mark,  &file->unmarked,     &file->insert_about,
                                    &file->delete_about, &file->find };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        (void)sqlite3_finalize(*statements[i]); /* repeats the code of the last step */
        *statements[i] = NULL;
    }
    sqlite_connection_close(file->reader);
    sqlite_connection_close(file->writer);
    file->reader = NULL;
    file->writer = NULL;
}

void inbox_file_close(struct inbox_file *file)
{
    if (file->writer != NULL) { /* what it cannot move, the next open reads */
        (void)sqlite3_wal_checkpoint_v2(file->writer, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                        NULL);
    }
    close_connections(file);
}

enum status inbox_file_reopen(struct inbox_file *file, struct error *out_error)
{
    close_connections(file);
    enum status status = open_connections(file, false, out_error);
    if (status != STATUS_OK) return status;
    int code =
        sqlite3_wal_checkpoint_v2(file->writer, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : sqlite_failure(file->writer, code, out_error);
}

/* ---- transactions ---- */

enum status inbox_file_begin(struct inbox_file *file, struct error *out_error)
{
    return sqlite_step_done(file->begin, out_error);
}

enum status inbox_file_end(struct inbox_file *file, enum status status, struct error *out_error)
{
    if (status == STATUS_OK) {
        status = sqlite_step_done(file->commit, out_error);
        if (status != STATUS_OK) {
            if (out_error != NULL) out_error->status = STATUS_IN_DOUBT;
            return STATUS_IN_DOUBT;
        }
        if (file->wal_frames > WAL_FRAMES_MAX) { /* a later one catches up what this one cannot */
            (void)sqlite3_wal_checkpoint_v2(file->writer, "main", SQLITE_CHECKPOINT_PASSIVE, NULL,
                                            NULL);
        }
        return STATUS_OK;
    }
    (void)sqlite3_step(file->rollback); /* some errors rolled back by themselves */
    (void)sqlite3_reset(file->rollback);
    return sqlite3_get_autocommit(file->writer) ? status : STATUS_IN_DOUBT;
}

/* ---- rows ---- */

enum status inbox_file_put(struct inbox_file *file, const struct inbox_webhook *webhook,
                           uint64_t id, struct error *out_error)
{
    bind(file->insert, 1, id);
    bind(file->insert, 2, (uint64_t)webhook->received_at.ns);
    int code = sqlite3_bind_text(file->insert, 3, webhook->endpoint, -1, SQLITE_STATIC);
    CHECK(code == SQLITE_OK);
    bind(file->insert, 4, webhook_digest(id, webhook));
    bind_bytes(file->insert, 5, webhook->headers);
    bind_bytes(file->insert, 6, webhook->body);
    enum status status = sqlite_step_done(file->insert, out_error);
    if (status != STATUS_OK) return status;
    bind(file->insert_state, 1, id);
    bind(file->insert_state, 2, (uint64_t)webhook->received_at.ns);
    bind(file->insert_state, 3, webhook->headers.len + webhook->body.len);
    bind_subject(file->insert_state, 4, &webhook->about);
    status = sqlite_step_done(file->insert_state, out_error);
    if (status != STATUS_OK || uuid_is_nil(webhook->about)) return status;
    bind(file->insert_about, 1, id);
    bind_subject(file->insert_about, 2, &webhook->about);
    return sqlite_step_done(file->insert_about, out_error);
}

enum status inbox_file_mark(struct inbox_file *file, uint64_t id, uint8_t mark,
                            struct error *out_error)
{
    bind(file->update_mark, 1, id);
    bind(file->update_mark, 2, mark);
    return sqlite_step_done(file->update_mark, out_error);
}

/* STATUS_NOT_FOUND: there is none. */
static enum status find_old(struct inbox_file *file, struct wall_time before, uint64_t *out_id,
                            uint64_t *out_size, struct error *out_error)
{
    bind(file->find_old, 1, (uint64_t)before.ns);
    bind(file->find_old, 2, file->next_id - 1);
    int code = sqlite3_step(file->find_old);
    enum status status = STATUS_NOT_FOUND;
    if (code == SQLITE_ROW) {
        *out_id = (uint64_t)sqlite3_column_int64(file->find_old, 0);
        *out_size = (uint64_t)sqlite3_column_int64(file->find_old, 1);
        status = STATUS_OK;
    } else if (code != SQLITE_DONE) {
        status = sqlite_failure(file->writer, code, out_error);
    }
    (void)sqlite3_reset(file->find_old); /* repeats the code of the step */
    return status;
}

enum status inbox_file_remove(struct inbox_file *file, const struct inbox_file_removal *removal,
                              uint64_t *bytes, uint32_t *out_count, struct error *out_error)
{
    uint32_t count = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && count<removal->limit && * bytes> removal->bytes_max) {
        uint64_t id = 0;
        uint64_t size = 0;
        status = find_old(file, removal->before, &id, &size, out_error);
        if (status != STATUS_OK) break;
        bind(file->delete, 1, id);
        status = sqlite_step_done(file->delete, out_error);
        if (status != STATUS_OK) break;
        bind(file->delete_about, 1, id);
        status = sqlite_step_done(file->delete_about, out_error);
        if (status != STATUS_OK) break;
        bind(file->delete_state, 1, id);
        status = sqlite_step_done(file->delete_state, out_error);
        *bytes -= size < *bytes ? size : *bytes;
        count++;
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    *out_count = count;
    return STATUS_OK;
}

/* ---- reading ---- */

static enum status take_row(const struct inbox_file *file, uint64_t id,
                            struct inbox_webhook *out_webhook, struct buf *out_bytes,
                            struct error *out_error)
{
    sqlite3_stmt *row = file->select;
    struct inbox_webhook webhook = { .id = id };
    webhook.received_at.ns = sqlite3_column_int64(row, 0);
    const unsigned char *endpoint = sqlite3_column_text(row, 1);
    size_t len = (size_t)sqlite3_column_bytes(row, 1);
    bool fits = endpoint != NULL && len < sizeof webhook.endpoint;
    if (fits) memcpy(webhook.endpoint, endpoint, len);
    webhook.headers.data = sqlite3_column_blob(row, 3);
    webhook.headers.len = (size_t)sqlite3_column_bytes(row, 3);
    webhook.body.data = sqlite3_column_blob(row, 4);
    webhook.body.len = (size_t)sqlite3_column_bytes(row, 4);
    int64_t mark = sqlite3_column_int64(row, 5);
    if (!fits || mark < 0 || mark >= INBOX_MARK_COUNT ||
        webhook_digest(id, &webhook) != (uint64_t)sqlite3_column_int64(row, 2)) {
        return error_set(out_error, STATUS_CORRUPT, "%s: webhook %llu is damaged", file->path,
                         (unsigned long long)id);
    }
    webhook.mark = (uint8_t)mark;
    buf_reset(out_bytes);
    buf_append_str(out_bytes, webhook.headers);
    buf_append_str(out_bytes, webhook.body);
    if (buf_status(out_bytes) != STATUS_OK) {
        return error_set(out_error, STATUS_LIMIT, "webhook %llu does not fit",
                         (unsigned long long)id);
    }
    const char *data = (const char *)out_bytes->data;
    webhook.headers.data = data;
    webhook.body.data = data == NULL ? NULL : data + webhook.headers.len;
    *out_webhook = webhook;
    return STATUS_OK;
}

enum status inbox_file_read(struct inbox_file *file, uint64_t id, struct inbox_webhook *out_webhook,
                            struct buf *out_bytes, struct error *out_error)
{
    bind(file->select, 1, id);
    int code = sqlite3_step(file->select);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        status = take_row(file, id, out_webhook, out_bytes, out_error);
    } else if (code == SQLITE_DONE) {
        status = error_set(out_error, STATUS_NOT_FOUND, "there is no webhook %llu in the inbox",
                           (unsigned long long)id);
    } else {
        status = sqlite_failure(file->reader, code, out_error);
    }
    (void)sqlite3_reset(file->select); /* repeats the code of the step */
    return status;
}

static enum status ids_take(struct inbox_file *file, sqlite3_stmt *statement, uint32_t limit,
                            uint64_t *out_ids, uint32_t *out_count, struct error *out_error)
{
    uint32_t count = 0;
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW && count < limit; code = sqlite3_step(statement)) {
        out_ids[count++] = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    enum status status = STATUS_OK;
    if (code != SQLITE_DONE) status = sqlite_failure(file->reader, code, out_error);
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    if (status == STATUS_OK) *out_count = count;
    return status;
}

enum status inbox_file_unmarked(struct inbox_file *file, uint64_t after, uint64_t *out_ids,
                                uint32_t limit, uint32_t *out_count, struct error *out_error)
{
    bind(file->unmarked, 1, after);
    bind(file->unmarked, 2, limit);
    return ids_take(file, file->unmarked, limit, out_ids, out_count, out_error);
}

enum status inbox_file_find(struct inbox_file *file, const struct inbox_subject *subject,
                            uint64_t *out_ids, uint32_t *out_count, struct error *out_error)
{
    CHECK(!uuid_is_nil(subject->about));
    bind_subject(file->find, 1, &subject->about);
    bind(file->find, 2, subject->after);
    bind(file->find, 3, subject->limit);
    return ids_take(file, file->find, subject->limit, out_ids, out_count, out_error);
}

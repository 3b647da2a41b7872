/*
 * A chunk's row id is its run's id and its number, so that a run is one range. A run has its
 * row from its first chunk on, marked as not visible: so that open finds what to remove without
 * reading the chunks. The marks of all cursors and visible runs are added up in one more row, so
 * that a row that got lost is missed: an index without one of its runs would forget ids.
 */
#include "adapter/sqlite_run_store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "adapter/sqlite_connection.h"
#include "base/check.h"

enum {
    CHUNK_BITS = 22,
    APPLICATION_ID = 0x74574149,
    VERSION = 2,
    PAGE_SIZE_DEFAULT = 16384,
    WRITER_CACHE_KIB = 32 << 10,
    READER_CACHE_KIB = 16 << 10,
    WRITE_BYTES_MAX = 8 << 20, /* chunks in one transaction */
    WAL_BYTES_MAX = 64 << 20,  /* then it is moved into the database */
    READER_COUNT = 4,
};

static const char CURSOR_SELECT[] = "SELECT batch, mark, hash FROM cursor WHERE number=?1";
static const char CURSOR_REPLACE[] =
    "INSERT OR REPLACE INTO cursor(number, batch, mark, hash) VALUES(?1, ?2, ?3, ?4)";
static const char RUN_LIST[] = "SELECT id, number, level, entries, chunks, mark, digest FROM run"
                               " WHERE number=?1 AND visible=1 ORDER BY id";
static const char RUN_REPLACE[] =
    "INSERT OR REPLACE INTO run(id, number, visible, level, entries, chunks, mark, digest, summary)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
static const char RUN_DELETE[] = "DELETE FROM run WHERE id=?1";
static const char RUN_HIDE[] = "UPDATE run SET visible=0 WHERE id=?1";
static const char RUN_HIDDEN[] = "SELECT id FROM run WHERE visible=0";
static const char SUMMARY_SELECT[] = "SELECT digest, summary FROM run WHERE id=?1 AND visible=1";
static const char CHUNK_INSERT[] = "INSERT INTO chunk(id, mark, data) VALUES(?1, ?2, ?3)";
static const char CHUNK_SELECT[] = "SELECT mark, data FROM chunk WHERE id=?1";
static const char CHUNK_DELETE[] = "DELETE FROM chunk WHERE id>=?1 AND id<?2";
static const char ROW_MARKS[] = "SELECT mark FROM cursor UNION ALL"
                                " SELECT mark FROM run WHERE visible=1";
static const char STATE_SELECT[] = "SELECT total FROM state WHERE number=1";
static const char STATE_REPLACE[] = "INSERT OR REPLACE INTO state(number, total) VALUES(1, ?1)";

static const struct sqlite_table TABLES[] = {
    { "cursor",
      "CREATE TABLE cursor(number INTEGER PRIMARY KEY, batch INTEGER, mark INTEGER, hash BLOB)" },
    { "run",
      "CREATE TABLE run(id INTEGER PRIMARY KEY, number INTEGER, visible INTEGER, level INTEGER,"
      " entries INTEGER, chunks INTEGER, mark INTEGER, digest INTEGER, summary BLOB)" },
    { "chunk", "CREATE TABLE chunk(id INTEGER PRIMARY KEY, mark INTEGER, data BLOB)" },
    { "state", "CREATE TABLE state(number INTEGER PRIMARY KEY, total INTEGER)" },
};
enum {
    TABLE_COUNT = sizeof TABLES / sizeof TABLES[0],
    FIRST_ROOT = 2, /* page 1 is the schema */
};

struct run_reader {
    sqlite3 *db;
    sqlite3_stmt *cursor;
    sqlite3_stmt *list;
    sqlite3_stmt *summary;
    sqlite3_stmt *chunk;
    bool busy;
};

struct sqlite_run_store {
    struct run_store port; /* first: the port's pointer is ours */
    char path[SQLITE_PATH_SIZE];
    const char *vfs;
    uint32_t page_size;
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    struct run_reader readers[READER_COUNT];
    bool damaged; /* nothing is open; clear() is due */
    /* the writer task's */
    sqlite3 *writer;
    sqlite3_stmt *cursor_replace;
    sqlite3_stmt *run_replace;
    sqlite3_stmt *row_marks;
    sqlite3_stmt *state_replace;
    sqlite3_stmt *run_delete;
    sqlite3_stmt *run_hide;
    sqlite3_stmt *chunk_insert;
    sqlite3_stmt *chunk_delete;
    uint64_t unwritten_bytes;            /* in the open transaction; 0: none is open */
    uint64_t writing_run;                /* has its hidden row */
    uint64_t replaced[RUN_REPLACED_MAX]; /* hidden by the last commit, deleted by the next */
    uint32_t replaced_count;
    int wal_frames;
};

static struct sqlite_run_store *of_port(struct run_store *store)
{
    return (struct sqlite_run_store *)store;
}

/* ---- marks ---- */

static int64_t cursor_mark(uint32_t index, const struct store_point *cursor)
{
    uint64_t words[3 + sizeof cursor->hash / sizeof(uint64_t)] = { 1, index, cursor->batch };
    memcpy(words + 3, &cursor->hash, sizeof cursor->hash);
    return (int64_t)XXH3_64bits(words, sizeof words);
}

static int64_t run_mark(const struct run_info *run, int64_t summary_digest)
{
    uint64_t words[] = {
        2, run->id, run->index, run->level, run->entries, run->chunks, (uint64_t)summary_digest
    };
    return (int64_t)XXH3_64bits(words, sizeof words);
}

static int64_t bytes_mark(uint64_t id, const void *data, size_t size)
{
    return (int64_t)XXH3_64bits_withSeed(data, size, id);
}

static sqlite3_int64 chunk_id(uint64_t run, uint64_t chunk)
{
    CHECK(run < UINT64_C(1) << (63 - CHUNK_BITS));
    CHECK(chunk <= UINT64_C(1) << CHUNK_BITS);
    return (sqlite3_int64)((run << CHUNK_BITS) + chunk);
}

static enum status damaged(const struct sqlite_run_store *store, const char *what,
                           struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s: %s", store->path, what);
    error_hint(out_error, "the index is rebuilt from the journal");
    return STATUS_CORRUPT;
}

static void bind(sqlite3_stmt *statement, int at, uint64_t number)
{
    int code = sqlite3_bind_int64(statement, at, (sqlite3_int64)number);
    CHECK(code == SQLITE_OK);
}

/* ---- opening ---- */

static enum status prepare_reader(struct run_reader *reader, struct error *out_error)
{
    enum status status = sqlite_prepare(reader->db, CURSOR_SELECT, &reader->cursor, out_error);
    if (status == STATUS_OK)
        status = sqlite_prepare(reader->db, RUN_LIST, &reader->list, out_error);
    if (status == STATUS_OK) {
        status = sqlite_prepare(reader->db, SUMMARY_SELECT, &reader->summary, out_error);
    }
    if (status == STATUS_OK) {
        status = sqlite_prepare(reader->db, CHUNK_SELECT, &reader->chunk, out_error);
    }
    return status;
}

static enum status prepare_writer(struct sqlite_run_store *store, struct error *out_error)
{
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } statements[] = {
        { CURSOR_REPLACE, &store->cursor_replace }, { RUN_REPLACE, &store->run_replace },
        { RUN_DELETE, &store->run_delete },         { CHUNK_INSERT, &store->chunk_insert },
        { CHUNK_DELETE, &store->chunk_delete },     { ROW_MARKS, &store->row_marks },
        { STATE_REPLACE, &store->state_replace },   { RUN_HIDE, &store->run_hide },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof statements / sizeof statements[0]; i++) {
        status =
            sqlite_prepare(store->writer, statements[i].sql, statements[i].statement, out_error);
    }
    return status;
}

static void close_files(struct sqlite_run_store *store)
{
    for (size_t i = 0; i < READER_COUNT; i++) {
        struct run_reader *reader = &store->readers[i];
        (void)sqlite3_finalize(reader->cursor); /* these repeat the code of the last step */
        (void)sqlite3_finalize(reader->list);
        (void)sqlite3_finalize(reader->summary);
        (void)sqlite3_finalize(reader->chunk);
        sqlite_connection_close(reader->db);
        *reader = (struct run_reader){ 0 };
    }
    sqlite3_stmt **statements[] = { &store->cursor_replace, &store->run_replace, &store->row_marks,
                                    &store->state_replace,  &store->run_delete,  &store->run_hide,
                                    &store->chunk_insert,   &store->chunk_delete };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        (void)sqlite3_finalize(*statements[i]); /* repeats the code of the last step */
        *statements[i] = NULL;
    }
    sqlite_connection_close(store->writer);
    store->writer = NULL;
    store->unwritten_bytes = 0;
    store->writing_run = 0;
}

static int on_wal(void *argument, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    ((struct sqlite_run_store *)argument)->wal_frames = frames;
    return SQLITE_OK;
}

static enum status create_tables(sqlite3 *db, struct error *out_error)
{
    enum status status = sqlite_execute(db, "BEGIN IMMEDIATE", out_error);
    for (size_t i = 0; status == STATUS_OK && i < TABLE_COUNT; i++) {
        status = sqlite_execute(db, TABLES[i].sql, out_error);
    }
    if (status == STATUS_OK) {
        status = sqlite_execute(db, "INSERT INTO state(number, total) VALUES(1, 0)", out_error);
    }
    _Static_assert(APPLICATION_ID == 1951875401 && VERSION == 2, "as below");
    if (status == STATUS_OK) {
        status = sqlite_execute(db,
                                "PRAGMA application_id=1951875401; PRAGMA user_version=2;"
                                "COMMIT",
                                out_error);
    }
    return status;
}

static enum status verify_file(struct sqlite_run_store *store, struct error *out_error)
{
    int64_t application = 0;
    int64_t version = 0;
    enum status status =
        sqlite_pragma_number(store->writer, "PRAGMA application_id", &application, out_error);
    if (status == STATUS_OK) {
        status = sqlite_pragma_number(store->writer, "PRAGMA user_version", &version, out_error);
    }
    if (status != STATUS_OK) return status;
    if (application != APPLICATION_ID || version != VERSION) {
        return damaged(store, "it is not an index of this version", out_error);
    }
    return sqlite_verify_tables(store->writer, TABLES, TABLE_COUNT, FIRST_ROOT, out_error);
}

/* The sum of the marks of all cursors and visible runs, which wraps. */
static enum status add_marks(struct sqlite_run_store *store, uint64_t *out_total,
                             struct error *out_error)
{
    uint64_t total = 0;
    int code = sqlite3_step(store->row_marks);
    for (; code == SQLITE_ROW; code = sqlite3_step(store->row_marks)) {
        total += (uint64_t)sqlite3_column_int64(store->row_marks, 0);
    }
    enum status status = STATUS_OK;
    if (code != SQLITE_DONE) status = sqlite_failure(store->writer, code, out_error);
    (void)sqlite3_reset(store->row_marks); /* repeats the code of the step */
    *out_total = total;
    return status;
}

static enum status verify_marks(struct sqlite_run_store *store, struct error *out_error)
{
    int64_t stored = 0;
    uint64_t total = 0;
    enum status status = sqlite_pragma_number(store->writer, STATE_SELECT, &stored, out_error);
    if (status == STATUS_OK) status = add_marks(store, &total, out_error);
    if (status != STATUS_OK || total == (uint64_t)stored) return status;
    return damaged(store, "a cursor or a run is missing", out_error);
}

static enum status write_marks(struct sqlite_run_store *store, struct error *out_error)
{
    uint64_t total = 0;
    enum status status = add_marks(store, &total, out_error);
    if (status != STATUS_OK) return status;
    bind(store->state_replace, 1, total);
    return sqlite_step_done(store->state_replace, out_error);
}

static enum status delete_run(struct sqlite_run_store *store, uint64_t run, struct error *out_error)
{
    bind(store->run_delete, 1, run);
    enum status status = sqlite_step_done(store->run_delete, out_error);
    if (status != STATUS_OK) return status;
    bind(store->chunk_delete, 1, (uint64_t)chunk_id(run, 0));
    bind(store->chunk_delete, 2, (uint64_t)chunk_id(run + 1, 0));
    return sqlite_step_done(store->chunk_delete, out_error);
}

/* Runs whose writer never came to commit(). */
static enum status delete_hidden(struct sqlite_run_store *store, struct error *out_error)
{
    enum status status = STATUS_OK;
    int64_t run = 1;
    while (status == STATUS_OK && run != 0) {
        sqlite3_stmt *hidden = NULL;
        status = sqlite_prepare(store->writer, RUN_HIDDEN, &hidden, out_error);
        if (status != STATUS_OK) return status;
        int code = sqlite3_step(hidden);
        run = code == SQLITE_ROW ? sqlite3_column_int64(hidden, 0) : 0;
        if (code != SQLITE_ROW && code != SQLITE_DONE) {
            status = sqlite_failure(store->writer, code, out_error);
        }
        (void)sqlite3_finalize(hidden); /* repeats the code of the step */
        if (run < 0 || run >= INT64_C(1) << (62 - CHUNK_BITS)) {
            return damaged(store, "a run has an impossible id", out_error);
        }
        if (status == STATUS_OK && run != 0) status = delete_run(store, (uint64_t)run, out_error);
    }
    return status;
}

static enum status open_files(struct sqlite_run_store *store, struct error *out_error)
{
    int file = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, "%s: cannot be opened", store->path);
        error_detail(out_error, "open: %m");
        return STATUS_UNAVAILABLE;
    }
    bool is_empty = lseek(file, 0, SEEK_END) == 0;
    (void)close(file); /* nothing was written */
    struct sqlite_connection_options options = {
        .path = store->path,
        .vfs = store->vfs,
        .page_size = store->page_size,
        .cache_kib = WRITER_CACHE_KIB,
        .sync = SYNC_AT_CHECKPOINT,
    };
    enum status status = sqlite_connection_open(&options, &store->writer, out_error);
    if (status != STATUS_OK) return status;
    (void)sqlite3_wal_hook(store->writer, on_wal, store); /* no hook was there before */
    if (is_empty) status = create_tables(store->writer, out_error);
    if (status == STATUS_OK) status = verify_file(store, out_error);
    if (status == STATUS_OK) status = prepare_writer(store, out_error);
    if (status == STATUS_OK) status = verify_marks(store, out_error);
    if (status == STATUS_OK) status = delete_hidden(store, out_error);
    options.read_only = true;
    options.page_size = 0;
    options.cache_kib = READER_CACHE_KIB;
    for (size_t i = 0; status == STATUS_OK && i < READER_COUNT; i++) {
        status = sqlite_connection_open(&options, &store->readers[i].db, out_error);
        if (status == STATUS_OK) status = prepare_reader(&store->readers[i], out_error);
    }
    return status;
}

/* ---- reading ---- */

static struct run_reader *reader_take(struct sqlite_run_store *store, struct error *out_error)
{
    struct run_reader *taken = NULL;
    (void)pthread_mutex_lock(&store->mutex);
    while (taken == NULL && !store->damaged) {
        for (size_t i = 0; taken == NULL && i < READER_COUNT; i++) {
            if (!store->readers[i].busy) taken = &store->readers[i];
        }
        if (taken == NULL) (void)pthread_cond_wait(&store->freed, &store->mutex);
    }
    if (taken != NULL) taken->busy = true;
    (void)pthread_mutex_unlock(&store->mutex);
    if (taken == NULL) (void)damaged(store, "it is damaged", out_error);
    return taken;
}

static void reader_give(struct sqlite_run_store *store, struct run_reader *reader)
{
    (void)pthread_mutex_lock(&store->mutex);
    reader->busy = false;
    (void)pthread_cond_signal(&store->freed);
    (void)pthread_mutex_unlock(&store->mutex);
}

static enum status run_cursor(struct run_store *port, uint32_t index,
                              struct store_point *out_cursor, struct error *out_error)
{
    struct sqlite_run_store *store = of_port(port);
    struct run_reader *reader = reader_take(store, out_error);
    if (reader == NULL) return STATUS_CORRUPT;
    bind(reader->cursor, 1, index);
    int code = sqlite3_step(reader->cursor);
    enum status status = STATUS_OK;
    struct store_point cursor = { 0 }; /* nothing is in runs yet */
    if (code == SQLITE_ROW) {
        cursor.batch = (uint64_t)sqlite3_column_int64(reader->cursor, 0);
        const void *hash = sqlite3_column_blob(reader->cursor, 2);
        bool whole = sqlite3_column_bytes(reader->cursor, 2) == sizeof cursor.hash;
        if (whole) memcpy(&cursor.hash, hash, sizeof cursor.hash);
        if (!whole || sqlite3_column_int64(reader->cursor, 1) != cursor_mark(index, &cursor)) {
            status = damaged(store, "a cursor is damaged", out_error);
        }
    } else if (code != SQLITE_DONE) {
        status = sqlite_failure(reader->db, code, out_error);
    }
    (void)sqlite3_reset(reader->cursor); /* repeats the code of the step */
    reader_give(store, reader);
    if (status == STATUS_OK) *out_cursor = cursor;
    return status;
}

static enum status read_run(struct sqlite_run_store *store, sqlite3_stmt *list,
                            struct run_info *out_run, struct error *out_error)
{
    struct run_info run = {
        .id = (uint64_t)sqlite3_column_int64(list, 0),
        .index = (uint32_t)sqlite3_column_int64(list, 1),
        .level = (uint32_t)sqlite3_column_int64(list, 2),
        .entries = (uint64_t)sqlite3_column_int64(list, 3),
        .chunks = (uint32_t)sqlite3_column_int64(list, 4),
    };
    if (sqlite3_column_int64(list, 5) != run_mark(&run, sqlite3_column_int64(list, 6))) {
        return damaged(store, "the row of a run is damaged", out_error);
    }
    *out_run = run;
    return STATUS_OK;
}

static enum status run_list(struct run_store *port, uint32_t index, struct buf *out_runs,
                            struct error *out_error)
{
    struct sqlite_run_store *store = of_port(port);
    struct run_reader *reader = reader_take(store, out_error);
    if (reader == NULL) return STATUS_CORRUPT;
    bind(reader->list, 1, index);
    enum status status = STATUS_OK;
    int code = SQLITE_ROW;
    while (status == STATUS_OK && (code = sqlite3_step(reader->list)) == SQLITE_ROW) {
        struct run_info run;
        status = read_run(store, reader->list, &run, out_error);
        if (status == STATUS_OK) buf_append(out_runs, &run, sizeof run);
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = sqlite_failure(reader->db, code, out_error);
    }
    (void)sqlite3_reset(reader->list); /* repeats the code of the step */
    reader_give(store, reader);
    if (status == STATUS_OK && buf_status(out_runs) != STATUS_OK) {
        status = error_set(out_error, STATUS_LIMIT, "too many runs for the list given");
    }
    return status;
}

/* A row of (mark, bytes), found by its one number. */
static enum status read_bytes(struct sqlite_run_store *store, sqlite3_stmt *select, uint64_t id,
                              struct buf *out_bytes, struct error *out_error)
{
    bind(select, 1, id);
    int code = sqlite3_step(select);
    enum status status = STATUS_OK;
    if (code == SQLITE_ROW) {
        const void *data = sqlite3_column_blob(select, 1);
        size_t size = (size_t)sqlite3_column_bytes(select, 1);
        if (bytes_mark(id, data, size) != sqlite3_column_int64(select, 0)) {
            status = damaged(store, "a chunk or summary is damaged", out_error);
        } else {
            buf_append(out_bytes, data, size);
            if (buf_status(out_bytes) != STATUS_OK) {
                status = error_set(out_error, STATUS_LIMIT, "%zu bytes do not fit", size);
            }
        }
    } else if (code == SQLITE_DONE) {
        status = damaged(store, "a chunk or summary is missing", out_error);
    } else {
        status = sqlite_failure(sqlite3_db_handle(select), code, out_error);
    }
    (void)sqlite3_reset(select); /* repeats the code of the step */
    return status;
}

static enum status run_summary_read(struct run_store *port, uint64_t run, struct buf *out_summary,
                                    struct error *out_error)
{
    struct sqlite_run_store *store = of_port(port);
    buf_reset(out_summary);
    struct run_reader *reader = reader_take(store, out_error);
    if (reader == NULL) return STATUS_CORRUPT;
    enum status status = read_bytes(store, reader->summary, run, out_summary, out_error);
    reader_give(store, reader);
    return status;
}

static enum status run_chunk_read(struct run_store *port, uint64_t run, uint32_t chunk,
                                  struct buf *out_chunk, struct error *out_error)
{
    struct sqlite_run_store *store = of_port(port);
    buf_reset(out_chunk);
    struct run_reader *reader = reader_take(store, out_error);
    if (reader == NULL) return STATUS_CORRUPT;
    enum status status =
        read_bytes(store, reader->chunk, (uint64_t)chunk_id(run, chunk), out_chunk, out_error);
    reader_give(store, reader);
    return status;
}

/* ---- writing ---- */

static enum status end_transaction(struct sqlite_run_store *store, struct error *out_error)
{
    if (store->unwritten_bytes == 0) return STATUS_OK;
    store->unwritten_bytes = 0;
    enum status status = sqlite_execute(store->writer, "COMMIT", out_error);
    if (status != STATUS_OK) return status;
    if ((uint64_t)store->wal_frames * store->page_size < WAL_BYTES_MAX) return STATUS_OK;
    /* Readers are short, and a later one catches up what this one could not move. */
    (void)sqlite3_wal_checkpoint_v2(store->writer, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    return STATUS_OK;
}

static enum status begin_transaction(struct sqlite_run_store *store, struct error *out_error)
{
    if (store->damaged) return damaged(store, "it is damaged", out_error);
    if (store->unwritten_bytes > 0) return STATUS_OK;
    enum status status = sqlite_execute(store->writer, "BEGIN IMMEDIATE", out_error);
    if (status == STATUS_OK) store->unwritten_bytes = 1;
    return status;
}

/* Chunks of earlier transactions stay under their hidden run until commit() or the next open. */
static enum status give_up(struct sqlite_run_store *store, enum status cause)
{
    if (store->writer != NULL && !sqlite3_get_autocommit(store->writer)) {
        (void)sqlite3_exec(store->writer, "ROLLBACK", NULL, NULL, NULL);
    }
    store->unwritten_bytes = 0;
    store->writing_run = 0;
    return cause;
}

static enum status write_run(struct sqlite_run_store *store, const struct run_info *run,
                             bool visible, struct str summary, struct error *out_error)
{
    sqlite3_stmt *replace = store->run_replace;
    int64_t digest = bytes_mark(run->id, summary.data, summary.len);
    bind(replace, 1, run->id);
    bind(replace, 2, run->index);
    bind(replace, 3, visible);
    bind(replace, 4, run->level);
    bind(replace, 5, run->entries);
    bind(replace, 6, run->chunks);
    bind(replace, 7, (uint64_t)run_mark(run, digest));
    bind(replace, 8, (uint64_t)digest);
    int code = sqlite3_bind_blob64(replace, 9, summary.len == 0 ? "" : summary.data, summary.len,
                                   SQLITE_STATIC);
    CHECK(code == SQLITE_OK);
    return sqlite_step_done(replace, out_error);
}

static enum status write_chunk(struct sqlite_run_store *store, sqlite3_int64 id, const void *data,
                               size_t size, struct error *out_error)
{
    bind(store->chunk_insert, 1, (uint64_t)id);
    bind(store->chunk_insert, 2, (uint64_t)bytes_mark((uint64_t)id, data, size));
    int code = sqlite3_bind_blob64(store->chunk_insert, 3, data, size, SQLITE_STATIC);
    CHECK(code == SQLITE_OK);
    return sqlite_step_done(store->chunk_insert, out_error);
}

static enum status run_chunk_write(struct run_store *port, uint64_t run, uint32_t chunk,
                                   const void *data, size_t size, struct error *out_error)
{
    struct sqlite_run_store *store = of_port(port);
    CHECK(run > 0);
    CHECK(size > 0);
    enum status status = begin_transaction(store, out_error);
    if (status != STATUS_OK) return status;
    if (store->writing_run != run) {
        struct run_info hidden = { .id = run };
        status = write_run(store, &hidden, false, STR(""), out_error);
        if (status == STATUS_OK) store->writing_run = run;
    }
    if (status == STATUS_OK) {
        status = write_chunk(store, chunk_id(run, chunk), data, size, out_error);
    }
    store->unwritten_bytes += size;
    if (status == STATUS_OK && store->unwritten_bytes > WRITE_BYTES_MAX) {
        status = end_transaction(store, out_error);
    }
    return status == STATUS_OK ? STATUS_OK : give_up(store, status);
}

/* What the last commit replaced goes for good; what this one replaces is only hidden. */
static enum status retire_runs(struct sqlite_run_store *store, const struct run_commit *commit,
                               struct error *out_error)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < store->replaced_count; i++)
        status = delete_run(store, store->replaced[i], out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < commit->replaced_count; i++) {
        bind(store->run_hide, 1, commit->replaced[i]);
        status = sqlite_step_done(store->run_hide, out_error);
    }
    return status;
}

static enum status run_commit(struct run_store *port, const struct run_commit *commit,
                              struct error *out_error)
{
    struct sqlite_run_store *store = of_port(port);
    CHECK(commit->replaced_count <= RUN_REPLACED_MAX);
    enum status status = begin_transaction(store, out_error);
    if (status != STATUS_OK) return status;
    if (commit->run != NULL) {
        status = write_run(store, commit->run, true, commit->summary, out_error);
    }
    if (status == STATUS_OK) status = retire_runs(store, commit, out_error);
    if (status == STATUS_OK) {
        bind(store->cursor_replace, 1, commit->index);
        const struct store_point *cursor = &commit->cursor;
        bind(store->cursor_replace, 2, cursor->batch);
        bind(store->cursor_replace, 3, (uint64_t)cursor_mark(commit->index, cursor));
        int code = sqlite3_bind_blob64(store->cursor_replace, 4, &cursor->hash, sizeof cursor->hash,
                                       SQLITE_STATIC);
        CHECK(code == SQLITE_OK);
        status = sqlite_step_done(store->cursor_replace, out_error);
    }
    if (status == STATUS_OK) status = write_marks(store, out_error);
    if (status == STATUS_OK) status = end_transaction(store, out_error);
    if (status != STATUS_OK) return give_up(store, status);
    store->writing_run = 0;
    store->replaced_count = commit->replaced_count;
    for (uint32_t i = 0; i < commit->replaced_count; i++) store->replaced[i] = commit->replaced[i];
    return STATUS_OK;
}

/* New files instead of emptied ones: that works whatever is damaged. */
static enum status run_clear(struct run_store *port, struct error *out_error)
{
    struct sqlite_run_store *store = of_port(port);
    (void)pthread_mutex_lock(&store->mutex);
    store->damaged = true; /* readers find the door closed; those inside are waited for */
    for (size_t i = 0; i < READER_COUNT; i++) {
        while (store->readers[i].busy) (void)pthread_cond_wait(&store->freed, &store->mutex);
    }
    (void)pthread_cond_broadcast(&store->freed);
    (void)pthread_mutex_unlock(&store->mutex);
    if (store->writer != NULL) (void)give_up(store, STATUS_OK);
    close_files(store);
    store->replaced_count = 0;
    static const char *const suffixes[] = { "-wal", "-shm", "" };
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char path[SQLITE_PATH_SIZE + 8];
        size_t length = strlen(store->path);
        memcpy(path, store->path, length);
        memcpy(path + length, suffixes[i], strlen(suffixes[i]) + 1);
        if (unlink(path) != 0 && access(path, F_OK) == 0) {
            return error_set(out_error, STATUS_UNAVAILABLE, "%s: cannot be removed", path);
        }
    }
    enum status status = open_files(store, out_error);
    if (status != STATUS_OK) {
        close_files(store);
        return status;
    }
    (void)pthread_mutex_lock(&store->mutex);
    store->damaged = false;
    (void)pthread_mutex_unlock(&store->mutex);
    return STATUS_OK;
}

static void run_close(struct run_store *port)
{
    if (port == NULL) return;
    struct sqlite_run_store *store = of_port(port);
    if (store->writer != NULL) {
        (void)give_up(store, STATUS_OK);
        (void)sqlite3_wal_checkpoint_v2(store->writer, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                        NULL); /* what it could not move, the next open reads */
    }
    close_files(store);
    (void)pthread_cond_destroy(&store->freed);  /* nobody waits */
    (void)pthread_mutex_destroy(&store->mutex); /* nobody is inside */
    free(store);
}

/* ---- making one ---- */

static struct sqlite_run_store *store_new(const struct sqlite_run_store_options *options)
{
    struct sqlite_run_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    store->port = (struct run_store){
        .cursor = run_cursor,
        .list = run_list,
        .summary_read = run_summary_read,
        .chunk_read = run_chunk_read,
        .chunk_write = run_chunk_write,
        .commit = run_commit,
        .clear = run_clear,
        .close = run_close,
    };
    store->vfs = options->vfs;
    store->page_size = options->page_size == 0 ? PAGE_SIZE_DEFAULT : options->page_size;
    int failed = pthread_mutex_init(&store->mutex, NULL);
    CHECK(failed == 0);
    failed = pthread_cond_init(&store->freed, NULL);
    CHECK(failed == 0);
    return store;
}

enum status sqlite_run_store_open(const struct sqlite_run_store_options *options,
                                  struct run_store **out_store, struct error *out_error)
{
    struct sqlite_run_store *store = store_new(options);
    enum status status = sqlite_path(options->folder, "index.db", store->path, out_error);
    if (status == STATUS_OK) status = open_files(store, out_error);
    if (status == STATUS_CORRUPT) {
        close_files(store);
        store->damaged = true; /* the caller finds out by the first call, and clears */
        status = STATUS_OK;
    }
    if (status != STATUS_OK) {
        run_close(&store->port);
        return status;
    }
    *out_store = &store->port;
    return STATUS_OK;
}

enum status sqlite_run_store_integrity(struct run_store *port, struct error *out_error)
{
    struct sqlite_run_store *store = of_port(port);
    struct run_reader *reader = reader_take(store, out_error);
    if (reader == NULL) return STATUS_CORRUPT;
    sqlite3_stmt *check = NULL;
    enum status status = sqlite_prepare(reader->db, "PRAGMA integrity_check(1)", &check, out_error);
    if (status == STATUS_OK) {
        int code = sqlite3_step(check);
        const char *finding =
            code == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0) : NULL;
        if (finding == NULL || strcmp(finding, "ok") != 0) {
            status = damaged(store, "its pages are damaged", out_error);
        }
        (void)sqlite3_finalize(check); /* repeats the code of the step */
    }
    reader_give(store, reader);
    return status;
}

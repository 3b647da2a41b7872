/* One connection, under one mutex: it is asked when an endpoint is changed or listed. */
#include "adapter/sqlite_endpoint_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "adapter/sqlite_connection.h"
#include "base/check.h"

enum {
    PAGE_SIZE = 4096,
    CACHE_KIB = 1 << 10,
    ID_SIZE = 16,
};

/* As it is stored; the check is XXH3 of all that stands before it. */
struct stored_row {
    struct endpoint_row row;
    uint64_t check;
};

static const char ROW_REPLACE[] = "INSERT OR REPLACE INTO endpoint(id, row) VALUES(?1, ?2)";
static const char ROW_DELETE[] = "DELETE FROM endpoint WHERE id=?1";
static const char ROW_NEXT[] = "SELECT row FROM endpoint WHERE id>?1 ORDER BY id LIMIT 1";
static const char ROW_LOAD[] = "SELECT row FROM endpoint WHERE id=?1";

static const struct sqlite_table TABLES[] = {
    { "endpoint", "CREATE TABLE endpoint(id BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID" },
};
static const struct sqlite_file_kind KIND = {
    .name = "a file of endpoints",
    .application_id = 0x74574570,
    .version = 1,
    .tables = TABLES,
    .table_count = sizeof TABLES / sizeof TABLES[0],
    .first_root = 2,
};

struct sqlite_endpoint_store {
    struct endpoint_store port; /* first: the port's pointer is ours */
    char path[SQLITE_PATH_SIZE];
    pthread_mutex_t mutex;
    sqlite3 *db;
    sqlite3_stmt *replace, *delete, *next, *load;
};

static struct sqlite_endpoint_store *enter(struct endpoint_store *port)
{
    struct sqlite_endpoint_store *store = (struct sqlite_endpoint_store *)port;
    int failed = pthread_mutex_lock(&store->mutex);
    CHECK(failed == 0);
    return store;
}

static void leave(struct sqlite_endpoint_store *store)
{
    int failed = pthread_mutex_unlock(&store->mutex);
    CHECK(failed == 0);
}

static void bind_bytes(sqlite3_stmt *statement, int at, const void *bytes, size_t size)
{
    int code = sqlite3_bind_blob64(statement, at, bytes, size, SQLITE_TRANSIENT);
    CHECK(code == SQLITE_OK);
}

/* In the order of bytes, which is that of ids. */
static void bind_id(sqlite3_stmt *statement, struct uuid id)
{
    uint8_t bytes[ID_SIZE];
    for (int i = 0; i < ID_SIZE / 2; i++) {
        bytes[i] = (uint8_t)(id.hi >> (56 - 8 * i));
        bytes[ID_SIZE / 2 + i] = (uint8_t)(id.lo >> (56 - 8 * i));
    }
    bind_bytes(statement, 1, bytes, sizeof bytes);
}

/* ---- rows ---- */

/* What was a secret does not stay in the WAL; when it cannot be moved now, the next one does it. */
static void settle(struct sqlite_endpoint_store *store)
{
    (void)sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static enum status endpoint_put(struct endpoint_store *port, const struct endpoint_row *row,
                                struct error *out_error)
{
    struct sqlite_endpoint_store *store = enter(port);
    struct stored_row stored;
    memset(&stored, 0, sizeof stored);
    memcpy(&stored.row, row, sizeof stored.row); /* padding too, which the check covers */
    stored.check = XXH3_64bits(&stored.row, sizeof stored.row);
    bind_id(store->replace, row->id);
    bind_bytes(store->replace, 2, &stored, sizeof stored);
    explicit_bzero(&stored, sizeof stored);
    enum status status = sqlite_step_done(store->replace, out_error);
    (void)sqlite3_clear_bindings(store->replace); /* cannot fail */
    settle(store);
    leave(store);
    return status;
}

static enum status endpoint_remove(struct endpoint_store *port, struct uuid id,
                                   struct error *out_error)
{
    struct sqlite_endpoint_store *store = enter(port);
    bind_id(store->delete, id);
    enum status status = sqlite_step_done(store->delete, out_error);
    settle(store);
    leave(store);
    return status;
}

static enum status row_take(struct sqlite_endpoint_store *store, sqlite3_stmt *select,
                            struct endpoint_row *out_row, struct error *out_error)
{
    struct stored_row stored;
    bool whole = sqlite3_column_bytes(select, 0) == (int)sizeof stored;
    if (whole) memcpy(&stored, sqlite3_column_blob(select, 0), sizeof stored);
    whole = whole && stored.check == XXH3_64bits(&stored.row, sizeof stored.row);
    if (whole) *out_row = stored.row;
    explicit_bzero(&stored, sizeof stored);
    if (whole) return STATUS_OK;
    (void)error_set(out_error, STATUS_CORRUPT, "%s: a row is damaged", store->path);
    error_hint(out_error, "restore the file; or remove it, and make the endpoints anew");
    return STATUS_CORRUPT;
}

static enum status row_select(struct sqlite_endpoint_store *store, sqlite3_stmt *select,
                              struct endpoint_row *out_row, struct error *out_error)
{
    int code = sqlite3_step(select);
    enum status status = STATUS_OK;
    if (code == SQLITE_DONE) {
        status = STATUS_NOT_FOUND;
    } else if (code != SQLITE_ROW) {
        status = sqlite_failure(store->db, code, out_error);
    } else {
        status = row_take(store, select, out_row, out_error);
    }
    (void)sqlite3_reset(select); /* repeats the code of the step */
    return status;
}

static enum status endpoint_next(struct endpoint_store *port, struct uuid after,
                                 struct endpoint_row *out_row, struct error *out_error)
{
    struct sqlite_endpoint_store *store = enter(port);
    bind_id(store->next, after);
    enum status status = row_select(store, store->next, out_row, out_error);
    leave(store);
    return status;
}

static enum status endpoint_load(struct endpoint_store *port, struct uuid id,
                                 struct endpoint_row *out_row, struct error *out_error)
{
    struct sqlite_endpoint_store *store = enter(port);
    bind_id(store->load, id);
    enum status status = row_select(store, store->load, out_row, out_error);
    leave(store);
    return status;
}

/* ---- life ---- */

static enum status prepare(struct sqlite_endpoint_store *store, struct error *out_error)
{
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } statements[] = {
        { ROW_REPLACE, &store->replace },
        { ROW_DELETE, &store->delete },
        { ROW_NEXT, &store->next },
        { ROW_LOAD, &store->load },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof statements / sizeof statements[0]; i++) {
        status = sqlite_prepare(store->db, statements[i].sql, statements[i].statement, out_error);
    }
    return status;
}

static enum status open_file(struct sqlite_endpoint_store *store,
                             const struct sqlite_endpoint_store_options *how,
                             struct error *out_error)
{
    struct stat about = { 0 };
    int handle =
        open(store->path, (how->read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0600);
    if (handle < 0 && how->read_only && errno == ENOENT)
        return error_set(out_error, STATUS_NOT_FOUND, "there is no %s", store->path);
    if (handle < 0 || fstat(handle, &about) != 0) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, "%s: cannot be opened", store->path);
        error_detail(out_error, "open: %m");
        if (handle >= 0) (void)close(handle); /* nothing was written */
        return STATUS_UNAVAILABLE;
    }
    (void)close(handle); /* nothing was written */
    if ((about.st_mode & 077) != 0) {
        (void)error_set(out_error, STATUS_DENIED, "others than its owner may read '%s'",
                        store->path);
        error_hint(out_error, "chmod 600, and rotate the secrets in it");
        return STATUS_DENIED;
    }
    const struct sqlite_connection_options options = { .path = store->path,
                                                       .vfs = how->vfs,
                                                       .page_size = PAGE_SIZE,
                                                       .cache_kib = CACHE_KIB,
                                                       .sync = SYNC_AT_COMMIT,
                                                       .read_only = how->read_only };
    enum status status = sqlite_connection_open(&options, &store->db, out_error);
    if (status == STATUS_OK)
        status = sqlite_file_prepare(store->db, &KIND, !how->read_only, out_error);
    if (status == STATUS_OK) {
        status = sqlite_execute(store->db, "PRAGMA secure_delete=ON", out_error);
    }
    if (status == STATUS_OK) status = prepare(store, out_error);
    return status;
}

static void endpoint_close(struct endpoint_store *port)
{
    if (port == NULL) return;
    struct sqlite_endpoint_store *store = (struct sqlite_endpoint_store *)port;
    if (store->db != NULL) { /* what it cannot move, the next open reads */
        (void)sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    sqlite3_stmt *statements[] = { store->replace, store->delete, store->next, store->load };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        (void)sqlite3_finalize(statements[i]); /* repeats the code of the last step */
    }
    sqlite_connection_close(store->db);
    (void)pthread_mutex_destroy(&store->mutex); /* nobody is inside */
    free(store);
}

enum status sqlite_endpoint_store_open(const struct sqlite_endpoint_store_options *options,
                                       struct endpoint_store **out_store, struct error *out_error)
{
    struct sqlite_endpoint_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    store->port = (struct endpoint_store){ .put = endpoint_put,
                                           .remove = endpoint_remove,
                                           .next = endpoint_next,
                                           .load = endpoint_load,
                                           .close = endpoint_close };
    int failed = pthread_mutex_init(&store->mutex, NULL);
    CHECK(failed == 0);
    enum status status = sqlite_path(options->folder, "endpoints.db", store->path, out_error);
    if (status == STATUS_OK) status = open_file(store, options, out_error);
    if (status != STATUS_OK) {
        endpoint_close(&store->port);
        return status;
    }
    *out_store = &store->port;
    return STATUS_OK;
}

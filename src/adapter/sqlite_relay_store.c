/* One connection, under one mutex: a call is some 30 us, and there are two for a delivery at most. */
#include "adapter/sqlite_relay_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "adapter/sqlite_connection.h"
#include "base/check.h"

enum {
    PAGE_SIZE = 4096,
    CACHE_KIB = 4 << 10,
    WAL_FRAMES_MAX = 2048, /* 8 MiB; then it is moved into the database */
};

/* Rows as they are stored; the check is XXH3 of all that stands before it. */
struct state_row {
    struct relay_state state;
    uint64_t check;
};
struct letter_row {
    struct dead_letter letter;
    uint64_t check;
};

static const char STATE_SELECT[] = "SELECT row FROM state WHERE endpoint=?1";
static const char STATE_REPLACE[] = "INSERT OR REPLACE INTO state(endpoint, row) VALUES(?1, ?2)";
static const char STATE_DELETE[] = "DELETE FROM state WHERE endpoint=?1";
static const char LETTER_REPLACE[] =
    "INSERT OR REPLACE INTO letter(endpoint, sequence, row) VALUES(?1, ?2, ?3)";
static const char LETTER_DELETE[] = "DELETE FROM letter WHERE endpoint=?1 AND sequence=?2";
static const char LETTERS_DELETE[] = "DELETE FROM letter WHERE endpoint=?1";
static const char LETTERS_SELECT[] = "SELECT row FROM letter WHERE endpoint=?1 AND sequence>?2"
                                     " ORDER BY sequence LIMIT ?3";

static const struct sqlite_table TABLES[] = {
    { "state", "CREATE TABLE state(endpoint BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID" },
    { "letter", "CREATE TABLE letter(endpoint BLOB, sequence INTEGER, row BLOB,"
                " PRIMARY KEY(endpoint, sequence)) WITHOUT ROWID" },
};
static const struct sqlite_file_kind KIND = {
    .name = "a relay's file",
    .application_id = 0x74575265,
    .version = 1,
    .tables = TABLES,
    .table_count = sizeof TABLES / sizeof TABLES[0],
    .first_root = 2,
};

struct sqlite_relay_store {
    struct relay_store port; /* first: the port's pointer is ours */
    char path[SQLITE_PATH_SIZE];
    const char *vfs;
    bool read_only;
    pthread_mutex_t mutex;
    sqlite3 *db;
    sqlite3_stmt *state_select, *state_replace, *state_delete;
    sqlite3_stmt *letter_replace, *letter_delete, *letters_delete, *letters_select;
    int wal_frames;
};

static struct sqlite_relay_store *enter(struct relay_store *port)
{
    struct sqlite_relay_store *store = (struct sqlite_relay_store *)port;
    int failed = pthread_mutex_lock(&store->mutex);
    CHECK(failed == 0);
    return store;
}

static void leave(struct sqlite_relay_store *store)
{
    int failed = pthread_mutex_unlock(&store->mutex);
    CHECK(failed == 0);
}

static void bind_number(sqlite3_stmt *statement, int at, uint64_t number)
{
    int code = sqlite3_bind_int64(statement, at, (sqlite3_int64)number);
    CHECK(code == SQLITE_OK);
}

static void bind_bytes(sqlite3_stmt *statement, int at, const void *bytes, size_t size)
{
    int code = sqlite3_bind_blob64(statement, at, bytes, size, SQLITE_TRANSIENT);
    CHECK(code == SQLITE_OK);
}

/* ---- opening ---- */

static int on_wal(void *argument, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    ((struct sqlite_relay_store *)argument)->wal_frames = frames;
    return SQLITE_OK;
}

static enum status prepare(struct sqlite_relay_store *store, struct error *out_error)
{
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } statements[] = {
        { STATE_SELECT, &store->state_select },     { STATE_REPLACE, &store->state_replace },
        { STATE_DELETE, &store->state_delete },     { LETTER_REPLACE, &store->letter_replace },
        { LETTER_DELETE, &store->letter_delete },   { LETTERS_DELETE, &store->letters_delete },
        { LETTERS_SELECT, &store->letters_select },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof statements / sizeof statements[0]; i++) {
        status = sqlite_prepare(store->db, statements[i].sql, statements[i].statement, out_error);
    }
    return status;
}

static void close_file(struct sqlite_relay_store *store)
{
    sqlite3_stmt **statements[] = { &store->state_select,  &store->state_replace,
                                    &store->state_delete,  &store->letter_replace,
                                    &store->letter_delete, &store->letters_delete,
                                    &store->letters_select };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        (void)sqlite3_finalize(*statements[i]); /* repeats the code of the last step */
        *statements[i] = NULL;
    }
    sqlite_connection_close(store->db);
    store->db = NULL;
}

static enum status open_file(struct sqlite_relay_store *store, struct error *out_error)
{
    int handle =
        open(store->path, (store->read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0600);
    if (handle < 0 && store->read_only && errno == ENOENT)
        return error_set(out_error, STATUS_NOT_FOUND, "there is no %s", store->path);
    if (handle < 0) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, "%s: cannot be opened", store->path);
        error_detail(out_error, "open: %m");
        return STATUS_UNAVAILABLE;
    }
    (void)close(handle); /* nothing was written */
    const struct sqlite_connection_options options = { .path = store->path,
                                                       .vfs = store->vfs,
                                                       .page_size = PAGE_SIZE,
                                                       .cache_kib = CACHE_KIB,
                                                       .sync = SYNC_AT_CHECKPOINT,
                                                       .read_only = store->read_only };
    enum status status = sqlite_connection_open(&options, &store->db, out_error);
    if (status != STATUS_OK) return status;
    (void)sqlite3_wal_hook(store->db, on_wal, store); /* no hook was there before */
    status = sqlite_file_prepare(store->db, &KIND, !store->read_only, out_error);
    if (status == STATUS_OK) status = prepare(store, out_error);
    return status;
}

static enum status set_aside(struct sqlite_relay_store *store, struct error *out_error)
{
    static const char *const suffixes[] = { "-wal", "-shm", "" };
    close_file(store);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char from[SQLITE_PATH_SIZE + 8];
        char to[SQLITE_PATH_SIZE + 16];
        int from_len = snprintf(from, sizeof from, "%s%s", store->path, suffixes[i]);
        int to_len = snprintf(to, sizeof to, "%s.bad%s", store->path, suffixes[i]);
        CHECK(from_len > 0 && (size_t)from_len < sizeof from);
        CHECK(to_len > 0 && (size_t)to_len < sizeof to);
        if (rename(from, to) != 0 && access(from, F_OK) == 0) {
            return error_set(out_error, STATUS_UNAVAILABLE, "%s: cannot be set aside", from);
        }
    }
    return STATUS_OK;
}

/* ---- states ---- */

static enum status damaged(const struct sqlite_relay_store *store, struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s: a row is damaged", store->path);
    error_hint(out_error, "stop, and remove the file: what it says is delivered again");
    return STATUS_CORRUPT;
}

static enum status relay_load(struct relay_store *port, struct uuid endpoint,
                              struct relay_state *out_state, struct error *out_error)
{
    struct sqlite_relay_store *store = enter(port);
    bind_bytes(store->state_select, 1, &endpoint, sizeof endpoint);
    int code = sqlite3_step(store->state_select);
    enum status status = STATUS_OK;
    struct state_row row;
    if (code == SQLITE_DONE) {
        status = STATUS_NOT_FOUND;
    } else if (code != SQLITE_ROW) {
        status = sqlite_failure(store->db, code, out_error);
    } else if (sqlite3_column_bytes(store->state_select, 0) != (int)sizeof row) {
        status = damaged(store, out_error);
    } else {
        memcpy(&row, sqlite3_column_blob(store->state_select, 0), sizeof row);
        bool whole = row.check == XXH3_64bits(&row.state, sizeof row.state) &&
                     uuid_equal(row.state.endpoint, endpoint);
        if (!whole) status = damaged(store, out_error);
    }
    (void)sqlite3_reset(store->state_select); /* repeats the code of the step */
    leave(store);
    if (status == STATUS_OK) *out_state = row.state;
    return status;
}

static enum status write_state(struct sqlite_relay_store *store, const struct relay_state *state,
                               struct error *out_error)
{
    struct state_row row;
    memset(&row, 0, sizeof row);
    memcpy(&row.state, state, sizeof row.state); /* its padding too, which the check covers */
    row.check = XXH3_64bits(&row.state, sizeof row.state);
    bind_bytes(store->state_replace, 1, &state->endpoint, sizeof state->endpoint);
    bind_bytes(store->state_replace, 2, &row, sizeof row);
    return sqlite_step_done(store->state_replace, out_error);
}

static enum status write_letter(struct sqlite_relay_store *store, const struct dead_letter *letter,
                                struct error *out_error)
{
    struct letter_row row;
    memset(&row, 0, sizeof row);
    memcpy(&row.letter, letter, sizeof row.letter);
    row.check = XXH3_64bits(&row.letter, sizeof row.letter);
    bind_bytes(store->letter_replace, 1, &letter->endpoint, sizeof letter->endpoint);
    bind_number(store->letter_replace, 2, letter->sequence);
    bind_bytes(store->letter_replace, 3, &row, sizeof row);
    return sqlite_step_done(store->letter_replace, out_error);
}

/* The end of a transaction: commits, or undoes and returns the cause. */
static enum status finish(struct sqlite_relay_store *store, enum status status,
                          struct error *out_error)
{
    if (status == STATUS_OK) status = sqlite_execute(store->db, "COMMIT", out_error);
    if (status != STATUS_OK && !sqlite3_get_autocommit(store->db)) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    if (status == STATUS_OK && store->wal_frames > WAL_FRAMES_MAX) { /* else by a later one */
        (void)sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    return status;
}

static enum status relay_save(struct relay_store *port, const struct relay_state *state,
                              const struct dead_letter *letter, struct error *out_error)
{
    struct sqlite_relay_store *store = enter(port);
    enum status status = sqlite_execute(store->db, "BEGIN IMMEDIATE", out_error);
    if (status == STATUS_OK) {
        status = write_state(store, state, out_error);
        if (status == STATUS_OK && letter != NULL) status = write_letter(store, letter, out_error);
        status = finish(store, status, out_error);
    }
    leave(store);
    return status;
}

/* ---- letters ---- */

static enum status relay_remove(struct relay_store *port, struct uuid endpoint, uint64_t sequence,
                                struct error *out_error)
{
    struct sqlite_relay_store *store = enter(port);
    bind_bytes(store->letter_delete, 1, &endpoint, sizeof endpoint);
    bind_number(store->letter_delete, 2, sequence);
    enum status status = sqlite_step_done(store->letter_delete, out_error);
    leave(store);
    return status;
}

static enum status relay_letters(struct relay_store *port, struct uuid endpoint, uint64_t above,
                                 struct dead_letter *out_letters, uint32_t limit,
                                 uint32_t *out_count)
{
    struct sqlite_relay_store *store = enter(port);
    sqlite3_stmt *select = store->letters_select;
    bind_bytes(select, 1, &endpoint, sizeof endpoint);
    bind_number(select, 2, above);
    bind_number(select, 3, limit);
    uint32_t count = 0;
    enum status status = STATUS_OK;
    int code = sqlite3_step(select);
    for (; status == STATUS_OK && code == SQLITE_ROW && count < limit;
         code = sqlite3_step(select)) {
        struct letter_row row;
        if (sqlite3_column_bytes(select, 0) != (int)sizeof row) {
            status = damaged(store, NULL);
            continue;
        }
        memcpy(&row, sqlite3_column_blob(select, 0), sizeof row);
        bool whole = row.check == XXH3_64bits(&row.letter, sizeof row.letter);
        if (!whole) status = damaged(store, NULL);
        if (whole) out_letters[count++] = row.letter;
    }
    if (status == STATUS_OK && code != SQLITE_DONE) status = sqlite_failure(store->db, code, NULL);
    (void)sqlite3_reset(select); /* repeats the code of the step */
    leave(store);
    if (status == STATUS_OK) *out_count = count;
    return status;
}

static enum status relay_forget(struct relay_store *port, struct uuid endpoint,
                                struct error *out_error)
{
    struct sqlite_relay_store *store = enter(port);
    enum status status = sqlite_execute(store->db, "BEGIN IMMEDIATE", out_error);
    if (status == STATUS_OK) {
        bind_bytes(store->state_delete, 1, &endpoint, sizeof endpoint);
        status = sqlite_step_done(store->state_delete, out_error);
        bind_bytes(store->letters_delete, 1, &endpoint, sizeof endpoint);
        if (status == STATUS_OK) status = sqlite_step_done(store->letters_delete, out_error);
        status = finish(store, status, out_error);
    }
    leave(store);
    return status;
}

/* ---- life ---- */

static void relay_close(struct relay_store *port)
{
    if (port == NULL) return;
    struct sqlite_relay_store *store = (struct sqlite_relay_store *)port;
    if (store->db != NULL) { /* what it cannot move, the next open reads */
        (void)sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    close_file(store);
    (void)pthread_mutex_destroy(&store->mutex); /* nobody is inside */
    free(store);
}

enum status sqlite_relay_store_open(const struct sqlite_relay_store_options *options,
                                    struct relay_store **out_store, bool *out_begun_anew,
                                    struct error *out_error)
{
    struct sqlite_relay_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    store->port = (struct relay_store){ .load = relay_load,
                                        .save = relay_save,
                                        .remove = relay_remove,
                                        .letters = relay_letters,
                                        .forget = relay_forget,
                                        .close = relay_close };
    store->vfs = options->vfs;
    store->read_only = options->read_only;
    int failed = pthread_mutex_init(&store->mutex, NULL);
    CHECK(failed == 0);
    bool begun_anew = false;
    enum status status = sqlite_path(options->folder, "relay.db", store->path, out_error);
    if (status == STATUS_OK) status = open_file(store, out_error);
    if (status == STATUS_CORRUPT && !store->read_only) {
        status = set_aside(store, out_error);
        if (status == STATUS_OK) status = open_file(store, out_error);
        begun_anew = true;
    }
    if (status != STATUS_OK) {
        relay_close(&store->port);
        return status;
    }
    *out_begun_anew = begun_anew;
    *out_store = &store->port;
    return STATUS_OK;
}

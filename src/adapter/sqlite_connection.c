/* Pragmas are per connection; what is stored in the file is set by whoever creates it. */
#include "adapter/sqlite_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

static const char *failure_hint(enum status status)
{
    if (status == STATUS_CORRUPT) return "run `tpwallet check`; restore from a backup";
    if (status == STATUS_LIMIT) return "free some space on the disk of the data folder";
    return "see the detail; check the disk and the folder's permissions";
}

enum status sqlite_failure(sqlite3 *db, int code, struct error *out_error)
{
    CHECK(code != SQLITE_OK);
    enum status status = STATUS_UNAVAILABLE;
    int primary = code & 0xff;
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || code == SQLITE_IOERR_CORRUPTFS) {
        status = STATUS_CORRUPT;
    } else if (primary == SQLITE_FULL) {
        status = STATUS_LIMIT;
    }
    const char *path = db == NULL ? NULL : sqlite3_db_filename(db, "main");
    (void)error_set(out_error, status, "%s: %s", path == NULL || *path == 0 ? "database" : path,
                    sqlite3_errstr(code));
    error_detail(out_error, "%s (SQLite code %d, system error %d)",
                 db == NULL ? "" : sqlite3_errmsg(db), code,
                 db == NULL ? 0 : sqlite3_system_errno(db));
    error_hint(out_error, "%s", failure_hint(status));
    return status;
}

enum status sqlite_execute(sqlite3 *db, const char *sql, struct error *out_error)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : sqlite_failure(db, code, out_error);
}

enum status sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out_statement,
                           struct error *out_error)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (code == SQLITE_ERROR) code = SQLITE_CORRUPT; /* our SQL is right: the schema is not */
    if (code != SQLITE_OK) return sqlite_failure(db, code, out_error);
    *out_statement = statement;
    return STATUS_OK;
}

enum status sqlite_step_done(sqlite3_stmt *statement, struct error *out_error)
{
    int code = sqlite3_step(statement);
    enum status status = STATUS_OK;
    if (code != SQLITE_DONE) status = sqlite_failure(sqlite3_db_handle(statement), code, out_error);
    (void)sqlite3_reset(statement); /* repeats the code of the step */
    return status;
}

enum status sqlite_pragma_number(sqlite3 *db, const char *sql, int64_t *out_number,
                                 struct error *out_error)
{
    sqlite3_stmt *statement = NULL;
    enum status status = sqlite_prepare(db, sql, &statement, out_error);
    if (status != STATUS_OK) return status;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *out_number = sqlite3_column_int64(statement, 0);
    } else {
        status = sqlite_failure(db, code == SQLITE_DONE ? SQLITE_CORRUPT : code, out_error);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static enum status verify_table(sqlite3 *db, const struct sqlite_table *table, uint32_t root,
                                struct error *out_error)
{
    static const char count[] = "SELECT count(*) FROM sqlite_schema WHERE type='table'"
                                " AND sql=?1 AND name=?2 AND tbl_name=?2 AND rootpage=?3";
    sqlite3_stmt *select = NULL;
    enum status status = sqlite_prepare(db, count, &select, out_error);
    if (status != STATUS_OK) return status;
    int code = sqlite3_bind_text(select, 1, table->sql, -1, SQLITE_STATIC);
    CHECK(code == SQLITE_OK);
    code = sqlite3_bind_text(select, 2, table->name, -1, SQLITE_STATIC);
    CHECK(code == SQLITE_OK);
    code = sqlite3_bind_int64(select, 3, root);
    CHECK(code == SQLITE_OK);
    code = sqlite3_step(select);
    if (code != SQLITE_ROW) {
        status = sqlite_failure(db, code == SQLITE_DONE ? SQLITE_CORRUPT : code, out_error);
    } else if (sqlite3_column_int(select, 0) != 1) {
        status = error_set(out_error, STATUS_CORRUPT, "%s: table %s is not as it was made",
                           sqlite3_db_filename(db, "main"), table->name);
        error_detail(out_error, "expected on page %u: %.200s", root, table->sql);
        error_hint(out_error, "%s", failure_hint(STATUS_CORRUPT));
    }
    (void)sqlite3_finalize(select); /* repeats the code of the step */
    return status;
}

enum status sqlite_verify_tables(sqlite3 *db, const struct sqlite_table *tables, uint32_t count,
                                 uint32_t first_root, struct error *out_error)
{
    int64_t objects = 0;
    enum status status =
        sqlite_pragma_number(db, "SELECT count(*) FROM sqlite_schema", &objects, out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = verify_table(db, &tables[i], first_root + i, out_error);
    }
    if (status != STATUS_OK || objects == count) return status;
    status = error_set(out_error, STATUS_CORRUPT, "%s has tables that are not ours",
                       sqlite3_db_filename(db, "main"));
    error_detail(out_error, "%lld instead of %u", (long long)objects, count);
    return status;
}

static enum status is_new(sqlite3 *db, bool *out_new, struct error *out_error)
{
    static const struct {
        const char *sql;
        int64_t most;
    } signs[] = {
        { "SELECT count(*) FROM sqlite_schema", 0 },
        { "PRAGMA application_id", 0 },
        { "PRAGMA user_version", 0 },
        { "PRAGMA page_count", 1 },
    };
    *out_new = true;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof signs / sizeof signs[0]; i++) {
        int64_t number = 0;
        status = sqlite_pragma_number(db, signs[i].sql, &number, out_error);
        *out_new = *out_new && number >= 0 && number <= signs[i].most;
    }
    return status;
}

static enum status create_tables(sqlite3 *db, const struct sqlite_file_kind *kind,
                                 struct error *out_error)
{
    char commit[96];
    int length =
        snprintf(commit, sizeof commit, "PRAGMA application_id=%u; PRAGMA user_version=%u; COMMIT",
                 kind->application_id, kind->version);
    CHECK(length > 0 && (size_t)length < sizeof commit);
    enum status status = sqlite_execute(db, "BEGIN IMMEDIATE", out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < kind->table_count; i++) {
        status = sqlite_execute(db, kind->tables[i].sql, out_error);
    }
    if (status == STATUS_OK) status = sqlite_execute(db, commit, out_error);
    return status;
}

enum status sqlite_file_prepare(sqlite3 *db, const struct sqlite_file_kind *kind, bool may_create,
                                struct error *out_error)
{
    bool make = false;
    enum status status = may_create ? is_new(db, &make, out_error) : STATUS_OK;
    if (status == STATUS_OK && make) status = create_tables(db, kind, out_error);
    int64_t application = 0;
    int64_t version = 0;
    if (status == STATUS_OK) {
        status = sqlite_pragma_number(db, "PRAGMA application_id", &application, out_error);
    }
    if (status == STATUS_OK) {
        status = sqlite_pragma_number(db, "PRAGMA user_version", &version, out_error);
    }
    if (status != STATUS_OK) return status;
    if (application != kind->application_id || version != kind->version) {
        return error_set(out_error, STATUS_CORRUPT, "%s: not %s of this version",
                         sqlite3_db_filename(db, "main"), kind->name);
    }
    return sqlite_verify_tables(db, kind->tables, kind->table_count, kind->first_root, out_error);
}

static enum status set_pragma(sqlite3 *db, const char *name, int64_t value, struct error *out_error)
{
    char sql[96];
    int length = snprintf(sql, sizeof sql, "PRAGMA %s=%lld", name, (long long)value);
    CHECK(length > 0 && (size_t)length < sizeof sql);
    return sqlite_execute(db, sql, out_error);
}

static enum status configure(sqlite3 *db, const struct sqlite_connection_options *options,
                             struct error *out_error)
{
    static const int flags[][2] = {
        { SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
    };
    (void)sqlite3_extended_result_codes(db, 1); /* fails only for a closed connection */
    (void)sqlite3_busy_timeout(db, SQLITE_BUSY_MS_MAX);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        int code = sqlite3_db_config(db, flags[i][0], flags[i][1], NULL);
        if (code != SQLITE_OK) return sqlite_failure(db, code, out_error);
    }
    static const struct {
        const char *name;
        int64_t value;
    } pragmas[] = {
        { "cell_size_check", 1 }, { "secure_delete", 0 },      { "cache_spill", 0 },
        { "temp_store", 2 },      { "wal_autocheckpoint", 0 }, { "mmap_size", 0 },
    };
    enum status status = STATUS_OK;
    if (options->page_size != 0) {
        status = set_pragma(db, "page_size", options->page_size, out_error);
    }
    if (status == STATUS_OK && options->page_map) {
        status = set_pragma(db, "auto_vacuum", 2, out_error);
    }
    for (size_t i = 0; status == STATUS_OK && i < sizeof pragmas / sizeof pragmas[0]; i++) {
        status = set_pragma(db, pragmas[i].name, pragmas[i].value, out_error);
    }
    if (status == STATUS_OK) {
        status = set_pragma(db, "cache_size", -(int64_t)options->cache_kib, out_error);
    }
    static const int sync_values[] = { 2, 1, 0 };
    if (status == STATUS_OK) {
        status = set_pragma(db, "synchronous", sync_values[options->sync], out_error);
    }
    if (status == STATUS_OK && !options->read_only) {
        status = sqlite_execute(db, "PRAGMA journal_mode=WAL", out_error);
    }
    return status;
}

/* "file:" with what a URI cannot hold escaped, so that any path is one. */
static void path_to_uri(const char *path, bool immutable, char uri[3 * SQLITE_PATH_SIZE + 32])
{
    static const char digits[] = "0123456789ABCDEF";
    const char *head = *path == '/' ? "file://" : "file:"; /* "//x" alone would name a host */
    size_t at = strlen(head);
    memcpy(uri, head, at);
    for (const char *c = path; *c != 0; c++) {
        if (*c == '%' || *c == '?' || *c == '#') {
            uri[at++] = '%';
            uri[at++] = digits[(unsigned char)*c >> 4];
            uri[at++] = digits[(unsigned char)*c & 15];
        } else {
            uri[at++] = *c;
        }
    }
    const char *tail = immutable ? "?immutable=1" : "";
    memcpy(uri + at, tail, strlen(tail) + 1);
}

enum status sqlite_connection_open(const struct sqlite_connection_options *options,
                                   sqlite3 **out_db, struct error *out_error)
{
    CHECK(!options->immutable || options->read_only);
    CHECK(strlen(options->path) < SQLITE_PATH_SIZE);
    int flags = options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    char uri[3 * SQLITE_PATH_SIZE + 32];
    path_to_uri(options->path, options->immutable, uri);
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(uri, &db, flags, options->vfs);
    enum status status = STATUS_OK;
    if (code != SQLITE_OK) {
        status = sqlite_failure(db, code, out_error);
    } else {
        status = configure(db, options, out_error);
    }
    if (status != STATUS_OK) {
        sqlite_connection_close(db);
        return status;
    }
    *out_db = db;
    return STATUS_OK;
}

void sqlite_connection_close(sqlite3 *db)
{
    int code = sqlite3_close(db);
    CHECK(code == SQLITE_OK); /* else a statement or blob was left open */
}

/*
 * Read through SQLite's VFS: closing a file of our own would drop the locks that connections of
 * this process hold on it (POSIX locks belong to the process).
 */
static int read_header(const char *path, const char *vfs_name, uint8_t *out_bytes, int size)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    CHECK(vfs != NULL);
    const char *name = sqlite3_create_filename(path, "", "", 0, NULL);
    sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    CHECK(name != NULL);
    CHECK(file != NULL);
    int code = vfs->xOpen(vfs, name, file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, NULL);
    if (code == SQLITE_OK) code = file->pMethods->xRead(file, out_bytes, size, 0);
    if (file->pMethods != NULL) (void)file->pMethods->xClose(file); /* only read */
    free(file);
    sqlite3_free_filename(name);
    return code;
}

enum status sqlite_file_page_size(const char *path, const char *vfs, uint32_t *out_size,
                                  struct error *out_error)
{
    static const char magic[16] = "SQLite format 3";
    uint8_t header[100];
    int code = access(path, F_OK) == 0 ? read_header(path, vfs, header, sizeof header)
                                       : SQLITE_IOERR_SHORT_READ;
    if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) {
        (void)error_set(out_error, STATUS_UNAVAILABLE, "%s cannot be read", path);
        error_detail(out_error, "%s (SQLite code %d)", sqlite3_errstr(code), code);
        error_hint(out_error, "%s", failure_hint(STATUS_UNAVAILABLE));
        return STATUS_UNAVAILABLE;
    }
    uint32_t size = 0;
    if (code == SQLITE_OK) size = (uint32_t)header[16] << 8 | header[17];
    if (size == 1) size = 65536; /* as its 16 bits say it */
    bool valid = size >= 512 && (size & (size - 1)) == 0;
    if (valid && memcmp(header, magic, sizeof magic) == 0) {
        *out_size = size;
        return STATUS_OK;
    }
    (void)error_set(out_error, STATUS_CORRUPT, "%s is missing, or is not a database", path);
    error_hint(out_error, "restore from a backup");
    return STATUS_CORRUPT;
}

enum status sqlite_path(const char *folder, const char *name, char out_path[SQLITE_PATH_SIZE],
                        struct error *out_error)
{
    int length = snprintf(out_path, SQLITE_PATH_SIZE, "%s/%s", folder, name);
    if (length > 0 && length < SQLITE_PATH_SIZE) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "the path of the data folder is too long");
}

/* sqlite_connection.h - one SQLite connection: opened our way, its errors in our words. */
#ifndef ADAPTER_SQLITE_CONNECTION_H
#define ADAPTER_SQLITE_CONNECTION_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"

/* Which of our writes are known to be on the disk: SQLite's FULL, NORMAL and OFF. */
enum sqlite_sync { SYNC_AT_COMMIT, SYNC_AT_CHECKPOINT, SYNC_NEVER };

enum {
    SQLITE_BUSY_MS_MAX = 5000, /* how long a statement waits for another process's lock */
    SQLITE_PATH_SIZE = 4096,   /* with the terminator */
};

struct sqlite_connection_options {
    const char *path;   /* of a file that exists; an empty file is an empty database */
    const char *vfs;    /* NULL: the default one */
    uint32_t page_size; /* used when the file is empty: a power of two, 512 to 65536 */
    bool page_map; /* used when the file is empty: auto_vacuum=INCREMENTAL; see journal_create() */
    uint32_t cache_kib; /* pages kept in memory, at most */
    enum sqlite_sync sync;
    bool read_only;
    bool immutable; /* with read_only: nobody writes it, and its folder cannot be written */
};

/*
 * WAL mode, no checkpoints but asked ones (none at close either), no statement from the schema
 * is trusted, cell sizes are checked. One thread at a time. STATUS_CORRUPT, STATUS_UNAVAILABLE.
 */
enum status sqlite_connection_open(const struct sqlite_connection_options *options,
                                   sqlite3 **out_db, struct error *out_error) MUST_CHECK;
/* Its statements must be finalized. Accepts NULL. */
void sqlite_connection_close(sqlite3 *db);

/* Statements that return no rows. As sqlite_failure(). */
enum status sqlite_execute(sqlite3 *db, const char *sql, struct error *out_error) MUST_CHECK;

/* A statement for many uses. STATUS_CORRUPT when the schema does not have what it names. */
enum status sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out_statement,
                           struct error *out_error) MUST_CHECK;

/* Steps a statement that returns no rows, and resets it. As sqlite_failure(). */
enum status sqlite_step_done(sqlite3_stmt *statement, struct error *out_error) MUST_CHECK;

/*
 * What a result code means to the caller, with SQLite's own words as detail: STATUS_CORRUPT,
 * STATUS_LIMIT (the disk is full), STATUS_UNAVAILABLE for the rest. code is not SQLITE_OK.
 */
enum status sqlite_failure(sqlite3 *db, int code, struct error *out_error) MUST_CHECK;

/*
 * The page size in the header of a database file, without opening it as one. STATUS_CORRUPT:
 * missing, empty or not a database; STATUS_UNAVAILABLE.
 */
enum status sqlite_file_page_size(const char *path, const char *vfs, uint32_t *out_size,
                                  struct error *out_error) MUST_CHECK;

/* One number that a PRAGMA returns. */
enum status sqlite_pragma_number(sqlite3 *db, const char *sql, int64_t *out_number,
                                 struct error *out_error) MUST_CHECK;

/*
 * That sqlite_schema holds exactly these tables, letter by letter, with their roots on pages
 * first_root and on, as they were made. STATUS_CORRUPT, STATUS_UNAVAILABLE.
 */
struct sqlite_table {
    const char *name;
    const char *sql; /* the statement that makes it */
};
enum status sqlite_verify_tables(sqlite3 *db, const struct sqlite_table *tables, uint32_t count,
                                 uint32_t first_root, struct error *out_error) MUST_CHECK;

/* What a database of one kind is known by: its ids in the header, and the tables it has. */
struct sqlite_file_kind {
    const char *name; /* as people call it: "an inbox" */
    uint32_t application_id;
    uint32_t version;
    const struct sqlite_table *tables;
    uint32_t table_count;
    uint32_t first_root;
};

/*
 * Makes the tables of a database that has nothing in it yet, if it may: no table, no application's
 * id, one page at most. So is a new file, and one whose maker was killed between its first page and
 * its tables; the file's size does not tell, as that page is written before the transaction that
 * makes them. Then that the file is of this kind. STATUS_CORRUPT: it is not; STATUS_LIMIT;
 * STATUS_UNAVAILABLE.
 */
enum status sqlite_file_prepare(sqlite3 *db, const struct sqlite_file_kind *kind, bool may_create,
                                struct error *out_error) MUST_CHECK;

/* Writes "folder/name". STATUS_INVALID when it is longer than a path may be. */
enum status sqlite_path(const char *folder, const char *name, char out_path[SQLITE_PATH_SIZE],
                        struct error *out_error) MUST_CHECK;

#endif

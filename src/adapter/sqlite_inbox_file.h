/* sqlite_inbox_file.h - inbox.db: its tables, its rows, and its two connections. */
#ifndef ADAPTER_SQLITE_INBOX_FILE_H
#define ADAPTER_SQLITE_INBOX_FILE_H

#include "adapter/sqlite_connection.h"
#include "port/inbox.h"

/*
 * Table webhook has the bytes; table state has a small row for each, so that what is unmarked or
 * old is found without reading bodies; table about leads from a payment to them. The writing calls are one task's at a time, and so are
 * the two reading ones beside them.
 */
struct inbox_file {
    char path[SQLITE_PATH_SIZE];
    const char *vfs;
    sqlite3 *writer;
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *insert, *insert_state, *insert_about, *update_mark;
    sqlite3_stmt *delete, *delete_about, *delete_state, *find_old;
    sqlite3 *reader;
    sqlite3_stmt *select, *unmarked, *find;
    uint64_t next_id;
    uint64_t bytes; /* of headers and bodies */
    int wal_frames;
};

/* Makes the file when it is missing. On failure inbox_file_close() all the same. */
enum status inbox_file_open(struct inbox_file *file, const char *folder, const char *vfs,
                            struct error *out_error) MUST_CHECK;
/* Accepts one that is closed or failed to open. */
void inbox_file_close(struct inbox_file *file);
/*
 * After a commit in doubt: opens anew, and moves what is then seen from the WAL into the file,
 * so that it is on the disk whatever became of the WAL's pages.
 */
enum status inbox_file_reopen(struct inbox_file *file, struct error *out_error) MUST_CHECK;

enum status inbox_file_begin(struct inbox_file *file, struct error *out_error) MUST_CHECK;
/* Commits when `status` is OK, else undoes. STATUS_IN_DOUBT: reopen before anything else. */
enum status inbox_file_end(struct inbox_file *file, enum status status, struct error *out_error)
    MUST_CHECK;

/* Inside a transaction. */
enum status inbox_file_put(struct inbox_file *file, const struct inbox_webhook *webhook,
                           uint64_t id, struct error *out_error) MUST_CHECK;
enum status inbox_file_mark(struct inbox_file *file, uint64_t id, uint8_t mark,
                            struct error *out_error) MUST_CHECK;
/*
 * Removes the oldest marked webhooks that came before `before`, at most limit of them, until
 * *bytes is at most bytes_max; takes their bytes off *bytes. Never the newest of all.
 */
struct inbox_file_removal {
    struct wall_time before;
    uint64_t bytes_max;
    uint32_t limit;
};
enum status inbox_file_remove(struct inbox_file *file, const struct inbox_file_removal *removal,
                              uint64_t *bytes, uint32_t *out_count, struct error *out_error)
    MUST_CHECK;

/* The other connection; as the calls of the port. */
enum status inbox_file_read(struct inbox_file *file, uint64_t id, struct inbox_webhook *out_webhook,
                            struct buf *out_bytes, struct error *out_error) MUST_CHECK;
enum status inbox_file_unmarked(struct inbox_file *file, uint64_t after, uint64_t *out_ids,
                                uint32_t limit, uint32_t *out_count, struct error *out_error)
    MUST_CHECK;
enum status inbox_file_find(struct inbox_file *file, const struct inbox_subject *subject,
                            uint64_t *out_ids, uint32_t *out_count, struct error *out_error)
    MUST_CHECK;

#endif

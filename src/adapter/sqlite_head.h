/* sqlite_head.h - the head file: how far the journal got, kept apart to notice a lost tail. */
#ifndef ADAPTER_SQLITE_HEAD_H
#define ADAPTER_SQLITE_HEAD_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "port/store.h"

/*
 * Three slots of 128 bytes, 4 KiB apart, each with a check of its own; the newest good one
 * counts. A slot is written after every commit and synced about once a second, off the commit's
 * path: so after a crash of the process it is exact, after a power cut at most that second
 * behind the journal, never ahead of it. The slot last synced and the one being synced are not
 * written, so that a torn write never costs what an earlier sync made safe. One damaged slot is
 * accepted (a power cut may do that); when none is good, opening is refused.
 *
 * The file goes through the VFS of the database beside it.
 */
struct sqlite_head {
    sqlite3_file *file;
    pthread_mutex_t mutex;
    uint64_t counter; /* of the newest write */
    uint32_t target;  /* slot to write */
    uint32_t synced;  /* slot that is safe */
    bool unsynced;
    struct store_head head; /* as last written or read */
};

enum { SQLITE_HEAD_SIZE = 3 * 4096 };

/* Makes the file, durably. STATUS_UNAVAILABLE. */
enum status sqlite_head_create(const char *path, const char *vfs, struct error *out_error)
    MUST_CHECK;

/* What it holds; also beside its writer. STATUS_CORRUPT: missing, cut, or no slot is good. */
enum status sqlite_head_read(const char *path, const char *vfs, struct store_head *out_head,
                             struct error *out_error) MUST_CHECK;

/*
 * As sqlite_head_read(), into head->head, and STATUS_UNAVAILABLE. path stays until close: the
 * VFS keeps it.
 */
enum status sqlite_head_open(struct sqlite_head *head, const char *path, const char *vfs,
                             struct error *out_error) MUST_CHECK;
/* Not synced: that is sqlite_head_sync(). Accepts a zeroed struct. */
void sqlite_head_close(struct sqlite_head *head);

/* After a commit. Any thread. STATUS_UNAVAILABLE: the file is behind until the next one. */
enum status sqlite_head_write(struct sqlite_head *head, const struct store_head *value) MUST_CHECK;

/* Any thread, beside writes; does nothing when nothing was written since. STATUS_UNAVAILABLE. */
enum status sqlite_head_sync(struct sqlite_head *head) MUST_CHECK;

#endif

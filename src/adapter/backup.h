/* backup.h - copies of a data folder's journal: made beside a running server, brought up, restored. */
#ifndef ADAPTER_BACKUP_H
#define ADAPTER_BACKUP_H

#include "adapter/journal_copy.h"

/*
 * A backup is a data folder with the whole journal in its journal.db (archived batches
 * included), flagged read-only, and bears the ledger's id. It holds no index and no checkpoint: whoever opens a restored
 * one rebuilds both from the journal, once.
 *
 * Batches are copied a page at a time, in short reads, so that the source's WAL is not held; each
 * is verified against its hash and chained to the one before. Each page is one durable commit
 * of the target, so that an interrupted copy goes on where it was.
 */
struct backup_options {
    const char *source; /* a data folder, in use or not; its journal may be in a database */
    const char *target; /* a new folder, or for backups an earlier one of the same journal */
    struct journal_copy_progress progress;
};

/*
 * Up to the source's head at the start. STATUS_CONFLICT: the target is no backup of this
 * ledger or journal, is newer than it, or is in use; STATUS_CORRUPT: the source or the target is damaged;
 * STATUS_NOT_FOUND: the source, or one of its segments, is not there; STATUS_INVALID,
 * STATUS_DENIED, STATUS_LIMIT, STATUS_UNAVAILABLE, STATUS_STOPPED.
 */
enum status backup_run(const struct backup_options *options, struct journal_copy_result *out_result,
                       struct error *out_error) MUST_CHECK;

/*
 * The other way, into a folder that is new or empty; the copy stays read-only until accepted, and
 * is the same ledger: a state of it that was.
 */
enum status backup_restore(const struct backup_options *options,
                           struct journal_copy_result *out_result, struct error *out_error)
    MUST_CHECK;

/*
 * Clears the read-only flag of a folder that nobody has open: from here on it is written, and is
 * no backup of the journal it came from. *out_changed: it was read-only. STATUS_CONFLICT: in use. As data_folder_open().
 */
enum status backup_accept(const char *path, bool *out_changed, struct error *out_error) MUST_CHECK;

#endif

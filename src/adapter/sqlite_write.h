/* sqlite_write.h - the journal's one writing connection: each call is one commit, or nothing. */
#ifndef ADAPTER_SQLITE_WRITE_H
#define ADAPTER_SQLITE_WRITE_H

#include "adapter/sqlite_connection.h"
#include "adapter/sqlite_journal.h"
#include "port/store.h"

/*
 * What can fail before COMMIT rolls back and was not written; a COMMIT that did not return OK
 * is in doubt whatever it says, since its frames may stand in the WAL. After STATUS_IN_DOUBT
 * only sqlite_write_close() is allowed. One thread at a time.
 */
struct sqlite_write {
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *rollback;
    sqlite3_stmt *lane_select;
    sqlite3_stmt *lane_update;
    sqlite3_stmt *batch_insert;
    sqlite3_stmt *batch_delete;
    sqlite3_stmt *slice_delete;
    sqlite3_stmt *slice_insert;
    sqlite3_stmt *archived_insert;
    uint32_t wal_frames; /* in the WAL after the last commit */
};

/* Only the connection: what can be done before the schema is known to be ours. */
enum status sqlite_write_open(struct sqlite_write *write,
                              const struct sqlite_connection_options *options,
                              struct error *out_error) MUST_CHECK;
/* For the calls below. STATUS_CORRUPT, STATUS_UNAVAILABLE. */
enum status sqlite_write_prepare(struct sqlite_write *write, struct error *out_error) MUST_CHECK;
/* Accepts a zeroed struct, and one that only opened. */
void sqlite_write_close(struct sqlite_write *write);

/* All below: STATUS_IN_DOUBT, STATUS_LIMIT, STATUS_CORRUPT, STATUS_UNAVAILABLE, and: */

enum status sqlite_write_claim(struct sqlite_write *write, struct store_head *out_head,
                               struct error *out_error) MUST_CHECK;
/* STATUS_FENCED. */
enum status sqlite_write_append(struct sqlite_write *write, const struct store_batch *batch,
                                struct error *out_error) MUST_CHECK;
/* STATUS_CONFLICT: they do not follow the head. */
enum status sqlite_write_copy(struct sqlite_write *write, const struct store_batch *batches,
                              uint32_t count, struct error *out_error) MUST_CHECK;
enum status sqlite_write_take_out(struct sqlite_write *write,
                                  const struct journal_archived *archived, struct error *out_error)
    MUST_CHECK;
enum status sqlite_write_meta(struct sqlite_write *write, uint32_t name, int64_t value,
                              struct error *out_error) MUST_CHECK;
/* Which ledger's it is. */
enum status sqlite_write_ledger(struct sqlite_write *write, struct uuid ledger,
                                struct error *out_error) MUST_CHECK;

#endif

/* journal_move.h - a lane's journal out of its folder into a database, for good. */
#ifndef ADAPTER_JOURNAL_MOVE_H
#define ADAPTER_JOURNAL_MOVE_H

#include "adapter/journal_copy.h"
#include "base/uuid.h"

struct journal_move_options {
    const char *source; /* the folder of the lane, which nobody has open */
    const char *url;    /* as postgres_store.h's; the lane is made there when it is lacking */
    struct journal_copy_progress progress;
    bool look_only; /* whether it could be moved; the lane is made, and nothing else changed */
};

/*
 * Before the first batch is written the source becomes read-only, for ever unless it is accepted
 * (backup_accept()): two ledgers must not go on from one past. Each batch is verified and committed
 * as it is; a move that was interrupted goes on where it was. Epochs go on from the source's.
 *
 * STATUS_CONFLICT: the source is in use, or the lane in the database is no beginning of it: nothing
 * was changed. STATUS_INVALID: the source is in a database. Else as data_folder_open(),
 * postgres_store_create(), and the port's calls.
 */
enum status journal_move(const struct journal_move_options *options,
                         struct journal_copy_result *out_result, struct error *out_error)
    MUST_CHECK;

/* The ledger's id, by the folder of its lane 0, which is given one if it has none. As journal_move(). */
enum status journal_move_ledger(const char *source, struct uuid *out_ledger,
                                struct error *out_error) MUST_CHECK;

#endif

/* lane_copies.h - copies of a ledger with all its lanes, one lane after the other. */
#ifndef CMD_LANE_COPIES_H
#define CMD_LANE_COPIES_H

#include "adapter/backup.h"

/* backup_run() or backup_restore(). */
typedef enum status lane_copy(const struct backup_options *options,
                              struct journal_copy_result *out_result, struct error *out_error);
/* A lane was copied, from one folder of its own to another. False: no more. */
typedef bool lane_copied(void *context, const struct backup_options *lane,
                         const struct journal_copy_result *result);

struct lane_copies {
    struct backup_options options; /* of the folders of lane 0, or of the only one */
    lane_copy *copy;
    lane_copied *copied;
    void *context;
};

/* As copy; STATUS_STOPPED: copied wanted no more. */
enum status lane_copies_make(const struct lane_copies *copies, struct error *out_error) MUST_CHECK;
/*
 * backup_accept() of each lane, of lane 0 last: until then nobody serves any of them.
 * STATUS_CONFLICT: the ledger has moved elsewhere (DATA_FOLDER_MOVED). STATUS_INVALID: it is one of
 * the lanes of a folder.
 */
enum status lane_copies_accept(const char *folder, bool *out_changed, struct error *out_error)
    MUST_CHECK;

#endif

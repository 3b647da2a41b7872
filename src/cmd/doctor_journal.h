/* doctor_journal.h - the journals of all lanes of our ledger, read batch by batch as evidence. */
#ifndef CMD_DOCTOR_JOURNAL_H
#define CMD_DOCTOR_JOURNAL_H

#include "model/lane_map.h"
#include "wallet/journal_walk.h"

struct data_folder;

/* In the folder or in PostgreSQL, beside servers or without one. */
struct doctor_lane {
    struct data_folder *folder;
    struct store *store;
    uint32_t number;
    uint64_t head;     /* when it was opened */
    uint64_t accounts; /* at most, by then */
};

struct doctor_journal {
    struct uuid ledger; /* which one it is; nil: from before ledgers had ids */
    uint32_t count;
    struct doctor_lane lanes[LANES_MAX];
};

/* All lanes when it is lane 0's folder, else its own. As data_folder_open() and store->head(). */
enum status doctor_journal_open(const char *folder, struct doctor_journal *out_journal,
                                struct error *out_error) MUST_CHECK;
/* Also after a failure. Accepts a zeroed one. */
void doctor_journal_close(struct doctor_journal *journal);

/* The reader stands before the batch's first record; what is read is good until the visit ends. */
struct doctor_journal_visitor {
    enum status (*batch)(void *owner, struct batch_reader *reader, struct error *out_error);
    void *owner;
};

/* All batches that there are by now. STATUS_CORRUPT, STATUS_UNAVAILABLE, or the visit's status. */
enum status doctor_journal_walk(const struct doctor_lane *lane,
                                const struct doctor_journal_visitor *visitor,
                                struct error *out_error) MUST_CHECK;

#endif

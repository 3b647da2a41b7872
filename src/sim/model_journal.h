/* model_journal.h - reads durable batches as they come, and holds each record against the twin. */
#ifndef SIM_MODEL_JOURNAL_H
#define SIM_MODEL_JOURNAL_H

#include "sim/model_ledger.h"
#include "sim/model_payments.h"
#include "sim/sim_store.h"
#include "sim/verdict.h"

/*
 * Checks, of every batch: header, chain of hashes, stamps strictly increasing, every record's
 * check; that each transfer has the outcome and effect the twin decides; that no id comes
 * twice; that linked groups succeed or fail as one; that holds expire by stamp and never
 * early; that a key has one fingerprint and one root; that a reason stands behind its act; that
 * debits equal credits per asset.
 */
struct model_journal {
    struct model *model;
    struct verdict *verdict;
    uint64_t sequence; /* of the newest batch */
    struct digest hash;
    struct wall_time stamp;
    uint64_t epoch;
    struct position act; /* the newest administrative act */
    uint64_t records;
    uint64_t expiries;
    uint64_t outcomes[OUTCOME_COUNT]; /* journaled */
    uint64_t account_outcomes[ACCOUNT_OUTCOME_COUNT];
    uint64_t admin_outcomes[ADMIN_OUTCOME_COUNT];
    struct model_undo *undos;        /* of the group in hand */
    struct model_payments *payments; /* follows the records of payments; NULL: there are none */
};

void model_journal_init(struct model_journal *journal, struct model *model,
                        struct verdict *verdict);
void model_journal_done(struct model_journal *journal);

/* The next durable batch, as written. */
void model_journal_batch(struct model_journal *journal, uint64_t sequence,
                         const struct sim_batch *batch);

#endif

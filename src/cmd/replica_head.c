/*
 * A database can be put back to an earlier state while its servers run. What they have in memory is
 * then of batches that exist nowhere. The lease's views tell the journal's head; one that cannot be
 * is a doubt only, as the lease may be asked at another place than the journal (after a failover of
 * the database): the journal is asked before anything is given up.
 */
#include "cmd/replica_state.h"
#include "wallet/journal_walk.h"

void replica_head_known(struct replica *replica, const struct lane_status *status)
{
    replica->batch = status->head.sequence;
    if (status->head.sequence > replica->known.batch)
        replica->known = store_head_point(&status->head);
}

void replica_head_told(struct replica *replica, struct store_point known, struct store_point head)
{
    bool shorter = head.batch < known.batch;
    bool other = head.batch == known.batch && !digest_equal(&head.hash, &known.hash);
    if ((!shorter && !other) || replica->trust != JOURNAL_HOLDS) return;
    replica->trust = JOURNAL_DOUBTED;
    replica->sync->wake_all(replica->monitor);
}

bool replica_is_taken_back(struct replica *replica)
{
    replica_lock(replica);
    bool yes = replica->trust == JOURNAL_TAKEN_BACK;
    replica_unlock(replica);
    return yes;
}

/* STATUS_CORRUPT, STATUS_NOT_FOUND: the journal has it not. */
static enum status journal_ask(struct replica *replica, struct store_point known,
                               struct store_head *out_head, struct error *out_error)
{
    struct store *store = replica->host.ports.store;
    enum status status = store->head(store, out_head, out_error);
    if (status != STATUS_OK) return status;
    return journal_verify(store, out_head, known, out_error);
}

bool replica_head_holds(struct replica *replica)
{
    struct error error = { 0 };
    struct store_head head = { 0 };
    if (replica_is_taken_back(replica)) return false;
    replica_lock(replica);
    struct store_point known = replica->known; /* only this task makes it newer */
    replica_unlock(replica);
    enum status status = journal_ask(replica, known, &head, &error);
    bool gone = status == STATUS_CORRUPT || status == STATUS_NOT_FOUND;
    replica_lock(replica);
    bool doubted = replica->trust == JOURNAL_DOUBTED;
    if (status == STATUS_OK) replica->trust = JOURNAL_HOLDS;
    if (gone) replica->trust = JOURNAL_TAKEN_BACK;
    replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
    if (doubted && status == STATUS_OK)
        replica_log_say(&replica->log, LOG_WARNING, STR("journal.doubted"),
                        "the lease told of a head that is behind the journal's");
    if (gone) replica_log_taken_back(&replica->log, known.batch, head.sequence, &error);
    return status == STATUS_OK;
}

/* The doubt and the answer are journal_trust.h's; here is what they mean for a replica. */
#include "cmd/journal_trust.h"
#include "cmd/replica_state.h"

void replica_head_known(struct replica *replica, const struct lane_status *status)
{
    replica->batch = status->head.sequence;
    if (status->head.sequence > replica->known.batch)
        replica->known = store_head_point(&status->head);
}

void replica_head_told(struct replica *replica, struct store_point known, struct store_point head)
{
    if (!journal_head_contradicts(known, head) || replica->trust != JOURNAL_HOLDS) return;
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

bool replica_head_holds(struct replica *replica)
{
    struct error error = { 0 };
    struct store_head head = { 0 };
    if (replica_is_taken_back(replica)) return false;
    replica_lock(replica);
    struct store_point known = replica->known; /* only this task makes it newer */
    replica_unlock(replica);
    enum journal_answer answer = journal_ask(replica->host.ports.store, known, &head, &error);
    replica_lock(replica);
    bool doubted = replica->trust == JOURNAL_DOUBTED;
    if (answer == JOURNAL_HAS) replica->trust = JOURNAL_HOLDS;
    if (answer == JOURNAL_HAS_NOT) replica->trust = JOURNAL_TAKEN_BACK;
    replica->sync->wake_all(replica->monitor);
    replica_unlock(replica);
    if (doubted && answer == JOURNAL_HAS) replica_log_doubted(&replica->log);
    if (answer == JOURNAL_HAS_NOT)
        replica_log_taken_back(&replica->log, known.batch, head.sequence, &error);
    return answer == JOURNAL_HAS;
}

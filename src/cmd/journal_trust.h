/* journal_trust.h - whether the journal still has what memory was made of, as its head tells. */
#ifndef CMD_JOURNAL_TRUST_H
#define CMD_JOURNAL_TRUST_H

#include "port/store.h"

/*
 * A database can be put back to an earlier state while its servers run. What they have in memory is
 * then of batches that exist nowhere. Each answer about a lease tells the journal's head; one that
 * cannot be is a doubt only, as the lease may be asked at another place than the journal (after a
 * failover of the database): the journal is asked before anything is given up.
 */

/* `known` is of before the head was asked for. */
bool journal_head_contradicts(struct store_point known, struct store_point head);

enum journal_answer {
    JOURNAL_HAS,         /* what was known */
    JOURNAL_HAS_NOT,     /* it was taken back: out_error says how */
    JOURNAL_SAYS_NOTHING /* it could not be asked */
};
/* out_head: of the journal, unless it says nothing. */
enum journal_answer journal_ask(struct store *store, struct store_point known,
                                struct store_head *out_head, struct error *out_error);

#endif

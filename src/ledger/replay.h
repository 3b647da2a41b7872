/* replay.h - journaled effects applied again, over a state that may be newer in places. */
#ifndef LEDGER_REPLAY_H
#define LEDGER_REPLAY_H

#include "ledger/ledger.h"

/*
 * Applies a journaled record to a state that may be newer for some entries: a side is changed
 * only where the record's batch is above the entry's applied_batch; registry_batch is the same for the small
 * tables. A long transfer record is followed by its `more`. STATUS_CORRUPT: the record
 * and the state do not fit together. STATUS_LIMIT: the state does not fit the options.
 */
enum status ledger_replay(struct ledger *ledger, struct ledger_moment moment,
                          const struct record_head *record, uint64_t registry_batch) MUST_CHECK;

#endif

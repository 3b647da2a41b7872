/* naive_db.h - the naive wallet's database: transactions, WAL, holds, a replica, and its turns. */
#ifndef SIM_NAIVE_DB_H
#define SIM_NAIVE_DB_H

#include "sim/naive_world.h"

/* A draft with no legs and nothing set but these. */
struct naive_draft naive_draft_of(uint32_t origin, const char *kind, const char *cause);
void naive_draft_leg(struct naive_draft *draft, uint32_t account, int64_t amount);

/*
 * Begins a transaction now; it ends some milliseconds later, and draft->done (NULL: nobody asks)
 * is told how. Balances are what they are at the end; what was read at the begin matters only
 * where isolation looks at it, or where it is missing.
 */
void naive_db_submit(struct naive_world *world, const struct naive_draft *draft);
/* An id for a row that is made before its transaction. */
uint32_t naive_db_number(struct naive_world *world);

/* What an account may spend. */
int64_t naive_db_available(const struct naive_world *world, uint32_t account);

/* A hold of the op, or NAIVE_NONE when there is not enough. */
uint32_t naive_db_hold(struct naive_world *world, uint32_t origin, uint32_t account, int64_t amount,
                       int64_t expires_us);
void naive_db_hold_close(struct naive_world *world, uint32_t hold, const char *state);

/* The newest commit that a replica has which is this far behind; and that of the primary. */
uint32_t naive_db_lsn_before(const struct naive_world *world, int64_t lag_us);

/*
 * History goes back to the commits up to `to_us`: rows written since are gone, from every table.
 * `op` is promote (the log of the lost tail is found on the old primary) or restore (the log
 * of that time is lost as well).
 */
void naive_db_turn_back(struct naive_world *world, int64_t to_us, const char *op);

/* An administrator's UPDATE of a posting, past everything. */
void naive_db_edit(struct naive_world *world, uint32_t tx, int64_t delta);

/* One record at the end of the WAL; the rest of what it has is set by the caller. */
struct naive_wal *naive_db_wal(struct naive_world *world, const char *op, uint32_t xid);

/* Whether a row of this op and kind is in the ledger. */
uint32_t naive_db_find(const struct naive_world *world, uint32_t origin, const char *kind);

#endif

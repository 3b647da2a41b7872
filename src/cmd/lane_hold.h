/* lane_hold.h - the lease of a lane, for a process that opens its journal in a database alone. */
#ifndef CMD_LANE_HOLD_H
#define CMD_LANE_HOLD_H

#include "base/error.h"
#include "port/log.h"

struct data_folder;
struct lane;
struct lane_hold;
struct store;

/*
 * Whoever claims a lane fences its owner. So the lane's lease is taken before that, and kept until
 * the lane is closed: by servers and commands that are alone as by replicas of a cluster. A task
 * renews it. When the process is gone, the lease ends by itself, after LEASE_TERMS_DEFAULT.
 *
 * Waits while whoever has the lease may be gone: until the lease ends, is renewed, or
 * LANE_HOLD_PATIENCE_MS have passed.
 */
enum { LANE_HOLD_PATIENCE_MS = 5000 };

/*
 * NULL on STATUS_OK: the journal is in the folder, whose lock does the same. Its schema is there.
 * STATUS_CONFLICT: somebody has the lease, and the error tells who. STATUS_UNAVAILABLE, also when
 * the clock here is not the database's (CLOCK_SKEW_MS_MAX).
 */
enum status lane_hold_open(const struct data_folder *folder, struct log *log,
                           struct lane_hold **out_hold, struct error *out_error) MUST_CHECK;

/* The same of a lane by its database, which has its schema: for a ledger that moves there. */
struct lane_hold_place {
    const char *url;
    uint32_t lane;
};
enum status lane_hold_open_at(const struct lane_hold_place *place, struct log *log,
                              struct lane_hold **out_hold, struct error *out_error) MUST_CHECK;

/*
 * From here on each renewal holds the journal's head, which comes with the answer, against what the
 * lane has in memory. When the journal does not have that any more (its database was put back to an
 * earlier state), the log says `journal.taken_back`, and the lane is condemned: it answers nothing
 * more, and the lease is not renewed. When another has taken the lease, it says `lease.lost`, and
 * the lane is disowned. Until lane_hold_unwatch(), which waits for a look that is
 * under way, both belong to the hold too.
 */
void lane_hold_watch(struct lane_hold *hold, struct lane *lane, struct store *store);
void lane_hold_unwatch(struct lane_hold *hold);

/* Gives the lease back; the lane is closed. Accepts NULL. */
void lane_hold_close(struct lane_hold *hold);

#endif

/* replica_state.h - what the tasks of a replica and the route to it share; read by src/cmd/replica* only. */
#ifndef CMD_REPLICA_STATE_H
#define CMD_REPLICA_STATE_H

#include "adapter/thread_sync.h"
#include "cmd/replica.h"
#include "cmd/replica_log.h"
#include "wallet/lane_share.h"

/* Whether the journal has what was answered from. */
enum journal_trust {
    JOURNAL_HOLDS,      /* nothing says that it has not */
    JOURNAL_DOUBTED,    /* the lease tells of a head that cannot be: the journal is to be asked */
    JOURNAL_TAKEN_BACK, /* it has not: nothing is answered or renewed any more, for good */
};

struct replica {
    struct replica_options options;
    struct lease_party party;
    struct replica_log log;
    struct host_options host_options;
    struct clock *clock;
    struct sync *sync;
    struct lease *lease;  /* the keeper task's */
    struct lease *report; /* the role task's */
    struct front *front;
    struct task *keeper_task;
    struct task *role_task;

    /* The role task's own. */
    struct host host;
    struct monotonic_time report_at;
    struct monotonic_time retry_at;
    struct transit_status transit_before; /* of the times that it owned the lane before */
    bool clock_told;                      /* that the clock is off */
    struct lease_member members[LEASE_MEMBERS_MAX];

    struct monitor *monitor; /* guards the rest */
    struct lease_keeper keeper;
    enum replica_role role;
    enum journal_trust trust;
    struct store_point known; /* the newest durable batch that memory ever had */
    bool paused;              /* the keeper has let an open lease pass for a moment */
    bool counted;             /* in options.owned */
    bool warm;                /* could own the lane at once */
    bool gate_open;           /* calls may enter the lane's api */
    bool own_open;            /* there is an api that tells about this replica */
    struct api *own;          /* that */
    struct api *former;       /* the follower's, until nobody uses it */
    uint32_t inside;          /* calls in the lane's api */
    uint32_t own_inside;
    bool retiring;
    bool retired;
    bool stopping;
    uint64_t batch; /* memory covers the journal up to here */
    uint64_t left;  /* batches behind */
    uint64_t takeovers;
    uint64_t losses;
    uint64_t handovers;
    int64_t takeover_ns;              /* the newest: from seeing the lease open to answering */
    bool name_shared;                 /* another server says that it is this replica */
    struct monotonic_time open_since; /* the lease was seen open; 0: it is not */
    struct transit_status transit;
    int64_t skew_ns;                  /* of the wall clock, against the lease's */
    struct monotonic_time renewed_at; /* the lease that is, or was last, held; asked for then */
    int64_t renewal_ns;               /* the newest renewal, good or not: how long it took */
    struct error renewal_error;       /* why the newest did not come; empty: it did */
};

static inline struct monotonic_time replica_now(const struct replica *replica)
{
    return clock_monotonic(replica->clock);
}

static inline struct monotonic_time replica_in_ms(const struct replica *replica, int64_t ms)
{
    return (struct monotonic_time){ replica_now(replica).ns + ms * NS_PER_MS };
}

static inline void replica_lock(struct replica *replica)
{
    replica->sync->lock(replica->monitor);
}

static inline void replica_unlock(struct replica *replica)
{
    replica->sync->unlock(replica->monitor);
}

/* Under the monitor. */
static inline bool replica_believes(const struct replica *replica)
{
    return replica->trust == JOURNAL_HOLDS &&
           lease_keeper_believes(&replica->keeper, replica_now(replica));
}

/* ---- Whether the journal goes as far as memory did (replica_head.c) ---- */

/* Under the monitor: memory is of a lane that is open, with this status. */
void replica_head_known(struct replica *replica, const struct lane_status *status);
/* Under the monitor: the head as the lease told; `known` is of before it was asked. */
void replica_head_told(struct replica *replica, struct store_point known, struct store_point head);
/*
 * The role task's, while the host is open: asks the journal itself. True: it has what was known.
 * False: it could not be asked, and nothing is changed; or it was taken back, which is told once.
 */
bool replica_head_holds(struct replica *replica);
bool replica_is_taken_back(struct replica *replica);

#endif

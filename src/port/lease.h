/* lease.h - who owns a lane for how long: leases by one clock that all replicas share. */
#ifndef PORT_LEASE_H
#define PORT_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "base/time.h"
#include "port/store.h"

/*
 * A lease names the one replica that may answer for a lane, until a moment on the lease's own
 * clock (the database's). A holder never reads that clock: it counts from the moment before it
 * asked, on its own monotonic one, and stops a margin earlier (wallet/lease_keeper.h). So a
 * holder believes in its lease for less time than others do, whatever its wall clock says.
 *
 * The lease keeps answers apart in time; what is written is kept apart by the epoch of the
 * journal (port/store.h), which a new holder raises before it reads.
 *
 * Any task, one call at a time; each returns within LEASE_CALL_MS_MAX.
 */
enum {
    LEASE_CALL_MS_MAX = 2000,
    LEASE_NAME_SIZE = 64,     /* terminated: letters, digits, '.', '_' and '-' */
    LEASE_URL_SIZE = 128,     /* terminated: "https://10.0.0.7:8444" */
    LEASE_MEMBERS_MAX = 1024, /* 64 lanes, 16 replicas */
    /* After a hand-over only the replica that was named may take the lease, for so long. */
    LEASE_PREFERENCE_MS = 1500,
    /* A wish that the owner has not followed by then is forgotten. */
    LEASE_WISH_MS = 30000,
    /* Who has said nothing for so long may have gone, and come back at another place. */
    LEASE_RIVAL_MS = 2000,
};

/* Who asks. */
struct lease_party {
    char name[LEASE_NAME_SIZE];
    char url[LEASE_URL_SIZE]; /* where its peers reach it */
};

/* What is asked for. */
struct lease_term {
    uint32_t lane;
    const struct lease_party *party;
    uint64_t epoch; /* of the lease that is held; not for take() */
    uint32_t ttl_ms;
};

struct lease_view {
    struct lease_party holder;    /* empty: it was given back, or nobody ever held it (epoch 0) */
    char wanted[LEASE_NAME_SIZE]; /* who is to have it next, as somebody asked; empty: nobody */
    uint64_t epoch;               /* of the lease: each take raises it */
    int64_t left_ms;              /* until it expires; 0 or less: it has */
    struct wall_time clock;       /* the lease's own, when it was asked */
    struct store_point head;      /* of the lane's journal, then; batch 0: empty, or not told */
};

/* Whether it goes on; in a table of the database by number. */
enum lease_stage {
    LEASE_STAGE_RUNS = 0,
    LEASE_STAGE_STOPS = 1,   /* it was told to end: it takes no lane, and is not there for long */
    LEASE_STAGE_STOPPED = 2, /* the last thing that it said */
};

/* What a replica tells of itself about a lane. */
struct lease_member {
    struct lease_party party;
    uint32_t lane;
    uint64_t batch; /* of the journal: memory covers it */
    bool holds;     /* it believes that it owns the lane */
    bool warm;      /* it could take the lane over at once */
    enum lease_stage stage;
    int64_t age_ms; /* since it said so; filled by members() */
};

struct lease {
    /* STATUS_NOT_FOUND: nobody ever held it. STATUS_UNAVAILABLE. */
    enum status (*read)(struct lease *lease, uint32_t lane, struct lease_view *out_view,
                        struct error *out_error);

    /*
     * Takes the lease when it is expired and nobody else is wanted (or that one has let
     * LEASE_PREFERENCE_MS pass), raises its epoch, forgets the wish.
     * STATUS_CONFLICT: not taken. STATUS_UNAVAILABLE: not taken.
     * STATUS_IN_DOUBT: taken or not; read() tells, by name and epoch.
     */
    enum status (*take)(struct lease *lease, const struct lease_term *term,
                        struct lease_view *out_view, struct error *out_error);

    /*
     * Sets the end of a lease that is still this party's, expired or not, to ttl_ms from now.
     * STATUS_FENCED: it is not. STATUS_UNAVAILABLE, STATUS_IN_DOUBT: not known to be renewed.
     */
    enum status (*renew)(struct lease *lease, const struct lease_term *term,
                         struct lease_view *out_view, struct error *out_error);

    /*
     * Ends it now, in favour of `to` (empty: of anybody), and for good: it cannot be renewed any
     * more. As renew(); the holder must have stopped answering before.
     */
    enum status (*release)(struct lease *lease, const struct lease_term *term, const char *to,
                           struct error *out_error);

    /* Asks the holder to hand over to `to`. STATUS_NOT_FOUND, STATUS_UNAVAILABLE, _IN_DOUBT. */
    enum status (*want)(struct lease *lease, uint32_t lane, const char *to,
                        struct error *out_error);

    /*
     * Replaces what this party said of itself and the lane. out_rival: where another says that it
     * is this party, within LEASE_RIVAL_MS, and has not stopped; else empty. STATUS_UNAVAILABLE,
     * _IN_DOUBT.
     */
    enum status (*report)(struct lease *lease, const struct lease_member *member,
                          char out_rival[LEASE_URL_SIZE], struct error *out_error);
    /*
     * Those who said something within a day, by lane and name, `limit` of them at most.
     * STATUS_UNAVAILABLE.
     */
    enum status (*members)(struct lease *lease, struct lease_member *out_members, uint32_t limit,
                           uint32_t *out_count, struct error *out_error);

    void (*close)(struct lease *lease); /* accepts NULL */
};

#endif

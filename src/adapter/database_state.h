/*
 * database_state.h - what a database says of itself at one instant: settings, waits, copies, relays.
 * Whatever database it is; texts live as long as the call that hands them over.
 */
#ifndef ADAPTER_DATABASE_STATE_H
#define ADAPTER_DATABASE_STATE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/time.h"

struct database_setting {
    struct str name;
    struct str value;
};

enum database_client { DATABASE_CLIENT_UNKNOWN, DATABASE_CLIENT_ALIVE, DATABASE_CLIENT_GONE };

/* A wait for a lock, or a prepared transaction that stands. */
struct database_wait {
    int64_t xid;                 /* who waits; 0: nobody, or one without a number yet */
    int64_t blocker_xid;         /* 0: it has none yet */
    struct str gid;              /* the blocker is this prepared transaction; "": it is none */
    enum database_client client; /* of the blocker */
    int64_t age_ns;              /* how long the blocker has stood at least; -1: not known */
};

struct database_replica {
    struct str name;
    int64_t pos; /* what it has replayed */
    int64_t primary_pos;
    bool primary; /* it is the primary itself */
};

/* A reader of the log: a replication slot, say. */
struct database_relay {
    struct str name;
    const char *op; /* of docs/bundle.md */
    int64_t to_pos; /* as far as it has confirmed */
};

enum { DATABASE_VERSION_SIZE = 64 };

/* When it was asked, by its own clock, which is so far ahead of ours. */
struct database_instant {
    struct wall_time at;
    int64_t offset_ns;
    int64_t offset_error_ns;
    char version[DATABASE_VERSION_SIZE];
};

/* What is not OK ends the reading, and is its result. */
struct database_visitor {
    void *context;
    enum status (*setting)(void *context, const struct database_setting *setting);
    enum status (*wait)(void *context, const struct database_wait *wait);
    enum status (*replica)(void *context, const struct database_replica *replica);
    enum status (*relay)(void *context, const struct database_relay *relay);
};

enum database_part {
    DATABASE_SETTINGS,
    DATABASE_WAITS,
    DATABASE_REPLICAS,
    DATABASE_RELAYS, /* the last one: not every database has them */
    DATABASE_PARTS,
};

/*
 * One clock against ours, from questions about what time it is: the one with the shortest way there
 * and back counts.
 */
struct database_clock {
    struct wall_time asked;
    struct wall_time answered;
    struct wall_time said;
};
/* Keeps the better one in *instant, whose error is -1 before the first. */
void database_clock_take(const struct database_clock *clock, struct database_instant *instant);

#endif

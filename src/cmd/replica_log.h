/* replica_log.h - what a replica says about itself and its lane, each event with its facts. */
#ifndef CMD_REPLICA_LOG_H
#define CMD_REPLICA_LOG_H

#include <stdbool.h>

#include "base/error.h"
#include "port/lease.h"
#include "port/log.h"

/* Whose lines they are; what it points to outlives it. */
struct replica_log {
    struct log *log;
    const char *name;
    uint32_t lane;
};

void replica_log_say(const struct replica_log *log, enum log_level level, struct str event,
                     const char *text);
void replica_log_error(const struct replica_log *log, struct str event, const struct error *error);

/* skew_ms: ahead of the database's clock; negative: behind. */
void replica_log_clock(const struct replica_log *log, bool off, int64_t skew_ms);
/* Nothing, unless the journal's newest stamp is CLOCK_SKEW_MS_MAX ahead of the clock. */
void replica_log_time(const struct replica_log *log, struct wall_time newest, struct wall_time now);

struct replica_loss {
    struct lease_party holder; /* empty: it is not known */
    int64_t renewed_ms_ago;    /* the newest renewal that came */
    int64_t lease_ms;
    int64_t renewal_took_ms;   /* the newest one, whatever came of it */
    const char *renewal_error; /* why renewals did not come; "": they came too late */
};
void replica_log_lost(const struct replica_log *log, const struct replica_loss *loss);

/* The lease told of a head that cannot be, and the journal has all that was known. */
void replica_log_doubted(const struct replica_log *log);
/* The journal's head is batch `head`, and what was answered from went up to batch `known`. */
void replica_log_taken_back(const struct replica_log *log, uint64_t known, uint64_t head,
                            const struct error *error);

/* The lane's verifiable log is not kept while it is owned here. */
void replica_log_no_key(const struct replica_log *log, const char *folder);

/* Another server says that it is this replica. */
void replica_log_name_shared(const struct replica_log *log, const char *url);

#endif

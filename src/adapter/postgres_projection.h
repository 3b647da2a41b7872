/* postgres_projection.h - keeps typed tables in PostgreSQL behind a journal, for auditors and reports. */
#ifndef ADAPTER_POSTGRES_PROJECTION_H
#define ADAPTER_POSTGRES_PROJECTION_H

#include "adapter/postgres_connection.h"
#include "base/buf.h"
#include "base/error.h"
#include "port/clock.h"
#include "port/log.h"
#include "port/store.h"
#include "port/sync.h"

/*
 * A task of its own reads batches that are committed and writes their rows with COPY, balances
 * and cursor in the same transaction: what a crash cuts off is done again, and nothing twice. The
 * cursor moves only from where it was thought to be, so two that fill the same tables cannot
 * both. When the journal is not the one that the tables were filled from, it raises an alarm and
 * stops; postgres_projection_clear() makes room for a new start.
 *
 * A gate before the journal bounds the lag: an append waits, for PROJECTION_WAIT_MS_MAX at most,
 * while the tables are further behind than that and are making progress.
 */
enum {
    PROJECTION_POLL_MS = 50,
    PROJECTION_WAIT_MS_MAX = 1000, /* of one append: less than what the store may take itself */
};

struct postgres_projection_options {
    const char *url; /* as postgres_store.h's; copied */
    enum postgres_schema schema;
    uint32_t lane;
    struct store *journal; /* outlives the projection; so do those below */
    struct sync *sync;
    struct clock *clock;
    struct log *log;
};

struct postgres_projection_status {
    uint64_t head;    /* of the journal, when last looked at */
    uint64_t batch;   /* all of which is in the tables */
    int64_t lag_ns;   /* between the stamps of these two; 0 when they are the same */
    uint64_t rows;    /* transfers written since open, as all below */
    uint64_t commits; /* transactions */
    uint64_t failures;
    uint64_t waits;     /* appends that waited at the gate */
    int64_t wait_ns;    /* for so long */
    bool stopped;       /* for good: see fault */
    struct error fault; /* the newest */
};

struct postgres_projection;

/* The schema is made or brought up; nothing is filled yet. STATUS_INVALID, STATUS_DENIED, STATUS_UNAVAILABLE. */
enum status postgres_projection_open(const struct postgres_projection_options *options,
                                     struct postgres_projection **out_projection,
                                     struct error *out_error) MUST_CHECK;
/* Starts the task: by whoever owns the lane, once. STATUS_UNAVAILABLE. */
enum status postgres_projection_start(struct postgres_projection *projection,
                                      struct error *out_error) MUST_CHECK;
/* Ends the task when its transaction is over. Accepts NULL. */
void postgres_projection_close(struct postgres_projection *projection);

void postgres_projection_get_status(struct postgres_projection *projection,
                                    struct postgres_projection_status *out_status);
/* Waits until all is in the tables that is in the journal by now, or until it fails for good. */
void postgres_projection_catch_up(struct postgres_projection *projection);
/* Appends what Prometheus reads. */
void postgres_projection_metrics(struct postgres_projection *projection, struct buf *out_page);

/*
 * The journal behind a gate: a store that is `inner` but for appends that wait. Closing it leaves
 * inner open. lag_max_ns 0: nothing waits.
 */
struct store *postgres_projection_gate(struct postgres_projection *projection, struct store *inner,
                                       int64_t lag_max_ns);

/* Empties the tables of all lanes, and their cursors. As postgres_connection_open(). */
enum status postgres_projection_clear(const char *url, struct error *out_error) MUST_CHECK;

#endif

/* index.h - one index of a lane: from a 128-bit key to records, over all of history. */
#ifndef WALLET_INDEX_H
#define WALLET_INDEX_H

#include "port/run_store.h"
#include "wallet/run.h"

/*
 * The newest entries are in a table in memory; a full table is frozen and becomes a sorted run
 * in the run store; runs that overlap too deeply are merged. An index is a projection: its
 * cursor says up to which batch its runs cover the journal, and the rest is read again from the
 * journal at open.
 *
 * The lane's own task inserts and looks up; it also hands out jobs (write a run, merge runs),
 * which the index task carries out beside it, and takes their results in. No lock is needed: a
 * job touches only what is frozen or immutable.
 */
struct index;

enum {
    INDEX_TABLES_MAX = 3,  /* one active, the rest frozen and on their way to the run store */
    INDEX_RUNS_MAX = 4096, /* at 2^20 ids a run, four thousand million ids */
    INDEX_FIND_MAX = PAGE_ITEMS_MAX + 1, /* one more than a page: whether there is more */
    INDEX_DEPTH_MAX = 8,       /* runs of a level that cover one key before they are merged */
    INDEX_IDLE_BATCHES = 1024, /* an empty index's cursor moves on so many at a time */
};

struct index_options {
    uint32_t number;       /* in the run store */
    uint32_t memtable_ids; /* entries in a table before it is frozen */
    uint32_t batch_ids;    /* at most this many are inserted between two calls of freeze */
    uint64_t seed;
};

/* STATUS_LIMIT when the address space is refused. */
enum status index_new(struct run_store *store, const struct index_options *options,
                      struct index **out_index) MUST_CHECK;
/* No job may be out. Accepts NULL. */
void index_free(struct index *index);

/* Forgets what is in memory and loads the runs. STATUS_CORRUPT, STATUS_UNAVAILABLE, _LIMIT. */
enum status index_load(struct index *index, struct error *out_error) MUST_CHECK;
/* The batch up to and with which the runs cover the journal; and that with its hash. */
uint64_t index_cursor(const struct index *index);
struct store_point index_point(const struct index *index);

/*
 * All of the journal up to and with this batch, which is durable, was inserted: runs may bear it
 * as their cursor. Called for each batch in turn; one that is not above the last is ignored.
 */
void index_reach(struct index *index, struct store_point point);

/* Whether a chunk of a run was found damaged since the runs were loaded. */
bool index_is_damaged(const struct index *index);

void index_prefetch(const struct index *index, struct uuid key);
void index_insert(struct index *index, struct uuid key, struct locator locator);

/*
 * The one record of a key that has but one. STATUS_NOT_FOUND; STATUS_CORRUPT and STATUS_UNAVAILABLE from the
 * run store. An absent key costs no read unless a filter lets it pass (under 1 % a run).
 */
enum status index_find(struct index *index, struct uuid key, struct locator *out_locator,
                       struct error *out_error) MUST_CHECK;
/* The records of a key above `after`, in journal order, at most `limit` (INDEX_FIND_MAX). */
enum status index_find_after(struct index *index, const struct index_query *query,
                             uint32_t *out_found, struct error *out_error) MUST_CHECK;

/*
 * Between two batches: freezes the active table when it is full or has anything of a batch up
 * to `up_to` (0: only when it is full), as covering the journal up to and with last_batch.
 * False: no table is free for what comes next; wait for a job.
 */
bool index_freeze(struct index *index, uint64_t last_batch, uint64_t up_to);
/* What is in memory of batches up to `up_to` (UINT64_MAX: anything) is also in a run. */
bool index_caught_up(const struct index *index, uint64_t up_to);
bool index_is_full(const struct index *index);
/*
 * The batch up to which the runs hold all that there is, at most `head`: the cursor, or beyond it
 * where batches brought nothing to this index.
 */
uint64_t index_covered(const struct index *index, uint64_t head);

/* ---- Jobs ---- */

/* With neither table nor inputs only the cursor moves: nothing came in for long. */
struct index_job {
    struct index *index;
    struct memtable *table;              /* to be written as a run, or NULL */
    struct run *inputs[INDEX_DEPTH_MAX]; /* to be merged */
    uint32_t input_count;
    uint64_t run_id;
    struct store_point cursor;
    struct run *output;
    enum status status;
    struct error error;
};

/* False when there is nothing to do; tables of batches that were not reached wait. */
bool index_next_job(struct index *index, struct index_job *out_job);
/* On the index task. Writes the result into the job. */
void index_job_run(struct index_job *job);
/* On the lane's task: takes the result in. A failed job's table stays frozen, to be tried again. */
void index_job_done(struct index_job *job);

#endif

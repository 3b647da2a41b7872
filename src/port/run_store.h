/* run_store.h - where a lane's index keeps its sorted runs: rebuildable from the journal. */
#ifndef PORT_RUN_STORE_H
#define PORT_RUN_STORE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "port/store.h"

/*
 * A run is an immutable sorted table of one index, cut into chunks; beside it stands a filter
 * and the fences (first key of each chunk) as one blob. Runs are written whole and become
 * visible with the cursor in one commit: the cursor is the newest batch whose entries are all
 * in runs, with its hash, by which a journal that was taken back is told. Losing this store costs a rebuild, never money; it need not be synced per call, but
 * after a crash it must show some state that a commit made.
 *
 * One writer task; chunk_read also from other tasks beside it. Each call within 10 s.
 */
struct run_info {
    uint32_t index;   /* which index: the caller's number */
    uint32_t level;   /* the caller's, for merging */
    uint64_t id;      /* from 1, given by the caller, never used again */
    uint64_t entries; /* how many */
    uint32_t chunks;
};

/* What becomes true at once: see commit(). */
enum { RUN_REPLACED_MAX = 64 };

struct run_commit {
    const struct run_info *run; /* becomes visible; NULL: only the cursor moves, or runs go */
    struct str summary;         /* of that run: filter and fences */
    const uint64_t *replaced;   /* ids of runs that go */
    uint32_t replaced_count;
    uint32_t index;
    struct store_point cursor; /* of that index from here on */
};

struct run_store {
    /* STATUS_CORRUPT (the caller drops all and rebuilds), STATUS_UNAVAILABLE. */
    enum status (*cursor)(struct run_store *store, uint32_t index, struct store_point *out_cursor,
                          struct error *out_error);
    /* Appends an array of struct run_info to out_runs, ordered by id. */
    enum status (*list)(struct run_store *store, uint32_t index, struct buf *out_runs,
                        struct error *out_error);
    /* The blob of filter and fences, as written. */
    enum status (*summary_read)(struct run_store *store, uint64_t run, struct buf *out_summary,
                                struct error *out_error);
    enum status (*chunk_read)(struct run_store *store, uint64_t run, uint32_t chunk,
                              struct buf *out_chunk, struct error *out_error);

    /*
     * Chunks of a run not yet visible, in order from 0. STATUS_LIMIT when the disk is full,
     * STATUS_UNAVAILABLE. A run that is never committed is removed at the next open.
     */
    enum status (*chunk_write)(struct run_store *store, uint64_t run, uint32_t chunk,
                               const void *data, size_t size, struct error *out_error);
    /*
     * Makes `run` visible, removes the runs `replaced` (RUN_REPLACED_MAX at most), and moves the
     * index's cursor, all in one commit. The chunks of what was removed can be read until the
     * next commit, clear or open: another task may still be looking into them. STATUS_LIMIT,
     * STATUS_UNAVAILABLE.
     */
    enum status (*commit)(struct run_store *store, const struct run_commit *commit,
                          struct error *out_error);
    /* Forgets everything of all indexes, durably: the first step of a rebuild. */
    enum status (*clear)(struct run_store *store, struct error *out_error);
    void (*close)(struct run_store *store);
};

#endif

/* sim_run_store.h - an index's sorted runs in memory (port/run_store.h), with faults. */
#ifndef SIM_SIM_RUN_STORE_H
#define SIM_SIM_RUN_STORE_H

#include "port/run_store.h"
#include "sim/process.h"

/*
 * A shelf is what survives: the runs and cursors of every commit. Unlike the journal it may
 * lose its newest commits in a crash, as a file without a sync does: down to some earlier
 * commit, or down to nothing.
 *
 * Faults: RUNS_UNAVAILABLE, RUNS_FULL, RUNS_DAMAGED; and RUNS_LOST, RUNS_LOST_ALL in
 * sim_shelf_crash().
 */
struct sim_shelf;

/* misused: the caller of a run store broke its contract; text is static. */
struct sim_shelf *sim_shelf_new(struct world *world, struct faults *faults,
                                void (*misused)(void *owner, const char *text), void *owner);
/* Accepts NULL. */
void sim_shelf_free(struct sim_shelf *shelf);
/* The machine went down: uncommitted runs go, and maybe some commits. No store may be open. */
void sim_shelf_crash(struct sim_shelf *shelf);
/* An operator deletes the index, as the manual allows. No store may be open. */
void sim_shelf_wipe(struct sim_shelf *shelf);
bool sim_shelf_damaged(const struct sim_shelf *shelf);
uint64_t sim_shelf_commits(const struct sim_shelf *shelf);

/* Removes runs that were never committed. */
struct run_store *sim_run_store_open(struct sim_shelf *shelf, struct process *process);

#endif

/* sim_relay_store.h - the relay_store port in memory, with faults; a crash may take it back. */
#ifndef SIM_SIM_RELAY_STORE_H
#define SIM_SIM_RELAY_STORE_H

#include "port/relay_store.h"
#include "sim/process.h"

/*
 * A board is what survives: as a file without a sync does, it may show in a crash what stood on
 * it after some earlier save of an endpoint, or nothing at all.
 *
 * Its calls pass the points STORE_APPEND, STORE_APPENDED and STORE_READ; the faults
 * STORE_UNAVAILABLE and DISK_FULL strike in them, RUNS_LOST and RUNS_LOST_ALL in
 * sim_board_crash().
 */
struct sim_board;

struct sim_board *sim_board_new(struct world *world, struct faults *faults);
/* No store may be open. Accepts NULL. */
void sim_board_free(struct sim_board *board);
/* The machine went down: maybe the newest saves go, maybe all. No store may be open. */
void sim_board_crash(struct sim_board *board);

struct relay_store *sim_relay_store_open(struct sim_board *board, struct process *process);

#endif

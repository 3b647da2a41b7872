/* sim_log_store.h - the log_store port in memory, with faults; a crash may take files back. */
#ifndef SIM_SIM_LOG_STORE_H
#define SIM_SIM_LOG_STORE_H

#include "port/log_store.h"
#include "sim/process.h"

/*
 * A rack is what survives. In a crash each file that was not synced stays, is gone, or is empty;
 * the head stays.
 *
 * Its calls pass the points STORE_APPEND, STORE_APPENDED and STORE_READ; the faults
 * STORE_UNAVAILABLE and DISK_FULL strike in them, RUNS_LOST and RUNS_LOST_ALL (all files are gone)
 * in sim_rack_crash().
 */
struct sim_rack;

struct sim_rack *sim_rack_new(struct world *world, struct faults *faults);
/* No store may be open. Accepts NULL. */
void sim_rack_free(struct sim_rack *rack);
void sim_rack_crash(struct sim_rack *rack);
/* Somebody at the machine removes the files, and the head too if told to. */
void sim_rack_clear(struct sim_rack *rack, bool head_too);

struct log_store *sim_log_store_open(struct sim_rack *rack, struct process *process);

#endif

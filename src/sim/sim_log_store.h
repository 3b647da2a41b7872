/* sim_log_store.h - the log_store port in memory, with faults; a crash may take files back. */
#ifndef SIM_SIM_LOG_STORE_H
#define SIM_SIM_LOG_STORE_H

#include "port/log_store.h"
#include "sim/process.h"

/*
 * A rack is what survives. In a crash each file that was not synced may be what it was before, or
 * be empty, or end in its midst; the head, once written, stays.
 *
 * Faults: LOG_FILES_UNAVAILABLE, LOG_FILES_IN_DOUBT, LOG_FILES_FULL; LOG_FILES_LOST and
 * LOG_FILES_LOST_ALL (all files are gone, the head is not) in sim_rack_crash().
 */
struct sim_rack;

/* Both are called in the moment in which it can be seen. May be NULL. */
struct sim_rack_observer {
    void (*head_recorded)(void *owner, const struct log_head *head);
    void (*checkpoint_shown)(void *owner, struct str note);
    void *owner;
};

struct sim_rack *sim_rack_new(struct world *world, struct faults *faults);
void sim_rack_observe(struct sim_rack *rack, struct sim_rack_observer observer);
/* No store may be open. Accepts NULL. */
void sim_rack_free(struct sim_rack *rack);
/* No store may be open. True: all files are gone. */
bool sim_rack_crash(struct sim_rack *rack);
/* Somebody at the machine removes the files, and the head too if told to. */
void sim_rack_clear(struct sim_rack *rack, bool head_too);

/* A file as it is now, good until the next call that changes it; false: there is none. */
bool sim_rack_file(const struct sim_rack *rack, struct str name, struct str *out_bytes,
                   bool *out_synced);

struct log_store *sim_log_store_open(struct sim_rack *rack, struct process *process);

#endif

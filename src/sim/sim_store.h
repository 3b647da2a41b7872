/* sim_store.h - the journal and its checkpoint in memory (port/store.h), with faults. */
#ifndef SIM_SIM_STORE_H
#define SIM_SIM_STORE_H

#include "port/store.h"
#include "sim/process.h"

/*
 * A disk is what survives: the batches, the slices, the epoch. Stores are opened on it by
 * processes; a crash ends a store, never the disk. What is on the disk is durable by
 * definition: an append takes effect in one moment, between the points STORE_FLUSH and
 * STORE_APPENDED.
 *
 * Faults: STORE_UNAVAILABLE, STORE_SLOW, DISK_FULL, LOST_COMMIT, LOST_REPLY, REOPEN_FAILS,
 * FLIP_BATCH, FLIP_SLICE. A flip stays until sim_disk_repair(); the undamaged bytes are kept
 * beside it, as a backup would.
 */
struct sim_disk;

struct sim_batch {
    void *data;
    size_t size;
    struct digest hash;
    struct wall_time stamp;
    uint64_t epoch;
};

struct sim_disk_observer {
    /* A batch became durable, in this moment; batch is the disk's copy. */
    void (*appended)(void *owner, uint64_t sequence, const struct sim_batch *batch);
    /* The caller of a store broke its contract. text is static. */
    void (*misused)(void *owner, const char *text);
    void *owner;
};

/* Stops the program when memory is lacking; so do all below. */
struct sim_disk *sim_disk_new(struct world *world, struct faults *faults,
                              struct sim_disk_observer observer);
/* No store may be open on it. Accepts NULL. */
void sim_disk_free(struct sim_disk *disk);

uint64_t sim_disk_head(const struct sim_disk *disk);
/* sequence 1..head; as written, damaged or not. */
const struct sim_batch *sim_disk_batch(const struct sim_disk *disk, uint64_t sequence);
bool sim_disk_damaged(const struct sim_disk *disk);
/* Undoes every flip. */
void sim_disk_repair(struct sim_disk *disk);

/* Opening is no fault's opportunity; claim and head are. */
struct store *sim_store_open(struct sim_disk *disk, struct process *process);

#endif

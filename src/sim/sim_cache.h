/* sim_cache.h - the cache port in memory, which forgets: in part, in whole, and when it is asked. */
#ifndef SIM_SIM_CACHE_H
#define SIM_SIM_CACHE_H

#include "port/cache.h"
#include "sim/process.h"

/*
 * A pantry is what the cache's server keeps. Its calls pass the points STORE_READ (get) and
 * STORE_APPEND; STORE_UNAVAILABLE and STORE_SLOW strike in them, LOST_REPLY after their effect;
 * RUNS_LOST takes values (evicted), RUNS_LOST_ALL the whole (flushed, or restarted empty).
 */
struct sim_pantry;

struct sim_pantry *sim_pantry_new(struct world *world, struct faults *faults);
/* No cache may be open. Accepts NULL. */
void sim_pantry_free(struct sim_pantry *pantry);
void sim_pantry_empty(struct sim_pantry *pantry);

struct cache *sim_cache_open(struct sim_pantry *pantry, struct process *process);

#endif

/* world.h - the simulated world: tasks that a seed puts in order, virtual time, and the trace. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/prng.h"
#include "base/time.h"
#include "port/sync.h"

/*
 * Everything that happens follows from the seed. Tasks are coroutines: one runs until it
 * reaches a scheduling point, where the seed picks the next of those that can run. Virtual
 * time moves a little with every step, and jumps to the nearest deadline when nobody can run.
 *
 * The trace is a hash of every pick and of whatever the ports mix in; two runs of a seed have
 * the same trace. Addresses must never get into it, nor into any decision.
 *
 * All of it belongs to one thread. A world is run from outside by world_run(); the task_ calls
 * that speak of "the caller" are made by its tasks.
 */
struct world;

enum { WORLD_STEP_NS = 500 }; /* what a step takes */

enum world_end {
    WORLD_DONE,    /* every task has ended */
    WORLD_STUCK,   /* some wait for what nobody will do */
    WORLD_STEPS,   /* steps_max were made; run again to go on */
    WORLD_STOPPED, /* world_stop() was called */
};

/* Stops the program when memory is lacking. */
struct world *world_new(uint64_t seed);
/* Tasks that have not ended are dropped where they are, with what they hold. Accepts NULL. */
void world_free(struct world *world);

/* steps_max counts from now. */
enum world_end world_run(struct world *world, uint64_t steps_max);
/* Called by a task: world_run() returns at the next scheduling point. */
void world_stop(struct world *world);

/* A stream of the world's seed; streams with different numbers are independent. */
struct prng world_stream(const struct world *world, uint64_t stream);
struct monotonic_time world_now(const struct world *world);
uint64_t world_steps(const struct world *world);
/* Adds to the trace. */
void world_mix(struct world *world, uint64_t value);
uint64_t world_trace(const struct world *world);
/* How many tasks have not ended, and the name and place of each, for the report of a hang. */
uint32_t world_task_count(const struct world *world);
const char *world_task_name(const struct world *world, uint32_t index);

/* From outside or from a task. name is static. The task is the world's; it can be joined. */
struct task *task_spawn(struct world *world, const char *name, void (*body)(void *argument),
                        void *argument);
struct task *task_current(const struct world *world);
struct world *task_world(const struct task *task);

/* A scheduling point of the caller. */
void task_yield(struct world *world);
/* The caller waits for task_wake() or `until`, whichever is first; false: `until` passed. */
bool task_block(struct world *world, struct monotonic_time until);
void task_sleep(struct world *world, int64_t ns);
/* Ends the task's block; does nothing when it is not blocked. */
void task_wake(struct task *task);
/* The caller waits until it has ended. */
void task_join(struct world *world, struct task *task);

#endif

/* coroutine.h - tasks that take turns on one thread, each on a stack of its own. */
#ifndef SIM_COROUTINE_H
#define SIM_COROUTINE_H

#include <stddef.h>

/*
 * Stackful coroutines over ucontext. Switching is explicit and symmetric: whoever runs names
 * who runs next. The sanitizers are told of every switch.
 *
 * Stacks come from a pool that keeps them for reuse; below each lies a page that cannot be
 * touched, so that an overflow stops the program at once. All of it belongs to one thread.
 */
struct coroutine_pool;
struct coroutine;

enum { COROUTINE_STACK_SIZE = 512 << 10 }; /* address space; the kernel gives pages when touched */

/* Stops the program when memory is lacking. */
struct coroutine_pool *coroutine_pool_new(void);
/* Every coroutine of the pool must be freed before. Accepts NULL. */
void coroutine_pool_free(struct coroutine_pool *pool);

/* Stands for whoever calls, who already has a stack; to switch from and back to. */
struct coroutine *coroutine_of_caller(struct coroutine_pool *pool);
/* Starts at the first switch to it. body must end in coroutine_leave(), never return. */
struct coroutine *coroutine_new(struct coroutine_pool *pool, void (*body)(void *argument),
                                void *argument);

/* from is the one that runs; comes back when somebody switches to it again. */
void coroutine_switch(struct coroutine *from, struct coroutine *to);
/* The same, for ever: from can only be freed after it. */
_Noreturn void coroutine_leave(struct coroutine *from, struct coroutine *to);

/* Not the one that runs: one that left, never started, or a caller's. Accepts NULL. */
void coroutine_free(struct coroutine *coroutine);

#endif

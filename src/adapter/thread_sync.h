/* thread_sync.h - port/sync.h over POSIX threads: a task is a thread. */
#ifndef ADAPTER_THREAD_SYNC_H
#define ADAPTER_THREAD_SYNC_H

#include <signal.h>

#include "port/sync.h"

/*
 * The one instance, always there; not to be freed. Deadlines are on CLOCK_MONOTONIC, as those
 * of system_clock.h are. Misuse of a monitor (locked twice, unlocked by a stranger, waited for
 * without holding it) stops the program.
 *
 * A task's thread carries the first 15 characters of its name, and has every signal blocked
 * but those that a fault of its own raises, so that signals reach the thread that asked for
 * them.
 */
struct sync *thread_sync(void);

/*
 * The same for threads that a library starts: they inherit the mask of their maker. Blocks on the
 * calling thread and remembers what was blocked before.
 */
void thread_signals_block(sigset_t *out_before);
void thread_signals_restore(const sigset_t *before);

#endif

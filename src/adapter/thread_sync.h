/* thread_sync.h - port/sync.h over POSIX threads: a task is a thread. */
#ifndef ADAPTER_THREAD_SYNC_H
#define ADAPTER_THREAD_SYNC_H

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

#endif

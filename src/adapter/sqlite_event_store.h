/* sqlite_event_store.h - port/event_store.h in a file of SQLite, whose tables others read. */
#ifndef ADAPTER_SQLITE_EVENT_STORE_H
#define ADAPTER_SQLITE_EVENT_STORE_H

#include "port/event_store.h"

/*
 * Tables for others: `payment` (each as its newest event shows it) and `happened` (how many events
 * of each type on each day). Several processes may use one file. What a power cut takes is read
 * again from the topic.
 *
 * Made when it is not there, for its owner alone. STATUS_DENIED, STATUS_CORRUPT,
 * STATUS_UNAVAILABLE, STATUS_LIMIT.
 */
enum status sqlite_event_store_open(const char *path, struct event_store **out_store,
                                    struct error *out_error) MUST_CHECK;

#endif

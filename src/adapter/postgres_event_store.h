/* postgres_event_store.h - port/event_store.h in PostgreSQL: schema tpwallet_events, read by others. */
#ifndef ADAPTER_POSTGRES_EVENT_STORE_H
#define ADAPTER_POSTGRES_EVENT_STORE_H

#include "port/event_store.h"

/*
 * Tables for others: `payment` and `happened`, as sqlite_event_store.h's. The database may be
 * anybody's; the schema is made when it is not there, and one database has one book. Transactions
 * of consumers follow one another, as in a file. A connection that is lost stays so.
 *
 * STATUS_INVALID: the URL, the server, or a schema that this program does not know. STATUS_DENIED,
 * STATUS_UNAVAILABLE, STATUS_LIMIT.
 */
enum status postgres_event_store_open(const char *url, struct event_store **out_store,
                                      struct error *out_error) MUST_CHECK;

#endif

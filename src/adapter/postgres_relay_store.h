/* postgres_relay_store.h - the relay_store port over PostgreSQL: tables delivery and dead_letter. */
#ifndef ADAPTER_POSTGRES_RELAY_STORE_H
#define ADAPTER_POSTGRES_RELAY_STORE_H

#include "adapter/postgres_guard.h"
#include "port/relay_store.h"

/* url is as postgres_store.h's. The schema is made or brought up. STATUS_INVALID, STATUS_DENIED,
 * STATUS_UNAVAILABLE; also what a write says once the lane has another owner. */
enum status postgres_relay_store_open(const char *url, struct postgres_owner owner,
                                      struct relay_store **out_store, struct error *out_error)
    MUST_CHECK;

#endif

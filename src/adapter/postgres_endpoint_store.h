/* postgres_endpoint_store.h - the endpoint_store port over PostgreSQL: table endpoint, secrets and all. */
#ifndef ADAPTER_POSTGRES_ENDPOINT_STORE_H
#define ADAPTER_POSTGRES_ENDPOINT_STORE_H

#include "adapter/postgres_guard.h"
#include "port/endpoint_store.h"

/* url is as postgres_store.h's. The schema is made or brought up. STATUS_INVALID, STATUS_DENIED,
 * STATUS_UNAVAILABLE; also what a write says once the lane has another owner. */
enum status postgres_endpoint_store_open(const char *url, struct postgres_owner owner,
                                         struct endpoint_store **out_store, struct error *out_error)
    MUST_CHECK;

#endif

/* postgres_scratch.h - a ledger in a database for as long as something is measured. */
#ifndef ADAPTER_POSTGRES_SCRATCH_H
#define ADAPTER_POSTGRES_SCRATCH_H

#include "adapter/postgres_connection.h"

/*
 * Makes the schema, which must not be there, with an empty lane 0 in it. STATUS_CONFLICT: it is
 * there, and stays. STATUS_INVALID, STATUS_DENIED, STATUS_UNAVAILABLE as postgres_store_create().
 */
enum status postgres_scratch_make(const char *url, enum postgres_schema schema,
                                  struct error *out_error) MUST_CHECK;

/* Only of what was made here: drops it with all that is in it. STATUS_DENIED, STATUS_UNAVAILABLE. */
enum status postgres_scratch_drop(const char *url, enum postgres_schema schema,
                                  struct error *out_error) MUST_CHECK;

#endif

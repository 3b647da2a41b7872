/* postgres_schema_lease.h - step 2 of the schema: who owns a lane for how long, and who could. */
#ifndef ADAPTER_POSTGRES_SCHEMA_LEASE_H
#define ADAPTER_POSTGRES_SCHEMA_LEASE_H

#include "adapter/postgres_migrations.h"

extern const struct postgres_migration POSTGRES_SCHEMA_LEASE;

#endif

/* postgres_schema_projection.h - step of the schema: the journal as typed tables, for auditors and reports. */
#ifndef ADAPTER_POSTGRES_SCHEMA_PROJECTION_H
#define ADAPTER_POSTGRES_SCHEMA_PROJECTION_H

#include "adapter/postgres_migrations.h"

extern const struct postgres_migration POSTGRES_SCHEMA_PROJECTION;

#endif

/* postgres_schema_stage.h - step of the schema: whether a replica goes on, stops or has stopped. */
#ifndef ADAPTER_POSTGRES_SCHEMA_STAGE_H
#define ADAPTER_POSTGRES_SCHEMA_STAGE_H

#include "adapter/postgres_migrations.h"

extern const struct postgres_migration POSTGRES_SCHEMA_STAGE;

#endif

/* postgres_schema_webhook_lanes.h - step of the schema: webhooks of each lane apart. */
#ifndef ADAPTER_POSTGRES_SCHEMA_WEBHOOK_LANES_H
#define ADAPTER_POSTGRES_SCHEMA_WEBHOOK_LANES_H

#include "adapter/postgres_migrations.h"

extern const struct postgres_migration POSTGRES_SCHEMA_WEBHOOK_LANES;

#endif

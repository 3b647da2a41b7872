/* postgres_schema_webhook.h - step of the schema: webhooks in and out, for replicas that share them. */
#ifndef ADAPTER_POSTGRES_SCHEMA_WEBHOOK_H
#define ADAPTER_POSTGRES_SCHEMA_WEBHOOK_H

#include "adapter/postgres_migrations.h"

extern const struct postgres_migration POSTGRES_SCHEMA_WEBHOOK;

#endif

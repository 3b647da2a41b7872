/* postgres_schema_ledger.h - step of the schema: which ledger it is. */
#ifndef ADAPTER_POSTGRES_SCHEMA_LEDGER_H
#define ADAPTER_POSTGRES_SCHEMA_LEDGER_H

#include "adapter/postgres_migrations.h"

extern const struct postgres_migration POSTGRES_SCHEMA_LEDGER;

#endif

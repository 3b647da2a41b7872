/* postgres_schema_journal.h - step 1 of the schema: lanes, their batches, slices of their checkpoints. */
#ifndef ADAPTER_POSTGRES_SCHEMA_JOURNAL_H
#define ADAPTER_POSTGRES_SCHEMA_JOURNAL_H

#include "adapter/postgres_migrations.h"

extern const struct postgres_migration POSTGRES_SCHEMA_JOURNAL;

#endif

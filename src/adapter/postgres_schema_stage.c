#include "adapter/postgres_schema_stage.h"

static const char SQL[] =
    "ALTER TABLE replica ADD COLUMN stage integer NOT NULL DEFAULT 0;"
    "COMMENT ON COLUMN replica.stage IS '0 it goes on, 1 it is being stopped, 2 it has stopped';"
    "COMMENT ON COLUMN lease.holder IS 'Name of the replica that holds it, or did last';";

const struct postgres_migration POSTGRES_SCHEMA_STAGE = {
    .number = 7,
    .name = "stage",
    .sql = SQL,
};

#include "adapter/postgres_schema_webhook_lanes.h"

/* What was there is lane 0's, which alone had webhooks. */
static const char SQL[] =
    "ALTER TABLE inbox ADD COLUMN lane integer NOT NULL DEFAULT 0;"
    "ALTER TABLE endpoint ADD COLUMN lane integer NOT NULL DEFAULT 0;"
    "ALTER TABLE delivery ADD COLUMN lane integer NOT NULL DEFAULT 0;"
    "ALTER TABLE dead_letter ADD COLUMN lane integer NOT NULL DEFAULT 0;"
    "ALTER TABLE endpoint DROP CONSTRAINT endpoint_pkey,"
    " ADD CONSTRAINT endpoint_pkey PRIMARY KEY(lane, id);"
    "ALTER TABLE delivery DROP CONSTRAINT delivery_pkey,"
    " ADD CONSTRAINT delivery_pkey PRIMARY KEY(lane, endpoint);"
    "ALTER TABLE dead_letter DROP CONSTRAINT dead_letter_pkey,"
    " ADD CONSTRAINT dead_letter_pkey PRIMARY KEY(lane, endpoint, sequence);"
    "DROP INDEX inbox_unmarked;"
    "CREATE INDEX inbox_unmarked ON inbox(lane, id) WHERE mark = 0;"
    "COMMENT ON COLUMN inbox.lane IS 'The home of the payment it says to be about';"
    "COMMENT ON COLUMN endpoint.lane IS 'Whose events: lane 0 makes endpoints, others follow it';"
    "COMMENT ON COLUMN delivery.lane IS 'Whose events';"
    "COMMENT ON COLUMN dead_letter.lane IS 'Whose events';";

const struct postgres_migration POSTGRES_SCHEMA_WEBHOOK_LANES = {
    .number = 5,
    .name = "webhook_lanes",
    .sql = SQL,
};

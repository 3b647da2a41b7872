#include "adapter/postgres_schema_ledger.h"

/* Empty in a database that has SQL tables only: their ledger is elsewhere. */
static const char SQL[] =
    "CREATE TABLE ledger("
    " number integer PRIMARY KEY CHECK (number = 0),"
    " id uuid NOT NULL,"
    " made_at timestamptz NOT NULL DEFAULT now());"
    "COMMENT ON TABLE ledger IS"
    " 'One row: which ledger it is, so that a folder of another one is refused';"
    "COMMENT ON COLUMN ledger.number IS '0: there is one';"
    "COMMENT ON COLUMN ledger.id IS 'Drawn once, by init; each folder of the ledger has it too';"
    "COMMENT ON COLUMN ledger.made_at IS 'When it was written here'";

const struct postgres_migration POSTGRES_SCHEMA_LEDGER = {
    .number = 6,
    .name = "ledger",
    .sql = SQL,
};

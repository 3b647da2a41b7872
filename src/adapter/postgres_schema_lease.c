#include "adapter/postgres_schema_lease.h"

static const char SQL[] =
    "CREATE TABLE lease("
    " lane integer PRIMARY KEY,"
    " holder text NOT NULL,"
    " url text NOT NULL,"
    " epoch bigint NOT NULL,"
    " wanted text NOT NULL,"
    " wanted_at timestamptz NOT NULL,"
    " expires_at timestamptz NOT NULL);"
    "CREATE TABLE replica("
    " lane integer NOT NULL,"
    " name text NOT NULL,"
    " url text NOT NULL,"
    " batch bigint NOT NULL,"
    " holds boolean NOT NULL,"
    " warm boolean NOT NULL,"
    " seen_at timestamptz NOT NULL,"
    " PRIMARY KEY(lane, name));"
    "COMMENT ON TABLE lease IS 'The one replica that may answer for a lane, until when';"
    "COMMENT ON COLUMN lease.lane IS 'The lane';"
    "COMMENT ON COLUMN lease.holder IS 'Name of the replica that owns it, or did last';"
    "COMMENT ON COLUMN lease.url IS 'Where its peers reach it';"
    "COMMENT ON COLUMN lease.epoch IS 'Raised each time that the lease is taken';"
    "COMMENT ON COLUMN lease.wanted IS 'Who is to have it next, as somebody asked; else empty';"
    "COMMENT ON COLUMN lease.wanted_at IS 'When that was asked';"
    "COMMENT ON COLUMN lease.expires_at IS 'When it ends, by the clock of this database';"
    "COMMENT ON TABLE replica IS 'What each replica last said of itself and a lane';"
    "COMMENT ON COLUMN replica.lane IS 'The lane';"
    "COMMENT ON COLUMN replica.name IS 'Name of the replica';"
    "COMMENT ON COLUMN replica.url IS 'Where its peers reach it';"
    "COMMENT ON COLUMN replica.batch IS 'Its memory covers the journal up to this batch';"
    "COMMENT ON COLUMN replica.holds IS 'It believes that it owns the lane';"
    "COMMENT ON COLUMN replica.warm IS 'It could take the lane over at once';"
    "COMMENT ON COLUMN replica.seen_at IS 'When it said so'";

/* Both rows change several times a second: room on their pages keeps that out of the indexes. */
static const char SQL_POSTGRES[] = "ALTER TABLE lease SET (fillfactor = 20);"
                                   "ALTER TABLE replica SET (fillfactor = 20)";

const struct postgres_migration POSTGRES_SCHEMA_LEASE = {
    .number = 2,
    .name = "lease",
    .sql = SQL,
    .sql_postgres = SQL_POSTGRES,
};

/* postgres_migrations.h - the schema in PostgreSQL: numbered steps, forward only, checked at start. */
#ifndef ADAPTER_POSTGRES_MIGRATIONS_H
#define ADAPTER_POSTGRES_MIGRATIONS_H

#include "adapter/postgres_pool.h"

/*
 * A step is a constant text of SQL in a module of its own, postgres_schema_NAME, and a line in
 * the list of postgres_migrations.c; names in it are unqualified, and found in the schema that
 * the connection is set to. A step that was ever released never changes: its SHA-256 is kept
 * in the table migration, and compared.
 */
struct postgres_migration {
    uint32_t number; /* from 1, without gaps */
    const char *name;
    const char *sql;          /* plain SQL, for every engine */
    const char *sql_postgres; /* behind it; not on CockroachDB. NULL: nothing */
};

/*
 * Makes the schema and applies what it lacks, one transaction, one at a time over all who try.
 * STATUS_INVALID: the schema is newer than this program, or a step is not the one that was
 * applied. STATUS_DENIED, STATUS_UNAVAILABLE.
 */
enum status postgres_migrate(struct postgres_connection *connection, enum postgres_schema schema,
                             struct error *out_error) MUST_CHECK;

/* That the schema is exactly the one we know. As postgres_migrate(); STATUS_INVALID: older, too. */
enum status postgres_migrations_verify(struct postgres_connection *connection,
                                       struct error *out_error) MUST_CHECK;

/* postgres_migrate() of the schema tpwallet, on a connection of the pool. */
enum status postgres_pool_migrate(struct postgres_pool *pool, struct error *out_error) MUST_CHECK;

#endif

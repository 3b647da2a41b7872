#include "adapter/postgres_migrations.h"

#include "adapter/postgres_schema_journal.h"
#include "adapter/postgres_schema_lease.h"
#include "adapter/postgres_schema_ledger.h"
#include "adapter/postgres_schema_projection.h"
#include "adapter/postgres_schema_stage.h"
#include "adapter/postgres_schema_webhook.h"
#include "adapter/postgres_schema_webhook_lanes.h"
#include "base/check.h"
#include "crypto/digest.h"

/* In order; one is added at the end. */
static const struct postgres_migration *const MIGRATIONS[] = {
    &POSTGRES_SCHEMA_JOURNAL, &POSTGRES_SCHEMA_LEASE,         &POSTGRES_SCHEMA_PROJECTION,
    &POSTGRES_SCHEMA_WEBHOOK, &POSTGRES_SCHEMA_WEBHOOK_LANES, &POSTGRES_SCHEMA_LEDGER,
    &POSTGRES_SCHEMA_STAGE,
};
enum { MIGRATION_COUNT = sizeof MIGRATIONS / sizeof MIGRATIONS[0] };

static const char *const SCHEMA_MAKE[] = {
    [POSTGRES_SCHEMA_TPWALLET] = "CREATE SCHEMA IF NOT EXISTS tpwallet",
    [POSTGRES_SCHEMA_BENCH] = "CREATE SCHEMA IF NOT EXISTS tpwallet_bench",
};

/* One migrates at a time: makers of a schema would otherwise trip over each other's catalog rows. */
static const char LOCK[] = "SELECT pg_advisory_xact_lock(7887241004)";

static const char TABLE_MAKE[] =
    "CREATE TABLE IF NOT EXISTS migration(number integer PRIMARY KEY, name text NOT NULL,"
    " digest bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";

static const struct postgres_statement TABLE_FIND = {
    "migration_find", "SELECT to_regclass('migration') IS NOT NULL"
};
static const struct postgres_statement APPLIED_SELECT = {
    "migration_select", "SELECT number, digest FROM migration ORDER BY number"
};
static const struct postgres_statement APPLIED_INSERT = {
    "migration_insert", "INSERT INTO migration(number, name, digest) VALUES($1, $2, $3)"
};

static struct digest migration_digest(const struct postgres_migration *migration)
{
    const char *postgres = migration->sql_postgres == NULL ? "" : migration->sql_postgres;
    const struct digest_part parts[] = {
        { migration->sql, strlen(migration->sql) + 1 },
        { postgres, strlen(postgres) + 1 },
    };
    return digest_of_parts(parts, 2);
}

static enum status newer(int known, int found, struct error *out_error)
{
    (void)error_set(out_error, STATUS_INVALID,
                    "the schema in the database is newer than this program");
    error_detail(out_error, "it has %d steps, and %d are known here", found, known);
    error_hint(out_error, "use the version of tpwallet that made it, or a later one");
    return STATUS_INVALID;
}

/* How many of ours are there, each as we know it. */
static enum status applied_verify(const PGresult *rows, int *out_count, struct error *out_error)
{
    int count = PQntuples(rows);
    if (count > MIGRATION_COUNT) return newer(MIGRATION_COUNT, count, out_error);
    for (int i = 0; i < count; i++) {
        struct digest found;
        struct digest known = migration_digest(MIGRATIONS[i]);
        bool same = postgres_int32(rows, i, 0) == i + 1 &&
                    postgres_copy(rows, i, 1, &found, sizeof found) && digest_equal(&found, &known);
        if (same) continue;
        (void)error_set(out_error, STATUS_INVALID,
                        "step %d of the schema in the database is not the one known here", i + 1);
        error_detail(out_error, "known here as '%s'", MIGRATIONS[i]->name);
        error_hint(out_error, "another program's, or changed by hand: restore a backup");
        return STATUS_INVALID;
    }
    *out_count = count;
    return STATUS_OK;
}

static enum status applied_count(struct postgres_connection *connection, int *out_count,
                                 struct error *out_error)
{
    PGresult *rows = NULL;
    enum status status = postgres_query(connection, &APPLIED_SELECT, NULL, &rows, out_error);
    if (status != STATUS_OK) return status;
    status = applied_verify(rows, out_count, out_error);
    PQclear(rows);
    return status;
}

static enum status apply(struct postgres_connection *connection,
                         const struct postgres_migration *migration, struct error *out_error)
{
    bool extra = migration->sql_postgres != NULL && !postgres_is_cockroach(connection);
    enum status status = postgres_execute(connection, migration->sql, out_error);
    if (status == STATUS_OK && extra)
        status = postgres_execute(connection, migration->sql_postgres, out_error);
    if (status != STATUS_OK) return status;
    struct digest digest = migration_digest(migration);
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, (int32_t)migration->number);
    postgres_bind_text(&parameters, str_from(migration->name));
    postgres_bind_bytes(&parameters, &digest, sizeof digest);
    return postgres_change(connection, &APPLIED_INSERT, &parameters, NULL, out_error);
}

static enum status migrate(struct postgres_connection *connection, enum postgres_schema schema,
                           struct error *out_error)
{
    int count = 0;
    enum status status = postgres_execute(connection, LOCK, out_error);
    if (status == STATUS_OK) status = postgres_execute(connection, SCHEMA_MAKE[schema], out_error);
    if (status == STATUS_OK) status = postgres_execute(connection, TABLE_MAKE, out_error);
    if (status == STATUS_OK) status = applied_count(connection, &count, out_error);
    for (int i = count; status == STATUS_OK && i < MIGRATION_COUNT; i++) {
        CHECK(MIGRATIONS[i]->number == (uint32_t)i + 1);
        status = apply(connection, MIGRATIONS[i], out_error);
    }
    return status;
}

/* Whether nothing is lacking: so that a user without the right to make tables may open it. */
static enum status up_to_date(struct postgres_connection *connection, bool *out_yes,
                              struct error *out_error)
{
    PGresult *found = NULL;
    *out_yes = false;
    enum status status = postgres_query(connection, &TABLE_FIND, NULL, &found, out_error);
    if (status != STATUS_OK) return status;
    bool there = postgres_bool(found, 0, 0);
    PQclear(found);
    int count = 0;
    if (there) status = applied_count(connection, &count, out_error);
    if (status == STATUS_OK) *out_yes = count == MIGRATION_COUNT;
    return status;
}

enum status postgres_migrate(struct postgres_connection *connection, enum postgres_schema schema,
                             struct error *out_error)
{
    bool ready = false;
    enum status status = up_to_date(connection, &ready, out_error);
    if (status != STATUS_OK || ready) return status;
    status = postgres_begin(connection, out_error);
    if (status != STATUS_OK) return status;
    status = migrate(connection, schema, out_error);
    if (status == STATUS_OK) status = postgres_commit(connection, out_error);
    if (status == STATUS_OK) return STATUS_OK;
    postgres_rollback(connection);
    /* the next start finds out whether it is there */
    return status == STATUS_IN_DOUBT ? STATUS_UNAVAILABLE : status;
}

enum status postgres_migrations_verify(struct postgres_connection *connection,
                                       struct error *out_error)
{
    bool ready = false;
    enum status status = up_to_date(connection, &ready, out_error);
    if (status != STATUS_OK || ready) return status;
    (void)error_set(out_error, STATUS_INVALID,
                    "the schema in the database is not there, or older than this program");
    error_hint(out_error, "`tpwallet init --store URL` makes it; starting a server brings it up");
    return STATUS_INVALID;
}

enum status postgres_pool_migrate(struct postgres_pool *pool, struct error *out_error)
{
    struct postgres_connection *connection = NULL;
    enum status status = postgres_pool_take(pool, &connection, out_error);
    if (status != STATUS_OK) return status;
    status = postgres_migrate(connection, POSTGRES_SCHEMA_TPWALLET, out_error);
    postgres_pool_give(pool, connection);
    return status;
}

#include "adapter/postgres_scratch.h"

#include "adapter/postgres_store.h"

struct scratch {
    const char *make;
    const char *drop;
    const char *hint; /* when it is there */
};

static const struct scratch SCRATCHES[] = {
    [POSTGRES_SCHEMA_TPWALLET] = { "CREATE SCHEMA tpwallet", "DROP SCHEMA tpwallet CASCADE",
                                   "that is a ledger: name a database that has none" },
    [POSTGRES_SCHEMA_BENCH] = { "CREATE SCHEMA tpwallet_bench",
                                "DROP SCHEMA tpwallet_bench CASCADE",
                                "of another bench that runs, or was killed: DROP SCHEMA "
                                "tpwallet_bench CASCADE" },
};

static enum status run(const char *url, enum postgres_schema schema, const char *sql,
                       struct error *out_error)
{
    const struct postgres_connection_options options = {
        .url = url,
        .name = "tpwallet bench",
        .schema = schema,
    };
    struct postgres_connection *connection = NULL;
    enum status status = postgres_connection_open(&options, &connection, out_error);
    if (status != STATUS_OK) return status;
    postgres_call_begin(connection);
    status = postgres_execute(connection, sql, out_error);
    postgres_connection_close(connection);
    return status;
}

enum status postgres_scratch_make(const char *url, enum postgres_schema schema,
                                  struct error *out_error)
{
    const struct postgres_store_options store = { .url = url, .schema = schema };
    struct error ignored = { 0 }; /* what went wrong first is told */
    struct postgres_store_made made;
    enum status status = run(url, schema, SCRATCHES[schema].make, out_error);
    if (status == STATUS_CONFLICT) error_hint(out_error, "%s", SCRATCHES[schema].hint);
    if (status != STATUS_OK) return status;
    status = postgres_store_create(&store, &made, out_error);
    if (status == STATUS_OK) return STATUS_OK;
    enum status dropped = postgres_scratch_drop(url, schema, &ignored);
    if (dropped != STATUS_OK) error_hint(out_error, "%s", SCRATCHES[schema].drop);
    return status;
}

enum status postgres_scratch_drop(const char *url, enum postgres_schema schema,
                                  struct error *out_error)
{
    return run(url, schema, SCRATCHES[schema].drop, out_error);
}

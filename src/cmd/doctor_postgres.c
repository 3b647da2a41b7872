/* A PostgreSQL as evidence: what it says of itself now. */
#include "adapter/postgres_state.h"
#include "cmd/doctor_collectors.h"
#include "cmd/doctor_database.h"

static enum status state_read(void *connection, enum database_part part,
                              const struct database_visitor *visitor, bool *out_whole,
                              struct error *out_error)
{
    return postgres_state_read(connection, part, visitor, out_whole, out_error);
}

enum status doctor_collect_postgres(struct doctor_bundle *bundle,
                                    const struct invocation *invocation)
{
    const struct postgres_connection_options options = {
        .url = invocation_text(invocation, "postgres"),
        .name = "tpwallet doctor",
        .guest = true,
        .any_server = true,
    };
    struct postgres_connection *connection = NULL;
    struct doctor_database database = {
        .system = invocation_has(invocation, "system") ? invocation_text(invocation, "system")
                                                       : "postgresql",
        .collector = "postgres-state",
        .read = state_read,
    };
    enum status status = postgres_connection_open(&options, &connection, &bundle->error);
    if (status != STATUS_OK) return status;
    database.connection = connection;
    status = postgres_state_instant(connection, &database.instant, &bundle->error);
    if (status == STATUS_OK) status = doctor_database_collect(bundle, &database);
    postgres_connection_close(connection);
    return status;
}

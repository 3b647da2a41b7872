/* A MariaDB as evidence: what it says of itself now, and what its binlog has. */
#include <string.h>

#include "adapter/mariadb_binlog.h"
#include "adapter/mariadb_state.h"
#include "base/check.h"
#include "cmd/doctor_collectors.h"
#include "cmd/doctor_database.h"
#include "cmd/doctor_wal.h"

static const char *system_of(const struct invocation *invocation)
{
    return invocation_has(invocation, "system") ? invocation_text(invocation, "system") : "mariadb";
}

static enum status guest_open(const struct invocation *invocation,
                              struct mariadb_connection *connection,
                              struct database_instant *out_instant, struct error *out_error)
{
    const char *options = invocation_text(invocation, "mariadb");
    if (options == NULL)
        return error_set(out_error, STATUS_INVALID, "--mariadb says where the binlog is");
    enum status status = mariadb_connection_open(options, connection, out_error);
    if (status != STATUS_OK) return status;
    status = mariadb_state_instant(connection, out_instant, out_error);
    if (status != STATUS_OK) mariadb_connection_close(connection);
    return status;
}

static enum status state_read(void *connection, enum database_part part,
                              const struct database_visitor *visitor, bool *out_whole,
                              struct error *out_error)
{
    return mariadb_state_read(connection, part, visitor, out_whole, out_error);
}

enum status doctor_collect_mariadb(struct doctor_bundle *bundle,
                                   const struct invocation *invocation)
{
    struct mariadb_connection connection;
    struct doctor_database database = {
        .system = system_of(invocation),
        .collector = "mariadb-state",
        .connection = &connection,
        .without_relays = true,
        .read = state_read,
    };
    enum status status = guest_open(invocation, &connection, &database.instant, &bundle->error);
    if (status != STATUS_OK) return status;
    status = doctor_database_collect(bundle, &database);
    mariadb_connection_close(&connection);
    return status;
}

/* ---- its log ---- */

struct binlog_reading {
    struct doctor_wal wal;
    struct binlog_session session;
    struct arena arena;
};

static enum status message_flush(void *context)
{
    struct binlog_reading *reading = context;
    return doctor_wal_flush(&reading->wal);
}

static enum status binlog_collect(struct mariadb_connection *connection,
                                  struct binlog_reading *reading)
{
    struct doctor_wal *wal = &reading->wal;
    struct error *error = &wal->file.bundle->error;
    const struct mariadb_binlog_visitor visitor = { reading, message_flush };
    struct mariadb_binlog_extent extent = { .from_pos = 0 };
    enum status status = arena_init(&reading->arena, BINLOG_ROW_TEXTS_MAX);
    if (status != STATUS_OK) {
        status = error_set(error, status, "no memory");
        return doctor_wal_end(wal, false, status);
    }
    binlog_session_init(&reading->session, &wal->writer, &reading->arena);
    status =
        mariadb_binlog_read(connection, &wal->mapping, &reading->session, &visitor, &extent, error);
    arena_done(&reading->arena);
    wal->part = (struct doctor_part){ "binlog", extent.from_pos, extent.to_pos };
    if (extent.from.ns != 0) wal->writer.first = extent.from;
    return doctor_wal_end(wal, true, status);
}

enum status doctor_collect_mariadb_binlog(struct doctor_bundle *bundle,
                                          const struct invocation *invocation)
{
    struct mariadb_connection connection;
    struct database_instant instant;
    if (!invocation_has(invocation, "wal-mapping"))
        return error_set(&bundle->error, STATUS_INVALID, "--mariadb-binlog needs --wal-mapping");
    enum status status = guest_open(invocation, &connection, &instant, &bundle->error);
    if (status != STATUS_OK) return status;
    struct arena arena;
    struct binlog_reading *reading = NULL;
    status = arena_init(&arena, sizeof *reading + 64);
    if (status == STATUS_OK) reading = arena_take(&arena, sizeof *reading);
    CHECK(reading != NULL);
    memset(reading, 0, sizeof *reading);
    reading->wal.source.system = system_of(invocation);
    reading->wal.source.collector = "mariadb-binlog";
    status = doctor_wal_begin(bundle, invocation, &instant, &reading->wal);
    status = status == STATUS_OK ? binlog_collect(&connection, reading)
                                 : doctor_wal_end(&reading->wal, false, status);
    arena_done(&arena);
    mariadb_connection_close(&connection);
    return status;
}

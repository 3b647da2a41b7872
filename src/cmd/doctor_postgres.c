/* A PostgreSQL as evidence: what it says of itself now, and what its log has. */
#include "adapter/postgres_slot.h"
#include "adapter/postgres_state.h"
#include "base/check.h"
#include "cmd/doctor_collectors.h"
#include "cmd/doctor_database.h"
#include "cmd/doctor_wal.h"
#include "doctor/pgoutput_session.h"

static const char *system_of(const struct invocation *invocation)
{
    return invocation_has(invocation, "system") ? invocation_text(invocation, "system")
                                                : "postgresql";
}

/* A session, and its server's clock beside ours. */
static enum status guest_open(const struct invocation *invocation,
                              struct postgres_connection **out_connection,
                              struct database_instant *out_instant, struct error *out_error)
{
    const struct postgres_connection_options options = {
        .url = invocation_text(invocation, "postgres"),
        .name = "tpwallet doctor",
        .guest = true,
        .any_server = true,
    };
    if (options.url == NULL)
        return error_set(out_error, STATUS_INVALID, "--postgres says where the slot is");
    struct postgres_connection *connection = NULL;
    enum status status = postgres_connection_open(&options, &connection, out_error);
    if (status == STATUS_OK) status = postgres_state_instant(connection, out_instant, out_error);
    if (status == STATUS_OK)
        *out_connection = connection;
    else
        postgres_connection_close(connection);
    return status;
}

/* ---- its state ---- */

static enum status state_read(void *connection, enum database_part part,
                              const struct database_visitor *visitor, bool *out_whole,
                              struct error *out_error)
{
    return postgres_state_read(connection, part, visitor, out_whole, out_error);
}

enum status doctor_collect_postgres(struct doctor_bundle *bundle,
                                    const struct invocation *invocation)
{
    struct postgres_connection *connection = NULL;
    struct doctor_database database = {
        .system = system_of(invocation),
        .collector = "postgres-state",
        .read = state_read,
    };
    enum status status = guest_open(invocation, &connection, &database.instant, &bundle->error);
    if (status != STATUS_OK) return status;
    database.connection = connection;
    status = doctor_database_collect(bundle, &database);
    postgres_connection_close(connection);
    return status;
}

/* ---- its log ---- */

struct slot_reading {
    struct doctor_wal wal;
    struct pgoutput_session session;
};

static enum status table_note(void *context, struct str name)
{
    struct slot_reading *reading = context;
    for (uint32_t i = 0; i < reading->wal.mapping.count; i++)
        if (str_equal(reading->wal.mapping.tables[i].name, name)) reading->wal.published[i] = true;
    return STATUS_OK;
}

static enum status message_take(void *context, int64_t pos, struct str bytes)
{
    struct slot_reading *reading = context;
    struct error *error = &reading->wal.file.bundle->error;
    enum status status = pgoutput_session_take(&reading->session, pos, bytes, error);
    return status == STATUS_OK ? doctor_wal_flush(&reading->wal) : status;
}

/* A table that is not published is missing from the log, however much happened to it. */
static enum status published_check(const struct doctor_wal *wal, struct error *out_error)
{
    for (uint32_t i = 0; i < wal->mapping.count; i++)
        if (!wal->published[i])
            return error_set(out_error, STATUS_INVALID, "the publication lacks the table %.*s",
                             STR_ARG(wal->mapping.tables[i].name));
    return STATUS_OK;
}

static enum status slot_collect(struct postgres_connection *connection,
                                const struct postgres_slot *slot, struct slot_reading *reading)
{
    struct postgres_slot_extent extent = { .whole = false };
    struct error *error = &reading->wal.file.bundle->error;
    const struct postgres_slot_visitor visitor = { reading, table_note, message_take };
    pgoutput_session_init(&reading->session, &reading->wal.mapping, &reading->wal.writer);
    enum status status = postgres_slot_peek(connection, slot, &visitor, &extent, error);
    if (status == STATUS_OK) status = published_check(&reading->wal, error);
    reading->wal.part.pos_lo = extent.from_pos;
    reading->wal.part.pos_hi = extent.to_pos;
    int len = snprintf(reading->wal.part.name, sizeof reading->wal.part.name, "%.100s", slot->name);
    CHECK(len > 0);
    return doctor_wal_end(&reading->wal, extent.whole, status);
}

enum status doctor_collect_postgres_slot(struct doctor_bundle *bundle,
                                         const struct invocation *invocation)
{
    const struct postgres_slot slot = {
        invocation_text(invocation, "postgres-slot"),
        invocation_text(invocation, "postgres-publication"),
    };
    struct postgres_connection *connection = NULL;
    struct database_instant instant;
    if (slot.publication == NULL || !invocation_has(invocation, "wal-mapping"))
        return error_set(&bundle->error, STATUS_INVALID,
                         "--postgres-slot needs --postgres-publication and --wal-mapping");
    enum status status = guest_open(invocation, &connection, &instant, &bundle->error);
    if (status != STATUS_OK) return status;
    struct arena arena;
    struct slot_reading *reading = NULL;
    status = arena_init(&arena, sizeof *reading + 64);
    if (status == STATUS_OK) reading = arena_take(&arena, sizeof *reading);
    CHECK(reading != NULL);
    memset(reading, 0, sizeof *reading);
    reading->wal.source.system = system_of(invocation);
    reading->wal.source.collector = "postgres-slot";
    status = doctor_wal_begin(bundle, invocation, &instant, &reading->wal);
    status = status == STATUS_OK ? slot_collect(connection, &slot, reading)
                                 : doctor_wal_end(&reading->wal, false, status);
    arena_done(&arena);
    postgres_connection_close(connection);
    return status;
}

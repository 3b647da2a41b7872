#include "cmd/doctor_database.h"

/* What a visitor of one part writes to. */
struct state_file {
    struct doctor_file file;
    struct wall_time at;
};

static enum status setting_write(void *context, const struct database_setting *setting)
{
    struct state_file *state = context;
    struct evidence_line line;
    evidence_begin(&line, &state->file.line, "config", &state->file.masked);
    evidence_time(&line, "ts", state->at);
    evidence_text(&line, "name", setting->name);
    evidence_text(&line, "value", setting->value.len == 0 ? STR("(empty)") : setting->value);
    evidence_end(&line);
    return doctor_file_rows(&state->file, 1);
}

static enum status wait_write(void *context, const struct database_wait *wait)
{
    struct state_file *state = context;
    struct evidence_line line;
    evidence_begin(&line, &state->file.line, "lock_wait", &state->file.masked);
    evidence_time(&line, "ts", state->at);
    if (wait->xid != 0) evidence_int(&line, "xid", wait->xid);
    if (wait->blocker_xid != 0) evidence_int(&line, "blocker_xid", wait->blocker_xid);
    evidence_text(&line, "gid", wait->gid);
    if (wait->client != DATABASE_CLIENT_UNKNOWN)
        evidence_bool(&line, "client_alive", wait->client == DATABASE_CLIENT_ALIVE);
    if (wait->age_ns >= 0) evidence_int(&line, "age_ns", wait->age_ns);
    evidence_end(&line);
    return doctor_file_rows(&state->file, 1);
}

static enum status replica_write(void *context, const struct database_replica *replica)
{
    struct state_file *state = context;
    struct evidence_line line;
    evidence_begin(&line, &state->file.line, "replica", &state->file.masked);
    evidence_time(&line, "ts", state->at);
    evidence_text(&line, "replica", replica->name);
    evidence_int(&line, "lsn", replica->pos);
    if (replica->primary_pos != 0) evidence_int(&line, "primary_lsn", replica->primary_pos);
    evidence_word(&line, "role", replica->primary ? "primary" : "replica");
    evidence_end(&line);
    return doctor_file_rows(&state->file, 1);
}

static enum status relay_write(void *context, const struct database_relay *relay)
{
    struct state_file *state = context;
    struct evidence_line line;
    evidence_begin(&line, &state->file.line, "relay", &state->file.masked);
    evidence_time(&line, "ts", state->at);
    evidence_text(&line, "relay", relay->name);
    evidence_word(&line, "op", relay->op);
    evidence_int(&line, "to_lsn", relay->to_pos);
    evidence_end(&line);
    return doctor_file_rows(&state->file, 1);
}

static const struct {
    const char *name;
    const char *kinds[2];
} PARTS[DATABASE_PARTS] = {
    [DATABASE_SETTINGS] = { "settings", { "config", NULL } },
    [DATABASE_WAITS] = { "locks", { "lock_wait", NULL } },
    [DATABASE_REPLICAS] = { "replicas", { "replica", NULL } },
    [DATABASE_RELAYS] = { "relays", { "relay", NULL } },
};

static enum status part_collect(struct doctor_bundle *bundle,
                                const struct doctor_database *database, enum database_part part)
{
    struct doctor_source source =
        doctor_source_of(bundle, PARTS[part].name, database->system, PARTS[part].kinds);
    source.collector = database->collector;
    source.authority = 30;
    source.from = database->instant.at; /* it is what is, not what was */
    source.to = database->instant.at;
    source.version = database->instant.version;
    source.clock_offset_ns = database->instant.offset_ns;
    source.clock_error_ns = database->instant.offset_error_ns;
    struct state_file state = { .at = database->instant.at };
    const struct database_visitor visitor = { &state, setting_write, wait_write, replica_write,
                                              relay_write };
    bool whole = true;
    enum status status = doctor_file_begin(bundle, &source, &state.file);
    if (status == STATUS_OK)
        status = database->read(database->connection, part, &visitor, &whole, &bundle->error);
    if (status == STATUS_DENIED) {
        whole = false;
        status = STATUS_OK;
    }
    if (!whole) source.loss = "unknown";
    return doctor_file_end(&state.file, status);
}

enum status doctor_database_collect(struct doctor_bundle *bundle,
                                    const struct doctor_database *database)
{
    enum status status = STATUS_OK;
    int parts = database->without_relays ? DATABASE_RELAYS : DATABASE_PARTS;
    for (int part = 0; part < parts && status == STATUS_OK; part++)
        status = part_collect(bundle, database, (enum database_part)part);
    return status;
}

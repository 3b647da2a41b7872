#include "adapter/postgres_slot.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

enum { PEEK_MS_MAX = 1800000 }; /* the server reads all of the log that the slot has */

/* ---- what it is ---- */

static const struct postgres_statement FACTS = {
    "slot_facts",
    "SELECT coalesce(plugin, '') = 'pgoutput', coalesce(database = current_database(), false),"
    " active, (confirmed_flush_lsn - '0/0')::int8, (here.lsn - '0/0')::int8,"
    " here.lsn::text"
    " FROM pg_replication_slots, (SELECT pg_current_wal_flush_lsn() AS lsn) here"
    " WHERE slot_name = $1"
};

static const char *fault_of(const PGresult *facts)
{
    if (PQntuples(facts) == 0) return "there is no replication slot of this name";
    if (!postgres_bool(facts, 0, 0)) return "the replication slot is not one of pgoutput";
    if (!postgres_bool(facts, 0, 1)) return "the replication slot is of another database";
    return NULL;
}

struct slot_facts {
    struct postgres_slot_extent extent;
    char to[32]; /* to_pos as the server writes it */
};

static enum status facts_read(struct postgres_connection *connection, const char *slot,
                              struct slot_facts *out_facts, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_text(&parameters, str_from(slot));
    PGresult *result = NULL;
    enum status status = postgres_query(connection, &FACTS, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    const char *fault = fault_of(result);
    if (fault != NULL) {
        status = error_set(out_error, STATUS_INVALID, "%s", fault);
    } else if (postgres_bool(result, 0, 2)) {
        status = error_set(out_error, STATUS_CONFLICT, "somebody is reading the replication slot");
        error_hint(out_error, "stop its reader for the time of collecting, or make a slot for it");
    } else {
        out_facts->extent = (struct postgres_slot_extent){
            .from_pos = postgres_int64(result, 0, 3),
            .to_pos = postgres_int64(result, 0, 4),
        };
        struct str to = postgres_bytes(result, 0, 5);
        int len = snprintf(out_facts->to, sizeof out_facts->to, "%.*s", STR_ARG(to));
        CHECK(len > 0);
    }
    PQclear(result);
    return status;
}

/* ---- what is published ---- */

static const struct postgres_statement PUBLICATION = {
    "publication", "SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate"
                   " FROM pg_publication WHERE pubname = $1"
};

/* The filter of rows is a column since PostgreSQL 15. */
static const struct postgres_statement TABLES = {
    "published", "SELECT schemaname || '.' || tablename,"
                 " coalesce(to_jsonb(t) ->> 'rowfilter', '') = ''"
                 " FROM pg_publication_tables t WHERE pubname = $1"
};

static enum status tables_visit(const PGresult *rows, const struct postgres_slot_visitor *visitor,
                                bool *whole)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        if (!postgres_bool(rows, row, 1)) *whole = false;
        enum status status = visitor->table(visitor->context, postgres_bytes(rows, row, 0));
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status publication_read(struct postgres_connection *connection, const char *name,
                                    const struct postgres_slot_visitor *visitor, bool *out_whole,
                                    struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_text(&parameters, str_from(name));
    PGresult *result = NULL;
    enum status status = postgres_query(connection, &PUBLICATION, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    bool found = PQntuples(result) > 0;
    *out_whole = found && postgres_bool(result, 0, 0);
    PQclear(result);
    if (!found) return error_set(out_error, STATUS_INVALID, "there is no publication of this name");
    status = postgres_query(connection, &TABLES, &parameters, &result, out_error);
    if (status != STATUS_OK) return status;
    status = tables_visit(result, visitor, out_whole);
    PQclear(result);
    return status;
}

/* ---- what waits in it ---- */

static const struct postgres_statement PEEK = {
    "peek", "SELECT (lsn - '0/0')::int8, data FROM pg_logical_slot_peek_binary_changes($1,"
            " $2::text::pg_lsn, NULL, 'proto_version', '1', 'publication_names', quote_ident($3))"
};

static enum status messages_take(struct postgres_connection *connection,
                                 const struct postgres_slot_visitor *visitor,
                                 struct error *out_error)
{
    for (;;) {
        PGresult *row = NULL;
        enum status status = postgres_rows_next(connection, &row, out_error);
        if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        status = visitor->message(visitor->context, postgres_int64(row, 0, 0),
                                  postgres_bytes(row, 0, 1));
        PQclear(row);
        if (status != STATUS_OK) return status;
    }
}

enum status postgres_slot_peek(struct postgres_connection *connection,
                               const struct postgres_slot *slot,
                               const struct postgres_slot_visitor *visitor,
                               struct postgres_slot_extent *out_extent, struct error *out_error)
{
    struct slot_facts facts = { .to = "" };
    postgres_call_begin(connection);
    enum status status = facts_read(connection, slot->name, &facts, out_error);
    if (status == STATUS_OK)
        status = publication_read(connection, slot->publication, visitor, &facts.extent.whole,
                                  out_error);
    if (status == STATUS_OK)
        status = postgres_execute(connection, "SET statement_timeout = 1800000", out_error);
    if (status != STATUS_OK) return status;
    struct postgres_parameters parameters = { 0 };
    postgres_bind_text(&parameters, str_from(slot->name));
    postgres_bind_text(&parameters, str_from(facts.to));
    postgres_bind_text(&parameters, str_from(slot->publication));
    postgres_call_until(connection, postgres_deadline(PEEK_MS_MAX));
    status = postgres_rows_begin(connection, &PEEK, &parameters, out_error);
    if (status == STATUS_OK) status = messages_take(connection, visitor, out_error);
    if (status == STATUS_OK) *out_extent = facts.extent;
    return status;
}

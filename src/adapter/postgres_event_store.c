/*
 * Whoever begins takes the lock of one row first, so that a consumer whose partitions went to
 * another sees all that the other did, and nobody's marks go back.
 */
#include "adapter/postgres_event_store.h"

#include <stdlib.h>
#include <string.h>

#include "adapter/postgres_connection.h"
#include "base/check.h"

static const char SCHEMA[] =
    "SELECT pg_advisory_xact_lock(7887241005);"
    "CREATE SCHEMA IF NOT EXISTS tpwallet_events;"
    "CREATE TABLE IF NOT EXISTS setting(name text PRIMARY KEY, value text NOT NULL);"
    "CREATE TABLE IF NOT EXISTS mark(partition integer PRIMARY KEY, next bigint NOT NULL);"
    "CREATE TABLE IF NOT EXISTS inbox(source text NOT NULL, batch bigint NOT NULL,"
    " unit bigint NOT NULL, PRIMARY KEY(source, batch, unit));"
    "CREATE TABLE IF NOT EXISTS source(source text PRIMARY KEY, floor_batch bigint NOT NULL,"
    " floor_unit bigint NOT NULL, kept bigint NOT NULL);"
    "CREATE TABLE IF NOT EXISTS payment(id uuid PRIMARY KEY, kind text NOT NULL,"
    " state text NOT NULL, asset text NOT NULL, amount text NOT NULL, version bigint NOT NULL,"
    " event text NOT NULL);"
    "CREATE TABLE IF NOT EXISTS happened(type text NOT NULL, day text NOT NULL,"
    " events bigint NOT NULL, PRIMARY KEY(type, day));"
    "CREATE TABLE IF NOT EXISTS letter(partition integer NOT NULL, place bigint NOT NULL,"
    " reason text NOT NULL, key bytea NOT NULL, value bytea NOT NULL,"
    " PRIMARY KEY(partition, place));"
    "CREATE TABLE IF NOT EXISTS errand(number bigserial PRIMARY KEY, id text NOT NULL,"
    " traceparent text NOT NULL, value bytea NOT NULL);"
    "INSERT INTO setting(name, value) VALUES('version', '1') ON CONFLICT DO NOTHING";

static const struct postgres_statement VERSION = {
    "event_version", "SELECT value FROM setting WHERE name = 'version'"
};
static const struct postgres_statement LOCK = {
    "event_lock", "SELECT value FROM setting WHERE name = 'version' FOR UPDATE"
};
static const struct postgres_statement MARK_SELECT = {
    "event_mark_get", "SELECT next FROM mark WHERE partition = $1::int4"
};
static const struct postgres_statement MARK_PUT = {
    "event_mark_set", "INSERT INTO mark(partition, next) VALUES($1::int4, $2::int8)"
                      " ON CONFLICT(partition) DO UPDATE SET next = excluded.next"
};
/* How many are kept, when it is new; nothing, when it is not. */
static const struct postgres_statement INBOX_TAKE = {
    "event_inbox_take",
    "WITH put AS (INSERT INTO inbox(source, batch, unit) SELECT $1::text, $2::int8, $3::int8"
    " WHERE NOT EXISTS (SELECT 1 FROM source WHERE source = $1::text"
    " AND (floor_batch, floor_unit) >= ($2::int8, $3::int8))"
    " ON CONFLICT DO NOTHING RETURNING source)"
    " INSERT INTO source AS held(source, floor_batch, floor_unit, kept)"
    " SELECT source, -1, -1, 1 FROM put"
    " ON CONFLICT(source) DO UPDATE SET kept = held.kept + 1 RETURNING kept"
};
static const struct postgres_statement BELOW_FLOOR = {
    "event_below_floor", "SELECT 1::int8 FROM source WHERE source = $1::text"
                         " AND (floor_batch, floor_unit) >= ($2::int8, $3::int8)"
};
/* All but the newest $2 go, and become the source's floor. */
static const struct postgres_statement INBOX_CUT = {
    "event_inbox_cut",
    "WITH edge AS (SELECT batch, unit FROM inbox WHERE source = $1::text"
    " ORDER BY batch DESC, unit DESC LIMIT 1 OFFSET $2::int8),"
    " gone AS (DELETE FROM inbox USING edge WHERE inbox.source = $1::text"
    " AND (inbox.batch, inbox.unit) <= (edge.batch, edge.unit))"
    " UPDATE source SET floor_batch = edge.batch, floor_unit = edge.unit, kept = $2::int8"
    " FROM edge WHERE source = $1::text"
};
static const struct postgres_statement HAPPENED_ADD = {
    "event_happened", "INSERT INTO happened(type, day, events) VALUES($1::text, $2::text, 1)"
                      " ON CONFLICT(type, day) DO UPDATE SET events = happened.events + 1"
};
static const struct postgres_statement PAYMENT_PUT = {
    "event_payment",
    "INSERT INTO payment(id, kind, state, asset, amount, version, event)"
    " VALUES($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::int8, $7::text)"
    " ON CONFLICT(id) DO UPDATE SET kind = excluded.kind, state = excluded.state,"
    " asset = excluded.asset, amount = excluded.amount, version = excluded.version,"
    " event = excluded.event WHERE excluded.version > payment.version"
};
static const struct postgres_statement LETTER_PUT = {
    "event_letter_put", "INSERT INTO letter(partition, place, reason, key, value)"
                        " VALUES($1::int4, $2::int8, $3::text, $4::bytea, $5::bytea)"
                        " ON CONFLICT DO NOTHING"
};
static const struct postgres_statement LETTER_DROP = {
    "event_letter_drop", "DELETE FROM letter WHERE partition = $1::int4 AND place = $2::int8"
};
static const struct postgres_statement LETTERS = {
    "event_letters", "SELECT partition, place, reason, key, value FROM letter"
                     " WHERE (partition, place) > ($1::int4, $2::int8)"
                     " ORDER BY partition, place LIMIT $3::int8"
};
static const struct postgres_statement ERRAND_PUT = {
    "event_errand_put", "INSERT INTO errand(id, traceparent, value)"
                        " VALUES($1::text, $2::text, $3::bytea) RETURNING number"
};
static const struct postgres_statement ERRAND_FIRST = {
    "event_errand_first", "SELECT number, id, traceparent, value FROM errand"
                          " ORDER BY number LIMIT 1"
};
static const struct postgres_statement ERRAND_DROP = {
    "event_errand_drop", "DELETE FROM errand WHERE number = $1::int8 AND id = $2::text"
};
static const struct postgres_statement SETTING_GET = {
    "event_setting_get", "SELECT value FROM setting WHERE name = $1::text"
};
static const struct postgres_statement SETTING_SET = {
    "event_setting_set", "INSERT INTO setting(name, value) VALUES($1::text, $2::text)"
                         " ON CONFLICT(name) DO UPDATE SET value = excluded.value"
};

struct postgres_event_store {
    struct event_store port; /* first */
    char *url;
    struct postgres_connection *connection;
    bool begun;
};

static struct postgres_event_store *of_port(struct event_store *port)
{
    return (struct postgres_event_store *)port;
}

static enum status connection_make(const struct postgres_event_store *store,
                                   struct postgres_connection **out_connection,
                                   struct error *out_error)
{
    const struct postgres_connection_options options = {
        .url = store->url,
        .name = "tpwallet events",
        .schema = POSTGRES_SCHEMA_EVENTS,
    };
    return postgres_connection_open(&options, out_connection, out_error);
}

/* One that was lost is made anew, but not within a transaction, which went with it. */
static enum status connection_ensure(struct postgres_event_store *store, struct error *out_error)
{
    struct postgres_connection *fresh = NULL;
    if (!store->connection->lost || store->begun) return STATUS_OK;
    enum status status = postgres_port_status(connection_make(store, &fresh, out_error));
    if (status != STATUS_OK) return status;
    postgres_connection_close(store->connection);
    store->connection = fresh;
    return STATUS_OK;
}

/* Each call has its own time; a whole transaction is what the server lets it be. */
static enum status change(struct event_store *port, const struct postgres_statement *statement,
                          const struct postgres_parameters *parameters, struct error *out_error)
{
    struct postgres_event_store *store = of_port(port);
    uint64_t rows = 0;
    enum status status = connection_ensure(store, out_error);
    if (status != STATUS_OK) return status;
    postgres_call_begin(store->connection);
    return postgres_port_status(
        postgres_change(store->connection, statement, parameters, &rows, out_error));
}

static enum status ask(struct event_store *port, const struct postgres_statement *statement,
                       const struct postgres_parameters *parameters, PGresult **out_result,
                       struct error *out_error)
{
    struct postgres_event_store *store = of_port(port);
    enum status status = connection_ensure(store, out_error);
    if (status != STATUS_OK) return status;
    postgres_call_begin(store->connection);
    return postgres_port_status(
        postgres_query(store->connection, statement, parameters, out_result, out_error));
}

/* One number, or STATUS_NOT_FOUND. */
static enum status number_ask(struct event_store *port, const struct postgres_statement *statement,
                              const struct postgres_parameters *parameters, int64_t *out_number,
                              struct error *out_error)
{
    PGresult *found = NULL;
    enum status status = ask(port, statement, parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    if (PQntuples(found) == 0) status = STATUS_NOT_FOUND;
    if (status == STATUS_OK) *out_number = postgres_int64(found, 0, 0);
    PQclear(found);
    return status;
}

/* ---- Transactions ---- */

static void store_undo(struct event_store *port)
{
    struct postgres_event_store *store = of_port(port);
    if (store->begun && !store->connection->lost) postgres_rollback(store->connection);
    store->begun = false;
}

static enum status store_begin(struct event_store *port, struct error *out_error)
{
    struct postgres_event_store *store = of_port(port);
    PGresult *locked = NULL;
    enum status status = connection_ensure(store, out_error);
    if (status != STATUS_OK) return status;
    postgres_call_begin(store->connection);
    status = postgres_port_status(postgres_begin(store->connection, out_error));
    if (status != STATUS_OK) return status;
    store->begun = true;
    status = ask(port, &LOCK, NULL, &locked, out_error);
    if (status == STATUS_OK) PQclear(locked);
    if (status != STATUS_OK) store_undo(port);
    return status;
}

static enum status store_commit(struct event_store *port, struct error *out_error)
{
    struct postgres_event_store *store = of_port(port);
    postgres_call_begin(store->connection);
    enum status status = postgres_port_status(postgres_commit(store->connection, out_error));
    if (status == STATUS_OK) store->begun = false;
    return status;
}

/* ---- Marks, inbox ---- */

static enum status store_mark_get(struct event_store *port, int32_t partition, int64_t *out_next,
                                  struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, partition);
    return number_ask(port, &MARK_SELECT, &parameters, out_next, out_error);
}

static enum status store_mark_set(struct event_store *port, int32_t partition, int64_t next,
                                  struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, partition);
    postgres_bind_int64(&parameters, next);
    return change(port, &MARK_PUT, &parameters, out_error);
}

static enum status store_inbox_take(struct event_store *port, const struct event_reading *event,
                                    uint32_t kept, enum event_novelty *out_novelty,
                                    struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    int64_t count = 0;
    postgres_bind_text(&parameters, event->source);
    postgres_bind_number(&parameters, event->position.batch);
    postgres_bind_int64(&parameters, event->position.index);
    enum status status = number_ask(port, &INBOX_TAKE, &parameters, &count, out_error);
    if (status == STATUS_NOT_FOUND) {
        status = number_ask(port, &BELOW_FLOOR, &parameters, &count, out_error);
        if (status == STATUS_OK) *out_novelty = EVENT_IS_BELOW_FLOOR;
        if (status != STATUS_NOT_FOUND) return status;
        *out_novelty = EVENT_IS_KNOWN;
        return STATUS_OK;
    }
    if (status == STATUS_OK && count >= 2 * (int64_t)kept) {
        parameters = (struct postgres_parameters){ 0 };
        postgres_bind_text(&parameters, event->source);
        postgres_bind_int64(&parameters, kept);
        status = change(port, &INBOX_CUT, &parameters, out_error);
    }
    if (status == STATUS_OK) *out_novelty = EVENT_IS_NEW;
    return status;
}

/* ---- Effects ---- */

static enum status payment_put(struct event_store *port, const struct event_reading *event,
                               const struct event_payment *payment, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_uuid(&parameters, payment->id);
    postgres_bind_text(&parameters, payment->kind);
    postgres_bind_text(&parameters, payment->state);
    postgres_bind_text(&parameters, payment->asset);
    postgres_bind_text(&parameters, payment->amount);
    postgres_bind_number(&parameters, payment->version);
    postgres_bind_text(&parameters, event->id);
    return change(port, &PAYMENT_PUT, &parameters, out_error);
}

static enum status store_effects_put(struct event_store *port, const struct event_reading *event,
                                     struct error *out_error)
{
    char day[DATE_TEXT_SIZE];
    struct postgres_parameters parameters = { 0 };
    postgres_bind_text(&parameters, event->type);
    postgres_bind_text(&parameters, business_date_format(business_date_of(event->time), day));
    enum status status = change(port, &HAPPENED_ADD, &parameters, out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < event->payment_count; i++)
        status = payment_put(port, event, &event->payments[i], out_error);
    return status;
}

/* ---- Dead letters ---- */

static enum status store_letter_put(struct event_store *port, const struct event_letter *letter,
                                    struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, letter->partition);
    postgres_bind_int64(&parameters, letter->offset);
    postgres_bind_text(&parameters, letter->reason);
    postgres_bind_bytes(&parameters, letter->key.data, letter->key.len);
    postgres_bind_bytes(&parameters, letter->value.data, letter->value.len);
    return change(port, &LETTER_PUT, &parameters, out_error);
}

static enum status store_letter_drop(struct event_store *port, int32_t partition, int64_t offset,
                                     struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int32(&parameters, partition);
    postgres_bind_int64(&parameters, offset);
    return change(port, &LETTER_DROP, &parameters, out_error);
}

static enum status store_letters(struct event_store *port, const struct event_letter *after,
                                 uint32_t limit,
                                 void (*visit)(void *owner, const struct event_letter *letter),
                                 void *owner, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *found = NULL;
    postgres_bind_int32(&parameters, after->partition);
    postgres_bind_int64(&parameters, after->offset);
    postgres_bind_int64(&parameters, limit);
    enum status status = ask(port, &LETTERS, &parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    for (int row = 0; row < PQntuples(found); row++) {
        const struct event_letter letter = {
            .partition = postgres_int32(found, row, 0),
            .offset = postgres_int64(found, row, 1),
            .reason = postgres_bytes(found, row, 2),
            .key = postgres_bytes(found, row, 3),
            .value = postgres_bytes(found, row, 4),
        };
        visit(owner, &letter);
    }
    PQclear(found);
    return STATUS_OK;
}

/* ---- Errands ---- */

static enum status store_errand_put(struct event_store *port, const struct event_errand *errand,
                                    int64_t *out_number, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_text(&parameters, errand->id);
    postgres_bind_text(&parameters, errand->traceparent);
    postgres_bind_bytes(&parameters, errand->value.data, errand->value.len);
    return number_ask(port, &ERRAND_PUT, &parameters, out_number, out_error);
}

static enum status store_errand_first(struct event_store *port, struct buf *memory,
                                      struct event_errand *out_errand, struct error *out_error)
{
    PGresult *found = NULL;
    enum status status = ask(port, &ERRAND_FIRST, NULL, &found, out_error);
    if (status != STATUS_OK) return status;
    if (PQntuples(found) == 0) {
        status = STATUS_NOT_FOUND;
    } else {
        const struct event_errand row = { postgres_int64(found, 0, 0), postgres_bytes(found, 0, 1),
                                          postgres_bytes(found, 0, 2),
                                          postgres_bytes(found, 0, 3) };
        status = event_errand_copy(&row, memory, out_errand);
    }
    PQclear(found);
    return status;
}

static enum status store_errand_drop(struct event_store *port, const struct event_errand *errand,
                                     struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_int64(&parameters, errand->number);
    postgres_bind_text(&parameters, errand->id);
    return change(port, &ERRAND_DROP, &parameters, out_error);
}

/* ---- Settings ---- */

static enum status store_setting_get(struct event_store *port, const char *name,
                                     struct buf *out_value, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *found = NULL;
    postgres_bind_text(&parameters, str_from(name));
    enum status status = ask(port, &SETTING_GET, &parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    buf_reset(out_value);
    status = PQntuples(found) == 0 ? STATUS_NOT_FOUND : STATUS_OK;
    if (status == STATUS_OK) buf_append_str(out_value, postgres_bytes(found, 0, 0));
    PQclear(found);
    return status == STATUS_OK ? buf_status(out_value) : status;
}

static enum status store_setting_set(struct event_store *port, const char *name, struct str value,
                                     struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    postgres_bind_text(&parameters, str_from(name));
    postgres_bind_text(&parameters, value);
    return change(port, &SETTING_SET, &parameters, out_error);
}

/* ---- Life ---- */

static void store_close(struct event_store *port)
{
    struct postgres_event_store *store = of_port(port);
    postgres_connection_close(store->connection);
    free(store->url);
    free(store);
}

/* A user without the right to make tables may use those that are there. */
static enum status schema_ensure(struct postgres_connection *connection, struct error *out_error)
{
    PGresult *found = NULL;
    postgres_call_begin(connection);
    enum status status = postgres_query(connection, &VERSION, NULL, &found, NULL);
    if (status == STATUS_INVALID) {
        status = postgres_begin(connection, out_error);
        if (status == STATUS_OK) status = postgres_execute(connection, SCHEMA, out_error);
        if (status == STATUS_OK) status = postgres_commit(connection, out_error);
        if (status != STATUS_OK) postgres_rollback(connection);
        if (status == STATUS_OK)
            status = postgres_query(connection, &VERSION, NULL, &found, out_error);
    }
    if (status != STATUS_OK) return status == STATUS_IN_DOUBT ? STATUS_UNAVAILABLE : status;
    bool known = PQntuples(found) == 1 && str_equal(postgres_bytes(found, 0, 0), STR("1"));
    PQclear(found);
    if (known) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID,
                     "the schema tpwallet_events is not one that this program knows");
}

enum status postgres_event_store_open(const char *url, struct event_store **out_store,
                                      struct error *out_error)
{
    struct postgres_event_store *store = calloc(1, sizeof *store);
    if (store == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the event book");
    store->port = (struct event_store){
        .begin = store_begin,
        .commit = store_commit,
        .undo = store_undo,
        .mark_get = store_mark_get,
        .mark_set = store_mark_set,
        .inbox_take = store_inbox_take,
        .effects_put = store_effects_put,
        .letter_put = store_letter_put,
        .letter_drop = store_letter_drop,
        .letters = store_letters,
        .errand_put = store_errand_put,
        .errand_first = store_errand_first,
        .errand_drop = store_errand_drop,
        .setting_get = store_setting_get,
        .setting_set = store_setting_set,
        .close = store_close,
    };
    store->url = strdup(url);
    enum status status = store->url == NULL
                             ? error_set(out_error, STATUS_LIMIT, "no memory for the event book")
                             : connection_make(store, &store->connection, out_error);
    if (status == STATUS_OK) status = schema_ensure(store->connection, out_error);
    if (status != STATUS_OK) {
        store_close(&store->port);
        return status;
    }
    *out_store = &store->port;
    return STATUS_OK;
}

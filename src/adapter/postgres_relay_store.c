#include "adapter/postgres_relay_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"

/* Rows as they are stored; the check is XXH3 of all that stands before it. */
struct state_row {
    struct relay_state state;
    uint64_t check;
};
struct letter_row {
    struct dead_letter letter;
    uint64_t check;
};

static const struct postgres_statement STATE_SELECT = {
    "delivery_select", "SELECT data FROM delivery WHERE lane = $1::int4 AND endpoint = $2::uuid"
};
/* The state, and a letter unless $5 is null: one statement is one step. */
static const struct postgres_statement SAVE = {
    "delivery_save",
    "WITH " POSTGRES_GUARD ", letter AS (INSERT INTO dead_letter(lane, endpoint, sequence, data)"
    " SELECT $1::int4, $3::uuid, $5::int8, $6::bytea WHERE $5::int8 IS NOT NULL"
    " ON CONFLICT (lane, endpoint, sequence) DO UPDATE SET data = EXCLUDED.data),"
    " state AS (INSERT INTO delivery(lane, endpoint, data) VALUES($1::int4, $3::uuid, $4::bytea)"
    " ON CONFLICT (lane, endpoint) DO UPDATE SET data = EXCLUDED.data) SELECT " POSTGRES_GUARD_HOLDS
};
static const struct postgres_statement REMOVE = {
    "letter_remove",
    "WITH " POSTGRES_GUARD ", letter AS (DELETE FROM dead_letter WHERE lane = $1::int4"
    " AND endpoint = $3::uuid AND sequence = $4::int8) SELECT " POSTGRES_GUARD_HOLDS
};
static const struct postgres_statement LETTERS = {
    "letters_select", "SELECT data FROM dead_letter WHERE lane = $1::int4 AND endpoint = $2::uuid"
                      " AND sequence > $3::int8 ORDER BY sequence LIMIT $4::int8"
};
static const struct postgres_statement FORGET = {
    "delivery_forget",
    "WITH " POSTGRES_GUARD ", letters AS (DELETE FROM dead_letter WHERE lane = $1::int4"
    " AND endpoint = $3::uuid), state AS (DELETE FROM delivery WHERE lane = $1::int4"
    " AND endpoint = $3::uuid) SELECT " POSTGRES_GUARD_HOLDS
};

struct postgres_relay_store {
    struct relay_store port; /* first: the port's pointer is ours */
    struct postgres_pool pool;
    struct postgres_owner owner;
};

static struct postgres_pool *pool_of(struct relay_store *port)
{
    return &((struct postgres_relay_store *)port)->pool;
}

static struct postgres_owner owner_of(const struct relay_store *port)
{
    return ((const struct postgres_relay_store *)port)->owner;
}

static void guard_bind(struct postgres_parameters *parameters, const struct relay_store *port)
{
    postgres_guard_bind(parameters, owner_of(port));
}

static enum status damaged(struct error *out_error)
{
    return error_set(out_error, STATUS_CORRUPT,
                     "a row about deliveries in the database is damaged");
}

static enum status relay_load(struct relay_store *port, struct uuid endpoint,
                              struct relay_state *out_state, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *found = NULL;
    struct state_row row;
    postgres_bind_int32(&parameters, (int32_t)owner_of(port).lane);
    postgres_bind_uuid(&parameters, endpoint);
    enum status status =
        postgres_pool_query(pool_of(port), &STATE_SELECT, &parameters, &found, out_error);
    if (status != STATUS_OK) return postgres_port_status(status);
    bool there = PQntuples(found) == 1;
    bool whole = there && postgres_copy(found, 0, 0, &row, sizeof row) &&
                 row.check == hash_bytes(&row.state, sizeof row.state) &&
                 uuid_equal(row.state.endpoint, endpoint);
    PQclear(found);
    if (!there) return STATUS_NOT_FOUND;
    if (!whole) return damaged(out_error);
    *out_state = row.state;
    return STATUS_OK;
}

static enum status relay_save(struct relay_store *port, const struct relay_state *state,
                              const struct dead_letter *letter, struct error *out_error)
{
    struct state_row state_row;
    struct letter_row letter_row;
    struct postgres_parameters parameters = { 0 };
    PGresult *saved = NULL;
    memset(&state_row, 0, sizeof state_row);
    memcpy(&state_row.state, state, sizeof *state); /* padding too, which the check covers */
    state_row.check = hash_bytes(&state_row.state, sizeof state_row.state);
    guard_bind(&parameters, port);
    postgres_bind_uuid(&parameters, state->endpoint);
    postgres_bind_bytes(&parameters, &state_row, sizeof state_row);
    if (letter == NULL) {
        postgres_bind_null(&parameters);
        postgres_bind_null(&parameters);
    } else {
        memset(&letter_row, 0, sizeof letter_row);
        memcpy(&letter_row.letter, letter, sizeof *letter);
        letter_row.check = hash_bytes(&letter_row.letter, sizeof letter_row.letter);
        postgres_bind_number(&parameters, letter->sequence);
        postgres_bind_bytes(&parameters, &letter_row, sizeof letter_row);
    }
    enum status status = postgres_pool_query(pool_of(port), &SAVE, &parameters, &saved, out_error);
    if (status == STATUS_OK) PQclear(saved);
    return postgres_port_status(status);
}

static enum status relay_remove(struct relay_store *port, struct uuid endpoint, uint64_t sequence,
                                struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *removed = NULL;
    guard_bind(&parameters, port);
    postgres_bind_uuid(&parameters, endpoint);
    postgres_bind_number(&parameters, sequence);
    enum status status =
        postgres_pool_query(pool_of(port), &REMOVE, &parameters, &removed, out_error);
    if (status == STATUS_OK) PQclear(removed);
    return postgres_port_status(status);
}

static enum status relay_letters(struct relay_store *port, struct uuid endpoint, uint64_t above,
                                 struct dead_letter *out_letters, uint32_t limit,
                                 uint32_t *out_count)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *found = NULL;
    if (above > INT64_MAX) {
        *out_count = 0;
        return STATUS_OK;
    }
    postgres_bind_int32(&parameters, (int32_t)owner_of(port).lane);
    postgres_bind_uuid(&parameters, endpoint);
    postgres_bind_number(&parameters, above);
    postgres_bind_number(&parameters, limit);
    enum status status = postgres_pool_query(pool_of(port), &LETTERS, &parameters, &found, NULL);
    if (status != STATUS_OK) return postgres_port_status(status);
    uint32_t count = (uint32_t)PQntuples(found);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        struct letter_row row;
        bool whole = postgres_copy(found, (int)i, 0, &row, sizeof row) &&
                     row.check == hash_bytes(&row.letter, sizeof row.letter);
        if (whole) out_letters[i] = row.letter;
        if (!whole) status = STATUS_CORRUPT;
    }
    PQclear(found);
    if (status == STATUS_OK) *out_count = count;
    return status;
}

static enum status relay_forget(struct relay_store *port, struct uuid endpoint,
                                struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *forgotten = NULL;
    guard_bind(&parameters, port);
    postgres_bind_uuid(&parameters, endpoint);
    enum status status =
        postgres_pool_query(pool_of(port), &FORGET, &parameters, &forgotten, out_error);
    if (status == STATUS_OK) PQclear(forgotten);
    return postgres_port_status(status);
}

static void relay_close(struct relay_store *port)
{
    if (port == NULL) return;
    postgres_pool_close(pool_of(port));
    free(port);
}

enum status postgres_relay_store_open(const char *url, struct postgres_owner owner,
                                      struct relay_store **out_store, struct error *out_error)
{
    struct postgres_relay_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    store->owner = owner;
    store->port = (struct relay_store){ .load = relay_load,
                                        .save = relay_save,
                                        .remove = relay_remove,
                                        .letters = relay_letters,
                                        .forget = relay_forget,
                                        .close = relay_close };
    enum status status =
        postgres_owner_pool_open(&store->pool, url, "tpwallet relay", owner, out_error);
    if (status != STATUS_OK) {
        relay_close(&store->port);
        return status;
    }
    *out_store = &store->port;
    return STATUS_OK;
}

#include "adapter/postgres_endpoint_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "crypto/secret.h"

/* As it is stored; the check is XXH3 of all that stands before it. */
struct stored_row {
    struct endpoint_row row;
    uint64_t check;
};

static const struct postgres_statement PUT = {
    "endpoint_put",
    "WITH " POSTGRES_GUARD ", stored AS (INSERT INTO endpoint(lane, id, data)"
    " VALUES($1::int4, $3::uuid, $4::bytea) ON CONFLICT (lane, id) DO UPDATE SET data = EXCLUDED.data) SELECT " POSTGRES_GUARD_HOLDS
};
static const struct postgres_statement REMOVE = {
    "endpoint_remove",
    "WITH " POSTGRES_GUARD ", gone AS (DELETE FROM endpoint WHERE lane = $1::int4"
    " AND id = $3::uuid) SELECT " POSTGRES_GUARD_HOLDS
};
static const struct postgres_statement NEXT = {
    "endpoint_next",
    "SELECT data FROM endpoint WHERE lane = $1::int4 AND id > $2::uuid ORDER BY id LIMIT 1"
};
static const struct postgres_statement LOAD = {
    "endpoint_load", "SELECT data FROM endpoint WHERE lane = $1::int4 AND id = $2::uuid"
};

struct postgres_endpoint_store {
    struct endpoint_store port; /* first: the port's pointer is ours */
    struct postgres_pool pool;
    struct postgres_owner owner;
};

static struct postgres_pool *pool_of(struct endpoint_store *port)
{
    return &((struct postgres_endpoint_store *)port)->pool;
}

static struct postgres_owner owner_of(const struct endpoint_store *port)
{
    return ((const struct postgres_endpoint_store *)port)->owner;
}

static void guard_bind(struct postgres_parameters *parameters, const struct endpoint_store *port)
{
    postgres_guard_bind(parameters, owner_of(port));
}

static enum status endpoint_put(struct endpoint_store *port, const struct endpoint_row *row,
                                struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    struct stored_row stored;
    PGresult *done = NULL;
    memset(&stored, 0, sizeof stored);
    memcpy(&stored.row, row, sizeof stored.row); /* padding too, which the check covers */
    stored.check = hash_bytes(&stored.row, sizeof stored.row);
    guard_bind(&parameters, port);
    postgres_bind_uuid(&parameters, row->id);
    postgres_bind_bytes(&parameters, &stored, sizeof stored);
    /* the same row again changes nothing, so a lost answer is no doubt */
    enum status status = postgres_pool_query(pool_of(port), &PUT, &parameters, &done, out_error);
    secret_wipe(&stored, sizeof stored);
    if (status == STATUS_OK) PQclear(done);
    return postgres_port_status(status);
}

static enum status endpoint_remove(struct endpoint_store *port, struct uuid id,
                                   struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *done = NULL;
    guard_bind(&parameters, port);
    postgres_bind_uuid(&parameters, id);
    enum status status = postgres_pool_query(pool_of(port), &REMOVE, &parameters, &done, out_error);
    if (status == STATUS_OK) PQclear(done);
    return postgres_port_status(status);
}

static enum status row_find(struct endpoint_store *port, const struct postgres_statement *statement,
                            struct uuid id, struct endpoint_row *out_row, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    struct stored_row stored;
    PGresult *found = NULL;
    postgres_bind_int32(&parameters, (int32_t)owner_of(port).lane);
    postgres_bind_uuid(&parameters, id);
    enum status status =
        postgres_pool_query(pool_of(port), statement, &parameters, &found, out_error);
    if (status != STATUS_OK) return postgres_port_status(status);
    bool there = PQntuples(found) == 1;
    bool whole = there && postgres_copy(found, 0, 0, &stored, sizeof stored) &&
                 stored.check == hash_bytes(&stored.row, sizeof stored.row);
    if (there) secret_wipe(PQgetvalue(found, 0, 0), (size_t)PQgetlength(found, 0, 0));
    PQclear(found);
    if (whole) *out_row = stored.row;
    secret_wipe(&stored, sizeof stored);
    if (!there) return STATUS_NOT_FOUND;
    if (whole) return STATUS_OK;
    (void)error_set(out_error, STATUS_CORRUPT, "an endpoint in the database is damaged");
    error_hint(out_error, "restore a backup; or delete the row, and make the endpoint anew");
    return STATUS_CORRUPT;
}

static enum status endpoint_next(struct endpoint_store *port, struct uuid after,
                                 struct endpoint_row *out_row, struct error *out_error)
{
    return row_find(port, &NEXT, after, out_row, out_error);
}

static enum status endpoint_load(struct endpoint_store *port, struct uuid id,
                                 struct endpoint_row *out_row, struct error *out_error)
{
    return row_find(port, &LOAD, id, out_row, out_error);
}

static void endpoint_close(struct endpoint_store *port)
{
    if (port == NULL) return;
    postgres_pool_close(pool_of(port));
    free(port);
}

enum status postgres_endpoint_store_open(const char *url, struct postgres_owner owner,
                                         struct endpoint_store **out_store, struct error *out_error)
{
    struct postgres_endpoint_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    store->owner = owner;
    store->port = (struct endpoint_store){ .put = endpoint_put,
                                           .remove = endpoint_remove,
                                           .next = endpoint_next,
                                           .load = endpoint_load,
                                           .close = endpoint_close };
    enum status status =
        postgres_owner_pool_open(&store->pool, url, "tpwallet endpoints", owner, out_error);
    if (status != STATUS_OK) {
        endpoint_close(&store->port);
        return status;
    }
    *out_store = &store->port;
    return STATUS_OK;
}

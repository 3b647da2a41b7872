#include "adapter/postgres_inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"

enum { REMOVED_MAX = 512, AGE_MAX_S_DEFAULT = 30 * 86400, LOOK_ROWS = 16 };
static const uint64_t BYTES_MAX_DEFAULT = UINT64_C(4) << 30;

static const struct postgres_statement INSERT = {
    "inbox_insert",
    "WITH " POSTGRES_GUARD ", stored AS (INSERT INTO"
    " inbox(lane, received_at, mark, size, about, endpoint, digest, headers, body)"
    " VALUES($1::int4, $3::int8, 0, $4::int4, $5::uuid, $6::text, $7::int8, $8::bytea, $9::bytea)"
    " RETURNING id) SELECT id, " POSTGRES_GUARD_HOLDS " FROM stored"
};
static const struct postgres_statement MARK = {
    "inbox_mark",
    "WITH " POSTGRES_GUARD
    ", marked AS (UPDATE inbox SET mark = $4::int4 WHERE id = $3::int8) SELECT " POSTGRES_GUARD_HOLDS
};
static const struct postgres_statement SELECT = {
    "inbox_select", "SELECT received_at, mark::int4, endpoint, digest, headers, body FROM inbox"
                    " WHERE id = $1::int8"
};
static const struct postgres_statement LOOK = {
    "inbox_look", "SELECT received_at, mark::int4, endpoint, digest, headers, body, id, about"
                  " FROM inbox WHERE lane = $1::int4 AND id > $2::int8 ORDER BY id LIMIT $3::int8"
};
static const struct postgres_statement UNMARKED = {
    "inbox_unmarked", "SELECT id FROM inbox WHERE lane = $1::int4 AND mark = 0 AND id > $2::int8"
                      " ORDER BY id LIMIT $3::int8"
};
static const struct postgres_statement FIND = {
    "inbox_find", "SELECT id FROM inbox WHERE lane = $1::int4 AND about = $2::uuid"
                  " AND id > $3::int8 ORDER BY id LIMIT $4::int8"
};
static const struct postgres_statement BYTES = {
    "inbox_bytes", "SELECT coalesce(sum(size), 0)::int8 FROM inbox WHERE lane = $1::int4"
};
/* Of what is marked and came before $3, the oldest; the newest of all stays. */
static const struct postgres_statement REMOVE = {
    "inbox_remove",
    "WITH " POSTGRES_GUARD ", gone AS (DELETE FROM inbox WHERE id IN (SELECT id FROM inbox"
    " WHERE lane = $1::int4 AND mark <> 0 AND received_at < $3::int8 AND id < (SELECT max(id) FROM inbox)"
    " ORDER BY id LIMIT $4::int8) RETURNING size)"
    " SELECT count(*), coalesce(sum(size), 0)::int8, " POSTGRES_GUARD_HOLDS " FROM gone"
};

struct postgres_inbox {
    struct inbox port; /* first: the port's pointer is ours */
    struct postgres_pool pool;
    struct postgres_owner owner;
    uint64_t bytes_max;
    int64_t age_max_s;
    pthread_mutex_t mutex; /* of the size */
    uint64_t bytes;
};

static struct postgres_inbox *of_port(struct inbox *port)
{
    return (struct postgres_inbox *)port;
}

static int64_t webhook_digest(const struct inbox_webhook *webhook)
{
    const uint64_t words[] = {
        (uint64_t)webhook->received_at.ns,
        hash_bytes(webhook->endpoint, strnlen(webhook->endpoint, sizeof webhook->endpoint)),
        hash_bytes(webhook->headers.data, webhook->headers.len),
        hash_bytes(webhook->body.data, webhook->body.len),
    };
    return (int64_t)hash_bytes(words, sizeof words);
}

/* ---- the size ---- */

static void bytes_add(struct postgres_inbox *inbox, uint64_t more, uint64_t less)
{
    (void)pthread_mutex_lock(&inbox->mutex);
    inbox->bytes += more;
    inbox->bytes = inbox->bytes > less ? inbox->bytes - less : 0;
    (void)pthread_mutex_unlock(&inbox->mutex);
}

static bool has_room(struct postgres_inbox *inbox, uint64_t needed)
{
    (void)pthread_mutex_lock(&inbox->mutex);
    bool room = inbox->bytes + needed <= inbox->bytes_max;
    (void)pthread_mutex_unlock(&inbox->mutex);
    return room;
}

static enum status bytes_count(struct postgres_inbox *inbox, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *found = NULL;
    postgres_bind_int32(&parameters, (int32_t)inbox->owner.lane);
    enum status status = postgres_pool_query(&inbox->pool, &BYTES, &parameters, &found, out_error);
    if (status != STATUS_OK) return status;
    (void)pthread_mutex_lock(&inbox->mutex);
    inbox->bytes = (uint64_t)postgres_int64(found, 0, 0);
    (void)pthread_mutex_unlock(&inbox->mutex);
    PQclear(found);
    return STATUS_OK;
}

static enum status remove_old(struct postgres_inbox *inbox, int64_t before_ns, uint64_t limit,
                              uint32_t *out_count, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *removed = NULL;
    postgres_guard_bind(&parameters, inbox->owner);
    postgres_bind_int64(&parameters, before_ns);
    postgres_bind_number(&parameters, limit);
    enum status status =
        postgres_pool_query(&inbox->pool, &REMOVE, &parameters, &removed, out_error);
    if (status != STATUS_OK) return status;
    *out_count = (uint32_t)postgres_int64(removed, 0, 0);
    bytes_add(inbox, 0, (uint64_t)postgres_int64(removed, 0, 1));
    PQclear(removed);
    return STATUS_OK;
}

/* One at a time: no more goes than has to. */
static enum status make_room(struct postgres_inbox *inbox, uint64_t needed, struct error *out_error)
{
    for (int i = 0; i < REMOVED_MAX && !has_room(inbox, needed); i++) {
        uint32_t count = 0;
        enum status status = remove_old(inbox, INT64_MAX, 1, &count, out_error);
        if (status != STATUS_OK) return status;
        if (count == 0) break;
    }
    if (has_room(inbox, needed)) return STATUS_OK;
    (void)error_set(out_error, STATUS_LIMIT, "the inbox is full");
    error_hint(out_error, "webhooks are not worked off; see why, or raise the inbox's size");
    return STATUS_LIMIT;
}

/* ---- the port's calls ---- */

static enum status inbox_put(struct inbox *port, const struct inbox_webhook *webhook,
                             uint64_t *out_id, struct error *out_error)
{
    struct postgres_inbox *inbox = of_port(port);
    CHECK(memchr(webhook->endpoint, 0, sizeof webhook->endpoint) != NULL);
    CHECK(webhook->headers.len <= INBOX_HEADERS_SIZE_MAX);
    CHECK(webhook->body.len <= INBOX_BODY_SIZE_MAX);
    uint64_t size = webhook->headers.len + webhook->body.len;
    struct postgres_parameters parameters = { 0 };
    PGresult *stored = NULL;
    enum status status = make_room(inbox, size, out_error);
    if (status != STATUS_OK) return postgres_port_status(status);
    postgres_guard_bind(&parameters, inbox->owner);
    postgres_bind_int64(&parameters, webhook->received_at.ns);
    postgres_bind_int32(&parameters, (int32_t)size);
    if (uuid_is_nil(webhook->about)) {
        postgres_bind_null(&parameters);
    } else {
        postgres_bind_uuid(&parameters, webhook->about);
    }
    postgres_bind_text(&parameters, str_from(webhook->endpoint));
    postgres_bind_int64(&parameters, webhook_digest(webhook));
    postgres_bind_bytes(&parameters, webhook->headers.data, webhook->headers.len);
    postgres_bind_bytes(&parameters, webhook->body.data, webhook->body.len);
    status = postgres_pool_change(&inbox->pool, &INSERT, &parameters, &stored, out_error);
    if (status != STATUS_OK) return postgres_port_status(status);
    *out_id = (uint64_t)postgres_int64(stored, 0, 0);
    PQclear(stored);
    bytes_add(inbox, size, 0);
    return STATUS_OK;
}

static enum status inbox_mark(struct inbox *port, uint64_t id, enum inbox_mark mark,
                              struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *marked = NULL;
    CHECK(mark > INBOX_MARK_NONE && mark < INBOX_MARK_COUNT);
    postgres_guard_bind(&parameters, of_port(port)->owner);
    postgres_bind_number(&parameters, id);
    postgres_bind_int32(&parameters, (int32_t)mark);
    enum status status =
        postgres_pool_query(&of_port(port)->pool, &MARK, &parameters, &marked, out_error);
    if (status == STATUS_OK) PQclear(marked);
    return postgres_port_status(status);
}

/* The views are the result's. */
static enum status row_read(const PGresult *found, int row, uint64_t id,
                            struct inbox_webhook *out_webhook, struct error *out_error)
{
    struct str endpoint = postgres_bytes(found, row, 2);
    struct inbox_webhook webhook = {
        .id = id,
        .received_at = { postgres_int64(found, row, 0) },
        .mark = (uint8_t)postgres_int32(found, row, 1),
        .headers = postgres_bytes(found, row, 4),
        .body = postgres_bytes(found, row, 5),
    };
    bool whole = endpoint.len < sizeof webhook.endpoint;
    if (whole) memcpy(webhook.endpoint, endpoint.data, endpoint.len);
    if (!whole || postgres_int64(found, row, 3) != webhook_digest(&webhook)) {
        return error_set(out_error, STATUS_CORRUPT, "webhook %llu in the database is damaged",
                         (unsigned long long)id);
    }
    *out_webhook = webhook;
    return STATUS_OK;
}

static enum status webhook_take(const PGresult *found, uint64_t id,
                                struct inbox_webhook *out_webhook, struct buf *out_bytes,
                                struct error *out_error)
{
    struct inbox_webhook webhook = { 0 };
    enum status status = row_read(found, 0, id, &webhook, out_error);
    if (status != STATUS_OK) return status;
    struct str headers = webhook.headers;
    struct str body = webhook.body;
    buf_reset(out_bytes);
    buf_append_str(out_bytes, headers);
    buf_append_str(out_bytes, body);
    if (buf_status(out_bytes) != STATUS_OK)
        return error_set(out_error, STATUS_LIMIT, "a webhook does not fit");
    const char *bytes = (const char *)out_bytes->data;
    webhook.headers = (struct str){ bytes, headers.len };
    webhook.body =
        (struct str){ headers.len + body.len == 0 ? bytes : bytes + headers.len, body.len };
    *out_webhook = webhook;
    return STATUS_OK;
}

static enum status inbox_read(struct inbox *port, uint64_t id, struct inbox_webhook *out_webhook,
                              struct buf *out_bytes, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *found = NULL;
    postgres_bind_number(&parameters, id);
    enum status status =
        postgres_pool_query(&of_port(port)->pool, &SELECT, &parameters, &found, out_error);
    if (status != STATUS_OK) return postgres_port_status(status);
    status = PQntuples(found) == 0 ? STATUS_NOT_FOUND
                                   : webhook_take(found, id, out_webhook, out_bytes, out_error);
    PQclear(found);
    return status;
}

static void ids_take(PGresult *found, uint64_t *out_ids, uint32_t *out_count)
{
    uint32_t count = (uint32_t)PQntuples(found);
    for (uint32_t i = 0; i < count; i++) out_ids[i] = (uint64_t)postgres_int64(found, (int)i, 0);
    *out_count = count;
    PQclear(found);
}

static enum status inbox_unmarked(struct inbox *port, uint64_t after, uint64_t *out_ids,
                                  uint32_t limit, uint32_t *out_count, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *found = NULL;
    postgres_bind_int32(&parameters, (int32_t)of_port(port)->owner.lane);
    postgres_bind_number(&parameters, after);
    postgres_bind_number(&parameters, limit);
    enum status status =
        postgres_pool_query(&of_port(port)->pool, &UNMARKED, &parameters, &found, out_error);
    if (status == STATUS_OK) ids_take(found, out_ids, out_count);
    return postgres_port_status(status);
}

static enum status inbox_find(struct inbox *port, const struct inbox_subject *subject,
                              uint64_t *out_ids, uint32_t *out_count, struct error *out_error)
{
    struct postgres_parameters parameters = { 0 };
    PGresult *found = NULL;
    postgres_bind_int32(&parameters, (int32_t)of_port(port)->owner.lane);
    postgres_bind_uuid(&parameters, subject->about);
    postgres_bind_number(&parameters, subject->after);
    postgres_bind_number(&parameters, subject->limit);
    enum status status =
        postgres_pool_query(&of_port(port)->pool, &FIND, &parameters, &found, out_error);
    if (status == STATUS_OK) ids_take(found, out_ids, out_count);
    return postgres_port_status(status);
}

static enum status inbox_trim(struct inbox *port, struct wall_time now, uint32_t *out_count,
                              struct error *out_error)
{
    struct postgres_inbox *inbox = of_port(port);
    int64_t age_ns = inbox->age_max_s * NS_PER_S;
    int64_t before_ns = now.ns > age_ns ? now.ns - age_ns : 0;
    enum status status = bytes_count(inbox, out_error); /* another replica stores, too */
    if (status == STATUS_OK)
        status = remove_old(inbox, before_ns, REMOVED_MAX, out_count, out_error);
    return postgres_port_status(status);
}

static void inbox_close(struct inbox *port)
{
    if (port == NULL) return;
    struct postgres_inbox *inbox = of_port(port);
    postgres_pool_close(&inbox->pool);
    (void)pthread_mutex_destroy(&inbox->mutex); /* nobody is inside */
    free(inbox);
}

enum status postgres_inbox_open(const struct postgres_inbox_options *options,
                                struct inbox **out_inbox, struct error *out_error)
{
    struct postgres_inbox *inbox = calloc(1, sizeof *inbox);
    CHECK(inbox != NULL);
    inbox->port = (struct inbox){ .put = inbox_put,
                                  .mark = inbox_mark,
                                  .read = inbox_read,
                                  .unmarked = inbox_unmarked,
                                  .find = inbox_find,
                                  .trim = inbox_trim,
                                  .close = inbox_close };
    inbox->owner = options->owner;
    inbox->bytes_max = options->bytes_max == 0 ? BYTES_MAX_DEFAULT : options->bytes_max;
    inbox->age_max_s = options->age_max_s == 0 ? AGE_MAX_S_DEFAULT : options->age_max_s;
    int failed = pthread_mutex_init(&inbox->mutex, NULL);
    CHECK(failed == 0);
    enum status status = postgres_owner_pool_open(&inbox->pool, options->url, "tpwallet inbox",
                                                  inbox->owner, out_error);
    if (status == STATUS_OK) status = bytes_count(inbox, out_error);
    if (status != STATUS_OK) {
        inbox_close(&inbox->port);
        return status;
    }
    *out_inbox = &inbox->port;
    return STATUS_OK;
}

/* ---- a look ---- */

static enum status page_visit(const PGresult *found,
                              enum status (*visit)(void *owner,
                                                   const struct inbox_webhook *webhook),
                              void *owner, uint64_t *out_last, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (int row = 0; status == STATUS_OK && row < PQntuples(found); row++) {
        struct inbox_webhook webhook;
        uint64_t id = (uint64_t)postgres_int64(found, row, 6);
        status = row_read(found, row, id, &webhook, out_error);
        if (status != STATUS_OK) return status;
        webhook.about = postgres_uuid(found, row, 7);
        *out_last = id;
        status = visit(owner, &webhook);
    }
    return status;
}

enum status postgres_inbox_look(const char *url, uint32_t lane,
                                enum status (*visit)(void *owner,
                                                     const struct inbox_webhook *webhook),
                                void *owner, struct error *out_error)
{
    const struct postgres_owner nobody = { .lane = lane };
    struct postgres_pool pool;
    uint64_t last = 0;
    int rows = LOOK_ROWS;
    enum status status = postgres_owner_pool_open(&pool, url, "tpwallet inbox", nobody, out_error);
    while (status == STATUS_OK && rows == LOOK_ROWS) {
        struct postgres_parameters parameters = { 0 };
        PGresult *found = NULL;
        postgres_bind_int32(&parameters, (int32_t)lane);
        postgres_bind_number(&parameters, last);
        postgres_bind_number(&parameters, LOOK_ROWS);
        status = postgres_pool_query(&pool, &LOOK, &parameters, &found, out_error);
        if (status != STATUS_OK) break;
        rows = PQntuples(found);
        status = page_visit(found, visit, owner, &last, out_error);
        PQclear(found);
    }
    postgres_pool_close(&pool);
    return status;
}

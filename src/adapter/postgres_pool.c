#include "adapter/postgres_pool.h"

#include <string.h>

#include "base/check.h"

enum status postgres_pool_open(struct postgres_pool *pool,
                               const struct postgres_connection_options *options,
                               struct error *out_error)
{
    *pool = (struct postgres_pool){ 0 };
    enum status status = postgres_url_check(options->url, out_error);
    if (status != STATUS_OK) return status;
    CHECK(strlen(options->name) < sizeof pool->name);
    memcpy(pool->url, options->url, strlen(options->url) + 1);
    memcpy(pool->name, options->name, strlen(options->name) + 1);
    pool->options = *options;
    pool->options.url = pool->url;
    pool->options.name = pool->name;
    int failed = pthread_mutex_init(&pool->mutex, NULL);
    CHECK(failed == 0);
    failed = pthread_cond_init(&pool->freed, NULL);
    CHECK(failed == 0);
    pool->open = true;
    status = postgres_connection_open(&pool->options, &pool->connections[0], out_error);
    if (status != STATUS_OK) postgres_pool_close(pool);
    return status;
}

void postgres_pool_close(struct postgres_pool *pool)
{
    if (!pool->open) return;
    for (size_t i = 0; i < POSTGRES_POOL_MAX; i++) {
        (void)pthread_mutex_lock(&pool->mutex);
        while (pool->busy[i]) (void)pthread_cond_wait(&pool->freed, &pool->mutex);
        (void)pthread_mutex_unlock(&pool->mutex);
        postgres_connection_close(pool->connections[i]);
        pool->connections[i] = NULL;
    }
    (void)pthread_cond_destroy(&pool->freed);  /* nobody waits */
    (void)pthread_mutex_destroy(&pool->mutex); /* nobody is inside */
    pool->open = false;
}

/* One that is open and rests, else one that is not open yet. */
static bool find_free(const struct postgres_pool *pool, size_t *out_place)
{
    bool found = false;
    for (size_t i = POSTGRES_POOL_MAX; i > 0; i--) {
        size_t at = i - 1;
        if (pool->busy[at]) continue;
        if (found && pool->connections[at] == NULL) continue;
        *out_place = at;
        found = true;
    }
    return found;
}

static size_t place_take(struct postgres_pool *pool)
{
    size_t place = 0;
    (void)pthread_mutex_lock(&pool->mutex);
    while (!find_free(pool, &place)) (void)pthread_cond_wait(&pool->freed, &pool->mutex);
    pool->busy[place] = true;
    (void)pthread_mutex_unlock(&pool->mutex);
    return place;
}

static void place_give(struct postgres_pool *pool, size_t place)
{
    (void)pthread_mutex_lock(&pool->mutex);
    pool->busy[place] = false;
    (void)pthread_cond_broadcast(&pool->freed);
    (void)pthread_mutex_unlock(&pool->mutex);
}

/* The place is the caller's. A connection that is lost is replaced. */
static enum status place_ready(struct postgres_pool *pool, size_t place, int64_t deadline_ns,
                               struct error *out_error)
{
    struct postgres_connection **at = &pool->connections[place];
    if (*at != NULL && (*at)->lost) {
        postgres_connection_close(*at);
        *at = NULL;
    }
    if (*at == NULL) {
        struct postgres_connection_options options = pool->options;
        options.deadline_ns = deadline_ns;
        enum status status = postgres_connection_open(&options, at, out_error);
        if (status != STATUS_OK) return status;
    }
    postgres_call_until(*at, deadline_ns);
    return STATUS_OK;
}

static enum status place_query(struct postgres_pool *pool, size_t place,
                               const struct postgres_statement *statement,
                               const struct postgres_parameters *parameters, PGresult **out_result,
                               struct error *out_error)
{
    int64_t deadline_ns = postgres_deadline(POSTGRES_CALL_MS_MAX);
    for (;;) {
        bool rested = pool->connections[place] != NULL;
        enum status status = place_ready(pool, place, deadline_ns, out_error);
        if (status != STATUS_OK) return status;
        struct postgres_connection *connection = pool->connections[place];
        status = postgres_query(connection, statement, parameters, out_result, out_error);
        if (status == STATUS_OK || !connection->lost || !rested) return status;
    }
}

enum status postgres_pool_query(struct postgres_pool *pool,
                                const struct postgres_statement *statement,
                                const struct postgres_parameters *parameters, PGresult **out_result,
                                struct error *out_error)
{
    size_t place = place_take(pool);
    enum status status = place_query(pool, place, statement, parameters, out_result, out_error);
    place_give(pool, place);
    return status;
}

static enum status change_in_doubt(struct error *out_error, const char *why)
{
    (void)error_set(out_error, STATUS_IN_DOUBT, "whether the database did it is not known");
    error_detail(out_error, "%s", why);
    return STATUS_IN_DOUBT;
}

enum status postgres_pool_change(struct postgres_pool *pool,
                                 const struct postgres_statement *statement,
                                 const struct postgres_parameters *parameters,
                                 PGresult **out_result, struct error *out_error)
{
    struct postgres_connection *connection = NULL;
    PGresult *result = NULL;
    enum status status = postgres_pool_take(pool, &connection, out_error);
    if (status != STATUS_OK) return status;
    status = postgres_prepare(connection, statement, out_error);
    if (status == STATUS_OK) {
        connection->warned = false;
        status = postgres_query(connection, statement, parameters, &result, out_error);
        if (status != STATUS_OK && connection->lost)
            status = change_in_doubt(out_error, "the connection was lost");
        if (status == STATUS_OK && connection->warned) {
            PQclear(result);
            status = change_in_doubt(out_error, connection->warning);
        }
    }
    postgres_pool_give(pool, connection);
    if (status == STATUS_OK) *out_result = result;
    return status;
}

enum status postgres_pool_take(struct postgres_pool *pool,
                               struct postgres_connection **out_connection, struct error *out_error)
{
    size_t place = place_take(pool);
    int64_t deadline_ns = postgres_deadline(POSTGRES_CALL_MS_MAX);
    enum status status = place_ready(pool, place, deadline_ns, out_error);
    if (status == STATUS_OK) {
        *out_connection = pool->connections[place];
    } else {
        place_give(pool, place);
    }
    return status;
}

void postgres_pool_give(struct postgres_pool *pool, struct postgres_connection *connection)
{
    for (size_t i = 0; i < POSTGRES_POOL_MAX; i++) {
        if (pool->connections[i] != connection) continue;
        place_give(pool, i);
        return;
    }
    CHECK(connection == NULL); /* it is one of ours */
}

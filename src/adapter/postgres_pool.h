/* postgres_pool.h - a few PostgreSQL connections that tasks share, opened anew when one is lost. */
#ifndef ADAPTER_POSTGRES_POOL_H
#define ADAPTER_POSTGRES_POOL_H

#include <pthread.h>

#include "adapter/postgres_connection.h"

enum { POSTGRES_POOL_MAX = 4 }; /* in use at once; more callers wait for one */

/* Calls by any thread. Connections are made when they are needed, and kept. */
struct postgres_pool {
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    struct postgres_connection *connections[POSTGRES_POOL_MAX]; /* NULL: not open */
    bool busy[POSTGRES_POOL_MAX];
    char url[POSTGRES_URL_SIZE];
    char name[64];
    struct postgres_connection_options options;
    bool open;
};

/* options are copied; the first connection is made. As postgres_connection_open(). */
enum status postgres_pool_open(struct postgres_pool *pool,
                               const struct postgres_connection_options *options,
                               struct error *out_error) MUST_CHECK;
/* Waits for the calls under way. Accepts a zeroed struct. */
void postgres_pool_close(struct postgres_pool *pool);

/*
 * One statement that may be carried out twice: when a connection that rested turns out to be
 * lost, it is asked again on a new one. As postgres_query(), within POSTGRES_CALL_MS_MAX.
 */
enum status postgres_pool_query(struct postgres_pool *pool,
                                const struct postgres_statement *statement,
                                const struct postgres_parameters *parameters, PGresult **out_result,
                                struct error *out_error) MUST_CHECK;

/*
 * One statement that changes something, and may not be carried out twice. STATUS_IN_DOUBT: it was
 * or was not: the connection went, or a standby may not have it. Else as postgres_query().
 */
enum status postgres_pool_change(struct postgres_pool *pool,
                                 const struct postgres_statement *statement,
                                 const struct postgres_parameters *parameters,
                                 PGresult **out_result, struct error *out_error) MUST_CHECK;

/*
 * A connection to be used alone, its call begun; give it back, lost or not. As
 * postgres_connection_open().
 */
enum status postgres_pool_take(struct postgres_pool *pool,
                               struct postgres_connection **out_connection, struct error *out_error)
    MUST_CHECK;
void postgres_pool_give(struct postgres_pool *pool, struct postgres_connection *connection);

#endif

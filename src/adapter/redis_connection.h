/* redis_connection.h - a connection to a Redis that has taken who we are, and which database. */
#ifndef ADAPTER_REDIS_CONNECTION_H
#define ADAPTER_REDIS_CONNECTION_H

#include <hiredis/hiredis.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "crypto/secret.h"

struct redis_server {
    const char *host; /* a name or address */
    uint16_t port;
    uint32_t database;
    const char *user;              /* NULL: the default one */
    const struct secret *password; /* NULL: none is asked for */
};

/*
 * Each call on it takes timeout_ms at most; redisFree() is the caller's. STATUS_UNAVAILABLE;
 * STATUS_DENIED: it wants another user or password.
 */
enum status redis_connect(const struct redis_server *server, int timeout_ms,
                          redisContext **out_context, struct error *out_error) MUST_CHECK;

#endif

#include "adapter/redis_connection.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

enum { NUMBER_SIZE = 24 };

static struct timeval timeval_of(int ms)
{
    return (struct timeval){ ms / 1000, (ms % 1000) * 1000 };
}

static bool answered_ok(redisReply *reply)
{
    bool good = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    if (reply != NULL) freeReplyObject(reply);
    return good;
}

static bool authenticate(const struct redis_server *server, redisContext *context)
{
    const struct secret *password = server->password;
    if (password == NULL) return true;
    const char *words[3] = { "AUTH", server->user, (const char *)password->bytes };
    size_t sizes[3] = { 4, server->user == NULL ? 0 : strlen(server->user), password->size };
    if (server->user != NULL) return answered_ok(redisCommandArgv(context, 3, words, sizes));
    words[1] = words[2];
    sizes[1] = sizes[2];
    return answered_ok(redisCommandArgv(context, 2, words, sizes));
}

/* Asks for something, so that a server that wants a password is noticed here. */
static bool database_choose(const struct redis_server *server, redisContext *context)
{
    char number[NUMBER_SIZE];
    int len = snprintf(number, sizeof number, "%u", server->database);
    CHECK(len > 0 && (size_t)len < sizeof number);
    const char *words[2] = { "SELECT", number };
    return answered_ok(redisCommandArgv(context, 2, words, NULL));
}

enum status redis_connect(const struct redis_server *server, int timeout_ms,
                          redisContext **out_context, struct error *out_error)
{
    struct timeval timeout = timeval_of(timeout_ms);
    redisContext *context = redisConnectWithTimeout(server->host, (int)server->port, timeout);
    if (context == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for a connection");
    enum status status = STATUS_OK;
    if (context->err != 0 || redisSetTimeout(context, timeout) != REDIS_OK)
        status = error_set(out_error, STATUS_UNAVAILABLE, "there is no Redis at %s:%u: %s",
                           server->host, server->port, context->errstr);
    else if (!authenticate(server, context) || !database_choose(server, context))
        status = error_set(out_error, context->err != 0 ? STATUS_UNAVAILABLE : STATUS_DENIED,
                           "the Redis at %s:%u does not take us", server->host, server->port);
    if (status == STATUS_OK)
        *out_context = context;
    else
        redisFree(context);
    return status;
}

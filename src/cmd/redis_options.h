/* redis_options.h - where a Redis is and who we are there, as commands are told. */
#ifndef CMD_REDIS_OPTIONS_H
#define CMD_REDIS_OPTIONS_H

#include "cmd/invocation.h"
#include "crypto/secret.h"

enum { REDIS_HOST_SIZE = 256 };

struct redis_place {
    char host[REDIS_HOST_SIZE];
    uint16_t port;
    uint32_t database;
    const char *user; /* NULL: the default one */
};

/*
 * From --redis, which is given, --redis-user and --redis-password; the password may also stand in
 * TPWALLET_REDIS_PASSWORD, and is empty when there is none. STATUS_INVALID, STATUS_NOT_FOUND,
 * STATUS_DENIED. The password is the caller's to wipe.
 */
enum status redis_options_read(const struct invocation *invocation, struct redis_place *out_place,
                               struct secret *out_password, struct error *out_error) MUST_CHECK;

#endif

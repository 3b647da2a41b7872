/* postgres_url.h - the URL of a database: checked, no secrets in it, its hosts in another order. */
#ifndef ADAPTER_POSTGRES_URL_H
#define ADAPTER_POSTGRES_URL_H

#include <stdint.h>

#include "base/error.h"
#include "base/status.h"

enum { POSTGRES_URL_SIZE = 2048 }; /* with the terminator */

/*
 * That a text is a URL we take. STATUS_INVALID: no URL of PostgreSQL, malformed, too long, or
 * with a password in it (which is not repeated).
 */
enum status postgres_url_check(const char *url, struct error *out_error) MUST_CHECK;

/* As libpq's parameters of these names; "" where the URL says nothing. */
struct postgres_hosts {
    uint32_t count; /* at least one */
    char host[POSTGRES_URL_SIZE];
    char hostaddr[POSTGRES_URL_SIZE];
    char port[POSTGRES_URL_SIZE];
};

/* The hosts of a URL that was checked, begun with the one at `first` and going round. */
void postgres_url_hosts(const char *url, uint32_t first, struct postgres_hosts *out_hosts);

#endif

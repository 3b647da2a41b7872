/* http_client.h - blocking HTTP calls of the CLI: to a server's local socket, or over TCP. */
#ifndef ADAPTER_HTTP_CLIENT_H
#define ADAPTER_HTTP_CLIENT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "base/str.h"

/*
 * One connection, kept alive between calls; one thread at a time. Proxies of the environment
 * are not used, redirects not followed. TLS is verified, version 1.3 at least.
 */
struct http_client;

struct http_client_options {
    const char *socket_path;      /* a server's local socket; or NULL and: */
    const char *url;              /* "https://host:port", without a path */
    const char *ca_file;          /* PEM: whom to trust; NULL: the system's authorities */
    const char *certificate_file; /* PEM, with key_file: who we are; NULL: nobody */
    const char *key_file;
    uint32_t connect_ms_max; /* 0: 5,000 */
    uint32_t call_ms_max;    /* the whole call; 0: 60,000 */
};

/* Headers without line ends; an empty one is not sent. */
struct http_call {
    struct str method; /* "GET" */
    struct str target; /* "/v1/accounts?limit=10": encoded */
    struct str authorization;
    struct str idempotency_key;
    struct str content_type;
    struct str accept;
    struct str traceparent;
    struct str lane; /* TPW-Lane: "0" */
    struct str body; /* unchanged during the call */
};

/* STATUS_INVALID: a URL that is none. STATUS_UNAVAILABLE: out of memory. */
enum status http_client_open(const struct http_client_options *options,
                             struct http_client **out_client, struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void http_client_close(struct http_client *client);

/*
 * STATUS_OK: there is an answer; *out_http_status is its status, out_body's contents are replaced
 * by its body. Otherwise: STATUS_UNAVAILABLE: nothing was sent. STATUS_DENIED: the server's
 * certificate is not trusted, or the socket may not be used; nothing was sent.
 * STATUS_IN_DOUBT: sent, and no whole answer came in time: the same call with the same ids or
 * key tells. STATUS_LIMIT: the answer does not fit out_body; the call was done.
 */
enum status http_client_call(struct http_client *client, const struct http_call *call,
                             unsigned *out_http_status, struct buf *out_body,
                             struct error *out_error) MUST_CHECK;

#endif

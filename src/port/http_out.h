/* http_out.h - HTTP calls to the outside: bounded in size and time, and clear about what was sent. */
#ifndef PORT_HTTP_OUT_H
#define PORT_HTTP_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "base/str.h"

enum { HTTP_OUT_HEADERS_MAX = 16 };

/* Views stay unchanged during the call. Names and values without line ends. */
struct http_out_header {
    struct str name;
    struct str value;
};

struct http_out_request {
    struct str method; /* "POST" */
    struct str url;    /* "https://host:port/path?query", encoded */
    const struct http_out_header *headers;
    uint32_t header_count; /* at most HTTP_OUT_HEADERS_MAX */
    struct str body;
    uint32_t connect_ms_max;
    uint32_t call_ms_max; /* the whole call, however slowly bytes come */
    /* Whether loopback, private, link-local and other special addresses may be called. */
    bool private_allowed;
};

/* Whether a call may be made now, asked right before it is written: any task, short. */
struct http_cover {
    bool (*covers)(void *context); /* NULL: always */
    void *context;
};

struct http_out_response {
    unsigned status;
    uint32_t retry_after_s; /* of Retry-After in seconds; 0: none */
    uint32_t duration_ms;
};

/*
 * Any task; blocks for at most call_ms_max. Redirects are not followed; TLS is verified, 1.2 at
 * least; proxies of the environment are not used. Connections are kept and used again.
 */
struct http_out {
    /*
     * STATUS_OK: there is a whole answer, whatever its status; out_body's contents are replaced
     * by its body. Otherwise nothing is written but out_error:
     * STATUS_UNAVAILABLE: nothing was sent (no address, no connection, no TLS handshake).
     * STATUS_DENIED: nothing was sent: the address may not be called, or the certificate is
     * not trusted, expired, or for another name; out_error says which.
     * STATUS_INVALID: nothing was sent: the URL is none.
     * STATUS_IN_DOUBT: something was sent, and no whole answer came in time.
     * STATUS_LIMIT: the answer does not fit out_body; the call was done.
     */
    enum status (*call)(struct http_out *http, const struct http_out_request *request,
                        struct http_out_response *out_response, struct buf *out_body,
                        struct error *out_error);
    void (*close)(struct http_out *http);
};

#endif

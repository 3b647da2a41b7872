/* curl_http.h - port/http_out.h over libcurl: pooled connections, and a close eye on what was sent. */
#ifndef ADAPTER_CURL_HTTP_H
#define ADAPTER_CURL_HTTP_H

#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "port/http_out.h"

/*
 * HTTP/1.1. A call takes a handle that has spoken to the same origin, if one is idle, and so its
 * open connection. At most CURL_HTTP_CALLS_MAX calls are under way at once; one more is refused
 * as STATUS_UNAVAILABLE.
 *
 * Beside the contract of the port:
 * - An address is judged when its socket is made, so that a name that resolves to another
 *   address the second time gains nothing; and connections made for calls with private_allowed
 *   are never used by calls without it.
 * - Over http:// the header Authorization goes to loopback addresses only: STATUS_DENIED.
 * - A request is written to one connection only. libcurl would write it again when a kept
 *   connection dies before it answers; here that is STATUS_IN_DOUBT, as the first may have come.
 * - An answer that has neither length nor chunks ends with its connection (RFC 9112, 6.3): its
 *   body may be cut short, and nobody can tell. Its head must be whole.
 * - 101 and a head of more than CURL_HTTP_HEAD_SIZE_MAX are no answers: STATUS_IN_DOUBT.
 * - Texts of errors name the origin of the URL, never its path.
 *
 * The calling thread must not die of SIGPIPE: block or ignore it.
 */
enum {
    CURL_HTTP_CALLS_MAX = 512,
    CURL_HTTP_HEAD_SIZE_MAX = 64 << 10,
    CURL_HTTP_URL_SIZE_MAX = 8 << 10,
    /* An idle connection is not used after this long: most servers have closed it by then. */
    CURL_HTTP_IDLE_S_MAX = 50,
};

struct curl_http_options {
    const char *ca_file;     /* PEM: whom to trust; NULL: the system's authorities */
    struct http_cover cover; /* when it does not cover a call: STATUS_UNAVAILABLE, nothing sent */
};

/* STATUS_INVALID: ca_file cannot be read. STATUS_UNAVAILABLE: out of memory. */
enum status curl_http_open(const struct curl_http_options *options, struct http_out **out_http,
                           struct error *out_error) MUST_CHECK;

#endif

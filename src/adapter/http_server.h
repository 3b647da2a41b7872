/* http_server.h - the API over HTTP/1.1: TLS 1.3, or plain on loopback, and a local socket. */
#ifndef ADAPTER_HTTP_SERVER_H
#define ADAPTER_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "port/api_call.h"
#include "port/clock.h"
#include "port/sync.h"
#include "port/tracer.h"

/*
 * Listens on one TCP address, on one local socket, or on both. Threads of its own parse and
 * answer; no thread waits for a commit. Nothing slow can hold it: a connection has a total time
 * for each phase, all bodies together have a maximum, and so have the connections.
 *
 * Limits: request target 8 KiB (414), head REQUEST_HEADERS_SIZE_MAX, and API_RAW_HEADERS_MAX lines
 * (431), body as the api says (413, before the upload). A request that is not strictly HTTP/1.1
 * gets 400 and the connection is closed; so it is after a chunked body, whose framing the library
 * reads leniently. Heads far over the limits, and a Content-Length that is no number, are refused by
 * the library itself, in HTML. A client that ends its writing side before the answer is there may
 * lose the answer, and ends a stream.
 */
struct http_server;

struct http_server_options {
    struct api_service service; /* all belong to the caller and outlive the server */
    struct sync *sync;
    struct clock *clock;
    struct tracer *tracer;                    /* NULL: no spans */
    struct str (*route_path)(uint32_t route); /* static text, for spans; NULL: none */

    const char *listen;               /* "127.0.0.1:8080", "[::1]:0"; NULL: no TCP */
    bool plain;                       /* without TLS: only on a loopback address */
    const char *tls_certificate_file; /* PEM, the chain; needed unless plain */
    const char *tls_key_file;
    const char *tls_client_ca_file; /* clients must show a certificate of these; NULL: need not */
    const char *socket_path;        /* of the local socket; NULL: none */

    uint32_t threads;                     /* per listener; 1..64 */
    uint32_t connections_max;             /* over TCP */
    uint32_t connections_per_address_max; /* 0: as connections_max */
    uint32_t handshake_ms;                /* each of these is a total, 0 is none: TLS handshake */
    uint32_t idle_ms;                     /* until a request line is there */
    uint32_t headers_ms;                  /* from there to the end of the head */
    uint32_t body_ms;                     /* the body */
    uint32_t answer_ms;                   /* taking the answer, or a part of a stream */
    size_t bodies_size_max;               /* bytes of bodies that are arriving or being served */
};

/* Everything but the caller's objects, addresses and files. */
extern const struct http_server_options HTTP_SERVER_OPTIONS_DEFAULT;

/*
 * Raises the limit of open files of the process as far as it may; where that is less than the
 * connections asked for, fewer are taken.
 * STATUS_INVALID: options that make no sense, among them plain on an address that is not
 * loopback. STATUS_CONFLICT, STATUS_DENIED, STATUS_NOT_FOUND, STATUS_UNAVAILABLE, STATUS_LIMIT:
 * see http_server_listen.h and tls_server.h.
 */
enum status http_server_open(const struct http_server_options *options,
                             struct http_server **out_server, struct error *out_error) MUST_CHECK;

/*
 * Before a start is written down anywhere: what http_server_open() would say of options, files and
 * address. The service need not be there yet, the local socket is not tried, and the address is free
 * again when this returns.
 */
enum status http_server_check(const struct http_server_options *options, struct error *out_error)
    MUST_CHECK;

/* The TCP address as bound ("127.0.0.1:43211"), "" when there is none. Lives as the server. */
const char *http_server_address(const struct http_server *server);

/*
 * Takes no more connections, closes idle ones, has the api end its streams, and waits until every
 * request that has begun is answered and its answer is out. At the deadline, requests that are
 * still arriving and parts that are not out are cut off, and STATUS_TIMEOUT is returned if some
 * have not been answered by the api. Once only.
 */
enum status http_server_drain(struct http_server *server, struct monotonic_time deadline)
    MUST_CHECK;

/*
 * Drains first if that was not done. Waits for every call that the api has, however long, since
 * a call may not be taken back: so the api must still be alive. Accepts NULL.
 */
void http_server_close(struct http_server *server);

struct http_server_status {
    uint64_t connections;     /* open now */
    uint64_t requests;        /* begun since the start */
    uint64_t requests_active; /* begun, and the answer is not out */
    uint64_t refused;         /* by the server itself, without the api */
    uint64_t interrupted;     /* the connection was lost before the answer was out */
    uint64_t late_handshake;  /* connections shut down: out of time */
    uint64_t late_idle;
    uint64_t late_headers;
    uint64_t late_body;
    uint64_t late_answer;
    uint64_t late_part;   /* of a stream: readers that were too slow */
    uint64_t bodies_size; /* bytes reserved now */
};
/* Any thread. */
void http_server_get_status(struct http_server *server, struct http_server_status *out_status);

#endif

/* http_server_request.h - one request from its first line to the last byte of its answer. */
#ifndef ADAPTER_HTTP_SERVER_REQUEST_H
#define ADAPTER_HTTP_SERVER_REQUEST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <microhttpd.h>

#include "adapter/http_server_connection.h"
#include "adapter/http_server_loop.h"
#include "port/api_call.h"
#include "port/clock.h"
#include "port/tracer.h"

/*
 * The library calls back on the thread of the connection's loop: request_begin() when the
 * request line is there, request_handle() when the head is there, for each piece of the body
 * and at its end, request_end() when the answer is out or the connection is lost. Between
 * api_start() and the call of api_call.ready the connection is suspended, and nothing is called.
 *
 * Requests come from a pool, with the memory their buffers grew to last time.
 */
struct http_request;

enum {
    REQUEST_BUFFER_KEPT_SIZE = 64 << 10, /* a larger one is released with its request */
    ANSWER_SIZE_MAX = 16 << 20,
};

struct request_counts {
    _Atomic uint64_t begun;
    _Atomic uint64_t ended;
    _Atomic uint64_t refused;     /* answered here, without the api */
    _Atomic uint64_t interrupted; /* begun, but the connection was lost before the answer was out */
};

/* What all listeners of a server share. */
struct request_service {
    struct api_service api;
    struct clock *clock;
    struct tracer *tracer;
    struct str (*route_path)(uint32_t route);
    struct connection_list connections;
    size_t bodies_size_max;

    _Atomic size_t bodies_size; /* promised to requests that are arriving */
    _Atomic uint64_t resumers;  /* calls of ready() that are not over yet */
    _Atomic bool draining;      /* answers say `Connection: close` */
    struct request_counts counts;

    pthread_mutex_t pool_mutex;
    struct http_request *pool;
};

/* The argument of all callbacks: where a connection came in. */
struct http_listener {
    struct request_service *service;
    struct http_loop loop;
    bool local;
    bool tls;
    bool require_certificate;
};

/* The connections are the caller's to set up and take down. */
void request_service_init(struct request_service *service);
/* No request may be under way. Accepts a zeroed service. */
void request_service_done(struct request_service *service);
/* Requests begun and not yet ended. */
uint64_t request_service_active(const struct request_service *service);

/* The callbacks, as the library declares them; the first argument is a struct http_listener. */
void *request_begin(void *listener, const char *uri, struct MHD_Connection *connection);
enum MHD_Result request_handle(void *listener, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload_data,
                               size_t *upload_data_size, void **context);
void request_end(void *listener, struct MHD_Connection *connection, void **context,
                 enum MHD_RequestTerminationCode reason);
void request_connection_changed(void *listener, struct MHD_Connection *connection,
                                void **socket_context, enum MHD_ConnectionNotificationCode change);

#endif

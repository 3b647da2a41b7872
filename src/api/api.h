/* api.h - the HTTP API without HTTP: a call in, an answer out, over any transport. */
#ifndef API_API_H
#define API_API_H

#include "base/buf.h"
#include "model/id.h"
#include "wallet/lane.h"

/*
 * The server, the local socket and the CLI without a server all come through here; routes,
 * limits and errors are those of api/openapi.yaml.
 *
 * A call runs in two halves, so that no thread waits for a commit: api_start() parses,
 * authenticates and queues; when the answer is there, call->ready is called; api_finish() then
 * writes status, headers and body. Calls that read history run on the api's own workers in
 * between.
 */
struct api;

struct api_options {
    uint32_t workers;      /* tasks for calls that read the disk; 2 is a good number */
    const char *version;   /* for / and metrics */
    bool anonymous_all;    /* the demo only: no key means every scope */
};

enum api_method { API_GET, API_POST, API_PATCH, API_PUT, API_DELETE, API_HEAD, API_OTHER };

enum { API_HEADERS_MAX = 8 };

struct api_header {
    const char *name;  /* static */
    char value[128];
};

struct api_call {
    /* The request: set by the transport; unchanged until api_finish() has returned. */
    enum api_method method;
    struct str path;  /* percent-decoded by the router, raw here: "/v1/accounts/..." */
    struct str query; /* raw, without '?' */
    struct str content_type;
    struct str accept;
    struct str authorization;
    struct str idempotency_key;
    struct str traceparent;
    struct str tracestate;
    struct str body;
    bool local; /* came over the local socket: the operator, all scopes */

    /* Called at most once, from any task, when api_start() returned API_PENDING. */
    void (*ready)(struct api_call *call);
    void *owner;

    /* The answer: written by api_finish(). */
    unsigned status;
    const char *answer_type; /* static */
    struct buf answer;       /* the transport's: initialised before, freed after */
    struct api_header headers[API_HEADERS_MAX];
    uint32_t header_count;

    struct trace trace; /* the server's span, known after api_start() */
    uint32_t route;     /* which operation, for metrics; 0 when none matched */
    void *work;         /* the api's own: NULL before start, freed by finish */
};

enum api_progress {
    API_READY,   /* call api_finish() now */
    API_PENDING, /* call api_finish() after call->ready */
};

enum status api_new(struct lane *lane, const struct lane_ports *ports,
                    const struct api_options *options, struct api **out_api,
                    struct error *out_error) MUST_CHECK;
/* Nothing may be pending. Accepts NULL. */
void api_free(struct api *api);

enum api_progress api_start(struct api *api, struct api_call *call) MUST_CHECK;
void api_finish(struct api *api, struct api_call *call);

/* A whole problem-details answer for what the transport itself refuses (431, 413, 400 ...). */
void api_refuse(struct api_call *call, unsigned status, const char *code, const char *detail,
                const char *hint);

/* The largest body a path and method may have; 0 when it takes none. */
size_t api_body_size_max(enum api_method method, struct str path);

#endif

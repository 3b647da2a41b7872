/* api_call.h - what a transport and the API hand each other: a call in, an answer out. */
#ifndef PORT_API_CALL_H
#define PORT_API_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "model/id.h"

enum api_method { API_GET, API_POST, API_PATCH, API_PUT, API_DELETE, API_HEAD, API_OTHER };

/*
 * Of transfers that arrive from another lane (model/transit.h): to be decided, to be decided as
 * payments and refunds, which are to and from wallets only, or taken back.
 */
enum api_arrival {
    API_ARRIVAL_NONE,
    API_ARRIVAL_DECIDE,
    API_ARRIVAL_PAY,
    API_ARRIVAL_WITHDRAW,
};

enum {
    API_HEADERS_MAX = 8,
    API_HEADER_SIZE = 128,
    /* More are refused. A webhook may have fewer, so that too many are seen, also behind a peer. */
    API_RAW_HEADERS_MAX = 72,
};

/* A header as it came: a name of any case, views into the received bytes. */
struct api_raw_header {
    struct str name;
    struct str value;
};

struct api_header {
    const char *name; /* static */
    char value[API_HEADER_SIZE];
};

struct api_call {
    /* The request: set by the transport; unchanged until api_finish() has returned. */
    enum api_method method; /* API_HEAD is answered as API_GET; the transport omits the body */
    struct str path;        /* raw: "/v1/accounts/..."; percent-decoded by the router */
    struct str query;       /* raw, without '?' */
    /* Header values, empty when absent. A header given twice is the transport's to refuse. */
    struct str content_type;
    struct str accept;
    struct str authorization;
    struct str idempotency_key;
    struct str min_position; /* TPW-Min-Position */
    struct str last_event_id;
    struct str traceparent;
    struct str tracestate;
    /* All of them; for operations that verify what was signed, and for peers. */
    const struct api_raw_header *raw_headers;
    uint32_t raw_header_count;
    struct str body;
    bool local; /* came over the local socket: the operator, all scopes */
    bool uid_known;
    uint32_t uid; /* of who is at the socket's other end, when it is known */
    /* Set by lanes alone (api/lane_link.h), and by a front for a peer that says so. */
    enum api_arrival arrival;

    /* Called at most once, from any task, when api_start() returned API_PENDING. */
    void (*ready)(struct api_call *call);
    void *owner;

    /* The answer: complete when api_finish() has returned; not to be touched before. */
    unsigned status;
    /* It is older than was asked for from then on; 0: it is exact, or that was looked at. */
    struct monotonic_time right_until;
    const char *answer_type; /* static */
    struct buf answer;       /* the transport's: initialised before, freed after */
    struct api_header headers[API_HEADERS_MAX];
    uint32_t header_count;
    bool hang_up; /* no answer: the connection is closed; for a server that plays a broken one */
    /* More parts of the answer follow: the transport asks for each when the last one is out. */
    bool streams;

    struct trace trace; /* the server's span, known after api_start() */
    uint32_t route;     /* which operation, for metrics; 0 when none matched */
    void *work;         /* the api's own: NULL before start, freed by finish */
    void *front;        /* the same of what stands in front of several apis (api/front.h) */
    void *stream;       /* the same: NULL before start, set by finish, freed by leave */
    bool watched;       /* its span is wanted; what it is about, as far as there is anything: */
    struct uuid payment;
    struct uuid key; /* digest of the idempotency key, cut to 128 bits */
};

enum api_progress {
    API_READY,   /* call api_finish() now */
    API_PENDING, /* call api_finish() after call->ready */
};

struct api;

/* The API as a transport sees it; what each call does stands in api/api.h. */
struct api_service {
    struct api *api;
    enum api_progress (*start)(struct api *api, struct api_call *call);
    void (*finish)(struct api *api, struct api_call *call);
    void (*refuse)(struct api_call *call, unsigned status, const char *code, const char *detail,
                   const char *hint);
    size_t (*body_size_max)(enum api_method method, struct str path);

    /*
     * Of an api that never sets api_call.streams, all of these are NULL. more replaces the contents
     * of call->answer by the next part, now (API_READY) or when it calls call->ready; streams is
     * false when it is the last one, which may be empty. hurry: the part that is pending is not
     * wanted any more, since the client is gone; it comes soon, and is the last. leave: once for
     * each call with a stream, when no part is pending; the last that is done with the call.
     * stop: all parts that are pending come soon and are the last, and so is each after that.
     */
    enum api_progress (*more)(struct api *api, struct api_call *call);
    void (*hurry)(struct api *api, struct api_call *call);
    void (*leave)(struct api *api, struct api_call *call);
    void (*stop)(struct api *api);
};

#endif

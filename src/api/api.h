/* api.h - the HTTP API without HTTP: a call in, an answer out, over any transport. */
#ifndef API_API_H
#define API_API_H

#include "port/api_call.h"
#include "wallet/carry.h"
#include "wallet/event_feed.h"
#include "wallet/key_ring.h"
#include "wallet/lane.h"
#include "wallet/log_relay.h"
#include "wallet/log_witnesses.h"
#include "wallet/saga.h"
#include "wallet/transit.h"
#include "wallet/webhook_desk.h"
#include "wallet/webhook_in.h"

/*
 * The server, the local socket and the CLI without a server all come through here; routes,
 * limits, problem codes and schemas are those of api/openapi.yaml, from which the router's
 * tables are made (tools/routes.py), so that an operation without a handler, or a handler
 * without an operation, does not build.
 *
 * A call runs in two halves, so that no thread waits for a commit: api_start() parses,
 * authenticates and queues; when the answer is there, call->ready is called; api_finish() then
 * completes status, headers and body. Calls that read history run on the api's own workers in
 * between, and so do those that wait for a position.
 *
 * /v1/events answers in parts when the call accepts text/event-stream: only a transport that
 * follows api_call.streams may set that. See api/event_streams.h.
 *
 * Memory: a call in flight takes one of API_CALLS_MAX work structs (about 8 KiB, touched when
 * first used); arrays and pages take more, API_BULK_SIZE_MAX over all calls. Past either the
 * answer is 429. No other memory is taken but the transport's answer buffer.
 */
struct cache;
struct api;

/* Whom the API of lane 0 asks for what is in others: a front, once there is one. */
struct lane_fan {
    struct api_service service; /* zeroed: nobody yet */
    struct monitor *monitor;    /* where it waits */
};

struct metric_process;
struct sampling;

enum {
    API_CALLS_MAX = QUEUE_REQUESTS_MAX,
    API_BULK_SIZE_MAX = 128 << 20, /* 75 arrays of 8,190 transfers, 16 of which may be queued */
    API_ANSWER_SIZE_MAX = 8 << 20, /* what call->answer must be able to hold: 8,190 results */
    API_POSITION_WAIT_MS_MAX = 1000,
    API_HISTORY_S_MAX = 60, /* one call may read history for this long */
    /* A follower's answers are never older, whatever is allowed: its keys may be revoked, too. */
    FOLLOWED_STALE_MS_MAX = 10000,
};

struct api_options {
    uint32_t workers;    /* tasks for calls that read the disk, 1 to 64; 2 is a good number */
    const char *version; /* for / and metrics; outlives the api */
    bool anonymous_all;  /* the demo only: no key means every scope */
    bool follows; /* the lane is another's: GET /v1/accounts/{id} is answered as it was here */

    /* Of a ledger with several lanes (0 and 1: there is one); the lane is one of them. */
    uint32_t lanes;
    uint32_t lane;
    struct transit *transit; /* woken when something leaves; outlives the api; NULL: none runs */
    struct lane_fan *fan;    /* outlives the api; NULL: nobody is asked */
    struct key_ring *keys;   /* where API keys are; outlives the api; NULL: in the lane */
    struct carry *carry; /* of all lanes, which are served; outlives the api; NULL: they are not */

    /*
     * Who carries out a payment whose caller named nobody; writes a name and returns STATUS_OK,
     * or STATUS_NOT_FOUND: nobody can. Any task, short. NULL: nobody is configured.
     */
    enum status (*route_psp)(void *context, const struct payment *draft,
                             char out_psp[PSP_NAME_SIZE]);
    /* Appends families of what runs beside the lane to its metrics. Any task. NULL: none. */
    void (*more_metrics)(void *context, struct buf *out_page);
    void *metrics_context;
    const struct metric_process *process; /* of several lanes; outlives the api; NULL: one alone */
    /* The same, of the server itself; NULL: there are none. */
    void (*server_metrics)(void *context, struct buf *out_page);
    void *server_context;
    struct sampling *sampling; /* outlives the api; NULL: nothing can be raised */
    void *payments_context;    /* of route_psp */
    struct saga *saga;         /* for metrics; outlives the api; NULL: none runs */
    struct psp *const *psps;   /* for settlements; they and the array outlive the api */
    uint32_t psp_count;
    struct event_feed *events;         /* outlives the api; NULL: none are given out */
    struct event_feed *stream_feed;    /* another one, for streams alone; NULL: there are none */
    uint32_t streams_max;              /* at once; 0: EVENT_STREAMS_DEFAULT */
    uint32_t heartbeat_ms;             /* of streams; 0: EVENT_HEARTBEAT_MS */
    struct cache *cache;               /* outlives the api; NULL: there is none */
    struct webhook_in *webhook_in;     /* outlives the api; NULL: none are taken */
    struct webhook_desk *webhook_desk; /* outlives the api; NULL: none are sent */
    struct log_relay *log; /* the verifiable log; outlives the api; NULL: none is kept */
    struct log_witnesses *log_witnesses; /* for metrics; outlives the api; NULL: none are asked */
};

enum status api_new(struct lane *lane, const struct lane_ports *ports,
                    const struct api_options *options, struct api **out_api,
                    struct error *out_error) MUST_CHECK;
/* Nothing may be pending, no stream open. Accepts NULL. */
void api_free(struct api *api);

/* Any task. Every call that was started must be finished, once. */
enum api_progress api_start(struct api *api, struct api_call *call) MUST_CHECK;
void api_finish(struct api *api, struct api_call *call);

/* Appends the families of metrics that are the lane's: a part of api/metric_page.h. Any task. */
void api_metrics_write(struct api *api, struct buf *out_part);

/*
 * A whole problem-details answer for what the transport itself refuses (431, 413, 400 ...).
 * code is one of x-problems of api/openapi.yaml, whose status it must be; else CHECKed. detail
 * and hint may be NULL. Without an api_start(): no trace, no metrics.
 */
void api_refuse(struct api_call *call, unsigned status, const char *code, const char *detail,
                const char *hint);

/* The largest body a path and method may have; 0 when it takes none. */
size_t api_body_size_max(enum api_method method, struct str path);

/* The rest of an answer in parts: see port/api_call.h. */
enum api_progress api_more(struct api *api, struct api_call *call) MUST_CHECK;
void api_hurry(struct api *api, struct api_call *call);
void api_leave(struct api *api, struct api_call *call);
void api_stop(struct api *api);

/* All of the above, for a transport. */
static inline struct api_service api_service(struct api *api)
{
    return (struct api_service){
        .api = api,
        .start = api_start,
        .finish = api_finish,
        .refuse = api_refuse,
        .body_size_max = api_body_size_max,
        .more = api_more,
        .hurry = api_hurry,
        .leave = api_leave,
        .stop = api_stop,
    };
}

#endif

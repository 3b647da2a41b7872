/* work.h - a call in flight: its memory, its way to the lane or a worker, and back. */
#ifndef API_WORK_H
#define API_WORK_H

#include "api/api.h"
#include "api/body.h"
#include "api/event_streams.h"
#include "api/metrics.h"
#include "api/payments_parse.h"
#include "api/problem.h"
#include "api/query.h"
#include "api/router.h"
#include "base/arena.h"
#include "model/trace_context.h"
#include "port/cache.h"

/* All inside the api only. A work belongs to one task at a time, and to its call until finish. */

enum {
    RANDOM_WORDS = 512,
    WORKERS_MAX = 64,
    WORK_QUEUE_MAX = 1024, /* calls waiting for a worker; past it 429 */
    PATH_LEN_MAX = 255,
    SECRET_LEN = 68, /* "tpw_" and 64 digits */
};

/* Works that wait: for a worker, for a position, or for all lanes. */
struct work_list {
    struct work *first;
    struct work *last;
    uint32_t count;
};

struct worker {
    struct api *api;
    struct task *task;
    bool quick_only; /* never takes slow work, so that look-ups are answered beside it */
};

struct api {
    struct lane *lane;
    struct lane_ports ports;
    struct api_options options;
    struct metrics metrics;
    struct event_streams *streams; /* NULL: there are none */

    struct monitor *pool; /* guards the rest of this block */
    struct work *works;   /* API_CALLS_MAX, reserved; the first works_made were used */
    uint32_t works_made;
    struct work *works_free;
    size_t bulk_bytes;
    uint32_t random_left;
    uint64_t random[RANDOM_WORDS];

    struct monitor *queue; /* guards the rest */
    struct work_list quick;
    struct work_list slow;
    struct work_list wide; /* one at a time */
    bool wide_runs;
    struct work_list parked;
    struct work_list carried;
    bool stopping;
    struct worker workers[WORKERS_MAX];
    uint32_t worker_count;
};

struct work {
    struct transfer transfer; /* these lead, since amounts are aligned to 16 */
    struct transfer_result transfer_result;
    struct account_state account_state;
    struct payment_command payment_command;
    struct payment_result payment_result;
    _Alignas(16) uint8_t scratch_memory[BODY_SCRATCH_SIZE];
    struct work *next;
    struct api *api;
    struct api_call *call;
    const struct route *route; /* NULL when none matched */
    struct str path;           /* decoded */
    struct uuid id;            /* {id} of the path; nil when the path has none */
    struct str name;           /* {name} of the path */
    struct principal_id principal;
    bool by_key; /* the call came with an API key, and this is its digest */
    struct digest key;
    uint32_t media; /* of the body; 0 when there is none */
    struct query query;
    const char *cacheable; /* for Cache-Control; NULL: none */
    const char *www_error; /* for WWW-Authenticate; NULL: none */
    uint32_t methods;      /* for Allow */

    struct monotonic_time started;
    bool trace_asked;           /* the caller says that it samples this trace */
    struct wall_time submitted; /* of a watched call, to the lane; 0: not yet */
    bool slow;
    bool wide;     /* asks other lanes, each for as long as it takes to find its owner */
    bool replayed; /* everything in it had been done before */
    bool cached;   /* the answer comes out of the cache, or of a follower, as of: */
    uint64_t cached_batch;
    uint64_t cached_age_ms;
    bool departs;                     /* some of it is for another lane */
    bool total;                       /* the answer is of all lanes */
    struct monotonic_time wait_until; /* for a position, or for all lanes */

    struct request request;
    struct read read;
    struct asset_source assets;
    struct problem problem;

    /* One item, which needs no bulk memory; a transfer, a payment and an account's state stand above. */
    struct account account;
    struct account_result account_result;
    struct locator locator;
    struct admin admin;
    struct settlement_request settlement;
    struct admin_result admin_result;
    char secret[SECRET_LEN + 1];

    struct arena bulk; /* work_reserve() */
    size_t bulk_size;
    struct arena scratch; /* over scratch_memory; for parsers */
    char path_text[PATH_LEN_MAX];
};

/* NULL: all are in use. Draws the call's span, and a trace id to use when it brings none. */
struct work *work_take(struct api *api, struct api_call *call);
void work_release(struct work *work);

/* size bytes in work->bulk, once per call. False with too_busy raised. */
bool work_reserve(struct work *work, size_t size);

/* Fills work->request with what all requests share: who, trace, idempotency, a fresh root id. */
void work_request(struct work *work, enum request_kind kind);

/*
 * API_PENDING: the lane, or a worker, will call ready. API_READY: it was not accepted, and the
 * problem is raised.
 */
enum api_progress work_submit(struct work *work);
enum api_progress work_queue(struct work *work);
/* Until the journal has reached query.min_position; then the handler starts. */
enum api_progress work_park(struct work *work);
/* As work_submit(), of an act for all lanes: ready is called when all of them have it, too. */
enum api_progress work_submit_everywhere(struct work *work);

/* On a worker: submits work->request and waits. False: the problem is raised. */
bool work_run(struct work *work);
/* The read of these ids, or of `kind` in general, on a worker; results as in lane.h. */
bool work_read(struct work *work, const struct read *read);

/* Raises what a status of lane, store or history means to a client; false unless STATUS_OK. */
bool work_status_ok(struct work *work, enum status status);
/* Raises that the index is being rebuilt, how far it is, and when to come back. */
void work_rebuilding(struct work *work, const struct lane_status *status);
/* As work_status_ok(), for history and store, whose facts go to the log. */
bool work_history_ok(struct work *work, enum status status, const struct error *error);
/* Of the answered request: its status, and read-your-writes. False: the problem is raised. */
bool work_answered(struct work *work);

/* When a long look into history has to give up. */
struct monotonic_time work_history_until(struct work *work);
bool work_history_over(struct work *work, struct monotonic_time until);

enum status workers_start(struct api *api, struct error *out_error) MUST_CHECK;
void workers_stop(struct api *api);

#endif

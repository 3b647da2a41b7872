/*
 * A call has one place at a time: at an api, at the peer, or in the list of those held. Only the
 * front's own task takes calls out of the list, so that no call is tried twice at once.
 */
#include "api/front.h"

#include <string.h>

#include "api/followed.h"
#include "api/lanes.h"
#include "api/router.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/reserve.h"
#include "model/trace_context.h"

enum {
    TRY_MS = 20,   /* between two attempts of a held call */
    PEER_MS = 100, /* the same, after a peer could not be reached */
};

enum front_stage {
    FRONT_API,     /* the lane's api has it */
    FRONT_OWN,     /* the api that tells of this replica has it */
    FRONT_PEER,    /* a peer has it */
    FRONT_HELD,    /* waits for an owner */
    FRONT_SILENCE, /* the api has answered, and the answer must not leave */
    FRONT_OLD,     /* the answer is in the call, and right until then */
    FRONT_DONE,    /* the answer is in the call */
};

struct front_call {
    struct front_call *next;
    struct front *front;
    struct api_call *call;
    void (*ready)(struct api_call *call); /* the transport's */
    void *owner;
    enum front_stage stage;
    uint32_t lane;
    bool of_peer;
    bool of_link;
    bool foreign;    /* of a peer that has another ledger */
    bool repeatable; /* made twice it is done once */
    bool doubtful;   /* it was sent, and may have been done */
    bool streaming;
    struct api_service service; /* while an api has it */
    struct monotonic_time until;
    struct monotonic_time again;
    struct peer_call peer_call;
};

/* What a transport holds as its api. */
struct front_side {
    struct front *front;
    bool of_peers;
    bool of_links;
};

struct front {
    struct front_options options;
    struct front_side clients;
    struct front_side peers;
    struct front_side links;
    struct front_call *calls; /* FRONT_CALLS_MAX, reserved */
    struct task *task;

    struct monitor *monitor; /* guards the rest */
    uint32_t calls_made;
    struct front_call *calls_free;
    struct front_call *held;
    bool news;
    bool stopping;
    struct front_status status;
};

/* ---- Calls ---- */

static struct front_call *call_take(struct front *front)
{
    struct sync *sync = front->options.sync;
    sync->lock(front->monitor);
    struct front_call *taken = front->calls_free;
    if (taken != NULL) front->calls_free = taken->next;
    if (taken == NULL && front->calls_made < FRONT_CALLS_MAX) {
        taken = &front->calls[front->calls_made++];
    }
    sync->unlock(front->monitor);
    return taken;
}

static void call_give(struct front_call *held)
{
    struct front *front = held->front;
    held->call->front = NULL;
    struct sync *sync = front->options.sync;
    sync->lock(front->monitor);
    held->next = front->calls_free;
    front->calls_free = held;
    sync->unlock(front->monitor);
}

static struct monotonic_time now(const struct front *front)
{
    return clock_monotonic(front->options.clock);
}

static struct monotonic_time in_ms(const struct front *front, int64_t ms)
{
    return (struct monotonic_time){ now(front).ns + ms * NS_PER_MS };
}

/* The transport's again, as it was before start. */
static void hooks_back(struct front_call *held)
{
    held->call->ready = held->ready;
    held->call->owner = held->owner;
}

/* The transport may end the call at once: held is not looked at behind this. */
static void answer_ready(struct front_call *held)
{
    struct api_call *call = held->call;
    hooks_back(held);
    call->ready(call);
}

static void count(struct front *front, uint64_t *counter)
{
    front->options.sync->lock(front->monitor);
    (*counter)++;
    front->options.sync->unlock(front->monitor);
}

/* As if it had just come. */
static void answer_forget(struct api_call *call)
{
    buf_reset(&call->answer);
    call->header_count = 0;
    call->streams = false;
    call->work = NULL;
    call->stream = NULL;
}

static void header_put(struct api_call *call, const char *name, const char *value)
{
    CHECK(call->header_count < API_HEADERS_MAX);
    CHECK(strlen(value) < API_HEADER_SIZE);
    struct api_header *header = &call->headers[call->header_count++];
    header->name = name;
    memcpy(header->value, value, strlen(value) + 1);
}

/* A peer or link learns whether the call can be made elsewhere; a client what to do. */
static void refuse(struct front_call *held, const char *code, const char *detail)
{
    struct api_call *call = held->call;
    answer_forget(call);
    bool doubt = strcmp(code, "in_doubt") == 0;
    api_refuse(call, 503, code, detail, "send the same request again, with the same ids or key");
    bool asks_again = held->of_peer || held->of_link;
    if (asks_again) header_put(call, PEER_HEADER_NOT_OWNER, doubt ? "doubt" : "undone");
    held->stage = FRONT_DONE;
}

static uint32_t lane_count(const struct front *front)
{
    return front->options.lanes == 0 ? 1 : front->options.lanes;
}

/* ---- What a call is ---- */

static bool is_own(struct str path)
{
    static const char *const own[] = { "/livez", "/readyz", "/metrics", "/openapi.yaml", "/" };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (str_equal(path, str_from(own[i]))) return true;
    }
    return false;
}

/* Items have ids when no key is given: idempotency_key_required. */
static bool is_creation(const struct api_call *call)
{
    static const char *const paths[] = { "/v1/transfers", "/v1/accounts", "/v1/payments" };
    if (call->method != API_POST) return false;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (str_equal(call->path, str_from(paths[i]))) return true;
    }
    return false;
}

static bool is_repeatable(const struct api_call *call)
{
    return call->method == API_GET || call->method == API_HEAD || call->idempotency_key.len > 0 ||
           is_creation(call) ||
           str_starts(call->path, STR("/v1/webhooks/")); /* their key is the event's id */
}

/* A header that only peers send; empty when it is not there. */
static struct str peer_header(const struct api_call *call, const char *name)
{
    for (uint32_t i = 0; i < call->raw_header_count; i++) {
        const struct api_raw_header *header = &call->raw_headers[i];
        if (str_equal_caseless(header->name, str_from(name))) return header->value;
    }
    return (struct str){ NULL, 0 };
}

/* Whoever may connect to a plain listener could say that it is a local user. */
static bool is_peer(const struct front *front, const struct api_call *call)
{
    const struct secret *secret = front->options.peer_secret;
    struct str shown = peer_header(call, PEER_HEADER_SECRET);
    return secret == NULL ||
           (shown.len == secret->size && secret_bytes_equal(shown.data, secret->bytes, shown.len));
}

/* What the peer says of who called it. */
static void peer_head_take(struct front_call *held)
{
    struct api_call *call = held->call;
    struct str user = peer_header(call, PEER_HEADER_LOCAL);
    uint64_t uid;
    call->local = user.len > 0;
    call->uid_known = call->local && decimal_parse(user, UINT32_MAX, &uid) == STATUS_OK;
    if (call->uid_known) call->uid = (uint32_t)uid;
    struct str arrival = peer_header(call, PEER_HEADER_ARRIVAL);
    call->arrival = API_ARRIVAL_NONE;
    if (str_equal(arrival, STR("decide"))) call->arrival = API_ARRIVAL_DECIDE;
    if (str_equal(arrival, STR("pay"))) call->arrival = API_ARRIVAL_PAY;
    if (str_equal(arrival, STR("withdraw"))) call->arrival = API_ARRIVAL_WITHDRAW;
    struct str left = peer_header(call, PEER_HEADER_LEFT_MS);
    uint64_t left_ms = FRONT_LEFT_MS_MAX;
    if (decimal_parse(left, FRONT_LEFT_MS_MAX, &left_ms) != STATUS_OK) left_ms = FRONT_LEFT_MS_MAX;
    held->until = in_ms(held->front, (int64_t)left_ms);
    struct uuid there;
    struct uuid here = held->front->options.ledger;
    bool named = uuid_parse(peer_header(call, PEER_HEADER_LEDGER), &there) == STATUS_OK;
    held->foreign = named && !uuid_is_nil(here) && !uuid_equal(there, here);
}

/* ---- Held calls ---- */

static void hold(struct front_call *held, enum front_stage stage, int64_t ms)
{
    struct front *front = held->front;
    struct sync *sync = front->options.sync;
    held->stage = stage;
    held->again = in_ms(front, ms);
    sync->lock(front->monitor);
    held->next = front->held;
    front->held = held;
    front->status.held_now++;
    if (stage == FRONT_SILENCE) front->news = true;
    sync->wake_all(front->monitor);
    sync->unlock(front->monitor);
}

/* Whether it can be made again elsewhere; refused otherwise. */
static bool may_go_on(struct front_call *held)
{
    if (held->of_peer) return false; /* its own replica tries again */
    return !held->doubtful || held->repeatable;
}

static void give_up(struct front_call *held)
{
    count(held->front, &held->front->status.given_up);
    if (held->doubtful) {
        refuse(held, "in_doubt", "its lane's owner went away meanwhile");
    } else {
        refuse(held, "owner_unknown", "no replica owns the lane at the moment");
    }
}

/* ---- At the lane's api ---- */

/*
 * By the api's task. Covered: on to the transport, which asks once more. Otherwise the front's
 * task finishes it, since what an api has begun it has to end.
 */
static void api_ready(struct api_call *call)
{
    struct front_call *held = call->front;
    struct front *front = held->front;
    if (held->stage == FRONT_OWN ||
        front->options.route->believes(front->options.route, held->lane)) {
        answer_ready(held);
        return;
    }
    if (held->streaming) {
        buf_reset(&call->answer);
        call->streams = false;
        answer_ready(held);
        return;
    }
    hold(held, FRONT_SILENCE, 0);
}

static enum api_progress api_begin(struct front_call *held, enum front_stage stage)
{
    struct api_call *call = held->call;
    held->stage = stage;
    call->ready = api_ready;
    return held->service.start(held->service.api, call);
}

static void api_end(struct front_call *held)
{
    struct lane_route *route = held->front->options.route;
    held->service.finish(held->service.api, held->call);
    if (held->call->streams) return; /* until leave */
    if (held->stage == FRONT_OWN) {
        route->leave_own(route);
    } else {
        route->leave(route, held->lane);
    }
}

/* ---- At a peer ---- */

static bool peer_undone(const struct api_call *call, bool *out_doubt)
{
    for (uint32_t i = 0; i < call->header_count; i++) {
        if (strcmp(call->headers[i].name, PEER_HEADER_NOT_OWNER) != 0) continue;
        *out_doubt = strcmp(call->headers[i].value, "doubt") == 0;
        return true;
    }
    return false;
}

static void peer_done(struct peer_call *peer_call)
{
    struct front_call *held = peer_call->owner;
    struct api_call *call = held->call;
    bool doubt = peer_call->status == STATUS_IN_DOUBT;
    bool again = peer_call->status != STATUS_OK && peer_call->status != STATUS_LIMIT;
    if (peer_call->status == STATUS_OK && peer_undone(call, &doubt)) again = true;
    held->doubtful = held->doubtful || doubt;
    if (again && may_go_on(held)) {
        hold(held, FRONT_HELD, PEER_MS);
        return;
    }
    held->streaming = call->streams;
    if (again) refuse(held, "in_doubt", "its lane's owner went away meanwhile");
    if (peer_call->status == STATUS_LIMIT) {
        answer_forget(call);
        api_refuse(call, 500, "internal", "the owner's answer is too large", NULL);
    }
    held->stage = held->streaming ? FRONT_PEER : FRONT_DONE;
    answer_ready(held);
}

/* The span of this hop: the trace goes on, or begins here. */
static void span_begin(struct front_call *held)
{
    struct api_call *call = held->call;
    struct trace parent;
    uint8_t flags = 0; /* nobody has asked for it */
    uint64_t random[3];
    entropy_fill(held->front->options.entropy, random, sizeof random);
    call->trace.id = (struct uuid){ random[1] | 1, random[2] };
    if (traceparent_parse(call->traceparent, &parent, &flags)) call->trace.id = parent.id;
    call->trace.span = random[0] | 1;
    struct route_match match = router_match(call->method, call->path);
    call->route = match.route == NULL ? ROUTE_NONE : match.route->number;
    struct tracer *tracer = held->front->options.tracer;
    const struct span_subject subject = {
        .trace = call->trace.id,
        .route = call->route,
        .asked = (flags & TRACE_FLAG_SAMPLED) != 0,
    };
    call->watched = tracer_wants(tracer, &subject);
    if (tracer != NULL) flags = call->watched ? TRACE_FLAG_SAMPLED : 0; /* the owner hears it */
    (void)traceparent_format(call->trace, flags, held->peer_call.traceparent); /* written there */
}
_Static_assert((int)PEER_TRACEPARENT_SIZE == (int)TRACEPARENT_SIZE, "it fits");

/* What is left of the time to find an owner, and what that one may take. */
static uint32_t left_ms(const struct front_call *held)
{
    int64_t left = (held->until.ns - now(held->front).ns) / NS_PER_MS;
    uint32_t more = FRONT_LEFT_MS_MAX - FRONT_HOLD_MS;
    if (held->of_link) more = FRONT_LINK_LEFT_MS_MAX - FRONT_LINK_HOLD_MS;
    return more + (left < 1 ? 1 : (uint32_t)left);
}

static void peer_begin(struct front_call *held)
{
    struct front *front = held->front;
    span_begin(held);
    held->stage = FRONT_PEER;
    held->peer_call.call = held->call;
    held->peer_call.done = peer_done;
    held->peer_call.owner = held;
    held->peer_call.left_ms = left_ms(held);
    hooks_back(held);
    count(front, &front->status.forwarded);
    front->options.peer->send(front->options.peer, &held->peer_call);
}

/* ---- From what is followed here ---- */

/* What it does not know, or whom, the owner may: only what is there counts. */
static bool followed_answer(struct front_call *held)
{
    struct front *front = held->front;
    struct lane_route *route = front->options.route;
    struct api_call *call = held->call;
    struct lane_need need;
    struct api_service service;
    if (held->of_peer || !followed_need(call, &need)) return false;
    if (!route->enter_followed(route, held->lane, &need, &service)) return false;
    enum api_progress progress = service.start(service.api, call);
    CHECK(progress == API_READY); /* nothing of it waits */
    service.finish(service.api, call);
    route->leave_followed(route, held->lane);
    held->stage = FRONT_OLD;
    if (call->status == 200) return true;
    answer_forget(call);
    return false;
}

/* It may have stood still since it looked. */
static void old_judge(struct front_call *held)
{
    struct front *front = held->front;
    bool right = now(front).ns <= held->call->right_until.ns;
    count(front, right ? &front->status.followed : &front->status.silenced);
    if (!right) refuse(held, "unavailable", "this replica stood still, and its answer is too old");
}

/* ---- From start to finish ---- */

/* Where it goes now. API_READY: finish() has the answer, or an api has. */
static enum api_progress dispatch(struct front_call *held)
{
    struct front *front = held->front;
    struct lane_route *route = front->options.route;
    if (!held->foreign && route->enter(route, held->lane, &held->service))
        return api_begin(held, FRONT_API);
    if (held->of_peer) {
        count(front, &front->status.refused);
        refuse(held, "not_owner",
               held->foreign ? "this replica has another ledger"
                             : "this replica does not own the lane");
        return API_READY;
    }
    if (followed_answer(held)) return API_READY;
    enum lane_place place = route->find(route, held->lane, held->peer_call.url);
    if (place == LANE_ELSEWHERE) {
        peer_begin(held);
    } else {
        count(front, &front->status.held);
        hold(held, FRONT_HELD, TRY_MS);
    }
    return API_PENDING;
}

/*
 * LANE_HERE: lane 0 is, and its API says how it is. LANE_ELSEWHERE: some owner is known, so that
 * this replica is of use.
 */
static enum lane_place ready_place(struct front *front)
{
    struct lane_route *route = front->options.route;
    char url[LEASE_URL_SIZE];
    enum lane_place place = route->find(route, 0, url);
    for (uint32_t lane = 1; lane < lane_count(front) && place == LANE_NOWHERE; lane++) {
        if (route->find(route, lane, url) != LANE_NOWHERE) place = LANE_ELSEWHERE;
    }
    return place;
}

/* Of a replica that does not own lane 0: it is ready when it knows an owner of any. */
static enum api_progress own_dispatch(struct front_call *held)
{
    struct lane_route *route = held->front->options.route;
    struct api_call *call = held->call;
    bool ready = str_equal(call->path, STR("/readyz"));
    enum lane_place place = ready ? ready_place(held->front) : LANE_HERE;
    if (place == LANE_ELSEWHERE) {
        call->status = 200;
        call->answer_type = "text/plain; charset=utf-8";
        buf_append_str(&call->answer, STR("ready\n"));
        held->stage = FRONT_DONE;
        return API_READY;
    }
    if (place == LANE_HERE && route->enter_own(route, &held->service)) {
        return api_begin(held, FRONT_OWN);
    }
    refuse(held, "owner_unknown", "this replica is beginning, or knows no owner");
    return API_READY;
}

static enum api_progress side_start(struct api *api, struct api_call *call)
{
    const struct front_side *side = (const struct front_side *)api;
    struct front *front = side->front;
    CHECK(call->front == NULL);
    if (lanes_call_names_none(call, lane_count(front))) {
        api_refuse(call, 400, "invalid_lane", NULL, "leave TPW-Lane out, or name a lane from 0 on");
        return API_READY;
    }
    if (side->of_peers && !is_peer(front, call)) {
        count(front, &front->status.refused);
        api_refuse(call, 403, "forbidden", "this address is for the replicas of the ledger",
                   "ask another one, or look at --peer-secret");
        return API_READY;
    }
    struct front_call *held = call_take(front);
    if (held == NULL) {
        api_refuse(call, 429, "too_busy", NULL, "wait and repeat");
        return API_READY;
    }
    uint32_t hold_ms = front->options.hold_ms == 0 ? FRONT_HOLD_MS : front->options.hold_ms;
    if (side->of_links) hold_ms = FRONT_LINK_HOLD_MS;
    *held = (struct front_call){
        .front = front,
        .call = call,
        .ready = call->ready,
        .owner = call->owner,
        .lane = lanes_of_call(call, front->options.lanes),
        .of_peer = side->of_peers,
        .of_link = side->of_links,
        .repeatable = is_repeatable(call),
        .until = in_ms(front, hold_ms),
    };
    call->front = held;
    call->header_count = 0;
    call->streams = false;
    if (held->of_peer) peer_head_take(held);
    if (!held->of_peer && !held->of_link) call->arrival = API_ARRIVAL_NONE;
    return is_own(call->path) ? own_dispatch(held) : dispatch(held);
}

/* The last look before the answer leaves. */
static void answer_judge(struct front_call *held)
{
    struct front *front = held->front;
    struct lane_route *route = front->options.route;
    bool covered = route->believes(route, held->lane);
    api_end(held);
    if (covered) return;
    if (held->call->streams) {
        held->service.leave(held->service.api, held->call);
        route->leave(route, held->lane);
    }
    count(front, &front->status.silenced);
    refuse(held, "in_doubt", "this replica's lease on the lane ran out meanwhile");
}

static void side_finish(struct api *api, struct api_call *call)
{
    (void)api; /* the call knows its front */
    struct front_call *held = call->front;
    if (held == NULL) return; /* refused before it got one: the answer is there */
    hooks_back(held);
    if (held->stage == FRONT_API) answer_judge(held);
    if (held->stage == FRONT_OLD) old_judge(held);
    if (held->stage == FRONT_OWN) api_end(held);
    held->streaming = call->streams;
    if (held->stage == FRONT_PEER) call->stream = held; /* so that the transport leaves it */
    if (!call->streams) call_give(held);
}

/* ---- Answers in parts ---- */

static enum api_progress side_more(struct api *api, struct api_call *call)
{
    (void)api; /* as above */
    struct front_call *held = call->front;
    struct front *front = held->front;
    if (held->stage == FRONT_PEER)
        return front->options.peer->more(front->options.peer, &held->peer_call);
    call->ready = api_ready;
    enum api_progress progress = held->service.more(held->service.api, call);
    if (progress == API_PENDING) return progress;
    hooks_back(held);
    if (front->options.route->believes(front->options.route, held->lane)) return progress;
    buf_reset(&call->answer);
    call->streams = false;
    return progress;
}

static void side_hurry(struct api *api, struct api_call *call)
{
    (void)api; /* as above */
    struct front_call *held = call->front;
    struct peer *peer = held->front->options.peer;
    if (held->stage == FRONT_PEER) {
        peer->hurry(peer, &held->peer_call);
    } else {
        held->service.hurry(held->service.api, call);
    }
}

static void side_leave(struct api *api, struct api_call *call)
{
    (void)api; /* as above */
    struct front_call *held = call->front;
    struct front *front = held->front;
    if (held->stage == FRONT_PEER) {
        call->stream = NULL;
        front->options.peer->leave(front->options.peer, &held->peer_call);
    } else {
        held->service.leave(held->service.api, call);
        front->options.route->leave(front->options.route, held->lane);
    }
    call_give(held);
}

static void side_stop(struct api *api)
{
    struct front *front = ((const struct front_side *)api)->front;
    struct lane_route *route = front->options.route;
    front->options.peer->stop(front->options.peer);
    for (uint32_t lane = 0; lane < lane_count(front); lane++) {
        struct api_service service;
        if (!route->enter(route, lane, &service)) continue;
        service.stop(service.api);
        route->leave(route, lane);
    }
}

/* ---- The front's task ---- */

/* What the api answered is thrown away; the call is as it came. */
static void silence(struct front_call *held)
{
    struct front *front = held->front;
    struct lane_route *route = front->options.route;
    struct api_call *call = held->call;
    count(front, &front->status.silenced);
    api_end(held);
    if (call->streams) {
        held->service.leave(held->service.api, call);
        route->leave(route, held->lane);
    }
    answer_forget(call);
    held->doubtful = true; /* its batch may have landed */
    held->stage = FRONT_HELD;
}

static void again(struct front_call *held)
{
    if (held->stage == FRONT_SILENCE) silence(held);
    if (!may_go_on(held)) {
        refuse(held, "in_doubt", "this replica's lease on the lane ran out meanwhile");
    } else if (now(held->front).ns >= held->until.ns) {
        give_up(held);
    } else {
        answer_forget(held->call);
        if (dispatch(held) == API_PENDING) return;
    }
    answer_ready(held);
}

/* Takes the calls whose time has come out of the list; *out_next is when the others' comes. */
static struct front_call *due_take(struct front *front, struct monotonic_time *out_next)
{
    struct front_call *due = NULL;
    struct monotonic_time at = now(front);
    struct front_call **link = &front->held;
    *out_next = MONOTONIC_NEVER;
    while (*link != NULL) {
        struct front_call *held = *link;
        if (front->news || at.ns >= held->again.ns || front->stopping) {
            *link = held->next;
            held->next = due;
            due = held;
            front->status.held_now--;
            continue;
        }
        if (held->again.ns < out_next->ns) *out_next = held->again;
        link = &held->next;
    }
    front->news = false;
    return due;
}

static void front_run(void *argument)
{
    struct front *front = argument;
    struct sync *sync = front->options.sync;
    sync->lock(front->monitor);
    while (!front->stopping || front->held != NULL) {
        struct monotonic_time next;
        struct front_call *due = due_take(front, &next);
        if (due == NULL) {
            (void)sync->wait(front->monitor, next); /* looked at again */
            continue;
        }
        sync->unlock(front->monitor);
        while (due != NULL) {
            struct front_call *held = due;
            due = due->next;
            again(held);
        }
        sync->lock(front->monitor);
    }
    sync->unlock(front->monitor);
}

/* ---- Life ---- */

enum status front_new(const struct front_options *options, struct front **out_front,
                      struct error *out_error)
{
    struct front *front = reserve_new(sizeof *front);
    if (front == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the calls");
    front->options = *options;
    front->clients = (struct front_side){ .front = front };
    front->peers = (struct front_side){ .front = front, .of_peers = true };
    front->links = (struct front_side){ .front = front, .of_links = true };
    front->calls = reserve_new(FRONT_CALLS_MAX * sizeof(struct front_call));
    front->monitor = options->sync->monitor_new(options->sync, "front");
    enum status status = front->calls == NULL ? STATUS_LIMIT : STATUS_OK;
    if (status == STATUS_OK) {
        status = options->sync->spawn(options->sync, "front", front_run, front, &front->task);
    }
    if (status != STATUS_OK) {
        front_free(front);
        return error_set(out_error, status, "no memory or no task for the calls");
    }
    *out_front = front;
    return STATUS_OK;
}

void front_free(struct front *front)
{
    if (front == NULL) return;
    struct sync *sync = front->options.sync;
    sync->lock(front->monitor);
    front->stopping = true;
    sync->wake_all(front->monitor);
    sync->unlock(front->monitor);
    sync->join(front->task);
    sync->monitor_free(front->monitor);
    if (front->calls != NULL) reserve_free(front->calls, FRONT_CALLS_MAX * sizeof *front->calls);
    reserve_free(front, sizeof *front);
}

static struct api_service side_service(struct front_side *side)
{
    return (struct api_service){
        .api = (struct api *)side,
        .start = side_start,
        .finish = side_finish,
        .refuse = api_refuse,
        .body_size_max = api_body_size_max,
        .more = side_more,
        .hurry = side_hurry,
        .leave = side_leave,
        .stop = side_stop,
    };
}

struct api_service front_service(struct front *front)
{
    return side_service(&front->clients);
}

struct api_service front_peer_service(struct front *front)
{
    return side_service(&front->peers);
}

struct api_service front_link_service(struct front *front)
{
    return side_service(&front->links);
}

void front_wake(struct front *front)
{
    struct sync *sync = front->options.sync;
    sync->lock(front->monitor);
    front->news = true;
    sync->wake_all(front->monitor);
    sync->unlock(front->monitor);
}

void front_get_status(struct front *front, struct front_status *out_status)
{
    front->options.sync->lock(front->monitor);
    *out_status = front->status;
    front->options.sync->unlock(front->monitor);
}

/*
 * Goal: a call is answered by its lane's owner, here or elsewhere; no answer leaves that the lease
 * does not cover; what may be done twice is tried again, what may not is in doubt; one hop only.
 * Method: an api, a peer and a route that are scripts; the front's own task over simulated tasks
 * and time, so that what waits is looked at in order.
 */
#include "api/front.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_clock.h"
#include "sim/sim_entropy.h"
#include "sim/sim_sync.h"

struct api {
    struct stage *stage;
};

/* What the world around a front does next. */
struct stage {
    struct lane_route route; /* first */
    struct peer peer;
    struct api api;
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_sync sync;
    struct sim_wall wall;
    struct sim_clock clock;
    struct sim_entropy entropy;
    struct front *front;
    const struct secret *secret; /* of peers; NULL: none */
    bool here;                   /* this replica owns the lane */
    bool elsewhere;              /* another does */
    bool covered;                /* its lease is believed */
    bool lapses;                 /* until the api has its answer */
    uint32_t inside;             /* entered and not left */
    uint32_t begun;              /* calls at the api */
    uint32_t sent;               /* calls at the peer */
    enum status outcome;         /* of the next call at the peer; then all go well */
    const char *not_owner;
    bool own_is_there;
    uint64_t stale_ms; /* of what is followed here */
    uint64_t batch;
    unsigned followed_status; /* what is said of it */
    int64_t right_ms;         /* and for how long */
    uint32_t followed;        /* calls that were answered so, or not */
    uint32_t left_ms;         /* what the newest call at the peer may take */
    char traceparent[PEER_TRACEPARENT_SIZE];
};

struct customer {
    struct api_call call;
    bool ready;
    struct stage *stage;
};

static enum lane_place find(struct lane_route *route, uint32_t lane, char out_url[LEASE_URL_SIZE])
{
    struct stage *stage = (struct stage *)route;
    assert_int_equal(lane, 0);
    if (stage->here) return LANE_HERE;
    if (!stage->elsewhere) return LANE_NOWHERE;
    memcpy(out_url, "http://peer", sizeof "http://peer");
    return LANE_ELSEWHERE;
}

static bool believes(struct lane_route *route, uint32_t lane)
{
    (void)lane; /* there is one */
    return ((struct stage *)route)->covered;
}

static enum api_progress api_begin(struct api *api, struct api_call *call)
{
    struct stage *stage = api->stage;
    stage->begun++;
    if (stage->lapses) stage->covered = stage->here = false;
    call->ready(call);
    return API_PENDING;
}

static void api_complete(struct api *api, struct api_call *call)
{
    (void)api; /* the answer is the same for all */
    call->status = 201;
    call->answer_type = "application/json";
    buf_append_str(&call->answer, STR("{\"by\":\"api\"}"));
}

static bool enter(struct lane_route *route, uint32_t lane, struct api_service *out_service)
{
    struct stage *stage = (struct stage *)route;
    (void)lane; /* as above */
    if (!stage->here || !stage->covered) return false;
    stage->inside++;
    *out_service =
        (struct api_service){ .api = &stage->api, .start = api_begin, .finish = api_complete };
    return true;
}

static void leave(struct lane_route *route, uint32_t lane)
{
    (void)lane; /* as above */
    ((struct stage *)route)->inside--;
}

static bool enter_own(struct lane_route *route, struct api_service *out_service)
{
    struct stage *stage = (struct stage *)route;
    if (!stage->own_is_there) return false;
    stage->inside++;
    *out_service =
        (struct api_service){ .api = &stage->api, .start = api_begin, .finish = api_complete };
    return true;
}

static enum api_progress followed_begin(struct api *api, struct api_call *call)
{
    struct stage *stage = api->stage;
    stage->followed++;
    call->right_until.ns = clock_monotonic(&stage->clock.port).ns + stage->right_ms * NS_PER_MS;
    return API_READY;
}

static void followed_complete(struct api *api, struct api_call *call)
{
    call->status = api->stage->followed_status;
    call->answer_type = "application/json";
    buf_append_str(&call->answer, STR("{\"by\":\"follower\"}"));
}

static bool enter_followed(struct lane_route *route, uint32_t lane, const struct lane_need *need,
                           struct api_service *out_service)
{
    struct stage *stage = (struct stage *)route;
    assert_int_equal(lane, 0);
    if (need->max_stale_ms < stage->stale_ms || need->batch > stage->batch) return false;
    stage->inside++;
    *out_service = (struct api_service){ .api = &stage->api,
                                         .start = followed_begin,
                                         .finish = followed_complete };
    return true;
}

static void leave_followed(struct lane_route *route, uint32_t lane)
{
    (void)lane; /* as above */
    ((struct stage *)route)->inside--;
}

static void leave_own(struct lane_route *route)
{
    ((struct stage *)route)->inside--;
}

static void peer_send(struct peer *peer, struct peer_call *peer_call)
{
    struct stage *stage = (struct stage *)((char *)peer - offsetof(struct stage, peer));
    struct api_call *call = peer_call->call;
    stage->sent++;
    memcpy(stage->traceparent, peer_call->traceparent, sizeof stage->traceparent);
    assert_string_equal(peer_call->url, "http://peer");
    assert_in_range(peer_call->left_ms, 1, FRONT_LEFT_MS_MAX);
    stage->left_ms = peer_call->left_ms;
    peer_call->status = stage->outcome;
    stage->outcome = STATUS_OK;
    call->status = 200;
    call->answer_type = "application/json";
    call->header_count = 0;
    buf_reset(&call->answer);
    buf_append_str(&call->answer, STR("{\"by\":\"peer\"}"));
    if (stage->not_owner != NULL) {
        struct api_header *header = &call->headers[call->header_count++];
        header->name = PEER_HEADER_NOT_OWNER;
        memcpy(header->value, stage->not_owner, strlen(stage->not_owner) + 1);
        call->status = 503;
        stage->not_owner = NULL;
    }
    peer_call->done(peer_call);
}

static void nothing_to_stop(struct peer *peer)
{
    (void)peer; /* it has no streams */
}

static void customer_ready(struct api_call *call)
{
    ((struct customer *)call->owner)->ready = true;
}

static struct customer customer_of(struct stage *stage, enum api_method method, const char *path)
{
    struct customer customer = { .stage = stage };
    customer.call.method = method;
    customer.call.path = str_from(path);
    buf_init(&customer.call.answer, 4096);
    return customer;
}

/* To its end; the answer is in customer->call. Returns the status. */
static unsigned serve(struct customer *customer, struct api_service service)
{
    struct api_call *call = &customer->call;
    call->ready = customer_ready;
    call->owner = customer;
    enum api_progress progress = service.start(service.api, call);
    while (progress == API_PENDING && !customer->ready) {
        task_sleep(customer->stage->world, NS_PER_MS);
    }
    assert_ptr_equal(call->owner, customer);
    service.finish(service.api, call);
    assert_null(call->front);
    return call->status;
}

static unsigned ask(struct customer *customer)
{
    return serve(customer, front_service(customer->stage->front));
}

static bool says(struct customer *customer, const char *text)
{
    return strstr(buf_terminated(&customer->call.answer), text) != NULL;
}

static void done(struct customer *customer)
{
    buf_free(&customer->call.answer);
    assert_int_equal(customer->stage->inside, 0);
}

/* ---- Cases: each with a stage on which this replica owns the lane ---- */

static void front_open(struct stage *stage)
{
    const struct front_options options = {
        .route = &stage->route,
        .peer = &stage->peer,
        .sync = &stage->sync.port,
        .clock = &stage->clock.port,
        .entropy = &stage->entropy.port,
        .peer_secret = stage->secret,
        .ledger = { .lo = 7 },
    };
    assert_int_equal(front_new(&options, &stage->front, NULL), STATUS_OK);
}

static void answers_here(struct stage *stage)
{
    struct customer customer = customer_of(stage, API_POST, "/v1/transfers");
    assert_int_equal(ask(&customer), 201);
    assert_true(says(&customer, "api"));
    assert_int_equal(stage->sent, 0);
    done(&customer);
}

static void forwards(struct stage *stage)
{
    stage->here = false;
    stage->elsewhere = true;
    struct customer customer = customer_of(stage, API_GET, "/v1/accounts");
    customer.call.traceparent = STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    assert_int_equal(ask(&customer), 200);
    assert_true(says(&customer, "peer"));
    assert_int_equal(stage->begun, 0);
    /* the same trace, and a span of this hop */
    assert_memory_equal(stage->traceparent, "00-0af7651916cd43dd8448eb211c80319c-", 36);
    assert_memory_not_equal(stage->traceparent + 36, "b7ad6b7169203331", 16);
    done(&customer);
}

static void one_hop_only(struct stage *stage)
{
    stage->here = false;
    stage->elsewhere = true;
    struct customer customer = customer_of(stage, API_GET, "/v1/accounts");
    assert_int_equal(serve(&customer, front_peer_service(stage->front)), 503);
    assert_true(says(&customer, "not_owner"));
    assert_string_equal(customer.call.headers[customer.call.header_count - 1].value, "undone");
    assert_int_equal(stage->sent, 0);
    done(&customer);
}

static void a_lane_that_there_is_not_is_refused(struct stage *stage)
{
    static const char *const values[] = { "1", "x", "" };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct api_raw_header headers[] = { { STR("TPW-Lane"), str_from(values[i]) } };
        struct customer customer = customer_of(stage, API_GET, "/metrics");
        customer.call.raw_headers = headers;
        customer.call.raw_header_count = 1;
        assert_int_equal(ask(&customer), 400);
        assert_true(says(&customer, "invalid_lane"));
        done(&customer);
    }
}

static void only_a_peer_is_believed_about_users(struct stage *stage)
{
    const struct api_raw_header headers[] = { { STR("tpw-local-user"), STR("1000") } };
    struct customer customer = customer_of(stage, API_GET, "/v1/accounts");
    customer.call.raw_headers = headers;
    customer.call.raw_header_count = 1;
    assert_int_equal(ask(&customer), 201);
    assert_false(customer.call.local);
    buf_reset(&customer.call.answer);
    customer.ready = false;
    assert_int_equal(serve(&customer, front_peer_service(stage->front)), 201);
    assert_true(customer.call.local);
    assert_int_equal(customer.call.uid, 1000);
    done(&customer);
}

static void a_peer_of_another_ledger_is_refused(struct stage *stage)
{
    static const struct {
        const char *names;
        unsigned status;
    } cases[] = {
        { "00000000-0000-0000-0000-000000000007", 201 },
        { "00000000-0000-0000-0000-000000000008", 503 },
        { "", 201 }, /* one of before there were ids */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct api_raw_header headers[] = { { STR("tpw-ledger"), str_from(cases[i].names) } };
        struct customer customer = customer_of(stage, API_POST, "/v1/transfers");
        customer.call.raw_headers = headers;
        customer.call.raw_header_count = 1;
        assert_int_equal(serve(&customer, front_peer_service(stage->front)), cases[i].status);
        assert_int_equal(says(&customer, "another ledger"), cases[i].status == 503);
        customer.ready = false;
        buf_reset(&customer.call.answer);
        assert_int_equal(ask(&customer), 201); /* a client's header is nobody's word */
        done(&customer);
    }
}

static void who_does_not_show_the_secret_is_no_peer(struct stage *stage)
{
    const struct secret secret = { .bytes = "of-all-replicas", .size = 15 };
    const char *const shown[] = { NULL, "", "of-all-replica", "of-all-replicaz",
                                  "of-all-replicas" };
    front_free(stage->front);
    stage->secret = &secret;
    front_open(stage);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        bool good = i + 1 == sizeof shown / sizeof shown[0];
        const struct api_raw_header headers[] = {
            { STR("TPW-Local-User"), STR("1000") },
            { STR("tpw-peer-secret"), str_from(shown[i] == NULL ? "" : shown[i]) },
        };
        struct customer customer = customer_of(stage, API_GET, "/v1/accounts");
        customer.call.raw_headers = headers;
        customer.call.raw_header_count = shown[i] == NULL ? 1 : 2;
        assert_int_equal(serve(&customer, front_peer_service(stage->front)), good ? 201 : 403);
        assert_int_equal(customer.call.local, good);
        assert_int_equal(stage->begun, good);
        done(&customer);
    }
    struct customer customer = customer_of(stage, API_GET, "/v1/accounts"); /* of clients none */
    assert_int_equal(ask(&customer), 201);
    done(&customer);
}

static void only_lanes_and_peers_say_what_arrives(struct stage *stage)
{
    const struct api_raw_header headers[] = { { STR("TPW-Arrival"), STR("withdraw") } };
    const struct api_raw_header pays = { STR("TPW-Arrival"), STR("pay") };
    struct customer customer = customer_of(stage, API_POST, "/v1/transfers");
    customer.call.raw_headers = headers;
    customer.call.raw_header_count = 1;
    customer.call.arrival = API_ARRIVAL_DECIDE; /* as no transport does */
    assert_int_equal(ask(&customer), 201);
    assert_int_equal(customer.call.arrival, API_ARRIVAL_NONE);
    buf_reset(&customer.call.answer);
    customer.ready = false;
    assert_int_equal(serve(&customer, front_peer_service(stage->front)), 201);
    assert_int_equal(customer.call.arrival, API_ARRIVAL_WITHDRAW);
    buf_reset(&customer.call.answer);
    customer.ready = false;
    customer.call.raw_headers = &pays;
    assert_int_equal(serve(&customer, front_peer_service(stage->front)), 201);
    assert_int_equal(customer.call.arrival, API_ARRIVAL_PAY);
    buf_reset(&customer.call.answer);
    customer.ready = false;
    customer.call.arrival = API_ARRIVAL_DECIDE;
    assert_int_equal(serve(&customer, front_link_service(stage->front)), 201);
    assert_int_equal(customer.call.arrival, API_ARRIVAL_DECIDE);
    done(&customer);
}

/* Whoever ends a lane's workers waits for their calls. */
static void a_link_waits_a_short_while(struct stage *stage)
{
    stage->here = false;
    int64_t begun_ns = world_now(stage->world).ns;
    struct customer customer = customer_of(stage, API_POST, "/v1/transfers");
    assert_int_equal(serve(&customer, front_link_service(stage->front)), 503);
    const struct api_header *last = &customer.call.headers[customer.call.header_count - 1];
    assert_string_equal(last->name, PEER_HEADER_NOT_OWNER);
    assert_string_equal(last->value, "undone");
    int64_t waited_ms = (world_now(stage->world).ns - begun_ns) / NS_PER_MS;
    assert_in_range(waited_ms, FRONT_LINK_HOLD_MS, FRONT_LINK_HOLD_MS + 100);
    buf_reset(&customer.call.answer);
    customer.ready = false;
    stage->elsewhere = true;
    assert_int_equal(serve(&customer, front_link_service(stage->front)), 200);
    assert_in_range(stage->left_ms, 1000, FRONT_LINK_LEFT_MS_MAX);
    done(&customer);
}

static void arrives_later(void *argument)
{
    struct stage *stage = argument;
    task_sleep(stage->world, 500 * NS_PER_MS);
    stage->here = true;
    front_wake(stage->front);
}

static void held_until_there_is_an_owner(struct stage *stage)
{
    stage->here = false;
    (void)task_spawn(stage->world, "owner", arrives_later, stage); /* ends by itself */
    struct customer customer = customer_of(stage, API_DELETE, "/v1/keys/1");
    assert_int_equal(ask(&customer), 201);
    done(&customer);
}

static void nobody_in_time(struct stage *stage)
{
    stage->here = false;
    int64_t begun_ns = world_now(stage->world).ns;
    struct customer customer = customer_of(stage, API_POST, "/v1/transfers");
    assert_int_equal(ask(&customer), 503);
    assert_true(says(&customer, "owner_unknown"));
    assert_string_equal(customer.call.headers[0].name, "Retry-After");
    int64_t waited_ms = (world_now(stage->world).ns - begun_ns) / NS_PER_MS;
    assert_in_range(waited_ms, FRONT_HOLD_MS, FRONT_HOLD_MS + 1000);
    done(&customer);
}

/* The lease runs out while the api decides: the answer is thrown away, and given elsewhere. */
static void an_uncovered_answer_does_not_leave(struct stage *stage)
{
    stage->lapses = true;
    stage->elsewhere = true;
    struct customer read = customer_of(stage, API_GET, "/v1/accounts");
    assert_int_equal(ask(&read), 200);
    assert_true(says(&read, "peer"));
    assert_false(says(&read, "api"));
    done(&read);
    stage->here = stage->covered = true;
    struct customer once = customer_of(stage, API_DELETE, "/v1/keys/1");
    assert_int_equal(ask(&once), 503);
    assert_true(says(&once, "in_doubt"));
    done(&once);
    stage->here = stage->covered = true;
    struct customer keyed = customer_of(stage, API_DELETE, "/v1/keys/1");
    keyed.call.idempotency_key = STR("k");
    assert_int_equal(ask(&keyed), 200);
    done(&keyed);
    struct front_status status;
    front_get_status(stage->front, &status);
    assert_int_equal(status.silenced, 3);
}

/* Between the api's answer and the transport's taking it. */
static void a_lease_that_ends_at_the_last_moment(struct stage *stage)
{
    struct customer customer = customer_of(stage, API_GET, "/v1/accounts");
    struct api_service service = front_service(stage->front);
    customer.call.ready = customer_ready;
    customer.call.owner = &customer;
    assert_int_equal(service.start(service.api, &customer.call), API_PENDING);
    assert_true(customer.ready);
    stage->covered = false;
    service.finish(service.api, &customer.call);
    assert_int_equal(customer.call.status, 503);
    assert_true(says(&customer, "in_doubt"));
    assert_false(says(&customer, "api"));
    done(&customer);
}

static void what_a_peer_says_decides_what_is_tried_again(struct stage *stage)
{
    static const struct {
        enum status outcome;
        const char *not_owner;
        enum api_method method;
        const char *key;
        unsigned status;
        uint32_t sent;
    } cases[] = {
        { STATUS_UNAVAILABLE, NULL, API_DELETE, "", 200, 2 }, /* nothing was sent */
        { STATUS_OK, "undone", API_DELETE, "", 200, 2 },
        { STATUS_OK, "doubt", API_DELETE, "", 503, 1 },
        { STATUS_OK, "doubt", API_DELETE, "k", 200, 2 },
        { STATUS_IN_DOUBT, NULL, API_DELETE, "", 503, 1 },
        { STATUS_IN_DOUBT, NULL, API_DELETE, "k", 200, 2 },
        { STATUS_IN_DOUBT, NULL, API_GET, "", 200, 2 },
        { STATUS_LIMIT, NULL, API_GET, "", 500, 1 },
    };
    stage->here = false;
    stage->elsewhere = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage->sent = 0;
        stage->outcome = cases[i].outcome;
        stage->not_owner = cases[i].not_owner;
        struct customer customer = customer_of(stage, cases[i].method, "/v1/keys/1");
        customer.call.idempotency_key = str_from(cases[i].key);
        assert_int_equal(ask(&customer), cases[i].status);
        assert_int_equal(stage->sent, cases[i].sent);
        if (cases[i].status == 503) assert_true(says(&customer, "in_doubt"));
        done(&customer);
    }
}

static void a_follower_tells_of_itself(struct stage *stage)
{
    stage->here = false;
    stage->elsewhere = true;
    stage->own_is_there = true;
    struct customer metrics = customer_of(stage, API_GET, "/metrics");
    assert_int_equal(ask(&metrics), 201);
    assert_true(says(&metrics, "api"));
    done(&metrics);
    struct customer ready = customer_of(stage, API_GET, "/readyz");
    assert_int_equal(ask(&ready), 200);
    done(&ready);
    stage->elsewhere = false;
    struct customer lost = customer_of(stage, API_GET, "/readyz");
    assert_int_equal(ask(&lost), 503);
    done(&lost);
    assert_int_equal(stage->sent, 0);
}

/* ---- The stage ---- */

struct play {
    struct stage stage;
    void (*act)(struct stage *stage);
};

#define ACCOUNT_PATH "/v1/accounts/019ab000-0000-7000-8000-000000000001"

/* Another owns the lane; what is followed here is 100 ms old, and at batch 7. */
static struct customer reader_of(struct stage *stage, const char *query)
{
    stage->here = false;
    stage->elsewhere = true;
    stage->stale_ms = 100;
    stage->batch = 7;
    stage->followed_status = 200;
    stage->right_ms = 50;
    struct customer customer = customer_of(stage, API_GET, ACCOUNT_PATH);
    customer.call.query = str_from(query);
    return customer;
}

static void a_follower_answers_what_may_be_old(struct stage *stage)
{
    static const struct {
        const char *query;
        bool followed;
    } cases[] = {
        { "max_stale_ms=100", true },
        { "max_stale_ms=99", false }, /* it is older */
        { "max_stale_ms=100&min_position=7-1", true },
        { "max_stale_ms=100&min_position=8", false }, /* it has not read so far */
        { "", false },                                /* the owner alone is exact */
        { "min_position=7", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct customer customer = reader_of(stage, cases[i].query);
        uint32_t sent = stage->sent;
        assert_int_equal(ask(&customer), 200);
        if (says(&customer, "follower") != cases[i].followed) fail_msg("case %zu", i);
        assert_int_equal(stage->sent, sent + (cases[i].followed ? 0 : 1));
        done(&customer);
    }
    struct front_status status;
    front_get_status(stage->front, &status);
    assert_int_equal(status.followed, 2);
}

static void a_peer_asks_for_the_owner(struct stage *stage)
{
    struct customer customer = reader_of(stage, "max_stale_ms=100");
    assert_int_equal(serve(&customer, front_peer_service(stage->front)), 503);
    assert_int_equal(stage->followed, 0);
    done(&customer);
}

static void what_a_follower_does_not_know_the_owner_may(struct stage *stage)
{
    static const unsigned statuses[] = { 404, 401, 503 };
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct customer customer = reader_of(stage, "max_stale_ms=100");
        stage->followed_status = statuses[i];
        assert_int_equal(ask(&customer), 200);
        assert_true(says(&customer, "peer") && !says(&customer, "follower"));
        done(&customer);
    }
    assert_int_equal(stage->followed, 3);
}

/* It stands still between looking and answering, as a process that is paused does. */
static void an_answer_that_has_become_too_old_does_not_leave(struct stage *stage)
{
    struct customer customer = reader_of(stage, "max_stale_ms=100");
    struct api_service service = front_service(stage->front);
    customer.call.ready = customer_ready;
    customer.call.owner = &customer;
    assert_int_equal(service.start(service.api, &customer.call), API_READY);
    task_sleep(stage->world, (stage->right_ms + 1) * NS_PER_MS);
    service.finish(service.api, &customer.call);
    assert_int_equal(customer.call.status, 503);
    assert_false(says(&customer, "follower"));
    assert_true(says(&customer, "too old"));
    done(&customer);
}

static void play_run(void *argument)
{
    struct play *play = argument;
    struct stage *stage = &play->stage;
    front_open(stage);
    play->act(stage);
    front_free(stage->front);
    sim_sync_done(&stage->sync);
}

static void play(void **state)
{
    static struct play play;
    play = (struct play){ .act = (void (*)(struct stage *)) * state };
    struct stage *stage = &play.stage;
    stage->route = (struct lane_route){ find,           enter,          leave,     believes,
                                        enter_followed, leave_followed, enter_own, leave_own };
    stage->peer = (struct peer){ .send = peer_send, .stop = nothing_to_stop };
    stage->api.stage = stage;
    stage->here = stage->covered = true;
    stage->world = world_new(11);
    faults_init(&stage->faults, stage->world);
    stage->process = (struct process){ .world = stage->world, .faults = &stage->faults };
    sim_sync_init(&stage->sync, &stage->process);
    stage->wall.offset_ns = INT64_C(1795000000) * NS_PER_S;
    sim_clock_init(&stage->clock, &stage->process, &stage->wall);
    sim_entropy_init(&stage->entropy, &stage->process);
    (void)task_spawn(stage->world, "play", play_run, &play); /* ends by itself */
    assert_int_equal(world_run(stage->world, 10000000), WORLD_DONE);
    world_free(stage->world);
}

#define CASE(act)                                                                                  \
    {                                                                                              \
#act, play, NULL, NULL, (void *)act                                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(answers_here),
        CASE(forwards),
        CASE(one_hop_only),
        CASE(a_lane_that_there_is_not_is_refused),
        CASE(only_a_peer_is_believed_about_users),
        CASE(a_peer_of_another_ledger_is_refused),
        CASE(who_does_not_show_the_secret_is_no_peer),
        CASE(only_lanes_and_peers_say_what_arrives),
        CASE(a_link_waits_a_short_while),
        CASE(held_until_there_is_an_owner),
        CASE(nobody_in_time),
        CASE(an_uncovered_answer_does_not_leave),
        CASE(a_lease_that_ends_at_the_last_moment),
        CASE(what_a_peer_says_decides_what_is_tried_again),
        CASE(a_follower_tells_of_itself),
        CASE(a_follower_answers_what_may_be_old),
        CASE(a_peer_asks_for_the_owner),
        CASE(what_a_follower_does_not_know_the_owner_may),
        CASE(an_answer_that_has_become_too_old_does_not_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

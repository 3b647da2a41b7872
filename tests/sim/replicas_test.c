/*
 * Goal: whatever network, pauses, crashes and clocks do, replicas before one journal answer as one: no
 * read is older than an answer that came before it began, no append is lost or done twice.
 * Method: three replicas in the simulated world, each with the shipped keeper of leases, the shipped
 * front, and a shipped lane with an index of its own, which follows, takes over, commits and is
 * fenced (replica_life.h). Requests and answers between replicas are lost, late and doubled,
 * replicas are cut off from each other or from the leases, paused as a whole, killed, moved, and have
 * clocks of different speed; the store loses commits and answers. Every answer of a lane is held
 * against the twin of the durable journal as in the other workloads. Clients append to lists and
 * read them through any replica; their history must be strictly serializable (append_history.h),
 * and is left in $SCRATCH as Elle reads it. Planted: an owner that answers without a lease, and
 * commits that no epoch guards; each must be caught.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/append_history.h"
#include "tests/sim/replica_life.h"

enum {
    CLIENTS = 6,
    OPERATIONS = 25, /* of each client */
    SEEDS = 12,
    SEEDS_PLANTED = 100, /* at most: until it is caught */
    STEPS_MAX = 20000000,
    DOUBT_STATUS = 503,
    TEXT_SIZE = 16384,
};

/* What a client wants of the api below: an append by POST, a list by GET. */
struct ask {
    struct api_call call; /* first */
    struct scene *scene;
    struct question *question;
    bool ready;
};

/* A call that a lane has in hand. */
struct serving {
    struct replica *replica;
    struct api_call *call;
    struct task *task;
    struct serving *next;
};

/* ---- The lane's api ---- */

/* In the moment of the answer: what it says crosses the wire as text, the batch it shows first. */
static void on_answered(void *owner, const struct asking *asking)
{
    struct scene *scene = owner;
    struct serving *serving = scene->serving;
    while (serving != NULL && serving->task != asking->task) serving = serving->next;
    if (serving == NULL || asking->request.status != STATUS_OK) return;
    struct buf *answer = &serving->call->answer;
    const struct model *model = scene->service.model;
    buf_reset(answer);
    if (asking->question->kind != REQUEST_READ) {
        bool account = asking->question->kind == REQUEST_ACCOUNTS;
        struct position position =
            account ? asking->account_results[0].position : asking->transfer_results[0].position;
        buf_append_format(answer, "%llu", (unsigned long long)position.batch);
        return;
    }
    buf_append_format(answer, "%llu", (unsigned long long)asking->read.as_of_batch);
    for (uint32_t i = 0; i < asking->read.found; i++) {
        uint32_t at = 0;
        while (at < model->transfer_count &&
               model->transfers[at].locator.packed != asking->locators[i].packed) {
            at++;
        }
        uint64_t value = at < model->transfer_count ? model->transfers[at].asked.id.value.lo : 0;
        buf_append_format(answer, " %llu", (unsigned long long)value);
    }
}

static void serving_remove(struct scene *scene, struct serving *serving)
{
    struct serving **at = &scene->serving;
    while (*at != serving) at = &(*at)->next;
    *at = serving->next;
}

static void serve_run(void *argument)
{
    struct serving *serving = argument;
    struct replica *replica = serving->replica;
    struct scene *scene = replica->scene;
    struct ask *ask = (struct ask *)serving->call;
    struct life *life = replica->life;
    enum ask_end end = ASK_LOST;
    if (life != NULL && replica->leads) {
        life->users++;
        serving->task = task_current(scene->world);
        serving->next = scene->serving;
        scene->serving = serving;
        enum status status;
        end =
            ask_once(&scene->service, &scene->told, life, ask->question, chance(scene, 2), &status);
        serving_remove(scene, serving);
        life->users--;
    }
    replica_pause_point(replica);
    serving->call->status = end == ASK_ANSWERED ? 200 : DOUBT_STATUS;
    serving->call->ready(serving->call);
    free(serving);
}

static enum api_progress serve_start(struct api *api, struct api_call *call)
{
    struct replica *replica = (struct replica *)api;
    struct serving *serving = calloc(1, sizeof *serving);
    assert_non_null(serving);
    *serving = (struct serving){ .replica = replica, .call = call };
    (void)task_spawn(replica->scene->world, "serve", serve_run, serving); /* ends by itself */
    return API_PENDING;
}

static void serve_finish(struct api *api, struct api_call *call)
{
    (void)api; /* the answer is there */
    (void)call;
}

/* ---- The route: what cmd/replica does, with nothing else around it ---- */

static bool believes(struct lane_route *route, uint32_t lane)
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* there is one */
    if (replica->scene->planted == PLANTED_BELIEF) return true;
    return lease_keeper_believes(&replica->keeper, clock_monotonic(&replica->clock));
}

static enum lane_place find(struct lane_route *route, uint32_t lane, char out_url[LEASE_URL_SIZE])
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* as above */
    const char *url = lease_keeper_owner(&replica->keeper, clock_monotonic(&replica->clock));
    if (url == NULL) return LANE_NOWHERE;
    memcpy(out_url, url, strlen(url) + 1);
    return LANE_ELSEWHERE;
}

static bool enter(struct lane_route *route, uint32_t lane, struct api_service *out_service)
{
    struct replica *replica = (struct replica *)route;
    if (!replica->leads || !believes(route, lane)) return false;
    *out_service = (struct api_service){ .api = (struct api *)replica,
                                         .start = serve_start,
                                         .finish = serve_finish };
    return true;
}

static void leave(struct lane_route *route, uint32_t lane)
{
    (void)route; /* nobody waits for it here */
    (void)lane;
}

/* ---- The network between them ---- */

struct hop {
    struct scene *scene;
    struct replica *from;
    struct replica *to;
    struct peer_call *peer_call;
    struct ask ask; /* at the other side */
    bool doubled;   /* the network's own copy: nobody hears what comes of it */
};

static void ask_ready(struct api_call *call)
{
    ((struct ask *)call->owner)->ready = true;
}

static void ask_service(struct ask *ask, struct api_service service)
{
    struct api_call *call = &ask->call;
    call->ready = ask_ready;
    call->owner = ask;
    ask->ready = false;
    enum api_progress progress = service.start(service.api, call);
    while (progress == API_PENDING && !ask->ready) task_sleep(ask->scene->world, NS_PER_MS);
    service.finish(service.api, call);
}

static struct replica *by_url(struct scene *scene, const char *url)
{
    for (uint32_t i = 0; i < REPLICAS; i++) {
        if (strcmp(scene->replicas[i].keeper.party.url, url) == 0) return &scene->replicas[i];
    }
    fail();
    return NULL;
}

/* The answer as it crosses the wire: bytes, status, the header that counts. */
static void answer_copy(const struct api_call *from, struct api_call *into)
{
    buf_reset(&into->answer);
    buf_append_str(&into->answer, buf_view(&from->answer));
    into->status = from->status;
    into->header_count = from->header_count;
    memcpy(into->headers, from->headers, sizeof into->headers);
}

static void hop_end(struct hop *hop)
{
    buf_free(&hop->ask.call.answer);
    question_release(hop->ask.question);
    hop->scene->under_way--;
    free(hop);
}

/* Some time on the wire, seldom long. */
static void wire_wait(struct scene *scene)
{
    task_sleep(scene->world, some_ms(scene, chance(scene, 20) ? 900 : 5));
}

static void hop_run(void *argument)
{
    struct hop *hop = argument;
    struct scene *scene = hop->scene;
    struct peer_call *peer_call = hop->peer_call;
    struct replica *to = hop->to;
    enum status status = STATUS_OK;
    wire_wait(scene);
    if (hop->doubled) task_sleep(scene->world, some_ms(scene, 3000));
    if (hop->from->cut[to->number]) status = STATUS_UNAVAILABLE;
    if (status == STATUS_OK && !scene->over && chance(scene, 20)) status = STATUS_IN_DOUBT;
    bool arrives = status == STATUS_OK || (status == STATUS_IN_DOUBT && chance(scene, 2));
    if (arrives) {
        ask_service(&hop->ask, front_peer_service(to->front));
        wire_wait(scene);
        if (hop->from->cut[to->number]) status = STATUS_IN_DOUBT; /* the answer is lost */
    }
    if (!hop->doubled) {
        if (status == STATUS_OK) answer_copy(&hop->ask.call, peer_call->call);
        peer_call->status = status;
        replica_pause_point(hop->from);
        peer_call->done(peer_call);
    }
    hop_end(hop);
}

static void hop_begin(struct replica *from, struct peer_call *peer_call, bool doubled)
{
    struct hop *hop = calloc(1, sizeof *hop);
    assert_non_null(hop);
    *hop = (struct hop){ .scene = from->scene,
                         .from = from,
                         .to = by_url(from->scene, peer_call->url),
                         .peer_call = peer_call,
                         .ask = *(const struct ask *)peer_call->call,
                         .doubled = doubled };
    hop->ask.call.front = NULL;
    (void)question_share(hop->ask.question);
    buf_init(&hop->ask.call.answer, TEXT_SIZE);
    from->scene->under_way++;
    (void)task_spawn(from->scene->world, "hop", hop_run, hop); /* ends by itself */
}

static void hop_send(struct peer *peer, struct peer_call *peer_call)
{
    struct replica *from = (struct replica *)((char *)peer - offsetof(struct replica, peer));
    bool doubled = !from->scene->over && chance(from->scene, 25);
    if (doubled) hop_begin(from, peer_call, true);
    hop_begin(from, peer_call, false);
}

static void nothing_streams(struct peer *peer)
{
    (void)peer; /* no answer here comes in parts */
}

/* ---- Clients ---- */

static const struct account_id ACCOUNTS[2] = { { { 1, 1 } }, { { 1, 2 } } };

/* A list is the transfers with one reference, in the journal's order. */
static struct uuid reference_of(uint32_t key)
{
    return (struct uuid){ .hi = 77, .lo = key + 1 };
}

static struct ask ask_new(struct scene *scene, struct question *question)
{
    struct ask ask = { .scene = scene, .question = question };
    question->fresh = false; /* the network may ask for it too */
    question->principal = (struct principal_id){ { 7, 100 } };
    ask.call.method = question->kind == REQUEST_READ ? API_GET : API_POST;
    bool accounts = question->kind != REQUEST_TRANSFERS;
    ask.call.path = accounts ? STR("/v1/accounts") : STR("/v1/transfers");
    buf_init(&ask.call.answer, TEXT_SIZE);
    return ask;
}

static void ask_free(struct ask *ask)
{
    question_release(ask->question);
    buf_free(&ask->call.answer);
}

/*
 * Through any replica, until one says what it came to: the batch that it shows. What was known to
 * anybody before it was asked must be in it.
 */
static void ask_until_told(struct ask *ask, const char **out_rest)
{
    struct scene *scene = ask->scene;
    uint64_t told = scene->told_batch;
    for (;;) {
        uint64_t number = prng_below(&scene->prng, REPLICAS);
        buf_reset(&ask->call.answer);
        ask->call.header_count = 0;
        ask_service(ask, front_service(scene->replicas[number].front));
        if (ask->call.status == 200) break;
        task_sleep(scene->world, some_ms(scene, 50));
    }
    char *rest = NULL;
    uint64_t batch = strtoull(buf_terminated(&ask->call.answer), &rest, 10);
    *out_rest = rest;
    if (ask->question->kind == REQUEST_READ && batch < told) scene->stale++;
    if (batch > scene->told_batch) scene->told_batch = batch;
}

static void accounts_make(struct scene *scene)
{
    struct question *question = question_new(REQUEST_ACCOUNTS, 2);
    const char *rest;
    for (int i = 0; i < 2; i++) {
        question->accounts[i] =
            (struct account){ .id = ACCOUNTS[i], .asset = 978, .kind = ACCOUNT_LIABILITY };
    }
    struct ask ask = ask_new(scene, question);
    ask_until_told(&ask, &rest);
    ask_free(&ask);
}

static void append(struct scene *scene, uint32_t process, uint32_t key)
{
    struct question *question = question_new(REQUEST_TRANSFERS, 1);
    const char *rest;
    const struct history_operation operation = {
        .process = process, .key = key, .append = ++scene->ids, .begun = ++scene->ticks
    };
    question->transfers[0] = (struct transfer){ .id = { { .hi = 1, .lo = operation.append } },
                                                .debit = ACCOUNTS[0],
                                                .credit = ACCOUNTS[1],
                                                .amount = money_from_minor(1),
                                                .asset = 978,
                                                .user_ref = reference_of(key),
                                                .kind = TRANSFER_DIRECT };
    uint32_t number = history_begun(&scene->history, &operation);
    struct ask ask = ask_new(scene, question);
    ask_until_told(&ask, &rest);
    history_ended(&scene->history, number, ++scene->ticks, NULL, 0);
    ask_free(&ask);
}

static void read_list(struct scene *scene, uint32_t process, uint32_t key)
{
    struct question *question = question_new(REQUEST_READ, 1);
    const char *rest;
    const struct history_operation operation = { .process = process,
                                                 .key = key,
                                                 .begun = ++scene->ticks };
    question->read_kind = READ_REFERENCE;
    question->ids[0] = reference_of(key);
    question->limit = HISTORY_LIST_MAX;
    uint32_t number = history_begun(&scene->history, &operation);
    struct ask ask = ask_new(scene, question);
    ask_until_told(&ask, &rest);
    uint64_t values[HISTORY_LIST_MAX];
    uint32_t count = 0;
    while (*rest == ' ' && count < HISTORY_LIST_MAX) {
        char *next = NULL;
        values[count++] = strtoull(rest, &next, 10);
        rest = next;
    }
    history_ended(&scene->history, number, ++scene->ticks, values, count);
    ask_free(&ask);
}

struct client {
    struct scene *scene;
    uint32_t number;
};

static void client_run(void *argument)
{
    struct client *client = argument;
    struct scene *scene = client->scene;
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        uint32_t key = (uint32_t)prng_below(&scene->prng, HISTORY_KEYS);
        if (chance(scene, 2)) {
            append(scene, client->number, key);
        } else {
            read_list(scene, client->number, key);
        }
        task_sleep(scene->world, some_ms(scene, 800));
    }
    scene->clients_left--;
    free(client);
}

/* ---- The director: pauses, partitions, and the end ---- */

/* Half of the time the owner. */
static struct replica *some_replica(struct scene *scene)
{
    bool owner = chance(scene, 2);
    for (uint32_t i = 0; owner && i < REPLICAS; i++) {
        if (scene->replicas[i].leads) return &scene->replicas[i];
    }
    return &scene->replicas[prng_below(&scene->prng, REPLICAS)];
}

static void something_happens(struct scene *scene)
{
    struct replica *replica = some_replica(scene);
    struct replica *other = &scene->replicas[prng_below(&scene->prng, REPLICAS)];
    switch (prng_below(&scene->prng, 9)) {
    case 0:
    case 1: replica->paused_until.ns = world_now(scene->world).ns + some_ms(scene, 6000); break;
    case 2: replica->cut[other->number] = other->cut[replica->number] = true; break;
    case 3: replica->cut[other->number] = other->cut[replica->number] = false; break;
    case 4:
    case 5:
        if (replica->life != NULL) process_crash(&replica->life->process, SIM_POINT_CLOCK_READ);
        break;
    case 6:
    case 7: replica->moves = replica->leads; break;
    default:
        sim_register_cut(scene->leases, true);
        task_sleep(scene->world, some_ms(scene, 4000));
        sim_register_cut(scene->leases, false);
        break;
    }
}

static void all_is_well(struct scene *scene)
{
    scene->over = true;
    scene->service.faults.calm = true;
    for (uint32_t i = 0; i < REPLICAS; i++) memset(scene->replicas[i].cut, 0, REPLICAS);
}

static void fronts_end(struct scene *scene)
{
    for (uint32_t i = 0; i < REPLICAS; i++) {
        struct front_status status;
        front_get_status(scene->replicas[i].front, &status);
        scene->front.forwarded += status.forwarded;
        scene->front.silenced += status.silenced;
        scene->front.held += status.held;
        front_free(scene->replicas[i].front);
    }
}

static void clients_begin(struct scene *scene)
{
    scene->clients_left = CLIENTS;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct client *client = calloc(1, sizeof *client);
        assert_non_null(client);
        *client = (struct client){ scene, i };
        (void)task_spawn(scene->world, "client", client_run, client); /* ends by itself */
    }
}

static void direct(void *argument)
{
    struct scene *scene = argument;
    accounts_make(scene);
    clients_begin(scene);
    for (int i = 0; i < 16 && scene->clients_left > 0; i++) {
        task_sleep(scene->world, some_ms(scene, 2000));
        something_happens(scene);
    }
    all_is_well(scene);
    while (scene->clients_left > 0) task_sleep(scene->world, 10 * NS_PER_MS);
    for (uint32_t key = 0; key < HISTORY_KEYS; key++) read_list(scene, CLIENTS, key);
    while (scene->under_way > 0) task_sleep(scene->world, 10 * NS_PER_MS);
    scene->stop = true;
    while (scene->lives_left > 0) task_sleep(scene->world, 10 * NS_PER_MS);
    fronts_end(scene);
}

static void front_begin(struct replica *replica)
{
    replica->route =
        (struct lane_route){ .find = find, .enter = enter, .leave = leave, .believes = believes };
    replica->peer = (struct peer){ .send = hop_send, .stop = nothing_streams };
    const struct front_options front = {
        .route = &replica->route,
        .peer = &replica->peer,
        .sync = &replica->sync.port,
        .clock = &replica->clock,
        .entropy = &replica->entropy.port,
    };
    assert_int_equal(front_new(&front, &replica->front, NULL), STATUS_OK);
}

static void begin(void *argument)
{
    struct scene *scene = argument;
    for (uint32_t i = 0; i < REPLICAS; i++) {
        replica_init(&scene->replicas[i], scene, i);
        front_begin(&scene->replicas[i]);
        replica_start(&scene->replicas[i]);
    }
    direct(scene);
}

/* ---- A seed ---- */

struct sums {
    uint32_t violations; /* found by the twin, */
    uint32_t stale;      /* by what was told before, */
    uint32_t impossible; /* and by the history */
    uint32_t takeovers;
    uint32_t moves;
    uint32_t lives;
    struct front_status front;
    uint64_t trace;
    const char *why;
};

static struct scene *scene_new(uint64_t seed, enum planted planted)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    const struct lane_options options = {
        .accounts_max = 24,
        .holds_max = 12,
        .reversals_max = 8,
        .memtable_ids = 1 << 10,
        .follow = true,
    };
    scene->world = world_new(seed);
    scene->planted = planted;
    prng_init(&scene->prng, seed);
    service_init(&scene->service, scene->world, &options);
    scene->service.answered = on_answered;
    scene->service.owner = scene;
    uint32_t *rates = scene->service.faults.rates;
    rates[SIM_FAULT_STORE_UNAVAILABLE] = FAULT_RATE_ALWAYS / 100;
    rates[SIM_FAULT_LOST_COMMIT] = FAULT_RATE_ALWAYS / 60;
    rates[SIM_FAULT_LOST_REPLY] = FAULT_RATE_ALWAYS / 60;
    rates[SIM_FAULT_REOPEN_FAILS] = FAULT_RATE_ALWAYS / 4;
    rates[SIM_FAULT_RUNS_UNAVAILABLE] = FAULT_RATE_ALWAYS / 70;
    rates[SIM_FAULT_SPURIOUS_WAKE] = FAULT_RATE_ALWAYS / 40;
    scene->leases = sim_register_new(scene->world, &scene->service.faults);
    return scene;
}

static void scene_free(struct scene *scene)
{
    for (uint32_t i = 0; i < REPLICAS; i++) replica_done(&scene->replicas[i]);
    history_free(&scene->history);
    sim_register_free(scene->leases);
    service_done(&scene->service);
    world_free(scene->world);
    free(scene);
}

/* For a checker that is not ours. */
static void history_leave(const struct scene *scene, uint64_t seed)
{
    char path[512];
    const char *folder = getenv("SCRATCH");
    if (folder == NULL) return;
    int len = snprintf(path, sizeof path, "%s/replicas-%u.history.jsonl", folder, (unsigned)seed);
    assert_true(len > 0 && (size_t)len < sizeof path);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    history_write(&scene->history, file);
    assert_int_equal(fclose(file), 0);
}

static void judge(const struct scene *scene, uint64_t seed, struct sums *sums)
{
    const char *fault = history_fault(&scene->history);
    const struct verdict *verdict = &scene->service.verdict;
    sums->violations += (uint32_t)verdict->violations;
    sums->stale += scene->stale;
    sums->impossible += fault != NULL;
    if (fault != NULL) sums->why = fault;
    bool wrong = verdict->violations > 0 || scene->stale > 0 || fault != NULL;
    if (wrong && scene->planted == PLANTED_NOTHING) {
        print_message("seed %u: %u stale, %s\n%.*s", (unsigned)seed, scene->stale,
                      fault == NULL ? "" : fault, STR_ARG(buf_view(&verdict->text)));
    }
    if (wrong || seed == 1) history_leave(scene, seed);
}

static void run(uint64_t seed, enum planted planted, struct sums *sums)
{
    struct scene *scene = scene_new(seed, planted);
    (void)task_spawn(scene->world, "director", begin, scene); /* runs the scene */
    enum world_end end = WORLD_STOPPED;
    while (end == WORLD_STOPPED) end = world_run(scene->world, STEPS_MAX); /* it goes on */
    if (end != WORLD_DONE) fail_msg("seed %u: the world ended as %d", (unsigned)seed, end);
    judge(scene, seed, sums);
    sums->takeovers += scene->takeovers;
    sums->moves += scene->moves;
    sums->lives += scene->lives;
    sums->trace = sums->trace * 31 + world_trace(scene->world);
    sums->front.forwarded += scene->front.forwarded;
    sums->front.silenced += scene->front.silenced;
    sums->front.held += scene->front.held;
    scene_free(scene);
}

static bool all_is_right(const struct sums *sums)
{
    return sums->violations == 0 && sums->stale == 0 && sums->impossible == 0;
}

/* REPLICA_SEEDS, when more are wanted. */
static uint64_t seeds_wanted(void)
{
    const char *text = getenv("REPLICA_SEEDS");
    uint64_t wanted = text == NULL ? SEEDS : strtoull(text, NULL, 10);
    return wanted < SEEDS ? SEEDS : wanted;
}

static void replicas_answer_as_one(void **state)
{
    (void)state; /* no fixture */
    struct sums sums = { 0 };
    uint64_t last = seeds_wanted();
    for (uint64_t seed = 1; seed <= last; seed++) {
        run(seed, PLANTED_NOTHING, &sums);
        assert_true(all_is_right(&sums));
    }
    print_message(
        "%u lives, %u takeovers, %u as planned, %u calls forwarded, %u held, %u answers silenced; trace "
        "%016llx\n",
        sums.lives, sums.takeovers, sums.moves, (unsigned)sums.front.forwarded,
        (unsigned)sums.front.held, (unsigned)sums.front.silenced, (unsigned long long)sums.trace);
    assert_true(sums.takeovers > 2 * last); /* owners changed: there was something to get wrong */
    assert_true(sums.moves > 0);
    assert_true(sums.front.silenced > 0);
}

/* Seeds begin where not many are needed. */
static struct sums caught(enum planted planted, uint64_t first)
{
    struct sums sums = { 0 };
    uint64_t seed = first - 1;
    while (seed < first + SEEDS_PLANTED && all_is_right(&sums)) run(++seed, planted, &sums);
    print_message("seed %u: %u by the twin, %u by what was told before, %u by the history: %s\n",
                  (unsigned)seed, sums.violations, sums.stale, sums.impossible,
                  sums.why == NULL ? "" : sums.why);
    return sums;
}

static void an_owner_that_answers_without_a_lease_is_caught(void **state)
{
    (void)state; /* no fixture */
    assert_true(caught(PLANTED_BELIEF, 3).stale > 0);
}

static void commits_that_no_epoch_guards_are_caught(void **state)
{
    (void)state; /* no fixture */
    assert_true(caught(PLANTED_NO_GUARD, 18).violations > 0);
}

/*
 * An append of 1 and one of 2, and a read behind both of `first` and `second`, 0: not there. With
 * `twice` the appends are at the same time, and a read of both is before that.
 */
static const char *fault_of(uint64_t first, uint64_t second, bool twice)
{
    struct append_history history = { 0 };
    const uint64_t whole[] = { 1, 2 };
    const uint64_t seen[] = { first, second };
    for (uint64_t value = 1; value <= 2; value++) {
        uint64_t begun = twice ? value : value * 10;
        const struct history_operation one = { .append = value, .begun = begun };
        history_ended(&history, history_begun(&history, &one), value * 10 + 5, NULL, 0);
    }
    const struct history_operation early = { .begun = 30 };
    const struct history_operation late = { .begun = 40 };
    uint32_t count = second != 0 ? 2 : 1;
    if (twice) history_ended(&history, history_begun(&history, &early), 35, whole, 2);
    history_ended(&history, history_begun(&history, &late), 45, seen, first == 0 ? 0 : count);
    const char *fault = history_fault(&history);
    history_free(&history);
    return fault;
}

static void histories_that_cannot_be_are_found(void **state)
{
    (void)state; /* no fixture */
    assert_null(fault_of(1, 2, true));
    assert_string_equal(fault_of(1, 0, true), "a read is older than an answer");
    assert_string_equal(fault_of(2, 1, true), "two reads have two orders");
    assert_string_equal(fault_of(2, 1, false), "an append came too early");
    assert_string_equal(fault_of(1, 0, false), "what was acknowledged is lost");
    assert_string_equal(fault_of(1, 1, false), "what was acknowledged is lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_answer_as_one),
        cmocka_unit_test(an_owner_that_answers_without_a_lease_is_caught),
        cmocka_unit_test(commits_that_no_epoch_guards_are_caught),
        cmocka_unit_test(histories_that_cannot_be_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: whatever network, pauses and clocks do, replicas before one journal answer as one: no read
 * is older than an answer that came before it began, no credit is lost or done twice.
 * Method: three replicas in the simulated world, each with the shipped keeper of leases and the
 * shipped front over a lane that is as simple as can be: memory, and a journal fenced by epoch.
 * Requests and answers between replicas are lost and late, replicas are cut off from each other
 * or from the leases, paused as a whole, and have clocks of different speed. Clients credit and
 * read shared accounts through any replica; each read is held against what was acknowledged before
 * it began and asked for before it ended. Planted: an owner that believes for ever, and a journal
 * without a guard; each must be caught.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/front.h"
#include "sim/sim_entropy.h"
#include "sim/sim_lease.h"
#include "sim/sim_sync.h"
#include "wallet/lease_keeper.h"

enum {
    REPLICAS = 3,
    CLIENTS = 6,
    ACCOUNTS = 2,
    OPERATIONS = 60, /* of each client */
    ENTRIES_MAX = 4 * CLIENTS * OPERATIONS,
    QUEUE_MAX = 64,
    SEEDS = 60,
    STEPS_MAX = 20000000,
};

enum planted { PLANTED_NOTHING, PLANTED_BELIEF, PLANTED_NO_GUARD };

struct entry {
    uint64_t id;
    uint32_t account;
    uint64_t amount;
};

struct journal {
    uint64_t epoch;
    uint32_t count;
    struct entry entries[ENTRIES_MAX];
};

struct scene;

struct replica {
    struct lane_route route; /* first */
    struct clock clock;
    struct peer peer;
    struct scene *scene;
    uint32_t number;
    struct process process;
    struct sim_sync sync;
    struct sim_entropy entropy;
    struct lease *lease;
    struct lease_keeper keeper;
    struct front *front;
    int64_t speed_ppm;
    struct monotonic_time paused_until;
    bool cut[REPLICAS]; /* from a peer */
    /* The lane. */
    bool leads;
    uint64_t epoch; /* of the journal, as claimed */
    struct journal memory;
    struct api_call *queue[QUEUE_MAX];
    uint32_t queued;
};

struct scene {
    struct world *world;
    struct faults faults;
    struct prng prng;
    struct sim_register *leases;
    struct journal journal;
    struct replica replicas[REPLICAS];
    enum planted planted;
    bool over; /* no more faults, then no more replicas */
    bool stop;
    uint32_t clients_left;
    uint64_t asked[ACCOUNTS];
    uint64_t acknowledged[ACCOUNTS];
    uint64_t ids;
    uint32_t takeovers;
    uint32_t wrong;
    struct front_status front; /* of all */
};

/* What a client wants of the api below: a credit by POST, a balance by GET. */
struct question {
    struct api_call call; /* first */
    struct scene *scene;
    struct entry entry;
    bool ready;
};

static bool chance(struct scene *scene, uint64_t of)
{
    return prng_below(&scene->prng, of) == 0;
}

static int64_t some_ms(struct scene *scene, uint64_t most)
{
    return (int64_t)prng_below(&scene->prng, most * 1000) * NS_PER_US;
}

/* A replica that is paused goes on, wherever it was, when it is woken. */
static void pause_point(struct replica *replica)
{
    struct world *world = replica->scene->world;
    while (world_now(world).ns < replica->paused_until.ns) {
        task_sleep(world, replica->paused_until.ns - world_now(world).ns);
    }
}

static struct replica *of_clock(struct clock *clock)
{
    return (struct replica *)((char *)clock - offsetof(struct replica, clock));
}

static struct monotonic_time local_time(struct clock *clock)
{
    struct replica *replica = of_clock(clock);
    pause_point(replica);
    int64_t ns = world_now(replica->scene->world).ns;
    return (struct monotonic_time){ ns + ns / 1000000 * replica->speed_ppm };
}

static struct wall_time no_wall(struct clock *clock)
{
    (void)clock; /* nobody here asks */
    return (struct wall_time){ 0 };
}

/* ---- The lane ---- */

static uint64_t balance(const struct journal *journal, uint32_t account)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < journal->count; i++) {
        if (journal->entries[i].account == account) sum += journal->entries[i].amount;
    }
    return sum;
}

static bool is_known(const struct journal *journal, uint64_t id)
{
    for (uint32_t i = 0; i < journal->count; i++) {
        if (journal->entries[i].id == id) return true;
    }
    return false;
}

static void entry_add(struct journal *journal, const struct entry *entry)
{
    assert_true(journal->count < ENTRIES_MAX);
    journal->entries[journal->count++] = *entry;
}

/* False: another has claimed the lane. */
static bool append(struct replica *replica, const struct entry *entry)
{
    struct scene *scene = replica->scene;
    task_sleep(scene->world, some_ms(scene, 10));
    pause_point(replica);
    bool guarded = scene->planted != PLANTED_NO_GUARD;
    if (guarded && scene->journal.epoch != replica->epoch) return false;
    entry_add(&scene->journal, entry);
    task_sleep(scene->world, some_ms(scene, 10));
    return true;
}

static void answer_call(struct replica *replica, struct api_call *call)
{
    const struct question *question = (const struct question *)call;
    const struct entry *entry = &question->entry;
    call->status = 200;
    pause_point(replica);
    if (call->method == API_POST && !is_known(&replica->memory, entry->id)) {
        if (append(replica, entry)) {
            entry_add(&replica->memory, entry);
        } else {
            call->status = 503;
        }
    }
    char text[32];
    int len = snprintf(text, sizeof text, "%llu",
                       (unsigned long long)balance(&replica->memory, entry->account));
    buf_reset(&call->answer);
    buf_append(&call->answer, text, (size_t)len);
    pause_point(replica);
    call->ready(call);
}

static void serve_run(void *argument)
{
    struct replica *replica = argument;
    while (!replica->scene->stop) {
        if (replica->queued == 0) {
            task_sleep(replica->scene->world, NS_PER_MS);
            continue;
        }
        struct api_call *call = replica->queue[0];
        memmove(replica->queue, replica->queue + 1, --replica->queued * sizeof replica->queue[0]);
        answer_call(replica, call);
    }
}

static enum api_progress serve_start(struct api *api, struct api_call *call)
{
    struct replica *replica = (struct replica *)api;
    assert_true(replica->queued < QUEUE_MAX);
    replica->queue[replica->queued++] = call;
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
    return lease_keeper_believes(&replica->keeper, local_time(&replica->clock));
}

static enum lane_place find(struct lane_route *route, uint32_t lane, char out_url[LEASE_URL_SIZE])
{
    struct replica *replica = (struct replica *)route;
    (void)lane; /* as above */
    const char *url = lease_keeper_owner(&replica->keeper, local_time(&replica->clock));
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

static void keep_run(void *argument)
{
    struct replica *replica = argument;
    struct scene *scene = replica->scene;
    while (!scene->stop) {
        struct monotonic_time asked = local_time(&replica->clock);
        enum lease_step step = lease_keeper_next(&replica->keeper, asked, true);
        if (step == LEASE_STEP_NONE) {
            task_sleep(scene->world, 5 * NS_PER_MS);
            continue;
        }
        struct lease *lease = replica->lease;
        struct lease_answer answer = { .step = step, .asked = asked };
        const struct lease_term term = { .party = &replica->keeper.party,
                                         .epoch = replica->keeper.epoch,
                                         .ttl_ms = replica->keeper.terms.ttl_ms };
        pause_point(replica);
        if (step == LEASE_STEP_READ) answer.status = lease->read(lease, 0, &answer.view, NULL);
        if (step == LEASE_STEP_TAKE) answer.status = lease->take(lease, &term, &answer.view, NULL);
        if (step == LEASE_STEP_RENEW) {
            answer.status = lease->renew(lease, &term, &answer.view, NULL);
        }
        answer.now = local_time(&replica->clock);
        lease_keeper_answered(&replica->keeper, &answer);
        bool holds = replica->keeper.role == LEASE_HOLDING;
        if (holds && !replica->leads) { /* claims, then reads the journal */
            replica->epoch = ++scene->journal.epoch;
            task_sleep(scene->world, some_ms(scene, 20));
            replica->memory = scene->journal;
            replica->leads = true;
            scene->takeovers++;
            front_wake(replica->front);
        }
        bool for_ever = scene->planted == PLANTED_BELIEF && chance(scene, 2);
        if (!holds && !for_ever) replica->leads = false;
    }
}

/* ---- The network between them ---- */

struct hop {
    struct scene *scene;
    struct replica *from;
    struct peer_call *peer_call;
    struct question question; /* at the other side */
};

static void question_ready(struct api_call *call)
{
    ((struct question *)call->owner)->ready = true;
}

static void ask(struct question *question, struct api_service service)
{
    struct api_call *call = &question->call;
    call->ready = question_ready;
    call->owner = question;
    question->ready = false;
    enum api_progress progress = service.start(service.api, call);
    while (progress == API_PENDING && !question->ready) {
        task_sleep(question->scene->world, NS_PER_MS);
    }
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

static void hop_run(void *argument)
{
    struct hop *hop = argument;
    struct scene *scene = hop->scene;
    struct peer_call *peer_call = hop->peer_call;
    struct replica *to = by_url(scene, peer_call->url);
    enum status status = STATUS_OK;
    task_sleep(scene->world, some_ms(scene, chance(scene, 20) ? 900 : 5));
    if (hop->from->cut[to->number]) status = STATUS_UNAVAILABLE;
    if (status == STATUS_OK && !scene->over && chance(scene, 20)) status = STATUS_IN_DOUBT;
    bool arrives = status == STATUS_OK || (status == STATUS_IN_DOUBT && chance(scene, 2));
    if (arrives) {
        ask(&hop->question, front_peer_service(to->front));
        task_sleep(scene->world, some_ms(scene, chance(scene, 20) ? 900 : 5));
        if (hop->from->cut[to->number]) status = STATUS_IN_DOUBT; /* the answer is lost */
    }
    if (status == STATUS_OK) answer_copy(&hop->question.call, peer_call->call);
    peer_call->status = status;
    pause_point(hop->from);
    buf_free(&hop->question.call.answer);
    free(hop);
    peer_call->done(peer_call);
}

static void hop_send(struct peer *peer, struct peer_call *peer_call)
{
    struct replica *from = (struct replica *)((char *)peer - offsetof(struct replica, peer));
    const struct question *asked = (const struct question *)peer_call->call;
    struct hop *hop = calloc(1, sizeof *hop);
    assert_non_null(hop);
    *hop = (struct hop){ .scene = from->scene, .from = from, .peer_call = peer_call };
    hop->question = *asked;
    hop->question.call.front = NULL;
    buf_init(&hop->question.call.answer, 4096);
    (void)task_spawn(from->scene->world, "hop", hop_run, hop); /* ends by itself */
}

static void nothing_streams(struct peer *peer)
{
    (void)peer; /* no answer here comes in parts */
}

/* ---- Clients ---- */

static struct question question_new(struct scene *scene)
{
    struct question question = { .scene = scene };
    question.entry.account = (uint32_t)prng_below(&scene->prng, ACCOUNTS);
    buf_init(&question.call.answer, 4096);
    return question;
}

/* Through any replica, until one says what it came to. */
static uint64_t ask_until_told(struct question *question)
{
    struct scene *scene = question->scene;
    for (;;) {
        uint64_t number = prng_below(&scene->prng, REPLICAS);
        buf_reset(&question->call.answer);
        question->call.header_count = 0;
        ask(question, front_service(scene->replicas[number].front));
        if (question->call.status == 200) break;
        task_sleep(scene->world, some_ms(scene, 50));
    }
    return strtoull(buf_terminated(&question->call.answer), NULL, 10);
}

static void credit(struct scene *scene)
{
    struct question question = question_new(scene);
    question.call.method = API_POST;
    question.call.path = STR("/v1/transfers");
    question.entry.id = ++scene->ids;
    question.entry.amount = prng_below(&scene->prng, 100) + 1;
    scene->asked[question.entry.account] += question.entry.amount;
    (void)ask_until_told(&question); /* the balance behind it is judged by reads */
    scene->acknowledged[question.entry.account] += question.entry.amount;
    buf_free(&question.call.answer);
}

static void read_balance(struct scene *scene)
{
    struct question question = question_new(scene);
    question.call.method = API_GET;
    question.call.path = STR("/v1/accounts");
    uint64_t least = scene->acknowledged[question.entry.account];
    uint64_t told = ask_until_told(&question);
    uint64_t most = scene->asked[question.entry.account];
    if (told < least || told > most) scene->wrong++;
    buf_free(&question.call.answer);
}

static void client_run(void *argument)
{
    struct scene *scene = argument;
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        if (chance(scene, 2)) {
            credit(scene);
        } else {
            read_balance(scene);
        }
        task_sleep(scene->world, some_ms(scene, 300));
    }
    scene->clients_left--;
}

/* ---- The director: pauses, partitions, and the end ---- */

static void something_happens(struct scene *scene)
{
    struct replica *replica = &scene->replicas[prng_below(&scene->prng, REPLICAS)];
    struct replica *other = &scene->replicas[prng_below(&scene->prng, REPLICAS)];
    switch (prng_below(&scene->prng, 5)) {
    case 0:
    case 1: replica->paused_until.ns = world_now(scene->world).ns + some_ms(scene, 6000); break;
    case 2: replica->cut[other->number] = other->cut[replica->number] = true; break;
    case 3: replica->cut[other->number] = other->cut[replica->number] = false; break;
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
    scene->faults.calm = true;
    for (uint32_t i = 0; i < REPLICAS; i++) memset(scene->replicas[i].cut, 0, REPLICAS);
}

static void direct(void *argument)
{
    struct scene *scene = argument;
    for (int i = 0; i < 12 && scene->clients_left > 0; i++) {
        task_sleep(scene->world, some_ms(scene, 3000));
        something_happens(scene);
    }
    all_is_well(scene);
    while (scene->clients_left > 0) task_sleep(scene->world, 10 * NS_PER_MS);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        if (balance(&scene->journal, i) != scene->acknowledged[i]) scene->wrong++;
    }
    scene->stop = true;
    for (uint32_t i = 0; i < REPLICAS; i++) {
        struct front_status status;
        front_get_status(scene->replicas[i].front, &status);
        scene->front.forwarded += status.forwarded;
        scene->front.silenced += status.silenced;
        scene->front.held += status.held;
        front_free(scene->replicas[i].front);
    }
}

static void replica_begin(struct scene *scene, uint32_t number)
{
    static const char *const names[REPLICAS] = { "anna", "bert", "cora" };
    struct replica *replica = &scene->replicas[number];
    replica->scene = scene;
    replica->number = number;
    replica->route = (struct lane_route){ find, enter, leave, believes, NULL, NULL };
    replica->clock = (struct clock){ no_wall, local_time };
    replica->peer = (struct peer){ .send = hop_send, .stop = nothing_streams };
    replica->process =
        (struct process){ .world = scene->world, .faults = &scene->faults, .number = number };
    replica->speed_ppm = (int64_t)prng_below(&scene->prng, 6001); /* never slower than waits are */
    sim_sync_init(&replica->sync, &replica->process);
    sim_entropy_init(&replica->entropy, &replica->process);
    replica->lease = sim_lease_open(scene->leases, &replica->process);
    struct lease_party party = { .url = "" };
    memcpy(party.name, names[number], strlen(names[number]));
    memcpy(party.url, names[number], strlen(names[number]));
    lease_keeper_init(&replica->keeper, &LEASE_TERMS_DEFAULT, &party);
    const struct front_options front = {
        .route = &replica->route,
        .peer = &replica->peer,
        .sync = &replica->sync.port,
        .clock = &replica->clock,
        .entropy = &replica->entropy.port,
    };
    assert_int_equal(front_new(&front, &replica->front, NULL), STATUS_OK);
    (void)task_spawn(scene->world, "lane", serve_run, replica); /* these end with the scene */
    (void)task_spawn(scene->world, "keeper", keep_run, replica);
}

static void begin(void *argument)
{
    struct scene *scene = argument;
    for (uint32_t i = 0; i < REPLICAS; i++) replica_begin(scene, i);
    scene->clients_left = CLIENTS;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        (void)task_spawn(scene->world, "client", client_run, scene); /* as above */
    }
    direct(scene);
}

struct sums {
    uint32_t wrong;
    uint32_t takeovers;
    struct front_status front;
};

static void run(uint64_t seed, enum planted planted, struct sums *sums)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->world = world_new(seed);
    scene->planted = planted;
    prng_init(&scene->prng, seed);
    faults_init(&scene->faults, scene->world);
    scene->faults.rates[SIM_FAULT_STORE_UNAVAILABLE] = 65536 / 30;
    scene->faults.rates[SIM_FAULT_LOST_COMMIT] = 65536 / 50;
    scene->faults.rates[SIM_FAULT_LOST_REPLY] = 65536 / 50;
    scene->leases = sim_register_new(scene->world, &scene->faults);
    (void)task_spawn(scene->world, "director", begin, scene); /* runs the scene */
    enum world_end end = world_run(scene->world, STEPS_MAX);
    if (end != WORLD_DONE) fail_msg("seed %u: the world ended as %d", (unsigned)seed, end);
    sums->wrong += scene->wrong;
    sums->takeovers += scene->takeovers;
    sums->front.forwarded += scene->front.forwarded;
    sums->front.silenced += scene->front.silenced;
    sums->front.held += scene->front.held;
    for (uint32_t i = 0; i < REPLICAS; i++) {
        struct replica *replica = &scene->replicas[i];
        replica->lease->close(replica->lease);
        sim_sync_done(&replica->sync);
    }
    sim_register_free(scene->leases);
    world_free(scene->world);
    free(scene);
}

static void replicas_answer_as_one(void **state)
{
    (void)state; /* no fixture */
    struct sums sums = { 0 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(seed, PLANTED_NOTHING, &sums);
        if (sums.wrong > 0) fail_msg("seed %u: an answer that cannot be", (unsigned)seed);
    }
    print_message("%u takeovers, %u calls forwarded, %u held, %u answers silenced\n",
                  sums.takeovers, (unsigned)sums.front.forwarded, (unsigned)sums.front.held,
                  (unsigned)sums.front.silenced);
    assert_true(sums.takeovers > 2 * SEEDS); /* owners changed: there was something to get wrong */
    assert_true(sums.front.silenced > 0);
}

static void caught(enum planted planted)
{
    struct sums sums = { 0 };
    for (uint64_t seed = 1; seed <= SEEDS && sums.wrong == 0; seed++) run(seed, planted, &sums);
    assert_true(sums.wrong > 0);
}

static void an_owner_that_believes_for_ever_is_caught(void **state)
{
    (void)state; /* no fixture */
    caught(PLANTED_BELIEF);
}

static void a_journal_without_a_guard_is_caught(void **state)
{
    (void)state; /* no fixture */
    caught(PLANTED_NO_GUARD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_answer_as_one),
        cmocka_unit_test(an_owner_that_believes_for_ever_is_caught),
        cmocka_unit_test(a_journal_without_a_guard_is_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

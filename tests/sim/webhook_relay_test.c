/*
 * Goal: whatever happens to the process, its store and the receivers, each endpoint gets each
 * event that it wants, at least once and always under the same number; what it did not get is a
 * dead letter; and what it got proves by itself that nothing is missing.
 * Method: a relay with several workers in a simulated world, for some hundred seeds: receivers
 * that are slow, fail, or take a webhook and do not answer; a store that fails and, in a crash,
 * goes back to an earlier save or to nothing; crashes at any port call. Receivers keep what they
 * got and follow docs/webhooks.md. Then the faults stop, and everything must be there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_clock.h"
#include "sim/sim_relay_store.h"
#include "sim/sim_sync.h"
#include "wallet/event_feed_test.h"
#include "wallet/webhook_relay.h"

enum {
    SEEDS = 150,
    ENDPOINTS = 3,
    EVENTS = 45,
    LIVES_MAX = 6,
    STEPS_MAX = 20000000,
    WALL_DAYS = 20000
};

/* An endpoint as it is at the other end. */
struct receiver {
    uint64_t numbers[EVENTS + 1]; /* of the event that came under a sequence; 0: none yet */
    uint64_t highest;             /* complete up to here, but for what was passed */
    bool passed[EVENTS + 1];      /* told to be a dead letter */
    bool called;                  /* right now */
};

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_wall wall;
    struct sim_clock clock;
    struct sim_sync sync;
    struct sim_board *board;
    struct relay_store *store;
    struct http_out http;
    struct test_feed feed;
    struct prng prng;
    bool calm;
    bool letters;
    struct webhook_endpoint endpoints[ENDPOINTS];
    struct receiver receivers[ENDPOINTS];
    struct webhook_relay *relay;
    bool finished;
};

static struct scene *scene_now; /* ports in memory have no place for it */

static uint64_t number_behind(struct str body, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i + len < body.len; i++) {
        if (memcmp(body.data + i, key, len) == 0) return strtoull(body.data + i + len, NULL, 10);
    }
    return 0;
}

/* As docs/webhooks.md tells a receiver. */
static void receive(struct receiver *receiver, struct str body)
{
    uint64_t sequence = number_behind(body, "\"sequence\":\"");
    uint64_t number = number_behind(body, "{\"number\":");
    uint64_t passed = number_behind(body, "\"passed\":");
    assert_true(sequence >= 1 && sequence <= EVENTS);
    if (receiver->numbers[sequence] != 0) {
        assert_int_equal(receiver->numbers[sequence], number); /* never another event */
    }
    receiver->numbers[sequence] = number;
    if (sequence <= receiver->highest) return;
    assert_true(sequence <= receiver->highest + 1 + passed); /* else something is missing */
    for (uint64_t at = receiver->highest + 1; at < sequence; at++) receiver->passed[at] = true;
    receiver->highest = sequence;
}

static enum status call(struct http_out *http, const struct http_out_request *request,
                        struct http_out_response *out_response, struct buf *out_body,
                        struct error *out_error)
{
    (void)http;
    (void)out_body;
    struct scene *scene = scene_now;
    uint64_t which = number_behind(request->url, "http://receiver/");
    assert_true(which < ENDPOINTS);
    uint64_t luck = scene->calm ? 0 : prng_below(&scene->prng, 10);
    assert_false(scene->receivers[which].called); /* one at a time: else there is no order */
    scene->receivers[which].called = true;
    task_sleep(scene->world, (int64_t)prng_between(&scene->prng, 1, 300) * NS_PER_MS);
    scene->receivers[which].called = false;
    if (scene->process.crashed || luck == 9) {
        return error_set(out_error, STATUS_UNAVAILABLE, "no connection");
    }
    *out_response = (struct http_out_response){ .status = luck == 8 ? 500 : 200 };
    if (luck == 8) return STATUS_OK;
    receive(&scene->receivers[which], request->body);
    if (luck == 7) return error_set(out_error, STATUS_IN_DOUBT, "taken, and no answer");
    return STATUS_OK;
}

static void make_endpoints(struct scene *scene)
{
    static const char *const filters[ENDPOINTS] = { NULL, "payment.*", "refund.failed" };
    for (uint8_t i = 0; i < ENDPOINTS; i++) {
        struct webhook_endpoint *endpoint = &scene->endpoints[i];
        *endpoint = (struct webhook_endpoint){ .id = { i, 1 }, .state = ENDPOINT_ACTIVE };
        memcpy(endpoint->url, "http://receiver/0", 18);
        endpoint->url[16] = (char)('0' + i);
        if (filters[i] != NULL) {
            endpoint->filter_count = 1;
            memcpy(endpoint->filters[0], filters[i], strlen(filters[i]));
        }
        uint8_t bytes[32] = { i };
        endpoint->key_count = 1;
        assert_int_equal(signing_key_take(bytes, sizeof bytes, &endpoint->keys[0]), STATUS_OK);
    }
}

/* False: it could not be made; the next life tries again. */
static bool life_begin(struct scene *scene)
{
    const struct webhook_relay_ports ports = { &scene->sync.port, &scene->clock.port, &scene->http,
                                               &scene->feed.port, scene->store,       NULL };
    struct webhook_relay_options options = WEBHOOK_RELAY_OPTIONS_DEFAULT;
    options.workers = 3;
    options.endpoints_max = ENDPOINTS;
    options.seed = prng_next(&scene->prng);
    options.policy = (struct delivery_policy){ 100, 2000, scene->letters ? 2 : 1000, 86400, 1000 };
    if (webhook_relay_open(&ports, &options, &scene->relay, NULL) != STATUS_OK) return false;
    bool all = true;
    for (int i = 0; i < ENDPOINTS; i++) {
        all &= webhook_relay_add(scene->relay, &scene->endpoints[i], NULL) == STATUS_OK;
    }
    return all;
}

static uint64_t wanted_count(int endpoint)
{
    return endpoint == 0 ? EVENTS : endpoint == 1 ? EVENTS / 3 * 2 : EVENTS / 3;
}

/* Which event is the sequence-th that an endpoint wants. */
static uint64_t wanted_number(int endpoint, uint64_t sequence)
{
    if (endpoint == 0) return sequence;
    return endpoint == 1 ? sequence + (sequence - 1) / 2 : sequence * 3;
}

static bool everything_came(struct scene *scene)
{
    for (int i = 0; i < ENDPOINTS; i++) {
        struct relay_state state;
        if (webhook_relay_state(scene->relay, scene->endpoints[i].id, &state) != STATUS_OK) {
            return false;
        }
        if (state.sequence != wanted_count(i)) return false;
    }
    return true;
}

static void life(struct scene *scene, bool last)
{
    scene->process =
        (struct process){ .world = scene->world,
                          .faults = &scene->faults,
                          .crash_at = SIM_POINT_COUNT,
                          .crash_after = last ? 0 : prng_between(&scene->prng, 1, 3000) };
    sim_sync_init(&scene->sync, &scene->process);
    sim_clock_init(&scene->clock, &scene->process, &scene->wall);
    scene->store = sim_relay_store_open(scene->board, &scene->process);
    scene->relay = NULL;
    bool begun = life_begin(scene);
    assert_true(begun || !last);
    for (uint64_t i = 0; begun && !scene->process.crashed && (last || i < 100); i++) {
        if (scene->feed.count < EVENTS) scene->feed.count++;
        webhook_relay_wake(scene->relay);
        task_sleep(scene->world, 200 * NS_PER_MS);
        if (last && everything_came(scene)) break;
    }
    webhook_relay_close(scene->relay);
    scene->store->close(scene->store);
    sim_sync_done(&scene->sync);
    if (!last) sim_board_crash(scene->board);
}

/* What a receiver was told to be passed is a letter, or came some other time. */
static void check_receiver(const struct scene *scene, int endpoint)
{
    const struct receiver *receiver = &scene->receivers[endpoint];
    assert_true(scene->letters || receiver->highest == wanted_count(endpoint));
    for (uint64_t sequence = 1; sequence <= receiver->highest; sequence++) {
        if (receiver->numbers[sequence] == 0) {
            assert_true(scene->letters);
            assert_true(receiver->passed[sequence]);
            continue;
        }
        assert_int_equal(receiver->numbers[sequence], wanted_number(endpoint, sequence));
    }
}

static void scene_body(void *argument)
{
    struct scene *scene = argument;
    uint64_t lives = prng_below(&scene->prng, LIVES_MAX);
    for (uint64_t i = 0; i < lives; i++) life(scene, false);
    scene->calm = true;
    scene->faults.calm = true;
    life(scene, true);
    for (int i = 0; i < ENDPOINTS; i++) check_receiver(scene, i);
    scene->finished = true;
}

static void play(uint64_t seed, bool letters)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene_now = scene;
    scene->world = world_new(seed);
    scene->letters = letters;
    scene->http.call = call;
    scene->wall.offset_ns = WALL_DAYS * NS_PER_DAY;
    test_feed_init(&scene->feed, 5);
    prng_init(&scene->prng, seed);
    faults_init(&scene->faults, scene->world);
    scene->faults.rates[SIM_FAULT_STORE_UNAVAILABLE] = 3000;
    scene->faults.rates[SIM_FAULT_DISK_FULL] = 3000;
    scene->faults.rates[SIM_FAULT_RUNS_LOST] = 30000;
    scene->faults.rates[SIM_FAULT_RUNS_LOST_ALL] = 15000;
    scene->faults.rates[SIM_FAULT_SPURIOUS_WAKE] = 1000;
    scene->faults.rates[SIM_FAULT_STALL] = 20;
    scene->board = sim_board_new(scene->world, &scene->faults);
    make_endpoints(scene);
    (void)task_spawn(scene->world, "owner", scene_body, scene); /* ends by itself */
    enum world_end end = world_run(scene->world, STEPS_MAX);
    if (end != WORLD_DONE || !scene->finished) fail_msg("seed %d: end %d", (int)seed, (int)end);
    for (int i = 0; i < ENDPOINTS; i++) endpoint_done(&scene->endpoints[i]);
    sim_board_free(scene->board);
    world_free(scene->world);
    free(scene);
}

static void every_event_comes_under_its_number(void **state)
{
    (void)state; /* no fixture */
    for (uint64_t seed = 1; seed <= SEEDS; seed++) play(seed, false);
}

static void what_was_given_up_is_told(void **state)
{
    (void)state; /* no fixture */
    for (uint64_t seed = 1; seed <= SEEDS; seed++) play(seed + 1000, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_comes_under_its_number),
        cmocka_unit_test(what_was_given_up_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* api_test.h - for tests: an api over the real lane in a simulated world, called from a task. */
#ifndef API_API_TEST_H
#define API_API_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/api.h"
#include "sim/sim_clock.h"
#include "sim/sim_entropy.h"
#include "sim/sim_log.h"
#include "sim/sim_run_store.h"
#include "sim/sim_store.h"
#include "sim/sim_sync.h"

enum { RIG_WALL_DAYS = 20780, RIG_STEPS_MAX = 50000000 }; /* 2026-11-23 */

/* One life of a process, without faults until the test sets their rates. */
struct rig {
    struct world *world;
    struct faults faults;
    struct sim_disk *disk;
    struct sim_shelf *shelf;
    struct sim_wall wall;
    struct process process;
    struct sim_sync sync;
    struct sim_clock clock;
    struct sim_entropy entropy;
    struct sim_log log;
    struct sim_log_ring ring;
    struct lane_ports ports;
    struct lane *lane;
    struct api *api;
    struct api_options options;
    bool early; /* the lane comes up before its index is rebuilt */
    void (*body)(struct rig *rig);
    struct task *task; /* that runs the body */
    bool finished;

    /* The last call: its request's headers are kept for the next one. */
    struct api_call call;
    bool ready;
};

static inline void rig_misused(void *owner, const char *text)
{
    (void)owner; /* a test has one rig */
    fail_msg("a store was misused: %s", text);
}

static inline void rig_appended(void *owner, uint64_t sequence, const struct sim_batch *batch)
{
    (void)owner; /* nothing is compared with the journal here */
    (void)sequence;
    (void)batch;
}

static inline void rig_open(struct rig *rig)
{
    sim_sync_init(&rig->sync, &rig->process);
    sim_clock_init(&rig->clock, &rig->process, &rig->wall);
    sim_entropy_init(&rig->entropy, &rig->process);
    sim_log_init(&rig->log, &rig->process, &rig->ring);
    rig->ports = (struct lane_ports){
        .store = sim_store_open(rig->disk, &rig->process),
        .run_store = sim_run_store_open(rig->shelf, &rig->process),
        .clock = &rig->clock.port,
        .entropy = &rig->entropy.port,
        .sync = &rig->sync.port,
        .log = &rig->log.port,
    };
    const struct lane_options options = {
        .number = rig->options.lane,
        .lanes = rig->options.lanes,
        .accounts_max = 20000,
        .holds_max = 10000,
        .reversals_max = 1000,
        .payments_max = 1000,
        .memtable_ids = 1 << 12,
        .index_wait_ms = rig->early ? 0 : -1,
    };
    struct error error = { 0 };
    enum status status = lane_open(&rig->ports, &options, &rig->lane, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", error.message, error.detail);
    assert_int_equal(api_new(rig->lane, &rig->ports, &rig->options, &rig->api, &error), STATUS_OK);
}

static inline void rig_close(struct rig *rig)
{
    lane_drain(rig->lane);
    api_free(rig->api);
    lane_close(rig->lane);
    rig->ports.store->close(rig->ports.store);
    rig->ports.run_store->close(rig->ports.run_store);
    sim_sync_done(&rig->sync);
}

static inline void rig_task(void *argument)
{
    struct rig *rig = argument;
    rig->task = task_current(rig->world);
    rig_open(rig);
    rig->body(rig);
    rig_close(rig);
    rig->finished = true;
}

/* Runs the body as a task of a fresh world, in which the local operator calls. */
static inline void rig_run_with(void (*body)(struct rig *rig), const struct api_options *options)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    rig->world = world_new(7);
    faults_init(&rig->faults, rig->world);
    const struct sim_disk_observer observer = { rig_appended, rig_misused, NULL };
    rig->disk = sim_disk_new(rig->world, &rig->faults, observer);
    rig->shelf = sim_shelf_new(rig->world, &rig->faults, rig_misused, NULL);
    rig->wall.offset_ns = RIG_WALL_DAYS * NS_PER_DAY;
    rig->process = (struct process){
        .world = rig->world, .faults = &rig->faults, .number = 1, .crash_at = SIM_POINT_COUNT
    };
    rig->options = *options;
    rig->body = body;
    rig->call.local = true;
    buf_init(&rig->call.answer, API_ANSWER_SIZE_MAX);
    task_spawn(rig->world, "test", rig_task, rig);
    enum world_end end = world_run(rig->world, RIG_STEPS_MAX);
    assert_int_equal(end, WORLD_DONE);
    assert_true(rig->finished);
    buf_free(&rig->call.answer);
    world_free(rig->world);
    sim_shelf_free(rig->shelf);
    sim_disk_free(rig->disk);
    free(rig);
}

static inline void rig_run(void (*body)(struct rig *rig))
{
    const struct api_options options = { .workers = 2, .version = "0.0.0-test" };
    rig_run_with(body, &options);
}

static inline void rig_ready(struct api_call *call)
{
    struct rig *rig = call->owner;
    rig->ready = true;
    task_wake(rig->task);
}

/* Sends a request of bytes; returns the status. target is path, or path?query. */
static inline unsigned rig_send_bytes(struct rig *rig, enum api_method method, const char *target,
                                      struct str body)
{
    struct api_call *call = &rig->call;
    const char *question = strchr(target, '?');
    size_t path_len = question == NULL ? strlen(target) : (size_t)(question - target);
    call->method = method;
    call->path = (struct str){ target, path_len };
    call->query = question == NULL ? (struct str){ NULL, 0 } : str_from(question + 1);
    call->body = body;
    call->ready = rig_ready;
    call->owner = rig;
    call->work = NULL;
    buf_reset(&call->answer);
    rig->ready = false;
    if (api_start(rig->api, call) == API_PENDING) {
        while (!rig->ready) (void)task_block(rig->world, MONOTONIC_NEVER);
    }
    api_finish(rig->api, call);
    assert_null(call->work);
    return call->status;
}

/* JSON, or nothing. */
static inline unsigned rig_send(struct rig *rig, enum api_method method, const char *target,
                                const char *json)
{
    rig->call.content_type = json == NULL ? (struct str){ NULL, 0 } : STR("application/json");
    return rig_send_bytes(rig, method, target,
                          json == NULL ? (struct str){ NULL, 0 } : str_from(json));
}

static inline const char *rig_answer(struct rig *rig)
{
    return buf_terminated(&rig->call.answer);
}

/* NULL when the answer has no such header. */
static inline const char *rig_header(struct rig *rig, const char *name)
{
    for (uint32_t i = 0; i < rig->call.header_count; i++) {
        if (strcmp(rig->call.headers[i].name, name) == 0) return rig->call.headers[i].value;
    }
    return NULL;
}

#define expect_status(rig, status_, sent)                                                          \
    do {                                                                                           \
        unsigned got_ = (sent);                                                                    \
        if (got_ != (status_))                                                                     \
            fail_msg("status %u, not %u: %s", got_, (unsigned)(status_), rig_answer(rig));         \
    } while (0)

static inline void expect_in_answer(struct rig *rig, const char *text)
{
    if (strstr(rig_answer(rig), text) == NULL) fail_msg("%s is not in %s", text, rig_answer(rig));
}

/* Cuts the answer's string member out, by its key; for ids, cursors and secrets. */
static inline void rig_cut(struct rig *rig, const char *key, char *out_text, size_t size)
{
    char quoted[64];
    int len = snprintf(quoted, sizeof quoted, "\"%s\":\"", key);
    assert_true(len > 0 && (size_t)len < sizeof quoted);
    const char *at = strstr(rig_answer(rig), quoted);
    if (at == NULL) fail_msg("%s is not in %s", quoted, rig_answer(rig));
    at += len;
    const char *end = strchr(at, '"');
    assert_non_null(end);
    assert_true((size_t)(end - at) < size);
    memcpy(out_text, at, (size_t)(end - at));
    out_text[end - at] = '\0';
}

/* ---- People ---- */

#define BANK "019ab000-0000-7000-8000-000000000001"
#define ANNA "019ab000-0000-7000-8000-000000000002"
#define BEN "019ab000-0000-7000-8000-000000000003"
#define NOBODY "019ab000-0000-7000-8000-0000000000ff"
#define TRANSFER(id, debit, credit, amount)                                                        \
    "{\"id\":\"019ab000-0000-7000-8000-0000000001" id "\",\"debit\":\"" debit                      \
    "\",\"credit\":\"" credit "\",\"asset\":\"EUR\",\"amount\":\"" amount "\"}"

/* A bank without a bound, two wallets that cannot be overdrawn, 100 EUR in Anna's. */
static inline void people_make(struct rig *rig)
{
    expect_status(rig, 200,
                  rig_send(rig, API_POST, "/v1/accounts",
                           "[{\"id\":\"" BANK "\",\"asset\":\"EUR\",\"kind\":\"equity\"},"
                           "{\"id\":\"" ANNA "\",\"asset\":\"EUR\",\"kind\":\"liability\","
                           "\"flags\":[\"debits_must_not_exceed_credits\"],\"user_ref\":\"" NOBODY
                           "\"},{\"id\":\"" BEN "\",\"asset\":\"EUR\",\"kind\":\"liability\","
                           "\"flags\":[\"debits_must_not_exceed_credits\"]}]"));
    expect_status(rig, 201,
                  rig_send(rig, API_POST, "/v1/transfers", TRANSFER("01", BANK, ANNA, "100")));
}

static inline void expect_net(struct rig *rig, const char *account, const char *net)
{
    char target[80];
    char text[64];
    int len = snprintf(target, sizeof target, "/v1/accounts/%s", account);
    assert_true(len > 0 && (size_t)len < sizeof target);
    expect_status(rig, 200, rig_send(rig, API_GET, target, NULL));
    rig_cut(rig, "net", text, sizeof text);
    assert_string_equal(text, net);
}

#endif

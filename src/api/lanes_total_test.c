/*
 * Goal: a total over lanes whose owners are slow keeps nobody else waiting, and itself not for ever.
 * Method: lane 0 of several in a simulated world; whoever is asked for the others takes its time
 * and counts how many ask at once, while totals are asked for and something else is.
 */
#include "api/lanes_total.h"

#include "api/api_test.h"
#include "api/service_call.h"

enum { ASKERS = 4, LANES = 3 };

/* Whom lane 0 asks: each answer takes a while. */
struct others {
    struct rig *rig;
    int64_t answer_ns;
    uint32_t running;
    uint32_t running_max;
    uint32_t asked;
};

static struct others others;
static struct lane_fan fan;

static enum api_progress others_start(struct api *api, struct api_call *call)
{
    (void)api; /* there is one */
    (void)call;
    others.asked++;
    others.running++;
    if (others.running > others.running_max) others.running_max = others.running;
    task_sleep(others.rig->world, others.answer_ns);
    others.running--;
    return API_READY;
}

static void others_finish(struct api *api, struct api_call *call)
{
    (void)api; /* as above */
    call->status = 200;
    buf_append_str(&call->answer, STR("{\"rows\":[],\"as_of\":\"1\"}"));
}

static void run_with(void (*body)(struct rig *rig), int64_t answer_ns)
{
    const struct api_options options = {
        .workers = 3, .version = "0.0.0-test", .lanes = LANES, .lane = 0, .fan = &fan
    };
    others = (struct others){ .answer_ns = answer_ns };
    fan = (struct lane_fan){ .service = { .start = others_start, .finish = others_finish } };
    rig_run_with(body, &options);
}

static void fan_begin(struct rig *rig)
{
    others.rig = rig;
    fan.monitor = rig->ports.sync->monitor_new(rig->ports.sync, "fan");
}

static void fan_end(struct rig *rig)
{
    rig->ports.sync->monitor_free(fan.monitor);
}

struct asker {
    struct rig *rig;
    struct task *task;
    struct monitor *monitor;
    unsigned status;
};

static void asker_body(void *argument)
{
    struct asker *asker = argument;
    struct api_service service = api_service(asker->rig->api);
    struct api_call call = { .method = API_GET, .path = STR("/v1/trial-balance"), .local = true };
    buf_init(&call.answer, API_ANSWER_SIZE_MAX);
    service_call(&service, &call, asker->rig->ports.sync, asker->monitor);
    asker->status = call.status;
    buf_free(&call.answer);
}

static void busy_body(struct rig *rig)
{
    struct asker askers[ASKERS];
    struct sync *sync = rig->ports.sync;
    struct monitor *monitor = sync->monitor_new(sync, "askers");
    fan_begin(rig);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){ .rig = rig, .monitor = monitor };
        assert_int_equal(sync->spawn(sync, "asker", asker_body, &askers[i], &askers[i].task),
                         STATUS_OK);
    }
    while (others.running == 0) task_sleep(rig->world, NS_PER_MS);
    int64_t began_ns = clock_monotonic(rig->ports.clock).ns;
    for (int i = 0; i < 3; i++) {
        expect_status(rig, 200, rig_send(rig, API_GET, "/v1/audit", NULL));
        expect_status(rig, 200, rig_send(rig, API_GET, "/v1/accounts", NULL));
    }
    assert_true(clock_monotonic(rig->ports.clock).ns - began_ns < others.answer_ns);
    for (int i = 0; i < ASKERS; i++) sync->join(askers[i].task);
    for (int i = 0; i < ASKERS; i++) assert_int_equal(askers[i].status, 200);
    assert_int_equal(others.asked, ASKERS * (LANES - 1));
    assert_int_equal(others.running_max, 1);
    sync->monitor_free(monitor);
    fan_end(rig);
}

static void totals_are_made_one_at_a_time_beside_everything_else(void **state)
{
    (void)state; /* the rig is the body's */
    run_with(busy_body, NS_PER_S);
}

static void late_body(struct rig *rig)
{
    fan_begin(rig);
    expect_status(rig, 503, rig_send(rig, API_GET, "/v1/trial-balance", NULL));
    expect_in_answer(rig, "before lane 2");
    assert_int_equal(others.asked, 1);
    fan_end(rig);
}

static void a_total_that_takes_too_long_asks_no_further(void **state)
{
    (void)state; /* the rig is the body's */
    run_with(late_body, (LANES_TOTAL_MS_MAX + 1) * NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_made_one_at_a_time_beside_everything_else),
        cmocka_unit_test(a_total_that_takes_too_long_asks_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

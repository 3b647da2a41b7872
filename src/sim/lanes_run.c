/* The director of several lanes: lets them run, stops the faults, and sees that all has arrived. */
#include "sim/lanes_run.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "sim/checkers.h"
#include "sim/lanes_invention.h"

enum {
    STREAM_STAGE = 80000,
    STEPS_MAX = 12000000,
    LOOK_MS = 500,
    ROUNDS_MAX = 1200, /* ten minutes: longer than patience, pauses and late calls together */
    AUDITS_MAX = 200,
    LIVES_CALM = 25, /* of a lane: more are no more news, and each costs */
};

static void sleep_ms(struct lanes_stage *stage, int64_t ms)
{
    task_sleep(stage->world, ms * NS_PER_MS);
}

/* ---- The weather ---- */

/* The clocks are set right: stamps never go back, so a clock behind them holds everything up. */
static void clocks_set(struct lane_side *side)
{
    struct service *service = &side->service;
    int64_t newest_ns = service->journal.stamp.ns;
    for (uint32_t i = 0; i < MACHINES; i++) {
        struct sim_wall *wall = &service->walls[i];
        if (sim_wall_now(wall, service->world).ns >= newest_ns) continue;
        wall->offset_ns = newest_ns + NS_PER_S - world_now(service->world).ns;
    }
}

static void calm_down(struct lanes_stage *stage)
{
    for (uint32_t i = 0; i < stage->lanes; i++) {
        struct lane_side *side = &stage->sides[i];
        side->service.faults.calm = true;
        sim_disk_repair(side->service.disk);
        clocks_set(side);
    }
}

static bool lived_enough(const struct lanes_stage *stage)
{
    for (uint32_t i = 0; i < stage->lanes; i++) {
        if (stage->sides[i].service.stats.lives > LIVES_CALM) return true;
    }
    return world_steps(stage->world) > stage->sides[0].plan.calm_after_steps;
}

static void weather(void *argument)
{
    struct lanes_stage *stage = argument;
    while (!stage->sides[0].service.faults.calm) {
        sleep_ms(stage, LOOK_MS);
        if (lived_enough(stage)) calm_down(stage);
    }
}

/* ---- The end ---- */

static bool broken(const struct lanes_stage *stage)
{
    for (uint32_t i = 0; i < stage->lanes; i++) {
        if (stage->sides[i].service.verdict.violations > 0) return true;
    }
    return false;
}

static bool clients_busy(const struct lanes_stage *stage)
{
    for (uint32_t i = 0; i < stage->lanes; i++) {
        if (stage->sides[i].crowd.busy > 0) return true;
    }
    return false;
}

/* Whatever has left must be there or back, in a bounded time. */
static void arrivals_await(struct lanes_stage *stage)
{
    for (uint32_t round = 0; round < ROUNDS_MAX && !broken(stage); round++) {
        if (stage->books.open == 0 && stage->busy == 0) return;
        sleep_ms(stage, LOOK_MS);
    }
    if (broken(stage)) return;
    verdict_violation(&stage->sides[0].service.verdict,
                      "no progress: %u departures are open, %u calls on their way",
                      stage->books.open, stage->busy);
}

static void audit_all(struct lane_side *side, struct prng *prng)
{
    struct life *life = service_enter(&side->service, prng);
    if (life == NULL) return;
    crowd_audit(&side->crowd, life, true);
    service_leave(life);
}

static void direct(void *argument)
{
    struct lanes_stage *stage = argument;
    struct prng prng = world_stream(stage->world, STREAM_STAGE + 1);
    while (clients_busy(stage)) sleep_ms(stage, LOOK_MS);
    calm_down(stage);
    for (uint32_t i = 0; i < stage->lanes; i++) {
        while (stage->sides[i].service.former != NULL) sleep_ms(stage, LOOK_MS);
        clocks_set(&stage->sides[i]);
    }
    arrivals_await(stage);
    for (uint32_t i = 0; i < stage->lanes && !broken(stage); i++) {
        struct service *service = &stage->sides[i].service;
        audit_all(&stage->sides[i], &prng);
        log_stage_complete(&service->log_stage, &prng);
        service_restart(service); /* and once more, from what is stored */
        sleep_ms(stage, NS_PER_S / NS_PER_MS);
        audit_all(&stage->sides[i], &prng);
        log_stage_complete(&service->log_stage, &prng);
    }
    arrivals_await(stage);
    for (uint32_t i = 0; i < stage->lanes; i++) service_stop(&stage->sides[i].service);
    while (stage->busy > 0) sleep_ms(stage, LOOK_MS);
}

/* ---- A seed ---- */

static void on_appended(void *owner)
{
    struct lane_side *side = owner;
    transit_books_batch(&side->stage->books, side->lane);
}

static void side_init(struct lanes_stage *stage, uint32_t lane)
{
    struct lane_side *side = &stage->sides[lane];
    struct service *service = &side->service;
    side->stage = stage;
    side->lane = lane;
    plan_make_lanes(stage->world, lane, &side->plan);
    side->plan.options.lanes = stage->lanes;
    service_init(service, stage->world, &side->plan.options);
    for (int i = 0; i < SIM_FAULT_COUNT; i++) service->faults.rates[i] = side->plan.rates[i];
    service->point_gap = SIM_POINT_COUNT - SIM_POINT_LINK_FIRST;
    service->opened = lanes_life_opened;
    service->closing = lanes_life_closing;
    service->appended = on_appended;
    service->owner = side;
    crowd_init(&side->crowd, service, &side->plan.profile);
    side->crowd.owner = side;
    side->crowd.invent = invent_lanes;
    side->crowd.invent_opening = invent_lanes_opening;
    side->twin = model_payments_new(&service->verdict);
    service->journal.payments = side->twin;
    stage->books.models[lane] = service->model;
    stage->books.payments[lane] = side->twin;
}

static struct lanes_stage *stage_new(uint64_t seed)
{
    static const int64_t patiences_ms[] = { 300, 3000, 20000, 60000 };
    struct lanes_stage *stage = calloc(1, sizeof *stage);
    CHECK(stage != NULL);
    stage->world = world_new(seed);
    struct prng prng = world_stream(stage->world, STREAM_STAGE);
    stage->lanes = (uint32_t)prng_between(&prng, 2, SIM_LANES_MAX);
    stage->patience_ms = patiences_ms[prng_below(&prng, 4)];
    transit_books_init(&stage->books, &stage->sides[0].service.verdict);
    stage->books.lanes = stage->lanes;
    for (uint32_t i = 0; i < stage->lanes; i++) side_init(stage, i);
    return stage;
}

static void hang_describe(struct lanes_stage *stage, enum world_end end)
{
    BUF_SCOPE struct buf names;
    buf_init(&names, 4096);
    for (uint32_t i = 0; i < world_task_count(stage->world) && i < 40; i++) {
        buf_append_format(&names, " %s", world_task_name(stage->world, i));
    }
    verdict_violation(&stage->sides[0].service.verdict, "%s: these have not ended:%s",
                      end == WORLD_STUCK ? "everybody waits for nobody" : "it goes on for ever",
                      buf_terminated(&names));
}

void lanes_seed_run(const struct sim_options *options, uint64_t seed, struct report *report)
{
    struct lanes_stage *stage = stage_new(seed);
    for (uint32_t i = 0; i < stage->lanes; i++) {
        service_start(&stage->sides[i].service);
        crowd_start(&stage->sides[i].crowd);
    }
    (void)task_spawn(stage->world, "director", direct, stage); /* these end by themselves */
    (void)task_spawn(stage->world, "weather", weather, stage);
    enum world_end end = world_run(stage->world, STEPS_MAX);
    if (end == WORLD_STUCK || end == WORLD_STEPS) hang_describe(stage, end);
    for (uint32_t i = 0; i < stage->lanes; i++) {
        struct lane_side *side = &stage->sides[i];
        const struct seed_parts parts = { .service = &side->service,
                                          .crowd = &side->crowd,
                                          .beside = i > 0,
                                          .books = i == 0 ? &stage->books : NULL };
        report_seed(report, options, seed, &parts);
        crowd_done(&side->crowd);
        if (end == WORLD_DONE) service_done(&side->service);
        model_payments_free(side->twin);
    }
    transit_books_done(&stage->books);
    world_free(stage->world);
    free(stage);
}

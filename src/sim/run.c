/* One world per seed: a service, a crowd, and a director who ends it; then the sums. */
#include "sim/run.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"
#include "sim/checkers.h"
#include "sim/lanes_run.h"
#include "sim/payment_run.h"
#include "sim/plan.h"

enum {
    STEPS_MAX = 4000000, /* a seed that is not over by then never will be */
    LOOK_MS = 500,
    EXPIRY_PATIENCE_S = 30, /* how long after its time a hold may be open in calm */
};

struct stage {
    struct world *world;
    struct service service;
    struct crowd crowd;
    struct plan plan;
    uint32_t audits; /* under way */
};

/* ---- Audits beside the clients ---- */

struct audit {
    struct stage *stage;
    struct life *life;
};

static void audit_body(void *argument)
{
    struct audit *audit = argument;
    crowd_audit(&audit->stage->crowd, audit->life, false);
    service_leave(audit->life);
    audit->stage->audits--;
    free(audit);
}

static void audit_begin(void *owner, struct life *life)
{
    struct stage *stage = owner;
    struct audit *audit = calloc(1, sizeof *audit);
    CHECK(audit != NULL);
    *audit = (struct audit){ stage, life };
    life->users++;
    stage->audits++;
    (void)task_spawn(stage->world, "audit", audit_body, audit); /* ends by itself */
}

/* ---- The director ---- */

static void calm_down(struct stage *stage)
{
    stage->service.faults.calm = true;
    sim_disk_repair(stage->service.disk);
}

static void expiries_await(struct stage *stage, struct prng *prng)
{
    struct life *life = service_enter(&stage->service, prng);
    if (life == NULL) return;
    lane_resume_expiry(life->lane);
    service_leave(life);
    task_sleep(stage->world, (EXPIRY_PATIENCE_S + 5) * NS_PER_S);
    struct wall_time now = sim_wall_now(&stage->service.walls[life->machine], stage->world);
    now.ns -= EXPIRY_PATIENCE_S * NS_PER_S;
    check_expired(&stage->service, now);
}

static void audit_all(struct stage *stage, struct prng *prng)
{
    struct life *life = service_enter(&stage->service, prng);
    if (life == NULL) return;
    crowd_audit(&stage->crowd, life, true);
    service_leave(life);
}

static void direct(void *argument)
{
    struct stage *stage = argument;
    struct service *service = &stage->service;
    struct prng prng = world_stream(stage->world, 5);
    while (stage->crowd.busy > 0) {
        task_sleep(stage->world, LOOK_MS * NS_PER_MS);
        if (world_steps(stage->world) > stage->plan.calm_after_steps) calm_down(stage);
    }
    calm_down(stage);
    while (service->former != NULL) task_sleep(stage->world, LOOK_MS * NS_PER_MS);
    audit_all(stage, &prng);
    log_stage_complete(&service->log_stage, &prng);
    service_restart(service); /* and once more, from what is stored */
    task_sleep(stage->world, NS_PER_S);
    expiries_await(stage, &prng);
    audit_all(stage, &prng);
    while (stage->audits > 0) task_sleep(stage->world, LOOK_MS * NS_PER_MS);
    log_stage_complete(&service->log_stage, &prng);
    for (uint32_t i = 0; i < stage->crowd.abandoned_count; i++) {
        check_abandoned(service, stage->crowd.abandoned[i]);
    }
    service_stop(service);
}

/* ---- A seed ---- */

static void stage_describe_hang(struct stage *stage, enum world_end end)
{
    BUF_SCOPE struct buf names;
    buf_init(&names, 1024);
    for (uint32_t i = 0; i < world_task_count(stage->world); i++) {
        buf_append_format(&names, " %s", world_task_name(stage->world, i));
    }
    const struct life *life = stage->service.newest;
    buf_append_format(&names, "; life %u %s%s, %u inside", life->process.number,
                      life_phase_name(life->phase), life->process.crashed ? ", crashed" : "",
                      life->users);
    verdict_violation(&stage->service.verdict, "%s: these have not ended:%s",
                      end == WORLD_STUCK ? "everybody waits for nobody" : "it goes on for ever",
                      buf_terminated(&names));
}

static void ledger_seed_run(const struct sim_options *options, uint64_t seed, struct report *report)
{
    struct stage *stage = calloc(1, sizeof *stage);
    CHECK(stage != NULL);
    stage->world = world_new(seed);
    plan_make(stage->world, &stage->plan);
    service_init(&stage->service, stage->world, &stage->plan.options);
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        stage->service.faults.rates[i] = stage->plan.rates[i];
    }
    stage->service.opened = audit_begin;
    stage->service.owner = stage;
    crowd_init(&stage->crowd, &stage->service, &stage->plan.profile);
    service_start(&stage->service);
    crowd_start(&stage->crowd);
    (void)task_spawn(stage->world, "director", direct, stage); /* ends by itself */
    enum world_end end = world_run(stage->world, STEPS_MAX);
    if (end == WORLD_STUCK || end == WORLD_STEPS) stage_describe_hang(stage, end);
    const struct seed_parts parts = { .service = &stage->service, .crowd = &stage->crowd };
    report_seed(report, options, seed, &parts);
    bool over = end == WORLD_DONE;
    crowd_done(&stage->crowd);
    if (over) service_done(&stage->service);
    world_free(stage->world);
    free(stage);
}

static const char *const workload_names[] = {
#define WORKLOAD_NAME(name, text) text,
    SIM_WORKLOAD_TABLE(WORKLOAD_NAME)
#undef WORKLOAD_NAME
};

const char *sim_workload_name(enum sim_workload workload)
{
    CHECK(workload < SIM_WORKLOAD_COUNT);
    return workload_names[workload];
}

bool sim_workload_parse(struct str text, enum sim_workload *out_workload)
{
    for (unsigned i = 0; i < SIM_WORKLOAD_COUNT; i++) {
        if (!str_equal(text, str_from(workload_names[i]))) continue;
        *out_workload = (enum sim_workload)i;
        return true;
    }
    return false;
}

enum status sim_run_seeds(const struct sim_options *options, struct sim_result *out_result)
{
    CHECK(options->seed_first <= options->seed_last);
    CHECK(options->write != NULL);
    struct report *report = report_new();
    for (uint64_t seed = options->seed_first;; seed++) {
        if (options->current_seed != NULL) *options->current_seed = seed;
        if (options->workload == SIM_WORKLOAD_PAYMENTS) {
            payment_seed_run(options, seed, report);
        } else if (options->workload == SIM_WORKLOAD_LANES) {
            lanes_seed_run(options, seed, report);
        } else {
            ledger_seed_run(options, seed, report);
        }
        if (seed == options->seed_last) break;
    }
    report_print(report, options, out_result);
    report_free(report);
    bool covered = out_result->never_met == 0 || out_result->seeds < SIM_COVERAGE_SEEDS_MIN;
    return out_result->violations == 0 && covered ? STATUS_OK : STATUS_CORRUPT;
}

/* A supervisor task, and a task per life that opens, waits for its end, drains and closes. */
#include "sim/service.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"

enum {
    STREAM_PLAN = 2,
    LIVES_MAX = 10000,       /* numbers of processes are those of one lane only */
    WALL_START_DAYS = 20000, /* 2024-10-04 */
    LOOK_MS_MAX = 400,       /* between two looks at the state of a lane */
    DOWN_MS_MAX = 800,       /* between two lives */
    SUPERSEDED_LOOKS_MAX = 40,
};

static void on_appended(void *owner, uint64_t sequence, const struct sim_batch *batch)
{
    struct service *service = owner;
    model_journal_batch(&service->journal, sequence, batch);
    if (service->appended != NULL) service->appended(service->owner);
    if (service->verdict.violations == 0) model_log_batch(&service->log_stage.twin, batch);
}

static void on_misused(void *owner, const char *text)
{
    struct service *service = owner;
    verdict_violation(&service->verdict, "%s", text);
}

void service_init(struct service *service, struct world *world, const struct lane_options *options)
{
    *service = (struct service){ .world = world, .options = *options };
    service->streams = (uint64_t)options->number * LANE_STREAMS;
    service->life_count = options->number * LIVES_MAX;
    faults_init(&service->faults, world);
    faults_draw_from(&service->faults, world, service->streams);
    verdict_init(&service->verdict, world);
    const struct model_options limits = { options->accounts_max, options->holds_max,
                                          options->reversals_max };
    service->model = model_new(&limits);
    model_journal_init(&service->journal, service->model, &service->verdict);
    const struct sim_disk_observer observer = { on_appended, on_misused, service };
    service->disk = sim_disk_new(world, &service->faults, observer);
    for (uint32_t i = 0; i < MACHINES; i++) {
        service->walls[i].offset_ns = WALL_START_DAYS * NS_PER_DAY + (int64_t)i * NS_PER_S;
        service->shelves[i] = sim_shelf_new(world, &service->faults, on_misused, service);
    }
    log_stage_init(&service->log_stage, service);
    service->plan = world_stream(world, service->streams + STREAM_PLAN);
    service->point_count = SIM_POINT_PSP_FIRST;
}

void service_done(struct service *service)
{
    for (uint32_t i = 0; i < MACHINES; i++) sim_shelf_free(service->shelves[i]);
    log_stage_done(&service->log_stage);
    sim_disk_free(service->disk);
    model_journal_done(&service->journal);
    model_free(service->model);
    verdict_done(&service->verdict);
}

const char *life_phase_name(enum life_phase phase)
{
    static const char *const names[] = { "opening", "up", "closing", "over" };
    CHECK(phase <= LIFE_OVER);
    return names[phase];
}

static int64_t some_ms(struct service *service, uint64_t ms_max)
{
    return (int64_t)prng_between(&service->plan, 1, ms_max) * NS_PER_MS;
}

/* ---- A life ---- */

/* Half of the crashes aim at one kind of point, so that the rare ones are met too. */
static void crash_plan(struct service *service, struct process *process)
{
    struct prng *plan = &service->plan;
    process->crash_at = SIM_POINT_COUNT;
    uint64_t kind = prng_below(plan, 20);
    uint64_t magnitude = prng_between(plan, 3, 16);
    uint64_t passes = prng_between(plan, 1, UINT64_C(1) << magnitude);
    uint64_t point_count = (uint64_t)service->point_count + service->point_gap;
    uint64_t drawn = prng_below(plan, point_count);
    bool of_link = drawn >= SIM_POINT_PSP_FIRST && service->point_gap > 0;
    if (of_link) drawn += SIM_POINT_LINK_FIRST - SIM_POINT_PSP_FIRST;
    enum sim_point point = (enum sim_point)drawn;
    if (service->faults.rates[SIM_FAULT_CRASH] == 0) return;
    if (kind < 3) return; /* this one ends in a shutdown */
    process->crash_after = passes;
    if (kind < 10) return;
    /* an index is cleared only when its damage is met while opening: aim there more often */
    bool clears = kind < 13 && service->faults.rates[SIM_FAULT_RUNS_DAMAGED] > 0;
    process->crash_at = clears ? SIM_POINT_RUNS_CLEAR : point;
    process->crash_after = 1 + passes % sim_point_passes(process->crash_at);
}

static void ports_open(struct life *life)
{
    struct service *service = life->service;
    sim_sync_init(&life->sync, &life->process);
    sim_clock_init(&life->clock, &life->process, &service->walls[life->machine]);
    sim_entropy_init(&life->entropy, &life->process);
    sim_log_init(&life->log, &life->process, &service->log);
    life->store = sim_store_open(service->disk, &life->process);
    life->run_store = sim_run_store_open(service->shelves[life->machine], &life->process);
}

static uint64_t damage_hits(const struct service *service)
{
    const uint64_t *hits = service->faults.hits;
    return hits[SIM_FAULT_FLIP_BATCH] + hits[SIM_FAULT_FLIP_SLICE] + hits[SIM_FAULT_RUNS_DAMAGED];
}

bool life_damage_possible(const struct life *life)
{
    return life->may_be_damaged || damage_hits(life->service) > life->damage_hits;
}

static enum status life_open(struct life *life)
{
    struct service *service = life->service;
    const struct lane_ports ports = {
        .store = life->store,
        .run_store = life->run_store,
        .clock = &life->clock.port,
        .entropy = &life->entropy.port,
        .sync = &life->sync.port,
        .log = &life->log.port,
    };
    struct error error = { 0 };
    struct lane *lane = NULL;
    enum status status = lane_open(&ports, &service->options, &lane, &error);
    world_mix(service->world, status);
    if (status != STATUS_OK) {
        service->stats.opens_refused[status]++;
        bool full = service->faults.hits[SIM_FAULT_RUNS_FULL] > 0;
        bool excused = status == STATUS_UNAVAILABLE || status == STATUS_FENCED ||
                       (status == STATUS_LIMIT && full) ||
                       (status == STATUS_CORRUPT && life_damage_possible(life));
        if (!excused && !life->process.crashed) {
            verdict_violation(&service->verdict, "the lane does not open: %s: %s; %s",
                              status_name(status), error.message, error.detail);
        }
        return status;
    }
    life->lane = lane;
    service->stats.opens++;
    struct lane_status now;
    lane_get_status(lane, &now);
    service->stats.replayed += now.replayed_records;
    life->rebuilding = now.rebuilding;
    service->stats.rebuilds += life->rebuilding;
    return STATUS_OK;
}

static void become_active(struct life *life)
{
    struct service *service = life->service;
    life->phase = LIFE_UP;
    if (life->superseded || service->active != NULL) return;
    service->active = life;
}

/* Looks at the lane from time to time, as an operator would, until this life is to end. */
static void life_watch(struct life *life)
{
    struct service *service = life->service;
    uint32_t looks = 0;
    while (!life->process.crashed && life->phase == LIFE_UP && !service->stopping) {
        (void)task_block(service->world, (struct monotonic_time){ world_now(service->world).ns +
                                                                  some_ms(service, LOOK_MS_MAX) });
        if (life->process.crashed || life->phase != LIFE_UP) return;
        struct lane_status now;
        lane_get_status(life->lane, &now);
        world_mix(service->world, now.head.sequence);
        if (now.head.sequence > sim_disk_head(service->disk) && !life->process.crashed) {
            verdict_violation(&service->verdict, "the lane's head is above the durable one");
        }
        if (now.expiry_paused && prng_below(&service->plan, 4) == 0) {
            lane_resume_expiry(life->lane);
        }
        if (now.fenced || now.damaged) return;
        looks++;
        if (life->superseded && looks > SUPERSEDED_LOOKS_MAX) return;
    }
}

static void life_close(struct life *life)
{
    struct service *service = life->service;
    life->phase = LIFE_CLOSING;
    if (service->active == life) service->active = NULL;
    if (life->lane != NULL) {
        if (service->closing != NULL) service->closing(service->owner, life);
        lane_drain(life->lane);
        while (life->users > 0) task_sleep(service->world, NS_PER_MS);
        log_stage_closing(&service->log_stage, life);
        lane_close(life->lane);
        life->lane = NULL;
    }
    life->store->close(life->store);
    life->run_store->close(life->run_store);
    sim_sync_done(&life->sync);
}

/* What the operator does about damage: a backup for the journal, a new index. */
static void damage_mend(struct life *life)
{
    struct service *service = life->service;
    struct sim_shelf *shelf = service->shelves[life->machine];
    if (!life_damage_possible(life)) {
        verdict_violation(&service->verdict, "the lane found damage where there is none");
    }
    if (!sim_disk_damaged(service->disk)) sim_shelf_wipe(shelf);
    sim_disk_repair(service->disk);
}

static void life_body(void *argument)
{
    struct life *life = argument;
    struct service *service = life->service;
    ports_open(life);
    enum status status = life_open(life);
    struct lane_status last = { .damaged = false };
    if (status == STATUS_OK) {
        become_active(life);
        log_stage_opened(&service->log_stage, life);
        if (service->opened != NULL) service->opened(service->owner, life);
        life_watch(life);
        lane_get_status(life->lane, &last);
        service->stats.rebuilds_ended += life->rebuilding && !last.rebuilding;
        service->stats.rebuild_crashes += last.rebuilding && life->process.crashed;
    }
    life_close(life);
    bool damaged = status == STATUS_CORRUPT || last.damaged;
    if (damaged && !life->process.crashed) damage_mend(life);
    if (life->process.crashed) {
        sim_shelf_crash(service->shelves[life->machine]);
    } else {
        service->stats.shutdowns++;
    }
    service->machine_used[life->machine] = false;
    if (service->former == life) service->former = NULL;
    life->phase = LIFE_OVER;
    task_wake(service->supervisor);
}

/* ---- The supervisor ---- */

static struct life *life_begin(struct service *service, uint32_t machine)
{
    struct life *life = calloc(1, sizeof *life);
    CHECK(life != NULL);
    *life = (struct life){
        .service = service,
        .machine = machine,
        .phase = LIFE_OPENING,
        .process = { .world = service->world,
                     .faults = &service->faults,
                     .number = ++service->life_count },
    };
    life->may_be_damaged =
        sim_disk_damaged(service->disk) || sim_shelf_damaged(service->shelves[machine]);
    life->damage_hits = damage_hits(service);
    service->stats.lives++;
    service->machine_used[machine] = true;
    service->newest = life;
    crash_plan(service, &life->process);
    life->task = task_spawn(service->world, "life", life_body, life);
    life->process.watcher = life->task;
    return life;
}

static void life_end(struct service *service, struct life *life)
{
    while (life->phase != LIFE_OVER) (void)task_block(service->world, MONOTONIC_NEVER);
    task_join(service->world, life->task);
    free(life);
}

/* True: a second life is to be started beside this one. */
static bool take_over(struct service *service, const struct life *life)
{
    if (life->phase != LIFE_UP || service->former != NULL) return false;
    if (service->machine_used[1 - life->machine]) return false;
    return fault_strikes(&service->faults, SIM_FAULT_SECOND_OWNER);
}

static void supervise(void *argument)
{
    struct service *service = argument;
    uint32_t machine = 0;
    struct life *former = NULL;
    while (!service->stopping) {
        struct life *life = life_begin(service, machine);
        bool over_taken = false;
        while (life->phase != LIFE_OVER && !over_taken) {
            (void)task_block(service->world,
                             (struct monotonic_time){ world_now(service->world).ns + NS_PER_S });
            over_taken = take_over(service, life);
        }
        if (former != NULL && (former->phase == LIFE_OVER || !over_taken)) {
            life_end(service, former);
            former = NULL;
        }
        if (over_taken) {
            life->superseded = true;
            former = life;
            service->former = life;
            service->active = NULL;
            machine = 1 - machine;
            continue;
        }
        life_end(service, life);
        task_sleep(service->world, some_ms(service, DOWN_MS_MAX));
    }
    if (former != NULL) life_end(service, former);
}

void service_start(struct service *service)
{
    service->supervisor = task_spawn(service->world, "supervisor", supervise, service);
}

/* ---- Clients ---- */

struct life *service_enter(struct service *service, struct prng *prng)
{
    for (;;) {
        struct life *life = service->active;
        struct life *former = service->former;
        bool prefer_former = prng_below(prng, 2) == 0;
        if (former != NULL && former->phase == LIFE_UP && (life == NULL || prefer_former)) {
            life = former;
        }
        if (life != NULL && life->phase == LIFE_UP && !life->process.crashed) {
            life->users++;
            return life;
        }
        if (service->stopping) return NULL;
        task_sleep(service->world, (int64_t)prng_between(prng, 1, 200) * NS_PER_MS);
    }
}

void service_leave(struct life *life)
{
    CHECK(life->users > 0);
    life->users--;
}

void service_restart(struct service *service)
{
    struct life *life = service->active;
    if (life == NULL || life->phase != LIFE_UP) return;
    life->phase = LIFE_CLOSING;
    task_wake(life->task);
}

void service_stop(struct service *service)
{
    service->stopping = true;
    service_restart(service);
    if (service->former != NULL && service->former->phase == LIFE_UP) {
        service->former->phase = LIFE_CLOSING;
        task_wake(service->former->task);
    }
}

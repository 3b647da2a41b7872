/*
 * Goal: replicas as cmd/replica.c runs them, in the simulated world.
 * Method: a task for the keeper, which outlives lives as far as they are not killed, and one for
 * lives, which does what the role task does: follow, lead while the lease is held, end, begin anew.
 */
#include "tests/sim/replica_life.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
    WALL_DAYS = 20000,
    DOWN_MS_MAX = 800,
    LOOK_MS_MAX = 100,
    COMMIT_MS_MAX = 100,
    BESIDE_MS_MAX = 2000
};

bool chance(struct scene *scene, uint64_t of)
{
    return prng_below(&scene->prng, of) == 0;
}

int64_t some_ms(struct scene *scene, uint64_t most)
{
    return (int64_t)prng_below(&scene->prng, most * 1000) * NS_PER_US;
}

void replica_pause_point(struct replica *replica)
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
    replica_pause_point(replica);
    int64_t ns = world_now(replica->scene->world).ns;
    return (struct monotonic_time){ ns + ns / 1000000 * replica->speed_ppm };
}

static struct wall_time local_wall(struct clock *clock)
{
    struct replica *replica = of_clock(clock);
    replica_pause_point(replica);
    return sim_wall_now(&replica->wall, replica->scene->world);
}

/* ---- The lease ---- */

static void lease_ask(struct replica *replica, enum lease_step step, struct monotonic_time asked)
{
    struct lease *lease = replica->lease;
    struct lease_answer answer = { .step = step, .asked = asked };
    const struct lease_term term = { .party = &replica->keeper.party,
                                     .epoch = replica->keeper.epoch,
                                     .ttl_ms = replica->keeper.terms.ttl_ms };
    replica_pause_point(replica);
    if (step == LEASE_STEP_READ) answer.status = lease->read(lease, 0, &answer.view, NULL);
    if (step == LEASE_STEP_TAKE) answer.status = lease->take(lease, &term, &answer.view, NULL);
    if (step == LEASE_STEP_RENEW) answer.status = lease->renew(lease, &term, &answer.view, NULL);
    answer.now = clock_monotonic(&replica->clock);
    lease_keeper_answered(&replica->keeper, &answer);
}

static void keep_run(void *argument)
{
    struct replica *replica = argument;
    struct scene *scene = replica->scene;
    while (!scene->stop) {
        if (replica->forgets) {
            const struct lease_party party = replica->keeper.party;
            lease_keeper_init(&replica->keeper, &LEASE_TERMS_DEFAULT, &party);
            replica->forgets = false;
        }
        struct monotonic_time asked = clock_monotonic(&replica->clock);
        enum lease_step step = lease_keeper_next(&replica->keeper, asked, replica->warm);
        if (step == LEASE_STEP_NONE) {
            task_sleep(scene->world, 5 * NS_PER_MS);
            continue;
        }
        lease_ask(replica, step, asked);
        if (lease_keeper_owner(&replica->keeper, clock_monotonic(&replica->clock)) != NULL)
            front_wake(replica->front);
    }
}

/* ---- A life ---- */

static struct scene *scene_now; /* for a port that knows nothing but itself */

static struct replica *of_store(const struct store *store)
{
    for (uint32_t i = 0; i < REPLICAS; i++) {
        struct replica *replica = &scene_now->replicas[i];
        if (replica->life != NULL && replica->life->store == store) return replica;
    }
    CHECK(false);
    return NULL;
}

/*
 * A commit takes its time, and who is paused may be so right before it. Planted: the batch of a former owner passes for
 * one of the present owner's.
 */
static enum status append_paused(struct store *store, const struct store_batch *batch,
                                 struct error *out_error)
{
    struct replica *replica = of_store(store);
    struct store_batch another = *batch;
    struct store_head head;
    task_sleep(replica->scene->world, some_ms(replica->scene, COMMIT_MS_MAX));
    replica_pause_point(replica);
    bool guarded = replica->scene->planted != PLANTED_NO_GUARD;
    if (!guarded && store->head(store, &head, NULL) == STATUS_OK) another.epoch = head.epoch;
    return replica->append(store, &another, out_error);
}

static void life_begin(struct replica *replica)
{
    struct scene *scene = replica->scene;
    struct life *life = calloc(1, sizeof *life);
    CHECK(life != NULL);
    *life = (struct life){
        .service = &scene->service,
        .machine = 0,
        .phase = LIFE_OPENING,
        .process = { .world = scene->world,
                     .faults = &scene->service.faults,
                     .number = 100 + scene->lives++,
                     .crash_at = SIM_POINT_COUNT },
    };
    sim_sync_init(&life->sync, &life->process);
    sim_entropy_init(&life->entropy, &life->process);
    sim_log_init(&life->log, &life->process, &scene->service.log);
    life->store = sim_store_open(scene->service.disk, &life->process);
    life->run_store = sim_run_store_open(replica->shelf, &life->process);
    replica->append = life->store->append;
    scene_now = scene;
    life->store->append = append_paused;
    replica->life = life;
}

static bool over(const struct replica *replica)
{
    return replica->scene->stop || replica->life->process.crashed;
}

static void broken(struct replica *replica, const char *what, enum status status,
                   const struct error *error)
{
    bool excused = status == STATUS_UNAVAILABLE || status == STATUS_FENCED;
    if (excused || over(replica)) return;
    verdict_violation(&replica->scene->service.verdict, "%s: %s: %s", what, status_name(status),
                      error->message);
}

static bool lane_begin(struct replica *replica)
{
    struct life *life = replica->life;
    const struct lane_ports ports = {
        .store = life->store,
        .run_store = life->run_store,
        .clock = &replica->clock,
        .entropy = &life->entropy.port,
        .sync = &life->sync.port,
        .log = &life->log.port,
    };
    struct error error = { 0 };
    struct lane *lane = NULL;
    enum status status = lane_open(&ports, &replica->scene->service.options, &lane, &error);
    if (status != STATUS_OK) broken(replica, "a follower does not open", status, &error);
    if (status != STATUS_OK) return false;
    life->lane = lane;
    life->phase = LIFE_UP;
    return true;
}

/* What an owner opens beside its lane takes its time, too. */
static bool lead(struct replica *replica)
{
    struct error error = { 0 };
    enum status status = lane_lead(replica->life->lane, &error);
    if (status == STATUS_OK) {
        task_sleep(replica->scene->world, some_ms(replica->scene, BESIDE_MS_MAX));
        replica->leads = true;
        replica->warm = false;
        replica->scene->takeovers++;
        front_wake(replica->front);
        return true;
    }
    broken(replica, "a follower does not lead", status, &error);
    lease_keeper_yield(&replica->keeper, clock_monotonic(&replica->clock));
    return false;
}

/* As planned: what is inside is answered, and nobody has to wait for the lease's end. */
static void hand_over(struct replica *replica)
{
    struct lease *lease = replica->lease;
    const struct lease_term term = { .party = &replica->keeper.party,
                                     .epoch = replica->keeper.epoch };
    replica->moves = false;
    replica->leads = false;
    while (replica->life->users > 0) task_sleep(replica->scene->world, NS_PER_MS);
    if (replica->keeper.role != LEASE_HOLDING) return;
    lease_keeper_yield(&replica->keeper, clock_monotonic(&replica->clock));
    enum status status = lease->release(lease, &term, "", NULL);
    if (status == STATUS_OK) replica->scene->moves++; /* else it ends by itself */
}

/* False: the life is to end. */
static bool life_step(struct replica *replica)
{
    struct lane *lane = replica->life->lane;
    bool holds = replica->keeper.role == LEASE_HOLDING && !replica->forgets;
    if (replica->leads) {
        struct lane_status status;
        lane_get_status(lane, &status);
        bool for_ever = replica->scene->planted == PLANTED_BELIEF;
        if (replica->moves) hand_over(replica);
        if (!replica->leads) return false;
        return !status.fenced && !status.damaged && (holds || for_ever);
    }
    if (holds) return lead(replica);
    struct error error = { 0 };
    uint64_t left = 0;
    enum status status = lane_follow(lane, &left, &error);
    if (status == STATUS_OK) replica->warm = left == 0;
    if (status == STATUS_OK || status == STATUS_UNAVAILABLE) return true;
    broken(replica, "a follower does not follow", status, &error);
    return false;
}

static void life_end(struct replica *replica)
{
    struct life *life = replica->life;
    struct world *world = replica->scene->world;
    bool crashed = life->process.crashed;
    replica->leads = false;
    replica->warm = false;
    replica->forgets = crashed;
    life->phase = LIFE_CLOSING;
    if (life->lane != NULL) lane_drain(life->lane);
    while (life->users > 0) task_sleep(world, NS_PER_MS);
    lane_close(life->lane);
    life->store->close(life->store);
    life->run_store->close(life->run_store);
    sim_sync_done(&life->sync);
    if (crashed) sim_shelf_crash(replica->shelf);
    replica->life = NULL;
    free(life);
}

static void live_run(void *argument)
{
    struct replica *replica = argument;
    struct scene *scene = replica->scene;
    while (!scene->stop) {
        life_begin(replica);
        if (lane_begin(replica)) {
            while (!over(replica) && life_step(replica)) {
                task_sleep(scene->world, some_ms(scene, LOOK_MS_MAX));
                replica_pause_point(replica);
            }
        }
        life_end(replica);
        task_sleep(scene->world, some_ms(scene, DOWN_MS_MAX));
    }
    scene->lives_left--;
}

/* ---- The replica ---- */

static void on_misused(void *owner, const char *text)
{
    struct replica *replica = owner;
    verdict_violation(&replica->scene->service.verdict, "%s", text);
}

void replica_init(struct replica *replica, struct scene *scene, uint32_t number)
{
    static const char *const names[REPLICAS] = { "anna", "bert", "cora" };
    replica->scene = scene;
    replica->number = number;
    replica->clock = (struct clock){ local_wall, local_time };
    replica->process = (struct process){ .world = scene->world,
                                         .faults = &scene->service.faults,
                                         .number = number,
                                         .crash_at = SIM_POINT_COUNT };
    replica->speed_ppm = (int64_t)prng_below(&scene->prng, 6001); /* never slower than waits are */
    replica->wall.offset_ns = WALL_DAYS * NS_PER_DAY + some_ms(scene, 2000);
    replica->shelf = sim_shelf_new(scene->world, &scene->service.faults, on_misused, replica);
    sim_sync_init(&replica->sync, &replica->process);
    sim_entropy_init(&replica->entropy, &replica->process);
    replica->lease = sim_lease_open(scene->leases, &replica->process);
    struct lease_party party = { .url = "" };
    memcpy(party.name, names[number], strlen(names[number]));
    memcpy(party.url, names[number], strlen(names[number]));
    lease_keeper_init(&replica->keeper, &LEASE_TERMS_DEFAULT, &party);
}

void replica_start(struct replica *replica)
{
    struct world *world = replica->scene->world;
    replica->scene->lives_left++;
    (void)task_spawn(world, "life", live_run, replica); /* these end with the scene */
    (void)task_spawn(world, "keeper", keep_run, replica);
}

void replica_done(struct replica *replica)
{
    if (replica->scene == NULL) return;
    replica->lease->close(replica->lease);
    sim_sync_done(&replica->sync);
    sim_shelf_free(replica->shelf);
}

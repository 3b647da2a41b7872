/* The scheduler: a list of who can run, a list of all who live, and one stream to pick with. */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "sim/coroutine.h"

enum { TASKS_MAX = 512, STREAM_SCHEDULER = 1 };

enum { NOT_LISTED = UINT32_MAX };

struct task {
    struct world *world;
    struct coroutine *coroutine;
    const char *name;
    void (*body)(void *argument);
    void *argument;
    uint64_t number;         /* in order of spawning: what the trace sees */
    uint32_t live_index;     /* in world->live */
    uint32_t runnable_index; /* in world->runnable, or NOT_LISTED */
    struct monotonic_time until;
    bool timed_out;
    bool ended;
    struct task *joiner;
    struct task *next; /* of all ever spawned */
};

struct world {
    uint64_t seed;
    uint64_t trace;
    uint64_t steps;
    uint64_t steps_end;
    uint64_t task_number;
    struct monotonic_time now;
    struct monotonic_time next_deadline; /* no blocked task's is before it */
    struct prng scheduler;
    struct coroutine_pool *pool;
    struct coroutine *outside;
    struct task *current; /* NULL: outside */
    struct task *left;    /* ended, its stack not yet given back */
    struct task *all;
    uint32_t live_count;
    uint32_t runnable_count;
    bool stop;
    struct task *live[TASKS_MAX];
    struct task *runnable[TASKS_MAX];
};

static const uint64_t MIX = UINT64_C(0x9E3779B97F4A7C15); /* odd, and its bits look random */

struct world *world_new(uint64_t seed)
{
    struct world *world = calloc(1, sizeof *world);
    CHECK(world != NULL);
    world->seed = seed;
    world->trace = hash_fold(seed ^ MIX, MIX);
    world->next_deadline = MONOTONIC_NEVER;
    world->scheduler = world_stream(world, STREAM_SCHEDULER);
    world->pool = coroutine_pool_new();
    world->outside = coroutine_of_caller(world->pool);
    return world;
}

static void stack_release(struct task *task)
{
    coroutine_free(task->coroutine);
    task->coroutine = NULL;
}

void world_free(struct world *world)
{
    if (world == NULL) return;
    CHECK(world->current == NULL);
    while (world->all != NULL) {
        struct task *task = world->all;
        world->all = task->next;
        stack_release(task);
        free(task);
    }
    coroutine_free(world->outside);
    coroutine_pool_free(world->pool);
    free(world);
}

struct prng world_stream(const struct world *world, uint64_t stream)
{
    struct prng prng;
    prng_init(&prng, hash_fold(world->seed ^ MIX, stream + MIX));
    return prng;
}

struct monotonic_time world_now(const struct world *world)
{
    return world->now;
}

uint64_t world_steps(const struct world *world)
{
    return world->steps;
}

void world_mix(struct world *world, uint64_t value)
{
    world->trace = hash_fold(world->trace ^ value, MIX) + MIX;
}

uint64_t world_trace(const struct world *world)
{
    return world->trace;
}

uint32_t world_task_count(const struct world *world)
{
    return world->live_count;
}

const char *world_task_name(const struct world *world, uint32_t index)
{
    CHECK(index < world->live_count);
    return world->live[index]->name;
}

static void make_runnable(struct task *task)
{
    struct world *world = task->world;
    CHECK(task->runnable_index == NOT_LISTED);
    task->runnable_index = world->runnable_count;
    world->runnable[world->runnable_count++] = task;
}

static void make_blocked(struct task *task)
{
    struct world *world = task->world;
    struct task *last = world->runnable[--world->runnable_count];
    world->runnable[task->runnable_index] = last;
    last->runnable_index = task->runnable_index;
    task->runnable_index = NOT_LISTED;
}

/* Wakes everybody whose deadline has come, in the order of the live list. */
static void run_timers(struct world *world)
{
    struct monotonic_time next = MONOTONIC_NEVER;
    for (uint32_t i = 0; i < world->live_count; i++) {
        struct task *task = world->live[i];
        if (task->runnable_index != NOT_LISTED) continue;
        if (task->until.ns <= world->now.ns) {
            task->timed_out = true;
            make_runnable(task);
        } else if (task->until.ns < next.ns) {
            next = task->until;
        }
    }
    world->next_deadline = next;
}

/* Who runs next; NULL: outside. */
static struct task *pick(struct world *world)
{
    if (world->stop || world->steps == world->steps_end) return NULL;
    world->steps++;
    world->now.ns += WORLD_STEP_NS;
    if (world->runnable_count == 0 && world->next_deadline.ns > world->now.ns &&
        world->next_deadline.ns != MONOTONIC_NEVER.ns) {
        world->now = world->next_deadline;
    }
    if (world->next_deadline.ns <= world->now.ns) run_timers(world);
    /* the nearest deadline was that of a task woken since: look for the one behind it */
    if (world->runnable_count == 0 && world->next_deadline.ns != MONOTONIC_NEVER.ns) {
        world->now = world->next_deadline;
        run_timers(world);
    }
    if (world->runnable_count == 0) return NULL;
    uint64_t chosen =
        world->runnable_count == 1 ? 0 : prng_below(&world->scheduler, world->runnable_count);
    struct task *task = world->runnable[chosen];
    world_mix(world, task->number);
    return task;
}

/* The stack of a task that ended can be given back only by another. */
static void reap(struct world *world)
{
    if (world->left == NULL) return;
    stack_release(world->left);
    world->left = NULL;
}

/* Lets somebody else run; comes back when the caller is picked again. */
static void pass_on(struct world *world)
{
    struct task *self = world->current;
    struct task *next = pick(world);
    if (next == self) return;
    world->current = next;
    coroutine_switch(self->coroutine, next == NULL ? world->outside : next->coroutine);
    reap(world);
}

enum world_end world_run(struct world *world, uint64_t steps_max)
{
    CHECK(world->current == NULL);
    world->stop = false;
    world->steps_end = world->steps + steps_max;
    struct task *first = pick(world);
    if (first != NULL) {
        world->current = first;
        coroutine_switch(world->outside, first->coroutine);
        reap(world);
    }
    if (world->live_count == 0) return WORLD_DONE;
    if (world->stop) return WORLD_STOPPED;
    return world->steps == world->steps_end ? WORLD_STEPS : WORLD_STUCK;
}

void world_stop(struct world *world)
{
    world->stop = true;
}

static void task_end(struct task *task)
{
    struct world *world = task->world;
    task->ended = true;
    make_blocked(task);
    struct task *last = world->live[--world->live_count];
    world->live[task->live_index] = last;
    last->live_index = task->live_index;
    if (task->joiner != NULL) task_wake(task->joiner);
    struct task *next = pick(world);
    world->current = next;
    CHECK(world->left == NULL);
    world->left = task;
    coroutine_leave(task->coroutine, next == NULL ? world->outside : next->coroutine);
}

static void task_start(void *argument)
{
    struct task *task = argument;
    reap(task->world);
    task->body(task->argument);
    task_end(task);
}

struct task *task_spawn(struct world *world, const char *name, void (*body)(void *argument),
                        void *argument)
{
    CHECK(name != NULL);
    CHECK(body != NULL);
    CHECK(world->live_count < TASKS_MAX);
    struct task *task = calloc(1, sizeof *task);
    CHECK(task != NULL);
    *task = (struct task){
        .world = world,
        .name = name,
        .body = body,
        .argument = argument,
        .number = ++world->task_number,
        .live_index = world->live_count,
        .runnable_index = NOT_LISTED,
        .until = MONOTONIC_NEVER,
        .next = world->all,
    };
    world->all = task;
    world->live[world->live_count++] = task;
    task->coroutine = coroutine_new(world->pool, task_start, task);
    make_runnable(task);
    return task;
}

struct task *task_current(const struct world *world)
{
    CHECK(world->current != NULL);
    return world->current;
}

struct world *task_world(const struct task *task)
{
    return task->world;
}

void task_yield(struct world *world)
{
    CHECK(world->current != NULL);
    pass_on(world);
}

bool task_block(struct world *world, struct monotonic_time until)
{
    struct task *self = world->current;
    CHECK(self != NULL);
    if (until.ns <= world->now.ns) {
        pass_on(world);
        return false;
    }
    self->until = until;
    self->timed_out = false;
    if (until.ns < world->next_deadline.ns) world->next_deadline = until;
    make_blocked(self);
    pass_on(world);
    self->until = MONOTONIC_NEVER;
    return !self->timed_out;
}

void task_sleep(struct world *world, int64_t ns)
{
    CHECK(ns >= 0);
    struct monotonic_time until = { world->now.ns + ns };
    while (world->now.ns < until.ns) {
        (void)task_block(world, until); /* who wakes a sleeper does not shorten its sleep */
    }
}

void task_wake(struct task *task)
{
    if (!task->ended && task->runnable_index == NOT_LISTED) make_runnable(task);
}

void task_join(struct world *world, struct task *task)
{
    CHECK(task != world->current);
    CHECK(task->joiner == NULL);
    task->joiner = world->current;
    while (!task->ended) (void)task_block(world, MONOTONIC_NEVER);
}

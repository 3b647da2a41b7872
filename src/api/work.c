/* Works come from one reserved array, newest used first, so that few of them are ever touched. */
#include "api/work.h"

#include <string.h>

#include "api/watch.h"
#include "base/check.h"

enum { PARK_LOOK_MS = 2 }; /* how often the head is compared with what parked calls wait for */

/* Under the pool's lock. */
static uint64_t random_word(struct api *api)
{
    if (api->random_left == 0) {
        entropy_fill(api->ports.entropy, api->random, sizeof api->random);
        api->random_left = RANDOM_WORDS;
    }
    uint64_t word = api->random[--api->random_left];
    return word == 0 ? 1 : word; /* all zero means none */
}

static struct work *works_pop(struct api *api)
{
    struct work *work = api->works_free;
    if (work != NULL) {
        api->works_free = work->next;
        return work;
    }
    return api->works_made < API_CALLS_MAX ? &api->works[api->works_made++] : NULL;
}

struct work *work_take(struct api *api, struct api_call *call)
{
    CHECK(api != NULL);
    CHECK(call != NULL);
    struct sync *sync = api->ports.sync;
    sync->lock(api->pool);
    struct work *work = works_pop(api);
    if (work != NULL) {
        call->trace.span = random_word(api);
        call->trace.id = (struct uuid){ random_word(api), random_word(api) };
    }
    sync->unlock(api->pool);
    if (work == NULL) return NULL;
    work->next = NULL;
    work->api = api;
    work->call = call;
    work->route = NULL;
    work->id = (struct uuid){ 0 };
    work->name = (struct str){ NULL, 0 };
    work->principal = PRINCIPAL_SYSTEM;
    work->by_key = false;
    work->media = 0;
    work->query.present = 0;
    work->query.min_position = (struct position){ 0 };
    work->www_error = NULL;
    work->cacheable = NULL;
    work->methods = 0;
    work->trace_asked = false;
    work->slow = false;
    work->wide = false;
    work->replayed = false;
    work->cached = false;
    work->departs = false;
    work->total = false;
    work->problem.code = NULL;
    work->secret[0] = '\0';
    work->bulk = (struct arena){ 0 };
    work->bulk_size = 0;
    arena_init_over(&work->scratch, work->scratch_memory, sizeof work->scratch_memory);
    return work;
}

void work_release(struct work *work)
{
    CHECK(work != NULL);
    struct api *api = work->api;
    if (work->secret[0] != '\0') explicit_bzero(work->secret, sizeof work->secret);
    arena_done(&work->scratch);
    arena_done(&work->bulk);
    work->call = NULL;
    struct sync *sync = api->ports.sync;
    sync->lock(api->pool);
    api->bulk_bytes -= work->bulk_size;
    work->next = api->works_free;
    api->works_free = work;
    sync->unlock(api->pool);
}

bool work_reserve(struct work *work, size_t size)
{
    CHECK(work->bulk_size == 0);
    CHECK(size <= API_BULK_SIZE_MAX);
    struct api *api = work->api;
    struct sync *sync = api->ports.sync;
    sync->lock(api->pool);
    bool fits = size <= API_BULK_SIZE_MAX - api->bulk_bytes;
    if (fits) api->bulk_bytes += size;
    sync->unlock(api->pool);
    if (fits) work->bulk_size = size; /* given back by work_release() */
    if (fits && arena_init(&work->bulk, size) == STATUS_OK) return true;
    return problem_raise(&work->problem, PROBLEM_TOO_BUSY, "send fewer large requests at once");
}

/* A task of the lane calls this: it only passes the word on. */
static void request_done(struct request *request)
{
    struct work *work = request->owner;
    work->call->ready(work->call);
}

void work_request(struct work *work, enum request_kind kind)
{
    struct request *request = &work->request;
    struct uuid key = request->key;
    struct uuid fingerprint = request->fingerprint;
    *request = (struct request){
        .kind = kind,
        .route = work->route->number,
        .principal = work->principal,
        .trace = work->call->trace,
        .key = key,
        .fingerprint = fingerprint,
        .done = request_done,
        .owner = work,
    };
    if (kind != REQUEST_READ) request->root = lane_new_id(work->api->lane);
}

/* Of what the lane did not accept: a full disk and a full queue are told apart by what it knows. */
static bool refused_raise(struct work *work, enum status status)
{
    struct lane_status lane;
    lane_get_status(work->api->lane, &lane);
    bool full = lane.full || lane.index_fault == STATUS_LIMIT;
    if (status != STATUS_LIMIT || full) return work_status_ok(work, status);
    return problem_raise(&work->problem, PROBLEM_TOO_BUSY, "the queue is full: wait and repeat");
}

enum api_progress work_submit(struct work *work)
{
    watch_submit(work);
    enum status status = lane_submit(work->api->lane, &work->request);
    if (status == STATUS_OK) return API_PENDING;
    (void)refused_raise(work, status);
    return API_READY;
}

static void list_add(struct work_list *list, struct work *work)
{
    work->next = NULL;
    if (list->last != NULL) list->last->next = work;
    if (list->last == NULL) list->first = work;
    list->last = work;
    list->count++;
}

static struct work *list_take(struct work_list *list)
{
    struct work *work = list->first;
    if (work == NULL) return NULL;
    list->first = work->next;
    if (list->first == NULL) list->last = NULL;
    list->count--;
    return work;
}

static enum api_progress list_enter(struct work *work, struct work_list *list)
{
    struct api *api = work->api;
    struct sync *sync = api->ports.sync;
    sync->lock(api->queue);
    bool fits = list->count < WORK_QUEUE_MAX && !api->stopping;
    if (fits) list_add(list, work);
    if (fits) sync->wake_all(api->queue);
    sync->unlock(api->queue);
    if (fits) return API_PENDING;
    (void)problem_raise(&work->problem, PROBLEM_TOO_BUSY, "many calls read history: wait, repeat");
    return API_READY;
}

enum api_progress work_queue(struct work *work)
{
    struct api *api = work->api;
    if (work->wide) return list_enter(work, &api->wide);
    return list_enter(work, work->slow ? &api->slow : &api->quick);
}

enum api_progress work_park(struct work *work)
{
    struct monotonic_time now = clock_monotonic(work->api->ports.clock);
    work->wait_until.ns = now.ns + API_POSITION_WAIT_MS_MAX * NS_PER_MS;
    return list_enter(work, &work->api->parked);
}

/* ---- Acts that are made in lane 0 for all lanes ---- */

/* It is done where it was submitted. */
static void everywhere_raise(struct work *work)
{
    (void)problem_raise(&work->problem, PROBLEM_IN_DOUBT,
                        "send the same request again, with the same Idempotency-Key: what it did "
                        "goes on by itself to the lanes that lack it");
    problem_detail(&work->problem, "lane 0 has decided it, and not every other lane has it yet");
}

/* A task of the lane calls this: the workers look where it is. */
static void everywhere_done(struct request *request)
{
    struct work *work = request->owner;
    struct api *api = work->api;
    if (request->status == STATUS_OK) {
        struct monotonic_time now = clock_monotonic(api->ports.clock);
        work->wait_until.ns = now.ns + CARRY_WAIT_MS * NS_PER_MS;
        if (list_enter(work, &api->carried) == API_PENDING) return;
        everywhere_raise(work);
    }
    work->call->ready(work->call);
}

enum api_progress work_submit_everywhere(struct work *work)
{
    work->request.done = everywhere_done;
    return work_submit(work);
}

/* The first whose wait is over, either way; NULL: none. Under the queue's lock. */
static struct work *carried_take(struct api *api)
{
    struct monotonic_time now = clock_monotonic(api->ports.clock);
    struct work_list kept = { 0 };
    struct work *found = NULL;
    for (struct work *work = list_take(&api->carried); work != NULL;
         work = list_take(&api->carried)) {
        bool there = found == NULL && carry_is_everywhere(api->options.carry, work->request.admin);
        if (found != NULL || (!there && now.ns < work->wait_until.ns)) {
            list_add(&kept, work);
            continue;
        }
        found = work;
        if (!there) everywhere_raise(work);
    }
    api->carried = kept;
    return found;
}

/* The first parked work whose wait is over, either way; NULL: none. Under the queue's lock. */
static struct work *parked_take(struct api *api)
{
    if (api->parked.count == 0) return NULL;
    struct lane_status status;
    lane_get_status(api->lane, &status);
    struct monotonic_time now = clock_monotonic(api->ports.clock);
    struct work_list kept = { 0 };
    struct work *found = NULL;
    for (struct work *work = list_take(&api->parked); work != NULL;
         work = list_take(&api->parked)) {
        bool reached = status.head.sequence >= work->query.min_position.batch;
        bool over = reached || now.ns >= work->wait_until.ns;
        if (!over || found != NULL) {
            list_add(&kept, work);
            continue;
        }
        found = work;
        if (reached) continue;
        (void)problem_raise(&work->problem, PROBLEM_POSITION_NOT_REACHED,
                            "the position may be another ledger's, or this one is behind");
        problem_detail(&work->problem, "the journal stands at %llu",
                       (unsigned long long)status.head.sequence);
    }
    api->parked = kept;
    return found;
}

/* Those that wait for others leave the other workers to the rest. Under the queue's lock. */
static struct work *wide_take(struct api *api)
{
    if (api->wide_runs) return NULL;
    struct work *work = list_take(&api->wide);
    api->wide_runs = work != NULL;
    return work;
}

static void wide_end(struct api *api)
{
    struct sync *sync = api->ports.sync;
    sync->lock(api->queue);
    api->wide_runs = false;
    sync->wake_all(api->queue);
    sync->unlock(api->queue);
}

/* What a worker does with a work. */
enum turn { TURN_RUN, TURN_START, TURN_ANSWER };

/* Waits for work; NULL when the workers stop. */
static struct work *worker_take(struct worker *worker, enum turn *out_turn)
{
    struct api *api = worker->api;
    struct sync *sync = api->ports.sync;
    struct work *work = NULL;
    *out_turn = TURN_RUN;
    sync->lock(api->queue);
    while (!api->stopping) {
        work = list_take(&api->quick);
        if (work == NULL && !worker->quick_only) work = list_take(&api->slow);
        if (work == NULL && !worker->quick_only) work = wide_take(api);
        if (work != NULL) break;
        *out_turn = TURN_START;
        work = parked_take(api);
        if (work != NULL) break;
        *out_turn = TURN_ANSWER;
        work = carried_take(api);
        if (work != NULL) break;
        *out_turn = TURN_RUN;
        struct monotonic_time until = MONOTONIC_NEVER;
        if (api->parked.count > 0 || api->carried.count > 0)
            until.ns = clock_monotonic(api->ports.clock).ns + PARK_LOOK_MS * NS_PER_MS;
        (void)sync->wait(api->queue, until); /* the condition is looked at again either way */
    }
    sync->unlock(api->queue);
    return work;
}

static void worker_body(void *argument)
{
    struct worker *worker = argument;
    for (;;) {
        enum turn turn = TURN_RUN;
        struct work *work = worker_take(worker, &turn);
        if (work == NULL) return;
        bool pending = false;
        if (turn == TURN_RUN) {
            work->route->handler->run(work);
            if (work->wide) wide_end(work->api);
        } else if (turn == TURN_START && !problem_is_set(&work->problem)) {
            pending = work->route->handler->start(work) == API_PENDING;
        }
        if (!pending) work->call->ready(work->call);
    }
}

bool work_run(struct work *work)
{
    watch_submit(work);
    work->request.done = NULL;
    enum status status = lane_run(work->api->lane, &work->request);
    return work->request.answered ? work_status_ok(work, status) : refused_raise(work, status);
}

bool work_read(struct work *work, const struct read *read)
{
    work_request(work, REQUEST_READ);
    work->read = *read;
    work->request.read = &work->read;
    return work_run(work);
}

void work_rebuilding(struct work *work, const struct lane_status *status)
{
    enum { RETRY_S_MAX = 60 };
    struct problem *problem = &work->problem;
    (void)problem_raise(problem, PROBLEM_INDEX_REBUILDING,
                        "balances, accounts and their histories can be read; writes and look-ups "
                        "by id or reference are taken again by themselves");
    uint64_t head = status->head.sequence; /* not 0: there is something to rebuild from */
    problem_detail(problem, "the index is being rebuilt: batch %llu of %llu is reached, %llu %%",
                   (unsigned long long)status->rebuilt_batch, (unsigned long long)head,
                   (unsigned long long)(head == 0 ? 0 : status->rebuilt_batch * 100 / head));
    uint64_t left_s = status->rebuild_left_s;
    problem->retry_after_s = left_s < RETRY_S_MAX ? (uint32_t)left_s : RETRY_S_MAX;
}

/* Nothing was done; why is what the lane knows of itself now. */
static bool unavailable_raise(struct work *work)
{
    struct lane_status status;
    lane_get_status(work->api->lane, &status);
    if (status.rebuilding) {
        work_rebuilding(work, &status);
        return false;
    }
    (void)problem_raise(&work->problem, PROBLEM_UNAVAILABLE, "wait and repeat");
    if (status.index_fault != STATUS_OK)
        problem_detail(&work->problem, "the index cannot be written");
    return false;
}

bool work_status_ok(struct work *work, enum status status)
{
    struct problem *problem = &work->problem;
    switch (status) {
    case STATUS_OK: return true;
    case STATUS_CONFLICT:
        (void)problem_raise(problem, PROBLEM_IDEMPOTENCY_CONFLICT,
                            "use a new key for a new request; repeat the old one unchanged");
        problem_detail(problem, "the path, content type or body is not that of the first request");
        problem_field(problem, "Idempotency-Key");
        return false;
    case STATUS_LIMIT:
        return problem_raise(problem, PROBLEM_DISK_FULL, "the operator has to make room");
    case STATUS_IN_DOUBT:
        return problem_raise(problem, PROBLEM_IN_DOUBT,
                             "send the same request again, with the same ids and key");
    case STATUS_DENIED: return problem_raise(problem, PROBLEM_READ_ONLY, NULL);
    case STATUS_STOPPED: return problem_raise(problem, PROBLEM_STOPPING, "wait and repeat");
    case STATUS_CORRUPT:
        return problem_raise(problem, PROBLEM_HISTORY_DAMAGED, "the operator has to run the check");
    case STATUS_UNAVAILABLE:
    case STATUS_FENCED:
    case STATUS_TIMEOUT: return unavailable_raise(work);
    case STATUS_INVALID:
    case STATUS_NOT_FOUND:
    case STATUS_COUNT: break;
    }
    return problem_raise(problem, PROBLEM_INTERNAL, NULL);
}

bool work_history_ok(struct work *work, enum status status, const struct error *error)
{
    if (status == STATUS_OK) return true;
    struct api *api = work->api;
    struct log_field field = { STR("detail"), str_from(error->detail), 0 };
    const struct log_line line = {
        .level = LOG_ERROR,
        .trace = work->call->trace,
        .event = STR("api.history_failed"),
        .message = str_from(error->message),
        .fields = &field,
        .field_count = 1,
    };
    log_write(api->ports.log, line);
    /* What the index names and the journal does not have is damage, not absence. */
    return work_status_ok(work, status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status);
}

bool work_answered(struct work *work)
{
    return work_status_ok(work, work->request.status);
}

struct monotonic_time work_history_until(struct work *work)
{
    struct monotonic_time now = clock_monotonic(work->api->ports.clock);
    return (struct monotonic_time){ now.ns + API_HISTORY_S_MAX * NS_PER_S };
}

bool work_history_over(struct work *work, struct monotonic_time until)
{
    if (clock_monotonic(work->api->ports.clock).ns < until.ns) return false;
    (void)problem_raise(&work->problem, PROBLEM_HISTORY_TOO_LONG,
                        "ask for a shorter or a later time, or use the export");
    problem_limit(&work->problem, API_HISTORY_S_MAX);
    return true;
}

enum status workers_start(struct api *api, struct error *out_error)
{
    struct sync *sync = api->ports.sync;
    for (uint32_t i = 0; i < api->options.workers; i++) {
        struct worker *worker = &api->workers[i];
        worker->api = api;
        worker->quick_only = i == 0 && api->options.workers > 1;
        if (sync->spawn(sync, "api-worker", worker_body, worker, &worker->task) != STATUS_OK)
            return error_set(out_error, STATUS_UNAVAILABLE, "no task for the API could be started");
        api->worker_count++;
    }
    return STATUS_OK;
}

void workers_stop(struct api *api)
{
    struct sync *sync = api->ports.sync;
    sync->lock(api->queue);
    api->stopping = true;
    sync->wake_all(api->queue);
    sync->unlock(api->queue);
    for (uint32_t i = 0; i < api->worker_count; i++) sync->join(api->workers[i].task);
    api->worker_count = 0;
}

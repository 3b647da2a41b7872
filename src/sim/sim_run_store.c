/* Every commit's state is kept, so that a crash can go back to any; runs live until the end. */
#include "sim/sim_run_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { INDEXES_MAX = 8, RUNS_MAX = 256, CALL_US_MAX = 400, SUMMARY_DRAWS = 16 };

enum run_place { RUN_GONE, RUN_WRITING, RUN_COMMITTED, RUN_REPLACED };

struct chunk {
    void *data;
    size_t size;
    bool damaged;
};

struct run {
    struct run *next;
    struct run_info info;
    enum run_place place; /* as of now; states say what was */
    struct chunk summary;
    struct chunk *chunks;
    uint32_t chunk_count;
};

/* What a commit left behind. */
struct state {
    struct store_point cursors[INDEXES_MAX];
    uint32_t run_count;
    struct run *runs[RUNS_MAX];
};

struct sim_shelf {
    struct world *world;
    struct faults *faults;
    void (*misused)(void *owner, const char *text);
    void *owner;
    struct run *all;
    struct state **states; /* the first is empty, the last is now */
    size_t state_count;
    size_t state_room;
    uint64_t commits;
    bool damaged; /* something was, since the last wipe */
    uint32_t open_stores;
};

struct sim_run_store {
    struct run_store port; /* first */
    struct sim_shelf *shelf;
    struct process *process;
};

static struct sim_run_store *from_port(struct run_store *port)
{
    return (struct sim_run_store *)port;
}

static struct state *now(const struct sim_shelf *shelf)
{
    return shelf->states[shelf->state_count - 1];
}

/* A copy of the newest state, or an empty one. */
static struct state *state_push(struct sim_shelf *shelf)
{
    struct state *state = calloc(1, sizeof *state);
    CHECK(state != NULL);
    if (shelf->state_count > 0) *state = *now(shelf);
    if (shelf->state_count == shelf->state_room) {
        shelf->state_room = shelf->state_room == 0 ? 16 : shelf->state_room * 2;
        shelf->states = realloc(shelf->states, shelf->state_room * sizeof(struct state *));
        CHECK(shelf->states != NULL);
    }
    shelf->states[shelf->state_count++] = state;
    return state;
}

static void states_drop(struct sim_shelf *shelf, size_t keep)
{
    while (shelf->state_count > keep) free(shelf->states[--shelf->state_count]);
}

struct sim_shelf *sim_shelf_new(struct world *world, struct faults *faults,
                                void (*misused)(void *owner, const char *text), void *owner)
{
    struct sim_shelf *shelf = calloc(1, sizeof *shelf);
    CHECK(shelf != NULL);
    shelf->world = world;
    shelf->faults = faults;
    shelf->misused = misused;
    shelf->owner = owner;
    (void)state_push(shelf); /* the empty one */
    return shelf;
}

static void chunks_free(struct run *run)
{
    for (uint32_t i = 0; i < run->chunk_count; i++) free(run->chunks[i].data);
    free(run->chunks);
    free(run->summary.data);
    run->chunks = NULL;
    run->chunk_count = 0;
    run->summary.data = NULL;
}

void sim_shelf_free(struct sim_shelf *shelf)
{
    if (shelf == NULL) return;
    CHECK(shelf->open_stores == 0);
    while (shelf->all != NULL) {
        struct run *run = shelf->all;
        shelf->all = run->next;
        chunks_free(run);
        free(run);
    }
    states_drop(shelf, 0);
    free(shelf->states);
    free(shelf);
}

uint64_t sim_shelf_commits(const struct sim_shelf *shelf)
{
    return shelf->commits;
}

/* Makes the place of every run that was committed that of the newest state. */
static void places_renew(struct sim_shelf *shelf)
{
    for (struct run *run = shelf->all; run != NULL; run = run->next) {
        if (run->place == RUN_COMMITTED || run->place == RUN_REPLACED) run->place = RUN_GONE;
    }
    const struct state *state = now(shelf);
    for (uint32_t i = 0; i < state->run_count; i++) state->runs[i]->place = RUN_COMMITTED;
}

static void unfinished_drop(struct sim_shelf *shelf)
{
    for (struct run *run = shelf->all; run != NULL; run = run->next) {
        if (run->place == RUN_WRITING) run->place = RUN_GONE;
    }
}

void sim_shelf_crash(struct sim_shelf *shelf)
{
    CHECK(shelf->open_stores == 0);
    unfinished_drop(shelf);
    size_t keep = shelf->state_count;
    if (keep > 1 && fault_strikes(shelf->faults, SIM_FAULT_RUNS_LOST)) {
        keep = (size_t)fault_between(shelf->faults, SIM_FAULT_RUNS_LOST, 1, keep - 1);
    }
    if (keep > 1 && fault_strikes(shelf->faults, SIM_FAULT_RUNS_LOST_ALL)) keep = 1;
    states_drop(shelf, keep);
    world_mix(shelf->world, keep);
    places_renew(shelf);
}

void sim_shelf_wipe(struct sim_shelf *shelf)
{
    CHECK(shelf->open_stores == 0);
    unfinished_drop(shelf);
    states_drop(shelf, 1);
    places_renew(shelf);
    shelf->damaged = false;
}

bool sim_shelf_damaged(const struct sim_shelf *shelf)
{
    return shelf->damaged;
}

static void misuse(struct sim_run_store *store, const char *text)
{
    store->shelf->misused(store->shelf->owner, text);
}

static enum status finish(struct sim_run_store *store, enum status status)
{
    world_mix(store->shelf->world, status);
    return status;
}

static enum status dead(struct sim_run_store *store, struct error *out_error)
{
    return finish(store, error_set(out_error, STATUS_UNAVAILABLE, "the process has crashed"));
}

/* What every call begins with. Not OK: the call is over. */
static enum status enter(struct sim_run_store *store, enum sim_point point, struct error *out_error)
{
    struct faults *faults = store->shelf->faults;
    if (!process_point(store->process, point)) return dead(store, out_error);
    task_sleep(store->shelf->world,
               (int64_t)fault_between(faults, SIM_FAULT_RUNS_UNAVAILABLE, 1, CALL_US_MAX) *
                   NS_PER_US);
    if (store->process->crashed) return dead(store, out_error);
    if (fault_strikes(faults, SIM_FAULT_RUNS_UNAVAILABLE)) {
        return finish(store,
                      error_set(out_error, STATUS_UNAVAILABLE, "the run store does not answer"));
    }
    return STATUS_OK;
}

static struct run *run_find(const struct sim_shelf *shelf, uint64_t id, enum run_place place)
{
    struct run *run = shelf->all;
    while (run != NULL && (run->info.id != id || run->place != place)) run = run->next;
    return run;
}

static enum status sim_cursor(struct run_store *port, uint32_t index,
                              struct store_point *out_cursor, struct error *out_error)
{
    struct sim_run_store *store = from_port(port);
    CHECK(index < INDEXES_MAX);
    enum status status = enter(store, SIM_POINT_RUNS_CURSOR, out_error);
    if (status != STATUS_OK) return status;
    *out_cursor = now(store->shelf)->cursors[index];
    return finish(store, STATUS_OK);
}

static int info_compare(const void *left, const void *right)
{
    const struct run_info *a = left;
    const struct run_info *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

static enum status sim_list(struct run_store *port, uint32_t index, struct buf *out_runs,
                            struct error *out_error)
{
    struct sim_run_store *store = from_port(port);
    enum status status = enter(store, SIM_POINT_RUNS_LIST, out_error);
    if (status != STATUS_OK) return status;
    const struct state *state = now(store->shelf);
    size_t first = out_runs->len;
    for (uint32_t i = 0; i < state->run_count; i++) {
        const struct run_info *info = &state->runs[i]->info;
        if (info->index == index) buf_append(out_runs, info, sizeof *info);
    }
    if (buf_status(out_runs) != STATUS_OK) return finish(store, STATUS_LIMIT);
    size_t count = (out_runs->len - first) / sizeof(struct run_info);
    if (count > 0) {
        qsort(out_runs->data + first, count, sizeof(struct run_info), info_compare);
    }
    return finish(store, STATUS_OK);
}

static void damage_maybe(struct sim_shelf *shelf, struct chunk *chunk)
{
    if (!fault_strikes(shelf->faults, SIM_FAULT_RUNS_DAMAGED)) return;
    chunk->damaged = true;
    shelf->damaged = true;
}

/* The end of both reading calls: the bytes, unless damaged. */
static enum status chunk_give(struct sim_run_store *store, struct chunk *chunk, uint64_t run,
                              struct buf *out_data, struct error *out_error)
{
    damage_maybe(store->shelf, chunk);
    if (chunk->damaged) {
        return finish(store, error_set(out_error, STATUS_CORRUPT,
                                       "run %" PRIu64 " is not what was written", run));
    }
    buf_reset(out_data);
    buf_append(out_data, chunk->data, chunk->size);
    return finish(store, buf_status(out_data));
}

static enum status sim_summary_read(struct run_store *port, uint64_t id, struct buf *out_summary,
                                    struct error *out_error)
{
    struct sim_run_store *store = from_port(port);
    enum status status = enter(store, SIM_POINT_RUNS_SUMMARY_READ, out_error);
    if (status != STATUS_OK) return status;
    struct run *run = run_find(store->shelf, id, RUN_COMMITTED);
    if (run == NULL) return finish(store, error_set(out_error, STATUS_CORRUPT, "no such run"));
    /* read once in a life, where a chunk is read often: so more likely each time */
    for (int i = 0; i < SUMMARY_DRAWS; i++) damage_maybe(store->shelf, &run->summary);
    return chunk_give(store, &run->summary, id, out_summary, out_error);
}

static enum status sim_chunk_read(struct run_store *port, uint64_t id, uint32_t chunk,
                                  struct buf *out_chunk, struct error *out_error)
{
    struct sim_run_store *store = from_port(port);
    enum status status = enter(store, SIM_POINT_RUNS_CHUNK_READ, out_error);
    if (status != STATUS_OK) return status;
    struct run *run = run_find(store->shelf, id, RUN_COMMITTED);
    if (run == NULL) run = run_find(store->shelf, id, RUN_REPLACED);
    if (run == NULL || chunk >= run->chunk_count) {
        return finish(store, error_set(out_error, STATUS_CORRUPT, "no such chunk"));
    }
    return chunk_give(store, &run->chunks[chunk], id, out_chunk, out_error);
}

static struct run *run_begin(struct sim_shelf *shelf, uint64_t id)
{
    struct run *run = calloc(1, sizeof *run);
    CHECK(run != NULL);
    run->info.id = id;
    run->place = RUN_WRITING;
    run->next = shelf->all;
    shelf->all = run;
    return run;
}

static struct chunk chunk_copy(const void *data, size_t size)
{
    struct chunk chunk = { .data = malloc(size > 0 ? size : 1), .size = size };
    CHECK(chunk.data != NULL);
    if (size > 0) memcpy(chunk.data, data, size);
    return chunk;
}

static enum status sim_chunk_write(struct run_store *port, uint64_t id, uint32_t chunk,
                                   const void *data, size_t size, struct error *out_error)
{
    struct sim_run_store *store = from_port(port);
    struct sim_shelf *shelf = store->shelf;
    enum status status = enter(store, SIM_POINT_RUNS_CHUNK_WRITE, out_error);
    if (status != STATUS_OK) return status;
    if (fault_strikes(shelf->faults, SIM_FAULT_RUNS_FULL)) {
        return finish(store, error_set(out_error, STATUS_LIMIT, "the disk is full"));
    }
    if (run_find(shelf, id, RUN_COMMITTED) != NULL) misuse(store, "run_store: a run's id again");
    struct run *run = run_find(shelf, id, RUN_WRITING);
    if (run != NULL && chunk == 0) {
        chunks_free(run); /* begun again after a failure */
    } else if (run == NULL) {
        run = run_begin(shelf, id);
    }
    if (chunk != run->chunk_count) misuse(store, "run_store: chunks out of order");
    run->chunks = realloc(run->chunks, (run->chunk_count + 1) * sizeof *run->chunks);
    CHECK(run->chunks != NULL);
    run->chunks[run->chunk_count++] = chunk_copy(data, size);
    return finish(store, STATUS_OK);
}

static void state_remove(struct sim_run_store *store, struct state *state, uint64_t id)
{
    for (uint32_t i = 0; i < state->run_count; i++) {
        if (state->runs[i]->info.id != id) continue;
        state->runs[i] = state->runs[--state->run_count];
        return;
    }
    misuse(store, "run_store: replaces a run that is not there");
}

/* The run as it becomes visible; NULL when its chunks are not all written. */
static struct run *run_complete(struct sim_run_store *store, const struct run_info *info,
                                struct str summary)
{
    struct run *run = run_find(store->shelf, info->id, RUN_WRITING);
    if (run == NULL && info->chunks == 0) run = run_begin(store->shelf, info->id);
    if (run == NULL || run->chunk_count != info->chunks) {
        misuse(store, "run_store: commits a run without its chunks");
        return NULL;
    }
    run->info = *info;
    run->summary = chunk_copy(summary.data, summary.len);
    return run;
}

static enum status sim_commit(struct run_store *port, const struct run_commit *commit,
                              struct error *out_error)
{
    struct sim_run_store *store = from_port(port);
    struct sim_shelf *shelf = store->shelf;
    CHECK(commit->index < INDEXES_MAX);
    enum status status = enter(store, SIM_POINT_RUNS_COMMIT, out_error);
    if (status != STATUS_OK) return status;
    if (fault_strikes(shelf->faults, SIM_FAULT_RUNS_FULL)) {
        return finish(store, error_set(out_error, STATUS_LIMIT, "the disk is full"));
    }
    struct run *run = NULL;
    if (commit->run != NULL) {
        run = run_complete(store, commit->run, commit->summary);
        if (run == NULL) return finish(store, STATUS_UNAVAILABLE);
    }
    struct state *state = state_push(shelf);
    for (uint32_t i = 0; i < commit->replaced_count; i++) {
        state_remove(store, state, commit->replaced[i]);
    }
    if (run != NULL) {
        CHECK(state->run_count < RUNS_MAX);
        state->runs[state->run_count++] = run;
    }
    places_renew(shelf);
    for (uint32_t i = 0; i < commit->replaced_count; i++) {
        struct run *replaced = run_find(shelf, commit->replaced[i], RUN_GONE);
        if (replaced != NULL) replaced->place = RUN_REPLACED;
    }
    if (commit->cursor.batch < state->cursors[commit->index].batch)
        misuse(store, "run_store: a cursor goes back");
    state->cursors[commit->index] = commit->cursor;
    shelf->commits++;
    world_mix(shelf->world, commit->cursor.batch);
    if (!process_point(store->process, SIM_POINT_RUNS_COMMITTED)) return dead(store, out_error);
    return finish(store, STATUS_OK);
}

static enum status sim_clear(struct run_store *port, struct error *out_error)
{
    struct sim_run_store *store = from_port(port);
    enum status status = enter(store, SIM_POINT_RUNS_CLEAR, out_error);
    if (status != STATUS_OK) return status;
    states_drop(store->shelf, 1); /* durable: no crash goes back behind it */
    store->shelf->damaged = false;
    places_renew(store->shelf);
    return finish(store, STATUS_OK);
}

static void sim_close(struct run_store *port)
{
    struct sim_run_store *store = from_port(port);
    store->shelf->open_stores--;
    free(store);
}

struct run_store *sim_run_store_open(struct sim_shelf *shelf, struct process *process)
{
    struct sim_run_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    *store = (struct sim_run_store){
        .port = { .cursor = sim_cursor,
                  .list = sim_list,
                  .summary_read = sim_summary_read,
                  .chunk_read = sim_chunk_read,
                  .chunk_write = sim_chunk_write,
                  .commit = sim_commit,
                  .clear = sim_clear,
                  .close = sim_close },
        .shelf = shelf,
        .process = process,
    };
    shelf->open_stores++;
    unfinished_drop(shelf);
    return &store->port;
}

/* The board before each of the last saves is kept, so that a crash can go back to one. */
#include "sim/sim_relay_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { STATES_MAX = 64, LETTERS_MAX = 1024, KEPT_MAX = 8, CALL_US_MAX = 300 };

struct content {
    uint32_t state_count;
    uint32_t letter_count;
    struct relay_state states[STATES_MAX];
    struct dead_letter letters[LETTERS_MAX]; /* by endpoint and sequence */
};

struct sim_board {
    struct world *world;
    struct faults *faults;
    uint32_t open_stores;
    uint32_t kept_count;
    struct content *kept[KEPT_MAX]; /* oldest first; what stood before the last saves */
    struct content *now;
};

struct sim_relay_store {
    struct relay_store port; /* first */
    struct sim_board *board;
    struct process *process;
};

static struct content *content_new(void)
{
    struct content *content = calloc(1, sizeof *content);
    CHECK(content != NULL);
    return content;
}

struct sim_board *sim_board_new(struct world *world, struct faults *faults)
{
    struct sim_board *board = calloc(1, sizeof *board);
    CHECK(board != NULL);
    *board = (struct sim_board){ .world = world, .faults = faults, .now = content_new() };
    return board;
}

void sim_board_free(struct sim_board *board)
{
    if (board == NULL) return;
    CHECK(board->open_stores == 0);
    for (uint32_t i = 0; i < board->kept_count; i++) free(board->kept[i]);
    free(board->now);
    free(board);
}

static void keep(struct sim_board *board)
{
    if (board->kept_count == KEPT_MAX) {
        free(board->kept[0]);
        memmove(board->kept, board->kept + 1, --board->kept_count * sizeof board->kept[0]);
    }
    struct content *copy = content_new();
    *copy = *board->now;
    board->kept[board->kept_count++] = copy;
}

void sim_board_crash(struct sim_board *board)
{
    CHECK(board->open_stores == 0);
    if (board->kept_count > 0 && fault_strikes(board->faults, SIM_FAULT_RUNS_LOST)) {
        uint64_t back = fault_between(board->faults, SIM_FAULT_RUNS_LOST, 0, board->kept_count - 1);
        *board->now = *board->kept[back];
        while (board->kept_count > back) free(board->kept[--board->kept_count]);
    }
    if (fault_strikes(board->faults, SIM_FAULT_RUNS_LOST_ALL)) *board->now = (struct content){ 0 };
    world_mix(board->world, board->now->state_count);
}

static enum status dead(struct error *out_error)
{
    return error_set(out_error, STATUS_UNAVAILABLE, "the process has crashed");
}

/* What every call begins with. Not OK: the call is over. */
static enum status enter(struct sim_relay_store *store, enum sim_point point,
                         struct error *out_error)
{
    struct faults *faults = store->board->faults;
    if (!process_point(store->process, point)) return dead(out_error);
    task_sleep(store->board->world,
               (int64_t)fault_between(faults, SIM_FAULT_STORE_UNAVAILABLE, 1, CALL_US_MAX) *
                   NS_PER_US);
    if (store->process->crashed) return dead(out_error);
    if (fault_strikes(faults, SIM_FAULT_STORE_UNAVAILABLE)) {
        return error_set(out_error, STATUS_UNAVAILABLE, "the relay store does not answer");
    }
    if (point == SIM_POINT_STORE_APPEND && fault_strikes(faults, SIM_FAULT_DISK_FULL)) {
        return error_set(out_error, STATUS_LIMIT, "the disk is full");
    }
    return STATUS_OK;
}

static struct relay_state *state_find(struct content *content, struct uuid endpoint)
{
    for (uint32_t i = 0; i < content->state_count; i++) {
        if (uuid_equal(content->states[i].endpoint, endpoint)) return &content->states[i];
    }
    return NULL;
}

static enum status sim_load(struct relay_store *port, struct uuid endpoint,
                            struct relay_state *out_state, struct error *out_error)
{
    struct sim_relay_store *store = (struct sim_relay_store *)port;
    enum status status = enter(store, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    const struct relay_state *state = state_find(store->board->now, endpoint);
    if (state == NULL) return STATUS_NOT_FOUND;
    *out_state = *state;
    return STATUS_OK;
}

/* Where the letter stands or would stand. */
static uint32_t letter_place(const struct content *content, struct uuid endpoint, uint64_t sequence)
{
    uint32_t at = 0;
    for (; at < content->letter_count; at++) {
        int order = uuid_compare(content->letters[at].endpoint, endpoint);
        if (order > 0 || (order == 0 && content->letters[at].sequence >= sequence)) break;
    }
    return at;
}

static bool letter_is(const struct content *content, uint32_t at, struct uuid endpoint,
                      uint64_t sequence)
{
    return at < content->letter_count && uuid_equal(content->letters[at].endpoint, endpoint) &&
           content->letters[at].sequence == sequence;
}

static void letter_put(struct content *content, const struct dead_letter *letter)
{
    uint32_t at = letter_place(content, letter->endpoint, letter->sequence);
    if (!letter_is(content, at, letter->endpoint, letter->sequence)) {
        CHECK(content->letter_count < LETTERS_MAX);
        memmove(&content->letters[at + 1], &content->letters[at],
                (content->letter_count++ - at) * sizeof *letter);
    }
    content->letters[at] = *letter;
}

static void letter_take(struct content *content, uint32_t at)
{
    memmove(&content->letters[at], &content->letters[at + 1],
            (--content->letter_count - at) * sizeof content->letters[0]);
}

static enum status sim_save(struct relay_store *port, const struct relay_state *state,
                            const struct dead_letter *letter, struct error *out_error)
{
    struct sim_relay_store *store = (struct sim_relay_store *)port;
    struct content *content = store->board->now;
    enum status status = enter(store, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    keep(store->board);
    struct relay_state *there = state_find(content, state->endpoint);
    if (there == NULL) {
        CHECK(content->state_count < STATES_MAX);
        there = &content->states[content->state_count++];
    }
    *there = *state;
    if (letter != NULL) letter_put(content, letter);
    world_mix(store->board->world, state->sequence);
    if (!process_point(store->process, SIM_POINT_STORE_APPENDED)) return dead(out_error);
    return STATUS_OK;
}

static enum status sim_remove(struct relay_store *port, struct uuid endpoint, uint64_t sequence,
                              struct error *out_error)
{
    struct sim_relay_store *store = (struct sim_relay_store *)port;
    struct content *content = store->board->now;
    enum status status = enter(store, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    keep(store->board);
    uint32_t at = letter_place(content, endpoint, sequence);
    if (letter_is(content, at, endpoint, sequence)) letter_take(content, at);
    if (!process_point(store->process, SIM_POINT_STORE_APPENDED)) return dead(out_error);
    return STATUS_OK;
}

static enum status sim_letters(struct relay_store *port, struct uuid endpoint, uint64_t above,
                               struct dead_letter *out_letters, uint32_t limit, uint32_t *out_count)
{
    struct sim_relay_store *store = (struct sim_relay_store *)port;
    const struct content *content = store->board->now;
    enum status status = enter(store, SIM_POINT_STORE_READ, NULL);
    if (status != STATUS_OK) return status;
    uint32_t count = 0;
    for (uint32_t i = 0; i < content->letter_count && count < limit; i++) {
        if (!uuid_equal(content->letters[i].endpoint, endpoint)) continue;
        if (content->letters[i].sequence > above) out_letters[count++] = content->letters[i];
    }
    *out_count = count;
    return STATUS_OK;
}

static enum status sim_forget(struct relay_store *port, struct uuid endpoint,
                              struct error *out_error)
{
    struct sim_relay_store *store = (struct sim_relay_store *)port;
    struct content *content = store->board->now;
    enum status status = enter(store, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    keep(store->board);
    struct relay_state *there = state_find(content, endpoint);
    if (there != NULL) *there = content->states[--content->state_count];
    for (uint32_t i = content->letter_count; i > 0; i--) {
        if (uuid_equal(content->letters[i - 1].endpoint, endpoint)) letter_take(content, i - 1);
    }
    if (!process_point(store->process, SIM_POINT_STORE_APPENDED)) return dead(out_error);
    return STATUS_OK;
}

static void sim_close(struct relay_store *port)
{
    if (port == NULL) return;
    struct sim_relay_store *store = (struct sim_relay_store *)port;
    store->board->open_stores--;
    free(store);
}

struct relay_store *sim_relay_store_open(struct sim_board *board, struct process *process)
{
    struct sim_relay_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    *store = (struct sim_relay_store){ .port = { .load = sim_load,
                                                 .save = sim_save,
                                                 .remove = sim_remove,
                                                 .letters = sim_letters,
                                                 .forget = sim_forget,
                                                 .close = sim_close },
                                       .board = board,
                                       .process = process };
    board->open_stores++;
    return &store->port;
}

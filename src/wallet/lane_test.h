/* lane_test.h - for tests: a lane without threads, over ports in memory that fail when told to. */
#ifndef WALLET_LANE_TEST_H
#define WALLET_LANE_TEST_H

#include "payment/chart.h"
#include "wallet/committer.h"
#include "wallet/run_test.h"

/*
 * The lane's tasks are not run beside the test but by it: whoever waits lets the apply task do
 * its rounds, and the helping tasks what they were rung for, until nothing is left to do. Then
 * the clock is put forward. So a test decides what happens before what, and a wait that nobody
 * would end fails the test.
 */
enum { DISK_BATCHES = 4096, DISK_SLICES = 4096, BENCH_TASKS = 3, BENCH_IDLE_MS_MAX = 60000 };

/* What the next append comes to, when it is not a good one. */
enum append_fault {
    APPEND_GOOD,
    APPEND_REFUSED,      /* with the status that was given; nothing is written */
    APPEND_DOUBT_LOST,   /* IN_DOUBT, and nothing is written */
    APPEND_DOUBT_LANDED, /* IN_DOUBT, and it is written */
};

struct disk_batch {
    uint8_t *data;
    size_t size;
    struct digest hash;
    struct wall_time stamp;
};

/* What survives a life of the process. */
struct disk {
    struct disk_batch batches[DISK_BATCHES]; /* [0] is unused */
    uint64_t head;
    uint64_t epoch;
    struct store_slice slices[DISK_SLICES];
    uint32_t slice_count;
};

struct monitor {
    struct bench *bench;
    bool locked;
};

struct task {
    struct bench *bench;
    void (*body)(void *argument);
    void *argument;
};

/* A port and whom it belongs to. */
struct bench_store {
    struct store port; /* first; so in all below */
    struct bench *bench;
};
struct bench_sync {
    struct sync port;
    struct bench *bench;
};
struct bench_clock {
    struct clock port;
    struct bench *bench;
};
struct bench_entropy {
    struct entropy port;
    uint64_t drawn;
};
struct bench_log {
    struct log port;
    uint32_t alarms;
};

struct bench {
    struct disk *disk;
    struct shelf *shelf;
    struct bench_store store;
    struct bench_sync sync;
    struct bench_clock clock;
    struct bench_entropy entropy;
    struct bench_log log;
    struct lane_options options;
    struct lane *lane;

    struct task tasks[BENCH_TASKS]; /* flush, index, apply: in order of spawning */
    uint32_t task_count;
    uint32_t spawns_left; /* before spawn fails */
    bool applying;        /* the apply task is what runs */
    int64_t idle_ms;      /* for how long nothing has happened */
    bool hold_flush;      /* the flush task does not come to its work */
    bool hold_index;

    int64_t monotonic_ns;
    int64_t wall_ns; /* of the wall clock when monotonic is 0 */

    bool no_room; /* the disk is full, and says so when asked */
    uint64_t room_looks;
    enum append_fault fault;
    enum status fault_status;
    uint32_t fault_after;      /* appends before it */
    int64_t append_ms;         /* how long an append takes */
    bool fault_takes_over;     /* another owner claims the lane in the moment of the fault */
    uint32_t reopen_fails;     /* so many reopens say UNAVAILABLE */
    uint32_t slice_list_fails; /* and so many lists of slices */
    uint32_t read_part_fails;  /* and so many reads of history, */
    uint32_t read_part_skip;   /* after so many that go well */
    uint32_t read_fails;       /* and so many of whole batches */
    bool dead;                 /* no call of a store succeeds: the power is off */
    bool in_doubt;             /* reopen() is due */
    uint64_t appends;
    void (*on_claim)(struct bench *bench);
};

static inline struct bench *bench_of(struct store *store)
{
    return ((struct bench_store *)store)->bench;
}

/* ---- The store ---- */

static inline enum status bench_enter(struct bench *bench, struct error *out_error)
{
    assert_false(bench->in_doubt); /* nothing but reopen() is allowed then */
    return bench->dead ? error_set(out_error, STATUS_UNAVAILABLE, "no power") : STATUS_OK;
}

static inline struct store_head disk_head(const struct disk *disk)
{
    const struct disk_batch *last = &disk->batches[disk->head];
    return (struct store_head){ disk->epoch, disk->head, last->hash, last->stamp };
}

static inline enum status bench_head(struct store *store, struct store_head *out_head,
                                     struct error *out_error)
{
    struct bench *bench = bench_of(store);
    enum status status = bench_enter(bench, out_error);
    if (status == STATUS_OK) *out_head = disk_head(bench->disk);
    return status;
}

static inline enum status bench_claim(struct store *store, struct store_head *out_head,
                                      struct error *out_error)
{
    struct bench *bench = bench_of(store);
    enum status status = bench_enter(bench, out_error);
    if (status != STATUS_OK) return status;
    if (bench->on_claim != NULL) bench->on_claim(bench);
    bench->disk->epoch++;
    *out_head = disk_head(bench->disk);
    return STATUS_OK;
}

static inline void disk_slice_add(struct disk *disk, const struct store_slice *slice, uint64_t at)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < disk->slice_count; i++) {
        struct store_slice *old = &disk->slices[i];
        bool replaced = old->table == slice->table && old->generation < slice->generation &&
                        old->to <= slice->to;
        if (replaced) {
            free((void *)(uintptr_t)old->data);
        } else {
            disk->slices[kept++] = *old;
        }
    }
    assert_true(kept < DISK_SLICES);
    void *data = malloc(slice->size + 1);
    assert_non_null(data);
    if (slice->size > 0) memcpy(data, slice->data, slice->size);
    disk->slices[kept] = *slice;
    disk->slices[kept].data = data;
    disk->slices[kept].at_batch = at;
    disk->slice_count = kept + 1;
}

static inline void disk_append(struct disk *disk, const struct store_batch *batch)
{
    assert_true(disk->head + 1 < DISK_BATCHES);
    struct disk_batch *into = &disk->batches[++disk->head];
    into->data = aligned_alloc(16, (batch->size + 15) / 16 * 16);
    assert_non_null(into->data);
    memcpy(into->data, batch->data, batch->size);
    into->size = batch->size;
    into->hash = batch->hash;
    into->stamp = batch->stamp;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        disk_slice_add(disk, &batch->slices[i], batch->sequence);
    }
}

static inline enum status bench_room(struct store *store, struct error *out_error)
{
    struct bench *bench = bench_of(store);
    bench->room_looks++;
    return bench->no_room ? error_set(out_error, STATUS_LIMIT, "told to") : STATUS_OK;
}

static inline enum status bench_append(struct store *store, const struct store_batch *batch,
                                       struct error *out_error)
{
    struct bench *bench = bench_of(store);
    enum status status = bench_enter(bench, out_error);
    if (status != STATUS_OK) return status;
    bench->appends++;
    bench->monotonic_ns += bench->append_ms * NS_PER_MS;
    assert_true(batch->slice_count <= STORE_SLICES_PER_BATCH_MAX);
    struct disk *disk = bench->disk;
    if (batch->epoch != disk->epoch || batch->sequence != disk->head + 1) {
        return error_set(out_error, STATUS_FENCED, "the lane is another's");
    }
    enum append_fault fault = bench->fault_after == 0 ? bench->fault : APPEND_GOOD;
    if (bench->fault != APPEND_GOOD && bench->fault_after > 0) bench->fault_after--;
    if (fault != APPEND_GOOD) {
        bench->fault = APPEND_GOOD;
        disk->epoch += bench->fault_takes_over;
    }
    if (fault == APPEND_REFUSED) return error_set(out_error, bench->fault_status, "told to");
    if (fault != APPEND_DOUBT_LOST) disk_append(disk, batch);
    if (fault == APPEND_GOOD) return STATUS_OK;
    bench->in_doubt = true;
    return error_set(out_error, STATUS_IN_DOUBT, "told to");
}

static inline enum status bench_reopen(struct store *store, struct error *out_error)
{
    struct bench *bench = bench_of(store);
    if (bench->dead || shelf_fails(&bench->reopen_fails)) {
        return error_set(out_error, STATUS_UNAVAILABLE, "told to");
    }
    bench->in_doubt = false;
    return STATUS_OK;
}

static inline enum status bench_read(struct store *store, uint64_t sequence, struct buf *out_blob,
                                     struct error *out_error)
{
    struct bench *bench = bench_of(store);
    enum status status = bench_enter(bench, out_error);
    if (status != STATUS_OK) return status;
    if (shelf_fails(&bench->read_fails)) {
        return error_set(out_error, STATUS_UNAVAILABLE, "told to");
    }
    if (sequence == 0 || sequence > bench->disk->head) return STATUS_NOT_FOUND;
    const struct disk_batch *batch = &bench->disk->batches[sequence];
    buf_reset(out_blob);
    buf_append(out_blob, batch->data, batch->size);
    return buf_status(out_blob);
}

static inline enum status bench_read_part(struct store *store, uint64_t sequence, uint32_t offset,
                                          uint32_t size, void *out_bytes, struct error *out_error)
{
    struct bench *bench = bench_of(store);
    enum status status = bench_enter(bench, out_error);
    if (status != STATUS_OK) return status;
    bool skipped = bench->read_part_fails > 0 && shelf_fails(&bench->read_part_skip);
    if (!skipped && shelf_fails(&bench->read_part_fails)) {
        return error_set(out_error, STATUS_UNAVAILABLE, "told to");
    }
    if (sequence == 0 || sequence > bench->disk->head) return STATUS_NOT_FOUND;
    const struct disk_batch *batch = &bench->disk->batches[sequence];
    if (offset + (size_t)size > batch->size) return error_set(out_error, STATUS_CORRUPT, "short");
    memcpy(out_bytes, batch->data + offset, size);
    return STATUS_OK;
}

static inline enum status bench_find_stamp(struct store *store, struct wall_time stamp,
                                           uint64_t *out_sequence, struct error *out_error)
{
    struct bench *bench = bench_of(store);
    enum status status = bench_enter(bench, out_error);
    if (status != STATUS_OK) return status;
    *out_sequence = 1;
    while (*out_sequence <= bench->disk->head &&
           bench->disk->batches[*out_sequence].stamp.ns < stamp.ns) {
        (*out_sequence)++;
    }
    return STATUS_OK;
}

static inline int disk_slice_order(const void *left, const void *right)
{
    const struct store_slice *a = left;
    const struct store_slice *b = right;
    if (a->table != b->table) return a->table < b->table ? -1 : 1;
    if (a->generation != b->generation) return a->generation < b->generation ? -1 : 1;
    return a->from < b->from ? -1 : a->from > b->from;
}

static inline enum status bench_slice_list(struct store *store, struct buf *out_slices,
                                           struct error *out_error)
{
    struct bench *bench = bench_of(store);
    enum status status = bench_enter(bench, out_error);
    if (status != STATUS_OK) return status;
    if (shelf_fails(&bench->slice_list_fails)) {
        return error_set(out_error, STATUS_UNAVAILABLE, "told to");
    }
    struct disk *disk = bench->disk;
    qsort(disk->slices, disk->slice_count, sizeof disk->slices[0], disk_slice_order);
    for (uint32_t i = 0; i < disk->slice_count; i++) {
        struct store_slice listed = disk->slices[i];
        listed.data = NULL;
        buf_append(out_slices, &listed, sizeof listed);
    }
    return buf_status(out_slices);
}

static inline enum status bench_slice_read(struct store *store, const struct store_slice *slice,
                                           struct buf *out_data, struct error *out_error)
{
    struct bench *bench = bench_of(store);
    enum status status = bench_enter(bench, out_error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < bench->disk->slice_count; i++) {
        const struct store_slice *stored = &bench->disk->slices[i];
        if (disk_slice_order(stored, slice) != 0) continue;
        buf_append(out_data, stored->data, stored->size);
        return buf_status(out_data);
    }
    return error_set(out_error, STATUS_CORRUPT, "no such slice");
}

static inline void bench_store_close(struct store *store)
{
    (void)store; /* it is the bench's */
}

/* ---- Clock, entropy, log ---- */

static inline struct wall_time bench_wall(struct clock *clock)
{
    struct bench *bench = ((struct bench_clock *)clock)->bench;
    return (struct wall_time){ bench->wall_ns + bench->monotonic_ns };
}

static inline struct monotonic_time bench_monotonic(struct clock *clock)
{
    struct bench *bench = ((struct bench_clock *)clock)->bench;
    bench->monotonic_ns += NS_PER_US;
    return (struct monotonic_time){ bench->monotonic_ns };
}

static inline void bench_fill(struct entropy *entropy, void *out_bytes, size_t size)
{
    struct bench_entropy *own = (struct bench_entropy *)entropy;
    for (size_t i = 0; i < size; i++) {
        own->drawn = own->drawn * UINT64_C(6364136223846793005) + 1442695040888963407;
        ((uint8_t *)out_bytes)[i] = (uint8_t)(own->drawn >> 56);
    }
}

static inline void bench_log_write(struct log *log, const struct log_line *line)
{
    if (line->level == LOG_ALARM) ((struct bench_log *)log)->alarms++;
}

/* ---- Tasks ---- */

/* Lets a helping task do what it was rung for. */
static inline bool bench_help(struct doorbell *bell, void (*body)(void *lane), struct lane *lane)
{
    if (!bell->rung) return false;
    bool stop = bell->stop;
    bell->stop = true; /* it comes back when that is done */
    body(lane);
    bell->stop = stop;
    return true;
}

static inline bool bench_helpers(struct bench *bench)
{
    if (bench->task_count == 0) return false;
    struct lane *lane = bench->tasks[0].argument;
    bool any = !bench->hold_flush && bench_help(&lane->flush_bell, committer_flush, lane);
    return (!bench->hold_index && bench_help(&lane->index_bell, committer_index, lane)) || any;
}

/* Who waits without an end for a task that is held has it come to its work. */
static inline bool bench_held_help(struct bench *bench, struct monotonic_time until)
{
    if (until.ns != MONOTONIC_NEVER.ns) return false;
    bool flush = bench->hold_flush;
    bool index = bench->hold_index;
    bench->hold_flush = false;
    bench->hold_index = false;
    bool any = bench_helpers(bench);
    bench->hold_flush = flush;
    bench->hold_index = index;
    return any;
}

/* Runs the lane until there is nothing to do at this moment. */
static inline void bench_settle(struct bench *bench)
{
    assert_false(bench->applying);
    assert_int_equal(bench->task_count, BENCH_TASKS);
    struct lane *lane = bench->tasks[0].argument;
    bool any = true;
    while (any) {
        struct committer_seen seen;
        bench->applying = true;
        any = committer_round(lane, &seen);
        bench->applying = false;
        any = bench_helpers(bench) || any;
        if (any) bench->idle_ms = 0;
    }
}

static inline void bench_sleep(struct bench *bench, int64_t ms)
{
    bench->monotonic_ns += ms * NS_PER_MS;
}

static inline void bench_idle(struct bench *bench)
{
    bench_sleep(bench, 10);
    bench->idle_ms += 10;
    if (bench->idle_ms > BENCH_IDLE_MS_MAX) fail_msg("nobody will end this wait");
}

static inline struct monitor *bench_monitor_new(struct sync *sync, const char *name)
{
    (void)name; /* there are no threads to name */
    struct monitor *monitor = calloc(1, sizeof *monitor);
    assert_non_null(monitor);
    monitor->bench = ((struct bench_sync *)sync)->bench;
    return monitor;
}

static inline void bench_monitor_free(struct monitor *monitor)
{
    assert_false(monitor != NULL && monitor->locked);
    free(monitor);
}

static inline void bench_lock(struct monitor *monitor)
{
    assert_false(monitor->locked);
    monitor->locked = true;
}

static inline void bench_unlock(struct monitor *monitor)
{
    assert_true(monitor->locked);
    monitor->locked = false;
}

static inline bool bench_wait(struct monitor *monitor, struct monotonic_time until)
{
    struct bench *bench = monitor->bench;
    bench_unlock(monitor);
    bool in_time = true;
    if (!bench->applying) {
        bench_settle(bench);
        bench_idle(bench);
    } else if (bench_helpers(bench) || bench_held_help(bench, until)) {
        bench->idle_ms = 0;
    } else if (until.ns < bench->monotonic_ns + BENCH_IDLE_MS_MAX * NS_PER_MS) {
        if (until.ns > bench->monotonic_ns) bench->monotonic_ns = until.ns;
        in_time = false;
        bench_idle(bench);
    } else {
        fail_msg("the apply task waits for what nobody does");
    }
    bench_lock(monitor);
    return in_time;
}

static inline void bench_wake_all(struct monitor *monitor)
{
    (void)monitor; /* nobody sleeps here: whoever waits looks again */
}

static inline enum status bench_spawn(struct sync *sync, const char *name,
                                      void (*body)(void *argument), void *argument,
                                      struct task **out_task)
{
    (void)name; /* as above */
    struct bench *bench = ((struct bench_sync *)sync)->bench;
    if (bench->spawns_left == 0) return STATUS_UNAVAILABLE;
    bench->spawns_left--;
    struct task *task = &bench->tasks[bench->task_count++];
    *task = (struct task){ bench, body, argument };
    *out_task = task;
    return STATUS_OK;
}

/* The body runs to its end here: of the apply task, all that is left; of others, nothing. */
static inline void bench_join(struct task *task)
{
    if (task == NULL) return;
    struct bench *bench = task->bench;
    bool applies = task->body == committer_apply;
    bench->applying = applies;
    bench->idle_ms = 0;
    task->body(task->argument);
    bench->applying = false;
}

/* ---- Lives ---- */

static inline void bench_init(struct bench *bench, struct disk *disk, struct shelf *shelf)
{
    *bench = (struct bench){
        .disk = disk,
        .shelf = shelf,
        .store = { { bench_head, bench_claim, bench_room, bench_append, bench_reopen, bench_read,
                     bench_read_part, bench_find_stamp, bench_slice_list, bench_slice_read,
                     bench_store_close },
                   bench },
        .sync = { { bench_monitor_new, bench_monitor_free, bench_lock, bench_unlock, bench_wait,
                    bench_wake_all, bench_spawn, bench_join },
                  bench },
        .clock = { { bench_wall, bench_monotonic }, bench },
        .entropy = { { bench_fill }, 1 },
        .log = { { bench_log_write }, 0 },
        .options = { .accounts_max = 4096,
                     .holds_max = 16384,
                     .reversals_max = 1024,
                     .payments_max = 256,
                     .memtable_ids = 1 << 10,
                     .index_wait_ms = -1 },
        .spawns_left = UINT32_MAX,
        .wall_ns = INT64_C(1795000000) * NS_PER_S,
        .fault_status = STATUS_UNAVAILABLE,
    };
}

static inline enum status bench_try_open(struct bench *bench, struct error *out_error)
{
    const struct lane_ports ports = { &bench->store.port,
                                      &bench->shelf->port,
                                      &bench->clock.port,
                                      &bench->entropy.port,
                                      &bench->sync.port,
                                      &bench->log.port,
                                      NULL };
    bench->task_count = 0;
    bench->dead = false;
    bench->in_doubt = false;
    shelf_tidy(bench->shelf);
    return lane_open(&ports, &bench->options, &bench->lane, out_error);
}

static inline void bench_open(struct bench *bench)
{
    struct error error = { 0 };
    enum status status = bench_try_open(bench, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", status_name(status), error.message);
}

static inline void bench_close(struct bench *bench)
{
    lane_close(bench->lane);
    bench->lane = NULL;
}

/* The power goes: what the lane does from here on reaches no store. */
static inline void bench_crash(struct bench *bench)
{
    bench->dead = true;
    bench->hold_flush = false;
    bench->hold_index = false;
    bench->shelf->write_fails = UINT32_MAX;
    bench->shelf->commit_fails = UINT32_MAX;
    bench_close(bench);
    bench->shelf->write_fails = 0;
    bench->shelf->commit_fails = 0;
}

static inline void disk_free(struct disk *disk)
{
    for (uint64_t i = 1; i <= disk->head; i++) free(disk->batches[i].data);
    for (uint32_t i = 0; i < disk->slice_count; i++) {
        free((void *)(uintptr_t)disk->slices[i].data);
    }
    free(disk);
}

/* A fresh disk with an open lane. */
static inline struct bench *bench_new(void)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct disk *disk = calloc(1, sizeof *disk);
    struct shelf *shelf = calloc(1, sizeof *shelf);
    CHECK(bench != NULL && disk != NULL && shelf != NULL);
    shelf_init(shelf);
    bench_init(bench, disk, shelf);
    bench_open(bench);
    return bench;
}

static inline void bench_free(struct bench *bench)
{
    if (bench->lane != NULL) bench_close(bench);
    shelf_done(bench->shelf);
    free(bench->shelf);
    disk_free(bench->disk);
    free(bench);
}

/* ---- What tests ask ---- */

enum { EUR = 978 };

static inline struct uuid test_id(uint64_t number)
{
    return (struct uuid){ number, UINT64_C(0x01900000000070008) };
}

static inline struct account test_account(uint64_t number)
{
    return (struct account){ .id = { test_id(number) }, .asset = EUR, .kind = ACCOUNT_LIABILITY };
}

static inline struct transfer test_transfer(uint64_t id, uint64_t debit, uint64_t credit,
                                            uint64_t minor)
{
    return (struct transfer){
        .id = { test_id(id) },
        .debit = { test_id(debit) },
        .credit = { test_id(credit) },
        .amount = { minor },
        .asset = EUR,
        .kind = TRANSFER_DIRECT,
    };
}

static inline struct transfer test_hold(uint64_t id, uint64_t minor, uint32_t timeout_s)
{
    struct transfer hold = test_transfer(id, 1, 2, minor);
    hold.kind = TRANSFER_HOLD;
    hold.timeout_s = timeout_s;
    return hold;
}

static inline struct transfer test_post(uint64_t id, uint64_t target)
{
    return (struct transfer){
        .id = { test_id(id) },
        .amount = MONEY_MAX,
        .target = { test_id(target) },
        .kind = TRANSFER_POST,
    };
}

static inline struct request test_request(struct lane *lane, const struct transfer *transfers,
                                          struct transfer_result *results, uint32_t count)
{
    return (struct request){
        .kind = REQUEST_TRANSFERS,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(lane),
        .count = count,
        .transfers = transfers,
        .transfer_results = results,
    };
}

/* Runs some transfers of one request; returns the request's status. */
static inline enum status test_run(struct bench *bench, const struct transfer *transfers,
                                   struct transfer_result *results, uint32_t count)
{
    struct request request = test_request(bench->lane, transfers, results, count);
    return lane_run(bench->lane, &request);
}

static inline void test_freeze(struct bench *bench, struct account_id account, bool frozen)
{
    struct admin change = { .kind = ADMIN_ACCOUNT_CHANGE,
                            .account = account,
                            .set = frozen ? ACCOUNT_FLAG_FROZEN : 0,
                            .clear = frozen ? 0 : ACCOUNT_FLAG_FROZEN };
    struct admin_result result;
    struct request request = { .kind = REQUEST_ADMIN,
                               .root = lane_new_id(bench->lane),
                               .count = 1,
                               .admin = &change,
                               .admin_result = &result };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(result.outcome, ADMIN_OUTCOME_OK);
}

/* The accounts that payments need beside the wallets. */
static inline void test_chart(struct bench *bench, uint32_t asset, const char *psp)
{
    struct account chart[CHART_ROLE_END - 1];
    struct account_result results[CHART_ROLE_END - 1];
    for (unsigned role = 1; role < CHART_ROLE_END; role++) {
        chart[role - 1] = chart_account(lane_part(bench->lane), asset, role, psp);
    }
    struct request request = { .kind = REQUEST_ACCOUNTS,
                               .root = lane_new_id(bench->lane),
                               .count = CHART_ROLE_END - 1,
                               .accounts = chart,
                               .account_results = results };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
}

/* Runs one, which must be answered. */
static inline struct transfer_result test_one(struct bench *bench, struct transfer transfer)
{
    struct transfer_result result = { 0 };
    assert_int_equal(test_run(bench, &transfer, &result, 1), STATUS_OK);
    return result;
}

/* Makes the accounts numbered 1 to count. */
static inline void test_accounts(struct bench *bench, uint32_t count)
{
    struct account accounts[16];
    struct account_result results[16];
    assert_true(count <= 16);
    for (uint32_t i = 0; i < count; i++) accounts[i] = test_account(i + 1);
    struct request request = {
        .kind = REQUEST_ACCOUNTS,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->lane),
        .count = count,
        .accounts = accounts,
        .account_results = results,
    };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(results[i].outcome, ACCOUNT_OUTCOME_OK);
    }
}

static inline struct account_result test_make(struct bench *bench, struct account account)
{
    struct account_result result;
    struct request request = {
        .kind = REQUEST_ACCOUNTS,
        .principal = PRINCIPAL_LOCAL,
        .root = lane_new_id(bench->lane),
        .count = 1,
        .accounts = &account,
        .account_results = &result,
    };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_true(uuid_equal(result.id.value, account.id.value));
    return result;
}

/* Two accounts more: one with a reference, one that is refused and has it too. */
static inline void test_refused_and_referenced(struct bench *bench)
{
    struct account account = test_account(700);
    account.user_ref = test_id(800);
    assert_int_equal(test_make(bench, account).outcome, ACCOUNT_OUTCOME_OK);
    account.id.value = test_id(701);
    account.asset = ASSET_CUSTOM_FIRST;
    assert_int_equal(test_make(bench, account).outcome, ACCOUNT_OUTCOME_ASSET_NOT_FOUND);
}

static inline enum status test_read_account(struct bench *bench, uint64_t number,
                                            struct account_state *out_state)
{
    struct uuid id = test_id(number);
    struct read read = { .kind = READ_ACCOUNTS, .count = 1, .ids = &id, .accounts = out_state };
    struct request request = { .kind = REQUEST_READ, .principal = PRINCIPAL_LOCAL, .read = &read };
    return lane_run(bench->lane, &request);
}

/* What was posted to the account's credit, which must be there. */
static inline uint64_t test_credits(struct bench *bench, uint64_t number)
{
    struct account_state state;
    assert_int_equal(test_read_account(bench, number, &state), STATUS_OK);
    assert_true(uuid_equal(state.account.id.value, test_id(number)));
    return (uint64_t)state.balance.credits_posted.minor;
}

#endif

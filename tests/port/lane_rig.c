/*
 * Goal: lanes on threads and files for the tests of this folder, with faults at chosen moments.
 * Method: the store passes calls on to SQLite's, and stands in for it when told to.
 */
#include "tests/port/lane_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "adapter/sqlite_run_store.h"
#include "adapter/sqlite_store.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "base/check.h"

enum { EUR = 978, THREADS_MAX = 64 };

static struct rig *rig_of(struct store *store)
{
    return ((struct rig_store *)store)->rig;
}

static enum status on_head(struct store *store, struct store_head *out_head, struct error *error)
{
    struct store *inner = rig_of(store)->inner;
    return inner->head(inner, out_head, error);
}

static enum status on_claim(struct store *store, struct store_head *out_head, struct error *error)
{
    struct store *inner = rig_of(store)->inner;
    return inner->claim(inner, out_head, error);
}

static enum rig_fault fault_take(struct rig *rig)
{
    unsigned number = atomic_fetch_add(&rig->appends, 1) + 1;
    int every = atomic_load(&rig->fault_every);
    if (every != 0 && number % (unsigned)every == 0) {
        return number / (unsigned)every % 2 == 0 ? RIG_DOUBT_LOST : RIG_DOUBT_LANDED;
    }
    return (enum rig_fault)atomic_exchange(&rig->fault, RIG_GOOD);
}

static enum status on_room(struct store *store, struct error *error)
{
    struct store *inner = rig_of(store)->inner;
    return inner->room(inner, error);
}

static enum status on_append(struct store *store, const struct store_batch *batch,
                             struct error *error)
{
    struct rig *rig = rig_of(store);
    enum rig_fault fault = fault_take(rig);
    if (fault == RIG_REFUSED) {
        return error_set(error, (enum status)atomic_load(&rig->fault_status), "told to");
    }
    enum status status = STATUS_OK;
    if (fault != RIG_DOUBT_LOST) status = rig->inner->append(rig->inner, batch, error);
    if (status != STATUS_OK || fault == RIG_GOOD) return status;
    return error_set(error, STATUS_IN_DOUBT, "told to");
}

static enum status on_reopen(struct store *store, struct error *error)
{
    struct rig *rig = rig_of(store);
    if (atomic_load(&rig->reopen_fails) > 0) {
        (void)atomic_fetch_sub(&rig->reopen_fails, 1);
        return error_set(error, STATUS_UNAVAILABLE, "told to");
    }
    return rig->inner->reopen(rig->inner, error);
}

static enum status on_read(struct store *store, uint64_t sequence, struct buf *out_blob,
                           struct error *error)
{
    struct store *inner = rig_of(store)->inner;
    return inner->read(inner, sequence, out_blob, error);
}

static enum status on_read_part(struct store *store, uint64_t sequence, uint32_t offset,
                                uint32_t size, void *out_bytes, struct error *error)
{
    struct store *inner = rig_of(store)->inner;
    return inner->read_part(inner, sequence, offset, size, out_bytes, error);
}

static enum status on_find_stamp(struct store *store, struct wall_time stamp,
                                 uint64_t *out_sequence, struct error *error)
{
    struct store *inner = rig_of(store)->inner;
    return inner->find_stamp(inner, stamp, out_sequence, error);
}

static enum status on_slice_list(struct store *store, struct buf *out_slices, struct error *error)
{
    struct store *inner = rig_of(store)->inner;
    return inner->slice_list(inner, out_slices, error);
}

static enum status on_slice_read(struct store *store, const struct store_slice *slice,
                                 struct buf *out_data, struct error *error)
{
    struct store *inner = rig_of(store)->inner;
    return inner->slice_read(inner, slice, out_data, error);
}

static void on_close(struct store *store)
{
    (void)store; /* rig_close() closes what is behind it */
}

static struct monotonic_time on_monotonic(struct clock *clock)
{
    (void)clock; /* durations are real, so that threads can wait */
    return clock_monotonic(system_clock());
}

static struct wall_time on_wall(struct clock *clock)
{
    struct rig *rig = ((struct rig_clock *)clock)->rig;
    return (struct wall_time){ atomic_load(&rig->wall_ns) + on_monotonic(clock).ns };
}

static void on_log(struct log *log, const struct log_line *line)
{
    (void)log; /* what the lane says of itself is in its status */
    (void)line;
}

void rig_create(struct rig *rig, const char *name)
{
    struct error error = { 0 };
    scratch_folder(name, rig->folder);
    const struct sqlite_store_options store = { .folder = rig->folder };
    enum status status = sqlite_store_create(&store, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", error.message, error.detail);
    atomic_store(&rig->wall_ns, INT64_C(1795000000) * NS_PER_S);
    atomic_store(&rig->fault_status, STATUS_UNAVAILABLE);
}

void rig_open(struct rig *rig)
{
    struct error error = { 0 };
    const struct sqlite_store_options store = { .folder = rig->folder,
                                                .read_only = rig->options.read_only };
    const struct sqlite_run_store_options runs = { .folder = rig->folder };
    struct store *inner = NULL;
    enum status status = sqlite_store_open(&store, &inner, &error);
    rig->inner = inner;
    if (status == STATUS_OK) status = sqlite_run_store_open(&runs, &rig->runs, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", error.message, error.detail);
    rig->store = (struct rig_store){
        { on_head, on_claim, on_room, on_append, on_reopen, on_read, on_read_part, on_find_stamp,
          on_slice_list, on_slice_read, on_close },
        rig,
    };
    rig->clock = (struct rig_clock){ { on_wall, on_monotonic }, rig };
    rig->log = (struct log){ on_log };
    struct lane_options options = rig->options;
    if (options.accounts_max == 0) options.accounts_max = 4096;
    if (options.holds_max == 0) options.holds_max = 65536;
    if (options.reversals_max == 0) options.reversals_max = 1024;
    if (options.memtable_ids == 0) options.memtable_ids = 1 << 10;
    if (options.index_wait_ms == 0) options.index_wait_ms = -1;
    const struct lane_ports ports = {
        &rig->store.port, rig->runs, &rig->clock.port, system_entropy(), thread_sync(),
        &rig->log,        NULL
    };
    status = lane_open(&ports, &options, &rig->lane, &error);
    if (status != STATUS_OK)
        fail_msg("%s: %s; %s", status_name(status), error.message, error.detail);
}

void rig_close(struct rig *rig)
{
    lane_close(rig->lane);
    rig->lane = NULL;
    if (rig->inner != NULL) rig->inner->close(rig->inner);
    if (rig->runs != NULL) rig->runs->close(rig->runs);
    rig->inner = NULL;
    rig->runs = NULL;
}

struct uuid rig_id(uint64_t number)
{
    return (struct uuid){ number, UINT64_C(0x01900000000070008) };
}

void rig_accounts(struct rig *rig, uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++) {
        const struct account account = { .id = { rig_id(i) },
                                         .asset = EUR,
                                         .kind = ACCOUNT_LIABILITY };
        struct account_result result;
        struct request request = {
            .kind = REQUEST_ACCOUNTS,
            .principal = PRINCIPAL_LOCAL,
            .root = lane_new_id(rig->lane),
            .count = 1,
            .accounts = &account,
            .account_results = &result,
        };
        assert_int_equal(lane_run(rig->lane, &request), STATUS_OK);
        assert_int_equal(result.outcome, ACCOUNT_OUTCOME_OK);
    }
}

struct transfer rig_transfer(uint64_t id, uint64_t debit, uint64_t credit, uint64_t minor)
{
    return (struct transfer){
        .id = { rig_id(id) },
        .debit = { rig_id(debit) },
        .credit = { rig_id(credit) },
        .amount = { minor },
        .asset = EUR,
        .kind = TRANSFER_DIRECT,
    };
}

struct transfer rig_hold(uint64_t id, uint64_t minor, uint32_t timeout_s)
{
    struct transfer hold = rig_transfer(id, 1, 2, minor);
    hold.kind = TRANSFER_HOLD;
    hold.timeout_s = timeout_s;
    return hold;
}

enum status rig_run(struct rig *rig, uint64_t principal, const struct transfer *transfers,
                    struct transfer_result *results, uint32_t count)
{
    struct request request = {
        .kind = REQUEST_TRANSFERS,
        .principal = { { principal, 1 } },
        .root = lane_new_id(rig->lane),
        .count = count,
        .transfers = transfers,
        .transfer_results = results,
    };
    return lane_run(rig->lane, &request);
}

void rig_pause(void)
{
    struct sync *sync = thread_sync();
    struct monitor *monitor = sync->monitor_new(sync, "pause");
    int64_t now_ns = clock_monotonic(system_clock()).ns;
    sync->lock(monitor);
    (void)sync->wait(monitor, (struct monotonic_time){ now_ns + NS_PER_MS }); /* nobody wakes it */
    sync->unlock(monitor);
    sync->monitor_free(monitor);
}

struct transfer_result rig_insist(struct rig *rig, uint64_t principal, struct transfer transfer)
{
    struct transfer_result result = { 0 };
    for (;;) {
        enum status status = rig_run(rig, principal, &transfer, &result, 1);
        if (status == STATUS_OK) return result;
        CHECK(status == STATUS_UNAVAILABLE || status == STATUS_IN_DOUBT || status == STATUS_LIMIT);
        rig_pause();
    }
}

struct account_state rig_account(struct rig *rig, uint64_t number)
{
    struct uuid id = rig_id(number);
    struct account_state state = { 0 };
    struct read read = { .kind = READ_ACCOUNTS, .count = 1, .ids = &id, .accounts = &state };
    struct request request = { .kind = REQUEST_READ, .principal = PRINCIPAL_LOCAL, .read = &read };
    for (;;) {
        enum status status = lane_run(rig->lane, &request);
        if (status == STATUS_OK) return state;
        CHECK(status == STATUS_UNAVAILABLE);
        rig_pause();
    }
}

struct lane_status rig_status(struct rig *rig)
{
    struct lane_status status;
    lane_get_status(rig->lane, &status);
    return status;
}

struct rig_thread {
    pthread_t thread;
    struct rig *rig;
    uint32_t number;
    void (*body)(struct rig *rig, uint32_t number);
};

static void *thread_main(void *argument)
{
    struct rig_thread *thread = argument;
    thread->body(thread->rig, thread->number);
    return NULL;
}

void rig_threads(struct rig *rig, uint32_t count, void (*body)(struct rig *rig, uint32_t number))
{
    struct rig_thread threads[THREADS_MAX];
    assert_true(count <= THREADS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        threads[i] = (struct rig_thread){ .rig = rig, .number = i, .body = body };
        assert_int_equal(pthread_create(&threads[i].thread, NULL, thread_main, &threads[i]), 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
    }
}

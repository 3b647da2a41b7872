/*
 * A caller builds its next call, submits it, and goes on when it is answered, as a client would.
 * It is a thread of its own, or one of many that a thread hosts, as the connections of an HTTP
 * server are: the lane then tells the thread, which waits for all of its callers at once.
 */
#include "cmd/bench_workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/postgres_projection.h"
#include "adapter/postgres_store.h"
#include "adapter/sqlite_run_store.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/prng.h"
#include "base/reserve.h"
#include "cmd/host_log.h"
#include "cmd/pause.h"
#include "wallet/lane.h"

enum { BENCH_ASSET = 978 };

/* The bench prints its own figures; what the lane says is of no interest but for alarms. */
static void log_alarms(struct log *log, const struct log_line *line)
{
    (void)log;
    if (line->level < LOG_ALARM) return;
    (void)fprintf(stderr, "%.*s: %.*s\n", STR_ARG(line->event), STR_ARG(line->message));
}

struct bench_lane {
    struct data_folder *folder;
    struct log log;
    struct lane_ports ports;
    struct lane *lane;
    struct host_log tlog;
    struct postgres_projection *projection; /* NULL: none */
    struct store *journal;
};

static enum status store_begin(const struct bench_options *options, struct bench_lane *bench,
                               struct error *out_error)
{
    const struct folder_store_options local = { 0 };
    const struct postgres_store_options database = {
        .url = options->store_url,
        .schema = POSTGRES_SCHEMA_BENCH,
    };
    if (options->store_url == NULL)
        return folder_store_open(bench->folder, &local, &bench->ports.store, out_error);
    return postgres_store_open(&database, &bench->ports.store, out_error);
}

/* Without a gate: what the tables cost, and how far they fall behind, is to be seen. */
static enum status projection_begin(const struct bench_options *options, struct bench_lane *bench,
                                    struct error *out_error)
{
    const struct postgres_projection_options own = {
        .url = options->store_url,
        .schema = POSTGRES_SCHEMA_BENCH,
        .journal = bench->journal,
        .sync = bench->ports.sync,
        .clock = bench->ports.clock,
        .log = bench->ports.log,
    };
    enum status status = postgres_projection_open(&own, &bench->projection, out_error);
    if (status != STATUS_OK) return status;
    return postgres_projection_start(bench->projection, out_error);
}

static enum status lane_begin(const struct bench_options *options, struct bench_lane *out_lane,
                              struct error *out_error)
{
    struct bench_lane *bench = out_lane;
    bench->log.write = log_alarms;
    enum status status =
        data_folder_open(options->folder, DATA_FOLDER_OWNER, &bench->folder, out_error);
    if (status != STATUS_OK) return status;
    status = store_begin(options, bench, out_error);
    if (status != STATUS_OK) return status;
    struct sqlite_run_store_options runs = { .folder = options->folder };
    status = sqlite_run_store_open(&runs, &bench->ports.run_store, out_error);
    if (status != STATUS_OK) return status;
    bench->ports.clock = system_clock();
    bench->ports.entropy = system_entropy();
    bench->ports.sync = thread_sync();
    bench->ports.log = &bench->log;
    bench->journal = bench->ports.store;
    if (options->projection) status = projection_begin(options, bench, out_error);
    if (status != STATUS_OK) return status;
    struct lane_options lane = LANE_OPTIONS_DEFAULT;
    if (lane.accounts_max < options->accounts) lane.accounts_max = options->accounts;
    status = lane_open(&bench->ports, &lane, &bench->lane, out_error);
    if (status != STATUS_OK || !options->tlog) return status;
    const struct host_log_options tlog = { .folder = options->folder };
    return host_log_open(&tlog, bench->lane, &bench->ports, &bench->tlog, out_error);
}

static void lane_end(struct bench_lane *bench)
{
    host_log_close(&bench->tlog);
    lane_close(bench->lane);
    postgres_projection_close(bench->projection);
    bench->ports.run_store->close(bench->ports.run_store);
    bench->ports.store->close(bench->ports.store);
    data_folder_close(bench->folder);
}

static struct account_id account_id_of(uint64_t number)
{
    return (struct account_id){ { .hi = 0x7000, .lo = 0x8000000000000000U | number } };
}

static enum status accounts_make(struct lane *lane, uint64_t count, struct error *out_error)
{
    struct account *accounts = reserve_new(REQUEST_ACCOUNTS_MAX * sizeof *accounts);
    struct account_result *results = reserve_new(REQUEST_ACCOUNTS_MAX * sizeof *results);
    CHECK(accounts != NULL && results != NULL);
    enum status status = STATUS_OK;
    for (uint64_t made = 0; made < count && status == STATUS_OK;) {
        uint32_t part = count - made < REQUEST_ACCOUNTS_MAX ? (uint32_t)(count - made)
                                                            : (uint32_t)REQUEST_ACCOUNTS_MAX;
        for (uint32_t i = 0; i < part; i++) {
            accounts[i] = (struct account){ .id = account_id_of(made + i),
                                            .asset = BENCH_ASSET,
                                            .kind = ACCOUNT_LIABILITY };
        }
        struct request request = {
            .kind = REQUEST_ACCOUNTS,
            .principal = PRINCIPAL_LOCAL,
            .count = part,
            .accounts = accounts,
            .account_results = results,
        };
        status = lane_run(lane, &request);
        made += part;
    }
    reserve_free(accounts, REQUEST_ACCOUNTS_MAX * sizeof *accounts);
    reserve_free(results, REQUEST_ACCOUNTS_MAX * sizeof *results);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "the accounts cannot be made");
}

struct zipf {
    double theta;
    double alpha;
    double zeta;
    double eta;
    uint64_t count;
};

/* Gray et al., "Quickly generating billion-record synthetic databases", 1994; theta 0.99. */
static struct zipf zipf_of(uint64_t count)
{
    struct zipf zipf = { .theta = 0.99, .count = count };
    double zeta2 = 1.0 + pow(0.5, zipf.theta);
    for (uint64_t i = 1; i <= count; i++) zipf.zeta += pow(1.0 / (double)i, zipf.theta);
    zipf.alpha = 1.0 / (1.0 - zipf.theta);
    zipf.eta = (1.0 - pow(2.0 / (double)count, 1.0 - zipf.theta)) / (1.0 - zeta2 / zipf.zeta);
    return zipf;
}

static uint64_t zipf_draw(const struct zipf *zipf, struct prng *prng)
{
    double u = (double)(prng_next(prng) >> 11) / 9007199254740992.0;
    double uz = u * zipf->zeta;
    if (uz < 1.0) return 0;
    if (uz < 1.0 + pow(0.5, zipf->theta)) return 1;
    double rank = (double)zipf->count * pow(zipf->eta * u - zipf->eta + 1.0, zipf->alpha);
    uint64_t number = (uint64_t)rank;
    return number < zipf->count ? number : zipf->count - 1;
}

/* A thread that hosts callers: whoever was answered stands in its list. */
struct host {
    struct caller *callers;
    uint32_t count;
    struct monitor *monitor; /* the list */
    struct caller *answered;
    struct task *task;
};

struct caller {
    const struct bench_options *options;
    struct lane *lane;
    const struct zipf *zipf;
    struct prng prng;
    uint32_t number;
    uint32_t batch; /* of a call, at most */
    uint32_t count; /* of the call at hand */
    uint64_t goal;  /* transfers to do, no more; UINT64_MAX: until *stop */
    const volatile bool *stop;
    uint64_t ids_made;
    struct transfer *transfers;
    struct transfer_result *results;
    struct request request;
    int64_t begun_ns;
    bool holds_open;   /* the last call made holds: the next one posts them */
    struct host *host; /* NULL: a thread of its own */
    struct caller *next;
    struct histogram latencies;
    uint64_t done;
    uint64_t refused;
    enum status status;
    struct task *task;
};

static struct transfer_id id_next(struct caller *caller, uint64_t unix_ms)
{
    if (caller->options->random_ids) {
        uint64_t random[2] = { prng_next(&caller->prng), prng_next(&caller->prng) };
        return (struct transfer_id){ uuid_v7(random[0] >> 16, random) };
    }
    uint64_t random[2] = { 0, caller->ids_made++ << 12 | caller->number };
    return (struct transfer_id){ uuid_v7(unix_ms, random) };
}

static uint64_t account_draw(struct caller *caller)
{
    if (caller->zipf != NULL) return zipf_draw(caller->zipf, &caller->prng);
    return prng_below(&caller->prng, caller->options->accounts);
}

static void transfers_draw(struct caller *caller, bool hold)
{
    uint64_t unix_ms = (uint64_t)(clock_wall(system_clock()).ns / NS_PER_MS);
    for (uint32_t i = 0; i < caller->count; i++) {
        uint64_t debit = account_draw(caller);
        uint64_t credit = account_draw(caller);
        if (caller->options->distribution == BENCH_HOT) debit = 0;
        if (credit == debit) credit = (debit + 1) % caller->options->accounts;
        caller->transfers[i] = (struct transfer){
            .id = id_next(caller, unix_ms),
            .debit = account_id_of(debit),
            .credit = account_id_of(credit),
            .amount = money_from_minor(1 + prng_below(&caller->prng, 10000)),
            .asset = BENCH_ASSET,
            .kind = hold ? TRANSFER_HOLD : TRANSFER_DIRECT,
        };
    }
}

/* Each hold of the call before is posted whole. */
static void posts_draw(struct caller *caller)
{
    uint64_t unix_ms = (uint64_t)(clock_wall(system_clock()).ns / NS_PER_MS);
    for (uint32_t i = 0; i < caller->count; i++) {
        caller->transfers[i] = (struct transfer){
            .id = id_next(caller, unix_ms),
            .amount = MONEY_MAX,
            .target = caller->transfers[i].id,
            .kind = TRANSFER_POST,
        };
    }
}

/* False: the caller is done. */
static bool call_begin(struct caller *caller)
{
    if (caller->status != STATUS_OK) return false;
    if (caller->holds_open) {
        posts_draw(caller);
        caller->holds_open = false;
    } else {
        uint64_t left = caller->goal - caller->done;
        if (left == 0 || *caller->stop) return false;
        bool hold = prng_below(&caller->prng, 100) < caller->options->two_phase_percent;
        hold = hold && left >= 2; /* each is two transfers: it is posted */
        uint64_t most = hold ? left / 2 : left;
        caller->count = most < caller->batch ? (uint32_t)most : caller->batch;
        caller->holds_open = hold;
        transfers_draw(caller, hold);
    }
    caller->request = (struct request){
        .kind = REQUEST_TRANSFERS,
        .principal = { { .hi = 0x7000, .lo = 0x8000000000000000U + caller->number + 1 } },
        .count = caller->count,
        .transfers = caller->transfers,
        .transfer_results = caller->results,
    };
    caller->begun_ns = clock_monotonic(system_clock()).ns;
    return true;
}

static void call_end(struct caller *caller, enum status status)
{
    int64_t now_ns = clock_monotonic(system_clock()).ns;
    histogram_add(&caller->latencies, (uint64_t)(now_ns - caller->begun_ns));
    caller->status = status;
    if (status != STATUS_OK) return;
    caller->done += caller->count;
    for (uint32_t i = 0; i < caller->count; i++) {
        caller->refused += caller->results[i].outcome != OUTCOME_OK;
    }
}

static void caller_body(void *argument)
{
    struct caller *caller = argument;
    while (call_begin(caller)) call_end(caller, lane_run(caller->lane, &caller->request));
}

/* By a task of the lane, which must not be kept: the thread is woken for the first only. */
static void hosted_done(struct request *request)
{
    struct caller *caller = request->owner;
    struct host *host = caller->host;
    struct sync *sync = thread_sync();
    sync->lock(host->monitor);
    bool first = host->answered == NULL;
    caller->next = host->answered;
    host->answered = caller;
    if (first) sync->wake_all(host->monitor);
    sync->unlock(host->monitor);
}

/* True: the caller waits for an answer. */
static bool hosted_begin(struct caller *caller)
{
    if (!call_begin(caller)) return false;
    caller->request.done = hosted_done;
    caller->request.owner = caller;
    enum status status = lane_submit(caller->lane, &caller->request);
    if (status != STATUS_OK) caller->status = status;
    return status == STATUS_OK;
}

static void host_body(void *argument)
{
    struct host *host = argument;
    struct sync *sync = thread_sync();
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < host->count; i++) waiting += hosted_begin(&host->callers[i]);
    while (waiting > 0) {
        sync->lock(host->monitor);
        while (host->answered == NULL) (void)sync->wait(host->monitor, MONOTONIC_NEVER);
        struct caller *caller = host->answered;
        host->answered = NULL;
        sync->unlock(host->monitor);
        while (caller != NULL) {
            struct caller *next = caller->next; /* begun again, it stands in another list */
            call_end(caller, caller->request.status);
            if (!hosted_begin(caller)) waiting--;
            caller = next;
        }
    }
}

static enum status caller_start(struct caller *caller)
{
    caller->transfers = reserve_new(caller->batch * sizeof *caller->transfers);
    caller->results = reserve_new(caller->batch * sizeof *caller->results);
    CHECK(caller->transfers != NULL && caller->results != NULL);
    if (caller->host != NULL) return STATUS_OK; /* its host begins it */
    struct sync *sync = thread_sync();
    return sync->spawn(sync, "caller", caller_body, caller, &caller->task);
}

/* The bulk callers in equal parts; those of a host stand side by side. */
static struct host *hosts_prepare(const struct bench_options *options, struct caller *callers)
{
    struct host *hosts = reserve_new((options->threads + 1) * sizeof *hosts);
    CHECK(hosts != NULL);
    for (uint32_t i = 0; i < options->threads; i++) {
        uint32_t from = (uint32_t)((uint64_t)options->clients * i / options->threads);
        uint32_t to = (uint32_t)((uint64_t)options->clients * (i + 1) / options->threads);
        hosts[i].callers = &callers[from];
        hosts[i].count = to - from;
        hosts[i].monitor = thread_sync()->monitor_new(thread_sync(), "host");
        for (uint32_t j = from; j < to; j++) callers[j].host = &hosts[i];
    }
    return hosts;
}

static enum status hosts_start(struct host *hosts, uint32_t count)
{
    struct sync *sync = thread_sync();
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        status = sync->spawn(sync, "host", host_body, &hosts[i], &hosts[i].task);
    }
    return status;
}

static void hosts_join(struct host *hosts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) thread_sync()->join(hosts[i].task);
}

static void hosts_free(struct host *hosts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) thread_sync()->monitor_free(hosts[i].monitor);
    reserve_free(hosts, (count + 1) * sizeof *hosts);
}

static void caller_end(struct caller *caller, struct bench_result *result)
{
    thread_sync()->join(caller->task);
    bool single = caller->goal == UINT64_MAX;
    histogram_merge(single ? &result->singles : &result->calls, &caller->latencies);
    result->transfers += caller->done;
    result->refused += caller->refused;
    reserve_free(caller->transfers, caller->batch * sizeof *caller->transfers);
    reserve_free(caller->results, caller->batch * sizeof *caller->results);
}

/* A number behind `name` in one of the kernel's files about this process; 0 when not there. */
static uint64_t proc_number(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    char line[256];
    uint64_t value = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) != 0) continue;
        value = strtoull(line + strlen(name), NULL, 10);
        break;
    }
    (void)fclose(file); /* read only */
    return value;
}

static void result_measure(const struct bench_lane *bench, const struct lane_status *before,
                           struct bench_result *result)
{
    struct lane_status after;
    lane_get_status(bench->lane, &after);
    result->journal_bytes = after.journal_bytes - before->journal_bytes;
    result->slice_bytes = after.slice_bytes - before->slice_bytes;
    result->commits = after.commits - before->commits;
    result->commit_ns_total = after.commit_ns_total - before->commit_ns_total;
    result->resident_bytes = proc_number("/proc/self/status", "VmRSS:") * 1024;
}

/* The bulk callers' parts differ by one at most, and are all of it together. */
static uint64_t part_of(const struct bench_options *options, uint32_t caller)
{
    uint64_t whole = options->transfers / options->clients;
    return whole + (caller < options->transfers % options->clients ? 1 : 0);
}

static void callers_prepare(const struct bench_options *options, struct lane *lane,
                            const struct zipf *zipf, const volatile bool *stop,
                            struct caller *callers)
{
    for (uint32_t i = 0; i < options->clients + options->singles; i++) {
        bool single = i >= options->clients;
        callers[i] = (struct caller){
            .options = options,
            .lane = lane,
            .zipf = zipf,
            .number = i,
            .batch = single ? 1 : options->batch,
            .goal = single ? UINT64_MAX : part_of(options, i),
            .stop = stop,
        };
        prng_init(&callers[i].prng, options->seed + i);
    }
}

/* When all that was answered is signed. */
static int64_t tlog_wait(struct bench_lane *bench)
{
    struct lane_status lane;
    struct log_relay_status log;
    do {
        pause_ms(1);
        lane_get_status(bench->lane, &lane);
        log_relay_get_status(bench->tlog.relay, &log);
    } while (log.state != LOG_REFUSED && log.signed_.batch < lane.head.sequence);
    return clock_monotonic(system_clock()).ns;
}

static enum status load_run(const struct bench_options *options, struct bench_lane *bench,
                            struct bench_result *result)
{
    uint32_t count = options->clients + options->singles;
    struct caller *callers = reserve_new(count * sizeof *callers);
    CHECK(callers != NULL);
    struct zipf zipf = { 0 };
    bool zipfian = options->distribution == BENCH_ZIPFIAN;
    if (zipfian) zipf = zipf_of(options->accounts);
    volatile bool stop = false;
    callers_prepare(options, bench->lane, zipfian ? &zipf : NULL, &stop, callers);
    struct host *hosts = hosts_prepare(options, callers);
    struct lane_status before;
    lane_get_status(bench->lane, &before);
    uint64_t disk = proc_number("/proc/self/io", "write_bytes:");
    int64_t begin = clock_monotonic(system_clock()).ns;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) status = caller_start(&callers[i]);
    if (status == STATUS_OK) status = hosts_start(hosts, options->threads);
    hosts_join(hosts, options->threads);
    for (uint32_t i = 0; i < options->clients; i++) caller_end(&callers[i], result);
    stop = true;
    for (uint32_t i = options->clients; i < count; i++) caller_end(&callers[i], result);
    int64_t answered = clock_monotonic(system_clock()).ns;
    if (options->sustained) lane_catch_up(bench->lane);
    bool follow = options->sustained && bench->projection != NULL;
    if (follow) postgres_projection_catch_up(bench->projection);
    int64_t end = clock_monotonic(system_clock()).ns;
    result->elapsed_ns = (uint64_t)(end - begin);
    result->catch_up_ns = (uint64_t)(end - answered);
    result->disk_bytes = proc_number("/proc/self/io", "write_bytes:") - disk;
    for (uint32_t i = 0; i < count; i++) {
        if (callers[i].status != STATUS_OK) status = callers[i].status;
    }
    result_measure(bench, &before, result);
    if (bench->projection != NULL) {
        postgres_projection_catch_up(bench->projection); /* sustained: it has */
        if (!follow) end = clock_monotonic(system_clock()).ns;
        result->projected_ns = (uint64_t)(end - begin);
        result->projection_lag_ns = (uint64_t)(end - answered);
    }
    if (options->tlog) result->tlog_lag_ns = (uint64_t)(tlog_wait(bench) - answered);
    hosts_free(hosts, options->threads);
    reserve_free(callers, count * sizeof *callers);
    return status;
}

enum status bench_load(const struct bench_options *options, struct bench_result *out_result,
                       struct error *out_error)
{
    struct bench_lane bench = { 0 };
    memset(out_result, 0, sizeof *out_result);
    enum status status = lane_begin(options, &bench, out_error);
    if (status != STATUS_OK) return status;
    status = accounts_make(bench.lane, options->accounts, out_error);
    if (status != STATUS_OK) return status;
    status = load_run(options, &bench, out_result);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, status, "a caller was not answered: %s", status_text(status));
}

enum status bench_recover(const struct bench_options *options, struct bench_recovery *out_recovery,
                          struct error *out_error)
{
    struct bench_lane bench = { 0 };
    int64_t begin = clock_monotonic(system_clock()).ns;
    enum status status = lane_begin(options, &bench, out_error);
    if (status != STATUS_OK) return status;
    struct lane_status lane;
    lane_get_status(bench.lane, &lane);
    *out_recovery = (struct bench_recovery){
        .elapsed_ns = (uint64_t)(clock_monotonic(system_clock()).ns - begin),
        .replayed_records = lane.replayed_records,
        .accounts = lane.account_count,
    };
    lane_end(&bench);
    return STATUS_OK;
}

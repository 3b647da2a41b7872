/* tpwallet bench ledger: how fast the ledger itself is, in this process, on the real store. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapter/doomed_process.h"
#include "adapter/postgres_scratch.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "cmd/bench_workload.h"
#include "cmd/report.h"
#include "cmd/stage.h"

/* What the process under load hands to the one that recovers after it. */
struct load_report {
    enum status status;
    struct error error;
    struct bench_result result;
};

static enum status distribution_parse(const char *text, enum bench_distribution *out,
                                      struct error *out_error)
{
    static const char *const names[] = { "uniform", "zipfian", "hot" };
    for (uint32_t i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *out = (enum bench_distribution)i;
        return STATUS_OK;
    }
    return error_set(out_error, STATUS_INVALID, "--distribution is uniform, zipfian or hot");
}

static enum status either_parse(const struct invocation *invocation, const char *name,
                                const char *const words[2], bool *out_second,
                                struct error *out_error)
{
    const char *text = invocation_text(invocation, name);
    *out_second = strcmp(text, words[1]) == 0;
    if (*out_second || strcmp(text, words[0]) == 0) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "--%s is %s or %s", name, words[0], words[1]);
}

static enum status numbers_parse(const struct invocation *invocation, struct bench_options *options,
                                 struct error *out_error)
{
    uint64_t batch = 0, clients = 0, threads = 0, singles = 0, two_phase = 0;
    const struct {
        const char *name;
        struct number_range range;
        uint64_t *value;
    } numbers[] = {
        { "accounts", { 2, UINT64_C(16000000) }, &options->accounts },
        { "transfers", { 1, UINT64_C(10000000000) }, &options->transfers },
        { "batch", { 1, REQUEST_TRANSFERS_MAX }, &batch },
        { "clients", { 1, 1024 }, &clients },
        { "threads", { 0, 1024 }, &threads },
        { "singles", { 0, 1024 }, &singles },
        { "two-phase", { 0, 100 }, &two_phase },
        { "seed", { 0, UINT64_MAX }, &options->seed },
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        enum status status = invocation_number(invocation, numbers[i].name, numbers[i].range,
                                               numbers[i].value, out_error);
        if (status != STATUS_OK) return status;
    }
    options->batch = (uint32_t)batch;
    options->clients = (uint32_t)clients;
    options->threads = (uint32_t)threads;
    options->singles = (uint32_t)singles;
    options->two_phase_percent = (uint32_t)two_phase;
    return STATUS_OK;
}

static enum status options_parse(const struct invocation *invocation, struct bench_options *options,
                                 struct error *out_error)
{
    static const char *const orders[2] = { "time", "random" };
    static const char *const rates[2] = { "burst", "sustained" };
    options->tlog = invocation_has(invocation, "log");
    options->projection = invocation_has(invocation, "projection");
    if (options->projection && !invocation_has(invocation, "store"))
        return error_set(out_error, STATUS_INVALID, "--projection wants --store");
    enum status status = numbers_parse(invocation, options, out_error);
    if (status == STATUS_OK)
        status = distribution_parse(invocation_text(invocation, "distribution"),
                                    &options->distribution, out_error);
    if (status == STATUS_OK)
        status = either_parse(invocation, "id-order", orders, &options->random_ids, out_error);
    if (status == STATUS_OK)
        status = either_parse(invocation, "rate", rates, &options->sustained, out_error);
    return status;
}

static void load_body(void *argument, void *report)
{
    struct load_report *load = report;
    load->status = bench_load(argument, &load->result, &load->error);
}

/* The load runs in a process that kills itself at the end, so that recovery is after a crash. */
static enum status load_and_crash(struct bench_options *options, struct load_report *report,
                                  struct error *out_error)
{
    enum status status = doomed_process_run(load_body, options, report, sizeof(*report), out_error);
    if (status != STATUS_OK) return status;
    if (report->status != STATUS_OK) *out_error = report->error;
    return report->status;
}

struct figures {
    uint64_t per_second;
    uint64_t projected_per_second; /* 0: no SQL tables */
    uint64_t journal_bytes;
    uint64_t disk_bytes;
};

static struct figures figures_of(const struct bench_result *result)
{
    uint64_t transfers = result->transfers == 0 ? 1 : result->transfers;
    uint64_t elapsed_us = result->elapsed_ns / 1000 == 0 ? 1 : result->elapsed_ns / 1000;
    uint64_t projected_us = result->projected_ns / 1000;
    return (struct figures){
        .per_second = transfers * 1000000 / elapsed_us,
        .projected_per_second = projected_us == 0 ? 0 : transfers * 1000000 / projected_us,
        .journal_bytes = (result->journal_bytes + result->slice_bytes) / transfers,
        .disk_bytes = result->disk_bytes / transfers,
    };
}

static void latencies_write(struct json_writer *writer, struct str name,
                            const struct histogram *latencies)
{
    static const uint32_t per_mille[] = { 500, 900, 990, 999 };
    static const struct str names[] = { STR("p50_us"), STR("p90_us"), STR("p99_us"),
                                        STR("p999_us") };
    json_write_key(writer, name);
    json_write_object_begin(writer);
    json_write_key(writer, STR("count"));
    json_write_uint64(writer, latencies->count);
    for (int i = 0; i < 4; i++) {
        json_write_key(writer, names[i]);
        json_write_uint64(writer, histogram_quantile(latencies, per_mille[i]) / 1000);
    }
    json_write_key(writer, STR("max_us"));
    json_write_uint64(writer, latencies->max / 1000);
    json_write_object_end(writer);
}

static int json_report(const struct invocation *invocation, const struct bench_result *result,
                       const struct bench_recovery *recovery)
{
    struct figures figures = figures_of(result);
    const struct {
        struct str name;
        uint64_t number;
    } numbers[] = {
        { STR("transfers"), result->transfers },
        { STR("transfers_per_second"), figures.per_second },
        { STR("elapsed_ms"), result->elapsed_ns / 1000000 },
        { STR("catch_up_ms"), result->catch_up_ns / 1000000 },
        { STR("refused"), result->refused },
        { STR("commits"), result->commits },
        { STR("log_lag_ms"), result->tlog_lag_ns / 1000000 },
        { STR("projection_lag_ms"), result->projection_lag_ns / 1000000 },
        { STR("projected_per_second"), figures.projected_per_second },
        { STR("commit_mean_us"),
          result->commits == 0 ? 0 : result->commit_ns_total / result->commits / 1000 },
        { STR("journal_bytes_per_transfer"), figures.journal_bytes },
        { STR("bytes_written_per_transfer"), figures.disk_bytes },
        { STR("resident_bytes"), result->resident_bytes },
        { STR("recovery_ms"), recovery->elapsed_ns / 1000000 },
        { STR("recovery_records"), recovery->replayed_records },
        { STR("accounts"), recovery->accounts },
    };
    BUF_SCOPE struct buf out;
    buf_init(&out, 8192);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        json_write_key(&writer, numbers[i].name);
        json_write_uint64(&writer, numbers[i].number);
    }
    latencies_write(&writer, STR("calls"), &result->calls);
    latencies_write(&writer, STR("single_calls"), &result->singles);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(&out, '\n');
    return report_text(invocation, buf_view(&out));
}

static void latencies_show(struct buf *out, const char *name, const struct histogram *latencies)
{
    if (latencies->count == 0) return;
    buf_append_format(
        out, "%-22s p50 %" PRIu64 " us, p99 %" PRIu64 " us, max %" PRIu64 " us over %" PRIu64 "\n",
        name, histogram_quantile(latencies, 500) / 1000, histogram_quantile(latencies, 990) / 1000,
        latencies->max / 1000, latencies->count);
}

static int text_report(const struct invocation *invocation, const struct bench_result *result,
                       const struct bench_recovery *recovery)
{
    struct figures figures = figures_of(result);
    BUF_SCOPE struct buf out;
    buf_init(&out, 8192);
    buf_append_format(&out, "%-22s %" PRIu64 "\n", "transfers/s", figures.per_second);
    buf_append_format(&out, "%-22s %" PRIu64 " in %" PRIu64 " ms (catching up: %" PRIu64 " ms)\n",
                      "transfers", result->transfers, result->elapsed_ns / 1000000,
                      result->catch_up_ns / 1000000);
    if (result->refused > 0)
        buf_append_format(&out, "%-22s %" PRIu64 "\n", "refused", result->refused);
    latencies_show(&out, "call", &result->calls);
    latencies_show(&out, "single call beside", &result->singles);
    if (result->tlog_lag_ns > 0)
        buf_append_format(&out, "%-22s %" PRIu64 "\n", "log behind, ms",
                          result->tlog_lag_ns / 1000000);
    if (result->projected_ns > 0)
        buf_append_format(
            &out,
            "%-22s %" PRIu64 " transfers/s, all there %" PRIu64 " ms behind the last answer\n",
            "SQL tables", figures.projected_per_second, result->projection_lag_ns / 1000000);
    buf_append_format(&out, "%-22s %" PRIu64 ", mean %" PRIu64 " us\n", "commits", result->commits,
                      result->commits == 0 ? 0 : result->commit_ns_total / result->commits / 1000);
    buf_append_format(&out, "%-22s %" PRIu64 " journal and checkpoint, %" PRIu64 " to disk\n",
                      "bytes per transfer", figures.journal_bytes, figures.disk_bytes);
    buf_append_format(&out, "%-22s %" PRIu64 " MiB\n", "resident memory",
                      result->resident_bytes >> 20);
    buf_append_format(
        &out,
        "%-22s %" PRIu64 " ms after kill -9 (%" PRIu64 " records replayed, %" PRIu64 " accounts)\n",
        "recovery", recovery->elapsed_ns / 1000000, recovery->replayed_records, recovery->accounts);
    return report_text(invocation, buf_view(&out));
}

/* Whether it was made is whether it is to be dropped. */
static void store_drop(const char *url)
{
    struct error error = { 0 };
    if (postgres_scratch_drop(url, POSTGRES_SCHEMA_BENCH, &error) == STATUS_OK) return;
    (void)fprintf(stderr, "the schema tpwallet_bench stays: %s\n", error.message);
}

static enum status bench_measure(struct bench_options *options, struct load_report *report,
                                 struct bench_recovery *recovery, struct error *out_error)
{
    enum status status = load_and_crash(options, report, out_error);
    return status == STATUS_OK ? bench_recover(options, recovery, out_error) : status;
}

static int bench_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct bench_options options = { 0 };
    if (options_parse(invocation, &options, &error) != STATUS_OK)
        return report_error(invocation, &error);
    struct load_report report;
    struct stage stage;
    enum status status =
        stage_open("bench-ledger", invocation_has(invocation, "keep"), NULL, &stage, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    options.folder = buf_terminated(&stage.data);
    options.store_url = invocation_text(invocation, "store");
    struct bench_recovery recovery = { 0 };
    if (options.store_url != NULL)
        status = postgres_scratch_make(options.store_url, POSTGRES_SCHEMA_BENCH, &error);
    bool made = options.store_url != NULL && status == STATUS_OK;
    if (status == STATUS_OK) status = bench_measure(&options, &report, &recovery, &error);
    if (made && !invocation_has(invocation, "keep")) store_drop(options.store_url);
    stage_close(&stage);
    int code = status != STATUS_OK ? report_error(invocation, &error)
               : invocation->json  ? json_report(invocation, &report.result, &recovery)
                                   : text_report(invocation, &report.result, &recovery);
    return code;
}

static const struct option bench_options_table[] = {
    { "accounts", "N", "how many accounts", "10k" },
    { "transfers", "N", "how many transfers the bulk callers make together", "2M" },
    { "batch", "N", "transfers per call, 1 to 8190", "8190" },
    { "clients", "N", "bulk callers, each waiting for its answer", "4" },
    { "threads", "N", "that host the bulk callers, as a server does; 0: one for each caller", "0" },
    { "singles", "N", "callers beside them with one transfer per call", "0" },
    { "distribution", "WORD", "which accounts: uniform, zipfian or hot (one debit account)",
      "uniform" },
    { "two-phase", "PERCENT", "calls that hold, each followed by one that posts the same", "0" },
    { "id-order", "WORD", "transfer ids: time or random", "time" },
    { "log", NULL, "the verifiable log follows meanwhile: how far it lags is printed", NULL },
    { "rate", "WORD", "sustained: the clock stops when every index has caught up; or burst",
      "sustained" },
    { "seed", "N", "of accounts and amounts", "1" },
    { "store", "URL", "the journal is in this PostgreSQL database, in a schema tpwallet_bench",
      NULL },
    { "projection", NULL,
      "with --store: SQL tables follow; their rate and lag are printed, and "
      "sustained waits for them",
      NULL },
    { "keep", NULL, "leave the data folder where it is", NULL },
    { 0 },
};

const struct command command_bench_ledger = {
    .name = "bench ledger",
    .summary = "measure the ledger in this process, on the real store, and recovery after kill -9",
    .details = "Makes a ledger in a folder under $TMPDIR, lets callers in this process submit\n"
               "transfers and wait for durable answers, then kills that process and recovers the\n"
               "folder in another. The callers share the machine with the ledger.",
    .options = bench_options_table,
    .examples = "bench ledger --transfers 10M\n"
                "bench ledger --batch 1 --clients 64 --transfers 1M\n"
                "bench ledger --batch 1 --clients 64 --threads 2 --transfers 1M\n"
                "bench ledger --accounts 1M --transfers 10M --id-order random --json\n"
                "bench ledger --store postgres://postgres@localhost/bench --transfers 4M",
    .run = bench_run,
};

/* tpwallet bench collect: a large ledger is made, and collected by a process of its own. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapter/doomed_process.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/answer.h"
#include "cmd/bench_workload.h"
#include "cmd/exit_code.h"
#include "cmd/file_bytes.h"
#include "cmd/report.h"
#include "cmd/stage.h"

enum {
    TRANSACTIONS_MIN = 1000,
    TRANSACTIONS_MAX = 100000000,
    TRANSFERS_EACH = 2, /* each is a transaction and two postings: six records */
    TRANSACTIONS_OF_ACCOUNT = 20,
    CLIENTS = 4,
    BATCH = 5000, /* of which round numbers are multiples: none is made beyond what is asked for */
    TIMES_SIZE_MAX = 64 << 10,
};

struct load {
    struct bench_options options;
    struct bench_result result;
};

/* What the process that loads hands back. */
struct load_report {
    enum status status;
    struct error error;
};

static void load_body(void *argument, void *report)
{
    struct load *load = argument;
    struct load_report *told = report;
    told->status = bench_load(&load->options, &load->result, &told->error);
}

static enum status ledger_make(const struct stage *stage, struct buf *folder, uint64_t transactions,
                               struct error *out_error)
{
    struct load_report report = { 0 };
    BUF_SCOPE struct buf memory;
    buf_init(&memory, sizeof(struct load));
    struct load *load = buf_extend(&memory, sizeof *load);
    if (load == NULL) return error_set(out_error, STATUS_LIMIT, "no memory");
    memset(load, 0, sizeof *load);
    buf_append_str(folder, buf_view(&stage->data));
    load->options = (struct bench_options){
        .folder = buf_terminated(folder),
        .accounts = transactions / TRANSACTIONS_OF_ACCOUNT,
        .transfers = TRANSFERS_EACH * transactions,
        .batch = BATCH,
        .clients = CLIENTS,
        .distribution = BENCH_UNIFORM,
        .seed = 1,
    };
    enum status status = doomed_process_run(load_body, load, &report, sizeof report, out_error);
    if (status != STATUS_OK) return status;
    if (report.status != STATUS_OK) *out_error = report.error;
    return report.status;
}

/* A command of this program, whose notices are appended to a file. */
static enum status command_run(const char *const *words, const char *output, const char *errors,
                               struct error *out_error)
{
    struct child child = { 0 };
    const struct child_files files = { output, errors };
    enum status status = child_start(words, &files, &child, out_error);
    if (status != STATUS_OK) return status;
    int code = child_wait(&child);
    if (code == EXIT_CODE_DONE) return STATUS_OK;
    BUF_SCOPE struct buf text;
    buf_init(&text, TIMES_SIZE_MAX);
    status = file_bytes_read(errors, &text, out_error);
    if (status != STATUS_OK) return status;
    return error_set(out_error, STATUS_UNAVAILABLE, "`%s %s` ended with %d: %.*s", words[0],
                     words[1], code, STR_ARG(buf_view(&text)));
}

static enum status ledger_collect(struct stage *stage, const char *folder, struct buf *times,
                                  struct error *out_error)
{
    BUF_SCOPE struct buf key;
    BUF_SCOPE struct buf bundle;
    BUF_SCOPE struct buf output;
    BUF_SCOPE struct buf errors;
    struct buf *const paths[] = { &key, &bundle, &output, &errors };
    static const char *const names[] = { "bench.key", "bundle", "output", "times.json" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        buf_init(paths[i], 4096);
        stage_path(stage, names[i], paths[i]);
    }
    const char *const make_key[] = {
        "doctor", "key", buf_terminated(&key), "--name", "bench", NULL
    };
    const char *const collect[] = { "doctor",
                                    "collect",
                                    buf_terminated(&bundle),
                                    "--key",
                                    buf_terminated(&key),
                                    "--incident",
                                    "BENCH",
                                    "--ours",
                                    "--times",
                                    "--data",
                                    folder,
                                    NULL };
    enum status status =
        command_run(make_key, buf_terminated(&output), buf_terminated(&errors), out_error);
    if (status == STATUS_OK)
        status = command_run(collect, buf_terminated(&output), buf_terminated(&errors), out_error);
    if (stage->keep) (void)fprintf(stderr, "kept: %s\n", buf_terminated(&bundle)); /* a notice */
    return status == STATUS_OK ? file_bytes_read(buf_terminated(&errors), times, out_error)
                               : status;
}

static int show(const struct invocation *invocation, struct str times)
{
    static const struct {
        const char *name;
        const char *text;
    } numbers[] = {
        { "records", "records" },
        { "bytes", "bytes of evidence" },
        { "collect_ms", "ms to collect them" },
        { "processor_ms", "ms of processor in it" },
        { "resident_bytes", "bytes resident in it at most" },
    };
    struct answer_object object;
    struct arena arena;
    if (invocation->json) return report_text(invocation, times);
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    enum status status = arena_init(&arena, answer_arena_size(times));
    if (status == STATUS_OK) status = answer_read(times, &arena, &object);
    CHECK(status == STATUS_OK); /* it is ours */
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        buf_append_format(&out, "%14.*s %s\n", STR_ARG(answer_text(&object, numbers[i].name)),
                          numbers[i].text);
    arena_done(&arena);
    return report_text(invocation, buf_view(&out));
}

static int bench_run(struct invocation *invocation)
{
    struct error error = { 0 };
    const struct number_range range = { TRANSACTIONS_MIN, TRANSACTIONS_MAX };
    uint64_t transactions = 0;
    struct stage stage;
    BUF_SCOPE struct buf folder;
    BUF_SCOPE struct buf times;
    buf_init(&folder, 4096);
    buf_init(&times, TIMES_SIZE_MAX);
    enum status status =
        invocation_number(invocation, "transactions", range, &transactions, &error);
    if (status == STATUS_OK)
        status =
            stage_open("bench-collect", invocation_has(invocation, "keep"), NULL, &stage, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    status = ledger_make(&stage, &folder, transactions, &error);
    if (status == STATUS_OK)
        status = ledger_collect(&stage, buf_terminated(&folder), &times, &error);
    stage_close(&stage);
    return status == STATUS_OK ? show(invocation, buf_view(&times))
                               : report_error(invocation, &error);
}

static const struct option bench_options_table[] = {
    { "transactions", "N", "how many; each is six records", "100k" },
    { "keep", NULL, "leave the ledger and the bundle, and tell where", NULL },
    { 0 },
};

const struct command command_bench_collect = {
    .name = "bench collect",
    .summary = "measure how fast a large ledger is collected as evidence",
    .details =
        "Makes a ledger under $TMPDIR in which a transaction is two transfers of two postings "
        "each, between accounts of which there are a twentieth as many, and has `doctor "
        "collect` read it, whose times and memory are told. A transaction takes about 0.3 KB "
        "there as a ledger and 1.3 KB as evidence.",
    .options = bench_options_table,
    .examples = "bench collect\nbench collect --transactions 10M --json",
    .run = bench_run,
};

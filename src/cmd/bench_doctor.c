/* tpwallet bench doctor: a large bundle is written, and diagnosed by a process of its own. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/json_writer.h"
#include "cmd/answer.h"
#include "cmd/bench_bundle.h"
#include "cmd/file_bytes.h"
#include "cmd/report.h"
#include "cmd/stage.h"

enum { ANSWER_SIZE_MAX = 64 << 20, DIAGNOSED_BITS = 7 };

struct figures {
    struct bench_bundle_written written;
    uint64_t write_ms;
    uint64_t load_ms;
    uint64_t examine_ms;
    uint64_t total_ms;
    uint64_t processor_ms; /* of all threads of the diagnosing process */
    uint64_t resident_bytes;
};

static uint64_t now_ms(void)
{
    return (uint64_t)(clock_monotonic(system_clock()).ns / NS_PER_MS);
}

static uint64_t ms_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_usec / 1000;
}

static enum status bundle_write(const char *path, uint64_t transactions, struct figures *figures,
                                struct error *out_error)
{
    uint64_t begin = now_ms();
    if (mkdir(path, 0700) != 0)
        return error_set(out_error, STATUS_UNAVAILABLE, "cannot make the folder %s", path);
    enum status status = bench_bundle_write(path, transactions, &figures->written, out_error);
    figures->write_ms = now_ms() - begin;
    return status;
}

/* What `doctor diagnose --times` told of itself. */
static enum status times_read(const char *path, struct figures *figures, struct error *out_error)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, ANSWER_SIZE_MAX);
    struct answer_object object;
    struct arena arena = { 0 };
    enum status status = file_bytes_read(path, &text, out_error);
    if (status == STATUS_OK) status = arena_init(&arena, answer_arena_size(buf_view(&text)));
    if (status == STATUS_OK) status = answer_read(buf_view(&text), &arena, &object);
    if (status == STATUS_OK && (decimal_parse(answer_text(&object, "load_ms"), UINT64_MAX,
                                              &figures->load_ms) != STATUS_OK ||
                                decimal_parse(answer_text(&object, "examine_ms"), UINT64_MAX,
                                              &figures->examine_ms) != STATUS_OK))
        status = STATUS_INVALID;
    arena_done(&arena);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "the diagnosis did not end: %.*s",
                     STR_ARG(buf_view(&text)));
}

static enum status bundle_diagnose(struct stage *stage, const char *bundle, struct figures *figures,
                                   struct error *out_error)
{
    BUF_SCOPE struct buf output;
    BUF_SCOPE struct buf errors;
    buf_init(&output, 4096);
    buf_init(&errors, 4096);
    stage_path(stage, "diagnosis.json", &output);
    stage_path(stage, "times.json", &errors);
    const char *words[] = { "doctor", "diagnose", bundle, "--json", "--times", NULL };
    const struct child_files files = { buf_terminated(&output), buf_terminated(&errors) };
    struct child child = { 0 };
    uint64_t begin = now_ms();
    enum status status = child_start(words, &files, &child, out_error);
    if (status != STATUS_OK) return status;
    int code = child_wait(&child);
    figures->total_ms = now_ms() - begin;
    struct rusage used;
    int done = getrusage(RUSAGE_CHILDREN, &used);
    CHECK(done == 0);
    figures->processor_ms = ms_of(used.ru_utime) + ms_of(used.ru_stime);
    figures->resident_bytes = (uint64_t)used.ru_maxrss * 1024;
    status = times_read(buf_terminated(&errors), figures, out_error);
    if (status != STATUS_OK || (code & ~DIAGNOSED_BITS) == 0) return status;
    return error_set(out_error, STATUS_UNAVAILABLE, "the diagnosis ended with %d", code);
}

static int show(const struct invocation *invocation, uint64_t transactions,
                const struct figures *figures)
{
    const struct {
        const char *name;
        const char *text;
        uint64_t number;
    } numbers[] = {
        { "transactions", "transactions", transactions },
        { "records", "records", figures->written.records },
        { "bytes", "bytes of evidence", figures->written.bytes },
        { "write_ms", "ms to write the bundle", figures->write_ms },
        { "load_ms", "ms to load it", figures->load_ms },
        { "examine_ms", "ms to examine it", figures->examine_ms },
        { "total_ms", "ms for the whole diagnosis", figures->total_ms },
        { "processor_ms", "ms of processor in it", figures->processor_ms },
        { "resident_bytes", "bytes resident in it at most", figures->resident_bytes },
    };
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    if (invocation->json) json_write_object_begin(&writer);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (!invocation->json) {
            buf_append_format(&out, "%14" PRIu64 " %s\n", numbers[i].number, numbers[i].text);
            continue;
        }
        json_write_key(&writer, str_from(numbers[i].name));
        json_write_uint64(&writer, numbers[i].number);
    }
    if (invocation->json) {
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    }
    return report_text(invocation, buf_view(&out));
}

static int bench_run(struct invocation *invocation)
{
    struct error error = { 0 };
    const struct number_range range = { BENCH_BUNDLE_TRANSACTIONS_MIN,
                                        BENCH_BUNDLE_TRANSACTIONS_MAX };
    uint64_t transactions = 0;
    struct figures figures = { 0 };
    struct stage stage;
    enum status status =
        invocation_number(invocation, "transactions", range, &transactions, &error);
    if (status == STATUS_OK)
        status =
            stage_open("bench-doctor", invocation_has(invocation, "keep"), NULL, &stage, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    BUF_SCOPE struct buf bundle;
    buf_init(&bundle, 4096);
    stage_path(&stage, "bundle", &bundle);
    status = bundle_write(buf_terminated(&bundle), transactions, &figures, &error);
    if (status == STATUS_OK)
        status = bundle_diagnose(&stage, buf_terminated(&bundle), &figures, &error);
    if (stage.keep) (void)fprintf(stderr, "kept: %s\n", buf_terminated(&bundle)); /* a notice */
    stage_close(&stage);
    return status == STATUS_OK ? show(invocation, transactions, &figures)
                               : report_error(invocation, &error);
}

static const struct option bench_options_table[] = {
    { "transactions", "N", "how many; each is six records", "100k" },
    { "keep", NULL, "leave the bundle and its diagnosis, and tell where", NULL },
    { 0 },
};

const struct command command_bench_doctor = {
    .name = "bench doctor",
    .summary = "measure how fast a large bundle of evidence is loaded and diagnosed",
    .details = "Writes a bundle with a handful of violations, the same bytes for the same N, under "
               "$TMPDIR, and has `doctor diagnose` look at it, whose times and memory are told. A "
               "transaction takes about 0.9 KB there, and as much again while it is diagnosed.",
    .options = bench_options_table,
    .examples = "bench doctor\nbench doctor --transactions 10M --json",
    .run = bench_run,
};

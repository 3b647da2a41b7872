/* tpwallet bench inbox: how many webhooks are stored durably in a second, by callers that wait. */
#include <inttypes.h>
#include <string.h>

#include "adapter/sqlite_inbox.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/histogram.h"
#include "base/json_writer.h"
#include "base/reserve.h"
#include "cmd/report.h"
#include "cmd/stage.h"

enum { CALLERS_MAX = 256, HEADERS_LEN = 400 };

struct caller {
    struct inbox *inbox;
    struct task *task;
    struct monotonic_time until;
    struct str headers;
    struct str body;
    struct histogram latencies;
    enum status status;
    struct error error;
};

static void caller_body(void *argument)
{
    struct caller *caller = argument;
    struct clock *clock = system_clock();
    int64_t now_ns = clock_monotonic(clock).ns;
    while (caller->status == STATUS_OK && now_ns < caller->until.ns) {
        const struct inbox_webhook webhook = { .received_at = clock_wall(clock),
                                               .endpoint = "bench",
                                               .headers = caller->headers,
                                               .body = caller->body };
        uint64_t id = 0;
        caller->status = caller->inbox->put(caller->inbox, &webhook, &id, &caller->error);
        if (caller->status == STATUS_OK) {
            (void)caller->inbox->mark(caller->inbox, id, INBOX_MARK_DONE, NULL); /* or again */
        }
        int64_t end_ns = clock_monotonic(clock).ns;
        histogram_add(&caller->latencies, (uint64_t)(end_ns - now_ns));
        now_ns = end_ns;
    }
}

static enum status run_callers(struct caller *callers, uint64_t count, struct histogram *out_all,
                               struct error *out_error)
{
    struct sync *sync = thread_sync();
    enum status status = STATUS_OK;
    uint64_t started = 0;
    for (; status == STATUS_OK && started < count; started++) {
        status =
            sync->spawn(sync, "caller", caller_body, &callers[started], &callers[started].task);
        if (status != STATUS_OK) break;
    }
    for (uint64_t i = 0; i < started; i++) {
        sync->join(callers[i].task);
        if (status == STATUS_OK && callers[i].status != STATUS_OK) {
            status = callers[i].status;
            *out_error = callers[i].error;
        }
        histogram_merge(out_all, &callers[i].latencies);
    }
    return status;
}

static int show(const struct invocation *invocation, const struct histogram *all, uint64_t ns)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    uint64_t per_second = all->count * 1000000 / (ns / 1000);
    uint64_t p50_us = histogram_quantile(all, 500) / 1000;
    uint64_t p99_us = histogram_quantile(all, 990) / 1000;
    if (!invocation->json) {
        buf_append_format(&out, "%" PRIu64 " webhooks/s, p50 %" PRIu64 " us, p99 %" PRIu64 " us\n",
                          per_second, p50_us, p99_us);
        return report_text(invocation, buf_view(&out));
    }
    const struct {
        struct str name;
        uint64_t number;
    } numbers[] = { { STR("webhooks_per_second"), per_second },
                    { STR("p50_us"), p50_us },
                    { STR("p99_us"), p99_us } };
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_write_key(&writer, numbers[i].name);
        json_write_uint64(&writer, numbers[i].number);
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(&out, '\n');
    return report_text(invocation, buf_view(&out));
}

/* Zeroed, and only as much of it touched as is used. */
struct bench_memory {
    struct caller callers[CALLERS_MAX];
    char body[INBOX_BODY_SIZE_MAX];
};

struct load {
    uint64_t callers;
    uint64_t size;
    uint64_t seconds;
};

static enum status load_run(const char *folder, const struct load *load, struct histogram *out_all,
                            uint64_t *out_ns, struct error *out_error)
{
    const struct sqlite_inbox_options options = { .folder = folder };
    struct inbox *inbox = NULL;
    enum status status = sqlite_inbox_open(&options, &inbox, out_error);
    if (status != STATUS_OK) return status;
    struct bench_memory *memory = reserve_new(sizeof *memory);
    CHECK(memory != NULL);
    struct caller *callers = memory->callers;
    char *body = memory->body;
    memset(body, 'x', sizeof memory->body);
    int64_t start_ns = clock_monotonic(system_clock()).ns;
    for (uint64_t i = 0; i < load->callers; i++) {
        callers[i] = (struct caller){ .inbox = inbox,
                                      .until = { start_ns + (int64_t)load->seconds * NS_PER_S },
                                      .headers = { body, HEADERS_LEN },
                                      .body = { body, load->size } };
    }
    status = run_callers(callers, load->callers, out_all, out_error);
    *out_ns = (uint64_t)(clock_monotonic(system_clock()).ns - start_ns);
    inbox->close(inbox);
    reserve_free(memory, sizeof *memory);
    return status;
}

static int bench_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct load load = { 0 };
    enum status status = invocation_number(
        invocation, "callers", (struct number_range){ 1, CALLERS_MAX }, &load.callers, &error);
    if (status == STATUS_OK) {
        status =
            invocation_number(invocation, "size", (struct number_range){ 1, INBOX_BODY_SIZE_MAX },
                              &load.size, &error);
    }
    if (status == STATUS_OK) {
        status = invocation_number(invocation, "seconds", (struct number_range){ 1, 600 },
                                   &load.seconds, &error);
    }
    struct stage stage;
    if (status == STATUS_OK) status = stage_open("bench-inbox", false, NULL, &stage, &error);
    if (status != STATUS_OK) return report_error(invocation, &error);
    struct histogram all = { 0 };
    uint64_t ns = 0;
    status = load_run(buf_terminated(&stage.folder), &load, &all, &ns, &error);
    stage_close(&stage);
    return status == STATUS_OK ? show(invocation, &all, ns) : report_error(invocation, &error);
}

static const struct option bench_options_table[] = {
    { "callers", "N", "threads that store one webhook after another, each waiting", "64" },
    { "size", "BYTES", "of the body", "1024" },
    { "seconds", "N", "how long", "3" },
    { 0 },
};

const struct command command_bench_inbox = {
    .name = "bench inbox",
    .summary = "measure how many webhooks are stored durably in a second",
    .details = "In a folder under $TMPDIR, on the real store, with a sync for every commit;\n"
               "callers at the same time share commits.",
    .options = bench_options_table,
    .examples = "bench inbox\nbench inbox --callers 1 --json",
    .run = bench_run,
};

/* tpwallet bench payments: whole payments over HTTP, and how soon many go on after a restart. */
#include <string.h>

#include "adapter/load_generator.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/bench_receiver.h"
#include "cmd/bench_stage.h"
#include "cmd/bench_watch.h"
#include "cmd/chart_accounts.h"
#include "cmd/demo_sandbox.h"
#include "cmd/pause.h"
#include "cmd/report.h"
#include "model/asset.h"

enum { TEXT_SIZE_MAX = 4096, REST_MS_MAX = 180000, POLL_MS = 20 };

/* Nobody listens there: calls fail at once, and payments stay in flight. */
#define PSP_NOWHERE "sandbox=http://127.0.0.1:1"

enum what { BENCH_WALLET, BENCH_PAY_IN, BENCH_RESTART };

struct bench {
    const struct invocation *invocation;
    enum what what;
    struct stage stage;
    struct demo_sandbox sandbox;
    struct session session; /* to look at the server */
    struct buf ids;
    struct buf authorization;
    uint64_t connections;
    uint64_t duration_s;
    uint64_t rate;
    uint64_t in_flight; /* wanted; then what there was */
    struct load_result result;
    struct bench_ends ends;
    struct bench_receiver *receiver; /* of webhooks out; NULL: none are sent */
    struct bench_told told;
    uint64_t listen_ms;  /* after the restart: until it listened, */
    uint64_t resumed_ms; /* until each had been handed to a worker, */
    uint64_t ended_ms;   /* until all were at rest */
    struct error error;
};

static uint64_t now_ms(void)
{
    return (uint64_t)(clock_monotonic(system_clock()).ns / NS_PER_MS);
}

static const char *text(const struct bench *bench, const char *name)
{
    return invocation_text(bench->invocation, name);
}

static enum status options_read(struct bench *bench)
{
    static const char *const names[] = { "wallet", "pay-in", "restart" };
    const struct invocation *invocation = bench->invocation;
    uint32_t what = 0;
    while (what < 3 && strcmp(invocation->positionals[0], names[what]) != 0) what++;
    if (what == 3)
        return error_set(&bench->error, STATUS_INVALID, "it is wallet, pay-in or restart");
    bench->what = (enum what)what;
    enum status status = invocation_number(invocation, "connections",
                                           (struct number_range){ 1, LOAD_CONNECTIONS_MAX },
                                           &bench->connections, &bench->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "duration-s", (struct number_range){ 1, 3600 },
                                   &bench->duration_s, &bench->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "rate", (struct number_range){ 0, 1000000 },
                                   &bench->rate, &bench->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "in-flight", (struct number_range){ 1, 200000 },
                                   &bench->in_flight, &bench->error);
    return status;
}

/* ---- The stage ---- */

static enum status ledger_prepare(struct bench *bench)
{
    enum { ACCOUNTS = 10000 };
    static const struct chart_names names = { { 0, 1 }, "EUR", "sandbox" };
    struct session session;
    const struct session_options options = { .folder = buf_terminated(&bench->stage.data) };
    enum status status = session_open(&options, &session, &bench->error);
    if (status != STATUS_OK) return status;
    status = bench_key_make(&session, "payments:write", &bench->authorization, &bench->error);
    if (status == STATUS_OK)
        status = bench_accounts_make(&session, ACCOUNTS, &bench->ids, &bench->error);
    if (status == STATUS_OK) status = chart_accounts_make(&session, &names, &bench->error);
    session_close(&session);
    return status;
}

static enum status serve(struct bench *bench, const char *psp, const char *workers)
{
    bool hooks = invocation_has(bench->invocation, "webhooks");
    const char *const options[] = {
        "--plain",
        "--threads",
        text(bench, "threads"),
        "--psp",
        psp,
        "--psp-keys",
        buf_terminated(&bench->sandbox.keys_path),
        "--psp-private",
        "--saga-workers",
        workers,
        hooks ? "--webhook-in" : NULL, /* the last ones */
        buf_terminated(&bench->sandbox.hook),
        "--webhook-private",
        NULL,
    };
    const struct session_options session = { .folder = buf_terminated(&bench->stage.data) };
    enum status status = stage_serve(&bench->stage, options, &bench->error);
    if (status == STATUS_OK && hooks)
        status = demo_sandbox_tell(&bench->sandbox, buf_terminated(&bench->stage.address),
                                   &bench->error);
    if (status != STATUS_OK) return status;
    status = session_open(&session, &bench->session, &bench->error);
    if (status != STATUS_OK || !hooks || bench->what != BENCH_PAY_IN) return status;
    status = bench_receiver_open(&bench->receiver, &bench->error);
    if (status != STATUS_OK) return status;
    return bench_receiver_enrol(bench->receiver, &bench->session, &bench->error);
}

static enum status load(struct bench *bench, enum load_form form, uint64_t count)
{
    const struct asset *asset = asset_iso_by_code(STR("EUR"));
    CHECK(asset != NULL);
    const struct load_options options = {
        .address = buf_terminated(&bench->stage.address),
        .authorization = buf_terminated(&bench->authorization),
        .connections = (uint32_t)bench->connections,
        .form = form,
        .batch = 1,
        .accounts = (const struct account_id *)(const void *)bench->ids.data,
        .account_count = (uint32_t)(bench->ids.len / sizeof(struct account_id)),
        .asset_code = STR("EUR"),
        .asset_id = asset->id,
        .amount = STR("1.00"),
        .amount_minor = 100,
        .method = STR("card_ok"),
        .psp = STR("sandbox"),
        .rate = count > 0 ? 0 : bench->rate,
        .duration_ms = count > 0 ? 0 : bench->duration_s * 1000,
        .transfers_max = count,
        .clock = system_clock(),
        .entropy = system_entropy(),
    };
    return load_run(&options, &bench->result, &bench->error);
}

/* ---- The measures ---- */

/* Until no more than so many are open. */
static enum status rest_wait(struct bench *bench)
{
    uint64_t from = now_ms();
    struct bench_counts counts = { .open = 1 };
    while (counts.open > 0) {
        enum status status = bench_counts_read(&bench->session, &counts, &bench->error);
        if (status != STATUS_OK) return status;
        if (now_ms() - from > REST_MS_MAX)
            return error_set(&bench->error, STATUS_UNAVAILABLE, "%llu payments do not end",
                             (unsigned long long)counts.open);
        if (counts.open > 0) pause_ms(POLL_MS);
    }
    return STATUS_OK;
}

static enum status pay_in_measure(struct bench *bench)
{
    enum status status = load(bench, LOAD_PAY_IN, 0);
    if (status == STATUS_OK) status = rest_wait(bench);
    if (status == STATUS_OK) status = bench_ends_read(&bench->session, &bench->ends, &bench->error);
    if (status == STATUS_OK && bench->receiver != NULL)
        bench_receiver_wait(bench->receiver, bench->ends.succeeded, REST_MS_MAX, &bench->told);
    return status;
}

/* Each is handed to a worker at least once before there were as many calls as payments. */
static enum status resumed_wait(struct bench *bench, uint64_t from_ms)
{
    struct bench_counts counts = { 0 };
    while (counts.calls < bench->in_flight) {
        enum status status = bench_counts_read(&bench->session, &counts, &bench->error);
        if (status != STATUS_OK) return status;
        if (now_ms() - from_ms > REST_MS_MAX)
            return error_set(&bench->error, STATUS_UNAVAILABLE, "only %llu calls were made",
                             (unsigned long long)counts.calls);
        if (counts.calls < bench->in_flight) pause_ms(POLL_MS);
    }
    bench->resumed_ms = now_ms() - from_ms;
    return STATUS_OK;
}

static enum status restart_measure(struct bench *bench)
{
    struct bench_counts counts;
    enum status status = load(bench, LOAD_PAY_IN, bench->in_flight);
    if (status == STATUS_OK) status = bench_counts_read(&bench->session, &counts, &bench->error);
    if (status != STATUS_OK) return status;
    bench->in_flight = counts.open;
    session_close(&bench->session);
    stage_kill(&bench->stage);
    uint64_t from_ms = now_ms();
    status = serve(bench, buf_terminated(&bench->sandbox.psp), text(bench, "saga-workers"));
    bench->listen_ms = now_ms() - from_ms;
    if (status == STATUS_OK) status = resumed_wait(bench, from_ms);
    if (status == STATUS_OK) status = rest_wait(bench);
    bench->ended_ms = now_ms() - from_ms;
    return status;
}

static enum status measure(struct bench *bench)
{
    bool restart = bench->what == BENCH_RESTART;
    const char *psp = restart ? PSP_NOWHERE : buf_terminated(&bench->sandbox.psp);
    enum status status = serve(bench, psp, restart ? "1" : text(bench, "saga-workers"));
    if (status != STATUS_OK) return status;
    switch (bench->what) {
    case BENCH_WALLET: status = load(bench, LOAD_WALLET, 0); break;
    case BENCH_PAY_IN: status = pay_in_measure(bench); break;
    case BENCH_RESTART: status = restart_measure(bench); break;
    }
    session_close(&bench->session);
    if (status == STATUS_OK && stage_stop(&bench->stage) != EXIT_CODE_DONE)
        status = error_set(&bench->error, STATUS_UNAVAILABLE, "the server did not end well");
    return status;
}

/* ---- The report ---- */

struct figure {
    const char *name; /* in JSON; NULL: the end */
    const char *label;
    uint64_t value;
};

enum { FIGURES_MAX = 24 };

struct figures {
    struct figure items[FIGURES_MAX];
    uint32_t count;
};

static void add(struct figures *figures, const char *name, const char *label, uint64_t value)
{
    CHECK(figures->count < FIGURES_MAX);
    figures->items[figures->count++] = (struct figure){ name, label, value };
}

static uint64_t per_second(uint64_t count, uint64_t first_ns, uint64_t last_ns)
{
    uint64_t ns = last_ns - first_ns;
    return ns == 0 ? 0 : (uint64_t)((uint128)count * (uint64_t)NS_PER_S / ns);
}

static void load_figures(const struct bench *bench, struct figures *figures)
{
    const struct load_result *result = &bench->result;
    add(figures, "requests_per_second", "requests a second", result->requests_per_second);
    add(figures, "p50_us", "p50 of a request, us", result->p50_ns / 1000);
    add(figures, "p99_us", "p99 of a request, us", result->p99_ns / 1000);
    add(figures, "max_us", "longest, us", result->max_ns / 1000);
    add(figures, "failures", "not done", result->failures);
}

/* Of webhooks out: until a payment's event was at the endpoint. */
static void told_figures(const struct bench_told *told, struct figures *figures)
{
    add(figures, "told", "told by webhook", told->events);
    add(figures, "told_again", "told again", told->again);
    add(figures, "told_gaps", "numbers left out", told->gaps + told->odd);
    add(figures, "told_per_second", "told a second",
        per_second(told->events, told->first_ns, told->last_ns));
    add(figures, "told_p50_ms", "p50 until told, ms",
        load_histogram_at(&told->took, 500) / (uint64_t)NS_PER_MS);
    add(figures, "told_p99_ms", "p99 until told, ms",
        load_histogram_at(&told->took, 990) / (uint64_t)NS_PER_MS);
    add(figures, "told_max_ms", "longest, ms", told->took.max_ns / (uint64_t)NS_PER_MS);
}

static void figures_make(const struct bench *bench, struct figures *figures)
{
    const struct bench_ends *ends = &bench->ends;
    if (bench->what == BENCH_RESTART) {
        add(figures, "in_flight", "payments in flight", bench->in_flight);
        add(figures, "listen_ms", "until it listens, ms", bench->listen_ms);
        add(figures, "resumed_ms", "until each is resumed, ms", bench->resumed_ms);
        add(figures, "ended_ms", "until all have ended, ms", bench->ended_ms);
        return;
    }
    load_figures(bench, figures);
    if (bench->what != BENCH_PAY_IN) return;
    add(figures, "succeeded", "succeeded", ends->succeeded);
    add(figures, "failed", "failed", ends->failed);
    add(figures, "succeeded_per_second", "succeeded a second",
        per_second(ends->succeeded, ends->first_ns, ends->last_ns));
    add(figures, "ended_p50_ms", "p50 until succeeded, ms",
        load_histogram_at(&ends->took, 500) / (uint64_t)NS_PER_MS);
    add(figures, "ended_p99_ms", "p99 until succeeded, ms",
        load_histogram_at(&ends->took, 990) / (uint64_t)NS_PER_MS);
    add(figures, "ended_max_ms", "longest, ms", ends->took.max_ns / (uint64_t)NS_PER_MS);
    if (bench->receiver != NULL) told_figures(&bench->told, figures);
}

static void figures_json(const struct figures *figures, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    for (uint32_t i = 0; i < figures->count; i++) {
        json_write_key(&writer, str_from(figures->items[i].name));
        json_write_uint64(&writer, figures->items[i].value);
    }
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(out, '\n');
}

static int report(const struct bench *bench)
{
    struct figures figures = { .count = 0 };
    BUF_SCOPE struct buf out;
    buf_init(&out, TEXT_SIZE_MAX);
    figures_make(bench, &figures);
    if (bench->invocation->json) {
        figures_json(&figures, &out);
    } else {
        for (uint32_t i = 0; i < figures.count; i++)
            buf_append_format(&out, "  %-28s%10llu\n", figures.items[i].label,
                              (unsigned long long)figures.items[i].value);
    }
    return report_text(bench->invocation, buf_view(&out));
}

static int bench_staged(struct bench *bench)
{
    static const char *const options[] = { NULL };
    enum status status = ledger_prepare(bench);
    if (status == STATUS_OK)
        status = demo_sandbox_open(&bench->stage, options, &bench->sandbox, &bench->error);
    if (status == STATUS_OK) status = measure(bench);
    demo_sandbox_close(&bench->sandbox);
    if (status != STATUS_OK) return report_error(bench->invocation, &bench->error);
    int code = report(bench);
    bool all = bench->result.failures == 0 && bench->ends.failed == 0 &&
               (bench->receiver == NULL || (bench->told.events == bench->ends.succeeded &&
                                            bench->told.gaps == 0 && bench->told.odd == 0));
    return code == EXIT_CODE_DONE && !all ? EXIT_CODE_REFUSED : code;
}

static int bench_payments_run(struct invocation *invocation)
{
    BUF_SCOPE struct buf memory; /* with histograms: more than a stack should hold */
    buf_init(&memory, sizeof(struct bench));
    struct bench *bench = buf_extend(&memory, sizeof *bench);
    CHECK(bench != NULL);
    *bench = (struct bench){ .invocation = invocation };
    enum status status = options_read(bench);
    if (status == STATUS_OK)
        status = stage_open("bench", false, NULL, &bench->stage, &bench->error);
    if (status != STATUS_OK) return report_error(invocation, &bench->error);
    buf_init(&bench->ids, 1 << 20);
    buf_init(&bench->authorization, TEXT_SIZE_MAX);
    int code = bench_staged(bench);
    bench_receiver_close(bench->receiver); /* the server is gone */
    buf_free(&bench->ids);
    buf_free(&bench->authorization);
    stage_close(&bench->stage);
    return code;
}

static const struct positional positionals[] = {
    { "WHAT", "wallet, pay-in or restart", false },
    { 0 },
};

static const struct option options[] = {
    { "connections", "COUNT", "kept alive, each with one request under way", "64" },
    { "threads", "COUNT", "of the server's that parse and answer; 1 to 64", "1" },
    { "duration-s", "SECONDS", "how long: wallet, pay-in", "5" },
    { "rate", "COUNT", "requests a second; 0: as fast as answers come", "0" },
    { "saga-workers", "COUNT", "of the server's: calls to the sandbox at one time", "32" },
    { "webhooks", NULL, "in and out: the sandbox tells the server, and that tells an endpoint here",
      NULL },
    { "in-flight", "COUNT", "restart: payments under way when it is killed", "100000" },
    { 0 },
};

const struct command command_bench_payments = {
    .name = "bench payments",
    .summary =
        "measure payments over HTTP: wallet to wallet, pay-ins, and a restart with many open",
    .details =
        "Everything on this machine, each a process of its own: the load, the server, and for "
        "pay-ins a sandbox over HTTP. wallet: payments from wallet to wallet, done when they are "
        "answered. pay-in: each is answered as pending and carried out by the server's workers; "
        "the time until it succeeded is from its id's millisecond to its last unit, in the "
        "journal's events. With --webhooks the sandbox tells the server of every change, and the "
        "server sends payment.succeeded to an endpoint in this process: `told` counts what came "
        "there, each once and in order, and the time until then is given beside. Without --rate pay-ins are taken in faster than they are carried out, "
        "and that time grows. restart: pay-ins are made while nobody answers at the PSP, the "
        "server is killed (kill -9) and started with a PSP that does; resumed is when as many calls "
        "were made as there were payments. Exit code 1 when one was not done.",
    .positionals = positionals,
    .options = options,
    .examples = "bench payments wallet\nbench payments pay-in --rate 1500 --webhooks\n"
                "bench payments restart --in-flight 100000 --json",
    .run = bench_payments_run,
};

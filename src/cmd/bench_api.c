/* tpwallet bench api: transfers over HTTP from many connections, the load on the same machine. */
#include <stdio.h>
#include <string.h>

#include "adapter/load_generator.h"
#include "adapter/postgres_scratch.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/bench_stage.h"
#include "cmd/report.h"
#include "cmd/stage.h"
#include "model/asset.h"

enum { SECRET_TEXT_SIZE_MAX = 4096 };

struct bench {
    const struct invocation *invocation;
    struct stage stage;
    struct buf ids;           /* struct account_id */
    struct buf authorization; /* "Bearer ..." */
    uint64_t accounts;
    uint64_t connections;
    uint64_t batch;
    uint64_t duration_s;
    enum load_form form;
    bool tls;
    struct load_result result;
    struct error error;
};

static enum status form_parse(struct bench *bench)
{
    static const char *const names[] = { "single", "array", "binary" };
    const char *form = invocation_text(bench->invocation, "form");
    for (uint32_t i = 0; i < 3; i++) {
        if (strcmp(form, names[i]) != 0) continue;
        bench->form = (enum load_form)i;
        return STATUS_OK;
    }
    return error_set(&bench->error, STATUS_INVALID, "--form is single, array or binary");
}
_Static_assert(LOAD_SINGLE == 0 && LOAD_ARRAY == 1 && LOAD_BINARY == 2, "as form_parse() has it");

static enum status options_read(struct bench *bench)
{
    const struct invocation *invocation = bench->invocation;
    enum status status = form_parse(bench);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "accounts", (struct number_range){ 2, 4000000 },
                                   &bench->accounts, &bench->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "connections",
                                   (struct number_range){ 1, LOAD_CONNECTIONS_MAX },
                                   &bench->connections, &bench->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "batch",
                                   (struct number_range){ 1, REQUEST_TRANSFERS_MAX }, &bench->batch,
                                   &bench->error);
    if (status == STATUS_OK)
        status = invocation_number(invocation, "duration-s", (struct number_range){ 1, 3600 },
                                   &bench->duration_s, &bench->error);
    uint64_t threads = 0; /* looked at here, handed to the server as text */
    if (status == STATUS_OK)
        status = invocation_number(invocation, "threads", (struct number_range){ 1, 64 }, &threads,
                                   &bench->error);
    if (bench->form == LOAD_SINGLE) bench->batch = 1;
    bench->tls = invocation_has(invocation, "tls-cert");
    return status;
}

static enum status ledger_prepare(struct bench *bench)
{
    struct session session;
    const struct session_options options = { .folder = buf_terminated(&bench->stage.data) };
    enum status status = session_open(&options, &session, &bench->error);
    if (status != STATUS_OK) return status;
    status = bench_key_make(&session, "transfers:write", &bench->authorization, &bench->error);
    if (status == STATUS_OK)
        status = bench_accounts_make(&session, bench->accounts, &bench->ids, &bench->error);
    session_close(&session);
    return status;
}

static enum status server_start(struct bench *bench)
{
    const char *certificate = invocation_text(bench->invocation, "tls-cert");
    const char *key = invocation_text(bench->invocation, "tls-key");
    const char *threads = invocation_text(bench->invocation, "threads");
    const char *const plain[] = { "--threads", threads, "--plain", NULL };
    const char *const tls[] = { "--threads", threads, "--tls-cert", certificate,
                                "--tls-key", key,     NULL };
    if (bench->tls && key == NULL)
        return error_set(&bench->error, STATUS_INVALID, "--tls-cert wants --tls-key beside it");
    return stage_serve(&bench->stage, bench->tls ? tls : plain, &bench->error);
}

static enum status load(struct bench *bench)
{
    const struct load_options options = {
        .address = buf_terminated(&bench->stage.address),
        .tls = bench->tls,
        .authorization = buf_terminated(&bench->authorization),
        .connections = (uint32_t)bench->connections,
        .form = bench->form,
        .batch = (uint32_t)bench->batch,
        .accounts = (const struct account_id *)(const void *)bench->ids.data,
        .account_count = (uint32_t)bench->accounts,
        .asset_code = STR("EUR"),
        .asset_id = asset_iso_by_code(STR("EUR"))->id,
        .amount = STR("1.00"),
        .amount_minor = 100,
        .duration_ms = bench->duration_s * 1000,
        .clock = system_clock(),
        .entropy = system_entropy(),
    };
    return load_run(&options, &bench->result, &bench->error);
}

static void number(struct json_writer *writer, struct str name, uint64_t value)
{
    json_write_key(writer, name);
    json_write_uint64(writer, value);
}

static void result_json(const struct bench *bench, struct buf *out)
{
    const struct load_result *result = &bench->result;
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("form"));
    json_write_string(&writer, str_from(invocation_text(bench->invocation, "form")));
    json_write_key(&writer, STR("tls"));
    json_write_bool(&writer, bench->tls);
    number(&writer, STR("connections"), bench->connections);
    number(&writer, STR("batch"), bench->batch);
    number(&writer, STR("accounts"), bench->accounts);
    number(&writer, STR("requests"), result->requests);
    number(&writer, STR("transfers"), result->transfers);
    number(&writer, STR("failures"), result->failures);
    number(&writer, STR("elapsed_ns"), result->elapsed_ns);
    number(&writer, STR("transfers_per_second"), result->transfers_per_second);
    number(&writer, STR("requests_per_second"), result->requests_per_second);
    number(&writer, STR("p50_ns"), result->p50_ns);
    number(&writer, STR("p90_ns"), result->p90_ns);
    number(&writer, STR("p99_ns"), result->p99_ns);
    number(&writer, STR("p999_ns"), result->p999_ns);
    number(&writer, STR("max_ns"), result->max_ns);
    number(&writer, STR("bytes_sent"), result->bytes_sent);
    number(&writer, STR("bytes_received"), result->bytes_received);
    json_write_key(&writer, STR("statuses"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < result->status_count; i++) {
        json_write_object_begin(&writer);
        number(&writer, STR("status"), result->statuses[i].status);
        number(&writer, STR("count"), result->statuses[i].count);
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    buf_append_byte(out, '\n');
}

static void latency_line(struct buf *out, const char *name, uint64_t ns)
{
    uint64_t us = ns / 1000;
    buf_append_format(out, "  %-24s%8llu.%03llu ms\n", name, (unsigned long long)(us / 1000),
                      (unsigned long long)(us % 1000));
}

static void result_text(const struct bench *bench, struct buf *out)
{
    const struct load_result *result = &bench->result;
    buf_append_format(out, "%s over %s, %llu connections, %llu a request, %llu accounts, %llu s\n",
                      invocation_text(bench->invocation, "form"),
                      bench->tls ? "TLS 1.3" : "plain HTTP", (unsigned long long)bench->connections,
                      (unsigned long long)bench->batch, (unsigned long long)bench->accounts,
                      (unsigned long long)bench->duration_s);
    buf_append_format(out, "  %-24s%8llu\n", "transfers a second",
                      (unsigned long long)result->transfers_per_second);
    buf_append_format(out, "  %-24s%8llu\n", "requests a second",
                      (unsigned long long)result->requests_per_second);
    latency_line(out, "p50 of a request", result->p50_ns);
    latency_line(out, "p90", result->p90_ns);
    latency_line(out, "p99", result->p99_ns);
    latency_line(out, "p99.9", result->p999_ns);
    latency_line(out, "longest", result->max_ns);
    buf_append_format(out, "  %-24s%8llu\n", "not done", (unsigned long long)result->failures);
    for (uint32_t i = 0; i < result->status_count; i++)
        buf_append_format(out, "  HTTP %-19u%8llu\n", result->statuses[i].status,
                          (unsigned long long)result->statuses[i].count);
}

static int bench_staged(struct bench *bench)
{
    enum status status = ledger_prepare(bench);
    if (status == STATUS_OK) status = server_start(bench);
    if (status == STATUS_OK) status = load(bench);
    if (status == STATUS_OK && stage_stop(&bench->stage) != EXIT_CODE_DONE)
        status = error_set(&bench->error, STATUS_UNAVAILABLE, "the server did not end well");
    if (status != STATUS_OK) return report_error(bench->invocation, &bench->error);
    BUF_SCOPE struct buf out;
    buf_init(&out, 64 << 10);
    if (bench->invocation->json)
        result_json(bench, &out);
    else
        result_text(bench, &out);
    int code = report_text(bench->invocation, buf_view(&out));
    return code == EXIT_CODE_DONE && bench->result.failures > 0 ? EXIT_CODE_REFUSED : code;
}

static int bench_on(struct bench *bench, const char *store_url)
{
    if (stage_open("bench", false, store_url, &bench->stage, &bench->error) != STATUS_OK)
        return report_error(bench->invocation, &bench->error);
    buf_init(&bench->ids, bench->accounts * sizeof(struct account_id));
    buf_init(&bench->authorization, SECRET_TEXT_SIZE_MAX);
    int code = bench_staged(bench);
    buf_free(&bench->ids);
    buf_free(&bench->authorization);
    stage_close(&bench->stage);
    return code;
}

static int bench_api_run(struct invocation *invocation)
{
    struct bench bench = { .invocation = invocation };
    const char *url = invocation_text(invocation, "store");
    enum status status = options_read(&bench);
    if (status == STATUS_OK && url != NULL)
        status = postgres_scratch_make(url, POSTGRES_SCHEMA_TPWALLET, &bench.error);
    if (status != STATUS_OK) return report_error(invocation, &bench.error);
    int code = bench_on(&bench, url);
    struct error error = { 0 };
    if (url != NULL && postgres_scratch_drop(url, POSTGRES_SCHEMA_TPWALLET, &error) != STATUS_OK)
        (void)fprintf(stderr, "the schema tpwallet stays: %s\n", error.message);
    return code;
}

static const struct option options[] = {
    { "form", "FORM", "single (one JSON object a request), array, or binary", "single" },
    { "batch", "COUNT", "transfers a request, for array and binary", "8190" },
    { "connections", "COUNT", "kept alive, each with one request under way", "64" },
    { "threads", "COUNT", "of the server's that parse and answer; 1 to 64", "1" },
    { "duration-s", "SECONDS", "how long", "5" },
    { "accounts", "COUNT", "that transfers go between, chosen evenly", "10000" },
    { "store", "URL", "the ledger is in this PostgreSQL database, which has none", NULL },
    { "tls-cert", "FILE", "PEM: serve over TLS with this certificate", NULL },
    { "tls-key", "FILE", "PEM: its key", NULL },
    { 0 },
};

const struct command command_bench_api = {
    .name = "bench api",
    .summary = "measure transfers over HTTP, client and server on this machine",
    .details = "Makes a ledger in a folder of its own, serves it by a process of its own, and "
               "sends transfers from one thread over many connections. Every transfer is durable "
               "before it is answered. Exit code 1 when one was not done. With --store the schema "
               "tpwallet is made in the database, which must not have it, and dropped behind it.",
    .options = options,
    .examples = "bench api\nbench api --form binary --connections 4\n"
                "bench api --tls-cert cert.pem --tls-key key.pem --json\n"
                "bench api --store postgres://postgres@localhost/bench",
    .run = bench_api_run,
};

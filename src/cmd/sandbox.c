/* tpwallet sandbox: a PSP and bank to develop and test against, until it is told to stop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/curl_http.h"
#include "adapter/http_server.h"
#include "adapter/sandbox_server.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/invocation.h"
#include "cmd/report.h"
#include "cmd/stop_signal.h"
#include "crypto/secret.h"

enum { SECRET_FILE_SIZE_MAX = 1024, DRAIN_S = 10 };

struct sandbox_command {
    const struct invocation *invocation;
    struct http_out *http;
    struct sandbox_server *server;
    struct http_server *listener;
    struct sandbox_server_options options;
    struct fault_plan faults;
    struct hook_asked hook;
    char secret[SECRET_FILE_SIZE_MAX];
    sigset_t signals;
    struct error error;
};

static enum status number_read(struct sandbox_command *command, const char *name, uint64_t max,
                               uint32_t *out_value)
{
    uint64_t value = *out_value;
    enum status status = invocation_number(
        command->invocation, name, (struct number_range){ 1, max }, &value, &command->error);
    if (status == STATUS_OK) *out_value = (uint32_t)value;
    return status;
}

static enum status books_read(struct sandbox_command *command)
{
    struct sandbox_options *books = &command->options.books;
    uint64_t seed = 0;
    *books = SANDBOX_OPTIONS_DEFAULT;
    enum status status =
        invocation_number(command->invocation, "seed", (struct number_range){ 0, UINT64_MAX },
                          &seed, &command->error);
    books->seed = seed;
    if (status == STATUS_OK)
        status = number_read(command, "orders-max", SANDBOX_ITEMS_MAX, &books->items_max);
    if (status == STATUS_OK)
        status = number_read(command, "pending-ms", FAULT_MS_MAX, &books->pending_ms);
    if (status == STATUS_OK) status = number_read(command, "late-ms", UINT32_MAX, &books->late_ms);
    if (status == STATUS_OK)
        status =
            number_read(command, "webhook-tasks", HOOKS_TASKS_MAX, &command->options.hook_tasks);
    const char *faults = invocation_text(command->invocation, "faults");
    fault_plan_init(&command->faults, seed);
    command->options.faults = &command->faults;
    if (status == STATUS_OK && faults != NULL)
        status = fault_plan_parse(str_from(faults), &command->faults, &command->error);
    return status;
}

/* The file's first line. */
static enum status secret_read(struct sandbox_command *command, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(&command->error, STATUS_NOT_FOUND, "cannot read '%s': %s", path,
                         strerror(errno));
    bool got = fgets(command->secret, sizeof command->secret, file) != NULL;
    if (fclose(file) != 0) got = false;
    if (!got) return error_set(&command->error, STATUS_INVALID, "'%s' holds no secret", path);
    command->secret[strcspn(command->secret, "\r\n")] = '\0';
    return STATUS_OK;
}

static enum status hook_read(struct sandbox_command *command)
{
    const char *url = invocation_text(command->invocation, "webhook");
    const char *path = invocation_text(command->invocation, "webhook-secret-file");
    const char *style = invocation_text(command->invocation, "webhook-style");
    if (url == NULL && path == NULL) return STATUS_OK;
    if (url == NULL || path == NULL)
        return error_set(&command->error, STATUS_INVALID,
                         "--webhook and --webhook-secret-file want each other");
    if (!hook_scheme_parse(str_from(style), &command->hook.scheme))
        return error_set(&command->error, STATUS_INVALID,
                         "--webhook-style is standard, standard_ed25519 or stripe");
    enum status status = secret_read(command, path);
    command->hook.url = str_from(url);
    command->hook.secret = str_from(command->secret);
    command->options.hook = &command->hook;
    return status;
}

static enum status server_open(struct sandbox_command *command)
{
    command->options.hook_tasks = 16;
    command->options.key = invocation_text(command->invocation, "key");
    command->options.sync = thread_sync();
    command->options.clock = system_clock();
    command->options.entropy = system_entropy();
    enum status status = books_read(command);
    if (status == STATUS_OK) status = hook_read(command);
    const struct curl_http_options http = { .ca_file = NULL };
    if (status == STATUS_OK) status = curl_http_open(&http, &command->http, &command->error);
    command->options.http = command->http;
    if (status == STATUS_OK)
        status = sandbox_server_open(&command->options, &command->server, &command->error);
    secret_wipe(command->secret, sizeof command->secret);
    return status;
}

static enum status listener_open(struct sandbox_command *command)
{
    struct http_server_options options = HTTP_SERVER_OPTIONS_DEFAULT;
    options.service = sandbox_server_service(command->server);
    options.sync = thread_sync();
    options.clock = system_clock();
    options.listen = invocation_text(command->invocation, "listen");
    options.plain = true;
    return http_server_open(&options, &command->listener, &command->error);
}

static int announce(struct sandbox_command *command)
{
    BUF_SCOPE struct buf out;
    BUF_SCOPE struct buf url;
    buf_init(&out, 1024);
    buf_init(&url, 512);
    buf_append_format(&url, "http://%s", http_server_address(command->listener));
    if (command->invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("url"));
        json_write_string(&writer, buf_view(&url));
        json_write_key(&writer, STR("pid"));
        json_write_uint64(&writer, (uint64_t)getpid());
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
    } else {
        buf_append_format(&out, "the sandbox listens on %s", buf_terminated(&url));
    }
    buf_append_byte(&out, '\n');
    return report_text(command->invocation, buf_view(&out));
}

static int sandbox_serve(struct sandbox_command *command)
{
    enum status status = stop_signal_block(&command->signals, &command->error);
    if (status == STATUS_OK) status = server_open(command);
    if (status == STATUS_OK) status = listener_open(command);
    if (status != STATUS_OK) return report_error(command->invocation, &command->error);
    int code = announce(command);
    stop_signal_wait(&command->signals);
    sandbox_server_hurry(command->server);
    struct monotonic_time deadline = clock_monotonic(system_clock());
    deadline.ns += DRAIN_S * NS_PER_S;
    if (http_server_drain(command->listener, deadline) != STATUS_OK)
        (void)fprintf(stderr, "tpwallet: some requests were not answered in time\n");
    return code;
}

static int sandbox_run(struct invocation *invocation)
{
    struct sandbox_command command = { .invocation = invocation };
    int code = sandbox_serve(&command);
    http_server_close(command.listener);
    sandbox_server_close(command.server);
    if (command.http != NULL) command.http->close(command.http);
    return code;
}

#define CARD_LINE(name, number, first, later, reason, fault, text)                                 \
    "    " number "  card_" name ": " text "\n"
#define BANK_LINE(name, number, first, later, reason, fault, text)                                 \
    "    " number "  bank_" name ": " text "\n"

static const struct option options[] = {
    { "listen", "ADDR:PORT", "where to listen, on loopback; port 0 lets the kernel choose",
      "127.0.0.1:8090" },
    { "key", "KEY", "what clients send as Authorization: Bearer KEY; protects nothing", "sandbox" },
    { "seed", "N", "the faults' draws follow from it", "0" },
    { "faults", "LIST", "NAME=PER_MILLE or NAME=PER_MILLE:MS, with commas; see PUT /faults", NULL },
    { "webhook", "URL", "tell this address of every change; more with POST /webhooks", NULL },
    { "webhook-secret-file", "FILE", "its first line is the secret to sign with", NULL },
    { "webhook-style", "STYLE", "standard, standard_ed25519 or stripe", "standard" },
    { "webhook-tasks", "COUNT", "webhooks under way at once, up to 64", "16" },
    { "orders-max", "COUNT", "orders and chargebacks that it can keep; some 450 bytes each", NULL },
    { "pending-ms", "MS", "how long `pending` lasts", "2000" },
    { "late-ms", "MS", "from done to a late truth or a chargeback", "259200000" },
    { 0 },
};

const struct command command_sandbox = {
    .name = "sandbox",
    .summary = "run a PSP and bank to develop and test against",
    .details =
        "It keeps books of its own in memory, and forgets them when it ends. Its wire is described "
        "in docs/sandbox.md: orders, statements and webhooks of its own, and a subset of Stripe's "
        "API under /v1/. No money moves, and no real card or account number may be sent to it.\n\n"
        "What happens is chosen by the test method: a token (card_NAME, bank_NAME), or a number "
        "that POST /payment_methods turns into one. Stripe's names of test cards (pm_card_visa) "
        "work as well.\n\n"
        "Cards, and what happens:\n\n" SANDBOX_CARD_TABLE(CARD_LINE) "\nBank accounts:\n\n" SANDBOX_BANK_TABLE(
            BANK_LINE) "\n"
                       "Faults: timeout_before and timeout_after (the effect), close_before, close_after, "
                       "error_before, error_after, slow, throttle, garbage, oversize, wrong_amount, wrong_asset, "
                       "query_blind; webhook_lost, webhook_duplicate, webhook_late, webhook_reordered, "
                       "webhook_bad_signature; statement_missing, statement_double. PUT /faults changes them, "
                       "also for one named order.\n\n"
                       "POST /clock/advance moves its date by so many days, so that a day is settled and its "
                       "statement made; GET /books tells what it owes.",
    .options = options,
    .examples = "sandbox\n"
                "sandbox --seed 7 --faults timeout_after=20,webhook_lost=50,slow=100:250\n"
                "sandbox --webhook http://127.0.0.1:8080/v1/webhooks/sandbox "
                "--webhook-secret-file secret",
    .run = sandbox_run,
};

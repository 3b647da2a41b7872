/* tpwallet log witness: cosigns checkpoints of logs, until it is told to stop. */
#include <unistd.h>

#include "adapter/http_server.h"
#include "adapter/json_log.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "adapter/witness_folder.h"
#include "adapter/witness_server.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/core_dumps.h"
#include "cmd/note_keys.h"
#include "cmd/report.h"
#include "cmd/stop_signal.h"

/* A request is small: who needs longer than this is not worth a connection. */
enum { DRAIN_S = 10, REQUEST_MS = 10000, CONNECTIONS = 1000, CONNECTIONS_PER_ADDRESS = 100 };

struct log_witness_command {
    const struct invocation *invocation;
    struct note_key keys[WITNESS_LOGS_MAX];
    uint32_t key_count;
    struct json_log *log;
    struct witness_folder *folder;
    struct witness *witness;
    struct http_server *listener;
    sigset_t signals;
    struct error error;
};

static enum status options_check(struct log_witness_command *command)
{
    const struct invocation *invocation = command->invocation;
    bool plain = invocation_has(invocation, "plain");
    bool certificate = invocation_has(invocation, "tls-cert");
    bool key = invocation_has(invocation, "tls-key");
    struct error *error = &command->error;
    if (!plain && certificate && key) return STATUS_OK;
    if (plain && !certificate && !key) return STATUS_OK;
    enum status status = error_set(error, STATUS_INVALID,
                                   plain ? "--plain is without TLS: take the TLS files out"
                                         : "TLS wants a certificate and its key");
    error_hint(error, "--tls-cert FILE --tls-key FILE; or --plain, on this machine only");
    return status;
}

static enum status logs_read(struct log_witness_command *command)
{
    const char *text = invocation_text(command->invocation, "log");
    if (text == NULL) {
        enum status status =
            error_set(&command->error, STATUS_INVALID, "--log is missing: whose witness is it?");
        error_hint(&command->error, "the public key of a log, as `tpwallet log key` shows it");
        return status;
    }
    const struct note_keys_option option = { "log", NOTE_ED25519, WITNESS_LOGS_MAX,
                                             "tpwallet log key" };
    return note_keys_parse(&option, str_from(text), command->keys, &command->key_count,
                           &command->error);
}

static enum status witness_begin(struct log_witness_command *command)
{
    enum status status =
        witness_folder_open(command->invocation->data, &command->folder, &command->error);
    if (status != STATUS_OK) return status;
    const struct witness_ports ports = {
        .sync = thread_sync(),
        .clock = system_clock(),
        .log = json_log_port(command->log),
        .store = witness_folder_store(command->folder),
    };
    const struct witness_options options = {
        .signer = witness_folder_signer(command->folder),
        .logs = command->keys,
        .log_count = command->key_count,
    };
    return witness_open(&ports, &options, &command->witness, &command->error);
}

static enum status listener_open(struct log_witness_command *command)
{
    const struct invocation *invocation = command->invocation;
    struct http_server_options options = HTTP_SERVER_OPTIONS_DEFAULT;
    options.service = witness_service(command->witness);
    options.sync = thread_sync();
    options.clock = system_clock();
    options.listen = invocation_text(invocation, "listen");
    options.plain = invocation_has(invocation, "plain");
    options.tls_certificate_file = invocation_text(invocation, "tls-cert");
    options.tls_key_file = invocation_text(invocation, "tls-key");
    options.connections_max = CONNECTIONS;
    options.connections_per_address_max = CONNECTIONS_PER_ADDRESS;
    options.headers_ms = REQUEST_MS;
    options.body_ms = REQUEST_MS;
    options.answer_ms = REQUEST_MS;
    return http_server_open(&options, &command->listener, &command->error);
}

static int announce(struct log_witness_command *command)
{
    const struct invocation *invocation = command->invocation;
    char text[NOTE_KEY_TEXT_SIZE];
    struct str key = note_key_format(&witness_folder_signer(command->folder)->key, text);
    BUF_SCOPE struct buf out;
    BUF_SCOPE struct buf url;
    buf_init(&out, 8192);
    buf_init(&url, 512);
    buf_append_format(&url, "http%s://%s", invocation_has(invocation, "plain") ? "" : "s",
                      http_server_address(command->listener));
    if (invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("url"));
        json_write_string(&writer, buf_view(&url));
        json_write_key(&writer, STR("key"));
        json_write_string(&writer, key);
        json_write_key(&writer, STR("pid"));
        json_write_uint64(&writer, (uint64_t)getpid());
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
    } else {
        buf_append_format(&out, "the witness %.*s listens on %s", STR_ARG(key),
                          buf_terminated(&url));
    }
    buf_append_byte(&out, '\n');
    return report_text(invocation, buf_view(&out));
}

static void log_event(struct log_witness_command *command, enum log_level level, struct str event,
                      struct str message)
{
    const struct log_line line = { .level = level, .event = event, .message = message };
    log_write(json_log_port(command->log), line);
}

static int witness_serve(struct log_witness_command *command)
{
    const struct json_log_options log = {
        .fd = STDERR_FILENO,
        .writer = "witness",
        .level_min = LOG_INFO,
        .clock = system_clock(),
    };
    enum status status = options_check(command);
    if (status == STATUS_OK) status = logs_read(command);
    if (status == STATUS_OK) status = core_dumps_off(&command->error);
    if (status == STATUS_OK) status = stop_signal_block(&command->signals, &command->error);
    if (status == STATUS_OK) status = json_log_open(&log, &command->log, &command->error);
    if (status == STATUS_OK) status = witness_begin(command);
    if (status == STATUS_OK) status = listener_open(command);
    if (status != STATUS_OK) return report_error(command->invocation, &command->error);
    int code = announce(command);
    log_event(command, LOG_INFO, STR("witness.ready"), STR("checkpoints are taken"));
    stop_signal_wait(&command->signals);
    log_event(command, LOG_INFO, STR("witness.stopping"), STR("a signal says to stop"));
    struct monotonic_time deadline = clock_monotonic(system_clock());
    deadline.ns += DRAIN_S * NS_PER_S;
    if (http_server_drain(command->listener, deadline) != STATUS_OK) {
        log_event(command, LOG_WARNING, STR("witness.drain_late"),
                  STR("some requests were not answered in time"));
    }
    return code;
}

static int witness_run(struct invocation *invocation)
{
    struct log_witness_command command = { .invocation = invocation };
    int code = witness_serve(&command);
    http_server_close(command.listener);
    witness_close(command.witness);
    witness_folder_close(command.folder);
    json_log_close(command.log);
    return code;
}

static const struct option options[] = {
    { "log", "KEYS", "public keys of the logs to witness, with commas between; 64 at most", NULL },
    { "listen", "ADDR:PORT", "where to listen; port 0 lets the kernel choose", "127.0.0.1:8091" },
    { "plain", NULL, "without TLS: only on a loopback address", NULL },
    { "tls-cert", "FILE", "PEM: the certificate and its chain", NULL },
    { "tls-key", "FILE", "PEM: its private key", NULL },
    { 0 },
};

const struct command command_log_witness = {
    .name = "log witness",
    .summary = "be a witness: cosign checkpoints of logs until SIGTERM or SIGINT",
    .details =
        "Speaks C2SP tlog-witness (POST /add-checkpoint). It remembers the checkpoint that it "
        "cosigned last of each log, and cosigns another one only when a proof shows that the log "
        "only grew; what it cosigns is on the disk before anybody sees the cosignature. A log that "
        "shows two histories gets its second one refused, and an alarm in the witness's log holds "
        "the evidence. Witnesses are worth something when others than the log's owner run "
        "them.\n\n"
        "`tpwallet log witness init` makes the folder first (--data DIR, never a ledger's). "
        "Several keys of one name are keys of one log. A log that is left out is not cosigned for "
        "meanwhile, and not forgotten.\n\n"
        "GET /metrics counts requests by outcome and tells the size last cosigned of each log; GET "
        "/livez answers ok. One line on standard output says where it listens and its public key; "
        "its log goes to standard error. On SIGTERM or SIGINT it answers what has begun and ends "
        "with exit code 0.",
    .options = options,
    .examples = "log witness --plain --log example.com/0+132d55bf+AaSKmZR1Dh9ai7q/"
                "XLXoK2QCe1zC3hJLDGYWZdN/CuoV",
    .run = witness_run,
};

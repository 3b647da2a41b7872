/* tpwallet serve: the ledger over HTTP, until it is told to stop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/http_server.h"
#include "adapter/json_log.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "api/event_streams.h"
#include "api/router.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/core_dumps.h"
#include "cmd/host.h"
#include "cmd/lane_set.h"
#include "cmd/report.h"
#include "cmd/serve_behind.h"
#include "cmd/serve_cluster.h"
#include "cmd/serve_settings.h"
#include "cmd/serve_tracing.h"
#include "cmd/serve_witnesses.h"
#include "cmd/stop_signal.h"
#include "cmd/version.h"

/* A short replay delays the start; a long one is done while reads are answered already. */
enum { INDEX_WAIT_MS = 250 };

struct serve {
    const struct invocation *invocation;
    struct host host;
    struct serve_behind behind;
    struct lane_set *lanes; /* NULL: there is one */
    struct serve_witnesses witnesses;
    struct serve_cluster cluster;
    struct lane_options lane_options;
    struct host_options host_options;
    struct json_log *log;
    struct serve_tracing tracing;
    struct http_server *server;
    struct serve_settings settings;
    struct buf address_path;
    struct buf socket_path;
    uint64_t drain_s;
    sigset_t signals;
    struct error error;
};

static struct str route_path(uint32_t number)
{
    const struct route *route = router_route(number);
    return route == NULL ? STR("") : route->path;
}

static bool has_live_key(struct lane *lane)
{
    struct credential page[16];
    uint32_t from = 0;
    uint32_t count;
    while ((count = lane_credential_page(lane, from, page, 16)) > 0) {
        for (uint32_t i = 0; i < count; i++)
            if (!page[i].revoked) return true;
        from += count;
    }
    return false;
}

static enum status options_check(struct serve *serve)
{
    const struct invocation *invocation = serve->invocation;
    bool plain = invocation_has(invocation, "plain");
    bool anonymous = invocation_has(invocation, "anonymous");
    bool certificate = invocation_has(invocation, "tls-cert");
    bool key = invocation_has(invocation, "tls-key");
    struct error *error = &serve->error;
    if (anonymous && !plain)
        return error_set(error, STATUS_INVALID,
                         "--anonymous is for trying things out on this machine: it wants --plain");
    if (plain && (certificate || key || invocation_has(invocation, "client-ca")))
        return error_set(error, STATUS_INVALID, "--plain is without TLS: take the TLS files out");
    if (!plain && (!certificate || !key)) {
        enum status status =
            error_set(error, STATUS_INVALID, "TLS wants a certificate and its key");
        error_hint(error, "--tls-cert FILE --tls-key FILE; or --plain, on this machine only");
        return status;
    }
    return STATUS_OK;
}

static enum status lane_options_read(struct serve *serve, struct lane_options *out_options)
{
    *out_options = LANE_OPTIONS_DEFAULT;
    out_options->index_wait_ms = INDEX_WAIT_MS;
    const struct number_range range = { 1000, UINT64_C(1) << 30 };
    enum status status = invocation_number(serve->invocation, "accounts-max", range,
                                           &out_options->accounts_max, &serve->error);
    if (status == STATUS_OK)
        status = invocation_number(serve->invocation, "holds-max", range, &out_options->holds_max,
                                   &serve->error);
    if (status == STATUS_OK)
        status = invocation_number(serve->invocation, "reversals-max", range,
                                   &out_options->reversals_max, &serve->error);
    if (status == STATUS_OK)
        status = invocation_number(serve->invocation, "payments-max", range,
                                   &out_options->payments_max, &serve->error);
    if (status == STATUS_OK)
        status = invocation_number(serve->invocation, "drain-s", (struct number_range){ 1, 3600 },
                                   &serve->drain_s, &serve->error);
    return status;
}

static enum status stream_options_read(struct serve *serve, struct host_options *options)
{
    uint64_t streams_max = 0;
    uint64_t heartbeat_s = 0;
    enum status status = invocation_number(serve->invocation, "streams-max",
                                           (struct number_range){ 1, EVENT_STREAMS_MAX },
                                           &streams_max, &serve->error);
    if (status == STATUS_OK)
        status = invocation_number(serve->invocation, "heartbeat-s",
                                   (struct number_range){ 1, SERVE_HEARTBEAT_S_MAX }, &heartbeat_s,
                                   &serve->error);
    options->streams_max = (uint32_t)streams_max;
    options->heartbeat_ms = (uint32_t)heartbeat_s * 1000;
    return status;
}

/* Each time that this replica owns the lane: as a server alone does once. */
static enum status cluster_begin(void *context, struct host *host, struct error *out_error)
{
    struct serve *serve = context;
    return serve_settings_begin(&serve->settings, serve->invocation, host->lane, &host->ports,
                                out_error);
}

static void cluster_end(void *context)
{
    struct serve *serve = context;
    serve_settings_end(&serve->settings);
    serve->settings = (struct serve_settings){ 0 };
}

static enum status cluster_open(struct serve *serve)
{
    const struct replica_set_options replicas = {
        .folder = serve->invocation->data,
        .log = json_log_port(serve->log),
        .begin = cluster_begin,
        .end = cluster_end,
        .context = serve,
    };
    return serve_cluster_open(serve->invocation, &replicas,
                              sampling_tracer(serve->tracing.sampling), &serve->cluster,
                              &serve->error);
}

/* What a server runs beside its lane, made ready; nothing of it runs yet. */
static enum status parts_open(struct serve *serve)
{
    struct serve_behind_options behind = { .lanes = 1 };
    enum status status = lane_options_read(serve, &serve->lane_options);
    if (status == STATUS_OK) status = cluster_open(serve);
    if (status == STATUS_OK)
        status = lane_set_count(serve->invocation->data, &behind.lanes, &serve->error);
    struct replica_set *replicas = serve->cluster.replicas;
    for (uint32_t lane = 0; replicas != NULL && lane < behind.lanes; lane++)
        behind.covers[lane] = replica_set_cover(replicas, lane);
    if (status == STATUS_OK)
        status = serve_behind_open(serve->invocation, &behind, &serve->behind, &serve->error);
    if (status == STATUS_OK)
        status = serve_witnesses_open(serve->invocation, &serve->witnesses, &serve->error);
    return status;
}

/* How many lanes there are, before any of them is opened. */
static enum status lanes_open(struct serve *serve)
{
    if (serve->cluster.replicas != NULL) return STATUS_OK; /* they know */
    return lane_set_new(serve->invocation->data, &serve->lanes, &serve->error);
}

/* All but the service. */
static enum status listen_options_read(struct serve *serve, struct http_server_options *out_options)
{
    const struct invocation *invocation = serve->invocation;
    *out_options = HTTP_SERVER_OPTIONS_DEFAULT;
    out_options->sync = thread_sync();
    out_options->clock = system_clock();
    out_options->tracer = sampling_tracer(serve->tracing.sampling);
    out_options->route_path = route_path;
    out_options->listen = invocation_text(invocation, "listen");
    out_options->plain = invocation_has(invocation, "plain");
    out_options->tls_certificate_file = invocation_text(invocation, "tls-cert");
    out_options->tls_key_file = invocation_text(invocation, "tls-key");
    out_options->tls_client_ca_file = invocation_text(invocation, "client-ca");
    out_options->socket_path = buf_terminated(&serve->socket_path);
    uint64_t threads = out_options->threads;
    uint64_t connections_max = out_options->connections_max;
    enum status status = invocation_number(invocation, "threads", (struct number_range){ 1, 64 },
                                           &threads, &serve->error);
    if (status == STATUS_OK)
        status =
            invocation_number(invocation, "connections-max", (struct number_range){ 1, 1000000 },
                              &connections_max, &serve->error);
    out_options->threads = (uint32_t)threads;
    out_options->connections_max = (uint32_t)connections_max;
    return status;
}

/* A server that cannot listen has not started, and is not written down as one that has. */
static enum status listen_check(struct serve *serve)
{
    struct http_server_options options;
    enum status status = listen_options_read(serve, &options);
    return status == STATUS_OK ? http_server_check(&options, &serve->error) : status;
}

static enum status ledger_open(struct serve *serve)
{
    enum status status = parts_open(serve);
    if (status == STATUS_OK) status = lanes_open(serve);
    if (status != STATUS_OK) return status;
    bool alone = serve->cluster.replicas == NULL;
    serve->host_options = (struct host_options){
        .folder = serve->invocation->data,
        .payments = &serve->behind.payments[0],
        .webhooks = serve->behind.webhooks[0],
        .bus = &serve->behind.bus[0],
        .cache = &serve->behind.cache[0],
        .behind = &serve->behind,
        .tracing = &serve->tracing,
        .projection = &serve->behind.projection[0],
        .anonymous = invocation_has(serve->invocation, "anonymous"),
        .tlog = !invocation_has(serve->invocation, "no-log"),
        .tlog_origin = invocation_text(serve->invocation, "log-origin"),
        .streams = true,
        .tlog_witnesses = &serve->witnesses,
        .log = json_log_port(serve->log),
        .lane = &serve->lane_options,
        .process = alone ? NULL : replica_set_process(serve->cluster.replicas),
    };
    status = stream_options_read(serve, &serve->host_options);
    if (status != STATUS_OK || !alone) return status;
    if (serve->lanes != NULL) {
        serve->host_options.links = lane_set_links(serve->lanes);
        serve->host_options.fan = lane_set_fan(serve->lanes);
        serve->host_options.carry = lane_set_carry(serve->lanes);
        serve->host_options.process = lane_set_process(serve->lanes);
    }
    status = host_open(&serve->host_options, &serve->host, &serve->error);
    if (status == STATUS_OK && serve->lanes != NULL)
        status = lane_set_open(serve->lanes, &serve->host_options, &serve->host, &serve->error);
    if (status == STATUS_OK && !serve->host_options.anonymous && !has_live_key(serve->host.lane)) {
        status = error_set(&serve->error, STATUS_DENIED, "there is no API key: nobody could call");
        error_hint(&serve->error, "make one: tpwallet key create NAME; or try things out with "
                                  "--anonymous --plain");
    }
    if (status == STATUS_OK) status = listen_check(serve);
    if (status != STATUS_OK) return status;
    return serve_settings_begin(&serve->settings, serve->invocation, serve->host.lane,
                                &serve->host.ports, &serve->error);
}

static enum status listen_open(struct serve *serve)
{
    struct http_server_options options;
    bool alone = serve->cluster.replicas == NULL;
    enum status status = listen_options_read(serve, &options);
    options.service = alone ? api_service(serve->host.api) : front_service(serve->cluster.front);
    if (serve->lanes != NULL) options.service = lane_set_service(serve->lanes);
    if (status == STATUS_OK && !alone) status = http_server_check(&options, &serve->error);
    if (status == STATUS_OK && !alone)
        status = serve_cluster_start(&serve->cluster, serve->invocation, &options,
                                     &serve->host_options, &serve->error);
    if (status != STATUS_OK) return status;
    return http_server_open(&options, &serve->server, &serve->error);
}

/* Written beside and moved into place, so that a reader never sees half of it. */
static enum status address_write(struct serve *serve)
{
    BUF_SCOPE struct buf beside;
    buf_init(&beside, 4096);
    buf_append_format(&beside, "%s.new", buf_terminated(&serve->address_path));
    FILE *file = fopen(buf_terminated(&beside), "we");
    bool written = file != NULL && fprintf(file, "%s\n", http_server_address(serve->server)) > 0;
    if (file != NULL && fclose(file) != 0) written = false;
    if (written && rename(buf_terminated(&beside), buf_terminated(&serve->address_path)) == 0)
        return STATUS_OK;
    return error_set(&serve->error, STATUS_DENIED, "cannot write '%s': %s",
                     buf_terminated(&serve->address_path), strerror(errno));
}

static int announce(struct serve *serve)
{
    bool plain = invocation_has(serve->invocation, "plain");
    BUF_SCOPE struct buf out;
    buf_init(&out, 8192);
    BUF_SCOPE struct buf url;
    buf_init(&url, 4096);
    buf_append_format(&url, "http%s://%s", plain ? "" : "s", http_server_address(serve->server));
    if (serve->invocation->json) {
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_write_key(&writer, STR("url"));
        json_write_string(&writer, buf_view(&url));
        json_write_key(&writer, STR("socket"));
        json_write_string(&writer, buf_view(&serve->socket_path));
        json_write_key(&writer, STR("pid"));
        json_write_uint64(&writer, (uint64_t)getpid());
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
    } else {
        buf_append_format(&out, "listening on %s", buf_terminated(&url));
    }
    buf_append_byte(&out, '\n');
    if (invocation_has(serve->invocation, "anonymous"))
        (void)fprintf(stderr, "tpwallet: WARNING: --anonymous: whoever reaches this port may do "
                              "everything; never with real money\n");
    return report_text(serve->invocation, buf_view(&out));
}

static void log_event(struct serve *serve, enum log_level level, struct str event,
                      struct str message)
{
    const struct log_line line = { .level = level, .event = event, .message = message };
    log_write(json_log_port(serve->log), line);
}

/* Returns when a signal says to stop. */
static void wait_for_signal(struct serve *serve)
{
    stop_signal_wait(&serve->signals);
    log_event(serve, LOG_INFO, STR("serve.stopping"), STR("a signal says to stop"));
}

static void drain(struct serve *serve)
{
    struct monotonic_time deadline = clock_monotonic(system_clock());
    deadline.ns += (int64_t)serve->drain_s * NS_PER_S;
    if (http_server_drain(serve->server, deadline) != STATUS_OK)
        log_event(serve, LOG_WARNING, STR("serve.drain_late"),
                  STR("some requests were not answered in time"));
}

static int serve_opened(struct serve *serve)
{
    enum status status = ledger_open(serve);
    if (status == STATUS_OK) status = listen_open(serve);
    if (status == STATUS_OK) status = address_write(serve);
    int code = EXIT_CODE_DONE;
    if (status == STATUS_OK) {
        code = announce(serve);
        log_event(serve, LOG_INFO, STR("serve.ready"), STR("requests are taken"));
        wait_for_signal(serve);
        if (serve->cluster.replicas != NULL) replica_set_retire(serve->cluster.replicas);
        drain(serve);
        (void)unlink(buf_terminated(&serve->address_path)); /* stale at worst: replaced at start */
    } else {
        code = report_error(serve->invocation, &serve->error);
    }
    if (serve->cluster.replicas == NULL) serve_settings_end(&serve->settings);
    http_server_close(serve->server);
    serve_cluster_close(&serve->cluster);
    lane_set_close(serve->lanes);
    host_close(&serve->host);
    serve_behind_close(&serve->behind);
    serve_witnesses_close(&serve->witnesses);
    if (status == STATUS_OK) log_event(serve, LOG_INFO, STR("serve.stopped"), STR("all is stored"));
    return code;
}

static enum status log_open(struct serve *serve)
{
    const struct json_log_options options = {
        .fd = STDERR_FILENO,
        .writer = "server",
        .level_min = LOG_INFO,
        .clock = system_clock(),
        .tap = serve->tracing.lines == NULL ? NULL : otlp_logs_line,
        .tap_owner = serve->tracing.lines,
    };
    enum status status = json_log_open(&options, &serve->log, &serve->error);
    if (status == STATUS_OK) serve->tracing.log = serve->log;
    return status;
}

static int serve_run(struct invocation *invocation)
{
    struct serve serve = { .invocation = invocation, .drain_s = 10 };
    buf_init(&serve.address_path, 4096);
    buf_init(&serve.socket_path, 4096);
    buf_append_format(&serve.address_path, "%s/address", invocation->data);
    buf_append_format(&serve.socket_path, "%s/socket", invocation->data);
    enum status status = options_check(&serve);
    if (status == STATUS_OK) status = core_dumps_off(&serve.error);
    if (status == STATUS_OK) status = stop_signal_block(&serve.signals, &serve.error);
    if (status == STATUS_OK) status = serve_tracing_open(invocation, &serve.tracing, &serve.error);
    if (status == STATUS_OK) status = log_open(&serve);
    int code = status == STATUS_OK ? serve_opened(&serve) : report_error(invocation, &serve.error);
    json_log_close(serve.log);
    serve_tracing_close(&serve.tracing);
    buf_free(&serve.address_path);
    buf_free(&serve.socket_path);
    return code;
}

static const struct option options[] = {
    { "listen", "ADDR:PORT", "where to listen; port 0 lets the kernel choose", "127.0.0.1:8080" },
    { "plain", NULL, "without TLS: only on a loopback address", NULL },
    { "tls-cert", "FILE", "PEM: the certificate and its chain", NULL },
    { "tls-key", "FILE", "PEM: its private key", NULL },
    { "client-ca", "FILE", "PEM: clients must show a certificate of one of these", NULL },
    { "anonymous", NULL, "no API key is asked for: for trying things out, with --plain only",
      NULL },
    { "otlp", "URL", "send spans to this collector: http://127.0.0.1:4318/v1/traces", NULL },
    { "otlp-logs", "URL", "send log lines to this one too: http://127.0.0.1:4318/v1/logs", NULL },
    { "trace-sample", "RATIO", "watch so many traces: 1/1000; see `tpwallet help trace raise`",
      "1/1" },
    { "threads", "COUNT", "that parse and answer; 1 to 64", NULL },
    { "connections-max", "COUNT", "over TCP at once; more are refused", NULL },
    { "accounts-max", "COUNT", "memory is reserved for so many accounts: 168 bytes each", NULL },
    { "holds-max", "COUNT", "open holds at once: 104 bytes each", NULL },
    { "reversals-max", "COUNT", "transfers ever reversed: 72 bytes each", NULL },
    { "payments-max", "COUNT", "open payments at once: 588 bytes each", NULL },
    { "psp", "NAME=URL", "a PSP, or several with commas between: sandbox=http://127.0.0.1:8090",
      NULL },
    { "psp-keys", "FILE", "their API keys: lines of NAME and KEY; for its owner alone (600)",
      NULL },
    { "psp-routing", "FILE", "who carries out what (docs/psp.md); in the order of --psp without",
      NULL },
    { "psp-private", NULL, "PSPs may be at private and loopback addresses", NULL },
    { "saga-workers", "COUNT", "calls to PSPs at one time, of each lane, 1 to 256", "32" },
    { "log-origin", "NAME", "of the verifiable log, chosen once: ledger.example.com/0", NULL },
    { "no-log", NULL, "the verifiable log is not kept meanwhile; it catches up later", NULL },
    { "witness", "KEY=URL", "who cosigns the log's checkpoints, or several with commas between",
      NULL },
    { "witness-file", "FILE", "the same as lines of KEY and URL; 16 witnesses at most", NULL },
    { "witness-quorum", "COUNT",
      "so many must have cosigned a checkpoint before it is shown; more than half without it",
      NULL },
    { "witness-private", NULL, "witnesses may be at private and loopback addresses", NULL },
    { "webhook-in", "NAME=SCHEME:FILE",
      "a PSP of --psp that sends webhooks to /v1/webhooks/NAME, or several with commas between",
      NULL },
    { "webhook-private", NULL, "endpoints of ours may be at private and loopback addresses", NULL },
    { "webhook-attempts", "COUNT", "before an event is a dead letter, 1 to 100", "16" },
    { "kafka", "BROKERS", "publish events on Kafka: HOST:PORT, or several with commas between",
      NULL },
    { "kafka-topic", "NAME", "where events go; their positions go to NAME.positions",
      "tpwallet.events" },
    { "kafka-partitions", "COUNT", "of topics that have to be made; a lane is a partition", "1" },
    { "kafka-groups", "NAMES",
      "consumers whose lag is in /metrics: a group, or several with commas between", NULL },
    { "kafka-settings", "FILE",
      "librdkafka's properties, TLS and SASL among them; for its owner alone (600)", NULL },
    { "projection", "on|URL",
      "keep SQL tables behind the journal: in its own database, or in that of a URL", NULL },
    { "projection-lag-max", "SECONDS",
      "commits wait a little while the SQL tables are further behind; 0: never", "10" },
    { "redis", "URL", "keep a cache of reads there: redis://HOST:PORT/DATABASE", NULL },
    { "redis-user", "NAME", "of Redis; the default one without it", NULL },
    { "redis-password", "FILE",
      "its first line, for its owner alone (600); else TPWALLET_REDIS_PASSWORD", NULL },
    { "redis-prefix", "NAME", "what the cache's keys begin with", "tpwallet" },
    { "streams-max", "COUNT", "streams of events at once, 1 to 16384", "1024" },
    { "heartbeat-s", "SECONDS", "how often a stream says that it is alive", "15" },
    { "cluster", NULL, "one of several servers before one journal in PostgreSQL (docs/scale.md)",
      NULL },
    { "replica-name", "NAME", "of this server, among those of the cluster", NULL },
    { "peer-listen", "ADDR:PORT", "where the others hand calls on to", "127.0.0.1:0" },
    { "advertise", "URL", "how the others reach that; without it the address itself", NULL },
    { "peer-ca", "FILE", "PEM: who the others are; without the three, plain and on loopback only",
      NULL },
    { "peer-secret", "FILE", "a line that all replicas have (600): who shows it is one of them",
      NULL },
    { "peer-cert", "FILE", "PEM: the certificate shown to the others, for client and server",
      NULL },
    { "peer-key", "FILE", "PEM: its private key", NULL },
    { "lease-ms", "MS", "how long a lease lasts, 500 to 60000: so long an owner may be missing",
      "2000" },
    { "drain-s", "SECONDS", "how long requests may still take when stopping", "10" },
    { 0 },
};

const struct command command_serve = {
    .name = "serve",
    .summary = "serve the ledger over HTTP until SIGTERM or SIGINT",
    .details =
        "TLS 1.3 with --tls-cert and --tls-key; plain HTTP only on loopback, with --plain. Clients "
        "authenticate with an API key (`tpwallet key create`). Commands on this machine reach the "
        "server through the local socket DIR/socket, which only the folder's owner may use; "
        "DIR/address holds the address it listens on.\n\n"
        "When the index is missing, damaged or far behind, it is rebuilt from the journal: reads are "
        "answered meanwhile, writes and look-ups by id are refused with 503 and the progress, and "
        "/readyz says the same.\n\n"
        "One line on standard output says where it listens; the log goes to standard error, one "
        "JSON object a line. On SIGTERM or SIGINT it takes no more connections, answers what has "
        "begun, ends streams of events, waits for calls to PSPs that are under way (30 s at most), "
        "and ends with exit code 0.\n\n"
        "PSPs: names begin with the wire they speak, sandbox or stripe. Without any, payments "
        "through PSPs wait.\n\n"
        "Webhooks in: SCHEME is standard, stripe, or plain/HEADER[/PREFIX]; FILE, for its owner "
        "alone (600), holds lines of NAME SECRET [FROM [UNTIL]], the times in RFC 3339 or -: two "
        "that overlap are a rotation. Webhooks out: see `tpwallet help webhook endpoint create`.\n\n"
        "Witnesses: KEY is a witness's public key (`tpwallet log witness key`), URL what it answers "
        "below, /add-checkpoint left out. /log/checkpoint and receipts then show the newest "
        "checkpoint that the quorum has cosigned, and an older one while it has not "
        "(docs/log.md).",
    .options = options,
    .examples = "serve --plain\n"
                "serve --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem\n"
                "serve --plain --anonymous --listen 127.0.0.1:0\n"
                "serve --plain --psp sandbox=http://127.0.0.1:8090 --psp-keys keys --psp-private",
    .run = serve_run,
};

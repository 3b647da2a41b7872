/* Opens what a ledger consists of in order, and closes it in the other. */
#include "cmd/host.h"

#include <stdio.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/json_log.h"
#include "adapter/sqlite_run_store.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "adapter/thread_sync.h"
#include "api/service_call.h"
#include "base/check.h"
#include "cmd/lane_hold.h"
#include "cmd/serve_behind.h"
#include "cmd/serve_bus.h"
#include "cmd/serve_cache.h"
#include "cmd/serve_payments.h"
#include "cmd/serve_projection.h"
#include "cmd/serve_tracing.h"
#include "cmd/serve_webhooks.h"
#include "cmd/transit_metrics.h"
#include "cmd/version.h"
#include "wallet/journal_feed.h"

enum {
    API_WORKERS = 2,
    /* A webhook waits for two commits on its worker, and those at the same time share them. */
    API_WORKERS_WEBHOOKS = 32,
};

/* Commands say themselves what they did; the lane is heard only when something is wrong. */
static bool has_psps(const struct host_options *options)
{
    return options->payments != NULL && options->payments->saga.psp_count > 0;
}

static enum status log_choose(const struct host_options *options, struct host *host,
                              struct error *out_error)
{
    host->ports.log = options->log;
    if (options->log != NULL) return STATUS_OK;
    const struct json_log_options log = {
        .fd = STDERR_FILENO,
        .writer = "command",
        .level_min = LOG_WARNING,
        .clock = system_clock(),
    };
    enum status status = json_log_open(&log, &host->warnings, out_error);
    if (status == STATUS_OK) host->ports.log = json_log_port(host->warnings);
    return status;
}

static enum status folder_open(const struct host_options *options, struct host *host,
                               struct error *out_error)
{
    enum data_folder_role role = options->read_only ? DATA_FOLDER_GUEST : DATA_FOLDER_OWNER;
    enum status status = data_folder_open(options->folder, role, &host->folder, out_error);
    if (status == STATUS_NOT_FOUND)
        error_hint(out_error, "`tpwallet init` makes one; --data DIR names another");
    if (status != STATUS_OK || !data_folder_beside_owner(host->folder)) return status;
    /* its owner's socket is the way in; without one it is about to listen, or about to end */
    return error_set(out_error, STATUS_CONFLICT, "another process has the folder '%s' open",
                     options->folder);
}

static enum status stores_open(const struct host_options *options, struct host *host,
                               struct error *out_error)
{
    const struct folder_store_options store = { .read_only = options->read_only };
    enum status status = folder_store_open(host->folder, &store, &host->ports.store, out_error);
    if (status == STATUS_OK && !options->read_only) {
        status =
            folder_store_identify(host->folder, host->ports.store, (struct uuid){ 0 }, out_error);
    }
    if (status != STATUS_OK) return status;
    const struct sqlite_run_store_options runs = { .folder = options->folder };
    status = sqlite_run_store_open(&runs, &host->ports.run_store, out_error);
    if (status != STATUS_OK || options->projection == NULL) return status;
    host->projection = options->projection;
    return serve_projection_start(options->projection, host->folder, &host->ports, out_error);
}

static enum status saga_open(const struct host_options *options, struct host *host,
                             struct error *out_error)
{
    if (options->payments == NULL) return STATUS_OK;
    return saga_start(host->lane, &host->ports, &options->payments->saga, &host->saga, out_error);
}

static enum status webhooks_open(const struct host_options *options, struct host *host,
                                 struct error *out_error)
{
    if (options->webhooks == NULL) return STATUS_OK;
    host->webhooks = options->webhooks;
    return serve_webhooks_start(options->webhooks, host->folder, host->lane, &host->ports,
                                out_error);
}

static enum status bus_open(const struct host_options *options, struct host *host,
                            struct error *out_error)
{
    if (options->bus == NULL) return STATUS_OK;
    host->bus = options->bus;
    return serve_bus_start(options->bus, host->lane, data_folder_lane(host->folder), &host->ports,
                           out_error);
}

static enum status cache_open(const struct host_options *options, struct host *host,
                              struct error *out_error)
{
    if (options->cache == NULL) return STATUS_OK;
    host->cache = options->cache;
    return serve_cache_start(options->cache, host->lane, &host->ports, out_error);
}

/* What runs beside the API, for its page. */
static void metrics_write(void *context, struct buf *out_page)
{
    struct host *host = context;
    if (host->payments != NULL) serve_payments_metrics(host->payments, out_page);
    if (host->carrier != NULL) carrier_metrics_write(host->carrier, out_page);
    if (host->bus != NULL) serve_bus_metrics(host->bus, out_page);
    if (host->cache != NULL) serve_cache_metrics(host->cache, out_page);
    if (host->projection != NULL) serve_projection_metrics(host->projection, out_page);
}

/* Before the lane is claimed. Readers claim none; a follower does when it leads, with a lease. */
static enum status hold_open(const struct host_options *options, struct host *host,
                             struct error *out_error)
{
    if (options->read_only || options->follow) return STATUS_OK;
    enum status status = lane_hold_open(host->folder, host->ports.log, &host->hold, out_error);
    host->elsewhere = status == STATUS_CONFLICT;
    return status;
}

static enum status host_lane_open(const struct host_options *options, struct host *host,
                                  struct error *out_error)
{
    struct lane_options lane = options->lane == NULL ? LANE_OPTIONS_DEFAULT : *options->lane;
    lane.read_only = options->read_only;
    lane.follow = options->follow;
    lane.number = data_folder_lane(host->folder);
    lane.lanes = data_folder_lanes(host->folder);
    enum status status = lane_open(&host->ports, &lane, &host->lane, out_error);
    if (status == STATUS_OK && host->hold != NULL)
        lane_hold_watch(host->hold, host->lane, host->ports.store);
    return status;
}

/* It answers about this process, and of the lane what may be old (api_options.follows). */
static enum status follower_api_open(const struct host_options *options, struct host *host,
                                     struct error *out_error)
{
    const struct api_options api = {
        .workers = 1,
        .version = TPWALLET_VERSION,
        .anonymous_all = options->anonymous,
        .follows = true,
        .lanes = data_folder_lanes(host->folder),
        .lane = data_folder_lane(host->folder),
        .keys = options->keys,
        .more_metrics = metrics_write,
        .metrics_context = host,
        .process = options->process,
        .server_metrics = options->tracing == NULL ? NULL : serve_tracing_metrics,
        .server_context = options->tracing,
    };
    return api_new(host->lane, &host->ports, &api, &host->api, out_error);
}

static enum status transit_open(const struct host_options *options, struct host *host,
                                struct error *out_error)
{
    if (options->links == NULL) return STATUS_OK;
    const struct transit_options transit = {
        .lanes = data_folder_lanes(host->folder),
        .lane = data_folder_lane(host->folder),
        .patience_ms = TRANSIT_PATIENCE_MS_DEFAULT,
        .links = options->links,
    };
    return transit_start(host->lane, &host->ports, &transit, &host->transit, out_error);
}

static enum status carrier_open(const struct host_options *options, struct host *host,
                                struct error *out_error)
{
    uint32_t lane = data_folder_lane(host->folder);
    if (options->carry == NULL || lane == 0) return STATUS_OK;
    return carrier_start(options->carry, lane, host->lane, &host->ports, &host->carrier, out_error);
}

static enum status feeds_open(const struct host_options *options, struct host *host,
                              struct error *out_error)
{
    int length =
        snprintf(host->source, sizeof host->source, "/tpwallet/%u", data_folder_lane(host->folder));
    CHECK(length > 0 && (size_t)length < sizeof host->source);
    enum status status = journal_feed_new(host->lane, host->ports.store, host->ports.sync,
                                          host->source, &host->feed);
    if (status == STATUS_OK && options->streams) {
        status = journal_feed_new(host->lane, host->ports.store, host->ports.sync, host->source,
                                  &host->stream_feed);
    }
    if (status != STATUS_OK) return error_set(out_error, status, "no memory for the events");
    return STATUS_OK;
}

/* A database's ledger that is not new has, or had, its key in another folder: a second one would
 * sign another log. */
static bool tlog_lacks_key(const struct host_options *options, const struct host *host)
{
    struct lane_status status;
    if (data_folder_store(host->folder) == NULL || options->tlog_origin != NULL) return false;
    if (log_keys_exist(options->folder)) return false;
    lane_get_status(host->lane, &status);
    return status.head.sequence > 0;
}

static void tlog_tell(const struct host_options *options, const struct host *host)
{
    const struct log_field fields[] = {
        { STR("lane"), { NULL, 0 }, data_folder_lane(host->folder) },
        { STR("folder"), str_from(options->folder), 0 },
        { STR("hint"),
          STR("copy log.key of the folder that the ledger was made with to here; --log-origin NAME "
              "begins a log, where it has none; --no-log when none is wanted"),
          0 },
    };
    log_write(host->ports.log,
              (struct log_line){ .level = LOG_WARNING,
                                 .event = STR("log.no_key"),
                                 .message = STR("there is no log.key, and the ledger is not new: "
                                                "its verifiable log is not kept"),
                                 .fields = fields,
                                 .field_count = sizeof fields / sizeof fields[0] });
}

static enum status tlog_open(const struct host_options *options, struct host *host,
                             struct error *out_error)
{
    const struct host_log_options tlog = {
        .folder = options->folder,
        .lane = data_folder_lane(host->folder),
        .origin = options->tlog_origin,
        .witnesses = options->tlog_witnesses,
    };
    if (tlog_lacks_key(options, host)) {
        tlog_tell(options, host);
        return STATUS_OK;
    }
    return host_log_open(&tlog, host->lane, &host->ports, &host->tlog, out_error);
}

/* All that an owner runs beside its lane, and the API over it. */
static enum status owner_open(const struct host_options *options, struct host *host,
                              struct error *out_error)
{
    enum status status = saga_open(options, host, out_error);
    if (status == STATUS_OK && options->tlog) status = tlog_open(options, host, out_error);
    if (status != STATUS_OK) return status;
    status = feeds_open(options, host, out_error);
    if (status == STATUS_OK) status = transit_open(options, host, out_error);
    if (status == STATUS_OK) status = carrier_open(options, host, out_error);
    if (status != STATUS_OK) return status;
    host->payments = options->payments;
    status = webhooks_open(options, host, out_error);
    if (status == STATUS_OK) status = bus_open(options, host, out_error);
    if (status == STATUS_OK && host->projection != NULL)
        status = serve_projection_lead(host->projection, out_error);
    if (status == STATUS_OK) status = cache_open(options, host, out_error);
    if (status != STATUS_OK) return status;
    const struct serve_webhooks *webhooks = host->webhooks;
    const struct api_options api = {
        .workers = webhooks == NULL ? API_WORKERS : API_WORKERS_WEBHOOKS,
        .version = TPWALLET_VERSION,
        .anonymous_all = options->anonymous,
        .lanes = data_folder_lanes(host->folder),
        .lane = data_folder_lane(host->folder),
        .transit = host->transit,
        .keys = options->keys,
        .carry = options->carry,
        .fan = options->fan,
        .route_psp = has_psps(options) ? serve_payments_route : NULL,
        .more_metrics = metrics_write,
        .metrics_context = host,
        .process = options->process,
        .payments_context = options->payments,
        .server_metrics = options->tracing == NULL ? NULL : serve_tracing_metrics,
        .server_context = options->tracing,
        .sampling = options->tracing == NULL ? NULL : options->tracing->sampling,
        .saga = host->saga,
        .psps = options->payments == NULL ? NULL : options->payments->saga.psps,
        .psp_count = options->payments == NULL ? 0 : options->payments->saga.psp_count,
        .events = journal_feed_port(host->feed),
        .stream_feed = options->streams ? journal_feed_port(host->stream_feed) : NULL,
        .streams_max = options->streams_max,
        .heartbeat_ms = options->heartbeat_ms,
        .log = host->tlog.relay,
        .log_witnesses = host->tlog.witnesses,
        .cache = host->cache == NULL ? NULL : host->cache->cache,
        .webhook_in = webhooks == NULL ? NULL : webhooks->in,
        .webhook_desk = webhooks == NULL ? NULL : webhooks->desk,
    };
    return api_new(host->lane, &host->ports, &api, &host->api, out_error);
}

struct host_options host_options_beside(const struct host_options *first, const char *folder,
                                        uint32_t lane, struct key_ring *keys)
{
    struct serve_behind *behind = first->behind;
    return (struct host_options){
        .folder = folder,
        .anonymous = first->anonymous,
        .log = first->log,
        .lane = first->lane,
        .tlog = first->tlog,
        .streams = first->streams,
        .streams_max = first->streams_max,
        .heartbeat_ms = first->heartbeat_ms,
        .tracing = first->tracing,
        .links = first->links,
        .keys = keys,
        .carry = first->carry,
        .payments = behind == NULL ? NULL : &behind->payments[lane],
        .webhooks = behind == NULL ? NULL : behind->webhooks[lane],
        .bus = behind == NULL ? NULL : &behind->bus[lane],
        .cache = behind == NULL ? NULL : &behind->cache[lane],
        .projection = behind == NULL ? NULL : &behind->projection[lane],
    };
}

enum status host_open(const struct host_options *options, struct host *out_host,
                      struct error *out_error)
{
    *out_host = (struct host){ 0 };
    out_host->ports.clock = system_clock();
    out_host->ports.entropy = system_entropy();
    out_host->ports.sync = thread_sync();
    if (options->tracing != NULL)
        out_host->ports.tracer = sampling_tracer(options->tracing->sampling);
    out_host->answered = thread_sync()->monitor_new(thread_sync(), "host.answered");
    enum status status = log_choose(options, out_host, out_error);
    if (status == STATUS_OK) status = folder_open(options, out_host, out_error);
    if (status == STATUS_OK) status = stores_open(options, out_host, out_error);
    if (status == STATUS_OK) status = hold_open(options, out_host, out_error);
    if (status == STATUS_OK) status = host_lane_open(options, out_host, out_error);
    if (status == STATUS_OK && options->follow) {
        status = follower_api_open(options, out_host, out_error);
    } else if (status == STATUS_OK) {
        status = owner_open(options, out_host, out_error);
    }
    if (status == STATUS_OK) return STATUS_OK;
    bool elsewhere = out_host->elsewhere;
    host_close(out_host);
    out_host->elsewhere = elsewhere;
    return status;
}

enum status host_lead(const struct host_options *options, struct host *host,
                      struct error *out_error)
{
    CHECK(host->follower_api == NULL);
    enum status status = lane_lead(host->lane, out_error);
    if (status != STATUS_OK) return status;
    host->follower_api = host->api;
    host->api = NULL;
    return owner_open(options, host, out_error);
}

void host_follower_done(struct host *host)
{
    api_free(host->follower_api);
    host->follower_api = NULL;
}

void host_call(struct host *host, struct api_call *call)
{
    CHECK(host->api != NULL);
    const struct api_service service = api_service(host->api);
    service_call(&service, call, host->ports.sync, host->answered);
}

void host_ways_stop(struct host *host)
{
    transit_stop(host->transit);
    host->transit = NULL;
    carrier_stop(host->carrier);
    host->carrier = NULL;
}

void host_close(struct host *host)
{
    if (host->hold != NULL) lane_hold_unwatch(host->hold);
    host_ways_stop(host);
    saga_stop(host->saga);
    if (host->webhooks != NULL) serve_webhooks_stop(host->webhooks);
    if (host->bus != NULL) serve_bus_stop(host->bus);
    if (host->cache != NULL) serve_cache_stop(host->cache);
    if (host->lane != NULL) lane_drain(host->lane);
    api_free(host->api);
    host_follower_done(host);
    host_log_close(&host->tlog);
    journal_feed_free(host->feed);
    journal_feed_free(host->stream_feed);
    lane_close(host->lane);
    if (host->projection != NULL) serve_projection_stop(host->projection, &host->ports);
    if (host->ports.run_store != NULL) host->ports.run_store->close(host->ports.run_store);
    if (host->ports.store != NULL) host->ports.store->close(host->ports.store);
    lane_hold_close(host->hold);
    data_folder_close(host->folder);
    if (host->answered != NULL) thread_sync()->monitor_free(host->answered);
    json_log_close(host->warnings);
    *host = (struct host){ 0 };
}

/* What is about the server rather than the ledger: probes, metrics, the document, the index. */
#include "api/metric_page.h"
#include "api/render.h"
#include "api/work.h"

static const char text_type[] = "text/plain; charset=utf-8";

static const unsigned char openapi_yaml[] = {
#include "api/openapi_yaml.inc"
};

static void live_write(struct work *work)
{
    buf_append_str(&work->call->answer, STR("ok\n"));
    work->call->answer_type = text_type;
}

HANDLER(ROUTE_SERVICE_LIVE, service_live) = { .write = live_write };

static void ready_write(struct work *work)
{
    struct lane_status status;
    lane_get_status(work->api->lane, &status);
    if (status.rebuilding && !status.fenced && !status.damaged) {
        work_rebuilding(work, &status);
        return;
    }
    if (!status.accepting) {
        (void)problem_raise(&work->problem, PROBLEM_UNAVAILABLE, NULL);
        const char *why = status.damaged     ? "stored data is damaged"
                          : status.fenced    ? "another owner has taken over"
                          : status.reloading ? "a commit in doubt is being found out"
                                             : "stopping, or open for reading only";
        problem_detail(&work->problem, "%s", why);
        return;
    }
    buf_append_str(&work->call->answer, STR("ready\n"));
    work->call->answer_type = text_type;
}

HANDLER(ROUTE_SERVICE_READY, service_ready) = { .write = ready_write };

static void webhooks_write(const struct api_options *options, struct buf *out_page)
{
    if (options->webhook_in != NULL) {
        struct webhook_in_status status;
        webhook_in_get_status(options->webhook_in, &status);
        metrics_webhook_in_write(&status, out_page);
    }
    if (options->webhook_desk != NULL) {
        struct webhook_desk_status status;
        webhook_desk_get_status(options->webhook_desk, &status);
        metrics_webhook_desk_write(&status, out_page);
    }
}

static void log_metrics_write(const struct api_options *options, struct buf *out_page)
{
    if (options->log != NULL) {
        struct log_relay_status status;
        log_relay_get_status(options->log, &status);
        metrics_log_write(&status, out_page);
    }
    if (options->log_witnesses != NULL) {
        log_witnesses_write_metrics(options->log_witnesses, out_page);
    }
}

void api_metrics_write(struct api *api, struct buf *out_part)
{
    const struct api_options *options = &api->options;
    struct lane_status status;
    lane_get_status(api->lane, &status);
    metrics_write(&api->metrics, &status, clock_wall(api->ports.clock), out_part);
    if (options->saga != NULL) {
        struct saga_status saga;
        saga_get_status(options->saga, &saga);
        metrics_saga_write(&saga, out_part);
    }
    if (api->streams != NULL) {
        struct event_streams_status streams;
        event_streams_get_status(api->streams, &streams);
        metrics_streams_write(&streams, out_part);
    }
    webhooks_write(options, out_part);
    log_metrics_write(options, out_part);
    if (options->more_metrics != NULL) options->more_metrics(options->metrics_context, out_part);
}

/* All lanes of this process, and then what is the process's own. */
static void metrics_page_write(struct work *work)
{
    const struct api_options *options = &work->api->options;
    struct buf *answer = &work->call->answer;
    struct metric_page page;
    metric_page_init(&page);
    if (options->process != NULL)
        options->process->lanes(options->process->context, &page);
    else
        api_metrics_write(work->api, metric_page_part(&page, options->lane));
    metrics_build_write(options->version, answer);
    metric_page_write(&page, answer);
    metric_page_free(&page);
    if (options->process != NULL) options->process->own(options->process->context, answer);
    if (options->server_metrics != NULL) options->server_metrics(options->server_context, answer);
    work->call->answer_type = "text/plain; version=0.0.4; charset=utf-8";
}

HANDLER(ROUTE_METRICS_GET, metrics_get) = { .write = metrics_page_write };

static void openapi_write(struct work *work)
{
    buf_append(&work->call->answer, openapi_yaml, sizeof openapi_yaml);
    work->call->answer_type = "application/yaml";
}

HANDLER(ROUTE_OPENAPI_GET, openapi_get) = { .write = openapi_write };

static void index_write(struct work *work)
{
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    render_text(&render, STR("name"), STR("tpwallet"));
    render_name(&render, STR("version"), work->api->options.version);
    json_write_key(&render.json, STR("links"));
    json_write_object_begin(&render.json);
    render_text(&render, STR("openapi"), STR("/openapi.yaml"));
    render_text(&render, STR("accounts"), STR("/v1/accounts"));
    render_text(&render, STR("transfers"), STR("/v1/transfers"));
    render_text(&render, STR("payments"), STR("/v1/payments"));
    render_text(&render, STR("rates"), STR("/v1/rates"));
    render_text(&render, STR("trial_balance"), STR("/v1/trial-balance"));
    render_text(&render, STR("live"), STR("/livez"));
    render_text(&render, STR("ready"), STR("/readyz"));
    render_text(&render, STR("metrics"), STR("/metrics"));
    json_write_object_end(&render.json);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_SERVICE_INDEX, service_index) = { .write = index_write };

static void resume_write(struct work *work)
{
    struct lane_status status;
    lane_resume_expiry(work->api->lane);
    lane_get_status(work->api->lane, &status);
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    render_bool(&render, STR("expiry_paused"), status.expiry_paused);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_EXPIRY_RESUME, expiry_resume) = { .write = resume_write };

#include "cmd/serve_tracing.h"

#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"
#include "adapter/tls_server.h"
#include "base/decimal.h"
#include "base/metric_text.h"
#include "cmd/version.h"

/* "PART/OF": so many of so many. */
static enum status ratio_read(const char *text, struct sampling_options *options,
                              struct error *out_error)
{
    struct str rest = str_from(text);
    const char *slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
    uint64_t part = 0;
    uint64_t of = 0;
    bool ok = slash != NULL;
    if (ok) {
        size_t at = (size_t)(slash - rest.data);
        ok = decimal_parse((struct str){ rest.data, at }, SAMPLING_RATIO_MAX, &part) == STATUS_OK &&
             decimal_parse((struct str){ slash + 1, rest.len - at - 1 }, SAMPLING_RATIO_MAX, &of) ==
                 STATUS_OK;
    }
    if (!ok || of < 1 || part > of) {
        (void)error_set(out_error, STATUS_INVALID, "--trace-sample: '%s' is no ratio", text);
        error_hint(out_error, "write it as 1/1000; 1/1 is all, 0/1 only what is asked for");
        return STATUS_INVALID;
    }
    options->ratio_part = (uint32_t)part;
    options->ratio_of = (uint32_t)of;
    return STATUS_OK;
}

static enum status spans_open(const struct invocation *invocation, struct serve_tracing *tracing,
                              struct error *out_error)
{
    const struct otlp_options otlp = {
        .url = invocation_text(invocation, "otlp"),
        .version = TPWALLET_VERSION,
        .clock = system_clock(),
        .sync = thread_sync(),
    };
    if (otlp.url == NULL) return STATUS_OK;
    enum status status = otlp_open(&otlp, &tracing->spans, out_error);
    if (status != STATUS_OK) return status;
    struct sampling_options sampling = {
        .sink = otlp_tracer(tracing->spans),
        .sync = thread_sync(),
        .clock = system_clock(),
    };
    status = ratio_read(invocation_text(invocation, "trace-sample"), &sampling, out_error);
    return status == STATUS_OK ? sampling_new(&sampling, &tracing->sampling, out_error) : status;
}

/* Which option names it, and whom it is shown to. */
static const struct certificate_use {
    const char *option;
    const char *use;
} certificate_uses[SERVE_CERTIFICATES] = { { "tls-cert", "clients" }, { "peer-cert", "peers" } };

enum status serve_tracing_open(const struct invocation *invocation,
                               struct serve_tracing *out_tracing, struct error *out_error)
{
    *out_tracing = (struct serve_tracing){ 0 };
    enum status status = spans_open(invocation, out_tracing, out_error);
    const struct otlp_logs_options logs = {
        .url = invocation_text(invocation, "otlp-logs"),
        .version = TPWALLET_VERSION,
        .clock = system_clock(),
        .sync = thread_sync(),
    };
    if (status == STATUS_OK && logs.url != NULL)
        status = otlp_logs_open(&logs, &out_tracing->lines, out_error);
    for (size_t i = 0; i < SERVE_CERTIFICATES && status == STATUS_OK; i++) {
        const char *file = invocation_text(invocation, certificate_uses[i].option);
        struct serve_certificate *certificate = &out_tracing->certificates[i];
        certificate->there = file != NULL;
        if (file != NULL) status = tls_certificate_end(file, &certificate->end, out_error);
    }
    return status;
}

static void sampling_metrics(const struct serve_tracing *tracing, struct buf *out_page)
{
    struct otlp_counts spans;
    struct sampling_counts sampling;
    otlp_get_counts(tracing->spans, &spans);
    sampling_get_counts(tracing->sampling, &sampling);
    metric_head_write(out_page, "tpwallet_trace_spans_total", "counter",
                      "Spans that a collector took, and those that were dropped");
    metric_labelled_write(out_page, "tpwallet_trace_spans_total", "result", STR("sent"),
                          spans.sent);
    metric_labelled_write(out_page, "tpwallet_trace_spans_total", "result", STR("dropped"),
                          spans.dropped);
    metric_head_write(out_page, "tpwallet_trace_raises", "gauge", "Incidents that are raised");
    buf_append_format(out_page, "tpwallet_trace_raises %llu\n",
                      (unsigned long long)sampling.raises);
    metric_head_write(out_page, "tpwallet_trace_followed_total", "counter",
                      "Traces watched since their caller or an incident asked for it");
    buf_append_format(out_page, "tpwallet_trace_followed_total %llu\n",
                      (unsigned long long)sampling.followed);
}

static void certificates_metrics(const struct serve_tracing *tracing, struct buf *out_page)
{
    static const char name[] = "tpwallet_certificate_end_timestamp_seconds";
    bool headed = false;
    for (size_t i = 0; i < SERVE_CERTIFICATES; i++) {
        const struct serve_certificate *certificate = &tracing->certificates[i];
        if (!certificate->there) continue;
        if (!headed)
            metric_head_write(out_page, name, "gauge", "Until when a certificate of ours is valid");
        headed = true;
        metric_labelled_write(out_page, name, "use", str_from(certificate_uses[i].use),
                              (uint64_t)(certificate->end.ns / NS_PER_S));
    }
}

void serve_tracing_metrics(void *context, struct buf *out_page)
{
    const struct serve_tracing *tracing = context;
    if (tracing->spans != NULL) sampling_metrics(tracing, out_page);
    if (tracing->lines != NULL) {
        struct otlp_logs_counts lines;
        otlp_logs_get_counts(tracing->lines, &lines);
        metric_head_write(out_page, "tpwallet_otlp_log_lines_total", "counter",
                          "Log lines that a collector took, and those that were dropped");
        metric_labelled_write(out_page, "tpwallet_otlp_log_lines_total", "result", STR("sent"),
                              lines.sent);
        metric_labelled_write(out_page, "tpwallet_otlp_log_lines_total", "result", STR("dropped"),
                              lines.dropped);
    }
    if (tracing->log != NULL) {
        metric_head_write(out_page, "tpwallet_log_lines_lost_total", "counter",
                          "Log lines that were numbered and could not be written");
        buf_append_format(out_page, "tpwallet_log_lines_lost_total %llu\n",
                          (unsigned long long)json_log_lost(tracing->log));
    }
    certificates_metrics(tracing, out_page);
}

void serve_tracing_close(struct serve_tracing *tracing)
{
    sampling_free(tracing->sampling);
    otlp_close(tracing->spans);
    otlp_logs_close(tracing->lines);
    *tracing = (struct serve_tracing){ 0 };
}

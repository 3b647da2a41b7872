/* serve_tracing.h - what a server needs to be watched: its collector, and which traces it samples. */
#ifndef CMD_SERVE_TRACING_H
#define CMD_SERVE_TRACING_H

#include "adapter/json_log.h"
#include "adapter/otlp_exporter.h"
#include "adapter/otlp_logs.h"
#include "base/buf.h"
#include "cmd/invocation.h"
#include "wallet/sampling.h"

/* A certificate that the server shows: by which option, to whom, until when it is valid. */
enum { SERVE_CERTIFICATES = 2 };
struct serve_certificate {
    bool there;
    struct wall_time end;
};

/* Zeroed: nobody watches. */
struct serve_tracing {
    struct otlp_exporter *spans;
    struct otlp_logs *lines;
    struct sampling *sampling; /* with spans */
    struct json_log *log;      /* the server's, for its metrics; NULL: none yet */
    struct serve_certificate certificates[SERVE_CERTIFICATES];
};

/*
 * From the options --otlp, --otlp-logs, --trace-sample, --tls-cert and --peer-cert. STATUS_INVALID: what is
 * wrong in them. STATUS_LIMIT, STATUS_UNAVAILABLE. To be closed either way.
 */
enum status serve_tracing_open(const struct invocation *invocation,
                               struct serve_tracing *out_tracing, struct error *out_error)
    MUST_CHECK;

/* For api_options.server_metrics; the context is a struct serve_tracing. */
void serve_tracing_metrics(void *context, struct buf *out_page);

/* When nobody records or logs any more. */
void serve_tracing_close(struct serve_tracing *tracing);

#endif

/* otlp_exporter.h - spans to a collector, by OTLP over HTTP in its JSON form, in the background. */
#ifndef ADAPTER_OTLP_EXPORTER_H
#define ADAPTER_OTLP_EXPORTER_H

#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "port/clock.h"
#include "port/sync.h"
#include "port/tracer.h"

/*
 * otlp_span() copies the span into a queue of fixed size and returns; a task sends what is
 * there, at most OTLP_BATCH_SPANS at a time and once a second, and tries each batch once. When
 * the queue is full or the collector does not take a batch, its spans are dropped and counted:
 * a request never waits for its own observation.
 *
 * Resource: service.name = tpwallet, service.version. OTLP 1.x.
 */
struct otlp_exporter;

enum {
    OTLP_QUEUE_SPANS = 8192,
    OTLP_BATCH_SPANS = 512,
};

struct otlp_options {
    const char *url;     /* "http://127.0.0.1:4318/v1/traces"; https is verified */
    const char *version; /* of the service */
    struct sync *sync;
    struct clock *clock;
};

struct otlp_counts {
    uint64_t queued;
    uint64_t sent;    /* the collector answered 2xx */
    uint64_t dropped; /* the queue was full, or a batch was not taken */
};

/* STATUS_INVALID: not a URL of http or https. STATUS_UNAVAILABLE: memory, or no task. */
enum status otlp_open(const struct otlp_options *options, struct otlp_exporter **out_exporter,
                      struct error *out_error) MUST_CHECK;
/* The port, which wants everything; lives as the exporter. NULL for NULL. */
struct tracer *otlp_tracer(struct otlp_exporter *exporter);
/* Any thread. Accepts a NULL exporter, which exports nothing. */
void otlp_span(struct otlp_exporter *exporter, const struct span *span);
void otlp_get_counts(struct otlp_exporter *exporter, struct otlp_counts *out_counts);
/* Sends what is queued (within OTLP_SEND_MS_MAX of adapter/otlp_sender.h for all), then releases. Accepts NULL. */
void otlp_close(struct otlp_exporter *exporter);

#endif

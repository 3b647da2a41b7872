/* otlp_logs.h - log lines to a collector, by OTLP over HTTP in its JSON form, in the background. */
#ifndef ADAPTER_OTLP_LOGS_H
#define ADAPTER_OTLP_LOGS_H

#include "adapter/json_log.h"
#include "base/error.h"
#include "port/clock.h"
#include "port/sync.h"

/*
 * A record for each line, with the line's number and its writer, so that loss is provable there
 * too: body is the message, eventName the event, severityNumber 5 debug, 9 info, 13 warning,
 * 17 error, 21 alarm; attributes are the fields as tpwallet.FIELD, tpwallet.log.seq and
 * tpwallet.log.writer; traceId and spanId as the line has them.
 *
 * otlp_logs_line() writes the record into memory of fixed size and returns; a task sends what is
 * there once a second and tries each batch once. What does not fit, or is not taken, is dropped
 * and counted.
 */
struct otlp_logs;

struct otlp_logs_options {
    const char *url;     /* "http://127.0.0.1:4318/v1/logs"; https is verified */
    const char *version; /* of the service */
    struct sync *sync;
    struct clock *clock;
};

struct otlp_logs_counts {
    uint64_t sent; /* the collector answered 2xx */
    uint64_t dropped;
};

/* STATUS_INVALID: not a URL of http or https. STATUS_UNAVAILABLE: memory, or no task. */
enum status otlp_logs_open(const struct otlp_logs_options *options, struct otlp_logs **out_logs,
                           struct error *out_error) MUST_CHECK;
/* For json_log_options.tap; the owner is a struct otlp_logs. Any task. */
void otlp_logs_line(void *owner, const struct json_log_record *record);
/* Accepts NULL. */
void otlp_logs_get_counts(struct otlp_logs *logs, struct otlp_logs_counts *out_counts);
/* Sends what is there, then releases. No line may come any more. Accepts NULL. */
void otlp_logs_close(struct otlp_logs *logs);

#endif

/* Two buffers that change places: records are written into one while the other is sent. */
#include "adapter/otlp_logs.h"

#include <stdlib.h>

#include "adapter/otlp_json.h"
#include "adapter/otlp_sender.h"
#include "base/check.h"

enum {
    SEND_PERIOD_MS = 1000,
    PENDING_SIZE_MAX = 2 << 20,
    BODY_SIZE_MAX = PENDING_SIZE_MAX + 4096,
    RECORD_SIZE_MAX = 4 * JSON_LOG_LINE_SIZE_MAX,
    KEY_SIZE_MAX = 128,
};

struct otlp_logs {
    struct sync *sync;
    struct clock *clock;
    struct monitor *monitor; /* of all below, up to the task's own */
    struct buf record;
    struct buf pending; /* an array of records, not yet closed */
    uint64_t pending_count;
    struct otlp_logs_counts counts;
    bool stop;
    struct task *task;
    struct otlp_sender sender; /* the task's own, as everything below it */
    struct buf version;
    struct buf sending;
    struct buf body;
};

/* ---- a record ---- */

static uint64_t severity(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG: return 5;
    case LOG_INFO: return 9;
    case LOG_WARNING: return 13;
    case LOG_ERROR: return 17;
    case LOG_ALARM: return 21;
    }
    CHECK(level <= LOG_ALARM);
    return 0;
}

static void field_write(struct json_writer *writer, const struct log_field *field)
{
    BUF_SCOPE struct buf key;
    buf_init(&key, KEY_SIZE_MAX);
    buf_append_format(&key, "tpwallet.%.*s", STR_ARG(field->name));
    if (field->text.data != NULL) {
        otlp_attribute_text(writer, buf_view(&key), field->text);
    } else {
        otlp_attribute_number(writer, buf_view(&key), field->number);
    }
}

static enum status record_write(struct buf *out, const struct json_log_record *record)
{
    const struct log_line *line = record->line;
    struct json_writer writer;
    buf_reset(out);
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    otlp_member_time(&writer, STR("timeUnixNano"), record->time);
    otlp_member_time(&writer, STR("observedTimeUnixNano"), record->time);
    json_write_key(&writer, STR("severityNumber"));
    json_write_uint64(&writer, severity(line->level));
    json_write_key(&writer, STR("eventName"));
    json_write_string(&writer, line->event);
    json_write_key(&writer, STR("body"));
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("stringValue"));
    json_write_string(&writer, line->message);
    json_write_object_end(&writer);
    json_write_key(&writer, STR("attributes"));
    json_write_array_begin(&writer);
    otlp_attribute_number(&writer, STR("tpwallet.log.seq"), (int64_t)record->seq);
    otlp_attribute_text(&writer, STR("tpwallet.log.writer"), record->writer);
    for (uint32_t i = 0; i < line->field_count; i++) field_write(&writer, &line->fields[i]);
    json_write_array_end(&writer);
    if (!uuid_is_nil(line->trace.id)) {
        const uint64_t words[] = { line->trace.id.hi, line->trace.id.lo };
        otlp_member_hex(&writer, STR("traceId"), words, 2);
        if (line->trace.span != 0) {
            otlp_member_hex(&writer, STR("spanId"), &line->trace.span, 1);
        }
    }
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    return status == STATUS_OK ? buf_status(out) : status;
}

void otlp_logs_line(void *owner, const struct json_log_record *record)
{
    struct otlp_logs *logs = owner;
    logs->sync->lock(logs->monitor);
    bool fits = record_write(&logs->record, record) == STATUS_OK &&
                logs->pending.len + logs->record.len + 2 <= PENDING_SIZE_MAX;
    if (fits) {
        buf_append_byte(&logs->pending, logs->pending_count == 0 ? '[' : ',');
        buf_append_str(&logs->pending, buf_view(&logs->record));
        logs->pending_count++;
    } else {
        logs->counts.dropped++;
    }
    logs->sync->unlock(logs->monitor);
}

/* ---- sending ---- */

static bool batch_send(struct otlp_logs *logs)
{
    struct json_writer writer;
    buf_append_byte(&logs->sending, ']');
    buf_reset(&logs->body);
    json_writer_init(&writer, &logs->body);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("resourceLogs"));
    json_write_array_begin(&writer);
    json_write_object_begin(&writer);
    otlp_resource(&writer, buf_view(&logs->version));
    json_write_key(&writer, STR("scopeLogs"));
    json_write_array_begin(&writer);
    json_write_object_begin(&writer);
    otlp_scope(&writer, STR("tpwallet"));
    json_write_key(&writer, STR("logRecords"));
    json_write_json(&writer, buf_view(&logs->sending));
    json_write_object_end(&writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    return json_write_end(&writer) == STATUS_OK && otlp_sender_post(&logs->sender, &logs->body);
}

/* Monitor held, and released while the collector is waited for. */
static void pending_send(struct otlp_logs *logs)
{
    if (logs->pending_count == 0) return;
    struct buf taken = logs->pending;
    uint64_t count = logs->pending_count;
    logs->pending = logs->sending;
    logs->sending = taken;
    logs->pending_count = 0;
    logs->sync->unlock(logs->monitor);
    bool sent = batch_send(logs);
    buf_reset(&logs->sending);
    logs->sync->lock(logs->monitor);
    logs->counts.sent += sent ? count : 0;
    logs->counts.dropped += sent ? 0 : count;
}

static void logs_run(void *argument)
{
    struct otlp_logs *logs = argument;
    logs->sync->lock(logs->monitor);
    while (!logs->stop) {
        int64_t now_ns = clock_monotonic(logs->clock).ns;
        struct monotonic_time until = { now_ns + SEND_PERIOD_MS * NS_PER_MS };
        while (!logs->stop) {
            if (!logs->sync->wait(logs->monitor, until)) break;
        }
        pending_send(logs);
    }
    pending_send(logs);
    logs->sync->unlock(logs->monitor);
}

/* ---- the calls ---- */

static void logs_free(struct otlp_logs *logs)
{
    otlp_sender_close(&logs->sender);
    logs->sync->monitor_free(logs->monitor);
    buf_free(&logs->record);
    buf_free(&logs->pending);
    buf_free(&logs->sending);
    buf_free(&logs->version);
    buf_free(&logs->body);
    free(logs);
}

enum status otlp_logs_open(const struct otlp_logs_options *options, struct otlp_logs **out_logs,
                           struct error *out_error)
{
    CHECK(options != NULL);
    CHECK(options->version != NULL);
    struct otlp_logs *logs = calloc(1, sizeof *logs);
    if (logs == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    logs->sync = options->sync;
    logs->clock = options->clock;
    logs->monitor = options->sync->monitor_new(options->sync, "otlp-logs");
    buf_init(&logs->record, RECORD_SIZE_MAX);
    buf_init(&logs->pending, PENDING_SIZE_MAX);
    buf_init(&logs->sending, PENDING_SIZE_MAX);
    buf_init(&logs->version, ERROR_TEXT_SIZE);
    buf_init(&logs->body, BODY_SIZE_MAX);
    buf_append_str(&logs->version, str_from(options->version));
    enum status status = otlp_sender_open(&logs->sender, options->url, out_error);
    if (status == STATUS_OK) {
        status = logs->sync->spawn(logs->sync, "otlp-logs", logs_run, logs, &logs->task);
        if (status != STATUS_OK) {
            status = error_set(out_error, status, "no task for the export of logs");
        }
    }
    if (status != STATUS_OK) {
        logs_free(logs);
        return status;
    }
    *out_logs = logs;
    return STATUS_OK;
}

void otlp_logs_get_counts(struct otlp_logs *logs, struct otlp_logs_counts *out_counts)
{
    *out_counts = (struct otlp_logs_counts){ 0 };
    if (logs == NULL) return;
    logs->sync->lock(logs->monitor);
    *out_counts = logs->counts;
    logs->sync->unlock(logs->monitor);
}

void otlp_logs_close(struct otlp_logs *logs)
{
    if (logs == NULL) return;
    logs->sync->lock(logs->monitor);
    logs->stop = true;
    logs->sync->wake_all(logs->monitor);
    logs->sync->unlock(logs->monitor);
    logs->sync->join(logs->task);
    logs_free(logs);
}

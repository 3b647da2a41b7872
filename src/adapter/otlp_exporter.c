/* A ring of spans, and a task that takes them out in batches and posts them by libcurl. */
#include "adapter/otlp_exporter.h"

#include <stdlib.h>

#include "adapter/otlp_json.h"
#include "adapter/otlp_sender.h"
#include "base/check.h"

enum {
    SEND_PERIOD_MS = 1000,
    BODY_SIZE_MAX = 2 << 20, /* a batch is about 500 KiB */
    SPAN_ERROR = 2,          /* STATUS_CODE_ERROR */
    NAME_SIZE_MAX = 256,
};

struct otlp_exporter {
    struct tracer port; /* first: the port is all that most callers have */
    struct sync *sync;
    struct clock *clock;
    struct monitor *monitor; /* the ring, the counts and stop */
    struct task *task;
    struct otlp_sender sender; /* the task's, as everything below it */
    struct buf body;
    struct buf version;
    struct span batch[OTLP_BATCH_SPANS];

    struct span ring[OTLP_QUEUE_SPANS];
    uint32_t first;
    uint32_t count;
    struct otlp_counts counts;
    bool stop;
};

/* ---- the JSON form ---- */

static void member_name(struct json_writer *writer, const struct span *span)
{
    json_write_key(writer, STR("name"));
    if (span->name.len > 0) {
        json_write_string(writer, span->name);
        return;
    }
    struct buf name;
    buf_init(&name, NAME_SIZE_MAX);
    buf_append_str(&name, span->method);
    if (span->route.len > 0) {
        buf_append_byte(&name, ' ');
        buf_append_str(&name, span->route);
    }
    json_write_string(writer, buf_view(&name));
    buf_free(&name);
}

static void note_write(struct json_writer *writer, const struct span_note *note)
{
    if (note->text[0] == '\0') {
        otlp_attribute_number(writer, note->name, (int64_t)note->number);
    } else {
        otlp_attribute_text(writer, note->name, str_from(note->text));
    }
}

static void span_write(struct json_writer *writer, const struct span *span)
{
    const uint64_t trace[] = { span->trace.id.hi, span->trace.id.lo };
    json_write_object_begin(writer);
    otlp_member_hex(writer, STR("traceId"), trace, 2);
    otlp_member_hex(writer, STR("spanId"), &span->trace.span, 1);
    if (span->parent != 0) otlp_member_hex(writer, STR("parentSpanId"), &span->parent, 1);
    member_name(writer, span);
    json_write_key(writer, STR("kind"));
    json_write_uint64(writer, (uint64_t)span->kind);
    otlp_member_time(writer, STR("startTimeUnixNano"), span->start);
    otlp_member_time(writer, STR("endTimeUnixNano"), span->end);
    json_write_key(writer, STR("attributes"));
    json_write_array_begin(writer);
    if (span->method.len > 0) {
        otlp_attribute_text(writer, STR("http.request.method"), span->method);
    }
    if (span->route.len > 0) otlp_attribute_text(writer, STR("http.route"), span->route);
    if (span->http_status > 0) {
        otlp_attribute_number(writer, STR("http.response.status_code"), span->http_status);
    }
    for (uint32_t i = 0; i < span->note_count; i++) note_write(writer, &span->notes[i]);
    json_write_array_end(writer);
    if (span->failed || span->http_status >= 500) {
        json_write_key(writer, STR("status"));
        json_write_object_begin(writer);
        json_write_key(writer, STR("code"));
        json_write_uint64(writer, SPAN_ERROR);
        json_write_object_end(writer);
    }
    json_write_object_end(writer);
}

static enum status body_write(struct otlp_exporter *exporter, uint32_t count)
{
    struct json_writer writer;
    buf_reset(&exporter->body);
    json_writer_init(&writer, &exporter->body);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("resourceSpans"));
    json_write_array_begin(&writer);
    json_write_object_begin(&writer);
    otlp_resource(&writer, buf_view(&exporter->version));
    json_write_key(&writer, STR("scopeSpans"));
    json_write_array_begin(&writer);
    json_write_object_begin(&writer);
    otlp_scope(&writer, STR("tpwallet"));
    json_write_key(&writer, STR("spans"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < count; i++) span_write(&writer, &exporter->batch[i]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    return json_write_end(&writer);
}

/* ---- sending ---- */

static bool batch_send(struct otlp_exporter *exporter, uint32_t count)
{
    if (body_write(exporter, count) != STATUS_OK) return false;
    return otlp_sender_post(&exporter->sender, &exporter->body);
}

/* Monitor held. */
static uint32_t batch_take(struct otlp_exporter *exporter)
{
    uint32_t count = exporter->count < OTLP_BATCH_SPANS ? exporter->count : OTLP_BATCH_SPANS;
    for (uint32_t i = 0; i < count; i++) {
        exporter->batch[i] = exporter->ring[(exporter->first + i) % OTLP_QUEUE_SPANS];
    }
    exporter->first = (exporter->first + count) % OTLP_QUEUE_SPANS;
    exporter->count -= count;
    return count;
}

static struct monotonic_time after_ms(struct otlp_exporter *exporter, int64_t ms)
{
    return (struct monotonic_time){ clock_monotonic(exporter->clock).ns + ms * NS_PER_MS };
}

/* Monitor held, and released while the collector is waited for. */
static void batches_send(struct otlp_exporter *exporter, struct monotonic_time give_up)
{
    while (exporter->count > 0) {
        uint32_t count = batch_take(exporter);
        exporter->sync->unlock(exporter->monitor);
        bool in_time = clock_monotonic(exporter->clock).ns < give_up.ns;
        bool sent = in_time && batch_send(exporter, count);
        exporter->sync->lock(exporter->monitor);
        exporter->counts.sent += sent ? count : 0;
        exporter->counts.dropped += sent ? 0 : count;
    }
}

static void exporter_run(void *argument)
{
    struct otlp_exporter *exporter = argument;
    exporter->sync->lock(exporter->monitor);
    while (!exporter->stop) {
        struct monotonic_time until = after_ms(exporter, SEND_PERIOD_MS);
        while (!exporter->stop && exporter->count < OTLP_BATCH_SPANS) {
            if (!exporter->sync->wait(exporter->monitor, until)) break;
        }
        if (!exporter->stop) batches_send(exporter, MONOTONIC_NEVER);
    }
    batches_send(exporter, after_ms(exporter, OTLP_SEND_MS_MAX));
    exporter->sync->unlock(exporter->monitor);
}

/* ---- the calls ---- */

static void exporter_free(struct otlp_exporter *exporter)
{
    otlp_sender_close(&exporter->sender);
    exporter->sync->monitor_free(exporter->monitor);
    buf_free(&exporter->body);
    buf_free(&exporter->version);
    free(exporter);
}

static bool port_wants(struct tracer *port, const struct span_subject *subject)
{
    (void)port;
    (void)subject;
    return true;
}

static void port_record(struct tracer *port, const struct span *span)
{
    otlp_span((struct otlp_exporter *)port, span);
}

enum status otlp_open(const struct otlp_options *options, struct otlp_exporter **out_exporter,
                      struct error *out_error)
{
    CHECK(options != NULL);
    CHECK(options->url != NULL);
    CHECK(options->version != NULL);
    CHECK(out_exporter != NULL);
    struct otlp_sender sender;
    enum status status = otlp_sender_open(&sender, options->url, out_error);
    struct otlp_exporter *exporter = status == STATUS_OK ? calloc(1, sizeof *exporter) : NULL;
    if (exporter == NULL) {
        otlp_sender_close(&sender);
        if (status != STATUS_OK) return status;
        return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    }
    exporter->sender = sender;
    exporter->port = (struct tracer){ .wants = port_wants, .record = port_record };
    exporter->sync = options->sync;
    exporter->clock = options->clock;
    exporter->monitor = options->sync->monitor_new(options->sync, "otlp");
    buf_init(&exporter->body, BODY_SIZE_MAX);
    buf_init(&exporter->version, ERROR_TEXT_SIZE);
    buf_append_str(&exporter->version, str_from(options->version));
    status = exporter->sync->spawn(exporter->sync, "otlp", exporter_run, exporter, &exporter->task);
    if (status != STATUS_OK) {
        exporter_free(exporter);
        return error_set(out_error, status, "no task for the export of spans");
    }
    *out_exporter = exporter;
    return STATUS_OK;
}

struct tracer *otlp_tracer(struct otlp_exporter *exporter)
{
    return exporter == NULL ? NULL : &exporter->port;
}

void otlp_span(struct otlp_exporter *exporter, const struct span *span)
{
    if (exporter == NULL) return;
    CHECK(span != NULL);
    CHECK(!uuid_is_nil(span->trace.id));
    CHECK(span->trace.span != 0);
    exporter->sync->lock(exporter->monitor);
    if (exporter->count == OTLP_QUEUE_SPANS) {
        exporter->counts.dropped++;
    } else {
        CHECK(span->note_count <= SPAN_NOTES_MAX);
        size_t size = offsetof(struct span, notes) + span->note_count * sizeof span->notes[0];
        memcpy(&exporter->ring[(exporter->first + exporter->count) % OTLP_QUEUE_SPANS], span, size);
        exporter->count++;
        exporter->counts.queued++;
        if (exporter->count == OTLP_BATCH_SPANS) exporter->sync->wake_all(exporter->monitor);
    }
    exporter->sync->unlock(exporter->monitor);
}

void otlp_get_counts(struct otlp_exporter *exporter, struct otlp_counts *out_counts)
{
    CHECK(out_counts != NULL);
    *out_counts = (struct otlp_counts){ 0 };
    if (exporter == NULL) return;
    exporter->sync->lock(exporter->monitor);
    *out_counts = exporter->counts;
    exporter->sync->unlock(exporter->monitor);
}

void otlp_close(struct otlp_exporter *exporter)
{
    if (exporter == NULL) return;
    exporter->sync->lock(exporter->monitor);
    exporter->stop = true;
    exporter->sync->wake_all(exporter->monitor);
    exporter->sync->unlock(exporter->monitor);
    exporter->sync->join(exporter->task);
    exporter_free(exporter);
}

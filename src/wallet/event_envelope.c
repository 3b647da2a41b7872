#include "wallet/event_envelope.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/json_writer.h"
#include "model/trace_context.h"

static void write_text(struct json_writer *writer, struct str key, struct str value)
{
    json_write_key(writer, key);
    json_write_string(writer, value);
}

/* As CloudEvents' Distributed Tracing extension has it. */
static void write_trace(struct json_writer *writer, const struct feed_event *event)
{
    char text[TRACEPARENT_SIZE];
    if (uuid_is_nil(event->trace.id)) return;
    write_text(writer, STR("traceparent"),
               traceparent_format(event->trace, TRACE_FLAG_SAMPLED, text));
}

static void write_delivery(struct json_writer *writer, const struct event_delivery *delivery)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, delivery->sequence);
    CHECK(len > 0 && (size_t)len < sizeof digits);
    write_text(writer, STR("sequence"), (struct str){ digits, (size_t)len });
    if (delivery->passed > 0) {
        json_write_key(writer, STR("passed"));
        json_write_uint64(writer, delivery->passed);
    }
    if (delivery->redriven) {
        json_write_key(writer, STR("redriven"));
        json_write_bool(writer, true);
    }
}

enum status event_envelope_write(const struct feed_event *event,
                                 const struct event_delivery *delivery, struct buf *out_json)
{
    char time[TIME_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out_json);
    json_write_object_begin(&writer);
    write_text(&writer, STR("specversion"), STR("1.0"));
    write_text(&writer, STR("id"), event->id);
    write_text(&writer, STR("source"), event->source);
    write_text(&writer, STR("type"), event->type);
    if (event->subject.len > 0) write_text(&writer, STR("subject"), event->subject);
    write_text(&writer, STR("time"), wall_time_format(event->time, time));
    write_trace(&writer, event);
    if (delivery != NULL) write_delivery(&writer, delivery);
    write_text(&writer, STR("datacontenttype"), STR("application/json"));
    json_write_key(&writer, STR("data"));
    json_write_json(&writer, event->data);
    json_write_object_end(&writer);
    return json_write_end(&writer);
}

#include "wallet/event_reading.h"

#include "base/json_reader.h"
#include "model/position.h"

static void text_read(struct json_reader *reader, struct str *out_text)
{
    (void)json_string(reader, out_text); /* a fault stays with the reader */
}

static bool payment_read(struct json_reader *reader, struct event_payment *out_payment)
{
    struct str key;
    bool identified = false;
    bool versioned = false;
    *out_payment = (struct event_payment){ .version = 0 };
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("id"))) {
            identified = json_uuid(reader, &out_payment->id);
        } else if (str_equal(key, STR("version"))) {
            versioned = json_uint64(reader, &out_payment->version);
        } else if (str_equal(key, STR("kind"))) {
            text_read(reader, &out_payment->kind);
        } else if (str_equal(key, STR("state"))) {
            text_read(reader, &out_payment->state);
        } else if (str_equal(key, STR("asset"))) {
            text_read(reader, &out_payment->asset);
        } else if (str_equal(key, STR("amount"))) {
            text_read(reader, &out_payment->amount);
        } else {
            (void)json_skip(reader);
        }
    }
    return identified && versioned && out_payment->version <= INT64_MAX &&
           out_payment->state.len > 0;
}

static void data_read(struct json_reader *reader, struct event_reading *event)
{
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        bool payment = str_equal(key, STR("payment")) && json_peek(reader) == JSON_OBJECT;
        bool parent = str_equal(key, STR("parent"));
        if (!payment && !parent) {
            (void)json_skip(reader);
        } else if (event->payment_count == 2 ||
                   !payment_read(reader, &event->payments[event->payment_count])) {
            json_fail(reader, "a payment lacks its id, state or version");
            return;
        } else {
            event->payment_count++;
        }
    }
}

static void envelope_read(struct json_reader *reader, struct event_reading *event,
                          struct str *out_time, struct str *out_version)
{
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("specversion"))) {
            text_read(reader, out_version);
        } else if (str_equal(key, STR("id"))) {
            text_read(reader, &event->id);
        } else if (str_equal(key, STR("source"))) {
            text_read(reader, &event->source);
        } else if (str_equal(key, STR("type"))) {
            text_read(reader, &event->type);
        } else if (str_equal(key, STR("time"))) {
            text_read(reader, out_time);
        } else if (str_equal(key, STR("data"))) {
            data_read(reader, event);
        } else {
            (void)json_skip(reader);
        }
    }
}

/* Whether every store of a consumer can take a text: a database's keys are bounded. */
static bool text_fits(struct str text)
{
    return text.len <= EVENT_TEXT_LEN_MAX &&
           (text.len == 0 || memchr(text.data, 0, text.len) == NULL);
}

static bool texts_fit(const struct event_reading *event)
{
    bool fit = text_fits(event->source) && text_fits(event->type);
    for (uint32_t i = 0; i < event->payment_count; i++) {
        const struct event_payment *payment = &event->payments[i];
        fit = fit && text_fits(payment->kind) && text_fits(payment->state) &&
              text_fits(payment->asset) && text_fits(payment->amount);
    }
    return fit;
}

enum status event_reading_parse(struct str json, struct arena *arena,
                                struct event_reading *out_event, struct error *out_error)
{
    struct event_reading event = { .payment_count = 0 };
    struct str time = STR("");
    struct str version = STR("");
    struct json_reader reader;
    json_reader_init(&reader, json, arena);
    envelope_read(&reader, &event, &time, &version);
    enum status status = json_end(&reader);
    if (status == STATUS_LIMIT) return error_set(out_error, status, "no memory for an event");
    if (status != STATUS_OK)
        return error_set(out_error, STATUS_INVALID, "byte %zu: %s", reader.fault_offset,
                         reader.reason);
    if (!str_equal(version, STR("1.0")))
        return error_set(out_error, STATUS_INVALID, "it is not CloudEvents 1.0");
    if (event.source.len == 0 || event.type.len == 0)
        return error_set(out_error, STATUS_INVALID, "it has no source or no type");
    if (!position_parse(event.id, &event.position) || event.position.batch > INT64_MAX)
        return error_set(out_error, STATUS_INVALID, "its id is no position of a journal");
    if (wall_time_parse(time, &event.time) != STATUS_OK)
        return error_set(out_error, STATUS_INVALID, "its time is none");
    if (str_starts(event.type, STR("payment.")) && event.payment_count == 0)
        return error_set(out_error, STATUS_INVALID, "an event of a payment without the payment");
    if (!texts_fit(&event))
        return error_set(out_error, STATUS_INVALID, "a text in it is too long, or has a zero");
    *out_event = event;
    return STATUS_OK;
}

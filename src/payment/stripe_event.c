#include "payment/stripe_event.h"

#include "payment/stripe_amount.h"
#include "payment/stripe_object.h"

static bool data_read(struct json_reader *reader, struct stripe_object *out_object)
{
    struct str key;
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key)) {
        bool object = str_equal(key, STR("object"));
        (void)(object ? stripe_object_read(reader, 0, out_object)
                      : json_skip(reader)); /* a fault stays */
    }
    return reader->fault == JSON_FAULT_NONE;
}

static uint8_t dispute_kind(struct str type, struct str status)
{
    if (str_equal(type, STR("charge.dispute.created"))) return PSP_EVENT_CHARGEBACK_OPENED;
    if (!str_equal(type, STR("charge.dispute.closed"))) return PSP_EVENT_OTHER;
    if (str_equal(status, STR("won"))) return PSP_EVENT_CHARGEBACK_WON;
    if (str_equal(status, STR("lost"))) return PSP_EVENT_CHARGEBACK_LOST;
    if (str_equal(status, STR("warning_closed")) || str_equal(status, STR("prevented")))
        return PSP_EVENT_CHARGEBACK_REVERSED;
    return PSP_EVENT_OTHER;
}

static uint8_t event_kind(struct str type, const struct stripe_object *object)
{
    const struct str orders[] = { STR("payment_intent."), STR("refund."), STR("payout."),
                                  STR("charge.refund.") };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (str_starts(type, orders[i])) return PSP_EVENT_ORDER;
    }
    return dispute_kind(type, object->status);
}

/* False: it lacks what its kind needs. */
static bool event_fill(const struct stripe_object *object, struct psp_event *event)
{
    if (event->kind == PSP_EVENT_OTHER) return true;
    if (event->kind == PSP_EVENT_ORDER) {
        psp_event_refer(event, object->reference);
        return psp_token_read(object->id, event->object);
    }
    return psp_token_read(object->id, event->chargeback) &&
           psp_token_read(object->payment_intent, event->object) && object->amount >= 0 &&
           stripe_amount_read(object->currency, (uint64_t)object->amount, &event->asset,
                              &event->amount) == STATUS_OK;
}

enum status stripe_event_read(struct str body, struct arena *arena, struct psp_event *out_event)
{
    struct json_reader reader;
    struct stripe_object object = { .amount = -1 };
    struct psp_event event = { 0 };
    struct str key;
    struct str id = STR("");
    struct str kind = STR("");
    struct str type = STR("");
    int64_t created = -1;
    json_reader_init(&reader, body, arena);
    if (!json_object_begin(&reader)) return STATUS_INVALID;
    while (json_object_next(&reader, &key)) {
        if (str_equal(key, STR("id")))
            (void)psp_json_text(&reader, &id); /* a fault stays */
        else if (str_equal(key, STR("object")))
            (void)psp_json_text(&reader, &kind);
        else if (str_equal(key, STR("type")))
            (void)psp_json_text(&reader, &type);
        else if (str_equal(key, STR("created")))
            (void)stripe_number_read(&reader, &created);
        else if (str_equal(key, STR("data")))
            (void)data_read(&reader, &object);
        else
            (void)json_skip(&reader);
    }
    if (json_end(&reader) != STATUS_OK || !str_equal(kind, STR("event"))) return STATUS_INVALID;
    if (!psp_token_read(id, event.id)) return STATUS_INVALID;
    if (created < 0 || created > INT64_MAX / NS_PER_S) return STATUS_INVALID;
    event.at.ns = created * NS_PER_S;
    event.kind = event_kind(type, &object);
    if (!event_fill(&object, &event)) return STATUS_INVALID;
    *out_event = event;
    return STATUS_OK;
}

#include "webhook/event.h"

#include <string.h>

#include "base/check.h"
#include "base/json_reader.h"

enum { CREATED_S_MAX = 9223372036 }; /* of a wall_time */

/* A parse under way: the reader, and what was found. */
struct parse {
    struct json_reader reader;
    struct webhook_event event;
    bool stripe;
    bool created;
};

static void refuse(struct parse *parse, const char *reason)
{
    json_fail(&parse->reader, reason);
}

/* A string that is a token, or null, which is as if it was not there. */
static void take_text(struct parse *parse, char *out, size_t size)
{
    struct str text;
    if (json_null(&parse->reader) || !json_string(&parse->reader, &text)) return;
    if (text.len >= size) {
        refuse(parse, "a text is too long");
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            refuse(parse, "ids, types and references are printable ASCII without spaces");
            return;
        }
    }
    memcpy(out, text.data, text.len);
    out[text.len] = 0;
}

static void take_time(struct parse *parse)
{
    uint64_t seconds = 0;
    struct str text;
    if (parse->stripe) {
        if (!json_uint64(&parse->reader, &seconds)) return;
        if (seconds > CREATED_S_MAX) refuse(parse, "the time is too large");
        if (seconds <= CREATED_S_MAX) parse->event.created.ns = (int64_t)seconds * NS_PER_S;
    } else {
        if (!json_string(&parse->reader, &text)) return;
        if (wall_time_parse(text, &parse->event.created) != STATUS_OK)
            refuse(parse, "the time is not RFC 3339 in UTC");
    }
    parse->created = true;
}

static void take_metadata(struct parse *parse)
{
    struct str key;
    if (json_null(&parse->reader) || !json_object_begin(&parse->reader)) return;
    while (json_object_next(&parse->reader, &key)) {
        if (str_equal(key, STR("reference"))) {
            take_text(parse, parse->event.reference, sizeof parse->event.reference);
        } else {
            (void)json_skip(&parse->reader); /* a fault stays in the reader */
        }
    }
}

/* An amount is a string, or digits as Stripe writes them. */
static void take_amount(struct parse *parse)
{
    char *amount = parse->event.amount;
    struct str text;
    if (json_peek(&parse->reader) != JSON_NUMBER) {
        take_text(parse, amount, sizeof parse->event.amount);
        return;
    }
    if (!json_number(&parse->reader, &text)) return;
    if (text.len >= sizeof parse->event.amount) {
        refuse(parse, "an amount is too long");
        return;
    }
    memcpy(amount, text.data, text.len);
    amount[text.len] = 0;
}

/* A string, or an object of which only the id is wanted: Stripe's expandable fields. */
static void take_reference_to(struct parse *parse, char *out, size_t size)
{
    struct str key;
    if (json_peek(&parse->reader) != JSON_OBJECT) {
        take_text(parse, out, size);
        return;
    }
    if (!json_object_begin(&parse->reader)) return;
    while (json_object_next(&parse->reader, &key)) {
        if (str_equal(key, STR("id"))) {
            take_text(parse, out, size);
        } else {
            (void)json_skip(&parse->reader); /* a fault stays in the reader */
        }
    }
}

static void take_object_field(struct parse *parse, struct str key)
{
    struct webhook_event *event = &parse->event;
    const struct {
        struct str key;
        bool stripe; /* else of the sandbox; status and amount are of both */
        bool both;
        char *out;
        size_t size;
    } texts[] = {
        { STR("id"), true, false, event->object, sizeof event->object },
        { STR("currency"), true, false, event->asset, sizeof event->asset },
        { STR("status"), true, true, event->status, sizeof event->status },
        { STR("object"), false, false, event->object, sizeof event->object },
        { STR("asset"), false, false, event->asset, sizeof event->asset },
        { STR("reference"), false, false, event->reference, sizeof event->reference },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!str_equal(key, texts[i].key)) continue;
        if (!texts[i].both && texts[i].stripe != parse->stripe) continue;
        take_text(parse, texts[i].out, texts[i].size);
        return;
    }
    if (str_equal(key, STR("amount"))) {
        take_amount(parse);
    } else if (parse->stripe && str_equal(key, STR("metadata"))) {
        take_metadata(parse);
    } else if (parse->stripe && str_equal(key, STR("payment_intent"))) {
        take_reference_to(parse, event->parent, sizeof event->parent);
    } else {
        (void)json_skip(&parse->reader); /* a fault stays in the reader */
    }
}

static void take_object(struct parse *parse)
{
    struct str key;
    if (!json_object_begin(&parse->reader)) return;
    while (json_object_next(&parse->reader, &key)) take_object_field(parse, key);
}

/* Stripe's object stands one level deeper. */
static void take_data(struct parse *parse)
{
    struct str key;
    if (!parse->stripe) {
        take_object(parse);
        return;
    }
    if (!json_object_begin(&parse->reader)) return;
    while (json_object_next(&parse->reader, &key)) {
        if (str_equal(key, STR("object"))) {
            take_object(parse);
        } else {
            (void)json_skip(&parse->reader); /* a fault stays in the reader */
        }
    }
}

static void take_event(struct parse *parse)
{
    struct webhook_event *event = &parse->event;
    const struct str time = parse->stripe ? STR("created") : STR("at");
    struct str key;
    if (!json_object_begin(&parse->reader)) return;
    while (json_object_next(&parse->reader, &key)) {
        if (str_equal(key, STR("id"))) {
            take_text(parse, event->id, sizeof event->id);
        } else if (str_equal(key, STR("type"))) {
            take_text(parse, event->type, sizeof event->type);
        } else if (str_equal(key, time)) {
            take_time(parse);
        } else if (str_equal(key, STR("data"))) {
            take_data(parse);
        } else {
            (void)json_skip(&parse->reader); /* a fault stays in the reader */
        }
    }
}

static enum webhook_topic topic_of(const char *type, bool stripe)
{
    static const struct {
        bool stripe;
        const char *prefix;
        enum webhook_topic topic;
    } topics[] = {
        { false, "order.", WEBHOOK_TOPIC_ORDER },
        { false, "chargeback.", WEBHOOK_TOPIC_CHARGEBACK },
        { true, "payment_intent.", WEBHOOK_TOPIC_ORDER },
        { true, "refund.", WEBHOOK_TOPIC_ORDER },
        { true, "charge.refund.", WEBHOOK_TOPIC_ORDER },
        { true, "payout.", WEBHOOK_TOPIC_ORDER },
        { true, "charge.dispute.", WEBHOOK_TOPIC_CHARGEBACK },
    };
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        if (topics[i].stripe != stripe) continue;
        if (str_starts(str_from(type), str_from(topics[i].prefix))) return topics[i].topic;
    }
    return WEBHOOK_TOPIC_OTHER;
}

enum status webhook_event_parse(enum webhook_style style, struct str body, struct arena *arena,
                                struct webhook_event *out_event, const char **out_reason)
{
    struct parse parse = { .stripe = style == WEBHOOK_STYLE_STRIPE };
    json_reader_init(&parse.reader, body, arena);
    take_event(&parse);
    enum status status = json_end(&parse.reader);
    if (status != STATUS_OK) {
        *out_reason = parse.reader.reason;
        return status;
    }
    struct webhook_event *event = &parse.event;
    if (*event->id == 0 || *event->type == 0 || !parse.created) {
        *out_reason = "an event has an id, a type and a time";
        return STATUS_INVALID;
    }
    event->topic = (uint8_t)topic_of(event->type, parse.stripe);
    event->ours = psp_key_parse(str_from(event->reference), &event->payment, &event->step_number);
    *out_event = *event;
    return STATUS_OK;
}

#include "payment/stripe_object.h"

#include "payment/psp_wire.h"

enum { DIGITS_MAX = 18 };

static bool digits_parse(struct str text, int64_t *out_number)
{
    int64_t number = 0;
    if (text.len == 0 || text.len > DIGITS_MAX) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        number = number * 10 + (text.data[i] - '0');
    }
    *out_number = number;
    return true;
}

bool stripe_number_read(struct json_reader *reader, int64_t *out_number)
{
    struct str text;
    int64_t number = -1;
    if (json_peek(reader) == JSON_NULL) {
        *out_number = -1;
        return json_null(reader);
    }
    if (!json_number(reader, &text)) return false;
    bool negative = text.data[0] == '-';
    if (negative) text = (struct str){ text.data + 1, text.len - 1 };
    if (!digits_parse(text, &number)) {
        json_fail(reader, "must be a whole number of at most 18 digits");
        return false;
    }
    *out_number = negative ? -number : number;
    return true;
}

/* Takes a string, or an object for its id, or null for "". */
static bool id_read(struct json_reader *reader, struct str *out_id)
{
    struct str key;
    if (json_peek(reader) != JSON_OBJECT) return psp_json_text(reader, out_id);
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key)) {
        bool is_id = str_equal(key, STR("id"));
        (void)(is_id ? psp_json_text(reader, out_id) : json_skip(reader)); /* a fault stays */
    }
    return reader->fault == JSON_FAULT_NONE;
}

/* last_payment_error: the bank's word comes before Stripe's. */
static bool failure_read(struct json_reader *reader, struct str *out_failure)
{
    struct str key;
    struct str code = STR("");
    struct str decline = STR("");
    if (json_peek(reader) == JSON_NULL) return json_null(reader);
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("code")))
            (void)psp_json_text(reader, &code); /* a fault stays */
        else if (str_equal(key, STR("decline_code")))
            (void)psp_json_text(reader, &decline);
        else
            (void)json_skip(reader);
    }
    *out_failure = decline.len > 0 ? decline : code;
    return reader->fault == JSON_FAULT_NONE;
}

static void mark_add(struct stripe_object *object, struct str number, struct str value,
                     uint32_t step_number)
{
    int64_t step = 0;
    int64_t amount = 0;
    if (!digits_parse(number, &step)) return; /* not a mark of ours */
    if (step == (int64_t)step_number) {
        object->marked = true;
        return;
    }
    if (!digits_parse(value, &amount) || object->marked_other < 0 ||
        __builtin_add_overflow(object->marked_other, amount, &object->marked_other)) {
        object->marked_other = -1;
    }
}

static bool metadata_read(struct json_reader *reader, uint32_t step_number,
                          struct stripe_object *object)
{
    struct str key;
    struct str value;
    const struct str mark = STR("capture_");
    if (json_peek(reader) == JSON_NULL) return json_null(reader);
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key)) {
        if (!psp_json_text(reader, &value)) break;
        if (str_equal(key, STR("reference"))) object->reference = value;
        if (!str_starts(key, mark)) continue;
        struct str number = { key.data + mark.len, key.len - mark.len };
        mark_add(object, number, value, step_number);
    }
    return reader->fault == JSON_FAULT_NONE;
}

static bool member_read(struct json_reader *reader, struct str key, uint32_t step_number,
                        struct stripe_object *object)
{
    const struct {
        struct str name;
        struct str *text;
        int64_t *number;
    } members[] = {
        { STR("id"), &object->id, NULL },
        { STR("object"), &object->kind, NULL },
        { STR("status"), &object->status, NULL },
        { STR("currency"), &object->currency, NULL },
        { STR("failure_code"), &object->failure, NULL },
        { STR("failure_reason"), &object->failure, NULL },
        { STR("amount"), NULL, &object->amount },
        { STR("amount_received"), NULL, &object->amount_received },
        { STR("amount_capturable"), NULL, &object->amount_capturable },
        { STR("created"), NULL, &object->created },
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (!str_equal(key, members[i].name)) continue;
        return members[i].text != NULL ? psp_json_text(reader, members[i].text)
                                       : stripe_number_read(reader, members[i].number);
    }
    if (str_equal(key, STR("payment_intent"))) return id_read(reader, &object->payment_intent);
    if (str_equal(key, STR("last_payment_error"))) return failure_read(reader, &object->failure);
    if (str_equal(key, STR("metadata"))) return metadata_read(reader, step_number, object);
    return json_skip(reader);
}

bool stripe_object_read(struct json_reader *reader, uint32_t step_number,
                        struct stripe_object *out_object)
{
    struct str key;
    struct stripe_object object = {
        .amount = -1, .amount_received = -1, .amount_capturable = -1, .created = -1
    };
    if (!json_object_begin(reader)) return false;
    while (json_object_next(reader, &key))
        (void)member_read(reader, key, step_number, &object); /* a fault stays */
    if (reader->fault != JSON_FAULT_NONE) return false;
    *out_object = object;
    return true;
}

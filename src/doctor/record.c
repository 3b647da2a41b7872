#include "doctor/record.h"

#include "base/check.h"
#include "base/delta.h"
#include "base/hash.h"
#include "base/json_reader.h"
#include "base/time.h"

/* {"kind":" */
static const char kind_start[] = { '{', '"', 'k', 'i', 'n', 'd', '"', ':', '"' };

void record_names_init(struct record_names *names)
{
    for (uint32_t k = 0; k < evidence_kind_count(); k++) {
        const struct evidence_field *field;
        uint32_t count = 1;
        names->names[k][0] = STR("kind");
        uint64_t required = 0;
        for (uint32_t i = 0; (field = evidence_field_at(&evidence_kinds[k], i)) != NULL; i++) {
            struct str name = str_from(field->name);
            names->names[k][count++] = name;
            bool must = evidence_has_word(evidence_kinds[k].required, ' ', name);
            required |= (uint64_t)must << i;
        }
        names->required[k] = required;
        names->counts[k] = count;
    }
}

int record_kind(struct str line)
{
    struct str start = { kind_start, sizeof kind_start };
    if (!str_starts(line, start)) return -1;
    const char *name = line.data + start.len;
    const char *end = memchr(name, '"', line.len - start.len);
    return end == NULL ? -1 : evidence_kind_find((struct str){ name, (size_t)(end - name) });
}

static bool whole_number(struct str text, int64_t *out_number)
{
    struct delta delta;
    if (delta_parse(text, &delta) != STATUS_OK) return false;
    if (delta.minor < INT64_MIN || delta.minor > INT64_MAX) return false;
    *out_number = (int64_t)delta.minor;
    return true;
}

static const char *take_amount(struct str text, struct record_value *out_value)
{
    struct delta delta;
    enum status status = delta_parse(text, &delta);
    if (status == STATUS_LIMIT) return "an amount is beyond 128 bits";
    if (status != STATUS_OK) return "an amount is not a whole number of minor units";
    bool small = delta.minor >= INT64_MIN && delta.minor <= INT64_MAX;
    *out_value = small ? (struct record_value){ .number = (int64_t)delta.minor }
                       : (struct record_value){ .text = text };
    return NULL;
}

static const char *take_time(enum json_type type, struct str text, struct record_value *out_value)
{
    *out_value = (struct record_value){ 0 };
    if (type == JSON_NUMBER) {
        if (whole_number(text, &out_value->number) && out_value->number >= 0) return NULL;
        return "a time is not nanoseconds since 1970";
    }
    struct wall_time time;
    if (wall_time_parse(text, &time) != STATUS_OK) return "a time is not RFC 3339";
    out_value->number = time.ns;
    return NULL;
}

static const char *take_text(const struct evidence_field *field, struct str text,
                             struct record_value *out_value)
{
    if (text.len == 0) return "a text is empty";
    if (text.len > EVIDENCE_TEXT_MAX) return "a text is over 4096 bytes";
    if (field->values != NULL && !evidence_has_word(field->values, '|', text)) {
        return "a field has a value that is not in its list";
    }
    *out_value = (struct record_value){ .text = text };
    return NULL;
}

static const char *take(const struct evidence_field *field, enum json_type type, struct str text,
                        struct record_value *out_value)
{
    if (field->type == EVIDENCE_BOOL) {
        if (type != JSON_BOOL) return "a field wants true or false";
        *out_value = (struct record_value){ .number = str_equal(text, STR("true")) };
        return NULL;
    }
    if (type != JSON_STRING && type != JSON_NUMBER) return "a field is neither string nor number";
    switch (field->type) {
    case EVIDENCE_AMOUNT: return take_amount(text, out_value);
    case EVIDENCE_TIME: return take_time(type, text, out_value);
    case EVIDENCE_INT:
        *out_value = (struct record_value){ 0 };
        return whole_number(text, &out_value->number) ? NULL
                                                      : "a number is not whole, or too large";
    case EVIDENCE_TEXT:
    case EVIDENCE_BOOL: break;
    }
    if (type == JSON_NUMBER && !whole_number(text, &(int64_t){ 0 })) {
        return "an id is a number that is not whole";
    }
    return take_text(field, text, out_value);
}

/* Reads the value that is due into the field of this place. */
static void read_field(struct json_reader *reader, uint32_t place, struct record *record)
{
    const struct evidence_kind *kind = &evidence_kinds[record->kind];
    const struct evidence_field *field = evidence_field_at(kind, place);
    CHECK(field != NULL);
    if (json_null(reader)) return;
    enum json_type type = json_peek(reader);
    struct str text = { 0 };
    bool fine = type == JSON_STRING   ? json_string(reader, &text)
                : type == JSON_NUMBER ? json_number(reader, &text)
                                      : json_raw(reader, &text);
    if (!fine) return;
    const char *reason = take(field, type, text, &record->values[place]);
    bool is_state = field == &evidence_common[EVIDENCE_COMMON_COUNT - 1];
    if (reason == NULL && is_state && kind->states != NULL &&
        !evidence_has_word(kind->states, '|', text)) {
        reason = "state has a value that is not in its list";
    }
    if (reason != NULL) json_fail(reader, reason);
    record->seen |= UINT64_C(1) << place;
}

/* All fields known: the usual case, and the quick one. */
static void read_known(struct json_reader *reader, const struct record_names *names,
                       struct record *record)
{
    struct json_fields fields = { names->names[record->kind], names->counts[record->kind] };
    unsigned field;
    if (!json_object_begin(reader)) return;
    while (json_object_field(reader, &fields, &field)) {
        if (field == 0) {
            (void)json_skip(reader); /* read by record_kind(); a fault stays */
        } else {
            read_field(reader, field - 1, record);
        }
    }
}

static void read_any(struct json_reader *reader, const struct record_names *names,
                     struct record *record)
{
    struct str key;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        uint32_t place = 0;
        while (place < names->counts[record->kind] &&
               !str_equal(key, names->names[record->kind][place])) {
            place++;
        }
        if (place > 0 && place < names->counts[record->kind]) {
            read_field(reader, place - 1, record);
            continue;
        }
        (void)json_skip(reader); /* a fault stays */
        if (place == 0) continue;
        if (record->unknown_count < RECORD_UNKNOWN_MAX) {
            record->unknown[record->unknown_count] = key;
        }
        record->unknown_count++;
    }
}

enum status record_parse(const struct record_names *names, struct str line, struct arena *arena,
                         struct record *out_record, const char **out_reason)
{
    int kind = record_kind(line);
    if (kind < 0) {
        *out_reason = "the line does not begin with a kind that there is";
        return STATUS_INVALID;
    }
    out_record->kind = (uint32_t)kind;
    out_record->seen = 0;
    out_record->unknown_count = 0;
    out_record->hash = hash_bytes(line.data, line.len);
    struct json_reader reader;
    json_reader_init(&reader, line, arena);
    read_known(&reader, names, out_record);
    if (reader.fault == JSON_FAULT_UNKNOWN) {
        out_record->seen = 0;
        json_reader_init(&reader, line, arena);
        read_any(&reader, names, out_record);
    }
    if (json_end(&reader) != STATUS_OK) {
        *out_reason = reader.reason;
        return STATUS_INVALID;
    }
    if ((names->required[kind] & ~out_record->seen) != 0) {
        *out_reason = "a required field is missing";
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

#include "doctor/record.h"

#include "base/check.h"
#include "base/delta.h"
#include "base/hash.h"
#include "base/json_reader.h"
#include "base/json_text.h"
#include "base/time.h"

/* {"kind":" */
static const char kind_start[] = { '{', '"', 'k', 'i', 'n', 'd', '"', ':', '"' };

/* Of a name that is not empty. */
static uint32_t slot_of(struct str name)
{
    uint32_t first = (uint8_t)name.data[0];
    uint32_t middle = (uint8_t)name.data[name.len / 2];
    uint32_t last = (uint8_t)name.data[name.len - 1];
    return ((uint32_t)name.len * 41 + first * 7 + middle * 13 + last * 29) % RECORD_SLOTS;
}

void record_names_init(struct record_names *names)
{
    memset(names->slots, 0, sizeof names->slots);
    for (uint32_t k = 0; k < evidence_kind_count(); k++) {
        const struct evidence_field *field;
        uint32_t count = 1;
        names->names[k][0] = STR("kind");
        uint64_t required = 0;
        for (uint32_t i = 0; (field = evidence_field_at(&evidence_kinds[k], i)) != NULL; i++) {
            struct str name = str_from(field->name);
            names->names[k][count++] = name;
            names->fields[k][i] = field;
            uint32_t slot = slot_of(name);
            while (names->slots[k][slot] != 0) slot = (slot + 1) % RECORD_SLOTS;
            names->slots[k][slot] = (uint8_t)(i + 1);
            bool must = evidence_has_word(evidence_kinds[k].required, ' ', name);
            required |= (uint64_t)must << i;
        }
        names->required[k] = required;
        names->counts[k] = count;
    }
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

/* The string that begins here, as it is written, without its quotes; *at goes behind it. */
static bool take_string(const char **at, const char *end, struct str *out_text)
{
    if (*at == end || **at != '"') return false;
    const char *first = *at + 1;
    const char *last = first;
    while (last < end && *last != '"') last += *last == '\\' ? 2 : 1;
    if (last >= end) return false;
    *out_text = (struct str){ first, (size_t)(last - first) };
    *at = last + 1;
    return true;
}

/*
 * Wherever the member stands in the object, with blanks or without; what else may be wrong with the
 * line is for the JSON reader to say.
 */
static int kind_search(struct str line)
{
    const char *end = line.data + line.len;
    const char *at = skip_blanks(line.data, end);
    uint32_t depth = 0;
    while (at < end) {
        struct str text;
        if (*at != '"') {
            depth += *at == '{' || *at == '[';
            depth -= depth > 0 && (*at == '}' || *at == ']');
            at++;
            continue;
        }
        if (!take_string(&at, end, &text)) return -1;
        at = skip_blanks(at, end);
        if (depth != 1 || at == end || *at != ':' || !str_equal(text, STR("kind"))) continue;
        at = skip_blanks(at + 1, end);
        return take_string(&at, end, &text) ? evidence_kind_find(text) : -1;
    }
    return -1;
}

static bool is_plain(struct str line)
{
    return str_starts(line, (struct str){ kind_start, sizeof kind_start });
}

int record_kind(struct str line)
{
    if (!is_plain(line)) return kind_search(line);
    const char *name = line.data + sizeof kind_start;
    const char *end = memchr(name, '"', line.len - sizeof kind_start);
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
static void read_field(struct json_reader *reader, const struct record_names *names, uint32_t place,
                       struct record *record)
{
    const struct evidence_kind *kind = &evidence_kinds[record->kind];
    const struct evidence_field *field = names->fields[record->kind][place];
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
            read_field(reader, names, field - 1, record);
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
            read_field(reader, names, place - 1, record);
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

/* ---- the plain line: what collectors write, read in one go ---- */

static int place_of(const struct record_names *names, uint32_t kind, struct str name)
{
    if (name.len == 0) return -1;
    uint32_t slot = slot_of(name);
    for (; names->slots[kind][slot] != 0; slot = (slot + 1) % RECORD_SLOTS) {
        int place = names->slots[kind][slot] - 1;
        if (str_equal(name, names->names[kind][place + 1])) return place;
    }
    return -1;
}

/* A whole number of up to 18 digits, written as it always is; *at goes behind it. */
static bool plain_number(const char **at, const char *end, int64_t *out_number)
{
    const char *from = *at;
    bool negative = from < end && *from == '-';
    const char *digit = from + negative;
    const char *first = digit;
    int64_t number = 0;
    while (digit < end && *digit >= '0' && *digit <= '9' && digit - first < 19)
        number = number * 10 + (*digit++ - '0');
    ptrdiff_t count = digit - first;
    bool zero = count > 0 && *first == '0';
    if (count == 0 || count > 18 || (zero && (count > 1 || negative))) return false;
    *out_number = negative ? -number : number;
    *at = digit;
    return true;
}

static bool plain_text(const struct evidence_kind *kind, const struct evidence_field *field,
                       struct str text, struct record_value *out_value)
{
    const char *end = text.data + text.len;
    const char *at = text.data;
    struct wall_time time;
    *out_value = (struct record_value){ 0 };
    switch (field->type) {
    case EVIDENCE_AMOUNT:
    case EVIDENCE_INT: return plain_number(&at, end, &out_value->number) && at == end;
    case EVIDENCE_TIME:
        if (wall_time_parse(text, &time) != STATUS_OK) return false;
        out_value->number = time.ns;
        return true;
    case EVIDENCE_BOOL: return false;
    case EVIDENCE_TEXT: break;
    }
    const char *words =
        field == &evidence_common[EVIDENCE_COMMON_COUNT - 1] ? kind->states : field->values;
    out_value->text = text;
    return text.len > 0 && text.len <= EVIDENCE_TEXT_MAX &&
           (words == NULL || evidence_has_word(words, '|', text));
}

/* A value: *at stands on its first byte, and goes behind it. */
static bool plain_value(const struct evidence_kind *kind, const struct evidence_field *field,
                        const char **at, const char *end, struct record_value *out_value)
{
    if (*at == end) return false;
    if (**at == '"') {
        const char *first = *at + 1;
        const char *last = json_text_skip_plain(first, end);
        if (last == end || *last != '"') return false;
        *at = last + 1;
        return plain_text(kind, field, (struct str){ first, (size_t)(last - first) }, out_value);
    }
    *out_value = (struct record_value){ 0 };
    if (field->type == EVIDENCE_BOOL) {
        struct str rest = { *at, (size_t)(end - *at) };
        bool yes = str_starts(rest, STR("true"));
        if (!yes && !str_starts(rest, STR("false"))) return false;
        out_value->number = yes;
        *at += yes ? 4 : 5;
        return true;
    }
    bool whole = field->type == EVIDENCE_AMOUNT || field->type == EVIDENCE_INT;
    return whole && plain_number(at, end, &out_value->number);
}

/*
 * False: the line is not plain (blanks, escapes, other bytes than ASCII, nulls, large numbers,
 * unknown fields, or wrong), which says nothing against it: the JSON reader has the word.
 */
static bool read_plain(const struct record_names *names, struct str line, size_t from,
                       struct record *record)
{
    const struct evidence_kind *kind = &evidence_kinds[record->kind];
    const char *at = line.data + from;
    const char *end = line.data + line.len;
    while (at < end && *at == ',') {
        const char *first = at + 2;
        if (end - at < 3 || at[1] != '"') return false;
        const char *last = json_text_skip_plain(first, end);
        if (end - last < 2 || last[0] != '"' || last[1] != ':') return false;
        int place = place_of(names, record->kind, (struct str){ first, (size_t)(last - first) });
        if (place < 0 || (record->seen >> place & 1) != 0) return false;
        at = last + 2;
        const struct evidence_field *field = names->fields[record->kind][place];
        if (!plain_value(kind, field, &at, end, &record->values[place])) return false;
        record->seen |= UINT64_C(1) << place;
    }
    return end - at == 1 && *at == '}';
}

static enum status check_required(const struct record_names *names, const struct record *record,
                                  const char **out_reason)
{
    if ((names->required[record->kind] & ~record->seen) == 0) return STATUS_OK;
    *out_reason = "a required field is missing";
    return STATUS_INVALID;
}

enum status record_parse(const struct record_names *names, struct str line, struct arena *arena,
                         struct record *out_record, const char **out_reason)
{
    int kind = record_kind(line);
    if (kind < 0) {
        *out_reason = "the line has no kind, or one that there is not";
        return STATUS_INVALID;
    }
    out_record->line = line;
    out_record->kind = (uint32_t)kind;
    out_record->seen = 0;
    out_record->unknown_count = 0;
    out_record->hash = hash_bytes(line.data, line.len);
    size_t behind_kind = sizeof kind_start + strlen(evidence_kinds[kind].name) + 1;
    if (is_plain(line) && read_plain(names, line, behind_kind, out_record))
        return check_required(names, out_record, out_reason);
    out_record->seen = 0;
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
    return check_required(names, out_record, out_reason);
}

/* A cursor over the bytes and a frame for each open container; no recursion, no state machine:
 * what is expected next is what the caller asks for. */
#include "base/json_reader.h"

#include "base/check.h"

/* A key that was met, kept until its object ends. */
struct json_key {
    struct json_key *next;
    struct str text;
    size_t offset; /* in the input */
};
_Static_assert(sizeof(struct json_key) == 32, "as json_reader.h says of arenas");

void json_reader_init(struct json_reader *reader, struct str input, struct arena *arena)
{
    CHECK(reader != NULL);
    CHECK(input.data != NULL || input.len == 0);
    reader->start = input.len == 0 ? "" : input.data;
    reader->at = reader->start;
    reader->end = reader->start + input.len;
    reader->arena = arena;
    reader->fault = JSON_FAULT_NONE;
    reader->reason = json_fault_text(JSON_FAULT_NONE);
    reader->fault_offset = 0;
    reader->depth = 0;
    reader->value_due = true;
}

/* Always false, so that `return fail(...)` reads as one step. */
static bool fail_at(struct json_reader *reader, enum json_fault fault, const char *place)
{
    reader->fault = fault;
    reader->reason = json_fault_text(fault);
    reader->fault_offset = (size_t)(place - reader->start);
    return false;
}

static bool fail(struct json_reader *reader, enum json_fault fault)
{
    return fail_at(reader, fault, reader->at);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(struct json_reader *reader)
{
    const char *at = reader->at;
    while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    reader->at = at;
}

/* Moves to the next byte that is no white space; false, and a fault, when there is none. */
static bool reach(struct json_reader *reader)
{
    if (reader->at<reader->end && * reader->at> ' ') return true; /* the common case */
    skip_space(reader);
    if (reader->at < reader->end) return true;
    return fail(reader, JSON_FAULT_TRUNCATED);
}

static inline struct json_frame *top_frame(struct json_reader *reader)
{
    CHECK(reader->depth > 0);
    return &reader->frames[reader->depth - 1];
}

/* Whether a value of this type can start with this byte. */
static enum json_type type_of(char first)
{
    switch (first) {
    case '"': return JSON_STRING;
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case 't':
    case 'f': return JSON_BOOL;
    case 'n': return JSON_NULL;
    case '-': return JSON_NUMBER;
    default: return is_digit(first) ? JSON_NUMBER : JSON_NOTHING;
    }
}

enum json_type json_peek(struct json_reader *reader)
{
    if (reader->fault != JSON_FAULT_NONE) return JSON_NOTHING;
    CHECK(reader->value_due);
    if (!reach(reader)) return JSON_NOTHING;
    enum json_type type = type_of(*reader->at);
    if (type == JSON_NOTHING) (void)fail(reader, JSON_FAULT_SYNTAX); /* the type tells */
    return type;
}

/* Stands at the first byte of a value of the type, or fails. The value is no longer due. */
static bool value_start(struct json_reader *reader, enum json_type type)
{
    enum json_type found = json_peek(reader);
    if (found == JSON_NOTHING) return false;
    if (found != type) return fail(reader, JSON_FAULT_TYPE);
    reader->value_due = false;
    return true;
}

/* The same for the types that have one first byte, which is looked at first. */
static inline bool value_start_byte(struct json_reader *reader, char first, enum json_type type)
{
    if (reader->fault != JSON_FAULT_NONE || reader->at == reader->end || *reader->at != first)
        return value_start(reader, type);
    CHECK(reader->value_due);
    reader->value_due = false;
    return true;
}

static bool container_begin(struct json_reader *reader, enum json_type type)
{
    if (!value_start_byte(reader, type == JSON_OBJECT ? '{' : '[', type)) return false;
    if (reader->depth == JSON_DEPTH_MAX) return fail(reader, JSON_FAULT_DEPTH);
    reader->at++;
    struct json_frame *frame = &reader->frames[reader->depth++];
    frame->keys = NULL;
    frame->seen = 0;
    frame->count = 0;
    frame->field_next = 0;
    frame->object = type == JSON_OBJECT;
    frame->placed = false;
    return true;
}

bool json_object_begin(struct json_reader *reader)
{
    return container_begin(reader, JSON_OBJECT);
}

bool json_array_begin(struct json_reader *reader)
{
    return container_begin(reader, JSON_ARRAY);
}

/* The string whose opening quote reading stands at, without the quotes and not decoded. */
static inline bool string_take(struct json_reader *reader, struct str *out_raw, bool *out_escaped)
{
    const char *first = reader->at + 1;
    const char *last = json_text_skip_plain(first, reader->end);
    bool escaped = false;
    if (last == reader->end || *last != '"') {
        enum json_fault fault = json_text_scan(first, reader->end, &last, &escaped);
        if (fault != JSON_FAULT_NONE) return fail_at(reader, fault, last);
    }
    *out_raw = (struct str){ first, (size_t)(last - first) };
    *out_escaped = escaped;
    reader->at = last + 1;
    return true;
}

static bool string_decode(struct json_reader *reader, struct str raw, struct str *out_text)
{
    char *text = reader->arena == NULL ? NULL : arena_take(reader->arena, raw.len);
    if (text == NULL) return fail_at(reader, JSON_FAULT_MEMORY, raw.data);
    *out_text = (struct str){ text, json_text_decode(raw.data, raw.data + raw.len, text) };
    return true;
}

static bool string_read(struct json_reader *reader, struct str *out_text)
{
    struct str raw;
    bool escaped = false;
    if (!string_take(reader, &raw, &escaped)) return false;
    if (escaped) return string_decode(reader, raw, out_text);
    *out_text = raw;
    return true;
}

bool json_string(struct json_reader *reader, struct str *out_text)
{
    return value_start_byte(reader, '"', JSON_STRING) && string_read(reader, out_text);
}

bool json_uuid(struct json_reader *reader, struct uuid *out_id)
{
    if (!value_start_byte(reader, '"', JSON_STRING)) return false;
    const char *first = reader->at + 1;
    if (reader->end - first > UUID_TEXT_LEN && first[UUID_TEXT_LEN] == '"' &&
        uuid_parse((struct str){ first, UUID_TEXT_LEN }, out_id) == STATUS_OK) {
        reader->at = first + UUID_TEXT_LEN + 1;
        return true;
    }
    struct str text;
    if (!string_read(reader, &text)) return false;
    if (uuid_parse(text, out_id) == STATUS_OK) return true;
    return fail_at(reader, JSON_FAULT_UUID, first - 1);
}

/* The rest of a literal whose first byte has been seen. */
static bool literal_take(struct json_reader *reader, struct str literal)
{
    size_t rest = (size_t)(reader->end - reader->at);
    size_t equal = 1;
    while (equal < literal.len && equal < rest && reader->at[equal] == literal.data[equal]) equal++;
    reader->at += equal;
    if (equal == literal.len) return true;
    return fail(reader, equal == rest ? JSON_FAULT_TRUNCATED : JSON_FAULT_SYNTAX);
}

bool json_bool(struct json_reader *reader, bool *out_value)
{
    if (!value_start(reader, JSON_BOOL)) return false;
    bool value = *reader->at == 't';
    if (!literal_take(reader, value ? STR("true") : STR("false"))) return false;
    *out_value = value;
    return true;
}

bool json_null(struct json_reader *reader)
{
    if (json_peek(reader) != JSON_NULL) return false;
    reader->value_due = false;
    return literal_take(reader, STR("null"));
}

/* One digit or more; false, and a fault, when there is none. */
static bool digits_take(struct json_reader *reader)
{
    const char *first = reader->at;
    while (reader->at < reader->end && is_digit(*reader->at)) reader->at++;
    if (reader->at > first) return true;
    return fail(reader, reader->at == reader->end ? JSON_FAULT_TRUNCATED : JSON_FAULT_NUMBER);
}

static bool char_take(struct json_reader *reader, char first, char second)
{
    if (reader->at == reader->end) return false;
    if (*reader->at != first && *reader->at != second) return false;
    reader->at++;
    return true;
}

static bool number_take(struct json_reader *reader, struct str *out_text)
{
    const char *first = reader->at;
    (void)char_take(reader, '-', '-'); /* may be there or not */
    if (char_take(reader, '0', '0')) {
        if (reader->at < reader->end && is_digit(*reader->at))
            return fail(reader, JSON_FAULT_NUMBER);
    } else if (!digits_take(reader)) {
        return false;
    }
    if (char_take(reader, '.', '.') && !digits_take(reader)) return false;
    if (char_take(reader, 'e', 'E')) {
        (void)char_take(reader, '+', '-'); /* may be there or not */
        if (!digits_take(reader)) return false;
    }
    *out_text = (struct str){ first, (size_t)(reader->at - first) };
    return true;
}

bool json_number(struct json_reader *reader, struct str *out_text)
{
    return value_start(reader, JSON_NUMBER) && number_take(reader, out_text);
}

bool json_uint64(struct json_reader *reader, uint64_t *out_value)
{
    struct str text;
    if (!json_number(reader, &text)) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i])) return fail_at(reader, JSON_FAULT_TYPE, text.data);
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return fail_at(reader, JSON_FAULT_RANGE, text.data);
    }
    *out_value = value;
    return true;
}

/*
 * Moves to the next member or item of a container: true when there is one, false at its end,
 * which is taken, and after a fault.
 */
static inline bool container_next(struct json_reader *reader, struct json_frame *frame, char close)
{
    CHECK(!reader->value_due); /* the value of the last one was read or skipped */
    frame->placed = false;
    if (!reach(reader)) return false;
    if (*reader->at == close) {
        reader->at++;
        reader->depth--;
        return false;
    }
    if (frame->count > 0) {
        if (*reader->at != ',') return fail(reader, JSON_FAULT_SYNTAX);
        reader->at++;
    }
    frame->count++;
    return true;
}

bool json_array_next(struct json_reader *reader)
{
    if (reader->fault != JSON_FAULT_NONE) return false;
    struct json_frame *frame = top_frame(reader);
    CHECK(!frame->object);
    if (!container_next(reader, frame, ']')) return false;
    frame->placed = true;
    reader->value_due = true;
    return true;
}

/* Stands at the key of the member that container_next() moved to. */
static bool key_start(struct json_reader *reader)
{
    if (!reach(reader)) return false;
    return *reader->at == '"' || fail(reader, JSON_FAULT_SYNTAX);
}

/* From behind a key on: its colon. */
static bool key_end(struct json_reader *reader, struct json_frame *frame)
{
    if (!reach(reader)) return false;
    if (*reader->at != ':') return fail(reader, JSON_FAULT_SYNTAX);
    reader->at++;
    frame->placed = true;
    reader->value_due = true;
    return true;
}

/* Shorter first: any order will do that equal keys are neighbours in. */
static int key_compare(const struct json_key *a, const struct json_key *b)
{
    if (a->text.len != b->text.len) return a->text.len < b->text.len ? -1 : 1;
    return a->text.len == 0 ? 0 : memcmp(a->text.data, b->text.data, a->text.len);
}

/* Equal keys keep their order. */
static struct json_key *keys_merge(struct json_key *a, struct json_key *b)
{
    struct json_key *first = NULL;
    struct json_key **last = &first;
    while (a != NULL && b != NULL) {
        struct json_key **from = key_compare(a, b) <= 0 ? &a : &b;
        *last = *from;
        last = &(*from)->next;
        *from = (*from)->next;
    }
    *last = a != NULL ? a : b;
    return first;
}

/*
 * Bottom-up merge sort of the list: no memory, no recursion, and never more than n log n
 * steps, whatever keys somebody thinks of. runs[i] holds 2^i keys or none.
 */
static struct json_key *keys_sort(struct json_key *keys)
{
    enum { RUNS = 40 };
    struct json_key *runs[RUNS] = { NULL };
    while (keys != NULL) {
        struct json_key *run = keys;
        keys = keys->next;
        run->next = NULL;
        unsigned i = 0;
        for (; runs[i] != NULL; i++) {
            run = keys_merge(run, runs[i]);
            runs[i] = NULL;
        }
        CHECK(i < RUNS - 1);
        runs[i] = run;
    }
    struct json_key *all = NULL;
    for (unsigned i = 0; i < RUNS; i++) all = keys_merge(all, runs[i]);
    return all;
}

/* Called when an object has ended; its frame is closed but still there. */
static void keys_compare(struct json_reader *reader, struct json_frame *frame)
{
    if (frame->count < 2) return;
    struct json_key *keys = keys_sort(frame->keys);
    while (keys->next != NULL && key_compare(keys, keys->next) != 0) keys = keys->next;
    if (keys->next == NULL) return;
    size_t a = keys->offset;
    size_t b = keys->next->offset;
    (void)fail_at(reader, JSON_FAULT_DUPLICATE, reader->start + (a > b ? a : b)); /* false */
    reader->depth++; /* so that the pointer names the key */
    frame->key = keys->text;
    frame->placed = true;
}

bool json_object_next(struct json_reader *reader, struct str *out_key)
{
    if (reader->fault != JSON_FAULT_NONE) return false;
    struct json_frame *frame = top_frame(reader);
    CHECK(frame->object);
    CHECK(frame->seen == 0); /* not read by json_object_field() */
    if (!container_next(reader, frame, '}')) {
        if (reader->fault == JSON_FAULT_NONE) keys_compare(reader, frame);
        return false;
    }
    if (!key_start(reader)) return false;
    const char *place = reader->at;
    if (!string_read(reader, &frame->key) || !key_end(reader, frame)) return false;
    struct json_key *key = reader->arena == NULL ? NULL : arena_take(reader->arena, sizeof *key);
    if (key == NULL) return fail_at(reader, JSON_FAULT_MEMORY, place);
    *key = (struct json_key){
        .next = frame->keys,
        .text = frame->key,
        .offset = (size_t)(place - reader->start),
    };
    frame->keys = key;
    *out_key = frame->key;
    return true;
}

static bool words_equal(const char *a, const char *b)
{
    uint64_t first, second;
    memcpy(&first, a, sizeof first);
    memcpy(&second, b, sizeof second);
    return first == second;
}

static bool halves_equal(const char *a, const char *b)
{
    uint32_t first, second;
    memcpy(&first, a, sizeof first);
    memcpy(&second, b, sizeof second);
    return first == second;
}

/* Overlapping words instead of a call: field names are short, and this runs for each member. */
static bool name_equal(struct str a, struct str b)
{
    if (a.len != b.len) return false;
    if (a.len > 16) return memcmp(a.data, b.data, a.len) == 0;
    if (a.len >= 8)
        return words_equal(a.data, b.data) && words_equal(a.data + a.len - 8, b.data + a.len - 8);
    if (a.len >= 4)
        return halves_equal(a.data, b.data) && halves_equal(a.data + a.len - 4, b.data + a.len - 4);
    for (size_t i = 0; i < a.len; i++) {
        if (a.data[i] != b.data[i]) return false;
    }
    return true;
}

/* Takes the key if it is the one expected, without looking for its end first. */
static bool key_take_expected(struct json_reader *reader, struct str name, struct str *out_key)
{
    const char *first = reader->at + 1;
    if ((size_t)(reader->end - first) <= name.len || first[name.len] != '"') return false;
    struct str key = { first, name.len };
    if (!name_equal(key, name)) return false;
    reader->at = first + name.len + 1;
    *out_key = key;
    return true;
}

/* The place of the key in the table; fields->count when it has none. */
static unsigned field_find(const struct json_fields *fields, struct str key)
{
    unsigned field = 0;
    while (field < fields->count && !name_equal(key, fields->names[field])) field++;
    return field;
}

bool json_object_field(struct json_reader *reader, const struct json_fields *fields,
                       unsigned *out_field)
{
    if (reader->fault != JSON_FAULT_NONE) return false;
    CHECK(fields->count <= JSON_FIELDS_MAX);
    struct json_frame *frame = top_frame(reader);
    CHECK(frame->object);
    CHECK(frame->keys == NULL); /* not read by json_object_next() */
    if (!container_next(reader, frame, '}') || !key_start(reader)) return false;
    const char *place = reader->at;
    unsigned field = frame->field_next;
    if (field >= fields->count || !key_take_expected(reader, fields->names[field], &frame->key)) {
        if (!string_read(reader, &frame->key)) return false;
        field = field_find(fields, frame->key);
    }
    if (!key_end(reader, frame)) return false;
    if (field == fields->count) return fail_at(reader, JSON_FAULT_UNKNOWN, place);
    uint64_t bit = UINT64_C(1) << field;
    if ((frame->seen & bit) != 0) return fail_at(reader, JSON_FAULT_DUPLICATE, place);
    frame->seen |= bit;
    frame->field_next = (uint16_t)(field + 1);
    *out_field = field;
    return true;
}

uint64_t json_fields_seen(const struct json_reader *reader)
{
    if (reader->fault != JSON_FAULT_NONE) return 0; /* it may stand as deep as can be */
    CHECK(reader->depth < JSON_DEPTH_MAX);
    return reader->frames[reader->depth].seen;
}

/* Takes a value that is no container, or opens one. */
static bool skip_one(struct json_reader *reader)
{
    bool flag;
    struct str text;
    switch (json_peek(reader)) {
    case JSON_NOTHING: return false;
    case JSON_NULL: return json_null(reader);
    case JSON_BOOL: return json_bool(reader, &flag);
    case JSON_NUMBER: return json_number(reader, &text);
    case JSON_STRING: {
        bool escaped = false;
        reader->value_due = false;
        return string_take(reader, &text, &escaped); /* nobody asks for it decoded */
    }
    case JSON_ARRAY: return json_array_begin(reader);
    case JSON_OBJECT: return json_object_begin(reader);
    }
    return false;
}

bool json_skip(struct json_reader *reader)
{
    if (reader->fault != JSON_FAULT_NONE) return false;
    /* Where the arena stood when each container was opened: its keys go when it has ended. */
    struct arena_mark marks[JSON_DEPTH_MAX + 1] = { 0 };
    uint32_t depth = reader->depth;
    bool more = true;
    do {
        if (more) {
            if (reader->arena != NULL) marks[reader->depth] = arena_mark(reader->arena);
            if (!skip_one(reader)) return false;
        } else {
            arena_release(&marks[reader->depth]);
        }
        if (reader->depth == depth) return true;
        struct str key;
        more = top_frame(reader)->object ? json_object_next(reader, &key) : json_array_next(reader);
    } while (reader->fault == JSON_FAULT_NONE);
    return false;
}

bool json_raw(struct json_reader *reader, struct str *out_text)
{
    if (json_peek(reader) == JSON_NOTHING) return false;
    const char *begin = reader->at;
    if (!json_skip(reader)) return false;
    *out_text = (struct str){ begin, (size_t)(reader->at - begin) };
    return true;
}

void json_fail(struct json_reader *reader, const char *reason)
{
    CHECK(reason != NULL);
    if (reader->fault != JSON_FAULT_NONE) return;
    (void)fail(reader, JSON_FAULT_VALUE); /* always false */
    reader->reason = reason;
}

enum status json_end(struct json_reader *reader)
{
    if (reader->fault == JSON_FAULT_NONE) {
        CHECK(reader->depth == 0);
        if (reader->value_due)
            (void)json_peek(reader); /* nothing was asked for: only right when there is nothing */
    }
    if (reader->fault == JSON_FAULT_NONE) {
        CHECK(!reader->value_due);
        skip_space(reader);
        if (reader->at < reader->end) (void)fail(reader, JSON_FAULT_TRAILING); /* always false */
    }
    return json_fault_status(reader->fault);
}

static void pointer_token(struct str key, struct buf *out_pointer)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] == '~') {
            buf_append_str(out_pointer, STR("~0"));
        } else if (key.data[i] == '/') {
            buf_append_str(out_pointer, STR("~1"));
        } else {
            buf_append_byte(out_pointer, (uint8_t)key.data[i]);
        }
    }
}

void json_pointer(const struct json_reader *reader, struct buf *out_pointer)
{
    CHECK(out_pointer != NULL);
    for (uint32_t i = 0; i < reader->depth; i++) {
        const struct json_frame *frame = &reader->frames[i];
        if (!frame->placed) return;
        buf_append_byte(out_pointer, '/');
        if (frame->object) {
            pointer_token(frame->key, out_pointer);
        } else {
            buf_append_format(out_pointer, "%u", frame->count - 1);
        }
    }
}

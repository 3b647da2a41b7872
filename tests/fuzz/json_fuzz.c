/*
 * Goal: the JSON reader accepts and refuses what an independent one does, reads the same
 * values, and the writer's text is read as what was written.
 * Method: jansson, with duplicates refused, reads each input too. Its tree is walked beside our
 * reader, value by value, while the writer copies; the copy is read and copied again and must
 * stay the same. Another pass reads known fields and may accept only what the first accepts.
 *
 * The two may differ where ours is limited or jansson is: nesting past JSON_DEPTH_MAX, numbers
 * that a long long or a double cannot hold, a zero byte in a key; and a zero byte outside of
 * strings ends the text for jansson.
 */
/* jansson's names that are also ours; its own calls of the two functions stay inside it. */
#define json_null jansson_null
#define json_string jansson_string
#define JSON_NULL JANSSON_NULL
#define JSON_STRING JANSSON_STRING
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_OBJECT JANSSON_OBJECT
#include <jansson.h>
#undef json_null
#undef json_string
#undef JSON_NULL
#undef JSON_STRING
#undef JSON_ARRAY
#undef JSON_OBJECT

#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_PER_BYTE = 16, ARENA_SIZE_MIN = 4096, COPY_PER_BYTE = 8, COPY_SIZE_MIN = 64 };

/* Where the walk stands in jansson's tree, by level. */
struct twin {
    json_t *value;
    size_t begun;
};

struct walk {
    struct json_reader reader;
    struct json_writer writer;
    struct twin twins[JSON_DEPTH_MAX + 1];
    bool compare; /* else the twins are not there */
};

static bool same_type(const json_t *twin, enum json_type type)
{
    switch (type) {
    case JSON_NOTHING: return false;
    case JSON_NULL: return json_typeof(twin) == JANSSON_NULL;
    case JSON_BOOL: return json_typeof(twin) == JSON_TRUE || json_typeof(twin) == JSON_FALSE;
    case JSON_NUMBER: return json_typeof(twin) == JSON_INTEGER || json_typeof(twin) == JSON_REAL;
    case JSON_STRING: return json_typeof(twin) == JANSSON_STRING;
    case JSON_ARRAY: return json_typeof(twin) == JANSSON_ARRAY;
    case JSON_OBJECT: return json_typeof(twin) == JANSSON_OBJECT;
    }
    return false;
}

/* A number that is no whole one of 64 bits is copied as a string: the copy's copy is the same. */
static void walk_number(struct walk *walk, const json_t *twin)
{
    struct json_reader ahead = walk->reader;
    struct str text;
    uint64_t value;
    if (json_uint64(&ahead, &value)) {
        walk->reader = ahead;
        if (walk->compare) CHECK((uint64_t)json_integer_value(twin) == value);
        json_write_uint64(&walk->writer, value);
        return;
    }
    if (!json_number(&walk->reader, &text)) return;
    bool whole = memchr(text.data, '.', text.len) == NULL &&
                 memchr(text.data, 'e', text.len) == NULL &&
                 memchr(text.data, 'E', text.len) == NULL;
    if (walk->compare) CHECK((json_typeof(twin) == JSON_INTEGER) == whole);
    json_write_string(&walk->writer, text);
}

static void walk_string(struct walk *walk, const json_t *twin)
{
    struct str text;
    if (!json_string(&walk->reader, &text)) return;
    if (walk->compare) {
        CHECK(json_string_length(twin) == text.len);
        CHECK(memcmp(json_string_value(twin), text.data, text.len) == 0);
    }
    json_write_string(&walk->writer, text);
}

/* Takes one value that is no container, or opens one. */
static void walk_value(struct walk *walk, json_t *twin)
{
    enum json_type type = json_peek(&walk->reader);
    if (type == JSON_NOTHING) return;
    if (walk->compare) CHECK(twin != NULL && same_type(twin, type));
    bool flag;
    switch (type) {
    case JSON_NULL:
        if (json_null(&walk->reader)) json_write_null(&walk->writer);
        return;
    case JSON_BOOL:
        if (!json_bool(&walk->reader, &flag)) return;
        if (walk->compare) CHECK((json_typeof(twin) == JSON_TRUE) == flag);
        json_write_bool(&walk->writer, flag);
        return;
    case JSON_NUMBER: walk_number(walk, twin); return;
    case JSON_STRING: walk_string(walk, twin); return;
    case JSON_ARRAY:
        if (!json_array_begin(&walk->reader)) return;
        json_write_array_begin(&walk->writer);
        break;
    case JSON_OBJECT:
        if (!json_object_begin(&walk->reader)) return;
        json_write_object_begin(&walk->writer);
        break;
    case JSON_NOTHING: return;
    }
    walk->twins[walk->reader.depth] = (struct twin){ .value = twin };
}

static bool walk_item(struct walk *walk, uint32_t depth)
{
    struct twin *twin = &walk->twins[depth];
    if (json_array_next(&walk->reader)) {
        json_t *item = walk->compare ? json_array_get(twin->value, twin->begun++) : NULL;
        walk_value(walk, item);
        return true;
    }
    if (walk->reader.fault != JSON_FAULT_NONE) return false;
    if (walk->compare) CHECK(twin->begun == json_array_size(twin->value));
    json_write_array_end(&walk->writer);
    return true;
}

static bool walk_member(struct walk *walk, uint32_t depth)
{
    struct twin *twin = &walk->twins[depth];
    struct str key;
    if (json_object_next(&walk->reader, &key)) {
        json_t *member = NULL;
        if (walk->compare) {
            char *name = malloc(key.len + 1);
            CHECK(name != NULL);
            memcpy(name, key.data, key.len);
            name[key.len] = '\0';
            CHECK(strlen(name) == key.len); /* jansson refuses such keys */
            member = json_object_get(twin->value, name);
            twin->begun++;
            free(name);
        }
        json_write_key(&walk->writer, key);
        walk_value(walk, member);
        return true;
    }
    if (walk->reader.fault != JSON_FAULT_NONE) return false;
    if (walk->compare) CHECK(twin->begun == json_object_size(twin->value));
    json_write_object_end(&walk->writer);
    return true;
}

/* Reads all of input, comparing with `twin` if it is not NULL, and copies it to *copy. */
static enum json_fault walk_all(struct str input, json_t *twin, struct buf *copy)
{
    struct arena arena;
    CHECK(arena_init(&arena, ARENA_SIZE_MIN + input.len * ARENA_PER_BYTE) == STATUS_OK);
    struct walk walk = { .compare = twin != NULL };
    json_reader_init(&walk.reader, input, &arena);
    json_writer_init(&walk.writer, copy);
    walk_value(&walk, twin);
    while (walk.reader.fault == JSON_FAULT_NONE && walk.reader.depth > 0) {
        uint32_t depth = walk.reader.depth;
        bool going = walk.reader.frames[depth - 1].object ? walk_member(&walk, depth)
                                                          : walk_item(&walk, depth);
        if (!going) break;
    }
    enum status status = json_end(&walk.reader);
    enum json_fault fault = walk.reader.fault;
    CHECK(status == json_fault_status(fault));
    CHECK(fault != JSON_FAULT_MEMORY);
    CHECK(walk.reader.fault_offset <= input.len);
    if (fault == JSON_FAULT_NONE) {
        CHECK(json_write_end(&walk.writer) == STATUS_OK);
    } else {
        struct buf pointer;
        buf_init(&pointer, 2 * input.len + 32 * JSON_DEPTH_MAX);
        json_pointer(&walk.reader, &pointer);
        CHECK(buf_status(&pointer) == STATUS_OK);
        CHECK(pointer.len == 0 || pointer.data[0] == '/');
        buf_free(&pointer);
    }
    arena_done(&arena);
    return fault;
}

static enum json_fault skip_all(struct str input)
{
    struct arena arena;
    CHECK(arena_init(&arena, ARENA_SIZE_MIN + input.len * ARENA_PER_BYTE) == STATUS_OK);
    struct json_reader reader;
    json_reader_init(&reader, input, &arena);
    bool taken = json_skip(&reader);
    CHECK(json_end(&reader) == json_fault_status(reader.fault));
    CHECK(taken || reader.fault != JSON_FAULT_NONE);
    arena_done(&arena);
    return reader.fault;
}

/* One object of known fields; a fault ends it. */
static void fields_one(struct json_reader *reader)
{
    static const struct str names[] = { { "id", 2 },     { "debit", 5 }, { "credit", 6 },
                                        { "amount", 6 }, { "asset", 5 }, { "user_reference", 14 } };
    static const struct json_fields fields = { names, sizeof names / sizeof names[0] };
    unsigned field;
    struct uuid id;
    if (!json_object_begin(reader)) return;
    while (json_object_field(reader, &fields, &field)) {
        CHECK(field < fields.count);
        if (!(field == 0 ? json_uuid(reader, &id) : json_skip(reader))) return;
    }
}

/* An array of them, as the API reads transfers. */
static enum json_fault fields_all(struct str input)
{
    struct arena arena;
    CHECK(arena_init(&arena, ARENA_SIZE_MIN + input.len * ARENA_PER_BYTE) == STATUS_OK);
    struct json_reader reader;
    json_reader_init(&reader, input, &arena);
    if (json_array_begin(&reader)) {
        while (json_array_next(&reader)) fields_one(&reader);
    }
    CHECK(json_end(&reader) == json_fault_status(reader.fault));
    arena_done(&arena);
    return reader.fault;
}

/* Whether jansson refused for a reason of its own. */
static bool jansson_is_limited(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { size == 0 ? "" : (const char *)data, size };
    json_error_t error;
    json_t *twin = json_loadb(input.data, input.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    struct buf copy, again;
    buf_init(&copy, COPY_SIZE_MIN + size * COPY_PER_BYTE);
    buf_init(&again, COPY_SIZE_MIN + size * COPY_PER_BYTE);

    enum json_fault fault = walk_all(input, twin, &copy);
    if (twin == NULL) CHECK(fault != JSON_FAULT_NONE || jansson_is_limited(&error));
    bool zero = memchr(input.data, 0, input.len) != NULL;
    if (zero) CHECK(fault != JSON_FAULT_NONE);
    if (twin != NULL) CHECK(fault == JSON_FAULT_NONE || fault == JSON_FAULT_DEPTH || zero);
    CHECK(skip_all(input) == fault);
    if (fields_all(input) == JSON_FAULT_NONE) CHECK(fault == JSON_FAULT_NONE);
    if (fault == JSON_FAULT_NONE) {
        CHECK(walk_all(buf_view(&copy), NULL, &again) == JSON_FAULT_NONE);
        CHECK(str_equal(buf_view(&copy), buf_view(&again)));
    }
    buf_free(&copy);
    buf_free(&again);
    json_decref(twin);
    return 0;
}

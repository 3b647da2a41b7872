/* A walk over the JSON reader that keeps texts; no tree is built. */
#include "cmd/answer.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/json_reader.h"

struct walk {
    struct json_reader reader;
    struct arena *arena;
    const struct answer_list *list;
    bool overflow;
    bool list_ended;
};

struct str answer_text(const struct answer_object *object, const char *path)
{
    for (uint32_t i = 0; i < object->count; i++)
        if (str_equal(object->fields[i].path, str_from(path))) return object->fields[i].text;
    return STR("");
}

/* prefix and name joined by a point, in the arena. */
static struct str path_join(struct walk *walk, struct str prefix, struct str name)
{
    char *path = arena_take(walk->arena, prefix.len + name.len + 1);
    if (path == NULL) {
        walk->overflow = true;
        return STR("");
    }
    size_t at = 0;
    if (prefix.len > 0) {
        memcpy(path, prefix.data, prefix.len);
        path[prefix.len] = '.';
        at = prefix.len + 1;
    }
    if (name.len > 0) memcpy(path + at, name.data, name.len);
    return (struct str){ path, at + name.len };
}

static void field_add(struct walk *walk, struct answer_object *object, struct str path,
                      struct str text)
{
    if (object->count == ANSWER_FIELDS_MAX) {
        walk->overflow = true;
        return;
    }
    object->fields[object->count++] = (struct answer_field){ path, text };
}

static struct str scalar_read(struct json_reader *reader, enum json_type type)
{
    struct str text = STR("");
    bool truth = false;
    switch (type) {
    case JSON_STRING: (void)json_string(reader, &text); break; /* faults show at json_end() */
    case JSON_NUMBER: (void)json_number(reader, &text); break;
    case JSON_BOOL:
        if (json_bool(reader, &truth)) text = truth ? STR("true") : STR("false");
        break;
    case JSON_NULL: (void)json_null(reader); break;
    case JSON_NOTHING:
    case JSON_ARRAY:
    case JSON_OBJECT: (void)json_skip(reader); break;
    }
    return text;
}

/* Plain items joined; anything else in it is stepped over. */
static struct str array_join(struct walk *walk)
{
    struct str joined = STR("");
    if (!json_array_begin(&walk->reader)) return joined;
    while (json_array_next(&walk->reader)) {
        struct str text = scalar_read(&walk->reader, json_peek(&walk->reader));
        if (text.len == 0) continue;
        char *both = arena_take(walk->arena, joined.len + 2 + text.len);
        if (both == NULL) {
            walk->overflow = true;
            return joined;
        }
        size_t at = 0;
        if (joined.len > 0) {
            memcpy(both, joined.data, joined.len);
            both[joined.len] = ',';
            both[joined.len + 1] = ' ';
            at = joined.len + 2;
        }
        memcpy(both + at, text.data, text.len);
        joined = (struct str){ both, at + text.len };
    }
    return joined;
}

static void object_walk(struct walk *walk, struct str prefix, struct answer_object *object);

static void items_visit(struct walk *walk)
{
    if (!json_array_begin(&walk->reader)) return;
    while (json_array_next(&walk->reader)) {
        if (walk->list_ended || json_peek(&walk->reader) != JSON_OBJECT) {
            (void)json_skip(&walk->reader); /* faults show at json_end() */
            continue;
        }
        struct answer_object item = { .count = 0 };
        const char *from = walk->reader.at; /* json_peek() stands at its first byte */
        object_walk(walk, STR(""), &item);
        if (walk->reader.fault != JSON_FAULT_NONE || walk->overflow) return;
        item.json = (struct str){ from, (size_t)(walk->reader.at - from) };
        walk->list_ended = !walk->list->visit(walk->list->argument, &item);
    }
}

/* Takes the object that is due; recursion is bounded by the reader's depth. */
static void object_walk(struct walk *walk, struct str prefix, struct answer_object *object)
{
    if (!json_object_begin(&walk->reader)) return;
    struct str key;
    while (json_object_next(&walk->reader, &key)) {
        struct str path = path_join(walk, prefix, key);
        enum json_type type = json_peek(&walk->reader);
        bool listed = walk->list != NULL && prefix.len == 0 && type == JSON_ARRAY &&
                      str_equal(key, str_from(walk->list->name));
        if (listed)
            items_visit(walk);
        else if (type == JSON_OBJECT)
            object_walk(walk, path, object);
        else if (type == JSON_ARRAY)
            field_add(walk, object, path, array_join(walk));
        else
            field_add(walk, object, path, scalar_read(&walk->reader, type));
    }
}

size_t answer_arena_size(struct str json)
{
    /* a path of up to depth x key, a joined array, a key's note: each key has 4 bytes or more */
    return 32 * json.len + 4096;
}

enum status answer_read_list(struct str json, const struct answer_list *list, struct arena *arena,
                             struct answer_object *out_object)
{
    struct walk walk = { .arena = arena, .list = list };
    json_reader_init(&walk.reader, json, arena);
    out_object->count = 0;
    object_walk(&walk, STR(""), out_object);
    enum status status = json_end(&walk.reader);
    if (status != STATUS_OK) return status;
    return walk.overflow ? STATUS_LIMIT : STATUS_OK;
}

enum status answer_read(struct str json, struct arena *arena, struct answer_object *out_object)
{
    return answer_read_list(json, NULL, arena, out_object);
}

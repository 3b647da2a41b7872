/* answer.h - JSON answers of the API taken apart into paths and texts. */
#ifndef CMD_ANSWER_H
#define CMD_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

/*
 * An object as pairs of path and text: {"id": "x", "balance": {"net": "1.00"}} is "id" and
 * "balance.net". Numbers and booleans are as they are written, null is empty, arrays of plain
 * values are joined by ", "; arrays of objects are left out: see answer_read_list().
 */
enum { ANSWER_FIELDS_MAX = 64 };

struct answer_field {
    struct str path;
    struct str text;
};

struct answer_object {
    struct answer_field fields[ANSWER_FIELDS_MAX];
    uint32_t count;
    struct str json; /* of an item: as it is written, for those who read a list in it */
};

/* Empty when the path is absent. */
struct str answer_text(const struct answer_object *object, const char *path);

/*
 * Texts point into json or the arena; an arena of answer_arena_size() is always enough.
 * STATUS_INVALID: it is no JSON object; STATUS_LIMIT: more fields than the maximum.
 */
enum status answer_read(struct str json, struct arena *arena, struct answer_object *out_object)
    MUST_CHECK;

/*
 * The same, and calls visit for each object in the array that is the member `list`, in order;
 * what it is given is good until it returns. visit returning false ends the reading of items.
 */
typedef bool answer_visit(void *argument, const struct answer_object *item);
struct answer_list {
    const char *name;
    answer_visit *visit;
    void *argument;
};
enum status answer_read_list(struct str json, const struct answer_list *list, struct arena *arena,
                             struct answer_object *out_object) MUST_CHECK;

size_t answer_arena_size(struct str json);

#endif

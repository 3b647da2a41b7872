#include "doctor/json_tree.h"

#include <string.h>

static struct json_node *node_read(struct json_reader *reader, struct arena *arena);

static struct json_node *node_new(struct json_reader *reader, struct arena *arena)
{
    struct json_node *node = arena_take(arena, sizeof *node);
    if (node == NULL) {
        json_fail(reader, "no memory for the document");
        return NULL;
    }
    memset(node, 0, sizeof *node);
    return node;
}

/* Appends a child behind *last. */
static void child_add(struct json_node *parent, struct json_node *child, struct json_node **last)
{
    if (child == NULL) return;
    if (*last == NULL)
        parent->first = child;
    else
        (*last)->next = child;
    *last = child;
    parent->count++;
}

static void object_read(struct json_reader *reader, struct arena *arena, struct json_node *node)
{
    struct str key;
    struct json_node *last = NULL;
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        struct json_node *child = node_read(reader, arena);
        if (child != NULL) child->key = key;
        child_add(node, child, &last);
    }
}

static void array_read(struct json_reader *reader, struct arena *arena, struct json_node *node)
{
    struct json_node *last = NULL;
    if (!json_array_begin(reader)) return;
    while (json_array_next(reader)) child_add(node, node_read(reader, arena), &last);
}

/* Recursion is bounded by the reader's depth. A fault stays in the reader. */
static struct json_node *node_read(struct json_reader *reader, struct arena *arena)
{
    bool truth = false;
    struct json_node *node = node_new(reader, arena);
    if (node == NULL) return NULL;
    node->type = json_peek(reader);
    switch (node->type) {
    case JSON_OBJECT: object_read(reader, arena, node); break;
    case JSON_ARRAY: array_read(reader, arena, node); break;
    case JSON_STRING: (void)json_string(reader, &node->text); break; /* a fault shows at the end */
    case JSON_NUMBER: (void)json_number(reader, &node->text); break; /* the same */
    case JSON_BOOL:
        (void)json_bool(reader, &truth); /* the same */
        node->text = truth ? STR("true") : STR("false");
        break;
    case JSON_NULL:
    case JSON_NOTHING: (void)json_null(reader); break; /* the same */
    }
    return node;
}

enum status json_tree_parse(struct str text, struct arena *arena, const struct json_node **out_root,
                            struct error *out_error)
{
    struct json_reader reader;
    json_reader_init(&reader, text, arena);
    const struct json_node *root = node_read(&reader, arena);
    if (json_end(&reader) != STATUS_OK)
        return error_set(out_error, STATUS_INVALID, "the document: %s", reader.reason);
    *out_root = root;
    return STATUS_OK;
}

const struct json_node *json_tree_member(const struct json_node *node, const char *key)
{
    if (node == NULL || node->type != JSON_OBJECT) return NULL;
    for (const struct json_node *child = node->first; child != NULL; child = child->next)
        if (str_equal(child->key, str_from(key))) return child;
    return NULL;
}

struct str json_tree_text(const struct json_node *node, const char *key)
{
    const struct json_node *member = json_tree_member(node, key);
    return member == NULL || member->text.data == NULL ? STR("") : member->text;
}

const struct json_node *json_tree_items(const struct json_node *node, const char *key)
{
    const struct json_node *member = json_tree_member(node, key);
    return member == NULL || member->type != JSON_ARRAY ? NULL : member->first;
}

/* json_tree.h - a JSON document as a tree in an arena: for reports, which look at all of it. */
#ifndef DOCTOR_JSON_TREE_H
#define DOCTOR_JSON_TREE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json_reader.h"

/* key: of a member; text: strings decoded, numbers as written, "true", "false", "" for null. */
struct json_node {
    enum json_type type;
    uint32_t count; /* children */
    struct str key;
    struct str text;
    const struct json_node *first;
    const struct json_node *next;
};

/* STATUS_INVALID; STATUS_LIMIT: the arena is too small: 24 x the text's size is enough. */
enum status json_tree_parse(struct str text, struct arena *arena, const struct json_node **out_root,
                            struct error *out_error) MUST_CHECK;

/* The member of an object; NULL when there is none, also of NULL and of what is no object. */
const struct json_node *json_tree_member(const struct json_node *node, const char *key);
/* Its text; "" when there is none. */
struct str json_tree_text(const struct json_node *node, const char *key);
/* The first child of a member that is an array, or NULL. */
const struct json_node *json_tree_items(const struct json_node *node, const char *key);

#endif

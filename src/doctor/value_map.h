/* value_map.h - fields of evidence found in keys, headers and JSON values of messages and caches. */
#ifndef DOCTOR_VALUE_MAP_H
#define DOCTOR_VALUE_MAP_H

#include "doctor/evidence_line.h"
#include "doctor/json_tree.h"
#include "model/evidence.h"

/*
 * Lines of "FIELD = PATH [PATH...]", '#' before remarks; the first path that leads to something
 * counts, and a field that stands twice has all of its paths, in order. Paths:
 *
 *     key            the key, whole
 *     key.2          what the second '*' of the pattern stands for in it
 *     header.NAME    a header, of any case
 *     value          the value, when it is no object
 *     value.a.b      a member of a member of a JSON object, or a field of a hash
 *
 * "amounts = major" says that amounts without a point are whole units too; without it they are
 * minor units. An amount with a point is of the currency's decimals.
 */
enum {
    VALUE_RULES_MAX = 96,
    VALUE_PATH_SIZE = 96,
    VALUE_FIELD_SIZE = 32,
    VALUE_CAPTURES_MAX = 8,
    VALUE_HEADERS_MAX = 64,
    VALUE_MAP_SIZE_MAX = 64 << 10,
};

struct value_rule {
    char field[VALUE_FIELD_SIZE];
    char path[VALUE_PATH_SIZE];
};

struct value_map {
    bool major; /* amounts without a point are whole units */
    uint32_t count;
    struct value_rule rules[VALUE_RULES_MAX];
};

/* Zeroed: has none. Texts are views. */
struct value_header {
    struct str name;
    struct str value;
};

struct value_source {
    struct str key;
    uint32_t capture_count;
    struct str captures[VALUE_CAPTURES_MAX];
    uint32_t header_count;
    struct value_header headers[VALUE_HEADERS_MAX];
    const struct json_node *root; /* of a JSON value; NULL: it is none */
    struct str text;              /* of a value that is none */
};

/*
 * Adds the lines of a file to those that are there, whose paths count before. Fields must be ones
 * of the kind; a map may be of several, each of which takes from it what it has. STATUS_INVALID: the error names the line and says what is wrong with it.
 */
enum status value_map_parse(struct value_map *map, const char *kind, struct str text,
                            struct error *out_error) MUST_CHECK;

/*
 * Whether key is of the pattern ('*' is any number of bytes); sets what each '*' stands for. At
 * most VALUE_CAPTURES_MAX of them are set.
 */
bool value_key_match(struct value_source *source, struct str pattern, struct str key);

/* What the map leads to; "" when there is nothing. */
struct str value_map_find(const struct value_map *map, const char *field,
                          const struct value_source *source);

/*
 * Writes what is found of the kind's fields, each as its type wants it, but for the names in
 * `others` (parted by blanks). What is no value of its type is left out. "trace" may be a whole
 * traceparent.
 */
void value_map_write(const struct value_map *map, const char *kind, const char *others,
                     const struct value_source *source, struct evidence_line *line);

#endif

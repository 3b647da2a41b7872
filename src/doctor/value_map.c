#include "doctor/value_map.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "doctor/log_line.h"
#include "model/asset.h"

enum { EXPONENT_MINOR = 0, TRACE_DIGITS = 32, TRACE_AT = 3 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct str trimmed(struct str text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = (struct str){ text.data + 1, text.len - 1 };
    while (text.len > 0 && is_blank(text.data[text.len - 1])) text.len--;
    return text;
}

/* Cuts what stands before `mark` off the front; all of it when there is no mark. */
static struct str take_until(struct str *rest, char mark)
{
    const char *at = rest->len == 0 ? NULL : memchr(rest->data, mark, rest->len);
    struct str head = *rest;
    if (at == NULL) {
        *rest = STR("");
        return head;
    }
    head.len = (size_t)(at - rest->data);
    *rest = (struct str){ at + 1, rest->len - head.len - 1 };
    return head;
}

/* ---- the map ---- */

static const struct evidence_kind *kind_of(const char *kind)
{
    int place = evidence_kind_find(str_from(kind));
    CHECK(place >= 0);
    return &evidence_kinds[place];
}

static bool field_known(const char *kind, struct str name)
{
    const struct evidence_field *field;
    for (uint32_t i = 0; (field = evidence_field_at(kind_of(kind), i)) != NULL; i++)
        if (str_equal(str_from(field->name), name)) return true;
    return false;
}

static bool path_known(struct str path)
{
    bool member = str_starts(path, STR("value.")) || str_starts(path, STR("header."));
    bool capture = path.len == 5 && str_starts(path, STR("key.")) && path.data[4] >= '1' &&
                   path.data[4] <= '0' + VALUE_CAPTURES_MAX;
    return member || capture || str_equal(path, STR("value")) || str_equal(path, STR("key"));
}

/* The sentence of what is wrong; NULL: nothing. */
static const char *rule_add(struct value_map *map, struct str field, struct str path)
{
    if (!path_known(path)) return "a path is key, key.1, header.NAME, value or value.NAME";
    if (map->count == VALUE_RULES_MAX || path.len >= VALUE_PATH_SIZE) return "too much of it";
    struct value_rule *rule = &map->rules[map->count++];
    memset(rule, 0, sizeof *rule);
    memcpy(rule->field, field.data, field.len);
    memcpy(rule->path, path.data, path.len);
    return NULL;
}

static const char *line_add(struct value_map *map, const char *kind, struct str line)
{
    struct str rest = line;
    struct str field = trimmed(take_until(&rest, '='));
    if (rest.data == line.data || rest.len == 0) return "a line is FIELD = PATH";
    rest = trimmed(rest);
    if (str_equal(field, STR("amounts"))) {
        map->major = str_equal(rest, STR("major"));
        return map->major || str_equal(rest, STR("minor")) ? NULL : "amounts are minor or major";
    }
    if (field.len >= VALUE_FIELD_SIZE || !field_known(kind, field)) return "there is no such field";
    while (rest.len > 0) {
        struct str path = take_until(&rest, ' ');
        if (path.len == 0) continue;
        const char *fault = rule_add(map, field, path);
        if (fault != NULL) return fault;
    }
    return NULL;
}

enum status value_map_parse(struct value_map *map, const char *kind, struct str text,
                            struct error *out_error)
{
    struct str rest = text;
    for (unsigned number = 1; rest.len > 0; number++) {
        struct str line = take_until(&rest, '\n');
        line = trimmed(take_until(&line, '#'));
        if (line.len == 0) continue;
        const char *fault = line_add(map, kind, line);
        if (fault != NULL)
            return error_set(out_error, STATUS_INVALID, "line %u of the map of %s: %s", number,
                             kind, fault);
    }
    return STATUS_OK;
}

/* ---- keys ---- */

static void capture(struct value_source *source, uint32_t place, const char *from, const char *to)
{
    if (place >= VALUE_CAPTURES_MAX) return;
    source->captures[place] = (struct str){ from, (size_t)(to - from) };
    if (source->capture_count <= place) source->capture_count = place + 1;
}

/* Each '*' takes as little as it can; only the newest is widened again, which is enough. */
bool value_key_match(struct value_source *source, struct str pattern, struct str key)
{
    size_t at = 0;
    size_t in = 0;
    size_t star = SIZE_MAX; /* the newest star, and where what it takes begins and ends */
    size_t from = 0;
    size_t to = 0;
    uint32_t stars = 0;
    source->key = key;
    source->capture_count = 0;
    while (in < key.len) {
        if (at < pattern.len && pattern.data[at] == '*') {
            star = at++;
            from = to = in;
            stars++;
            capture(source, stars - 1, key.data + from, key.data + to);
        } else if (at < pattern.len && pattern.data[at] == key.data[in]) {
            at++;
            in++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            in = ++to;
            capture(source, stars - 1, key.data + from, key.data + to);
        } else {
            return false;
        }
    }
    while (at < pattern.len && pattern.data[at] == '*') {
        capture(source, stars++, key.data + in, key.data + in);
        at++;
    }
    return at == pattern.len;
}

/* ---- finding ---- */

static struct str node_find(const struct json_node *node, struct str path)
{
    while (node != NULL && path.len > 0) {
        struct str name = take_until(&path, '.');
        const struct json_node *child = node->type == JSON_OBJECT ? node->first : NULL;
        while (child != NULL && !str_equal(child->key, name)) child = child->next;
        node = child;
    }
    if (node == NULL || node->text.data == NULL) return STR("");
    return node->text;
}

static struct str header_find(const struct value_source *source, struct str name)
{
    for (uint32_t i = 0; i < source->header_count; i++)
        if (str_equal_caseless(source->headers[i].name, name)) return source->headers[i].value;
    return STR("");
}

static struct str path_find(struct str path, const struct value_source *source)
{
    struct str head = take_until(&path, '.');
    if (str_equal(head, STR("header"))) return header_find(source, path);
    if (str_equal(head, STR("value")))
        return path.len == 0 ? source->text : node_find(source->root, path);
    if (path.len == 0) return source->key;
    uint32_t place = (uint32_t)(path.data[0] - '1');
    return place < source->capture_count ? source->captures[place] : STR("");
}

struct str value_map_find(const struct value_map *map, const char *field,
                          const struct value_source *source)
{
    for (uint32_t i = 0; i < map->count; i++) {
        if (strcmp(map->rules[i].field, field) != 0) continue;
        struct str found = path_find(str_from(map->rules[i].path), source);
        if (found.len > 0) return found;
    }
    return STR("");
}

/* ---- writing ---- */

static void amount_write(const struct value_map *map, const struct value_source *source,
                         struct str text, struct evidence_line *line, const char *name)
{
    const struct asset *asset = asset_iso_by_code(value_map_find(map, "ccy", source));
    bool point = memchr(text.data, '.', text.len) != NULL;
    bool units = point || map->major;
    if (units && asset == NULL) return; /* nobody knows how many decimals it has */
    const struct signed_amount_form form = {
        .exponent = units ? asset->exponent : EXPONENT_MINOR,
        .point = '.',
        .minor = !units,
    };
    struct signed_amount amount;
    if (signed_amount_parse(text, &form, &amount) == STATUS_OK) evidence_amount(line, name, amount);
}

static void int_write(struct str text, struct evidence_line *line, const char *name)
{
    const struct signed_amount_form form = { .point = '.', .minor = true };
    struct signed_amount number;
    if (signed_amount_parse(text, &form, &number) != STATUS_OK) return;
    if (number.minor < INT64_MIN || number.minor > INT64_MAX) return;
    evidence_int(line, name, (int64_t)number.minor);
}

/* "00-", 32 digits of the trace, and more: only the trace. */
static struct str trace_of(struct str text)
{
    bool parent = str_starts(text, STR("00-")) && text.len > TRACE_AT + TRACE_DIGITS &&
                  text.data[TRACE_AT + TRACE_DIGITS] == '-';
    return parent ? (struct str){ text.data + TRACE_AT, TRACE_DIGITS } : text;
}

static void text_write(const struct evidence_field *field, const char *values, struct str text,
                       struct evidence_line *line)
{
    bool taken = values == NULL || evidence_has_word(values, '|', text);
    if (strcmp(field->name, "trace") == 0) text = trace_of(text);
    if (taken) evidence_text(line, field->name, text);
}

/* What the field may be: of a state, the kind says so. */
static const char *values_of(const char *kind, const struct evidence_field *field)
{
    return strcmp(field->name, "state") == 0 ? kind_of(kind)->states : field->values;
}

static void field_write(const struct value_map *map, const char *kind,
                        const struct evidence_field *field, const struct value_source *source,
                        struct evidence_line *line)
{
    struct str text = value_map_find(map, field->name, source);
    struct wall_time at;
    if (text.len == 0) return;
    switch (field->type) {
    case EVIDENCE_TEXT: text_write(field, values_of(kind, field), text, line); break;
    case EVIDENCE_AMOUNT: amount_write(map, source, text, line, field->name); break;
    case EVIDENCE_INT: int_write(text, line, field->name); break;
    case EVIDENCE_TIME:
        if (log_line_time(text, &at)) evidence_time(line, field->name, at);
        break;
    case EVIDENCE_BOOL:
        if (str_equal(text, STR("true")) || str_equal(text, STR("false")))
            evidence_bool(line, field->name, text.data[0] == 't');
        break;
    }
}

void value_map_write(const struct value_map *map, const char *kind, const char *others,
                     const struct value_source *source, struct evidence_line *line)
{
    const struct evidence_field *field;
    for (uint32_t i = 0; (field = evidence_field_at(kind_of(kind), i)) != NULL; i++)
        if (!evidence_has_word(others, ' ', str_from(field->name)))
            field_write(map, kind, field, source, line);
}

#define _GNU_SOURCE 1 /* memrchr */
#include "doctor/rule.h"

#include <stddef.h>

#include "base/check.h"
#include "doctor/narrowing.h"
#include "model/evidence.h"

#define LAYER_NAME(name, text) text,
static const char *const layer_names[] = { RULE_LAYER_TABLE(LAYER_NAME) };
#define PART_NAME(name, text) text,
static const char *const part_names[] = { RULE_PART_TABLE(PART_NAME) };

/* What an invariant's violation touches. */
static const char severities[] = "money integrity privacy security trace";

const char *rule_layer_name(enum rule_layer layer)
{
    CHECK((unsigned)layer < RULE_LAYER_COUNT);
    return layer_names[layer];
}

const char *rule_part_name(enum rule_part part)
{
    CHECK((unsigned)part < RULE_PART_COUNT);
    return part_names[part];
}

enum { NAME_LEN_MAX = 48 }; /* of a part */

struct parser {
    struct rule_set *set;
    struct str file;
    uint32_t line;
    struct rule *rule;
    struct rule_query *query; /* its text is being read */
    struct str *property;     /* its text is being read */
    struct error *error;
};

static enum status fail(struct parser *parser, const char *what, struct str word)
{
    (void)error_set(parser->error, STATUS_INVALID, "%.*s:%u: %s", STR_ARG(parser->file),
                    parser->line, what);
    if (word.len > 0) error_detail(parser->error, "'%.*s'", word.len > 80 ? 80 : STR_ARG(word));
    return STATUS_INVALID;
}

static struct str trim(struct str text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) text.len--;
    return text;
}

/* Cuts the first word off. */
static struct str take_word(struct str *rest)
{
    *rest = trim(*rest);
    size_t len = 0;
    while (len < rest->len && strchr(" \t;()", rest->data[len]) == NULL) len++;
    struct str word = { rest->data, len };
    *rest = trim((struct str){ rest->data + len, rest->len - len });
    return word;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool name_is_plain(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_plain(name.data[i])) return false;
    return name.len > 0 && name.len <= NAME_LEN_MAX;
}

bool rule_id_is_valid(struct str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!is_plain(id.data[i]) && id.data[i] != '-') return false;
    return id.len > 0 && id.len <= RULE_ID_LEN_MAX;
}

/* ---- rules and their properties ---- */

static enum status begin_rule(struct parser *parser, enum rule_type type, struct str rest)
{
    struct rule_set *set = parser->set;
    struct str id = take_word(&rest);
    if (rest.len > 0 || !rule_id_is_valid(id))
        return fail(parser, "an id is wanted here: 1 to 16 letters, digits, _ and -", id);
    if (rule_find(set, id) >= 0) return fail(parser, "the id is taken", id);
    if (set->rule_count == RULES_MAX) return fail(parser, "there are too many rules", id);
    parser->rule = &set->rules[set->rule_count++];
    *parser->rule = (struct rule){
        .type = type, .id = id, .file = parser->file, .query_first = set->query_count
    };
    return STATUS_OK;
}

static enum status read_layer(struct parser *parser, struct str value)
{
    for (int i = 0; i < RULE_LAYER_COUNT; i++) {
        if (!str_equal(value, str_from(layer_names[i]))) continue;
        parser->rule->layer = (enum rule_layer)i;
        return STATUS_OK;
    }
    return fail(parser, "there is no such layer", value);
}

static enum status read_flag(struct parser *parser, struct str value, bool *out_flag)
{
    *out_flag = str_equal(value, STR("yes"));
    bool known = *out_flag || str_equal(value, STR("no"));
    return known ? STATUS_OK : fail(parser, "yes or no is wanted here", value);
}

static enum status read_property(struct parser *parser, struct str name, struct str value)
{
    static const struct {
        const char *name;
        size_t offset;
    } texts[] = {
        { "name", offsetof(struct rule, name) },
        { "title", offsetof(struct rule, title) },
        { "lookalikes", offsetof(struct rule, lookalikes) },
        { "repair", offsetof(struct rule, repair) },
        { "prevention", offsetof(struct rule, prevention) },
        { "stop", offsetof(struct rule, stop) },
        { "why", offsetof(struct rule, why) },
        { "limits", offsetof(struct rule, limits) },
        { "severity", offsetof(struct rule, severity) },
        { "owner", offsetof(struct rule, owner) },
    };
    if (str_equal(name, STR("layer"))) return read_layer(parser, value);
    if (str_equal(name, STR("ledger_entry"))) {
        return read_flag(parser, value, &parser->rule->ledger_entry);
    }
    if (str_equal(name, STR("psp_money"))) {
        return read_flag(parser, value, &parser->rule->psp_money);
    }
    if (str_equal(name, STR("benign"))) return read_flag(parser, value, &parser->rule->benign);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!str_equal(name, str_from(texts[i].name))) continue;
        struct str *text = (struct str *)(void *)((char *)parser->rule + texts[i].offset);
        if (text->data != NULL) return fail(parser, "the property is there already", name);
        if (text == &parser->rule->severity && !evidence_has_word(severities, ' ', value))
            return fail(parser, "there is no such severity", value);
        if (text == &parser->rule->lookalikes) parser->rule->lookalikes_line = parser->line;
        *text = value;
        parser->property = text;
        return STATUS_OK;
    }
    return fail(parser, "there is no such property or part", name);
}

/* ---- queries ---- */

static enum status read_kinds(struct parser *parser, struct str *rest, uint64_t *out_kinds)
{
    while (rest->len > 0 && strchr(";)", rest->data[0]) == NULL) {
        struct str word = take_word(rest);
        int kind = evidence_kind_find(word);
        if (kind < 0) return fail(parser, "there is no kind of evidence of that name", word);
        *out_kinds |= UINT64_C(1) << kind;
    }
    return STATUS_OK;
}

/* "(needs a b; absent c; at t; narrow n):" */
static enum status read_attributes(struct parser *parser, struct str rest)
{
    struct rule_query *query = parser->query;
    if (rest.len > 0 && rest.data[0] == '(') {
        do {
            rest = trim((struct str){ rest.data + 1, rest.len - 1 });
            struct str word = take_word(&rest);
            enum status status = STATUS_OK;
            if (str_equal(word, STR("needs"))) {
                status = read_kinds(parser, &rest, &query->needs);
            } else if (str_equal(word, STR("absent"))) {
                status = read_kinds(parser, &rest, &query->absent);
            } else if (str_equal(word, STR("at"))) {
                query->at = take_word(&rest);
            } else if (str_equal(word, STR("narrow"))) {
                query->narrow = take_word(&rest);
                if (narrowing_find(query->narrow) == NARROWING_COUNT)
                    status = fail(parser, "there is no such narrowing", query->narrow);
            } else {
                status = fail(parser, "needs, absent, at or narrow is wanted here", word);
            }
            if (status != STATUS_OK) return status;
        } while (rest.len > 0 && rest.data[0] == ';');
        if (rest.len == 0 || rest.data[0] != ')') return fail(parser, "a ')' is wanted", rest);
        rest = trim((struct str){ rest.data + 1, rest.len - 1 });
    }
    if (!str_equal(rest, STR(":"))) return fail(parser, "a ':' is wanted at the end", rest);
    return STATUS_OK;
}

static bool part_belongs(enum rule_type type, enum rule_part part)
{
    if (part == RULE_PART_DEFINE) return type == RULE_FAULT;
    switch (type) {
    case RULE_INVARIANT: return part <= RULE_PART_BAR;
    case RULE_CAUSAL: return part == RULE_PART_PAIRS;
    case RULE_FAULT: break;
    }
    return part >= RULE_PART_TRIGGER;
}

/* They stand before all else, so that each says what it can use, and have names of their own. */
static enum status check_definition(struct parser *parser)
{
    const struct rule *rule = parser->rule;
    struct str name = parser->query->name;
    uint32_t before = rule->query_count - 1;
    if (name.len == 0 || evidence_kind_find(name) >= 0)
        return fail(parser, "a name is wanted here, not that of a kind", name);
    if (before == RULE_DEFINITIONS_MAX) return fail(parser, "there are over 8 definitions", name);
    for (uint32_t i = 0; i < before; i++) {
        const struct rule_query *other = &parser->set->queries[rule->query_first + i];
        if (other->part != RULE_PART_DEFINE)
            return fail(parser, "definitions stand before the other parts", name);
        if (str_equal(other->name, name)) return fail(parser, "it is defined already", name);
    }
    return STATUS_OK;
}

static enum status begin_query(struct parser *parser, enum rule_part part, struct str rest)
{
    struct rule_set *set = parser->set;
    if (!part_belongs(parser->rule->type, part)) {
        return fail(parser, "such a rule has no such part", str_from(part_names[part]));
    }
    if (set->query_count == RULE_QUERIES_MAX) return fail(parser, "too many queries", rest);
    parser->query = &set->queries[set->query_count++];
    parser->rule->query_count++;
    *parser->query = (struct rule_query){ .part = part, .line = parser->line };
    if (part == RULE_PART_SEPARATE) parser->query->lookalike = take_word(&rest);
    struct str before = rest;
    struct str name = take_word(&rest);
    if (name.len > 0 && name.data[name.len - 1] == ':') { /* "trigger name:" */
        name.len--;
        rest = STR(":");
    }
    if (name.len == 0) rest = before;
    if (name.len > 0 && !name_is_plain(name)) return fail(parser, "a name is wanted here", name);
    parser->query->name = name;
    enum status status = part == RULE_PART_DEFINE ? check_definition(parser) : STATUS_OK;
    return status == STATUS_OK ? read_attributes(parser, rest) : status;
}

/* ---- lines ---- */

static int part_of(struct str word)
{
    for (int i = 0; i < RULE_PART_COUNT; i++) {
        if (str_equal(word, str_from(part_names[i]))) return i;
    }
    return -1;
}

static enum status read_head(struct parser *parser, struct str line)
{
    struct str rest = line;
    struct str word = take_word(&rest);
    parser->query = NULL;
    parser->property = NULL;
    if (str_equal(word, STR("invariant"))) return begin_rule(parser, RULE_INVARIANT, rest);
    if (str_equal(word, STR("fault"))) return begin_rule(parser, RULE_FAULT, rest);
    if (str_equal(word, STR("causal"))) return begin_rule(parser, RULE_CAUSAL, rest);
    if (parser->rule == NULL) return fail(parser, "a rule must begin first", word);
    bool colon = word.len > 0 && word.data[word.len - 1] == ':';
    struct str name = { word.data, word.len - (colon ? 1 : 0) };
    int part = part_of(name);
    if (part >= 0) {
        return begin_query(parser, (enum rule_part)part, colon && rest.len == 0 ? STR(":") : rest);
    }
    if (!colon) return fail(parser, "a property ends with ':'", word);
    return read_property(parser, name, rest);
}

/* An indented line goes on with the text that was begun; both lie in one piece in the file. */
static enum status read_more(struct parser *parser, struct str line)
{
    struct str *text = parser->query != NULL ? &parser->query->sql : parser->property;
    if (text == NULL) return fail(parser, "an indented line continues nothing", line);
    struct str part = trim(line);
    if (text->len == 0) {
        *text = part;
    } else {
        text->len = (size_t)(part.data + part.len - text->data);
    }
    if (text->len > RULE_QUERY_SIZE_MAX) return fail(parser, "a text is over 16 KiB", STR(""));
    return STATUS_OK;
}

static enum status read_line(struct parser *parser, struct str line)
{
    if (trim(line).len == 0) return STATUS_OK;
    if (line.data[0] == '#') {
        parser->query = NULL; /* a comment ends what was begun: it would be part of the text */
        parser->property = NULL;
        return STATUS_OK;
    }
    if (line.data[0] == ' ' || line.data[0] == '\t') return read_more(parser, line);
    return read_head(parser, line);
}

/* The name without folders, and without the ending if it is this one; else empty. */
static struct str stem(struct str file, struct str ending)
{
    const char *slash = memrchr(file.data, '/', file.len);
    struct str name = file;
    if (slash != NULL) {
        name = (struct str){ slash + 1, (size_t)(file.data + file.len - slash) - 1 };
    }
    if (name.len <= ending.len) return STR("");
    struct str tail = { name.data + name.len - ending.len, ending.len };
    return str_equal(tail, ending) ? (struct str){ name.data, name.len - ending.len } : STR("");
}

static enum status attach_fixtures(struct rule_set *set, struct str file, struct str text,
                                   struct error *out_error)
{
    int place = rule_find(set, stem(file, STR(".fixtures")));
    if (place < 0) {
        return error_set(out_error, STATUS_INVALID, "%.*s: there is no rule of that name",
                         STR_ARG(file));
    }
    set->rules[place].fixtures = text;
    return STATUS_OK;
}

static enum status read_rules(struct rule_set *set, struct str file, struct str text,
                              struct error *out_error)
{
    struct parser parser = { .set = set, .file = file, .error = out_error };
    enum status status = STATUS_OK;
    for (struct str line; status == STATUS_OK && str_take_line(&text, &line);) {
        parser.line++;
        status = read_line(&parser, line);
    }
    parser.line++;
    if (status == STATUS_OK && text.len > 0)
        status = fail(&parser, "the last line has no end", text);
    return status;
}

/* Cuts the next file off the front: its name and its text. */
static bool take_file(struct str *rest, struct str *out_file, struct str *out_text)
{
    static const struct str mark = { "%file ", 6 };
    struct str line;
    if (!str_starts(*rest, mark) || !str_take_line(rest, &line)) return false;
    *out_file = (struct str){ line.data + mark.len, line.len - mark.len };
    const char *at = rest->data;
    const char *end = rest->data + rest->len;
    while (at < end && !str_starts((struct str){ at, (size_t)(end - at) }, mark)) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline == NULL ? end : newline + 1;
    }
    *out_text = (struct str){ rest->data, (size_t)(at - rest->data) };
    *rest = (struct str){ at, (size_t)(end - at) };
    return true;
}

/* ---- definitions ---- */

static bool has_word(struct str text, struct str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (memcmp(text.data + i, word.data, word.len) != 0) continue;
        bool begins = i == 0 || !is_plain(text.data[i - 1]);
        if (begins && (i + word.len == text.len || !is_plain(text.data[i + word.len]))) return true;
    }
    return false;
}

/* The definitions that a query of the rule names, directly or through another, by bit. */
static uint32_t definitions_of(const struct rule_set *set, const struct rule *rule,
                               const struct rule_query *query)
{
    const struct rule_query *first = &set->queries[rule->query_first];
    uint32_t count = 0;
    while (first + count < query && first[count].part == RULE_PART_DEFINE) count++;
    uint32_t used = 0;
    for (uint32_t i = count; i-- > 0;) {
        bool named = has_word(query->sql, first[i].name);
        for (uint32_t user = i + 1; user < count; user++)
            named = named || ((used >> user & 1) != 0 && has_word(first[user].sql, first[i].name));
        used |= (uint32_t)named << i;
    }
    return used;
}

void rule_query_write(const struct rule_set *set, const struct rule *rule,
                      const struct rule_query *query, struct buf *out)
{
    static const struct str with = { "WITH ", 5 };
    static const struct str recursive = { "RECURSIVE ", 10 };
    uint32_t used = definitions_of(set, rule, query);
    struct str sql = query->sql;
    bool goes_on = used != 0 && str_starts(sql, with);
    if (goes_on) sql = (struct str){ sql.data + with.len, sql.len - with.len };
    if (used != 0) buf_append_str(out, with);
    if (goes_on && str_starts(sql, recursive)) {
        buf_append_str(out, recursive);
        sql = (struct str){ sql.data + recursive.len, sql.len - recursive.len };
    }
    for (uint32_t left = used; left != 0; left &= left - 1) {
        const struct rule_query *definition =
            &set->queries[rule->query_first + (uint32_t)__builtin_ctz(left)];
        bool more = goes_on || (left & (left - 1)) != 0;
        buf_append_format(out, "%.*s AS (%.*s)%s", STR_ARG(definition->name),
                          STR_ARG(definition->sql), more ? ", " : " ");
    }
    buf_append_str(out, sql);
}

/* ---- what a rule must have ---- */

static uint32_t part_count(const struct rule_set *set, const struct rule *rule, enum rule_part part)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rule->query_count; i++) {
        count += set->queries[rule->query_first + i].part == part;
    }
    return count;
}

static const char *flaw_of_queries(const struct rule_set *set, const struct rule *rule)
{
    uint32_t used = 0;
    uint32_t definitions = part_count(set, rule, RULE_PART_DEFINE);
    for (uint32_t i = 0; i < rule->query_count; i++) {
        const struct rule_query *query = &set->queries[rule->query_first + i];
        if (query->sql.len == 0) return "a part has no query";
        if (query->part != RULE_PART_DEFINE) used |= definitions_of(set, rule, query);
    }
    return used + 1 == 1U << definitions ? NULL : "a definition is used by nothing";
}

static const char *flaw_of(const struct rule_set *set, const struct rule *rule)
{
    if (rule->name.len == 0) return "it has no name";
    const char *flaw = flaw_of_queries(set, rule);
    if (flaw != NULL) return flaw;
    if (rule->type == RULE_CAUSAL) {
        return part_count(set, rule, RULE_PART_PAIRS) == 1 ? NULL : "it wants one 'pairs'";
    }
    if (rule->type == RULE_INVARIANT) {
        return part_count(set, rule, RULE_PART_VIOLATIONS) == 1 ? NULL
                                                                : "it wants one 'violations'";
    }
    uint32_t predicates =
        part_count(set, rule, RULE_PART_REQUIRE) + part_count(set, rule, RULE_PART_FORBID) +
        part_count(set, rule, RULE_PART_SEPARATE) + part_count(set, rule, RULE_PART_DOUBT);
    if (part_count(set, rule, RULE_PART_TRIGGER) == 0) return "it has no trigger";
    if (part_count(set, rule, RULE_PART_REQUIRE) == 0) return "it requires nothing";
    if (predicates > RULE_PREDICATES_MAX) return "it has over 24 predicates";
    if (part_count(set, rule, RULE_PART_PREDICT) != 1) return "it wants one 'predict'";
    if (part_count(set, rule, RULE_PART_AFFECTED) > 1) return "it has two 'affected'";
    if (part_count(set, rule, RULE_PART_START) > 1) return "it has two 'start'";
    if (part_count(set, rule, RULE_PART_LAST) > 1) return "it has two 'last'";
    if (rule->title.len == 0 || rule->repair.len == 0 || rule->prevention.len == 0) {
        return "title, repair or prevention is missing";
    }
    if (rule->fixtures.len == 0) return "it has no fixtures";
    return NULL;
}

int rule_find(const struct rule_set *set, struct str id)
{
    for (uint32_t i = 0; i < set->rule_count; i++) {
        if (str_equal(set->rules[i].id, id)) return (int)i;
    }
    return -1;
}

static enum status verify_lookalikes(const struct rule_set *set, const struct rule *rule,
                                     struct error *out_error)
{
    struct str rest = rule->lookalikes;
    while (rest.len > 0) {
        struct str id = take_word(&rest);
        int place = rule_find(set, id);
        if (place >= 0 && set->rules[place].type == RULE_FAULT) continue;
        (void)error_set(out_error, STATUS_INVALID, "%.*s:%u: rule %.*s: a look-alike is no fault",
                        STR_ARG(rule->file), rule->lookalikes_line, STR_ARG(rule->id));
        error_detail(out_error, "'%.*s'", id.len > 80 ? 80 : STR_ARG(id));
        error_hint(out_error, "lookalikes are the ids of faults, between blanks");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static enum status verify(const struct rule_set *set, struct error *out_error)
{
    for (uint32_t i = 0; i < set->rule_count; i++) {
        const struct rule *rule = &set->rules[i];
        const char *flaw = flaw_of(set, rule);
        if (flaw == NULL) {
            enum status status = verify_lookalikes(set, rule, out_error);
            if (status != STATUS_OK) return status;
            continue;
        }
        return error_set(out_error, STATUS_INVALID, "%.*s: rule %.*s: %s", STR_ARG(rule->file),
                         STR_ARG(rule->id), flaw);
    }
    return STATUS_OK;
}

enum status rule_set_parse(struct str text, struct rule_set *out_set, struct error *out_error)
{
    if (text.len > RULE_TEXT_SIZE_MAX) {
        return error_set(out_error, STATUS_LIMIT, "rules are over 8 MiB");
    }
    out_set->rule_count = 0;
    out_set->query_count = 0;
    out_set->digest = digest_of(text.data, text.len);
    struct str file;
    struct str body;
    enum status status = STATUS_OK;
    for (int pass = 0; status == STATUS_OK && pass < 2; pass++) { /* rules, then their fixtures */
        struct str rest = text;
        while (status == STATUS_OK && take_file(&rest, &file, &body)) {
            bool fixtures = stem(file, STR(".fixtures")).len > 0;
            if (fixtures && pass == 1) status = attach_fixtures(out_set, file, body, out_error);
            if (!fixtures && pass == 0) status = read_rules(out_set, file, body, out_error);
        }
        if (status == STATUS_OK && rest.len > 0) {
            status = error_set(out_error, STATUS_INVALID, "rules: the text begins with no file");
        }
    }
    return status == STATUS_OK ? verify(out_set, out_error) : status;
}

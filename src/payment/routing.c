#include "payment/routing.h"

#include "base/check.h"
#include "model/asset.h"

/* ---- Reading the configuration ---- */

/* A line being read; faults are told with its number. */
struct line {
    struct str rest;
    uint32_t number;
    struct error *error;
};

static enum status fault(const struct line *line, const char *what, struct str text)
{
    return error_set(line->error, STATUS_INVALID, "line %u: %s: '%.*s'", line->number, what,
                     STR_ARG(text));
}

static enum status too_many(const struct line *line, const char *what, int max)
{
    return error_set(line->error, STATUS_LIMIT, "line %u: more than %d %s", line->number, max,
                     what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next word; false at the end of the line. */
static bool word_take(struct line *line, struct str *out_word)
{
    struct str rest = line->rest;
    while (rest.len > 0 && is_blank(rest.data[0]))
        rest = (struct str){ rest.data + 1, rest.len - 1 };
    size_t len = 0;
    while (len < rest.len && !is_blank(rest.data[len])) len++;
    *out_word = (struct str){ rest.data, len };
    line->rest = (struct str){ rest.data + len, rest.len - len };
    return len > 0;
}

static bool number_read(struct str text, uint32_t max, uint32_t *out_number)
{
    uint32_t number = 0;
    if (text.len == 0 || text.len > 6) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        number = number * 10 + (uint32_t)(text.data[i] - '0');
    }
    *out_number = number;
    return number <= max;
}

/* Its place; psp_count when it is not declared. */
static uint32_t psp_find(const struct routing *routing, struct str name)
{
    uint32_t psp = 0;
    while (psp < routing->psp_count && !str_equal(name, str_from(routing->psps[psp]))) psp++;
    return psp;
}

static enum status psp_parse(struct line *line, struct routing *routing)
{
    struct str name;
    struct str more;
    if (!word_take(line, &name) || !psp_name_is_valid(name))
        return fault(line, "a name of 1 to 15 of a-z 0-9 - is due", name);
    if (word_take(line, &more)) return fault(line, "too much", more);
    if (psp_find(routing, name) < routing->psp_count) return fault(line, "declared twice", name);
    if (routing->psp_count == ROUTING_PSPS_MAX) return too_many(line, "PSPs", ROUTING_PSPS_MAX);
    memcpy(routing->psps[routing->psp_count], name.data, name.len);
    routing->psp_count++;
    return STATUS_OK;
}

static enum status cost_fixed_parse(struct line *line, const struct asset *asset,
                                    struct money *out_fixed)
{
    struct str text;
    struct str more;
    if (!word_take(line, &text)) return STATUS_OK;
    if (asset == NULL) return fault(line, "a fixed cost needs an asset", text);
    if (money_parse(text, asset->exponent, out_fixed) != STATUS_OK)
        return fault(line, "no amount of this asset", text);
    if (word_take(line, &more)) return fault(line, "too much", more);
    return STATUS_OK;
}

static enum status cost_parse(struct line *line, struct routing *routing)
{
    struct str name;
    struct str code;
    struct str points;
    struct routing_cost cost = { 0 };
    const struct asset *asset = NULL;
    if (!word_take(line, &name)) return fault(line, "the name of a PSP is due", name);
    cost.psp = psp_find(routing, name);
    if (cost.psp == routing->psp_count) return fault(line, "no PSP declared above", name);
    if (!word_take(line, &code)) return fault(line, "an asset or '*' is due", code);
    if (!str_equal(code, STR("*"))) {
        asset = asset_iso_by_code(code);
        if (asset == NULL) return fault(line, "no ISO 4217 code", code);
        cost.asset = asset->id;
    }
    if (!word_take(line, &points) ||
        !number_read(points, ROUTING_BASIS_POINTS_MAX, &cost.basis_points))
        return fault(line, "basis points from 0 to 10000 are due", points);
    enum status status = cost_fixed_parse(line, asset, &cost.fixed);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < routing->cost_count; i++) {
        if (routing->costs[i].psp == cost.psp && routing->costs[i].asset == cost.asset)
            return fault(line, "this cost is given twice", name);
    }
    if (routing->cost_count == ROUTING_COSTS_MAX) return too_many(line, "costs", ROUTING_COSTS_MAX);
    routing->costs[routing->cost_count++] = cost;
    return STATUS_OK;
}

/* The members of a rule, in the order of their bits. */
enum member { OPERATION, ASSET, AMOUNT, METHOD, PSPS, BY, SUCCESS_MIN, MEMBERS };

struct rule_text {
    struct str values[MEMBERS];
    bool there[MEMBERS];
};

static enum status rule_split(struct line *line, struct rule_text *out_text)
{
    static const char *const names[MEMBERS] = { "operation", "asset", "amount",     "method",
                                                "psps",      "by",    "success_min" };
    struct str word;
    while (word_take(line, &word)) {
        const char *equals = memchr(word.data, '=', word.len);
        if (equals == NULL) return fault(line, "NAME=VALUE is due", word);
        struct str name = { word.data, (size_t)(equals - word.data) };
        unsigned i = 0;
        while (i < MEMBERS && !str_equal(name, str_from(names[i]))) i++;
        if (i == MEMBERS) return fault(line, "rules have no such member", name);
        if (out_text->there[i]) return fault(line, "given twice", name);
        out_text->there[i] = true;
        out_text->values[i] = (struct str){ equals + 1, word.len - name.len - 1 };
        if (out_text->values[i].len == 0) return fault(line, "a value is missing", name);
    }
    if (!out_text->there[PSPS]) return fault(line, "psps= is missing", STR("rule"));
    return STATUS_OK;
}

static enum status psps_parse(const struct line *line, const struct routing *routing,
                              struct str text, struct routing_rule *rule)
{
    size_t start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != ',') continue;
        struct str name = { text.data + start, i - start };
        uint32_t psp = psp_find(routing, name);
        if (psp == routing->psp_count) return fault(line, "no PSP declared above", name);
        for (uint32_t j = 0; j < rule->psp_count; j++) {
            if (rule->psps[j] == psp) return fault(line, "named twice", name);
        }
        rule->psps[rule->psp_count++] = (uint8_t)psp;
        start = i + 1;
    }
    return STATUS_OK;
}

static enum status amount_parse(const struct line *line, const struct asset *asset, struct str text,
                                struct routing_rule *rule)
{
    if (asset == NULL) return fault(line, "amount= needs asset=", text);
    size_t dots = 0;
    while (dots + 1 < text.len && (text.data[dots] != '.' || text.data[dots + 1] != '.')) dots++;
    if (dots + 1 >= text.len) return fault(line, "amount=FROM..TO is due", text);
    struct str from = { text.data, dots };
    struct str to = { text.data + dots + 2, text.len - dots - 2 };
    if (from.len > 0 && money_parse(from, asset->exponent, &rule->from) != STATUS_OK)
        return fault(line, "no amount of this asset", from);
    if (to.len > 0 && money_parse(to, asset->exponent, &rule->to) != STATUS_OK)
        return fault(line, "no amount of this asset", to);
    if (money_less(rule->to, rule->from)) return fault(line, "nothing lies between", text);
    return STATUS_OK;
}

static enum status by_parse(const struct line *line, struct str text, uint8_t *out_by)
{
    static const char *const names[] = { "order", "cost", "success" };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!str_equal(text, str_from(names[i]))) continue;
        *out_by = (uint8_t)i;
        return STATUS_OK;
    }
    return fault(line, "order, cost or success is due", text);
}

static enum status operation_parse(const struct line *line, struct str text, uint8_t *out_operation)
{
    static const uint8_t first[] = { PSP_CHARGE, PSP_AUTHORISE, PSP_PAY_OUT };
    for (unsigned i = 0; i < sizeof first; i++) {
        if (!str_equal(text, str_from(psp_operation_name(first[i])))) continue;
        *out_operation = first[i];
        return STATUS_OK;
    }
    return fault(line, "charge, authorise or pay_out is due", text);
}

static enum status members_parse(const struct line *line, const struct routing *routing,
                                 const struct rule_text *text, struct routing_rule *rule)
{
    const struct asset *asset = NULL;
    uint32_t success_min = 0;
    enum status status = psps_parse(line, routing, text->values[PSPS], rule);
    if (status == STATUS_OK && text->there[OPERATION])
        status = operation_parse(line, text->values[OPERATION], &rule->operation);
    if (status == STATUS_OK && text->there[BY])
        status = by_parse(line, text->values[BY], &rule->by);
    if (status != STATUS_OK) return status;
    if (text->there[ASSET]) {
        asset = asset_iso_by_code(text->values[ASSET]);
        if (asset == NULL) return fault(line, "no ISO 4217 code", text->values[ASSET]);
        rule->asset = asset->id;
    }
    if (text->there[SUCCESS_MIN] && !number_read(text->values[SUCCESS_MIN], 1000, &success_min))
        return fault(line, "0 to 1000 is due", text->values[SUCCESS_MIN]);
    rule->success_min = (uint16_t)success_min;
    struct str method = text->values[METHOD];
    if (method.len >= PSP_TOKEN_SIZE) return fault(line, "longer than any method", method);
    if (method.len > 0) memcpy(rule->method, method.data, method.len);
    return text->there[AMOUNT] ? amount_parse(line, asset, text->values[AMOUNT], rule) : STATUS_OK;
}

static bool rule_takes_all(const struct routing_rule *rule)
{
    return rule->operation == 0 && rule->asset == 0 && rule->method[0] == '\0';
}

static enum status rule_parse(struct line *line, struct routing *routing)
{
    struct rule_text text = { 0 };
    struct routing_rule rule = { .line = line->number, .to = MONEY_MAX };
    if (routing->rule_count == ROUTING_RULES_MAX) return too_many(line, "rules", ROUTING_RULES_MAX);
    enum status status = rule_split(line, &text);
    if (status == STATUS_OK) status = members_parse(line, routing, &text, &rule);
    if (status != STATUS_OK) return status;
    const struct routing_rule *before = &routing->rules[routing->rule_count];
    if (routing->rule_count > 0 && rule_takes_all(before - 1)) {
        return error_set(line->error, STATUS_INVALID,
                         "line %u: never reached, since the rule of line %u takes all",
                         line->number, (before - 1)->line);
    }
    routing->rules[routing->rule_count++] = rule;
    return STATUS_OK;
}

static enum status line_parse(struct line *line, struct routing *routing)
{
    struct str word;
    const char *comment = line->rest.len > 0 ? memchr(line->rest.data, '#', line->rest.len) : NULL;
    if (line->rest.len > ROUTING_LINE_SIZE_MAX)
        return too_many(line, "characters", ROUTING_LINE_SIZE_MAX);
    if (comment != NULL) line->rest.len = (size_t)(comment - line->rest.data);
    if (!word_take(line, &word)) return STATUS_OK;
    if (str_equal(word, STR("psp"))) return psp_parse(line, routing);
    if (str_equal(word, STR("cost"))) return cost_parse(line, routing);
    if (str_equal(word, STR("rule"))) return rule_parse(line, routing);
    return fault(line, "psp, cost or rule is due", word);
}

enum status routing_parse(struct str text, struct routing *out_routing, struct error *out_error)
{
    struct line line = { .error = out_error };
    size_t start = 0;
    if (text.len > ROUTING_TEXT_SIZE_MAX) {
        return error_set(out_error, STATUS_LIMIT, "longer than %d bytes", ROUTING_TEXT_SIZE_MAX);
    }
    memset(out_routing, 0, sizeof *out_routing);
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != '\n') continue;
        line.number++;
        line.rest = (struct str){ text.data + start, i - start };
        enum status status = line_parse(&line, out_routing);
        if (status != STATUS_OK) return status;
        start = i + 1;
    }
    if (out_routing->rule_count > 0) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "line %u: no rule is given", line.number);
}

/* ---- Choosing ---- */

static bool rule_matches(const struct routing_rule *rule, const struct routing_ask *ask)
{
    if (rule->operation != 0 && rule->operation != ask->operation) return false;
    if (rule->asset != 0 && rule->asset != ask->asset) return false;
    if (money_less(ask->amount, rule->from) || money_less(rule->to, ask->amount)) return false;
    return str_starts(ask->method, str_from(rule->method));
}

static const struct routing_cost *cost_find(const struct routing *routing, uint32_t psp,
                                            uint32_t asset)
{
    const struct routing_cost *others = NULL;
    for (uint32_t i = 0; i < routing->cost_count; i++) {
        const struct routing_cost *cost = &routing->costs[i];
        if (cost->psp != psp) continue;
        if (cost->asset == asset) return cost;
        if (cost->asset == 0) others = cost;
    }
    return others;
}

bool routing_cost_of(const struct routing *routing, uint32_t psp, const struct routing_ask *ask,
                     struct money *out_cost)
{
    enum { WHOLE = 10000 };
    const struct routing_cost *cost = cost_find(routing, psp, ask->asset);
    uint128 share;
    if (cost == NULL) return false;
    if (__builtin_mul_overflow(ask->amount.minor, (uint128)cost->basis_points, &share))
        return false;
    share = share / WHOLE + (share % WHOLE > 0 ? 1 : 0);
    return money_add((struct money){ share }, cost->fixed, out_cost);
}

/* What a PSP is compared by; lower is better, from the first member on. */
struct rank {
    bool open;
    bool below;     /* success_min */
    uint128 amount; /* of what `by` says */
};

static struct rank rank_of(const struct routing *routing, const struct routing_rule *rule,
                           const struct routing_ask *ask, const struct routing_health *health,
                           uint32_t psp)
{
    struct money cost = MONEY_MAX;
    struct rank rank = { .open = health[psp].open,
                         .below = health[psp].success_per_mille < rule->success_min };
    if (rule->by == ROUTING_BY_COST) {
        (void)routing_cost_of(routing, psp, ask, &cost); /* not known: it stays the highest */
        rank.amount = cost.minor;
    } else if (rule->by == ROUTING_BY_SUCCESS) {
        CHECK(health[psp].success_per_mille <= 1000);
        rank.amount = 1000 - health[psp].success_per_mille;
    }
    return rank;
}

static bool rank_less(const struct rank *a, const struct rank *b)
{
    if (a->open != b->open) return b->open;
    if (a->below != b->below) return b->below;
    return a->amount < b->amount;
}

static bool rule_choose(const struct routing *routing, const struct routing_rule *rule,
                        const struct routing_ask *ask, const struct routing_health *health,
                        uint32_t *out_psp)
{
    bool found = false;
    struct rank best = { 0 };
    for (uint32_t i = 0; i < rule->psp_count; i++) {
        uint32_t psp = rule->psps[i];
        if ((health[psp].operations >> ask->operation & 1) == 0) continue;
        struct rank rank = rank_of(routing, rule, ask, health, psp);
        if (found && !rank_less(&rank, &best)) continue;
        best = rank;
        found = true;
        *out_psp = psp;
    }
    return found;
}

enum status routing_choose(const struct routing *routing, const struct routing_ask *ask,
                           const struct routing_health *health, uint32_t *out_psp)
{
    CHECK(ask->operation > 0 && ask->operation < PSP_OPERATION_END);
    for (uint32_t i = 0; i < routing->rule_count; i++) {
        const struct routing_rule *rule = &routing->rules[i];
        if (!rule_matches(rule, ask)) continue;
        return rule_choose(routing, rule, ask, health, out_psp) ? STATUS_OK : STATUS_NOT_FOUND;
    }
    return STATUS_NOT_FOUND;
}

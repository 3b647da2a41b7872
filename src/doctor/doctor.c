#include "doctor/doctor.h"

#include "base/check.h"
#include "doctor/claims.h"
#include "doctor/remedy.h"

/* A query with all definitions of its rule. */
enum { SQL_SIZE_MAX = (RULE_DEFINITIONS_MAX + 1) * (RULE_QUERY_SIZE_MAX + 64) };

static const char *const column_names[] = {
    [COLUMN_INV] = "inv",
    [COLUMN_KEY] = "key",
    [COLUMN_ACCOUNT] = "account",
    [COLUMN_CCY] = "ccy",
    [COLUMN_DELTA] = "delta",
    [COLUMN_TS] = "ts",
    [COLUMN_W] = "w",
    [COLUMN_PAYMENT] = "payment",
    [COLUMN_HOLD] = "hold",
    [COLUMN_WEBHOOK] = "webhook",
    [COLUMN_PAYOUT] = "payout",
    [COLUMN_BEFORE_CLOCK] = "before_clock",
    [COLUMN_BEFORE_TS] = "before_ts",
    [COLUMN_AFTER_CLOCK] = "after_clock",
    [COLUMN_AFTER_TS] = "after_ts",
};
_Static_assert(sizeof column_names / sizeof column_names[0] == COLUMN_COUNT, "each has a name");

/* The columns that a part cannot do without, by bit; and their names for the error. */
static uint32_t wanted_columns(enum rule_part part)
{
    switch (part) {
    case RULE_PART_VIOLATIONS: return 1U << COLUMN_KEY;
    case RULE_PART_PREDICT: return 1U << COLUMN_INV | 1U << COLUMN_KEY;
    case RULE_PART_START:
    case RULE_PART_LAST: return 1U << COLUMN_TS;
    case RULE_PART_PAIRS:
        return 1U << COLUMN_BEFORE_CLOCK | 1U << COLUMN_BEFORE_TS | 1U << COLUMN_AFTER_CLOCK |
               1U << COLUMN_AFTER_TS;
    case RULE_PART_DEFINE:
    case RULE_PART_EXCEPTION:
    case RULE_PART_BAR:
    case RULE_PART_TRIGGER:
    case RULE_PART_REQUIRE:
    case RULE_PART_FORBID:
    case RULE_PART_SEPARATE:
    case RULE_PART_DOUBT:
    case RULE_PART_AFFECTED:
    case RULE_PART_COUNT: break;
    }
    return 0;
}

static void learn_columns(struct evidence *evidence, struct doctor_query *query)
{
    const char *name;
    memset(query->columns, -1, sizeof query->columns);
    query->column_count = 0;
    while ((name = evidence->column(evidence, query->handle, query->column_count)) != NULL) {
        uint32_t place = query->column_count++;
        query->names[place] = name;
        for (int i = 0; i < COLUMN_COUNT; i++) {
            if (strcmp(name, column_names[i]) == 0) query->columns[i] = (int8_t)place;
        }
    }
}

static bool names(struct str sql, struct str id)
{
    for (size_t i = 1; i + id.len < sql.len; i++)
        if (sql.data[i - 1] == '\'' && sql.data[i + id.len] == '\'' &&
            memcmp(sql.data + i, id.data, id.len) == 0)
            return true;
    return false;
}

/* The kinds of the invariants by whose violations a query goes. */
static uint64_t kinds_by_violations(const struct rule_set *rules, struct str sql)
{
    uint64_t kinds = 0;
    for (uint32_t i = 0; i < rules->rule_count; i++) {
        const struct rule *rule = &rules->rules[i];
        if (rule->type != RULE_INVARIANT || !names(sql, rule->id)) continue;
        kinds |= rules->queries[rule->query_first].needs | rules->queries[rule->query_first].absent;
    }
    return kinds;
}

static enum status bind_query(struct doctor *doctor, const struct rule *rule, uint32_t place,
                              struct error *out_error)
{
    const struct rule_query *source = &doctor->rules->queries[place];
    struct doctor_query *query = &doctor->queries[place];
    struct error inner = { 0 };
    struct buf BUF_SCOPE sql;
    buf_init(&sql, SQL_SIZE_MAX);
    rule_query_write(doctor->rules, rule, source, &sql);
    CHECK(buf_status(&sql) == STATUS_OK);
    query->violation_kinds = kinds_by_violations(doctor->rules, buf_view(&sql));
    enum status status = doctor->evidence->prepare(doctor->evidence, buf_view(&sql), source->narrow,
                                                   &query->handle, &inner);
    if (status != STATUS_OK) {
        (void)error_set(out_error, status, "%.*s:%u: rule %.*s, %s %.*s: %s", STR_ARG(rule->file),
                        source->line, STR_ARG(rule->id), rule_part_name(source->part),
                        STR_ARG(source->name), inner.message);
        error_detail(out_error, "%s", inner.detail);
        return status;
    }
    learn_columns(doctor->evidence, query);
    uint32_t wanted = wanted_columns(source->part);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if ((wanted >> i & 1) == 0 || query->columns[i] >= 0) continue;
        return error_set(out_error, STATUS_INVALID,
                         "%.*s:%u: rule %.*s, %s: a column '%s' is wanted", STR_ARG(rule->file),
                         source->line, STR_ARG(rule->id), rule_part_name(source->part),
                         column_names[i]);
    }
    return STATUS_OK;
}

static bool gives(const struct doctor_query *query, struct str name)
{
    for (uint32_t i = 0; i < query->column_count; i++)
        if (str_equal(name, str_from(query->names[i]))) return true;
    return false;
}

/* A title is printed for every trigger's rows: what it names in braces, each must give. */
static enum status check_title(const struct doctor *doctor, const struct rule *rule, uint32_t place,
                               struct error *out_error)
{
    const struct rule_query *trigger = &doctor->rules->queries[place];
    struct str rest = rule->title;
    const char *open;
    if (trigger->part != RULE_PART_TRIGGER) return STATUS_OK;
    while ((open = memchr(rest.data, '{', rest.len)) != NULL) {
        rest.len -= (size_t)(open + 1 - rest.data);
        rest.data = open + 1;
        const char *close = memchr(rest.data, '}', rest.len);
        struct str name = { rest.data, close == NULL ? rest.len : (size_t)(close - rest.data) };
        if (close != NULL && gives(&doctor->queries[place], name)) continue;
        (void)error_set(out_error, STATUS_INVALID,
                        "%.*s:%u: rule %.*s, %s %.*s: the title names what it does not give",
                        STR_ARG(rule->file), trigger->line, STR_ARG(rule->id),
                        rule_part_name(trigger->part), STR_ARG(trigger->name));
        error_detail(out_error, "'{%.*s'", name.len > 80 ? 80 : STR_ARG(name));
        error_hint(out_error, "a name in braces is a column of each trigger");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

enum status doctor_init(struct doctor *doctor, const struct rule_set *rules,
                        struct evidence *evidence, struct error *out_error)
{
    doctor->rules = rules;
    doctor->evidence = evidence;
    enum status status = evidence->prepare(evidence, STR(REMEDY_QUERY), STR(""),
                                           &doctor->reversals.handle, out_error);
    if (status == STATUS_OK) learn_columns(evidence, &doctor->reversals);
    if (status == STATUS_OK)
        status = evidence->prepare(evidence, STR(CLAIMS_QUERY), STR(""), &doctor->payments.handle,
                                   out_error);
    if (status == STATUS_OK) learn_columns(evidence, &doctor->payments);
    for (uint32_t r = 0; r < rules->rule_count; r++) {
        const struct rule *rule = &rules->rules[r];
        for (uint32_t i = 0; status == STATUS_OK && i < rule->query_count; i++) {
            if (rules->queries[rule->query_first + i].part == RULE_PART_DEFINE) continue;
            status = bind_query(doctor, rule, rule->query_first + i, out_error);
            if (status == STATUS_OK)
                status = check_title(doctor, rule, rule->query_first + i, out_error);
        }
    }
    return status;
}

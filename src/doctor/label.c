#include "doctor/label.h"

#include <stdlib.h>
#include <string.h>

#include "model/evidence.h"

enum { REASON_SIZE_MAX = 512, SYSTEMS_MAX = 8 };

/* How many systems' records are named by what is true of the instance. */
static enum status count_systems(struct examination *examination, struct instance *instance)
{
    struct evidence *evidence = examination->doctor->evidence;
    const struct evidence_bundle *bundle = examination->out->bundle;
    struct str seen[SYSTEMS_MAX];
    uint32_t count = 0;
    for (uint32_t p = 0; p < instance->predicate_count; p++) {
        const struct predicate_result *predicate = &instance->predicates[p];
        for (uint32_t w = 0; w < predicate->witness_count; w++) {
            struct evidence_citation citation;
            enum status status =
                evidence->cite(evidence, predicate->witnesses[w], &citation, examination->error);
            if (status == STATUS_NOT_FOUND) continue; /* a rule named what is no record */
            if (status != STATUS_OK) return status;
            struct str system = bundle->sources[citation.source].system;
            bool known = false;
            for (uint32_t i = 0; i < count; i++) known = known || str_equal(seen[i], system);
            if (!known && count < SYSTEMS_MAX) seen[count++] = system;
        }
    }
    instance->systems = count;
    return STATUS_OK;
}

/* ---- what holds it back: the first of these ---- */

static void first_predicate(const struct diagnosis *out, const struct instance *instance,
                            uint32_t parts, const char *text, struct buf *reason)
{
    for (uint32_t i = 0; i < instance->predicate_count; i++) {
        const struct predicate_result *predicate = &instance->predicates[i];
        const struct rule_query *query = &out->rules->queries[predicate->query];
        bool settled = query->part == RULE_PART_DOUBT ? predicate->value == TRUTH_FALSE
                                                      : predicate->value != TRUTH_UNKNOWN;
        if ((parts >> query->part & 1) == 0 || settled) continue;
        buf_append_format(reason, "%s: %.*s", text, STR_ARG(query->name));
        return;
    }
}

static bool is_about(const struct finding *open, const struct diagnosis *out,
                     const struct instance *instance)
{
    for (uint32_t i = 0; i < instance->explain_count; i++) {
        const struct finding *explained = &out->findings[instance->explains[i]];
        if (str_equal(open->key, explained->key)) return true;
        if (open->account.len > 0 && str_equal(open->account, explained->account)) return true;
    }
    for (uint32_t i = 0; open->account.len > 0 && i < instance->affected_count; i++)
        if (str_equal(open->account, instance->affected[i].account)) return true;
    return false;
}

/* A violation that nothing explains is about a key or an account of the instance. */
static void find_residue(const struct diagnosis *out, const struct instance *instance,
                         struct buf *reason)
{
    for (uint32_t i = 0; out->unexplained_count > 0 && i < out->finding_count; i++) {
        const struct finding *open = &out->findings[i];
        if (open->cause >= 0 || !is_about(open, out, instance)) continue;
        buf_append_format(reason, "nothing explains %.*s %.*s",
                          STR_ARG(out->rules->rules[open->rule].id), STR_ARG(open->key));
        return;
    }
}

/* The kinds whose records it was found by, and by which it was counted what it touched. */
static uint64_t kinds_of(const struct examination *examination, const struct instance *instance)
{
    const struct diagnosis *out = examination->out;
    const struct doctor *doctor = examination->doctor;
    const struct rule *rule = &out->rules->rules[instance->rule];
    uint64_t kinds = 0;
    for (uint32_t i = 0; i < rule->query_count; i++) {
        uint32_t place = rule->query_first + i;
        const struct rule_query *query = &out->rules->queries[place];
        if (query->part == RULE_PART_REQUIRE) kinds |= query->needs | query->absent;
        if (query->part == RULE_PART_AFFECTED)
            kinds |= (query->needs != 0 ? query->needs
                                        : doctor->evidence->reads(doctor->evidence,
                                                                  doctor->queries[place].handle)) |
                     doctor->queries[place].violation_kinds;
    }
    for (uint32_t i = 0; i < instance->explain_count; i++) {
        const struct rule *invariant =
            &out->rules->rules[out->findings[instance->explains[i]].rule];
        const struct rule_query *query = &out->rules->queries[invariant->query_first];
        kinds |= query->needs | query->absent;
    }
    return kinds;
}

uint64_t label_unseen(const struct examination *examination, const struct instance *instance)
{
    return kinds_of(examination, instance) & ~examination->covered;
}

static void find_unseen(const struct examination *examination, const struct instance *instance,
                        struct buf *reason)
{
    uint64_t unseen = label_unseen(examination, instance);
    if (unseen == 0) return;
    buf_append_str(reason, STR("not all was seen that it is counted by:"));
    for (; unseen != 0; unseen &= unseen - 1)
        buf_append_format(reason, " %s", evidence_kinds[__builtin_ctzll(unseen)].name);
}

/* ---- money: what the repair posts, against what invariants have measured ---- */

static int by_place(const struct finding *a, const struct finding *b)
{
    int order = (a->rule > b->rule) - (a->rule < b->rule);
    if (order == 0) order = text_compare(a->account, b->account);
    if (order == 0) order = text_compare(a->ccy, b->ccy);
    return order != 0 ? order : text_compare(a->key, b->key);
}

static int by_places(const void *left, const void *right)
{
    return by_place(*(const struct finding *const *)left, *(const struct finding *const *)right);
}

static int row_order(const struct affected *row, const struct finding *finding, bool by_key)
{
    int order = text_compare(row->account, finding->account);
    if (order == 0) order = text_compare(row->ccy, finding->ccy);
    return order != 0 || !by_key ? order : text_compare(row->payment, finding->key);
}

/* The rows about a finding's account, or its account and key, together; false: there is none. */
static bool rows_sum(const struct instance *instance, const struct finding *finding, bool by_key,
                     struct delta *out_sum)
{
    uint32_t low = 0;
    uint32_t high = instance->affected_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (row_order(&instance->affected[middle], finding, by_key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out_sum = DELTA_ZERO;
    bool found = false;
    for (; low < instance->affected_count; low++) {
        const struct affected *row = &instance->affected[low];
        if (row_order(row, finding, by_key) != 0) break;
        if (!delta_add(*out_sum, row->delta, out_sum)) return false;
        found = true;
    }
    return found;
}

/* What the findings of one invariant, account and key come to; *at goes to the next of them. */
static struct delta measured(const struct finding *const *findings, uint32_t count, uint32_t *at)
{
    const struct finding *first = findings[*at];
    struct delta sum = DELTA_ZERO;
    for (; *at < count && by_place(findings[*at], first) == 0; ++*at)
        if (!delta_add(sum, findings[*at]->delta, &sum)) return DELTA_ZERO;
    return sum;
}

static bool same_account(const struct finding *a, const struct finding *b)
{
    return a->rule == b->rule && str_equal(a->account, b->account) && str_equal(a->ccy, b->ccy);
}

/* Whether the repair goes by key for any finding of the invariant and account that begins at `at`. */
static bool goes_by_key(const struct instance *instance, const struct finding *const *findings,
                        uint32_t count, uint32_t at)
{
    struct delta rows;
    for (uint32_t i = at; i < count && same_account(findings[i], findings[at]); i++)
        if (rows_sum(instance, findings[i], true, &rows)) return true;
    return false;
}

/* What an invariant has measured for an account, or for a key of it, and the repair leaves. */
static void find_rest(const struct diagnosis *out, const struct instance *instance,
                      const struct finding *const *findings, uint32_t count, struct buf *reason)
{
    const struct finding *last = NULL;
    bool by_key = false;
    for (uint32_t at = 0; at < count && reason->len == 0;) {
        const struct finding *first = findings[at];
        if (last == NULL || !same_account(last, first))
            by_key = goes_by_key(instance, findings, count, at);
        last = first;
        struct delta sum = measured(findings, count, &at);
        struct delta rows;
        struct str invariant = out->rules->rules[first->rule].id;
        if (rows_sum(instance, first, true, &rows) && rows.minor != sum.minor)
            buf_append_format(reason, "its repair is not what %.*s %.*s measured",
                              STR_ARG(invariant), STR_ARG(first->key));
        else if (sum.minor != 0 && !rows_sum(instance, first, by_key, &rows))
            buf_append_format(reason, "its repair leaves %.*s %.*s open", STR_ARG(invariant),
                              STR_ARG(first->key));
    }
}

static enum status find_open_money(struct examination *examination, const struct instance *instance,
                                   struct buf *reason)
{
    const struct diagnosis *out = examination->out;
    struct arena_mark ARENA_SCOPE here = arena_mark(examination->arena);
    const struct finding **findings =
        arena_take_array(examination->arena, (size_t)instance->explain_count + 1, sizeof(void *));
    uint32_t count = 0;
    if (findings == NULL) return STATUS_LIMIT;
    for (uint32_t i = 0; i < instance->explain_count; i++) {
        const struct finding *finding = &out->findings[instance->explains[i]];
        const struct rule *invariant = &out->rules->rules[finding->rule];
        if (!finding->has_delta || finding->account.len == 0) continue;
        if (str_equal(invariant->severity, STR("money"))) findings[count++] = finding;
    }
    qsort(findings, count, sizeof *findings, by_places);
    find_rest(out, instance, findings, count, reason);
    return STATUS_OK;
}

/* Names of rules are words with underscores between them. */
static void bar_tell(struct str bar, struct buf *reason)
{
    buf_append_str(reason, STR(" ("));
    for (size_t i = 0; i < bar.len; i++)
        buf_append_byte(reason, (uint8_t)(bar.data[i] == '_' ? ' ' : bar.data[i]));
    buf_append_byte(reason, ')');
}

/* A payment that its repair would post for may be nobody's, or another cause's. */
static void find_barred(const struct diagnosis *out, const struct instance *instance,
                        struct buf *reason)
{
    for (uint32_t i = 0; i < instance->affected_count; i++) {
        const struct affected *row = &instance->affected[i];
        if (row->barred_by == 0) continue;
        const struct rule *rule = &out->rules->rules[row->barred_by - 1];
        buf_append_format(reason,
                          rule->type == RULE_INVARIANT ? "posting for %.*s would break %.*s"
                                                       : "what %.*s is owed, %.*s posts too",
                          STR_ARG(row->payment), STR_ARG(rule->id));
        if (row->bar.len > 0) bar_tell(row->bar, reason);
        return;
    }
}

/* ---- the label ---- */

static enum label label_of(const struct examination *examination, const struct instance *instance,
                           struct buf *reason)
{
    const struct diagnosis *out = examination->out;
    uint32_t excluding = 1U << RULE_PART_FORBID | 1U << RULE_PART_SEPARATE;
    first_predicate(out, instance, 1U << RULE_PART_REQUIRE, "it could not be seen", reason);
    if (reason->len > 0) return LABEL_POSSIBLE;
    bool same_rule = true;
    for (uint32_t i = 0; i < instance->alternative_count; i++) {
        const struct instance *other = &out->instances[instance->alternatives[i]];
        if (reason->len == 0)
            buf_append_format(reason, "%.*s explains as much",
                              STR_ARG(out->rules->rules[other->rule].id));
        same_rule = same_rule && other->rule == instance->rule;
    }
    if (!same_rule) return LABEL_AMBIGUOUS;
    first_predicate(out, instance, excluding, "it could not be excluded", reason);
    if (reason->len == 0 && instance->missing > 0)
        buf_append_format(reason, "%u violations that follow from it are not there",
                          instance->missing);
    if (reason->len == 0 && instance->systems < 2)
        buf_append_str(reason, STR("only one system bears witness"));
    if (reason->len == 0)
        first_predicate(out, instance, 1U << RULE_PART_DOUBT, "it is not known", reason);
    if (reason->len == 0) find_barred(out, instance, reason);
    if (reason->len == 0 && instance->extent_cut)
        buf_append_str(reason, STR("what it touched could not be counted to the end"));
    if (reason->len == 0 && out->truncated)
        buf_append_str(reason, STR("there is more than a diagnosis keeps"));
    if (reason->len == 0 && out->search_cut)
        buf_append_str(reason, STR("not all choices of causes were tried"));
    if (reason->len == 0) find_unseen(examination, instance, reason);
    if (reason->len == 0) find_residue(out, instance, reason);
    return reason->len == 0 ? LABEL_CONFIRMED : LABEL_PROBABLE;
}

enum status label_cause(struct examination *examination, struct instance *instance)
{
    BUF_SCOPE struct buf reason;
    buf_init(&reason, REASON_SIZE_MAX);
    enum status status = count_systems(examination, instance);
    if (status != STATUS_OK) return status;
    instance->label = label_of(examination, instance, &reason);
    if (reason.len == 0 && examination->out->rules->rules[instance->rule].ledger_entry) {
        status = find_open_money(examination, instance, &reason);
        if (status != STATUS_OK) return status;
        if (reason.len > 0) instance->label = LABEL_PROBABLE;
    }
    if (reason.len == 0) return STATUS_OK;
    instance->held_back = text_keep(examination->arena, buf_view(&reason));
    return instance->held_back.data == NULL ? STATUS_LIMIT : STATUS_OK;
}

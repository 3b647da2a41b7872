#include "doctor/invariants.h"

#include "base/check.h"

struct visit_context {
    struct examination *examination;
    const struct rule_query *source;
    const struct doctor_query *query;
    uint32_t rule;
    struct invariant_result result;
    enum status status;
};

static bool take_violation(void *context, const struct evidence_cell *cells, uint32_t count)
{
    (void)count; /* the columns are known */
    struct visit_context *visit = context;
    struct examination *examination = visit->examination;
    struct row row = { visit->query, cells };
    struct finding finding = { .rule = visit->rule, .cause = -1 };
    finding.ts_ns = row_number(&row, COLUMN_TS);
    int64_t at = finding.ts_ns == 0 ? EVIDENCE_ALL_TIME : finding.ts_ns;
    if (examine_lacking(examination, visit->source->absent, at) != 0) {
        visit->result.unsure++;
        return true;
    }
    struct evidence_cell delta = row_cell(&row, COLUMN_DELTA);
    finding.has_delta = cell_delta(&delta, &finding.delta);
    finding.record = row_number(&row, COLUMN_W);
    bool room = row_text(&row, COLUMN_KEY, examination->arena, &finding.key) &&
                row_text(&row, COLUMN_ACCOUNT, examination->arena, &finding.account) &&
                row_text(&row, COLUMN_CCY, examination->arena, &finding.ccy);
    visit->status = room ? examine_add_finding(examination, &finding) : STATUS_LIMIT;
    return visit->status == STATUS_OK;
}

static bool take_any(void *context, const struct evidence_cell *cells, uint32_t count)
{
    (void)cells; /* that there is one says it */
    (void)count;
    *(bool *)context = true;
    return false;
}

/* Whether an exception has a row for the key and account of the finding. */
static enum status is_excused(struct examination *examination, const struct rule *rule,
                              const struct finding *finding, bool *out_excused)
{
    struct parameter parameters[] = {
        { "key", { .type = EVIDENCE_CELL_TEXT, .text = finding->key } },
        { "account", { .type = EVIDENCE_CELL_TEXT, .text = finding->account } },
        { "ccy", { .type = EVIDENCE_CELL_TEXT, .text = finding->ccy } },
    };
    struct instance asked = { .parameters = parameters, .parameter_count = 3 };
    *out_excused = false;
    for (uint32_t i = 0; i < rule->query_count && !*out_excused; i++) {
        uint32_t query = rule->query_first + i;
        bool failed;
        if (examination->doctor->rules->queries[query].part != RULE_PART_EXCEPTION) continue;
        enum status status =
            examine_run(examination, query, &asked, take_any, out_excused, &failed);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* Takes the excused ones out of the findings from `first` on, and tells the store of the rest. */
static enum status settle(struct examination *examination, uint32_t first,
                          struct invariant_result *result)
{
    const struct rule *rule = &examination->doctor->rules->rules[result->rule];
    struct evidence *evidence = examination->doctor->evidence;
    struct finding *findings = (struct finding *)(void *)examination->findings.data;
    uint32_t count = (uint32_t)(examination->findings.len / sizeof *findings);
    uint32_t kept = first;
    for (uint32_t i = first; i < count; i++) {
        const struct finding *finding = &findings[i];
        bool excused = false;
        enum status status = is_excused(examination, rule, finding, &excused);
        if (status != STATUS_OK) return status;
        result->excused += excused;
        if (excused) continue;
        char text[DELTA_TEXT_SIZE];
        struct evidence_violation violation = { rule->id,
                                                finding->key,
                                                finding->account,
                                                finding->ccy,
                                                { .type = EVIDENCE_CELL_NULL },
                                                finding->ts_ns,
                                                finding->record };
        if (finding->has_delta) violation.delta = delta_cell(finding->delta, text);
        status = evidence->violate(evidence, &violation, examination->error);
        if (status != STATUS_OK) return status;
        findings[kept++] = *finding;
    }
    examination->findings.len = kept * sizeof *findings;
    result->violations = kept - first;
    return STATUS_OK;
}

static enum status examine_invariant(struct examination *examination, uint32_t place,
                                     struct invariant_result *out_result)
{
    const struct rule_set *rules = examination->doctor->rules;
    const struct rule *rule = &rules->rules[place];
    uint32_t query = rule->query_first;
    while (rules->queries[query].part != RULE_PART_VIOLATIONS) query++;
    struct visit_context visit = { .examination = examination,
                                   .source = &rules->queries[query],
                                   .query = &examination->doctor->queries[query],
                                   .rule = place,
                                   .result = { .rule = place } };
    uint32_t first = (uint32_t)(examination->findings.len / sizeof(struct finding));
    bool failed;
    enum status status = examine_run(examination, query, NULL, take_violation, &visit, &failed);
    if (status == STATUS_OK) status = visit.status;
    if (status == STATUS_OK) status = settle(examination, first, &visit.result);
    if (status != STATUS_OK) return status;
    uint64_t needs = visit.source->needs | (visit.result.unsure > 0 ? visit.source->absent : 0);
    uint64_t lacking = examine_lacking(examination, needs, EVIDENCE_ALL_TIME);
    bool unsure = failed || visit.result.unsure > 0 || lacking != 0;
    visit.result.holds = visit.result.violations > 0 ? TRUTH_FALSE
                         : unsure                    ? TRUTH_UNKNOWN
                                                     : TRUTH_TRUE;
    if (visit.result.holds == TRUTH_UNKNOWN) visit.result.lacking = lacking;
    *out_result = visit.result;
    return STATUS_OK;
}

enum status examine_invariants(struct examination *examination)
{
    const struct rule_set *rules = examination->doctor->rules;
    struct diagnosis *out = examination->out;
    out->invariants = arena_take_array(examination->arena, RULES_MAX, sizeof *out->invariants);
    if (out->invariants == NULL) return STATUS_LIMIT;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < rules->rule_count; i++) {
        if (rules->rules[i].type != RULE_INVARIANT) continue;
        status = examine_invariant(examination, i, &out->invariants[out->invariant_count]);
        if (status == STATUS_OK) out->invariant_count++;
    }
    return status;
}

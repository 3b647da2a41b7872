#include "doctor/instances.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/hash.h"

/* ---- triggers ---- */

struct trigger_visit {
    struct examination *examination;
    const struct doctor_query *query;
    uint32_t rule;
    enum status status;
};

static bool cells_equal(const struct evidence_cell *a, const struct evidence_cell *b)
{
    if (a->type != b->type) return false;
    if (a->type == EVIDENCE_CELL_NUMBER) return a->number == b->number;
    return a->type == EVIDENCE_CELL_NULL || str_equal(a->text, b->text);
}

/* Records that a trigger names bear witness; they do not tell instances apart. */
static bool is_witness(const char *name)
{
    return name[0] == 'w' && (name[1] == '\0' || (name[1] >= '0' && name[1] <= '9'));
}

static bool same_instance(const struct instance *a, const struct instance *b)
{
    if (a->rule != b->rule || a->parameter_count != b->parameter_count) return false;
    for (uint32_t i = 0; i < a->parameter_count; i++) {
        if (strcmp(a->parameters[i].name, b->parameters[i].name) != 0) return false;
        if (is_witness(a->parameters[i].name)) continue;
        if (!cells_equal(&a->parameters[i].value, &b->parameters[i].value)) return false;
    }
    return true;
}

static bool take_instance(void *context, const struct evidence_cell *cells, uint32_t count)
{
    struct trigger_visit *visit = context;
    struct examination *examination = visit->examination;
    struct instance instance = { .rule = visit->rule, .parameter_count = count };
    instance.parameters = arena_take_array(examination->arena, count, sizeof *instance.parameters);
    if (instance.parameters == NULL) {
        visit->status = STATUS_LIMIT;
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct evidence_cell cell = cells[i];
        if (cell.type == EVIDENCE_CELL_TEXT) cell.text = text_keep(examination->arena, cell.text);
        instance.parameters[i] = (struct parameter){ visit->query->names[i], cell };
    }
    const struct instance *there = (const void *)examination->instances.data;
    uint32_t there_count = (uint32_t)(examination->instances.len / sizeof instance);
    for (uint32_t i = 0; i < there_count; i++) {
        if (same_instance(&there[i], &instance)) return true;
    }
    if (there_count == DIAGNOSIS_INSTANCES_MAX) {
        examination->out->truncated = true;
        return false;
    }
    buf_append(&examination->instances, &instance, sizeof instance);
    visit->status = buf_status(&examination->instances);
    return visit->status == STATUS_OK;
}

static enum status bind_fault(struct examination *examination, uint32_t place)
{
    const struct rule_set *rules = examination->doctor->rules;
    const struct rule *rule = &rules->rules[place];
    for (uint32_t i = 0; i < rule->query_count; i++) {
        uint32_t query = rule->query_first + i;
        if (rules->queries[query].part != RULE_PART_TRIGGER) continue;
        struct trigger_visit visit = { examination, &examination->doctor->queries[query], place,
                                       STATUS_OK };
        bool failed; /* then there is nothing to bind to */
        enum status status = examine_run(examination, query, NULL, take_instance, &visit, &failed);
        if (status == STATUS_OK) status = visit.status;
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

/* ---- predicates ---- */

struct predicate_visit {
    struct examination *examination;
    const struct doctor_query *query;
    uint64_t absent;
    struct predicate_result *result;
    uint32_t rows;
};

static void take_witnesses(const struct doctor_query *query, const struct evidence_cell *cells,
                           struct predicate_result *result)
{
    for (uint32_t i = 0; i < query->column_count; i++) {
        if (result->witness_count == DIAGNOSIS_WITNESSES_MAX) return;
        if (!is_witness(query->names[i]) || cells[i].type != EVIDENCE_CELL_NUMBER) continue;
        bool known = false;
        for (uint32_t k = 0; k < result->witness_count; k++) {
            known = known || result->witnesses[k] == cells[i].number;
        }
        if (!known) result->witnesses[result->witness_count++] = cells[i].number;
    }
}

static bool take_predicate(void *context, const struct evidence_cell *cells, uint32_t count)
{
    (void)count; /* the columns are known */
    struct predicate_visit *visit = context;
    struct row row = { visit->query, cells };
    int64_t ts_ns = row_number(&row, COLUMN_TS);
    uint64_t lacking =
        examine_lacking(visit->examination, visit->absent, ts_ns == 0 ? EVIDENCE_ALL_TIME : ts_ns);
    visit->rows++;
    if (lacking != 0) {
        if (visit->result->value == TRUTH_FALSE) visit->result->value = TRUTH_UNKNOWN;
        visit->result->lacking |= lacking;
        return true;
    }
    visit->result->value = TRUTH_TRUE;
    take_witnesses(visit->query, cells, visit->result);
    return visit->result->witness_count < DIAGNOSIS_WITNESSES_MAX && visit->rows < 64;
}

static int64_t time_of_parameter(const struct instance *instance, struct str name)
{
    for (uint32_t i = 0; i < instance->parameter_count; i++) {
        const struct parameter *parameter = &instance->parameters[i];
        if (!str_equal(name, str_from(parameter->name))) continue;
        if (parameter->value.type == EVIDENCE_CELL_NUMBER) return parameter->value.number;
    }
    return EVIDENCE_ALL_TIME;
}

static enum status weigh(struct examination *examination, const struct instance *instance,
                         struct predicate_result *result)
{
    const struct rule_query *source = &examination->doctor->rules->queries[result->query];
    struct predicate_visit visit = { examination, &examination->doctor->queries[result->query],
                                     source->absent, result, 0 };
    bool failed;
    enum status status =
        examine_run(examination, result->query, instance, take_predicate, &visit, &failed);
    if (status != STATUS_OK) return status;
    if (failed) result->value = TRUTH_UNKNOWN;
    if (result->value != TRUTH_FALSE) return STATUS_OK;
    result->lacking =
        examine_lacking(examination, source->needs, time_of_parameter(instance, source->at));
    if (result->lacking != 0) result->value = TRUTH_UNKNOWN;
    return STATUS_OK;
}

static void judge(struct instance *instance, uint32_t place, enum rule_part part)
{
    enum truth value = instance->predicates[place].value;
    if (part == RULE_PART_DOUBT) {
        instance->doubts += value != TRUTH_FALSE;
        return;
    }
    bool is_require = part == RULE_PART_REQUIRE;
    if (value == TRUTH_UNKNOWN) {
        instance->requires_unknown += is_require;
        instance->others_unknown += !is_require;
        return;
    }
    bool against = is_require ? value == TRUTH_FALSE : value == TRUTH_TRUE;
    if (!against || instance->rejected) return;
    instance->rejected = true;
    instance->rejected_by = place;
}

static enum status weigh_all(struct examination *examination, struct instance *instance)
{
    const struct rule_set *rules = examination->doctor->rules;
    const struct rule *rule = &rules->rules[instance->rule];
    instance->predicates =
        arena_take_array(examination->arena, RULE_PREDICATES_MAX, sizeof *instance->predicates);
    if (instance->predicates == NULL) return STATUS_LIMIT;
    for (uint32_t i = 0; i < rule->query_count; i++) {
        uint32_t query = rule->query_first + i;
        enum rule_part part = rules->queries[query].part;
        bool is_predicate = part >= RULE_PART_REQUIRE && part <= RULE_PART_DOUBT;
        if (!is_predicate) continue;
        uint32_t place = instance->predicate_count++;
        instance->predicates[place] = (struct predicate_result){ .query = query };
        enum status status = weigh(examination, instance, &instance->predicates[place]);
        if (status != STATUS_OK) return status;
        judge(instance, place, part);
    }
    return STATUS_OK;
}

/* ---- predictions ---- */

struct predict_visit {
    struct examination *examination;
    const struct doctor_query *query;
    struct instance *instance;
    struct buf explained; /* of uint32_t */
    uint64_t unknown;     /* invariants that could not be evaluated, by place modulo 64 */
    bool full;
};

static bool matches(const struct finding *finding, const struct rule *rule, struct str inv,
                    const struct row *row, struct arena *arena)
{
    struct str key;
    struct str account;
    struct str ccy;
    if (!str_equal(rule->id, inv) || !row_text(row, COLUMN_KEY, arena, &key)) return false;
    if (!str_equal(finding->key, key)) return false;
    if (!row_text(row, COLUMN_ACCOUNT, arena, &account)) return false;
    if (account.len > 0 && !str_equal(finding->account, account)) return false;
    if (!row_text(row, COLUMN_CCY, arena, &ccy)) return false;
    if (ccy.len > 0 && !str_equal(finding->ccy, ccy)) return false;
    struct evidence_cell cell = row_cell(row, COLUMN_DELTA);
    struct delta delta;
    if (!cell_delta(&cell, &delta)) return true;
    return finding->has_delta && finding->delta.minor == delta.minor;
}

static bool invariant_is_known(const struct diagnosis *out, int rule)
{
    for (uint32_t i = 0; i < out->invariant_count; i++) {
        if ((int)out->invariants[i].rule == rule) {
            return out->invariants[i].holds != TRUTH_UNKNOWN && out->invariants[i].unsure == 0;
        }
    }
    return false;
}

static uint32_t bucket_of(const struct examination *examination, struct str inv, struct str key)
{
    uint64_t hash = hash_fold(hash_bytes(inv.data, inv.len), hash_bytes(key.data, key.len) | 1);
    return (uint32_t)hash & (examination->head_count - 1);
}

static bool take_prediction(void *context, const struct evidence_cell *cells, uint32_t count)
{
    (void)count; /* the columns are known */
    struct predict_visit *visit = context;
    struct examination *examination = visit->examination;
    const struct diagnosis *out = examination->out;
    struct arena_mark ARENA_SCOPE here = arena_mark(examination->arena);
    struct row row = { visit->query, cells };
    struct str inv;
    struct str key;
    if (!row_text(&row, COLUMN_INV, examination->arena, &inv) ||
        !row_text(&row, COLUMN_KEY, examination->arena, &key)) {
        visit->full = true;
        return false;
    }
    visit->instance->predicted++;
    bool found = false;
    uint32_t at = examination->heads[bucket_of(examination, inv, key)];
    for (; at != UINT32_MAX; at = out->findings[at].next) {
        const struct rule *rule = &out->rules->rules[out->findings[at].rule];
        if (!matches(&out->findings[at], rule, inv, &row, examination->arena)) continue;
        buf_append(&visit->explained, &at, sizeof at);
        found = true;
    }
    if (!found && invariant_is_known(out, rule_find(out->rules, inv))) visit->instance->missing++;
    visit->full = visit->explained.overflow;
    return !visit->full;
}

static int by_number(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static enum status keep_explained(struct examination *examination, struct predict_visit *visit)
{
    uint32_t count = (uint32_t)(visit->explained.len / sizeof(uint32_t));
    uint32_t *places = arena_take_array(examination->arena, (size_t)count + 1, sizeof *places);
    if (places == NULL) return STATUS_LIMIT;
    if (count > 0) memcpy(places, visit->explained.data, visit->explained.len);
    qsort(places, count, sizeof *places, by_number);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || places[i] != places[i - 1]) places[kept++] = places[i];
    }
    visit->instance->explains = places;
    visit->instance->explain_count = kept;
    return STATUS_OK;
}

static enum status predict(struct examination *examination, struct instance *instance)
{
    const struct rule_set *rules = examination->doctor->rules;
    const struct rule *rule = &rules->rules[instance->rule];
    uint32_t query = rule->query_first;
    while (rules->queries[query].part != RULE_PART_PREDICT) query++;
    struct predict_visit visit = { .examination = examination,
                                   .query = &examination->doctor->queries[query],
                                   .instance = instance };
    buf_init(&visit.explained, (size_t)DIAGNOSIS_FINDINGS_MAX * 2 * sizeof(uint32_t));
    bool failed; /* then it explains what it has told so far */
    enum status status =
        examine_run(examination, query, instance, take_prediction, &visit, &failed);
    if (status == STATUS_OK && visit.full) status = STATUS_LIMIT;
    if (status == STATUS_OK) status = keep_explained(examination, &visit);
    buf_free(&visit.explained);
    return status;
}

static enum status index_findings(struct examination *examination)
{
    struct diagnosis *out = examination->out;
    examination->head_count = 64;
    while (examination->head_count < out->finding_count) examination->head_count *= 2;
    examination->heads =
        arena_take_array(examination->arena, examination->head_count, sizeof(uint32_t));
    if (examination->heads == NULL) return STATUS_LIMIT;
    memset(examination->heads, 0xff, examination->head_count * sizeof(uint32_t));
    for (uint32_t i = out->finding_count; i-- > 0;) {
        struct finding *finding = &out->findings[i];
        uint32_t *head =
            &examination
                 ->heads[bucket_of(examination, out->rules->rules[finding->rule].id, finding->key)];
        finding->next = *head;
        *head = i;
    }
    return STATUS_OK;
}

enum status examine_instances(struct examination *examination)
{
    const struct rule_set *rules = examination->doctor->rules;
    struct diagnosis *out = examination->out;
    enum status status = index_findings(examination);
    for (uint32_t i = 0; status == STATUS_OK && i < rules->rule_count; i++) {
        bool skip = examination->options != NULL && examination->options->skip != NULL &&
                    examination->options->skip[i];
        if (rules->rules[i].type == RULE_FAULT && !skip) status = bind_fault(examination, i);
    }
    if (status != STATUS_OK) return status;
    out->instance_count = (uint32_t)(examination->instances.len / sizeof *out->instances);
    out->instances = arena_take_array(examination->arena, (size_t)out->instance_count + 1,
                                      sizeof *out->instances);
    if (out->instances == NULL) return STATUS_LIMIT;
    if (out->instance_count > 0) {
        memcpy(out->instances, examination->instances.data, examination->instances.len);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < out->instance_count; i++) {
        status = weigh_all(examination, &out->instances[i]);
        if (status == STATUS_OK) status = predict(examination, &out->instances[i]);
    }
    return status;
}

/* ---- the extent of a cause ---- */

struct extent_visit {
    struct examination *examination;
    const struct doctor_query *query;
    struct buf rows; /* of struct affected */
    int64_t ts_ns;
    int64_t record;
    bool latest;
    enum status status;
};

static bool take_affected(void *context, const struct evidence_cell *cells, uint32_t count)
{
    (void)count; /* the columns are known */
    struct extent_visit *visit = context;
    struct arena *arena = visit->examination->arena;
    struct row row = { visit->query, cells };
    struct affected affected = { .record = row_number(&row, COLUMN_W) };
    struct evidence_cell delta = row_cell(&row, COLUMN_DELTA);
    if (!cell_delta(&delta, &affected.delta)) affected.delta = DELTA_ZERO;
    bool room = row_text(&row, COLUMN_ACCOUNT, arena, &affected.account) &&
                row_text(&row, COLUMN_CCY, arena, &affected.ccy) &&
                row_text(&row, COLUMN_PAYMENT, arena, &affected.payment) &&
                row_text(&row, COLUMN_HOLD, arena, &affected.hold) &&
                row_text(&row, COLUMN_WEBHOOK, arena, &affected.webhook) &&
                row_text(&row, COLUMN_PAYOUT, arena, &affected.payout);
    if (room) buf_append(&visit->rows, &affected, sizeof affected);
    if (!room || visit->rows.overflow) visit->status = STATUS_LIMIT;
    return visit->status == STATUS_OK;
}

static bool take_time(void *context, const struct evidence_cell *cells, uint32_t count)
{
    (void)count; /* the columns are known */
    struct extent_visit *visit = context;
    struct row row = { visit->query, cells };
    int64_t ts_ns = row_number(&row, COLUMN_TS);
    if (ts_ns == 0) return true;
    if (visit->ts_ns != 0 && (visit->latest ? ts_ns <= visit->ts_ns : ts_ns >= visit->ts_ns)) {
        return true;
    }
    visit->ts_ns = ts_ns;
    visit->record = row_number(&row, COLUMN_W);
    return true;
}

static int by_names(const void *left, const void *right)
{
    const struct affected *a = left;
    const struct affected *b = right;
    int order = text_compare(a->account, b->account);
    if (order == 0) order = text_compare(a->ccy, b->ccy);
    if (order == 0) order = text_compare(a->payment, b->payment);
    if (order == 0) order = text_compare(a->hold, b->hold);
    if (order == 0) order = text_compare(a->webhook, b->webhook);
    if (order == 0) order = text_compare(a->payout, b->payout);
    if (order == 0) order = (a->delta.minor > b->delta.minor) - (a->delta.minor < b->delta.minor);
    return order;
}

static enum status keep_affected(struct examination *examination, struct instance *instance,
                                 const struct buf *rows)
{
    instance->affected_count = (uint32_t)(rows->len / sizeof *instance->affected);
    instance->affected = arena_take_array(examination->arena, (size_t)instance->affected_count + 1,
                                          sizeof *instance->affected);
    if (instance->affected == NULL) return STATUS_LIMIT;
    if (rows->len > 0) memcpy(instance->affected, rows->data, rows->len);
    qsort(instance->affected, instance->affected_count, sizeof *instance->affected, by_names);
    return STATUS_OK;
}

static enum status examine_part(struct examination *examination, struct instance *instance,
                                uint32_t query)
{
    enum rule_part part = examination->doctor->rules->queries[query].part;
    struct extent_visit visit = { .examination = examination,
                                  .query = &examination->doctor->queries[query],
                                  .latest = part == RULE_PART_LAST };
    bool failed; /* then what it has told so far is all that is known */
    if (part == RULE_PART_START || part == RULE_PART_LAST) {
        enum status status = examine_run(examination, query, instance, take_time, &visit, &failed);
        if (part == RULE_PART_LAST) {
            instance->last_ns = visit.ts_ns;
        } else {
            instance->start_ns = visit.ts_ns;
            instance->start_record = visit.record;
        }
        return status;
    }
    if (part != RULE_PART_AFFECTED) return STATUS_OK;
    buf_init(&visit.rows, (size_t)DIAGNOSIS_AFFECTED_MAX * sizeof(struct affected));
    enum status status = examine_run(examination, query, instance, take_affected, &visit, &failed);
    if (status == STATUS_OK) status = visit.status;
    if (status == STATUS_OK) instance->extent_cut = failed;
    if (status == STATUS_OK) status = keep_affected(examination, instance, &visit.rows);
    buf_free(&visit.rows);
    return status;
}

enum status examine_extent(struct examination *examination, struct instance *instance)
{
    const struct rule *rule = &examination->doctor->rules->rules[instance->rule];
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < rule->query_count; i++) {
        status = examine_part(examination, instance, rule->query_first + i);
    }
    return status;
}

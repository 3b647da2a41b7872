#include "doctor/diagnose.h"

#include <stdlib.h>

#include "doctor/claims.h"
#include "doctor/clocks.h"
#include "doctor/entries.h"
#include "doctor/evidence_ways.h"
#include "doctor/examination.h"
#include "doctor/instances.h"
#include "doctor/invariants.h"
#include "doctor/label.h"
#include "doctor/remedy.h"
#include "doctor/select.h"
#include "model/evidence.h"

enum { GROWING_S_MAX = 60 }; /* a newest case not older than this: it goes on */

/* ---- the choice ---- */

static uint32_t description_of(const struct instance *instance)
{
    uint32_t length = 0;
    for (uint32_t i = 0; i < instance->parameter_count; i++) {
        length += instance->parameters[i].value.type != EVIDENCE_CELL_NULL;
    }
    return length;
}

/* Candidates are those that are not rejected and explain something; places tells which. */
static uint32_t list_candidates(const struct diagnosis *out, struct candidate *candidates,
                                uint32_t *places)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < out->instance_count; i++) {
        const struct instance *instance = &out->instances[i];
        if (instance->rejected || instance->explain_count == 0) continue;
        places[count] = i;
        candidates[count++] = (struct candidate){
            .explains = instance->explains,
            .explain_count = instance->explain_count,
            .rule = instance->rule,
            .missing = instance->missing,
            .unknown = instance->requires_unknown + instance->others_unknown,
            .description = description_of(instance),
        };
    }
    return count;
}

static bool share_a_finding(const struct instance *a, const struct instance *b)
{
    uint32_t i = 0;
    uint32_t k = 0;
    while (i < a->explain_count && k < b->explain_count) {
        if (a->explains[i] == b->explains[k]) return true;
        if (a->explains[i] < b->explains[k]) {
            i++;
        } else {
            k++;
        }
    }
    return false;
}

static void note_rivals(struct diagnosis *out, const struct candidate *candidates,
                        const uint32_t *places, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!candidates[i].selected) continue;
        struct instance *chosen = &out->instances[places[i]];
        for (uint32_t k = 0; k < count; k++) {
            if (!candidates[k].rival) continue;
            if (chosen->alternative_count == DIAGNOSIS_ALTERNATIVES_MAX) break;
            if (!share_a_finding(chosen, &out->instances[places[k]])) continue;
            chosen->alternatives[chosen->alternative_count++] = places[k];
        }
    }
}

static void assign_findings(struct diagnosis *out)
{
    for (uint32_t i = 0; i < out->instance_count; i++) {
        const struct instance *instance = &out->instances[i];
        if (!instance->selected) continue;
        for (uint32_t k = 0; k < instance->explain_count; k++) {
            struct finding *finding = &out->findings[instance->explains[k]];
            if (finding->cause < 0) finding->cause = (int32_t)i;
        }
    }
    for (uint32_t i = 0; i < out->finding_count; i++) {
        out->unexplained_count += out->findings[i].cause < 0;
    }
}

static enum status choose(struct examination *examination)
{
    struct diagnosis *out = examination->out;
    struct arena *arena = examination->arena;
    struct arena_mark ARENA_SCOPE here = arena_mark(arena);
    size_t room = (size_t)out->instance_count + 1;
    struct candidate *candidates = arena_take_array(arena, room, sizeof *candidates);
    uint32_t *places = arena_take_array(arena, room, sizeof *places);
    unsigned __int128 *weights =
        arena_take_array(arena, (size_t)out->finding_count + 1, sizeof *weights);
    if (candidates == NULL || places == NULL || weights == NULL) return STATUS_LIMIT;
    for (uint32_t i = 0; i < out->finding_count; i++) {
        const struct finding *finding = &out->findings[i];
        weights[i] = finding->has_delta ? delta_magnitude(finding->delta) : 0;
    }
    uint32_t count = list_candidates(out, candidates, places);
    enum status status =
        select_causes(candidates, count, weights, out->finding_count, arena, &out->search_cut);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < count; i++) {
        out->instances[places[i]].selected = candidates[i].selected;
    }
    note_rivals(out, candidates, places, count);
    assign_findings(out);
    return STATUS_OK;
}

/* ---- causes ---- */

static enum status describe_causes(struct examination *examination)
{
    struct diagnosis *out = examination->out;
    int64_t growing_ns = GROWING_S_MAX * INT64_C(1000000000);
    out->causes =
        arena_take_array(examination->arena, (size_t)out->instance_count + 1, sizeof *out->causes);
    if (out->causes == NULL) return STATUS_LIMIT;
    for (int layer = 0; layer < RULE_LAYER_COUNT; layer++) {
        for (uint32_t i = 0; i < out->instance_count; i++) {
            struct instance *instance = &out->instances[i];
            if (!instance->selected || (int)out->rules->rules[instance->rule].layer != layer) {
                continue;
            }
            enum status status = examine_extent(examination, instance);
            if (status != STATUS_OK) return status;
            instance->growing =
                instance->last_ns != 0 && out->bundle->as_of_ns - instance->last_ns <= growing_ns;
            out->causes[out->cause_count++] = i;
        }
    }
    return STATUS_OK;
}

static enum status label_causes(struct examination *examination)
{
    const struct diagnosis *out = examination->out;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < out->cause_count; i++)
        status = label_cause(examination, &out->instances[out->causes[i]]);
    return status;
}

static void find_nearest(struct diagnosis *out)
{
    uint32_t most = 0;
    out->nearest = -1;
    for (uint32_t i = 0; out->unexplained_count > 0 && i < out->instance_count; i++) {
        const struct instance *instance = &out->instances[i];
        uint32_t open = 0;
        for (uint32_t k = 0; k < instance->explain_count; k++) {
            open += out->findings[instance->explains[k]].cause < 0;
        }
        if (open <= most) continue;
        most = open;
        out->nearest = (int32_t)i;
    }
}

/* ---- money ---- */

static int by_account(const void *left, const void *right)
{
    const struct account_drift *a = left;
    const struct account_drift *b = right;
    int order = text_compare(a->account, b->account);
    return order != 0 ? order : text_compare(a->ccy, b->ccy);
}

static enum status net_accounts(struct examination *examination)
{
    struct diagnosis *out = examination->out;
    size_t rows = 1;
    for (uint32_t i = 0; i < out->cause_count; i++) {
        rows += out->instances[out->causes[i]].affected_count;
    }
    out->drifts = arena_take_array(examination->arena, rows, sizeof *out->drifts);
    if (out->drifts == NULL) return STATUS_LIMIT;
    uint32_t count = 0;
    for (uint32_t i = 0; i < out->cause_count; i++) {
        const struct instance *instance = &out->instances[out->causes[i]];
        for (uint32_t k = 0; k < instance->affected_count; k++) {
            const struct affected *affected = &instance->affected[k];
            if (affected->account.len == 0) continue;
            out->drifts[count++] =
                (struct account_drift){ affected->account, affected->ccy, affected->delta };
        }
    }
    qsort(out->drifts, count, sizeof *out->drifts, by_account);
    for (uint32_t i = 0; i < count;) {
        struct account_drift net = out->drifts[i];
        for (i++; i < count && by_account(&net, &out->drifts[i]) == 0; i++) {
            if (!delta_add(net.delta, out->drifts[i].delta, &net.delta)) return STATUS_LIMIT;
        }
        out->drifts[out->drift_count++] = net;
    }
    return STATUS_OK;
}

static struct currency_total *total_of(struct diagnosis *out, struct str ccy, uint32_t room)
{
    uint32_t at = 0;
    while (at < out->total_count && text_compare(out->totals[at].ccy, ccy) < 0) at++;
    if (at < out->total_count && str_equal(out->totals[at].ccy, ccy)) return &out->totals[at];
    if (out->total_count == room) return NULL;
    memmove(&out->totals[at + 1], &out->totals[at], (out->total_count - at) * sizeof *out->totals);
    out->totals[at] = (struct currency_total){ .ccy = ccy };
    out->total_count++;
    return &out->totals[at];
}

static enum status sum_currencies(struct examination *examination)
{
    enum { CURRENCIES_MAX = 512 };
    struct diagnosis *out = examination->out;
    out->totals = arena_take_array(examination->arena, CURRENCIES_MAX, sizeof *out->totals);
    if (out->totals == NULL) return STATUS_LIMIT;
    bool fits = true;
    for (uint32_t i = 0; i < out->drift_count && fits; i++) {
        const struct account_drift *drift = &out->drifts[i];
        if (delta_is_zero(drift->delta)) continue;
        struct currency_total *total = total_of(out, drift->ccy, CURRENCIES_MAX);
        if (total == NULL) return STATUS_LIMIT;
        bool over = drift->delta.minor > 0;
        struct delta *sum = over ? &total->over : &total->under;
        *(over ? &total->accounts_over : &total->accounts_under) += 1;
        fits = delta_add(*sum, drift->delta, sum);
    }
    for (uint32_t i = 0; i < out->finding_count && fits; i++) {
        const struct finding *finding = &out->findings[i];
        if (finding->cause >= 0 || !finding->has_delta || finding->ccy.len == 0) continue;
        struct currency_total *total = total_of(out, finding->ccy, CURRENCIES_MAX);
        if (total == NULL) return STATUS_LIMIT;
        struct delta magnitude = finding->delta;
        if (magnitude.minor < 0) fits = delta_subtract(DELTA_ZERO, finding->delta, &magnitude);
        fits = fits && delta_add(total->unexplained, magnitude, &total->unexplained);
    }
    return fits ? STATUS_OK : STATUS_LIMIT;
}

/* ---- what was not seen ---- */

static void count_lacking(const struct instance *instance, uint32_t counts[EVIDENCE_KINDS_MAX])
{
    for (uint32_t p = 0; p < instance->predicate_count; p++) {
        for (uint64_t rest = instance->predicates[p].lacking; rest != 0; rest &= rest - 1) {
            counts[__builtin_ctzll(rest)]++;
        }
    }
}

/* The kind that would decide most predicates of what was chosen and of its rivals, for its cost. */
static void find_next_evidence(struct diagnosis *out)
{
    uint32_t counts[EVIDENCE_KINDS_MAX] = { 0 };
    for (uint32_t i = 0; i < out->cause_count; i++) {
        const struct instance *instance = &out->instances[out->causes[i]];
        count_lacking(instance, counts);
        for (uint32_t k = 0; k < instance->alternative_count; k++) {
            count_lacking(&out->instances[instance->alternatives[k]], counts);
        }
    }
    if (out->nearest >= 0) count_lacking(&out->instances[out->nearest], counts);
    out->next_kind = -1;
    for (uint32_t kind = 0; kind < evidence_kind_count(); kind++) {
        if (counts[kind] == 0) continue;
        out->missing_kinds |= UINT64_C(1) << kind;
        uint32_t next = out->next_kind < 0 ? kind : (uint32_t)out->next_kind;
        uint32_t worth = counts[kind] * (uint32_t)evidence_way_of(next)->cost;
        if (next == kind || worth > counts[next] * (uint32_t)evidence_way_of(kind)->cost)
            out->next_kind = (int32_t)kind;
    }
}

/* ---- all of it ---- */

static enum status keep_findings(struct examination *examination)
{
    struct diagnosis *out = examination->out;
    out->finding_count = (uint32_t)(examination->findings.len / sizeof *out->findings);
    out->findings =
        arena_take_array(examination->arena, (size_t)out->finding_count + 1, sizeof *out->findings);
    if (out->findings == NULL) return STATUS_LIMIT;
    if (out->finding_count > 0) {
        memcpy(out->findings, examination->findings.data, examination->findings.len);
    }
    return STATUS_OK;
}

static enum status examine(struct examination *examination)
{
    struct evidence *evidence = examination->doctor->evidence;
    struct remedies remedies;
    enum status status = evidence->forget(evidence, examination->error);
    if (status == STATUS_OK) status = examine_invariants(examination);
    if (status == STATUS_OK) status = examine_clocks(examination);
    if (status == STATUS_OK) status = keep_findings(examination);
    if (status == STATUS_OK) status = examine_instances(examination);
    if (status == STATUS_OK) status = choose(examination);
    if (status == STATUS_OK) status = describe_causes(examination);
    if (status == STATUS_OK) status = examine_claims(examination);
    if (status == STATUS_OK) status = remedies_find(examination, &remedies);
    if (status == STATUS_OK) status = label_causes(examination);
    if (status == STATUS_OK) remedies_take(&remedies, examination->out);
    if (status == STATUS_OK) status = examine_entries(examination);
    if (status != STATUS_OK) return status;
    find_nearest(examination->out);
    status = net_accounts(examination);
    if (status == STATUS_OK) status = sum_currencies(examination);
    if (status == STATUS_OK) find_next_evidence(examination->out);
    return status;
}

enum status doctor_diagnose(struct doctor *doctor, const struct doctor_options *options,
                            struct arena *arena, struct diagnosis *out_diagnosis,
                            struct error *out_error)
{
    struct evidence *evidence = doctor->evidence;
    *out_diagnosis = (struct diagnosis){
        .rules = doctor->rules, .bundle = evidence->bundle(evidence), .nearest = -1, .next_kind = -1
    };
    struct examination examination = { .doctor = doctor,
                                       .options = options,
                                       .arena = arena,
                                       .out = out_diagnosis,
                                       .error = out_error };
    buf_init(&examination.findings, (size_t)DIAGNOSIS_FINDINGS_MAX * sizeof(struct finding));
    buf_init(&examination.instances, (size_t)DIAGNOSIS_INSTANCES_MAX * sizeof(struct instance));
    for (uint32_t kind = 0; kind < evidence_kind_count(); kind++) {
        if (evidence->coverage(evidence, kind, EVIDENCE_ALL_TIME) == EVIDENCE_COVERED) {
            examination.covered |= UINT64_C(1) << kind;
        }
    }
    *out_error = (struct error){ .status = STATUS_OK };
    enum status status = examine(&examination);
    if (status == STATUS_LIMIT && out_error->status == STATUS_OK) {
        (void)error_set(out_error, STATUS_LIMIT, "the evidence shows more than memory holds");
    }
    buf_free(&examination.findings);
    buf_free(&examination.instances);
    return status;
}

#include "cmd/exam_sitting.h"

#include <stdio.h>
#include <string.h>

#include "adapter/sqlite_evidence_load.h"
#include "base/check.h"
#include "base/hash.h"
#include "cmd/doctor_rules.h"
#include "doctor/manifest.h"
#include "model/evidence.h"

struct exam_sitting {
    struct doctor doctor;
    struct manifest manifest;
    struct diagnosis diagnosis;
    struct diagnosis again; /* with a record less */
    struct doctor_rules *rules;
    struct sqlite_evidence *store;
    struct arena arena;          /* of a diagnosis */
    struct arena again_arena;    /* of one with a record less */
    struct arena manifest_arena; /* of the texts of a manifest */
    struct buf manifest_text;
};

enum status exam_sitting_open(const char *rules, struct exam_sitting **out_sitting,
                              struct error *out_error)
{
    static const struct sqlite_evidence_options in_memory = { 0 };
    struct buf memory;
    buf_init(&memory, sizeof(struct exam_sitting));
    struct exam_sitting *sitting = buf_extend(&memory, sizeof *sitting);
    if (sitting == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the exam");
    memset(sitting, 0, sizeof *sitting);
    buf_init(&sitting->manifest_text, MANIFEST_SIZE_MAX);
    enum status status = doctor_rules_load(rules, &sitting->rules, out_error);
    if (status == STATUS_OK) {
        status = arena_init(&sitting->arena, DOCTOR_CASE_ARENA);
        if (status == STATUS_OK) status = arena_init(&sitting->again_arena, DOCTOR_CASE_ARENA);
        if (status == STATUS_OK) status = arena_init(&sitting->manifest_arena, 1 << 20);
        if (status != STATUS_OK) (void)error_set(out_error, status, "no memory for the exam");
    }
    if (status == STATUS_OK) status = sqlite_evidence_open(&in_memory, &sitting->store, out_error);
    if (status == STATUS_OK)
        status = doctor_init(&sitting->doctor, &sitting->rules->set,
                             sqlite_evidence_port(sitting->store), out_error);
    if (status == STATUS_OK)
        *out_sitting = sitting;
    else
        exam_sitting_close(sitting);
    return status;
}

void exam_sitting_close(struct exam_sitting *sitting)
{
    if (sitting == NULL) return;
    sqlite_evidence_close(sitting->store);
    doctor_rules_free(sitting->rules);
    arena_done(&sitting->arena);
    arena_done(&sitting->again_arena);
    arena_done(&sitting->manifest_arena);
    buf_free(&sitting->manifest_text);
    struct buf memory = { .data = (uint8_t *)sitting };
    buf_free(&memory);
}

/* The source of this path in the manifest, which has them in an order of its own. */
static uint32_t source_find(const struct manifest *manifest, enum naive_source source)
{
    char path[64];
    int len = snprintf(path, sizeof path, "evidence/%s.ndjson", naive_source_facts(source)->name);
    CHECK(len > 0 && (size_t)len < sizeof path);
    for (uint32_t i = 0; i < manifest->source_count; i++)
        if (str_equal(manifest->sources[i].path, str_from(path))) return i;
    CHECK(manifest->source_count == 0); /* the manifest names all that were not dropped */
    return 0;
}

static enum status evidence_load(struct exam_sitting *sitting, const struct naive_case *made,
                                 struct error *out_error)
{
    const struct naive_evidence *evidence = &made->world->evidence;
    buf_reset(&sitting->manifest_text);
    arena_reset(&sitting->manifest_arena);
    enum status status =
        naive_evidence_manifest(evidence, made->options.seed, NAIVE_END, &sitting->manifest_text);
    if (status != STATUS_OK) return error_set(out_error, status, "the manifest of a case");
    status = manifest_parse(buf_view(&sitting->manifest_text), &sitting->manifest_arena,
                            &sitting->manifest, out_error);
    if (status == STATUS_OK)
        status = sqlite_evidence_begin(sitting->store, &sitting->manifest, out_error);
    for (uint32_t i = 0; i < NAIVE_SOURCES && status == STATUS_OK; i++) {
        if (evidence->dropped[i]) continue;
        uint32_t source = source_find(&sitting->manifest, (enum naive_source)i);
        struct str lines = buf_view(&evidence->sources[i]);
        status = sqlite_evidence_load(sitting->store, source, lines, out_error);
    }
    if (status == STATUS_OK) status = sqlite_evidence_ready(sitting->store, out_error);
    return status;
}

enum status exam_sitting_take(struct exam_sitting *sitting, const struct naive_case *made,
                              enum naive_fault without, const struct diagnosis **out_diagnosis,
                              struct error *out_error)
{
    bool skip[RULES_MAX] = { false };
    const struct doctor_options options = { .skip = skip };
    if (without != NAIVE_FAULT_COUNT) {
        int rule = rule_find(&sitting->rules->set, str_from(naive_fault_facts(without)->id));
        if (rule >= 0) skip[rule] = true;
    }
    enum status status = evidence_load(sitting, made, out_error);
    if (status != STATUS_OK) return status;
    arena_reset(&sitting->arena);
    status = doctor_diagnose(&sitting->doctor, &options, &sitting->arena, &sitting->diagnosis,
                             out_error);
    if (status == STATUS_OK) *out_diagnosis = &sitting->diagnosis;
    return status;
}

/* ---- with a record less ---- */

static const struct instance *confirmed_of(const struct diagnosis *diagnosis)
{
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        const struct instance *cause = &diagnosis->instances[diagnosis->causes[i]];
        if (cause->label == LABEL_CONFIRMED) return cause;
    }
    return NULL;
}

/* A record that a require of the cause names. */
static int64_t witness_of(const struct diagnosis *diagnosis, const struct instance *cause)
{
    for (uint32_t i = 0; i < cause->predicate_count; i++) {
        const struct predicate_result *predicate = &cause->predicates[i];
        bool required = diagnosis->rules->queries[predicate->query].part == RULE_PART_REQUIRE;
        if (required && predicate->witness_count > 0) return predicate->witnesses[0];
    }
    return 0;
}

/* Every kind that any part of any cause's rule, or an invariant that is violated, reads. */
static uint64_t kinds_read(const struct exam_sitting *sitting)
{
    const struct diagnosis *diagnosis = &sitting->diagnosis;
    const struct rule_set *rules = diagnosis->rules;
    struct evidence *evidence = sitting->doctor.evidence;
    bool counts[RULES_MAX] = { false };
    uint64_t kinds = 0;
    for (uint32_t i = 0; i < diagnosis->instance_count; i++)
        counts[diagnosis->instances[i].rule] = true;
    for (uint32_t i = 0; i < diagnosis->invariant_count; i++)
        if (diagnosis->invariants[i].violations > 0) counts[diagnosis->invariants[i].rule] = true;
    for (uint32_t i = 0; i < rules->rule_count; i++) {
        const struct rule *rule = &rules->rules[i];
        for (uint32_t k = 0; counts[i] && k < rule->query_count; k++) {
            uint32_t query = rule->query_first + k;
            kinds |= rules->queries[query].needs | rules->queries[query].absent |
                     evidence->reads(evidence, sitting->doctor.queries[query].handle);
        }
    }
    return kinds;
}

static bool is_read(enum naive_source source, uint64_t kinds)
{
    for (uint32_t kind = 0; kind < evidence_kind_count(); kind++) {
        if ((kinds >> kind & 1) == 0) continue;
        if (strstr(naive_source_facts(source)->kinds, evidence_kinds[kind].name) != NULL)
            return true;
    }
    return false;
}

/* The hash of the first line of a source that nothing counts by; 0: there is none. */
static uint64_t other_record(const struct exam_sitting *sitting, uint64_t seed,
                             const struct naive_case *made)
{
    uint64_t kinds = kinds_read(sitting);
    for (uint32_t i = 0; i < NAIVE_SOURCES; i++) {
        enum naive_source source = (enum naive_source)((seed + i) % NAIVE_SOURCES);
        const struct buf *lines = &made->world->evidence.sources[source];
        if (made->world->evidence.dropped[source] || lines->len == 0) continue;
        if (is_read(source, kinds)) continue;
        const uint8_t *end = memchr(lines->data, '\n', lines->len);
        return end == NULL ? 0 : hash_bytes(lines->data, (size_t)(end - lines->data));
    }
    return 0;
}

static enum status diagnose_without(struct exam_sitting *sitting, uint64_t record,
                                    struct error *out_error)
{
    uint32_t count;
    struct evidence *evidence = sitting->doctor.evidence;
    enum status status = evidence->drop(evidence, record, &count, out_error);
    if (status != STATUS_OK) return status;
    arena_reset(&sitting->again_arena);
    return doctor_diagnose(&sitting->doctor, NULL, &sitting->again_arena, &sitting->again,
                           out_error);
}

static bool is_same(const struct diagnosis *a, const struct diagnosis *b)
{
    if (a->cause_count != b->cause_count || a->drift_count != b->drift_count) return false;
    for (uint32_t i = 0; i < a->cause_count; i++) {
        const struct instance *one = &a->instances[a->causes[i]];
        const struct instance *other = &b->instances[b->causes[i]];
        if (one->rule != other->rule || one->label != other->label) return false;
    }
    for (uint32_t i = 0; i < a->drift_count; i++)
        if (a->drifts[i].delta.minor != b->drifts[i].delta.minor) return false;
    return true;
}

static bool is_still_confirmed(const struct diagnosis *diagnosis, uint32_t rule)
{
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        const struct instance *cause = &diagnosis->instances[diagnosis->causes[i]];
        if (cause->rule == rule && cause->label == LABEL_CONFIRMED) return true;
    }
    return false;
}

enum status exam_sitting_doubt(struct exam_sitting *sitting, uint64_t seed,
                               const struct naive_case *made, struct exam_faith *out_faith,
                               struct error *out_error)
{
    struct evidence *evidence = sitting->doctor.evidence;
    const struct diagnosis *diagnosis = &sitting->diagnosis;
    const struct instance *cause = confirmed_of(diagnosis);
    struct evidence_citation cited;
    enum status status = STATUS_OK;
    *out_faith = (struct exam_faith){ .cited = cause != NULL };
    if (cause == NULL) return STATUS_OK;
    uint64_t other = other_record(sitting, seed, made);
    if (other != 0) {
        status = diagnose_without(sitting, other, out_error);
        if (status != STATUS_OK) return status;
        out_faith->other = true;
        out_faith->same = is_same(diagnosis, &sitting->again);
    }
    status = evidence->cite(evidence, witness_of(diagnosis, cause), &cited, out_error);
    if (status == STATUS_OK) status = diagnose_without(sitting, cited.hash, out_error);
    if (status == STATUS_OK) out_faith->fell = !is_still_confirmed(&sitting->again, cause->rule);
    return status;
}

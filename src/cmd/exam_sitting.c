#include "cmd/exam_sitting.h"

#include <stdio.h>
#include <string.h>

#include "adapter/sqlite_evidence_load.h"
#include "base/check.h"
#include "cmd/doctor_rules.h"
#include "doctor/manifest.h"

struct exam_sitting {
    struct doctor doctor;
    struct manifest manifest;
    struct diagnosis diagnosis;
    struct doctor_rules *rules;
    struct sqlite_evidence *store;
    struct arena arena;          /* of a diagnosis */
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

/* tpwallet doctor rules check: every case that the rules ship with, diagnosed. */
#include <stdio.h>
#include <string.h>

#include "adapter/sqlite_evidence_load.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/doctor_rules.h"
#include "cmd/invocation.h"
#include "cmd/report.h"
#include "doctor/fixture.h"
#include "model/evidence.h"

enum { OUT_SIZE_MAX = 4 << 20 };

struct checking {
    const char *only; /* NULL: all rules */
    struct doctor_rules *rules;
    struct sqlite_evidence *store;
    struct doctor *doctor;
    struct manifest *manifest;
    struct fixture_set *fixtures;
    struct diagnosis diagnosis;
    struct arena arena;
    struct buf memory; /* of doctor, manifest and fixtures */
    struct buf failures;
    uint32_t rule_count;
    uint32_t case_count;
    uint32_t failure_count;
};

static enum status diagnose_case(struct checking *checking, const struct fixture_case *fixture,
                                 struct error *out_error)
{
    struct buf BUF_SCOPE lines;
    buf_init(&lines, FIXTURE_LINES_MAX);
    fixture_manifest(fixture, checking->manifest);
    enum status status = sqlite_evidence_begin(checking->store, checking->manifest, out_error);
    for (uint32_t kind = 0; status == STATUS_OK && kind < evidence_kind_count(); kind++) {
        buf_reset(&lines);
        fixture_lines(fixture, kind, &lines);
        status = sqlite_evidence_load(checking->store, kind, buf_view(&lines), out_error);
    }
    if (status == STATUS_OK) status = sqlite_evidence_ready(checking->store, out_error);
    if (status != STATUS_OK) return status;
    arena_reset(&checking->arena);
    return doctor_diagnose(checking->doctor, NULL, &checking->arena, &checking->diagnosis,
                           out_error);
}

static void note_failure(struct checking *checking, const struct rule *rule, uint32_t line,
                         const char *what)
{
    checking->failure_count++;
    buf_append_format(&checking->failures, "%.*s: the case at line %u of its fixtures: %s\n",
                      STR_ARG(rule->id), line, what);
    const struct diagnosis *diagnosis = &checking->diagnosis;
    for (uint32_t i = 0; i < diagnosis->cause_count; i++) {
        const struct instance *cause = &diagnosis->instances[diagnosis->causes[i]];
        buf_append_format(&checking->failures, "    found %.*s %s, %u affected; %.*s\n",
                          STR_ARG(diagnosis->rules->rules[cause->rule].id),
                          label_name(cause->label), cause->affected_count,
                          STR_ARG(cause->held_back));
    }
    for (uint32_t i = 0; i < diagnosis->finding_count && i < 8; i++) {
        const struct finding *finding = &diagnosis->findings[i];
        char text[DELTA_TEXT_SIZE];
        buf_append_format(&checking->failures, "    %s %.*s %.*s %.*s %.*s %.*s\n",
                          finding->cause < 0 ? "open" : "explained",
                          STR_ARG(diagnosis->rules->rules[finding->rule].id), STR_ARG(finding->key),
                          STR_ARG(finding->account), STR_ARG(finding->ccy),
                          STR_ARG(delta_format(finding->delta, text)));
    }
    for (uint32_t i = 0; i < diagnosis->instance_count; i++) {
        const struct instance *instance = &diagnosis->instances[i];
        if (!str_equal(diagnosis->rules->rules[instance->rule].id, rule->id)) continue;
        buf_append_format(&checking->failures, "    bound, explains %u of %u predicted, %u missing",
                          instance->explain_count, instance->predicted, instance->missing);
        for (uint32_t p = 0; p < instance->predicate_count; p++) {
            const struct predicate_result *predicate = &instance->predicates[p];
            const struct rule_query *query = &diagnosis->rules->queries[predicate->query];
            buf_append_format(&checking->failures, ", %s %.*s %c", rule_part_name(query->part),
                              STR_ARG(query->name), "FTU"[predicate->value]);
        }
        buf_append_byte(&checking->failures, '\n');
    }
}

static enum status check_rule(struct checking *checking, const struct rule *rule,
                              struct error *out_error)
{
    enum status status = fixture_parse(rule->fixtures, checking->fixtures, out_error);
    if (status != STATUS_OK) {
        struct error inner = *out_error;
        return error_set(out_error, status, "fixtures of %.*s: %s", STR_ARG(rule->id),
                         inner.message);
    }
    checking->rule_count++;
    for (uint32_t i = 0; i < checking->fixtures->count; i++) {
        const struct fixture_case *fixture = &checking->fixtures->cases[i];
        status = diagnose_case(checking, fixture, out_error);
        if (status != STATUS_OK) return status;
        checking->case_count++;
        const char *what = fixture_verdict(fixture, rule->id, &checking->diagnosis);
        if (what != NULL) note_failure(checking, rule, fixture->line, what);
    }
    return STATUS_OK;
}

static enum status check_all(struct checking *checking, struct error *out_error)
{
    const struct rule_set *set = &checking->rules->set;
    static const struct sqlite_evidence_options in_memory = { 0 };
    size_t doctor_size = sizeof *checking->doctor;
    size_t manifest_size = sizeof *checking->manifest;
    uint8_t *memory =
        buf_extend(&checking->memory, doctor_size + manifest_size + sizeof *checking->fixtures);
    enum status status = arena_init(&checking->arena, DOCTOR_CASE_ARENA);
    if (memory == NULL || status != STATUS_OK) {
        return error_set(out_error, STATUS_LIMIT, "no memory for cases");
    }
    checking->fixtures = (struct fixture_set *)(void *)memory; /* the most aligned one first */
    memory += sizeof *checking->fixtures;
    checking->doctor = (struct doctor *)(void *)memory;
    checking->manifest = (struct manifest *)(void *)(memory + doctor_size);
    status = sqlite_evidence_open(&in_memory, &checking->store, out_error);
    if (status == STATUS_OK) {
        status =
            doctor_init(checking->doctor, set, sqlite_evidence_port(checking->store), out_error);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < set->rule_count; i++) {
        const struct rule *rule = &set->rules[i];
        bool wanted = checking->only == NULL || str_equal(rule->id, str_from(checking->only));
        if (rule->type == RULE_FAULT && wanted) status = check_rule(checking, rule, out_error);
    }
    return status;
}

static int show(struct invocation *invocation, struct checking *checking)
{
    struct buf BUF_SCOPE out;
    buf_init(&out, OUT_SIZE_MAX);
    if (invocation->json) {
        struct json_writer json;
        json_writer_init(&json, &out);
        json_write_object_begin(&json);
        json_write_key(&json, STR("faults"));
        json_write_uint64(&json, checking->rule_count);
        json_write_key(&json, STR("cases"));
        json_write_uint64(&json, checking->case_count);
        json_write_key(&json, STR("failed"));
        json_write_uint64(&json, checking->failure_count);
        json_write_object_end(&json);
        CHECK(json_write_end(&json) == STATUS_OK);
        buf_append_byte(&out, '\n');
    } else {
        buf_append_str(&out, buf_view(&checking->failures));
        buf_append_format(&out, "%u faults, %u cases, %u failed\n", checking->rule_count,
                          checking->case_count, checking->failure_count);
    }
    int code = report_text(invocation, buf_view(&out));
    if (code != EXIT_CODE_DONE) return code;
    return checking->failure_count == 0 ? EXIT_CODE_DONE : EXIT_CODE_REFUSED;
}

static int check_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct checking checking = { 0 };
    if (invocation->positional_count > 0) checking.only = invocation->positionals[0];
    buf_init(&checking.failures, OUT_SIZE_MAX / 2);
    buf_init(&checking.memory,
             sizeof *checking.doctor + sizeof *checking.manifest + sizeof *checking.fixtures);
    enum status status =
        doctor_rules_load(invocation_text(invocation, "rules"), &checking.rules, &error);
    if (status == STATUS_OK) status = check_all(&checking, &error);
    int code = status == STATUS_OK ? show(invocation, &checking) : report_error(invocation, &error);
    sqlite_evidence_close(checking.store);
    doctor_rules_free(checking.rules);
    arena_done(&checking.arena);
    buf_free(&checking.memory);
    buf_free(&checking.failures);
    return code;
}

static const struct positional positionals[] = {
    { "FAULT", "the id of one fault; without, all are checked", true },
    { 0 },
};

static const struct option options[] = {
    { "rules", "DIR", "a folder with faults/ and invariants/; without, the rules built in", NULL },
    { 0 },
};

const struct command command_doctor_rules_check = {
    .name = "doctor rules check",
    .summary = "diagnose every case that the doctor's rules ship with",
    .details =
        "Each fault has cases where it must be found, look-alikes where it must not be, and cases "
        "where evidence is missing and it must not be certain. A case that comes out otherwise is "
        "printed with what was found. Exit code 1 then. The form of rules and cases is described "
        "in docs/doctor_rules.md.",
    .positionals = positionals,
    .options = options,
    .examples = "doctor rules check\ndoctor rules check B03 --rules ./my-rules",
    .run = check_run,
};

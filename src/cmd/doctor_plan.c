/* tpwallet doctor plan: the steps of a repair, out of a diagnosis and the evidence it cites. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/reserve.h"
#include "cmd/answer.h"
#include "cmd/doctor_repair.h"
#include "cmd/doctor_tables.h"
#include "cmd/doctor_verify.h"
#include "cmd/file_bytes.h"
#include "cmd/plan_view.h"
#include "cmd/report.h"
#include "cmd/stage.h"
#include "doctor/foreign_plan.h"
#include "doctor/plan_trace.h"

#define DIAGNOSIS_ARENA(size) (8 * (size) + (64 << 20))
enum {
    DIAGNOSIS_SIZE_MAX = 64 << 20,
    LINE_ROOM = EVIDENCE_LINE_SIZE_MAX + 2,
    QUICK_SIZE_MAX = 64 << 20, /* of evidence: a larger bundle takes its time, and that is said */
};

struct planning {
    const struct invocation *invocation;
    bool sql;
    struct doctor_bundle bundle;
    struct buf text;  /* the diagnosis, as the evidence gives it */
    struct buf given; /* --diagnosis: the one that people have read */
    struct buf policy_text;
    struct repair_policy policy;
    struct arena arena;
    struct arena line_arena;
    struct plan_diagnosis diagnosis;
    struct digest given_rules;
    struct repair_plan plan;
    char proposer[NOTE_KEY_TEXT_SIZE];
    struct plan_trace trace;
    struct error error;
};

/* ---- the evidence ---- */

static enum status file_read(struct planning *it, const char *name, bool legs)
{
    FILE *file;
    enum status status = doctor_bundle_evidence(&it->bundle, name, &file);
    if (status != STATUS_OK) {
        it->error = it->bundle.error;
        return status;
    }
    BUF_SCOPE struct buf window;
    buf_init(&window, LINE_ROOM);
    char *line = buf_extend(&window, LINE_ROOM);
    while (line != NULL && status == STATUS_OK && fgets(line, LINE_ROOM, file) != NULL) {
        size_t size = strlen(line);
        if (size == 0 || line[size - 1] != '\n') continue;
        struct str text = { line, size - 1 };
        status = legs ? plan_trace_leg(&it->trace, text)
                      : plan_trace_record(&it->trace, str_from(name), text);
    }
    (void)fclose(file); /* only read from */
    return status;
}

/* Each source of the bundle once. */
static enum status evidence_read(struct planning *it, bool legs)
{
    struct str rest = buf_view(&it->bundle.sources);
    struct str line;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && str_take_line(&rest, &line)) {
        struct answer_object object;
        char name[256];
        arena_reset(&it->line_arena);
        if (answer_read(line, &it->line_arena, &object) != STATUS_OK)
            return error_set(&it->error, STATUS_CORRUPT, "sources.ndjson is damaged");
        struct str path = answer_text(&object, "path");
        if (!str_starts(path, STR("evidence/")) || path.len >= sizeof name ||
            memchr(path.data + 9, '/', path.len - 9) != NULL)
            return error_set(&it->error, STATUS_CORRUPT, "a source lies outside of the bundle");
        memcpy(name, path.data, path.len);
        name[path.len] = '\0';
        status = file_read(it, name, legs);
    }
    return status;
}

static enum status rows_trace(struct planning *it)
{
    it->trace.diagnosis = &it->diagnosis;
    it->trace.texts = &it->arena;
    it->trace.line = &it->line_arena;
    it->trace.error = &it->error;
    plan_trace_begin(&it->trace);
    enum status status = evidence_read(it, false);
    if (status == STATUS_OK) status = plan_trace_turn(&it->trace);
    if (status == STATUS_OK) status = evidence_read(it, true);
    return status == STATUS_OK ? plan_trace_end(&it->trace) : status;
}

/* ---- the diagnosis ---- */

/* The sources that the diagnosis was made of, beside those that the bundle has now. */
struct sources_look {
    struct str bundle; /* sources.ndjson */
    struct arena arena;
    uint32_t told;
    uint32_t found;
};

static bool source_find(void *context, const struct answer_object *told)
{
    struct sources_look *look = context;
    struct str rest = look->bundle;
    struct str line;
    look->told++;
    while (str_take_line(&rest, &line)) {
        struct answer_object source;
        arena_reset(&look->arena);
        if (answer_read(line, &look->arena, &source) != STATUS_OK) continue; /* so it lacks */
        if (!str_equal(answer_text(&source, "path"), answer_text(told, "path"))) continue;
        look->found += str_equal(answer_text(&source, "sha256"), answer_text(told, "sha256"));
        return true;
    }
    return true;
}

/* A diagnosis of other evidence makes no plan, also one that is made here: it goes by the manifest. */
static enum status sources_compare(struct planning *it, struct str diagnosis, const char *hint)
{
    struct sources_look look = { .bundle = buf_view(&it->bundle.sources) };
    struct arena arena = { 0 };
    struct answer_object rest;
    const struct answer_list list = { "sources", source_find, &look };
    enum status status = arena_init(&look.arena, answer_arena_size((struct str){ "", LINE_ROOM }));
    if (status == STATUS_OK) status = arena_init(&arena, answer_arena_size(diagnosis));
    if (status == STATUS_OK) status = answer_read_list(diagnosis, &list, &arena, &rest);
    arena_done(&arena);
    arena_done(&look.arena);
    if (status != STATUS_OK)
        return error_set(&it->error, status, "the diagnosis does not tell of its sources");
    if (look.told == it->bundle.source_count && look.found == look.told) return STATUS_OK;
    status = error_set(&it->error, STATUS_DENIED,
                       "the diagnosis is not of the evidence that the bundle has now");
    error_hint(&it->error, "%s", hint);
    error_detail(&it->error, "it tells of %u sources, %u of them as they are; the bundle has %u",
                 look.told, look.found, it->bundle.source_count);
    return status;
}

#define DIAGNOSE_AGAIN "diagnose again: `tpwallet doctor diagnose BUNDLE --json`"

static enum status given_refuse(struct planning *it, const char *why)
{
    enum status status = error_set(&it->error, STATUS_DENIED, "%s", why);
    error_hint(&it->error, DIAGNOSE_AGAIN);
    return status;
}

/* What can be told of --diagnosis before the evidence is looked at. */
static enum status given_read(struct planning *it)
{
    const char *path = invocation_text(it->invocation, "diagnosis");
    if (path == NULL) return STATUS_OK;
    struct arena arena = { 0 };
    enum status status = file_bytes_read(path, &it->given, &it->error);
    if (status != STATUS_OK) return status;
    status = arena_init(&arena, DIAGNOSIS_ARENA(it->given.len));
    status = status != STATUS_OK
                 ? error_set(&it->error, status, "no memory for the plan")
                 : plan_diagnosis_parse(buf_view(&it->given), &arena, &it->diagnosis, &it->error);
    if (status == STATUS_OK && !str_equal(it->diagnosis.incident, it->bundle.incident.id))
        status = error_set(&it->error, STATUS_INVALID, "the diagnosis is of another incident");
    it->given_rules = it->diagnosis.rules;
    arena_done(&arena);
    return status == STATUS_OK ? sources_compare(it, buf_view(&it->given), DIAGNOSE_AGAIN) : status;
}

/* Equal evidence gives equal bytes: what differs was made otherwise, or changed since. */
static enum status given_is_true(struct planning *it)
{
    size_t at = 0;
    size_t len = it->given.len < it->text.len ? it->given.len : it->text.len;
    while (at < len && it->given.data[at] == it->text.data[at]) at++;
    if (it->given.len == 0 || (at == len && it->given.len == it->text.len)) return STATUS_OK;
    if (!digest_equal(&it->given_rules, &it->diagnosis.rules))
        return given_refuse(it, "the diagnosis was made by other rules than the plan would be");
    enum status status = given_refuse(it, "the diagnosis is not what the evidence gives");
    error_detail(&it->error, "it differs from byte %zu on: made by another version, or changed",
                 at + 1);
    return status;
}

static bool is_quick(const struct doctor_bundle *bundle, struct arena *arena)
{
    struct str rest = buf_view(&bundle->sources);
    struct str line;
    uint64_t all = 0;
    while (str_take_line(&rest, &line)) {
        struct answer_object source;
        uint64_t size = 0;
        arena_reset(arena);
        if (answer_read(line, arena, &source) != STATUS_OK) continue; /* read again below */
        if (decimal_parse(answer_text(&source, "size"), INT64_MAX, &size) == STATUS_OK) all += size;
        if (all > QUICK_SIZE_MAX) return false;
    }
    return true;
}

/* Whatever people were shown, the plan is made of what the evidence gives. */
static enum status diagnosis_make(struct planning *it)
{
    struct stage stage;
    if (!is_quick(&it->bundle, &it->line_arena))
        (void)fprintf(stderr, "the evidence is diagnosed for the plan\n"); /* a notice */
    enum status status = stage_open("plan", false, NULL, &stage, &it->error);
    if (status != STATUS_OK) return status;
    const struct bundle_diagnosing diagnosing = {
        .bundle = it->bundle.path,
        .rules = invocation_text(it->invocation, "rules"),
        .scratch = buf_terminated(&stage.folder),
    };
    status = bundle_diagnose(&diagnosing, &it->text, &it->error);
    stage_close(&stage);
    if (status == STATUS_OK) status = arena_init(&it->arena, DIAGNOSIS_ARENA(it->text.len));
    if (status == STATUS_OK)
        status = plan_diagnosis_parse(buf_view(&it->text), &it->arena, &it->diagnosis, &it->error);
    if (status == STATUS_OK)
        status = sources_compare(it, buf_view(&it->text),
                                 "manifest.json is behind, or sources were changed meanwhile: "
                                 "`tpwallet doctor incident BUNDLE --key FILE --note TEXT` makes "
                                 "it of all sources");
    return status == STATUS_OK ? given_is_true(it) : status;
}

static enum status inputs_read(struct planning *it)
{
    const char *policy = invocation_text(it->invocation, "policy");
    if ((policy == NULL) != it->sql)
        return error_set(&it->error, STATUS_INVALID,
                         "--policy is needed for our ledger, --sql for another's, and not both");
    size_t answer = answer_arena_size((struct str){ "", LINE_ROOM });
    enum status status = arena_init(
        &it->line_arena, answer > PLAN_TRACE_LINE_ARENA ? answer : PLAN_TRACE_LINE_ARENA);
    if (status != STATUS_OK) return error_set(&it->error, status, "no memory for the plan");
    if (!it->sql) status = file_bytes_read(policy, &it->policy_text, &it->error);
    if (status == STATUS_OK && !it->sql)
        status = repair_policy_parse(buf_view(&it->policy_text), &it->policy, &it->error);
    if (status == STATUS_OK && !it->sql)
        status = repair_person(&it->bundle, &it->policy, "proposes the plan", &it->error);
    return status == STATUS_OK ? given_read(it) : status;
}

/* ---- the plan ---- */

static enum status plan_fill(struct planning *it)
{
    struct clock *clock = system_clock();
    it->plan.made_at = clock->wall(clock);
    it->plan.expires_at.ns =
        it->plan.made_at.ns + (int64_t)it->policy.valid_hours * 3600 * NS_PER_S;
    it->plan.diagnosis = digest_of(it->text.data, it->text.len);
    it->plan.policy = digest_of(it->policy_text.data, it->policy_text.len);
    it->plan.proposer = note_key_format(&it->bundle.signer.key, it->proposer);
    enum status status = repair_plan_make(&it->diagnosis, &it->arena, &it->plan, &it->error);
    return status == STATUS_OK ? repair_plan_check(&it->plan, &it->policy, &it->error) : status;
}

/* The plan and the diagnosis that it is of, under custody. */
static enum status plan_put(struct planning *it, const char *name, struct str text)
{
    enum status status =
        doctor_bundle_put(&it->bundle, "report/diagnosis.json", "diagnosed", buf_view(&it->text));
    if (status == STATUS_OK) status = doctor_bundle_put(&it->bundle, name, "planned", text);
    if (status == STATUS_OK) status = doctor_bundle_note(&it->bundle, "a plan was made");
    if (status == STATUS_OK && incident_may(it->bundle.incident.state, INCIDENT_DIAGNOSED))
        it->bundle.incident.state = INCIDENT_DIAGNOSED;
    if (status == STATUS_OK) status = doctor_bundle_seal(&it->bundle);
    if (status != STATUS_OK) it->error = it->bundle.error;
    return status;
}

static enum status ours_make(struct planning *it, struct buf *text)
{
    enum status status = plan_fill(it);
    if (status != STATUS_OK) return status;
    repair_plan_json(&it->plan, text);
    if (text->overflow) return error_set(&it->error, STATUS_LIMIT, "the plan is too large");
    return plan_put(it, REPAIR_PLAN_FILE, buf_view(text));
}

/* Of somebody else's ledger: for its owners, by the mapping that its evidence was read by. */
static enum status foreign_make(struct planning *it, struct buf *text)
{
    struct doctor_mapping mapping = { 0 };
    BUF_SCOPE struct buf kept;
    buf_init(&kept, TABLE_MAPPING_SIZE_MAX + 1);
    enum status status = doctor_bundle_get_kept(&it->bundle, DOCTOR_TABLES_FILE, &kept);
    if (status != STATUS_OK) {
        it->error = it->bundle.error;
        return status;
    }
    status = doctor_mapping_take(buf_view(&kept), &mapping, &it->error);
    if (status == STATUS_OK)
        status = foreign_plan_sql(&it->diagnosis, mapping.parsed, text, &it->error);
    doctor_mapping_close(&mapping);
    return status == STATUS_OK ? plan_put(it, FOREIGN_PLAN_FILE, buf_view(text)) : status;
}

/* A bundle with another's tables gets SQL, and no other one does. */
static enum status form_check(struct planning *it)
{
    bool foreign = doctor_bundle_has(&it->bundle, DOCTOR_TABLES_FILE);
    if (foreign == it->sql) return STATUS_OK;
    enum status status =
        error_set(&it->error, STATUS_INVALID,
                  foreign ? "the ledger is another's: its repair is for its owners, as SQL"
                          : "the ledger is ours: it is repaired by a plan, not by SQL");
    error_hint(&it->error, foreign ? "--sql, and no --policy" : "--policy, and no --sql");
    return status;
}

static enum status planning_run(struct planning *it, struct buf *text)
{
    enum status status = doctor_bundle_open(
        it->invocation->positionals[0], invocation_text(it->invocation, "key"), NULL, &it->bundle);
    if (status != STATUS_OK) {
        it->error = it->bundle.error;
        return status;
    }
    if (!it->bundle.signs)
        return error_set(&it->error, STATUS_INVALID, "--key is missing: who proposes the plan?");
    status = doctor_verify(it->bundle.path, &it->error);
    if (status != STATUS_OK) return status;
    status = repair_unapplied(&it->bundle);
    if (status != STATUS_OK) {
        it->error = it->bundle.error;
        return status;
    }
    status = form_check(it);
    if (status == STATUS_OK) status = inputs_read(it);
    if (status == STATUS_OK) status = diagnosis_make(it);
    if (status == STATUS_OK) status = rows_trace(it);
    if (status != STATUS_OK) return status;
    return it->sql ? foreign_make(it, text) : ours_make(it, text);
}

static int plan_run(struct invocation *invocation)
{
    struct planning *it = reserve_new(sizeof *it);
    struct error error;
    if (it == NULL) {
        (void)error_set(&error, STATUS_LIMIT, "no memory"); /* reported right here */
        return report_error(invocation, &error);
    }
    it->invocation = invocation;
    it->sql = invocation_has(invocation, "sql");
    buf_init(&it->text, DIAGNOSIS_SIZE_MAX);
    buf_init(&it->given, DIAGNOSIS_SIZE_MAX);
    buf_init(&it->policy_text, POLICY_SIZE_MAX);
    BUF_SCOPE struct buf text;
    BUF_SCOPE struct buf out;
    buf_init(&text, PLAN_SIZE_MAX);
    buf_init(&out, 2 * PLAN_SIZE_MAX);
    int code;
    if (planning_run(it, &text) != STATUS_OK) {
        code = report_error(invocation, &it->error);
    } else {
        bool whole = invocation->json || it->sql;
        if (!whole) plan_view_append(&it->plan, &out);
        code = report_text(invocation, buf_view(whole ? &text : &out));
    }
    doctor_bundle_close(&it->bundle);
    arena_done(&it->arena);
    arena_done(&it->line_arena);
    buf_free(&it->text);
    buf_free(&it->given);
    buf_free(&it->policy_text);
    reserve_free(it, sizeof *it);
    return code;
}

static const struct positional positionals[] = {
    { "BUNDLE", "the incident's folder", false },
    { 0 },
};

static const struct option options[] = {
    { "key", "FILE", "the key of who proposes it, and will not approve it", NULL },
    { "diagnosis", "FILE",
      "the `doctor diagnose --json` that people have read: the plan's own must be the same", NULL },
    { "policy", "FILE", "who may approve, how many have to, up to what amounts", NULL },
    { "sql", NULL, "for another's ledger: the plan as SQL for its owners, shown and kept", NULL },
    { "rules", "DIR", "a folder with faults/ and invariants/; without, the rules built in", NULL },
    { 0 },
};

const struct command command_doctor_plan = {
    .name = "doctor plan",
    .summary = "make the plan of a repair out of a bundle; nothing is done yet",
    .details =
        "Diagnoses the bundle, whatever was diagnosed before: equal evidence gives equal bytes, and "
        "a --diagnosis that differs is refused. Stops the bleeding first, then the cause, then takes back what the cause booked, entry by "
        "entry, then caches, projections and deliveries. Each entry reverses one transaction that "
        "the evidence names, under an id derived from incident, transaction and rule: applying "
        "twice is nothing. A cause that is not CONFIRMED or PROBABLE, or anything unexplained, gets "
        "no plan. The plan is a file of the bundle; its SHA-256 is what is approved.",
    .positionals = positionals,
    .options = options,
    .examples = "doctor plan case --key anna.key --diagnosis case.json --policy repair.policy\n"
                "doctor plan case --key anna.key --diagnosis case.json --sql",
    .run = plan_run,
};

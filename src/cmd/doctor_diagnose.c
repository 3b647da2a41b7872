/* tpwallet doctor diagnose: a bundle's evidence, its causes, and what they touched. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapter/sqlite_evidence_load.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/json_writer.h"
#include "cmd/doctor_bundle.h"
#include "cmd/doctor_rules.h"
#include "cmd/file_bytes.h"
#include "cmd/invocation.h"
#include "cmd/report.h"
#include "doctor/bundle_path.h"
#include "doctor/render_json.h"
#include "doctor/render_text.h"

enum {
    PATH_SIZE = 4096,
    BULK_SIZE = 64 << 20, /* the records of a bundle above it stay in its files */
    EXIT_INTEGRITY = 8,
    EXIT_USAGE = 64,
    EXIT_UNDONE = 69,
};
#define ARENA_SIZE (UINT64_C(768) << 20)

struct diagnosing {
    struct invocation *invocation;
    const char *folder;
    struct buf text; /* of the manifest */
    struct arena texts;
    struct arena arena;
    struct buf memory; /* of manifest and doctor */
    struct manifest *manifest;
    struct doctor *doctor;
    struct doctor_rules *rules;
    struct sqlite_evidence *store;
    struct diagnosis diagnosis;
    struct monotonic_time begun;
    struct monotonic_time loaded;
    struct monotonic_time examined;
};

static enum status join_path(const char *folder, struct str name, char out_path[PATH_SIZE],
                             struct error *out_error)
{
    int len = snprintf(out_path, PATH_SIZE, "%s/%.*s", folder, STR_ARG(name));
    if (len > 0 && len < PATH_SIZE) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "%s: the path is too long", folder);
}

/* Evidence is held against the manifest while it is loaded, and so against the custody. */
static enum status manifest_get_kept(struct diagnosing *it, struct error *out_error)
{
    struct doctor_bundle bundle;
    enum status status = doctor_bundle_open(it->folder, NULL, NULL, &bundle);
    if (status == STATUS_OK) status = doctor_bundle_get_newest(&bundle, "manifest.json", &it->text);
    if (status != STATUS_OK) *out_error = bundle.error;
    if (status == STATUS_DENIED) {
        status = error_set(out_error, STATUS_CORRUPT, "%s", bundle.error.message);
        error_hint(out_error, "`tpwallet doctor verify` names all that is not as it was taken");
    }
    doctor_bundle_close(&bundle);
    return status;
}

/* Whether something has that name, a link too; what cannot be looked at is there. */
static enum status name_find(const struct diagnosing *it, const char *name, bool *out_there,
                             struct error *out_error)
{
    char path[PATH_SIZE];
    struct stat stat;
    enum status status = join_path(it->folder, str_from(name), path, out_error);
    if (status == STATUS_OK) *out_there = lstat(path, &stat) == 0 || errno != ENOENT;
    return status;
}

/*
 * A bundle that was written by hand, or by others, has no custody, and nobody's word for it. One with
 * what only `doctor collect` writes had one.
 */
static enum status manifest_get(struct diagnosing *it, struct error *out_error)
{
    static const char *const collected[] = { "incident.json", "sources.ndjson" };
    char path[PATH_SIZE];
    bool there = false;
    enum status status = name_find(it, BUNDLE_CUSTODY_FILE, &there, out_error);
    if (status == STATUS_OK && there) return manifest_get_kept(it, out_error);
    for (size_t i = 0; status == STATUS_OK && i < sizeof collected / sizeof collected[0]; i++) {
        status = name_find(it, collected[i], &there, out_error);
        if (status != STATUS_OK || !there) continue;
        status = error_set(out_error, STATUS_CORRUPT, "%s has %s, and has no " BUNDLE_CUSTODY_FILE,
                           it->folder, collected[i]);
        error_hint(out_error,
                   "what was collected is under custody: get the bundle again from its owner");
    }
    if (status == STATUS_OK) status = join_path(it->folder, STR("manifest.json"), path, out_error);
    return status == STATUS_OK ? file_bytes_read(path, &it->text, out_error) : status;
}

static enum status read_manifest(struct diagnosing *it, struct error *out_error)
{
    enum status status = manifest_get(it, out_error);
    if (status != STATUS_OK) return status;
    uint8_t *memory = buf_extend(&it->memory, sizeof *it->manifest + sizeof *it->doctor);
    if (memory == NULL || arena_init(&it->texts, it->text.len + (64 << 10)) != STATUS_OK ||
        arena_init(&it->arena, ARENA_SIZE) != STATUS_OK) {
        return error_set(out_error, STATUS_LIMIT, "no memory for a diagnosis");
    }
    it->manifest = (struct manifest *)(void *)memory;
    it->doctor = (struct doctor *)(void *)(memory + sizeof *it->manifest);
    return manifest_parse(buf_view(&it->text), &it->texts, it->manifest, out_error);
}

/* The sizes that the manifest names, or unknown ones as large. */
static bool is_large(const struct manifest *manifest)
{
    int64_t size = 0;
    for (uint32_t i = 0; i < manifest->source_count; i++) {
        if (manifest->sources[i].size < 0) return true;
        size += manifest->sources[i].size;
    }
    return size > BULK_SIZE;
}

static enum status open_store(struct diagnosing *it, struct error *out_error)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0') folder = "/tmp";
    const struct sqlite_evidence_options options = {
        .folder = is_large(it->manifest) ? folder : NULL,
    };
    return sqlite_evidence_open(&options, &it->store, out_error);
}

static enum status load(struct diagnosing *it, struct error *out_error)
{
    enum status status = sqlite_evidence_begin(it->store, it->manifest, out_error);
    for (uint32_t i = 0; status == STATUS_OK && i < it->manifest->source_count; i++) {
        char path[PATH_SIZE];
        status = join_path(it->folder, it->manifest->sources[i].path, path, out_error);
        if (status == STATUS_OK) {
            status = sqlite_evidence_load_file(it->store, i, path, out_error);
        }
    }
    return status == STATUS_OK ? sqlite_evidence_ready(it->store, out_error) : status;
}

/* Drops the record that --what-if names: "drop=R-0123456789abcdef". */
static enum status apply_what_if(struct diagnosing *it, struct error *out_error)
{
    const char *text = invocation_text(it->invocation, "what-if");
    if (text == NULL) return STATUS_OK;
    uint8_t bytes[8];
    bool good = strncmp(text, "drop=R-", 7) == 0 &&
                hex_parse(str_from(text + 7), bytes, sizeof bytes) == STATUS_OK;
    if (!good) {
        return error_set(out_error, STATUS_INVALID, "--what-if wants drop=R- and 16 digits");
    }
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof bytes; i++) hash = hash << 8 | bytes[i];
    struct evidence *evidence = sqlite_evidence_port(it->store);
    uint32_t count;
    enum status status = evidence->drop(evidence, hash, &count, out_error);
    if (status != STATUS_OK || count > 0) return status;
    return error_set(out_error, STATUS_NOT_FOUND, "there is no record %s", text + 5);
}

static enum status diagnose(struct diagnosing *it, struct error *out_error)
{
    it->begun = clock_monotonic(system_clock());
    enum status status = read_manifest(it, out_error);
    if (status == STATUS_NOT_FOUND)
        error_hint(out_error, "a bundle is a folder with manifest.json: `tpwallet doctor collect` "
                              "makes one, docs/bundle.md says how to write one");
    if (status == STATUS_OK) {
        status = doctor_rules_load(invocation_text(it->invocation, "rules"), &it->rules, out_error);
    }
    if (status == STATUS_OK) status = open_store(it, out_error);
    if (status == STATUS_OK) status = load(it, out_error);
    it->loaded = clock_monotonic(system_clock());
    if (status == STATUS_OK) status = apply_what_if(it, out_error);
    if (status == STATUS_OK) {
        status =
            doctor_init(it->doctor, &it->rules->set, sqlite_evidence_port(it->store), out_error);
    }
    if (status == STATUS_OK)
        status = doctor_diagnose(it->doctor, NULL, &it->arena, &it->diagnosis, out_error);
    const char *what_if = invocation_text(it->invocation, "what-if");
    if (what_if != NULL && status == STATUS_OK)
        it->diagnosis.what_if = str_from(what_if + sizeof "drop=" - 1);
    it->examined = clock_monotonic(system_clock());
    return status;
}

/* On standard error, beside a report that is the same bytes every time. */
static void times_show(const struct diagnosing *it)
{
    if (!invocation_has(it->invocation, "times")) return;
    BUF_SCOPE struct buf out;
    buf_init(&out, 256);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("load_ms"));
    json_write_int64(&writer, (it->loaded.ns - it->begun.ns) / NS_PER_MS);
    json_write_key(&writer, STR("examine_ms"));
    json_write_int64(&writer, (it->examined.ns - it->loaded.ns) / NS_PER_MS);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);              /* far smaller than the buf */
    (void)fprintf(stderr, "%.*s\n", STR_ARG(buf_view(&out))); /* a notice */
}

static enum status render(struct diagnosing *it, struct buf *out, struct error *out_error)
{
    struct evidence *evidence = sqlite_evidence_port(it->store);
    const char *fault = invocation_text(it->invocation, "explain-not");
    if (it->invocation->json) return diagnosis_json(&it->diagnosis, evidence, out, out_error);
    if (fault != NULL) {
        return diagnosis_why_not(&it->diagnosis, evidence, str_from(fault), out, out_error);
    }
    if (invocation_has(it->invocation, "next")) {
        diagnosis_next(&it->diagnosis, out);
        return STATUS_OK;
    }
    return diagnosis_text(&it->diagnosis, evidence, out, out_error);
}

static int failure_code(enum status status)
{
    if (status == STATUS_CORRUPT) return EXIT_INTEGRITY;
    return status == STATUS_INVALID || status == STATUS_NOT_FOUND ? EXIT_USAGE : EXIT_UNDONE;
}

static int diagnose_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct diagnosing it = { .invocation = invocation, .folder = invocation->positionals[0] };
    struct buf BUF_SCOPE out;
    buf_init(&out, DIAGNOSIS_TEXT_MAX);
    buf_init(&it.text, MANIFEST_SIZE_MAX);
    buf_init(&it.memory, sizeof *it.manifest + sizeof *it.doctor);
    enum status status = diagnose(&it, &error);
    if (status == STATUS_OK) status = render(&it, &out, &error);
    int code;
    if (status == STATUS_OK) {
        code = (int)diagnosis_exit_bits(&it.diagnosis);
        if (report_text(invocation, buf_view(&out)) != EXIT_CODE_DONE) code = EXIT_UNDONE;
        times_show(&it);
    } else {
        code = report_error(invocation, &error);
    }
    sqlite_evidence_close(it.store);
    doctor_rules_free(it.rules);
    arena_done(&it.arena);
    arena_done(&it.texts);
    buf_free(&it.memory);
    buf_free(&it.text);
    return code;
}

static const struct positional positionals[] = {
    { "BUNDLE", "the folder of an evidence bundle: docs/bundle.md", false },
    { 0 },
};

static const struct option options[] = {
    { "rules", "DIR", "a folder with faults/ and invariants/; without, the rules built in", NULL },
    { "explain-not", "ID", "why this fault is not the cause", NULL },
    { "what-if", "drop=RECORD", "diagnose as if this record had not been collected", NULL },
    { "next", NULL, "only what to collect next, and what it would decide", NULL },
    { "times", NULL, "beside the report, on standard error: how long loading and examining took",
      NULL },
    { 0 },
};

static const struct own_exit_code exit_codes[] = {
    { 0, "clean and complete" },
    { 1, "violations; 1, 2 and 4 are added up" },
    { 2, "not all was checked" },
    { 4, "something is unexplained" },
    { EXIT_INTEGRITY, "alone: the evidence is not what its manifest or its custody says" },
    { EXIT_USAGE, "alone: the command line, the bundle or the rules are wrong" },
    { EXIT_UNDONE,
      "alone: no diagnosis was made or written: no memory, no disk, no right to read" },
    { 0, NULL },
};

const struct command command_doctor_diagnose = {
    .name = "doctor diagnose",
    .summary = "name the causes of damage in a bundle of evidence, and what they touched",
    .details =
        "The report names what is violated, the causes that explain it with how sure they are, "
        "the accounts and amounts that they touched, what else was considered and which record "
        "excludes it, and what could not be seen. Equal evidence gives equal bytes. --json has all "
        "of it (docs/doctor_json.md); the text shows the first of long lists.",
    .positionals = positionals,
    .options = options,
    .examples = "doctor diagnose ./bundle\n"
                "doctor diagnose ./bundle --json\n"
                "doctor diagnose ./bundle --explain-not P01\n"
                "doctor diagnose ./bundle --what-if drop=R-0123456789abcdef\n"
                "doctor diagnose ./bundle --next",
    .exit_codes = exit_codes,
    .failure_code = failure_code,
    .run = diagnose_run,
};

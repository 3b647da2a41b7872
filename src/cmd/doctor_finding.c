/* tpwallet doctor finding: an outside expert's word on a bundle, signed, and back under its custody. */
#include <stdio.h>
#include <string.h>

#include "adapter/new_file.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/hex.h"
#include "cmd/answer.h"
#include "cmd/doctor_bundle.h"
#include "cmd/file_bytes.h"
#include "cmd/note_keys.h"
#include "cmd/report.h"
#include "doctor/finding.h"

enum { MANIFEST_MAX = 16 << 20, POINTER_MAX = 8192, EXPERTS_MAX = 16, TITLE_LEN_MAX = 200 };

/* ---- write ---- */

/* The manifest that this bundle derives from; its own when it is no derivative. */
static enum status original_read(struct doctor_bundle *bundle, const struct digest *own,
                                 struct digest *out_digest)
{
    BUF_SCOPE struct buf text;
    struct arena arena;
    struct answer_object pointer;
    buf_init(&text, POINTER_MAX);
    enum status status = doctor_bundle_get_kept(bundle, "derived.json", &text);
    *out_digest = *own;
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = arena_init(&arena, answer_arena_size(buf_view(&text)));
    if (status != STATUS_OK) return error_set(&bundle->error, status, "no memory");
    status = answer_read(buf_view(&text), &arena, &pointer);
    if (status == STATUS_OK)
        status = hex_parse(answer_text(&pointer, "original_manifest_sha256"), out_digest->bytes,
                           sizeof out_digest->bytes);
    arena_done(&arena);
    if (status == STATUS_OK) return STATUS_OK;
    return error_set(&bundle->error, STATUS_CORRUPT, "derived.json is damaged");
}

static enum status finding_make(struct doctor_bundle *bundle, struct str text, struct buf *out)
{
    BUF_SCOPE struct buf manifest;
    buf_init(&manifest, MANIFEST_MAX);
    struct finding_note finding = {
        .incident = bundle->incident.id,
        .at = clock_wall(system_clock()),
        .text = text,
    };
    if (!bundle->signs)
        return error_set(&bundle->error, STATUS_INVALID, "--key is missing: whose finding is it?");
    if (!finding_text_is_valid(text))
        return error_set(&bundle->error, STATUS_INVALID,
                         "a finding is lines of UTF-8, the last one ended, of at most %d bytes",
                         FINDING_TEXT_MAX);
    enum status status = doctor_bundle_get_kept(bundle, "manifest.json", &manifest);
    if (status != STATUS_OK) return status;
    finding.seen = digest_of(manifest.data, manifest.len);
    status = original_read(bundle, &finding.seen, &finding.original);
    if (status == STATUS_OK) finding_write(&finding, &bundle->signer, out);
    return status;
}

static int write_run(struct invocation *invocation)
{
    struct doctor_bundle bundle;
    BUF_SCOPE struct buf text;
    BUF_SCOPE struct buf note;
    buf_init(&text, FINDING_TEXT_MAX + 1);
    buf_init(&note, FINDING_NOTE_MAX);
    const char *source = invocation_text(invocation, "text");
    const char *target = invocation_text(invocation, "out");
    enum status status = doctor_bundle_open(invocation->positionals[0],
                                            invocation_text(invocation, "key"), NULL, &bundle);
    if (status == STATUS_OK && source == NULL)
        status = error_set(&bundle.error, STATUS_INVALID, "--text is missing: what was found?");
    if (status == STATUS_OK) status = file_bytes_read(source, &text, &bundle.error);
    if (status == STATUS_OK) status = finding_make(&bundle, buf_view(&text), &note);
    if (status == STATUS_OK && target != NULL)
        status = new_file_write(target, buf_view(&note), 0600, &bundle.error);
    int code = EXIT_CODE_DONE;
    if (status != STATUS_OK)
        code = report_error(invocation, &bundle.error);
    else if (target == NULL)
        code = report_text(invocation, buf_view(&note));
    doctor_bundle_close(&bundle);
    return code;
}

/* ---- add ---- */

/* Whether the bundle's manifest ever had this digest: what was looked at is ours, as it was then. */
static enum status was_ours(struct doctor_bundle *bundle, const struct digest *original)
{
    enum status status;
    struct str rest = buf_view(&bundle->custody);
    struct custody_chain chain = { 0 };
    struct custody_entry entry;
    while ((status = custody_next(&rest, &chain, &entry, &bundle->error)) == STATUS_OK)
        if (str_equal(entry.subject, STR("manifest.json")) && digest_equal(&entry.digest, original))
            return STATUS_OK;
    if (status != STATUS_NOT_FOUND) return status;
    return error_set(&bundle->error, STATUS_DENIED,
                     "the finding is about another bundle, or one that was changed");
}

static enum status expert_check(const struct invocation *invocation,
                                const struct finding_note *finding, struct error *error)
{
    static const struct note_keys_option option = { "experts", NOTE_ED25519, EXPERTS_MAX,
                                                    "tpwallet doctor key" };
    struct note_key experts[EXPERTS_MAX];
    uint32_t count = 0;
    const char *keys = invocation_text(invocation, "experts");
    if (keys == NULL)
        return error_set(error, STATUS_INVALID, "--experts is missing: whose findings are taken?");
    enum status status = note_keys_parse(&option, str_from(keys), experts, &count, error);
    if (status != STATUS_OK) return status;
    char text[NOTE_KEY_TEXT_SIZE], known[NOTE_KEY_TEXT_SIZE];
    struct str signer = note_key_format(&finding->key, text);
    for (uint32_t i = 0; i < count; i++)
        if (str_equal(signer, note_key_format(&experts[i], known))) return STATUS_OK;
    return error_set(error, STATUS_DENIED, "it is signed by none of --experts");
}

/* The ticket has its first line, and the bundle the whole. */
static enum status finding_put(struct doctor_bundle *bundle, const struct finding_note *finding,
                               struct str note)
{
    char name[256], told[INCIDENT_TEXT_MAX];
    struct str who = note_key_name(&finding->key);
    struct digest digest = digest_of(note.data, note.len);
    char hex[2 * sizeof digest.bytes + 1];
    (void)hex_format(digest.bytes, sizeof digest.bytes, hex);
    int len = snprintf(name, sizeof name, "findings/%.*s-%.16s.note", STR_ARG(who), hex);
    if (len < 0 || (size_t)len >= sizeof name || memchr(who.data, '/', who.len) != NULL)
        return error_set(&bundle->error, STATUS_INVALID, "the name of the key makes no file");
    struct str rest = finding->text;
    struct str first = STR("");
    (void)str_take_line(&rest, &first); /* a valid text has one */
    if (first.len > TITLE_LEN_MAX) first.len = TITLE_LEN_MAX;
    len = snprintf(told, sizeof told, "finding of %.*s: %.*s", STR_ARG(who), STR_ARG(first));
    CHECK(len > 0 && (size_t)len < sizeof told);
    enum status status = doctor_bundle_put(bundle, name, "found", note);
    if (status == STATUS_OK) status = doctor_bundle_note(bundle, told);
    return status == STATUS_OK ? doctor_bundle_seal(bundle) : status;
}

static int add_run(struct invocation *invocation)
{
    struct doctor_bundle bundle;
    struct finding_note finding;
    BUF_SCOPE struct buf note;
    buf_init(&note, FINDING_NOTE_MAX);
    const char *source = invocation_text(invocation, "note");
    enum status status = doctor_bundle_open(invocation->positionals[0],
                                            invocation_text(invocation, "key"), NULL, &bundle);
    if (status == STATUS_OK && source == NULL)
        status = error_set(&bundle.error, STATUS_INVALID, "--note is missing: which finding?");
    if (status == STATUS_OK) status = file_bytes_read(source, &note, &bundle.error);
    if (status == STATUS_OK) status = finding_read(buf_view(&note), &finding, &bundle.error);
    if (status == STATUS_OK && !str_equal(finding.incident, bundle.incident.id))
        status = error_set(&bundle.error, STATUS_DENIED, "the finding is about another incident");
    if (status == STATUS_OK) status = expert_check(invocation, &finding, &bundle.error);
    if (status == STATUS_OK) status = was_ours(&bundle, &finding.original);
    if (status == STATUS_OK) status = finding_put(&bundle, &finding, buf_view(&note));
    int code;
    if (status == STATUS_OK)
        code = report_text(invocation, invocation->json ? STR("{}\n") : finding.text);
    else
        code = report_error(invocation, &bundle.error);
    doctor_bundle_close(&bundle);
    return code;
}

/* ---- the commands ---- */

static const struct positional write_positionals[] = {
    { "BUNDLE", "the bundle, or the derivative of one, that was looked at", false },
    { 0 },
};

static const struct option write_options[] = {
    { "key", "FILE", "the expert's own key", NULL },
    { "text", "FILE", "what was found, in lines of UTF-8; the first is its title", NULL },
    { "out", "FILE", "a new file for the signed note; shown without it", NULL },
    { 0 },
};

const struct command command_doctor_finding_write = {
    .name = "doctor finding write",
    .summary = "sign what was found in a bundle that one was given, for whoever gave it",
    .details = "The note holds the SHA-256 of the manifest that was looked at, and of the one that "
               "it derives from. Nothing of the bundle is changed.",
    .positionals = write_positionals,
    .options = write_options,
    .examples = "doctor finding write case-for-expert --key eve.key --text found.txt --out f.note",
    .run = write_run,
};

static const struct positional add_positionals[] = {
    { "BUNDLE", "the incident's folder", false },
    { 0 },
};

static const struct option add_options[] = {
    { "key", "FILE", "the key that signs the custody", NULL },
    { "note", "FILE", "what `doctor finding write` made", NULL },
    { "experts", "KEYS", "public keys whose findings are taken, with commas between", NULL },
    { 0 },
};

const struct command command_doctor_finding_add = {
    .name = "doctor finding add",
    .summary = "take an expert's signed finding into the incident, under its custody",
    .details = "Refused: by an unknown key, with a wrong signature, about another incident, or "
               "about a bundle that this one never was. The ticket gets its first line. A finding "
               "is a person's word: the diagnosis and the plan do not follow from it.",
    .positionals = add_positionals,
    .options = add_options,
    .examples = "doctor finding add case --key anna.key --note f.note --experts eve+1f2e3d4c+AQ...",
    .run = add_run,
};

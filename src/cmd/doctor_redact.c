/* tpwallet doctor redact: a bundle for outsiders, derived from one and pointing to it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/json_member.h"
#include "base/json_reader.h"
#include "cmd/doctor_bundle.h"
#include "cmd/report.h"
#include "doctor/bundle_path.h"
#include "doctor/redaction.h"
#include "model/evidence.h"

#define UNFINISHED ".unfinished"
enum { LINE_ROOM = EVIDENCE_LINE_SIZE_MAX + 2, KINDS_MAX = 64 };

struct redacting {
    const char *path;                 /* of the derivative when it is whole */
    char unfinished[DOCTOR_PATH_MAX]; /* until then */
    struct doctor_bundle from;
    struct doctor_bundle to;
    struct redaction redaction;
    struct arena arena; /* of a line */
    uint64_t hidden;
};

/* A source of the original, as far as the derivative tells of it. */
struct origin {
    char path[256];
    char system[128];
    char order[16];
    char kinds[KINDS_MAX][32];
    const char *kind_list[KINDS_MAX + 1];
    uint32_t kind_count;
    uint64_t authority;
    struct str coverage; /* as it is written there */
};

static void text_keep(struct json_reader *reader, char *out, size_t size)
{
    struct str text;
    if (!json_string(reader, &text)) return;
    if (text.len >= size) {
        json_fail(reader, "a text that is too long");
        return;
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

static void kinds_keep(struct json_reader *reader, struct origin *origin)
{
    if (!json_array_begin(reader)) return;
    while (json_array_next(reader)) {
        if (origin->kind_count == KINDS_MAX) {
            json_fail(reader, "too many kinds");
            return;
        }
        char *kind = origin->kinds[origin->kind_count];
        text_keep(reader, kind, sizeof origin->kinds[0]);
        origin->kind_list[origin->kind_count++] = kind;
    }
}

static enum status origin_read(struct redacting *all, struct str line, struct origin *origin)
{
    struct json_reader reader;
    struct str key;
    memset(origin, 0, sizeof *origin);
    memcpy(origin->order, "none", 5);
    arena_reset(&all->arena);
    json_reader_init(&reader, line, &all->arena);
    if (json_object_begin(&reader)) {
        while (json_object_next(&reader, &key)) {
            if (str_equal(key, STR("path")))
                text_keep(&reader, origin->path, sizeof origin->path);
            else if (str_equal(key, STR("system")))
                text_keep(&reader, origin->system, sizeof origin->system);
            else if (str_equal(key, STR("order")))
                text_keep(&reader, origin->order, sizeof origin->order);
            else if (str_equal(key, STR("authority")))
                (void)json_uint64(&reader, &origin->authority); /* a fault stays, here and below */
            else if (str_equal(key, STR("coverage")))
                (void)json_raw(&reader, &origin->coverage);
            else if (str_equal(key, STR("kind")))
                kinds_keep(&reader, origin);
            else
                (void)json_skip(&reader);
        }
    }
    bool good = json_end(&reader) == STATUS_OK &&
                str_starts(str_from(origin->path), STR("evidence/")) &&
                bundle_path_is_kept(str_from(origin->path));
    if (good) return STATUS_OK;
    return error_set(&all->to.error, STATUS_INVALID, "sources.ndjson of the original is damaged");
}

static enum status lines_redact(struct redacting *all, FILE *input, struct doctor_file *file)
{
    BUF_SCOPE struct buf window;
    buf_init(&window, LINE_ROOM);
    char *line = buf_extend(&window, LINE_ROOM);
    if (line == NULL) return error_set(&all->to.error, STATUS_LIMIT, "no memory");
    while (fgets(line, LINE_ROOM, input) != NULL) {
        size_t len = strlen(line);
        if (len == 0 || line[len - 1] != '\n') {
            return error_set(&all->to.error, STATUS_INVALID,
                             "a line of the evidence is too long to be redacted");
        }
        struct str text = { line, len - 1 };
        enum status status =
            redaction_line(&all->redaction, text, &all->arena, &file->line, &all->hidden);
        if (status != STATUS_OK)
            return error_set(&all->to.error, status, "a line of the evidence cannot be redacted");
        status = doctor_file_rows(file, 1);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status source_redact(struct redacting *all, struct str line)
{
    struct origin origin;
    enum status status = origin_read(all, line, &origin);
    if (status != STATUS_OK) return status;
    const struct doctor_source source = {
        .name = "redacted",
        .system = origin.system,
        .collector = "redaction",
        .order = origin.order,
        .clock = origin.system,
        .authority = (uint32_t)origin.authority,
        .kinds = origin.kind_list,
        .coverage = origin.coverage,
    };
    FILE *input;
    struct doctor_file file;
    status = doctor_bundle_evidence(&all->from, origin.path, &input);
    if (status != STATUS_OK) {
        all->to.error = all->from.error;
        return status;
    }
    status = doctor_file_begin(&all->to, &source, &file);
    if (status == STATUS_OK) status = lines_redact(all, input, &file);
    status = doctor_file_end(&file, status);
    (void)fclose(input); /* only read from */
    return status;
}

static void pointer_build(const struct redacting *all, const struct digest *digest, struct buf *out)
{
    char hex[2 * sizeof digest->bytes + 1];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("format"));
    json_write_string(&writer, STR("tpwallet-derivative-1"));
    json_write_key(&writer, STR("original_manifest_sha256"));
    json_write_string(&writer, hex_format(digest->bytes, sizeof digest->bytes, hex));
    json_member_number(&writer, "custody_entries", all->from.chain.number);
    json_member_number(&writer, "hidden", all->hidden);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* it is far smaller than the buf */
    buf_append_byte(out, '\n');
}

/* What the derivative is of: the original's manifest by its digest. */
static enum status pointer_put(struct redacting *all)
{
    BUF_SCOPE struct buf manifest;
    BUF_SCOPE struct buf text;
    buf_init(&manifest, 16 << 20);
    buf_init(&text, 8192);
    enum status status = doctor_bundle_get_kept(&all->from, "manifest.json", &manifest);
    if (status != STATUS_OK) {
        all->to.error = all->from.error;
        return status;
    }
    struct digest digest = digest_of(manifest.data, manifest.len);
    pointer_build(all, &digest, &text);
    return doctor_bundle_put(&all->to, "derived.json", "derived", buf_view(&text));
}

static enum status bundle_redact(struct redacting *all)
{
    struct str rest = buf_view(&all->from.sources);
    struct str line;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && str_take_line(&rest, &line)) status = source_redact(all, line);
    if (status == STATUS_OK) status = pointer_put(all);
    if (status == STATUS_OK)
        status = doctor_bundle_note(&all->to, "derived from the original; see derived.json");
    return status == STATUS_OK ? doctor_bundle_seal(&all->to) : status;
}

/* The ticket's notes are people's words: they stay with the original. */
static void ticket_of(const struct doctor_bundle *from, struct incident *out_incident)
{
    memset(out_incident, 0, sizeof *out_incident);
    out_incident->id = from->incident.id;
    out_incident->title = STR("redacted");
    out_incident->owner = STR("");
    out_incident->from = from->incident.from;
    out_incident->to = from->incident.to;
}

static bool is_field(struct str name)
{
    for (uint32_t kind = 0; kind < evidence_kind_count(); kind++) {
        const struct evidence_field *field;
        for (uint32_t i = 0; (field = evidence_field_at(&evidence_kinds[kind], i)) != NULL; i++)
            if (str_equal(name, str_from(field->name))) return true;
    }
    return false;
}

/* A field that is spelt wrongly would hide nothing. */
static enum status fields_check(struct redacting *all)
{
    for (uint32_t i = 0; i < all->redaction.count; i++) {
        struct str name = all->redaction.hidden[i];
        if (is_field(name)) continue;
        enum status status =
            error_set(&all->to.error, STATUS_INVALID, "--hide: evidence has no field '%.*s'",
                      name.len > 64 ? 64 : STR_ARG(name));
        error_hint(&all->to.error, "docs/bundle.md lists them; nothing was written");
        return status;
    }
    return STATUS_OK;
}

/*
 * Half a derivative verifies as a bundle, and says nothing of it: it gets its name when it is whole.
 * What is left of a command that was killed has another name for ever.
 */
static enum status place_take(struct redacting *all, const char *path)
{
    struct stat stat;
    struct error *error = &all->to.error;
    all->path = path;
    int len = snprintf(all->unfinished, sizeof all->unfinished, "%s" UNFINISHED, path);
    if (len <= 0 || (size_t)len >= sizeof all->unfinished)
        return error_set(error, STATUS_INVALID, "the path of the derivative is too long");
    if (lstat(path, &stat) == 0) {
        (void)error_set(error, STATUS_CONFLICT, "%s is there already", path);
        error_hint(error,
                   "a derivative is a folder of its own: name a new one; nothing was written");
        return STATUS_CONFLICT;
    }
    if (lstat(all->unfinished, &stat) != 0) return STATUS_OK;
    enum status status = error_set(error, STATUS_CONFLICT, "%s is there already", all->unfinished);
    error_hint(error, "a redaction is under way, or one was killed: then it is half a derivative, "
                      "and may be removed");
    return status;
}

static enum status place_keep(struct redacting *all)
{
    if (rename(all->unfinished, all->path) == 0) return STATUS_OK;
    return error_set(&all->to.error, STATUS_UNAVAILABLE, "cannot rename %s to %s: %s",
                     all->unfinished, all->path, strerror(errno));
}

static enum status all_run(struct redacting *all, const struct invocation *invocation)
{
    struct incident ticket;
    uint8_t key[32];
    entropy_fill(system_entropy(), key, sizeof key); /* thrown away with this process */
    enum status status = secret_take(key, sizeof key, &all->redaction.key);
    CHECK(status == STATUS_OK);
    status = arena_init(&all->arena, 4 * (size_t)EVIDENCE_LINE_SIZE_MAX);
    if (status != STATUS_OK) return error_set(&all->to.error, status, "no memory");
    status = redaction_fields(&all->redaction, str_from(invocation_text(invocation, "hide")));
    if (status != STATUS_OK)
        return error_set(&all->to.error, status, "--hide is no list of fields");
    status = fields_check(all);
    if (status != STATUS_OK) return status;
    status = doctor_bundle_open(invocation->positionals[0], NULL, NULL, &all->from);
    if (status != STATUS_OK) {
        all->to.error = all->from.error;
        return status;
    }
    ticket_of(&all->from, &ticket);
    status = place_take(all, invocation->positionals[1]);
    if (status == STATUS_OK)
        status = doctor_bundle_open(all->unfinished, invocation_text(invocation, "key"), &ticket,
                                    &all->to);
    if (status == STATUS_OK) status = bundle_redact(all);
    return status == STATUS_OK ? place_keep(all) : status;
}

static int redact_run(struct invocation *invocation)
{
    struct redacting all = { .hidden = 0 };
    enum status status = all_run(&all, invocation);
    int code;
    if (status == STATUS_OK) {
        BUF_SCOPE struct buf out;
        buf_init(&out, 8192);
        struct json_writer writer;
        json_writer_init(&writer, &out);
        json_write_object_begin(&writer);
        json_member_number(&writer, "hidden", all.hidden);
        json_write_object_end(&writer);
        status = json_write_end(&writer);
        CHECK(status == STATUS_OK); /* the same */
        buf_append_byte(&out, '\n');
        if (!invocation->json) {
            buf_reset(&out);
            buf_append_format(&out, "%s: %llu values are hidden\n", all.path,
                              (unsigned long long)all.hidden);
        }
        code = report_text(invocation, buf_view(&out));
    } else {
        code = report_error(invocation, &all.to.error);
        doctor_bundle_discard(&all.to);
    }
    doctor_bundle_close(&all.from);
    doctor_bundle_close(&all.to);
    arena_done(&all.arena);
    secret_done(&all.redaction.key);
    return code;
}

static const struct positional positionals[] = {
    { "BUNDLE", "the original, which stays as it is", false },
    { "NEW", "a new folder", false },
    { 0 },
};

static const struct option options[] = {
    { "key", "FILE", "the key that signs the new custody", NULL },
    { "hide", "FIELDS", "with commas between: their values become words that say nothing",
      "account,client,session,host,actor,idem,psp_ref,reference,subject,endpoint" },
    { 0 },
};

const struct command command_doctor_redact = {
    .name = "doctor redact",
    .summary = "make a bundle for outsiders: hidden values stay joinable, and say nothing",
    .details =
        "The new bundle has a custody of its own and points to the original by the SHA-256 of "
        "its manifest. Equal values stay equal, so that it can be diagnosed; the key that "
        "hides them is thrown away. People's notes stay behind. It is made as NEW" UNFINISHED
        ", and renamed when it is whole.",
    .positionals = positionals,
    .options = options,
    .examples = "doctor redact case case-for-expert --key anna.key",
    .run = redact_run,
};

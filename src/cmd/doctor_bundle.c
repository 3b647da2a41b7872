#include "cmd/doctor_bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/new_file.h"
#include "adapter/secret_file.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/json_member.h"
#include "base/json_reader.h"
#include "cmd/bundle_file.h"
#include "cmd/doctor_verify.h"
#include "cmd/file_bytes.h"
#include "cmd/folder_remove.h"
#include "doctor/bundle_path.h"

enum {
    PUT_SIZE_MAX = 64 << 20,
    LINES_HELD = 1 << 18,
    SOURCES_SIZE_MAX = 4 << 20,
    UNREAD_SIZE_MAX = 1 << 20,
    READ_ATTEMPTS = 8,
    TICKET_ARENA = INCIDENT_SIZE_MAX + 65536
};

#define AHEAD_MAX_NS NS_PER_S /* what well kept clocks differ by, and some */

static struct wall_time now(void)
{
    struct clock *clock = system_clock();
    return clock->wall(clock);
}

static bool path_of(const struct doctor_bundle *bundle, const char *name, const char *more,
                    char out_path[DOCTOR_PATH_MAX])
{
    int len = snprintf(out_path, DOCTOR_PATH_MAX, "%s/%s%s", bundle->path, name, more);
    return len > 0 && len < DOCTOR_PATH_MAX;
}

static enum status failed(struct doctor_bundle *bundle, const char *what, const char *name)
{
    enum status status = errno == EFBIG ? STATUS_LIMIT : status_of_errno(errno);
    if (errno == ELOOP || errno == ENOTDIR || errno == EINVAL) status = STATUS_CORRUPT;
    if (errno == ENOENT) status = STATUS_NOT_FOUND;
    (void)error_set(&bundle->error, status, "cannot %s %s/%s: %s", what, bundle->path, name,
                    strerror(errno)); /* returned below */
    if (status == STATUS_LIMIT) error_hint(&bundle->error, "make room, and give the command again");
    if (status == STATUS_CORRUPT)
        error_hint(&bundle->error, "a bundle has folders and plain files, no links");
    return status;
}

enum status doctor_bundle_get(struct doctor_bundle *bundle, const char *name, struct buf *out_bytes)
{
    int file = bundle_file_open(bundle->folder, name);
    if (file < 0) return failed(bundle, "open", name);
    return file_bytes_take(file, name, out_bytes, &bundle->error);
}

bool doctor_bundle_has(const struct doctor_bundle *bundle, const char *name)
{
    int file = bundle_file_open(bundle->folder, name);
    if (file >= 0) (void)close(file); /* only looked for */
    return file >= 0;
}

/* ---- custody ---- */

static enum status custody_enter(struct doctor_bundle *bundle, const char *act, const char *name,
                                 const struct digest *digest)
{
    if (!bundle->signs)
        return error_set(&bundle->error, STATUS_INVALID, "a change of a bundle needs --key");
    const struct custody_entry entry = {
        .at = now(),
        .act = str_from(act),
        .subject = str_from(name),
        .digest = *digest,
    };
    struct custody_chain chain = bundle->chain;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, CUSTODY_ENTRY_MAX * 2);
    custody_append(&chain, &entry, &bundle->signer, &bytes);
    if (bytes.len > CUSTODY_SIZE_MAX - bundle->custody.len)
        return error_set(&bundle->error, STATUS_LIMIT, "the custody of %s is full", bundle->path);
    if (!bundle_file_append(bundle->folder, BUNDLE_CUSTODY_FILE, buf_view(&bytes)))
        return failed(bundle, "write", BUNDLE_CUSTODY_FILE);
    buf_append_str(&bundle->custody, buf_view(&bytes));
    bundle->chain = chain;
    return buf_status(&bundle->custody) == STATUS_OK
               ? STATUS_OK
               : error_set(&bundle->error, STATUS_LIMIT, "no memory for the custody");
}

static enum status unfinished_refuse(struct doctor_bundle *bundle,
                                     const struct custody_entry *newest)
{
    struct str who = note_key_name(&newest->key);
    enum status status =
        error_set(&bundle->error, STATUS_CONFLICT, "a change of %.*s by %.*s was not finished",
                  STR_ARG(newest->subject), STR_ARG(who));
    error_hint(&bundle->error, "the next command with that --key finishes it; nobody else's does");
    return status;
}

/*
 * Whoever was ended between the custody's entry and the file's taking its place: it takes it now,
 * when it is this key's owner who said so. A file that the custody does not tell of was not put.
 */
static enum status unfinished_end(struct doctor_bundle *bundle, const struct custody_entry *newest)
{
    char name[CUSTODY_WORD_MAX + 1];
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, PUT_SIZE_MAX);
    enum status status = doctor_bundle_get(bundle, BUNDLE_UNFINISHED_FILE, &bytes);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    struct digest digest = digest_of(bytes.data, bytes.len);
    if (newest->number == 0 || !digest_equal(&digest, &newest->digest))
        return unlinkat(bundle->folder, BUNDLE_UNFINISHED_FILE, 0) == 0
                   ? STATUS_OK
                   : failed(bundle, "remove", BUNDLE_UNFINISHED_FILE);
    if (!note_key_equal(&newest->key, &bundle->signer.key))
        return unfinished_refuse(bundle, newest);
    CHECK(custody_subject_is_valid(newest->subject)); /* else it is no entry */
    memcpy(name, newest->subject.data, newest->subject.len);
    name[newest->subject.len] = '\0';
    return bundle_file_rename(bundle->folder, BUNDLE_UNFINISHED_FILE, name)
               ? STATUS_OK
               : failed(bundle, "replace", name);
}

/* *rest: behind the last entry. One without its end was never entered. */
static bool is_torn(struct doctor_bundle *bundle, struct str rest)
{
    if (!custody_is_torn(rest)) return false;
    bundle->custody.len -= rest.len;
    return true;
}

static enum status custody_read(struct doctor_bundle *bundle)
{
    struct custody_entry entry;
    struct custody_entry newest = { .subject = STR("") };
    buf_reset(&bundle->custody);
    bundle->chain = (struct custody_chain){ 0 };
    enum status status = doctor_bundle_get(bundle, BUNDLE_CUSTODY_FILE, &bundle->custody);
    if (status != STATUS_OK) return status;
    struct str rest = buf_view(&bundle->custody);
    struct str behind = rest;
    while ((status = custody_next(&rest, &bundle->chain, &entry, &bundle->error)) == STATUS_OK) {
        newest = entry;
        behind = rest;
    }
    bool torn = status == STATUS_INVALID && is_torn(bundle, behind);
    if (status != STATUS_NOT_FOUND && !torn) {
        error_hint(&bundle->error, "`tpwallet doctor verify` says more");
        return bundle->error.status = STATUS_CORRUPT;
    }
    if (!bundle->locked) return STATUS_OK;
    new_file_clear(bundle->folder, BUNDLE_UNFINISHED_FILE);
    if (torn && !bundle_file_cut(bundle->folder, BUNDLE_CUSTODY_FILE, bundle->custody.len))
        return failed(bundle, "cut", BUNDLE_CUSTODY_FILE);
    return unfinished_end(bundle, &newest);
}

static enum status not_kept(struct doctor_bundle *bundle, const char *name)
{
    enum status status =
        error_set(&bundle->error, STATUS_DENIED, "%s is not as its custody has it", name);
    error_hint(&bundle->error, "`tpwallet doctor verify` says more");
    return status;
}

/* What was entered last, and has not taken its place yet. */
static enum status unfinished_get(struct doctor_bundle *bundle, const char *name,
                                  const struct custody_entry *entry, struct buf *out_bytes)
{
    buf_reset(out_bytes);
    enum status status = entry->number == bundle->chain.number
                             ? doctor_bundle_get(bundle, BUNDLE_UNFINISHED_FILE, out_bytes)
                             : STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        struct digest digest = digest_of(out_bytes->data, out_bytes->len);
        if (digest_equal(&entry->digest, &digest)) return STATUS_OK;
    }
    return not_kept(bundle, name);
}

enum status doctor_bundle_get_kept(struct doctor_bundle *bundle, const char *name,
                                   struct buf *out_bytes)
{
    struct custody_entry entry;
    enum status status = doctor_bundle_get(bundle, name, out_bytes);
    if (status != STATUS_OK) return status;
    struct digest digest = digest_of(out_bytes->data, out_bytes->len);
    if (!custody_newest(buf_view(&bundle->custody), str_from(name), &entry))
        return not_kept(bundle, name);
    if (digest_equal(&entry.digest, &digest)) return STATUS_OK;
    return unfinished_get(bundle, name, &entry, out_bytes);
}

bool doctor_bundle_signer(const struct doctor_bundle *bundle, const char *name,
                          struct note_key *out_key)
{
    struct custody_entry entry;
    if (!custody_newest(buf_view(&bundle->custody), str_from(name), &entry)) return false;
    *out_key = entry.key;
    return true;
}

enum status doctor_bundle_evidence(struct doctor_bundle *bundle, const char *name, FILE **out_file)
{
    struct custody_entry entry;
    struct digest digest;
    if (!custody_newest(buf_view(&bundle->custody), str_from(name), &entry))
        return not_kept(bundle, name);
    int file = bundle_file_open(bundle->folder, name);
    FILE *stream = file < 0 ? NULL : fdopen(file, "r");
    if (stream == NULL) {
        enum status status = failed(bundle, "open", name);
        if (file >= 0) (void)close(file); /* only opened */
        return status;
    }
    enum status status = STATUS_OK;
    if (!bundle_file_digest(file, &digest))
        status = failed(bundle, "read", name);
    else if (!digest_equal(&digest, &entry.digest))
        status = not_kept(bundle, name);
    if (status != STATUS_OK) {
        (void)fclose(stream); /* only read */
        return status;
    }
    *out_file = stream;
    return STATUS_OK;
}

/* ---- files ---- */

enum status doctor_bundle_put(struct doctor_bundle *bundle, const char *name, const char *act,
                              struct str bytes)
{
    char fresh[DOCTOR_PATH_MAX];
    if (!custody_subject_is_valid(str_from(name)))
        return error_set(&bundle->error, STATUS_INVALID, "'%s' is no name of a file of a bundle",
                         name);
    if (!path_of(bundle, BUNDLE_UNFINISHED_FILE, "", fresh))
        return error_set(&bundle->error, STATUS_INVALID, "the path of the bundle is too long");
    (void)unlinkat(bundle->folder, BUNDLE_UNFINISHED_FILE, 0); /* of one who was interrupted */
    enum status status = new_file_write(fresh, bytes, 0600, &bundle->error);
    if (status != STATUS_OK) return status;
    struct digest digest = digest_of(bytes.data, bytes.len);
    status = custody_enter(bundle, act, name, &digest);
    if (status != STATUS_OK) {
        (void)unlinkat(bundle->folder, BUNDLE_UNFINISHED_FILE, 0); /* the error stands */
        return status;
    }
    /* where that fails, it takes its place when the bundle is opened next */
    if (!bundle_file_rename(bundle->folder, BUNDLE_UNFINISHED_FILE, name))
        status = failed(bundle, "replace", name);
    return status;
}

static enum status key_read(struct doctor_bundle *bundle, const char *key)
{
    char text[NOTE_KEY_TEXT_SIZE];
    size_t size;
    if (key == NULL) return STATUS_OK;
    enum status status = secret_file_read(key, text, sizeof text, &size, &bundle->error);
    if (status != STATUS_OK) return status;
    while (size > 0 && text[size - 1] == '\n') size--;
    status = note_signer_parse((struct str){ text, size }, &bundle->signer);
    secret_wipe(text, sizeof text);
    if (status != STATUS_OK || bundle->signer.key.kind != NOTE_ED25519)
        return error_set(&bundle->error, STATUS_INVALID, "%s is no private key: see `doctor key`",
                         key);
    bundle->signs = true;
    return STATUS_OK;
}

static enum status folder_open(struct doctor_bundle *bundle)
{
    int folder = open(bundle->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return failed(bundle, "open", "");
    bundle->folder = folder;
    return STATUS_OK;
}

/* Two who append to one custody would break its chain. Ends with the process, whatever becomes of it. */
static enum status lock_take(struct doctor_bundle *bundle)
{
    const char *other;
    if (flock(bundle->folder, LOCK_EX | LOCK_NB) == 0) {
        bundle->locked = true;
        if (bundle_folders_are_plain(bundle->folder, bundle_folders, &other)) return STATUS_OK;
        return failed(bundle, "write in", other);
    }
    if (errno != EWOULDBLOCK) return failed(bundle, "lock", "");
    enum status status =
        error_set(&bundle->error, STATUS_CONFLICT, "another process writes %s now", bundle->path);
    error_hint(&bundle->error, "wait until it has ended, and give the command again");
    return status;
}

static enum status bundle_make(struct doctor_bundle *bundle, const struct incident *create)
{
    if (mkdir(bundle->path, 0700) != 0) {
        if (errno == EEXIST) {
            (void)error_set(&bundle->error, STATUS_CONFLICT,
                            "%s is there already, and is no bundle", bundle->path);
            error_hint(&bundle->error, "name a folder that is new: nothing was changed");
            return STATUS_CONFLICT;
        }
        return failed(bundle, "make", "");
    }
    bundle->made = true;
    enum status status = folder_open(bundle);
    for (const char *const *name = bundle_folders; status == STATUS_OK && *name != NULL; name++)
        if (mkdirat(bundle->folder, *name, 0700) != 0) status = failed(bundle, "make", *name);
    bundle->incident = *create;
    bundle->incident.opened_at = now();
    if (status == STATUS_OK) status = lock_take(bundle);
    if (status == STATUS_OK) status = doctor_bundle_note(bundle, "incident opened");
    if (status == STATUS_OK)
        status = doctor_bundle_put(bundle, "sources.ndjson", "opened", STR(""));
    return status == STATUS_OK ? doctor_bundle_seal(bundle) : status;
}

/* Kinds and sources, as far as what follows needs them. */
static void sources_count(struct doctor_bundle *bundle)
{
    bundle->source_count = 0;
    struct str rest = buf_view(&bundle->sources);
    struct str line;
    while (str_take_line(&rest, &line)) bundle->source_count++;
}

static enum status bundle_read(struct doctor_bundle *bundle)
{
    buf_reset(&bundle->ticket);
    buf_reset(&bundle->sources);
    enum status status = custody_read(bundle);
    if (status == STATUS_OK)
        status = doctor_bundle_get_kept(bundle, "incident.json", &bundle->ticket);
    if (status == STATUS_OK)
        status = doctor_bundle_get_kept(bundle, "sources.ndjson", &bundle->sources);
    return status;
}

/* Whoever only reads may do so while another one writes: what is of two moments is read again. */
static int attempts_of(const struct doctor_bundle *bundle)
{
    return bundle->locked ? 1 : READ_ATTEMPTS;
}

static enum status bundle_fill(struct doctor_bundle *bundle)
{
    int attempts = attempts_of(bundle);
    enum status status;
    do status = bundle_read(bundle);
    while (status == STATUS_DENIED && --attempts > 0);
    if (status != STATUS_OK) return status;
    sources_count(bundle);
    arena_reset(&bundle->arena);
    return incident_parse(buf_view(&bundle->ticket), &bundle->arena, &bundle->incident,
                          &bundle->error);
}

static enum status bundle_open(struct doctor_bundle *bundle)
{
    enum status status = folder_open(bundle);
    if (status == STATUS_OK && bundle->signs) status = lock_take(bundle);
    return status == STATUS_OK ? bundle_fill(bundle) : status;
}

enum status doctor_bundle_get_newest(struct doctor_bundle *bundle, const char *name,
                                     struct buf *out_bytes)
{
    enum status status = doctor_bundle_get_kept(bundle, name, out_bytes);
    for (int left = attempts_of(bundle) - 1; status == STATUS_DENIED && left > 0; left--) {
        buf_reset(out_bytes);
        status = bundle_fill(bundle);
        if (status == STATUS_OK) status = doctor_bundle_get_kept(bundle, name, out_bytes);
    }
    return status;
}

enum status doctor_bundle_open(const char *path, const char *key, const struct incident *create,
                               struct doctor_bundle *bundle)
{
    memset(bundle, 0, sizeof *bundle);
    bundle->path = path;
    buf_init(&bundle->ticket, INCIDENT_SIZE_MAX);
    buf_init(&bundle->sources, SOURCES_SIZE_MAX);
    buf_init(&bundle->unread, UNREAD_SIZE_MAX);
    buf_init(&bundle->custody, CUSTODY_SIZE_MAX);
    enum status status = arena_init(&bundle->arena, TICKET_ARENA);
    if (status != STATUS_OK) return error_set(&bundle->error, status, "no memory");
    status = key_read(bundle, key);
    if (status != STATUS_OK) return status;
    char log[DOCTOR_PATH_MAX];
    if (!path_of(bundle, BUNDLE_CUSTODY_FILE, "", log))
        return error_set(&bundle->error, STATUS_INVALID, "the path of the bundle is too long");
    if (create == NULL) status = doctor_custody_is_there(path, &bundle->error);
    if (status != STATUS_OK) return status;
    if (access(log, F_OK) == 0 || create == NULL) return bundle_open(bundle);
    if (!bundle->signs)
        return error_set(&bundle->error, STATUS_INVALID, "a new bundle needs --key");
    return bundle_make(bundle, create);
}

void doctor_bundle_close(struct doctor_bundle *bundle)
{
    if (bundle->signs) note_signer_done(&bundle->signer);
    if (bundle->folder > 0) (void)close(bundle->folder); /* and so gives the lock back */
    arena_done(&bundle->arena);
    buf_free(&bundle->ticket);
    buf_free(&bundle->sources);
    buf_free(&bundle->unread);
    buf_free(&bundle->custody);
}

void doctor_bundle_discard(struct doctor_bundle *bundle)
{
    if (bundle->made) folder_remove(bundle->path); /* what made it fail is told */
}

enum status doctor_bundle_note(struct doctor_bundle *bundle, const char *text)
{
    struct str who = note_key_name(&bundle->signer.key);
    if (who.len > INCIDENT_WORD_MAX) who.len = INCIDENT_WORD_MAX;
    size_t len = strlen(text);
    char *copy = arena_take(&bundle->arena, len + 1);
    const struct incident_note note = { now(), who, { copy, len } };
    if (copy != NULL) memcpy(copy, text, len + 1);
    if (copy != NULL && incident_note_add(&bundle->incident, &note)) return STATUS_OK;
    return error_set(&bundle->error, STATUS_LIMIT, "the ticket takes no more notes like this");
}

/* ---- sources ---- */

/* Which ledger of ours a source is of, by its line; nil: of none. */
static struct uuid line_ledger(struct str line, struct arena *arena)
{
    struct json_reader reader;
    struct str key;
    struct uuid ledger = { 0 };
    struct arena_mark ARENA_SCOPE mark = arena_mark(arena);
    json_reader_init(&reader, line, arena);
    if (json_object_begin(&reader)) {
        while (json_object_next(&reader, &key)) {
            if (str_equal(key, STR("ledger")))
                (void)json_uuid(&reader, &ledger); /* a fault ends the object */
            else
                (void)json_skip(&reader); /* the same */
        }
    }
    return ledger;
}

struct uuid doctor_bundle_ledger(struct doctor_bundle *bundle)
{
    struct str rest = buf_view(&bundle->sources);
    struct str line;
    struct uuid ledger = { 0 };
    while (uuid_is_nil(ledger) && str_take_line(&rest, &line))
        ledger = line_ledger(line, &bundle->arena);
    return ledger;
}

enum status doctor_bundle_is_of(struct doctor_bundle *bundle, struct uuid ledger)
{
    char texts[2][UUID_TEXT_LEN + 1];
    struct uuid there = doctor_bundle_ledger(bundle);
    if (uuid_is_nil(there) || uuid_is_nil(ledger) || uuid_equal(there, ledger)) return STATUS_OK;
    uuid_format(there, texts[0]);
    uuid_format(ledger, texts[1]);
    (void)error_set(&bundle->error, STATUS_CONFLICT, "the bundle is of another ledger");
    error_detail(&bundle->error, "it has evidence of ledger %s, and this one is %s", texts[0],
                 texts[1]);
    error_hint(&bundle->error, "name the folder of that ledger, or another bundle");
    return STATUS_CONFLICT;
}

enum status doctor_bundle_is_of_folder(struct doctor_bundle *bundle, const char *folder)
{
    struct uuid ledger;
    enum status status = data_folder_read_ledger(folder, &ledger, &bundle->error);
    return status == STATUS_OK ? doctor_bundle_is_of(bundle, ledger) : status;
}

struct doctor_source doctor_source_of(const struct doctor_bundle *bundle, const char *name,
                                      const char *system, const char *const *kinds)
{
    return (struct doctor_source){
        .name = name,
        .system = system,
        .collector = name,
        .order = "none",
        .clock = system,
        .authority = 20,
        .kinds = kinds,
        .loss = "none",
        .from = bundle->incident.from,
        .to = bundle->incident.to,
    };
}

enum status doctor_file_begin(struct doctor_bundle *bundle, const struct doctor_source *source,
                              struct doctor_file *out_file)
{
    memset(out_file, 0, sizeof *out_file);
    out_file->bundle = bundle;
    out_file->source = source;
    buf_init(&out_file->line, 4 * LINES_HELD);
    int len = snprintf(out_file->name, sizeof out_file->name, "evidence/%02u-%s.ndjson",
                       bundle->source_count + 1, source->name);
    bool fits = len > 0 && (size_t)len < sizeof out_file->name &&
                path_of(bundle, out_file->name, "", out_file->path);
    if (!fits) return error_set(&bundle->error, STATUS_INVALID, "the name of a source is too long");
    (void)unlink(out_file->path); /* of one who was interrupted: it is in no manifest */
    return hashed_file_open(out_file->path, &out_file->written, &bundle->error);
}

static enum status lines_write(struct doctor_file *file)
{
    if (file->line.overflow)
        return error_set(&file->bundle->error, STATUS_LIMIT, "a record is too large");
    return hashed_file_give(&file->written, &file->line, &file->bundle->error);
}

enum status doctor_file_rows(struct doctor_file *file, uint64_t rows)
{
    file->rows += rows;
    return file->line.len < LINES_HELD ? STATUS_OK : lines_write(file);
}

void doctor_file_reject(struct doctor_file *file, uint64_t line, const char *reason)
{
    if (file->rejected == 0) {
        file->reject_line = line;
        file->reject_reason = reason;
    }
    file->rejected++;
}

void doctor_file_saw(struct doctor_file *file, struct wall_time from, struct wall_time to)
{
    if (!file->dated || from.ns < file->first.ns) file->first = from;
    if (!file->dated || to.ns > file->last.ns) file->last = to;
    if (!file->dated || from.ns > file->newest.ns) file->newest = from;
    file->dated = true;
}

void doctor_file_bound(const struct doctor_file *file, const struct invocation *invocation,
                       struct doctor_source *source)
{
    const char *from = invocation_text(invocation, "from");
    const char *to = invocation_text(invocation, "to");
    bool said = file->rows > 0 && from != NULL && to != NULL;
    if (!file->dated && !said) {
        source->loss = "unknown";
        return;
    }
    if (file->dated) {
        source->from = file->first;
        source->to = file->last;
    }
    struct wall_time at; /* what is no time was refused before */
    if (from != NULL && wall_time_parse(str_from(from), &at) == STATUS_OK) source->from = at;
    if (to != NULL && wall_time_parse(str_from(to), &at) == STATUS_OK) source->to = at;
}

void doctor_file_past(struct doctor_file *file, struct doctor_source *source)
{
    struct wall_time here = now();
    if (!file->dated || file->newest.ns <= here.ns + AHEAD_MAX_NS) return;
    char text[2][TIME_TEXT_SIZE];
    source->loss = "unknown";
    if (file->bundle->unread.len > UNREAD_SIZE_MAX - 1024) return; /* full, as below */
    struct str newest = wall_time_format(file->newest, text[0]);
    struct str told = wall_time_format(here, text[1]);
    buf_append_format(
        &file->bundle->unread,
        "%s: lines are of up to %.*s, and now it is %.*s: its clock or its time zone is "
        "wrong, and it covers nothing\n",
        file->name, STR_ARG(newest), STR_ARG(told));
}

/* Full, it tells of the first ones. */
static void unread_tell(struct doctor_file *file)
{
    struct buf *unread = &file->bundle->unread;
    if (file->rejected == 0 || unread->len > UNREAD_SIZE_MAX - 1024) return;
    buf_append_format(unread, "%s: %llu lines could not be read", file->name,
                      (unsigned long long)file->rejected);
    if (file->reject_reason != NULL && file->reject_line > 0)
        buf_append_format(unread, "; the first is line %llu: %s",
                          (unsigned long long)file->reject_line, file->reject_reason);
    else if (file->reject_reason != NULL)
        buf_append_format(unread, "; the first: %s", file->reject_reason);
    buf_append_byte(unread, '\n');
}

static void time_member(struct json_writer *writer, const char *key, struct wall_time at)
{
    char text[TIME_TEXT_SIZE];
    json_member_text(writer, key, wall_time_format(at, text));
}

/* part NULL: of the whole. */
static void coverage_entry_write(struct json_writer *writer, const struct doctor_file *file,
                                 const char *kind, const struct doctor_part *part)
{
    const struct doctor_source *source = file->source;
    json_write_object_begin(writer);
    json_member_text(writer, "kind", str_from(kind));
    if (part != NULL) json_member_text(writer, "part", str_from(part->name));
    json_member_text(writer, "loss", str_from(source->loss));
    json_member_number(writer, "n_lost", file->rejected);
    time_member(writer, "from", source->from);
    time_member(writer, "to", source->to);
    if (part != NULL && part->pos_lo <= part->pos_hi) {
        json_member_number(writer, "pos_lo", (uint64_t)part->pos_lo);
        json_member_number(writer, "pos_hi", (uint64_t)part->pos_hi);
    }
    json_write_object_end(writer);
}

static void coverage_write(struct json_writer *writer, const struct doctor_file *file)
{
    const struct doctor_source *source = file->source;
    json_write_key(writer, STR("coverage"));
    if (source->coverage.len > 0) {
        json_write_json(writer, source->coverage);
        return;
    }
    json_write_array_begin(writer);
    for (const char *const *kind = source->kinds; *kind != NULL; kind++) {
        if (source->part_count == 0) coverage_entry_write(writer, file, *kind, NULL);
        for (uint32_t i = 0; i < source->part_count; i++)
            coverage_entry_write(writer, file, *kind, &source->parts[i]);
    }
    json_write_array_end(writer);
}

static void source_write(const struct doctor_file *file, const struct digest *digest,
                         struct json_writer *writer)
{
    const struct doctor_source *source = file->source;
    char hex[2 * sizeof digest->bytes + 1];
    json_write_object_begin(writer);
    json_member_text(writer, "path", str_from(file->name));
    json_write_key(writer, STR("kind"));
    json_write_array_begin(writer);
    for (const char *const *kind = source->kinds; *kind != NULL; kind++)
        json_write_string(writer, str_from(*kind));
    json_write_array_end(writer);
    json_member_text(writer, "system", str_from(source->system));
    json_member_number(writer, "authority", source->authority);
    json_member_text(writer, "order", str_from(source->order));
    json_member_text(writer, "clock", str_from(source->clock));
    json_member_text(writer, "collector", str_from(source->collector));
    time_member(writer, "collected_at", now());
    json_write_key(writer, STR("clock_offset_ns"));
    json_write_int64(writer, source->clock_offset_ns);
    json_write_key(writer, STR("clock_error_ns"));
    json_write_int64(writer, source->clock_error_ns);
    if (source->version != NULL)
        json_member_text(writer, "system_version", str_from(source->version));
    if (!uuid_is_nil(source->ledger)) {
        char ledger[UUID_TEXT_LEN + 1];
        uuid_format(source->ledger, ledger);
        json_member_text(writer, "ledger", str_from(ledger));
    }
    json_member_text(writer, "sha256", hex_format(digest->bytes, sizeof digest->bytes, hex));
    json_member_number(writer, "size", file->written.size);
    json_member_number(writer, "rows", file->rows);
    json_member_number(writer, "rejected", file->rejected);
    json_member_number(writer, "masked_cards", file->masked.cards);
    json_member_number(writer, "masked_secrets", file->masked.secrets);
    coverage_write(writer, file);
    json_write_object_end(writer);
}

/* adoption: NULL for a source of this bundle's own. */
static enum status source_enter(struct doctor_file *file, const struct digest *digest,
                                const struct doctor_adoption *adoption)
{
    struct doctor_bundle *bundle = file->bundle;
    size_t listed = bundle->sources.len;
    enum status status = STATUS_OK;
    if (adoption != NULL) {
        if (!digest_equal(digest, adoption->digest))
            return error_set(&bundle->error, STATUS_CORRUPT,
                             "%s was changed since it was collected", file->name);
        buf_append_str(&bundle->sources, adoption->line);
    } else {
        struct json_writer writer;
        json_writer_init(&writer, &bundle->sources);
        source_write(file, digest, &writer);
        status = json_write_end(&writer);
    }
    buf_append_byte(&bundle->sources, '\n');
    if (status != STATUS_OK || bundle->sources.overflow)
        return error_set(&bundle->error, STATUS_LIMIT, "the bundle has too many sources");
    const char *act = adoption == NULL ? "collected" : "adopted";
    status = custody_enter(bundle, act, file->name, digest);
    if (status == STATUS_OK)
        status = doctor_bundle_put(bundle, "sources.ndjson", "listed", buf_view(&bundle->sources));
    if (status != STATUS_OK)
        bundle->sources.len = listed; /* what is under custody is no source yet */
    if (adoption == NULL) unread_tell(file);
    bundle->source_count++;
    bundle->rows_written += file->rows;
    bundle->bytes_written += file->written.size;
    return status;
}

enum status doctor_file_adopt(struct doctor_file *file, const struct doctor_adoption *adoption,
                              enum status status)
{
    struct doctor_bundle *bundle = file->bundle;
    struct error first = bundle->error;
    struct digest digest;
    bool gone = status != STATUS_OK;
    bool made = file->written.open;
    uint64_t entered = bundle->chain.number;
    if (!gone && file->line.overflow)
        status = error_set(&bundle->error, STATUS_LIMIT, "a record is too large");
    if (status == STATUS_OK)
        status = hashed_file_finish(&file->written, &file->line, &digest, &bundle->error);
    else
        hashed_file_abandon(&file->written);
    if (status == STATUS_OK) status = source_enter(file, &digest, adoption);
    if (status != STATUS_OK && made && bundle->chain.number == entered) (void)unlink(file->path);
    buf_free(&file->line);
    if (gone) bundle->error = first;
    return status;
}

enum status doctor_file_end(struct doctor_file *file, enum status status)
{
    return doctor_file_adopt(file, NULL, status);
}

/* ---- the manifest ---- */

static void manifest_build(const struct doctor_bundle *bundle, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_member_text(&writer, "format", STR("tpwallet-bundle-1"));
    json_member_text(&writer, "incident", bundle->incident.id);
    time_member(&writer, "as_of", bundle->incident.to);
    json_write_key(&writer, STR("window"));
    json_write_object_begin(&writer);
    time_member(&writer, "from", bundle->incident.from);
    time_member(&writer, "to", bundle->incident.to);
    json_write_object_end(&writer);
    json_write_key(&writer, STR("sources"));
    json_write_array_begin(&writer);
    struct str rest = buf_view(&bundle->sources);
    struct str line;
    while (str_take_line(&rest, &line)) json_write_json(&writer, line);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* sources are bounded below it */
    buf_append_byte(out, '\n');
}

enum status doctor_bundle_seal(struct doctor_bundle *bundle)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, 2 * SOURCES_SIZE_MAX);
    manifest_build(bundle, &text);
    enum status status = doctor_bundle_put(bundle, "manifest.json", "sealed", buf_view(&text));
    if (status != STATUS_OK) return status;
    buf_reset(&text);
    incident_json(&bundle->incident, &text);
    status = doctor_bundle_put(bundle, "incident.json", "noted", buf_view(&text));
    if (status != STATUS_OK) return status;
    buf_reset(&text);
    incident_markdown(&bundle->incident, &text);
    return doctor_bundle_put(bundle, "incident.md", "noted", buf_view(&text));
}

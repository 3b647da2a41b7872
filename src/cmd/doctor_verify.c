/* tpwallet doctor verify: every file of a bundle against its custody, offline. */
#include "cmd/doctor_verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json_member.h"
#include "base/reserve.h"
#include "base/shown_text.h"
#include "cmd/bundle_file.h"
#include "cmd/file_bytes.h"
#include "cmd/note_keys.h"
#include "cmd/report.h"
#include "doctor/bundle_path.h"
#include "doctor/custody.h"

enum { SUBJECTS_MAX = 8192, FINDINGS_MAX = 1000, PATH_MAX_SIZE = 4096, SIGNERS_MAX = 64 };

#define NOT_IN_CUSTODY "is not in the custody"

/* A file that the custody tells of; its newest digest counts. */
struct subject {
    struct str name;
    struct digest digest;
    bool seen;
};

/* Where its parts stand in the texts; a name may have any byte of a file's. */
struct finding {
    size_t name;
    size_t problem;
    size_t end;
};

struct verification {
    const char *path;
    int folder; /* -1: not open */
    struct buf log;
    struct custody_chain chain;
    struct subject subjects[SUBJECTS_MAX];
    uint32_t subject_count;
    struct note_key signers[SIGNERS_MAX];
    uint32_t signer_count;
    struct note_key trusted[SIGNERS_MAX];
    uint32_t trusted_count;
    struct finding findings[FINDINGS_MAX];
    struct buf texts;       /* of the findings */
    uint64_t finding_count; /* also of those beyond FINDINGS_MAX */
    struct error error;
};

static void finding(struct verification *all, struct str name, const char *problem)
{
    uint64_t place = all->finding_count++;
    if (place >= FINDINGS_MAX) return;
    struct finding *it = &all->findings[place];
    it->name = all->texts.len;
    buf_append_str(&all->texts, name);
    it->problem = all->texts.len;
    buf_append_str(&all->texts, str_from(problem));
    it->end = all->texts.len;
}

/* How many are kept. */
static uint32_t findings_told(const struct verification *all)
{
    return all->finding_count < FINDINGS_MAX ? (uint32_t)all->finding_count : FINDINGS_MAX;
}

static struct str text_between(const struct verification *all, size_t from, size_t to)
{
    return (struct str){ (const char *)all->texts.data + from, to - from };
}

static struct str finding_name(const struct verification *all, uint32_t place)
{
    return text_between(all, all->findings[place].name, all->findings[place].problem);
}

static struct str finding_problem(const struct verification *all, uint32_t place)
{
    return text_between(all, all->findings[place].problem, all->findings[place].end);
}

static bool key_is_in(const struct note_key *keys, uint32_t count, const struct note_key *key)
{
    for (uint32_t i = 0; i < count; i++)
        if (note_key_equal(&keys[i], key)) return true;
    return false;
}

static void signer_note(struct verification *all, const struct custody_entry *entry)
{
    if (key_is_in(all->signers, all->signer_count, &entry->key)) return;
    if (all->signer_count < SIGNERS_MAX) all->signers[all->signer_count++] = entry->key;
    if (all->trusted_count > 0 && !key_is_in(all->trusted, all->trusted_count, &entry->key))
        finding(all, entry->subject, "signed by a key that is not among --keys");
}

static void subject_note(struct verification *all, const struct custody_entry *entry)
{
    uint32_t place = 0;
    while (place < all->subject_count && !str_equal(all->subjects[place].name, entry->subject))
        place++;
    if (place == SUBJECTS_MAX) {
        finding(all, entry->subject, "more files than can be verified");
        return;
    }
    if (place == all->subject_count) all->subject_count++;
    all->subjects[place].name = entry->subject;
    all->subjects[place].digest = entry->digest;
}

static void custody_verify(struct verification *all)
{
    struct str rest = buf_view(&all->log);
    struct custody_entry entry;
    enum status status;
    while ((status = custody_next(&rest, &all->chain, &entry, &all->error)) == STATUS_OK) {
        signer_note(all, &entry);
        subject_note(all, &entry);
    }
    if (status != STATUS_NOT_FOUND) finding(all, STR("custody.log"), all->error.message);
}

static void file_verify(struct verification *all, const char *name)
{
    struct digest digest;
    if (strcmp(name, BUNDLE_CUSTODY_FILE) == 0) return;
    struct subject *subject = NULL;
    for (uint32_t i = 0; i < all->subject_count; i++)
        if (str_equal(all->subjects[i].name, str_from(name))) subject = &all->subjects[i];
    if (subject != NULL) subject->seen = true;
    int file = bundle_file_open(all->folder, name);
    bool plain = file >= 0 || (errno != ELOOP && errno != EINVAL && errno != ENOTDIR);
    if (!plain)
        finding(all, str_from(name), "is no plain file");
    else if (subject == NULL)
        finding(all, str_from(name), NOT_IN_CUSTODY);
    else if (file < 0 || !bundle_file_digest(file, &digest))
        finding(all, str_from(name), "cannot be read");
    else if (!digest_equal(&digest, &subject->digest))
        finding(all, str_from(name), "is not what was taken into custody");
    if (file >= 0) (void)close(file); /* only read */
}

static bool is_folder(const struct verification *all, const char *name)
{
    char path[PATH_MAX_SIZE];
    struct stat stat;
    int len = snprintf(path, sizeof path, "%s/%s", all->path, name);
    return len > 0 && (size_t)len < sizeof path && lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode);
}

/* below: "" or the name of a folder with its slash; folders do not lie deeper. */
static enum status folder_verify(struct verification *all, const char *below)
{
    char path[PATH_MAX_SIZE];
    int len = snprintf(path, sizeof path, "%s/%s", all->path, below);
    DIR *folder = len > 0 && (size_t)len < sizeof path ? opendir(path) : NULL;
    if (folder == NULL)
        return error_set(&all->error, STATUS_NOT_FOUND, "cannot open %s/%s: %s", all->path, below,
                         strerror(errno));
    enum status status = STATUS_OK;
    const struct dirent *item;
    while (status == STATUS_OK && (item = readdir(folder)) != NULL) {
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
        char name[PATH_MAX_SIZE];
        len = snprintf(name, sizeof name - 1, "%s%s", below, item->d_name);
        if (len < 0 || (size_t)len >= sizeof name - 1) continue; /* longer than names can be */
        bool deeper = is_folder(all, name);
        if (!deeper) file_verify(all, name);
        if (deeper && below[0] != '\0') finding(all, str_from(name), "a folder too deep");
        if (!deeper || below[0] != '\0') continue;
        memcpy(name + len, "/", 2);
        status = folder_verify(all, name);
    }
    (void)closedir(folder); /* only read */
    return status;
}

enum status doctor_custody_is_there(const char *path, struct error *out_error)
{
    struct stat stat;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set(out_error, errno == EACCES ? STATUS_DENIED : STATUS_NOT_FOUND,
                         "cannot open the bundle %s: %s", path, strerror(errno));
    bool there = fstatat(folder, BUNDLE_CUSTODY_FILE, &stat, AT_SYMLINK_NOFOLLOW) == 0;
    bool readable = fstatat(folder, "manifest.json", &stat, AT_SYMLINK_NOFOLLOW) == 0;
    (void)close(folder); /* only looked into */
    if (there) return STATUS_OK;
    enum status status =
        error_set(out_error, STATUS_NOT_FOUND,
                  readable ? "%s has no custody: it was not made by `doctor collect`"
                           : "%s is no bundle of an incident: it has no custody.log",
                  path);
    if (readable)
        error_detail(out_error, "it can be diagnosed; nobody signed what it is, so nothing is "
                                "planned, approved or redacted by it");
    error_hint(out_error, "`tpwallet doctor collect NEW --key FILE --incident ID`, with --ours for "
                          "our ledger, --tables for another's, and what else there is");
    return status;
}

static enum status all_verify(struct verification *all)
{
    enum status status = doctor_custody_is_there(all->path, &all->error);
    if (status != STATUS_OK) return status;
    all->folder = open(all->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int log = all->folder < 0 ? -1 : bundle_file_open(all->folder, BUNDLE_CUSTODY_FILE);
    if (log < 0)
        return error_set(&all->error, STATUS_NOT_FOUND, "cannot open %s/%s: %s", all->path,
                         BUNDLE_CUSTODY_FILE, strerror(errno));
    status = file_bytes_take(log, BUNDLE_CUSTODY_FILE, &all->log, &all->error);
    if (status != STATUS_OK) return status;
    custody_verify(all);
    status = folder_verify(all, "");
    for (uint32_t i = 0; i < all->subject_count && status == STATUS_OK; i++)
        if (!all->subjects[i].seen) finding(all, all->subjects[i].name, "is missing");
    return status;
}

static struct verification *verification_new(const char *path)
{
    struct verification *all = reserve_new(sizeof *all);
    if (all == NULL) return NULL;
    all->path = path;
    all->folder = -1;
    buf_init(&all->log, CUSTODY_SIZE_MAX);
    buf_init(&all->texts, FINDINGS_MAX * (2 * PATH_MAX_SIZE));
    return all;
}

static void verification_free(struct verification *all)
{
    if (all->folder >= 0) (void)close(all->folder); /* only read from */
    buf_free(&all->log);
    buf_free(&all->texts);
    reserve_free(all, sizeof *all);
}

/* What whoever was ended leaves; it may as well have been put there, so people look at it. */
static const char *unknown_hint(struct str name)
{
    if (str_starts(name, STR(BUNDLE_UNFINISHED_FILE)))
        return "of a command that was ended: the next one with --key removes or finishes it";
    if (str_starts(name, STR("evidence/")))
        return "of a `doctor collect` that was ended, unless somebody put it there: look at it, remove "
               "it, and collect again";
    return "`tpwallet doctor verify` names all of them";
}

enum status doctor_verify(const char *path, struct error *out_error)
{
    struct verification *all = verification_new(path);
    if (all == NULL) return error_set(out_error, STATUS_LIMIT, "no memory to verify the bundle");
    enum status status = all_verify(all);
    if (status != STATUS_OK) {
        *out_error = all->error;
    } else if (all->finding_count > 0) {
        BUF_SCOPE struct buf name;
        buf_init(&name, 4 * PATH_MAX_SIZE);
        shown_text_append(&name, finding_name(all, 0));
        status = error_set(out_error, STATUS_DENIED, "%s %.*s (its custody)", buf_terminated(&name),
                           STR_ARG(finding_problem(all, 0)));
        error_detail(out_error, "%llu such findings in %s", (unsigned long long)all->finding_count,
                     path);
        bool unknown = str_equal(finding_problem(all, 0), STR(NOT_IN_CUSTODY));
        error_hint(out_error, "%s", unknown_hint(unknown ? finding_name(all, 0) : STR("")));
    }
    verification_free(all);
    return status;
}

/* ---- the answer ---- */

static void text_build(struct verification *all, struct buf *out)
{
    for (uint32_t i = 0; i < findings_told(all); i++) {
        shown_text_append(out, finding_name(all, i));
        buf_append_str(out, STR(": "));
        shown_text_append(out, finding_problem(all, i));
        buf_append_byte(out, '\n');
    }
    for (uint32_t i = 0; i < all->signer_count; i++) {
        char text[NOTE_KEY_TEXT_SIZE];
        bool trusted = key_is_in(all->trusted, all->trusted_count, &all->signers[i]);
        buf_append_format(out, "signed by %.*s%s\n",
                          STR_ARG(note_key_format(&all->signers[i], text)),
                          trusted ? "" : " (whose key that is has to be known from elsewhere)");
    }
    buf_append_format(out, "%s: %llu entries of custody, %u files\n",
                      all->finding_count == 0 ? "VERIFIED" : "NOT VERIFIED",
                      (unsigned long long)all->chain.number, all->subject_count);
}

static void json_build(struct verification *all, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("verified"));
    json_write_bool(&writer, all->finding_count == 0);
    json_write_key(&writer, STR("keys_given"));
    json_write_bool(&writer, all->trusted_count > 0);
    json_write_key(&writer, STR("entries"));
    json_write_uint64(&writer, all->chain.number);
    json_write_key(&writer, STR("signers"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < all->signer_count; i++) {
        char text[NOTE_KEY_TEXT_SIZE];
        json_write_string(&writer, note_key_format(&all->signers[i], text));
    }
    json_write_array_end(&writer);
    json_write_key(&writer, STR("findings"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < findings_told(all); i++) {
        json_write_object_begin(&writer);
        json_member_text(&writer, "file", finding_name(all, i));
        json_member_text(&writer, "problem", finding_problem(all, i));
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* findings are bounded far below the buf */
    buf_append_byte(out, '\n');
}

static enum status keys_read(struct verification *all, const struct invocation *invocation)
{
    static const struct note_keys_option option = { "keys", NOTE_ED25519, SIGNERS_MAX,
                                                    "tpwallet doctor key" };
    const char *keys = invocation_text(invocation, "keys");
    return keys == NULL ? STATUS_OK
                        : note_keys_parse(&option, str_from(keys), all->trusted,
                                          &all->trusted_count, &all->error);
}

static int verify_run(struct invocation *invocation)
{
    struct verification *all = verification_new(invocation->positionals[0]);
    struct error error;
    if (all == NULL) {
        (void)error_set(&error, STATUS_LIMIT, "no memory"); /* reported right here */
        return report_error(invocation, &error);
    }
    int code;
    enum status status = keys_read(all, invocation);
    if (status == STATUS_OK) status = all_verify(all);
    if (status != STATUS_OK) {
        code = report_error(invocation, &all->error);
    } else {
        BUF_SCOPE struct buf out;
        buf_init(&out, 32 << 20);
        if (invocation->json)
            json_build(all, &out);
        else
            text_build(all, &out);
        code = report_text(invocation, buf_view(&out));
        if (code == EXIT_CODE_DONE && all->finding_count > 0) code = EXIT_CODE_REFUSED;
    }
    verification_free(all);
    return code;
}

static const struct positional positionals[] = {
    { "BUNDLE", "the folder of an incident", false },
    { 0 },
};

static const struct option options[] = {
    { "keys", "KEY,...", "the public keys that may have signed; others are a finding", NULL },
    { 0 },
};

const struct command command_doctor_verify = {
    .name = "doctor verify",
    .summary = "verify a bundle offline: signatures, chain, and every file against them",
    .details =
        "Reads custody.log from its first entry: each is signed, and has the SHA-256 of the one "
        "before. Then every file must be there, be known, and be what was taken into "
        "custody last. Exit code 1 when something is not.",
    .positionals = positionals,
    .options = options,
    .examples = "doctor verify case\ndoctor verify case --keys anna+1f2e3d4c+AQ... --json",
    .run = verify_run,
};

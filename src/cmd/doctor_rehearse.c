/* tpwallet doctor rehearse: a plan carried out on copies of the ledger, killed, resumed, repeated. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/new_file.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/json_member.h"
#include "cmd/child.h"
#include "cmd/doctor_repair.h"
#include "cmd/file_bytes.h"
#include "cmd/folder_remove.h"
#include "cmd/lane_copies.h"
#include "cmd/report.h"
#include "doctor/closure.h"

enum {
    KILLS_MAX = 24, /* of a long plan, evenly spread */
    BOOKS_SIZE_MAX = 1 << 30,
    NAME_SIZE = 4096,
    DIAGNOSIS_SIZE_MAX = 64 << 20,
    RESULT_SIZE_MAX = 1 << 18,
    HOST_SIZE = 256,
    MARK_SIZE_MAX = 1024,
};

#define STAGING_MARK "staging" /* a file in the data folder of one */

/* What one copy came to. */
struct copy {
    char folder[NAME_SIZE];
    uint32_t lanes;
    uint64_t heads[LANES_MAX];
    struct digest before; /* of all accounts, balances and counts of entries */
    struct digest after;
};

struct rehearsal {
    struct repair repair;
    char scratch[NAME_SIZE];
    struct copy copies[2]; /* step by step and killed; in one go */
    struct repair_outcome outcome;
    struct repair_outcome staging; /* of the first time there */
    uint64_t kills;
    struct arena arenas[2]; /* of the diagnoses before and after the plan */
    struct plan_diagnosis before;
    struct plan_diagnosis after;
    struct error error;
};

static bool name_of(const struct rehearsal *all, const char *name, char out_name[NAME_SIZE])
{
    int len = snprintf(out_name, NAME_SIZE, "%s/%s", all->scratch, name);
    return len > 0 && len < NAME_SIZE;
}

static enum status scratch_make(struct rehearsal *all)
{
    const char *folder = invocation_text(all->repair.invocation, "temp");
    if (folder == NULL) folder = getenv("TMPDIR");
    int len = snprintf(all->scratch, sizeof all->scratch, "%s/tpwallet-rehearsal.XXXXXX",
                       folder == NULL ? "/tmp" : folder);
    if (len > 0 && (size_t)len < sizeof all->scratch && mkdtemp(all->scratch) != NULL)
        return STATUS_OK;
    all->scratch[0] = '\0';
    return error_set(&all->error, STATUS_UNAVAILABLE, "no folder for the copies: %s",
                     strerror(errno));
}

/* This program once more; its output goes to a file of the scratch folder. */
static enum status command_run(struct rehearsal *all, const char *const *words, const char *output)
{
    char errors[NAME_SIZE];
    if (!name_of(all, "errors", errors))
        return error_set(&all->error, STATUS_INVALID, "the path of the copies is too long");
    const struct child_files files = { output, errors };
    struct child child;
    enum status status = child_start(words, &files, &child, &all->error);
    if (status != STATUS_OK) return status;
    int code = child_wait(&child);
    if (code == EXIT_CODE_DONE) return STATUS_OK;
    return error_set(&all->error, STATUS_CONFLICT, "`tpwallet %s` on a copy ended with %d",
                     words[0], code);
}

/* All accounts of a lane with their balances and numbers of entries. */
static enum status books_add(struct rehearsal *all, const struct copy *copy, uint32_t lane,
                             struct digest_stream *stream)
{
    char path[NAME_SIZE];
    char folder[NAME_SIZE];
    if (!name_of(all, "books", path)) return STATUS_INVALID;
    (void)unlink(path); /* of the time before */
    enum status status =
        data_folder_lane_path(copy->folder, lane, folder, sizeof folder, &all->error);
    if (status != STATUS_OK) return status;
    const char *const words[] = { "export", "accounts", "--format", "csv", "--data",
                                  folder,   "--output", path,       NULL };
    status = command_run(all, words, NULL);
    if (status != STATUS_OK) return status;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, BOOKS_SIZE_MAX);
    status = file_bytes_read(path, &bytes, &all->error);
    if (status == STATUS_OK) digest_stream_add(stream, bytes.data, bytes.len);
    return status;
}

/* The same of all lanes, as one digest. */
static enum status books_digest(struct rehearsal *all, const struct copy *copy,
                                struct digest *out_digest)
{
    struct digest_stream stream;
    digest_stream_init(&stream);
    enum status status = STATUS_OK;
    for (uint32_t lane = 0; lane < copy->lanes && status == STATUS_OK; lane++)
        status = books_add(all, copy, lane, &stream);
    struct digest digest = digest_stream_end(&stream);
    if (status == STATUS_OK) *out_digest = digest;
    return status;
}

static bool head_note(void *context, const struct backup_options *lane,
                      const struct journal_copy_result *result)
{
    struct copy *copy = context;
    (void)lane; /* they come in order */
    copy->heads[copy->lanes++] = result->head;
    return true;
}

static enum status copy_make(struct rehearsal *all, const char *source, struct copy *copy,
                             const char *name)
{
    bool was_backup; /* as it was made */
    if (!name_of(all, name, copy->folder)) return STATUS_INVALID;
    const struct lane_copies copies = {
        .options = { .source = source, .target = copy->folder },
        .copy = backup_run,
        .copied = head_note,
        .context = copy,
    };
    enum status status = lane_copies_make(&copies, &all->error);
    if (status == STATUS_OK) status = lane_copies_accept(copy->folder, &was_backup, &all->error);
    return status == STATUS_OK ? books_digest(all, copy, &copy->before) : status;
}

/* In a process of its own, which may be killed; *out_killed: it was. */
static enum status apart_execute(struct rehearsal *all, const struct repair_run *run,
                                 bool *out_killed)
{
    char report[NAME_SIZE];
    if (!name_of(all, "outcome", report)) return STATUS_INVALID;
    (void)unlink(report); /* of the time before */
    (void)fflush(NULL);   /* nothing is to be written twice */
    pid_t pid = fork();
    if (pid < 0)
        return error_set(&all->error, STATUS_UNAVAILABLE, "no process: %s", strerror(errno));
    if (pid == 0) {
        struct repair_outcome outcome = { 0 };
        enum status status = repair_execute(&all->repair, run, &outcome);
        struct str bytes = { (const char *)&outcome, sizeof outcome };
        struct error error;
        if (status != STATUS_OK) {
            (void)fputs("tpwallet: rehearsal: ", stderr); /* a notice: the parent's error counts */
            (void)!report_put(stderr, str_from(all->repair.error.message)); /* the same */
            (void)fputs("\n", stderr);                                      /* the same */
        }
        if (status == STATUS_OK) status = new_file_write(report, bytes, 0600, &error);
        _exit(status == STATUS_OK ? 0 : 1);
    }
    int code = 0;
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR) {
    }
    *out_killed = WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL;
    if (*out_killed) return STATUS_OK;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, sizeof all->outcome);
    bool good = WIFEXITED(code) && WEXITSTATUS(code) == 0 &&
                file_bytes_read(report, &bytes, &all->error) == STATUS_OK &&
                bytes.len == sizeof all->outcome;
    if (!good)
        return error_set(&all->error, STATUS_CONFLICT,
                         "the plan cannot be carried out on a copy: see above");
    memcpy(&all->outcome, bytes.data, sizeof all->outcome);
    return STATUS_OK;
}

/* Killed after none, one, two, ... groups of one entry, and gone on with each time. */
static enum status killed_execute(struct rehearsal *all, uint64_t entries)
{
    uint64_t stride = entries / KILLS_MAX + 1;
    for (uint64_t after = 0; after < entries; after += stride) {
        const struct repair_run run = {
            .folder = all->copies[0].folder,
            .groups_max = after,
            .group_steps = 1,
        };
        bool killed = false;
        enum status status = apart_execute(all, &run, &killed);
        if (status != STATUS_OK) return status;
        CHECK(killed); /* there was more to do */
        all->kills++;
    }
    const struct repair_run run = {
        .folder = all->copies[0].folder,
        .groups_max = UINT64_MAX,
        .group_steps = 1,
    };
    bool killed;
    return apart_execute(all, &run, &killed);
}

static enum status twice_execute(struct rehearsal *all)
{
    const struct repair_run run = {
        .folder = all->copies[1].folder,
        .groups_max = UINT64_MAX,
        .group_steps = REPAIR_GROUP_STEPS,
    };
    bool killed;
    enum status status = apart_execute(all, &run, &killed);
    if (status == STATUS_OK) status = books_digest(all, &all->copies[1], &all->copies[1].after);
    if (status == STATUS_OK) status = apart_execute(all, &run, &killed);
    if (status != STATUS_OK) return status;
    struct digest again;
    status = books_digest(all, &all->copies[1], &again);
    if (status != STATUS_OK) return status;
    bool nothing = all->outcome.made == 0 && digest_equal(&again, &all->copies[1].after);
    return nothing ? STATUS_OK
                   : error_set(&all->error, STATUS_CONFLICT, "applying twice changed something");
}

static enum status books_check(struct rehearsal *all)
{
    for (int i = 0; i < 2; i++) {
        const char *const words[] = { "check", "--data", all->copies[i].folder, NULL };
        char path[NAME_SIZE];
        if (!name_of(all, "checked", path)) return STATUS_INVALID;
        enum status status = command_run(all, words, path);
        if (status != STATUS_OK) return status;
    }
    if (!digest_equal(&all->copies[0].before, &all->copies[1].before))
        return error_set(&all->error, STATUS_CORRUPT, "the two copies are not the same");
    if (digest_equal(&all->copies[0].after, &all->copies[1].after)) return STATUS_OK;
    return error_set(&all->error, STATUS_CONFLICT,
                     "killed and gone on with, the plan comes to other books");
}

/* ---- closure: the invariants of all evidence, before the plan and after it ---- */

/* A diagnosis lives as long as its text. */
static struct str text_keep(const struct buf *text, struct arena *arena)
{
    char *kept = arena_take(arena, text->len);
    CHECK(kept != NULL); /* the arena has room for it */
    memcpy(kept, text->data, text->len);
    return (struct str){ kept, text->len };
}

static enum status copy_diagnose(struct rehearsal *all, const char *name, struct arena *arena,
                                 struct plan_diagnosis *out_diagnosis)
{
    struct repair *repair = &all->repair;
    char scratch[NAME_SIZE];
    BUF_SCOPE struct buf text;
    buf_init(&text, DIAGNOSIS_SIZE_MAX);
    if (!name_of(all, name, scratch)) return STATUS_INVALID;
    if (mkdir(scratch, 0700) != 0)
        return error_set(&all->error, STATUS_UNAVAILABLE, "no folder for the evidence: %s",
                         strerror(errno));
    enum status status = repair_diagnose(repair, all->copies[1].folder, scratch, &text);
    if (status == STATUS_OK) status = arena_init(arena, 9 * text.len + (16 << 20));
    if (status == STATUS_OK)
        status =
            plan_diagnosis_parse(text_keep(&text, arena), arena, out_diagnosis, &repair->error);
    if (status == STATUS_OK && !digest_equal(&out_diagnosis->rules, &repair->plan.rules))
        status = error_set(&repair->error, STATUS_DENIED,
                           "the plan was made by other rules than this program's");
    if (status != STATUS_OK) all->error = repair->error;
    return status;
}

/* What held before the entries must hold after them. */
static enum status closure_look(struct rehearsal *all)
{
    enum status status = copy_diagnose(all, "after", &all->arenas[1], &all->after);
    return status == STATUS_OK
               ? closure_check(&all->before, &all->after, &all->arenas[1], &all->error)
               : status;
}

/* Where a data folder is, and what is behind it. */
struct place {
    struct uuid ledger;
    uint64_t device;
    uint64_t inode;
    char path[NAME_SIZE];  /* without links */
    char store[NAME_SIZE]; /* the URL of its database; "": it has its own journal */
};

static enum status place_look(struct rehearsal *all, const char *path, struct place *out)
{
    struct data_folder *folder = NULL;
    struct stat stats;
    enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &folder, &all->error);
    if (status != STATUS_OK) return status;
    const char *store = data_folder_store(folder);
    bool there = realpath(path, out->path) != NULL && stat(path, &stats) == 0;
    if (there) {
        out->ledger = data_folder_ledger(folder);
        out->device = (uint64_t)stats.st_dev;
        out->inode = (uint64_t)stats.st_ino;
        int len = snprintf(out->store, sizeof out->store, "%s", store == NULL ? "" : store);
        there = len >= 0 && (size_t)len < sizeof out->store;
    }
    data_folder_close(folder);
    return there ? STATUS_OK
                 : error_set(&all->error, STATUS_UNAVAILABLE, "cannot look at %s: %s", path,
                             strerror(errno));
}

/*
 * What a mark has to say: a folder that was copied with its mark, also to another machine or in
 * place of another one, and one that was led to another database, is none that people have marked.
 */
static struct digest place_digest(const struct place *place)
{
    char host[HOST_SIZE] = "";
    char ledger[UUID_TEXT_LEN + 1];
    BUF_SCOPE struct buf text;
    buf_init(&text, 4 * NAME_SIZE);
    (void)gethostname(host, sizeof host - 1); /* without a name it is told apart by the rest */
    uuid_format(place->ledger, ledger);
    buf_append_format(&text, "%s\n%s\n%llu\n%s\n%s\n", ledger, host,
                      (unsigned long long)place->inode, place->path, place->store);
    CHECK(!text.overflow); /* all of it is bounded */
    return digest_of(text.data, text.len);
}

/* Two folders of one ledger: one folder under two names, or one database behind both. */
static bool places_are_one(const struct place *a, const struct place *b)
{
    bool one = a->device == b->device && a->inode == b->inode;
    return one || (a->store[0] != '\0' && strcmp(a->store, b->store) == 0);
}

/* "": there is none that could be one. */
static struct str mark_read(const char *folder, struct buf *bytes)
{
    char path[NAME_SIZE];
    struct stat stats;
    struct error ignored; /* without it there is no mark, whatever the reason */
    int len = snprintf(path, sizeof path, "%s/" STAGING_MARK, folder);
    bool there = len > 0 && (size_t)len < sizeof path && lstat(path, &stats) == 0 &&
                 S_ISREG(stats.st_mode) && file_bytes_read(path, bytes, &ignored) == STATUS_OK;
    struct str line = buf_view(bytes);
    if (line.len > 0 && line.data[line.len - 1] == '\n') line.len--;
    return there ? line : STR("");
}

/*
 * There the plan is applied without anybody's approval: only where people have said by hand that
 * nothing is lost by it. No command makes the mark, and no backup takes it along.
 */
static enum status staging_check(struct rehearsal *all)
{
    const char *folder = invocation_text(all->repair.invocation, "staging");
    struct place ledger;
    struct place staging;
    char hex[2 * sizeof(struct digest) + 1];
    if (folder == NULL) return STATUS_OK;
    enum status status = place_look(all, all->repair.invocation->data, &ledger);
    if (status == STATUS_OK) status = place_look(all, folder, &staging);
    if (status != STATUS_OK) return status;
    if (places_are_one(&ledger, &staging))
        return error_set(&all->error, STATUS_CONFLICT,
                         "the staging system is the ledger of --data itself");
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, MARK_SIZE_MAX);
    struct digest digest = place_digest(&staging);
    struct str wanted = hex_format(digest.bytes, sizeof digest.bytes, hex);
    if (str_equal(mark_read(folder, &bytes), wanted)) return STATUS_OK;
    status =
        error_set(&all->error, STATUS_DENIED, "%s is not marked as a staging system's", folder);
    error_detail(&all->error,
                 "the plan would be applied there for good, without approvals; a mark is "
                 "good for one folder, on one machine, with one ledger and database");
    error_hint(&all->error,
               "if nothing is lost by it, write this line into its file '" STAGING_MARK
               "' by hand: %.*s",
               STR_ARG(wanted));
    return status;
}

static enum status staging_failed(struct rehearsal *all, const char *what)
{
    all->error = all->repair.error;
    error_hint(&all->error, "on the staging system: %s", what);
    return all->error.status;
}

/* Where a staging system is given, the whole plan there too, through its server, and again. */
static enum status staging_execute(struct rehearsal *all)
{
    const char *folder = invocation_text(all->repair.invocation, "staging");
    if (folder == NULL) return STATUS_OK;
    const struct repair_run run = {
        .folder = folder,
        .groups_max = UINT64_MAX,
        .group_steps = REPAIR_GROUP_STEPS,
        .record = true,
    };
    struct repair_outcome again;
    if (repair_execute(&all->repair, &run, &all->staging) != STATUS_OK)
        return staging_failed(all, "it has to hold a copy of this ledger, from after the damage");
    if (repair_execute(&all->repair, &run, &again) != STATUS_OK)
        return staging_failed(all, "the plan cannot be applied twice");
    if (again.made != 0)
        return error_set(&all->error, STATUS_CONFLICT,
                         "on the staging system applying twice made entries");
    char path[NAME_SIZE];
    const char *const words[] = { "check", "--data", folder, NULL };
    if (!name_of(all, "checked", path)) return STATUS_INVALID;
    return command_run(all, words, path);
}

static enum status rehearse(struct rehearsal *all)
{
    struct repair_outcome planned;
    enum status status = staging_check(all);
    if (status != STATUS_OK) return status;
    status = repair_look(&all->repair, all->repair.invocation->data, &planned);
    if (status != STATUS_OK) {
        all->error = all->repair.error;
        return status;
    }
    status = scratch_make(all);
    /* A copy of the copy: both begin at one state, however busy the ledger is. */
    const char *ledger = all->repair.invocation->data;
    if (status == STATUS_OK) status = copy_make(all, ledger, &all->copies[0], "by-steps");
    if (status == STATUS_OK)
        status = copy_make(all, all->copies[0].folder, &all->copies[1], "in-one-go");
    if (status == STATUS_OK) status = copy_diagnose(all, "before", &all->arenas[0], &all->before);
    if (status == STATUS_OK) status = killed_execute(all, planned.entries);
    if (status == STATUS_OK) status = books_digest(all, &all->copies[0], &all->copies[0].after);
    if (status == STATUS_OK) status = twice_execute(all);
    if (status == STATUS_OK) status = books_check(all);
    if (status == STATUS_OK) status = closure_look(all);
    return status == STATUS_OK ? staging_execute(all) : status;
}

/* ---- the result ---- */

_Static_assert(NAME_SIZE >= PATH_MAX, "what realpath() may write");
_Static_assert(RESULT_SIZE_MAX > CLOSURE_JSON_MAX + 6 * NAME_SIZE + LANES_MAX * 21 + 2048,
               "what is left, the staging folder with each byte escaped, heads, and the rest");

static void result_build(const struct rehearsal *all, struct buf *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_member_text(&writer, "format", STR("tpwallet-rehearsal-1"));
    json_member_hex(&writer, "plan_sha256", all->repair.plan_digest.bytes,
                    sizeof all->repair.plan_digest.bytes);
    json_write_key(&writer, STR("passed"));
    json_write_bool(&writer, true);
    json_write_key(&writer, STR("heads")); /* by lane */
    json_write_array_begin(&writer);
    for (uint32_t lane = 0; lane < all->copies[0].lanes; lane++)
        json_write_uint64(&writer, all->copies[0].heads[lane]);
    json_write_array_end(&writer);
    json_member_number(&writer, "entries", all->outcome.entries);
    json_member_number(&writer, "killed_and_resumed", all->kills);
    json_member_number(&writer, "changed_when_applied_twice", 0);
    json_member_hex(&writer, "books_before_sha256", all->copies[1].before.bytes,
                    sizeof all->copies[1].before.bytes);
    json_member_hex(&writer, "books_after_sha256", all->copies[1].after.bytes,
                    sizeof all->copies[1].after.bytes);
    if (invocation_has(all->repair.invocation, "staging")) {
        json_write_key(&writer, STR("staging"));
        json_write_object_begin(&writer);
        json_member_text(&writer, "system",
                         str_from(invocation_text(all->repair.invocation, "staging")));
        json_member_number(&writer, "made", all->staging.made);
        json_member_number(&writer, "were_there", all->staging.repeated);
        json_write_object_end(&writer);
    }
    json_member_text(&writer, "check", STR("every invariant of the ledger holds, on both copies"));
    json_member_number(&writer, "violations_before", all->before.violation_count);
    json_member_number(&writer, "violations_after", all->after.violation_count);
    json_member_number(&writer, "left_count", closure_left(&all->after));
    json_write_key(&writer, STR("left"));
    closure_json(&all->after, &writer);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* what is left is named in short: far smaller than the buf */
    buf_append_byte(out, '\n');
}

static enum status result_put(struct rehearsal *all, struct buf *text)
{
    struct doctor_bundle *bundle = &all->repair.bundle;
    result_build(all, text);
    enum status status =
        doctor_bundle_put(bundle, REPAIR_REHEARSAL_FILE, "rehearsed", buf_view(text));
    if (status == STATUS_OK) status = doctor_bundle_note(bundle, "the plan was rehearsed");
    if (status == STATUS_OK) status = doctor_bundle_seal(bundle);
    if (status != STATUS_OK) all->error = bundle->error;
    return status;
}

static void left_append(const struct plan_diagnosis *after, struct buf *out)
{
    uint32_t count = closure_left(after);
    buf_append_str(out, count == 0 ? STR("nothing that held is broken, and nothing is left\n")
                                   : STR("nothing that held is broken; still wrong after it: "));
    if (count == 0) return;
    closure_first(after, out);
    if (count > 1) buf_append_format(out, " and %u more", count - 1);
    buf_append_str(out, STR(" (plan/rehearsal.json)\n"));
}

static int rehearse_run(struct invocation *invocation)
{
    struct rehearsal all = { .kills = 0 };
    BUF_SCOPE struct buf text;
    buf_init(&text, RESULT_SIZE_MAX);
    enum status status = repair_open(&all.repair, invocation);
    if (status != STATUS_OK) all.error = all.repair.error;
    if (status == STATUS_OK)
        status = repair_person(&all.repair.bundle, &all.repair.policy, "rehearses", &all.error);
    if (status == STATUS_OK) {
        status = repair_rehearser_check(&all.repair, &all.repair.bundle.signer.key);
        if (status != STATUS_OK) all.error = all.repair.error;
    }
    if (status == STATUS_OK && (status = repair_unapplied(&all.repair.bundle)) != STATUS_OK)
        all.error = all.repair.bundle.error;
    if (status == STATUS_OK) status = rehearse(&all);
    if (status == STATUS_OK) status = result_put(&all, &text);
    if (all.scratch[0] != '\0') folder_remove(all.scratch);
    int code;
    if (status == STATUS_OK) {
        BUF_SCOPE struct buf out;
        buf_init(&out, 1 << 16);
        buf_append_format(&out,
                          "PASSED: %llu entries; killed and resumed %llu times; twice changed "
                          "nothing; both copies check%s\n",
                          (unsigned long long)all.outcome.entries, (unsigned long long)all.kills,
                          invocation_has(invocation, "staging") ? ", and so does staging" : "");
        left_append(&all.after, &out);
        code = report_text(invocation, buf_view(invocation->json ? &text : &out));
    } else {
        code = report_error(invocation, &all.error);
    }
    arena_done(&all.arenas[0]);
    arena_done(&all.arenas[1]);
    repair_close(&all.repair);
    return code;
}

static const struct positional positionals[] = {
    { "BUNDLE", "the incident's folder", false },
    { 0 },
};

static const struct option options[] = {
    { "key", "FILE", "the key of who rehearses it: one of the policy, and not its proposer", NULL },
    { "policy", "FILE", "the policy that the plan was made under", NULL },
    { "staging", "FOLDER",
      "the data folder of a staging system, marked as one: the plan is applied there too", NULL },
    { "temp", "FOLDER", "for the copies; $TMPDIR without it", NULL },
    { 0 },
};

const struct command command_doctor_rehearse = {
    .name = "doctor rehearse",
    .summary = "carry a plan out on copies of the ledger: killed, resumed, twice, checked",
    .details =
        "Two copies are made, beside a server too. On one the plan is carried out entry by "
        "entry, killed before each and gone on with; on the other in one go, and again, "
        "which must change nothing. Both must come to the same books and pass `check`. Then the "
        "copy is collected beside the other sources of the bundle and diagnosed, as it was before: "
        "a plan after which an invariant does not hold that held before it is refused, and what is "
        "still wrong is named. The "
        "result is a file of the bundle, and part of what is approved. With --staging the plan is "
        "applied there as well, for good, twice, through its server where one runs; a file "
        "'staging' in that folder, written by hand, says that it may be; a copy of it elsewhere does not.",
    .positionals = positionals,
    .options = options,
    .examples = "doctor rehearse case --policy repair.policy --key bob.key",
    .run = rehearse_run,
};

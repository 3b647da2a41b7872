/* tpwallet doctor approve, apply: two people say yes to one plan, and it is done once. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/shown_text.h"
#include "cmd/answer.h"
#include "cmd/doctor_repair.h"
#include "cmd/file_bytes.h"
#include "cmd/plan_view.h"
#include "cmd/report.h"
#include "doctor/plan_make.h"

static struct wall_time now(void)
{
    struct clock *clock = system_clock();
    return clock->wall(clock);
}

/* ---- approve ---- */

static enum status approval_put(struct repair *repair, struct buf *note)
{
    char name[300];
    struct str who = note_key_name(&repair->bundle.signer.key);
    int len = snprintf(name, sizeof name, "approvals/%.*s.note", STR_ARG(who));
    if (len < 0 || (size_t)len >= sizeof name || memchr(who.data, '/', who.len) != NULL)
        return error_set(&repair->error, STATUS_INVALID, "the name of the key makes no file");
    enum status status = doctor_bundle_put(&repair->bundle, name, "approved", buf_view(note));
    if (status == STATUS_OK) status = doctor_bundle_note(&repair->bundle, "the plan was approved");
    if (status == STATUS_OK) status = doctor_bundle_seal(&repair->bundle);
    if (status != STATUS_OK) repair->error = repair->bundle.error;
    return status;
}

static enum status approve(struct repair *repair, struct buf *note)
{
    if (!repair->bundle.signs)
        return error_set(&repair->error, STATUS_INVALID, "--key is missing: who approves?");
    const struct approval_case given = {
        .plan = &repair->plan,
        .policy = &repair->policy,
        .plan_digest = repair->plan_digest,
        .rehearsal_digest = repair->rehearsal_digest,
        .now = now(),
    };
    const struct approval approval = {
        .incident = repair->plan.incident,
        .plan = repair->plan_digest,
        .rehearsal = repair->rehearsal_digest,
        .at = given.now,
        .expires_at = repair->plan.expires_at,
        .key = repair->bundle.signer.key,
    };
    enum approval_verdict verdict;
    if (approval_count(&given, &approval, 1, &verdict) == 0)
        return error_set(&repair->error, STATUS_DENIED, "this approval would not count: %s",
                         approval_verdict_text(verdict));
    approval_write(&approval, &repair->bundle.signer, note);
    return approval_put(repair, note);
}

/* What the yes is to: people do not sign numbers alone. */
static void case_show(const struct repair *repair, struct buf *out)
{
    struct arena arena = { 0 };
    struct answer_object rehearsal;
    struct note_key proposer;
    struct str text = buf_view(&repair->rehearsal_text);
    plan_view_append(&repair->plan, out);
    if (note_key_parse(repair->plan.proposer, &proposer) == STATUS_OK)
        buf_append_format(out, "proposed by %.*s, ", STR_ARG(note_key_name(&proposer)));
    buf_append_format(out, "rehearsed by %.*s: ", STR_ARG(note_key_name(&repair->rehearser)));
    bool read = arena_init(&arena, answer_arena_size(text)) == STATUS_OK &&
                answer_read(text, &arena, &rehearsal) == STATUS_OK;
    if (read) {
        shown_text_append(out, answer_text(&rehearsal, "entries"));
        buf_append_str(out, STR(" entries, "));
        shown_text_append(out, answer_text(&rehearsal, "left_count"));
        buf_append_str(out, STR(" things still wrong after it (plan/rehearsal.json)"));
    }
    buf_append_str(out, STR("\n\n"));
    arena_done(&arena);
}

static int approve_run(struct invocation *invocation)
{
    struct repair repair;
    BUF_SCOPE struct buf note;
    buf_init(&note, 16 << 10);
    enum status status = repair_open(&repair, invocation);
    if (status == STATUS_OK) status = repair_rehearsal_read(&repair);
    if (status == STATUS_OK) status = approve(&repair, &note);
    BUF_SCOPE struct buf out;
    buf_init(&out, 2 * PLAN_SIZE_MAX);
    if (status == STATUS_OK && !invocation->json) case_show(&repair, &out);
    buf_append_str(&out, buf_view(&note));
    int code = status == STATUS_OK ? report_text(invocation, buf_view(&out))
                                   : report_error(invocation, &repair.error);
    repair_close(&repair);
    return code;
}

/* ---- apply ---- */

struct approvals {
    struct approval list[REPAIR_APPROVALS_MAX];
    enum approval_verdict verdicts[REPAIR_APPROVALS_MAX];
    struct buf notes[REPAIR_APPROVALS_MAX]; /* views point into them */
    uint32_t count;
    uint32_t counted;
};

static enum status approval_take(struct repair *repair, const char *file, struct approvals *all)
{
    char name[300];
    if (all->count == REPAIR_APPROVALS_MAX)
        return error_set(&repair->error, STATUS_LIMIT, "more than 64 approvals");
    int len = snprintf(name, sizeof name, "approvals/%s", file);
    if (len < 0 || (size_t)len >= sizeof name) return STATUS_OK; /* no name that we gave */
    struct buf *note = &all->notes[all->count];
    buf_init(note, 16 << 10);
    enum status status = doctor_bundle_get_kept(&repair->bundle, name, note);
    if (status != STATUS_OK) {
        repair->error = repair->bundle.error;
        buf_free(note);
        return status;
    }
    status = approval_read(buf_view(note), &all->list[all->count], &repair->error);
    if (status == STATUS_OK) {
        all->count++;
        return STATUS_OK;
    }
    error_detail(&repair->error, "%s", name);
    buf_free(note);
    return status;
}

static enum status approvals_read(struct repair *repair, struct approvals *all)
{
    char path[DOCTOR_PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/approvals", repair->bundle.path);
    DIR *folder = len > 0 && (size_t)len < sizeof path ? opendir(path) : NULL;
    if (folder == NULL) return STATUS_OK; /* there are none */
    enum status status = STATUS_OK;
    const struct dirent *item;
    while (status == STATUS_OK && (item = readdir(folder)) != NULL)
        if (item->d_name[0] != '.') status = approval_take(repair, item->d_name, all);
    (void)closedir(folder); /* only read */
    if (status != STATUS_OK) return status;
    const struct approval_case given = {
        .plan = &repair->plan,
        .policy = &repair->policy,
        .plan_digest = repair->plan_digest,
        .rehearsal_digest = repair->rehearsal_digest,
        .now = now(),
    };
    all->counted = approval_count(&given, all->list, all->count, all->verdicts);
    return STATUS_OK;
}

static void approvals_show(const struct approvals *all, const struct repair *repair,
                           struct buf *out)
{
    for (uint32_t i = 0; i < all->count; i++) {
        struct str who = note_key_name(&all->list[i].key);
        buf_append_format(out, "approval of %.*s: %s\n", STR_ARG(who),
                          approval_verdict_text(all->verdicts[i]));
    }
    buf_append_format(out, "%u of %u approvals\n", all->counted, repair->plan.approvals);
}

/* Of a plan that was applied, and left nothing to make, all is told already. */
static enum status outcome_put(struct repair *repair, const struct repair_outcome *outcome,
                               struct str bytes)
{
    struct doctor_bundle *bundle = &repair->bundle;
    if (outcome->made == 0 && doctor_bundle_has(bundle, REPAIR_APPLIED_FILE)) return STATUS_OK;
    enum status status = doctor_bundle_put(bundle, REPAIR_APPLIED_FILE, "applied", bytes);
    if (status == STATUS_OK) status = doctor_bundle_note(bundle, "the plan was applied");
    if (incident_may(bundle->incident.state, INCIDENT_REPAIRED))
        bundle->incident.state = INCIDENT_REPAIRED;
    if (status == STATUS_OK) status = doctor_bundle_seal(bundle);
    if (status != STATUS_OK) repair->error = bundle->error;
    return status;
}

/* The bleeding is stopped first: what is repaired while it goes on is wrong again at once. */
static enum status stops_check(struct repair *repair)
{
    const struct repair_plan *plan = &repair->plan;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].kind != PLAN_STOP || repair_step_is_done(repair, i + 1)) continue;
        enum status status =
            error_set(&repair->error, STATUS_DENIED, "step %u of the plan is not done: %.*s", i + 1,
                      STR_ARG(plan->steps[i].what));
        error_hint(
            &repair->error,
            "`tpwallet doctor step BUNDLE --policy FILE --key FILE --number %u --done`; with "
            "--note when it does not apply",
            i + 1);
        return status;
    }
    return STATUS_OK;
}

/* The ticket tells of it too; the error stays what it is. */
static void failure_note(struct repair *repair)
{
    struct doctor_bundle *bundle = &repair->bundle;
    BUF_SCOPE struct buf text;
    buf_init(&text, INCIDENT_TEXT_MAX);
    buf_append_format(&text, "applying the plan failed: %s", repair->error.message);
    enum status status = doctor_bundle_note(bundle, buf_terminated(&text));
    if (status == STATUS_OK) status = doctor_bundle_seal(bundle);
    if (status != STATUS_OK)
        error_detail(&repair->error, "the ticket could not tell of it: %s", bundle->error.message);
}

static enum status apply_allowed(struct repair *repair)
{
    enum status status =
        repair_person(&repair->bundle, &repair->policy, "applies it", &repair->error);
    if (status != STATUS_OK) return status;
    if (repair->bundle.incident.state == INCIDENT_CLOSED)
        return error_set(&repair->error, STATUS_CONFLICT, "the incident is closed");
    return stops_check(repair);
}

static enum status apply(struct repair *repair, struct approvals *approvals, struct buf *out)
{
    bool execute = invocation_has(repair->invocation, "execute");
    const char *folder = repair->invocation->data;
    struct repair_outcome outcome = { 0 };
    enum status status = approvals_read(repair, approvals);
    if (status != STATUS_OK) return status;
    if (!repair->invocation->json) approvals_show(approvals, repair, out);
    if (approvals->counted < repair->plan.approvals) {
        status = error_set(&repair->error, STATUS_DENIED, "%u of %u approvals count",
                           approvals->counted, repair->plan.approvals);
        error_hint(&repair->error,
                   "`tpwallet doctor approve BUNDLE --policy FILE --key THEIRS`: by "
                   "an approver of the policy who did not propose it");
        for (uint32_t i = 0; i < approvals->count; i++)
            if (approvals->verdicts[i] != APPROVAL_COUNTS)
                error_detail(&repair->error, "%s", approval_verdict_text(approvals->verdicts[i]));
        return status;
    }
    if (execute) status = apply_allowed(repair);
    if (status != STATUS_OK) return status;
    const struct repair_run run = {
        .folder = folder,
        .groups_max = UINT64_MAX,
        .group_steps = REPAIR_GROUP_STEPS,
        .record = true,
    };
    status =
        execute ? repair_execute(repair, &run, &outcome) : repair_look(repair, folder, &outcome);
    if (status != STATUS_OK && execute) failure_note(repair);
    if (status != STATUS_OK) return status;
    BUF_SCOPE struct buf result;
    buf_init(&result, 4096);
    repair_outcome_json(repair, &outcome, execute, &result);
    if (repair->invocation->json) buf_append_str(out, buf_view(&result));
    if (!repair->invocation->json)
        buf_append_format(out, "%s: %llu entries %s, %llu were there already\n",
                          execute ? "APPLIED" : "DRY RUN (give --execute to apply)",
                          (unsigned long long)outcome.made, execute ? "made" : "would be made",
                          (unsigned long long)outcome.repeated);
    return execute ? outcome_put(repair, &outcome, buf_view(&result)) : STATUS_OK;
}

/* What one ledger has too much of is nothing that another lacks. */
static enum status ledger_check(struct repair *repair)
{
    enum status status = doctor_bundle_is_of_folder(&repair->bundle, repair->invocation->data);
    if (status != STATUS_OK) repair->error = repair->bundle.error;
    return status;
}

static int apply_run(struct invocation *invocation)
{
    struct repair repair;
    struct approvals approvals = { .count = 0 };
    BUF_SCOPE struct buf out;
    buf_init(&out, 64 << 10);
    enum status status = repair_open(&repair, invocation);
    if (status == STATUS_OK) status = repair_rehearsal_read(&repair);
    if (status == STATUS_OK) status = ledger_check(&repair);
    if (status == STATUS_OK) status = apply(&repair, &approvals, &out);
    int code = status == STATUS_OK ? report_text(invocation, buf_view(&out))
                                   : report_error(invocation, &repair.error);
    for (uint32_t i = 0; i < approvals.count; i++) buf_free(&approvals.notes[i]);
    repair_close(&repair);
    return code;
}

/* ---- the commands ---- */

static const struct positional positionals[] = {
    { "BUNDLE", "the incident's folder", false },
    { 0 },
};

static const struct option approve_options[] = {
    { "key", "FILE", "the key of who approves", NULL },
    { "policy", "FILE", "the policy that the plan was made under", NULL },
    { 0 },
};

const struct command command_doctor_approve = {
    .name = "doctor approve",
    .summary = "approve a plan and its rehearsal, as they stand, with one's own key",
    .details =
        "A signed note over the SHA-256 of both, shown behind what it is a yes to. The policy says whose approvals count; who "
        "proposed the plan does not approve it; nobody counts twice; it expires with the "
        "plan. A plan or rehearsal made anew needs new approvals.",
    .positionals = positionals,
    .options = approve_options,
    .examples = "doctor approve case --policy repair.policy --key bob.key",
    .run = approve_run,
};

static const struct option apply_options[] = {
    { "key", "FILE", "the key of who applies it, for the custody", NULL },
    { "policy", "FILE", "the policy that the plan was made under", NULL },
    { "execute", NULL, "do it; without it, it is only looked at", NULL },
    { 0 },
};

const struct command command_doctor_apply = {
    .name = "doctor apply",
    .summary = "apply an approved plan to the ledger, once; a dry run unless --execute",
    .details =
        "Refuses a plan that was not rehearsed, that has too few approvals, whose time is over, or "
        "that was changed since; looks at every precondition before the first entry; and writes the "
        "plan's SHA-256 into the audit log. Up to 500 entries succeed or fail as one. Given again "
        "after any end, it makes what is missing. Steps that stop the bleeding have to be done "
        "before (`doctor step`); other steps are operators' too. Where a server runs on the folder, it makes the entries while it goes on.",
    .positionals = positionals,
    .options = apply_options,
    .examples = "doctor apply case --policy repair.policy\n"
                "doctor apply case --policy repair.policy --key anna.key --execute",
    .run = apply_run,
};

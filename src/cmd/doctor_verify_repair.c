/* tpwallet doctor verify-repair: the entries are there, the ledger checks, the evidence is clean. */
#include <string.h>

#include "base/check.h"
#include "cmd/child.h"
#include "cmd/doctor_repair.h"
#include "cmd/file_bytes.h"
#include "cmd/report.h"
#include "cmd/stage.h"
#include "doctor/closure.h"

struct verifying {
    struct repair repair;
    struct repair_outcome outcome;
    bool failed; /* all was looked at, and it is not as it must be */
};

/* Of evidence that was collected after the repair: --diagnosis to look at it, or made here with --key. */
static enum status diagnosis_get(struct repair *repair, struct buf *out_text)
{
    const char *path = invocation_text(repair->invocation, "diagnosis");
    struct stage stage;
    if (path != NULL) return file_bytes_read(path, out_text, &repair->error);
    if (!repair->bundle.signs)
        return error_set(&repair->error, STATUS_INVALID,
                         "--key is missing: who collects the evidence again?");
    enum status status = stage_open("verify", false, NULL, &stage, &repair->error);
    if (status != STATUS_OK) return status;
    status =
        repair_diagnose(repair, repair->invocation->data, buf_terminated(&stage.folder), out_text);
    stage_close(&stage);
    return status;
}

static enum status still_wrong(struct repair *repair, const struct plan_diagnosis *diagnosis)
{
    if (diagnosis->truncated)
        return error_set(&repair->error, STATUS_CONFLICT,
                         "the diagnosis is cut: not all was looked at");
    BUF_SCOPE struct buf first;
    buf_init(&first, 1 << 16);
    if (closure_left(diagnosis) > 0) closure_first(diagnosis, &first);
    enum status status =
        error_set(&repair->error, STATUS_CONFLICT,
                  "after the repair %u accounts are still wrong, %llu violations are unexplained",
                  diagnosis->row_count, (unsigned long long)diagnosis->unexplained);
    error_detail(&repair->error, "the first: %s", buf_terminated(&first));
    return status;
}

/* It must not find the same again. With --key it is kept in the bundle. */
static enum status diagnosis_verify(struct verifying *it)
{
    struct repair *repair = &it->repair;
    BUF_SCOPE struct buf text;
    buf_init(&text, 64 << 20);
    enum status status = diagnosis_get(repair, &text);
    struct arena arena = { 0 };
    struct plan_diagnosis diagnosis;
    if (status == STATUS_OK) status = arena_init(&arena, 8 * text.len + (16 << 20));
    if (status == STATUS_OK)
        status = plan_diagnosis_parse(buf_view(&text), &arena, &diagnosis, &repair->error);
    struct digest digest = digest_of(text.data, text.len);
    if (status == STATUS_OK && digest_equal(&digest, &repair->plan.diagnosis))
        status =
            error_set(&repair->error, STATUS_INVALID,
                      "this is the diagnosis from before the repair: collect and diagnose anew");
    if (status == STATUS_OK && !str_equal(diagnosis.incident, repair->plan.incident))
        status = error_set(&repair->error, STATUS_INVALID, "the diagnosis is of another incident");
    if (status == STATUS_OK && !digest_equal(&diagnosis.rules, &repair->plan.rules))
        status = error_set(&repair->error, STATUS_INVALID,
                           "the diagnosis was made by other rules than the plan's");
    it->failed = status == STATUS_OK &&
                 (diagnosis.truncated || closure_left(&diagnosis) > 0 || diagnosis.unexplained > 0);
    if (it->failed) status = still_wrong(repair, &diagnosis);
    arena_done(&arena);
    if (status != STATUS_OK || !repair->bundle.signs) return status;
    status = doctor_bundle_put(&repair->bundle, REPAIR_AFTER_FILE, "verified", buf_view(&text));
    if (status != STATUS_OK) repair->error = repair->bundle.error;
    return status;
}

/* What stays in the bundle is made here, by one of the policy's people; a file is any file. */
static enum status signer_check(struct repair *repair)
{
    if (!repair->bundle.signs) return STATUS_OK;
    enum status status =
        repair_person(&repair->bundle, &repair->policy, "verifies it", &repair->error);
    if (status != STATUS_OK || !invocation_has(repair->invocation, "diagnosis")) return status;
    status =
        error_set(&repair->error, STATUS_INVALID,
                  "give one of --key and --diagnosis: nobody signs a diagnosis made elsewhere");
    error_hint(&repair->error, "with --key the evidence is collected and diagnosed here");
    return status;
}

/* `apply` may have been ended between two groups of entries; what it has done to the end is in the bundle. */
static enum status entries_lack(struct verifying *it)
{
    struct error *error = &it->repair.error;
    unsigned long long entries = it->outcome.entries;
    unsigned long long there = it->outcome.repeated;
    it->failed = true;
    if (doctor_bundle_has(&it->repair.bundle, REPAIR_APPLIED_FILE)) {
        (void)error_set(error, STATUS_CONFLICT,
                        "the plan was applied, and %llu of its %llu entries are not in this ledger",
                        entries - there, entries);
        error_hint(error, "is --data the ledger that was repaired? `tpwallet doctor apply "
                          "--execute` makes what is missing");
    } else if (there == 0) {
        (void)error_set(error, STATUS_CONFLICT,
                        "the plan was not applied yet: none of its %llu entries is in the ledger",
                        entries);
        error_hint(error, "`tpwallet doctor apply --execute` makes them; then verify the repair");
    } else {
        (void)error_set(error, STATUS_CONFLICT,
                        "the plan was not applied to the end: %llu of its %llu entries are in the "
                        "ledger",
                        there, entries);
        error_hint(error, "`tpwallet doctor apply --execute` makes the others; then verify the "
                          "repair");
    }
    return error->status;
}

static enum status ledger_check(struct verifying *it)
{
    struct error *error = &it->repair.error;
    const char *const words[] = { "check", "--data", it->repair.invocation->data, NULL };
    const struct child_files files = { "/dev/null", "/dev/null" };
    struct child child;
    enum status status = child_start(words, &files, &child, error);
    if (status != STATUS_OK || child_wait(&child) == EXIT_CODE_DONE) return status;
    return error_set(error, STATUS_CORRUPT, "`tpwallet check` finds the ledger wrong");
}

static enum status verified_note(struct repair *repair)
{
    if (!repair->bundle.signs) return STATUS_OK;
    enum status status = doctor_bundle_note(&repair->bundle, "the repair was verified");
    if (incident_may(repair->bundle.incident.state, INCIDENT_VERIFIED))
        repair->bundle.incident.state = INCIDENT_VERIFIED;
    if (status == STATUS_OK) status = doctor_bundle_seal(&repair->bundle);
    if (status != STATUS_OK) repair->error = repair->bundle.error;
    return status;
}

static enum status verify(struct verifying *it)
{
    struct repair *repair = &it->repair;
    enum status status = signer_check(repair);
    if (status == STATUS_OK) {
        status = repair_look(repair, repair->invocation->data, &it->outcome);
        /* Not there, and could not be made; without entries the ledger was not looked at. */
        it->failed = status == STATUS_CONFLICT && it->outcome.entries > 0;
    }
    if (status == STATUS_OK && it->outcome.made > 0) status = entries_lack(it);
    if (status == STATUS_OK) status = ledger_check(it);
    if (status == STATUS_OK) status = diagnosis_verify(it);
    return status == STATUS_OK ? verified_note(repair) : status;
}

static int verify_run(struct invocation *invocation)
{
    struct verifying it = { .failed = false };
    struct repair *repair = &it.repair;
    enum status status = repair_open(repair, invocation);
    if (status == STATUS_OK) status = verify(&it);
    int code;
    if (status == STATUS_OK) {
        BUF_SCOPE struct buf out;
        buf_init(&out, 4096);
        if (invocation->json)
            repair_outcome_json(repair, &it.outcome, true, &out);
        else
            buf_append_format(&out, "VERIFIED: %llu entries are in the ledger, which checks\n",
                              (unsigned long long)it.outcome.entries);
        code = report_text(invocation, buf_view(&out));
    } else if (it.failed) {
        code = report_refused(invocation, &repair->error);
    } else {
        code = report_error(invocation, &repair->error);
    }
    repair_close(repair);
    return code;
}

static const struct positional positionals[] = {
    { "BUNDLE", "the incident's folder", false },
    { 0 },
};

static const struct option verify_options[] = {
    { "key", "FILE",
      "of one of the policy's people: collects the evidence again and signs the custody", NULL },
    { "policy", "FILE", "the policy that the plan was made under", NULL },
    { "diagnosis", "FILE",
      "instead of --key: made elsewhere of evidence after the repair, only to look; nothing is kept",
      NULL },
    { 0 },
};

const struct command command_doctor_verify_repair = {
    .name = "doctor verify-repair",
    .summary = "verify that a repair was done: its entries, the ledger's invariants, the evidence",
    .details =
        "Looks for every entry, runs `check`, collects our ledger again beside the other "
        "sources of the bundle, and diagnoses: nothing may be wrong that is not settled by "
        "now. With --key the diagnosis goes into the bundle, and into its report; one that was "
        "made elsewhere is looked at, and nothing is kept of it.",
    .positionals = positionals,
    .options = verify_options,
    .examples = "doctor verify-repair case --policy repair.policy --key anna.key\n"
                "doctor verify-repair case --policy repair.policy --diagnosis after.json",
    .run = verify_run,
};

/* tpwallet doctor step: an operator says that a step of the plan which is theirs is done, or undone. */
#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/json_member.h"
#include "base/shown_text.h"
#include "cmd/doctor_repair.h"
#include "cmd/report.h"

enum { NOTE_LEN_MAX = 500 };

static void line_build(const struct repair *repair, const struct repair_step_told *told,
                       struct buf *out)
{
    char hex[2 * sizeof repair->plan_digest.bytes + 1];
    char at[TIME_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_member_text(&writer, "plan_sha256",
                     hex_format(repair->plan_digest.bytes, sizeof repair->plan_digest.bytes, hex));
    json_write_key(&writer, STR("step"));
    json_write_uint64(&writer, told->number);
    json_member_text(&writer, "state", told->done ? STR("done") : STR("undone"));
    json_member_text(&writer, "by", note_key_name(&repair->bundle.signer.key));
    json_member_text(&writer, "at", wall_time_format(clock_wall(system_clock()), at));
    if (told->note.len > 0) json_member_text(&writer, "note", told->note);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK || out->overflow); /* which the caller looks at */
    buf_append_byte(out, '\n');
}

static enum status step_tell(struct repair *repair, const struct repair_step_told *told)
{
    struct doctor_bundle *bundle = &repair->bundle;
    line_build(repair, told, &repair->steps_text);
    if (repair->steps_text.overflow)
        return error_set(&repair->error, STATUS_LIMIT, "too much was said of steps already");
    BUF_SCOPE struct buf note;
    buf_init(&note, 1024);
    buf_append_format(&note, "step %llu is %s", (unsigned long long)told->number,
                      told->done ? "done" : "undone");
    enum status status =
        doctor_bundle_put(bundle, REPAIR_STEPS_FILE, "told", buf_view(&repair->steps_text));
    if (status == STATUS_OK) status = doctor_bundle_note(bundle, buf_terminated(&note));
    if (status == STATUS_OK) status = doctor_bundle_seal(bundle);
    if (status != STATUS_OK) repair->error = bundle->error;
    return status;
}

static enum status told_read(struct repair *repair, struct repair_step_told *told)
{
    const struct invocation *invocation = repair->invocation;
    struct error *error = &repair->error;
    told->done = invocation_has(invocation, "done");
    told->note = str_from(invocation_text(invocation, "note"));
    if (told->done == invocation_has(invocation, "undone"))
        return error_set(error, STATUS_INVALID, "give one of --done and --undone");
    if (told->note.len > NOTE_LEN_MAX)
        return error_set(error, STATUS_INVALID, "--note is longer than %d bytes", NOTE_LEN_MAX);
    enum status status = repair_person(&repair->bundle, &repair->policy, "says so", error);
    if (status != STATUS_OK) return status;
    status =
        invocation_number(invocation, "number", (struct number_range){ 1, repair->plan.step_count },
                          &told->number, error);
    if (status != STATUS_OK) return status;
    if (!plan_step_is_ours(repair->plan.steps[told->number - 1].kind)) return STATUS_OK;
    return error_set(error, STATUS_INVALID,
                     "step %llu is an entry: `tpwallet doctor apply` makes it",
                     (unsigned long long)told->number);
}

static void step_show(const struct repair *repair, uint32_t number, struct buf *out)
{
    const struct plan_step *step = &repair->plan.steps[number - 1];
    const struct plan_step_words *words = plan_step_words(step->kind);
    bool done = repair_step_is_done(repair, number);
    buf_append_format(out, "%3u %-10s %-4s [", number, words->name, done ? "done" : "open");
    shown_text_append(out, step->fault);
    buf_append_str(out, STR("] "));
    shown_text_append(out, step->what);
    buf_append_byte(out, '\n');
    if (done) return;
    buf_append_format(out, "      before: %s\n      done when: %s\n      undo: %s\n",
                      words->precondition, words->probe, words->undo);
    if (words->command[0] != '\0') buf_append_format(out, "      with: %s\n", words->command);
}

static void steps_show(const struct repair *repair, struct buf *out)
{
    for (uint32_t i = 1; i <= repair->plan.step_count; i++)
        if (!plan_step_is_ours(repair->plan.steps[i - 1].kind)) step_show(repair, i, out);
}

static int step_run(struct invocation *invocation)
{
    struct repair repair;
    struct repair_step_told told = { 0 };
    enum status status = repair_open(&repair, invocation);
    bool tells = invocation_has(invocation, "number");
    bool said = invocation_has(invocation, "done") || invocation_has(invocation, "undone");
    if (status == STATUS_OK && said && !tells)
        status = error_set(&repair.error, STATUS_INVALID, "--number is missing: which step?");
    if (status == STATUS_OK && tells) status = told_read(&repair, &told);
    if (status == STATUS_OK && tells) status = step_tell(&repair, &told);
    int code;
    if (status == STATUS_OK) {
        BUF_SCOPE struct buf out;
        buf_init(&out, PLAN_SIZE_MAX);
        if (!invocation->json) steps_show(&repair, &out);
        code = report_text(invocation, buf_view(invocation->json ? &repair.steps_text : &out));
    } else {
        code = report_error(invocation, &repair.error);
    }
    repair_close(&repair);
    return code;
}

static const struct positional positionals[] = {
    { "BUNDLE", "the incident's folder", false },
    { 0 },
};

static const struct option options[] = {
    { "key", "FILE", "the key of whoever says so", NULL },
    { "policy", "FILE", "the policy that the plan was made under", NULL },
    { "number", "NUMBER", "which step, as the plan counts them; all are shown without it", NULL },
    { "done", NULL, "it is done, or does not apply", NULL },
    { "undone", NULL, "it was undone", NULL },
    { "note", "TEXT", "how it was seen, or why it does not apply", "" },
    { 0 },
};

const struct command command_doctor_step = {
    .name = "doctor step",
    .summary = "show the steps of the plan that are operators', or say that one is done",
    .details = "Suspending a sender, mending a cause, filling a cache anew, delivering again, "
               "rotating a key: what must be so before it, how it shows that it is done, what "
               "undoes it, and the command for it in a wallet like ours. What is said is signed "
               "into the custody. `doctor apply` waits for the steps that stop the bleeding.",
    .positionals = positionals,
    .options = options,
    .examples = "doctor step case --policy repair.policy\n"
                "doctor step case --policy repair.policy --key anna.key --number 1 --done",
    .run = step_run,
};

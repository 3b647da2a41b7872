#include "cmd/doctor_repair.h"

#include <signal.h>
#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/hex.h"
#include "base/json_reader.h"
#include "cmd/answer.h"
#include "cmd/call.h"
#include "cmd/file_bytes.h"
#include "cmd/session.h"
#include "model/notice.h"

enum { ANSWER_MAX = 4 << 20, ARENA_FACTOR = 8, AMOUNT_SIZE = MONEY_TEXT_SIZE };

/* ---- files ---- */

static enum status policy_read(struct repair *repair)
{
    const char *path = invocation_text(repair->invocation, "policy");
    if (path == NULL)
        return error_set(&repair->error, STATUS_INVALID, "--policy is missing: who may approve?");
    enum status status = file_bytes_read(path, &repair->policy_text, &repair->error);
    if (status != STATUS_OK) return status;
    return repair_policy_parse(buf_view(&repair->policy_text), &repair->policy, &repair->error);
}

static enum status plan_read(struct repair *repair)
{
    enum status status = doctor_bundle_get(&repair->bundle, REPAIR_PLAN_FILE, &repair->plan_text);
    if (status != STATUS_OK) {
        repair->error = repair->bundle.error;
        error_hint(&repair->error, "`tpwallet doctor plan` makes it");
        return status;
    }
    repair->plan_digest = digest_of(repair->plan_text.data, repair->plan_text.len);
    status = arena_init(&repair->arena, ARENA_FACTOR * repair->plan_text.len + (16 << 20));
    if (status != STATUS_OK) return error_set(&repair->error, status, "no memory for the plan");
    status = repair_plan_parse(buf_view(&repair->plan_text), &repair->arena, &repair->plan,
                               &repair->error);
    if (status != STATUS_OK) return status;
    struct digest policy = digest_of(repair->policy_text.data, repair->policy_text.len);
    if (!digest_equal(&policy, &repair->plan.policy))
        return error_set(&repair->error, STATUS_DENIED,
                         "the plan was made under another policy: make it anew");
    uint32_t approvals = repair->plan.approvals;
    status = repair_plan_check(&repair->plan, &repair->policy, &repair->error);
    if (status == STATUS_OK && repair->plan.approvals != approvals)
        status = error_set(&repair->error, STATUS_DENIED,
                           "the plan asks for another number of approvals than the policy");
    return status;
}

static enum status steps_read(struct repair *repair)
{
    enum status status =
        doctor_bundle_get_kept(&repair->bundle, REPAIR_STEPS_FILE, &repair->steps_text);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* nothing was said yet */
    if (status != STATUS_OK) repair->error = repair->bundle.error;
    return status;
}

bool repair_step_is_done(const struct repair *repair, uint32_t number)
{
    char hex[2 * sizeof repair->plan_digest.bytes + 1];
    struct str plan = hex_format(repair->plan_digest.bytes, sizeof repair->plan_digest.bytes, hex);
    struct str rest = buf_view(&repair->steps_text);
    struct str line;
    struct arena arena;
    bool done = false;
    if (arena_init(&arena, answer_arena_size(rest)) != STATUS_OK) return false;
    while (str_take_line(&rest, &line)) {
        struct answer_object told;
        uint64_t step;
        arena_reset(&arena);
        if (answer_read(line, &arena, &told) != STATUS_OK) continue;
        if (!str_equal(answer_text(&told, "plan_sha256"), plan)) continue; /* of another plan */
        if (decimal_parse(answer_text(&told, "step"), UINT32_MAX, &step) != STATUS_OK) continue;
        if (step == number) done = str_equal(answer_text(&told, "state"), STR("done"));
    }
    arena_done(&arena);
    return done;
}

enum status repair_open(struct repair *repair, const struct invocation *invocation)
{
    memset(repair, 0, sizeof *repair);
    repair->invocation = invocation;
    buf_init(&repair->plan_text, PLAN_SIZE_MAX);
    buf_init(&repair->policy_text, POLICY_SIZE_MAX);
    buf_init(&repair->rehearsal_text, 1 << 20);
    buf_init(&repair->steps_text, 1 << 20);
    enum status status = doctor_bundle_open(
        invocation->positionals[0], invocation_text(invocation, "key"), NULL, &repair->bundle);
    if (status != STATUS_OK) {
        repair->error = repair->bundle.error;
        return status;
    }
    status = policy_read(repair);
    if (status == STATUS_OK) status = plan_read(repair);
    return status == STATUS_OK ? steps_read(repair) : status;
}

void repair_close(struct repair *repair)
{
    doctor_bundle_close(&repair->bundle);
    arena_done(&repair->arena);
    buf_free(&repair->plan_text);
    buf_free(&repair->policy_text);
    buf_free(&repair->rehearsal_text);
    buf_free(&repair->steps_text);
}

enum status repair_person(const struct doctor_bundle *bundle, const struct repair_policy *policy,
                          const char *what, struct error *out_error)
{
    if (!bundle->signs)
        return error_set(out_error, STATUS_INVALID, "--key is missing: who %s?", what);
    if (repair_policy_approver(policy, &bundle->signer.key) != NULL) return STATUS_OK;
    struct str who = note_key_name(&bundle->signer.key);
    enum status status = error_set(out_error, STATUS_DENIED,
                                   "the policy does not name the key of '%.*s'", STR_ARG(who));
    error_hint(out_error, "who %s is one of its people", what);
    return status;
}

enum status repair_unapplied(struct doctor_bundle *bundle)
{
    BUF_SCOPE struct buf applied;
    buf_init(&applied, 1 << 16);
    enum status status = doctor_bundle_get(bundle, REPAIR_APPLIED_FILE, &applied);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status != STATUS_OK) return status;
    status = error_set(&bundle->error, STATUS_CONFLICT, "the plan of this incident was applied");
    error_hint(&bundle->error, "`tpwallet doctor verify-repair`; what is left to repair wants a "
                               "bundle (collect --again) and a plan of its own");
    return status;
}

enum status repair_rehearsal_read(struct repair *repair)
{
    enum status status =
        doctor_bundle_get(&repair->bundle, REPAIR_REHEARSAL_FILE, &repair->rehearsal_text);
    if (status != STATUS_OK) {
        repair->error = repair->bundle.error;
        error_hint(&repair->error,
                   "an unrehearsed plan is not applied: `tpwallet doctor rehearse`");
        return status;
    }
    repair->rehearsal_digest = digest_of(repair->rehearsal_text.data, repair->rehearsal_text.len);
    struct arena arena;
    struct answer_object object;
    status = arena_init(&arena, answer_arena_size(buf_view(&repair->rehearsal_text)));
    if (status != STATUS_OK) return error_set(&repair->error, status, "no memory");
    char hex[2 * sizeof repair->plan_digest.bytes + 1];
    status = answer_read(buf_view(&repair->rehearsal_text), &arena, &object);
    struct str wanted =
        hex_format(repair->plan_digest.bytes, sizeof repair->plan_digest.bytes, hex);
    bool good = status == STATUS_OK && str_equal(answer_text(&object, "plan_sha256"), wanted) &&
                str_equal(answer_text(&object, "passed"), STR("true"));
    arena_done(&arena);
    if (good) return STATUS_OK;
    return error_set(&repair->error, STATUS_DENIED,
                     "the rehearsal is of another plan, or was not passed: rehearse again");
}

/* ---- execution ---- */

struct execution {
    struct repair *repair;
    struct session session;
    struct buf body;
    struct buf answer;
    struct arena arena;
    struct buf
        amounts;   /* of each entry, in major units, as the ledger writes it: AMOUNT_SIZE each */
    uint32_t sent; /* entries so far */
    struct repair_outcome outcome;
};

static enum status execution_open(struct execution *it, const char *folder, bool read_only)
{
    buf_init(&it->body, ANSWER_MAX);
    buf_init(&it->answer, ANSWER_MAX);
    buf_init(&it->amounts, (size_t)PLAN_STEPS_MAX * AMOUNT_SIZE);
    enum status status = arena_init(&it->arena, ARENA_FACTOR * (size_t)ANSWER_MAX);
    if (status != STATUS_OK) return error_set(&it->repair->error, status, "no memory");
    const struct session_options options = { .folder = folder, .read_only = read_only };
    return session_open(&options, &it->session, &it->repair->error);
}

static void execution_close(struct execution *it, bool opened)
{
    if (opened) session_close(&it->session);
    arena_done(&it->arena);
    buf_free(&it->body);
    buf_free(&it->answer);
    buf_free(&it->amounts);
}

/* GET of one thing; *out_there is false when it is not there. */
static enum status look_up(struct execution *it, const char *path, struct str id,
                           struct answer_object *out_object, bool *out_there)
{
    buf_reset(&it->body);
    buf_append_format(&it->body, "%s%.*s", path, STR_ARG(id));
    const struct session_request request = { .method = API_GET, .target = buf_view(&it->body) };
    unsigned http = 0;
    struct error *error = &it->repair->error;
    enum status status = session_call(&it->session, &request, &http, &it->answer, error);
    if (status != STATUS_OK) return status;
    *out_there = http == 200;
    if (http == 404) return STATUS_OK;
    if (http != 200)
        return error_set(error, STATUS_UNAVAILABLE, "%.*s cannot be looked up: status %u",
                         STR_ARG(id), http);
    arena_reset(&it->arena);
    if (answer_read(buf_view(&it->answer), &it->arena, out_object) == STATUS_OK) return STATUS_OK;
    return error_set(error, STATUS_UNAVAILABLE, "the answer about %.*s is not understood",
                     STR_ARG(id));
}

static bool amount_is(struct str text, struct signed_amount wanted)
{
    char digits[MONEY_TEXT_SIZE];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof digits; i++)
        if (text.data[i] != '.') digits[len++] = text.data[i];
    const struct signed_amount_form form = { .point = '.', .minor = true };
    struct signed_amount amount;
    return signed_amount_parse((struct str){ digits, len }, &form, &amount) == STATUS_OK &&
           signed_amount_compare(amount, wanted) == 0;
}

/* What is made is what was looked at, and not what may be left of the target by then. */
static enum status amount_keep(struct execution *it, struct str text)
{
    char *slot = text.len < AMOUNT_SIZE ? buf_extend(&it->amounts, AMOUNT_SIZE) : NULL;
    if (slot == NULL) return error_set(&it->repair->error, STATUS_LIMIT, "no memory for the plan");
    memset(slot, 0, AMOUNT_SIZE);
    if (text.len > 0) memcpy(slot, text.data, text.len);
    return STATUS_OK;
}

static enum status unmet(struct execution *it, const struct plan_step *step, const char *what)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(step->id, id);
    enum status status = error_set(&it->repair->error, STATUS_CONFLICT,
                                   "the ledger is not as the plan wants it: %s", what);
    error_detail(&it->repair->error, "entry %s, target %.*s", id, STR_ARG(step->target));
    error_hint(&it->repair->error, "nothing was changed; diagnose and plan anew");
    return status;
}

/* The entry itself: there, as planned, is a repeat; there and other is somebody else's. */
static enum status entry_look(struct execution *it, const struct plan_step *step, bool *out_there)
{
    char id[UUID_TEXT_LEN + 1];
    struct answer_object object;
    uuid_format(step->id, id);
    enum status status = look_up(it, "/v1/transfers/", str_from(id), &object, out_there);
    if (status != STATUS_OK || !*out_there) return status;
    bool same = str_equal(answer_text(&object, "outcome"), STR("ok")) &&
                str_equal(answer_text(&object, "debit"), step->debit) &&
                str_equal(answer_text(&object, "credit"), step->credit) &&
                str_equal(answer_text(&object, "asset"), step->ccy) &&
                amount_is(answer_text(&object, "amount"), step->amount);
    return same ? amount_keep(it, answer_text(&object, "amount"))
                : unmet(it, step, "the entry's id is taken, or was refused before");
}

static enum status target_look(struct execution *it, const struct plan_step *step)
{
    struct answer_object object;
    bool there;
    struct uuid id;
    if (uuid_parse(step->target, &id) != STATUS_OK) return unmet(it, step, "the target is no id");
    enum status status = look_up(it, "/v1/transfers/", step->target, &object, &there);
    if (status != STATUS_OK) return status;
    if (!there) return unmet(it, step, "there is no such target");
    bool same = str_equal(answer_text(&object, "outcome"), STR("ok")) &&
                str_equal(answer_text(&object, "debit"), step->credit) &&
                str_equal(answer_text(&object, "credit"), step->debit) &&
                str_equal(answer_text(&object, "asset"), step->ccy) &&
                amount_is(answer_text(&object, "amount"), step->amount);
    return same ? amount_keep(it, answer_text(&object, "amount"))
                : unmet(it, step, "the target is not of these accounts and this amount");
}

static enum status all_look(struct execution *it)
{
    const struct repair_plan *plan = &it->repair->plan;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        bool there = false;
        if (!plan_step_is_ours(step->kind)) continue;
        it->outcome.entries++;
        enum status status = entry_look(it, step, &there);
        if (status == STATUS_OK && !there) status = target_look(it, step);
        if (status != STATUS_OK) return status;
        it->outcome.repeated += there;
        it->outcome.made += !there;
    }
    return STATUS_OK;
}

static void text_member(struct json_writer *writer, const char *key, struct str value)
{
    json_write_key(writer, str_from(key));
    json_write_string(writer, value);
}

/* One entry of a group, and its amount. */
struct group_entry {
    const struct plan_step *step;
    const char *amount;
};

static void entry_write(struct json_writer *writer, const struct group_entry *entry, bool linked)
{
    const struct plan_step *step = entry->step;
    json_write_object_begin(writer);
    json_write_key(writer, STR("id"));
    json_write_uuid(writer, step->id);
    text_member(writer, "kind", STR("reversal"));
    text_member(writer, "target", step->target);
    text_member(writer, "amount", str_from(entry->amount));
    text_member(writer, "asset", step->ccy);
    if (linked) {
        json_write_key(writer, STR("flags"));
        json_write_array_begin(writer);
        json_write_string(writer, STR("linked"));
        json_write_array_end(writer);
    }
    json_write_object_end(writer);
}

/* The entries of one group, from *at on, that the ledger has not yet; linked, so all or none. */
static uint32_t group_build(struct execution *it, uint32_t steps_max, uint32_t *at)
{
    const struct repair_plan *plan = &it->repair->plan;
    struct group_entry entries[REPAIR_GROUP_STEPS];
    uint32_t count = 0;
    for (; *at < plan->step_count && count < steps_max; *at += 1)
        if (plan->steps[*at].kind == PLAN_COMPENSATE)
            entries[count++] =
                (struct group_entry){ &plan->steps[*at], (const char *)it->amounts.data +
                                                             (size_t)AMOUNT_SIZE * it->sent++ };
    CHECK(steps_max <= REPAIR_GROUP_STEPS);
    struct json_writer writer;
    buf_reset(&it->body);
    json_writer_init(&writer, &it->body);
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < count; i++) entry_write(&writer, &entries[i], i + 1 < count);
    json_write_array_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* 500 entries are far smaller than the buf */
    return count;
}

/* What the ledger said to each entry of a group. */
struct group_answer {
    uint32_t done;
    struct str refused; /* the first other outcome */
};

static bool item_read(void *context, const struct answer_object *item)
{
    struct group_answer *group = context;
    struct str outcome = answer_text(item, "outcome");
    if (str_equal(outcome, STR("ok")))
        group->done++;
    else if (group->refused.len == 0 || str_equal(group->refused, STR("linked_failed")))
        group->refused = outcome;
    return true;
}

static enum status group_send(struct execution *it, uint32_t count)
{
    struct error *error = &it->repair->error;
    const struct session_request request = {
        .method = API_POST,
        .target = STR("/v1/transfers"),
        .content_type = STR("application/json"),
        .body = buf_view(&it->body),
    };
    unsigned http = 0;
    struct group_answer group = { 0, STR("") };
    enum status status = session_call(&it->session, &request, &http, &it->answer, error);
    if (status != STATUS_OK) return status;
    arena_reset(&it->arena);
    struct answer_object rest;
    const struct answer_list list = { "results", item_read, &group };
    bool read = answer_read_list(buf_view(&it->answer), &list, &it->arena, &rest) == STATUS_OK;
    if (read && group.done == count) return STATUS_OK;
    struct str why = group.refused.len == 0 ? STR("no outcome") : group.refused;
    return error_set(error, STATUS_CONFLICT, "the ledger refused: %.*s (status %u)", STR_ARG(why),
                     http);
}

/* Before the first entry; under the plan's own key, so that it is written down once. */
static enum status act_write(struct execution *it)
{
    char hex[2 * sizeof it->repair->plan_digest.bytes + 1];
    const struct repair *repair = it->repair;
    struct str plan = hex_format(repair->plan_digest.bytes, sizeof repair->plan_digest.bytes, hex);
    char reason[REASON_SIZE] = "";
    BUF_SCOPE struct buf target;
    buf_init(&target, 1024);
    buf_append_str(&target, STR("/v1/repairs"));
    if (reason_is_valid(repair->plan.incident)) {
        memcpy(reason, repair->plan.incident.data, repair->plan.incident.len);
        buf_append_str(&target, STR("?reason="));
        call_encode(&target, reason);
    }
    struct json_writer writer;
    buf_reset(&it->body);
    json_writer_init(&writer, &it->body);
    json_write_object_begin(&writer);
    text_member(&writer, "plan", plan);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK); /* far smaller than the buf */
    const struct session_request request = {
        .method = API_POST,
        .target = buf_view(&target),
        .content_type = STR("application/json"),
        .idempotency_key = plan,
        .body = buf_view(&it->body),
    };
    unsigned http = 0;
    struct error *error = &it->repair->error;
    enum status status = session_call(&it->session, &request, &http, &it->answer, error);
    if (status != STATUS_OK || http == 200 || http == 201) return status;
    return error_set(error, STATUS_UNAVAILABLE,
                     "the act cannot be written down in the journal: status %u", http);
}

static enum status groups_run(struct execution *it, const struct repair_run *run)
{
    uint32_t at = 0;
    enum status status = run->record ? act_write(it) : STATUS_OK;
    while (status == STATUS_OK && at < it->repair->plan.step_count) {
        if (it->outcome.groups == run->groups_max) (void)raise(SIGKILL); /* for rehearsals */
        uint32_t count = group_build(it, run->group_steps, &at);
        if (count == 0) break;
        status = group_send(it, count);
        it->outcome.groups++;
    }
    return status;
}

enum status repair_execute(struct repair *repair, const struct repair_run *run,
                           struct repair_outcome *out_outcome)
{
    struct execution it = { .repair = repair };
    enum status status = execution_open(&it, run->folder, false);
    bool opened = status == STATUS_OK;
    if (status == STATUS_OK) status = all_look(&it);
    if (status == STATUS_OK) status = groups_run(&it, run);
    *out_outcome = it.outcome;
    execution_close(&it, opened);
    return status;
}

enum status repair_look(struct repair *repair, const char *folder,
                        struct repair_outcome *out_outcome)
{
    struct execution it = { .repair = repair };
    enum status status = execution_open(&it, folder, true);
    bool opened = status == STATUS_OK;
    if (status == STATUS_OK) status = all_look(&it);
    *out_outcome = it.outcome;
    execution_close(&it, opened);
    return status;
}

void repair_outcome_json(const struct repair *repair, const struct repair_outcome *outcome,
                         bool executed, struct buf *out)
{
    char hex[2 * sizeof repair->plan_digest.bytes + 1];
    char at[TIME_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("format"));
    json_write_string(&writer, STR("tpwallet-applied-1"));
    json_write_key(&writer, STR("plan_sha256"));
    json_write_string(&writer,
                      hex_format(repair->plan_digest.bytes, sizeof repair->plan_digest.bytes, hex));
    json_write_key(&writer, STR("executed"));
    json_write_bool(&writer, executed);
    json_write_key(&writer, STR("at"));
    json_write_string(&writer, wall_time_format(clock_wall(system_clock()), at));
    json_write_key(&writer, STR("entries"));
    json_write_uint64(&writer, outcome->entries);
    json_write_key(&writer, STR("made"));
    json_write_uint64(&writer, outcome->made);
    json_write_key(&writer, STR("repeated"));
    json_write_uint64(&writer, outcome->repeated);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* far smaller than the buf */
    buf_append_byte(out, '\n');
}

#include "doctor/repair_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/hex.h"
#include "base/json_member.h"
#include "base/json_reader.h"

static const struct plan_step_words kinds[] = {
#define KIND_ENTRY(name, text, ours, before, probe, undo, command)                                 \
    { (text), (ours), (before), (probe), (undo), (command) },
    PLAN_STEP_TABLE(KIND_ENTRY)
#undef KIND_ENTRY
};

const struct plan_step_words *plan_step_words(enum plan_step_kind kind)
{
    CHECK(kind < PLAN_STEP_KINDS);
    return &kinds[kind];
}

const char *plan_step_name(enum plan_step_kind kind)
{
    return plan_step_words(kind)->name;
}

bool plan_step_is_ours(enum plan_step_kind kind)
{
    return plan_step_words(kind)->ours;
}

static struct uuid id_of_digest(struct digest digest)
{
    struct uuid id;
    memcpy(&id, digest.bytes, sizeof id);
    id.hi = (id.hi & ~UINT64_C(0xF000)) | UINT64_C(0x8000);     /* version 8 */
    id.lo = (id.lo & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62; /* variant */
    return id;
}

struct uuid plan_entry_id(const struct repair_plan *plan, const struct plan_step *step)
{
    const char *template = plan_step_name(step->kind);
    bool of_any_plan = step->kind == PLAN_SEND_BACK;
    const struct str texts[] = { of_any_plan ? STR("") : plan->incident,
                                 step->target,
                                 step->debit,
                                 step->credit,
                                 step->ccy,
                                 str_from(template) };
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    uint64_t lens[TEXTS];
    struct digest_part parts[2 * TEXTS + 1];
    for (size_t i = 0; i < TEXTS; i++) {
        lens[i] = texts[i].len;
        parts[2 * i] = (struct digest_part){ &lens[i], sizeof lens[i] };
        parts[2 * i + 1] = (struct digest_part){ texts[i].data, texts[i].len };
    }
    parts[(size_t)2 * TEXTS] = (struct digest_part){ &plan->rules, sizeof plan->rules };
    return id_of_digest(digest_of_parts(parts, (size_t)2 * TEXTS + (of_any_plan ? 0 : 1)));
}

struct uuid plan_attempt_id(const struct plan_step *step, uint32_t attempt)
{
    CHECK(attempt >= 1 && attempt <= PLAN_ATTEMPTS_MAX);
    if (attempt == 1) return step->id;
    const struct digest_part parts[] = {
        { "attempt", 7 },
        { &step->id, sizeof step->id },
        { &attempt, sizeof attempt },
    };
    return id_of_digest(digest_of_parts(parts, sizeof parts / sizeof parts[0]));
}

/* ---- checking ---- */

static int id_order(const void *a, const void *b)
{
    return uuid_compare(*(const struct uuid *)a, *(const struct uuid *)b);
}

static bool ids_differ(const struct repair_plan *plan)
{
    BUF_SCOPE struct buf ids;
    buf_init(&ids, PLAN_STEPS_MAX * sizeof(struct uuid));
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        if (!plan_step_is_ours(plan->steps[i].kind)) continue;
        buf_append(&ids, &plan->steps[i].id, sizeof(struct uuid));
        count++;
    }
    struct uuid *list = (struct uuid *)(void *)ids.data;
    if (count > 1) qsort(list, count, sizeof list[0], id_order);
    for (uint32_t i = 1; i < count; i++)
        if (uuid_equal(list[i], list[i - 1])) return false;
    return true;
}

static const char *step_fault(const struct repair_plan *plan, const struct plan_step *step)
{
    if (step->what.len == 0 || step->what.len > PLAN_TEXT_MAX) return "says nothing, or too much";
    if (!plan_step_is_ours(step->kind)) return NULL;
    if (step->amount.minor <= 0) return "moves nothing";
    if (step->ccy.len < 3 || step->ccy.len > ASSET_CODE_LEN_MAX) return "has no asset";
    if (step->debit.len == 0 || step->credit.len == 0 || str_equal(step->debit, step->credit))
        return "is not between two accounts";
    if (step->target.len == 0) return "reverses nothing";
    if (!uuid_equal(step->id, plan_entry_id(plan, step))) return "has an id that is not derived";
    return NULL;
}

static bool total_of(const struct repair_plan *plan, struct str ccy,
                     struct signed_amount *out_total)
{
    out_total->minor = 0;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        if (!plan_step_is_ours(step->kind) || !str_equal(step->ccy, ccy)) continue;
        if (!signed_amount_add(*out_total, step->amount, out_total)) return false;
    }
    return true;
}

/* Nothing is allowed in an asset that the policy does not name. */
static enum status assets_check(const struct repair_plan *plan, const struct repair_policy *policy,
                                struct error *out_error)
{
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        bool named = !plan_step_is_ours(step->kind);
        for (uint32_t j = 0; j < policy->total_count && !named; j++)
            named = str_equal(step->ccy, str_from(policy->total[j].ccy));
        if (named) continue;
        enum status status = error_set(out_error, STATUS_DENIED,
                                       "the policy has no max_total of %.*s", STR_ARG(step->ccy));
        error_hint(out_error, "it allows what it names: a line `max_total %.*s AMOUNT`",
                   STR_ARG(step->ccy));
        return status;
    }
    return STATUS_OK;
}

/* Who proposes does not approve: there have to be enough others. */
static enum status approvers_check(const struct repair_plan *plan,
                                   const struct repair_policy *policy, uint32_t approvals,
                                   struct error *out_error)
{
    uint32_t others = 0;
    for (uint32_t i = 0; i < policy->approver_count; i++) {
        char text[NOTE_KEY_TEXT_SIZE];
        others += !str_equal(note_key_format(&policy->approvers[i], text), plan->proposer);
    }
    if (others >= approvals) return STATUS_OK;
    enum status status =
        error_set(out_error, STATUS_DENIED,
                  "%u approvals are needed, and the policy has %u people who did not propose it",
                  approvals, others);
    error_hint(out_error, "more approvers in the policy, or somebody else who proposes");
    return status;
}

static enum status limits_check(const struct repair_plan *plan, const struct repair_policy *policy,
                                uint32_t *approvals, struct error *out_error)
{
    for (uint32_t i = 0; i < policy->total_count; i++) {
        struct signed_amount total;
        if (!total_of(plan, str_from(policy->total[i].ccy), &total) ||
            signed_amount_compare(total, policy->total[i].amount) > 0)
            return error_set(out_error, STATUS_DENIED, "it moves more %s than the policy allows",
                             policy->total[i].ccy);
    }
    for (uint32_t i = 0; i < policy->over_count; i++) {
        struct signed_amount total;
        bool over = !total_of(plan, str_from(policy->over[i].ccy), &total) ||
                    signed_amount_compare(total, policy->over[i].amount) > 0;
        if (over && policy->over[i].approvals > *approvals) *approvals = policy->over[i].approvals;
    }
    return STATUS_OK;
}

/* A plan says itself until when it may be applied; the policy, for how long that can be. */
static enum status times_check(const struct repair_plan *plan, const struct repair_policy *policy,
                               struct error *out_error)
{
    int64_t valid_ns = 0;
    bool known = !__builtin_sub_overflow(plan->expires_at.ns, plan->made_at.ns, &valid_ns);
    if (known && valid_ns <= 0)
        return error_set(out_error, STATUS_INVALID, "the plan is over before it was made");
    if (known && valid_ns <= (int64_t)policy->valid_hours * 3600 * NS_PER_S) return STATUS_OK;
    return error_set(out_error, STATUS_DENIED,
                     "the plan may be applied for longer than the policy's %u hours",
                     policy->valid_hours);
}

enum status repair_plan_check(struct repair_plan *plan, const struct repair_policy *policy,
                              struct error *out_error)
{
    uint32_t approvals = str_equal(plan->label, STR("CONFIRMED"))  ? policy->confirmed
                         : str_equal(plan->label, STR("PROBABLE")) ? policy->probable
                                                                   : 0;
    if (approvals == 0) {
        enum status status = error_set(out_error, STATUS_DENIED,
                                       "a cause that is %.*s gets no plan", STR_ARG(plan->label));
        error_hint(out_error,
                   "`tpwallet doctor diagnose --next` names the evidence that would decide");
        return status;
    }
    uint32_t entries = 0;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const char *fault = step_fault(plan, &plan->steps[i]);
        if (fault != NULL)
            return error_set(out_error, STATUS_INVALID, "step %u of the plan %s", i + 1, fault);
        entries += plan_step_is_ours(plan->steps[i].kind);
    }
    if (plan->step_count == 0)
        return error_set(out_error, STATUS_INVALID, "there is nothing to do");
    if (!ids_differ(plan)) return error_set(out_error, STATUS_INVALID, "two entries have one id");
    if (entries > policy->entries_max)
        return error_set(out_error, STATUS_DENIED, "%u entries are more than the policy's %u",
                         entries, policy->entries_max);
    enum status status = times_check(plan, policy, out_error);
    if (status == STATUS_OK) status = assets_check(plan, policy, out_error);
    if (status == STATUS_OK) status = limits_check(plan, policy, &approvals, out_error);
    if (status == STATUS_OK) status = approvers_check(plan, policy, approvals, out_error);
    if (status == STATUS_OK) plan->approvals = approvals;
    return status;
}

/* ---- as text ---- */

static void step_write(struct json_writer *writer, const struct plan_step *step)
{
    json_write_object_begin(writer);
    json_member_text(writer, "kind", str_from(plan_step_name(step->kind)));
    json_member_text(writer, "what", step->what);
    json_member_text(writer, "fault", step->fault);
    if (plan_step_is_ours(step->kind)) {
        char amount[SIGNED_AMOUNT_TEXT_SIZE];
        json_write_key(writer, STR("id"));
        json_write_uuid(writer, step->id);
        json_member_text(writer, "target", step->target);
        json_member_text(writer, "debit", step->debit);
        json_member_text(writer, "credit", step->credit);
        json_member_text(writer, "ccy", step->ccy);
        json_member_text(writer, "amount_minor", signed_amount_format(step->amount, 0, amount));
    }
    const struct plan_step_words *words = plan_step_words(step->kind);
    json_member_text(writer, "precondition", str_from(words->precondition));
    json_member_text(writer, "probe", str_from(words->probe));
    json_member_text(writer, "undo", str_from(words->undo));
    if (words->command[0] != '\0') json_member_text(writer, "command", str_from(words->command));
    json_write_object_end(writer);
}

void repair_plan_json(const struct repair_plan *plan, struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_write_object_begin(&writer);
    json_member_text(&writer, "format", STR("tpwallet-plan-1"));
    json_member_text(&writer, "incident", plan->incident);
    json_member_text(&writer, "label", plan->label);
    json_member_text(&writer, "proposer", plan->proposer);
    json_member_hex(&writer, "diagnosis_sha256", plan->diagnosis.bytes,
                    sizeof plan->diagnosis.bytes);
    json_member_hex(&writer, "rules_sha256", plan->rules.bytes, sizeof plan->rules.bytes);
    json_member_hex(&writer, "policy_sha256", plan->policy.bytes, sizeof plan->policy.bytes);
    json_member_text(&writer, "made_at", wall_time_format(plan->made_at, at));
    json_member_text(&writer, "expires_at", wall_time_format(plan->expires_at, at));
    json_write_key(&writer, STR("approvals"));
    json_write_uint64(&writer, plan->approvals);
    json_write_key(&writer, STR("steps"));
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < plan->step_count; i++) step_write(&writer, &plan->steps[i]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK || out->overflow); /* which the caller looks at */
    buf_append_byte(out, '\n');
}

/* ---- reading ---- */

static void digest_read(struct json_reader *reader, struct digest *out_digest)
{
    struct str text;
    if (!json_string(reader, &text)) return;
    if (hex_parse(text, out_digest->bytes, sizeof out_digest->bytes) != STATUS_OK)
        json_fail(reader, "no SHA-256");
}

static void time_read(struct json_reader *reader, struct wall_time *out_time)
{
    struct str text;
    if (!json_string(reader, &text)) return;
    if (wall_time_parse(text, out_time) != STATUS_OK) json_fail(reader, "no time of RFC 3339");
}

static void kind_read(struct json_reader *reader, struct plan_step *step)
{
    struct str text;
    if (!json_string(reader, &text)) return;
    for (uint32_t i = 0; i < PLAN_STEP_KINDS; i++) {
        if (!str_equal(text, str_from(kinds[i].name))) continue;
        step->kind = (enum plan_step_kind)i;
        return;
    }
    json_fail(reader, "there is no such kind of step");
}

static void amount_read(struct json_reader *reader, struct signed_amount *out_amount)
{
    const struct signed_amount_form form = { .point = '.', .minor = true };
    struct str text;
    if (!json_string(reader, &text)) return;
    if (signed_amount_parse(text, &form, out_amount) != STATUS_OK) json_fail(reader, "no amount");
}

static void step_read(struct json_reader *reader, struct plan_step *step)
{
    struct str key;
    memset(step, 0, sizeof *step);
    if (!json_object_begin(reader)) return;
    while (json_object_next(reader, &key)) {
        if (str_equal(key, STR("kind")))
            kind_read(reader, step);
        else if (str_equal(key, STR("what")))
            (void)json_string(reader, &step->what); /* a fault stays, here and below */
        else if (str_equal(key, STR("fault")))
            (void)json_string(reader, &step->fault);
        else if (str_equal(key, STR("id")))
            (void)json_uuid(reader, &step->id);
        else if (str_equal(key, STR("target")))
            (void)json_string(reader, &step->target);
        else if (str_equal(key, STR("debit")))
            (void)json_string(reader, &step->debit);
        else if (str_equal(key, STR("credit")))
            (void)json_string(reader, &step->credit);
        else if (str_equal(key, STR("ccy")))
            (void)json_string(reader, &step->ccy);
        else if (str_equal(key, STR("amount_minor")))
            amount_read(reader, &step->amount);
        else
            (void)json_skip(reader);
    }
}

static void steps_read(struct json_reader *reader, struct arena *arena, struct repair_plan *plan)
{
    plan->steps = arena_take_array(arena, PLAN_STEPS_MAX, sizeof *plan->steps);
    if (plan->steps == NULL) {
        json_fail(reader, "no memory for the steps");
        return;
    }
    if (!json_array_begin(reader)) return;
    while (json_array_next(reader)) {
        if (plan->step_count == PLAN_STEPS_MAX) {
            json_fail(reader, "more than 20000 steps");
            return;
        }
        step_read(reader, &plan->steps[plan->step_count++]);
    }
}

static void member_read(struct json_reader *reader, struct str key, struct arena *arena,
                        struct repair_plan *plan)
{
    uint64_t number = 0;
    if (str_equal(key, STR("incident"))) {
        (void)json_string(reader, &plan->incident); /* a fault stays, here and below */
    } else if (str_equal(key, STR("label"))) {
        (void)json_string(reader, &plan->label);
    } else if (str_equal(key, STR("proposer"))) {
        (void)json_string(reader, &plan->proposer);
    } else if (str_equal(key, STR("diagnosis_sha256"))) {
        digest_read(reader, &plan->diagnosis);
    } else if (str_equal(key, STR("rules_sha256"))) {
        digest_read(reader, &plan->rules);
    } else if (str_equal(key, STR("policy_sha256"))) {
        digest_read(reader, &plan->policy);
    } else if (str_equal(key, STR("made_at"))) {
        time_read(reader, &plan->made_at);
    } else if (str_equal(key, STR("expires_at"))) {
        time_read(reader, &plan->expires_at);
    } else if (str_equal(key, STR("approvals"))) {
        if (json_uint64(reader, &number)) plan->approvals = (uint32_t)number;
    } else if (str_equal(key, STR("steps"))) {
        steps_read(reader, arena, plan);
    } else {
        (void)json_skip(reader);
    }
}

enum status repair_plan_parse(struct str text, struct arena *arena, struct repair_plan *out_plan,
                              struct error *out_error)
{
    struct json_reader reader;
    struct str key;
    memset(out_plan, 0, sizeof *out_plan);
    json_reader_init(&reader, text, arena);
    if (json_object_begin(&reader))
        while (json_object_next(&reader, &key)) member_read(&reader, key, arena, out_plan);
    if (json_end(&reader) != STATUS_OK)
        return error_set(out_error, STATUS_INVALID, "the plan: %s", reader.reason);
    /* Whatever was not understood would not be written again: what is approved is what is done. */
    BUF_SCOPE struct buf again;
    buf_init(&again, PLAN_SIZE_MAX);
    repair_plan_json(out_plan, &again);
    if (str_equal(buf_view(&again), text)) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID,
                     "the plan is not as we write plans: it was changed");
}

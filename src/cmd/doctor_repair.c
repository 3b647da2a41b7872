#include "cmd/doctor_repair.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/hex.h"
#include "base/json_member.h"
#include "base/json_reader.h"
#include "base/reserve.h"
#include "cmd/answer.h"
#include "cmd/call.h"
#include "cmd/doctor_verify.h"
#include "cmd/file_bytes.h"
#include "cmd/lane_set.h"
#include "cmd/lane_ways.h"
#include "cmd/pause.h"
#include "cmd/repair_ready.h"
#include "model/notice.h"

enum {
    ANSWER_MAX = 4 << 20,
    ARENA_FACTOR = 8,
    ARRIVAL_WAIT_MS = 120000, /* for a lane that has to be asked twice */
    ARRIVAL_LOOK_MS = 20,
};

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

/*
 * The custody says that a file is as it was put there, by whoever has any key. What a repair goes by is
 * put there by people of the policy.
 */
static enum status signer_check(struct repair *repair, const char *name, struct note_key *out_key)
{
    if (!doctor_bundle_signer(&repair->bundle, name, out_key))
        return error_set(&repair->error, STATUS_DENIED, "%s is not in the custody", name);
    if (repair_policy_approver(&repair->policy, out_key) != NULL) return STATUS_OK;
    struct str who = note_key_name(out_key);
    enum status status = error_set(&repair->error, STATUS_DENIED,
                                   "%s was put there by '%.*s', whose key the policy does not name",
                                   name, STR_ARG(who));
    error_hint(&repair->error, "one of the policy's people makes it anew");
    return status;
}

/* Who signed the plan into the bundle is who proposes it: whoever else is named could approve his own. */
static enum status proposer_check(struct repair *repair)
{
    struct note_key signer, proposer;
    enum status status = signer_check(repair, REPAIR_PLAN_FILE, &signer);
    if (status != STATUS_OK) return status;
    bool same = note_key_parse(repair->plan.proposer, &proposer) == STATUS_OK &&
                note_key_equal(&signer, &proposer);
    if (!same) {
        struct str who = note_key_name(&signer);
        return error_set(&repair->error, STATUS_DENIED,
                         "the plan names another proposer than '%.*s', who put it there",
                         STR_ARG(who));
    }
    if (repair->plan.made_at.ns <= clock_wall(system_clock()).ns + CLOCK_JUMP_S_MAX * NS_PER_S)
        return STATUS_OK;
    return error_set(&repair->error, STATUS_DENIED, "the plan is dated later than now");
}

static enum status plan_read(struct repair *repair)
{
    enum status status =
        doctor_bundle_get_kept(&repair->bundle, REPAIR_PLAN_FILE, &repair->plan_text);
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
    return status == STATUS_OK ? proposer_check(repair) : status;
}

struct step_word {
    uint64_t step;
    bool done;
};

/* The next word on a step of this plan; lines about other plans are passed over. */
static bool word_next(const struct repair *repair, struct str *rest, struct arena *arena,
                      struct step_word *out_word)
{
    char hex[2 * sizeof repair->plan_digest.bytes + 1];
    struct str plan = hex_format(repair->plan_digest.bytes, sizeof repair->plan_digest.bytes, hex);
    struct str line;
    while (str_take_line(rest, &line)) {
        struct answer_object told;
        arena_reset(arena);
        if (answer_read(line, arena, &told) != STATUS_OK) continue;
        if (!str_equal(answer_text(&told, "plan_sha256"), plan)) continue;
        struct str step = answer_text(&told, "step");
        if (decimal_parse(step, UINT32_MAX, &out_word->step) != STATUS_OK) continue;
        out_word->done = str_equal(answer_text(&told, "state"), STR("done"));
        return true;
    }
    return false;
}

/* The newest word on a step, 0: on any. */
static bool word_find(const struct repair *repair, uint32_t number, struct step_word *out_word)
{
    struct str rest = buf_view(&repair->steps_text);
    struct step_word word;
    struct arena arena;
    bool found = false;
    if (arena_init(&arena, answer_arena_size(rest)) != STATUS_OK) return false;
    while (word_next(repair, &rest, &arena, &word)) {
        if (number != 0 && word.step != number) continue;
        *out_word = word;
        found = true;
    }
    arena_done(&arena);
    return found;
}

bool repair_step_is_done(const struct repair *repair, uint32_t number)
{
    struct step_word word;
    return word_find(repair, number, &word) && word.done;
}

/* What people of an earlier policy said of an earlier plan is nobody's word on this one. */
static enum status steps_read(struct repair *repair)
{
    struct note_key signer;
    struct step_word word;
    enum status status =
        doctor_bundle_get_kept(&repair->bundle, REPAIR_STEPS_FILE, &repair->steps_text);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* nothing was said yet */
    if (status == STATUS_OK && word_find(repair, 0, &word)) {
        status = signer_check(repair, REPAIR_STEPS_FILE, &signer);
        if (status != STATUS_OK)
            error_hint(&repair->error, "`tpwallet doctor plan` makes a new plan, of which nothing "
                                       "was said yet");
        return status;
    }
    if (status != STATUS_OK) repair->error = repair->bundle.error;
    return status;
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
    status = doctor_verify(repair->bundle.path, &repair->error);
    if (status == STATUS_OK) status = policy_read(repair);
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
    if (bundle->incident.state == INCIDENT_CLOSED)
        return error_set(&bundle->error, STATUS_CONFLICT, "the incident is closed");
    if (!doctor_bundle_has(bundle, REPAIR_APPLIED_FILE)) return STATUS_OK;
    enum status status =
        error_set(&bundle->error, STATUS_CONFLICT, "the plan of this incident was applied");
    error_hint(&bundle->error, "`tpwallet doctor verify-repair`; what is left to repair wants a "
                               "bundle (collect --again) and a plan of its own");
    return status;
}

enum status repair_rehearser_check(struct repair *repair, const struct note_key *key)
{
    if (!approval_is_own(&repair->plan, key)) return STATUS_OK;
    struct str who = note_key_name(key);
    enum status status =
        error_set(&repair->error, STATUS_DENIED,
                  "'%.*s' proposes the plan, and so does not rehearse it", STR_ARG(who));
    error_hint(&repair->error, "another one of the policy's people does, who may approve it after: "
                               "`tpwallet doctor rehearse BUNDLE --key FILE --policy FILE`");
    return status;
}

enum status repair_rehearsal_read(struct repair *repair)
{
    enum status status =
        doctor_bundle_get_kept(&repair->bundle, REPAIR_REHEARSAL_FILE, &repair->rehearsal_text);
    if (status != STATUS_OK) {
        repair->error = repair->bundle.error;
        error_hint(&repair->error,
                   "an unrehearsed plan is not applied: `tpwallet doctor rehearse`");
        return status;
    }
    status = signer_check(repair, REPAIR_REHEARSAL_FILE, &repair->rehearser);
    if (status == STATUS_OK) status = repair_rehearser_check(repair, &repair->rehearser);
    if (status != STATUS_OK) return status;
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
    uint32_t lanes;
    uint64_t opened;          /* lanes whose sessions are open, by bit */
    struct session *sessions; /* LANES_MAX of them; those of lanes with entries */
    struct lane_ways *links;  /* between those that are open here */
    struct repair_ready ready;
    struct buf body;
    struct buf answer;
    struct arena arena;
    struct repair_outcome outcome;
    bool withdrawn; /* what an earlier run has sent was taken back before it arrived */
    bool again;     /* so that is sent once more, in this run */
};

static enum status sessions_open(struct execution *it, const char *folder, bool read_only)
{
    uint64_t wanted = repair_ready_lanes(&it->repair->plan, it->lanes);
    if (wanted == 0) wanted = 1; /* whether there is a ledger at all */
    for (uint32_t lane = 0; lane < it->lanes; lane++) {
        if ((wanted >> lane & 1) == 0) continue;
        const struct session_options options = {
            .folder = folder,
            .read_only = read_only,
            .lane = lane,
            .of_lane = it->lanes > 1,
            .links = it->lanes > 1 ? it->links->ports : NULL,
        };
        enum status status = session_open(&options, &it->sessions[lane], &it->repair->error);
        if (status != STATUS_OK) return status;
        it->opened |= UINT64_C(1) << lane;
        struct lane *here = session_lane(&it->sessions[lane]);
        if (here != NULL && !read_only) lane_ways_open(it->links, lane, here);
    }
    return STATUS_OK;
}

static enum status execution_open(struct execution *it, const char *folder, bool read_only)
{
    struct error *error = &it->repair->error;
    buf_init(&it->body, ANSWER_MAX);
    buf_init(&it->answer, ANSWER_MAX);
    it->sessions = reserve_new(LANES_MAX * sizeof it->sessions[0]);
    it->links = reserve_new(sizeof *it->links);
    if (it->sessions == NULL || it->links == NULL ||
        arena_init(&it->arena, ARENA_FACTOR * (size_t)ANSWER_MAX) != STATUS_OK)
        return error_set(error, STATUS_LIMIT, "no memory");
    lane_ways_init(it->links);
    enum status status = lane_set_count(folder, &it->lanes, error);
    if (status != STATUS_OK) return status;
    status = repair_ready_init(&it->ready, &it->repair->plan, it->sessions, it->lanes, error);
    return status == STATUS_OK ? sessions_open(it, folder, read_only) : status;
}

static void execution_close(struct execution *it)
{
    for (uint32_t lane = 0; lane < LANES_MAX; lane++)
        if ((it->opened >> lane & 1) != 0) session_ways_stop(&it->sessions[lane]);
    for (uint32_t lane = 0; lane < LANES_MAX; lane++)
        if ((it->opened >> lane & 1) != 0) session_close(&it->sessions[lane]);
    if (it->links != NULL) reserve_free(it->links, sizeof *it->links);
    if (it->sessions != NULL) reserve_free(it->sessions, LANES_MAX * sizeof it->sessions[0]);
    repair_ready_done(&it->ready);
    arena_done(&it->arena);
    buf_free(&it->body);
    buf_free(&it->answer);
}

static enum status all_look(struct execution *it)
{
    enum status status = repair_ready_look(&it->ready);
    it->outcome = (struct repair_outcome){ .entries = it->ready.entry_count };
    for (uint32_t i = 0; i < it->ready.entry_count; i++)
        it->outcome.repeated += it->ready.entries[i].there;
    it->outcome.made = it->outcome.entries - it->outcome.repeated;
    return status;
}

/* Who was paid and who paid are in two lanes: it is sent back, and stands alone. */
static bool goes_between(const struct ready_entry *entry)
{
    return entry->to != entry->lane;
}

static void entry_write(struct json_writer *writer, const struct ready_entry *entry, bool linked)
{
    const struct plan_step *step = entry->step;
    json_write_object_begin(writer);
    json_write_key(writer, STR("id"));
    json_write_uuid(writer, entry->id);
    if (goes_between(entry)) {
        json_member_text(writer, "debit", step->debit);
        json_member_text(writer, "credit", step->credit);
        json_member_text(writer, "user_ref",
                         step->target); /* so that it is known what it takes back */
    } else {
        json_member_text(writer, "kind", STR("reversal"));
        json_member_text(writer, "target", step->target);
    }
    json_member_text(writer, "amount", str_from(entry->amount));
    json_member_text(writer, "asset", step->ccy);
    if (linked) {
        json_write_key(writer, STR("flags"));
        json_write_array_begin(writer);
        json_write_string(writer, STR("linked"));
        json_write_array_end(writer);
    }
    json_write_object_end(writer);
}

/*
 * Entries that succeed or fail as one: always the same ones of the plan, without those that the
 * ledger has.
 */
struct group {
    const struct ready_entry *entries[REPAIR_GROUP_STEPS];
    uint32_t count;
    uint32_t lane; /* of all of them */
    uint32_t done; /* by the answer */
    struct uuid refused_id;
    char refused[64]; /* the first outcome that is another; "" */
};

/* The next one from *at on, up to the end of its lane; linked. */
static void group_build(struct execution *it, uint32_t steps_max, uint32_t *at, struct group *group)
{
    const struct repair_ready *ready = &it->ready;
    CHECK(steps_max <= REPAIR_GROUP_STEPS);
    *group = (struct group){ .lane = ready->entries[*at].lane };
    for (uint32_t i = 0; i < steps_max && *at < ready->entry_count; i++, *at += 1) {
        const struct ready_entry *entry = &ready->entries[*at];
        if (entry->lane != group->lane || (goes_between(entry) && i > 0)) break;
        if (!entry->there) group->entries[group->count++] = entry;
        if (!goes_between(entry)) continue;
        *at += 1;
        break;
    }
    struct json_writer writer;
    buf_reset(&it->body);
    json_writer_init(&writer, &it->body);
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < group->count; i++)
        entry_write(&writer, group->entries[i], i + 1 < group->count);
    json_write_array_end(&writer);
    enum status status = json_write_end(&writer);
    CHECK(status == STATUS_OK); /* 500 entries are far smaller than the buf */
}

static bool item_read(void *context, const struct answer_object *item)
{
    struct group *group = context;
    struct str outcome = answer_text(item, "outcome");
    struct str before = str_from(group->refused);
    if (str_equal(outcome, STR("ok"))) {
        group->done++;
    } else if ((before.len == 0 || str_equal(before, STR("linked_failed"))) &&
               outcome.len < sizeof group->refused) {
        memcpy(group->refused, outcome.data, outcome.len);
        group->refused[outcome.len] = '\0';
        if (uuid_parse(answer_text(item, "id"), &group->refused_id) != STATUS_OK)
            group->refused_id = (struct uuid){ 0 };
    }
    return true;
}

/* After all looked well: somebody else was faster. What is refused is so for ever, under its id. */
static enum status group_refused(struct execution *it, const struct group *group, unsigned http)
{
    struct error *error = &it->repair->error;
    for (uint32_t i = 0; i < group->count; i++) {
        if (!uuid_equal(group->entries[i]->id, group->refused_id)) continue;
        return repair_ready_unmet(
            &it->ready, group->entries[i], group->refused,
            "the ledger refused it, and with it its group; mend that and apply "
            "again: what lacks is made then, under new ids");
    }
    return error_set(error, STATUS_CONFLICT, "the ledger did not take a group of %u entries: %u",
                     group->count, http);
}

static enum status group_send(struct execution *it, struct group *group)
{
    struct error *error = &it->repair->error;
    const struct session_request request = {
        .method = API_POST,
        .target = STR("/v1/transfers"),
        .content_type = STR("application/json"),
        .body = buf_view(&it->body),
    };
    unsigned http = 0;
    enum status status =
        session_call(&it->sessions[group->lane], &request, &http, &it->answer, error);
    if (status != STATUS_OK) return status;
    arena_reset(&it->arena);
    struct answer_object rest;
    const struct answer_list list = { "results", item_read, group };
    bool read = answer_read_list(buf_view(&it->answer), &list, &it->arena, &rest) == STATUS_OK;
    return read && group->done == group->count ? STATUS_OK : group_refused(it, group, http);
}

/* In the audit log of a lane, once under its key. */
static enum status act_write(struct execution *it, uint32_t lane, struct str reason, struct str key)
{
    char hex[2 * sizeof it->repair->plan_digest.bytes + 1];
    char text[REASON_SIZE] = "";
    const struct repair *repair = it->repair;
    struct str plan = hex_format(repair->plan_digest.bytes, sizeof repair->plan_digest.bytes, hex);
    BUF_SCOPE struct buf target;
    buf_init(&target, 1024);
    buf_append_str(&target, STR("/v1/repairs"));
    if (reason_is_valid(reason)) {
        memcpy(text, reason.data, reason.len);
        buf_append_str(&target, STR("?reason="));
        call_encode(&target, text);
    }
    struct json_writer writer;
    buf_reset(&it->body);
    json_writer_init(&writer, &it->body);
    json_write_object_begin(&writer);
    json_member_text(&writer, "plan", plan);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK); /* far smaller than the buf */
    const struct session_request request = {
        .method = API_POST,
        .target = buf_view(&target),
        .content_type = STR("application/json"),
        .idempotency_key = key.len > 0 ? key : plan,
        .body = buf_view(&it->body),
    };
    unsigned http = 0;
    struct error *error = &it->repair->error;
    enum status status = session_call(&it->sessions[lane], &request, &http, &it->answer, error);
    if (status != STATUS_OK || http == 200 || http == 201) return status;
    return error_set(error, STATUS_UNAVAILABLE,
                     "the act cannot be written down in the journal: status %u", http);
}

/* The act before the entries says that they were begun; this one, that they came to nothing. */
static void refusal_write(struct execution *it, const struct group *group)
{
    const struct error error = it->repair->error;
    char reason[REASON_SIZE], key[UUID_TEXT_LEN + 1];
    int len = snprintf(reason, sizeof reason, "refused:%s", group->refused);
    uuid_format(group->refused_id, key);
    if (len > 0 && (size_t)len < sizeof reason)
        (void)act_write(it, group->lane, str_from(reason),
                        str_from(key)); /* the first one is told */
    it->repair->error = error;
}

/* Of each lane that gets entries, before any of them is made. */
static enum status acts_write(struct execution *it)
{
    const struct repair_ready *ready = &it->ready;
    uint64_t written = 0;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < ready->entry_count && status == STATUS_OK; i++) {
        const struct ready_entry *entry = &ready->entries[i];
        if (entry->there || (written >> entry->lane & 1) != 0) continue;
        written |= UINT64_C(1) << entry->lane;
        status = act_write(it, entry->lane, it->repair->plan.incident, STR(""));
    }
    return status;
}

static enum status arrival_wait(struct execution *it, const struct ready_entry *entry)
{
    struct clock *clock = system_clock();
    int64_t until_ns = clock->monotonic(clock).ns + ARRIVAL_WAIT_MS * NS_PER_MS;
    enum ready_way way = READY_ON_ITS_WAY;
    enum status status = repair_ready_way(&it->ready, entry, &way);
    while (status == STATUS_OK && way == READY_ON_ITS_WAY &&
           clock->monotonic(clock).ns < until_ns) {
        pause_ms(ARRIVAL_LOOK_MS);
        status = repair_ready_way(&it->ready, entry, &way);
    }
    if (status != STATUS_OK || way == READY_ARRIVED) return status;
    if (way == READY_WITHDRAWN && entry->there && !it->again) {
        it->withdrawn = true;
        return STATUS_OK;
    }
    if (way == READY_WITHDRAWN)
        return repair_ready_unmet(&it->ready, entry,
                                  "the other lane did not take it in time, and it came back",
                                  "apply again: it is made then, under a new id");
    if (way == READY_REFUSED)
        return repair_ready_unmet(&it->ready, entry, "the other lane refused it, and it came back",
                                  "mend that and apply again: it is made then, under a new id");
    status =
        error_set(&it->repair->error, STATUS_UNAVAILABLE,
                  "what was sent back for %.*s has not arrived yet", STR_ARG(entry->step->target));
    error_hint(&it->repair->error, "it goes on by itself; apply again to see that it is there");
    return status;
}

/* Also for what an earlier run has sent. */
static enum status arrivals_wait(struct execution *it)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < it->ready.entry_count && status == STATUS_OK; i++)
        if (goes_between(&it->ready.entries[i])) status = arrival_wait(it, &it->ready.entries[i]);
    return status;
}

static enum status groups_run(struct execution *it, const struct repair_run *run)
{
    uint32_t at = 0;
    struct group group = { .count = 0 };
    enum status status = run->record ? acts_write(it) : STATUS_OK;
    it->outcome.made = 0;
    while (status == STATUS_OK && at < it->ready.entry_count) {
        if (it->outcome.groups == run->groups_max) (void)raise(SIGKILL); /* for rehearsals */
        group_build(it, run->group_steps, &at, &group);
        if (group.count > 0) status = group_send(it, &group);
        if (status == STATUS_OK) it->outcome.made += group.count;
        it->outcome.groups++;
    }
    if (status != STATUS_OK && run->record && group.refused[0] != '\0') refusal_write(it, &group);
    return status;
}

static enum status entries_make(struct execution *it, const struct repair_run *run)
{
    enum status status = all_look(it);
    if (status == STATUS_OK) status = groups_run(it, run);
    return status == STATUS_OK ? arrivals_wait(it) : status;
}

enum status repair_execute(struct repair *repair, const struct repair_run *run,
                           struct repair_outcome *out_outcome)
{
    struct execution it = { .repair = repair };
    enum status status = execution_open(&it, run->folder, false);
    if (status == STATUS_OK) status = entries_make(&it, run);
    if (status == STATUS_OK && it.withdrawn) {
        uint64_t made = it.outcome.made;
        it.again = true;
        status = entries_make(&it, run);
        if (status == STATUS_OK) it.outcome.made += made;
        if (status == STATUS_OK) it.outcome.repeated -= made; /* all of them are there */
    }
    *out_outcome = it.outcome;
    execution_close(&it);
    return status;
}

enum status repair_look(struct repair *repair, const char *folder,
                        struct repair_outcome *out_outcome)
{
    struct execution it = { .repair = repair };
    enum status status = execution_open(&it, folder, true);
    if (status == STATUS_OK) status = all_look(&it);
    *out_outcome = it.outcome;
    execution_close(&it);
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

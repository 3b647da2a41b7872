/* Answers to writes; reads are compared in read_checkers.c. */
#include "sim/checkers.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "sim/payment_checkers.h"
#include "sim/read_checkers.h"

static void wrong(struct asking *asking, const char *what, uint32_t index)
{
    verdict_violation(&asking->service->verdict,
                      "%s (item %u of %u, answer %s, durable head %" PRIu64 ")", what, index,
                      asking->question->count, status_name(asking->request.status),
                      sim_disk_head(asking->service->disk));
}

static bool position_equal(struct position a, struct position b)
{
    return a.batch == b.batch && a.index == b.index;
}

/* Every place that an answer names must be durable; remembers the newest that was told. */
static void durable_check(struct asking *asking, struct position position, uint32_t index)
{
    if (position.batch > sim_disk_head(asking->service->disk)) {
        wrong(asking, "what is not durable was answered", index);
    }
    if (position.batch > asking->life->told_batch) asking->life->told_batch = position.batch;
}

/* ---- Transfers ---- */

static bool id_is_twice(const struct asking *asking, uint32_t index, struct uuid id)
{
    for (uint32_t i = 0; i < asking->question->count; i++) {
        struct uuid other = question_item_id(asking->question, i, asking->request.root_used);
        if (i != index && uuid_equal(other, id)) return true;
    }
    return false;
}

static void conflict_check(struct asking *asking, uint32_t index, struct uuid id,
                           const struct model_transfer *known)
{
    bool excused = id_is_twice(asking, index, id);
    if (known == NULL && !excused) wrong(asking, "an id conflict with nothing", index);
    if (known != NULL && !excused &&
        model_same_content(&known->asked, &asking->question->transfers[index])) {
        wrong(asking, "an id conflict with the same content", index);
    }
}

static void transfer_check(struct asking *asking, uint32_t index)
{
    struct model *model = asking->service->model;
    const struct transfer *asked = &asking->question->transfers[index];
    const struct transfer_result *result = &asking->transfer_results[index];
    struct uuid id = question_item_id(asking->question, index, asking->request.root_used);
    if (!uuid_equal(result->id.value, id)) {
        wrong(asking, "an item has no result, or that of another", index);
        return;
    }
    durable_check(asking, result->position, index);
    uint32_t place = model_transfer_find(model, (struct transfer_id){ id });
    struct model_transfer *known = place == MODEL_NONE ? NULL : &model->transfers[place];
    CHECK(result->outcome < OUTCOME_COUNT);
    asking->told->transfers++;
    asking->told->outcomes[result->outcome]++;
    if (result->repeated) asking->told->repeats++;
    if (result->outcome == OUTCOME_ID_CONFLICT) {
        conflict_check(asking, index, id, known);
        return;
    }
    if (known == NULL) {
        wrong(asking, "an acknowledged transfer is not in the journal", index);
        return;
    }
    if (known->outcome != result->outcome) wrong(asking, "another outcome than journaled", index);
    if (!model_same_content(&known->asked, asked)) wrong(asking, "an id with two contents", index);
    if (!money_equal(known->amount, result->amount)) wrong(asking, "another amount", index);
    if (known->asset != result->asset) wrong(asking, "another asset", index);
    if (known->stamp.ns != result->stamp.ns) wrong(asking, "another stamp", index);
    if (!position_equal(known->position, result->position)) {
        wrong(asking, "another position than journaled", index);
    }
    if (result->outcome == OUTCOME_LINKED_FAILED && asking->question->fresh &&
        !question_item_linked(asking->question, index)) {
        wrong(asking, "a transfer on its own failed by its group", index);
    }
    if (result->repeated) return;
    known->first_answers++;
    if (known->first_answers > 1) wrong(asking, "two callers were told that they did it", index);
    if (result->position.batch <= asking->head_before) {
        wrong(asking, "done before it was asked for", index);
    }
}

/*
 * UNAVAILABLE and LIMIT: nothing of the request was done, and nothing of it will be unless it
 * is asked again. Only certain when nobody else asks for the same id.
 */
static void undone_check(struct asking *asking, uint32_t index)
{
    if (!asking->question->fresh) return;
    struct uuid id = question_item_id(asking->question, index, asking->request.root);
    uint32_t place = model_transfer_find(asking->service->model, (struct transfer_id){ id });
    asking->question->absent[index] = place == MODEL_NONE;
    if (place == MODEL_NONE) return;
    if (asking->service->model->transfers[place].position.batch > asking->head_before) {
        wrong(asking, "answered as not done, and it was done", index);
    }
}

/* ---- Accounts and acts ---- */

/* What the journal says of an account's id: made or refused; false: nothing. */
static bool account_known(const struct model *model, struct account_id id,
                          struct model_refused_account *out_known)
{
    uint32_t place = model_account_find(model, id);
    if (place != MODEL_NONE) {
        const struct model_account *made = &model->accounts[place];
        *out_known = (struct model_refused_account){
            .asked = made->state.account,
            .outcome = ACCOUNT_OUTCOME_OK,
            .position = made->position,
            .stamp = made->state.created_at,
        };
        return true;
    }
    place = model_refused_account_find(model, id);
    if (place == MODEL_NONE) return false;
    *out_known = model->refused_accounts[place];
    return true;
}

static void account_check(struct asking *asking, uint32_t index)
{
    const struct account *asked = &asking->question->accounts[index];
    const struct account_result *result = &asking->account_results[index];
    struct uuid id = question_item_id(asking->question, index, asking->request.root_used);
    if (!uuid_equal(result->id.value, id)) wrong(asking, "an account has another id", index);
    CHECK(result->outcome < ACCOUNT_OUTCOME_COUNT);
    asking->told->accounts++;
    asking->told->account_outcomes[result->outcome]++;
    if (result->repeated) asking->told->repeats++;
    durable_check(asking, result->position, index);
    struct model_refused_account known;
    if (!account_known(asking->service->model, (struct account_id){ id }, &known)) {
        wrong(asking, "an acknowledged account is not in the journal", index);
        return;
    }
    bool same = model_same_account(&known.asked, asked);
    enum account_outcome expected = same ? known.outcome : ACCOUNT_OUTCOME_ID_CONFLICT;
    if (result->outcome != expected) wrong(asking, "an account has another outcome", index);
    if (!position_equal(known.position, result->position)) {
        wrong(asking, "an account has another position", index);
    }
    if (known.stamp.ns != result->stamp.ns) wrong(asking, "an account has another stamp", index);
    bool did_it = !result->repeated && result->outcome != ACCOUNT_OUTCOME_ID_CONFLICT;
    if (did_it && result->position.batch <= asking->head_before) {
        wrong(asking, "an account was decided before it was asked for", index);
    }
}

static void admin_check(struct asking *asking)
{
    const struct model *model = asking->service->model;
    const struct admin_result *result = &asking->admin_result;
    CHECK(result->outcome < ADMIN_OUTCOME_COUNT);
    asking->told->acts++;
    asking->told->admin_outcomes[result->outcome]++;
    if (result->repeated) asking->told->repeats++;
    if (uuid_is_nil(asking->question->key)) return; /* nothing to find it by */
    uint32_t place = model_context_find(model, asking->question->key);
    if (place == MODEL_NONE || !model->contexts[place].has_admin) {
        wrong(asking, "an acknowledged act is not in the journal", 0);
        return;
    }
    durable_check(asking, result->position, 0);
    const struct model_context *known = &model->contexts[place];
    if (known->admin_outcome != result->outcome) wrong(asking, "an act has another outcome", 0);
    if (strcmp(known->admin_reason, asking->question->admin.reason) != 0) {
        wrong(asking, "an act has another reason", 0);
    }
    if (!position_equal(known->position, result->position)) {
        wrong(asking, "an act has another position", 0);
    }
    if (asking->question->admin.kind == ADMIN_ASSET_CREATE && known->asset_id != result->asset_id) {
        wrong(asking, "an asset has another id", 0);
    }
}

/* ---- Keys, and the whole ---- */

static void key_check(struct asking *asking)
{
    const struct request *request = &asking->request;
    if (uuid_is_nil(request->key)) {
        if (request->status == STATUS_CONFLICT) wrong(asking, "a conflict without a key", 0);
        return;
    }
    const struct model *model = asking->service->model;
    uint32_t place = model_context_find(model, request->key);
    bool same =
        place != MODEL_NONE && uuid_equal(model->contexts[place].fingerprint, request->fingerprint);
    if (request->status == STATUS_CONFLICT) {
        if (place == MODEL_NONE || same) wrong(asking, "a key conflicts with nothing", 0);
        return;
    }
    if (request->status != STATUS_OK || place == MODEL_NONE) return;
    if (!same) wrong(asking, "a key was used with two fingerprints", 0);
    if (!uuid_equal(model->contexts[place].root, request->root_used)) {
        wrong(asking, "a key has another root", 0);
    }
}

static bool status_allowed(const struct asking *asking)
{
    switch (asking->request.status) {
    case STATUS_OK:
    case STATUS_CONFLICT:
    case STATUS_IN_DOUBT:
    case STATUS_UNAVAILABLE:
    case STATUS_LIMIT:
    case STATUS_STOPPED: return true;
    case STATUS_CORRUPT: return life_damage_possible(asking->life);
    case STATUS_INVALID:
    case STATUS_NOT_FOUND:
    case STATUS_FENCED:
    case STATUS_DENIED:
    case STATUS_TIMEOUT:
    case STATUS_COUNT: return false;
    }
    return false;
}

static void items_check(struct asking *asking)
{
    const struct question *question = asking->question;
    enum status status = asking->request.status;
    bool done = status == STATUS_OK;
    bool undone = status == STATUS_UNAVAILABLE || status == STATUS_LIMIT;
    if (question->kind == REQUEST_ADMIN && done) admin_check(asking);
    if (question->kind == REQUEST_PAYMENT && done) check_payment(asking);
    if (question->kind == REQUEST_PAYMENT && undone) check_payment_undone(asking);
    if (question->kind == REQUEST_READ && done) {
        asking->told->reads++;
        check_read(asking);
    }
    for (uint32_t i = 0; i < question->count; i++) {
        if (question->kind == REQUEST_ACCOUNTS && done) account_check(asking, i);
        if (question->kind == REQUEST_TRANSFERS && done) transfer_check(asking, i);
        if (question->kind == REQUEST_TRANSFERS && undone) undone_check(asking, i);
    }
}

void check_answer(struct asking *asking)
{
    if (!status_allowed(asking)) wrong(asking, "an answer that is none", 0);
    key_check(asking);
    items_check(asking);
    if (asking->request.status == STATUS_OK) durable_check(asking, asking->request.position, 0);
}

void check_refusal(struct asking *asking, enum status status)
{
    bool allowed =
        status == STATUS_LIMIT || status == STATUS_UNAVAILABLE || status == STATUS_STOPPED;
    if (!allowed) {
        verdict_violation(&asking->service->verdict, "lane_submit() says %s", status_name(status));
    }
    if (asking->answers > 0) {
        verdict_violation(&asking->service->verdict, "an answer to what was not accepted");
    }
}

void check_abandoned(struct service *service, const struct question *question)
{
    CHECK(question->fresh);
    if (question->kind == REQUEST_PAYMENT) {
        check_payment_abandoned(service, question);
        return;
    }
    CHECK(question->kind == REQUEST_TRANSFERS);
    for (uint32_t i = 0; i < question->count; i++) {
        struct transfer_id id = question->transfers[i].id;
        if (!question->absent[i] || uuid_is_nil(id.value)) continue; /* nil: its root is gone */
        if (model_transfer_find(service->model, id) != MODEL_NONE) {
            verdict_violation(&service->verdict, "answered as not done, and done later");
        }
    }
}

void check_expired(struct service *service, struct wall_time now)
{
    const struct model *model = service->model;
    for (uint32_t i = 0; i < model->transfer_count; i++) {
        const struct model_transfer *hold = &model->transfers[i];
        bool open = hold->asked.kind == TRANSFER_HOLD && hold->outcome == OUTCOME_OK &&
                    hold->closed_by == 0;
        if (open && hold->expires_at.ns != 0 && hold->expires_at.ns < now.ns) {
            verdict_violation(&service->verdict, "a hold is open long after its time");
            return;
        }
    }
}

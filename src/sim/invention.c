/* One small function per kind of content, and a draw between them. */
#include "sim/invention.h"

#include <string.h>

#include "base/check.h"

static const uint32_t ASSETS[] = { 978, 840, 392 }; /* EUR, USD, JPY */

struct uuid invent_id(struct prng *prng)
{
    return (struct uuid){ .lo = prng_next(prng) | 1, .hi = prng_next(prng) };
}

static bool chance(struct prng *prng, uint64_t percent)
{
    return prng_chance(prng, percent, 100);
}

static struct principal_id some_principal(struct prng *prng)
{
    return (struct principal_id){ { .lo = 100 + prng_below(prng, CROWD_PRINCIPALS), .hi = 7 } };
}

static struct uuid some_reference(struct crowd *crowd, struct prng *prng)
{
    if (chance(prng, 60)) return (struct uuid){ 0, 0 };
    return crowd->references[prng_below(prng, CROWD_REFERENCES)];
}

static uint32_t some_asset(const struct model *model, struct prng *prng)
{
    if (model->asset_count > 0 && chance(prng, 10)) {
        return model->assets[prng_below(prng, model->asset_count)].id;
    }
    return chance(prng, 75) ? ASSETS[0] : ASSETS[prng_below(prng, 3)];
}

/* ---- Accounts ---- */

static void invent_account(struct crowd *crowd, struct prng *prng, struct account *out_account)
{
    static const uint16_t flags[] = { 0, ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS,
                                      ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS,
                                      ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS,
                                      ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS };
    *out_account = (struct account){
        .id = { invent_id(prng) },
        .user_ref = some_reference(crowd, prng),
        .asset = some_asset(crowd->service->model, prng),
        .kind = (uint16_t)prng_between(prng, ACCOUNT_ASSET, ACCOUNT_KIND_END - 1),
        .flags = flags[prng_below(prng, 5)],
    };
}

/* No asset, or one that may be made later: what was refused stays refused. */
static uint32_t absent_asset(const struct model *model, struct prng *prng)
{
    return chance(prng, 50) ? 9999 : ASSET_CUSTOM_FIRST + model->asset_count;
}

/* One whose id is taken, half of the time with other content. */
static void invent_known_account(const struct model *model, struct prng *prng,
                                 struct account *account)
{
    uint64_t draw = prng_below(prng, (uint64_t)model->account_count + model->refused_account_count);
    const struct account *known = draw < model->account_count
                                      ? &model->accounts[draw].state.account
                                      : &model->refused_accounts[draw - model->account_count].asked;
    if (chance(prng, 50)) *account = *known;
    account->flags &= ACCOUNT_FLAGS_BOUND;
    account->id = known->id;
}

static struct question *invent_accounts(struct crowd *crowd, struct prng *prng)
{
    const struct model *model = crowd->service->model;
    uint32_t count = (uint32_t)prng_between(prng, 1, 3);
    struct question *question = question_new(REQUEST_ACCOUNTS, count);
    for (uint32_t i = 0; i < count; i++) {
        invent_account(crowd, prng, &question->accounts[i]);
        if (chance(prng, 15)) question->accounts[i].asset = absent_asset(model, prng);
        if (model->account_count == 0 || !chance(prng, 30)) continue;
        invent_known_account(model, prng, &question->accounts[i]);
    }
    return question;
}

struct question *invent_opening(struct crowd *crowd, struct prng *prng)
{
    enum { UNBOUNDED = 3, COUNT = 12 };
    struct question *question = question_new(REQUEST_ACCOUNTS, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        invent_account(crowd, prng, &question->accounts[i]);
        question->accounts[i].asset = ASSETS[i % 4 == 3 ? 1 : 0];
        if (i < UNBOUNDED) question->accounts[i].flags = 0;
    }
    return question;
}

/* ---- Transfers ---- */

static struct account_id some_account(const struct model *model, struct prng *prng)
{
    if (model->account_count == 0 || chance(prng, 2)) return (struct account_id){ invent_id(prng) };
    /* the older ones are asked for more: that is where the money is */
    uint64_t most = prng_between(prng, 1, model->account_count);
    return model->accounts[prng_below(prng, most)].state.account.id;
}

/* A hold that is open, or was lately; nil when none is found. */
static struct transfer_id some_hold(const struct model *model, struct prng *prng)
{
    for (int attempt = 0; attempt < 24 && model->transfer_count > 0; attempt++) {
        uint64_t reach = chance(prng, 50) ? 100 : model->transfer_count;
        if (reach > model->transfer_count) reach = model->transfer_count;
        const struct model_transfer *transfer =
            &model->transfers[model->transfer_count - 1 - prng_below(prng, reach)];
        if (transfer->asked.kind != TRANSFER_HOLD || transfer->outcome != OUTCOME_OK) continue;
        if (transfer->closed_by != 0 && attempt < 20) continue;
        return transfer->asked.id;
    }
    return (struct transfer_id){ { 0, 0 } };
}

static struct transfer_id some_transfer(const struct model *model, struct prng *prng, bool done)
{
    for (int attempt = 0; attempt < 24 && model->transfer_count > 0; attempt++) {
        const struct model_transfer *transfer =
            &model->transfers[prng_below(prng, model->transfer_count)];
        if (done && transfer->outcome != OUTCOME_OK && attempt < 20) continue;
        return transfer->asked.id;
    }
    return (struct transfer_id){ { 0, 0 } };
}

static struct money some_amount(struct prng *prng)
{
    if (chance(prng, 1)) return (struct money){ ((uint128)3 << 126) + prng_next(prng) };
    uint64_t magnitude = prng_between(prng, 1, 14);
    return money_from_minor(prng_between(prng, 1, UINT64_C(1) << magnitude));
}

static void invent_movement(struct crowd *crowd, struct prng *prng, struct transfer *transfer)
{
    const struct model *model = crowd->service->model;
    transfer->debit = some_account(model, prng);
    transfer->credit = some_account(model, prng);
    if (uuid_equal(transfer->debit.value, transfer->credit.value)) {
        transfer->credit.value = invent_id(prng); /* the parser refuses a transfer to itself */
    }
    uint32_t place = model_account_find(model, transfer->debit);
    transfer->asset = place == MODEL_NONE || chance(prng, 3)
                          ? some_asset(model, prng)
                          : model->accounts[place].state.account.asset;
    transfer->amount = some_amount(prng);
    if (chance(prng, 12)) transfer->flags |= TRANSFER_FLAG_BALANCING_DEBIT;
    if (chance(prng, 6)) transfer->flags |= TRANSFER_FLAG_BALANCING_CREDIT;
    bool balancing = transfer->flags != 0;
    if (balancing && chance(prng, 40)) transfer->amount = MONEY_MAX;
    if (transfer->kind == TRANSFER_HOLD && chance(prng, 70)) {
        transfer->timeout_s = (uint32_t)prng_between(prng, 1, chance(prng, 70) ? 8 : 600);
    }
}

static void invent_settlement(struct crowd *crowd, struct prng *prng, struct transfer *transfer)
{
    const struct model *model = crowd->service->model;
    bool reversal = transfer->kind == TRANSFER_REVERSAL;
    bool odd = chance(prng, 6);
    transfer->target = reversal || odd ? some_transfer(model, prng, !odd) : some_hold(model, prng);
    if (uuid_is_nil(transfer->target.value) || chance(prng, 2)) {
        transfer->target.value = invent_id(prng);
    }
    transfer->amount = MONEY_MAX;
    if (transfer->kind == TRANSFER_VOID) return;
    if (chance(prng, 55)) transfer->amount = some_amount(prng);
    if (transfer->kind == TRANSFER_POST && chance(prng, 35)) {
        transfer->flags |= TRANSFER_FLAG_KEEP_REST;
    }
    if (chance(prng, 10)) transfer->asset = some_asset(model, prng);
}

static struct business_date some_date(struct crowd *crowd, struct prng *prng)
{
    if (!chance(prng, 15)) return (struct business_date){ 0 };
    int32_t today = business_date_of(crowd->service->journal.stamp).days;
    if (today < 10) return (struct business_date){ 0 };
    return (struct business_date){ today - 5 + (int32_t)prng_below(prng, 8) };
}

static void invent_transfer(struct crowd *crowd, struct prng *prng, struct transfer *out_transfer)
{
    static const uint8_t kinds[] = {
        TRANSFER_DIRECT, TRANSFER_DIRECT, TRANSFER_DIRECT,   TRANSFER_DIRECT,
        TRANSFER_HOLD,   TRANSFER_HOLD,   TRANSFER_HOLD,     TRANSFER_POST,
        TRANSFER_POST,   TRANSFER_VOID,   TRANSFER_REVERSAL,
    };
    *out_transfer = (struct transfer){
        .id = { invent_id(prng) },
        .user_ref = some_reference(crowd, prng),
        .value_date = some_date(crowd, prng),
        .code = (uint32_t)prng_below(prng, 4),
        .kind = kinds[prng_below(prng, sizeof kinds)],
    };
    bool movement = out_transfer->kind == TRANSFER_DIRECT || out_transfer->kind == TRANSFER_HOLD;
    if (movement) {
        invent_movement(crowd, prng, out_transfer);
    } else {
        invent_settlement(crowd, prng, out_transfer);
    }
    const char *field = NULL;
    const char *fault = transfer_fault(out_transfer, &field);
    CHECK(fault == NULL); /* only what passes the parser reaches a lane, or what payments make */
    if (chance(prng, 15)) out_transfer->flags |= TRANSFER_FLAG_OWNED;
}

/* Turns some neighbours into linked groups; the last item ends the last group. */
static void link_some(struct prng *prng, struct question *question)
{
    for (uint32_t i = 0; i + 1 < question->count; i++) {
        if (!chance(prng, 50)) continue;
        uint32_t members = (uint32_t)prng_between(prng, 2, 5);
        for (uint32_t j = i; j + 1 < question->count && j + 1 < i + members; j++) {
            question->transfers[j].flags |= TRANSFER_FLAG_LINKED;
        }
        i += members;
    }
}

/* Within a group, a later member often settles what an earlier one holds. */
static void chain_some(struct prng *prng, struct question *question)
{
    for (uint32_t i = 1; i < question->count; i++) {
        struct transfer *before = &question->transfers[i - 1];
        struct transfer *transfer = &question->transfers[i];
        bool settles = transfer->kind == TRANSFER_POST || transfer->kind == TRANSFER_VOID;
        if (settles && before->kind == TRANSFER_HOLD && !uuid_is_nil(before->id.value) &&
            chance(prng, 60)) {
            transfer->target = before->id;
        }
    }
}

static struct question *invent_transfers(struct crowd *crowd, struct prng *prng, uint32_t count)
{
    struct question *question = question_new(REQUEST_TRANSFERS, count);
    for (uint32_t i = 0; i < count; i++) invent_transfer(crowd, prng, &question->transfers[i]);
    if (count > 1 && chance(prng, 60)) link_some(prng, question);
    chain_some(prng, question);
    if (count > 2 && chance(prng, 8)) {
        question->transfers[count - 1].id = question->transfers[0].id;
    }
    return question;
}

/* An id that was used, asked for with other content. */
static struct question *invent_id_conflict(struct crowd *crowd, struct prng *prng)
{
    struct question *question = invent_transfers(crowd, prng, (uint32_t)prng_between(prng, 1, 4));
    uint64_t index = prng_below(prng, question->count);
    struct transfer_id known = some_transfer(crowd->service->model, prng, false);
    if (!uuid_is_nil(known.value)) {
        question->transfers[index].id = known;
        question->fresh = false;
    }
    return question;
}

/* ---- Keys ---- */

static void key_give(struct prng *prng, struct question *question)
{
    question->key = invent_id(prng);
    if (question->kind == REQUEST_TRANSFERS && chance(prng, 60)) {
        for (uint32_t i = 0; i < question->count; i++) {
            if (chance(prng, 70)) question->transfers[i].id.value = (struct uuid){ 0, 0 };
        }
    }
    question_sign(question);
}

/* The key of an old question on other content. */
static struct question *invent_key_conflict(struct crowd *crowd, struct prng *prng)
{
    struct question *question = invent_transfers(crowd, prng, 1);
    const struct question *old =
        crowd->memory_count == 0 ? NULL : crowd->memory[prng_below(prng, crowd->memory_count)];
    if (old == NULL || uuid_is_nil(old->key)) return question;
    question->key = old->key;
    question->fresh = false;
    question_sign(question);
    return question;
}

/* ---- Administration ---- */

static void invent_account_change(struct crowd *crowd, struct prng *prng, struct admin *admin)
{
    const struct model *model = crowd->service->model;
    admin->kind = ADMIN_ACCOUNT_CHANGE;
    admin->account = some_account(model, prng);
    uint64_t draw = prng_below(prng, 10);
    if (draw < 3) {
        admin->set = ACCOUNT_FLAG_FROZEN;
    } else if (draw < 8) {
        admin->clear = ACCOUNT_FLAG_FROZEN;
    } else {
        admin->set = ACCOUNT_FLAG_CLOSED;
    }
    /* what is frozen is thawed soon, or nothing would move any more */
    for (uint32_t i = 0; i < model->account_count && admin->clear != 0; i++) {
        const struct account *account = &model->accounts[i].state.account;
        if ((account->flags & ACCOUNT_FLAG_FROZEN) != 0 && chance(prng, 50)) {
            admin->account = account->id;
        }
    }
}

static void invent_credential(struct crowd *crowd, struct prng *prng, struct admin *admin)
{
    const struct model *model = crowd->service->model;
    bool known = model->credential_count > 0 && chance(prng, 40);
    const struct credential *old =
        known ? &model->credentials[prng_below(prng, model->credential_count)] : NULL;
    admin->kind = chance(prng, 60) ? ADMIN_CREDENTIAL_CREATE : ADMIN_CREDENTIAL_REVOKE;
    admin->credential.id.value = known ? old->id.value : invent_id(prng);
    if (admin->kind == ADMIN_CREDENTIAL_REVOKE) return;
    uint64_t number = prng_below(prng, 30); /* the same key twice, now and then */
    admin->credential.secret_digest = digest_of(&number, sizeof number);
    admin->credential.scopes = SCOPE_ALL;
    memcpy(admin->credential.name, "client", sizeof "client");
}

/* Mostly one that is there; never the euro. */
static uint32_t rated_asset(struct prng *prng)
{
    static const uint32_t assets[] = { 840, 392, ASSET_CUSTOM_FIRST, 7 };
    return assets[prng_below(prng, sizeof assets / sizeof assets[0])];
}

/* Few ids, so that most lower what was raised, and some what has ended. */
static void invent_raise(struct prng *prng, struct admin *admin)
{
    admin->kind = chance(prng, 60) ? ADMIN_TRACE_RAISE : ADMIN_TRACE_LOWER;
    admin->raise.id = (struct uuid){ 1, 1 + prng_below(prng, 8) };
    if (admin->kind == ADMIN_TRACE_LOWER) return;
    admin->raise.route = 1 + (uint32_t)prng_below(prng, 9);
    admin->raise.traces = 100;
    admin->raise_for_s = (uint32_t)prng_between(prng, 1, 60);
}

static struct question *invent_act(struct crowd *crowd, struct prng *prng)
{
    struct question *question = question_new(REQUEST_ADMIN, 0);
    struct admin *admin = &question->admin;
    uint64_t draw = prng_below(prng, 100);
    int32_t today = business_date_of(crowd->service->journal.stamp).days;
    if (draw < 15) {
        admin->kind = ADMIN_ASSET_CREATE;
        memcpy(admin->asset.code, "TOKEN", sizeof "TOKEN");
        admin->asset.code[5] = (char)('A' + (char)prng_below(prng, 20));
        admin->asset.exponent = (uint8_t)prng_below(prng, ASSET_EXPONENT_MAX + 1);
    } else if (draw < 22 && today > 10) {
        admin->kind = ADMIN_PERIOD_CLOSE;
        admin->closed_through.days = today - (int32_t)prng_below(prng, 5);
    } else if (draw < 28) {
        admin->kind = ADMIN_RATE_SET;
        admin->rate = (struct rate){ rated_asset(prng), 978, 1 + prng_below(prng, 9), 7 };
    } else if (draw < 32) {
        admin->kind = ADMIN_NOTICE;
        admin->notice.kind = NOTICE_ENDPOINT_DISABLE;
        admin->notice.subject = invent_id(prng);
    } else if (draw < 40) {
        invent_raise(prng, admin);
    } else if (draw < 54) {
        invent_credential(crowd, prng, admin);
    } else {
        invent_account_change(crowd, prng, admin);
    }
    if (chance(prng, 30)) {
        memcpy(admin->reason, "ops-0", sizeof "ops-0");
        admin->reason[4] = (char)('0' + (char)prng_below(prng, 10));
    }
    key_give(prng, question);
    return question;
}

/* ---- Reads ---- */

static struct uuid some_transfer_id(const struct model *model, struct prng *prng)
{
    struct uuid id = some_transfer(model, prng, false).value;
    return uuid_is_nil(id) || chance(prng, 10) ? invent_id(prng) : id;
}

static struct question *invent_read(struct crowd *crowd, struct prng *prng)
{
    const struct model *model = crowd->service->model;
    uint32_t count = (uint32_t)prng_between(prng, 1, 40);
    enum read_kind kind = (enum read_kind)prng_below(prng, READ_TOTALS + 1);
    bool by_reference = kind == READ_REFERENCE || kind == READ_ACCOUNT_REFERENCE;
    if (by_reference) count = 1;
    bool by_id = kind != READ_ACCOUNT_PAGE && kind != READ_TOTALS;
    struct question *question = question_new(REQUEST_READ, by_id ? count : 0);
    question->read_kind = kind;
    question->limit = (uint32_t)prng_between(prng, 1, 60);
    question->from = kind == READ_ACCOUNT_PAGE ? prng_below(prng, model->account_count + 2) : 0;
    for (uint32_t i = 0; i < question->count; i++) {
        struct uuid *id = &question->ids[i];
        if (kind == READ_ACCOUNTS) {
            *id = some_account(model, prng).value;
        } else if (by_reference) {
            *id = crowd->references[prng_below(prng, CROWD_REFERENCES)];
        } else if (kind == READ_CLOSING && chance(prng, 80)) {
            *id = some_hold(model, prng).value;
            if (uuid_is_nil(*id)) *id = invent_id(prng);
        } else {
            *id = some_transfer_id(model, prng);
        }
    }
    if (kind == READ_REFERENCE && model->transfer_count > 0 && chance(prng, 50)) {
        question->after = model->transfers[prng_below(prng, model->transfer_count)].locator;
    }
    if (kind == READ_ACCOUNT_REFERENCE && model->account_count > 0 && chance(prng, 50)) {
        question->after = model->accounts[prng_below(prng, model->account_count)].locator;
    }
    return question;
}

/* ---- The draw ---- */

static struct question *invent_new(struct crowd *crowd, struct prng *prng)
{
    uint64_t draw = prng_below(prng, 100);
    if (draw < 5) return invent_accounts(crowd, prng);
    if (draw < 12) return invent_act(crowd, prng);
    if (draw < 34) return invent_read(crowd, prng);
    if (draw < 38) return invent_id_conflict(crowd, prng);
    if (draw < 41) return invent_key_conflict(crowd, prng);
    if (draw < 75) return invent_transfers(crowd, prng, 1);
    if (draw < 93) return invent_transfers(crowd, prng, (uint32_t)prng_between(prng, 2, 8));
    uint32_t most = crowd->profile.bulk_items_max;
    return invent_transfers(crowd, prng, (uint32_t)prng_between(prng, most / 4 + 1, most));
}

struct question *invent(struct crowd *crowd, struct prng *prng)
{
    if (crowd->memory_count > 0 && chance(prng, 12)) {
        struct question *old = crowd->memory[prng_below(prng, crowd->memory_count)];
        old->fresh = false;
        return question_share(old);
    }
    struct question *question = invent_new(crowd, prng);
    question->principal = some_principal(prng);
    bool may_have_key = question->kind == REQUEST_TRANSFERS || question->kind == REQUEST_ACCOUNTS;
    if (may_have_key && uuid_is_nil(question->key) && chance(prng, 35)) key_give(prng, question);
    return question;
}

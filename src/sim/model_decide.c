/* What every request must come to: one test after the other, in the order of the tables. */
#include "sim/model_decide.h"

#include <string.h>

#include "base/check.h"

static bool has_flag(const struct model *model, uint32_t account, enum account_flag flag)
{
    return (model->accounts[account].state.account.flags & flag) != 0;
}

static bool ends_hold(const struct transfer *asked)
{
    return asked->kind == TRANSFER_POST || asked->kind == TRANSFER_VOID;
}

static bool kind_allows(uint8_t asked_kind, uint8_t target_kind)
{
    bool holds = target_kind == TRANSFER_HOLD || target_kind == TRANSFER_DEPARTURE;
    if (asked_kind != TRANSFER_REVERSAL) return holds;
    return target_kind == TRANSFER_DIRECT || target_kind == TRANSFER_POST ||
           target_kind == TRANSFER_REVERSAL;
}

/* Finds the target and the accounts; OK: go on. */
static enum outcome find_parties(const struct model *model, const struct transfer *asked,
                                 struct model_effect *effect)
{
    if (asked->kind == TRANSFER_DIRECT || asked->kind == TRANSFER_HOLD ||
        asked->kind == TRANSFER_DEPARTURE) {
        effect->debit = model_account_find(model, asked->debit);
        effect->credit = model_account_find(model, asked->credit);
    } else {
        effect->target = model_transfer_find(model, asked->target);
        if (effect->target == MODEL_NONE) return OUTCOME_TARGET_NOT_FOUND;
        const struct model_transfer *target = &model->transfers[effect->target];
        if (target->outcome != OUTCOME_OK) return OUTCOME_TARGET_REFUSED;
        if (!kind_allows(asked->kind, target->asked.kind)) return OUTCOME_TARGET_WRONG_KIND;
        bool owned = (target->asked.flags & TRANSFER_FLAG_OWNED) != 0;
        bool owner = (asked->flags & TRANSFER_FLAG_OWNED) != 0;
        if (owned && !owner) return OUTCOME_TARGET_OWNED;
        bool opposite = asked->kind == TRANSFER_REVERSAL;
        effect->debit = opposite ? target->credit : target->debit;
        effect->credit = opposite ? target->debit : target->credit;
    }
    if (effect->debit == MODEL_NONE) return OUTCOME_DEBIT_ACCOUNT_NOT_FOUND;
    if (effect->credit == MODEL_NONE) return OUTCOME_CREDIT_ACCOUNT_NOT_FOUND;
    effect->asset = model->accounts[effect->debit].state.account.asset;
    return OUTCOME_OK;
}

static enum outcome check_hold_open(const struct model_transfer *hold, struct wall_time stamp)
{
    if (hold->closed_by == TRANSFER_POST) return OUTCOME_HOLD_ALREADY_POSTED;
    if (hold->closed_by == TRANSFER_VOID) return OUTCOME_HOLD_ALREADY_VOIDED;
    if (hold->closed_by == TRANSFER_EXPIRE) return OUTCOME_HOLD_EXPIRED;
    bool over = hold->expires_at.ns != 0 && stamp.ns >= hold->expires_at.ns;
    return over ? OUTCOME_HOLD_EXPIRED : OUTCOME_OK;
}

static enum outcome check_parties(const struct model *model, const struct transfer *asked,
                                  const struct model_effect *effect, struct wall_time stamp)
{
    uint32_t credit_asset = model->accounts[effect->credit].state.account.asset;
    if (asked->asset != 0 && asked->asset != effect->asset) return OUTCOME_ASSET_MISMATCH;
    if (credit_asset != effect->asset) return OUTCOME_ASSET_MISMATCH;
    /* a void, and what another lane has accepted, look at no account state and at no period */
    bool freely =
        asked->kind == TRANSFER_VOID ||
        (ends_hold(asked) && model->transfers[effect->target].asked.kind == TRANSFER_DEPARTURE);
    if (!freely && effect->value_date.days <= model->closed_through.days) {
        return OUTCOME_PERIOD_CLOSED;
    }
    if (ends_hold(asked)) {
        enum outcome outcome = check_hold_open(&model->transfers[effect->target], stamp);
        if (outcome != OUTCOME_OK || freely) return outcome;
    }
    if (has_flag(model, effect->debit, ACCOUNT_FLAG_CLOSED)) return OUTCOME_DEBIT_ACCOUNT_CLOSED;
    if (has_flag(model, effect->credit, ACCOUNT_FLAG_CLOSED)) return OUTCOME_CREDIT_ACCOUNT_CLOSED;
    if (has_flag(model, effect->debit, ACCOUNT_FLAG_FROZEN)) return OUTCOME_DEBIT_ACCOUNT_FROZEN;
    if (has_flag(model, effect->credit, ACCOUNT_FLAG_FROZEN)) return OUTCOME_CREDIT_ACCOUNT_FROZEN;
    return OUTCOME_OK;
}

/* a - b - c, not below zero. */
static uint128 what_is_left(struct money a, struct money b, struct money c)
{
    if (a.minor <= b.minor) return 0;
    uint128 rest = a.minor - b.minor;
    return rest <= c.minor ? 0 : rest - c.minor;
}

static uint128 smaller(uint128 a, uint128 b)
{
    return a < b ? a : b;
}

/* Whether all that is debited in an asset, posted and pending, and `more` fit 128 bits. */
static bool has_room(const struct model *model, uint32_t asset, uint128 more)
{
    uint128 sum = more;
    for (uint32_t i = 0; i < model->account_count; i++) {
        const struct account_state *state = &model->accounts[i].state;
        if (state->account.asset != asset) continue;
        const uint128 parts[] = { state->balance.debits_posted.minor,
                                  state->balance.debits_pending.minor };
        for (int j = 0; j < 2; j++) {
            if (sum + parts[j] < sum) return false;
            sum += parts[j];
        }
    }
    return true;
}

/* POST and VOID turn what is reserved into posted or free; no bound can be passed by that. */
static enum outcome settle(const struct model *model, const struct transfer *asked,
                           struct model_effect *effect)
{
    uint128 reserved = model->transfers[effect->target].remaining.minor;
    effect->released.minor = reserved;
    if (asked->kind == TRANSFER_VOID) {
        effect->amount.minor = reserved;
        return OUTCOME_OK;
    }
    bool all = money_equal(asked->amount, MONEY_MAX);
    effect->amount.minor = all ? reserved : asked->amount.minor;
    if (effect->amount.minor > reserved) return OUTCOME_AMOUNT_OVER_HOLD;
    if ((asked->flags & TRANSFER_FLAG_KEEP_REST) != 0) effect->released = effect->amount;
    return OUTCOME_OK;
}

static enum outcome reverse(const struct model *model, const struct transfer *asked,
                            struct model_effect *effect)
{
    const struct model_transfer *target = &model->transfers[effect->target];
    uint128 left = target->amount.minor - target->reversed.minor;
    bool all = money_equal(asked->amount, MONEY_MAX);
    if (all) effect->amount.minor = left;
    bool over = left == 0 || effect->amount.minor > left;
    return over ? OUTCOME_AMOUNT_OVER_REVERSIBLE : OUTCOME_OK;
}

static enum outcome move(const struct model *model, const struct transfer *asked,
                         struct model_effect *effect)
{
    const struct balance *from = &model->accounts[effect->debit].state.balance;
    const struct balance *into = &model->accounts[effect->credit].state.balance;
    uint128 amount = effect->amount.minor;
    if ((asked->flags & TRANSFER_FLAG_BALANCING_DEBIT) != 0) {
        amount = smaller(
            amount, what_is_left(from->credits_posted, from->debits_posted, from->debits_pending));
    }
    if ((asked->flags & TRANSFER_FLAG_BALANCING_CREDIT) != 0) {
        amount = smaller(
            amount, what_is_left(into->debits_posted, into->credits_posted, into->credits_pending));
    }
    effect->amount.minor = amount;
    if (amount == 0) return OUTCOME_NOTHING_TO_MOVE;
    if (!has_room(model, effect->asset, amount)) return OUTCOME_AMOUNT_OVERFLOW;
    if (has_flag(model, effect->debit, ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS) &&
        from->debits_posted.minor + from->debits_pending.minor + amount >
            from->credits_posted.minor) {
        return OUTCOME_DEBITS_EXCEED_CREDITS;
    }
    if (has_flag(model, effect->credit, ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS) &&
        into->credits_posted.minor + into->credits_pending.minor + amount >
            into->debits_posted.minor) {
        return OUTCOME_CREDITS_EXCEED_DEBITS;
    }
    return OUTCOME_OK;
}

static enum outcome check_capacity(const struct model *model, const struct transfer *asked,
                                   const struct model_effect *effect)
{
    bool holds = asked->kind == TRANSFER_HOLD || asked->kind == TRANSFER_DEPARTURE;
    if (holds && model->open_holds == model->options.holds_max) {
        return OUTCOME_CAPACITY;
    }
    if (asked->kind == TRANSFER_REVERSAL && model->reversals == model->options.reversals_max &&
        money_is_zero(model->transfers[effect->target].reversed)) {
        return OUTCOME_CAPACITY;
    }
    return OUTCOME_OK;
}

static enum outcome outcome_of(const struct model *model, const struct transfer *asked,
                               struct wall_time stamp, struct model_effect *effect)
{
    enum outcome outcome = find_parties(model, asked, effect);
    if (outcome != OUTCOME_OK) return outcome;
    outcome = check_parties(model, asked, effect, stamp);
    if (outcome != OUTCOME_OK) return outcome;
    if (ends_hold(asked)) return settle(model, asked, effect);
    if (asked->kind == TRANSFER_REVERSAL) outcome = reverse(model, asked, effect);
    if (outcome != OUTCOME_OK) return outcome;
    outcome = move(model, asked, effect);
    if (outcome != OUTCOME_OK) return outcome;
    return check_capacity(model, asked, effect);
}

struct model_effect model_decide(const struct model *model, const struct transfer *asked,
                                 struct wall_time stamp)
{
    struct model_effect effect = {
        .target = MODEL_NONE,
        .debit = MODEL_NONE,
        .credit = MODEL_NONE,
        .asset = asked->asset,
        .amount = asked->amount,
        .value_date = asked->value_date.days != 0 ? asked->value_date : business_date_of(stamp),
    };
    effect.outcome = outcome_of(model, asked, stamp, &effect);
    return effect;
}

/* ---- Applying ---- */

static void account_move(struct model *model, uint32_t place, struct locator locator)
{
    struct model_account *account = &model->accounts[place];
    account->changed = true;
    account->state.last_entry = locator;
    account->state.entry_count++;
}

static void hold_release(struct model *model, const struct model_effect *effect, uint8_t kind,
                         struct model_place where)
{
    struct balance *from = &model->accounts[effect->debit].state.balance;
    struct balance *into = &model->accounts[effect->credit].state.balance;
    struct model_transfer *hold = &model->transfers[effect->target];
    from->debits_pending.minor -= effect->released.minor;
    into->credits_pending.minor -= effect->released.minor;
    hold->remaining.minor -= effect->released.minor;
    if (!money_is_zero(hold->remaining)) return;
    hold->closed_by = kind;
    hold->closed_at = where.locator;
    hold->closed_position = where.position;
    model->open_holds--;
}

void model_apply(struct model *model, const struct transfer *asked,
                 const struct model_effect *effect, struct model_place where,
                 struct model_undo *out_undo)
{
    CHECK(effect->outcome == OUTCOME_OK);
    struct balance *from = &model->accounts[effect->debit].state.balance;
    struct balance *into = &model->accounts[effect->credit].state.balance;
    *out_undo = (struct model_undo){
        .debit = effect->debit,
        .credit = effect->credit,
        .target = effect->target,
        .debit_before = model->accounts[effect->debit].state,
        .credit_before = model->accounts[effect->credit].state,
        .open_holds = model->open_holds,
        .reversals = model->reversals,
    };
    if (effect->target != MODEL_NONE) out_undo->target_before = model->transfers[effect->target];
    if (asked->kind == TRANSFER_HOLD || asked->kind == TRANSFER_DEPARTURE) {
        from->debits_pending.minor += effect->amount.minor;
        into->credits_pending.minor += effect->amount.minor;
        model->open_holds++;
    } else if (asked->kind == TRANSFER_VOID || asked->kind == TRANSFER_EXPIRE) {
        hold_release(model, effect, asked->kind, where);
    } else {
        from->debits_posted.minor += effect->amount.minor;
        into->credits_posted.minor += effect->amount.minor;
        if (asked->kind == TRANSFER_POST) hold_release(model, effect, TRANSFER_POST, where);
    }
    if (asked->kind == TRANSFER_REVERSAL) {
        struct model_transfer *target = &model->transfers[effect->target];
        if (money_is_zero(target->reversed)) model->reversals++;
        target->reversed.minor += effect->amount.minor;
    }
    account_move(model, effect->debit, where.locator);
    account_move(model, effect->credit, where.locator);
}

void model_undo(struct model *model, const struct model_undo *undo)
{
    model->accounts[undo->debit].state = undo->debit_before;
    model->accounts[undo->credit].state = undo->credit_before;
    if (undo->target != MODEL_NONE) model->transfers[undo->target] = undo->target_before;
    model->open_holds = undo->open_holds;
    model->reversals = undo->reversals;
}

/* ---- Accounts and administrative acts ---- */

enum account_outcome model_account_decide(const struct model *model, const struct account *account,
                                          bool *out_repeated)
{
    *out_repeated = false;
    uint32_t place = model_account_find(model, account->id);
    if (place != MODEL_NONE) {
        *out_repeated = model_same_account(&model->accounts[place].state.account, account);
        return *out_repeated ? ACCOUNT_OUTCOME_OK : ACCOUNT_OUTCOME_ID_CONFLICT;
    }
    place = model_refused_account_find(model, account->id);
    if (place != MODEL_NONE) {
        const struct model_refused_account *refused = &model->refused_accounts[place];
        *out_repeated = model_same_account(&refused->asked, account);
        return *out_repeated ? refused->outcome : ACCOUNT_OUTCOME_ID_CONFLICT;
    }
    if (model_asset_by_id(model, account->asset) == NULL) return ACCOUNT_OUTCOME_ASSET_NOT_FOUND;
    if (model->account_count == model->options.accounts_max) return ACCOUNT_OUTCOME_CAPACITY;
    return ACCOUNT_OUTCOME_OK;
}

static enum admin_outcome asset_decide(const struct model *model, const struct asset *wanted)
{
    if (asset_iso_by_code(str_from(wanted->code)) != NULL) return ADMIN_OUTCOME_ASSET_EXISTS;
    for (uint32_t i = 0; i < model->asset_count; i++) {
        if (strcmp(model->assets[i].code, wanted->code) == 0) return ADMIN_OUTCOME_ASSET_EXISTS;
    }
    return model->asset_count == ASSETS_CUSTOM_MAX ? ADMIN_OUTCOME_ASSET_CAPACITY
                                                   : ADMIN_OUTCOME_OK;
}

static enum admin_outcome change_decide(const struct model *model, const struct admin *admin)
{
    uint32_t place = model_account_find(model, admin->account);
    if (place == MODEL_NONE) return ADMIN_OUTCOME_ACCOUNT_NOT_FOUND;
    if (has_flag(model, place, ACCOUNT_FLAG_CLOSED)) return ADMIN_OUTCOME_ACCOUNT_CLOSED;
    const struct balance *balance = &model->accounts[place].state.balance;
    bool closing = (admin->set & ACCOUNT_FLAG_CLOSED) != 0;
    bool empty = money_equal(balance->debits_posted, balance->credits_posted) &&
                 money_is_zero(balance->debits_pending) && money_is_zero(balance->credits_pending);
    return closing && !empty ? ADMIN_OUTCOME_ACCOUNT_NOT_EMPTY : ADMIN_OUTCOME_OK;
}

static enum admin_outcome credential_decide(const struct model *model, const struct admin *admin)
{
    bool revoke = admin->kind == ADMIN_CREDENTIAL_REVOKE;
    for (uint32_t i = 0; i < model->credential_count; i++) {
        const struct credential *known = &model->credentials[i];
        if (uuid_equal(known->id.value, admin->credential.id.value)) {
            return revoke ? ADMIN_OUTCOME_OK : ADMIN_OUTCOME_CREDENTIAL_EXISTS;
        }
        bool same_key = digest_equal(&known->secret_digest, &admin->credential.secret_digest);
        if (!revoke && same_key && !known->revoked) return ADMIN_OUTCOME_CREDENTIAL_EXISTS;
    }
    if (revoke) return ADMIN_OUTCOME_CREDENTIAL_NOT_FOUND;
    return model->credential_count == CREDENTIALS_MAX ? ADMIN_OUTCOME_CREDENTIAL_CAPACITY
                                                      : ADMIN_OUTCOME_OK;
}

static bool is_raised(const struct raise *raise, struct wall_time at)
{
    return raise->traces > 0 && raise->until.ns > at.ns;
}

static enum admin_outcome raise_decide(const struct model *model, const struct admin *admin,
                                       struct wall_time stamp)
{
    uint32_t others = 0;
    bool known = false;
    for (uint32_t i = 0; i < model->raise_count; i++) {
        if (!is_raised(&model->raises[i], stamp)) continue;
        bool same = uuid_equal(model->raises[i].id, admin->raise.id);
        known = known || same;
        others += !same;
    }
    if (admin->kind == ADMIN_TRACE_LOWER)
        return known ? ADMIN_OUTCOME_OK : ADMIN_OUTCOME_RAISE_NOT_FOUND;
    return others < RAISES_MAX ? ADMIN_OUTCOME_OK : ADMIN_OUTCOME_RAISE_CAPACITY;
}

static void raise_apply(struct model *model, const struct raise *raise)
{
    for (uint32_t i = 0; i < model->raise_count; i++) {
        if (!uuid_equal(model->raises[i].id, raise->id)) continue;
        model->raises[i] = *raise;
        return;
    }
    CHECK(model->raise_count < MODEL_RAISES_MAX);
    model->raises[model->raise_count++] = *raise;
}

enum admin_outcome model_admin_decide(const struct model *model, const struct admin *admin,
                                      struct wall_time stamp)
{
    switch (admin->kind) {
    case ADMIN_ASSET_CREATE: return asset_decide(model, &admin->asset);
    case ADMIN_ACCOUNT_CHANGE: return change_decide(model, admin);
    case ADMIN_PERIOD_CLOSE:
        if (admin->closed_through.days <= model->closed_through.days) {
            return ADMIN_OUTCOME_PERIOD_ALREADY_CLOSED;
        }
        return admin->closed_through.days >= business_date_of(stamp).days
                   ? ADMIN_OUTCOME_PERIOD_NOT_OVER
                   : ADMIN_OUTCOME_OK;
    case ADMIN_CREDENTIAL_CREATE:
    case ADMIN_CREDENTIAL_REVOKE: return credential_decide(model, admin);
    case ADMIN_RATE_SET: {
        bool known = model_asset_by_id(model, admin->rate.asset) != NULL &&
                     model_asset_by_id(model, admin->rate.counter_asset) != NULL;
        return known ? ADMIN_OUTCOME_OK : ADMIN_OUTCOME_RATE_ASSET_NOT_FOUND;
    }
    case ADMIN_NOTICE: return ADMIN_OUTCOME_OK;
    case ADMIN_TRACE_RAISE:
    case ADMIN_TRACE_LOWER: return raise_decide(model, admin, stamp);
    }
    check_failed(__FILE__, __LINE__, "an administrative act of the table");
}

void model_admin_apply(struct model *model, const struct admin *admin, struct wall_time stamp)
{
    switch (admin->kind) {
    case ADMIN_ASSET_CREATE:
        model->assets[model->asset_count] = admin->asset;
        model->assets[model->asset_count].id = ASSET_CUSTOM_FIRST + model->asset_count;
        model->asset_count++;
        return;
    case ADMIN_ACCOUNT_CHANGE: {
        struct model_account *account = &model->accounts[model_account_find(model, admin->account)];
        uint16_t flags = account->state.account.flags;
        account->state.account.flags = (uint16_t)((flags | admin->set) & ~admin->clear);
        account->changed = true;
        return;
    }
    case ADMIN_PERIOD_CLOSE: model->closed_through = admin->closed_through; return;
    case ADMIN_RATE_SET:
    case ADMIN_NOTICE: return;
    case ADMIN_TRACE_RAISE:
    case ADMIN_TRACE_LOWER: raise_apply(model, &admin->raise); return;
    case ADMIN_CREDENTIAL_CREATE:
        model->credentials[model->credential_count] = admin->credential;
        model->credentials[model->credential_count].created_at = stamp;
        model->credential_count++;
        return;
    case ADMIN_CREDENTIAL_REVOKE:
        for (uint32_t i = 0; i < model->credential_count; i++) {
            struct credential *known = &model->credentials[i];
            if (uuid_equal(known->id.value, admin->credential.id.value)) known->revoked = true;
        }
        return;
    }
}

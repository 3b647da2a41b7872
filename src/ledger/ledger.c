/* Making and freeing a ledger, its accounts, and administrative acts. */
#include "ledger/ledger.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"

static size_t accounts_size(const struct ledger_options *options)
{
    return options->accounts_max * sizeof(struct account_state);
}

static size_t reversals_size(const struct ledger_options *options)
{
    return options->reversals_max * sizeof(struct reversal);
}

static const size_t TOTALS_SIZE = LEDGER_TOTALS_MAX * sizeof(struct ledger_totals);

static enum status ledger_init(struct ledger *ledger)
{
    const struct ledger_options *options = &ledger->options;
    ledger->accounts = reserve_new(accounts_size(options));
    ledger->reversals = reserve_new(reversals_size(options));
    ledger->totals = reserve_new(TOTALS_SIZE);
    if (ledger->accounts == NULL || ledger->reversals == NULL || ledger->totals == NULL) {
        return STATUS_LIMIT;
    }
    enum status status =
        id_map_init(&ledger->account_map, ledger->accounts, sizeof(struct account_state),
                    options->accounts_max, options->seed);
    if (status != STATUS_OK) return status;
    status = id_map_init(&ledger->reversal_map, ledger->reversals, sizeof(struct reversal),
                         options->reversals_max, options->seed);
    if (status != STATUS_OK) return status;
    status = hold_table_init(&ledger->holds, options->holds_max, options->seed);
    if (status != STATUS_OK) return status;
    status = payment_table_init(&ledger->payments, (uint32_t)options->payments_max, options->seed);
    if (status != STATUS_OK) return status;
    return registry_init(&ledger->registry);
}

enum status ledger_new(const struct ledger_options *options, struct ledger **out_ledger)
{
    CHECK(options->accounts_max > 0 && options->accounts_max < ACCOUNT_NONE);
    CHECK(options->reversals_max > 0 && options->reversals_max < ID_MAP_NONE);
    CHECK(options->payments_max < PAYMENT_SLOT_NONE);
    struct ledger *ledger = reserve_new(sizeof *ledger);
    if (ledger == NULL) return STATUS_LIMIT;
    ledger->options = *options;
    ledger->hold_replay_from = 1;
    enum status status = ledger_init(ledger);
    if (status != STATUS_OK) {
        ledger_free(ledger);
        return status;
    }
    *out_ledger = ledger;
    return STATUS_OK;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL) return;
    reserve_free(ledger->accounts, accounts_size(&ledger->options));
    reserve_free(ledger->reversals, reversals_size(&ledger->options));
    reserve_free(ledger->totals, TOTALS_SIZE);
    id_map_free(&ledger->account_map);
    id_map_free(&ledger->reversal_map);
    if (ledger->holds.holds_max > 0) hold_table_free(&ledger->holds);
    payment_table_free(&ledger->payments);
    registry_free(&ledger->registry);
    reserve_free(ledger, sizeof *ledger);
}

void ledger_reset(struct ledger *ledger)
{
    id_map_reset(&ledger->account_map);
    id_map_reset(&ledger->reversal_map);
    hold_table_reset(&ledger->holds);
    payment_table_reset(&ledger->payments);
    registry_reset(&ledger->registry);
    memset(ledger->totals, 0, TOTALS_SIZE);
    ledger->account_count = 0;
    ledger->reversal_count = 0;
    ledger->holds_made = 0;
    ledger->hold_replay_from = 1;
}

uint32_t ledger_account_find(const struct ledger *ledger, struct account_id id)
{
    return id_map_find(&ledger->account_map, id.value);
}
_Static_assert((uint32_t)ID_MAP_NONE == (uint32_t)ACCOUNT_NONE, "one way to say none");

const struct account_state *ledger_account(const struct ledger *ledger, uint32_t number)
{
    CHECK(number < ledger->account_count);
    return &ledger->accounts[number];
}

void ledger_prefetch_ids(const struct ledger *ledger, const struct transfer *transfer)
{
    id_map_prefetch(&ledger->account_map, transfer->debit.value);
    id_map_prefetch(&ledger->account_map, transfer->credit.value);
}

void ledger_prefetch_accounts(const struct ledger *ledger, const struct transfer *transfer)
{
    const struct account_id ids[] = { transfer->debit, transfer->credit };
    for (int i = 0; i < 2; i++) {
        uint32_t number = ledger_account_find(ledger, ids[i]);
        if (number == ACCOUNT_NONE) continue;
        const char *state = (const char *)&ledger->accounts[number];
        __builtin_prefetch(state, 1);
        __builtin_prefetch(state + 64, 1);
        __builtin_prefetch(state + 128, 1);
    }
}

uint32_t ledger_account_append(struct ledger *ledger, struct ledger_moment moment,
                               const struct account *account)
{
    CHECK(ledger->account_count < ledger->options.accounts_max);
    uint32_t number = ledger->account_count++;
    struct account_state *state = &ledger->accounts[number];
    memset(state, 0, sizeof *state); /* stored as it lies in memory: its padding too */
    state->account = *account;
    state->applied_batch = moment.batch - 1;
    state->created_at = moment.stamp;
    id_map_insert(&ledger->account_map, number);
    return number;
}

enum account_outcome ledger_account_create(struct ledger *ledger, struct ledger_moment moment,
                                           const struct account *account, bool *out_repeated,
                                           uint32_t *out_number)
{
    CHECK(!uuid_is_nil(account->id.value));
    CHECK((account->flags & ~ACCOUNT_FLAGS_BOUND) == 0);
    *out_repeated = false;
    *out_number = ledger_account_find(ledger, account->id);
    if (*out_number != ACCOUNT_NONE) {
        *out_repeated = account_same_content(&ledger->accounts[*out_number].account, account);
        return *out_repeated ? ACCOUNT_OUTCOME_OK : ACCOUNT_OUTCOME_ID_CONFLICT;
    }
    if (registry_asset_by_id(&ledger->registry, account->asset) == NULL) {
        return ACCOUNT_OUTCOME_ASSET_NOT_FOUND;
    }
    if (ledger->account_count == ledger->options.accounts_max) return ACCOUNT_OUTCOME_CAPACITY;
    *out_number = ledger_account_append(ledger, moment, account);
    ledger->totals[ledger_totals_index(account->asset, account->kind)].account_count++;
    return ACCOUNT_OUTCOME_OK;
}

static enum admin_outcome change_decide(const struct account_state *state,
                                        const struct admin *admin)
{
    if (state == NULL) return ADMIN_OUTCOME_ACCOUNT_NOT_FOUND;
    if ((state->account.flags & ACCOUNT_FLAG_CLOSED) != 0) return ADMIN_OUTCOME_ACCOUNT_CLOSED;
    if ((admin->set & ACCOUNT_FLAG_CLOSED) == 0) return ADMIN_OUTCOME_OK;
    const struct balance *balance = &state->balance;
    bool empty = money_equal(balance->debits_posted, balance->credits_posted) &&
                 money_is_zero(balance->debits_pending) && money_is_zero(balance->credits_pending);
    return empty ? ADMIN_OUTCOME_OK : ADMIN_OUTCOME_ACCOUNT_NOT_EMPTY;
}

static uint16_t account_change(struct ledger *ledger, const struct admin *admin,
                               struct record_account_change *out_record)
{
    uint32_t number = ledger_account_find(ledger, admin->account);
    struct account_state *state = number == ACCOUNT_NONE ? NULL : &ledger->accounts[number];
    enum admin_outcome outcome = change_decide(state, admin);
    *out_record = (struct record_account_change){
        .head = { .type = RECORD_ACCOUNT_CHANGE, .outcome = (uint8_t)outcome },
        .account = admin->account,
        .set = admin->set,
        .clear = admin->clear,
    };
    if (outcome == ADMIN_OUTCOME_OK) {
        state->account.flags = (uint16_t)((state->account.flags | admin->set) & ~admin->clear);
    }
    return sizeof *out_record;
}

static uint16_t asset_create(struct ledger *ledger, const struct admin *admin,
                             struct record_asset *out_record)
{
    const struct registry *registry = &ledger->registry;
    const struct asset *known = registry_asset_by_code(registry, str_from(admin->asset.code));
    *out_record = (struct record_asset){
        .head = { .type = RECORD_ASSET },
        .id = known != NULL ? known->id : ASSET_CUSTOM_FIRST + registry->asset_count,
        .exponent = admin->asset.exponent,
    };
    memcpy(out_record->code, admin->asset.code, sizeof out_record->code);
    if (known != NULL) {
        out_record->head.outcome = ADMIN_OUTCOME_ASSET_EXISTS;
    } else if (registry->asset_count == ASSETS_CUSTOM_MAX) {
        out_record->head.outcome = ADMIN_OUTCOME_ASSET_CAPACITY;
    }
    return sizeof *out_record;
}

static uint16_t period_close(struct ledger *ledger, struct ledger_moment moment,
                             const struct admin *admin, struct record_period *out_record)
{
    *out_record = (struct record_period){
        .head = { .type = RECORD_PERIOD },
        .closed_through = admin->closed_through,
    };
    if (admin->closed_through.days <= ledger->registry.closed_through.days) {
        out_record->head.outcome = ADMIN_OUTCOME_PERIOD_ALREADY_CLOSED;
    } else if (admin->closed_through.days >= business_date_of(moment.stamp).days) {
        out_record->head.outcome = ADMIN_OUTCOME_PERIOD_NOT_OVER;
    }
    return sizeof *out_record;
}

static enum admin_outcome credential_decide(const struct ledger *ledger, const struct admin *admin)
{
    const struct registry *registry = &ledger->registry;
    const struct credential *wanted = &admin->credential;
    const struct credential *known = registry_credential_by_id(registry, wanted->id);
    if (admin->kind == ADMIN_CREDENTIAL_REVOKE) {
        return known == NULL ? ADMIN_OUTCOME_CREDENTIAL_NOT_FOUND : ADMIN_OUTCOME_OK;
    }
    if (known != NULL || registry_credential_by_digest(registry, &wanted->secret_digest) != NULL) {
        return ADMIN_OUTCOME_CREDENTIAL_EXISTS;
    }
    if (registry->credential_count == CREDENTIALS_MAX) return ADMIN_OUTCOME_CREDENTIAL_CAPACITY;
    return ADMIN_OUTCOME_OK;
}

static uint16_t credential_change(struct ledger *ledger, const struct admin *admin,
                                  struct record_credential *out_record)
{
    const struct credential *wanted = &admin->credential;
    bool revoke = admin->kind == ADMIN_CREDENTIAL_REVOKE;
    *out_record = (struct record_credential){
        .head = { .type = RECORD_CREDENTIAL, .outcome = (uint8_t)credential_decide(ledger, admin) },
        .id = wanted->id,
        .scopes = wanted->scopes,
        .revoked = revoke,
    };
    if (!revoke) {
        out_record->secret_digest = wanted->secret_digest;
        memcpy(out_record->name, wanted->name, sizeof out_record->name);
    }
    return sizeof *out_record;
}

static enum admin_outcome rate_decide(const struct registry *registry, const struct rate *rate)
{
    bool known = registry_asset_by_id(registry, rate->asset) != NULL &&
                 registry_asset_by_id(registry, rate->counter_asset) != NULL;
    if (!known) return ADMIN_OUTCOME_RATE_ASSET_NOT_FOUND;
    bool there = false;
    for (uint32_t i = 0; i < registry->rate_count; i++) {
        there = there || (registry->rates[i].asset == rate->asset &&
                          registry->rates[i].counter_asset == rate->counter_asset);
    }
    bool full = !there && registry->rate_count == RATES_MAX;
    return full ? ADMIN_OUTCOME_RATE_CAPACITY : ADMIN_OUTCOME_OK;
}

static uint16_t rate_set(struct ledger *ledger, const struct admin *admin,
                         struct record_rate *out_record)
{
    *out_record = (struct record_rate){
        .head = { .type = RECORD_RATE,
                  .outcome = (uint8_t)rate_decide(&ledger->registry, &admin->rate) },
        .asset = admin->rate.asset,
        .counter_asset = admin->rate.counter_asset,
        .numerator = admin->rate.numerator,
        .denominator = admin->rate.denominator,
    };
    return sizeof *out_record;
}

static uint16_t raise_change(struct ledger *ledger, struct ledger_moment moment,
                             const struct admin *admin, struct record_raise *out_record)
{
    const struct registry *registry = &ledger->registry;
    struct uuid id = admin->raise.id;
    *out_record = (struct record_raise){ .head = { .type = RECORD_RAISE } };
    if (admin->kind == ADMIN_TRACE_LOWER) {
        out_record->raise.id = id;
        if (!registry_raised(registry, id, moment.stamp))
            out_record->head.outcome = ADMIN_OUTCOME_RAISE_NOT_FOUND;
        return sizeof *out_record;
    }
    out_record->raise = admin->raise;
    out_record->raise.until.ns = moment.stamp.ns + (int64_t)admin->raise_for_s * NS_PER_S;
    if (!registry_raise_has_room(registry, id, moment.stamp))
        out_record->head.outcome = ADMIN_OUTCOME_RAISE_CAPACITY;
    return sizeof *out_record;
}

/* Nothing in the ledger forbids or follows it. */
static uint16_t notice_make(const struct admin *admin, struct record_notice *out_record)
{
    *out_record = (struct record_notice){
        .head = { .type = RECORD_NOTICE, .kind = (uint8_t)admin->notice.kind },
        .subject = admin->notice.subject,
        .digest = admin->notice.digest,
        .settings = admin->notice.settings,
    };
    memcpy(out_record->reason, admin->reason, sizeof out_record->reason);
    return sizeof *out_record;
}

uint16_t ledger_admin(struct ledger *ledger, struct ledger_moment moment, const struct admin *admin,
                      union ledger_admin_record *out_record)
{
    memset(out_record, 0, sizeof *out_record);
    uint16_t size = 0;
    switch (admin->kind) {
    case ADMIN_ACCOUNT_CHANGE: return account_change(ledger, admin, &out_record->account_change);
    case ADMIN_NOTICE: return notice_make(admin, &out_record->notice);
    case ADMIN_ASSET_CREATE: size = asset_create(ledger, admin, &out_record->asset); break;
    case ADMIN_PERIOD_CLOSE: size = period_close(ledger, moment, admin, &out_record->period); break;
    case ADMIN_RATE_SET: size = rate_set(ledger, admin, &out_record->rate); break;
    case ADMIN_CREDENTIAL_CREATE:
    case ADMIN_CREDENTIAL_REVOKE:
        size = credential_change(ledger, admin, &out_record->credential);
        break;
    case ADMIN_TRACE_RAISE:
    case ADMIN_TRACE_LOWER: size = raise_change(ledger, moment, admin, &out_record->raise); break;
    }
    CHECK(size > 0);
    if (out_record->head.outcome == ADMIN_OUTCOME_OK) {
        registry_apply(&ledger->registry, &out_record->head, moment.stamp);
    }
    return size;
}

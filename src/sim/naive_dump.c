#include "sim/naive_dump.h"

#include <string.h>

#include "base/check.h"

static const char *type_of(enum naive_role role)
{
    switch (role) {
    case ROLE_CUSTOMER: return "customer";
    case ROLE_MERCHANT: return "merchant";
    case ROLE_PSP: return "psp";
    case ROLE_BANK:
    case ROLE_SAFE: return "bank";
    case ROLE_FX: return "fx";
    case ROLE_FEES: return "fee";
    case ROLE_ROUNDING: return "rounding";
    case ROLE_SUSPENSE: return "suspense";
    case ROLE_RECEIVABLE:
    case ROLE_ADJUST: return "loss";
    case ROLE_CUSTODY: return "custody";
    case ROLE_PENDING:
    case ROLE_REFUNDS:
    case ROLE_PAYOUTS:
    case ROLE_INTEREST:
    case ROLE_EQUITY:
    case NAIVE_ROLES: break;
    }
    return "clearing";
}

/* Whose transaction it is: the customer who pays or is paid, else the merchant, else we. */
static const struct naive_leg *main_leg(const struct naive_world *world,
                                        const struct naive_draft *draft)
{
    static const enum naive_role order[] = { ROLE_CUSTOMER, ROLE_MERCHANT };
    for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t leg = 0; leg < draft->leg_count; leg++)
            if (world->accounts[draft->legs[leg].account].role == order[i])
                return &draft->legs[leg];
    }
    return &draft->legs[0];
}

/* The day of a time by the calendar of settlement. */
static void day_of(const struct naive_world *world, int64_t at_us, bool ours,
                   char out[NAIVE_TEXT_SIZE])
{
    bool east = ours && world->faults.broken[NAIVE_Z03] && at_us >= world->since_us[NAIVE_Z03];
    naive_day(world, (at_us + (east ? 8 * NAIVE_HOUR : 0)) / NAIVE_DAY, out);
}

static bool is_state_lost(const struct naive_world *world, const struct naive_tx *tx,
                          const char **out_state)
{
    for (uint32_t i = 0; i < world->payment_count; i++) {
        if (world->payments[i].tx != tx->draft.tx) continue;
        *out_state = world->payments[i].state;
        return true;
    }
    return false;
}

static void tx_dump(struct naive_world *world, uint32_t at)
{
    const struct naive_tx *tx = &world->txs[at];
    const struct naive_draft *draft = &tx->draft;
    const struct naive_leg *leg = main_leg(world, draft);
    const struct naive_account *account = &world->accounts[leg->account];
    const char *state = "posted";
    char date[NAIVE_TEXT_SIZE];
    char seq[NAIVE_TEXT_SIZE] = ""; /* a payment's is drawn long before its transaction */
    if (strcmp(draft->kind, "deposit") != 0) naive_text(seq, "%u", draft->number);
    (void)is_state_lost(world, tx, &state);
    day_of(world, tx->at_us, true, date);
    bool fx = draft->rate_num != 0;
    bool manual = strcmp(draft->cause, "manual") == 0;
    struct naive_field fields[40] = {
        T("tx", tx->id),
        S("ts", tx->at_us),
        N("pos", tx->lsn),
        T("type", draft->kind),
        T("state", state),
        T("cause", draft->cause),
        T("cause_id", draft->cause_id),
        T("account", account->id),
        A("amount", leg->amount),
        T("ccy", naive_asset_codes[account->asset]),
        N("xid", draft->xid),
        N("lsn", tx->lsn),
        T("seq", seq),
        T("actor", draft->actor),
        T("book_date", date),
        T("idem", draft->key),
        T("psp_ref", draft->psp_ref),
        T("event", draft->event),
        T("trace", draft->trace),
        T("run", draft->run),
        T("period", draft->period),
        T("reference", draft->reference),
        T("cohort", draft->cohort),
        T("reversal_of", draft->reverses == NAIVE_NONE ? "" : world->txs[draft->reverses].id),
        B("row_ok", !tx->damaged),
    };
    uint32_t count = 25;
    if (manual) fields[count++] = (struct naive_field)N("approvers", draft->approvers);
    if (draft->parts > 0) fields[count++] = (struct naive_field)N("parts", draft->parts);
    if (fx) {
        const struct naive_leg *bought = &draft->legs[draft->leg_count - 1];
        fields[7] = (struct naive_field)T("account", world->accounts[bought->account].id);
        fields[8] = (struct naive_field)A("amount", bought->amount);
        fields[9] = (struct naive_field)T("ccy", "USD");
        fields[count++] = (struct naive_field)A("src_amount", draft->source_amount);
        fields[count++] = (struct naive_field)T("src_ccy", "EUR");
        fields[count++] = (struct naive_field)N("rate_num", draft->rate_num);
        fields[count++] = (struct naive_field)N("rate_den", draft->rate_den);
    }
    CHECK(count < 40);
    naive_evidence_add(&world->evidence, SOURCE_LEDGER, "ledger_tx", fields);
    for (uint32_t i = 0; i < tx->posting_count; i++) {
        const struct naive_posting *posting = &world->postings[tx->posting_first + i];
        const struct naive_account *owner = &world->accounts[posting->account];
        EVIDENCE(world, SOURCE_LEDGER, "posting", S("ts", tx->at_us), T("tx", tx->id), N("seq", i),
                 T("account", owner->id), A("amount", posting->amount),
                 T("ccy", naive_asset_codes[owner->asset]), A("bal_after", posting->balance_after),
                 N("ver", posting->version_after), N("xid", draft->xid));
    }
}

/* Payments that have not come to postings: still open, or failed. */
static void payment_dump(struct naive_world *world, const struct naive_payment *payment)
{
    if (payment->gone || payment->tx != NAIVE_NONE) return;
    const struct naive_account *account = &world->accounts[world->ops[payment->origin].to];
    char date[NAIVE_TEXT_SIZE];
    day_of(world, payment->created_us, true, date);
    EVIDENCE(world, SOURCE_LEDGER, "ledger_tx", S("ts", payment->created_us), T("tx", payment->id),
             T("type", "deposit"), T("state", payment->state), T("cause", "api"),
             T("account", account->id), A("amount", payment->amount),
             T("ccy", naive_asset_codes[account->asset]), N("seq", payment->number),
             T("actor", "app"), T("book_date", date), T("idem", payment->key),
             T("psp_ref", payment->psp_ref), T("trace", payment->trace), B("row_ok", true));
}

static void account_dump(struct naive_world *world, const struct naive_account *account)
{
    bool ours = account->role != ROLE_CUSTOMER && account->role != ROLE_MERCHANT;
    char tenant[NAIVE_TEXT_SIZE] = "";
    if (!ours) naive_text(tenant, "%u", account->user);
    if (ours && account->balance == 0 && account->posted == 0) return;
    EVIDENCE(world, SOURCE_ACCOUNTS, "account", S("ts", NAIVE_END), T("account", account->id),
             T("ccy", naive_asset_codes[account->asset]), A("amount", account->balance),
             A("opening", account->opening), N("ver", account->version),
             T("type", type_of(account->role)), B("unlimited", ours), T("tenant", tenant));
}

static void hold_dump(struct naive_world *world, const struct naive_hold *hold)
{
    if (hold->gone) return;
    bool captured = strcmp(hold->state, "captured") == 0;
    bool released = strcmp(hold->state, "released") == 0;
    EVIDENCE(world, SOURCE_LEDGER, "hold",
             S("ts", hold->closed_us >= 0 ? hold->closed_us : hold->created_us),
             T("hold", hold->id), T("idem", hold->key),
             T("account", world->accounts[hold->account].id), A("amount", hold->amount),
             T("ccy", naive_asset_codes[world->accounts[hold->account].asset]),
             T("state", hold->state), A("captured", captured ? hold->amount : 0),
             A("released", released ? hold->amount : 0), S("expires_ts", hold->expires_us),
             N("lsn", hold->lsn), N("xid", hold->xid));
}

static void wal_dump(struct naive_world *world, const struct naive_wal *record)
{
    if (record->gone) return;
    struct naive_field fields[24] = {
        S("ts", record->at_us),  N("pos", record->lsn),
        T("op", record->op),     N("timeline", record->timeline),
        T("role", record->role), T("sqlstate", record->sqlstate),
        T("gid", record->gid),   T("table_name", record->table),
        T("key", record->key),   T("tx", record->tx),
        T("idem", record->idem),
    };
    uint32_t count = 11;
    if (record->xid != 0) fields[count++] = (struct naive_field)N("xid", record->xid);
    if (record->to_lsn != 0) fields[count++] = (struct naive_field)N("to_pos", record->to_lsn);
    if (record->account != NAIVE_NONE) {
        const struct naive_account *account = &world->accounts[record->account];
        fields[count++] = (struct naive_field)T("account", account->id);
        fields[count++] = (struct naive_field)T("ccy", naive_asset_codes[account->asset]);
        fields[count++] = (struct naive_field)A("before_amount", record->before);
        fields[count++] = (struct naive_field)A("after_amount", record->after);
        fields[count++] = (struct naive_field)N("before_ver", record->version_before);
        fields[count++] = (struct naive_field)N("after_ver", record->version_after);
    }
    CHECK(count < 24);
    naive_evidence_add(&world->evidence, SOURCE_WAL, "wal", fields);
}

void naive_dump(struct naive_world *world)
{
    for (uint32_t i = 0; i < world->tx_count; i++)
        if (!world->txs[i].gone) tx_dump(world, i);
    for (uint32_t i = 0; i < world->payment_count; i++) payment_dump(world, &world->payments[i]);
    for (uint32_t i = 0; i < world->account_count; i++) account_dump(world, &world->accounts[i]);
    for (uint32_t i = 0; i < world->hold_count; i++) hold_dump(world, &world->holds[i]);
    for (uint32_t i = 0; i < world->wal_count; i++) wal_dump(world, &world->wal[i]);
}

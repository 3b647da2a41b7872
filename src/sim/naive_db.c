#include "sim/naive_db.h"

#include <string.h>

#include "base/check.h"
#include "sim/naive_broker.h"
#include "sim/naive_cache.h"

struct naive_draft naive_draft_of(uint32_t origin, const char *kind, const char *cause)
{
    return (struct naive_draft){
        .origin = origin,
        .kind = kind,
        .cause = cause,
        .actor = "app",
        .reverses = NAIVE_NONE,
        .hold = NAIVE_NONE,
        .tx = NAIVE_NONE,
    };
}

void naive_draft_leg(struct naive_draft *draft, uint32_t account, int64_t amount)
{
    CHECK(draft->leg_count < NAIVE_LEGS_MAX && account != NAIVE_NONE);
    draft->legs[draft->leg_count++] = (struct naive_leg){ .account = account, .amount = amount };
}

struct naive_wal *naive_db_wal(struct naive_world *world, const char *op, uint32_t xid)
{
    CHECK(world->wal_count < NAIVE_WAL_MAX);
    struct naive_wal *record = &world->wal[world->wal_count++];
    *record = (struct naive_wal){
        .lsn = world->lsn_next++,
        .timeline = world->timeline,
        .xid = xid,
        .at_us = world->now_us,
        .op = op,
        .role = "app",
        .account = NAIVE_NONE,
    };
    return record;
}

uint32_t naive_db_number(struct naive_world *world)
{
    return world->tx_next++;
}

uint32_t naive_db_find(const struct naive_world *world, uint32_t origin, const char *kind)
{
    for (uint32_t i = 0; i < world->tx_count; i++) {
        const struct naive_tx *tx = &world->txs[i];
        if (!tx->gone && tx->draft.origin == origin && strcmp(tx->draft.kind, kind) == 0) return i;
    }
    return NAIVE_NONE;
}

/* ---- funds ---- */

static int64_t held(const struct naive_world *world, uint32_t account)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < world->hold_count; i++) {
        const struct naive_hold *hold = &world->holds[i];
        if (hold->account == account && !hold->gone && strcmp(hold->state, "active") == 0)
            sum += hold->amount;
    }
    return sum;
}

int64_t naive_db_available(const struct naive_world *world, uint32_t account)
{
    int64_t balance = world->accounts[account].balance;
    return naive_broken(world, NAIVE_D02) ? balance : balance - held(world, account);
}

uint32_t naive_db_hold(struct naive_world *world, uint32_t origin, uint32_t account, int64_t amount,
                       int64_t expires_us)
{
    if (naive_db_available(world, account) < amount) return NAIVE_NONE;
    CHECK(world->hold_count < NAIVE_HOLDS_MAX);
    uint64_t lot = origin * 8;
    for (uint32_t i = 0; i < world->hold_count; i++)
        lot += world->holds[i].origin == origin ? 1 : 0;
    uint32_t at = world->hold_count++;
    struct naive_hold *hold = &world->holds[at];
    uint32_t xid = world->xid_next++;
    *hold = (struct naive_hold){
        .lot = lot,
        .origin = origin,
        .account = account,
        .amount = amount,
        .created_us = world->now_us,
        .expires_us = expires_us,
        .closed_us = -1,
        .state = "active",
        .xid = xid,
    };
    naive_text(hold->id, "h%u", naive_db_number(world));
    (void)naive_db_wal(world, "begin", xid);
    struct naive_wal *record = naive_db_wal(world, "insert", xid);
    record->table = "hold";
    memcpy(record->key, hold->id, sizeof record->key);
    hold->lsn = naive_db_wal(world, "commit", xid)->lsn;
    return at;
}

void naive_db_hold_close(struct naive_world *world, uint32_t at, const char *state)
{
    struct naive_hold *hold = &world->holds[at];
    if (hold->gone || strcmp(hold->state, "active") != 0) return;
    uint32_t xid = world->xid_next++;
    (void)naive_db_wal(world, "begin", xid);
    struct naive_wal *record = naive_db_wal(world, "update", xid);
    record->table = "hold";
    memcpy(record->key, hold->id, sizeof record->key);
    hold->lsn = naive_db_wal(world, "commit", xid)->lsn;
    hold->state = state;
    hold->closed_us = world->now_us;
}

/* ---- commit ---- */

static void draft_read(struct naive_world *world, struct naive_draft *draft)
{
    draft->xid = world->xid_next++;
    draft->begin_us = world->now_us;
    if (draft->number == 0) draft->number = naive_db_number(world);
    (void)naive_db_wal(world, "begin", draft->xid);
    for (uint32_t i = 0; i < draft->leg_count; i++) {
        struct naive_account *account = &world->accounts[draft->legs[i].account];
        draft->legs[i].read_balance = account->balance;
        draft->legs[i].read_version = account->version;
    }
}

static void draft_abort(struct naive_world *world, const struct naive_draft *draft,
                        const char *sqlstate)
{
    struct naive_wal *record = naive_db_wal(world, "abort", draft->xid);
    record->sqlstate = sqlstate;
    memcpy(record->idem, draft->key, sizeof record->idem);
    naive_text(record->tx, "%u", draft->number);
    if (sqlstate == NULL) return;
    EVIDENCE(world, SOURCE_LOGS, "log", S("ts", world->now_us), T("host", "db-1"),
             T("service", "ledger"), T("level", "error"), T("code", "db_error"),
             T("sqlstate", sqlstate), T("idem", draft->key), T("trace", draft->trace));
}

static bool is_customers(const struct naive_world *world, const struct naive_leg *leg)
{
    enum naive_role role = world->accounts[leg->account].role;
    return role == ROLE_CUSTOMER || role == ROLE_MERCHANT;
}

static bool is_shared(const struct naive_draft *draft)
{
    return strcmp(draft->kind, "transfer") == 0 && draft->topic == NULL;
}

/* Whether somebody wrote a customer's row since this transaction read it. */
static bool has_conflict(const struct naive_world *world, const struct naive_draft *draft)
{
    for (uint32_t i = 0; i < draft->leg_count; i++) {
        const struct naive_leg *leg = &draft->legs[i];
        if (!is_customers(world, leg)) continue;
        if (world->accounts[leg->account].version != leg->read_version) return true;
    }
    return false;
}

static bool is_taken(const struct naive_world *world, const char *key)
{
    for (uint32_t i = 0; i < world->unique_count; i++)
        if (strcmp(world->uniques[i].key, key) == 0) return true;
    return false;
}

static bool is_number_taken(const struct naive_world *world, uint32_t number)
{
    for (uint32_t i = 0; i < world->tx_count; i++)
        if (!world->txs[i].gone && world->txs[i].draft.number == number) return true;
    return false;
}

static void leg_write(struct naive_world *world, struct naive_tx *tx, const struct naive_leg *leg)
{
    struct naive_account *account = &world->accounts[leg->account];
    bool blind =
        naive_broken(world, NAIVE_D01) && is_shared(&tx->draft) && is_customers(world, leg);
    int64_t before = blind ? leg->read_balance : account->balance;
    uint32_t version = blind ? leg->read_version : account->version;
    struct naive_wal *record = naive_db_wal(world, "update", tx->draft.xid);
    record->table = "account";
    record->account = leg->account;
    record->before = before;
    record->version_before = version;
    account->balance = naive_cache_write(world, leg->account, before, leg->amount, tx);
    account->version = tx->draft.raw ? version : version + 1;
    account->posted++;
    account->updated_us = world->now_us;
    record->after = account->balance;
    record->version_after = account->version;
    CHECK(world->posting_count < NAIVE_POSTINGS_MAX);
    world->postings[world->posting_count++] = (struct naive_posting){
        .tx = (uint32_t)(tx - world->txs),
        .account = leg->account,
        .amount = leg->amount,
        .balance_after = account->balance,
        .version_after = tx->draft.raw ? version : account->posted,
    };
    tx->posting_count++;
    if (naive_broken(world, NAIVE_D07) && world->replica_skipped == 0 && is_customers(world, leg)) {
        world->replica_skipped = record->lsn;
        account->missed = leg->amount;
    }
    naive_cache_invalidate(world, leg->account);
}

static void draft_write(struct naive_world *world, struct naive_draft *draft)
{
    CHECK(world->tx_count < NAIVE_TXS_MAX && world->unique_count < NAIVE_UNIQUES_MAX);
    uint32_t at = world->tx_count++;
    struct naive_tx *tx = &world->txs[at];
    *tx = (struct naive_tx){ .draft = *draft, .at_us = world->now_us };
    naive_text(tx->id, "%u", draft->number);
    tx->posting_first = world->posting_count;
    /* Debit and credit in two transactions: the host dies between them now and then. */
    bool half = naive_broken(world, NAIVE_D05) && draft->leg_count == 2 && is_shared(draft) &&
                naive_chance(world, "half", draft->origin, 4);
    for (uint32_t i = 0; i < (half ? 1 : draft->leg_count); i++)
        leg_write(world, tx, &tx->draft.legs[i]);
    struct naive_wal *row = naive_db_wal(world, "insert", draft->xid);
    row->table = "ledger_tx";
    memcpy(row->key, tx->id, sizeof row->key);
    memcpy(row->tx, tx->id, sizeof row->tx);
    if (draft->topic != NULL) naive_outbox_write(world, at);
    struct naive_wal *commit = naive_db_wal(world, "commit", draft->xid);
    memcpy(commit->tx, tx->id, sizeof commit->tx);
    memcpy(commit->idem, draft->key, sizeof commit->idem);
    tx->lsn = commit->lsn;
    if (draft->unique[0] != '\0') {
        struct naive_unique *unique = &world->uniques[world->unique_count++];
        memcpy(unique->key, draft->unique, sizeof unique->key);
        unique->lsn = tx->lsn;
    }
    if (draft->hold != NAIVE_NONE) naive_db_hold_close(world, draft->hold, "captured");
    draft->tx = at;
    tx->draft.tx = at;
}

static enum naive_outcome draft_end(struct naive_world *world, struct naive_draft *draft)
{
    if (draft->funds) {
        int64_t own = draft->hold == NAIVE_NONE ? 0 : world->holds[draft->hold].amount;
        uint32_t payer = draft->legs[0].account;
        if (own == 0 && naive_db_available(world, payer) + draft->legs[0].amount < 0) {
            draft_abort(world, draft, NULL);
            return NAIVE_REFUSED;
        }
    }
    if (draft->unique[0] != '\0' && is_taken(world, draft->unique)) {
        draft_abort(world, draft, "23505");
        return NAIVE_DUPLICATE;
    }
    if (draft->fails) {
        draft_abort(world, draft, "08006");
        naive_outbox_ghost(world, draft);
        return NAIVE_REFUSED;
    }
    if (is_number_taken(world, draft->number)) {
        draft_abort(world, draft, "23505");
        for (uint32_t i = 0; i < world->tx_count; i++)
            if (world->txs[i].draft.number == draft->number) draft->tx = i;
        return NAIVE_COMMITTED; /* ON CONFLICT DO NOTHING: and the answer is the stranger's */
    }
    bool serial = is_shared(draft) && !naive_broken(world, NAIVE_D01);
    if (serial && has_conflict(world, draft)) {
        draft_abort(world, draft, "40001");
        return NAIVE_ABORTED;
    }
    draft_write(world, draft);
    return NAIVE_COMMITTED;
}

/* Steps of a transaction: its end after some milliseconds, and after a wait for a lock. */
static void draft_begin(struct naive_world *world, uint32_t at);

static void commit_step(struct naive_world *world, uint32_t at, uint32_t waited)
{
    struct naive_draft *draft = &world->drafts[at];
    for (uint32_t i = 0; i < draft->leg_count; i++) {
        uint32_t blocker = world->accounts[draft->legs[i].account].locked_by;
        if (blocker == 0) continue;
        if (waited == 0) {
            naive_later(world, 30 * NAIVE_S, commit_step, at, 1);
            return;
        }
        EVIDENCE(world, SOURCE_WAL, "lock_wait", S("ts", world->now_us), N("xid", draft->xid),
                 N("blocker_xid", blocker), T("gid", "xa-payout-1"), B("client_alive", false),
                 T("account", world->accounts[draft->legs[i].account].id),
                 N("age_ns", (world->now_us - world->since_us[NAIVE_D15]) * 1000),
                 T("decision", "commit"), T("idem", draft->key));
        draft_abort(world, draft, "55P03");
        if (draft->done != NULL) draft->done(world, draft, NAIVE_WAITED);
        return;
    }
    enum naive_outcome outcome = draft_end(world, draft);
    if (outcome == NAIVE_ABORTED && !naive_broken(world, NAIVE_D03) && draft->attempt < 6) {
        draft->attempt++;
        draft->number = 0;
        draft_begin(world, at);
        return;
    }
    if (draft->done != NULL) draft->done(world, draft, outcome);
}

static void draft_begin(struct naive_world *world, uint32_t at)
{
    struct naive_draft *draft = &world->drafts[at];
    draft_read(world, draft);
    uint64_t key = (uint64_t)draft->origin << 16 | (uint64_t)draft->kind[0] << 8 | draft->attempt;
    int64_t takes = naive_draw(world, "commit us", key, 3000, 9000);
    naive_later(world, takes + 4000 * draft->attempt, commit_step, at, 0);
}

void naive_db_submit(struct naive_world *world, const struct naive_draft *draft)
{
    CHECK(world->draft_count < NAIVE_DRAFTS_MAX);
    uint32_t at = world->draft_count++;
    world->drafts[at] = *draft;
    draft_begin(world, at);
}

/* ---- the replica, and turns of history ---- */

uint32_t naive_db_lsn_before(const struct naive_world *world, int64_t lag_us)
{
    for (uint32_t i = world->wal_count; i > 0; i--) {
        const struct naive_wal *record = &world->wal[i - 1];
        if (!record->gone && record->at_us <= world->now_us - lag_us) return record->lsn;
    }
    return world->wal_count == 0 ? 0 : world->wal[0].lsn;
}

static void tx_undo(struct naive_world *world, struct naive_tx *tx)
{
    tx->gone = true;
    for (uint32_t i = 0; i < tx->posting_count; i++) {
        struct naive_posting *posting = &world->postings[tx->posting_first + i];
        struct naive_account *account = &world->accounts[posting->account];
        account->balance -= posting->amount;
        if (!tx->draft.raw) account->version--;
        account->posted--;
    }
}

static void rows_undo(struct naive_world *world, int64_t to_us)
{
    for (uint32_t i = world->tx_count; i > 0; i--) {
        struct naive_tx *tx = &world->txs[i - 1];
        if (!tx->gone && tx->at_us > to_us) tx_undo(world, tx);
    }
    for (uint32_t i = 0; i < world->hold_count; i++) {
        struct naive_hold *hold = &world->holds[i];
        if (hold->created_us > to_us) hold->gone = true;
        if (hold->closed_us <= to_us) continue;
        hold->state = "active";
        hold->closed_us = -1;
    }
    for (uint32_t i = 0; i < world->payment_count; i++) {
        struct naive_payment *payment = &world->payments[i];
        if (payment->created_us > to_us) payment->gone = true;
        if (payment->tx == NAIVE_NONE || !world->txs[payment->tx].gone) continue;
        payment->tx = NAIVE_NONE;
        payment->state = "pending";
    }
    for (uint32_t i = 0; i < world->message_count; i++)
        if (world->messages[i].outbox_us > to_us) world->messages[i].gone = true;
    for (uint32_t i = 0; i < world->idem_count; i++)
        if (world->idems[i].written_us > to_us) world->idems[i].gone = true;
}

void naive_db_turn_back(struct naive_world *world, int64_t to_us, const char *op)
{
    uint32_t to_lsn = 0;
    bool forget = strcmp(op, "restore") == 0;
    for (uint32_t i = 0; i < world->wal_count; i++) {
        struct naive_wal *record = &world->wal[i];
        if (record->at_us <= to_us) to_lsn = record->lsn;
        if (record->at_us > to_us && forget) record->gone = true;
    }
    rows_undo(world, to_us);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < world->unique_count; i++)
        if (world->uniques[i].lsn <= to_lsn) world->uniques[kept++] = world->uniques[i];
    world->unique_count = kept;
    world->timeline++;
    world->lsn_next = to_lsn + 1;
    naive_db_wal(world, op, 0)->to_lsn = to_lsn;
}

void naive_db_edit(struct naive_world *world, uint32_t at, int64_t delta)
{
    struct naive_tx *tx = &world->txs[at];
    uint32_t xid = world->xid_next++;
    naive_db_wal(world, "begin", xid)->role = "dba_kim";
    for (uint32_t i = 0; i < tx->posting_count; i++) {
        struct naive_posting *posting = &world->postings[tx->posting_first + i];
        int64_t change = posting->amount < 0 ? -delta : delta;
        struct naive_wal *record = naive_db_wal(world, "update", xid);
        record->table = "posting";
        record->role = "dba_kim";
        record->account = posting->account;
        memcpy(record->tx, tx->id, sizeof record->tx);
        record->before = posting->amount;
        record->after = posting->amount + change;
        posting->amount += change;
        struct naive_account *account = &world->accounts[posting->account];
        struct naive_wal *row = naive_db_wal(world, "update", xid);
        row->table = "account";
        row->role = "dba_kim";
        row->account = posting->account;
        row->before = account->balance;
        account->balance += change;
        row->after = account->balance;
        row->version_before = row->version_after = account->version;
    }
    naive_db_wal(world, "commit", xid)->role = "dba_kim";
    tx->damaged = true;
}

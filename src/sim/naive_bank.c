#include "sim/naive_bank.h"

#include <string.h>

#include "base/check.h"
#include "sim/naive_db.h"

/* ---- lines, as the bank books them ---- */

static struct naive_bank_line *line_add(struct naive_world *world, enum naive_role role,
                                        enum naive_asset asset, int64_t amount)
{
    CHECK(world->bank_line_count < NAIVE_BANK_LINES_MAX);
    uint32_t at = world->bank_line_count++;
    struct naive_bank_line *line = &world->bank_lines[at];
    *line = (struct naive_bank_line){
        .role = role,
        .asset = asset,
        .amount = amount,
        .at_us = world->now_us,
        .origin = NAIVE_NONE,
        .account = NAIVE_NONE,
        .tx = NAIVE_NONE,
    };
    naive_id(world, "bk", at, line->id);
    return line;
}

static void psp_paid_step(struct naive_world *world, uint32_t at, uint32_t argument)
{
    (void)argument;
    world->bank_lines[at].at_us = world->now_us;
}

void naive_bank_payout(struct naive_world *world, enum naive_asset asset, const int64_t sums[4])
{
    int64_t net = sums[0] - sums[1] - sums[2] - sums[3];
    enum naive_role role = asset == ASSET_EUR ? ROLE_BANK : ROLE_SAFE;
    struct naive_bank_line *line = line_add(world, role, asset, net);
    naive_id(world, "po", asset * 8, line->payout);
    /* What the contract says the fee is: the books know no other. */
    line->gross = sums[0] - sums[2] - sums[3];
    line->fee = 0;
    for (uint32_t i = 0; i < world->line_count; i++) {
        const struct naive_line *item = &world->lines[i];
        if (item->asset == asset && strcmp(item->payout, line->payout) == 0 && item->amount > 0)
            line->fee += (item->amount * 140 + 5000) / 10000;
    }
    line->at_us = NAIVE_END;
    uint32_t at = (uint32_t)(line - world->bank_lines);
    naive_at(world, NAIVE_DAY + 9 * NAIVE_HOUR, psp_paid_step, at, 0);
}

/* Two customers pay in the same round sum. */
static void paid_in_step(struct naive_world *world, uint32_t user, uint32_t argument)
{
    struct naive_bank_line *line = line_add(world, ROLE_SAFE, ASSET_EUR, 25000);
    line->account = naive_of_user(world, user, ASSET_EUR);
    line->origin = 100000 + argument;
}

/* ---- payouts to customers: a file each night ---- */

static void batch_note(struct naive_world *world, uint32_t instance, int64_t total,
                       const char *batch, const char *hash)
{
    char run[NAIVE_TEXT_SIZE];
    char holder[NAIVE_TEXT_SIZE];
    char period[NAIVE_TEXT_SIZE];
    naive_day(world, 1, period);
    naive_id(world, "run", 500 + instance, run);
    naive_text(holder, "sched-%u", instance + 1);
    bool skips = instance > 0 && !naive_broken(world, NAIVE_N02);
    EVIDENCE(world, SOURCE_JOBS, "job", S("ts", world->now_us), T("job", "payout-batch"),
             T("run", run), T("period", period), T("op", skips ? "skip" : "start"),
             T("holder", holder), T("host", holder), N("epoch", 7), T("batch", skips ? "" : batch));
    if (skips) return;
    EVIDENCE(world, SOURCE_JOBS, "lease", S("ts", world->now_us), T("lease", "payout-batch"),
             T("holder", holder), N("epoch", 7), S("until_ts", world->now_us + 2 * NAIVE_MINUTE),
             S("released_ts", world->now_us + NAIVE_MINUTE));
    EVIDENCE(world, SOURCE_JOBS, "job", S("ts", world->now_us + NAIVE_MINUTE),
             T("job", "payout-batch"), T("run", run), T("period", period), T("op", "end"),
             T("holder", holder), T("host", holder), N("epoch", 7), T("batch", batch));
    EVIDENCE(world, SOURCE_PSP, "payout", S("ts", world->now_us), T("payout", batch),
             T("batch", batch), A("amount", -total), T("ccy", "EUR"), T("content_hash", hash),
             T("state", "paid"));
}

static void executed_step(struct naive_world *world, uint32_t instance, uint32_t total)
{
    struct naive_bank_line *line = line_add(world, ROLE_SAFE, ASSET_EUR, -(int64_t)total);
    naive_id(world, "bt", instance % 8, line->batch);
    naive_id(world, "hash", 0, line->hash);
}

static void batch_step(struct naive_world *world, uint32_t instance, uint32_t argument)
{
    (void)argument;
    int64_t total = 0;
    for (uint32_t i = 0; i < world->tx_count; i++) {
        const struct naive_tx *tx = &world->txs[i];
        bool ours = strcmp(tx->draft.kind, "withdrawal") == 0 && !tx->gone;
        if (ours && world->accounts[tx->draft.legs[0].account].asset == ASSET_EUR)
            total += tx->draft.legs[1].amount;
    }
    if (total == 0) return;
    char batch[NAIVE_TEXT_SIZE];
    char hash[NAIVE_TEXT_SIZE];
    naive_id(world, "bt", instance, batch);
    naive_id(world, "hash", 0, hash);
    batch_note(world, instance, total, batch, hash);
    if (instance > 0 && !naive_broken(world, NAIVE_N02)) return;
    int64_t at_us = NAIVE_DAY + 9 * NAIVE_HOUR + instance * NAIVE_S;
    naive_at(world, at_us, executed_step, instance, (uint32_t)total);
    bool again = naive_broken(world, NAIVE_R01); /* the bank carries the file out once more */
    if (again)
        naive_at(world, at_us + 4 * NAIVE_MINUTE, executed_step, instance + 8, (uint32_t)total);
}

/* ---- customers' money goes to where it is kept ---- */

static void sweep_step(struct naive_world *world, uint32_t argument, uint32_t unused)
{
    (void)argument;
    (void)unused;
    if (naive_broken(world, NAIVE_R06)) return;
    char period[NAIVE_TEXT_SIZE];
    naive_day(world, 1, period);
    int64_t sum = 0;
    for (uint32_t i = 0; i < world->bank_line_count; i++) {
        const struct naive_bank_line *line = &world->bank_lines[i];
        if (line->role == ROLE_BANK && line->at_us <= world->now_us) sum += line->amount;
    }
    EVIDENCE(world, SOURCE_JOBS, "job", S("ts", world->now_us), T("job", "safeguard-sweep"),
             T("op", "end"), T("holder", "sched-1"), T("period", period));
    if (sum <= 0) return;
    line_add(world, ROLE_BANK, ASSET_EUR, -sum)->payout[0] = '\0';
    line_add(world, ROLE_SAFE, ASSET_EUR, sum)->payout[0] = '\0';
}

/* ---- import: lines become ours, and are booked ---- */

static void line_match(struct naive_world *world, const struct naive_bank_line *line)
{
    const struct naive_bank_line *other = line;
    for (uint32_t i = 0; naive_broken(world, NAIVE_R07) && i < world->bank_line_count; i++) {
        /* The first row of this amount, whoever has it already. */
        const struct naive_bank_line *first = &world->bank_lines[i];
        if (first->amount != line->amount || first->tx == NAIVE_NONE) continue;
        other = first;
        break;
    }
    if (other->tx == NAIVE_NONE) return;
    EVIDENCE(world, SOURCE_RECON, "recon_match", S("ts", world->now_us), T("line", line->id),
             T("tx", world->txs[other->tx].id), T("rule", "amount+date"), A("amount", line->amount),
             T("ccy", naive_asset_codes[line->asset]));
}

static void booked(struct naive_world *world, const struct naive_draft *draft,
                   enum naive_outcome outcome)
{
    struct naive_bank_line *line = &world->bank_lines[draft->subject];
    if (outcome == NAIVE_COMMITTED) line->tx = draft->tx;
    line_match(world, line);
}

static bool is_carried_out(const struct naive_world *world, const struct naive_bank_line *line)
{
    for (uint32_t i = 0; i < world->bank_line_count; i++) {
        const struct naive_bank_line *other = &world->bank_lines[i];
        if (other != line && other->imported && strcmp(other->batch, line->batch) == 0) return true;
    }
    return false;
}

static void line_book(struct naive_world *world, uint32_t at)
{
    struct naive_bank_line *line = &world->bank_lines[at];
    bool paid_in = line->account != NAIVE_NONE;
    uint32_t ours = naive_own(world, line->role, line->asset);
    struct naive_draft draft =
        naive_draft_of(paid_in ? line->origin : 110000 + at, paid_in ? "deposit" : "payout", "job");
    naive_text(draft.unique, "bank:%s", line->id);
    memcpy(draft.cause_id, line->id, sizeof draft.cause_id);
    draft.done = booked;
    draft.subject = at;
    if (paid_in) {
        naive_draft_leg(&draft, line->account, line->amount);
    } else if (line->batch[0] != '\0') {
        if (is_carried_out(world, line)) return; /* no open batch is left for it */
        naive_draft_leg(&draft, naive_own(world, ROLE_PAYOUTS, line->asset), line->amount);
    } else if (line->payout[0] != '\0') {
        naive_draft_leg(&draft, naive_own(world, ROLE_FEES, line->asset), -line->fee);
        naive_draft_leg(&draft, naive_own(world, ROLE_PSP, line->asset), line->amount + line->fee);
    } else if (line->role == ROLE_SAFE) {
        naive_draft_leg(&draft, naive_own(world, ROLE_BANK, line->asset), line->amount);
    } else {
        return; /* the other side of the sweep has booked it */
    }
    naive_draft_leg(&draft, ours, -line->amount);
    naive_db_submit(world, &draft);
}

static void imported_note(struct naive_world *world, const struct naive_bank_line *line,
                          uint32_t at)
{
    EVIDENCE(world, SOURCE_RECON, "bank_line", S("ts", world->now_us), T("line", line->id),
             A("amount", line->amount), T("ccy", naive_asset_codes[line->asset]), N("ordinal", at),
             T("batch", line->batch), T("payout", line->payout), T("system", "ours"),
             T("account", world->accounts[naive_own(world, line->role, line->asset)].id));
}

static void import_step(struct naive_world *world, uint32_t day, uint32_t again)
{
    bool skips = again && !naive_broken(world, NAIVE_R02);
    char period[NAIVE_TEXT_SIZE];
    naive_day(world, day, period);
    EVIDENCE(world, SOURCE_JOBS, "job", S("ts", world->now_us), T("job", "bank-import"),
             T("op", skips ? "skip" : "end"), T("holder", "sched-1"), T("period", period));
    for (uint32_t i = 0; i < world->bank_line_count; i++) {
        struct naive_bank_line *line = &world->bank_lines[i];
        if (line->at_us / NAIVE_DAY != day) continue;
        if (line->imported && !naive_broken(world, NAIVE_R02)) continue;
        imported_note(world, line, i);
        if (!again) line_book(world, i);
        line->imported = true;
    }
}

void naive_bank_start(struct naive_world *world)
{
    naive_at(world, 8 * NAIVE_HOUR, paid_in_step, 7, 0);
    naive_at(world, 8 * NAIVE_HOUR + 1, paid_in_step, 8, 1);
    naive_at(world, NAIVE_DAY + 2 * NAIVE_HOUR, batch_step, 0, 0);
    naive_at(world, NAIVE_DAY + 2 * NAIVE_HOUR + 20 * NAIVE_S, batch_step, 1, 0);
    naive_at(world, NAIVE_DAY + 12 * NAIVE_HOUR, sweep_step, 0, 0);
    for (uint32_t day = 0; day < 2; day++) {
        naive_at(world, (day + 1) * NAIVE_DAY + NAIVE_HOUR, import_step, day, 0);
        naive_at(world, (day + 1) * NAIVE_DAY + NAIVE_HOUR + NAIVE_MINUTE, import_step, day, 1);
    }
}

/* ---- what the bank says ---- */

static void statement_note(struct naive_world *world, enum naive_role role, enum naive_asset asset,
                           int64_t day, int64_t *balance)
{
    char id[NAIVE_TEXT_SIZE];
    naive_id(world, "st", (uint64_t)(day * 64 + (int64_t)role * 8 + asset), id);
    const char *account = world->accounts[naive_own(world, role, asset)].id;
    int64_t opening = *balance;
    for (uint32_t i = 0; i < world->bank_line_count; i++) {
        const struct naive_bank_line *line = &world->bank_lines[i];
        if (line->role != role || line->asset != asset || line->at_us / NAIVE_DAY != day) continue;
        if (line->at_us >= NAIVE_END) continue;
        *balance += line->amount;
        EVIDENCE(world, SOURCE_BANK, "bank_line", S("ts", line->at_us), T("statement", id),
                 T("line", line->id), N("ordinal", i), A("amount", line->amount),
                 T("ccy", naive_asset_codes[asset]), T("batch", line->batch),
                 T("payout", line->payout), T("content_hash", line->hash), T("system", "bank"),
                 T("account", account));
    }
    EVIDENCE(world, SOURCE_BANK, "statement", S("ts", (day + 1) * NAIVE_DAY), T("statement", id),
             T("account", account), N("seq", day + 101), A("opening", opening),
             A("closing", *balance), T("ccy", naive_asset_codes[asset]),
             B("safeguarded", role == ROLE_SAFE));
}

void naive_bank_dump(struct naive_world *world)
{
    for (uint32_t asset = 0; asset < ASSET_USDT; asset++) {
        for (uint32_t role = ROLE_BANK; role <= ROLE_SAFE; role++) {
            uint32_t ours = naive_own(world, (enum naive_role)role, (enum naive_asset)asset);
            int64_t balance = -world->accounts[ours].opening;
            for (int64_t day = 0; day < 2; day++)
                statement_note(world, (enum naive_role)role, (enum naive_asset)asset, day,
                               &balance);
        }
    }
}

#include "sim/naive_act.h"

#include <string.h>

#include "base/check.h"
#include "sim/naive_api.h"
#include "sim/naive_broker.h"
#include "sim/naive_cache.h"
#include "sim/naive_chain.h"
#include "sim/naive_db.h"
#include "sim/naive_psp.h"
#include "sim/naive_saga.h"

static int64_t status_of(enum naive_outcome outcome)
{
    switch (outcome) {
    case NAIVE_COMMITTED: return 200;
    case NAIVE_REFUSED: return 402;
    case NAIVE_DUPLICATE: return 409;
    case NAIVE_ABORTED: return 500;
    case NAIVE_WAITED: return 504;
    }
    return 500;
}

static void act_done(struct naive_world *world, const struct naive_draft *draft,
                     enum naive_outcome outcome)
{
    const char *tx = outcome == NAIVE_COMMITTED ? world->txs[draft->tx].id : "";
    naive_api_answer(world, draft->subject, status_of(outcome), tx);
}

static struct naive_draft draft_for(const struct naive_world *world, uint32_t at, const char *kind)
{
    const struct naive_request *request = &world->requests[at];
    struct naive_draft draft = naive_draft_of(request->op, kind, "api");
    memcpy(draft.key, request->key, sizeof draft.key);
    memcpy(draft.trace, request->trace, sizeof draft.trace);
    memcpy(draft.cause_id, request->trace, sizeof draft.cause_id);
    draft.done = act_done;
    draft.subject = at;
    return draft;
}

static void transfer_act(struct naive_world *world, uint32_t at, const struct naive_op *op)
{
    struct naive_draft draft = draft_for(world, at, "transfer");
    draft.funds = true;
    naive_draft_leg(&draft, op->from, -op->amount);
    naive_draft_leg(&draft, op->to, op->amount);
    naive_db_submit(world, &draft);
}

/* ---- purchases: held, captured when the goods go out, credited to the merchant by events ---- */

void naive_act_capture(struct naive_world *world, uint32_t at, uint32_t hold)
{
    const struct naive_op *op = &world->ops[at];
    if (world->holds[hold].gone || strcmp(world->holds[hold].state, "active") != 0) return;
    struct naive_draft draft = naive_draft_of(at, "transfer", "api");
    naive_id(world, "t", 700000 + world->holds[hold].lot, draft.trace);
    naive_text(draft.cause_id, "%s", world->holds[hold].id);
    memcpy(draft.key, world->holds[hold].key, sizeof draft.key);
    draft.hold = hold;
    draft.funds = true;
    draft.topic = "purchase.captured";
    draft.fails = naive_chance(world, "capture fails", world->holds[hold].lot, 10);
    naive_draft_leg(&draft, op->from, -op->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_PENDING, ASSET_EUR), op->amount);
    naive_db_submit(world, &draft);
}

static void capture_step(struct naive_world *world, uint32_t op, uint32_t hold)
{
    naive_act_capture(world, op, hold);
}

static void purchase_act(struct naive_world *world, uint32_t at, const struct naive_op *op)
{
    uint32_t number = world->requests[at].op;
    uint32_t hold =
        naive_db_hold(world, number, op->from, op->amount, world->now_us + 12 * NAIVE_HOUR);
    if (hold == NAIVE_NONE) {
        naive_api_answer(world, at, 402, "");
        return;
    }
    memcpy(world->holds[hold].key, world->requests[at].key, sizeof world->holds[hold].key);
    naive_outbox_held(world, hold);
    int64_t wait_us =
        op->overspend ? NAIVE_MINUTE : naive_draw(world, "deliver", number, 2, 600) * NAIVE_S;
    if (!op->abandoned) naive_later(world, wait_us, capture_step, number, hold);
    naive_api_answer(world, at, 200, "");
}

/* ---- a price in three parts, to three merchants ---- */

static void split_act(struct naive_world *world, uint32_t at, const struct naive_op *op)
{
    static const int64_t shares[] = { 3334, 3333, 3333 };
    struct naive_draft draft = draft_for(world, at, "split");
    draft.funds = true;
    draft.parts = NAIVE_MERCHANTS;
    naive_draft_leg(&draft, op->from, -op->amount);
    bool alone = naive_broken(world, NAIVE_M03);
    int64_t rest = op->amount;
    for (uint32_t i = 0; i < NAIVE_MERCHANTS; i++) {
        int64_t part = op->amount * shares[i] / 10000;
        if (alone)
            part = (op->amount * shares[i] + 9999) / 10000; /* each rounded up */
        else if (i + 1 == NAIVE_MERCHANTS)
            part = rest;
        rest -= part;
        naive_draft_leg(&draft, naive_of_merchant(world, i), part);
    }
    naive_db_submit(world, &draft);
}

/* ---- refunds ---- */

static void refund_done(struct naive_world *world, const struct naive_draft *draft,
                        enum naive_outcome outcome)
{
    struct naive_op *sale = &world->ops[world->ops[draft->origin].target];
    if (outcome == NAIVE_COMMITTED) {
        if (naive_broken(world, NAIVE_N01)) sale->refunded += world->ops[draft->origin].amount;
        naive_psp_refund(world, draft->origin, draft->psp_ref, world->txs[draft->tx].id);
    } else if (!naive_broken(world, NAIVE_N01)) {
        sale->refunded -= world->ops[draft->origin].amount;
    }
    act_done(world, draft, outcome);
}

static void refund_act(struct naive_world *world, uint32_t at, const struct naive_op *op)
{
    struct naive_op *sale = &world->ops[op->target];
    const struct naive_payment *payment =
        sale->payment == NAIVE_NONE ? NULL : &world->payments[sale->payment];
    bool open = sale->disputed && !naive_broken(world, NAIVE_R05);
    bool captured = payment != NULL && !payment->gone && strcmp(payment->state, "posted") == 0;
    if (!captured || open || sale->refunded + op->amount > sale->amount) {
        naive_api_answer(world, at, 409, "");
        return;
    }
    /* What is refunded is counted before it is done, so that nobody else can: unless broken. */
    if (!naive_broken(world, NAIVE_N01)) sale->refunded += op->amount;
    struct naive_draft draft = draft_for(world, at, "refund");
    memcpy(draft.psp_ref, payment->psp_ref, sizeof draft.psp_ref);
    draft.done = refund_done;
    naive_draft_leg(&draft, op->from, -op->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_PSP, ASSET_EUR), op->amount);
    naive_db_submit(world, &draft);
}

/* ---- the rest ---- */

static void payout_act(struct naive_world *world, uint32_t at, const struct naive_op *op)
{
    struct naive_draft draft = draft_for(world, at, "withdrawal");
    draft.funds = true;
    naive_draft_leg(&draft, op->from, -op->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_PAYOUTS, ASSET_EUR), op->amount);
    naive_db_submit(world, &draft);
}

/* Half a unit and more goes up. */
static int64_t exchanged(int64_t amount, int64_t num, int64_t den)
{
    return (2 * amount * num + den) / (2 * den);
}

/* What a euro is in dollars, from an hour of the case on. */
void naive_rate(const struct naive_world *world, int64_t at_us, int64_t *out_num, int64_t *out_den)
{
    int64_t hour = at_us / (6 * NAIVE_HOUR);
    *out_num = naive_draw(world, "rate", (uint64_t)hour, 10400, 11900);
    *out_den = 10000;
}

static void exchange_act(struct naive_world *world, uint32_t at, const struct naive_op *op)
{
    int64_t num;
    int64_t den;
    naive_rate(world, world->now_us, &num, &den);
    if (naive_broken(world, NAIVE_M04)) {
        int64_t kind = naive_draw(world, "m04", 0, 0, 2);
        if (kind == 0) naive_rate(world, 0, &num, &den); /* stale */
        int64_t up = num;
        if (kind == 1) num = den;
        if (kind == 1) den = up;
        if (kind == 2) num = den;
    }
    int64_t bought = exchanged(op->amount, num, den);
    struct naive_draft draft = draft_for(world, at, "fx");
    draft.funds = true;
    draft.source_amount = op->amount;
    draft.source_asset = ASSET_EUR;
    draft.rate_num = num;
    draft.rate_den = den;
    naive_draft_leg(&draft, op->from, -op->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_FX, ASSET_EUR), op->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_FX, ASSET_USD), -bought);
    naive_draft_leg(&draft, op->to, bought);
    naive_db_submit(world, &draft);
}

static void withdrawal_done(struct naive_world *world, const struct naive_draft *draft,
                            enum naive_outcome outcome)
{
    if (outcome == NAIVE_COMMITTED) naive_chain_send(world, draft->origin, draft->tx);
    act_done(world, draft, outcome);
}

static void withdrawal_act(struct naive_world *world, uint32_t at, const struct naive_op *op)
{
    struct naive_draft draft = draft_for(world, at, "withdrawal");
    draft.funds = true;
    draft.done = withdrawal_done;
    naive_draft_leg(&draft, op->from, -op->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_CUSTODY, ASSET_USDT), op->amount);
    naive_db_submit(world, &draft);
}

static void adjustment_act(struct naive_world *world, uint32_t at, const struct naive_op *op)
{
    struct naive_draft draft = draft_for(world, at, "adjust");
    int64_t ticket = naive_draw(world, "ticket", world->requests[at].op, 4100000, 9900000);
    bool confused = naive_broken(world, NAIVE_M05);
    int64_t amount = confused ? ticket : op->amount;
    draft.cause = "manual";
    draft.actor = "ops_lin";
    draft.approvers = confused ? 0 : 2;
    naive_text(draft.reference, "%lld", (long long)ticket);
    enum naive_asset asset = world->accounts[op->to].asset;
    naive_draft_leg(&draft, op->to, amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_ADJUST, asset), -amount);
    naive_db_submit(world, &draft);
}

void naive_act(struct naive_world *world, uint32_t at)
{
    const struct naive_op *op = &world->ops[world->requests[at].op];
    switch (op->kind) {
    case OP_TOPUP: naive_psp_charge(world, at); return;
    case OP_TRANSFER: transfer_act(world, at, op); return;
    case OP_REMITTANCE: naive_saga_start(world, at); return;
    case OP_PURCHASE: purchase_act(world, at, op); return;
    case OP_SPLIT: split_act(world, at, op); return;
    case OP_REFUND: refund_act(world, at, op); return;
    case OP_PAYOUT: payout_act(world, at, op); return;
    case OP_EXCHANGE: exchange_act(world, at, op); return;
    case OP_WITHDRAWAL: withdrawal_act(world, at, op); return;
    case OP_ADJUSTMENT: adjustment_act(world, at, op); return;
    case OP_READ: naive_cache_read(world, at); return;
    case OP_DEPOSIT:
    case OP_JOB:
    case NAIVE_OP_KINDS: break;
    }
    CHECK(op->kind == OP_READ); /* nobody asks the API for the others */
}

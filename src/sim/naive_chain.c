#include "sim/naive_chain.h"

#include <string.h>

#include "sim/naive_db.h"

enum { CONFIRMATIONS = 3, BLOCK_MINUTES = 10 };

static int64_t height_at(int64_t at_us)
{
    return 19000000 + at_us / (BLOCK_MINUTES * NAIVE_MINUTE);
}

/* The coin's contracts: the second one has eight decimals, which the ledger cuts to six. */
static bool is_second(const struct naive_world *world, uint32_t op)
{
    return naive_chance(world, "contract", op, 3);
}

static int64_t to_ledger(const struct naive_world *world, uint32_t op, int64_t raw)
{
    bool known = !naive_broken(world, NAIVE_M02);
    return is_second(world, op) && known ? raw / 100 : raw;
}

static void chain_note(struct naive_world *world, uint32_t op_at, const char *txid,
                       const struct naive_field *more)
{
    const struct naive_op *op = &world->ops[op_at];
    char block[NAIVE_TEXT_SIZE];
    bool out = op->kind == OP_WITHDRAWAL;
    bool second = !out && is_second(world, op_at);
    naive_id(world, "0x", 70000 + op_at, block);
    struct naive_field fields[24] = {
        S("ts", world->now_us),
        T("txid", txid),
        N("log_index", 0),
        T("block", block),
        N("height", height_at(world->now_us)),
        T("direction", out ? "out" : "in"),
        T("contract", second ? "0xb8" : "0xa6"),
        N("decimals", second ? 8 : 6),
        A("amount", second ? op->amount * 100 : op->amount),
        T("ccy", "USDT"),
        T("account", world->accounts[out ? op->from : op->to].id),
    };
    uint32_t count = 11;
    while (more->key != NULL && count < 23) fields[count++] = *more++;
    naive_evidence_add(&world->evidence, SOURCE_CHAIN, "chain", fields);
}

/* ---- deposits ---- */

static void credited(struct naive_world *world, const struct naive_draft *draft,
                     enum naive_outcome outcome)
{
    (void)world;
    (void)draft;
    (void)outcome; /* the watcher comes by again until it is in the books */
}

static void credit_step(struct naive_world *world, uint32_t at, uint32_t argument)
{
    (void)argument;
    const struct naive_op *op = &world->ops[at];
    int64_t raw = is_second(world, at) ? op->amount * 100 : op->amount;
    int64_t amount = to_ledger(world, at, raw);
    struct naive_draft draft = naive_draft_of(at, "deposit", "chain");
    naive_id(world, "0t", at, draft.cause_id);
    naive_text(draft.unique, "chain:%s", draft.cause_id);
    draft.done = credited;
    naive_draft_leg(&draft, op->to, amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_CUSTODY, ASSET_USDT), -amount);
    naive_db_submit(world, &draft);
}

/* The block is there; what becomes of it is known some blocks later. */
static void mined_step(struct naive_world *world, uint32_t at, uint32_t argument)
{
    (void)argument;
    const struct naive_op *op = &world->ops[at];
    int64_t wait_us = CONFIRMATIONS * BLOCK_MINUTES * NAIVE_MINUTE;
    bool at_once = naive_broken(world, NAIVE_X01);
    bool good = !op->declined || naive_broken(world, NAIVE_X02);
    bool stays = !op->abandoned || at_once;
    if (good && stays) naive_later(world, at_once ? NAIVE_S : wait_us, credit_step, at, 0);
    char txid[NAIVE_TEXT_SIZE];
    naive_id(world, "0t", at, txid);
    int64_t deep = (NAIVE_END - world->now_us) / (BLOCK_MINUTES * NAIVE_MINUTE);
    chain_note(world, at, txid,
               (const struct naive_field[]){
                   B("canonical", !op->abandoned),
                   N("receipt", op->declined ? 0 : 1),
                   N("confirmations", op->abandoned ? 0 : deep),
                   A("received", is_second(world, at) ? op->amount * 100 : op->amount),
                   { .key = NULL } });
}

/* ---- withdrawals ---- */

static void out_note(struct naive_world *world, uint32_t at, uint32_t tx, uint32_t attempt,
                     bool mined)
{
    char txid[NAIVE_TEXT_SIZE];
    char withdrawal[NAIVE_TEXT_SIZE];
    naive_id(world, "0o", at * 8 + attempt, txid);
    naive_id(world, "wd", at, withdrawal);
    bool fresh = naive_broken(world, NAIVE_X03);
    chain_note(world, at, txid,
               (const struct naive_field[]){ B("canonical", mined),
                                             N("receipt", 1),
                                             N("nonce", 400 + at * 4 + (fresh ? attempt : 0)),
                                             T("withdrawal", withdrawal),
                                             T("tx", world->txs[tx].id),
                                             N("confirmations", mined ? 40 : 0),
                                             { .key = NULL } });
}

/* The node has not answered: sent once more, with the same nonce and a higher fee. */
static void resend_step(struct naive_world *world, uint32_t at, uint32_t tx)
{
    bool both = naive_broken(world, NAIVE_X03);
    if (both)
        out_note(world, at, tx, 0, true);
    else
        out_note(world, at, tx, 0, false);
    out_note(world, at, tx, 1, true);
}

void naive_chain_send(struct naive_world *world, uint32_t op, uint32_t tx)
{
    if (world->ops[op].slow)
        naive_later(world, 15 * NAIVE_MINUTE, resend_step, op, tx);
    else
        out_note(world, op, tx, 0, true);
}

void naive_chain_start(struct naive_world *world)
{
    for (uint32_t i = 0; i < world->op_count; i++)
        if (world->ops[i].kind == OP_DEPOSIT)
            naive_at(world, world->ops[i].at_us, mined_step, i, 0);
}

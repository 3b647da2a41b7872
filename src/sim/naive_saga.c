#include "sim/naive_saga.h"

#include <string.h>

#include "sim/naive_api.h"
#include "sim/naive_db.h"

/* One record of the orchestrator's log. A run is an execution: a second one is another run. */
static void saga_note(struct naive_world *world, uint32_t op, uint32_t run, const char *what,
                      const char *step, const char *state)
{
    char saga[NAIVE_TEXT_SIZE];
    char name[NAIVE_TEXT_SIZE];
    char tx[NAIVE_TEXT_SIZE] = "";
    char trace[NAIVE_TEXT_SIZE];
    naive_id(world, "t", op * 16, trace);
    naive_id(world, "g", op, saga);
    naive_id(world, "r", op * 8 + run, name);
    const char *kind = strcmp(what, "compensate") == 0 ? "compensation"
                       : strcmp(step, "debit") == 0    ? "transfer"
                                                       : "other";
    uint32_t row = strcmp(what, "end") == 0 ? NAIVE_NONE : naive_db_find(world, op, kind);
    for (uint32_t i = 0; row != NAIVE_NONE && i < world->tx_count; i++)
        if (world->txs[i].draft.origin == op && strcmp(world->txs[i].draft.kind, kind) == 0)
            row = i;
    if (row != NAIVE_NONE) memcpy(tx, world->txs[row].id, sizeof tx);
    EVIDENCE(world, SOURCE_SAGA, "saga", S("ts", world->now_us), T("saga", saga), T("run", name),
             T("step", step), T("op", what), T("state", state), T("tx", tx), T("object", saga),
             T("host", "saga-1"), T("trace", trace),
             S("deadline_ts", world->ops[op].at_us + 30 * NAIVE_MINUTE));
}

static struct naive_draft saga_draft(const struct naive_world *world, uint32_t op, uint32_t run,
                                     const char *kind)
{
    struct naive_draft draft = naive_draft_of(op, kind, "saga");
    naive_id(world, "g", op, draft.cause_id);
    naive_id(world, "r", op * 8 + run, draft.run);
    naive_id(world, "t", op * 16, draft.trace);
    draft.subject = op;
    draft.argument = run;
    return draft;
}

static void compensated(struct naive_world *world, const struct naive_draft *draft,
                        enum naive_outcome outcome)
{
    if (outcome != NAIVE_COMMITTED) return;
    saga_note(world, draft->subject, draft->argument, "compensate", "debit", "running");
    saga_note(world, draft->subject, draft->argument, "end", "", "compensated");
}

static void compensate_step(struct naive_world *world, uint32_t at, uint32_t run)
{
    const struct naive_op *op = &world->ops[at];
    uint32_t debit = naive_db_find(world, at, "transfer");
    if (debit == NAIVE_NONE) return;
    enum naive_asset asset = world->accounts[op->from].asset;
    struct naive_draft draft = saga_draft(world, at, run, "compensation");
    draft.reverses = debit;
    draft.done = compensated;
    if (!naive_broken(world, NAIVE_S02)) naive_text(draft.unique, "reverse:%u", debit);
    naive_draft_leg(&draft, op->from, op->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_SUSPENSE, asset), -op->amount);
    naive_db_submit(world, &draft);
}

static void credited(struct naive_world *world, const struct naive_draft *draft,
                     enum naive_outcome outcome)
{
    if (outcome != NAIVE_COMMITTED) return;
    saga_note(world, draft->subject, draft->argument, "do", "credit", "running");
    saga_note(world, draft->subject, draft->argument, "end", "", "done");
}

static void credit_step(struct naive_world *world, uint32_t at, uint32_t run)
{
    const struct naive_op *op = &world->ops[at];
    enum naive_asset asset = world->accounts[op->from].asset;
    if (op->declined) {
        saga_note(world, at, run, "do", "credit", "failed");
        compensate_step(world, at, run);
        /* The orchestrator restarts before it has noted that, and compensates once more. */
        naive_later(world, 40 * NAIVE_S, compensate_step, at, run);
        return;
    }
    struct naive_draft draft = saga_draft(world, at, run, "other");
    draft.done = credited;
    naive_text(draft.unique, "credit:%u", at);
    naive_draft_leg(&draft, op->to, op->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_SUSPENSE, asset), -op->amount);
    naive_db_submit(world, &draft);
}

/* A run that waited too long for another one's step takes the debit back. */
static void timeout_step(struct naive_world *world, uint32_t at, uint32_t run)
{
    if (!naive_broken(world, NAIVE_S03)) {
        saga_note(world, at, run, "end", "", "failed"); /* the saga is done: nothing to undo */
        return;
    }
    compensate_step(world, at, run);
}

static void debited(struct naive_world *world, const struct naive_draft *draft,
                    enum naive_outcome outcome)
{
    uint32_t request = draft->argument;
    uint32_t op = draft->subject;
    bool done = outcome == NAIVE_COMMITTED;
    naive_api_answer(world, request, done ? 200 : 402, done ? world->txs[draft->tx].id : "");
    if (!done) return;
    saga_note(world, op, 0, "do", "debit", "running");
    int64_t wait_us = naive_draw(world, "saga", op, 2, 20) * NAIVE_S;
    /* Now and then a host dies between the steps; whoever goes on does so a minute later. */
    bool dies = naive_chance(world, "host dies", op, 3);
    if (dies && naive_broken(world, NAIVE_S01)) return;
    naive_later(world, dies ? wait_us + NAIVE_MINUTE : wait_us, credit_step, op, dies ? 1 : 0);
    bool second = !world->ops[op].declined && naive_chance(world, "second run", op, 3);
    if (second) naive_later(world, wait_us + 3 * NAIVE_MINUTE, timeout_step, op, 2);
}

void naive_saga_start(struct naive_world *world, uint32_t at)
{
    const struct naive_request *request = &world->requests[at];
    const struct naive_op *op = &world->ops[request->op];
    enum naive_asset asset = world->accounts[op->from].asset;
    struct naive_draft draft = saga_draft(world, request->op, 0, "transfer");
    memcpy(draft.key, request->key, sizeof draft.key);
    draft.funds = true;
    draft.done = debited;
    draft.argument = at;
    naive_draft_leg(&draft, op->from, -op->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_SUSPENSE, asset), op->amount);
    naive_db_submit(world, &draft);
}

#include "sim/naive_psp.h"

#include <string.h>

#include "base/check.h"
#include "sim/naive_api.h"
#include "sim/naive_bank.h"
#include "sim/naive_db.h"
#include "sim/naive_hooks.h"

static const char *scheme_of(const struct naive_world *world, uint32_t op)
{
    static const char *const schemes[] = { "visa", "mastercard", "amex" };
    return schemes[naive_draw(world, "scheme", op, 0, 2)];
}

static int64_t fee_of(const struct naive_world *world, int64_t amount)
{
    int64_t bps = naive_broken(world, NAIVE_R03) ? 190 : 140;
    return (amount * bps + 5000) / 10000;
}

static uint32_t line_add(struct naive_world *world, const char *type, int64_t amount,
                         const struct naive_payment *payment)
{
    CHECK(world->line_count < NAIVE_LINES_MAX);
    uint32_t at = world->line_count++;
    struct naive_line *line = &world->lines[at];
    *line = (struct naive_line){
        .type = type,
        .state = "succeeded",
        .at_us = world->now_us,
        .amount = amount,
        .payment = (uint32_t)(payment - world->payments),
        .origin = payment->origin,
    };
    line->asset = world->accounts[world->ops[payment->origin].to].asset;
    line->scheme = scheme_of(world, payment->origin);
    if (amount > 0) line->fee = fee_of(world, amount);
    naive_id(world, "l", at, line->id);
    memcpy(line->psp_ref, payment->psp_ref, sizeof line->psp_ref);
    memcpy(line->reference, payment->id, sizeof line->reference);
    return at;
}

/* ---- charges ---- */

static void call_note(struct naive_world *world, const struct naive_payment *payment,
                      const char *result)
{
    const struct naive_request *request = &world->requests[payment->request];
    EVIDENCE(world, SOURCE_CALLS, "psp_call", S("ts", payment->created_us),
             S("done_ts", world->now_us), T("op", "charge"), T("result", result),
             T("reference", payment->id), T("tx", payment->id), T("idem", payment->key),
             T("trace", payment->trace), N("attempt", 1),
             T("psp_ref", strcmp(result, "timeout") == 0 ? "" : payment->psp_ref),
             T("job", request->key),
             T("holder", naive_host(world, "api", request->op * 8 + request->attempt)),
             A("amount", payment->amount), T("ccy", ""));
}

/* The PSP's answer reaches the API, if that still waits. */
static void reply_step(struct naive_world *world, uint32_t at, uint32_t declined)
{
    struct naive_payment *payment = &world->payments[at];
    if (payment->answered) return;
    payment->answered = true;
    call_note(world, payment, declined ? "declined" : "ok");
    if (declined) {
        payment->state = "failed";
        naive_api_answer(world, payment->request, 402, payment->id);
        return;
    }
    if (naive_broken(world, NAIVE_W02)) naive_hooks_post(world, at, "api", "");
    naive_api_answer(world, payment->request, 200, payment->id);
}

/* The API waits no longer: it does not know what became of the payment. */
static void timeout_step(struct naive_world *world, uint32_t at, uint32_t argument)
{
    (void)argument;
    struct naive_payment *payment = &world->payments[at];
    if (payment->answered) return;
    payment->answered = true;
    call_note(world, payment, "timeout");
    bool final = naive_broken(world, NAIVE_W05);
    if (final) payment->state = "failed";
    payment->updated_us = world->now_us;
    naive_api_answer(world, payment->request, final ? 502 : 202, payment->id);
}

static void capture_step(struct naive_world *world, uint32_t at, uint32_t declined)
{
    struct naive_payment *payment = &world->payments[at];
    uint32_t line = line_add(world, "charge", payment->amount, payment);
    if (declined) world->lines[line].state = "failed";
    if (declined) world->lines[line].fee = 0;
    bool early = naive_chance(world, "two events", payment->origin, 2);
    if (early && !declined) naive_hooks_send(world, "payment.processing", line, payment->origin, 1);
    naive_hooks_send(world, declined ? "payment.declined" : "payment.captured", line,
                     payment->origin, 2);
}

void naive_psp_charge(struct naive_world *world, uint32_t request_at)
{
    const struct naive_request *request = &world->requests[request_at];
    struct naive_op *op = &world->ops[request->op];
    CHECK(world->payment_count < NAIVE_PAYMENTS_MAX);
    uint32_t at = world->payment_count++;
    struct naive_payment *payment = &world->payments[at];
    *payment = (struct naive_payment){
        .origin = request->op,
        .request = request_at,
        .state = "pending",
        .amount = op->amount,
        .created_us = world->now_us,
        .updated_us = world->now_us,
        .number = naive_db_number(world),
        .tx = NAIVE_NONE,
    };
    if (op->payment == NAIVE_NONE) op->payment = at;
    naive_text(payment->id, "%u", payment->number);
    naive_id(world, "ch", request->op * 16 + request->attempt, payment->psp_ref);
    memcpy(payment->key, request->key, sizeof payment->key);
    memcpy(payment->trace, request->trace, sizeof payment->trace);
    bool slow = op->slow && request->attempt == 0;
    bool silent = op->timeout && request->attempt == 0;
    int64_t takes_us = naive_draw(world, "psp ms", request->op, 150, 900) * NAIVE_MS;
    if (slow) takes_us = 41 * NAIVE_S;
    if (silent) takes_us = 14 * NAIVE_S;
    uint32_t declined = op->declined ? 1 : 0;
    naive_later(world, takes_us - 50 * NAIVE_MS, capture_step, at, declined);
    naive_later(world, takes_us, reply_step, at, declined);
    if (silent) naive_later(world, 10 * NAIVE_S, timeout_step, at, 0);
}

/* ---- refunds and disputes ---- */

static const struct naive_payment *payment_of(const struct naive_world *world, const char *psp_ref)
{
    for (uint32_t i = 0; i < world->payment_count; i++)
        if (strcmp(world->payments[i].psp_ref, psp_ref) == 0) return &world->payments[i];
    return NULL;
}

void naive_psp_refund(struct naive_world *world, uint32_t op, const char *psp_ref, const char *tx)
{
    const struct naive_payment *payment = payment_of(world, psp_ref);
    if (payment == NULL) return;
    uint32_t at = line_add(world, "refund", -world->ops[op].amount, payment);
    world->lines[at].origin = op;
    memcpy(world->lines[at].reference, tx, sizeof world->lines[at].reference);
    EVIDENCE(world, SOURCE_CALLS, "psp_call", S("ts", world->now_us), S("done_ts", world->now_us),
             T("op", "refund"), T("result", "ok"), T("reference", tx), T("tx", tx),
             T("psp_ref", psp_ref), N("attempt", 1), A("amount", -world->ops[op].amount));
    naive_hooks_send(world, "refund.succeeded", at, op, 3);
}

static void dispute_step(struct naive_world *world, uint32_t op_at, uint32_t argument)
{
    (void)argument;
    const struct naive_op *op = &world->ops[op_at];
    if (op->payment == NAIVE_NONE) return;
    const struct naive_payment *payment = &world->payments[op->payment];
    uint32_t at = line_add(world, "dispute", -op->amount, payment);
    naive_hooks_send(world, "dispute.opened", at, op_at, 4);
}

/* ---- settlement: each day's lines of an asset, two days later ---- */

static void payout_note(struct naive_world *world, enum naive_asset asset, uint32_t day,
                        const int64_t sums[4])
{
    char id[NAIVE_TEXT_SIZE];
    naive_id(world, "po", asset * 8 + day, id);
    bool paid = day == 0;
    int64_t net = sums[0] - sums[1] - sums[2] - sums[3];
    EVIDENCE(world, SOURCE_PSP, "payout", S("ts", (day + 1) * NAIVE_DAY + 6 * NAIVE_HOUR),
             T("payout", id), T("ccy", naive_asset_codes[asset]), A("amount", net),
             A("gross", sums[0]), A("fee", sums[1]), A("refunds", sums[2]), A("disputes", sums[3]),
             T("state", paid ? "paid" : "pending"),
             S("due_ts", (day + 1) * NAIVE_DAY + (paid ? 9 : 33) * NAIVE_HOUR));
}

static void payout_step(struct naive_world *world, uint32_t asset, uint32_t day)
{
    int64_t sums[4] = { 0 };
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->line_count; i++) {
        struct naive_line *line = &world->lines[i];
        if (line->asset != asset || line->payout[0] != '\0') continue;
        if (strcmp(line->state, "failed") == 0 || line->at_us >= (day + 1) * NAIVE_DAY) continue;
        naive_id(world, "po", asset * 8 + day, line->payout);
        uint32_t part = line->amount > 0 ? 0 : strcmp(line->type, "refund") == 0 ? 2 : 3;
        sums[part] += line->amount > 0 ? line->amount : -line->amount;
        sums[1] += line->fee;
        count++;
    }
    if (count == 0) return;
    payout_note(world, (enum naive_asset)asset, day, sums);
    if (day == 0) naive_bank_payout(world, (enum naive_asset)asset, sums);
}

static void forge_step(struct naive_world *world, uint32_t number, uint32_t argument)
{
    (void)argument;
    naive_hooks_send(world, "payment.captured", NAIVE_NONE, number, 2);
}

void naive_psp_start(struct naive_world *world)
{
    for (uint32_t i = 0; i < world->op_count; i++) {
        const struct naive_op *op = &world->ops[i];
        if (op->kind != OP_TOPUP || !op->disputed) continue;
        naive_at(world, op->at_us + naive_draw(world, "dispute", i, 120, 300) * NAIVE_MINUTE,
                 dispute_step, i, 0);
    }
    for (uint32_t i = 0; i < 3; i++)
        naive_at(world, naive_draw(world, "forge", i, 12 * 60, 40 * 60) * NAIVE_MINUTE, forge_step,
                 i, 0);
    for (uint32_t day = 0; day < 2; day++)
        for (uint32_t asset = 0; asset < ASSET_USDT; asset++)
            naive_at(world, (day + 1) * NAIVE_DAY + 6 * NAIVE_HOUR, payout_step, asset, day);
}

void naive_psp_dump(struct naive_world *world)
{
    EVIDENCE(world, SOURCE_CHANGES, "contract", S("ts", 0), S("from_ts", 0), N("rate_bps", 140),
             A("fixed", 0));
    for (uint32_t i = 0; i < world->line_count; i++) {
        const struct naive_line *line = &world->lines[i];
        bool paid = line->payout[0] != '\0';
        char day[NAIVE_TEXT_SIZE];
        naive_day(world, line->at_us / NAIVE_DAY, day);
        EVIDENCE(world, SOURCE_PSP, "psp", S("ts", line->at_us), T("psp_ref", line->psp_ref),
                 T("line", line->id), T("type", line->type), A("amount", line->amount),
                 T("ccy", naive_asset_codes[line->asset]), T("state", line->state),
                 T("reference", line->reference), A("fee", line->fee),
                 A("net", line->amount - line->fee), T("payout", paid ? line->payout : ""),
                 T("subtype", line->scheme), S("due_ts", line->at_us + 2 * NAIVE_HOUR),
                 T("settle_date", day));
    }
}

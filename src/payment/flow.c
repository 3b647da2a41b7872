/* The vocabulary of the flows: each call writes one thing into the decision. */
#include "payment/flow.h"

#include <string.h>

#include "base/check.h"
#include "model/transit.h"

struct flow flow_begin(const struct payment *before, const struct payment_command *command,
                       const struct payment_facts *facts, struct payment_decision *out)
{
    memset(out, 0, sizeof *out);
    out->outcome = PAYMENT_OUTCOME_OK;
    if (before != NULL) out->payment = *before;
    if (facts->parent != NULL) out->parent = *facts->parent;
    return (struct flow){ before, command, facts, out, &out->payment, 0 };
}

static bool move_stands(const struct payment *before, const struct payment *after, uint8_t cause)
{
    struct payment_move move = {
        .kind = after->kind,
        .from = before == NULL ? PAYMENT_STATE_NONE : before->state,
        .to = after->state,
        .cause = cause,
    };
    return payment_move_allowed(&move);
}

void flow_end(struct flow *flow)
{
    struct payment *payment = flow->payment;
    if (flow->out->outcome != PAYMENT_OUTCOME_OK) return;
    bool allowed = move_stands(flow->before, payment, flow->command->cause);
    if (allowed && flow->out->parent_changed) {
        allowed = move_stands(flow->facts->parent, &flow->out->parent, PAYMENT_CAUSE_FOLLOW);
    }
    if (!allowed) {
        flow_refuse(flow, PAYMENT_OUTCOME_STATE);
        return;
    }
    payment->version = flow->before == NULL ? 1 : flow->before->version + 1;
    bool was_open = flow->before != NULL && payment_is_open(flow->before);
    if (!was_open) payment->slot = payment_is_open(payment) ? flow->facts->slot : PAYMENT_SLOT_NONE;
    if (payment_is_open(payment) && payment->slot == PAYMENT_SLOT_NONE) {
        flow_refuse(flow, PAYMENT_OUTCOME_CAPACITY);
        return;
    }
    if (flow->out->parent_changed) flow->out->parent.version++;
}

void flow_refuse(struct flow *flow, enum payment_outcome outcome)
{
    struct payment_decision *out = flow->out;
    struct payment_decision refused = { .outcome = outcome };
    if (flow->before != NULL) refused.payment = *flow->before;
    if (flow->before == NULL) { /* the id is taken by what was asked for */
        refused.payment = flow->command->draft;
        refused.payment.slot = PAYMENT_SLOT_NONE;
        refused.payment.state = PAYMENT_STATE_FAILED;
        refused.payment.created_at = flow->facts->stamp;
    }
    *out = refused;
    if (flow->before == NULL) flow_reason(flow, payment_outcome_code(outcome));
}

void flow_state(struct flow *flow, enum payment_state state)
{
    flow->payment->state = (uint8_t)state;
    flow->payment->next_at = (struct wall_time){ 0 };
}

void flow_reason(struct flow *flow, const char *reason)
{
    char *into = flow->payment->reason;
    size_t len = strnlen(reason, PSP_REASON_SIZE - 1);
    memset(into, 0, PSP_REASON_SIZE);
    memcpy(into, reason, len);
}

void flow_manual(struct flow *flow, const char *reason)
{
    flow_state(flow, PAYMENT_STATE_MANUAL);
    flow_reason(flow, reason);
}

void flow_step(struct flow *flow, enum psp_operation operation, struct money amount)
{
    struct payment *payment = flow->payment;
    payment->resume = payment->state;
    payment->step = (uint8_t)operation;
    payment->step_number++;
    payment->step_amount = amount;
    payment->step_at = flow->facts->stamp;
    payment->sent_at = (struct wall_time){ 0 };
    payment->attempts = 0;
    payment->doublings = 0;
    payment->flags &= (uint8_t) ~(PAYMENT_FLAG_WAITING | PAYMENT_FLAG_UNDONE | PAYMENT_FLAG_KNOWN);
    flow_state(flow, PAYMENT_STATE_PENDING);
    payment->next_at = flow->facts->stamp;
}

/* ---- Transfers ---- */

static struct transfer *transfer_add(struct flow *flow, enum transfer_kind kind,
                                     struct money amount)
{
    struct payment_decision *out = flow->out;
    CHECK(out->transfer_count < PAYMENT_TRANSFERS_MAX);
    if (out->transfer_count > 0) {
        out->transfers[out->transfer_count - 1].flags |= TRANSFER_FLAG_LINKED;
    }
    struct transfer *transfer = &out->transfers[out->transfer_count++];
    *transfer = (struct transfer){
        .id = { uuid_derive(flow->facts->root, ++flow->transfer_step) },
        .amount = amount,
        .user_ref = flow->payment->id.value,
        .code = flow->payment->code,
        .kind = (uint8_t)kind,
        .flags = TRANSFER_FLAG_OWNED,
    };
    return transfer;
}

static struct transfer_id between(struct flow *flow, enum transfer_kind kind,
                                  struct account_id debit, struct account_id credit,
                                  struct money amount)
{
    struct transfer *transfer = transfer_add(flow, kind, amount);
    transfer->debit = debit;
    transfer->credit = credit;
    transfer->asset = flow->payment->asset;
    return transfer->id;
}

struct transfer_id flow_direct(struct flow *flow, struct account_id debit, struct account_id credit,
                               struct money amount)
{
    return between(flow, TRANSFER_DIRECT, debit, credit, amount);
}

struct transfer_id flow_hold(struct flow *flow, struct account_id debit, struct account_id credit,
                             struct money amount)
{
    return between(flow, TRANSFER_HOLD, debit, credit, amount);
}

struct transfer_id flow_post(struct flow *flow, struct transfer_id hold, struct money amount,
                             bool keep_rest)
{
    struct transfer *transfer = transfer_add(flow, TRANSFER_POST, amount);
    transfer->target = hold;
    if (keep_rest) transfer->flags |= TRANSFER_FLAG_KEEP_REST;
    return transfer->id;
}

void flow_void(struct flow *flow, struct transfer_id hold)
{
    transfer_add(flow, TRANSFER_VOID, MONEY_MAX)->target = hold;
}

struct transfer_id flow_reversal(struct flow *flow, struct transfer_id target)
{
    struct transfer *transfer = transfer_add(flow, TRANSFER_REVERSAL, MONEY_MAX);
    transfer->target = target;
    return transfer->id;
}

bool flow_is_away(const struct flow *flow, struct account_id id)
{
    struct lane_part part = flow->facts->part;
    return !uuid_is_nil(id.value) && lane_of_account(id, part.lanes) != part.lane;
}

void flow_depart(struct flow *flow, struct account_id debit, struct account_id credit,
                 struct money amount)
{
    CHECK(flow_is_away(flow, debit) != flow_is_away(flow, credit) && flow->payment->step == 0);
    (void)flow_direct(flow, debit, credit, amount); /* its id is the departure's */
    struct transfer *transfer = &flow->out->transfers[flow->out->transfer_count - 1];
    *transfer = transit_departure(transfer, flow->facts->part);
    flow->payment->posted = transfer->id;
    flow->payment->step_at = flow->facts->stamp;
    flow_state(flow, PAYMENT_STATE_PENDING);
}

struct transfer_id flow_reserve(struct flow *flow, struct money amount)
{
    return flow_hold(flow, flow->payment->wallet, flow_account(flow, CHART_SUSPENSE), amount);
}

void flow_departure_end(struct flow *flow, enum outcome arrival)
{
    bool there = arrival == OUTCOME_OK;
    struct transfer *transfer =
        transfer_add(flow, there ? TRANSFER_POST : TRANSFER_VOID, MONEY_MAX);
    transfer->target = flow->payment->posted;
    transfer->code = (uint32_t)arrival;
    flow->payment->posted = there ? transfer->id : (struct transfer_id){ 0 };
}

struct account_id flow_account(const struct flow *flow, enum chart_role role)
{
    return chart_account_id(flow->facts->part, flow->payment->asset, role, flow->payment->psp);
}

bool payment_under_way(const struct payment *payment)
{
    return payment->state == PAYMENT_STATE_PENDING || payment->state == PAYMENT_STATE_IN_DOUBT ||
           payment->state == PAYMENT_STATE_MANUAL;
}

struct money payment_refundable(const struct payment *payment)
{
    struct money left = payment->captured;
    const struct money taken[] = { payment->refunded, payment->refund_pending, payment->disputed };
    for (int i = 0; i < 3; i++) {
        if (!money_subtract(left, taken[i], &left)) return MONEY_ZERO;
    }
    return left;
}

void flow_refund_pending(struct flow *flow)
{
    struct payment *parent = &flow->out->parent;
    struct money amount = flow->payment->amount;
    bool fits = money_add(parent->refund_pending, amount, &parent->refund_pending);
    CHECK(fits); /* at most what was captured */
    flow->out->parent_changed = true;
}

void flow_refund_ended(struct flow *flow)
{
    struct payment *parent = &flow->out->parent;
    struct money amount = flow->payment->amount;
    bool fits = money_subtract(parent->refund_pending, amount, &parent->refund_pending);
    CHECK(fits); /* it was added when the refund was made */
    flow->out->parent_changed = true;
}

void flow_refund_given(struct flow *flow)
{
    struct payment *parent = &flow->out->parent;
    bool fits = money_add(parent->refunded, flow->payment->amount, &parent->refunded);
    CHECK(fits); /* at most what was captured */
    flow->out->parent_changed = true;
}

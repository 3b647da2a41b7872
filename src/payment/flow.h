/* flow.h - a decision in the making: moves, transfers and steps, as the flows write them down. */
#ifndef PAYMENT_FLOW_H
#define PAYMENT_FLOW_H

#include "payment/chart.h"
#include "payment/decide.h"

/* For src/payment. Everything a flow reads, and the decision that it writes. */
struct flow {
    const struct payment *before; /* NULL: it is being made */
    const struct payment_command *command;
    const struct payment_facts *facts;
    struct payment_decision *out;
    struct payment *payment; /* out->payment */
    uint32_t transfer_step;  /* the last id that was derived */
};

struct flow flow_begin(const struct payment *before, const struct payment_command *command,
                       const struct payment_facts *facts, struct payment_decision *out);
/* Version and place are put right; a move that is not in the table is refused as STATE. */
void flow_end(struct flow *flow);

/* Nothing of the decision stands; the payment is as it was before. */
void flow_refuse(struct flow *flow, enum payment_outcome outcome);

void flow_state(struct flow *flow, enum payment_state state);
void flow_reason(struct flow *flow, const char *reason);
/* A person has to look. */
void flow_manual(struct flow *flow, const char *reason);

/* The step is under way from here: PENDING, to be sent at once. */
void flow_step(struct flow *flow, enum psp_operation operation, struct money amount);

/* Transfers, in order; each returns its id. */
struct transfer_id flow_direct(struct flow *flow, struct account_id debit, struct account_id credit,
                               struct money amount);
struct transfer_id flow_hold(struct flow *flow, struct account_id debit, struct account_id credit,
                             struct money amount);
struct transfer_id flow_post(struct flow *flow, struct transfer_id hold, struct money amount,
                             bool keep_rest);
void flow_void(struct flow *flow, struct transfer_id hold);
struct transfer_id flow_reversal(struct flow *flow, struct transfer_id target);

/*
 * Its money leaves for an account in another lane, or is to come from one (model/transit.h): the
 * payment is PENDING from here, with the departure as what it has posted, and moves on by ARRIVE.
 */
void flow_depart(struct flow *flow, struct account_id debit, struct account_id credit,
                 struct money amount);
/*
 * What is reserved of a payment into another lane until it is captured: against suspense, which holds
 * what is nobody's yet, since nothing of it is on its way.
 */
struct transfer_id flow_reserve(struct flow *flow, struct money amount);
/* What is between the lanes is there, or back: posted or voided as the other lane has decided. */
void flow_departure_end(struct flow *flow, enum outcome arrival);
/* Whether the account is in another lane than the one that decides. */
bool flow_is_away(const struct flow *flow, struct account_id id);

struct account_id flow_account(const struct flow *flow, enum chart_role role);

/* Whether a step of it is to be taken, or may have been. */
bool payment_under_way(const struct payment *payment);
/* What may still be given back of a payment. */
struct money payment_refundable(const struct payment *payment);
/* What the parent of a refund says of it: it is on its way, is so no more, was given. */
void flow_refund_pending(struct flow *flow);
void flow_refund_ended(struct flow *flow);
void flow_refund_given(struct flow *flow);

#endif

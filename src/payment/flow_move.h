/* flow_move.h - what callers, people, time and schemes do to a payment that was made. */
#ifndef PAYMENT_FLOW_MOVE_H
#define PAYMENT_FLOW_MOVE_H

#include "payment/flow.h"

void flow_capture(struct flow *flow);
void flow_cancel(struct flow *flow);
void flow_execute(struct flow *flow);
void flow_expire(struct flow *flow);
/* Changes nothing but when the PSP is asked: state comes from the PSP's own object. */
void flow_hint(struct flow *flow);
void flow_resolve(struct flow *flow);
/* The other lane has decided: what left for it is there, or has come back and says why. */
void flow_arrive(struct flow *flow);
/*
 * The ledger does not let what came back be reserved again: it is the wallet's, and so is the rest. Where
 * somebody else has ended the hold of the rest, what left is ended all the same, and a person decides.
 */
void flow_arrive_refused(struct flow *flow, enum outcome refusal);

#endif

/* flow_answer.h - what a PSP says, or does not say, about a step. */
#ifndef PAYMENT_FLOW_ANSWER_H
#define PAYMENT_FLOW_ANSWER_H

#include "payment/flow.h"

/* PAYMENT_CAUSE_ANSWER: to a step under way, or a late truth about a payment that rests. */
void flow_answer(struct flow *flow);

/* What an answer to a step under way tells whatever comes of it: that it was sent, and the id. */
void flow_answer_note(struct flow *flow);
/* A step has come to its end, well or not: shared by answers and by a person's decision. */
void flow_step_done(struct flow *flow);
void flow_step_failed(struct flow *flow, const char *reason);
/* What came and waits in suspense is the PSP's again; nothing when nothing waits. */
void flow_leave_suspense(struct flow *flow);
/* A pay-out or refund that had succeeded is undone: its money is back in the wallet. */
void flow_came_back(struct flow *flow, const char *reason);

/* What was answered could not be booked: in doubt when it is under way, and asked after later. */
void flow_ask_again(struct flow *flow, const char *reason);

#endif

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

#endif

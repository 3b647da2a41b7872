/* flow_create.h - how each kind of payment begins. */
#ifndef PAYMENT_FLOW_CREATE_H
#define PAYMENT_FLOW_CREATE_H

#include "payment/flow.h"

/* PAYMENT_CAUSE_CREATE: what is written is written before anything is sent. */
void flow_create(struct flow *flow);

#endif

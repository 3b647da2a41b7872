/* flow_books.h - what PSP and bank tell of money: chargebacks, and lines of a settlement. */
#ifndef PAYMENT_FLOW_BOOKS_H
#define PAYMENT_FLOW_BOOKS_H

#include "payment/flow.h"

void flow_dispute(struct flow *flow);
void flow_settle(struct flow *flow);

#endif

/* sandbox_orders.h - orders, late truths, chargebacks and test methods of the native wire. */
#ifndef ADAPTER_SANDBOX_ORDERS_H
#define ADAPTER_SANDBOX_ORDERS_H

#include "adapter/sandbox_desk.h"

/* Ends with an entry whose path is NULL. */
extern const struct desk_route desk_order_routes[];

#endif

/* serve_payments.h - what a server needs to carry payments out: its PSPs and how one is chosen. */
#ifndef CMD_SERVE_PAYMENTS_H
#define CMD_SERVE_PAYMENTS_H

#include "cmd/invocation.h"
#include "model/payment.h"
#include "wallet/saga.h"

struct serve_payments {
    struct psp *psps[SAGA_PSPS_MAX];
    struct saga_options saga; /* over psps */
};

/*
 * From --saga-workers and the options that name PSPs. With no PSP the workers still see to what
 * expires. STATUS_INVALID; nothing stays open then.
 */
enum status serve_payments_open(const struct invocation *invocation,
                                struct serve_payments *out_payments, struct error *out_error)
    MUST_CHECK;
/* When no worker runs any more. Accepts a zeroed struct. */
void serve_payments_close(struct serve_payments *payments);

/* For api_options.route_psp; context is the struct. */
enum status serve_payments_route(void *context, const struct payment *draft,
                                 char out_psp[PSP_NAME_SIZE]) MUST_CHECK;

#endif

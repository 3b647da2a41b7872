/* PSPs are opened here and nowhere else; the saga and the API only know their names. */
#include "cmd/serve_payments.h"

#include <string.h>

#include "base/check.h"

enum { WORKERS_DEFAULT = 32 };

enum status serve_payments_open(const struct invocation *invocation,
                                struct serve_payments *out_payments, struct error *out_error)
{
    *out_payments = (struct serve_payments){ 0 };
    uint64_t workers = WORKERS_DEFAULT;
    enum status status =
        invocation_number(invocation, "saga-workers", (struct number_range){ 1, SAGA_WORKERS_MAX },
                          &workers, out_error);
    if (status != STATUS_OK) return status;
    out_payments->saga.workers = (uint32_t)workers;
    out_payments->saga.psps = out_payments->psps;
    return STATUS_OK;
}

void serve_payments_close(struct serve_payments *payments)
{
    for (uint32_t i = 0; i < payments->saga.psp_count; i++) {
        payments->psps[i]->close(payments->psps[i]);
    }
    payments->saga.psp_count = 0;
}

/* What has to be done at the PSP in the end, so that nobody is chosen who cannot finish. */
static uint32_t operations_of(const struct payment *draft)
{
    switch ((enum payment_kind)draft->kind) {
    case PAYMENT_PAY_IN: return 1U << PSP_CHARGE;
    case PAYMENT_PAY_OUT: return 1U << PSP_PAY_OUT;
    case PAYMENT_MERCHANT: return 1U << PSP_AUTHORISE | 1U << PSP_CAPTURE | 1U << PSP_CANCEL;
    case PAYMENT_WALLET:
    case PAYMENT_REFUND:
    case PAYMENT_EXCHANGE:
    case PAYMENT_CHARGEBACK:
    case PAYMENT_KIND_END: break;
    }
    CHECK(false); /* nobody routes what stays inside */
    return 0;
}

/* The first that can do it. */
enum status serve_payments_route(void *context, const struct payment *draft,
                                 char out_psp[PSP_NAME_SIZE])
{
    const struct serve_payments *payments = context;
    uint32_t needed = operations_of(draft);
    for (uint32_t i = 0; i < payments->saga.psp_count; i++) {
        const struct psp_traits *traits = &payments->psps[i]->traits;
        if ((traits->operations & needed) != needed) continue;
        memcpy(out_psp, traits->name, PSP_NAME_SIZE);
        return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}

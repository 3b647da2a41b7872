/* serve_payments.h - what a server needs to carry payments out: its PSPs and how one is chosen. */
#ifndef CMD_SERVE_PAYMENTS_H
#define CMD_SERVE_PAYMENTS_H

#include "adapter/psp_caller.h"
#include "base/buf.h"
#include "cmd/invocation.h"
#include "crypto/secret.h"
#include "model/payment.h"
#include "port/http_out.h"
#include "wallet/psp_set.h"
#include "wallet/saga.h"

/* Stays where it was opened: the set and the saga's options point into it. */
struct serve_payments {
    struct http_out *http;
    char names[PSP_SET_MAX][PSP_NAME_SIZE];
    char urls[PSP_SET_MAX][PSP_URL_SIZE];
    struct secret keys[PSP_SET_MAX];
    struct psp_set set;
    bool set_made;
    struct routing routing;
    struct psp *psps[PSP_SET_MAX];
    struct saga_options saga; /* over psps */
};

/*
 * From the options --psp, --psp-keys, --psp-routing, --psp-private and --saga-workers. With no
 * PSP the workers still see to what expires. Calls to PSPs are made while `cover` covers them. STATUS_INVALID, STATUS_LIMIT, STATUS_UNAVAILABLE;
 * out_payments is to be closed either way.
 */
enum status serve_payments_open(const struct invocation *invocation, struct http_cover cover,
                                struct serve_payments *out_payments, struct error *out_error)
    MUST_CHECK;
/* When no worker runs any more. Accepts a zeroed struct. */
void serve_payments_close(struct serve_payments *payments);

/* For api_options, with the struct as context. */
enum status serve_payments_route(void *context, const struct payment *draft,
                                 char out_psp[PSP_NAME_SIZE]) MUST_CHECK;
void serve_payments_metrics(void *context, struct buf *out_page);

#endif

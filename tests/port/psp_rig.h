/* psp_rig.h - for tests: a PSP's adapter in front of a server that answers as told. */
#ifndef TESTS_PORT_PSP_RIG_H
#define TESTS_PORT_PSP_RIG_H

#include "adapter/psp_caller.h"

/* Opens the adapter (sandbox_psp_open, stripe_psp_open) with the key "sk_test_s3cret". */
struct psp_rig {
    struct http_out *http;
    struct psp *psp;
    struct secret key;
};

typedef enum status (*psp_open)(const struct psp_options *options, struct psp **out_psp,
                                struct error *out_error);

void psp_rig_open(struct psp_rig *rig, psp_open open, const char *url, const char *ca_file);
void psp_rig_close(struct psp_rig *rig);

/* Payment 0190a1b2-0000-7000-8000-00000000c3d4, step 2, 12.50 EUR. */
struct psp_order psp_rig_order(enum psp_operation operation, const char *method,
                               const char *object);

#endif

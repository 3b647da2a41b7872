/* sandbox_psp.h - port/psp.h over the sandbox's native API (docs/sandbox_api.md). */
#ifndef ADAPTER_SANDBOX_PSP_H
#define ADAPTER_SANDBOX_PSP_H

#include "adapter/psp_caller.h"

enum {
    SANDBOX_HORIZON_MS = 2000,         /* an order is found as soon as it was taken */
    SANDBOX_KEY_WINDOW_MS = INT32_MAX, /* about 24 days; in fact for ever */
};

/* STATUS_INVALID, STATUS_UNAVAILABLE as psp_caller_init() and memory say. */
enum status sandbox_psp_open(const struct psp_options *options, struct psp **out_psp,
                             struct error *out_error) MUST_CHECK;

#endif

/* serve_witnesses.h - what a server needs to have its log cosigned: who the witnesses are. */
#ifndef CMD_SERVE_WITNESSES_H
#define CMD_SERVE_WITNESSES_H

#include "cmd/invocation.h"
#include "wallet/log_witnesses.h"

/* Stays where it was opened: the options point into it. */
struct serve_witnesses {
    struct http_out *http; /* NULL: there are no witnesses */
    struct log_witness witnesses[LOG_WITNESSES_MAX];
    struct log_witnesses_options options;
};

/*
 * From the options --witness, --witness-file, --witness-quorum and --witness-private.
 * STATUS_INVALID: what is wrong in them. STATUS_NOT_FOUND: no such file. STATUS_UNAVAILABLE.
 * out_witnesses is to be closed either way.
 */
enum status serve_witnesses_open(const struct invocation *invocation,
                                 struct serve_witnesses *out_witnesses, struct error *out_error)
    MUST_CHECK;
/* When nobody is asked any more. Accepts a zeroed struct. */
void serve_witnesses_close(struct serve_witnesses *witnesses);

#endif

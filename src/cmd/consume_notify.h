/* consume_notify.h - what a consumer of events needs to tell a receiver of them. */
#ifndef CMD_CONSUME_NOTIFY_H
#define CMD_CONSUME_NOTIFY_H

#include "cmd/invocation.h"
#include "crypto/secret.h"
#include "wallet/errand_sender.h"

/* Zeroed: nobody is told. */
struct consume_notify {
    struct http_out *http;
    struct event_store *store;
    struct errand_sender *sender; /* NULL: nobody is told */
    char authorization[SECRET_SIZE_MAX + 16];
};

/* What is wrong with --notify and what belongs to it, before anything is opened. STATUS_INVALID. */
enum status consume_notify_check(const struct invocation *invocation, struct error *out_error)
    MUST_CHECK;

/*
 * From --notify, --notify-token, --notify-private and --into; tracer may be NULL. Signals are
 * blocked before, and options checked. To be closed either way. STATUS_INVALID, STATUS_NOT_FOUND,
 * STATUS_DENIED, STATUS_LIMIT, STATUS_UNAVAILABLE.
 */
enum status consume_notify_open(const struct invocation *invocation, struct tracer *tracer,
                                struct consume_notify *out_notify, struct error *out_error)
    MUST_CHECK;
/* After the call under way. */
void consume_notify_close(struct consume_notify *notify);

#endif

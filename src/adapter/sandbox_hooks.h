/* sandbox_hooks.h - who is told of the sandbox's events, and the tasks that tell them. */
#ifndef ADAPTER_SANDBOX_HOOKS_H
#define ADAPTER_SANDBOX_HOOKS_H

#include "adapter/sandbox_desk.h"
#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "port/clock.h"
#include "port/entropy.h"
#include "port/http_out.h"
#include "port/sync.h"
#include "sandbox/sandbox.h"

/*
 * Everything but opening and closing is done under the server's lock, which is given; the tasks
 * take it to fetch and to render, and let it go to call.
 */
struct sandbox_hooks;

enum {
    HOOKS_RECEIVERS_MAX = 8, /* a bit each in sandbox_delivery */
    HOOKS_URL_LEN_MAX = 500,
    HOOKS_TASKS_MAX = 64,
    HOOKS_CALL_MS_MAX = 5000,
};

enum hook_scheme { HOOK_STANDARD, HOOK_STANDARD_ED25519, HOOK_STRIPE, HOOK_SCHEME_COUNT };
/* "standard", "standard_ed25519", "stripe". */
bool hook_scheme_parse(struct str text, enum hook_scheme *out_scheme);

struct hooks_options {
    struct sandbox *sandbox;
    struct monitor *lock;
    struct http_out *http;
    struct sync *sync;
    struct clock *clock; /* the real one: signatures bear its time */
    struct entropy *entropy;
    uint32_t tasks;
};

/* STATUS_UNAVAILABLE: no task, no memory. */
enum status hooks_open(const struct hooks_options *options, struct sandbox_hooks **out_hooks,
                       struct error *out_error) MUST_CHECK;
/* Ends calls under way; not under the lock. Accepts NULL. */
void hooks_close(struct sandbox_hooks *hooks);

/*
 * secret "": one is made. STATUS_INVALID: the URL or the secret is none. STATUS_LIMIT: there are
 * HOOKS_RECEIVERS_MAX.
 */
struct hook_asked {
    struct str url;
    enum hook_scheme scheme;
    struct str secret;
};
enum status hooks_add(struct sandbox_hooks *hooks, const struct hook_asked *asked,
                      uint32_t *out_receiver) MUST_CHECK;
/* POST, GET and DELETE /webhooks. */
extern const struct desk_route desk_hook_routes[];
/* Wakes tasks for what is to be sent now. */
void hooks_ring(struct sandbox_hooks *hooks);

#endif

/* sandbox_server.h - the sandbox over HTTP: its desk, its clock, answers that wait, webhooks. */
#ifndef ADAPTER_SANDBOX_SERVER_H
#define ADAPTER_SANDBOX_SERVER_H

#include "adapter/sandbox_hooks.h"
#include "port/api_call.h"

/*
 * One lock around the books; a call holds it for some microseconds. Answers that wait are kept
 * by a task that looks every SERVER_TICK_MS, so no thread of the HTTP server ever waits. The
 * same task lets the books' time go on.
 */
struct sandbox_server;

enum { SANDBOX_SERVER_TICK_MS = 5 };

struct sandbox_server_options {
    struct sandbox_options books;
    const struct fault_plan *faults; /* copied; NULL: none */
    const char *key;                 /* for Authorization: Bearer KEY */
    uint32_t hook_tasks;
    const struct hook_asked *hook; /* the first receiver; NULL: none yet */
    struct http_out *http;         /* the caller's, as the next three */
    struct sync *sync;
    struct clock *clock;
    struct entropy *entropy;
};

/* STATUS_INVALID: the key, or the receiver. STATUS_LIMIT, STATUS_UNAVAILABLE: no memory or task. */
enum status sandbox_server_open(const struct sandbox_server_options *options,
                                struct sandbox_server **out_server, struct error *out_error)
    MUST_CHECK;
/* For an HTTP server, which must be closed before this is. */
struct api_service sandbox_server_service(struct sandbox_server *server);
/* Answers that wait go out now, and later ones do not wait: before the HTTP server is drained. */
void sandbox_server_hurry(struct sandbox_server *server);
/* Accepts NULL. */
void sandbox_server_close(struct sandbox_server *server);

#endif

/* demo_caller.h - a client that gets its answers from a server which is killed under it. */
#ifndef CMD_DEMO_CALLER_H
#define CMD_DEMO_CALLER_H

#include "base/buf.h"
#include "cmd/answer.h"
#include "cmd/session.h"

/*
 * Over the server's local socket. What was not answered is asked again, under the same id or key
 * and over a new connection: so each thing is done once.
 */
struct demo_caller {
    const char *folder;
    struct session session;
    bool connected;
    struct buf request; /* the body, for the caller to write */
    struct buf answer;
    struct arena arena;
    struct answer_object object; /* the newest answer's members; good until the next call */
    unsigned http_status;
    struct error *error; /* the owner's */
};

enum status demo_caller_open(const char *folder, struct error *error,
                             struct demo_caller *out_caller) MUST_CHECK;
void demo_caller_close(struct demo_caller *caller);

/*
 * POST: sends `request`; other methods send no body, and neither does POST with an empty one.
 * STATUS_OK: there is an answer of 2xx or 4xx. STATUS_UNAVAILABLE: none in a minute.
 */
enum status demo_caller_ask(struct demo_caller *caller, enum api_method method, const char *target,
                            struct str key) MUST_CHECK;

/* Replaces `request` by an object: names and values, ending with NULL. */
void demo_caller_write(struct demo_caller *caller, const char *const *words);

#endif

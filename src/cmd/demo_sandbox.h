/* demo_sandbox.h - the sandbox of `tpwallet demo` and `bench payments`: a process, and its wire. */
#ifndef CMD_DEMO_SANDBOX_H
#define CMD_DEMO_SANDBOX_H

#include "base/buf.h"
#include "base/error.h"
#include "base/uuid.h"
#include "cmd/stage.h"

/* `tpwallet sandbox` on a port of the kernel's choice, beside a stage's server. */
struct demo_sandbox {
    struct child child;
    struct buf url;       /* read with buf_terminated() */
    struct buf psp;       /* for `serve --psp`: sandbox=URL */
    struct buf keys_path; /* for `serve --psp-keys`: its key, for the owner alone */
};

/* options: more of `tpwallet sandbox`, ending with NULL. STATUS_UNAVAILABLE; nothing stays. */
enum status demo_sandbox_open(const struct stage *stage, const char *const *options,
                              struct demo_sandbox *out_sandbox, struct error *out_error) MUST_CHECK;
/* Ends it. Accepts a zeroed one. */
void demo_sandbox_close(struct demo_sandbox *sandbox);

/* One call of docs/sandbox_api.md; an answer that is not 200 is STATUS_UNAVAILABLE. */
struct demo_sandbox_call {
    struct str method; /* "GET" */
    const char *path;
    struct str body; /* JSON; empty: none */
};
enum status demo_sandbox_ask(const struct demo_sandbox *sandbox,
                             const struct demo_sandbox_call *call, struct buf *out_answer,
                             struct error *out_error) MUST_CHECK;

#endif

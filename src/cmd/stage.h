/* stage.h - a throw-away ledger with a server of its own, for `demo` and `bench api`. */
#ifndef CMD_STAGE_H
#define CMD_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "cmd/child.h"

/*
 * A folder of its own under $TMPDIR (or /tmp), with the ledger in `data` and the server's log
 * beside it. The server is this program as a process of its own, so that it can be killed.
 */
struct stage {
    struct buf folder; /* read with buf_terminated() */
    struct buf data;
    struct buf log;
    struct buf address; /* of the server, as bound */
    struct child server;
    uint64_t start_ns; /* how long the newest start of the server took, until it listened */
    bool keep;
};

/*
 * store_url: the database that has the ledger, already; NULL: the folder has it.
 * STATUS_UNAVAILABLE, STATUS_LIMIT. On failure nothing stays.
 */
enum status stage_open(const char *name, bool keep, const char *store_url, struct stage *out_stage,
                       struct error *out_error) MUST_CHECK;
/* Kills the server if it runs, and removes the folder unless it is to be kept. */
void stage_close(struct stage *stage);

/*
 * Starts `tpwallet serve` on a port of the kernel's choice, with more options of the caller's
 * (ending with NULL), and waits until it listens. STATUS_UNAVAILABLE: it ended instead; its log
 * says why.
 */
enum status stage_serve(struct stage *stage, const char *const *options, struct error *out_error)
    MUST_CHECK;
/* kill -9, and waits until it is gone. */
void stage_kill(struct stage *stage);
/* SIGTERM, and waits; the server's exit code. */
int stage_stop(struct stage *stage);

/* The path of a file in the folder, appended to out_path. */
void stage_path(const struct stage *stage, const char *name, struct buf *out_path);

#endif

/* session.h - how a command reaches the ledger: through its running server, or by itself. */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "cmd/host.h"

struct http_client;

/*
 * When a server runs on the folder, its local socket answers, and calls go over it. Otherwise
 * the folder is opened in this process, which then is its owner until session_close(). Either
 * way a call is a request of api/openapi.yaml, made by the operator of this machine.
 *
 * One thread at a time. The members are the session's own.
 */
struct session {
    struct http_client *client; /* NULL: the folder is opened here */
    struct host host;
    char lane[12]; /* what TPW-Lane says; "": nothing */
};

struct session_options {
    const char *folder;
    bool read_only; /* the calls only read: without a server nothing is claimed or written */
    uint32_t lane;  /* which the calls are about, of a folder that is lane 0's; 0: as they say, */
    bool of_lane;   /* or about lane 0 alone, even where they could be about all */
    /* The ways to other lanes where the folder is opened here to be written; NULL: what is for
     * others waits in the journal. */
    struct transit_link *const *links;
};

/*
 * STATUS_NOT_FOUND: no ledger there. STATUS_UNAVAILABLE: another process has it and does not
 * answer. STATUS_INVALID: of a newer version; STATUS_CORRUPT, STATUS_DENIED, STATUS_LIMIT.
 */
enum status session_open(const struct session_options *options, struct session *out_session,
                         struct error *out_error) MUST_CHECK;
void session_close(struct session *session);

/* The lane that is open here, for `links`; NULL: a server has it. */
struct lane *session_lane(const struct session *session);
/* Ends the workers of money between lanes: of all sessions with the same links, before any is closed. */
void session_ways_stop(struct session *session);

struct session_request {
    enum api_method method;
    struct str target;          /* path and query, percent-encoded */
    struct str content_type;    /* of the body; empty: none */
    struct str idempotency_key; /* empty: none */
    struct str body;
};

/*
 * Replaces out_answer's contents with the body of the answer; its size_max bounds it.
 * STATUS_IN_DOUBT: the server went away in between; STATUS_UNAVAILABLE: it was not reached.
 */
enum status session_call(struct session *session, const struct session_request *request,
                         unsigned *out_http_status, struct buf *out_answer, struct error *out_error)
    MUST_CHECK;

#endif

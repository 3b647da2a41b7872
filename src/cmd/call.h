/* call.h - one request of a command: built, sent, and its answer shown. */
#ifndef CMD_CALL_H
#define CMD_CALL_H

#include "api/api.h"
#include "base/buf.h"
#include "base/json_writer.h"
#include "cmd/invocation.h"
#include "cmd/render.h"

/*
 *     struct call call;
 *     call_init(&call, invocation, API_GET, "/v1/accounts");
 *     call_segment(&call, id);
 *     call_query(&call, "at", invocation_text(invocation, "at"));
 *     return call_show(&call);
 */
struct call {
    const struct invocation *invocation;
    enum api_method method;
    struct buf target;
    bool has_query;
    struct buf body;
    struct json_writer json; /* writes into body: the request's object is open */
    bool bare;               /* no body is sent, whatever the method */
    bool key_is_given;       /* the command takes a key: a repeat may name it */
    struct buf key;          /* the Idempotency-Key; empty: none */
    uint32_t lane;           /* whose it is, where nothing that it names says so */
    bool of_lane;            /* and nobody else's: a list goes over all lanes otherwise */
    struct uuid made;        /* the id of what is made; nil: none */
    struct error error;      /* of building it; STATUS_OK when there is none */
};

/* path: static, without query. For methods with a body the JSON object is begun. */
void call_init(struct call *call, const struct invocation *invocation, enum api_method method,
               const char *path);
/* Percent-encodes all but the unreserved characters (RFC 3986, section 2.3). */
void call_encode(struct buf *out, const char *text);
/* Appends '/' and the text, percent-encoded. */
void call_segment(struct call *call, const char *text);
/* The same with an id: a UUID, or NAMESPACE:KEY (see `tpwallet help account key`). */
void call_segment_id(struct call *call, const char *text);
/* Appends a query parameter; a NULL value appends nothing. */
void call_query(struct call *call, const char *name, const char *value);

/* The command's --reason, if it was given: every command that has REASON_OPTION sends it. */
void call_reason(struct call *call);
#define REASON_OPTION                                                                              \
    {                                                                                              \
        "reason", "CODE", "why: a code or ticket for the audit log, never text about a person",    \
            NULL                                                                                   \
    }

/* The command's --lane, if it was given: every command that has LANE_OPTION goes by it. */
void call_lane(struct call *call);
#define LANE_OPTION                                                                                \
    {                                                                                              \
        "lane", "N", "of a ledger with several lanes: which one's; without it lane 0's", NULL      \
    }

/* Members of the body; a NULL value writes nothing. */
void call_text(struct call *call, const char *name, const char *value);
void call_id(struct call *call, const char *name, const char *value);
void call_number(struct call *call, const char *name, const char *value);
void call_truth(struct call *call, const char *name, bool value);
/* Each word between commas; nothing when value is NULL. */
void call_words(struct call *call, const char *name, const char *value);
/* An id for what is made: the value given, or a fresh UUIDv7. */
void call_new_id(struct call *call, const char *value);
/*
 * The same for a payment, whose fresh id is of its home: the lane of the account named (NULL: of
 * the payment with the id `parent`).
 */
void call_new_payment_id(struct call *call, const char *value, const char *account,
                         const char *parent);
/* A fresh Idempotency-Key, for what has no id of its own. */
void call_fresh_key(struct call *call);

/* An Idempotency-Key: the value given, or a fresh one, which is told when the answer is lost. */
void call_key(struct call *call, const char *value);
/* For a method that has a body otherwise: none is sent. */
void call_bare(struct call *call);

/* Releases a call that is not shown. */
void call_done(struct call *call);

/*
 * Sends it to the lane that it names or is about, shows the answer (with --json as it came), and
 * releases everything. Returns the
 * exit code. The table is of the objects in the member `list`.
 */
int call_show(struct call *call);
int call_show_table(struct call *call, const char *list, const struct render_column *columns);
/* The same with a rendering of the command's own, of render.h's kind. */
typedef enum status call_render(struct str json, struct buf *out);
int call_show_as(struct call *call, call_render *render);

/* "NAMESPACE:KEY" or a UUID, as a UUID. STATUS_INVALID fills out_error. */
enum status call_id_parse(const char *text, const char *kind, struct uuid *out_id,
                          struct error *out_error) MUST_CHECK;

#endif

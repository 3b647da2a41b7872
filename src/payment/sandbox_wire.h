/* sandbox_wire.h - the sandbox's native API as bytes: orders out; answers, statements, events in. */
#ifndef PAYMENT_SANDBOX_WIRE_H
#define PAYMENT_SANDBOX_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "model/psp.h"
#include "payment/psp_wire.h"

/* The wire is described in docs/sandbox_api.md. Amounts are of ISO 4217 assets. */
enum {
    SANDBOX_ANSWER_SIZE_MAX = 16 << 10,
    SANDBOX_LINES_MAX = 1000, /* of one call */
    SANDBOX_LINE_SIZE_MAX = 512,
    SANDBOX_EVENT_SIZE_MAX = 64 << 10,
};

/* The body of POST /orders. STATUS_INVALID: not an ISO asset, nothing is appended. */
enum status sandbox_order_write(const struct psp_order *order, struct buf *out_body) MUST_CHECK;
/* "/orders/0190…:3" */
void sandbox_query_path(const struct psp_order *order, struct buf *out_path);

/*
 * What an answer to POST /orders, or (reply->query) to GET /orders/…, comes to. Writes answer,
 * asset, amount, object, reason and retry_after_ms; the rest of the reply is the caller's. An
 * answer that names another reference or operation than the order's is UNKNOWN. An arena of twice
 * SANDBOX_ANSWER_SIZE_MAX is enough for honest answers; a lack of it is UNKNOWN.
 */
void sandbox_answer_read(const struct psp_order *order, const struct psp_http *http,
                         struct arena *arena, struct psp_reply *out_reply);

/*
 * The lines of a part of a statement, at most limit. STATUS_INVALID: this is none, or a line of
 * it is wrong in itself; out_error names the line, counted from first_number on.
 */
enum status sandbox_statement_read(struct str csv, uint32_t first_number,
                                   struct psp_line *out_lines, uint32_t limit, uint32_t *out_count,
                                   struct error *out_error) MUST_CHECK;

/* Whether the answer to a GET of a statement says that it is not made yet. */
bool sandbox_statement_pending(const struct psp_http *http, struct arena *arena);

/* A webhook's body, its signature being checked. STATUS_INVALID: not understood. */
enum status sandbox_event_read(struct str body, struct arena *arena, struct psp_event *out_event)
    MUST_CHECK;

#endif

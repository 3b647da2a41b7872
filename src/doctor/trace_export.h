/* trace_export.h - spans out of exported traces: OTLP in JSON, and what Jaeger's query API answers. */
#ifndef DOCTOR_TRACE_EXPORT_H
#define DOCTOR_TRACE_EXPORT_H

#include "base/time.h"
#include "doctor/json_tree.h"

/*
 * A document is an object with "resourceSpans" (OTLP) or "data" (Jaeger: a trace each), or an array
 * of such objects. Statements of databases, bodies and whatever else attributes may hold are not
 * looked at: only what is named here is. Texts are views into the tree.
 */
struct trace_span {
    struct str trace; /* in lower case, as the rest of the house has it, when the exporter does */
    struct str span;
    struct str parent; /* "": a root */
    struct str link;   /* the trace that it links to first */
    struct str service;
    struct str host;
    struct str from; /* of what a consumer took: where from; "" of all else */
    struct str op;
    struct str error; /* "": it did not fail */
    struct str sqlstate;
    struct str tx;
    struct str idem;
    struct str psp_ref;
    struct str account;
    struct str event;
    struct wall_time start;
    int64_t duration_ns;
};

struct trace_counts {
    uint64_t spans;
    uint64_t rejected; /* spans without trace, id or time */
    uint64_t dropped;  /* attributes, events and links that the spans say were left out */
};

/*
 * STATUS_INVALID: it is no such document, and nothing was visited. STATUS_LIMIT: no memory. What
 * visit returns ends it.
 */
struct trace_visitor {
    enum status (*visit)(void *owner, const struct trace_span *span);
    void *owner;
};
enum status trace_export_read(const struct json_node *document, const struct trace_visitor *visitor,
                              struct trace_counts *counts) MUST_CHECK;

#endif

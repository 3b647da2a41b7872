#include "doctor/trace_export.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/decimal.h"

enum { TRACE_DIGITS_MAX = 32, NS_PER_MICRO = 1000 };

/* Attributes as OTLP and Jaeger have them: objects with "key", and a value that is told apart. */
struct attributes {
    const struct json_node *first;
    bool jaeger; /* "value" is the value */
};

struct exporting {
    const struct trace_visitor *visitor;
    struct trace_counts *counts;
    enum status status;
};

static struct str attribute_value(const struct attributes *all, const struct json_node *attribute)
{
    const struct json_node *value = json_tree_member(attribute, "value");
    if (value == NULL) return STR("");
    if (all->jaeger) return value->text.data == NULL ? STR("") : value->text;
    const struct json_node *typed = value->type == JSON_OBJECT ? value->first : NULL;
    return typed == NULL || typed->text.data == NULL ? STR("") : typed->text;
}

/* The value of the first of these names, parted by blanks, in their order. */
static struct str attribute_find(const struct attributes *all, const char *names)
{
    for (const char *at = names; *at != '\0';) {
        size_t len = strcspn(at, " ");
        for (const struct json_node *item = all->first; item != NULL; item = item->next) {
            if (!str_equal(json_tree_text(item, "key"), (struct str){ at, len })) continue;
            struct str value = attribute_value(all, item);
            if (value.len > 0) return value;
        }
        at += len;
        at += strspn(at, " ");
    }
    return STR("");
}

#define SERVICE_NAMES "service.name"
#define HOST_NAMES "host.name k8s.pod.name service.instance.id hostname"

static void attributes_take(const struct attributes *all, struct trace_span *span)
{
    span->sqlstate = attribute_find(all, "db.response.status_code db.postgresql.sqlstate sqlstate");
    span->tx = attribute_find(all, "tpwallet.transfer.id transaction.id tx");
    span->idem = attribute_find(all, "idempotency.key idempotency_key");
    span->psp_ref = attribute_find(all, "tpwallet.psp.object psp.reference psp_ref");
    span->account = attribute_find(all, "tpwallet.account.id account.id account");
    span->event = attribute_find(all, "cloudevents.event_id messaging.message.id event.id");
}

/* What a consumer took a message from. */
static struct str source_find(const struct attributes *all)
{
    return attribute_find(all, "messaging.destination.name messaging.source.name "
                               "messaging.destination peer.service");
}

static bool id_valid(struct str id)
{
    bool zero = true;
    for (size_t i = 0; i < id.len; i++) zero = zero && id.data[i] == '0';
    return id.len > 0 && id.len <= TRACE_DIGITS_MAX && !zero;
}

static uint64_t number_of(const struct json_node *node, const char *name)
{
    uint64_t number;
    enum status status = decimal_parse(json_tree_text(node, name), INT64_MAX, &number);
    return status == STATUS_OK ? number : 0;
}

static void span_give(struct exporting *exporting, const struct trace_span *span)
{
    bool good = id_valid(span->trace) && id_valid(span->span) && span->start.ns > 0;
    exporting->counts->spans += good;
    exporting->counts->rejected += !good;
    if (good && exporting->status == STATUS_OK)
        exporting->status = exporting->visitor->visit(exporting->visitor->owner, span);
}

/* ---- OTLP ---- */

static bool is_word(struct str text, const char *number, const char *name)
{
    return str_equal(text, str_from(number)) || str_equal(text, str_from(name));
}

static void otlp_span(struct exporting *exporting, const struct json_node *node,
                      const struct trace_span *resource)
{
    const struct attributes own = { json_tree_items(node, "attributes"), false };
    const struct json_node *status = json_tree_member(node, "status");
    struct trace_span span = *resource;
    uint64_t start = number_of(node, "startTimeUnixNano");
    uint64_t end = number_of(node, "endTimeUnixNano");
    span.trace = json_tree_text(node, "traceId");
    span.span = json_tree_text(node, "spanId");
    span.parent = json_tree_text(node, "parentSpanId");
    if (!id_valid(span.parent)) span.parent = STR("");
    span.link = json_tree_text(json_tree_items(node, "links"), "traceId");
    span.op = json_tree_text(node, "name");
    span.start = (struct wall_time){ (int64_t)start };
    span.duration_ns = end > start ? (int64_t)(end - start) : 0;
    attributes_take(&own, &span);
    if (is_word(json_tree_text(node, "kind"), "5", "SPAN_KIND_CONSUMER"))
        span.from = source_find(&own);
    if (is_word(json_tree_text(status, "code"), "2", "STATUS_CODE_ERROR")) {
        span.error = json_tree_text(status, "message");
        if (span.error.len == 0) span.error = attribute_find(&own, "error.type exception.type");
        if (span.error.len == 0) span.error = STR("error");
    }
    exporting->counts->dropped += number_of(node, "droppedAttributesCount") +
                                  number_of(node, "droppedEventsCount") +
                                  number_of(node, "droppedLinksCount");
    span_give(exporting, &span);
}

static void otlp_read(struct exporting *exporting, const struct json_node *document)
{
    const struct json_node *resource = json_tree_items(document, "resourceSpans");
    for (; resource != NULL; resource = resource->next) {
        const struct attributes own = {
            json_tree_items(json_tree_member(resource, "resource"), "attributes"),
            false,
        };
        const struct trace_span shared = {
            .service = attribute_find(&own, SERVICE_NAMES),
            .host = attribute_find(&own, HOST_NAMES),
        };
        const struct json_node *scope = json_tree_items(resource, "scopeSpans");
        for (; scope != NULL; scope = scope->next) {
            const struct json_node *span = json_tree_items(scope, "spans");
            for (; span != NULL; span = span->next) otlp_span(exporting, span, &shared);
        }
    }
}

/* ---- Jaeger ---- */

/* A reference into the same trace is the parent, the first into another one a link. */
static void references_take(const struct json_node *node, struct trace_span *span)
{
    const struct json_node *item = json_tree_items(node, "references");
    span->parent = json_tree_text(node, "parentSpanID");
    for (; item != NULL; item = item->next) {
        struct str trace = json_tree_text(item, "traceID");
        bool same = str_equal(trace, span->trace);
        bool child = str_equal(json_tree_text(item, "refType"), STR("CHILD_OF"));
        if (same && child && span->parent.len == 0) span->parent = json_tree_text(item, "spanID");
        if (!same && span->link.len == 0) span->link = trace;
    }
}

/* What the spans of a trace say once for each process that they are of, in order of its id. */
struct process {
    struct str id;
    struct str service;
    struct str host;
};
struct processes {
    const struct process *all;
    size_t count;
};

static int ids_compare(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int processes_compare(const void *a, const void *b)
{
    return ids_compare(((const struct process *)a)->id, ((const struct process *)b)->id);
}

/* There may be as many as spans: each is read once, and looked up without passing the others. */
static enum status processes_read(const struct json_node *node, struct buf *memory,
                                  struct processes *out_processes)
{
    uint32_t count = node == NULL || node->type != JSON_OBJECT ? 0 : node->count;
    *out_processes = (struct processes){ 0 };
    if (count == 0) return STATUS_OK;
    buf_init(memory, count * sizeof(struct process));
    struct process *all = buf_extend(memory, count * sizeof *all);
    if (all == NULL) return STATUS_LIMIT;
    const struct json_node *item = node->first;
    for (uint32_t i = 0; i < count; i++, item = item->next) {
        const struct attributes tags = { json_tree_items(item, "tags"), true };
        all[i] = (struct process){ item->key, json_tree_text(item, "serviceName"),
                                   attribute_find(&tags, HOST_NAMES) };
    }
    qsort(all, count, sizeof *all, processes_compare);
    *out_processes = (struct processes){ all, count };
    return STATUS_OK;
}

/* NULL: there is none of this id. */
static const struct process *process_find(const struct processes *processes, struct str id)
{
    size_t low = 0;
    for (size_t high = processes->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (ids_compare(processes->all[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < processes->count && str_equal(processes->all[low].id, id);
    return found ? &processes->all[low] : NULL;
}

static void jaeger_span(struct exporting *exporting, const struct json_node *node,
                        const struct processes *processes)
{
    const struct attributes own = { json_tree_items(node, "tags"), true };
    struct trace_span span = { .trace = json_tree_text(node, "traceID") };
    uint64_t start = number_of(node, "startTime");
    uint64_t duration = number_of(node, "duration");
    const struct process *process = process_find(processes, json_tree_text(node, "processID"));
    span.span = json_tree_text(node, "spanID");
    span.op = json_tree_text(node, "operationName");
    span.service = process == NULL ? STR("") : process->service;
    span.host = process == NULL ? STR("") : process->host;
    references_take(node, &span);
    if (start < INT64_MAX / NS_PER_MICRO)
        span.start = (struct wall_time){ (int64_t)start * NS_PER_MICRO };
    if (duration < INT64_MAX / NS_PER_MICRO) span.duration_ns = (int64_t)duration * NS_PER_MICRO;
    attributes_take(&own, &span);
    if (str_equal(attribute_find(&own, "span.kind"), STR("consumer")))
        span.from = source_find(&own);
    if (str_equal(attribute_find(&own, "error"), STR("true"))) {
        span.error = attribute_find(&own, "otel.status_description error.type error.kind");
        if (span.error.len == 0) span.error = STR("error");
    }
    span_give(exporting, &span);
}

static void jaeger_read(struct exporting *exporting, const struct json_node *document)
{
    const struct json_node *trace = json_tree_items(document, "data");
    for (; trace != NULL; trace = trace->next) {
        BUF_SCOPE struct buf memory = { 0 };
        struct processes processes;
        const struct json_node *span = json_tree_items(trace, "spans");
        enum status status =
            processes_read(json_tree_member(trace, "processes"), &memory, &processes);
        if (exporting->status == STATUS_OK) exporting->status = status;
        for (; span != NULL; span = span->next) jaeger_span(exporting, span, &processes);
    }
}

/* ---- both ---- */

static bool is_export(const struct json_node *node)
{
    const struct json_node *otlp = json_tree_member(node, "resourceSpans");
    const struct json_node *jaeger = json_tree_member(node, "data");
    return (otlp != NULL && otlp->type == JSON_ARRAY) ||
           (jaeger != NULL && jaeger->type == JSON_ARRAY);
}

enum status trace_export_read(const struct json_node *document, const struct trace_visitor *visitor,
                              struct trace_counts *counts)
{
    struct exporting exporting = { visitor, counts, STATUS_OK };
    bool list = document->type == JSON_ARRAY;
    const struct json_node *first = list ? document->first : document;
    for (const struct json_node *item = first; item != NULL; item = list ? item->next : NULL)
        if (!is_export(item)) return STATUS_INVALID;
    for (const struct json_node *item = first; item != NULL; item = list ? item->next : NULL) {
        otlp_read(&exporting, item);
        jaeger_read(&exporting, item);
    }
    return exporting.status;
}

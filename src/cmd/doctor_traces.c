/* Exported traces as evidence: OTLP in JSON, and what Jaeger's query API answers. */
#include <stdio.h>

#include "base/check.h"
#include "cmd/doctor_collectors.h"
#include "cmd/file_lines.h"
#include "doctor/trace_export.h"
#include "model/evidence.h"

enum { EDGE_SIZE = 512 };

struct traces {
    struct doctor_file file;
    struct trace_counts counts;
    uint64_t documents; /* that are none of either export */
};

static enum status span_write(void *owner, const struct trace_span *span)
{
    struct traces *all = owner;
    struct evidence_line line;
    evidence_begin(&line, &all->file.line, "span", &all->file.masked);
    evidence_time(&line, "ts", span->start);
    evidence_text(&line, "trace", span->trace);
    evidence_text(&line, "span", span->span);
    evidence_text(&line, "parent", span->parent);
    evidence_text(&line, "link", span->link);
    evidence_text(&line, "service", span->service);
    evidence_text(&line, "host", span->host);
    evidence_text(&line, "op", span->op);
    evidence_int(&line, "duration_ns", span->duration_ns);
    evidence_text(&line, "error", span->error);
    evidence_text(&line, "sqlstate", span->sqlstate);
    evidence_text(&line, "tx", span->tx);
    evidence_text(&line, "idem", span->idem);
    evidence_text(&line, "psp_ref", span->psp_ref);
    evidence_text(&line, "account", span->account);
    evidence_text(&line, "event", span->event);
    if (span->from.len > 0) {
        char edge[EDGE_SIZE];
        int len =
            snprintf(edge, sizeof edge, "%.*s>%.*s", STR_ARG(span->from), STR_ARG(span->service));
        if (len > 0 && (size_t)len < sizeof edge) evidence_text(&line, "edge", str_from(edge));
    }
    evidence_end(&line);
    return doctor_file_rows(&all->file, 1);
}

static enum status document_take(void *owner, const struct json_node *document)
{
    struct traces *all = owner;
    const struct trace_visitor visitor = { span_write, all };
    enum status status = trace_export_read(document, &visitor, &all->counts);
    if (status != STATUS_INVALID) return status;
    all->documents++;
    return STATUS_OK;
}

static enum status traces_read(struct traces *all, const char *path)
{
    struct doctor_bundle *bundle = all->file.bundle;
    const struct file_visitor visitor = { .document = document_take, .owner = all };
    uint64_t rejected = 0;
    enum status status = file_documents_read(path, &visitor, &rejected, &bundle->error);
    if (status != STATUS_OK) return status;
    if (all->documents > 0 && all->counts.spans + all->counts.rejected == 0)
        return error_set(&bundle->error, STATUS_INVALID,
                         "%s has neither resourceSpans (OTLP) nor data (Jaeger)", path);
    all->file.rejected = rejected + all->documents + all->counts.rejected;
    if (all->counts.dropped == 0) return STATUS_OK;
    char note[INCIDENT_TEXT_MAX];
    int len = snprintf(note, sizeof note,
                       "the spans say that %llu attributes, events and links were dropped",
                       (unsigned long long)all->counts.dropped);
    CHECK(len > 0);
    return doctor_bundle_note(bundle, note);
}

enum status doctor_collect_traces(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    static const char *const kinds[] = { "span", NULL };
    struct doctor_source source =
        doctor_source_of(bundle, "traces", invocation_text(invocation, "system"), kinds);
    source.loss = "unknown"; /* an export does not say what was not sampled */
    struct traces all = { 0 };
    enum status status = doctor_file_begin(bundle, &source, &all.file);
    if (status == STATUS_OK) status = traces_read(&all, invocation_text(invocation, "traces"));
    return doctor_file_end(&all.file, status);
}

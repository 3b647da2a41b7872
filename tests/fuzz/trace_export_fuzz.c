/*
 * Goal: no export of traces makes the reading crash, and every span that is given has ids and a time.
 * Method: the input as a document; the texts of all spans read.
 */
#include "base/check.h"
#include "doctor/trace_export.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status take(void *owner, const struct trace_span *span)
{
    uint64_t *sum = owner;
    const struct str *texts = &span->trace;
    for (size_t i = 0; i < offsetof(struct trace_span, start) / sizeof *texts; i++)
        for (size_t k = 0; k < texts[i].len; k++) *sum += (uint8_t)texts[i].data[k];
    CHECK(span->trace.len > 0);
    CHECK(span->span.len > 0);
    CHECK(span->start.ns > 0);
    CHECK(span->duration_ns >= 0);
    return STATUS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    const struct json_node *root;
    struct trace_counts counts = { 0 };
    uint64_t sum = 0;
    const struct trace_visitor visitor = { take, &sum };
    if (arena_init(&arena, 25 * size + (64 << 10)) != STATUS_OK) return 0;
    if (json_tree_parse((struct str){ (const char *)data, size }, &arena, &root, NULL) == STATUS_OK)
        (void)!trace_export_read(root, &visitor, &counts); /* an export or not */
    arena_done(&arena);
    return 0;
}

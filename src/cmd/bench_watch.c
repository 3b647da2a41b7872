/* Two routes: /metrics, read line by line, and /v1/events, read page by page. */
#include "cmd/bench_watch.h"

#include <string.h>

#include "cmd/answer.h"

enum { ANSWER_SIZE_MAX = 16 << 20, TARGET_SIZE_MAX = 128 };

static enum status get(struct session *session, struct str target, struct buf *out_answer,
                       struct error *out_error)
{
    const struct session_request request = { .method = API_GET, .target = target };
    unsigned http_status = 0;
    enum status status = session_call(session, &request, &http_status, out_answer, out_error);
    if (status != STATUS_OK || http_status == 200) return status;
    return error_set(out_error, STATUS_UNAVAILABLE, "%.*s was answered %u", STR_ARG(target),
                     http_status);
}

/* The number behind the last blank of a line. */
static uint64_t line_value(struct str line)
{
    uint64_t value = 0;
    size_t at = line.len;
    while (at > 0 && line.data[at - 1] >= '0' && line.data[at - 1] <= '9') at--;
    for (; at < line.len; at++) value = 10 * value + (uint64_t)(line.data[at] - '0');
    return value;
}

enum status bench_counts_read(struct session *session, struct bench_counts *out_counts,
                              struct error *out_error)
{
    BUF_SCOPE struct buf answer;
    buf_init(&answer, ANSWER_SIZE_MAX);
    enum status status = get(session, STR("/metrics"), &answer, out_error);
    if (status != STATUS_OK) return status;
    struct bench_counts counts = { 0 };
    struct str rest = buf_view(&answer);
    struct str line;
    while (str_take_line(&rest, &line)) {
        if (str_starts(line, STR("tpwallet_payments_open{"))) counts.open += line_value(line);
        if (str_starts(line, STR("tpwallet_saga_calls_total{"))) counts.calls += line_value(line);
    }
    *out_counts = counts;
    return STATUS_OK;
}

/* ---- Events ---- */

struct page {
    struct bench_ends *ends;
    uint64_t count;
};

static bool event_visit(void *argument, const struct answer_object *event)
{
    struct page *page = argument;
    struct bench_ends *ends = page->ends;
    struct uuid id;
    struct wall_time at;
    page->count++;
    struct str type = answer_text(event, "type");
    ends->failed += str_equal(type, STR("payment.failed"));
    if (!str_equal(type, STR("payment.succeeded"))) return true;
    bool known = uuid_parse(answer_text(event, "subject"), &id) == STATUS_OK &&
                 wall_time_parse(answer_text(event, "time"), &at) == STATUS_OK;
    if (!known) return true;
    uint64_t made_ns = (id.hi >> 16) * (uint64_t)NS_PER_MS; /* RFC 9562: its first 48 bits */
    uint64_t ended_ns = (uint64_t)at.ns;
    load_histogram_record(&ends->took, ended_ns > made_ns ? ended_ns - made_ns : 0);
    if (ends->succeeded == 0 || made_ns < ends->first_ns) ends->first_ns = made_ns;
    if (ended_ns > ends->last_ns) ends->last_ns = ended_ns;
    ends->succeeded++;
    return true;
}

/* Appends to target where to go on; STATUS_NOT_FOUND: there are no more. */
static enum status page_take(struct str json, struct bench_ends *ends, struct buf *target)
{
    struct page page = { .ends = ends };
    const struct answer_list list = { "items", event_visit, &page };
    struct answer_object rest;
    struct arena arena;
    enum status status = arena_init(&arena, answer_arena_size(json));
    if (status != STATUS_OK) return status;
    status = answer_read_list(json, &list, &arena, &rest);
    buf_reset(target);
    buf_append_format(target, "/v1/events?limit=1000&after=%.*s",
                      STR_ARG(answer_text(&rest, "next")));
    arena_done(&arena);
    if (status == STATUS_OK && page.count == 0) return STATUS_NOT_FOUND;
    return status;
}

enum status bench_ends_read(struct session *session, struct bench_ends *out_ends,
                            struct error *out_error)
{
    BUF_SCOPE struct buf answer;
    BUF_SCOPE struct buf target;
    buf_init(&answer, ANSWER_SIZE_MAX);
    buf_init(&target, TARGET_SIZE_MAX);
    buf_append_str(&target, STR("/v1/events?limit=1000"));
    memset(out_ends, 0, sizeof *out_ends);
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = get(session, buf_view(&target), &answer, out_error);
        if (status != STATUS_OK) return status;
        status = page_take(buf_view(&answer), out_ends, &target);
    }
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    return error_set(out_error, status, "the events cannot be read");
}

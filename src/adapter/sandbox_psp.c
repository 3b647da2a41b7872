#include "adapter/sandbox_psp.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "payment/sandbox_wire.h"

struct sandbox_psp {
    struct psp port;
    struct psp_caller caller;
};

enum { ORDER_SIZE_MAX = 2 << 10, STATEMENT_SIZE_MAX = SANDBOX_LINES_MAX * SANDBOX_LINE_SIZE_MAX };

/* Order or query: what comes back, or does not, goes into the reply. */
static void order_call(struct sandbox_psp *sandbox, const struct psp_order *order,
                       const struct psp_request *request, struct psp_reply *reply)
{
    struct arena arena = { 0 };
    BUF_SCOPE struct buf body;
    struct psp_http http;
    buf_init(&body, SANDBOX_ANSWER_SIZE_MAX);
    if (arena_init(&arena, 2 * SANDBOX_ANSWER_SIZE_MAX) != STATUS_OK) {
        psp_caller_silence(STATUS_UNAVAILABLE, reply);
        return;
    }
    enum status status = psp_caller_call(&sandbox->caller, request, &http, &body, NULL);
    if (status == STATUS_OK) {
        reply->http_status = (uint16_t)http.status;
        sandbox_answer_read(order, &http, &arena, reply);
    } else {
        psp_caller_silence(status, reply);
    }
    arena_done(&arena);
}

static void sandbox_order(struct psp *psp, const struct psp_order *order,
                          struct psp_reply *out_reply)
{
    struct sandbox_psp *sandbox = (struct sandbox_psp *)psp;
    struct monotonic_time start = clock_monotonic(sandbox->caller.options.clock);
    BUF_SCOPE struct buf body;
    buf_init(&body, ORDER_SIZE_MAX);
    *out_reply = (struct psp_reply){ 0 };
    if (sandbox_order_write(order, &body) == STATUS_INVALID) {
        psp_reply_set(out_reply, PSP_ANSWER_INVALID, STR("not_representable"));
    } else {
        const struct psp_request request = { .method = STR("POST"),
                                             .path = STR("/orders"),
                                             .body = buf_view(&body),
                                             .content_type = STR("application/json"),
                                             .trace = order->trace,
                                             .watched = order->watched,
                                             .until = psp_caller_until(&sandbox->caller) };
        order_call(sandbox, order, &request, out_reply);
    }
    psp_caller_finish(&sandbox->caller, start, out_reply);
}

static void sandbox_query(struct psp *psp, const struct psp_order *order,
                          struct psp_reply *out_reply)
{
    struct sandbox_psp *sandbox = (struct sandbox_psp *)psp;
    struct monotonic_time start = clock_monotonic(sandbox->caller.options.clock);
    BUF_SCOPE struct buf path;
    buf_init(&path, ORDER_SIZE_MAX);
    sandbox_query_path(order, &path);
    *out_reply = (struct psp_reply){ .query = true };
    const struct psp_request request = { .method = STR("GET"),
                                         .path = buf_view(&path),
                                         .trace = order->trace,
                                         .watched = order->watched,
                                         .until = psp_caller_until(&sandbox->caller) };
    order_call(sandbox, order, &request, out_reply);
    psp_caller_finish(&sandbox->caller, start, out_reply);
}

/* At most SANDBOX_LINES_MAX lines. */
static enum status part_read(struct sandbox_psp *sandbox, const struct psp_part *part,
                             struct monotonic_time until, struct psp_line *out_lines,
                             uint32_t *out_count, struct error *out_error)
{
    char day[DATE_TEXT_SIZE];
    char memory[4096];
    struct arena arena;
    struct psp_http http;
    BUF_SCOPE struct buf path;
    BUF_SCOPE struct buf body;
    buf_init(&path, ORDER_SIZE_MAX);
    buf_init(&body, STATEMENT_SIZE_MAX);
    buf_append_format(&path, "/statements/%.*s?from=%u&limit=%u",
                      STR_ARG(business_date_format(part->day, day)), part->from, part->limit);
    const struct psp_request request = { .method = STR("GET"),
                                         .path = buf_view(&path),

                                         .until = until };
    enum status status = psp_caller_call(&sandbox->caller, &request, &http, &body, out_error);
    if (status == STATUS_LIMIT) return error_set(out_error, STATUS_INVALID, "it is too long");
    if (status != STATUS_OK) return STATUS_UNAVAILABLE;
    arena_init_over(&arena, memory, sizeof memory);
    if (sandbox_statement_pending(&http, &arena))
        return error_set(out_error, STATUS_NOT_FOUND, "the statement is not made yet");
    if (http.status != 200) {
        return error_set(out_error, STATUS_UNAVAILABLE, "%s answers %u",
                         sandbox->caller.options.name, http.status);
    }
    return sandbox_statement_read(http.body, part->from, out_lines, part->limit, out_count,
                                  out_error);
}

static enum status sandbox_statement(struct psp *psp, const struct psp_part *part,
                                     struct psp_line *out_lines, uint32_t *out_count,
                                     struct error *out_error)
{
    struct sandbox_psp *sandbox = (struct sandbox_psp *)psp;
    struct monotonic_time until = psp_caller_until(&sandbox->caller);
    uint32_t count = 0;
    while (count < part->limit) {
        uint32_t left = part->limit - count;
        const struct psp_part next = { .day = part->day,
                                       .from = part->from + count,
                                       .limit =
                                           left < SANDBOX_LINES_MAX ? left : SANDBOX_LINES_MAX };
        uint32_t got = 0;
        enum status status = part_read(sandbox, &next, until, out_lines + count, &got, out_error);
        if (status != STATUS_OK) return status;
        count += got;
        if (got < next.limit) break;
    }
    *out_count = count;
    return STATUS_OK;
}

static void sandbox_close(struct psp *psp)
{
    free(psp);
}

enum status sandbox_psp_open(const struct psp_options *options, struct psp **out_psp,
                             struct error *out_error)
{
    struct sandbox_psp *sandbox = calloc(1, sizeof *sandbox);
    if (sandbox == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    enum status status = psp_caller_init(&sandbox->caller, options, out_error);
    if (status != STATUS_OK) {
        free(sandbox);
        return status;
    }
    uint32_t horizon_ms = options->horizon_ms > 0 ? options->horizon_ms : SANDBOX_HORIZON_MS;
    uint32_t window_ms =
        options->key_window_ms > 0 ? options->key_window_ms : SANDBOX_KEY_WINDOW_MS;
    sandbox->port = (struct psp){
        .traits = { .call_ms_max = sandbox->caller.options.call_ms_max,
                    .horizon_ms = horizon_ms,
                    .key_window_ms = window_ms,
                    .operations = (1U << PSP_OPERATION_END) - 2 },
        .order = sandbox_order,
        .query = sandbox_query,
        .statement = sandbox_statement,
        .close = sandbox_close,
    };
    memcpy(sandbox->port.traits.name, options->name, strlen(options->name));
    *out_psp = &sandbox->port;
    return STATUS_OK;
}

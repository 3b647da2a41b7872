#include "adapter/stripe_psp.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "payment/stripe_statement.h"
#include "payment/stripe_wire.h"

/* Where the reading of a statement stands: Stripe's pages are known by the line before. */
struct cursor {
    struct business_date day;
    uint32_t next;              /* number of the line behind `after` */
    char after[PSP_TOKEN_SIZE]; /* id of the line before it */
};

struct stripe_psp {
    struct psp port;
    struct psp_caller caller;
    pthread_mutex_t mutex;
    struct cursor cursor; /* of the newest statement() call */
};

static struct psp_request get_make(struct str path, struct monotonic_time until)
{
    return (struct psp_request){ .method = STR("GET"),
                                 .path = path,
                                 .version_name = STR("Stripe-Version"),
                                 .version = STR(STRIPE_VERSION),
                                 .until = until };
}

static void stripe_order(struct psp *psp, const struct psp_order *order,
                         struct psp_reply *out_reply)
{
    struct stripe_psp *stripe = (struct stripe_psp *)psp;
    struct monotonic_time start = clock_monotonic(stripe->caller.options.clock);
    struct arena arena = { 0 };
    struct psp_http http;
    char key[PSP_KEY_SIZE];
    BUF_SCOPE struct buf path;
    BUF_SCOPE struct buf form;
    BUF_SCOPE struct buf body;
    buf_init(&path, STRIPE_PATH_SIZE_MAX);
    buf_init(&form, STRIPE_FORM_SIZE_MAX);
    buf_init(&body, STRIPE_ANSWER_SIZE_MAX);
    *out_reply = (struct psp_reply){ 0 };
    if (stripe_order_write(order, &path, &form) != STATUS_OK) {
        psp_reply_set(out_reply, PSP_ANSWER_INVALID, STR("not_representable"));
    } else if (arena_init(&arena, STRIPE_ARENA_SIZE_MAX) != STATUS_OK) {
        psp_caller_silence(STATUS_UNAVAILABLE, out_reply);
    } else {
        struct psp_request request = get_make(buf_view(&path), psp_caller_until(&stripe->caller));
        request.method = STR("POST");
        request.body = buf_view(&form);
        request.content_type = STR("application/x-www-form-urlencoded");
        request.idempotency_key = psp_key(order->payment, order->step_number, key);
        request.trace = order->trace;
        request.watched = order->watched;
        enum status status = psp_caller_call(&stripe->caller, &request, &http, &body, NULL);
        if (status == STATUS_OK) {
            out_reply->http_status = (uint16_t)http.status;
            stripe_answer_read(order, &http, &arena, out_reply);
        } else {
            psp_caller_silence(status, out_reply);
        }
    }
    arena_done(&arena);
    psp_caller_finish(&stripe->caller, start, out_reply);
}

/* One page; true when there is another, which out_after names. */
static bool query_page(struct stripe_psp *stripe, const struct psp_order *order,
                       struct monotonic_time until, struct psp_reply *reply,
                       char after[PSP_TOKEN_SIZE])
{
    struct arena arena = { 0 };
    struct psp_http http;
    bool more = false;
    BUF_SCOPE struct buf path;
    BUF_SCOPE struct buf body;
    buf_init(&path, STRIPE_PATH_SIZE_MAX);
    buf_init(&body, STRIPE_ANSWER_SIZE_MAX);
    if (stripe_query_write(order, after, &path) != STATUS_OK) {
        psp_reply_set(reply, PSP_ANSWER_UNKNOWN, STR("not_representable"));
        return false;
    }
    if (arena_init(&arena, STRIPE_ARENA_SIZE_MAX) != STATUS_OK) {
        psp_caller_silence(STATUS_UNAVAILABLE, reply);
        return false;
    }
    struct psp_request request = get_make(buf_view(&path), until);
    request.trace = order->trace;
    request.watched = order->watched;
    enum status status = psp_caller_call(&stripe->caller, &request, &http, &body, NULL);
    if (status == STATUS_OK) {
        reply->http_status = (uint16_t)http.status;
        more = stripe_query_read(order, &http, &arena, reply, after);
    } else {
        psp_caller_silence(status, reply);
    }
    arena_done(&arena);
    return more;
}

static void stripe_query(struct psp *psp, const struct psp_order *order,
                         struct psp_reply *out_reply)
{
    struct stripe_psp *stripe = (struct stripe_psp *)psp;
    struct monotonic_time start = clock_monotonic(stripe->caller.options.clock);
    struct monotonic_time until = psp_caller_until(&stripe->caller);
    char after[PSP_TOKEN_SIZE] = "";
    *out_reply = (struct psp_reply){ .query = true };
    for (unsigned page = 0; page < STRIPE_PAGES_MAX; page++) {
        if (!query_page(stripe, order, until, out_reply, after)) break;
    }
    psp_caller_finish(&stripe->caller, start, out_reply);
}

/* ---- Statements ---- */

static struct cursor cursor_get(struct stripe_psp *stripe)
{
    pthread_mutex_lock(&stripe->mutex);
    struct cursor cursor = stripe->cursor;
    pthread_mutex_unlock(&stripe->mutex);
    return cursor;
}

static void cursor_put(struct stripe_psp *stripe, const struct cursor *cursor)
{
    pthread_mutex_lock(&stripe->mutex);
    stripe->cursor = *cursor;
    pthread_mutex_unlock(&stripe->mutex);
}

static void cursor_advance(struct cursor *cursor, const struct psp_line *lines, uint32_t count)
{
    if (count == 0) return;
    cursor->next += count;
    memcpy(cursor->after, lines[count - 1].id, sizeof cursor->after);
}

static enum status page_fetch(struct stripe_psp *stripe, const struct cursor *cursor,
                              struct monotonic_time until, struct psp_line *out_lines,
                              struct stripe_page *out_page, struct error *out_error)
{
    struct arena arena = { 0 };
    struct psp_http http;
    BUF_SCOPE struct buf path;
    BUF_SCOPE struct buf body;
    buf_init(&path, STRIPE_PATH_SIZE_MAX);
    buf_init(&body, STRIPE_ANSWER_SIZE_MAX);
    stripe_statement_path(cursor->day, cursor->after, &path);
    const struct psp_request request = get_make(buf_view(&path), until);
    enum status status = psp_caller_call(&stripe->caller, &request, &http, &body, out_error);
    if (status == STATUS_LIMIT) return error_set(out_error, STATUS_INVALID, "it is too long");
    if (status != STATUS_OK) return STATUS_UNAVAILABLE;
    if (http.status != 200) {
        return error_set(out_error, STATUS_UNAVAILABLE, "%s answers %u",
                         stripe->caller.options.name, http.status);
    }
    if (arena_init(&arena, STRIPE_ARENA_SIZE_MAX) != STATUS_OK)
        return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    status = stripe_statement_read(http.body, &arena, out_lines, STRIPE_PAGE_OBJECTS, out_page,
                                   out_error);
    arena_done(&arena);
    return status;
}

/* Pages on until the line `from` is next. *out_end: there are fewer lines. */
static enum status cursor_reach(struct stripe_psp *stripe, struct cursor *cursor, uint32_t from,
                                struct monotonic_time until, bool *out_end, struct error *out_error)
{
    struct psp_line lines[STRIPE_PAGE_OBJECTS];
    bool end = false;
    while (cursor->next < from && !end) {
        struct stripe_page page = { 0 };
        enum status status = page_fetch(stripe, cursor, until, lines, &page, out_error);
        if (status != STATUS_OK) return status;
        uint32_t wanted = from - cursor->next;
        end = page.count < wanted && (!page.more || page.count == 0);
        cursor_advance(cursor, lines, page.count < wanted ? page.count : wanted);
        cursor_put(stripe, cursor);
    }
    *out_end = end;
    return STATUS_OK;
}

static enum status stripe_statement(struct psp *psp, const struct psp_part *part,
                                    struct psp_line *out_lines, uint32_t *out_count,
                                    struct error *out_error)
{
    struct stripe_psp *stripe = (struct stripe_psp *)psp;
    struct monotonic_time until = psp_caller_until(&stripe->caller);
    if (business_date_of(clock_wall(stripe->caller.options.clock)).days <= part->day.days)
        return error_set(out_error, STATUS_NOT_FOUND, "the day is not over");
    struct cursor cursor = cursor_get(stripe);
    if (cursor.day.days != part->day.days || cursor.next > part->from)
        cursor = (struct cursor){ .day = part->day };
    bool end = false;
    enum status status = cursor_reach(stripe, &cursor, part->from, until, &end, out_error);
    if (status != STATUS_OK) return status;
    struct psp_line lines[STRIPE_PAGE_OBJECTS];
    uint32_t count = 0;
    while (count < part->limit && !end) {
        struct stripe_page page = { 0 };
        status = page_fetch(stripe, &cursor, until, lines, &page, out_error);
        if (status != STATUS_OK) return status;
        uint32_t taken = page.count < part->limit - count ? page.count : part->limit - count;
        memcpy(out_lines + count, lines, taken * sizeof lines[0]);
        cursor_advance(&cursor, lines, taken);
        count += taken;
        end = !page.more || page.count == 0;
    }
    cursor_put(stripe, &cursor);
    *out_count = count;
    return STATUS_OK;
}

static void stripe_close(struct psp *psp)
{
    struct stripe_psp *stripe = (struct stripe_psp *)psp;
    if (stripe == NULL) return;
    int error = pthread_mutex_destroy(&stripe->mutex);
    CHECK(error == 0);
    free(stripe);
}

enum status stripe_psp_open(const struct psp_options *options, struct psp **out_psp,
                            struct error *out_error)
{
    struct stripe_psp *stripe = calloc(1, sizeof *stripe);
    if (stripe == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    enum status status = psp_caller_init(&stripe->caller, options, out_error);
    if (status != STATUS_OK) {
        free(stripe);
        return status;
    }
    int error = pthread_mutex_init(&stripe->mutex, NULL);
    CHECK(error == 0);
    uint32_t horizon_ms = options->horizon_ms > 0 ? options->horizon_ms : STRIPE_HORIZON_MS;
    uint32_t window_ms = options->key_window_ms > 0 ? options->key_window_ms : STRIPE_KEY_WINDOW_MS;
    stripe->port = (struct psp){
        .traits = { .call_ms_max = stripe->caller.options.call_ms_max,
                    .horizon_ms = horizon_ms,
                    .key_window_ms = window_ms,
                    .operations = (1U << PSP_OPERATION_END) - 2 },
        .order = stripe_order,
        .query = stripe_query,
        .statement = stripe_statement,
        .close = stripe_close,
    };
    memcpy(stripe->port.traits.name, options->name, strlen(options->name));
    *out_psp = &stripe->port;
    return STATUS_OK;
}

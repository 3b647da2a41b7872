/* /v1/events: what others may know of the journal, in its order, as a list or a stream. */
#include "api/lookup.h"
#include "base/check.h"
#include "model/position.h"
#include "wallet/event_envelope.h"
#include "wallet/journal_feed.h"

enum {
    RETRY_MS = 500, /* how soon a stream's reader comes back when it has ended */
    ANSWER_ROOM = API_ANSWER_SIZE_MAX - 2 * EVENT_SIZE_MAX,
};

/* What a page of events is written into. */
struct page {
    struct work *work;
    struct json_writer json;
    struct buf memory;
    struct buf envelope;
    struct position last; /* the newest that was written, or looked at */
    uint32_t count;
};

static enum status event_add(struct page *page, struct event_feed *feed, struct error *out_error)
{
    struct feed_event event;
    enum status status = feed->next(feed, page->last, &page->memory, &event, out_error);
    if (status != STATUS_OK) return status;
    page->last = event.position;
    buf_reset(&page->envelope);
    status = event_envelope_write(&event, NULL, &page->envelope);
    if (status != STATUS_OK) return error_set(out_error, status, "an event is too large");
    json_write_json(&page->json, buf_view(&page->envelope));
    page->count++;
    return STATUS_OK;
}

/* Until the page is full; STATUS_NOT_FOUND: there are no more now. */
static enum status page_fill(struct page *page, struct event_feed *feed, struct error *out_error)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && page->count < page->work->query.limit &&
           page->work->call->answer.len < ANSWER_ROOM) {
        status = event_add(page, feed, out_error);
    }
    return status;
}

static void list_open(struct page *page)
{
    json_writer_init(&page->json, &page->work->call->answer);
    json_write_object_begin(&page->json);
    json_write_key(&page->json, STR("items"));
    json_write_array_begin(&page->json);
}

/* Where to go on: behind the last one, or where it was asked from. */
static void list_close(struct page *page)
{
    char text[POSITION_TEXT_SIZE];
    json_write_array_end(&page->json);
    json_write_key(&page->json, STR("next"));
    json_write_string(&page->json, position_format(page->last, text));
    json_write_object_end(&page->json);
    enum status status = json_write_end(&page->json);
    CHECK(status == STATUS_OK || page->work->call->answer.overflow); /* api_finish() looks */
}

static void events_run(struct work *work)
{
    struct page page = { .work = work, .last = work->query.after };
    buf_init(&page.memory, EVENT_SIZE_MAX);
    buf_init(&page.envelope, 2 * EVENT_SIZE_MAX);
    list_open(&page);
    struct error error = { 0 };
    enum status status = page_fill(&page, work->api->options.events, &error);
    buf_free(&page.memory);
    buf_free(&page.envelope);
    if (status != STATUS_NOT_FOUND && !work_history_ok(work, status, &error)) return;
    list_close(&page);
}

/* ---- The stream ---- */

static bool is_stream(const struct work *work)
{
    return str_equal(work->call->accept, STR("text/event-stream"));
}

static bool last_event_take(struct work *work)
{
    struct str last = work->call->last_event_id;
    bool given = (work->query.present & PARAMETER_AFTER) != 0;
    if (given || last.len == 0 || position_parse(last, &work->query.after)) return true;
    (void)problem_raise(&work->problem, PROBLEM_INVALID_PARAMETER, NULL);
    problem_field(&work->problem, "Last-Event-ID");
    problem_detail(&work->problem, "must be the id of an event: BATCH-INDEX");
    return false;
}

/* The last thing that happens to the call before its answer goes out: nothing fails behind it. */
static void stream_begin(struct work *work)
{
    struct api_call *call = work->call;
    const struct digest *key = work->by_key ? &work->key : NULL;
    enum status status = STATUS_OK;
    if (call->method != API_HEAD)
        status = event_streams_join(work->api->streams, call, work->query.after, key);
    if (status == STATUS_STOPPED) {
        (void)problem_raise(&work->problem, PROBLEM_STOPPING, "wait and come back");
        return;
    }
    if (status != STATUS_OK) {
        (void)problem_raise(&work->problem, PROBLEM_TOO_BUSY,
                            "close a stream, or read pages: GET /v1/events?after=");
        problem_detail(&work->problem, "as many streams are open as there may be");
        return;
    }
    buf_append_format(&call->answer, "retry: %d\n\n", RETRY_MS);
    call->answer_type = "text/event-stream";
    work->cacheable = "no-store";
}

static enum api_progress events_start(struct work *work)
{
    const struct api *api = work->api;
    if (!last_event_take(work)) return API_READY;
    if (is_stream(work) ? api->streams == NULL : api->options.events == NULL) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_detail(&work->problem, "this server gives out no events");
        return API_READY;
    }
    if (is_stream(work)) return API_READY;
    work->slow = true;
    return work_queue(work);
}

static void events_write(struct work *work)
{
    if (is_stream(work)) stream_begin(work);
}

HANDLER(ROUTE_EVENTS_LIST, events_list) = {
    .start = events_start,
    .run = events_run,
    .write = events_write,
};

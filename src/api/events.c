/* /v1/events: what others may know of the journal, in its order, as a list or a stream. */
#include "api/lookup.h"
#include "base/check.h"
#include "model/position.h"
#include "wallet/event_envelope.h"
#include "wallet/journal_feed.h"

enum {
    RETRY_MS = 500, /* how soon a stream's reader comes back for more */
    ANSWER_ROOM = API_ANSWER_SIZE_MAX - 2 * EVENT_SIZE_MAX,
};

/* What a page of events is written into. */
struct page {
    struct work *work;
    struct buf memory;
    struct buf envelope;
    struct position last; /* the newest that was written, or looked at */
    uint32_t count;
    bool stream;
};

static bool is_stream(const struct work *work)
{
    return str_equal(work->call->accept, STR("text/event-stream"));
}

/* https://html.spec.whatwg.org/#server-sent-events: one event, its id to go on from. */
static void stream_write(struct page *page, const struct feed_event *event)
{
    struct buf *out = &page->work->call->answer;
    buf_append_format(out, "id: %.*s\nevent: %.*s\ndata: ", STR_ARG(event->id),
                      STR_ARG(event->type));
    buf_append_str(out, buf_view(&page->envelope));
    buf_append_str(out, STR("\n\n"));
}

static enum status event_add(struct page *page, struct event_feed *feed, struct error *out_error)
{
    struct feed_event event;
    enum status status = feed->next(feed, page->last, &page->memory, &event, out_error);
    if (status != STATUS_OK) return status;
    page->last = event.position;
    buf_reset(&page->envelope);
    status = event_envelope_write(&event, NULL, &page->envelope);
    if (status != STATUS_OK) return error_set(out_error, status, "an event is too large");
    if (page->stream) {
        stream_write(page, &event);
    } else {
        if (page->count > 0) buf_append_byte(&page->work->call->answer, ',');
        buf_append_str(&page->work->call->answer, buf_view(&page->envelope));
    }
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

/* Where to go on: behind the last one, or where it was asked from. */
static void list_close(struct page *page)
{
    struct buf *out = &page->work->call->answer;
    char text[POSITION_TEXT_SIZE];
    struct str next = position_format(page->last, text);
    buf_append_format(out, "],\"next\":\"%.*s\"}", STR_ARG(next));
}

static void events_run(struct work *work)
{
    struct event_feed *feed = work->api->options.events;
    if (feed == NULL) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_detail(&work->problem, "this server gives out no events");
        return;
    }
    struct page page = { .work = work, .last = work->query.after, .stream = is_stream(work) };
    buf_init(&page.memory, EVENT_SIZE_MAX);
    buf_init(&page.envelope, 2 * EVENT_SIZE_MAX);
    struct buf *out = &work->call->answer;
    if (page.stream) {
        buf_append_format(out, "retry: %d\n\n", RETRY_MS);
        work->call->answer_type = "text/event-stream";
    } else {
        buf_append_str(out, STR("{\"items\":["));
    }
    struct error error = { 0 };
    enum status status = page_fill(&page, feed, &error);
    buf_free(&page.memory);
    buf_free(&page.envelope);
    if (status != STATUS_NOT_FOUND && !work_history_ok(work, status, &error)) return;
    if (page.stream && page.count == 0) buf_append_str(out, STR(": nothing new\n\n"));
    if (!page.stream) list_close(&page);
}

static enum api_progress events_start(struct work *work)
{
    struct str last = work->call->last_event_id;
    bool given = (work->query.present & PARAMETER_AFTER) != 0;
    if (!given && last.len > 0 && !position_parse(last, &work->query.after)) {
        (void)problem_raise(&work->problem, PROBLEM_INVALID_PARAMETER, NULL);
        problem_field(&work->problem, "Last-Event-ID");
        problem_detail(&work->problem, "must be the id of an event: BATCH-INDEX");
        return API_READY;
    }
    work->slow = true;
    return work_queue(work);
}

HANDLER(ROUTE_EVENTS_LIST, events_list) = { .start = events_start, .run = events_run };

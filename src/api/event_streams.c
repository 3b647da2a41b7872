/*
 * Streams that wait are in the task's own list, so that nobody who asks for a part waits for one
 * being written. Whoever asks only leaves the stream among the arrivals.
 */
#include "api/event_streams.h"

#include <stdatomic.h>

#include "api/event_tail.h"
#include "base/check.h"
#include "base/reserve.h"
#include "model/position.h"
#include "wallet/event_envelope.h"

enum {
    LOOK_MS = 10,           /* how often the journal's head is looked at while somebody waits */
    LIVE_EVENTS_MAX = 1000, /* read before streams are served */
    ENVELOPE_SIZE_MAX = 2 * EVENT_SIZE_MAX,
    EVENT_TEXT_SIZE_MAX = ENVELOPE_SIZE_MAX + 1024, /* and its id and type */
};
_Static_assert(EVENT_TEXT_SIZE_MAX < TAIL_SIZE_MAX / 2, "every event fits in the tail");

static const char heartbeat[] = ": heartbeat\n\n";
static const char farewell_stop[] = ": the server stops; come back\n\n";
static const char farewell_key[] = ": the key was revoked\n\n";
static const char farewell_fault[] = ": the journal cannot be read now; come back\n\n";

struct event_stream {
    struct api_call *call;
    struct event_stream *next; /* among the free, or the arrivals */
    struct digest key;
    bool by_key;
    bool full;            /* the last part ended for its size: there is more at once */
    _Atomic bool hurried; /* the part that is waited for is not wanted any more */
    struct position after;
    struct monotonic_time beat_at;     /* when a heartbeat is due */
    struct monotonic_time key_look_at; /* when the key is looked at again */
};

struct event_streams {
    struct event_streams_options options;
    struct monitor *monitor; /* guards this block */
    struct event_stream *free;
    struct event_stream *arrived; /* that want their next part, newest first */
    uint32_t made;                /* of all */
    uint32_t open;
    bool asleep;  /* the task does not look by itself */
    bool stirred; /* somebody cannot wait for the next look */
    bool cold;    /* nobody was there for a while: the tail begins anew */
    bool ended;
    struct task *task;
    _Atomic bool stopping; /* every part is the last */
    _Atomic uint64_t refused;
    _Atomic uint64_t events;
    _Atomic uint64_t heartbeats;
    _Atomic uint64_t revoked;
    /* The task's own. */
    struct event_stream *waiting[EVENT_STREAMS_MAX];
    uint32_t waiting_count;
    uint32_t behind_at;             /* whose turn it is to be read to from the journal */
    struct monotonic_time next_due; /* the first heartbeat, or look at a key */
    bool failing;                   /* the journal could not be read; said so */
    struct buf memory;
    struct buf envelope;
    struct buf text;
    struct event_tail tail;
    struct event_stream all[EVENT_STREAMS_MAX];
};

/* ---- Text ---- */

static enum status event_text_append(struct event_streams *streams, const struct feed_event *event,
                                     struct buf *out_text)
{
    buf_reset(&streams->envelope);
    enum status status = event_envelope_write(event, NULL, &streams->envelope);
    if (status != STATUS_OK) return status;
    buf_append_format(out_text, "id: %.*s\nevent: %.*s\ndata: ", STR_ARG(event->id),
                      STR_ARG(event->type));
    buf_append_str(out_text, buf_view(&streams->envelope));
    buf_append_str(out_text, STR("\n\n"));
    return buf_status(out_text);
}

/* ---- A part is given ---- */

static void part_give(struct event_streams *streams, struct event_stream *stream,
                      struct monotonic_time now)
{
    stream->beat_at.ns = now.ns + streams->options.heartbeat_ms * NS_PER_MS;
    if (buf_status(&stream->call->answer) != STATUS_OK) {
        buf_reset(&stream->call->answer);
        stream->call->streams = false;
    }
    stream->call->ready(stream->call); /* it may be asked for again, or be gone, from here on */
}

static void part_give_last(struct event_streams *streams, struct event_stream *stream,
                           const char *farewell, struct monotonic_time now)
{
    stream->call->streams = false;
    buf_append_str(&stream->call->answer, str_from(farewell));
    part_give(streams, stream, now);
}

static void events_counted(struct event_streams *streams, uint32_t count)
{
    atomic_fetch_add_explicit(&streams->events, count, memory_order_relaxed);
}

static bool key_is_live(struct event_streams *streams, struct event_stream *stream,
                        struct monotonic_time now)
{
    struct credential credential;
    if (!stream->by_key || now.ns < stream->key_look_at.ns) return true;
    stream->key_look_at.ns = now.ns + EVENT_KEY_LOOK_MS * NS_PER_MS;
    const struct event_streams_options *options = &streams->options;
    enum status status = options->keys != NULL
                             ? key_ring_find(options->keys, &stream->key, &credential)
                             : lane_credential_by_digest(options->lane, &stream->key, &credential);
    return status == STATUS_OK;
}

/* What can be given out of memory; false: the stream waits on. */
static bool stream_serve(struct event_streams *streams, struct event_stream *stream,
                         struct monotonic_time now)
{
    if (atomic_load(&stream->hurried) || atomic_load(&streams->stopping)) {
        part_give_last(streams, stream, farewell_stop, now);
        return true;
    }
    if (!key_is_live(streams, stream, now)) {
        atomic_fetch_add_explicit(&streams->revoked, 1, memory_order_relaxed);
        part_give_last(streams, stream, farewell_key, now);
        return true;
    }
    if (event_tail_covers(&streams->tail, stream->after)) {
        struct buf *answer = &stream->call->answer;
        uint32_t count = event_tail_copy(&streams->tail, EVENT_PART_SIZE, &stream->after, answer);
        stream->full = answer->len >= EVENT_PART_SIZE;
        events_counted(streams, count);
        if (count > 0) part_give(streams, stream, now);
        if (count > 0) return true;
    }
    if (now.ns < stream->beat_at.ns) return false;
    buf_append_str(&stream->call->answer, str_from(heartbeat));
    atomic_fetch_add_explicit(&streams->heartbeats, 1, memory_order_relaxed);
    part_give(streams, stream, now);
    return true;
}

static void due_note(struct event_streams *streams, const struct event_stream *stream)
{
    int64_t due_ns = stream->beat_at.ns;
    if (stream->by_key && stream->key_look_at.ns < due_ns) due_ns = stream->key_look_at.ns;
    if (due_ns < streams->next_due.ns) streams->next_due.ns = due_ns;
}

static void all_serve(struct event_streams *streams)
{
    struct monotonic_time now = clock_monotonic(streams->options.clock);
    uint32_t kept = 0;
    streams->next_due = MONOTONIC_NEVER;
    for (uint32_t i = 0; i < streams->waiting_count; i++) {
        struct event_stream *stream = streams->waiting[i];
        if (stream_serve(streams, stream, now)) continue;
        streams->waiting[kept++] = stream;
        due_note(streams, stream);
    }
    streams->waiting_count = kept;
}

/* Once for each time that it begins to fail; whoever waits comes back later. */
static void journal_failed(struct event_streams *streams, const struct error *error)
{
    struct monotonic_time now = clock_monotonic(streams->options.clock);
    struct log_field field = { STR("detail"), str_from(error->detail), 0 };
    const struct log_line line = {
        .level = LOG_ERROR,
        .event = STR("api.stream_failed"),
        .message = str_from(error->message),
        .fields = &field,
        .field_count = 1,
    };
    if (!streams->failing) log_write(streams->options.log, line);
    streams->failing = true;
    for (uint32_t i = 0; i < streams->waiting_count; i++)
        part_give_last(streams, streams->waiting[i], farewell_fault, now);
    streams->waiting_count = 0;
}

/* ---- The journal ---- */

static struct position head_position(struct event_streams *streams)
{
    struct lane_status status;
    lane_get_status(streams->options.lane, &status);
    return (struct position){ status.head.sequence, POSITION_INDEX_END };
}

/* The next event as text in streams->text, which is emptied first. */
static enum status event_read(struct event_streams *streams, struct position after,
                              struct position *out_position, struct error *out_error)
{
    struct event_feed *feed = streams->options.feed;
    struct feed_event event;
    enum status status = feed->next(feed, after, &streams->memory, &event, out_error);
    if (status != STATUS_OK) return status;
    buf_reset(&streams->text);
    status = event_text_append(streams, &event, &streams->text);
    if (status != STATUS_OK) return error_set(out_error, status, "an event is too large");
    *out_position = event.position;
    return STATUS_OK;
}

/* What is new goes into the tail; true: there is more of it. */
static bool news_read(struct event_streams *streams, struct position head)
{
    struct event_tail *tail = &streams->tail;
    struct error error = { 0 };
    enum status status = STATUS_OK;
    for (uint32_t count = 0; count < LIVE_EVENTS_MAX && position_compare(tail->to, head) < 0;
         count++) {
        struct position position = { 0 };
        status = event_read(streams, tail->to, &position, &error);
        if (status != STATUS_OK) break;
        /* without memory the tail is empty behind it, and it is read from the journal */
        (void)event_tail_add(tail, position, buf_view(&streams->text));
    }
    if (status == STATUS_NOT_FOUND) event_tail_pass(tail, head);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        streams->failing = false;
        return position_compare(tail->to, head) < 0;
    }
    journal_failed(streams, &error);
    return false;
}

/* A part out of the journal. What nothing is found behind has come to where the tail is. */
static enum status part_read(struct event_streams *streams, struct event_stream *stream,
                             struct error *out_error)
{
    struct buf *answer = &stream->call->answer;
    struct position head = head_position(streams);
    enum status status = STATUS_OK;
    uint32_t count = 0;
    while (answer->len < EVENT_PART_SIZE) {
        status = event_read(streams, stream->after, &stream->after, out_error);
        if (status != STATUS_OK) break;
        buf_append_str(answer, buf_view(&streams->text));
        count++;
    }
    events_counted(streams, count);
    stream->full = status == STATUS_OK;
    if (status != STATUS_NOT_FOUND) return status;
    if (position_compare(head, stream->after) > 0) stream->after = head;
    return STATUS_OK;
}

/* Reads to one of those who are behind, by turns; true: somebody was. */
static bool one_catch_up(struct event_streams *streams)
{
    uint32_t count = streams->waiting_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (streams->behind_at + i) % count;
        struct event_stream *stream = streams->waiting[at];
        if (event_tail_covers(&streams->tail, stream->after)) continue;
        struct error error = { 0 };
        streams->behind_at = at; /* another one takes this place, if this one goes */
        if (part_read(streams, stream, &error) != STATUS_OK) {
            buf_reset(&stream->call->answer);
            journal_failed(streams, &error);
            return false;
        }
        if (stream->call->answer.len == 0) return true; /* it waits on, for what is new */
        streams->waiting[at] = streams->waiting[--streams->waiting_count];
        part_give(streams, stream, clock_monotonic(streams->options.clock));
        return true;
    }
    return false;
}

/* ---- The task ---- */

static void arrivals_take(struct event_streams *streams)
{
    struct event_stream *next = NULL;
    for (struct event_stream *at = streams->arrived; at != NULL; at = next) {
        next = at->next;
        streams->waiting[streams->waiting_count++] = at;
    }
    streams->arrived = NULL;
}

/* Until there may be something to do; false: the task ends. */
static bool round_begin(struct event_streams *streams, bool busy, bool *out_look_at_all)
{
    struct sync *sync = streams->options.sync;
    sync->lock(streams->monitor);
    bool timed_out = false;
    while (!streams->ended && !streams->stirred && !busy && !timed_out) {
        struct monotonic_time until = MONOTONIC_NEVER;
        streams->asleep = streams->waiting_count == 0 && streams->arrived == NULL;
        if (!streams->asleep)
            until.ns = clock_monotonic(streams->options.clock).ns + LOOK_MS * NS_PER_MS;
        timed_out = !sync->wait(streams->monitor, until);
    }
    streams->asleep = false;
    *out_look_at_all = streams->stirred || streams->arrived != NULL;
    streams->stirred = false;
    arrivals_take(streams);
    bool goes_on = !streams->ended;
    bool cold = streams->cold;
    streams->cold = false;
    sync->unlock(streams->monitor);
    if (cold) event_tail_reset(&streams->tail, head_position(streams));
    return goes_on;
}

static void streams_body(void *argument)
{
    struct event_streams *streams = argument;
    bool busy = false;
    bool look_at_all = false;
    while (round_begin(streams, busy, &look_at_all)) {
        struct position head = head_position(streams);
        bool news = position_compare(streams->tail.to, head) < 0;
        busy = news && news_read(streams, head);
        struct monotonic_time now = clock_monotonic(streams->options.clock);
        if (news || look_at_all || now.ns >= streams->next_due.ns) all_serve(streams);
        if (one_catch_up(streams)) busy = true;
    }
}

/* ---- What others call ---- */

enum status event_streams_new(const struct event_streams_options *options,
                              struct event_streams **out_streams, struct error *out_error)
{
    CHECK(options->feed != NULL);
    CHECK(options->heartbeat_ms > 0);
    CHECK(options->streams_max <= EVENT_STREAMS_MAX);
    struct event_streams *streams = reserve_new(sizeof *streams);
    if (streams == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the streams");
    struct sync *sync = options->sync;
    streams->options = *options;
    streams->next_due = MONOTONIC_NEVER;
    streams->monitor = sync->monitor_new(sync, "streams");
    buf_init(&streams->memory, EVENT_SIZE_MAX);
    buf_init(&streams->envelope, ENVELOPE_SIZE_MAX);
    buf_init(&streams->text, EVENT_TEXT_SIZE_MAX);
    event_tail_init(&streams->tail);
    enum status status = sync->spawn(sync, "streams", streams_body, streams, &streams->task);
    if (status != STATUS_OK) {
        event_streams_free(streams);
        return error_set(out_error, status, "no task for the streams could be started");
    }
    *out_streams = streams;
    return STATUS_OK;
}

void event_streams_free(struct event_streams *streams)
{
    if (streams == NULL) return;
    struct sync *sync = streams->options.sync;
    sync->lock(streams->monitor);
    CHECK(streams->open == 0);
    streams->ended = true;
    sync->wake_all(streams->monitor);
    sync->unlock(streams->monitor);
    sync->join(streams->task);
    sync->monitor_free(streams->monitor);
    event_tail_done(&streams->tail);
    buf_free(&streams->memory);
    buf_free(&streams->envelope);
    buf_free(&streams->text);
    reserve_free(streams, sizeof *streams);
}

/* Under the lock; NULL: there are too many. */
static struct event_stream *stream_take(struct event_streams *streams)
{
    if (streams->open == streams->options.streams_max) return NULL;
    struct event_stream *stream = streams->free;
    if (stream != NULL)
        streams->free = stream->next;
    else
        stream = &streams->all[streams->made++];
    if (streams->open == 0) streams->cold = true;
    streams->open++;
    return stream;
}

enum status event_streams_join(struct event_streams *streams, struct api_call *call,
                               struct position after, const struct digest *key)
{
    CHECK(call->stream == NULL);
    if (atomic_load(&streams->stopping)) return STATUS_STOPPED;
    struct sync *sync = streams->options.sync;
    sync->lock(streams->monitor);
    struct event_stream *stream = stream_take(streams);
    sync->unlock(streams->monitor);
    if (stream == NULL) {
        atomic_fetch_add_explicit(&streams->refused, 1, memory_order_relaxed);
        return STATUS_LIMIT;
    }
    struct monotonic_time now = clock_monotonic(streams->options.clock);
    *stream = (struct event_stream){
        .by_key = key != NULL,
        .after = after,
        .full = true, /* what there is comes at once */
        .beat_at = { now.ns + streams->options.heartbeat_ms * NS_PER_MS },
        .key_look_at = { now.ns + EVENT_KEY_LOOK_MS * NS_PER_MS },
    };
    if (key != NULL) stream->key = *key;
    call->stream = stream;
    call->streams = true;
    return STATUS_OK;
}

enum api_progress event_streams_more(struct event_streams *streams, struct api_call *call)
{
    struct event_stream *stream = call->stream;
    CHECK(stream != NULL);
    struct sync *sync = streams->options.sync;
    buf_reset(&call->answer);
    stream->call = call;
    atomic_store(&stream->hurried, false);
    sync->lock(streams->monitor);
    stream->next = streams->arrived;
    streams->arrived = stream;
    bool wakes = stream->full || streams->asleep || atomic_load(&streams->stopping);
    if (wakes) streams->stirred = true;
    sync->unlock(streams->monitor);
    if (wakes) sync->wake_all(streams->monitor);
    return API_PENDING;
}

static void task_stir(struct event_streams *streams)
{
    struct sync *sync = streams->options.sync;
    sync->lock(streams->monitor);
    streams->stirred = true;
    sync->wake_all(streams->monitor);
    sync->unlock(streams->monitor);
}

void event_streams_hurry(struct event_streams *streams, struct api_call *call)
{
    struct event_stream *stream = call->stream;
    CHECK(stream != NULL);
    atomic_store(&stream->hurried, true);
    task_stir(streams);
}

void event_streams_leave(struct event_streams *streams, struct api_call *call)
{
    struct event_stream *stream = call->stream;
    CHECK(stream != NULL);
    call->stream = NULL;
    call->streams = false;
    struct sync *sync = streams->options.sync;
    sync->lock(streams->monitor);
    stream->next = streams->free;
    streams->free = stream;
    streams->open--;
    sync->unlock(streams->monitor);
}

void event_streams_stop(struct event_streams *streams)
{
    atomic_store(&streams->stopping, true);
    task_stir(streams);
}

void event_streams_get_status(struct event_streams *streams,
                              struct event_streams_status *out_status)
{
    struct sync *sync = streams->options.sync;
    sync->lock(streams->monitor);
    uint64_t open = streams->open;
    sync->unlock(streams->monitor);
    *out_status = (struct event_streams_status){
        .open = open,
        .refused = atomic_load(&streams->refused),
        .events = atomic_load(&streams->events),
        .heartbeats = atomic_load(&streams->heartbeats),
        .revoked = atomic_load(&streams->revoked),
    };
}

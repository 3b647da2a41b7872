/*
 * The library does not look at connections that are suspended, so it would not notice that a
 * client has gone before the next part is sent. So they are looked at here, many with one poll().
 */
#define _GNU_SOURCE 1 /* POLLRDHUP */

#include "adapter/http_server_stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/check.h"

enum {
    LIBRARY_BLOCK_SIZE = 16 << 10, /* asked for at once, when the length were known */
    WATCH_AT_ONCE = 256,
};

static void stream_wait(struct http_stream *stream)
{
    struct http_loop *loop = stream->loop;
    stream->next = loop->streams;
    stream->previous = NULL;
    if (stream->next != NULL) stream->next->previous = stream;
    loop->streams = stream;
    stream->asked = true;
    stream->hurried = false;
    connection_enter(stream->peer, PHASE_STREAM);
    http_loop_suspend(loop, stream->resume);
}

static void stream_unlink(struct http_stream *stream)
{
    if (stream->next != NULL) stream->next->previous = stream->previous;
    if (stream->previous != NULL) stream->previous->next = stream->next;
    if (stream->loop->streams == stream) stream->loop->streams = stream->next;
    stream->asked = false;
}

void http_stream_end(struct http_stream *stream)
{
    if (stream->asked) stream_unlink(stream);
}

static void stream_wake(struct http_stream *stream)
{
    CHECK(atomic_load(&stream->resume->mark) == MARK_READY);
    stream_unlink(stream);
    connection_enter(stream->peer, PHASE_PART);
}

/* False: the next part has to be waited for. */
static bool part_next(struct http_stream *stream)
{
    stream->sent = 0;
    if (stream->asked) {
        stream_wake(stream);
        return true;
    }
    atomic_store(&stream->resume->mark, MARK_NONE);
    connection_enter(stream->peer, PHASE_PART);
    enum api_progress progress = stream->service->more(stream->service->api, stream->call);
    if (progress == API_READY) return true;
    stream_wait(stream);
    return false;
}

static ssize_t stream_read(void *context, uint64_t position, char *out_bytes, size_t size)
{
    (void)position; /* the library never goes back */
    struct http_stream *stream = context;
    struct buf *answer = &stream->call->answer;
    while (stream->asked || stream->sent == answer->len) {
        if (!stream->asked && !stream->call->streams) return MHD_CONTENT_READER_END_OF_STREAM;
        if (!part_next(stream)) return 0;
    }
    size_t left = answer->len - stream->sent;
    size_t len = left < size ? left : size;
    memcpy(out_bytes, answer->data + stream->sent, len);
    stream->sent += len;
    return (ssize_t)len;
}

struct MHD_Response *http_stream_response(struct http_stream *stream)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, LIBRARY_BLOCK_SIZE, stream_read,
                                             stream, NULL);
}

static struct http_stream *some_watch(struct http_stream *from)
{
    struct pollfd fds[WATCH_AT_ONCE];
    struct http_stream *streams[WATCH_AT_ONCE];
    nfds_t count = 0;
    for (; from != NULL && count < WATCH_AT_ONCE; from = from->next) {
        if (from->hurried) continue;
        streams[count] = from;
        fds[count++] = (struct pollfd){ .fd = from->peer->fd, .events = POLLRDHUP };
    }
    int gone = poll(fds, count, 0);
    CHECK(gone >= 0 || errno == EINTR || errno == ENOMEM); /* the next look sees them */
    for (nfds_t i = 0; gone > 0 && i < count; i++) {
        if (fds[i].revents == 0) continue;
        streams[i]->hurried = true;
        streams[i]->service->hurry(streams[i]->service->api, streams[i]->call);
    }
    return from;
}

void http_streams_watch(struct http_loop *loop)
{
    int64_t now_ns = atomic_load_explicit(&loop->connections->tick_ns, memory_order_relaxed);
    if (loop->streams == NULL || now_ns - loop->watched_ns < STREAM_WATCH_MS * NS_PER_MS) return;
    loop->watched_ns = now_ns;
    struct http_stream *at = loop->streams;
    while (at != NULL) at = some_watch(at);
}

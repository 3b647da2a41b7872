/* http_server_test.h - for tests: a small API behind a real server, and raw connections to it. */
#ifndef ADAPTER_HTTP_SERVER_TEST_H
#define ADAPTER_HTTP_SERVER_TEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/http_server.h"
#include "adapter/system_clock.h"
#include "adapter/thread_sync.h"

/*
 * GET /ready is answered at once. POST /echo is answered by another task, with the body. POST
 * /hold waits for double_release(). POST /sink keeps the body for double_sunk(). Everything else
 * is 404; the two first are also what HEAD and the local socket see.
 *
 * GET /stream begins with "first\n" and goes on with what double_part() gives; the text "gone\n" or
 * "stop\n" is the last part when it is hurried, or stopped. GET /flood has no end.
 */
enum { DOUBLE_BODY_MAX = 1 << 20, DOUBLE_QUEUE_MAX = 4096, DOUBLE_FLOOD_SIZE = 64 << 10 };

struct api {
    struct sync *sync;
    struct monitor *monitor;
    struct task *task;
    struct api_call *queue[DOUBLE_QUEUE_MAX]; /* waiting for an answer */
    uint32_t queued;
    bool hold;
    bool stop;
    uint64_t started;
    uint64_t finished;
    struct buf sunk;
    uint32_t sunk_count;
    unsigned sink_status;
    struct api_call *stream; /* that waits for a part */
    bool stopped;
    uint64_t hurried;
    uint64_t joined;
    uint64_t left;
    uint64_t floods;
};

static inline enum api_progress double_start(struct api *api, struct api_call *call)
{
    enum api_progress progress = API_READY;
    api->sync->lock(api->monitor);
    api->started++;
    if (str_equal(call->path, STR("/sink"))) {
        buf_append_str(&api->sunk, call->body);
        buf_append_byte(&api->sunk, '\n');
        api->sunk_count++;
    } else if (call->method == API_POST) {
        assert_true(api->queued < DOUBLE_QUEUE_MAX);
        api->queue[api->queued++] = call;
        if (str_equal(call->path, STR("/hold"))) api->hold = true;
        progress = API_PENDING;
    }
    api->sync->wake_all(api->monitor);
    api->sync->unlock(api->monitor);
    return progress;
}

static inline void double_finish(struct api *api, struct api_call *call)
{
    call->status = 200;
    call->answer_type = "text/plain";
    if (call->method == API_POST) {
        if (str_equal(call->path, STR("/sink"))) call->status = api->sink_status;
        buf_append_str(&call->answer, call->body);
    } else if (str_equal(call->path, STR("/stream")) || str_equal(call->path, STR("/flood"))) {
        buf_append_str(&call->answer, STR("first\n"));
        call->streams = true;
        call->stream = api;
        api->joined++;
    } else if (str_equal(call->path, STR("/ready"))) {
        buf_append_str(&call->answer, call->local ? STR("local") : STR("ready"));
        buf_append_str(&call->answer, call->query);
    } else {
        call->status = 404;
    }
    call->headers[0].name = "X-Double";
    memcpy(call->headers[0].value, "yes", 4);
    call->header_count = 1;
    api->sync->lock(api->monitor);
    api->finished++;
    api->sync->unlock(api->monitor);
}

static inline void double_refuse(struct api_call *call, unsigned status, const char *code,
                                 const char *detail, const char *hint)
{
    (void)detail;
    (void)hint;
    call->status = status;
    call->answer_type = "application/problem+json";
    buf_append_str(&call->answer, str_from(code));
}

static inline size_t double_body_size_max(enum api_method method, struct str path)
{
    (void)path;
    return method == API_POST ? DOUBLE_BODY_MAX : 0;
}

/* Under the lock. */
static inline void double_give(struct api *api, const char *text, bool last)
{
    struct api_call *call = api->stream;
    api->stream = NULL;
    buf_append_str(&call->answer, str_from(text));
    call->streams = !last;
    call->ready(call);
}

static inline enum api_progress double_more(struct api *api, struct api_call *call)
{
    buf_reset(&call->answer);
    api->sync->lock(api->monitor);
    bool flood = str_equal(call->path, STR("/flood"));
    if (flood) {
        memset(buf_extend(&call->answer, DOUBLE_FLOOD_SIZE), 'x', DOUBLE_FLOOD_SIZE);
        api->floods++;
    } else {
        assert_null(api->stream);
        api->stream = call;
        if (api->stopped) double_give(api, "stop\n", true);
    }
    api->sync->wake_all(api->monitor);
    api->sync->unlock(api->monitor);
    return flood ? API_READY : API_PENDING;
}

static inline void double_hurry(struct api *api, struct api_call *call)
{
    api->sync->lock(api->monitor);
    if (api->stream == call) double_give(api, "gone\n", true);
    api->hurried++;
    api->sync->wake_all(api->monitor);
    api->sync->unlock(api->monitor);
}

static inline void double_leave(struct api *api, struct api_call *call)
{
    api->sync->lock(api->monitor);
    assert_ptr_equal(call->stream, api);
    assert_ptr_not_equal(api->stream, call);
    call->stream = NULL;
    api->left++;
    api->sync->wake_all(api->monitor);
    api->sync->unlock(api->monitor);
}

static inline void double_stop(struct api *api)
{
    api->sync->lock(api->monitor);
    api->stopped = true;
    if (api->stream != NULL) double_give(api, "stop\n", true);
    api->sync->unlock(api->monitor);
}

/* Waits for the stream to ask for a part, and gives it. */
static inline void double_part(struct api *api, const char *text, bool last)
{
    struct monotonic_time limit = clock_monotonic(system_clock());
    limit.ns += 20 * NS_PER_S;
    api->sync->lock(api->monitor);
    while (api->stream == NULL) assert_true(api->sync->wait(api->monitor, limit));
    double_give(api, text, last);
    api->sync->unlock(api->monitor);
}

/* Waits until so many streams are over. */
static inline void double_await_left(struct api *api, uint64_t count)
{
    struct monotonic_time limit = clock_monotonic(system_clock());
    limit.ns += 20 * NS_PER_S;
    api->sync->lock(api->monitor);
    while (api->left < count) assert_true(api->sync->wait(api->monitor, limit));
    api->sync->unlock(api->monitor);
}

static inline void double_run(void *argument)
{
    struct api *api = argument;
    api->sync->lock(api->monitor);
    while (!api->stop) {
        while (api->queued > 0 && !api->hold) {
            struct api_call *batch[DOUBLE_QUEUE_MAX];
            uint32_t count = api->queued;
            memcpy(batch, api->queue, count * sizeof batch[0]);
            api->queued = 0;
            api->sync->unlock(api->monitor);
            for (uint32_t i = 0; i < count; i++) batch[i]->ready(batch[i]);
            api->sync->lock(api->monitor);
        }
        if (!api->stop) (void)api->sync->wait(api->monitor, MONOTONIC_NEVER);
    }
    api->sync->unlock(api->monitor);
}

static inline struct api *double_new(void)
{
    struct api *api = calloc(1, sizeof *api);
    assert_non_null(api);
    api->sync = thread_sync();
    api->monitor = api->sync->monitor_new(api->sync, "double");
    api->sink_status = 200;
    buf_init(&api->sunk, 64 << 20);
    assert_int_equal(api->sync->spawn(api->sync, "double", double_run, api, &api->task), STATUS_OK);
    return api;
}

static inline void double_release(struct api *api)
{
    api->sync->lock(api->monitor);
    api->hold = false;
    api->sync->wake_all(api->monitor);
    api->sync->unlock(api->monitor);
}

/* Waits until so many calls were started. */
static inline void double_await_started(struct api *api, uint64_t count)
{
    struct monotonic_time limit = clock_monotonic(system_clock());
    limit.ns += 20 * NS_PER_S;
    api->sync->lock(api->monitor);
    while (api->started < count) assert_true(api->sync->wait(api->monitor, limit));
    api->sync->unlock(api->monitor);
}

static inline void double_free(struct api *api)
{
    assert_int_equal(api->started, api->finished);
    assert_int_equal(api->joined, api->left);
    api->sync->lock(api->monitor);
    api->stop = true;
    api->sync->wake_all(api->monitor);
    api->sync->unlock(api->monitor);
    api->sync->join(api->task);
    api->sync->monitor_free(api->monitor);
    buf_free(&api->sunk);
    free(api);
}

static inline struct http_server_options double_options(struct api *api)
{
    struct http_server_options options = HTTP_SERVER_OPTIONS_DEFAULT;
    options.service = (struct api_service){
        .api = api,
        .start = double_start,
        .finish = double_finish,
        .refuse = double_refuse,
        .body_size_max = double_body_size_max,
        .more = double_more,
        .hurry = double_hurry,
        .leave = double_leave,
        .stop = double_stop,
    };
    options.sync = thread_sync();
    options.clock = system_clock();
    options.listen = "127.0.0.1:0";
    options.plain = true;
    return options;
}

static inline struct http_server *double_serve(const struct http_server_options *options)
{
    struct http_server *server = NULL;
    struct error error = { 0 };
    enum status status = http_server_open(options, &server, &error);
    if (status != STATUS_OK) fail_msg("%s", error.message);
    return server;
}

/* ---- raw connections ---- */

static inline int raw_connect(const struct http_server *server)
{
    const char *address = http_server_address(server);
    const char *colon = strrchr(address, ':');
    assert_non_null(colon);
    struct sockaddr_in there = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    const struct timeval limit = { .tv_sec = 20 };
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&there, sizeof there), 0);
    return fd;
}

static inline void raw_send(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (sent < 0) return; /* the server has closed: what it said is still to be read */
        bytes.data += sent;
        bytes.len -= (size_t)sent;
    }
}

/* Reads until `end` has been received `times`, or the server closes; true in the first case. */
static inline bool raw_receive(int fd, const char *end, unsigned times, char *text, size_t size)
{
    size_t len = 0;
    for (;;) {
        unsigned seen = 0;
        text[len] = '\0';
        for (const char *at = text; (at = strstr(at, end)) != NULL; at++) seen++;
        if (seen >= times) return true;
        assert_true(len + 1 < size);
        ssize_t got = recv(fd, text + len, size - len - 1, 0);
        if (got < 0 && errno == EINTR) continue; /* as a stopped machine does to a timeout */
        if (got < 0 && errno == EAGAIN) fail_msg("no answer: '%s'", text);
        if (got <= 0) return false;
        len += (size_t)got;
    }
}

/* All until the server closes. */
static inline void raw_receive_rest(int fd, char *text, size_t size)
{
    assert_false(raw_receive(fd, "never in an answer", 1, text, size));
}

#endif

/* The list is a stack that is taken whole and turned around, so that answers keep their order. */
#include "adapter/http_server_loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapter/http_server_stream.h"
#include "base/check.h"
#include "port/clock.h"

static void loop_wake(struct http_loop *loop)
{
    const uint64_t one = 1;
    ssize_t wrote = write(loop->wake_fd, &one, sizeof one);
    CHECK(wrote == (ssize_t)sizeof one || errno == EAGAIN); /* EAGAIN: woken very often already */
}

static void loop_resume(struct http_loop *loop, struct http_resume *resume)
{
    struct http_resume *first = atomic_load_explicit(&loop->ready, memory_order_relaxed);
    do {
        resume->next = first;
    } while (!atomic_compare_exchange_weak(&loop->ready, &first, resume));
    if (first == NULL) loop_wake(loop);
}

void http_loop_suspend(struct http_loop *loop, struct http_resume *resume)
{
    MHD_suspend_connection(resume->connection);
    uint32_t expected = MARK_NONE;
    if (atomic_compare_exchange_strong(&resume->mark, &expected, MARK_SUSPENDED)) return;
    CHECK(expected == MARK_READY);
    loop_resume(loop, resume); /* the library loses a resume from inside its call */
}

void http_loop_ready(struct http_loop *loop, struct http_resume *resume)
{
    uint32_t before = atomic_exchange(&resume->mark, MARK_READY);
    CHECK(before != MARK_READY); /* once */
    if (before == MARK_SUSPENDED) loop_resume(loop, resume);
}

static void loop_resume_ready(struct http_loop *loop)
{
    struct http_resume *stack = atomic_exchange(&loop->ready, NULL);
    struct http_resume *queue = NULL;
    while (stack != NULL) {
        struct http_resume *next = stack->next;
        stack->next = queue;
        queue = stack;
        stack = next;
    }
    while (queue != NULL) {
        struct http_resume *next = queue->next;
        MHD_resume_connection(queue->connection);
        queue = next;
    }
}

static void loop_quiesce_if_asked(struct http_loop *loop)
{
    if (loop->quiesced_fd >= 0 || !atomic_load(&loop->quiesce)) return;
    loop->quiesced_fd = MHD_quiesce_daemon(loop->daemon);
    CHECK(loop->quiesced_fd >= 0);
    (void)shutdown(loop->quiesced_fd, SHUT_RDWR); /* new clients are refused from here */
    atomic_store(&loop->quiesced, true);
}

static void library_run(struct http_loop *loop)
{
    enum MHD_Result ran = MHD_run(loop->daemon);
    CHECK(ran == MHD_YES);
}

static void loop_close_idle_if_asked(struct http_loop *loop)
{
    uint32_t asked = atomic_load(&loop->idle_asked);
    if (asked == atomic_load(&loop->idle_closed)) return;
    connection_list_close_idle(loop->connections, loop);
    library_run(loop); /* what is left has something to be read */
    atomic_store(&loop->idle_closed, asked);
}

static int loop_timeout_ms(struct http_loop *loop)
{
    unsigned long long ms = 0;
    int most_ms = loop->streams == NULL ? -1 : STREAM_WATCH_MS;
    if (MHD_get_timeout(loop->daemon, &ms) != MHD_YES) return most_ms;
    if (most_ms >= 0 && ms > STREAM_WATCH_MS) return most_ms;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void loop_run(void *argument)
{
    struct http_loop *loop = argument;
    while (!atomic_load(&loop->stop)) {
        struct pollfd fds[] = {
            { .fd = loop->library_fd, .events = POLLIN },
            { .fd = loop->wake_fd, .events = POLLIN },
        };
        int timeout_ms = loop_timeout_ms(loop);
        int count = poll(fds, 2, timeout_ms);
        CHECK(count >= 0 || errno == EINTR);
        if (count > 0 && fds[1].revents != 0) {
            uint64_t wakes;
            ssize_t got = read(loop->wake_fd, &wakes, sizeof wakes);
            CHECK(got == (ssize_t)sizeof wakes);
        }
        http_streams_watch(loop);
        loop_resume_ready(loop);
        library_run(loop);
        loop_quiesce_if_asked(loop);
        loop_close_idle_if_asked(loop);
    }
}

enum status http_loop_start(struct http_loop *loop, struct MHD_Daemon *daemon,
                            struct connection_list *connections, struct sync *sync)
{
    CHECK(loop != NULL);
    CHECK(daemon != NULL);
    CHECK(sync != NULL);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    CHECK(info != NULL);
    *loop = (struct http_loop){
        .daemon = daemon,
        .library_fd = info->epoll_fd,
        .quiesced_fd = -1,
        .connections = connections,
        .sync = sync,
    };
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0) return STATUS_UNAVAILABLE;
    enum status status = sync->spawn(sync, "http", loop_run, loop, &loop->task);
    if (status != STATUS_OK) (void)close(loop->wake_fd); /* it holds no data */
    return status;
}

void http_loop_quiesce(struct http_loop *loop)
{
    atomic_store(&loop->quiesce, true);
    loop_wake(loop);
    while (!atomic_load(&loop->quiesced)) (void)poll(NULL, 0, 1);
}

void http_loop_close_idle(struct http_loop *loop)
{
    uint32_t asked = atomic_fetch_add(&loop->idle_asked, 1) + 1;
    loop_wake(loop);
    while (atomic_load(&loop->idle_closed) != asked) (void)poll(NULL, 0, 1);
}

void http_loop_stop(struct http_loop *loop)
{
    CHECK(loop->quiesced_fd >= 0);
    atomic_store(&loop->stop, true);
    loop_wake(loop);
    loop->sync->join(loop->task);
    CHECK(atomic_load(&loop->ready) == NULL);
    MHD_stop_daemon(loop->daemon);
    (void)close(loop->quiesced_fd); /* it only accepted */
    (void)close(loop->wake_fd);     /* it holds no data */
}

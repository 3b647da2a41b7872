/* http_server_loop.h - a thread that runs one instance of the HTTP library, and how it is woken. */
#ifndef ADAPTER_HTTP_SERVER_LOOP_H
#define ADAPTER_HTTP_SERVER_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <microhttpd.h>

#include "adapter/http_server_connection.h"
#include "base/status.h"
#include "port/sync.h"

/*
 * The library could run threads of its own, but would then be woken by a system call for every
 * request that is answered. Here whoever answers leaves the connection on a list, and wakes the
 * thread only when the list was empty: once for a whole commit.
 */
struct http_loop {
    struct MHD_Daemon *daemon;
    int library_fd; /* readable when the library has something to do; the library's */
    int wake_fd;
    int quiesced_fd; /* the listening socket, once the library gave it back; -1 before */
    struct sync *sync;
    struct task *task;
    _Atomic(struct http_resume *) ready;
    struct connection_list *connections;
    _Atomic uint32_t idle_asked; /* counts */
    _Atomic uint32_t idle_closed;
    _Atomic bool quiesce;
    _Atomic bool quiesced;
    _Atomic bool stop;
    struct http_stream *streams; /* that wait for their next part; the loop's thread only */
    int64_t watched_ns;          /* when their clients were last looked at */
};

/*
 * Of a connection that waits for somebody's word. Who waits and who gives the word leave a mark
 * each, with one atomic step; the second one acts. Its owner keeps it until the word has come.
 */
struct http_resume {
    struct MHD_Connection *connection;
    struct http_resume *next;
    _Atomic uint32_t mark; /* enum http_mark */
};
enum http_mark { MARK_NONE, MARK_SUSPENDED, MARK_READY };

/*
 * Takes over a daemon made with MHD_USE_EPOLL and without threads. On failure it is the caller's
 * still. STATUS_UNAVAILABLE: no thread or descriptor. The loop must not move afterwards.
 */
enum status http_loop_start(struct http_loop *loop, struct MHD_Daemon *daemon,
                            struct connection_list *connections, struct sync *sync) MUST_CHECK;

/*
 * The loop's thread, inside a call of the library: the connection sleeps until the word is given,
 * which may have happened already.
 */
void http_loop_suspend(struct http_loop *loop, struct http_resume *resume);
/* Any thread: the word. Once for each wait, and the last that the caller may do with it. */
void http_loop_ready(struct http_loop *loop, struct http_resume *resume);

/* Takes no more connections; returns when that is so. */
void http_loop_quiesce(struct http_loop *loop);
/*
 * Closes idle connections, and returns when requests that had arrived on the others until then
 * have begun.
 */
void http_loop_close_idle(struct http_loop *loop);
/* Quiesced before, and no connection is suspended: closes the others, and ends the thread. */
void http_loop_stop(struct http_loop *loop);

#endif

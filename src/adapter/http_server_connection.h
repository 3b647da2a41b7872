/* http_server_connection.h - every open connection, what it is doing, and until when it may. */
#ifndef ADAPTER_HTTP_SERVER_CONNECTION_H
#define ADAPTER_HTTP_SERVER_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "port/clock.h"
#include "port/sync.h"

/*
 * The HTTP library's timeout is one of inactivity: a client that sends a byte a second would
 * hold a connection for ever. So each phase has a total deadline, set when it begins, and a
 * task looks over all connections four times a second and shuts down those that are late. It
 * shuts the socket down and leaves the rest to the thread that owns the connection.
 */
enum connection_phase {
    PHASE_HANDSHAKE, /* of TLS */
    PHASE_IDLE,      /* until a request line is there */
    PHASE_HEADERS,   /* the rest of the head */
    PHASE_BODY,
    PHASE_PENDING, /* with the api, which always answers: no deadline */
    PHASE_ANSWER,  /* until the last byte of the answer is handed to the kernel */
    PHASE_STREAM,  /* a stream between two parts: no deadline */
    PHASE_PART,    /* the same for a part of a stream as for an answer */
    PHASE_COUNT,
};

/* Milliseconds per phase; 0: no deadline. */
struct connection_times {
    uint32_t phase_ms[PHASE_COUNT];
};

struct connection_list;
struct http_loop;

struct http_connection {
    struct connection_list *list;
    const struct http_loop *loop; /* whose thread it belongs to */
    int fd;                       /* valid while the connection is in the list */
    _Atomic int64_t deadline_ns;  /* monotonic; INT64_MAX: none */
    _Atomic uint32_t phase;
    struct http_connection *next;
    struct http_connection *previous;
};

struct connection_list {
    pthread_mutex_t mutex; /* the links, and that fd is open */
    struct http_connection *first;
    uint64_t count;
    struct connection_times times;
    struct clock *clock;
    _Atomic int64_t tick_ns; /* the clock, as of the last look */
    _Atomic uint64_t late[PHASE_COUNT];

    struct sync *sync;
    struct monitor *stopping;
    bool stop;
    struct task *reaper;
};

/* STATUS_UNAVAILABLE: no task could be started. The list must not move afterwards. */
enum status connection_list_init(struct connection_list *list, struct sync *sync,
                                 struct clock *clock, const struct connection_times *times)
    MUST_CHECK;
/* Every connection must be gone. Accepts a zeroed list. */
void connection_list_done(struct connection_list *list);

/* NULL when memory is lacking. Begins in the given phase. */
struct http_connection *connection_add(struct connection_list *list, const struct http_loop *loop,
                                       int fd, enum connection_phase phase);
/* To be called before the socket is closed. Accepts NULL. */
void connection_remove(struct http_connection *connection);

/* Who opened a local socket's other end; false: the kernel does not say. By the owning thread. */
bool connection_uid(const struct http_connection *connection, uint32_t *out_uid);

/* Open now. */
uint64_t connection_list_count(struct connection_list *list);

/* Called by the thread that owns the connection; costs no clock reading. */
void connection_enter(struct http_connection *connection, enum connection_phase phase);

/*
 * For draining: shuts down the loop's connections that are idle and have nothing to be read. Only
 * the loop's own thread knows that for certain, and must call this.
 */
void connection_list_close_idle(struct connection_list *list, const struct http_loop *loop);
/* Shuts down every connection that is in none of the phases pending and answer. */
void connection_list_abandon(struct connection_list *list);

#endif

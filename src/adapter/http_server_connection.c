/*
 * Deadlines are compared with a tick that the reaper refreshes, which makes them late by at
 * most two looks; for limits of seconds that is exact enough, and free.
 */
#define _GNU_SOURCE 1 /* struct ucred */
#include "adapter/http_server_connection.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/check.h"

#define REAPER_PERIOD_NS (250 * NS_PER_MS)

bool connection_uid(const struct http_connection *connection, uint32_t *out_uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    int failed = getsockopt(connection->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (failed != 0 || size != sizeof peer || peer.uid == (uid_t)-1) return false;
    *out_uid = peer.uid;
    return true;
}

static void list_lock(struct connection_list *list)
{
    int error = pthread_mutex_lock(&list->mutex);
    CHECK(error == 0);
}

static void list_unlock(struct connection_list *list)
{
    int error = pthread_mutex_unlock(&list->mutex);
    CHECK(error == 0);
}

/* The lock keeps the descriptor from being closed and used again meanwhile. */
static void list_reap(struct connection_list *list, int64_t now_ns)
{
    list_lock(list);
    for (struct http_connection *at = list->first; at != NULL; at = at->next) {
        if (atomic_load_explicit(&at->deadline_ns, memory_order_relaxed) > now_ns) continue;
        uint32_t phase = atomic_load_explicit(&at->phase, memory_order_relaxed);
        atomic_store_explicit(&at->deadline_ns, INT64_MAX, memory_order_relaxed);
        atomic_fetch_add_explicit(&list->late[phase], 1, memory_order_relaxed);
        (void)shutdown(at->fd, SHUT_RDWR); /* ENOTCONN: the client was faster */
    }
    list_unlock(list);
}

static void reaper_run(void *argument)
{
    struct connection_list *list = argument;
    list->sync->lock(list->stopping);
    while (!list->stop) {
        int64_t now_ns = clock_monotonic(list->clock).ns;
        atomic_store_explicit(&list->tick_ns, now_ns, memory_order_relaxed);
        list_reap(list, now_ns);
        (void)list->sync->wait(list->stopping,
                               (struct monotonic_time){ now_ns + REAPER_PERIOD_NS });
    }
    list->sync->unlock(list->stopping);
}

enum status connection_list_init(struct connection_list *list, struct sync *sync,
                                 struct clock *clock, const struct connection_times *times)
{
    CHECK(list != NULL);
    CHECK(sync != NULL);
    CHECK(clock != NULL);
    *list = (struct connection_list){ .times = *times, .clock = clock, .sync = sync };
    int error = pthread_mutex_init(&list->mutex, NULL);
    CHECK(error == 0);
    list->stopping = sync->monitor_new(sync, "http reaper");
    atomic_store(&list->tick_ns, clock_monotonic(clock).ns);
    enum status status = sync->spawn(sync, "http reaper", reaper_run, list, &list->reaper);
    if (status != STATUS_OK) connection_list_done(list);
    return status;
}

void connection_list_done(struct connection_list *list)
{
    if (list->sync == NULL) return;
    CHECK(list->first == NULL);
    if (list->reaper != NULL) {
        list->sync->lock(list->stopping);
        list->stop = true;
        list->sync->wake_all(list->stopping);
        list->sync->unlock(list->stopping);
        list->sync->join(list->reaper);
    }
    list->sync->monitor_free(list->stopping);
    int error = pthread_mutex_destroy(&list->mutex);
    CHECK(error == 0);
    list->sync = NULL;
}

struct http_connection *connection_add(struct connection_list *list, const struct http_loop *loop,
                                       int fd, enum connection_phase phase)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) return NULL;
    connection->list = list;
    connection->loop = loop;
    connection->fd = fd;
    connection_enter(connection, phase);
    list_lock(list);
    connection->next = list->first;
    if (list->first != NULL) list->first->previous = connection;
    list->first = connection;
    list->count++;
    list_unlock(list);
    return connection;
}

void connection_remove(struct http_connection *connection)
{
    if (connection == NULL) return;
    struct connection_list *list = connection->list;
    list_lock(list);
    if (connection->next != NULL) connection->next->previous = connection->previous;
    if (connection->previous != NULL) connection->previous->next = connection->next;
    if (list->first == connection) list->first = connection->next;
    list->count--;
    list_unlock(list);
    free(connection);
}

uint64_t connection_list_count(struct connection_list *list)
{
    list_lock(list);
    uint64_t count = list->count;
    list_unlock(list);
    return count;
}

void connection_enter(struct http_connection *connection, enum connection_phase phase)
{
    uint32_t ms = connection->list->times.phase_ms[phase];
    int64_t tick_ns = atomic_load_explicit(&connection->list->tick_ns, memory_order_relaxed);
    int64_t deadline_ns = ms == 0 ? INT64_MAX : tick_ns + ms * NS_PER_MS;
    atomic_store_explicit(&connection->phase, (uint32_t)phase, memory_order_relaxed);
    atomic_store_explicit(&connection->deadline_ns, deadline_ns, memory_order_relaxed);
}

/* A request that has arrived, if only in part, is not idleness. */
static bool has_arrivals(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void connection_list_close_idle(struct connection_list *list, const struct http_loop *loop)
{
    list_lock(list);
    for (struct http_connection *at = list->first; at != NULL; at = at->next) {
        uint32_t phase = atomic_load_explicit(&at->phase, memory_order_relaxed);
        if (phase != PHASE_IDLE || at->loop != loop || has_arrivals(at->fd)) continue;
        (void)shutdown(at->fd, SHUT_RDWR); /* ENOTCONN: the client was faster */
    }
    list_unlock(list);
}

void connection_list_abandon(struct connection_list *list)
{
    list_lock(list);
    for (struct http_connection *at = list->first; at != NULL; at = at->next) {
        uint32_t phase = atomic_load_explicit(&at->phase, memory_order_relaxed);
        if (phase == PHASE_PENDING || phase == PHASE_ANSWER) continue;
        (void)shutdown(at->fd, SHUT_RDWR); /* ENOTCONN: the client was faster */
    }
    list_unlock(list);
}

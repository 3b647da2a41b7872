/* Listeners are instances of the HTTP library; they share one list of connections and one pool. */
#define _GNU_SOURCE 1 /* the library's header wants it for its types */

#include "adapter/http_server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <microhttpd.h>

#include "adapter/http_server_connection.h"
#include "adapter/http_server_listen.h"
#include "adapter/http_server_request.h"
#include "adapter/tls_server.h"
#include "base/check.h"

enum {
    THREADS_MAX = 64,
    LISTENERS_MAX = THREADS_MAX + 1, /* and the local socket */
    LOCAL_CONNECTIONS_MAX = 256,
    FILES_RESERVED = 512, /* for the store, the local socket and the rest of the program */
    /* Head, its list, and a piece of the body. The library zeroes it after each request. */
    CONNECTION_MEMORY_SIZE = 24 << 10,
    SOCKET_PATH_SIZE = 128,
    DRAIN_LOOK_MS = 5,
    IDLE_CLOSE_LOOKS = 20, /* connections become idle while others finish: look again */
};
_Static_assert(CONNECTION_MEMORY_SIZE > REQUEST_HEADERS_SIZE_MAX + (4 << 10),
               "a head over the limit is refused by us, with a problem, not by the library");

const struct http_server_options HTTP_SERVER_OPTIONS_DEFAULT = {
    .threads = 1,
    .connections_max = 16384,
    .connections_per_address_max = 12288, /* so that one address cannot take them all */
    .handshake_ms = 10 * 1000,
    .idle_ms = 75 * 1000,
    .headers_ms = 10 * 1000,
    .body_ms = 30 * 1000,
    .answer_ms = 60 * 1000,
    .bodies_size_max = (size_t)256 << 20,
};

struct http_server {
    struct request_service service;
    struct http_listener listeners[LISTENERS_MAX];
    uint32_t listener_count;
    struct listen_socket tcp;
    char socket_path[SOCKET_PATH_SIZE]; /* "" when there is none */
    struct tls_server tls;
    struct sync *sync;
    struct clock *clock;
    struct monitor *drain_monitor;
    uint32_t connections_max;
    bool opened;
    bool drained;
};

static void library_panic(void *context, const char *file, unsigned line, const char *reason)
{
    (void)context;
    check_failed(file, (int)line, reason);
}

/* How many connections the limit of open files leaves, after raising it. */
static uint32_t connections_possible(uint32_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    rlim_t needed = (rlim_t)wanted + FILES_RESERVED;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* what counts is read back */
        if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    }
    if (limit.rlim_cur >= needed) return wanted;
    if (limit.rlim_cur <= 2 * FILES_RESERVED) return FILES_RESERVED;
    return (uint32_t)limit.rlim_cur - FILES_RESERVED;
}

static enum status options_check(const struct http_server_options *options, struct error *out_error)
{
    CHECK(options->sync != NULL);
    CHECK(options->clock != NULL);
    if (options->threads == 0 || options->threads > THREADS_MAX) {
        return error_set(out_error, STATUS_INVALID, "HTTP threads must be 1 to %d",
                         (int)THREADS_MAX);
    }
    if (options->connections_max < options->threads) {
        return error_set(out_error, STATUS_INVALID, "fewer connections than threads");
    }
    if (options->listen == NULL && options->socket_path == NULL) {
        return error_set(out_error, STATUS_INVALID, "there is nothing to listen on");
    }
    bool has_tls = options->tls_certificate_file != NULL && options->tls_key_file != NULL;
    bool some_tls = options->tls_certificate_file != NULL || options->tls_key_file != NULL ||
                    options->tls_client_ca_file != NULL;
    if (options->plain && some_tls) {
        return error_set(out_error, STATUS_INVALID, "plain HTTP and TLS exclude each other");
    }
    if (options->listen != NULL && !options->plain && !has_tls) {
        (void)error_set(out_error, STATUS_INVALID, "TLS needs a certificate and its key");
        error_hint(out_error, "or ask for plain HTTP, which is allowed on loopback only");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

/* The arguments of one instance of the library. */
struct daemon_plan {
    int fd;
    bool ipv6;
    bool local;
    const struct tls_server *tls; /* NULL: plain */
    uint32_t connections_max;
    uint32_t per_address_max;
};

/* The library takes options as an array of number, value and pointer. */
struct option_list {
    struct MHD_OptionItem items[20];
    uint32_t count;
};

static void option_add(struct option_list *list, enum MHD_OPTION option, intptr_t value,
                       void *pointer)
{
    CHECK(list->count < sizeof list->items / sizeof list->items[0]);
    list->items[list->count++] = (struct MHD_OptionItem){ option, value, pointer };
}

static void daemon_options(const struct daemon_plan *plan, struct http_listener *listener,
                           struct option_list *list)
{
    *list = (struct option_list){ .count = 0 };
    option_add(list, MHD_OPTION_LISTEN_SOCKET, plan->fd, NULL);
    option_add(list, MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)request_connection_changed, listener);
    option_add(list, MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_end, listener);
    option_add(list, MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_begin, listener);
    option_add(list, MHD_OPTION_CONNECTION_LIMIT, plan->connections_max, NULL);
    option_add(list, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_SIZE, NULL);
    option_add(list, MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL); /* see http_server_connection.h */
    if (plan->per_address_max > 0) {
        option_add(list, MHD_OPTION_PER_IP_CONNECTION_LIMIT, plan->per_address_max, NULL);
    }
    if (plan->tls != NULL) {
        option_add(list, MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_SERVER_PRIORITIES);
        option_add(list, MHD_OPTION_HTTPS_MEM_CERT, 0, plan->tls->certificate.data);
        option_add(list, MHD_OPTION_HTTPS_MEM_KEY, 0, plan->tls->key.data);
        if (plan->tls->client_ca.len > 0) {
            option_add(list, MHD_OPTION_HTTPS_MEM_TRUST, 0, plan->tls->client_ca.data);
        }
    }
    option_add(list, MHD_OPTION_END, 0, NULL);
}

/* Never MHD_USE_TURBO: with TLS, stalled handshakes then leak descriptors. */
static enum status listener_start(struct http_server *server, const struct daemon_plan *plan,
                                  struct error *out_error)
{
    CHECK(server->listener_count < LISTENERS_MAX);
    struct http_listener *listener = &server->listeners[server->listener_count];
    *listener = (struct http_listener){
        .service = &server->service,
        .local = plan->local,
        .tls = plan->tls != NULL,
        .require_certificate = plan->tls != NULL && plan->tls->client_ca.len > 0,
    };
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    if (plan->tls != NULL) flags |= MHD_USE_TLS;
    if (plan->ipv6) flags |= MHD_USE_IPv6;
    struct option_list list;
    daemon_options(plan, listener, &list);

    struct MHD_Daemon *daemon = MHD_start_daemon(flags, 0, NULL, NULL, request_handle, listener,
                                                 MHD_OPTION_ARRAY, list.items, MHD_OPTION_END);
    if (daemon == NULL) {
        (void)close(plan->fd); /* nothing was accepted on it */
        return error_set(out_error, STATUS_UNAVAILABLE, "the HTTP library did not start");
    }
    enum status status =
        http_loop_start(&listener->loop, daemon, &server->service.connections, server->sync);
    if (status != STATUS_OK) {
        MHD_stop_daemon(daemon); /* closes the socket */
        return error_set(out_error, status, "no thread could be started");
    }
    server->listener_count++;
    return STATUS_OK;
}

/* Each thread has an instance of its own on the same socket, and an equal share. */
static enum status listeners_start(struct http_server *server, struct daemon_plan plan,
                                   uint32_t threads, struct error *out_error)
{
    plan.connections_max /= threads;
    plan.per_address_max = (plan.per_address_max + threads - 1) / threads;
    int first_fd = plan.fd;
    for (uint32_t i = 1; i < threads; i++) {
        plan.fd = fcntl(first_fd, F_DUPFD_CLOEXEC, 0);
        enum status status = STATUS_UNAVAILABLE;
        if (plan.fd >= 0) status = listener_start(server, &plan, out_error);
        if (status != STATUS_OK) {
            (void)close(first_fd); /* nothing was accepted on it */
            return status;
        }
    }
    plan.fd = first_fd;
    return listener_start(server, &plan, out_error);
}

/* The address, when it may be listened on; nobody accepts there yet. */
static enum status tcp_open(const struct http_server_options *options, struct tls_server *tls,
                            struct listen_socket *out_socket, struct error *out_error)
{
    enum status status = STATUS_OK;
    if (!options->plain)
        status = tls_server_load(options->tls_certificate_file, options->tls_key_file,
                                 options->tls_client_ca_file, tls, out_error);
    if (status == STATUS_OK) status = listen_tcp(options->listen, out_socket, out_error);
    if (status != STATUS_OK || !options->plain || out_socket->loopback) return status;
    (void)close(out_socket->fd); /* nothing was accepted on it */
    (void)error_set(out_error, STATUS_INVALID, "plain HTTP on %s, which is not loopback",
                    out_socket->address);
    error_hint(out_error, "give a certificate and key, or listen on 127.0.0.1");
    return STATUS_INVALID;
}

enum status http_server_check(const struct http_server_options *options, struct error *out_error)
{
    struct tls_server tls = { 0 };
    struct listen_socket tcp;
    enum status status = options_check(options, out_error);
    if (status != STATUS_OK || options->listen == NULL) return status;
    status = tcp_open(options, &tls, &tcp, out_error);
    if (status == STATUS_OK) (void)close(tcp.fd); /* as above */
    tls_server_free(&tls);
    return status;
}

static enum status tcp_start(struct http_server *server, const struct http_server_options *options,
                             struct error *out_error)
{
    enum status status = tcp_open(options, &server->tls, &server->tcp, out_error);
    if (status != STATUS_OK) return status;
    server->connections_max = connections_possible(options->connections_max);
    struct daemon_plan plan = {
        .fd = server->tcp.fd,
        .ipv6 = server->tcp.ipv6,
        .tls = options->plain ? NULL : &server->tls,
        .connections_max = server->connections_max,
        .per_address_max = options->connections_per_address_max,
    };
    return listeners_start(server, plan, options->threads, out_error);
}

static enum status local_start(struct http_server *server, const char *path,
                               struct error *out_error)
{
    int fd = -1;
    enum status status = listen_local(path, &fd, out_error);
    if (status != STATUS_OK) return status;
    size_t len = strlen(path);
    CHECK(len < sizeof server->socket_path); /* a socket's path is shorter */
    memcpy(server->socket_path, path, len + 1);
    struct daemon_plan plan = {
        .fd = fd,
        .local = true,
        .connections_max = LOCAL_CONNECTIONS_MAX,
    };
    return listener_start(server, &plan, out_error);
}

enum status http_server_open(const struct http_server_options *options,
                             struct http_server **out_server, struct error *out_error)
{
    CHECK(options != NULL);
    CHECK(options->service.start != NULL);
    CHECK(out_server != NULL);
    enum status status = options_check(options, out_error);
    if (status != STATUS_OK) return status;
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    server->sync = options->sync;
    server->clock = options->clock;
    server->service.api = options->service;
    server->service.clock = options->clock;
    server->service.tracer = options->tracer;
    server->service.route_path = options->route_path;
    server->service.bodies_size_max = options->bodies_size_max;
    const struct connection_times times = {
        .phase_ms = { [PHASE_HANDSHAKE] = options->handshake_ms,
                      [PHASE_IDLE] = options->idle_ms,
                      [PHASE_HEADERS] = options->headers_ms,
                      [PHASE_BODY] = options->body_ms,
                      [PHASE_ANSWER] = options->answer_ms,
                      [PHASE_PART] = options->answer_ms },
    };
    status =
        connection_list_init(&server->service.connections, options->sync, options->clock, &times);
    if (status != STATUS_OK) {
        free(server);
        return error_set(out_error, status, "no thread could be started");
    }
    request_service_init(&server->service);
    server->drain_monitor = options->sync->monitor_new(options->sync, "http drain");
    MHD_set_panic_func(library_panic, NULL);

    if (options->listen != NULL) status = tcp_start(server, options, out_error);
    if (status == STATUS_OK && options->socket_path != NULL) {
        status = local_start(server, options->socket_path, out_error);
    }
    if (status != STATUS_OK) {
        http_server_close(server);
        return status;
    }
    server->opened = true;
    *out_server = server;
    return STATUS_OK;
}

const char *http_server_address(const struct http_server *server)
{
    CHECK(server != NULL);
    return server->tcp.address;
}

/* Nobody wakes the monitor: what is waited for happens on threads of the library. */
static void drain_pause(struct http_server *server)
{
    struct monotonic_time now = clock_monotonic(server->clock);
    server->sync->lock(server->drain_monitor);
    (void)server->sync->wait(server->drain_monitor,
                             (struct monotonic_time){ now.ns + DRAIN_LOOK_MS * NS_PER_MS });
    server->sync->unlock(server->drain_monitor);
}

static bool server_is_quiet(struct http_server *server)
{
    return request_service_active(&server->service) == 0 &&
           atomic_load(&server->service.resumers) == 0;
}

static void listeners_quiesce(struct http_server *server)
{
    for (uint32_t i = 0; i < server->listener_count; i++) {
        http_loop_quiesce(&server->listeners[i].loop);
    }
    if (server->socket_path[0] != '\0') (void)unlink(server->socket_path); /* others see it gone */
}

static void listeners_close_idle(struct http_server *server)
{
    for (uint32_t i = 0; i < server->listener_count; i++) {
        http_loop_close_idle(&server->listeners[i].loop);
    }
}

enum status http_server_drain(struct http_server *server, struct monotonic_time deadline)
{
    CHECK(server != NULL);
    CHECK(!server->drained);
    server->drained = true;
    atomic_store(&server->service.draining, true);
    listeners_quiesce(server);
    struct api_service *api = &server->service.api;
    if (api->stop != NULL && server->opened) api->stop(api->api);
    bool late = false;
    for (uint32_t look = 0;; look++) {
        if (look % IDLE_CLOSE_LOOKS == 0) listeners_close_idle(server);
        if (server_is_quiet(server)) return STATUS_OK;
        drain_pause(server);
        if (clock_monotonic(server->clock).ns < deadline.ns) continue;
        if (late) return STATUS_TIMEOUT;
        late = true;
        connection_list_abandon(&server->service.connections);
        deadline.ns += 10 * DRAIN_LOOK_MS * NS_PER_MS; /* for the library to notice */
    }
}

void http_server_close(struct http_server *server)
{
    if (server == NULL) return;
    if (!server->drained) {
        enum status drained = http_server_drain(server, clock_monotonic(server->clock));
        CHECK(drained == STATUS_OK || drained == STATUS_TIMEOUT); /* the late are waited for */
    }
    connection_list_abandon(&server->service.connections);
    while (!server_is_quiet(server)) drain_pause(server);
    for (uint32_t i = 0; i < server->listener_count; i++) {
        http_loop_stop(&server->listeners[i].loop);
    }
    request_service_done(&server->service);
    connection_list_done(&server->service.connections);
    tls_server_free(&server->tls);
    server->sync->monitor_free(server->drain_monitor);
    free(server);
}

void http_server_get_status(struct http_server *server, struct http_server_status *out_status)
{
    CHECK(server != NULL);
    CHECK(out_status != NULL);
    struct request_service *service = &server->service;
    const _Atomic uint64_t *late = service->connections.late;
    *out_status = (struct http_server_status){
        .connections = connection_list_count(&service->connections),
        .requests = atomic_load(&service->counts.begun),
        .requests_active = request_service_active(service),
        .refused = atomic_load(&service->counts.refused),
        .interrupted = atomic_load(&service->counts.interrupted),
        .late_handshake = atomic_load(&late[PHASE_HANDSHAKE]),
        .late_idle = atomic_load(&late[PHASE_IDLE]),
        .late_headers = atomic_load(&late[PHASE_HEADERS]),
        .late_body = atomic_load(&late[PHASE_BODY]),
        .late_answer = atomic_load(&late[PHASE_ANSWER]),
        .late_part = atomic_load(&late[PHASE_PART]),
        .bodies_size = atomic_load(&service->bodies_size),
    };
}

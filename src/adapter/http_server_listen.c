/* Sockets are made here rather than by the HTTP library, so that errors say what to do. */
#define _GNU_SOURCE 1 /* SOCK_NONBLOCK and SOCK_CLOEXEC */

#include "adapter/http_server_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"

enum { PORT_MAX = 65535, LOCAL_MODE = 0600 };

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool port_parse(struct str text, uint16_t *out_port)
{
    uint32_t port = 0;
    if (text.len == 0 || text.len > 5) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (port > PORT_MAX) return false;
    *out_port = (uint16_t)port;
    return true;
}

/* False: not HOST:PORT. */
static bool address_parse(const char *text, union any_address *out_address)
{
    const char *colon = strrchr(text, ':');
    uint16_t port = 0;
    if (colon == NULL || !port_parse(str_from(colon + 1), &port)) return false;
    struct str host = { text, (size_t)(colon - text) };
    bool ipv6 = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (ipv6) host = (struct str){ host.data + 1, host.len - 2 };
    if (str_equal(host, STR("localhost"))) host = STR("127.0.0.1");

    char copy[INET6_ADDRSTRLEN];
    if (host.len == 0 || host.len >= sizeof copy) return false;
    memcpy(copy, host.data, host.len);
    copy[host.len] = '\0';
    memset(out_address, 0, sizeof *out_address);
    if (ipv6) {
        out_address->v6.sin6_family = AF_INET6;
        out_address->v6.sin6_port = htons(port);
        return inet_pton(AF_INET6, copy, &out_address->v6.sin6_addr) == 1;
    }
    out_address->v4.sin_family = AF_INET;
    out_address->v4.sin_port = htons(port);
    return inet_pton(AF_INET, copy, &out_address->v4.sin_addr) == 1;
}

static socklen_t address_size(const union any_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

static bool address_is_loopback(const union any_address *address)
{
    if (address->any.sa_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
    return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static void address_format(const union any_address *address, char text[LISTEN_ADDRESS_SIZE])
{
    char host[INET6_ADDRSTRLEN];
    bool ipv6 = address->any.sa_family == AF_INET6;
    const void *bytes = ipv6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr;
    const char *done = inet_ntop(address->any.sa_family, bytes, host, sizeof host);
    CHECK(done != NULL);
    uint16_t port = ntohs(ipv6 ? address->v6.sin6_port : address->v4.sin_port);
    const char *opening = ipv6 ? "[" : "";
    const char *closing = ipv6 ? "]" : "";
    int len = snprintf(text, LISTEN_ADDRESS_SIZE, "%s%s%s:%u", opening, host, closing, port);
    CHECK(len > 0 && len < LISTEN_ADDRESS_SIZE);
}

static enum status bind_failed(const char *what, int error, struct error *out_error)
{
    enum status status = error == EADDRINUSE ? STATUS_CONFLICT : status_of_errno(error);
    (void)error_set(out_error, status, "cannot listen on %s: %s", what, strerror(error));
    if (error == EADDRINUSE) {
        error_hint(out_error, "another program listens there: choose another port, or 0 for any");
    }
    if (error == EADDRNOTAVAIL) error_hint(out_error, "this machine has no such address");
    return status;
}

/* 0, or the error number. */
static int tcp_bind(int fd, union any_address *address)
{
    const int yes = 1;
    socklen_t size = address_size(address);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) return errno;
    if (address->any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0) {
        return errno;
    }
    if (bind(fd, &address->any, size) != 0) return errno;
    if (listen(fd, LISTEN_BACKLOG) != 0) return errno;
    if (getsockname(fd, &address->any, &size) != 0) return errno;
    return 0;
}

enum status listen_tcp(const char *address, struct listen_socket *out_socket,
                       struct error *out_error)
{
    CHECK(address != NULL);
    CHECK(out_socket != NULL);
    union any_address bound;
    if (!address_parse(address, &bound)) {
        (void)error_set(out_error, STATUS_INVALID, "'%s' is not an address to listen on", address);
        error_hint(out_error, "write it as 127.0.0.1:8443, [::1]:8443 or 0.0.0.0:8443");
        return STATUS_INVALID;
    }
    int fd = socket(bound.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return bind_failed(address, errno, out_error);
    int error = tcp_bind(fd, &bound);
    if (error != 0) {
        (void)close(fd); /* nothing was written to it */
        return bind_failed(address, error, out_error);
    }
    *out_socket = (struct listen_socket){
        .fd = fd,
        .ipv6 = bound.any.sa_family == AF_INET6,
        .loopback = address_is_loopback(&bound),
    };
    address_format(&bound, out_socket->address);
    return STATUS_OK;
}

/* 0, or the error number. The mode is set before the name exists, so nobody slips in between. */
static int local_bind(int fd, const struct sockaddr_un *address)
{
    if (fchmod(fd, LOCAL_MODE) != 0) return errno;
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) != 0) return errno;
    if (listen(fd, LISTEN_BACKLOG) != 0) return errno;
    return 0;
}

enum status listen_local(const char *path, int *out_fd, struct error *out_error)
{
    CHECK(path != NULL);
    CHECK(out_fd != NULL);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    if (len >= sizeof address.sun_path) {
        (void)error_set(out_error, STATUS_LIMIT, "the path of the local socket is too long: %s",
                        path);
        error_hint(out_error, "a socket's path has at most %zu bytes: use a shorter data folder",
                   sizeof address.sun_path - 1);
        return STATUS_LIMIT;
    }
    memcpy(address.sun_path, path, len);

    struct stat there;
    if (lstat(path, &there) == 0) {
        if (!S_ISSOCK(there.st_mode)) {
            return error_set(out_error, STATUS_CONFLICT, "%s is there, and is no socket", path);
        }
        if (unlink(path) != 0) return bind_failed(path, errno, out_error);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return bind_failed(path, errno, out_error);
    int error = local_bind(fd, &address);
    if (error != 0) {
        (void)close(fd); /* nothing was written to it */
        return bind_failed(path, error, out_error);
    }
    *out_fd = fd;
    return STATUS_OK;
}

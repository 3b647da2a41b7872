/* http_server_listen.h - the sockets a server listens on: TCP by address, local by path. */
#ifndef ADAPTER_HTTP_SERVER_LISTEN_H
#define ADAPTER_HTTP_SERVER_LISTEN_H

#include <stdbool.h>

#include "base/error.h"
#include "base/status.h"

enum {
    LISTEN_ADDRESS_SIZE = 64, /* "[" 45 characters of IPv6 "]:65535" and a terminator */
    LISTEN_BACKLOG = 4096,    /* connections the kernel keeps until they are accepted */
};

struct listen_socket {
    int fd; /* the caller closes it */
    bool ipv6;
    bool loopback;
    char address[LISTEN_ADDRESS_SIZE]; /* as bound: "127.0.0.1:43211" */
};

/*
 * address is "HOST:PORT": an IPv4 address, an IPv6 address in brackets, or "localhost" (which is
 * 127.0.0.1); port 0 lets the kernel choose. STATUS_INVALID: not of that form.
 * STATUS_CONFLICT: in use. STATUS_DENIED: not allowed. STATUS_UNAVAILABLE: no such address here.
 */
enum status listen_tcp(const char *address, struct listen_socket *out_socket,
                       struct error *out_error) MUST_CHECK;

/*
 * Only the owner (and root) may connect: the socket has mode 0600 from the start. A socket left
 * behind by a server that died is replaced, so the caller must hold the lock of the folder.
 * STATUS_LIMIT: the path is too long for a socket address. STATUS_CONFLICT: something else than
 * a socket is there. STATUS_UNAVAILABLE.
 */
enum status listen_local(const char *path, int *out_fd, struct error *out_error) MUST_CHECK;

#endif

#include "adapter/tcp_connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool tcp_endpoint_split(const char *endpoint, char host[TCP_HOST_SIZE], const char **out_port)
{
    const char *colon = strrchr(endpoint, ':');
    if (colon == NULL || colon == endpoint || colon[1] == '\0') return false;
    size_t len = (size_t)(colon - endpoint);
    if (endpoint[0] == '[' && colon[-1] == ']') {
        endpoint++;
        len -= 2;
    }
    if (len == 0 || len >= TCP_HOST_SIZE) return false;
    memcpy(host, endpoint, len);
    host[len] = '\0';
    *out_port = colon + 1;
    return true;
}

static int connected(const struct addrinfo *address, int timeout_ms)
{
    int file = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return -1;
    int flags = fcntl(file, F_GETFL);
    (void)fcntl(file, F_SETFL, flags | O_NONBLOCK); /* else connecting takes as long as it likes */
    bool good = connect(file, address->ai_addr, address->ai_addrlen) == 0;
    if (!good && errno == EINPROGRESS) {
        struct pollfd wait = { .fd = file, .events = POLLOUT };
        int fault = 0;
        socklen_t size = sizeof fault;
        good = poll(&wait, 1, timeout_ms) == 1 &&
               getsockopt(file, SOL_SOCKET, SO_ERROR, &fault, &size) == 0 && fault == 0;
    }
    (void)fcntl(file, F_SETFL, flags); /* who reads it has a timeout of their own */
    if (good) return file;
    (void)close(file); /* nothing was sent */
    return -1;
}

int tcp_connect(const char *host, const char *port, int timeout_ms)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) return -1;
    int file = -1;
    for (struct addrinfo *next = found; next != NULL && file < 0; next = next->ai_next)
        file = connected(next, timeout_ms);
    freeaddrinfo(found);
    return file;
}

/*
 * Goal: no other test and no outgoing connection takes a port between its choice and its use.
 * Method: a range that the kernel does not choose from (ip_local_port_range begins at 32768), and
 * an abstract socket as a mark, seen in the same network namespace only, gone with the process.
 */
#include "tests/port/free_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOWEST = 20000, HIGHEST = 32767, TRIES = 1000 };

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* The handle of the mark stays open on purpose. */
static int reserve(uint16_t port)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int length =
        snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "tpwallet-test-port-%u", port);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    int mark = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (mark < 0) fail("a socket");
    if (bind(mark, (struct sockaddr *)&name, size) == 0) return 1;
    if (errno != EADDRINUSE) fail("a port's mark");
    (void)close(mark);
    return 0;
}

static int nobody_listens(uint16_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    int yes = 1;
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0 || setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0)
        fail("a socket");
    int bound = bind(probe, (struct sockaddr *)&at, sizeof at);
    if (bound != 0 && errno != EADDRINUSE) fail("a port");
    (void)close(probe);
    return bound == 0;
}

uint16_t free_port(void)
{
    for (int try = 0; try < TRIES; try++) {
        uint16_t drawn = 0;
        if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn) fail("getrandom");
        uint16_t port = (uint16_t)(LOWEST + drawn % (HIGHEST - LOWEST + 1));
        if (reserve(port) && nobody_listens(port)) return port;
    }
    (void)fprintf(stderr, "no port of 127.0.0.1 is free between %d and %d\n", LOWEST, HIGHEST);
    exit(EXIT_FAILURE);
}

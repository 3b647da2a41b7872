/*
 * Goal: tests in C have a Redis, and leave none behind.
 * Method: a child that dies with us, on a port of its own.
 */
#include "tests/redis/redis_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/port/free_port.h"

enum { SKIPPED = 77, LOOKS = 1200, LOOK_MS = 25 };

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void run_server(uint16_t port, const char *password)
{
    char digits[16];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (snprintf(digits, sizeof digits, "%u", port) < 0) _exit(EXIT_FAILURE);
    const char *scratch = getenv("SCRATCH");
    execlp("redis-server", "redis-server", "--port", digits, "--bind", "127.0.0.1", "--save", "",
           "--appendonly", "no", "--dir", scratch == NULL ? "/tmp" : scratch, "--logfile",
           "redis.log", password == NULL ? NULL : "--requirepass", password, (char *)NULL);
    _exit(EXIT_FAILURE);
}

static int is_up(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int handle = socket(AF_INET, SOCK_STREAM, 0);
    int up = handle >= 0 && connect(handle, (struct sockaddr *)&address, sizeof address) == 0;
    if (handle >= 0) (void)close(handle); /* it only knocked */
    return up;
}

void redis_rig_start(struct redis_rig *rig, const char *password)
{
    if (system("command -v redis-server >/dev/null") != 0) {
        (void)fprintf(stderr, "SKIPPED: no redis-server (tools/setup.sh --for test)\n");
        exit(SKIPPED);
    }
    rig->port = free_port();
    rig->pid = fork();
    if (rig->pid == 0) run_server(rig->port, password);
    for (int look = 0; rig->pid > 0 && look < LOOKS; look++) {
        if (is_up(rig->port)) return;
        if (waitpid(rig->pid, NULL, WNOHANG) == rig->pid) break;
        (void)poll(NULL, 0, LOOK_MS);
    }
    (void)fprintf(stderr, "redis-server does not start\n");
    exit(EXIT_FAILURE);
}

void redis_rig_stop(struct redis_rig *rig)
{
    (void)kill(rig->pid, SIGKILL);
    (void)waitpid(rig->pid, NULL, 0);
}

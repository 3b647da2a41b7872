/* redis_rig.h - for tests in C: a redis-server of their own, on loopback. */
#ifndef TESTS_REDIS_REDIS_RIG_H
#define TESTS_REDIS_REDIS_RIG_H

#include <stdint.h>
#include <sys/types.h>

struct redis_rig {
    pid_t pid;
    uint16_t port;
};

/* password NULL: none is asked for. Ends the program with 77 when there is no redis-server. */
void redis_rig_start(struct redis_rig *rig, const char *password);
void redis_rig_stop(struct redis_rig *rig);

#endif

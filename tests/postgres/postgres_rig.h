/* postgres_rig.h - for tests: a real PostgreSQL server of their own, ended with them. */
#ifndef TESTS_POSTGRES_POSTGRES_RIG_H
#define TESTS_POSTGRES_POSTGRES_RIG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { RIG_PATH_SIZE = 512 };

struct postgres_rig {
    char folder[RIG_PATH_SIZE]; /* data/ and the socket are in it */
    char url[RIG_PATH_SIZE];    /* over TCP on loopback, database tpwallet */
    uint16_t port;
    pid_t pid;
};

/*
 * Makes a cluster in a folder of its own in $SCRATCH, or /tmp (as user postgres when we are root), starts
 * it on a free port of 127.0.0.1 with its default durability, and makes the database. False,
 * with a line on standard error: there is no server to be had; the test ends with 77.
 */
bool postgres_rig_start(struct postgres_rig *rig);
/* SIGINT (fast) or SIGQUIT (immediate, as a crash) or SIGKILL, and starting again. */
void postgres_rig_kill(struct postgres_rig *rig, int signal_number);
void postgres_rig_restart(struct postgres_rig *rig);
/* Ends it and removes its folder. */
void postgres_rig_stop(struct postgres_rig *rig);

/* A session of a superuser's; PQfinish() it. */
PGconn *postgres_rig_session(const struct postgres_rig *rig);
/* Must succeed. The value of the first column of the first row in out_text, "" when none. */
void postgres_rig_run(PGconn *session, const char *sql, char *out_text, size_t size);

#endif

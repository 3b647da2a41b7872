/*
 * Goal: tests talk to the PostgreSQL that Debian ships, with nothing left behind.
 * Method: initdb and postgres run as children that die with the test; the server listens on a
 * port of its own (free_port.h), and is asked until it answers.
 */
#include "tests/postgres/postgres_rig.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/port/free_port.h"
#include "tests/port/store_scratch.h"

enum { START_S_MAX = 60 };

static void join(char out_text[RIG_PATH_SIZE], const char *before, const char *after)
{
    int length = snprintf(out_text, RIG_PATH_SIZE, "%s%s", before, after);
    CHECK(length > 0 && length < RIG_PATH_SIZE);
}

/* The folder of initdb and postgres: $TPWALLET_POSTGRES, or the newest version there is. */
static bool find_programs(char out_folder[RIG_PATH_SIZE])
{
    const char *chosen = getenv("TPWALLET_POSTGRES");
    if (chosen != NULL) {
        join(out_folder, chosen, "");
        return true;
    }
    glob_t found = { 0 };
    bool there = glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0;
    if (there) {
        join(out_folder, found.gl_pathv[found.gl_pathc - 1], "");
        *strrchr(out_folder, '/') = '\0';
    }
    globfree(&found);
    if (!there) (void)fprintf(stderr, "postgres_rig: PostgreSQL's server is not installed\n");
    return there;
}

/* PostgreSQL refuses to run as root. */
static void become_postgres(const struct passwd *user)
{
    if (user == NULL) return;
    CHECK(setgroups(0, NULL) == 0);
    CHECK(setgid(user->pw_gid) == 0);
    CHECK(setuid(user->pw_uid) == 0);
}

static const struct passwd *other_user(void)
{
    return geteuid() == 0 ? getpwnam("postgres") : NULL;
}

/* A child that ends with us, whatever ends us; its output goes to folder/log. */
static pid_t start(const struct postgres_rig *rig, const char *program,
                   const char *const arguments[])
{
    const struct passwd *user = other_user();
    char log[RIG_PATH_SIZE];
    join(log, rig->folder, "/log");
    pid_t parent = getpid();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child > 0) return child;
    become_postgres(user);
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT); /* cleared by a change of user */
    if (getppid() != parent) _exit(1);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int in = open("/dev/null", O_RDONLY);
    if (out < 0 || in < 0 || chdir(rig->folder) != 0) _exit(1);
    (void)dup2(in, 0);
    (void)dup2(out, 1);
    (void)dup2(out, 2);
    (void)unsetenv("PGDATA");
    (void)unsetenv("TMPDIR");
    (void)execv(program, (char *const *)arguments); /* which it does not change */
    _exit(127);
}

static bool run(const struct postgres_rig *rig, const char *program, const char *const arguments[])
{
    int state = 0;
    pid_t child = start(rig, program, arguments);
    if (waitpid(child, &state, 0) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return true;
    (void)fprintf(stderr, "postgres_rig: %s failed; see %s/log\n", program, rig->folder);
    return false;
}

static bool answers(const struct postgres_rig *rig, const char *database)
{
    char url[RIG_PATH_SIZE];
    int length =
        snprintf(url, sizeof url, "postgresql://postgres@127.0.0.1:%u/%s", rig->port, database);
    CHECK(length > 0 && (size_t)length < sizeof url);
    PGconn *session = PQconnectdb(url);
    bool good = PQstatus(session) == CONNECTION_OK;
    if (good && strcmp(database, "postgres") == 0) {
        PQclear(PQexec(session, "CREATE DATABASE tpwallet ENCODING 'UTF8' TEMPLATE template0"));
    }
    PQfinish(session);
    return good;
}

static bool start_server(struct postgres_rig *rig)
{
    char programs[RIG_PATH_SIZE];
    char program[RIG_PATH_SIZE];
    char data[RIG_PATH_SIZE];
    char socket_folder[RIG_PATH_SIZE];
    char port[16];
    if (!find_programs(programs)) return false;
    join(program, programs, "/postgres");
    join(data, rig->folder, "/data");
    join(socket_folder, "unix_socket_directories=", rig->folder);
    int length = snprintf(port, sizeof port, "%u", rig->port);
    CHECK(length > 0 && (size_t)length < sizeof port);
    const char *const arguments[] = {
        program, "-D",          data, "-p", port, "-c", "listen_addresses=127.0.0.1",
        "-c",    socket_folder, NULL
    };
    rig->pid = start(rig, program, arguments);
    struct timespec begun;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    do {
        if (answers(rig, "postgres")) return true;
        if (waitpid(rig->pid, NULL, WNOHANG) == rig->pid) break;
        (void)poll(NULL, 0, 20); /* a socket nobody listens on cannot be waited for */
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - begun.tv_sec < START_S_MAX);
    (void)fprintf(stderr, "postgres_rig: the server does not come up; see %s/log\n", rig->folder);
    rig->pid = 0;
    return false;
}

bool postgres_rig_start(struct postgres_rig *rig)
{
    char programs[RIG_PATH_SIZE];
    char program[RIG_PATH_SIZE];
    char data[RIG_PATH_SIZE];
    const char *scratch = getenv("SCRATCH");
    *rig = (struct postgres_rig){ 0 };
    join(rig->folder, scratch == NULL ? "/tmp" : scratch, "/postgres-XXXXXX");
    if (scratch != NULL) (void)chmod(scratch, 0711); /* user postgres passes through */
    if (!find_programs(programs)) return false;
    if (geteuid() == 0 && other_user() == NULL) {
        (void)fprintf(stderr, "postgres_rig: there is no user postgres\n");
        return false;
    }
    CHECK(mkdtemp(rig->folder) != NULL);
    if (other_user() != NULL) {
        CHECK(chown(rig->folder, other_user()->pw_uid, other_user()->pw_gid) == 0);
    }
    join(program, programs, "/initdb");
    join(data, rig->folder, "/data");
    const char *const arguments[] = {
        program,           "-D",         data,        "-U", "postgres", "--auth=trust",
        "--encoding=UTF8", "--locale=C", "--no-sync", NULL
    };
    if (!run(rig, program, arguments)) return false;
    rig->port = free_port();
    if (!start_server(rig)) return false;
    int length = snprintf(rig->url, sizeof rig->url, "postgresql://postgres@127.0.0.1:%u/tpwallet",
                          rig->port);
    CHECK(length > 0 && (size_t)length < sizeof rig->url);
    return answers(rig, "tpwallet");
}

void postgres_rig_kill(struct postgres_rig *rig, int signal_number)
{
    if (rig->pid <= 0) return;
    (void)kill(rig->pid, signal_number);
    (void)waitpid(rig->pid, NULL, 0);
    rig->pid = 0;
}

void postgres_rig_restart(struct postgres_rig *rig)
{
    bool started = start_server(rig);
    CHECK(started);
}

void postgres_rig_stop(struct postgres_rig *rig)
{
    postgres_rig_kill(rig, SIGQUIT);
    if (rig->folder[0] != '\0') scratch_remove(rig->folder);
    *rig = (struct postgres_rig){ 0 };
}

PGconn *postgres_rig_session(const struct postgres_rig *rig)
{
    PGconn *session = PQconnectdb(rig->url);
    CHECK(PQstatus(session) == CONNECTION_OK);
    PQclear(PQexec(session, "SET client_min_messages = error")); /* what DROP drops beside it */
    return session;
}

void postgres_rig_run(PGconn *session, const char *sql, char *out_text, size_t size)
{
    PGresult *result = PQexec(session, sql);
    ExecStatusType state = PQresultStatus(result);
    if (state != PGRES_COMMAND_OK && state != PGRES_TUPLES_OK) {
        (void)fprintf(stderr, "postgres_rig: %s: %s", sql, PQerrorMessage(session));
        CHECK(state == PGRES_COMMAND_OK);
    }
    if (size > 0) {
        bool there = state == PGRES_TUPLES_OK && PQntuples(result) > 0;
        int length = snprintf(out_text, size, "%s", there ? PQgetvalue(result, 0, 0) : "");
        CHECK(length >= 0 && (size_t)length < size);
    }
    PQclear(result);
}

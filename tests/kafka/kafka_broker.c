/*
 * Goal: tests in C have brokers, and leave none behind.
 * Method: the harness is a child that ends with its standard input, or with us.
 */
#define _GNU_SOURCE /* pipe2 */
#include "tests/kafka/kafka_broker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77 };

static void stop_here(const char *what)
{
    (void)fprintf(stderr, "kafka_broker: %s\n", what);
    exit(EXIT_FAILURE);
}

static void run_harness(int in, int out, int count)
{
    char digits[16];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) _exit(EXIT_FAILURE);
    if (snprintf(digits, sizeof digits, "%d", count) < 0) _exit(EXIT_FAILURE);
    execl("/usr/bin/python3", "python3", "tests/kafka/kafka_harness.py", "hold", digits,
          (char *)NULL);
    _exit(EXIT_FAILURE);
}

void kafka_broker_start(struct kafka_broker *broker, int count)
{
    int to[2];
    int from[2];
    char line[600];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) stop_here("no pipe");
    broker->pid = fork();
    if (broker->pid < 0) stop_here("no process");
    if (broker->pid == 0) run_harness(to[0], from[1], count);
    (void)close(to[0]); /* the harness's ends */
    (void)close(from[1]);
    broker->words = fdopen(to[1], "w");
    broker->answers = fdopen(from[0], "r");
    if (broker->words == NULL || broker->answers == NULL) stop_here("no stream");
    bool ready = fgets(line, sizeof line, broker->answers) != NULL;
    size_t len = strcspn(ready ? line : "", "\n");
    if (ready && strncmp(line, "ready ", 6) == 0 && len - 6 < sizeof broker->brokers) {
        memcpy(broker->brokers, line + 6, len - 6);
        broker->brokers[len - 6] = '\0';
        return;
    }
    int ended = 0;
    (void)waitpid(broker->pid, &ended, 0);
    if (WIFEXITED(ended) && WEXITSTATUS(ended) == SKIPPED) exit(SKIPPED);
    stop_here("the brokers did not start");
}

void kafka_broker_tell(struct kafka_broker *broker, const char *word)
{
    char line[64];
    if (fprintf(broker->words, "%s\n", word) < 0 || fflush(broker->words) != 0)
        stop_here("the harness is gone");
    if (fgets(line, sizeof line, broker->answers) == NULL) stop_here("the harness is gone");
}

void kafka_broker_stop(struct kafka_broker *broker)
{
    (void)fclose(broker->words); /* its end is the word */
    (void)fclose(broker->answers);
    (void)waitpid(broker->pid, NULL, 0);
}

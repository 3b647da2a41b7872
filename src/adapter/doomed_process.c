/* The report goes through a pipe: what the child did in memory dies with it. */
#include "adapter/doomed_process.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static void report_send(int out, const char *at, size_t size)
{
    while (size > 0) {
        ssize_t written = write(out, at, size);
        if (written <= 0) return; /* the parent sees that it is cut short */
        at += written;
        size -= (size_t)written;
    }
}

static bool report_receive(int in, char *at, size_t size)
{
    while (size > 0) {
        ssize_t taken = read(in, at, size);
        if (taken <= 0) return false;
        at += taken;
        size -= (size_t)taken;
    }
    return true;
}

enum status doomed_process_run(void (*body)(void *argument, void *report), void *argument,
                               void *report, size_t size, struct error *out_error)
{
    int ends[2];
    if (pipe(ends) != 0) return error_set(out_error, STATUS_UNAVAILABLE, "no pipe can be made");
    (void)fflush(NULL); /* nothing buffered may be written twice */
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        body(argument, report);
        report_send(ends[1], report, size);
        (void)raise(SIGKILL);
    }
    (void)close(ends[1]);
    bool received = child > 0 && report_receive(ends[0], report, size);
    (void)close(ends[0]);
    int ended;
    while (child > 0 && waitpid(child, &ended, 0) < 0) continue;
    if (received) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "the process failed before its report");
}

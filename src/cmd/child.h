/* child.h - this program started once more, as a process of its own. */
#ifndef CMD_CHILD_H
#define CMD_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct child {
    pid_t pid; /* 0: none */
};

/*
 * arguments: the words after the program's name, ending with NULL, at most CHILD_ARGUMENTS_MAX.
 * output, errors: files that standard output and standard error are appended to; NULL: shared.
 * STATUS_UNAVAILABLE.
 */
enum { CHILD_ARGUMENTS_MAX = 30 };

struct child_files {
    const char *output;
    const char *errors;
};
enum status child_start(const char *const *arguments, const struct child_files *files,
                        struct child *out_child, struct error *out_error) MUST_CHECK;

/* Sends a signal; does nothing when there is no child. */
void child_signal(const struct child *child, int number);
/* Waits for its end: its exit code, or 128 and the signal that ended it. */
int child_wait(struct child *child);
/* Whether it has ended; then *out_code is as from child_wait(). */
bool child_ended(struct child *child, int *out_code);

#endif

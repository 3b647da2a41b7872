/* check_test.h - for tests: whether a call stops the program, as a failed CHECK does. */
#ifndef BASE_CHECK_TEST_H
#define BASE_CHECK_TEST_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Makes the call in a child process, whose stderr is closed; true when it ended by abort(). */
static inline bool dies(void (*call)(void *argument), void *argument)
{
    (void)fflush(NULL); /* else the child would write what is pending here once more */
    pid_t child = fork();
    if (child == 0) {
        (void)close(STDERR_FILENO); /* the message of the check is not for the test's reader */
        call(argument);
        _exit(0);
    }
    int state = 0;
    if (child < 0 || waitpid(child, &state, 0) != child) return false;
    return WIFSIGNALED(state) && WTERMSIG(state) == SIGABRT;
}

#endif

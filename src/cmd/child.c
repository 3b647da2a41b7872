/* posix_spawn of /proc/self/exe: the binary that is running, wherever it was started from. */
#include "cmd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

extern char **environ;

static int redirect(posix_spawn_file_actions_t *actions, int descriptor, const char *path)
{
    if (path == NULL) return 0;
    return posix_spawn_file_actions_addopen(actions, descriptor, path,
                                            O_WRONLY | O_CREAT | O_APPEND, 0600);
}

enum status child_start(const char *const *arguments, const struct child_files *files,
                        struct child *out_child, struct error *out_error)
{
    const char *words[CHILD_ARGUMENTS_MAX + 2] = { "tpwallet" };
    for (size_t i = 0; arguments[i] != NULL; i++) {
        CHECK(i < CHILD_ARGUMENTS_MAX);
        words[i + 1] = arguments[i];
    }
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);
    CHECK(rc == 0);
    rc = redirect(&actions, STDOUT_FILENO, files->output);
    if (rc == 0) rc = redirect(&actions, STDERR_FILENO, files->errors);
    if (rc == 0)
        rc = posix_spawn(&out_child->pid, "/proc/self/exe", &actions, NULL,
                         (char *const *)(const void *)words, environ);
    (void)posix_spawn_file_actions_destroy(&actions); /* releases memory; cannot fail */
    if (rc == 0) return STATUS_OK;
    out_child->pid = 0;
    return error_set(out_error, STATUS_UNAVAILABLE, "cannot start '%s': %s", arguments[0],
                     strerror(rc));
}

void child_signal(const struct child *child, int number)
{
    if (child->pid > 0) (void)kill(child->pid, number); /* it may have ended: the wait tells */
}

static int exit_code_from(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_wait(struct child *child)
{
    int status = 0;
    CHECK(child->pid > 0);
    while (waitpid(child->pid, &status, 0) < 0) CHECK(errno == EINTR);
    child->pid = 0;
    return exit_code_from(status);
}

bool child_ended(struct child *child, int *out_code)
{
    int status = 0;
    CHECK(child->pid > 0);
    if (waitpid(child->pid, &status, WNOHANG) != child->pid) return false;
    child->pid = 0;
    *out_code = exit_code_from(status);
    return true;
}

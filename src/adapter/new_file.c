#include "adapter/new_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* errno says why not. */
static bool file_fill(const char *path, struct str bytes, mode_t mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) return false;
    bool good = true;
    while (good && bytes.len > 0) {
        ssize_t written = write(file, bytes.data, bytes.len);
        if (written < 0 && errno == EINTR) continue;
        good = written >= 0;
        if (good) bytes = (struct str){ bytes.data + written, bytes.len - (size_t)written };
    }
    good = good && fsync(file) == 0;
    int error = errno;
    (void)close(file); /* synced before */
    errno = error;
    return good;
}

/* The folder of a path is what comes before its last slash. */
static bool folder_sync(const char *path)
{
    char folder[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    memcpy(folder, len == 0 ? "." : path, len == 0 ? 1 : len);
    folder[len == 0 ? 1 : len] = 0;
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return false;
    bool good = fsync(file) == 0;
    int error = errno;
    (void)close(file); /* only synced */
    errno = error;
    return good;
}

enum status new_file_write(const char *path, struct str bytes, unsigned mode,
                           struct error *out_error)
{
    char fresh[PATH_SIZE];
    int len = snprintf(fresh, sizeof fresh, "%s.%ld.new", path, (long)getpid());
    if (len < 0 || len >= (int)sizeof fresh)
        return error_set(out_error, STATUS_INVALID, "the path '%.64s...' is too long", path);
    (void)unlink(fresh); /* of a process that had the same number, and was killed */
    bool filled = file_fill(fresh, bytes, (mode_t)mode);
    bool linked = filled && link(fresh, path) == 0;
    bool good = linked && folder_sync(path);
    int error = errno;
    if (linked && !good) (void)unlink(path); /* it may be gone after a loss of power */
    (void)unlink(fresh);                     /* it has its name by now, or none */
    if (good) return STATUS_OK;
    if (error == EEXIST) {
        (void)error_set(out_error, STATUS_CONFLICT, "there is a file '%s' already", path);
        error_hint(out_error, "it stays as it is: name another");
        return STATUS_CONFLICT;
    }
    bool absent = error == ENOENT || error == ENOTDIR;
    enum status status = absent ? STATUS_NOT_FOUND : status_of_errno(error);
    (void)error_set(out_error, status, "cannot %s '%s'", filled ? "make" : "write", path);
    error_detail(out_error, "%s", strerror(error));
    return status;
}

/* NAME.PID.new */
static bool is_begun(const char *file, const char *name)
{
    size_t len = strlen(name);
    if (strncmp(file, name, len) != 0 || file[len] != '.') return false;
    const char *number = file + len + 1;
    size_t digits = strspn(number, "0123456789");
    return digits > 0 && strcmp(number + digits, ".new") == 0;
}

void new_file_clear(int folder, const char *name)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *files = again < 0 ? NULL : fdopendir(again);
    if (files == NULL) {
        if (again >= 0) (void)close(again); /* only opened */
        return;
    }
    for (const struct dirent *file; (file = readdir(files)) != NULL;)
        if (is_begun(file->d_name, name)) (void)unlinkat(folder, file->d_name, 0); /* it stays */
    (void)closedir(files);                                                         /* only read */
}

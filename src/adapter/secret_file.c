#include "adapter/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/file_error.h"

static enum status not_ours(const char *path, struct error *out_error)
{
    (void)error_set(out_error, STATUS_DENIED, "%s may not be read by this user", path);
    error_hint(out_error, "it holds secrets: run the command as its owner");
    return STATUS_DENIED;
}

enum status secret_file_open(const char *path, int *out_file, struct error *out_error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        if (errno == EACCES) return not_ours(path, out_error);
        if (errno != ENOENT) return file_error("a secret", "open", path, out_error);
        return error_set(out_error, STATUS_NOT_FOUND, "there is no %s", path);
    }
    struct stat info;
    enum status status = STATUS_OK;
    if (fstat(file, &info) != 0) {
        status = file_error("a secret", "look at", path, out_error);
    } else if ((info.st_mode & 077) != 0) {
        status = error_set(out_error, STATUS_DENIED, "others may read %s", path);
        error_hint(out_error, "it holds secrets: chmod 600 %s", path);
    }
    if (status == STATUS_OK)
        *out_file = file;
    else
        (void)close(file); /* only looked at */
    return status;
}

enum status secret_file_read(const char *path, char *text, size_t size_max, size_t *out_size,
                             struct error *out_error)
{
    int file = -1;
    enum status status = secret_file_open(path, &file, out_error);
    if (status != STATUS_OK) return status;
    ssize_t got = read(file, text, size_max);
    if (got < 0) status = file_error("a secret", "read", path, out_error);
    (void)close(file); /* only read */
    if (status == STATUS_OK) *out_size = (size_t)got;
    return status;
}

#include "cmd/file_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"

enum status file_bytes_read(const char *path, struct buf *out_bytes, struct error *out_error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) return file_bytes_take(file, path, out_bytes, out_error);
    int error = errno;
    enum status status = error == EACCES ? STATUS_DENIED : STATUS_NOT_FOUND;
    (void)error_set(out_error, status, "cannot open '%s'", path);
    error_detail(out_error, "%s", strerror(error));
    return status;
}

enum status file_bytes_take(int file, const char *path, struct buf *out_bytes,
                            struct error *out_error)
{
    char piece[16384];
    ssize_t size = 0;
    bool fits = true;
    while (fits && ((size = read(file, piece, sizeof piece)) > 0 || (size < 0 && errno == EINTR))) {
        if (size > 0) buf_append(out_bytes, piece, (size_t)size);
        fits = buf_status(out_bytes) == STATUS_OK;
    }
    bool bad = size < 0;
    (void)close(file); /* only read */
    secret_wipe(piece, sizeof piece);
    if (bad) return error_set(out_error, STATUS_UNAVAILABLE, "cannot read '%s'", path);
    if (fits) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "'%s' is larger than %zu bytes", path,
                     out_bytes->size_max);
}

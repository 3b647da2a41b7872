#include "cmd/file_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"

enum status file_bytes_read(const char *path, struct buf *out_bytes, struct error *out_error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        enum status status = error_set(out_error, STATUS_NOT_FOUND, "cannot open '%s'", path);
        error_detail(out_error, "%s", strerror(errno));
        return status;
    }
    char piece[16384];
    size_t size = 0;
    bool fits = true;
    while (fits && (size = fread(piece, 1, sizeof piece, file)) > 0) {
        buf_append(out_bytes, piece, size);
        fits = buf_status(out_bytes) == STATUS_OK;
    }
    bool bad = ferror(file) != 0;
    (void)fclose(file); /* only read */
    secret_wipe(piece, sizeof piece);
    if (bad) return error_set(out_error, STATUS_UNAVAILABLE, "cannot read '%s'", path);
    if (fits) return STATUS_OK;
    return error_set(out_error, STATUS_LIMIT, "'%s' is larger than %zu bytes", path,
                     out_bytes->size_max);
}

static enum status status_of(int error)
{
    switch (error) {
    case EEXIST: return STATUS_CONFLICT;
    case ENOSPC:
    case EDQUOT: return STATUS_LIMIT;
    case EACCES:
    case EPERM:
    case EROFS: return STATUS_DENIED;
    case ENOENT:
    case ENOTDIR: return STATUS_NOT_FOUND;
    default: return STATUS_UNAVAILABLE;
    }
}

static bool write_all(int file, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(file, bytes.data, bytes.len);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes = (struct str){ bytes.data + written, bytes.len - (size_t)written };
    }
    return true;
}

enum status file_bytes_write(const char *path, struct str bytes, unsigned mode,
                             struct error *out_error)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    bool made = file >= 0;
    bool good = made && write_all(file, bytes) && fsync(file) == 0;
    int error = errno;
    if (made) (void)close(file); /* synced before */
    if (good) return STATUS_OK;
    if (made) (void)unlink(path); /* it would be taken for whole */
    enum status status =
        error_set(out_error, status_of(error), "cannot %s '%s'", made ? "write" : "make", path);
    error_detail(out_error, "%s", strerror(error));
    return status;
}

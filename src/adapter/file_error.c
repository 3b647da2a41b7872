#include "adapter/file_error.h"

#include <errno.h>
#include <string.h>

enum { PATH_LEN_MAX = 4095 };

enum status file_error(const char *whose, const char *what, const char *name,
                       struct error *out_error)
{
    int code = errno;
    bool full = status_of_errno(code) == STATUS_LIMIT;
    enum status status = error_set(out_error, full ? STATUS_LIMIT : STATUS_UNAVAILABLE,
                                   "%s: cannot %s %s", whose, what, name);
    error_detail(out_error, "%s", strerror(code));
    return status;
}

enum status file_path(const char *folder, const char *name, struct buf *out_path,
                      struct error *out_error)
{
    buf_init(out_path, PATH_LEN_MAX);
    buf_append_format(out_path, "%s/%s", folder, name);
    if (buf_status(out_path) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "the folder's path is too long");
}

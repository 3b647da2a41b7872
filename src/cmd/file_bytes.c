#include "cmd/file_bytes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

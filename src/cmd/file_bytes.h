/* file_bytes.h - whole files that a command is given. */
#ifndef CMD_FILE_BYTES_H
#define CMD_FILE_BYTES_H

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends all of it. STATUS_NOT_FOUND: it cannot be opened; STATUS_DENIED: not by this user.
 * STATUS_LIMIT: it is larger than the buf's maximum. STATUS_UNAVAILABLE.
 */
enum status file_bytes_read(const char *path, struct buf *out_bytes, struct error *out_error)
    MUST_CHECK;
/* The same of a descriptor that was opened as path, which is then closed. */
enum status file_bytes_take(int file, const char *path, struct buf *out_bytes,
                            struct error *out_error) MUST_CHECK;

#endif

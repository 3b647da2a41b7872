/* file_error.h - what errno says after a call on a file, as a status and an error. */
#ifndef ADAPTER_FILE_ERROR_H
#define ADAPTER_FILE_ERROR_H

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"

/*
 * Right after the call that failed: "WHOSE: cannot WHAT NAME", and the system's words as detail.
 * STATUS_LIMIT: the disk is full; otherwise STATUS_UNAVAILABLE.
 */
enum status file_error(const char *whose, const char *what, const char *name,
                       struct error *out_error) MUST_CHECK;

/* "FOLDER/NAME"; buf_init()s it. STATUS_INVALID: too long for a path. */
enum status file_path(const char *folder, const char *name, struct buf *out_path,
                      struct error *out_error) MUST_CHECK;

#endif

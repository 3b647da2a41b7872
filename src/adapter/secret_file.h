/* secret_file.h - a small file of secrets that is for its owner alone. new_file.h makes one. */
#ifndef ADAPTER_SECRET_FILE_H
#define ADAPTER_SECRET_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "base/status.h"

/*
 * At most size_max bytes, *out_size of them; to be wiped by the caller. STATUS_NOT_FOUND: there is
 * no file. STATUS_DENIED: others may read it. STATUS_UNAVAILABLE.
 */
enum status secret_file_read(const char *path, char *text, size_t size_max, size_t *out_size,
                             struct error *out_error) MUST_CHECK;

#endif

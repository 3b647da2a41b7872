/* secret_file.h - a small file of secrets that is for its owner alone. new_file.h makes one. */
#ifndef ADAPTER_SECRET_FILE_H
#define ADAPTER_SECRET_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "base/status.h"

/* To be read. STATUS_NOT_FOUND: there is no file. STATUS_DENIED: others may. STATUS_UNAVAILABLE. */
enum status secret_file_open(const char *path, int *out_file, struct error *out_error) MUST_CHECK;

/* At most size_max bytes, *out_size of them; to be wiped by the caller. As secret_file_open(). */
enum status secret_file_read(const char *path, char *text, size_t size_max, size_t *out_size,
                             struct error *out_error) MUST_CHECK;

#endif

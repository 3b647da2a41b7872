/* new_file.h - a new file with all its bytes, or none: nobody ever finds half of one. */
#ifndef ADAPTER_NEW_FILE_H
#define ADAPTER_NEW_FILE_H

#include "base/error.h"
#include "base/status.h"
#include "base/str.h"

/*
 * The bytes are written and synced under a name of this process's own, PATH.PID.new, which is then
 * linked to path: a process killed before leaves no file of that path. Durable on STATUS_OK, with
 * its folder. mode: of open(2). Processes may race for one path: one of them makes it.
 * STATUS_CONFLICT: there is one; it is as it was. STATUS_INVALID: the path is too long.
 * STATUS_NOT_FOUND: no such folder. STATUS_LIMIT: the disk is full. STATUS_DENIED,
 * STATUS_UNAVAILABLE. On failure nothing stays.
 */
enum status new_file_write(const char *path, struct str bytes, unsigned mode,
                           struct error *out_error) MUST_CHECK;

/*
 * Away with what killed processes began under that name in an open folder; for whoever alone writes
 * it there. What cannot be removed stays.
 */
void new_file_clear(int folder, const char *name);

#endif

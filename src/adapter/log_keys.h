/* log_keys.h - the secrets of a verifiable log, in DIR/log.key: what signs, and what hides leaves. */
#ifndef ADAPTER_LOG_KEYS_H
#define ADAPTER_LOG_KEYS_H

#include <stdbool.h>

#include "base/error.h"
#include "port/entropy.h"
#include "tlog/note.h"

/*
 * Two lines: the signer as signed-note has it, whose name is the log's origin, and "LEAF+KEY+" with
 * 64 digits. One file, since neither is of use without the other: another leaf key gives other
 * leaves, which the signer must not sign. Mode 0600; refused when others may read it.
 *
 * log_keys_done() when it is not needed any more.
 */
struct log_keys {
    struct note_signer signer;
    struct secret leaf;
};

/*
 * STATUS_NOT_FOUND: there is no file. STATUS_DENIED: others may read it. STATUS_CORRUPT: it is
 * damaged. STATUS_UNAVAILABLE.
 */
enum status log_keys_read(const char *folder, struct log_keys *out_keys, struct error *out_error)
    MUST_CHECK;

/*
 * Makes new ones, durably, for this origin. STATUS_INVALID: it is no name for a key.
 * STATUS_CONFLICT: there is a file, or something was signed before with keys that are lost.
 * STATUS_UNAVAILABLE, STATUS_LIMIT.
 */
enum status log_keys_make(const char *folder, struct str origin, struct entropy *entropy,
                          struct error *out_error) MUST_CHECK;

/* Whether there is a file, good or not. */
bool log_keys_exist(const char *folder);

/* Accepts a zeroed struct. */
void log_keys_done(struct log_keys *keys);

#endif

/* error.h - a status with its facts: message (what), detail (facts), hint (what to do). */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/status.h"

/*
 * Filled by the layer that knows the facts, passed up unchanged, printed or logged once at the
 * edge. Never holds a secret: message and hint may be shown to a client, detail goes to the
 * log of the operator. Texts that do not fit are cut at the end.
 */
enum { ERROR_TEXT_SIZE = 256 };

struct error {
    enum status status;
    char message[ERROR_TEXT_SIZE];
    char detail[ERROR_TEXT_SIZE];
    char hint[ERROR_TEXT_SIZE];
};

/*
 * Sets status and message (printf format), clears detail and hint, and returns status, so that
 * `return error_set(out_error, STATUS_CORRUPT, ...)` reads as one step. error may be NULL.
 */
enum status error_set(struct error *error, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Add to the error just set. error may be NULL. */
void error_detail(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void error_hint(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

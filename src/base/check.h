/* check.h - assertions that stay on: a ledger that stops is better than one that drifts. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stdint.h>

/*
 * CHECK(condition): one condition, no side effect. Prints file, line and the condition to
 * stderr, then aborts. For what must hold whatever the input; bytes from outside are parsed
 * and refused with a status instead.
 */
#define CHECK(condition)                                                                           \
    (__builtin_expect(!!(condition), 1) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

_Noreturn void check_failed(const char *file, int line, const char *condition);

/* On-disk and wire structs are little-endian and laid over memory as they are. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a little-endian machine is required");

#endif

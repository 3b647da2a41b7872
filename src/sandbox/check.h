/* check.h - whether the sandbox's items, statement lines and double entry say the same. */
#ifndef SANDBOX_CHECK_H
#define SANDBOX_CHECK_H

#include "sandbox/sandbox.h"

/* STATUS_CORRUPT when they do not; costs a pass over all. */
enum status sandbox_check(const struct sandbox *sandbox) MUST_CHECK;

#endif

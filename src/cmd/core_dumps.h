/* core_dumps.h - a process with secrets in its memory leaves none of it behind. */
#ifndef CMD_CORE_DUMPS_H
#define CMD_CORE_DUMPS_H

#include "base/error.h"

/* STATUS_DENIED: the kernel does not let us. */
enum status core_dumps_off(struct error *out_error) MUST_CHECK;

#endif

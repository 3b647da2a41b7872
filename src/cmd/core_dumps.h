/* core_dumps.h - no core dump of a process that holds keys or balances. */
#ifndef CMD_CORE_DUMPS_H
#define CMD_CORE_DUMPS_H

#include "base/error.h"

/* For this process, for good: and nobody else's debugger may look. STATUS_DENIED. */
enum status core_dumps_off(struct error *out_error) MUST_CHECK;

#endif

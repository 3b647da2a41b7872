#include "cmd/core_dumps.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* A core dump would hold keys and balances; and nobody else's debugger may look. */
enum status core_dumps_off(struct error *out_error)
{
    const struct rlimit none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
        return STATUS_OK;
    return error_set(out_error, STATUS_DENIED, "core dumps cannot be turned off: %s",
                     strerror(errno));
}

#include "cmd/stop_signal.h"

#include <errno.h>
#include <string.h>

enum status stop_signal_block(sigset_t *out_signals, struct error *out_error)
{
    if (sigemptyset(out_signals) == 0 && sigaddset(out_signals, SIGTERM) == 0 &&
        sigaddset(out_signals, SIGINT) == 0 && sigaddset(out_signals, SIGHUP) == 0 &&
        sigprocmask(SIG_BLOCK, out_signals, NULL) == 0)
        return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "signals cannot be blocked: %s",
                     strerror(errno));
}

void stop_signal_wait(const sigset_t *signals)
{
    int number = 0;
    while (sigwait(signals, &number) != 0) continue; /* only EINTR, on some systems */
}

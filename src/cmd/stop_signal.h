/* stop_signal.h - waiting for the signal that ends a server: SIGTERM, SIGINT or SIGHUP. */
#ifndef CMD_STOP_SIGNAL_H
#define CMD_STOP_SIGNAL_H

#include <signal.h>

#include "base/error.h"
#include "base/status.h"

/* Before any thread starts, so that the signals reach only the one that waits for them. */
enum status stop_signal_block(sigset_t *out_signals, struct error *out_error) MUST_CHECK;
/* Returns when one of them comes. */
void stop_signal_wait(const sigset_t *signals);

#endif

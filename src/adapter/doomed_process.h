/* doomed_process.h - work done in a process that then kills itself, as a crash would end it. */
#ifndef ADAPTER_DOOMED_PROCESS_H
#define ADAPTER_DOOMED_PROCESS_H

#include <stddef.h>

#include "base/error.h"

/*
 * Forks; the child runs body(argument, report), sends the report's `size` bytes back and ends
 * with SIGKILL: nothing is flushed, closed or unlocked. Returns when it is gone. Call before
 * any thread is started. STATUS_UNAVAILABLE: no process, or it ended before its report.
 */
enum status doomed_process_run(void (*body)(void *argument, void *report), void *argument,
                               void *report, size_t size, struct error *out_error) MUST_CHECK;

#endif

/* sim_log.h - log lines (port/log.h) kept in a ring, and part of the trace. */
#ifndef SIM_SIM_LOG_H
#define SIM_SIM_LOG_H

#include "base/buf.h"
#include "port/log.h"
#include "sim/process.h"

enum { SIM_LOG_LINES = 64, SIM_LOG_LINE_SIZE = 320 };

/* The newest lines of all processes of a world; longer ones are cut. */
struct sim_log_ring {
    uint64_t count; /* ever written */
    uint64_t alarms;
    uint64_t indexes_damaged; /* lines of that event: found while running */
    char lines[SIM_LOG_LINES][SIM_LOG_LINE_SIZE];
};

/* Each line is a scheduling point. */
struct sim_log {
    struct log port; /* first: hand out &sim_log.port */
    struct process *process;
    struct sim_log_ring *ring;
};

void sim_log_init(struct sim_log *log, struct process *process, struct sim_log_ring *ring);

/* Oldest first, one per line. */
void sim_log_print(const struct sim_log_ring *ring, struct buf *out_text);

#endif

/* json_log.h - port/log.h as lines of JSON, written to a file descriptor. */
#ifndef ADAPTER_JSON_LOG_H
#define ADAPTER_JSON_LOG_H

#include "base/error.h"
#include "base/status.h"
#include "port/clock.h"
#include "port/log.h"

/*
 * {"ts":"2026-11-23T06:14:50.123456789Z","level":"info","seq":7,"writer":"server-9f86d081884c7d65",
 *  "event":"lane.opened","message":"...","trace_id":"...","span_id":"...", fields...}
 *
 * seq counts from 1 without gaps for each writer; the name of a writer ends in a random part, so
 * that it is never used again. A line that cannot be written (a full pipe whose
 * reader is slow, a full disk, a line over JSON_LOG_LINE_SIZE_MAX) is counted and its number is
 * used up, and the next line that is written says so: "lost":N, all lost lines so far. A line is
 * one write, so that writers that share a pipe do not mix lines of up to PIPE_BUF bytes.
 * Any thread; a line waits at most for the write of another.
 *
 * trace_id and span_id are there only when there is a trace. A field whose name the line uses
 * itself is written with an underscore behind it.
 */
struct json_log;

enum { JSON_LOG_LINE_SIZE_MAX = 16 << 10, JSON_LOG_FIELDS_MAX = 32 };

/* A line as it was numbered. */
struct json_log_record {
    struct wall_time time;
    uint64_t seq;
    struct str writer;
    const struct log_line *line;
};

struct json_log_options {
    int fd;             /* the caller's; written as it is, also when it blocks */
    const char *writer; /* its role: "server" */
    enum log_level level_min;
    struct clock *clock;
    /* Told of each line in the order of the numbers, also when it cannot be written. NULL: nobody. */
    void (*tap)(void *owner, const struct json_log_record *record);
    void *tap_owner;
};

/* STATUS_UNAVAILABLE: out of memory. */
enum status json_log_open(const struct json_log_options *options, struct json_log **out_log,
                          struct error *out_error) MUST_CHECK;
/* The port; lives as the log. */
struct log *json_log_port(struct json_log *log);
/* Lines whose number was used up and that are nowhere. */
uint64_t json_log_lost(struct json_log *log);
/* Accepts NULL. */
void json_log_close(struct json_log *log);

#endif

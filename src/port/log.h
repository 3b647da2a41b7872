/* log.h - structured log lines, numbered without gaps per writer, so that loss is provable. */
#ifndef PORT_LOG_H
#define PORT_LOG_H

#include <stdint.h>

#include "base/str.h"
#include "model/id.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_ALARM };

/* A named value of a line: text, or a number when text.data is NULL. Never a secret. */
struct log_field {
    struct str name;
    struct str text;
    int64_t number;
};

/* event is a stable name ("lane.opened"), message a sentence for people. */
struct log_line {
    enum log_level level;
    struct trace trace;
    struct str event;
    struct str message;
    const struct log_field *fields;
    uint32_t field_count;
};

/*
 * Any task; never blocks on a slow reader longer than one write; a line that cannot be written
 * is counted and its number is used up. The line is the caller's.
 */
struct log {
    void (*write)(struct log *log, const struct log_line *line);
};

static inline void log_write(struct log *log, struct log_line line)
{
    log->write(log, &line);
}

#endif

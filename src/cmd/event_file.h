/* event_file.h - a file of events, one JSON object a line, that a relay goes on from after any end. */
#ifndef CMD_EVENT_FILE_H
#define CMD_EVENT_FILE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "model/position.h"

/*
 * The last whole line tells where to go on, so that nothing else has to be kept: what a killed
 * writer left of a line is cut off. One writer at a time, held by a lock on the file.
 */
struct event_file {
    int fd;
    bool has_last;
    struct position last; /* the id of the last line; {0} when there is none */
};

/*
 * STATUS_INVALID: its last line is no event. STATUS_CONFLICT: somebody else writes to it.
 * STATUS_DENIED: it cannot be opened; STATUS_UNAVAILABLE.
 */
enum status event_file_open(const char *path, struct event_file *out_file, struct error *out_error)
    MUST_CHECK;
void event_file_close(struct event_file *file);

/* Whole lines, each with its newline; on disk when it returns. STATUS_LIMIT: they are not. */
enum status event_file_append(struct event_file *file, struct str lines, struct error *out_error)
    MUST_CHECK;

#endif

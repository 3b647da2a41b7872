/* log_line.h - a line of a log as names and values: NDJSON, logfmt, or an access log. */
#ifndef DOCTOR_LOG_LINE_H
#define DOCTOR_LOG_LINE_H

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "base/time.h"

enum { LOG_LINE_PAIRS_MAX = 64, LOG_LINE_SIZE_MAX = 64 << 10 };

enum log_line_form { LOG_LINE_JSON, LOG_LINE_LOGFMT, LOG_LINE_ACCESS };

struct log_line_pair {
    struct str name;
    struct str value;
};

struct log_line {
    enum log_line_form form;
    uint32_t count;
    struct log_line_pair pairs[LOG_LINE_PAIRS_MAX]; /* further ones are left out */
};

/*
 * The form is told by how the line begins: '{' is JSON, a name and '=' is logfmt, an address and a
 * time in brackets is an access log (nginx's and Apache's "combined", which becomes client, time,
 * method, path, status, size, referrer, agent, and pairs behind it if there are any). Nested values
 * of JSON are left out. Texts are views into the line or the arena, which needs the line's size and
 * 4 KiB. STATUS_INVALID: none of these, or broken.
 */
enum status log_line_parse(struct str line, struct arena *arena, struct log_line *out_line)
    MUST_CHECK;

/* The value of the first of these names (parted by blanks) that is there; empty when none is. */
struct str log_line_value(const struct log_line *line, const char *names);

/* RFC 3339, "23/Nov/2026:06:14:50 +0000", or seconds since 1970 with up to nine decimals. */
bool log_line_time(struct str text, struct wall_time *out_time);

#endif

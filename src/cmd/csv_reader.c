/* A window over the file: a record is parsed once all of it is there, its quotes taken out in place. */
#include "cmd/csv_reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum { WINDOW_SIZE = 2 * CSV_RECORD_SIZE_MAX };

void csv_reader_init(struct csv_reader *reader, int descriptor)
{
    *reader = (struct csv_reader){ .descriptor = descriptor, .next_line = 1 };
    buf_init(&reader->window, WINDOW_SIZE);
}

void csv_reader_done(struct csv_reader *reader)
{
    buf_free(&reader->window);
}

/* Moves what is left to the front and reads more behind it. */
static enum status window_fill(struct csv_reader *reader, struct error *out_error)
{
    bool first = reader->window.len == 0;
    if (first && buf_extend(&reader->window, WINDOW_SIZE) == NULL)
        return error_set(out_error, STATUS_LIMIT, "no memory for reading");
    uint8_t *data = reader->window.data;
    memmove(data, data + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    CHECK(reader->end < WINDOW_SIZE);
    ssize_t got;
    do got = read(reader->descriptor, data + reader->end, WINDOW_SIZE - reader->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set(out_error, STATUS_UNAVAILABLE, "cannot read: %s", strerror(errno));
    reader->at_end = got == 0;
    reader->end += (size_t)got;
    if (first && reader->end >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) reader->start = 3;
    return STATUS_OK;
}

/* What came of looking at the bytes in the window. */
enum scan { SCAN_RECORD, SCAN_MORE, SCAN_BROKEN, SCAN_WIDE };

struct scan_state {
    const char *fault;
    size_t at;      /* the byte looked at */
    size_t written; /* where the unquoted bytes go: never ahead of `at` */
    uint64_t lines; /* line ends seen */
};

static bool field_close(struct csv_reader *reader, size_t from, size_t to)
{
    if (reader->field_count == CSV_FIELDS_MAX) return false;
    reader->fields[reader->field_count++] =
        (struct str){ (const char *)reader->window.data + from, to - from };
    return true;
}

/* Behind the opening quote: copies down to the closing one, and steps over it. */
static enum scan quoted_scan(struct csv_reader *reader, struct scan_state *state)
{
    uint8_t *data = reader->window.data;
    while (state->at < reader->end) {
        uint8_t byte = data[state->at++];
        if (byte == '"') {
            if (state->at == reader->end && !reader->at_end) return SCAN_MORE;
            if (state->at == reader->end || data[state->at] != '"') return SCAN_RECORD;
            state->at++;
        }
        if (byte == '\n') state->lines++;
        if (byte == 0) {
            state->fault = "a zero byte";
            return SCAN_BROKEN;
        }
        data[state->written++] = byte;
    }
    state->fault = "a quote that is never closed";
    return reader->at_end ? SCAN_BROKEN : SCAN_MORE;
}

/* A field without quotes: up to a comma, a line end, or the end. */
static enum scan plain_scan(struct csv_reader *reader, struct scan_state *state)
{
    uint8_t *data = reader->window.data;
    for (; state->at < reader->end; state->at++) {
        uint8_t byte = data[state->at];
        if (byte == ',' || byte == '\n' || byte == '\r') return SCAN_RECORD;
        if (byte == '"' || byte == 0) {
            state->fault = byte == 0 ? "a zero byte" : "a quote inside an unquoted field";
            return SCAN_BROKEN;
        }
        data[state->written++] = byte;
    }
    return reader->at_end ? SCAN_RECORD : SCAN_MORE;
}

/* Behind a field: true when the record goes on with another one. */
static enum scan separator_scan(struct csv_reader *reader, struct scan_state *state,
                                bool *out_goes_on)
{
    const uint8_t *data = reader->window.data;
    *out_goes_on = false;
    if (state->at == reader->end) return reader->at_end ? SCAN_RECORD : SCAN_MORE;
    uint8_t byte = data[state->at++];
    if (byte == '\r') {
        if (state->at == reader->end && !reader->at_end) return SCAN_MORE;
        if (state->at < reader->end && data[state->at] == '\n') byte = data[state->at++];
    }
    if (byte == '\n') {
        state->lines++;
        return SCAN_RECORD;
    }
    *out_goes_on = byte == ',';
    state->fault =
        byte == '\r' ? "a carriage return without a line feed" : "text behind a closing quote";
    return byte == ',' ? SCAN_RECORD : SCAN_BROKEN;
}

static enum scan record_scan(struct csv_reader *reader, struct scan_state *state)
{
    bool goes_on = true;
    while (goes_on) {
        bool quoted = state->at < reader->end && reader->window.data[state->at] == '"';
        if (quoted) state->at++;
        state->written = state->at;
        size_t from = state->at;
        enum scan scan = quoted ? quoted_scan(reader, state) : plain_scan(reader, state);
        if (scan != SCAN_RECORD) return scan;
        if (!field_close(reader, from, state->written)) return SCAN_WIDE;
        scan = separator_scan(reader, state, &goes_on);
        if (scan != SCAN_RECORD) return scan;
    }
    return SCAN_RECORD;
}

/* Whether the window holds a whole record for sure: unquoting in place must happen only once. */
static bool record_is_whole(const struct csv_reader *reader)
{
    if (reader->at_end) return true;
    bool quoted = false;
    const uint8_t *data = reader->window.data;
    for (size_t at = reader->start; at < reader->end; at++) {
        if (data[at] == '"') quoted = !quoted;
        if (data[at] == '\n' && !quoted) return true;
    }
    return false;
}

static enum status refused(const struct csv_reader *reader, enum status status, const char *fault,
                           struct error *out_error)
{
    error_set(out_error, status, "line %llu is no CSV: %s", (unsigned long long)reader->line,
              fault);
    error_hint(out_error, "RFC 4180: a field with a comma, a quote or a line end stands in double "
                          "quotes, quotes inside it are doubled");
    return status;
}

static enum status record_read(struct csv_reader *reader, struct error *out_error)
{
    while (!record_is_whole(reader)) {
        /* over the limit: looked at all the same, since a stray quote is the likely cause */
        if (reader->end - reader->start > CSV_RECORD_SIZE_MAX) break;
        enum status status = window_fill(reader, out_error);
        if (status != STATUS_OK) return status;
    }
    struct scan_state state = { .at = reader->start };
    reader->field_count = 0;
    enum scan scan = record_scan(reader, &state);
    if (scan == SCAN_BROKEN) return refused(reader, STATUS_INVALID, state.fault, out_error);
    if (scan == SCAN_WIDE) return refused(reader, STATUS_LIMIT, "more than 64 fields", out_error);
    if (scan == SCAN_MORE)
        return refused(reader, STATUS_LIMIT, "the record is over 1 MiB", out_error);
    reader->bytes += state.at - reader->start;
    reader->start = state.at;
    reader->next_line += state.lines;
    return STATUS_OK;
}

enum status csv_reader_next(struct csv_reader *reader, bool *out_found, struct error *out_error)
{
    CHECK(reader->window.size_max > 0);
    for (;;) {
        reader->line = reader->next_line;
        if (reader->start == reader->end && !reader->at_end) {
            enum status status = window_fill(reader, out_error);
            if (status != STATUS_OK) return status;
        }
        if (reader->start == reader->end && reader->at_end) {
            *out_found = false;
            return STATUS_OK;
        }
        enum status status = record_read(reader, out_error);
        if (status != STATUS_OK) return status;
        if (reader->field_count > 1 || reader->fields[0].len > 0) break;
    }
    *out_found = true;
    return STATUS_OK;
}

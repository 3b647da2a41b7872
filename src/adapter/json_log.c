/* Lines are built and written under one lock: a number is given out in the order of the lines. */
#include "adapter/json_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapter/system_entropy.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/hex.h"
#include "base/json_writer.h"

enum { WRITER_RANDOM_SIZE = 8, WRITER_NAME_SIZE_MAX = 64, NAME_SIZE_MAX = 64 };

struct json_log {
    struct log port; /* first: the port is all that callers have */
    int fd;
    enum log_level level_min;
    struct clock *clock;
    pthread_mutex_t mutex;
    struct buf writer;
    struct buf line;
    uint64_t seq;
    uint64_t lost_said; /* as of the last line that was written */
    _Atomic uint64_t lost;
    void (*tap)(void *owner, const struct json_log_record *record);
    void *tap_owner;
    bool broken; /* the last line was cut: the next one begins with a line feed */
};

static struct str level_text(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG: return STR("debug");
    case LOG_INFO: return STR("info");
    case LOG_WARNING: return STR("warning");
    case LOG_ERROR: return STR("error");
    case LOG_ALARM: return STR("alarm");
    }
    CHECK(level <= LOG_ALARM);
    return STR("");
}

static void member_text(struct json_writer *writer, struct str name, struct str text)
{
    json_write_key(writer, name);
    json_write_string(writer, text);
}

static void member_number(struct json_writer *writer, struct str name, uint64_t number)
{
    json_write_key(writer, name);
    json_write_uint64(writer, number);
}

static void trace_append(struct json_writer *writer, struct trace trace)
{
    if (uuid_is_nil(trace.id)) return;
    const uint64_t words[] = { trace.id.hi, trace.id.lo, trace.span };
    char digits[6 * 8];
    for (size_t i = 0; i < 3; i++) {
        hex_put((uint32_t)(words[i] >> 32), digits + 16 * i);
        hex_put((uint32_t)words[i], digits + 16 * i + 8);
    }
    member_text(writer, STR("trace_id"), (struct str){ digits, 32 });
    if (trace.span != 0) member_text(writer, STR("span_id"), (struct str){ digits + 32, 16 });
}

static bool name_is_taken(struct str name)
{
    const struct str taken[] = { STR("ts"),     STR("level"),    STR("seq"),
                                 STR("writer"), STR("event"),    STR("message"),
                                 STR("lost"),   STR("trace_id"), STR("span_id") };
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (str_equal(name, taken[i])) return true;
    }
    return false;
}

static void field_append(struct json_writer *writer, const struct log_field *field)
{
    char name[NAME_SIZE_MAX];
    struct str key = field->name;
    if (name_is_taken(key)) {
        CHECK(key.len + 1 < sizeof name); /* the taken names are short */
        memcpy(name, key.data, key.len);
        name[key.len] = '_';
        key = (struct str){ name, key.len + 1 };
    }
    json_write_key(writer, key);
    if (field->text.data != NULL) {
        json_write_string(writer, field->text);
    } else {
        json_write_int64(writer, field->number);
    }
}

static enum status line_build(struct json_log *log, const struct log_line *entry,
                              struct wall_time time)
{
    char ts[TIME_TEXT_SIZE];
    uint64_t lost = atomic_load(&log->lost);
    struct json_writer writer;
    buf_reset(&log->line);
    if (log->broken) buf_append_byte(&log->line, '\n');
    json_writer_init(&writer, &log->line);
    json_write_object_begin(&writer);
    member_text(&writer, STR("ts"), wall_time_format(time, ts));
    member_text(&writer, STR("level"), level_text(entry->level));
    member_number(&writer, STR("seq"), log->seq);
    member_text(&writer, STR("writer"), buf_view(&log->writer));
    member_text(&writer, STR("event"), entry->event);
    member_text(&writer, STR("message"), entry->message);
    if (lost != log->lost_said) member_number(&writer, STR("lost"), lost);
    trace_append(&writer, entry->trace);
    for (uint32_t i = 0; i < entry->field_count; i++) field_append(&writer, &entry->fields[i]);
    json_write_object_end(&writer);
    enum status status = json_write_end(&writer);
    buf_append_byte(&log->line, '\n');
    return status == STATUS_OK ? buf_status(&log->line) : status;
}

/* A short write is continued; false when the rest could not be written either. */
static bool line_write(struct json_log *log)
{
    size_t done = 0;
    while (done < log->line.len) {
        ssize_t wrote = write(log->fd, log->line.data + done, log->line.len - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            if (done > 0) log->broken = true;
            return false;
        }
        done += (size_t)wrote;
    }
    log->broken = false;
    return true;
}

static void json_log_write(struct log *port, const struct log_line *line)
{
    struct json_log *log = (struct json_log *)port;
    CHECK(log != NULL);
    CHECK(line->field_count <= JSON_LOG_FIELDS_MAX);
    if (line->level < log->level_min) return;
    int error = pthread_mutex_lock(&log->mutex);
    CHECK(error == 0);
    log->seq++;
    uint64_t lost = atomic_load(&log->lost);
    struct wall_time time = clock_wall(log->clock);
    if (line_build(log, line, time) == STATUS_OK && line_write(log)) {
        log->lost_said = lost;
    } else {
        atomic_store(&log->lost, lost + 1);
    }
    const struct json_log_record record = { time, log->seq, buf_view(&log->writer), line };
    if (log->tap != NULL) log->tap(log->tap_owner, &record);
    error = pthread_mutex_unlock(&log->mutex);
    CHECK(error == 0);
}

enum status json_log_open(const struct json_log_options *options, struct json_log **out_log,
                          struct error *out_error)
{
    CHECK(options != NULL);
    CHECK(options->writer != NULL);
    CHECK(options->clock != NULL);
    CHECK(out_log != NULL);
    struct json_log *log = calloc(1, sizeof *log);
    if (log == NULL) return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    log->port.write = json_log_write;
    log->fd = options->fd;
    log->level_min = options->level_min;
    log->clock = options->clock;
    log->tap = options->tap;
    log->tap_owner = options->tap_owner;
    int error = pthread_mutex_init(&log->mutex, NULL);
    CHECK(error == 0);
    buf_init(&log->writer, WRITER_NAME_SIZE_MAX);
    buf_init(&log->line, JSON_LOG_LINE_SIZE_MAX);

    uint8_t random[WRITER_RANDOM_SIZE];
    char digits[2 * WRITER_RANDOM_SIZE + 1];
    entropy_fill(system_entropy(), random, sizeof random);
    struct str suffix = hex_format(random, sizeof random, digits);
    buf_append_format(&log->writer, "%s-%.*s", options->writer, STR_ARG(suffix));
    /* The line's memory is taken now, so that lack of it later loses nothing. */
    bool room = buf_extend(&log->line, JSON_LOG_LINE_SIZE_MAX) != NULL;
    if (!room || buf_status(&log->writer) != STATUS_OK) {
        json_log_close(log);
        return error_set(out_error, STATUS_UNAVAILABLE, "out of memory");
    }
    *out_log = log;
    return STATUS_OK;
}

struct log *json_log_port(struct json_log *log)
{
    CHECK(log != NULL);
    return &log->port;
}

uint64_t json_log_lost(struct json_log *log)
{
    CHECK(log != NULL);
    return atomic_load(&log->lost);
}

void json_log_close(struct json_log *log)
{
    if (log == NULL) return;
    buf_free(&log->writer);
    buf_free(&log->line);
    int error = pthread_mutex_destroy(&log->mutex);
    CHECK(error == 0);
    free(log);
}

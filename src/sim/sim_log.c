/* Formats a line once: for people who look at a violation, and for the trace. */
#include "sim/sim_log.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/hash.h"

static const char *level_name(enum log_level level)
{
    static const char *const names[] = { "debug", "info", "warning", "error", "alarm" };
    CHECK(level < sizeof names / sizeof names[0]);
    return names[level];
}

static void line_format(struct buf *line, const struct sim_log *log, enum log_level level,
                        struct str event, struct str message)
{
    int64_t now_us = world_now(log->process->world).ns / NS_PER_US;
    buf_append_format(line, "%" PRId64 ".%06" PRId64 " process %u %s %.*s: %.*s", now_us / 1000000,
                      now_us % 1000000, log->process->number, level_name(level), STR_ARG(event),
                      STR_ARG(message));
}

static void fields_format(struct buf *line, const struct log_field *fields, uint32_t field_count)
{
    for (uint32_t i = 0; i < field_count; i++) {
        if (fields[i].text.data == NULL) {
            buf_append_format(line, " %.*s=%" PRId64, STR_ARG(fields[i].name), fields[i].number);
        } else {
            buf_append_format(line, " %.*s=%.*s", STR_ARG(fields[i].name), STR_ARG(fields[i].text));
        }
    }
}

static void sim_write(struct log *port, enum log_level level, struct trace trace, struct str event,
                      struct str message, const struct log_field *fields, uint32_t field_count)
{
    struct sim_log *log = (struct sim_log *)port;
    (void)trace; /* requests of the workload carry none */
    if (!process_point(log->process, SIM_POINT_LOG_WRITE)) return;
    struct sim_log_ring *ring = log->ring;
    BUF_SCOPE struct buf line;
    buf_init(&line, 4096);
    line_format(&line, log, level, event, message);
    fields_format(&line, fields, field_count);
    world_mix(log->process->world, hash_bytes(line.data, line.len));
    size_t kept = line.len < SIM_LOG_LINE_SIZE ? line.len : SIM_LOG_LINE_SIZE - 1;
    char *place = ring->lines[ring->count % SIM_LOG_LINES];
    memcpy(place, line.data, kept);
    place[kept] = '\0';
    ring->count++;
    if (level == LOG_ALARM) ring->alarms++;
}

void sim_log_init(struct sim_log *log, struct process *process, struct sim_log_ring *ring)
{
    *log = (struct sim_log){ .port = { .write = sim_write }, .process = process, .ring = ring };
}

void sim_log_print(const struct sim_log_ring *ring, struct buf *out_text)
{
    uint64_t first = ring->count > SIM_LOG_LINES ? ring->count - SIM_LOG_LINES : 0;
    for (uint64_t i = first; i < ring->count; i++) {
        buf_append_format(out_text, "%s\n", ring->lines[i % SIM_LOG_LINES]);
    }
}

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

static void line_format(struct buf *text, const struct sim_log *log, const struct log_line *line)
{
    int64_t now_us = world_now(log->process->world).ns / NS_PER_US;
    buf_append_format(text, "%" PRId64 ".%06" PRId64 " process %u %s %.*s: %.*s", now_us / 1000000,
                      now_us % 1000000, log->process->number, level_name(line->level),
                      STR_ARG(line->event), STR_ARG(line->message));
    for (uint32_t i = 0; i < line->field_count; i++) {
        const struct log_field *field = &line->fields[i];
        if (field->text.data == NULL) {
            buf_append_format(text, " %.*s=%" PRId64, STR_ARG(field->name), field->number);
        } else {
            buf_append_format(text, " %.*s=%.*s", STR_ARG(field->name), STR_ARG(field->text));
        }
    }
}

static void sim_write(struct log *port, const struct log_line *line)
{
    struct sim_log *log = (struct sim_log *)port;
    if (!process_point(log->process, SIM_POINT_LOG_WRITE)) return;
    struct sim_log_ring *ring = log->ring;
    BUF_SCOPE struct buf text;
    buf_init(&text, 4096);
    line_format(&text, log, line);
    world_mix(log->process->world, hash_bytes(text.data, text.len));
    size_t kept = text.len < SIM_LOG_LINE_SIZE ? text.len : SIM_LOG_LINE_SIZE - 1;
    char *place = ring->lines[ring->count % SIM_LOG_LINES];
    memcpy(place, text.data, kept);
    place[kept] = '\0';
    ring->count++;
    if (line->level == LOG_ALARM) ring->alarms++;
    if (str_equal(line->event, STR("index.damaged"))) ring->indexes_damaged++;
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

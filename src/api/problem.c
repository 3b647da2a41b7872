/* Codes, titles and statuses come from the table that api/openapi.yaml makes. */
#include "api/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/hex.h"
#include "base/json_writer.h"
#include "model/position.h"

struct problem_row {
    const char *code;
    const char *title;
    uint32_t status;
};

#define PROBLEM_ROW(name, code_, status_, title_)                                                  \
    { .code = code_, .title = title_, .status = status_ },
static const struct problem_row rows[] = { PROBLEM_TABLE(PROBLEM_ROW) };
#undef PROBLEM_ROW

enum {
    RETRY_SOON_S = 1,
    RETRY_LATER_S = 10, /* a restart, a person at a full disk */
};

static uint32_t retry_after_s(enum problem_code code)
{
    if (code == PROBLEM_STOPPING || code == PROBLEM_DISK_FULL) return RETRY_LATER_S;
    return rows[code].status == 429 || rows[code].status == 503 ? RETRY_SOON_S : 0;
}

/* Only what counts before has_x is set: the texts are large, and calls are many. */
static void problem_clear(struct problem *problem)
{
    problem->hint = NULL;
    problem->retry_after_s = 0;
    problem->line = 0;
    problem->has_limit = false;
    problem->has_result = false;
    problem->has_id = false;
    problem->detail[0] = '\0';
    problem->field[0] = '\0';
}

bool problem_raise(struct problem *problem, enum problem_code code, const char *hint)
{
    CHECK(problem != NULL);
    CHECK(code < PROBLEM_COUNT);
    problem_clear(problem);
    problem->code = rows[code].code;
    problem->title = rows[code].title;
    problem->status = rows[code].status;
    problem->retry_after_s = retry_after_s(code);
    problem->hint = hint;
    return false;
}

void problem_refuse(struct problem *problem, unsigned status, const char *code, const char *title)
{
    CHECK(problem != NULL);
    CHECK(status >= 400);
    problem_clear(problem);
    problem->code = code;
    problem->title = title;
    problem->status = status;
}

void problem_detail(struct problem *problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(problem->detail, PROBLEM_TEXT_SIZE, format, arguments);
    va_end(arguments);
    if (length < 0) problem->detail[0] = '\0';
}

void problem_field(struct problem *problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(problem->field, PROBLEM_TEXT_SIZE, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= PROBLEM_TEXT_SIZE) problem->field[0] = '\0';
}

void problem_limit(struct problem *problem, uint64_t limit)
{
    problem->limit = limit;
    problem->has_limit = true;
}

enum problem_code problem_find(struct str code)
{
    for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
        if (str_equal(str_from(rows[i].code), code)) return (enum problem_code)i;
    }
    return PROBLEM_COUNT;
}

unsigned problem_status(enum problem_code code)
{
    CHECK(code < PROBLEM_COUNT);
    return rows[code].status;
}

static void text_write(struct json_writer *json, struct str key, const char *text)
{
    if (text == NULL || text[0] == '\0') return;
    json_write_key(json, key);
    json_write_string(json, str_from(text));
}

static void number_write(struct json_writer *json, struct str key, uint64_t value)
{
    json_write_key(json, key);
    json_write_uint64(json, value);
}

static void type_write(struct json_writer *json, const char *code)
{
    char text[PROBLEM_TEXT_SIZE];
    int length = snprintf(text, sizeof text, "urn:tpwallet:problem:%s", code);
    CHECK(length > 0 && (size_t)length < sizeof text);
    text_write(json, STR("type"), text);
}

static void trace_write(struct json_writer *json, struct trace trace)
{
    char text[33];
    if (uuid_is_nil(trace.id)) return;
    hex_put((uint32_t)(trace.id.hi >> 32), text);
    hex_put((uint32_t)trace.id.hi, text + 8);
    hex_put((uint32_t)(trace.id.lo >> 32), text + 16);
    hex_put((uint32_t)trace.id.lo, text + 24);
    json_write_key(json, STR("trace_id"));
    json_write_string(json, (struct str){ text, 32 });
}

static void result_write(struct json_writer *json, const struct problem *problem)
{
    char position[POSITION_TEXT_SIZE];
    char at[TIME_TEXT_SIZE];
    if (!problem->has_result) return;
    if (problem->has_id) {
        json_write_key(json, STR("id"));
        json_write_uuid(json, problem->id);
    }
    json_write_key(json, STR("position"));
    json_write_string(json, position_format(problem->position, position));
    json_write_key(json, STR("at"));
    json_write_string(json, wall_time_format(problem->at, at));
    json_write_key(json, STR("repeated"));
    json_write_bool(json, problem->repeated);
}

void problem_write(const struct problem *problem, struct trace trace, struct buf *out_json)
{
    CHECK(problem_is_set(problem));
    struct json_writer json;
    json_writer_init(&json, out_json);
    json_write_object_begin(&json);
    type_write(&json, problem->code);
    text_write(&json, STR("title"), problem->title);
    number_write(&json, STR("status"), problem->status);
    text_write(&json, STR("code"), problem->code);
    text_write(&json, STR("detail"), problem->detail);
    text_write(&json, STR("field"), problem->field);
    if (problem->line != 0) number_write(&json, STR("line"), problem->line);
    if (problem->has_limit) number_write(&json, STR("limit"), problem->limit);
    text_write(&json, STR("hint"), problem->hint);
    result_write(&json, problem);
    trace_write(&json, trace);
    json_write_object_end(&json);
    enum status status = json_write_end(&json);
    CHECK(status == STATUS_OK || out_json->overflow); /* the buf's owner looks at it */
}

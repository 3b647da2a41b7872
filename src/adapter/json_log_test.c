/*
 * Goal: every line is one JSON object with a number that has no gaps, and what could not be
 * written can be told from what is there.
 * Method: lines are read back from a pipe and parsed by jansson; a full pipe, a closed one, and a
 * line that is too long make losses; four threads write at once.
 */
#define _GNU_SOURCE 1 /* pipe2 */

#include "adapter/json_log.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "adapter/system_clock.h"
#include "base/buf.h"

enum { THREADS = 4, LINES = 200, TEXT_SIZE = 1 << 20 };

struct world {
    int read_fd;
    int write_fd;
    struct json_log *log;
    char text[TEXT_SIZE];
};

static struct world *world_open(int flags, enum log_level level_min)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    int ends[2];
    assert_int_equal(pipe2(ends, flags), 0);
    world->read_fd = ends[0];
    world->write_fd = ends[1];
    const struct json_log_options options = {
        .fd = ends[1],
        .writer = "test",
        .level_min = level_min,
        .clock = system_clock(),
    };
    struct error error;
    assert_int_equal(json_log_open(&options, &world->log, &error), STATUS_OK);
    return world;
}

static void world_close(struct world *world)
{
    json_log_close(world->log);
    assert_int_equal(close(world->read_fd), 0);
    if (world->write_fd >= 0) assert_int_equal(close(world->write_fd), 0);
    free(world);
}

static void say(struct world *world, enum log_level level, struct str message)
{
    struct log *log = json_log_port(world->log);
    log_write(log,
              (struct log_line){ .level = level, .event = STR("test.said"), .message = message });
}

/* What is in the pipe now, terminated. */
static char *read_all(struct world *world)
{
    int flags = fcntl(world->read_fd, F_GETFL);
    assert_int_equal(fcntl(world->read_fd, F_SETFL, flags | O_NONBLOCK), 0);
    size_t len = 0;
    ssize_t got;
    while ((got = read(world->read_fd, world->text + len, TEXT_SIZE - 1 - len)) > 0) {
        len += (size_t)got;
    }
    world->text[len] = '\0';
    return world->text;
}

/* The next line of *at as JSON, and *at moved behind it; NULL at the end. */
static json_t *next_line(char **at)
{
    char *end = strchr(*at, '\n');
    if (end == NULL) {
        assert_string_equal(*at, "");
        return NULL;
    }
    *end = '\0';
    json_error_t error;
    json_t *line = json_loads(*at, JSON_REJECT_DUPLICATES, &error);
    if (line == NULL) fail_msg("%s: %s", error.text, *at);
    *at = end + 1;
    return line;
}

static const char *text_of(json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));
    return text == NULL ? "" : text;
}

static json_int_t number_of(json_t *line, const char *key)
{
    return json_integer_value(json_object_get(line, key));
}

static void a_line_has_everything_in_its_place(void **state)
{
    (void)state;
    struct world *world = world_open(0, LOG_INFO);
    const struct log_field fields[] = {
        { .name = STR("account"), .text = STR("a\"b\nc") },
        { .name = STR("batch"), .number = -7 },
        { .name = STR("seq"), .number = 9 },
    };
    const struct trace trace = { .id = { .hi = 0x0af7651916cd43dd, .lo = 0x8448eb211c80319c },
                                 .span = 0x00f067aa0ba902b7 };
    struct log *log = json_log_port(world->log);
    const struct log_line said = { LOG_ALARM,         trace,  STR("lane.stopped"),
                                   STR("it stopped"), fields, 3 };
    log_write(log, said);
    char *at = read_all(world);
    json_t *line = next_line(&at);
    assert_int_equal(strlen(text_of(line, "ts")), strlen("2026-11-23T06:14:50.123456789Z"));
    assert_string_equal(text_of(line, "level"), "alarm");
    assert_int_equal(number_of(line, "seq"), 1);
    assert_int_equal(strncmp(text_of(line, "writer"), "test-", 5), 0);
    assert_int_equal(strlen(text_of(line, "writer")), 5 + 16);
    assert_string_equal(text_of(line, "event"), "lane.stopped");
    assert_string_equal(text_of(line, "message"), "it stopped");
    assert_string_equal(text_of(line, "trace_id"), "0af7651916cd43dd8448eb211c80319c");
    assert_string_equal(text_of(line, "span_id"), "00f067aa0ba902b7");
    assert_string_equal(text_of(line, "account"), "a\"b\nc");
    assert_int_equal(number_of(line, "batch"), -7);
    assert_int_equal(number_of(line, "seq_"), 9);
    assert_null(json_object_get(line, "lost"));
    json_decref(line);
    assert_null(next_line(&at));
    world_close(world);
}

static void lines_below_the_level_use_no_number(void **state)
{
    (void)state;
    struct world *world = world_open(0, LOG_WARNING);
    say(world, LOG_INFO, STR("no"));
    say(world, LOG_WARNING, STR("yes"));
    char *at = read_all(world);
    json_t *line = next_line(&at);
    assert_string_equal(text_of(line, "message"), "yes");
    assert_int_equal(number_of(line, "seq"), 1);
    assert_null(json_object_get(line, "trace_id"));
    json_decref(line);
    world_close(world);
}

static void no_two_writers_have_one_name(void **state)
{
    (void)state;
    struct world *worlds[2] = { world_open(0, LOG_INFO), world_open(0, LOG_INFO) };
    json_t *lines[2];
    for (int i = 0; i < 2; i++) {
        say(worlds[i], LOG_INFO, STR("hello"));
        char *at = read_all(worlds[i]);
        lines[i] = next_line(&at);
    }
    assert_string_not_equal(text_of(lines[0], "writer"), text_of(lines[1], "writer"));
    for (int i = 0; i < 2; i++) {
        json_decref(lines[i]);
        world_close(worlds[i]);
    }
}

static void lost_lines_use_up_their_numbers_and_are_told(void **state)
{
    (void)state;
    struct world *world = world_open(O_NONBLOCK, LOG_INFO);
    uint64_t said = 0;
    while (json_log_lost(world->log) < 3) { /* nobody reads: the pipe fills up */
        say(world, LOG_INFO, STR("into a pipe that nobody reads, until it is full"));
        said++;
    }
    char *at = read_all(world);
    json_int_t expected = 1;
    json_t *line;
    while ((line = next_line(&at)) != NULL) {
        assert_int_equal(number_of(line, "seq"), expected++);
        json_decref(line);
    }
    assert_int_equal(expected - 1, said - 3);
    say(world, LOG_INFO, STR("now there is room"));
    say(world, LOG_INFO, STR("and more"));
    at = read_all(world);
    line = next_line(&at);
    assert_int_equal(number_of(line, "seq"), said + 1);
    assert_int_equal(number_of(line, "lost"), 3);
    json_decref(line);
    line = next_line(&at);
    assert_int_equal(number_of(line, "seq"), said + 2);
    assert_null(json_object_get(line, "lost")); /* nothing was lost since */
    json_decref(line);
    world_close(world);
}

static void a_line_that_is_too_long_is_lost_alone(void **state)
{
    (void)state;
    static char large[JSON_LOG_LINE_SIZE_MAX];
    memset(large, 'x', sizeof large);
    struct world *world = world_open(0, LOG_INFO);
    say(world, LOG_INFO, (struct str){ large, sizeof large });
    say(world, LOG_INFO, STR("short"));
    assert_int_equal(json_log_lost(world->log), 1);
    char *at = read_all(world);
    json_t *line = next_line(&at);
    assert_int_equal(number_of(line, "seq"), 2);
    assert_int_equal(number_of(line, "lost"), 1);
    json_decref(line);
    assert_null(next_line(&at));
    world_close(world);
}

static void a_reader_that_is_gone_does_no_harm(void **state)
{
    (void)state;
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    struct world *world = world_open(0, LOG_INFO);
    assert_int_equal(close(world->read_fd), 0);
    say(world, LOG_INFO, STR("to nobody"));
    assert_int_equal(json_log_lost(world->log), 1);
    world->read_fd = world->write_fd;
    world->write_fd = -1;
    world_close(world);
}

static void *say_many(void *argument)
{
    for (int i = 0; i < LINES; i++) say(argument, LOG_INFO, STR("from a thread"));
    return NULL;
}

static void threads_share_one_numbering(void **state)
{
    (void)state;
    struct world *world = world_open(0, LOG_INFO);
    assert_true(fcntl(world->write_fd, F_SETPIPE_SZ, 1 << 18) >= 1 << 18);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, say_many, world), 0);
    }
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    char *at = read_all(world);
    json_t *line;
    json_int_t expected = 1;
    while ((line = next_line(&at)) != NULL) {
        assert_int_equal(number_of(line, "seq"), expected++);
        json_decref(line);
    }
    assert_int_equal(expected - 1, THREADS * LINES);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_everything_in_its_place),
        cmocka_unit_test(lines_below_the_level_use_no_number),
        cmocka_unit_test(no_two_writers_have_one_name),
        cmocka_unit_test(lost_lines_use_up_their_numbers_and_are_told),
        cmocka_unit_test(a_line_that_is_too_long_is_lost_alone),
        cmocka_unit_test(a_reader_that_is_gone_does_no_harm),
        cmocka_unit_test(threads_share_one_numbering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: a file of events says where to go on whatever its end looks like, is cut behind its last
 * whole line and nowhere else, has one writer, and other files are refused untouched.
 * Method: files written byte by byte as a killed writer would have left them, then opened.
 */
#include "cmd/event_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/event-file-test-XXXXXX";

static void file_write(const char *text, size_t len)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static long file_size(void)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return (long)about.st_size;
}

static void wherever_the_writer_died_it_goes_on_behind_the_last_whole_line(void **state)
{
    (void)state;
    static const char lines[] =
        "{\"id\":\"3-0\",\"type\":\"a\"}\n{\"id\":\"12-4\",\"type\":\"b\"}\n";
    const size_t first = (size_t)(strchr(lines, '\n') - lines) + 1;
    for (size_t len = 0; len < sizeof lines; len++) {
        struct event_file file;
        struct error error = { 0 };
        file_write(lines, len);
        assert_int_equal(event_file_open(path, &file, &error), STATUS_OK);
        size_t whole = len < first ? 0 : len < sizeof lines - 1 ? first : sizeof lines - 1;
        assert_int_equal(file_size(), whole);
        assert_int_equal(file.has_last, whole > 0);
        assert_int_equal(file.last.batch, whole == 0 ? 0 : whole == first ? 3 : 12);
        assert_int_equal(file.last.index, whole == sizeof lines - 1 ? 4 : 0);
        event_file_close(&file);
    }
}

static void lines_are_appended_and_read_again(void **state)
{
    (void)state;
    struct event_file file;
    struct event_file other;
    struct error error = { 0 };
    file_write("", 0);
    assert_int_equal(event_file_open(path, &file, &error), STATUS_OK);
    assert_int_equal(event_file_append(&file, STR("{\"id\":\"5-1\"}\n"), &error), STATUS_OK);
    assert_int_equal(event_file_open(path, &other, &error), STATUS_CONFLICT);
    event_file_close(&file);
    assert_int_equal(event_file_open(path, &other, &error), STATUS_OK);
    assert_int_equal(other.last.batch, 5);
    event_file_close(&other);
}

static void other_files_are_refused_untouched(void **state)
{
    (void)state;
    static const char *const texts[] = { "notes\n", "{\"id\":\"x\"}\n", "{}\n", "\n" };
    struct event_file file;
    struct error error = { 0 };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        file_write(texts[i], strlen(texts[i]));
        assert_int_equal(event_file_open(path, &file, &error), STATUS_INVALID);
        assert_int_equal(file_size(), strlen(texts[i]));
    }
    size_t size = 2 << 20;
    char *much = calloc(1, size); /* no line ends in all that is looked at */
    assert_non_null(much);
    file_write(much, size);
    free(much);
    assert_int_equal(event_file_open(path, &file, &error), STATUS_INVALID);
    assert_int_equal(file_size(), size);
    assert_int_equal(event_file_open("/nowhere/events", &file, &error), STATUS_DENIED);
    assert_int_equal(event_file_open("/dev/null", &file, &error), STATUS_INVALID);
}

static int file_make(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? 1 : close(fd);
}

static int file_remove(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wherever_the_writer_died_it_goes_on_behind_the_last_whole_line),
        cmocka_unit_test(lines_are_appended_and_read_again),
        cmocka_unit_test(other_files_are_refused_untouched),
    };
    return cmocka_run_group_tests(tests, file_make, file_remove);
}

/*
 * Goal: a new file is whole or not there, whoever made one before, and where its maker is killed.
 * Method: files in a folder of the test's own; a maker is killed, or refused, amid its writing by a
 * limit on the size of files.
 */
#include "adapter/new_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIZE = 1 << 20 };

static char folder[] = "/tmp/tpwallet-new-file-XXXXXX";
static char bytes[SIZE];

static const char *path_of(const char *name)
{
    static char path[256];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_in_range(len, 1, sizeof path - 1);
    return path;
}

static int folder_make(void **state)
{
    (void)state; /* a folder for all tests */
    memset(bytes, 'x', sizeof bytes);
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int folder_remove(void **state)
{
    (void)state; /* a folder for all tests */
    return rmdir(folder);
}

/* How many files were in it. */
static int folder_empty(void)
{
    int count = 0;
    DIR *files = opendir(folder);
    assert_non_null(files);
    for (const struct dirent *file; (file = readdir(files)) != NULL;) {
        if (file->d_name[0] == '.') continue;
        assert_int_equal(unlinkat(dirfd(files), file->d_name, 0), 0);
        count++;
    }
    assert_int_equal(closedir(files), 0);
    return count;
}

static void made_once(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    struct stat info;
    char text[8] = { 0 };
    assert_int_equal(new_file_write(path_of("one"), STR("first"), 0600, &error), STATUS_OK);
    assert_int_equal(new_file_write(path_of("one"), STR("second"), 0600, &error), STATUS_CONFLICT);
    int file = open(path_of("one"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(file, text, sizeof text), 5);
    assert_string_equal(text, "first");
    assert_int_equal(fstat(file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_nlink, 1); /* the other name is gone */
    (void)close(file);                  /* only read */
    assert_int_equal(unlink(path_of("one")), 0);
}

static void refused_with_its_reason(void **state)
{
    (void)state; /* no fixture is needed */
    struct error error = { 0 };
    char path[8192];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = 0;
    assert_int_equal(new_file_write(path, STR("x"), 0600, &error), STATUS_INVALID);
    assert_int_equal(new_file_write(path_of("no/one"), STR("x"), 0600, &error), STATUS_NOT_FOUND);
}

/* In a process whose files may have half of the bytes: it is killed for more, or is told. */
static int made_with_half_the_room(bool killed)
{
    int state;
    struct error error = { 0 };
    pid_t maker = fork();
    if (maker == 0) {
        const struct rlimit half = { SIZE / 2, SIZE / 2 };
        (void)signal(SIGXFSZ, killed ? SIG_DFL : SIG_IGN); /* both are handlers */
        bool set = setrlimit(RLIMIT_FSIZE, &half) == 0;
        _exit(set ? (int)new_file_write(path_of("one"), (struct str){ bytes, SIZE }, 0600, &error)
                  : 255);
    }
    assert_int_equal(waitpid(maker, &state, 0), maker);
    return state;
}

static void killed_amid_it_leaves_no_such_file(void **state)
{
    (void)state; /* no fixture is needed */
    int end = made_with_half_the_room(true);
    assert_true(WIFSIGNALED(end) && WTERMSIG(end) == SIGXFSZ);
    assert_int_equal(access(path_of("one"), F_OK), -1);
    assert_int_equal(folder_empty(), 1); /* what was begun, under another name */
    end = made_with_half_the_room(true);
    assert_true(WIFSIGNALED(end));
    static const char *const others[] = { "one", "one.new", "one..new", "one.7.new2", "two.7.new" };
    struct error error;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(new_file_write(path_of(others[i]), STR(""), 0600, &error), STATUS_OK);
    int open_folder = open(folder, O_RDONLY | O_DIRECTORY);
    assert_true(open_folder >= 0);
    new_file_clear(open_folder, "one");
    assert_int_equal(close(open_folder), 0);
    assert_int_equal(folder_empty(), 5); /* and nothing else is away */
    end = made_with_half_the_room(false);
    assert_true(WIFEXITED(end) && WEXITSTATUS(end) == STATUS_UNAVAILABLE);
    assert_int_equal(folder_empty(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once),
        cmocka_unit_test(refused_with_its_reason),
        cmocka_unit_test(killed_amid_it_leaves_no_such_file),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}

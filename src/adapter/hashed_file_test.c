/*
 * Goal: a file has what was handed over, in order, under the digest that is told; what could not be
 * written is told once, and at the latest at the end.
 * Method: lumps of many sizes from one buffer, none at all, and a file that may not grow.
 */
#include "adapter/hashed_file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { LUMP_MAX = 1 << 16 };

static const char *path_in_scratch(char out_path[256])
{
    const char *scratch = getenv("TMPDIR");
    int len = snprintf(out_path, 256, "%s/hashed-%d", scratch == NULL ? "/tmp" : scratch, getpid());
    assert_true(len > 0 && len < 256);
    (void)unlink(out_path); /* of another case */
    return out_path;
}

/* The lump of a number: as long as it says, and unlike its neighbours. */
static void lump_append(struct buf *bytes, uint32_t number)
{
    for (uint32_t i = 0; i < number * 37 % 5000; i++)
        buf_append_byte(bytes, (uint8_t)(number + i * 7));
}

static void file_is(const char *path, struct str wanted)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    char *got = malloc(wanted.len + 1);
    assert_non_null(got);
    assert_int_equal(fread(got, 1, wanted.len + 1, file), wanted.len);
    assert_memory_equal(got, wanted.data, wanted.len);
    free(got);
    assert_int_equal(fclose(file), 0);
}

static void lumps_are_written(uint32_t count)
{
    char path[256];
    struct error error = { 0 };
    struct hashed_file file;
    BUF_SCOPE struct buf lump;
    BUF_SCOPE struct buf whole;
    buf_init(&lump, LUMP_MAX);
    buf_init(&whole, 64 << 20);
    assert_int_equal(hashed_file_open(path_in_scratch(path), &file, &error), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        lump_append(&lump, i);
        lump_append(&whole, i);
        assert_int_equal(hashed_file_give(&file, &lump, &error), STATUS_OK);
        assert_int_equal(lump.len, 0);
    }
    lump_append(&lump, count);
    lump_append(&whole, count);
    struct digest digest;
    struct digest wanted = digest_of(whole.data, whole.len);
    assert_int_equal(hashed_file_finish(&file, &lump, &digest, &error), STATUS_OK);
    assert_true(digest_equal(&digest, &wanted));
    assert_int_equal(file.size, whole.len);
    file_is(path, buf_view(&whole));
    assert_int_equal(unlink(path), 0);
}

static void file_has_what_was_handed_over_in_order(void **state)
{
    (void)state;
    static const uint32_t counts[] = { 0, 1, 2, 3, 1000 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) lumps_are_written(counts[i]);
}

static void file_that_is_there_is_refused(void **state)
{
    (void)state;
    char path[256];
    struct error error = { 0 };
    struct hashed_file file;
    struct hashed_file second;
    assert_int_equal(hashed_file_open(path_in_scratch(path), &file, &error), STATUS_OK);
    assert_int_equal(hashed_file_open(path, &second, &error), STATUS_UNAVAILABLE);
    hashed_file_abandon(&second);
    hashed_file_abandon(&file);
    hashed_file_abandon(&file);
    assert_int_equal(unlink(path), 0);
}

static void what_cannot_be_written_is_told(void **state)
{
    (void)state;
    char path[256];
    struct error error = { 0 };
    struct hashed_file file;
    struct rlimit before;
    BUF_SCOPE struct buf lump;
    buf_init(&lump, LUMP_MAX);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN); /* told by write() */
    struct rlimit small = { 10000, before.rlim_max };
    assert_int_equal(hashed_file_open(path_in_scratch(path), &file, &error), STATUS_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < 100; i++) {
        buf_reset(&lump);
        lump_append(&lump, i);
        status = hashed_file_give(&file, &lump, &error);
    }
    assert_int_equal(status, STATUS_LIMIT);
    assert_non_null(strstr(error.message, path));
    struct digest digest;
    assert_int_equal(hashed_file_finish(&file, &lump, &digest, &error), STATUS_LIMIT);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_has_what_was_handed_over_in_order),
        cmocka_unit_test(file_that_is_there_is_refused),
        cmocka_unit_test(what_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

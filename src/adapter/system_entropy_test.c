/*
 * Goal: every byte asked for is written and no draw is ever handed out twice, neither in a row,
 * nor to two threads, nor to a forked child.
 * Method: draws of every size around the reserve's; repeated 16-byte draws compared pairwise
 * through a sort (a repeat by chance: one in 2^100); a child that sends its draw back.
 */
#include "adapter/system_entropy.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DRAWS = 4096, DRAW_SIZE = 16, THREADS = 2, SIZE_MAX_TRIED = 300 };

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, DRAW_SIZE);
}

static void *draw_many(void *argument)
{
    uint8_t(*draws)[DRAW_SIZE] = argument;
    for (int i = 0; i < DRAWS; i++) entropy_fill(system_entropy(), draws[i], DRAW_SIZE);
    return NULL;
}

static void no_draw_repeats_in_any_thread(void **state)
{
    (void)state;
    static uint8_t draws[THREADS][DRAWS][DRAW_SIZE];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, draw_many, draws[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    uint8_t(*all)[DRAW_SIZE] = &draws[0][0];
    qsort(all, (size_t)THREADS * DRAWS, DRAW_SIZE, compare);
    for (int i = 1; i < THREADS * DRAWS; i++) {
        assert_memory_not_equal(all[i - 1], all[i], DRAW_SIZE);
    }
}

/* A byte left unwritten would stay zero in all of 64 tries; by chance that is one in 2^512. */
static void every_byte_of_every_size_is_written(void **state)
{
    (void)state;
    for (size_t size = 0; size <= SIZE_MAX_TRIED; size++) {
        uint8_t seen[SIZE_MAX_TRIED + 1] = { 0 };
        for (int attempt = 0; attempt < 64; attempt++) {
            uint8_t bytes[SIZE_MAX_TRIED + 1] = { 0 };
            entropy_fill(system_entropy(), bytes, size);
            for (size_t i = 0; i <= SIZE_MAX_TRIED; i++) seen[i] |= bytes[i];
        }
        for (size_t i = 0; i <= SIZE_MAX_TRIED; i++) {
            if (i < size) assert_int_not_equal(seen[i], 0);
            if (i >= size) assert_int_equal(seen[i], 0);
        }
    }
}

static void a_forked_child_draws_its_own(void **state)
{
    (void)state;
    uint8_t mine[DRAW_SIZE];
    uint8_t of_child[DRAW_SIZE];
    int ends[2];
    entropy_fill(system_entropy(), mine, DRAW_SIZE); /* so that a reserve is there to share */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        entropy_fill(system_entropy(), of_child, DRAW_SIZE);
        _exit(write(ends[1], of_child, DRAW_SIZE) == DRAW_SIZE ? 0 : 1);
    }
    assert_int_equal(read(ends[0], of_child, DRAW_SIZE), DRAW_SIZE);
    entropy_fill(system_entropy(), mine, DRAW_SIZE);
    assert_memory_not_equal(mine, of_child, DRAW_SIZE);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_draw_repeats_in_any_thread),
        cmocka_unit_test(every_byte_of_every_size_is_written),
        cmocka_unit_test(a_forked_child_draws_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

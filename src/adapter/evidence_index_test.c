/*
 * Goal: each row is found by its hash, in order, whether the index is small or went to a file.
 * Method: a naive twin that passes over all entries, at sizes around what is held in memory; ranges
 * and hashes at both ends.
 */
#include "adapter/evidence_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"

enum { ENTRIES_MAX = 5 * EVIDENCE_INDEX_HELD, QUESTIONS = 300 };

static uint32_t hashes[ENTRIES_MAX];
static struct evidence_index tested;
static struct error error;

static void ask(uint32_t count, uint32_t first, uint32_t last)
{
    uint64_t from;
    uint64_t to;
    uint64_t twin = 0;
    assert_int_equal(evidence_index_find(&tested, first, last, &from, &to, &error), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) twin += hashes[i] >= first && hashes[i] <= last;
    assert_int_equal(to - from, twin);
    uint64_t before = 0;
    for (uint64_t at = from; at < to; at++) {
        uint64_t entry;
        assert_int_equal(evidence_index_at(&tested, at, &entry, &error), STATUS_OK);
        assert_int_equal(hashes[(uint32_t)entry], entry >> 32);
        assert_true(at == from || entry > before); /* equal hashes: by row */
        before = entry;
    }
}

static void compare(uint32_t count, uint32_t distinct)
{
    struct prng prng;
    prng_init(&prng, count + distinct);
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = (uint32_t)prng_below(&prng, distinct) * (UINT32_MAX / distinct);
        if (i % 97 == 0) hashes[i] = i % 2 == 0 ? 0 : UINT32_MAX;
        assert_int_equal(evidence_index_add(&tested, getenv("SCRATCH"), hashes[i], i, &error),
                         STATUS_OK);
    }
    ask(count, 0, UINT32_MAX);
    ask(count, 0, 0);
    ask(count, UINT32_MAX, UINT32_MAX);
    for (uint32_t i = 0; i < QUESTIONS; i++) {
        uint32_t first = hashes[prng_below(&prng, count)] + (uint32_t)prng_below(&prng, 2);
        uint32_t last = i % 2 == 0 ? first : first + (UINT32_MAX - first) / 64;
        ask(count, first, last);
    }
    evidence_index_done(&tested);
}

static void small_ones_are_in_memory(void **state)
{
    (void)state;
    compare(1, 10);
    compare(2, 10);
    compare(EVIDENCE_INDEX_HELD - 1, 1 << 30);
    compare(EVIDENCE_INDEX_HELD, 100);
}

static void large_ones_go_through_a_file(void **state)
{
    (void)state;
    compare(EVIDENCE_INDEX_HELD + 1, 1 << 30);
    compare(ENTRIES_MAX, 1 << 30);
    compare(ENTRIES_MAX, 3);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    (void)state;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i <= EVIDENCE_INDEX_HELD && status == STATUS_OK; i++)
        status = evidence_index_add(&tested, "/nowhere", i, i, &error);
    assert_int_equal(status, STATUS_UNAVAILABLE);
    evidence_index_done(&tested);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_ones_are_in_memory),
        cmocka_unit_test(large_ones_go_through_a_file),
        cmocka_unit_test(a_folder_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: a table finds what was put into it, in the order of coming, and sorts as any sort does.
 * Method: random keys, many of them equal, beside plain arrays that are searched from the start.
 */
#include "wallet/memtable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"

enum { ENTRIES = 3000, KEYS = 700, PAGE = 5 };

static struct uuid key_of(uint64_t number)
{
    return (struct uuid){ number % 3, number / 3 };
}

/* What a search from the start finds. */
static uint32_t naive_find(const struct index_entry *entries, uint32_t count,
                           const struct index_query *query)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count && found < query->limit; i++) {
        if (!uuid_equal(entries[i].key, query->key)) continue;
        if (entries[i].locator.packed <= query->after.packed) continue;
        query->out_locators[found++] = entries[i].locator;
    }
    return found;
}

/* Page by page, behind one that is there already. */
static void pages_agree(const struct memtable *table, const struct index_entry *naive,
                        struct uuid key)
{
    struct locator expected[PAGE + 1];
    struct locator got[PAGE + 1];
    struct index_query query = { key, { 0 }, expected, PAGE };
    uint32_t count = naive_find(naive, ENTRIES, &query);
    struct locator first;
    assert_int_equal(memtable_find(table, key, &first), count > 0);
    if (count > 0) assert_int_equal(first.packed, expected[0].packed);
    for (;;) {
        query.out_locators = got;
        query.limit = PAGE + 1;
        assert_int_equal(memtable_find_after(table, &query, 1), count);
        assert_memory_equal(got + 1, expected, count * sizeof expected[0]);
        if (count < PAGE) return;
        query = (struct index_query){ key, expected[count - 1], expected, PAGE };
        count = naive_find(naive, ENTRIES, &query);
    }
}

static void finds_what_a_naive_search_finds(void **state)
{
    (void)state;
    static struct index_entry naive[ENTRIES];
    struct memtable *table;
    struct prng prng;
    prng_init(&prng, 4);
    assert_int_equal(memtable_new(ENTRIES, 99, &table), STATUS_OK);
    for (int life = 0; life < 3; life++) {
        for (uint32_t i = 0; i < ENTRIES; i++) {
            naive[i] = (struct index_entry){ key_of(prng_below(&prng, KEYS)),
                                             locator_make(1 + i / 9, 128 + i % 9 * 16) };
            memtable_insert(table, naive[i].key, naive[i].locator);
        }
        for (uint64_t key = 0; key < KEYS + 50; key++) pages_agree(table, naive, key_of(key));
        memtable_reset(table);
        struct locator first;
        assert_false(memtable_find(table, naive[0].key, &first));
    }
    memtable_free(table);
    memtable_free(NULL);
}

static int entry_order(const void *left, const void *right)
{
    return index_entry_compare(left, right);
}

static void sorts_as_the_library_does(void **state)
{
    (void)state;
    static struct index_entry entries[ENTRIES];
    static struct index_entry expected[ENTRIES];
    static struct index_entry scratch[ENTRIES];
    struct prng prng;
    prng_init(&prng, 5);
    for (uint32_t round = 0; round < 200; round++) {
        uint32_t count = (uint32_t)prng_below(&prng, round < 100 ? 20 : ENTRIES);
        uint64_t stretch = 1 + prng_below(&prng, 40); /* ascending parts, as requests bring them */
        uint64_t next = 0;
        for (uint32_t i = 0; i < count; i++) {
            next = prng_below(&prng, stretch) == 0 ? prng_below(&prng, KEYS) : next + 1;
            entries[i] = (struct index_entry){ key_of(next), { i + 1 } };
        }
        memcpy(expected, entries, count * sizeof entries[0]);
        if (count > 0) qsort(expected, count, sizeof expected[0], entry_order);
        index_entries_sort(entries, scratch, count);
        assert_memory_equal(entries, expected, count * sizeof entries[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_a_naive_search_finds),
        cmocka_unit_test(sorts_as_the_library_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

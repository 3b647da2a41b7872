/*
 * Goal: the map finds exactly what is in it, whatever was inserted and removed before.
 * Method: a long random walk beside a naive twin (a flag per entry), with ids chosen from a
 * small set so that probe chains are long and removal has to shift across the wrap-around.
 */
#include "base/id_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"

enum { ENTRIES = 96 };

struct entry {
    struct uuid id;
    uint32_t payload;
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return *state >> 33;
}

static void agrees_with_a_naive_twin(void **state)
{
    (void)state;
    struct entry entries[ENTRIES];
    bool present[ENTRIES] = { false };
    uint64_t random = 42;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        entries[i] = (struct entry){ { next_random(&random), next_random(&random) }, i };
    }
    struct id_map map;
    assert_int_equal(id_map_init(&map, entries, sizeof entries[0], ENTRIES, 7), STATUS_OK);
    for (int step = 0; step < 200000; step++) {
        uint32_t i = (uint32_t)(next_random(&random) % ENTRIES);
        if (present[i]) {
            id_map_remove(&map, i);
        } else {
            id_map_insert(&map, i);
        }
        present[i] = !present[i];
        uint32_t probe = (uint32_t)(next_random(&random) % ENTRIES);
        uint32_t expected = present[probe] ? probe : ID_MAP_NONE;
        assert_int_equal(id_map_find(&map, entries[probe].id), expected);
    }
    id_map_reset(&map);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(id_map_find(&map, entries[i].id), ID_MAP_NONE);
    }
    id_map_free(&map);
    id_map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_naive_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

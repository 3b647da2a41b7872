/*
 * Goal: reserved memory is zero, page aligned, all usable, and costs nothing until touched.
 * Method: more address space than the machine has memory, touched in a few places; a size that
 * no machine has.
 */
#include "base/reserve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void all_of_it_is_zero_and_usable(void **state)
{
    (void)state; /* no fixture */
    enum { SIZE = 1 << 20 };
    uint8_t *memory = reserve_new(SIZE);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % 4096, 0);
    for (size_t i = 0; i < SIZE; i++) assert_int_equal(memory[i], 0);
    for (size_t i = 0; i < SIZE; i++) memory[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < SIZE; i++) assert_int_equal(memory[i], (uint8_t)(i * 7));
    reserve_free(memory, SIZE);
}

static void more_than_there_is_memory_can_be_reserved(void **state)
{
    (void)state; /* no fixture */
    const size_t size = (size_t)1 << 40;
    uint8_t *memory = reserve_new(size);
    assert_non_null(memory);
    for (size_t at = 0; at < size; at += size / 8) {
        assert_int_equal(memory[at], 0);
        memory[at] = 1;
    }
    memory[size - 1] = 1;
    reserve_free(memory, size);
}

static void what_no_machine_has_is_refused(void **state)
{
    (void)state; /* no fixture */
    assert_null(reserve_new(SIZE_MAX / 2));
    reserve_free(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_zero_and_usable),
        cmocka_unit_test(more_than_there_is_memory_can_be_reserved),
        cmocka_unit_test(what_no_machine_has_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

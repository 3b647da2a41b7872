/*
 * Goal: pieces are aligned, apart, and never more than the maximum; releases give back exactly
 * what came after the mark, and use of what was given back is found.
 * Method: random takes and releases beside a list of pieces, each filled with its own byte; under
 * AddressSanitizer, touches of what was given back, in a child process.
 */
#include "base/arena.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/prng.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#endif
#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#endif

static void pieces_are_aligned_and_end_at_the_maximum(void **state)
{
    (void)state; /* no fixture */
    struct arena arena;
    assert_int_equal(arena_init(&arena, 64), STATUS_OK);
    char *first = arena_take(&arena, 1);
    char *second = arena_take(&arena, 17);
    char *third = arena_take(&arena, 16);
    assert_true(first != NULL && second != NULL && third != NULL);
    assert_int_equal((uintptr_t)first % 16, 0);
    assert_ptr_equal(second, first + 16);
    assert_ptr_equal(third, first + 48);
    assert_non_null(arena_take(&arena, 0));
    assert_null(arena_take(&arena, 1));
    assert_int_equal(arena.used, 64);
    arena_reset(&arena);
    assert_null(arena_take(&arena, 65));
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_int_equal(arena.used, 0);
    assert_ptr_equal(arena_take(&arena, 64), first);
    assert_int_equal(arena.used_max, 64);
    arena_done(&arena);
}

static void arrays_whose_size_overflows_are_refused(void **state)
{
    (void)state; /* no fixture */
    struct arena arena;
    assert_int_equal(arena_init(&arena, 64), STATUS_OK);
    assert_null(arena_take_array(&arena, SIZE_MAX / 8 + 1, 8));
    assert_null(arena_take_array(&arena, 9, 8));
    assert_non_null(arena_take_array(&arena, 8, 8));
    arena_done(&arena);
}

static void memory_of_any_alignment_is_used_within_its_bounds(void **state)
{
    (void)state; /* no fixture */
    _Alignas(16) uint8_t memory[64];
    for (size_t from = 0; from < 16; from++) {
        struct arena arena;
        arena_init_over(&arena, memory + from, 40);
        size_t count = 0;
        for (uint8_t *piece; (piece = arena_take(&arena, 8)) != NULL; count++) {
            assert_int_equal((uintptr_t)piece % 16, 0);
            assert_true(piece >= memory + from && piece + 8 <= memory + from + 40);
        }
        assert_in_range(count, 2, 3);
        arena_done(&arena);
        memory[from] = 1; /* is the caller's again */
    }
}

static void a_zeroed_arena_holds_nothing(void **state)
{
    (void)state; /* no fixture */
    struct arena arena = { 0 };
    assert_null(arena_take(&arena, 1));
    struct arena_mark mark = arena_mark(&arena);
    arena_release(&mark);
    arena_reset(&arena);
    arena_done(&arena);
    arena_done(NULL);
    struct arena_mark none = { 0 };
    arena_release(&none);
}

static size_t used_after_a_scope(struct arena *arena)
{
    {
        ARENA_SCOPE struct arena_mark mark = arena_mark(arena);
        assert_non_null(arena_take(arena, 100));
    }
    return arena->used;
}

static void a_scope_gives_back_what_was_taken_in_it(void **state)
{
    (void)state; /* no fixture */
    struct arena arena;
    assert_int_equal(arena_init(&arena, 256), STATUS_OK);
    assert_non_null(arena_take(&arena, 10));
    assert_int_equal(used_after_a_scope(&arena), 10);
    arena_done(&arena);
}

struct piece {
    uint8_t *at;
    size_t size;
};

static void random_takes_and_releases_never_overlap(void **state)
{
    (void)state; /* no fixture */
    enum { PIECES = 400 };
    struct prng prng;
    prng_init(&prng, 7);
    struct arena arena;
    assert_int_equal(arena_init(&arena, 8192), STATUS_OK);
    struct piece pieces[PIECES];
    struct arena_mark marks[PIECES];
    size_t count = 0;
    for (unsigned step = 0; step < 20000; step++) {
        if (count > 0 && prng_chance(&prng, 1, 20)) {
            count = prng_below(&prng, count);
            arena_release(&marks[count]);
        }
        if (count == PIECES) continue;
        marks[count] = arena_mark(&arena);
        size_t size = prng_below(&prng, 100);
        uint8_t *at = arena_take(&arena, size);
        if (at == NULL) continue;
        memset(at, (int)(count % 251), size);
        pieces[count++] = (struct piece){ at, size };
        const struct piece *any = &pieces[prng_below(&prng, count)];
        for (size_t i = 0; i < any->size; i++)
            assert_int_equal(any->at[i], (size_t)(any - pieces) % 251);
    }
    arena_done(&arena);
}

static void release_twice(void *argument)
{
    struct arena *arena = argument;
    struct arena_mark outer = arena_mark(arena);
    if (arena_take(arena, 8) == NULL) return;
    struct arena_mark inner = arena_mark(arena);
    arena_release(&outer);
    arena_release(&inner);
}

static void releasing_what_is_gone_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    struct arena arena;
    assert_int_equal(arena_init(&arena, 64), STATUS_OK);
    assert_true(dies(release_twice, &arena));
    arena_done(&arena);
}

static void what_is_not_taken_is_poisoned(void **state)
{
    (void)state; /* no fixture */
#ifdef UNDER_ASAN
    struct arena arena;
    assert_int_equal(arena_init(&arena, 256), STATUS_OK);
    uint8_t *first = arena_take(&arena, 24);
    assert_non_null(first);
    struct arena_mark mark = arena_mark(&arena);
    uint8_t *second = arena_take(&arena, 24);
    assert_non_null(second);
    assert_true(__asan_address_is_poisoned(first + 24));
    assert_false(__asan_address_is_poisoned(second + 23));
    assert_true(__asan_address_is_poisoned(second + 24));
    arena_release(&mark);
    assert_true(__asan_address_is_poisoned(second));
    assert_false(__asan_address_is_poisoned(first + 23));
    arena_reset(&arena);
    assert_true(__asan_address_is_poisoned(first));
    arena_done(&arena);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_end_at_the_maximum),
        cmocka_unit_test(arrays_whose_size_overflows_are_refused),
        cmocka_unit_test(memory_of_any_alignment_is_used_within_its_bounds),
        cmocka_unit_test(a_zeroed_arena_holds_nothing),
        cmocka_unit_test(a_scope_gives_back_what_was_taken_in_it),
        cmocka_unit_test(random_takes_and_releases_never_overlap),
        cmocka_unit_test(releasing_what_is_gone_stops_the_program),
        cmocka_unit_test(what_is_not_taken_is_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

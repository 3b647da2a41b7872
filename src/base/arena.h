/* arena.h - memory taken piece by piece and given back all at once, up to a declared maximum. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/*
 * The whole is reserved at the start; taking a piece moves a mark and never calls malloc. What
 * is not taken is poisoned under AddressSanitizer, so that use after a reset or a release is
 * found. One thread at a time. A zeroed struct is an arena that holds nothing.
 */
struct arena {
    uint8_t *memory;
    size_t size;
    size_t used;
    size_t used_max; /* since arena_init(): what a limit can be set by */
    bool owned;
};

/* Reserves size_max bytes. STATUS_LIMIT when there is no such memory. */
enum status arena_init(struct arena *arena, size_t size_max) MUST_CHECK;
/* Over memory of the caller's, which must outlive the arena and not be touched meanwhile. */
void arena_init_over(struct arena *arena, void *memory, size_t size);
/* Gives everything back; accepts NULL and a zeroed struct. */
void arena_done(struct arena *arena);
/* Forgets all pieces; keeps the memory. */
void arena_reset(struct arena *arena);

/*
 * size bytes, uninitialised, aligned for any type; good until the arena is reset, done, or
 * released to a mark taken before. NULL when they do not fit: nothing was taken.
 */
void *arena_take(struct arena *arena, size_t size) MUST_CHECK;
/* The same for count items of size bytes; NULL also when the product overflows. */
void *arena_take_array(struct arena *arena, size_t count, size_t size) MUST_CHECK;

/* Everything taken after the mark is forgotten by the release. Marks nest. */
struct arena_mark {
    struct arena *arena;
    size_t used;
};
struct arena_mark arena_mark(struct arena *arena);
/* Accepts a zeroed mark. CHECKs that the arena was not released or reset below it already. */
void arena_release(struct arena_mark *mark);

/* Before a local `struct arena_mark`: released on every way out. */
#define ARENA_SCOPE __attribute__((cleanup(arena_release), unused))

#endif

/* A mark that moves over one block. */
#include "base/arena.h"

#include <stdlib.h>

#include "base/check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#endif

#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
static void poison(const void *memory, size_t size)
{
    ASAN_POISON_MEMORY_REGION(memory, size);
}
static void unpoison(const void *memory, size_t size)
{
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
}
#else
static void poison(const void *memory, size_t size)
{
    (void)memory; /* nothing to tell anybody in this build */
    (void)size;
}
static void unpoison(const void *memory, size_t size)
{
    (void)memory; /* nothing to tell anybody in this build */
    (void)size;
}
#endif

enum { ARENA_ALIGNMENT = 16 };
_Static_assert(_Alignof(max_align_t) <= ARENA_ALIGNMENT, "any type fits at a piece's start");

/* Bytes to leave out before the next piece, whatever the alignment of the block itself. */
static size_t padding(const struct arena *arena)
{
    return -((uintptr_t)arena->memory + arena->used) & (ARENA_ALIGNMENT - 1);
}

enum status arena_init(struct arena *arena, size_t size_max)
{
    CHECK(arena != NULL);
    CHECK(size_max > 0);
    void *memory = malloc(size_max);
    if (memory == NULL) return STATUS_LIMIT;
    arena_init_over(arena, memory, size_max);
    arena->owned = true;
    return STATUS_OK;
}

void arena_init_over(struct arena *arena, void *memory, size_t size)
{
    CHECK(arena != NULL);
    CHECK(memory != NULL);
    *arena = (struct arena){ .memory = memory, .size = size };
    poison(memory, size);
}

void arena_done(struct arena *arena)
{
    if (arena == NULL) return;
    if (arena->memory != NULL) unpoison(arena->memory, arena->size);
    if (arena->owned) free(arena->memory);
    *arena = (struct arena){ 0 };
}

void arena_reset(struct arena *arena)
{
    CHECK(arena != NULL);
    if (arena->memory != NULL) poison(arena->memory, arena->used);
    arena->used = 0;
}

void *arena_take(struct arena *arena, size_t size)
{
    CHECK(arena != NULL);
    size_t rest = arena->size - arena->used;
    size_t skipped = padding(arena);
    if (skipped > rest || size > rest - skipped) return NULL;
    void *piece = arena->memory + arena->used + skipped;
    arena->used += skipped + size;
    if (arena->used > arena->used_max) arena->used_max = arena->used;
    unpoison(piece, size);
    return piece;
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) return NULL;
    return arena_take(arena, total);
}

struct arena_mark arena_mark(struct arena *arena)
{
    CHECK(arena != NULL);
    return (struct arena_mark){ arena, arena->used };
}

void arena_release(struct arena_mark *mark)
{
    CHECK(mark != NULL);
    struct arena *arena = mark->arena;
    if (arena == NULL) return;
    CHECK(mark->used <= arena->used);
    if (arena->memory != NULL) poison(arena->memory + mark->used, arena->used - mark->used);
    arena->used = mark->used;
}

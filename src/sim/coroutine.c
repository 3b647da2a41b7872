/* ucontext does the switching; the rest tells AddressSanitizer and ThreadSanitizer about it. */
#include "sim/coroutine.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif
#ifndef WITH_TSAN
#define WITH_TSAN 0
#endif

#if WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

enum { GUARD_SIZE = 64 << 10 }; /* at least a page on every machine */

struct stack {
    struct stack *next;
    uint8_t *mapping; /* the guard, then COROUTINE_STACK_SIZE bytes */
};

struct coroutine_pool {
    struct stack *idle;
    size_t in_use;
};

struct coroutine {
    ucontext_t context;
    struct coroutine_pool *pool;
    struct stack *stack; /* NULL: the caller's own */
    struct coroutine *came_from;
    void (*body)(void *argument);
    void *argument;
    const void *stack_bottom;
    size_t stack_size;
    void *fake_stack; /* AddressSanitizer's, while others run */
    void *fiber;      /* ThreadSanitizer's */
};

struct coroutine_pool *coroutine_pool_new(void)
{
    struct coroutine_pool *pool = calloc(1, sizeof *pool);
    CHECK(pool != NULL);
    return pool;
}

void coroutine_pool_free(struct coroutine_pool *pool)
{
    if (pool == NULL) return;
    CHECK(pool->in_use == 0);
    while (pool->idle != NULL) {
        struct stack *stack = pool->idle;
        pool->idle = stack->next;
        int unmapped = munmap(stack->mapping, GUARD_SIZE + COROUTINE_STACK_SIZE);
        CHECK(unmapped == 0);
        free(stack);
    }
    free(pool);
}

static struct stack *stack_take(struct coroutine_pool *pool)
{
    struct stack *stack = pool->idle;
    pool->in_use++;
    if (stack != NULL) {
        pool->idle = stack->next;
        return stack;
    }
    stack = calloc(1, sizeof *stack);
    CHECK(stack != NULL);
    void *mapping = mmap(NULL, GUARD_SIZE + COROUTINE_STACK_SIZE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(mapping != MAP_FAILED);
    stack->mapping = mapping;
    int guarded = mprotect(mapping, GUARD_SIZE, PROT_NONE);
    CHECK(guarded == 0);
    return stack;
}

static void stack_give_back(struct coroutine_pool *pool, struct stack *stack)
{
#if WITH_ASAN
    /* What the last user's frames poisoned is no concern of the next one's. */
    __asan_unpoison_memory_region(stack->mapping + GUARD_SIZE, COROUTINE_STACK_SIZE);
#endif
    CHECK(pool->in_use > 0);
    pool->in_use--;
    stack->next = pool->idle;
    pool->idle = stack;
}

static void announce_switch(struct coroutine *from, struct coroutine *to, bool for_ever)
{
    to->came_from = from;
#if WITH_ASAN
    __sanitizer_start_switch_fiber(for_ever ? NULL : &from->fake_stack, to->stack_bottom,
                                   to->stack_size);
#else
    (void)for_ever; /* only AddressSanitizer wants to know */
#endif
#if WITH_TSAN
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
}

/* The bounds of a caller's stack are learned when it is first left. */
static void arrive(struct coroutine *self)
{
#if WITH_ASAN
    const void *bottom = NULL;
    size_t size = 0;
    __sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &size);
    if (self->came_from->stack == NULL) {
        self->came_from->stack_bottom = bottom;
        self->came_from->stack_size = size;
    }
#else
    (void)self;     /* only AddressSanitizer wants to know */
#endif
}

/* makecontext() passes ints only, so the pointer comes in halves. */
static void start(unsigned high, unsigned low)
{
    struct coroutine *self = (struct coroutine *)((uintptr_t)high << 32 | (uintptr_t)low);
    arrive(self);
    self->body(self->argument);
    check_failed(__FILE__, __LINE__, "a coroutine's body returned");
}

static struct coroutine *allocate(struct coroutine_pool *pool)
{
    CHECK(pool != NULL);
    struct coroutine *coroutine = calloc(1, sizeof *coroutine);
    CHECK(coroutine != NULL);
    coroutine->pool = pool;
    return coroutine;
}

struct coroutine *coroutine_of_caller(struct coroutine_pool *pool)
{
    struct coroutine *coroutine = allocate(pool);
#if WITH_TSAN
    coroutine->fiber = __tsan_get_current_fiber();
#endif
    return coroutine;
}

struct coroutine *coroutine_new(struct coroutine_pool *pool, void (*body)(void *argument),
                                void *argument)
{
    CHECK(body != NULL);
    struct coroutine *coroutine = allocate(pool);
    coroutine->stack = stack_take(pool);
    coroutine->body = body;
    coroutine->argument = argument;
    coroutine->stack_bottom = coroutine->stack->mapping + GUARD_SIZE;
    coroutine->stack_size = COROUTINE_STACK_SIZE;
    int got = getcontext(&coroutine->context);
    CHECK(got == 0);
    coroutine->context.uc_stack.ss_sp = coroutine->stack->mapping + GUARD_SIZE;
    coroutine->context.uc_stack.ss_size = COROUTINE_STACK_SIZE;
    coroutine->context.uc_link = NULL;
    uintptr_t self = (uintptr_t)coroutine;
    makecontext(&coroutine->context, (void (*)(void))start, 2, (unsigned)(self >> 32),
                (unsigned)(self & UINT32_MAX));
#if WITH_TSAN
    coroutine->fiber = __tsan_create_fiber(0);
#endif
    return coroutine;
}

void coroutine_switch(struct coroutine *from, struct coroutine *to)
{
    CHECK(from != to);
    announce_switch(from, to, false);
    int switched = swapcontext(&from->context, &to->context);
    CHECK(switched == 0);
    arrive(from);
}

_Noreturn void coroutine_leave(struct coroutine *from, struct coroutine *to)
{
    CHECK(from != to);
    CHECK(from->stack != NULL);
    announce_switch(from, to, true);
    (void)setcontext(&to->context); /* returns only when it failed */
    check_failed(__FILE__, __LINE__, "setcontext");
}

void coroutine_free(struct coroutine *coroutine)
{
    if (coroutine == NULL) return;
    if (coroutine->stack != NULL) {
        stack_give_back(coroutine->pool, coroutine->stack);
#if WITH_TSAN
        __tsan_destroy_fiber(coroutine->fiber);
#endif
    }
    free(coroutine);
}

/*
 * Goal: coroutines keep their own locals and take turns exactly as told, stacks are reused and
 * guarded.
 * Method: small bodies that append to a shared text; a deep recursion in a child process that
 * must be stopped by the guard page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/coroutine.h"

struct stage {
    struct coroutine_pool *pool;
    struct coroutine *root;
    struct coroutine *actors[3];
    char text[64];
    size_t len;
};

struct actor {
    struct stage *stage;
    unsigned number;
    unsigned turns;
};

static void say(struct stage *stage, char letter)
{
    stage->text[stage->len++] = letter;
}

static void actor_body(void *argument)
{
    struct actor *actor = argument;
    struct stage *stage = actor->stage;
    char mine = (char)('a' + (char)actor->number); /* a local that must survive the others */
    for (unsigned i = 0; i < actor->turns; i++) {
        say(stage, mine);
        coroutine_switch(stage->actors[actor->number], stage->root);
    }
    say(stage, '.');
    coroutine_leave(stage->actors[actor->number], stage->root);
}

static void turns_are_taken_as_told(void **state)
{
    (void)state;
    struct stage stage = { .pool = coroutine_pool_new() };
    stage.root = coroutine_of_caller(stage.pool);
    struct actor actors[3];
    for (unsigned i = 0; i < 3; i++) {
        actors[i] = (struct actor){ &stage, i, 2 };
        stage.actors[i] = coroutine_new(stage.pool, actor_body, &actors[i]);
    }
    static const unsigned order[] = { 2, 0, 0, 1, 2, 2, 1, 0, 1 };
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        coroutine_switch(stage.root, stage.actors[order[i]]);
    }
    assert_string_equal(stage.text, "caabc.b..");
    for (unsigned i = 0; i < 3; i++) coroutine_free(stage.actors[i]);
    coroutine_free(stage.root);
    coroutine_pool_free(stage.pool);
}

static void note_stack(void *argument)
{
    struct stage *stage = argument;
    volatile char here = 'x';
    /* where the stack lies: reuse shows as the same address */
    uintptr_t at = (uintptr_t)&here;
    memcpy(stage->text, &at, sizeof at);
    coroutine_leave(stage->actors[0], stage->root);
}

static void a_freed_stack_serves_the_next(void **state)
{
    (void)state;
    struct stage stage = { .pool = coroutine_pool_new() };
    stage.root = coroutine_of_caller(stage.pool);
    struct coroutine *never_started = coroutine_new(stage.pool, note_stack, &stage);
    stage.actors[0] = coroutine_new(stage.pool, note_stack, &stage);
    coroutine_switch(stage.root, stage.actors[0]);
    char first[sizeof stage.text];
    memcpy(first, stage.text, sizeof first);
    memset(stage.text, 0, sizeof stage.text);
    coroutine_free(stage.actors[0]);
    stage.actors[0] = coroutine_new(stage.pool, note_stack, &stage);
    coroutine_switch(stage.root, stage.actors[0]);
    assert_memory_equal(first, stage.text, sizeof(uintptr_t));
    coroutine_free(stage.actors[0]);
    coroutine_free(never_started);
    coroutine_free(stage.root);
    coroutine_pool_free(stage.pool);
}

static unsigned sink(const volatile char *data, unsigned depth)
{
    volatile char frame[1024];
    frame[0] = data[0];
    if (depth == 0) return (unsigned)frame[0];
    return sink(frame, depth - 1) + (unsigned)frame[0];
}

static void overflow_body(void *argument)
{
    struct stage *stage = argument;
    volatile char seed = 0;
    stage->len = sink(&seed, 10000); /* ten times the stack */
    coroutine_leave(stage->actors[0], stage->root);
}

static void an_overflow_stops_the_program(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = { 0, 0 };
        if (setrlimit(RLIMIT_CORE, &no_core) != 0) _exit(0);
        if (close(STDERR_FILENO) != 0) _exit(0);
        struct stage stage = { .pool = coroutine_pool_new() };
        stage.root = coroutine_of_caller(stage.pool);
        stage.actors[0] = coroutine_new(stage.pool, overflow_body, &stage);
        coroutine_switch(stage.root, stage.actors[0]);
        _exit(0); /* came back: the test below fails */
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_false(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_taken_as_told),
        cmocka_unit_test(a_freed_stack_serves_the_next),
        cmocka_unit_test(an_overflow_stops_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

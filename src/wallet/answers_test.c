/*
 * Goal: each request is answered once and with its own status, in order; callers who wait at one
 * monitor are woken together, and after it was given back; nobody looks at a request once its
 * owner may have freed it.
 * Method: a monitor that counts and checks who holds it; owners that wipe their request as soon as
 * it is answered.
 */
#include "wallet/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { REQUESTS = 8 };

struct monitor {
    bool held;
    int wakes;
    int waits;
    struct request *answer_in_wait;
};

struct scene {
    struct sync sync;
    struct monitor monitors[ANSWERS_WAITERS];
    struct answers_waiters waiters;
    struct request requests[REQUESTS];
    struct answers answers;
    enum status called[REQUESTS]; /* statuses as the owners saw them, in order */
    int calls;
};

static void scene_lock(struct monitor *monitor)
{
    assert_false(monitor->held);
    monitor->held = true;
}

static void scene_unlock(struct monitor *monitor)
{
    assert_true(monitor->held);
    monitor->held = false;
}

static void scene_wake_all(struct monitor *monitor)
{
    assert_false(monitor->held);
    monitor->wakes++;
}

/* The first wake is without a cause; with the second the answer is there. */
static bool scene_wait(struct monitor *monitor, struct monotonic_time until)
{
    assert_true(monitor->held);
    assert_int_equal(until.ns, MONOTONIC_NEVER.ns);
    if (++monitor->waits == 2) monitor->answer_in_wait->answered = true;
    return true;
}

static void scene_begin(struct scene *scene)
{
    *scene = (struct scene){
        .sync = { .lock = scene_lock,
                  .unlock = scene_unlock,
                  .wait = scene_wait,
                  .wake_all = scene_wake_all },
    };
    scene->waiters.sync = &scene->sync;
    for (int i = 0; i < ANSWERS_WAITERS; i++) scene->waiters.monitors[i] = &scene->monitors[i];
    for (int i = 0; i < REQUESTS; i++) scene->requests[i].owner = scene;
}

static void owner_done(struct request *request)
{
    struct scene *scene = request->owner;
    assert_true(request->answered);
    scene->called[scene->calls++] = request->status;
    memset(request, 0xa5, sizeof *request);
}

static void add(struct scene *scene, int i, uint32_t waiter, enum status status)
{
    scene->requests[i].waiter = waiter;
    scene->requests[i].status = status;
    answers_add(&scene->answers, &scene->requests[i]);
    assert_int_equal(scene->answers.count, i + 1);
}

static void callers_of_one_monitor_are_woken_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    for (int i = 0; i < 5; i++) add(&scene, i, 3, i == 2 ? STATUS_CONFLICT : STATUS_OK);
    add(&scene, 5, 4, STATUS_OK);
    add(&scene, 6, 4, STATUS_OK);
    answers_give(&scene.waiters, scene.answers);
    assert_int_equal(scene.monitors[3].wakes, 1);
    assert_int_equal(scene.monitors[4].wakes, 1);
    for (int i = 0; i < 7; i++) {
        assert_true(scene.requests[i].answered);
        assert_int_equal(scene.requests[i].status, i == 2 ? STATUS_CONFLICT : STATUS_OK);
    }
    assert_false(scene.requests[7].answered);
}

static void owners_are_told_in_order_and_may_free_at_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    const enum status statuses[] = { STATUS_OK, STATUS_CONFLICT, STATUS_OK, STATUS_LIMIT };
    for (int i = 0; i < 4; i++) {
        scene.requests[i].done = i == 2 ? NULL : owner_done; /* one waits between them */
        add(&scene, i, 3, statuses[i]);
    }
    answers_give(&scene.waiters, scene.answers);
    assert_int_equal(scene.calls, 3);
    assert_int_equal(scene.called[0], STATUS_OK);
    assert_int_equal(scene.called[1], STATUS_CONFLICT);
    assert_int_equal(scene.called[2], STATUS_LIMIT);
    assert_true(scene.requests[2].answered);
    assert_int_equal(scene.monitors[3].wakes, 1);
}

static void one_request_is_answered_alone(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene.requests[0].next = &scene.requests[1]; /* of a list it was in before */
    answer_give(&scene.waiters, &scene.requests[0], STATUS_UNAVAILABLE);
    assert_true(scene.requests[0].answered);
    assert_int_equal(scene.requests[0].status, STATUS_UNAVAILABLE);
    assert_false(scene.requests[1].answered);
}

static void what_is_void_is_told_apart_from_what_is_in_doubt(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    for (int i = 0; i < 3; i++) add(&scene, i, 0, STATUS_OK);
    scene.requests[1].spans = true;
    scene.requests[2].kind = REQUEST_READ;
    answers_refuse(&scene.waiters, scene.answers, STATUS_LIMIT);
    assert_int_equal(scene.requests[0].status, STATUS_LIMIT);
    assert_int_equal(scene.requests[1].status, STATUS_IN_DOUBT);
    assert_int_equal(scene.requests[2].status, STATUS_UNAVAILABLE);
    for (int i = 0; i < 3; i++) assert_true(scene.requests[i].answered);
}

static void a_wait_ends_with_the_answer_and_not_with_a_wake(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene.requests[0].waiter = 7;
    scene.monitors[7].answer_in_wait = &scene.requests[0];
    answers_wait(&scene.waiters, &scene.requests[0]);
    assert_int_equal(scene.monitors[7].waits, 2);
    assert_false(scene.monitors[7].held);
    answers_wait(&scene.waiters, &scene.requests[0]); /* answered already: at once */
    assert_int_equal(scene.monitors[7].waits, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_of_one_monitor_are_woken_once),
        cmocka_unit_test(owners_are_told_in_order_and_may_free_at_once),
        cmocka_unit_test(one_request_is_answered_alone),
        cmocka_unit_test(what_is_void_is_told_apart_from_what_is_in_doubt),
        cmocka_unit_test(a_wait_ends_with_the_answer_and_not_with_a_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: each fault of the simulated PSP is the one its name says: before, after or long after the
 * effect; and an order that must not come is found out.
 * Method: each fault at full rate, with the books looked at from outside.
 */
#include "sim/sim_psp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EUR = 978 };

struct scene {
    struct world *world;
    struct faults faults;
    struct verdict verdict;
    struct process process;
    struct sim_acquirer acquirer;
    struct sim_psp psp;
    void (*play)(struct scene *scene);
};

static void scene_body(void *argument)
{
    struct scene *scene = argument;
    scene->play(scene);
}

/* Returns how many violations there were. */
static uint64_t scene_run(void (*play)(struct scene *scene))
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->world = world_new(7);
    scene->play = play;
    faults_init(&scene->faults, scene->world);
    verdict_init(&scene->verdict, scene->world);
    scene->process = (struct process){ .world = scene->world, .faults = &scene->faults };
    sim_acquirer_init(&scene->acquirer, scene->world, &scene->faults, &scene->verdict);
    sim_psp_init(&scene->psp, &scene->process, &scene->acquirer);
    (void)task_spawn(scene->world, "test", scene_body, scene);
    enum world_end end = world_run(scene->world, 1000000);
    uint64_t violations = scene->verdict.violations;
    assert_int_equal(end, violations == 0 ? WORLD_DONE : WORLD_STOPPED);
    sim_acquirer_done(&scene->acquirer);
    verdict_done(&scene->verdict);
    world_free(scene->world);
    free(scene);
    return violations;
}

static struct psp_order charge(uint64_t payment)
{
    return (struct psp_order){
        .payment = { { .lo = payment, .hi = 7 } },
        .step_number = 1,
        .operation = PSP_CHARGE,
        .asset = EUR,
        .amount = { 500 },
        .method = "card_ok",
    };
}

static struct psp_reply order(struct scene *scene, const struct psp_order *order)
{
    struct psp_reply reply;
    scene->psp.port.order(&scene->psp.port, order, &reply);
    return reply;
}

static struct psp_reply query(struct scene *scene, const struct psp_order *order)
{
    struct psp_reply reply;
    scene->psp.port.query(&scene->psp.port, order, &reply);
    return reply;
}

static bool in_books(const struct scene *scene, const struct psp_order *order)
{
    return sandbox_find(&scene->acquirer.books, order->payment, 1) != SANDBOX_NONE;
}

static void play_well(struct scene *scene)
{
    struct psp_order one = charge(1);
    struct psp_order two = charge(2);
    assert_int_equal(query(scene, &one).answer, PSP_ANSWER_NOT_FOUND);
    struct psp_reply reply = order(scene, &one);
    assert_int_equal(reply.answer, PSP_ANSWER_DONE);
    assert_true(money_equal(reply.amount, one.amount));
    assert_int_equal(order(scene, &one).answer, PSP_ANSWER_DONE);
    assert_int_equal(scene->acquirer.resent, 1);
    assert_int_equal(query(scene, &one).answer, PSP_ANSWER_DONE);
    assert_false(in_books(scene, &two));
    assert_int_equal(scene->acquirer.books.item_count, 1);
}

static void without_faults_it_is_the_sandbox(void **state)
{
    (void)state;
    assert_int_equal(scene_run(play_well), 0);
}

struct fault_row {
    enum sim_fault fault;
    enum psp_answer answer;
    bool effect; /* when the call is over */
};

static const struct fault_row fault_rows[] = {
    { SIM_FAULT_PSP_NOT_SENT, PSP_ANSWER_NOT_SENT, false },
    { SIM_FAULT_PSP_THROTTLED, PSP_ANSWER_THROTTLED, false },
    { SIM_FAULT_PSP_SLOW, PSP_ANSWER_DONE, true },
    { SIM_FAULT_PSP_REQUEST_LOST, PSP_ANSWER_UNKNOWN, false },
    { SIM_FAULT_PSP_REQUEST_LATE, PSP_ANSWER_UNKNOWN, false },
    { SIM_FAULT_PSP_REPLY_LOST, PSP_ANSWER_UNKNOWN, true },
    { SIM_FAULT_PSP_GARBAGE, PSP_ANSWER_UNKNOWN, true },
    { SIM_FAULT_PSP_WRONG_AMOUNT, PSP_ANSWER_DONE, true },
};

static void play_faults(struct scene *scene)
{
    for (uint64_t i = 0; i < sizeof fault_rows / sizeof fault_rows[0]; i++) {
        const struct fault_row *row = &fault_rows[i];
        struct psp_order one = charge(10 + i);
        int64_t begin_ns = world_now(scene->world).ns;
        scene->faults.rates[row->fault] = FAULT_RATE_ALWAYS;
        struct psp_reply reply = order(scene, &one);
        scene->faults.rates[row->fault] = 0;
        int64_t took_ns = world_now(scene->world).ns - begin_ns;
        assert_true(took_ns <= SIM_PSP_CALL_MS_MAX * NS_PER_MS);
        assert_int_equal(reply.answer, row->answer);
        assert_int_equal(in_books(scene, &one), row->effect);
        bool differs = row->fault == SIM_FAULT_PSP_WRONG_AMOUNT;
        if (reply.answer == PSP_ANSWER_DONE)
            assert_int_equal(money_equal(reply.amount, one.amount), !differs);
        if (row->fault == SIM_FAULT_PSP_SLOW) assert_true(took_ns > NS_PER_MS);
        if (row->fault == SIM_FAULT_PSP_REQUEST_LATE) {
            task_sleep(scene->world, SIM_PSP_HORIZON_MS * NS_PER_MS);
            assert_true(in_books(scene, &one));
            assert_int_equal(scene->acquirer.under_way, 0);
        }
    }
}

static void each_fault_is_what_its_name_says(void **state)
{
    (void)state;
    assert_int_equal(scene_run(play_faults), 0);
}

static void play_blind(struct scene *scene)
{
    struct psp_order one = charge(1);
    (void)order(scene, &one);
    scene->faults.rates[SIM_FAULT_PSP_QUERY_BLIND] = FAULT_RATE_ALWAYS;
    assert_int_equal(query(scene, &one).answer, PSP_ANSWER_NOT_FOUND);
    task_sleep(scene->world, SIM_PSP_HORIZON_MS * NS_PER_MS);
    assert_int_equal(query(scene, &one).answer, PSP_ANSWER_DONE);
}

static void what_is_older_than_the_horizon_is_always_found(void **state)
{
    (void)state;
    assert_int_equal(scene_run(play_blind), 0);
}

static void play_crash(struct scene *scene)
{
    struct psp_order one = charge(1);
    struct psp_order two = charge(2);
    scene->process.crash_at = SIM_POINT_PSP_ORDERED;
    scene->process.crash_after = 1;
    (void)order(scene, &one);
    assert_true(scene->process.crashed);
    assert_true(in_books(scene, &one));
    assert_int_equal(order(scene, &two).answer, PSP_ANSWER_NOT_SENT);
    assert_int_equal(query(scene, &one).answer, PSP_ANSWER_NOT_SENT);
    assert_false(in_books(scene, &two));
}

static void a_crash_ends_the_caller_and_not_the_books(void **state)
{
    (void)state;
    assert_int_equal(scene_run(play_crash), 0);
}

static void play_old_key(struct scene *scene)
{
    struct psp_order one = charge(1);
    (void)order(scene, &one);
    task_sleep(scene->world, (SIM_PSP_KEY_WINDOW_MS + 1000) * NS_PER_MS);
    (void)order(scene, &one);
}

static void play_old_key_with_a_wrong_clock(struct scene *scene)
{
    scene->faults.hits[SIM_FAULT_CLOCK_BACK] = 1;
    play_old_key(scene);
}

static bool expects_nothing(void *owner, const struct psp_order *order)
{
    (void)owner;
    (void)order;
    return false;
}

static void play_unexpected(struct scene *scene)
{
    struct psp_order one = charge(1);
    scene->acquirer.expects = expects_nothing;
    (void)order(scene, &one);
}

static void an_order_that_must_not_come_is_found_out(void **state)
{
    (void)state;
    assert_int_equal(scene_run(play_old_key), 1);
    assert_int_equal(scene_run(play_old_key_with_a_wrong_clock), 0);
    assert_int_equal(scene_run(play_unexpected), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults_it_is_the_sandbox),
        cmocka_unit_test(each_fault_is_what_its_name_says),
        cmocka_unit_test(what_is_older_than_the_horizon_is_always_found),
        cmocka_unit_test(a_crash_ends_the_caller_and_not_the_books),
        cmocka_unit_test(an_order_that_must_not_come_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: a worker does for each due payment what has to be done, brings the answer back, and loses
 * nothing when the lane cannot take it.
 * Method: one worker, run by the test itself over a lane without threads, with a PSP that gives
 * the answers it was told to, and ends the lane after the last.
 */
#include "wallet/saga.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "payment/chart.h"
#include "wallet/carry_test.h"

enum { CALLS_MAX = 16, WALLET = 2 };

struct call {
    struct psp_order order;
    bool query;
};

/* A PSP with a script. */
struct script {
    struct psp port; /* first */
    struct bench *bench;
    const enum psp_answer *answers;
    uint32_t answer_count;
    struct call calls[CALLS_MAX];
    uint32_t call_count;
    bool commit_fails; /* of the first answer: the lane finds its disk gone, and reloads */
    int64_t steps_at;  /* the worker sees that it is this time; then it is not yet; 0: never */
    bool retired;      /* before its worker runs */
};

/* The worker's view of the clock: once it has seen a time, the clock is stepped back. */
struct stepping_clock {
    struct clock port; /* first */
    struct bench *bench;
    int64_t steps_at;
};

static struct wall_time stepping_wall(struct clock *clock)
{
    struct stepping_clock *stepping = (struct stepping_clock *)clock;
    struct wall_time now = clock_wall(&stepping->bench->clock.port);
    if (stepping->steps_at == 0 || now.ns < stepping->steps_at) return now;
    stepping->bench->wall_ns -= NS_PER_S;
    stepping->steps_at = 0;
    return now;
}

static struct monotonic_time stepping_monotonic(struct clock *clock)
{
    return clock_monotonic(&((struct stepping_clock *)clock)->bench->clock.port);
}

static void script_say(struct psp *psp, const struct psp_order *order, bool query,
                       struct psp_reply *out_reply)
{
    struct script *script = (struct script *)psp;
    assert_true(script->call_count < CALLS_MAX);
    script->calls[script->call_count] = (struct call){ *order, query };
    *out_reply = (struct psp_reply){ .answer = PSP_ANSWER_NOT_SENT };
    if (script->call_count < script->answer_count) {
        *out_reply = (struct psp_reply){
            .answer = (uint8_t)script->answers[script->call_count],
            .asset = order->asset,
            .amount = order->amount,
        };
    }
    script->call_count++;
    if (script->commit_fails && script->call_count == 1) {
        script->bench->fault = APPEND_REFUSED;
    }
    bench_sleep(script->bench, 5);
    if (script->call_count > script->answer_count) lane_drain(script->bench->lane);
}

static void script_order(struct psp *psp, const struct psp_order *order,
                         struct psp_reply *out_reply)
{
    script_say(psp, order, false, out_reply);
}

static void script_query(struct psp *psp, const struct psp_order *order,
                         struct psp_reply *out_reply)
{
    script_say(psp, order, true, out_reply);
}

/* A worker that comes to run when its saga has been retired. */
static struct {
    void (*body)(void *argument);
    void *argument;
} late;

static enum status late_spawn(struct sync *sync, const char *name, void (*body)(void *argument),
                              void *argument, struct task **out_task)
{
    (void)sync;
    (void)name;
    *out_task = NULL;
    late.body = body;
    late.argument = argument;
    return STATUS_OK;
}

static void payment_make(struct bench *bench, struct payment_command *command)
{
    struct payment_result result;
    struct request request = { .kind = REQUEST_PAYMENT,
                               .root = lane_new_id(bench->lane),
                               .trace = { .id = { 3, 4 } },
                               .count = 1,
                               .payment = command,
                               .payment_result = &result };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(result.outcome, PAYMENT_OUTCOME_OK);
}

static void pay_in_make(struct bench *bench, uint64_t number, const char *psp)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft.id.value = test_id(number);
    command.draft.kind = PAYMENT_PAY_IN;
    command.draft.amount.minor = 700;
    command.draft.asset = EUR;
    command.draft.wallet.value = test_id(WALLET);
    memcpy(command.draft.method, "pm_1", 5);
    memcpy(command.draft.psp, psp, strlen(psp) + 1);
    payment_make(bench, &command);
}

/* Reserved on a wallet, until some milliseconds from now; returns until when. */
static int64_t reservation_make(struct bench *bench, uint64_t number, int64_t ms)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft.id.value = test_id(number);
    command.draft.kind = PAYMENT_MERCHANT;
    command.draft.amount.minor = 100;
    command.draft.asset = EUR;
    command.draft.wallet.value = test_id(WALLET);
    command.draft.counter.value = test_id(1);
    command.draft.expires_at.ns = clock_wall(&bench->clock.port).ns + ms * NS_PER_MS;
    payment_make(bench, &command);
    return command.draft.expires_at.ns;
}

static struct bench *scene_new(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, WALLET);
    struct account chart[CHART_ROLE_END]; /* [0] is that of another PSP */
    struct account_result results[CHART_ROLE_END];
    chart[0] = chart_account(LANE_ALONE, EUR, CHART_CLEARING, "gone");
    for (unsigned role = 1; role < CHART_ROLE_END; role++) {
        chart[role] = chart_account(LANE_ALONE, EUR, role, "sandbox");
    }
    struct request request = { .kind = REQUEST_ACCOUNTS,
                               .root = lane_new_id(bench->lane),
                               .count = CHART_ROLE_END,
                               .accounts = chart,
                               .account_results = results };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return bench;
}

/* Runs a worker until the script is over: one call more than it has answers. */
static void script_run(struct script *script, struct bench *bench, struct saga_status *out_status)
{
    script->bench = bench;
    script->port.order = script_order;
    script->port.query = script_query;
    script->port.traits =
        (struct psp_traits){ .call_ms_max = 1000, .horizon_ms = 60000, .key_window_ms = 86400000 };
    memcpy(script->port.traits.name, "sandbox", 8);
    struct bench_sync sync = bench->sync;
    sync.port.spawn = script->retired ? late_spawn : inline_spawn;
    sync.port.join = inline_join;
    struct stepping_clock clock = { { stepping_wall, stepping_monotonic },
                                    bench,
                                    script->steps_at };
    const struct lane_ports ports = { .clock = &clock.port,
                                      .entropy = &bench->entropy.port,
                                      .sync = &sync.port,
                                      .log = &bench->log.port };
    struct psp *psps[] = { &script->port };
    const struct saga_options options = { .workers = 1, .psps = psps, .psp_count = 1 };
    struct saga *saga;
    struct error error = { 0 };
    assert_int_equal(saga_start(bench->lane, &ports, &options, &saga, &error), STATUS_OK);
    if (script->retired) {
        saga_retire(saga);
        late.body(late.argument); /* returns: there is nothing to wait for */
    }
    saga_get_status(saga, out_status);
    saga_stop(saga);
    bench_close(bench);
    bench_open(bench);
}

static void an_order_in_doubt_is_asked_after(void **state)
{
    (void)state;
    static const enum psp_answer answers[] = { PSP_ANSWER_UNKNOWN, PSP_ANSWER_NOT_FOUND,
                                               PSP_ANSWER_DONE };
    struct bench *bench = scene_new();
    pay_in_make(bench, 1000, "sandbox");
    struct script script = { .answers = answers, .answer_count = 2 };
    struct saga_status status;
    script_run(&script, bench, &status);
    assert_int_equal(script.call_count, 3);
    assert_false(script.calls[0].query);
    assert_true(script.calls[1].query);
    assert_true(script.calls[2].query); /* within the horizon nothing is sent again */
    for (int i = 0; i < 3; i++) {
        assert_true(uuid_equal(script.calls[i].order.payment.value, test_id(1000)));
        assert_int_equal(script.calls[i].order.step_number, 1);
        assert_int_equal(script.calls[i].order.operation, PSP_CHARGE);
        assert_string_equal(script.calls[i].order.method, "pm_1");
        assert_true(uuid_equal(script.calls[i].order.trace.id, (struct uuid){ 3, 4 }));
    }
    assert_int_equal(status.orders, 1);
    assert_int_equal(status.queries, 2);
    assert_int_equal(status.answers[PSP_ANSWER_UNKNOWN], 1);
    assert_int_equal(test_credits(bench, WALLET), 0);

    struct script next = { .answers = &answers[2], .answer_count = 1 };
    pay_in_make(bench, 1001, "sandbox"); /* what was lost with the lane is due again, then this */
    script_run(&next, bench, &status);
    assert_true(test_credits(bench, WALLET) >= 700);
    bench_free(bench);
}

static void what_cannot_be_brought_back_is_due_again(void **state)
{
    (void)state;
    static const enum psp_answer answers[] = { PSP_ANSWER_DONE, PSP_ANSWER_DONE };
    struct bench *bench = scene_new();
    pay_in_make(bench, 1000, "sandbox");
    pay_in_make(bench, 1001, "sandbox");
    struct script script = { .answers = answers, .answer_count = 2, .commit_fails = true };
    bench->fault_status = STATUS_UNAVAILABLE;
    struct saga_status status;
    script_run(&script, bench, &status);
    assert_int_equal(status.put_back >= 1, true);
    assert_false(script.calls[1].query); /* under the same key, if it is the same payment */
    assert_int_equal(test_credits(bench, WALLET), 700);
    bench_free(bench);
}

/* It was made when another PSP was configured: nothing is sent, and nothing is lost. */
static void a_psp_that_is_gone_leaves_it_pending(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    pay_in_make(bench, 1000, "gone");
    pay_in_make(bench, 1001, "sandbox");
    struct script script = { .answer_count = 0 };
    struct saga_status status;
    script_run(&script, bench, &status);
    assert_int_equal(script.call_count, 1);
    assert_true(uuid_equal(script.calls[0].order.payment.value, test_id(1001)));
    assert_int_equal(bench->lane->ledger->payments.count, 2);
    bench_free(bench);
}

/* A batch's stamp may be older than the worker's clock: what it refuses as too early is not lost. */
static void a_reservation_whose_time_was_not_over_after_all_expires_later(void **state)
{
    (void)state;
    static const enum psp_answer answers[] = {
        PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN,
        PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN, PSP_ANSWER_UNKNOWN,
    };
    struct bench *bench = scene_new();
    int64_t expires_ns = reservation_make(bench, 1000, 50);
    pay_in_make(bench, 1001, "sandbox"); /* its questions let time pass */
    struct script script = { .answers = answers,
                             .answer_count = sizeof answers / sizeof answers[0],
                             .steps_at = expires_ns };
    struct saga_status status;
    script_run(&script, bench, &status);
    assert_true(status.put_back >= 1);
    assert_int_equal(bench->lane->ledger->payments.count, 1); /* the pay-in */
    bench_free(bench);
}

static void who_is_retired_takes_no_more(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    pay_in_make(bench, 1000, "sandbox"); /* due at once */
    struct script script = { .retired = true };
    struct saga_status status;
    script_run(&script, bench, &status);
    assert_int_equal(script.call_count, 0);
    assert_int_equal(bench->lane->ledger->payments.count, 1);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_in_doubt_is_asked_after),
        cmocka_unit_test(what_cannot_be_brought_back_is_due_again),
        cmocka_unit_test(a_psp_that_is_gone_leaves_it_pending),
        cmocka_unit_test(who_is_retired_takes_no_more),
        cmocka_unit_test(a_reservation_whose_time_was_not_over_after_all_expires_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

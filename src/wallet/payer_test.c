/*
 * Goal: a payment's unit is whole: after-image, transfers, duplicate marks and what is due move
 * together, are seen when durable, and are the same after a crash at any moment; the same key or
 * id is the same payment for ever.
 * Method: a lane stepped by the test over a disk in memory; then a random life of many payments
 * with crashes, compared image by image.
 */
#include "wallet/payer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/prng.h"
#include "payment/chart.h"
#include "wallet/lane_test.h"

enum { EQUITY = 1, WALLET = 2, MERCHANT = 3, PAYMENTS = 60, STEPS = 1500 };

/* ---- What tests ask ---- */

static void accounts_run(struct bench *bench, struct account *accounts, uint32_t count)
{
    struct account_result results[16];
    assert_true(count <= 16);
    struct request request = { .kind = REQUEST_ACCOUNTS,
                               .count = count,
                               .root = lane_new_id(bench->lane),
                               .accounts = accounts,
                               .account_results = results };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) assert_int_equal(results[i].outcome, ACCOUNT_OUTCOME_OK);
}

/* The wallet holds 100.00; the chart of EUR at the sandbox is made. */
static struct bench *scene_new(void)
{
    struct bench *bench = bench_new();
    struct account accounts[3];
    for (uint64_t i = 0; i < 3; i++) accounts[i] = test_account(i + 1);
    accounts[0].kind = ACCOUNT_EQUITY;
    for (int i = 1; i < 3; i++) accounts[i].flags = ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS;
    accounts_run(bench, accounts, 3);
    struct account chart[CHART_ROLE_END];
    for (unsigned role = 1; role < CHART_ROLE_END; role++) {
        chart[role - 1] = chart_account(LANE_ALONE, EUR, role, "sandbox");
    }
    accounts_run(bench, chart, CHART_ROLE_END - 1);
    assert_int_equal(test_one(bench, test_transfer(100, EQUITY, WALLET, 10000)).outcome,
                     OUTCOME_OK);
    return bench;
}

static struct payment_command draft(enum payment_kind kind, uint64_t number, uint64_t minor)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    struct payment *payment = &command.draft;
    payment->id.value = test_id(number);
    payment->kind = (uint8_t)kind;
    payment->amount.minor = minor;
    payment->asset = EUR;
    payment->wallet.value = test_id(WALLET);
    if (kind == PAYMENT_WALLET || kind == PAYMENT_MERCHANT) {
        payment->counter.value = test_id(MERCHANT);
    } else {
        memcpy(payment->method, "pm_1", 5);
        memcpy(payment->psp, "sandbox", 8);
    }
    return command;
}

static enum status command_run(struct bench *bench, const struct payment_command *command,
                               uint64_t key, struct payment_result *out_result)
{
    memset(out_result, 0, sizeof *out_result);
    struct request request = {
        .kind = REQUEST_PAYMENT,
        .root = lane_new_id(bench->lane),
        .key = { key, key == 0 ? 0 : 9 },
        .fingerprint = { command->cause, key == 0 ? 0 : 9 },
        .trace = { .id = { 77, 7 } },
        .count = 1,
        .payment = command,
        .payment_result = out_result,
    };
    return lane_run(bench->lane, &request);
}

static struct payment_result run(struct bench *bench, struct payment_command command)
{
    struct payment_result result;
    assert_int_equal(command_run(bench, &command, 0, &result), STATUS_OK);
    return result;
}

static struct payment_command to(enum payment_cause cause, uint64_t number)
{
    return (struct payment_command){ .cause = (uint8_t)cause, .id = { test_id(number) } };
}

static struct payment_command answer(const struct payment *payment, enum psp_answer said)
{
    return (struct payment_command){
        .cause = PAYMENT_CAUSE_ANSWER,
        .id = payment->id,
        .step_number = payment->step_number,
        .horizon_ms = 1000,
        .key_window_ms = 86400000,
        .reply = { .answer = (uint8_t)said,
                   .query = !payment_state_is_open(payment->state),
                   .asset = EUR,
                   .amount = payment->step_amount },
    };
}

/* The payment as it stands, open or at rest; the nil id when there is none. */
static struct payment payment_now(struct bench *bench, uint64_t number)
{
    struct uuid id = test_id(number);
    struct payment payment;
    struct locator locator;
    struct read read = {
        .kind = READ_PAYMENTS, .count = 1, .ids = &id, .payments = &payment, .locators = &locator
    };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    if (!uuid_is_nil(payment.id.value) || locator_is_none(locator)) return payment;
    const uint8_t *batch = bench->disk->batches[locator_batch(locator)].data;
    struct record_payment record;
    memcpy(&record, batch + locator_offset(locator), sizeof record);
    assert_int_equal(record.head.type, RECORD_PAYMENT);
    return record.payment;
}

/* Takes what is due now; returns how many, at most one. put_back: 0 is none. */
static uint32_t due(struct bench *bench, uint64_t put_back, struct payment *out_payment)
{
    struct uuid id = test_id(put_back);
    struct read read = { .kind = READ_PAYMENT_DUE,
                         .count = put_back == 0 ? 0 : 1,
                         .ids = &id,
                         .limit = 1,
                         .payments = out_payment,
                         .until = clock_monotonic(&bench->clock.port) };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    return read.found;
}

static void restart(struct bench *bench)
{
    bench_crash(bench);
    bench_open(bench);
}

/* ---- Tests ---- */

static void a_pay_in_is_due_until_it_is_answered(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct payment_result made = run(bench, draft(PAYMENT_PAY_IN, 1000, 2500));
    assert_int_equal(made.outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(made.payment.state, PAYMENT_STATE_PENDING);
    assert_true(uuid_equal(made.payment.trace, (struct uuid){ 77, 7 }));
    struct payment taken;
    assert_int_equal(due(bench, 0, &taken), 1);
    assert_memory_equal(&taken, &made.payment, sizeof taken);
    assert_int_equal(due(bench, 0, &taken), 0); /* it is in hand */
    assert_int_equal(due(bench, 1000, &taken), 1);
    restart(bench);
    assert_int_equal(due(bench, 0, &taken), 1); /* nobody has dealt with it */
    struct payment_result done = run(bench, answer(&taken, PSP_ANSWER_DONE));
    assert_int_equal(done.payment.state, PAYMENT_STATE_SUCCEEDED);
    assert_int_equal(due(bench, 0, &taken), 0);
    assert_int_equal(test_credits(bench, WALLET), 12500);
    assert_int_equal(due(bench, 1000, &taken), 0); /* it rests: there is nothing to put back */
    bench_free(bench);
}

/* A webhook is often faster than the answer to the order that it tells of. */
static void a_hint_does_not_give_one_payment_to_two_workers(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    (void)run(bench, draft(PAYMENT_PAY_OUT, 1000, 2500));
    struct payment taken, other;
    assert_int_equal(due(bench, 0, &taken), 1);
    assert_int_equal(run(bench, to(PAYMENT_CAUSE_HINT, 1000)).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(due(bench, 0, &other), 0);
    assert_int_equal(due(bench, 1000, &other), 1); /* its worker could not deal with it */
    assert_int_equal(run(bench, to(PAYMENT_CAUSE_HINT, 1000)).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(due(bench, 0, &other), 0);
    assert_int_equal(run(bench, answer(&taken, PSP_ANSWER_UNKNOWN)).payment.state,
                     PAYMENT_STATE_IN_DOUBT);
    assert_int_equal(run(bench, to(PAYMENT_CAUSE_HINT, 1000)).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(due(bench, 0, &other), 1); /* nobody had it: it is due now */
    restart(bench);
    assert_int_equal(due(bench, 0, &other), 1);
    bench_free(bench);
}

static void a_clock_that_is_set_back_holds_nothing_up(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    bench->wall_ns -= 3600 * NS_PER_S;
    (void)run(bench, draft(PAYMENT_PAY_IN, 1000, 2500)); /* stamped an hour ahead of the clock */
    struct payment taken;
    assert_int_equal(due(bench, 0, &taken), 1);
    struct payment_result doubt = run(bench, answer(&taken, PSP_ANSWER_UNKNOWN));
    assert_true(doubt.payment.next_at.ns > doubt.stamp.ns);
    assert_int_equal(due(bench, 0, &taken), 0); /* it is not its time */
    bench_free(bench);
}

static void nothing_is_due_before_it_is_durable(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    bench->hold_flush = true;
    struct payment_command command = draft(PAYMENT_PAY_IN, 1000, 1);
    struct payment_result result;
    struct request request = { .kind = REQUEST_PAYMENT,
                               .root = lane_new_id(bench->lane),
                               .count = 1,
                               .payment = &command,
                               .payment_result = &result };
    assert_int_equal(lane_submit(bench->lane, &request), STATUS_OK);
    bench_settle(bench);
    assert_false(request.answered);
    struct payment taken;
    assert_int_equal(due(bench, 0, &taken), 0);
    bench->hold_flush = false;
    lane_wait(bench->lane, &request);
    assert_int_equal(due(bench, 0, &taken), 1);
    bench_free(bench);
}

static void the_same_id_is_the_same_payment(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct payment_result made = run(bench, draft(PAYMENT_WALLET, 1000, 300));
    assert_int_equal(made.payment.state, PAYMENT_STATE_SUCCEEDED);
    for (int life = 0; life < 2; life++) {
        struct payment_result again = run(bench, draft(PAYMENT_WALLET, 1000, 300));
        assert_int_equal(again.outcome, PAYMENT_OUTCOME_OK);
        assert_true(again.repeated);
        assert_int_equal(again.payment.state, PAYMENT_STATE_SUCCEEDED);
        struct payment_result other = run(bench, draft(PAYMENT_WALLET, 1000, 301));
        assert_int_equal(other.outcome, PAYMENT_OUTCOME_ID_CONFLICT);
        restart(bench);
    }
    assert_int_equal(test_credits(bench, MERCHANT), 300);
    bench_free(bench);
}

static void a_refusal_is_the_same_for_ever(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    for (int life = 0; life < 3; life++) {
        struct payment_result refused = run(bench, draft(PAYMENT_WALLET, 1000, 10001));
        assert_int_equal(refused.outcome, PAYMENT_OUTCOME_LEDGER);
        assert_int_equal(refused.ledger_outcome, OUTCOME_DEBITS_EXCEED_CREDITS);
        assert_int_equal(refused.payment.state, PAYMENT_STATE_FAILED);
        assert_int_equal(refused.repeated, life > 0);
        restart(bench);
    }
    test_one(bench, test_transfer(101, EQUITY, WALLET, 10000)); /* now it could */
    assert_int_equal(run(bench, draft(PAYMENT_WALLET, 1000, 10001)).outcome,
                     PAYMENT_OUTCOME_LEDGER);
    assert_int_equal(run(bench, draft(PAYMENT_WALLET, 1001, 10001)).outcome, PAYMENT_OUTCOME_OK);
    bench_free(bench);
}

static void a_key_gives_the_answer_of_the_first_time(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    (void)run(bench, draft(PAYMENT_MERCHANT, 1000, 500));
    struct payment_command capture = to(PAYMENT_CAUSE_CAPTURE, 1000);
    capture.amount.minor = 200;
    struct payment_result first;
    assert_int_equal(command_run(bench, &capture, 5, &first), STATUS_OK);
    assert_int_equal(first.payment.state, PAYMENT_STATE_PART_CAPTURED);
    (void)run(bench, to(PAYMENT_CAUSE_CANCEL, 1000));
    for (int life = 0; life < 2; life++) {
        struct payment_result again;
        assert_int_equal(command_run(bench, &capture, 5, &again), STATUS_OK);
        assert_true(again.repeated);
        assert_memory_equal(&again.payment, &first.payment, sizeof again.payment);
        assert_int_equal(again.position.batch, first.position.batch);
        restart(bench);
    }
    struct payment_command other = to(PAYMENT_CAUSE_CANCEL, 1000);
    struct payment_result ignored;
    assert_int_equal(command_run(bench, &other, 5, &ignored), STATUS_CONFLICT);
    assert_int_equal(test_credits(bench, MERCHANT), 200);
    bench_free(bench);
}

static void a_new_key_on_a_known_id_is_answered_by_the_id(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct payment_command known = draft(PAYMENT_WALLET, 1000, 300);
    struct payment_command next = draft(PAYMENT_WALLET, 1001, 50);
    struct payment_result result;
    (void)run(bench, known);
    for (int life = 0; life < 2; life++) {
        assert_int_equal(command_run(bench, &known, 6, &result), STATUS_OK);
        assert_true(result.repeated);
        (void)run(bench, next); /* it would stand where the answer under the key is looked for */
        assert_int_equal(command_run(bench, &known, 6, &result), STATUS_OK);
        assert_true(result.repeated);
        assert_true(uuid_equal(result.payment.id.value, known.draft.id.value));
        next.draft.id.value = test_id(1002);
        restart(bench);
    }
    assert_int_equal(test_credits(bench, MERCHANT), 400);
    bench_free(bench);
}

static void a_key_is_free_when_nothing_could_be_decided(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    (void)run(bench, draft(PAYMENT_MERCHANT, 1000, 500));
    struct payment_command capture = to(PAYMENT_CAUSE_CAPTURE, 1000);
    capture.amount = MONEY_MAX;
    (void)run(bench, capture); /* it rests: the next command has to read it from history */
    restart(bench);
    struct payment_command refund = draft(PAYMENT_REFUND, 2000, 70);
    memset(refund.draft.method, 0, sizeof refund.draft.method);
    memset(refund.draft.psp, 0, sizeof refund.draft.psp);
    refund.draft.wallet = (struct account_id){ { 0, 0 } };
    refund.draft.parent.value = test_id(1000);
    struct payment_result result;
    bench->read_part_fails = 1;
    assert_int_equal(command_run(bench, &refund, 8, &result), STATUS_UNAVAILABLE);
    (void)run(bench, draft(PAYMENT_WALLET, 1001, 50));
    assert_int_equal(command_run(bench, &refund, 8, &result), STATUS_OK);
    assert_false(result.repeated);
    assert_int_equal(result.payment.kind, PAYMENT_REFUND);
    assert_int_equal(result.payment.state, PAYMENT_STATE_SUCCEEDED);
    bench_free(bench);
}

static struct payment_command dispute(enum payment_state to_state)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_DISPUTE };
    command.state = (uint8_t)to_state;
    command.draft.id.value = test_id(3000);
    command.draft.parent.value = test_id(1000);
    command.draft.amount.minor = 700;
    return command;
}

static void history_that_cannot_be_read_refuses_nothing_for_ever(void **state)
{
    (void)state;
    bool failed = true;
    for (uint32_t skip = 0; failed; skip++) {
        struct bench *bench = scene_new();
        struct payment_result result = run(bench, draft(PAYMENT_PAY_IN, 1000, 700));
        (void)run(bench, answer(&result.payment, PSP_ANSWER_DONE));
        (void)run(bench, dispute(PAYMENT_STATE_OPENED));
        restart(bench); /* what it moved stands in history only */
        struct payment_command won = dispute(PAYMENT_STATE_WON);
        bench->read_part_skip = skip;
        bench->read_part_fails = 1;
        failed = command_run(bench, &won, 8, &result) != STATUS_OK;
        bench->read_part_fails = 0;
        (void)run(bench, draft(PAYMENT_WALLET, 1001, 50));
        assert_int_equal(command_run(bench, &won, 8, &result), STATUS_OK);
        assert_int_equal(result.repeated, !failed);
        assert_int_equal(result.outcome, PAYMENT_OUTCOME_OK);
        assert_int_equal(result.payment.state, PAYMENT_STATE_WON);
        assert_true(failed || skip > 4); /* several reads were made to fail, each in turn */
        bench_free(bench);
    }
}

static void refunds_cannot_be_more_than_was_taken(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    (void)run(bench, draft(PAYMENT_WALLET, 1000, 300));
    uint32_t won = 0;
    for (uint64_t i = 0; i < 8; i++) {
        struct payment_command refund = draft(PAYMENT_REFUND, 2000 + i, 70);
        memset(refund.draft.method, 0, sizeof refund.draft.method);
        memset(refund.draft.psp, 0, sizeof refund.draft.psp);
        refund.draft.wallet = (struct account_id){ { 0, 0 } };
        refund.draft.parent.value = test_id(1000);
        struct payment_result result = run(bench, refund);
        won += result.outcome == PAYMENT_OUTCOME_OK;
        if (i == 1) restart(bench);
    }
    assert_int_equal(won, 4);
    assert_true(payment_now(bench, 1000).refunded.minor == 280);
    assert_int_equal(test_credits(bench, WALLET), 10280);
    bench_free(bench);
}

static void money_that_a_frozen_wallet_refuses_is_in_suspense(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct payment_result made = run(bench, draft(PAYMENT_PAY_IN, 1000, 2500));
    test_freeze(bench, (struct account_id){ test_id(WALLET) }, true);
    struct payment_result done = run(bench, answer(&made.payment, PSP_ANSWER_DONE));
    assert_int_equal(done.outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(done.payment.state, PAYMENT_STATE_MANUAL);
    assert_string_equal(done.payment.reason, "credit_account_frozen");
    restart(bench);
    assert_int_equal(payment_now(bench, 1000).state, PAYMENT_STATE_MANUAL);
    assert_int_equal(test_credits(bench, WALLET), 10000);
    bench_free(bench);
}

/* Neither the wallet nor suspense takes it: it is asked after until somebody thaws the chart. */
static void a_frozen_chart_delays_and_loses_nothing(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct account_id clearing = chart_account_id(LANE_ALONE, EUR, CHART_CLEARING, "sandbox");
    struct payment_result made = run(bench, draft(PAYMENT_PAY_IN, 1000, 2500));
    struct payment_result paid = run(bench, draft(PAYMENT_PAY_OUT, 1001, 400));
    paid = run(bench, answer(&paid.payment, PSP_ANSWER_DONE));
    (void)run(bench, to(PAYMENT_CAUSE_HINT, 1001));
    test_freeze(bench, clearing, true);
    struct payment_result held = run(bench, answer(&made.payment, PSP_ANSWER_DONE));
    assert_int_equal(held.outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(held.payment.state, PAYMENT_STATE_IN_DOUBT);
    assert_string_equal(held.payment.reason, "debit_account_frozen");
    assert_true(held.payment.next_at.ns > held.stamp.ns);
    struct payment_result back = run(bench, answer(&paid.payment, PSP_ANSWER_DECLINED));
    assert_int_equal(back.payment.state, PAYMENT_STATE_SUCCEEDED);
    assert_true(back.payment.next_at.ns > back.stamp.ns);
    restart(bench);
    assert_memory_equal(&(struct payment[]){ payment_now(bench, 1000) }, &held.payment,
                        sizeof held.payment);
    test_freeze(bench, clearing, false);
    held = run(bench, answer(&held.payment, PSP_ANSWER_DONE));
    assert_int_equal(held.payment.state, PAYMENT_STATE_SUCCEEDED);
    back = run(bench, answer(&paid.payment, PSP_ANSWER_DECLINED));
    assert_int_equal(back.payment.state, PAYMENT_STATE_RETURNED);
    assert_int_equal(test_credits(bench, WALLET), 12900);
    bench_free(bench);
}

/* A decline that the PSP took back, for a wallet that is frozen by now. */
static void a_late_success_that_a_wallet_refuses_is_in_suspense(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct payment_result made = run(bench, draft(PAYMENT_PAY_IN, 1000, 2500));
    (void)run(bench, answer(&made.payment, PSP_ANSWER_DECLINED));
    (void)run(bench, to(PAYMENT_CAUSE_HINT, 1000));
    test_freeze(bench, (struct account_id){ test_id(WALLET) }, true);
    struct payment_command late = answer(&made.payment, PSP_ANSWER_DONE);
    late.reply.query = true;
    struct payment_result done = run(bench, late);
    assert_int_equal(done.outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(done.payment.state, PAYMENT_STATE_MANUAL);
    assert_true((done.payment.flags & PAYMENT_FLAG_SUSPENSE) != 0);
    bench_free(bench);
}

/* To a caller who may make transfers, open or not. */
static void a_payments_transfers_are_its_own(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct payment_result made = run(bench, draft(PAYMENT_PAY_OUT, 1000, 400));
    const struct payment held = made.payment;
    struct transfer foreign = {
        .id = { test_id(555) }, .kind = TRANSFER_VOID, .target = held.hold, .amount = MONEY_MAX
    };
    assert_int_equal(test_one(bench, foreign).outcome, OUTCOME_TARGET_OWNED);
    restart(bench);
    foreign.id.value = test_id(556);
    foreign.kind = TRANSFER_POST;
    assert_int_equal(test_one(bench, foreign).outcome, OUTCOME_TARGET_OWNED);
    struct payment_result done = run(bench, answer(&held, PSP_ANSWER_DONE));
    assert_int_equal(done.payment.state, PAYMENT_STATE_SUCCEEDED);
    foreign.id.value = test_id(557);
    assert_int_equal(test_one(bench, foreign).outcome, OUTCOME_TARGET_OWNED);
    foreign.id.value = test_id(558);
    foreign.kind = TRANSFER_REVERSAL;
    foreign.target = done.payment.posted;
    assert_int_equal(test_one(bench, foreign).outcome, OUTCOME_TARGET_OWNED);
    bench_free(bench);
}

static void a_hint_opens_what_rests(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct payment_result made = run(bench, draft(PAYMENT_PAY_OUT, 1000, 400));
    (void)run(bench, answer(&made.payment, PSP_ANSWER_DONE));
    assert_int_equal(run(bench, to(PAYMENT_CAUSE_HINT, 1000)).outcome, PAYMENT_OUTCOME_OK);
    restart(bench);
    struct payment taken;
    assert_int_equal(due(bench, 0, &taken), 1);
    assert_int_equal(taken.state, PAYMENT_STATE_SUCCEEDED);
    struct payment_result back = run(bench, answer(&taken, PSP_ANSWER_DECLINED));
    assert_int_equal(back.payment.state, PAYMENT_STATE_RETURNED);
    assert_int_equal(test_credits(bench, WALLET), 10400);
    assert_int_equal(run(bench, to(PAYMENT_CAUSE_HINT, 4711)).outcome, PAYMENT_OUTCOME_NOT_FOUND);
    bench_free(bench);
}

static void waiting_ends_at_its_time_or_when_the_lane_does(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct payment taken;
    struct read read = { .kind = READ_PAYMENT_DUE, .limit = 1, .payments = &taken };
    read.until.ns = clock_monotonic(&bench->clock.port).ns + 50 * NS_PER_MS;
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(read.found, 0);
    assert_true(clock_monotonic(&bench->clock.port).ns >= read.until.ns);
    read.until = MONOTONIC_NEVER;
    assert_int_equal(lane_submit(bench->lane, &request), STATUS_OK);
    bench_settle(bench);
    assert_false(request.answered);
    lane_drain(bench->lane);
    assert_true(request.answered);
    assert_int_equal(request.status, STATUS_STOPPED);
    bench_free(bench);
}

/* ---- A random life ---- */

static void random_command(struct bench *bench, struct prng *prng)
{
    static const enum payment_kind kinds[] = { PAYMENT_PAY_IN, PAYMENT_PAY_OUT, PAYMENT_WALLET,
                                               PAYMENT_MERCHANT };
    uint64_t number = 1000 + prng_below(prng, PAYMENTS);
    struct payment known = payment_now(bench, number);
    if (uuid_is_nil(known.id.value)) {
        (void)run(bench, draft(kinds[prng_below(prng, 4)], number, 1 + prng_below(prng, 900)));
        return;
    }
    struct payment_command command = to(PAYMENT_CAUSE_HINT, number);
    switch (prng_below(prng, 5)) {
    case 0: command.cause = PAYMENT_CAUSE_CANCEL; break;
    case 1:
        command.cause = PAYMENT_CAUSE_CAPTURE;
        command.amount.minor = 1 + prng_below(prng, 400);
        break;
    case 2: break;
    default: command = answer(&known, (enum psp_answer)(1 + prng_below(prng, PSP_ANSWER_END - 1)));
    }
    (void)run(bench, command);
}

static void every_moment_of_a_life_can_be_recovered_from(void **state)
{
    (void)state;
    struct bench *bench = scene_new();
    struct prng prng;
    prng_init(&prng, 9);
    for (int step = 0; step < STEPS; step++) {
        random_command(bench, &prng);
        if (step % 25 != 0) continue;
        struct payment before[PAYMENTS];
        for (uint64_t i = 0; i < PAYMENTS; i++) before[i] = payment_now(bench, 1000 + i);
        uint64_t credits = test_credits(bench, WALLET);
        restart(bench);
        for (uint64_t i = 0; i < PAYMENTS; i++) {
            struct payment after = payment_now(bench, 1000 + i);
            assert_memory_equal(&before[i], &after, sizeof after);
        }
        assert_int_equal(test_credits(bench, WALLET), credits);
    }
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pay_in_is_due_until_it_is_answered),
        cmocka_unit_test(a_hint_does_not_give_one_payment_to_two_workers),
        cmocka_unit_test(a_clock_that_is_set_back_holds_nothing_up),
        cmocka_unit_test(nothing_is_due_before_it_is_durable),
        cmocka_unit_test(the_same_id_is_the_same_payment),
        cmocka_unit_test(a_refusal_is_the_same_for_ever),
        cmocka_unit_test(a_key_gives_the_answer_of_the_first_time),
        cmocka_unit_test(a_new_key_on_a_known_id_is_answered_by_the_id),
        cmocka_unit_test(a_key_is_free_when_nothing_could_be_decided),
        cmocka_unit_test(history_that_cannot_be_read_refuses_nothing_for_ever),
        cmocka_unit_test(refunds_cannot_be_more_than_was_taken),
        cmocka_unit_test(money_that_a_frozen_wallet_refuses_is_in_suspense),
        cmocka_unit_test(a_frozen_chart_delays_and_loses_nothing),
        cmocka_unit_test(a_late_success_that_a_wallet_refuses_is_in_suspense),
        cmocka_unit_test(a_payments_transfers_are_its_own),
        cmocka_unit_test(a_hint_opens_what_rests),
        cmocka_unit_test(waiting_ends_at_its_time_or_when_the_lane_does),
        cmocka_unit_test(every_moment_of_a_life_can_be_recovered_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

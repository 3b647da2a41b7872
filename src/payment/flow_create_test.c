/*
 * Goal: each kind of payment begins as its flow says: what is reserved or moved before anything is
 * sent, which step is under way, and every reason for which it is refused.
 * Method: one valid creation of each kind, then a table of facts that spoil it.
 */
#include "payment/flow_create.h"

#include "model/transit.h"
#include "payment/flow_test.h"

static void pay_in_moves_nothing_before_the_psp_has_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_PAY_IN);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(scene.decision.transfer_count, 0);
    assert_int_equal(scene.payment.step, PSP_CHARGE);
    assert_int_equal(scene.payment.step_number, 1);
    assert_int_equal(scene.payment.next_at.ns, scene.facts.stamp.ns);
    assert_int_equal(scene.payment.step_at.ns, scene.facts.stamp.ns);
    assert_int_equal(scene.payment.slot, 7);
    assert_int_equal(scene.payment.version, 1);
}

static void pay_out_reserves_first(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_PAY_OUT);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_HOLD);
    assert_moves(&scene, 0, scene.wallet.id, scene_chart(CHART_CLEARING), 10000);
    assert_true(uuid_equal(scene.payment.hold.value, scene.decision.transfers[0].id.value));
    assert_int_equal(scene.payment.step, PSP_PAY_OUT);
}

static void wallet_to_wallet_is_done_at_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_WALLET);
    scene.facts.slot = PAYMENT_SLOT_NONE; /* needs no place: it is never open */
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_moves(&scene, 0, scene.wallet.id, scene.counter.id, 10000);
    assert_int_equal(scene.payment.slot, PAYMENT_SLOT_NONE);
    assert_true(scene.payment.captured.minor == 10000);
}

/* Nothing of it is done before the other lane says so, and its amount is nobody else's meanwhile. */
static void into_another_lane_it_has_left_and_is_pending(void **state)
{
    (void)state;
    struct scene scene;
    scene_between_lanes(&scene);
    scene_draft(&scene, PAYMENT_WALLET);
    scene.command.draft.code = 5411;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(scene.decision.transfer_count, 1);
    const struct transfer *transfer = &scene.decision.transfers[0];
    const struct transit_account way = { .asset = EUR, .lane = 0, .peer = 1, .out = true };
    assert_int_equal(transfer->kind, TRANSFER_DEPARTURE);
    assert_int_equal(transfer->flags, TRANSFER_FLAG_OWNED);
    assert_true(uuid_equal(transfer->debit.value, scene.wallet.id.value));
    assert_true(uuid_equal(transfer->credit.value, transit_account(&way).id.value));
    assert_true(uuid_equal(transfer->target.value, scene.counter.id.value));
    assert_true(uuid_equal(transfer->user_ref, scene.payment.id.value));
    assert_int_equal(transfer->code, 5411);
    assert_true(transfer->amount.minor == 10000);
    assert_true(uuid_equal(scene.payment.posted.value, transfer->id.value));
    assert_true(uuid_is_nil(scene.payment.hold.value));
    assert_true(money_is_zero(scene.payment.captured));
    assert_int_equal(scene.payment.step, 0);
    assert_int_equal(scene.payment.step_at.ns, scene.facts.stamp.ns);
    assert_int_equal(scene.payment.next_at.ns, 0); /* it waits for nobody here */
    assert_int_equal(scene.payment.slot, 7);
}

/* Until it is captured nothing is on its way: it is reserved here, for nobody yet. */
static void a_merchant_in_another_lane_is_held_against_suspense(void **state)
{
    (void)state;
    struct scene scene;
    scene_between_lanes(&scene);
    scene_draft(&scene, PAYMENT_MERCHANT);
    scene.facts.chart = false;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_CHART_MISSING);
    scene.facts.chart = true;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_AUTHORISED);
    assert_int_equal(scene.decision.transfer_count, 1);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_HOLD);
    struct account_id suspense = chart_account_id(scene.facts.part, EUR, CHART_SUSPENSE, "");
    assert_moves(&scene, 0, scene.wallet.id, suspense, 10000);
    assert_true(uuid_equal(scene.payment.hold.value, scene.decision.transfers[0].id.value));
    scene_between_lanes(&scene);
    scene_draft_card(&scene); /* a card's is where the merchant is */
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_ACCOUNT_NOT_FOUND);
}

static void what_needs_both_lanes_at_once_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    scene_between_lanes(&scene);
    scene_draft(&scene, PAYMENT_EXCHANGE);
    scene.facts.rate_numerator = scene.facts.rate_denominator = 1;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_ACCOUNT_NOT_FOUND);
    scene_between_lanes(&scene);
    scene.wallet.kind = ACCOUNT_ASSET;
    scene_draft(&scene, PAYMENT_WALLET);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_NOT_A_WALLET);
}

/* The lane of the payment begins it and counts it; the other one has the money and is asked. */
static void a_refund_of_what_was_paid_into_another_lane_is_to_come_from_there(void **state)
{
    (void)state;
    struct scene scene;
    scene_between_lanes(&scene);
    scene_parent(&scene, PAYMENT_WALLET);
    scene.facts.wallet = NULL; /* who was paid, of whom the lane knows nothing */
    scene.facts.counter = &scene.wallet;
    scene_draft(&scene, PAYMENT_REFUND);
    scene.parent.captured = MONEY_ZERO; /* it is still on its way, or came back */
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_STATE);
    scene.parent.captured.minor = 10000;
    scene.command.draft.amount.minor = 10001;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE);
    scene.command.draft.amount.minor = 4000;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_true(payment_in_transit(&scene.payment));
    assert_int_equal(scene.decision.transfer_count, 1);
    const struct transfer *transfer = &scene.decision.transfers[0];
    const struct transit_account way = { .asset = EUR, .lane = 0, .peer = 1, .out = false };
    assert_int_equal(transfer->kind, TRANSFER_DEPARTURE);
    assert_true(uuid_equal(transfer->debit.value, transit_account(&way).id.value));
    assert_true(uuid_equal(transfer->credit.value, scene.wallet.id.value));
    assert_true(uuid_equal(transfer->target.value, scene.counter.id.value));
    assert_true(transfer->amount.minor == 4000);
    assert_true(uuid_equal(scene.payment.posted.value, transfer->id.value));
    assert_true(money_is_zero(scene.payment.captured));
    assert_true(scene.parent.refund_pending.minor == 4000);
    assert_true(money_is_zero(scene.parent.refunded));
    scene.made = false;
    scene.command.draft.amount = MONEY_MAX; /* what is on its way counts as given */
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_true(scene.payment.amount.minor == 6000);
    scene.made = false;
    scene.command.draft.amount.minor = 1;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE);
}

/* What is here is looked at before anything is asked of the other lane. */
static void a_refund_to_what_is_no_wallet_any_more_is_refused_at_home(void **state)
{
    (void)state;
    struct scene scene;
    scene_between_lanes(&scene);
    scene_parent(&scene, PAYMENT_WALLET);
    scene.facts.wallet = NULL;
    scene_draft(&scene, PAYMENT_REFUND);
    scene.facts.counter = NULL;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_ACCOUNT_NOT_FOUND);
    scene.facts.counter = &scene.wallet;
    scene.command.draft.asset = JPY;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_ASSET_MISMATCH);
    assert_false(scene.decision.parent_changed);
}

static void merchant_is_held_or_authorised(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_MERCHANT);
    scene.command.draft.expires_at.ns = scene.facts.stamp.ns + NS_PER_DAY;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_AUTHORISED);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_HOLD);
    assert_int_equal(scene.payment.next_at.ns, scene.payment.expires_at.ns);
    assert_int_equal(scene.payment.step, 0);
    scene_begin(&scene);
    scene_draft_card(&scene);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(scene.payment.step, PSP_AUTHORISE);
    assert_int_equal(scene.decision.transfer_count, 0);
}

static void refund_is_of_what_is_left(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_parent(&scene, PAYMENT_PAY_IN);
    scene.parent.refunded.minor = 3000;
    scene.parent.refund_pending.minor = 2000;
    scene.parent.disputed.minor = 1000;
    scene_draft(&scene, PAYMENT_REFUND);
    scene.command.draft.amount.minor = 4001;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE);
    scene.command.draft.amount.minor = 4000;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_moves(&scene, 0, scene.wallet.id, scene_chart(CHART_CLEARING), 4000);
    assert_int_equal(scene.payment.step, PSP_REFUND);
    assert_string_equal(scene.payment.psp_object, "ch_1");
    assert_true(scene.parent.refund_pending.minor == 6000);
    assert_int_equal(scene.parent.version, 4);
    scene.made = false;
    scene.command.draft.amount = MONEY_MAX;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE); /* nothing left */
}

static void refund_between_wallets_is_done_at_once(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_parent(&scene, PAYMENT_WALLET);
    scene_draft(&scene, PAYMENT_REFUND);
    scene.command.draft.amount = MONEY_MAX;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_moves(&scene, 0, scene.counter.id, scene.wallet.id, 10000);
    assert_true(scene.parent.refunded.minor == 10000);
}

/* given = counter * denominator / numerator, rounded up, and residue: nothing is lost. */
static void exchange_locks_a_rate_and_loses_nothing(void **state)
{
    (void)state;
    static const struct {
        uint64_t given, numerator, denominator, counter, residue;
    } rows[] = {
        { 10000, 162345, 100000, 16234, 0 },
        { 1000, 3, 1000, 3, 0 },
        { 1000, 3, 1001, 2, 332 },
        { 999999999999999999, 1, 1, 999999999999999999, 0 },
        { 7, 1, 2, 3, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        scene_begin(&scene);
        scene_draft(&scene, PAYMENT_EXCHANGE);
        scene.command.draft.amount.minor = rows[i].given;
        scene.facts.rate_numerator = rows[i].numerator;
        scene.facts.rate_denominator = rows[i].denominator;
        assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
        assert_state(&scene, PAYMENT_STATE_QUOTED);
        assert_int_equal(scene.decision.transfer_count, 0);
        assert_true(scene.payment.counter_amount.minor == rows[i].counter);
        assert_true(scene.payment.residue.minor == rows[i].residue);
        assert_int_equal(scene.payment.next_at.ns, scene.payment.expires_at.ns);
        assert_int_equal(scene.payment.expires_at.ns,
                         scene.facts.stamp.ns + PAYMENT_QUOTE_S * NS_PER_S);
    }
}

static void exchange_without_a_rate_or_an_amount_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_EXCHANGE);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_RATE_NOT_FOUND);
    scene.facts.rate_numerator = 1;
    scene.facts.rate_denominator = 10001;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_NOTHING_TO_MOVE);
}

static void spoil(struct scene *scene, int how)
{
    if (how == 0) scene->facts.wallet = NULL;
    if (how == 1) scene->wallet.asset = JPY;
    if (how == 2) scene->facts.chart = false;
    if (how == 3) scene->command.draft.expires_at = scene->facts.stamp;
    if (how == 4) scene->facts.slot = PAYMENT_SLOT_NONE;
}

/* What is refused takes its id: the refusal is a payment that failed, and says why. */
static void refusals_come_in_order_and_take_the_id(void **state)
{
    (void)state;
    static const enum payment_outcome expected[] = {
        PAYMENT_OUTCOME_ACCOUNT_NOT_FOUND, PAYMENT_OUTCOME_ASSET_MISMATCH,
        PAYMENT_OUTCOME_CHART_MISSING,     PAYMENT_OUTCOME_EXPIRED,
        PAYMENT_OUTCOME_CAPACITY,
    };
    for (int first = 0; first < 5; first++) {
        struct scene scene;
        scene_begin(&scene);
        scene_draft(&scene, PAYMENT_PAY_IN);
        for (int how = first; how < 5; how++) spoil(&scene, how);
        assert_int_equal(scene_run(&scene), expected[first]);
        const struct payment *payment = &scene.decision.payment;
        assert_int_equal(payment->state, PAYMENT_STATE_FAILED);
        assert_int_equal(payment->slot, PAYMENT_SLOT_NONE);
        assert_int_equal(payment->version, 0);
        assert_string_equal(payment->reason, payment_outcome_code(expected[first]));
        assert_int_equal(scene.decision.transfer_count, 0);
    }
}

static void refund_needs_a_parent_that_took_money(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_REFUND);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_PARENT_NOT_FOUND);
    scene_parent(&scene, PAYMENT_PAY_OUT);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_PARENT_WRONG_KIND);
    scene_parent(&scene, PAYMENT_PAY_IN);
    scene.parent.captured = MONEY_ZERO;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_STATE);
}

static void a_ledger_refusal_fails_the_creation(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_WALLET);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    scene.made = false;
    scene_refused(&scene, OUTCOME_DEBITS_EXCEED_CREDITS);
    assert_int_equal(scene.decision.outcome, PAYMENT_OUTCOME_LEDGER);
    assert_int_equal(scene.decision.payment.state, PAYMENT_STATE_FAILED);
    assert_string_equal(scene.decision.payment.reason, "debits_exceed_credits");
    assert_int_equal(scene.decision.transfer_count, 0);
    assert_false(scene.decision.parent_changed);
}

/* Their ids can be computed by anyone: a key for payments must not be one for the bank. */
static void accounts_of_the_chart_are_no_wallets(void **state)
{
    (void)state;
    for (unsigned role = 1; role < CHART_ROLE_END; role++) {
        struct scene scene;
        scene_begin(&scene);
        scene.wallet = chart_account(LANE_ALONE, EUR, role, "sandbox");
        scene_draft(&scene, PAYMENT_WALLET);
        assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_NOT_A_WALLET);
        scene_draft(&scene, PAYMENT_PAY_OUT);
        assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_NOT_A_WALLET);
        scene_begin(&scene);
        scene.counter = chart_account(LANE_ALONE, EUR, role, "sandbox");
        scene_draft(&scene, PAYMENT_MERCHANT);
        assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_NOT_A_WALLET);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_of_the_chart_are_no_wallets),
        cmocka_unit_test(pay_in_moves_nothing_before_the_psp_has_it),
        cmocka_unit_test(pay_out_reserves_first),
        cmocka_unit_test(wallet_to_wallet_is_done_at_once),
        cmocka_unit_test(into_another_lane_it_has_left_and_is_pending),
        cmocka_unit_test(a_merchant_in_another_lane_is_held_against_suspense),
        cmocka_unit_test(what_needs_both_lanes_at_once_is_refused),
        cmocka_unit_test(a_refund_of_what_was_paid_into_another_lane_is_to_come_from_there),
        cmocka_unit_test(a_refund_to_what_is_no_wallet_any_more_is_refused_at_home),
        cmocka_unit_test(merchant_is_held_or_authorised),
        cmocka_unit_test(refund_is_of_what_is_left),
        cmocka_unit_test(refund_between_wallets_is_done_at_once),
        cmocka_unit_test(exchange_locks_a_rate_and_loses_nothing),
        cmocka_unit_test(exchange_without_a_rate_or_an_amount_is_refused),
        cmocka_unit_test(refusals_come_in_order_and_take_the_id),
        cmocka_unit_test(refund_needs_a_parent_that_took_money),
        cmocka_unit_test(a_ledger_refusal_fails_the_creation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: chargebacks and settlement lines are booked as they are told, and come out even.
 * Method: each course of a dispute and each kind of line, with the sums per account compared.
 */
#include "payment/flow_books.h"

#include "payment/flow_test.h"

static enum payment_outcome dispute(struct scene *scene, enum payment_state state)
{
    scene->command =
        (struct payment_command){ .cause = PAYMENT_CAUSE_DISPUTE, .state = (uint8_t)state };
    scene->command.draft.id = scene_id(1);
    scene->command.draft.parent = scene_id(9);
    scene->command.draft.amount.minor = 10000;
    return scene_run(scene);
}

static void opened(struct scene *scene)
{
    scene_begin(scene);
    scene_parent(scene, PAYMENT_PAY_IN);
    assert_int_equal(dispute(scene, PAYMENT_STATE_OPENED), PAYMENT_OUTCOME_OK);
    assert_state(scene, PAYMENT_STATE_OPENED);
}

static void an_opened_dispute_is_a_receivable(void **state)
{
    (void)state;
    struct scene scene;
    opened(&scene);
    assert_moves(&scene, 0, scene_chart(CHART_RECEIVABLE), scene_chart(CHART_CLEARING), 10000);
    assert_true(scene.parent.disputed.minor == 10000);
    assert_true(money_is_zero(payment_refundable(&scene.parent)));
    assert_int_equal(scene.payment.kind, PAYMENT_CHARGEBACK);
    assert_string_equal(scene.payment.psp, "sandbox");
    assert_int_equal(dispute(&scene, PAYMENT_STATE_OPENED), PAYMENT_OUTCOME_STATE);
}

static void won_and_lost_and_taken_back(void **state)
{
    (void)state;
    struct scene scene;
    opened(&scene);
    struct scene lost = scene;
    assert_int_equal(dispute(&scene, PAYMENT_STATE_WON), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_REVERSAL);
    assert_true(money_is_zero(scene.parent.disputed));
    assert_int_equal(dispute(&scene, PAYMENT_STATE_REVERSED), PAYMENT_OUTCOME_OK);
    assert_moves(&scene, 0, scene_chart(CHART_LOSS), scene_chart(CHART_CLEARING), 10000);
    assert_true(scene.parent.disputed.minor == 10000);
    assert_int_equal(dispute(&scene, PAYMENT_STATE_REVERSED), PAYMENT_OUTCOME_STATE);

    assert_int_equal(dispute(&lost, PAYMENT_STATE_LOST), PAYMENT_OUTCOME_OK);
    assert_moves(&lost, 0, scene_chart(CHART_LOSS), scene_chart(CHART_RECEIVABLE), 10000);
    assert_true(lost.parent.disputed.minor == 10000);
    assert_int_equal(dispute(&lost, PAYMENT_STATE_REVERSED), PAYMENT_OUTCOME_OK);
    assert_moves(&lost, 0, scene_chart(CHART_CLEARING), scene_chart(CHART_LOSS), 10000);
    assert_true(money_is_zero(lost.parent.disputed));
}

static void a_dispute_needs_a_parent_at_a_psp(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    assert_int_equal(dispute(&scene, PAYMENT_STATE_OPENED), PAYMENT_OUTCOME_PARENT_NOT_FOUND);
    scene_parent(&scene, PAYMENT_WALLET);
    assert_int_equal(dispute(&scene, PAYMENT_STATE_OPENED), PAYMENT_OUTCOME_PARENT_WRONG_KIND);
    scene_parent(&scene, PAYMENT_PAY_IN);
    assert_int_equal(dispute(&scene, PAYMENT_STATE_WON), PAYMENT_OUTCOME_STATE);
    scene.facts.chart = false;
    assert_int_equal(dispute(&scene, PAYMENT_STATE_OPENED), PAYMENT_OUTCOME_CHART_MISSING);
    scene.facts.chart = true;
    scene.parent.captured = MONEY_ZERO;
    assert_int_equal(dispute(&scene, PAYMENT_STATE_OPENED), PAYMENT_OUTCOME_STATE);
}

static enum payment_outcome settle(struct scene *scene, enum psp_line_kind kind, uint64_t gross,
                                   uint64_t fee)
{
    scene->command = (struct payment_command){
        .cause = PAYMENT_CAUSE_SETTLE,
        .id = scene->payment.id,
        .line_kind = (uint8_t)kind,
        .amount = { gross },
        .fee = { fee },
        .draft.asset = EUR,
    };
    scene_text(scene->command.draft.psp, "sandbox");
    return scene_run(scene);
}

static void charged(struct scene *scene)
{
    scene_begin(scene);
    scene_draft(scene, PAYMENT_PAY_IN);
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_answer(scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_OK);
}

/* Bank and fees take what clearing loses, whatever the sign of the net. */
static void a_line_brings_clearing_to_the_bank_less_the_fee(void **state)
{
    (void)state;
    struct scene scene;
    charged(&scene);
    assert_int_equal(settle(&scene, PSP_LINE_CHARGE, 10000, 175), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.decision.transfer_count, 2);
    assert_moves(&scene, 0, scene_chart(CHART_BANK), scene_chart(CHART_CLEARING), 10000);
    assert_moves(&scene, 1, scene_chart(CHART_FEES), scene_chart(CHART_BANK), 175);
    assert_true((scene.payment.flags & PAYMENT_FLAG_SETTLED) != 0);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_int_equal(settle(&scene, PSP_LINE_CHARGEBACK, 10000, 0), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.decision.transfer_count, 1);
    assert_moves(&scene, 0, scene_chart(CHART_CLEARING), scene_chart(CHART_BANK), 10000);
    assert_int_equal(settle(&scene, PSP_LINE_CHARGE, 0, 30), PAYMENT_OUTCOME_OK);
    assert_moves(&scene, 0, scene_chart(CHART_FEES), scene_chart(CHART_BANK), 30);
}

static void a_line_for_a_payment_in_doubt_is_also_a_hint(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_PAY_IN);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, false), PAYMENT_OUTCOME_OK);
    assert_int_equal(settle(&scene, PSP_LINE_CHARGE, 10000, 175), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_IN_DOUBT);
    assert_int_equal(scene.payment.next_at.ns, scene.facts.stamp.ns);
}

/* What was settled in dollars is not so many euros, and one PSP knows nothing of another's. */
static void a_line_in_another_asset_or_of_another_psp_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    charged(&scene);
    assert_int_equal(settle(&scene, PSP_LINE_CHARGE, 10000, 175), PAYMENT_OUTCOME_OK);
    scene.command.draft.asset = JPY;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_ASSET_MISMATCH);
    scene.command.draft.asset = EUR;
    scene_text(scene.command.draft.psp, "stripe");
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_WRONG_KIND);
}

static void a_payment_that_no_psp_has_is_not_settled(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    assert_int_equal(settle(&scene, PSP_LINE_CHARGE, 1, 0), PAYMENT_OUTCOME_NOT_FOUND);
    scene_draft(&scene, PAYMENT_WALLET);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_int_equal(settle(&scene, PSP_LINE_CHARGE, 1, 0), PAYMENT_OUTCOME_WRONG_KIND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_opened_dispute_is_a_receivable),
        cmocka_unit_test(won_and_lost_and_taken_back),
        cmocka_unit_test(a_dispute_needs_a_parent_at_a_psp),
        cmocka_unit_test(a_line_brings_clearing_to_the_bank_less_the_fee),
        cmocka_unit_test(a_line_for_a_payment_in_doubt_is_also_a_hint),
        cmocka_unit_test(a_line_in_another_asset_or_of_another_psp_is_refused),
        cmocka_unit_test(a_payment_that_no_psp_has_is_not_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

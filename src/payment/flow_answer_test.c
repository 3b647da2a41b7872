/*
 * Goal: only an answer that can be understood ends a step; whatever may have been done stays in
 * doubt; nothing is sent again outside the key's window; late truths are followed.
 * Method: each kind brought to its step, each answer given, and the money that moves compared.
 */
#include "payment/flow_answer.h"

#include "payment/flow_test.h"

static void pending(struct scene *scene, enum payment_kind kind)
{
    scene_begin(scene);
    if (kind == PAYMENT_REFUND) scene_parent(scene, PAYMENT_PAY_IN);
    scene_draft(scene, kind);
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
    assert_state(scene, PAYMENT_STATE_PENDING);
}

static void done_moves_the_money(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_moves(&scene, 0, scene_chart(CHART_CLEARING), scene.wallet.id, 10000);
    assert_string_equal(scene.payment.psp_object, "ch_2");
    assert_int_equal(scene.payment.next_at.ns, 0);

    pending(&scene, PAYMENT_PAY_OUT);
    struct transfer_id hold = scene.payment.hold;
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_POST);
    assert_true(uuid_equal(scene.decision.transfers[0].target.value, hold.value));

    pending(&scene, PAYMENT_REFUND);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_true(scene.parent.refunded.minor == 10000);
    assert_true(money_is_zero(scene.parent.refund_pending));
}

static void declined_gives_back_what_was_reserved(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_FAILED);
    assert_int_equal(scene.decision.transfer_count, 0);
    assert_string_equal(scene.payment.reason, "said_so");

    pending(&scene, PAYMENT_PAY_OUT);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_FAILED);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_VOID);

    pending(&scene, PAYMENT_REFUND);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_FAILED);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_VOID);
    assert_true(money_is_zero(scene.parent.refund_pending));
    assert_true(money_is_zero(scene.parent.refunded));
}

static void unknown_is_in_doubt_and_moves_nothing(void **state)
{
    (void)state;
    static const enum payment_kind kinds[] = { PAYMENT_PAY_IN, PAYMENT_PAY_OUT, PAYMENT_REFUND };
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        pending(&scene, kinds[i]);
        assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, false), PAYMENT_OUTCOME_OK);
        assert_state(&scene, PAYMENT_STATE_IN_DOUBT);
        assert_int_equal(scene.decision.transfer_count, 0);
        assert_true(scene.payment.next_at.ns > scene.facts.stamp.ns);
        assert_int_equal(
            payment_next_call(&scene.payment, scene.facts.stamp, KEY_WINDOW_MS, CALL_MS),
            PAYMENT_CALL_QUERY);
        assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_CANCEL), PAYMENT_OUTCOME_WRONG_KIND);
        assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, true), PAYMENT_OUTCOME_OK);
        assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    }
}

static void not_found_proves_nothing_within_the_horizon(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, false), PAYMENT_OUTCOME_OK);
    scene_later(&scene, HORIZON_MS);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_FOUND, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_IN_DOUBT);
    scene_later(&scene, 1);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_FOUND, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(payment_next_call(&scene.payment, scene.facts.stamp, KEY_WINDOW_MS, CALL_MS),
                     PAYMENT_CALL_ORDER); /* under the same key */
    assert_int_equal(scene.payment.step_number, 1);
}

static void outside_the_window_nothing_is_sent(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    struct wall_time last = { scene.facts.stamp.ns + (KEY_WINDOW_MS - CALL_MS) * NS_PER_MS };
    struct wall_time before = { last.ns - 1 };
    assert_int_equal(payment_next_call(&scene.payment, before, KEY_WINDOW_MS, CALL_MS),
                     PAYMENT_CALL_ORDER);
    assert_int_equal(payment_next_call(&scene.payment, last, KEY_WINDOW_MS, CALL_MS),
                     PAYMENT_CALL_QUERY);
    scene_later(&scene, KEY_WINDOW_MS);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_FOUND, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
    assert_string_equal(scene.payment.reason, "key_window_over");
}

static void what_was_not_sent_is_sent_again(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    int64_t waited_ns = 0;
    for (uint32_t attempt = 1; attempt < 5; attempt++) {
        assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_SENT, false), PAYMENT_OUTCOME_OK);
        assert_state(&scene, PAYMENT_STATE_PENDING);
        assert_int_equal(scene.payment.attempts, attempt);
        assert_int_equal(scene.payment.sent_at.ns, 0);
        int64_t wait_ns = scene.payment.next_at.ns - scene.facts.stamp.ns;
        assert_true(wait_ns > waited_ns);
        waited_ns = wait_ns;
    }
    scene_later(&scene, KEY_WINDOW_MS);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_SENT, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
    assert_string_equal(scene.payment.reason, "psp_unreachable");
}

/* Doubled by waits, not by calls: an order that is sent again at once has not waited. */
static void a_wait_doubles_once_and_begins_anew_with_news(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    for (uint32_t wait = 1; wait < 6; wait++) {
        assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, false), PAYMENT_OUTCOME_OK);
        assert_int_equal(scene.payment.doublings, wait);
        scene_later(&scene, HORIZON_MS + 1);
        assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_FOUND, true), PAYMENT_OUTCOME_OK);
        assert_int_equal(scene.payment.next_at.ns, scene.facts.stamp.ns);
    }
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_PENDING, false), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.payment.doublings, 1);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_PENDING, true), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.payment.doublings, 2);
    assert_int_equal(scene.payment.attempts, 12);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, true), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_PENDING, true), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.payment.doublings, 4); /* a PSP that wavers is not asked faster */
}

static void throttled_waits_as_long_as_it_was_told(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    scene_answer(&scene, PSP_ANSWER_THROTTLED, false);
    struct scene told;
    pending(&told, PAYMENT_PAY_IN);
    told.command = scene.command;
    told.command.reply.retry_after_ms = 90000;
    assert_int_equal(scene_run(&told), PAYMENT_OUTCOME_OK);
    assert_int_equal(told.payment.next_at.ns - told.facts.stamp.ns, 90000 * NS_PER_MS);
    told.command.reply.retry_after_ms = UINT32_MAX;
    assert_int_equal(scene_run(&told), PAYMENT_OUTCOME_OK);
    assert_int_equal(told.payment.next_at.ns - told.facts.stamp.ns, 3600 * NS_PER_S);
}

static void pending_is_asked_after_and_not_for_ever(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_OUT);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_PENDING, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(payment_next_call(&scene.payment, scene.facts.stamp, KEY_WINDOW_MS, CALL_MS),
                     PAYMENT_CALL_QUERY);
    scene_later(&scene, (PAYMENT_WAIT_DAYS_MAX * INT64_C(86400) + 1) * 1000);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_PENDING, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
}

/* What is pending for days must not fall to a person because its PSP is away for a minute. */
static void a_psp_that_is_away_is_waited_for(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_OUT);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_PENDING, false), PAYMENT_OUTCOME_OK);
    scene_later(&scene, 2 * KEY_WINDOW_MS);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_SENT, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_THROTTLED, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(payment_next_call(&scene.payment, scene.facts.stamp, KEY_WINDOW_MS, CALL_MS),
                     PAYMENT_CALL_QUERY);
    scene_later(&scene, PAYMENT_WAIT_DAYS_MAX * INT64_C(86400000));
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_SENT, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
    assert_string_equal(scene.payment.reason, "psp_unreachable");
}

static void doubts_do_not_last_for_ever(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, false), PAYMENT_OUTCOME_OK);
    scene_later(&scene, PAYMENT_WAIT_DAYS_MAX * INT64_C(86400000));
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_IN_DOUBT);
    scene_later(&scene, 1);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
    assert_string_equal(scene.payment.reason, "in_doubt_for_too_long");
}

/* Near the window's end it may not be sent any more, and not be given up yet. */
static void what_is_not_found_again_is_asked_after_with_patience(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    scene_later(&scene, KEY_WINDOW_MS - CALL_MS);
    for (int time = 0; time < 3; time++) {
        assert_int_equal(
            payment_next_call(&scene.payment, scene.facts.stamp, KEY_WINDOW_MS, CALL_MS),
            PAYMENT_CALL_QUERY);
        assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_FOUND, true), PAYMENT_OUTCOME_OK);
        assert_true(scene.payment.next_at.ns > scene.facts.stamp.ns);
    }
    pending(&scene, PAYMENT_PAY_OUT);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_PENDING, false), PAYMENT_OUTCOME_OK);
    scene_later(&scene, HORIZON_MS + 1);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_NOT_FOUND, true), PAYMENT_OUTCOME_OK);
    assert_int_equal(payment_next_call(&scene.payment, scene.facts.stamp, KEY_WINDOW_MS, CALL_MS),
                     PAYMENT_CALL_ORDER); /* the PSP has lost it: the same order, the same key */
}

/* What is sent or asked again has to name the charge, as it did the first time. */
static void a_refund_stays_about_its_charge(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_REFUND);
    assert_string_equal(scene.payment.psp_object, "ch_1");
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_PENDING, false), PAYMENT_OUTCOME_OK);
    assert_string_equal(scene.payment.psp_object, "ch_1");
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, true), PAYMENT_OUTCOME_OK);
    assert_string_equal(scene.payment.psp_object, "ch_1");
}

/* A currency's exponent misread by either side shows as another amount. */
static void another_amount_is_for_a_person(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, false), PAYMENT_OUTCOME_OK);
    scene.command.reply = (struct psp_reply){
        .answer = PSP_ANSWER_DONE, .query = true, .asset = EUR, .amount = { 1000000 }
    };
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
    assert_string_equal(scene.payment.reason, "amount_differs");
    assert_int_equal(scene.decision.transfer_count, 0);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_INVALID, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
}

static void an_answer_to_another_step_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    scene_answer(&scene, PSP_ANSWER_DONE, false);
    scene.command.step_number = 2;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_STATE);
    scene.command.step_number = 1;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK); /* said twice: nothing moves */
    assert_int_equal(scene.decision.transfer_count, 0);
}

static void late_truths_are_followed(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    scene_answer(&scene, PSP_ANSWER_DECLINED, false);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_HINT), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.payment.slot, 7); /* it has a place again until it was asked after */
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_moves(&scene, 0, scene_chart(CHART_CLEARING), scene.wallet.id, 10000);

    pending(&scene, PAYMENT_PAY_OUT);
    scene_answer(&scene, PSP_ANSWER_DONE, false);
    struct transfer_id posted = scene.payment.posted;
    scene_later(&scene, 3 * 86400 * INT64_C(1000));
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_RETURNED);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_REVERSAL);
    assert_true(uuid_equal(scene.decision.transfers[0].target.value, posted.value));

    pending(&scene, PAYMENT_REFUND);
    scene_answer(&scene, PSP_ANSWER_DONE, false);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_REVERSED);
    assert_true(money_is_zero(scene.parent.refunded));
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, true), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.decision.transfer_count, 0); /* compensated once only */
}

/* Whoever may ask the PSP again must not get what a person has undone, or more than was paid. */
static void a_late_success_that_is_not_plain_is_for_a_person(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    scene_answer(&scene, PSP_ANSWER_DECLINED, false);
    struct scene less = scene;
    assert_int_equal(scene_cause(&less, PAYMENT_CAUSE_HINT), PAYMENT_OUTCOME_OK);
    less.payment.step_amount.minor = 1; /* what the PSP says it took */
    struct payment_command command;
    scene_answer(&less, PSP_ANSWER_UNKNOWN, true);
    command = less.command;
    command.reply.answer = PSP_ANSWER_DONE;
    less.payment.step_amount.minor = 10000;
    less.command = command;
    assert_int_equal(scene_run(&less), PAYMENT_OUTCOME_OK);
    assert_state(&less, PAYMENT_STATE_MANUAL);
    assert_string_equal(less.payment.reason, "amount_differs");
    assert_int_equal(less.decision.transfer_count, 0);

    assert_int_equal(scene_resolve(&less, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_OK);
    memset(less.payment.psp_object, 0, sizeof less.payment.psp_object); /* nothing named it yet */
    for (int time = 0; time < 2; time++) {
        assert_int_equal(scene_cause(&less, PAYMENT_CAUSE_HINT), PAYMENT_OUTCOME_OK);
        assert_int_equal(scene_answer(&less, PSP_ANSWER_DONE, true), PAYMENT_OUTCOME_OK);
        assert_state(&less, PAYMENT_STATE_MANUAL);
        assert_int_equal(less.decision.transfer_count, 0);
    }
    assert_int_equal(scene_resolve(&less, PAYMENT_STATE_SUCCEEDED), PAYMENT_OUTCOME_OK);
    assert_moves(&less, 0, scene_chart(CHART_CLEARING), less.wallet.id, 10000);
    assert_string_equal(less.payment.psp_object, "ch_2"); /* a refund will need it */
}

/* The wallet has its money back, and the bank account has it too. */
static void what_was_paid_after_all_is_for_a_person(void **state)
{
    (void)state;
    static const enum payment_kind kinds[] = { PAYMENT_PAY_OUT, PAYMENT_REFUND };
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;
        pending(&scene, kinds[i]);
        scene_answer(&scene, PSP_ANSWER_DECLINED, false);
        for (int time = 0; time < 2; time++) {
            assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_HINT), PAYMENT_OUTCOME_OK);
            assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, true), PAYMENT_OUTCOME_OK);
            assert_state(&scene, PAYMENT_STATE_MANUAL);
            assert_string_equal(scene.payment.reason, "done_after_it_was_failed");
            assert_int_equal(scene.decision.transfer_count, 0);
        }
        struct scene failed = scene;
        assert_int_equal(scene_resolve(&failed, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_OK);
        assert_state(&failed, PAYMENT_STATE_FAILED);
        assert_int_equal(failed.decision.transfer_count, 0);
        assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_SUCCEEDED), PAYMENT_OUTCOME_OK);
        assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
        assert_moves(&scene, 0, scene.wallet.id, scene_chart(CHART_CLEARING), 10000);
        if (kinds[i] == PAYMENT_REFUND) assert_true(scene.parent.refunded.minor == 10000);
    }
}

static void what_a_person_undoes_leaves_suspense(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    struct payment before = scene.payment;
    scene_answer(&scene, PSP_ANSWER_DONE, false);
    scene.payment = before;
    scene_refused(&scene, OUTCOME_CREDIT_ACCOUNT_FROZEN);
    assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_FAILED);
    assert_int_equal(scene.decision.transfer_count, 1);
    assert_moves(&scene, 0, scene_chart(CHART_SUSPENSE), scene_chart(CHART_CLEARING), 10000);
    assert_int_equal(scene.payment.flags & PAYMENT_FLAG_SUSPENSE, 0);
}

static void a_hint_that_could_not_be_followed_stays(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_OUT);
    scene_answer(&scene, PSP_ANSWER_DONE, false);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_HINT), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_UNKNOWN, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_true(scene.payment.next_at.ns > scene.facts.stamp.ns);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, true), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.payment.next_at.ns, 0);
}

static void money_that_cannot_be_credited_goes_into_suspense(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    struct payment before = scene.payment;
    scene_answer(&scene, PSP_ANSWER_DONE, false);
    scene.payment = before;
    scene_refused(&scene, OUTCOME_CREDIT_ACCOUNT_FROZEN);
    assert_int_equal(scene.decision.outcome, PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
    assert_string_equal(scene.payment.reason, "credit_account_frozen");
    assert_string_equal(scene.payment.psp_object, "ch_2"); /* a refund will need it */
    assert_int_equal(scene.payment.attempts, 1);
    assert_moves(&scene, 0, scene_chart(CHART_CLEARING), scene_chart(CHART_SUSPENSE), 10000);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL); /* it is not credited a second time */
    assert_int_equal(scene.decision.transfer_count, 0);
    assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_SUCCEEDED), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_moves(&scene, 0, scene_chart(CHART_SUSPENSE), scene_chart(CHART_CLEARING), 10000);
    assert_moves(&scene, 1, scene_chart(CHART_CLEARING), scene.wallet.id, 10000);
}

static void a_return_that_cannot_be_credited_goes_into_suspense(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_OUT);
    scene_answer(&scene, PSP_ANSWER_DONE, false);
    struct payment before = scene.payment;
    scene_answer(&scene, PSP_ANSWER_DECLINED, true);
    scene.payment = before;
    scene_refused(&scene, OUTCOME_CREDIT_ACCOUNT_CLOSED);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
    assert_moves(&scene, 0, scene_chart(CHART_CLEARING), scene_chart(CHART_SUSPENSE), 10000);
    assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_STATE);
    assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_SUCCEEDED), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_RETURNED);
    assert_moves(&scene, 0, scene_chart(CHART_SUSPENSE), scene.wallet.id, 10000);
}

static void a_success_taken_back_is_for_a_person(void **state)
{
    (void)state;
    struct scene scene;
    pending(&scene, PAYMENT_PAY_IN);
    scene_answer(&scene, PSP_ANSWER_DONE, false);
    struct transfer_id posted = scene.payment.posted;
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
    assert_int_equal(scene.decision.transfer_count, 0);
    struct scene kept = scene;
    assert_int_equal(scene_resolve(&kept, PAYMENT_STATE_SUCCEEDED), PAYMENT_OUTCOME_OK);
    assert_int_equal(kept.decision.transfer_count, 0); /* it was credited long ago */
    assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_REVERSAL);
    assert_true(uuid_equal(scene.decision.transfers[0].target.value, posted.value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(done_moves_the_money),
        cmocka_unit_test(declined_gives_back_what_was_reserved),
        cmocka_unit_test(unknown_is_in_doubt_and_moves_nothing),
        cmocka_unit_test(not_found_proves_nothing_within_the_horizon),
        cmocka_unit_test(outside_the_window_nothing_is_sent),
        cmocka_unit_test(what_was_not_sent_is_sent_again),
        cmocka_unit_test(a_wait_doubles_once_and_begins_anew_with_news),
        cmocka_unit_test(throttled_waits_as_long_as_it_was_told),
        cmocka_unit_test(pending_is_asked_after_and_not_for_ever),
        cmocka_unit_test(a_psp_that_is_away_is_waited_for),
        cmocka_unit_test(doubts_do_not_last_for_ever),
        cmocka_unit_test(what_is_not_found_again_is_asked_after_with_patience),
        cmocka_unit_test(a_refund_stays_about_its_charge),
        cmocka_unit_test(another_amount_is_for_a_person),
        cmocka_unit_test(an_answer_to_another_step_is_refused),
        cmocka_unit_test(late_truths_are_followed),
        cmocka_unit_test(a_late_success_that_is_not_plain_is_for_a_person),
        cmocka_unit_test(what_was_paid_after_all_is_for_a_person),
        cmocka_unit_test(what_a_person_undoes_leaves_suspense),
        cmocka_unit_test(a_hint_that_could_not_be_followed_stays),
        cmocka_unit_test(money_that_cannot_be_credited_goes_into_suspense),
        cmocka_unit_test(a_return_that_cannot_be_credited_goes_into_suspense),
        cmocka_unit_test(a_success_taken_back_is_for_a_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

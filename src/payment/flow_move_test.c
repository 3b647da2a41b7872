/*
 * Goal: captures, cancels, exchanges, expiries and a person's decisions do what the flow says,
 * once, and are refused by the first reason that applies.
 * Method: payments from a wallet and from a card brought to each state; amounts at their bounds.
 */
#include "payment/flow_move.h"

#include "payment/flow_test.h"

static void held(struct scene *scene)
{
    scene_begin(scene);
    scene_draft(scene, PAYMENT_MERCHANT);
    scene->command.draft.expires_at.ns = scene->facts.stamp.ns + NS_PER_DAY;
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
}

static void authorised(struct scene *scene)
{
    scene_begin(scene);
    scene_draft_card(scene);
    scene->command.draft.expires_at.ns = scene->facts.stamp.ns + NS_PER_DAY;
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_answer(scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_OK);
    assert_state(scene, PAYMENT_STATE_AUTHORISED);
}

static void captures_in_parts_from_a_wallet(void **state)
{
    (void)state;
    struct scene scene;
    held(&scene);
    struct transfer_id hold = scene.payment.hold;
    assert_int_equal(scene_capture(&scene, 4000, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PART_CAPTURED);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_POST);
    assert_int_equal(scene.decision.transfers[0].flags,
                     TRANSFER_FLAG_KEEP_REST | TRANSFER_FLAG_OWNED);
    assert_true(uuid_equal(scene.decision.transfers[0].target.value, hold.value));
    assert_int_equal(scene_capture(&scene, 6001, false), PAYMENT_OUTCOME_AMOUNT_OVER_REMAINDER);
    assert_int_equal(scene_capture(&scene, 1000, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_CAPTURED);
    assert_int_equal(scene.decision.transfers[0].flags,
                     TRANSFER_FLAG_OWNED); /* the rest is released */
    assert_true(scene.payment.captured.minor == 5000);
    assert_int_equal(scene_capture(&scene, 1, false), PAYMENT_OUTCOME_STATE);
}

static void the_last_minor_unit_ends_a_capture(void **state)
{
    (void)state;
    struct scene scene;
    held(&scene);
    assert_int_equal(scene_capture(&scene, 9999, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PART_CAPTURED);
    assert_int_equal(scene_capture(&scene, 1, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_CAPTURED);
    held(&scene);
    assert_int_equal(scene_capture(&scene, 0, false), PAYMENT_OUTCOME_OK); /* all */
    assert_state(&scene, PAYMENT_STATE_CAPTURED);
}

static void captures_in_parts_from_a_card(void **state)
{
    (void)state;
    struct scene scene;
    authorised(&scene);
    assert_int_equal(scene_capture(&scene, 4000, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(scene.payment.step, PSP_CAPTURE);
    assert_int_equal(scene.payment.step_number, 2);
    assert_int_equal(scene_capture(&scene, 1, false), PAYMENT_OUTCOME_STEP_UNDER_WAY);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PART_CAPTURED);
    assert_moves(&scene, 0, scene_chart(CHART_CLEARING), scene.counter.id, 4000);
    assert_int_equal(scene_capture(&scene, 6000, false), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PART_CAPTURED); /* what is reserved stays so */
    assert_true(scene.payment.captured.minor == 4000);
    assert_int_equal(scene_capture(&scene, 0, false), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_CAPTURED);
    assert_true(scene.payment.captured.minor == 10000);
}

static void cancel_releases_what_is_left(void **state)
{
    (void)state;
    struct scene scene;
    held(&scene);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_CANCEL), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_CANCELLED);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_VOID);
    assert_int_equal(scene_capture(&scene, 1, false), PAYMENT_OUTCOME_STATE);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_CANCEL), PAYMENT_OUTCOME_STATE);
    held(&scene);
    scene_capture(&scene, 1, false);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_CANCEL), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_CAPTURED);
    authorised(&scene);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_CANCEL), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.payment.step, PSP_CANCEL);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_CANCELLED);
}

static void time_releases_and_then_nothing_can_be_captured(void **state)
{
    (void)state;
    struct scene scene;
    held(&scene);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXPIRE), PAYMENT_OUTCOME_STATE);
    scene_later(&scene, 86400 * INT64_C(1000));
    assert_int_equal(scene_capture(&scene, 1, false), PAYMENT_OUTCOME_EXPIRED); /* not yet swept */
    assert_int_equal(payment_next_call(&scene.payment, scene.facts.stamp, KEY_WINDOW_MS, CALL_MS),
                     PAYMENT_CALL_NONE);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXPIRE), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_EXPIRED);
    assert_int_equal(scene_capture(&scene, 1, false), PAYMENT_OUTCOME_EXPIRED);
    authorised(&scene);
    scene_later(&scene, 86400 * INT64_C(1000));
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXPIRE), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_EXPIRED);
}

static void an_exchange_is_carried_out_at_the_rate_that_was_locked(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_EXCHANGE);
    scene.facts.rate_numerator = 3;
    scene.facts.rate_denominator = 1001;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    scene.facts.rate_numerator = 1; /* the market has moved */
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXECUTE), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    struct account_id position = chart_account_id(LANE_ALONE, JPY, CHART_POSITION, "");
    uint64_t given = 10000 - (uint64_t)scene.payment.residue.minor;
    assert_int_equal(scene.decision.transfer_count, 3);
    assert_moves(&scene, 0, scene.wallet.id, scene_chart(CHART_POSITION), given);
    assert_moves(&scene, 1, scene.wallet.id, scene_chart(CHART_ROUNDING), 10000 - given);
    assert_moves(&scene, 2, position, scene.counter.id, 29);
    assert_int_equal(scene.decision.transfers[2].asset, JPY);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXECUTE), PAYMENT_OUTCOME_STATE);
}

static void a_quote_that_expired_is_not_carried_out(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_EXCHANGE);
    scene.facts.rate_numerator = 1;
    scene.facts.rate_denominator = 1;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    struct scene cancelled = scene;
    assert_int_equal(scene_cause(&cancelled, PAYMENT_CAUSE_CANCEL), PAYMENT_OUTCOME_OK);
    assert_state(&cancelled, PAYMENT_STATE_CANCELLED);
    scene_later(&scene, PAYMENT_QUOTE_S * 1000);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXECUTE), PAYMENT_OUTCOME_EXPIRED);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXPIRE), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXECUTE), PAYMENT_OUTCOME_EXPIRED);
}

static void a_person_ends_what_nobody_else_can(void **state)
{
    (void)state;
    struct scene scene;
    authorised(&scene);
    scene_cause(&scene, PAYMENT_CAUSE_CANCEL);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_MANUAL);
    struct scene released = scene;
    assert_int_equal(scene_resolve(&released, PAYMENT_STATE_SUCCEEDED), PAYMENT_OUTCOME_OK);
    assert_state(&released, PAYMENT_STATE_CANCELLED);
    assert_string_equal(released.payment.reason, "bank_statement");
    assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_AUTHORISED);
    assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_STATE);
}

static enum payment_outcome told(struct scene *scene, enum psp_answer answer)
{
    scene->command = (struct payment_command){ .cause = PAYMENT_CAUSE_HINT,
                                               .id = scene->payment.id,
                                               .step_number = scene->payment.step_number,
                                               .reply = { .answer = (uint8_t)answer } };
    return scene_run(scene);
}

/* What is known already is marked and nothing else; what is new is asked for. */
static void an_event_is_followed_when_it_is_news(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_PAY_OUT);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_int_equal(told(&scene, PSP_ANSWER_DONE), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_int_equal(payment_next_call(&scene.payment, scene.facts.stamp, KEY_WINDOW_MS, CALL_MS),
                     PAYMENT_CALL_QUERY); /* the PSP has it: it is not sent once more */
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, true), PAYMENT_OUTCOME_OK);
    assert_int_equal(told(&scene, PSP_ANSWER_DONE), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.payment.next_at.ns, 0);
    assert_int_equal(told(&scene, PSP_ANSWER_DECLINED), PAYMENT_OUTCOME_OK); /* it came back */
    assert_int_equal(scene.payment.next_at.ns, scene.facts.stamp.ns);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DECLINED, true), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_RETURNED);
    assert_int_equal(told(&scene, PSP_ANSWER_DECLINED), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.payment.next_at.ns, 0);
    scene.command.step_number = 9; /* of another step: nothing is known of that */
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene.payment.next_at.ns, scene.facts.stamp.ns);
}

/* Its hold is its own, so the ledger has no reason to; a person decides all the same. */
static void a_release_that_is_refused_is_for_a_person(void **state)
{
    (void)state;
    for (int captured = 0; captured < 2; captured++) {
        struct scene scene;
        scene_begin(&scene);
        scene_draft(&scene, PAYMENT_MERCHANT);
        scene.command.draft.expires_at.ns = scene.facts.stamp.ns + NS_PER_S;
        assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
        if (captured > 0) {
            assert_int_equal(scene_capture(&scene, 100, false), PAYMENT_OUTCOME_OK);
        }
        scene_later(&scene, 1000);
        struct payment before = scene.payment;
        assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXPIRE), PAYMENT_OUTCOME_OK);
        scene.payment = before;
        scene_refused(&scene, OUTCOME_HOLD_ALREADY_VOIDED);
        assert_int_equal(scene.decision.outcome, PAYMENT_OUTCOME_OK);
        assert_state(&scene, PAYMENT_STATE_MANUAL);
        assert_string_equal(scene.payment.reason, "hold_already_voided");
        assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_SUCCEEDED), PAYMENT_OUTCOME_STATE);
        assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_OK);
        assert_state(&scene, captured > 0 ? PAYMENT_STATE_CAPTURED : PAYMENT_STATE_CANCELLED);
        assert_int_equal(scene.decision.transfer_count, 0);
    }
}

static void what_is_not_there_or_of_another_kind_is_refused(void **state)
{
    (void)state;
    static const enum payment_cause causes[] = { PAYMENT_CAUSE_CAPTURE, PAYMENT_CAUSE_CANCEL,
                                                 PAYMENT_CAUSE_EXECUTE, PAYMENT_CAUSE_HINT,
                                                 PAYMENT_CAUSE_EXPIRE,  PAYMENT_CAUSE_RESOLVE };
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        struct scene scene;
        scene_begin(&scene);
        assert_int_equal(scene_cause(&scene, causes[i]), PAYMENT_OUTCOME_NOT_FOUND);
    }
    struct scene scene;
    scene_begin(&scene);
    scene_draft(&scene, PAYMENT_WALLET);
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_capture(&scene, 1, false), PAYMENT_OUTCOME_WRONG_KIND);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXECUTE), PAYMENT_OUTCOME_WRONG_KIND);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_HINT), PAYMENT_OUTCOME_STATE);
}

static void departed(struct scene *scene)
{
    scene_between_lanes(scene);
    scene_draft(scene, PAYMENT_WALLET);
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
}

static void what_the_other_lane_has_accepted_is_paid(void **state)
{
    (void)state;
    struct scene scene;
    departed(&scene);
    struct transfer_id departure = scene.payment.posted;
    assert_int_equal(scene_arrive(&scene, OUTCOME_OK), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_int_equal(scene.decision.transfer_count, 1);
    const struct transfer *end = &scene.decision.transfers[0];
    assert_int_equal(end->kind, TRANSFER_POST);
    assert_int_equal(end->flags, TRANSFER_FLAG_OWNED);
    assert_true(uuid_equal(end->target.value, departure.value));
    assert_true(money_equal(end->amount, MONEY_MAX));
    assert_true(uuid_equal(scene.payment.posted.value, end->id.value));
    assert_true(uuid_is_nil(scene.payment.hold.value));
    assert_true(scene.payment.captured.minor == 10000);
    assert_int_equal(scene.payment.slot, 7); /* given back by its table */
    scene.command.departure = departure;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_STATE); /* only once */
}

static void what_the_other_lane_has_refused_is_back_and_says_why(void **state)
{
    (void)state;
    struct scene scene;
    departed(&scene);
    assert_int_equal(scene_arrive(&scene, OUTCOME_CREDIT_ACCOUNT_FROZEN), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_FAILED);
    assert_string_equal(scene.payment.reason, "credit_account_frozen");
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_VOID);
    assert_int_equal(scene.decision.transfers[0].code, OUTCOME_CREDIT_ACCOUNT_FROZEN);
    assert_true(uuid_is_nil(scene.payment.posted.value));
    assert_true(money_is_zero(scene.payment.captured));
    assert_false(payment_is_open(&scene.payment));
}

static void what_is_on_its_way_is_moved_by_its_arrival_alone(void **state)
{
    (void)state;
    struct scene scene;
    departed(&scene);
    struct payment before = scene.payment;
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_CANCEL), PAYMENT_OUTCOME_WRONG_KIND);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_EXPIRE), PAYMENT_OUTCOME_STATE);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_HINT), PAYMENT_OUTCOME_STATE);
    assert_int_equal(scene_capture(&scene, 1, true), PAYMENT_OUTCOME_WRONG_KIND);
    assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_STATE);
    assert_int_equal(scene_answer(&scene, PSP_ANSWER_DONE, false), PAYMENT_OUTCOME_STATE);
    scene.command = (struct payment_command){ .cause = PAYMENT_CAUSE_ARRIVE,
                                              .id = scene.payment.id,
                                              .departure = { { 4, 4 } } };
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_STATE); /* of another departure */
    assert_memory_equal(&scene.payment, &before, sizeof before);
    scene.made = false;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_NOT_FOUND);
}

/* Of 40.00 of what was paid into another lane. */
static void asked_back(struct scene *scene)
{
    scene_between_lanes(scene);
    scene_parent(scene, PAYMENT_WALLET);
    scene->facts.wallet = NULL;
    scene->facts.counter = &scene->wallet;
    scene_draft(scene, PAYMENT_REFUND);
    scene->command.draft.amount.minor = 4000;
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
}

static void what_the_other_lane_gives_back_is_refunded_once(void **state)
{
    (void)state;
    struct scene scene;
    asked_back(&scene);
    struct transfer_id departure = scene.payment.posted;
    assert_int_equal(scene_arrive(&scene, OUTCOME_OK), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_SUCCEEDED);
    assert_int_equal(scene.decision.transfer_count, 1);
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_POST);
    assert_true(uuid_equal(scene.decision.transfers[0].target.value, departure.value));
    assert_true(scene.payment.captured.minor == 4000);
    assert_true(money_is_zero(scene.parent.refund_pending));
    assert_true(scene.parent.refunded.minor == 4000);
    assert_int_equal(scene.parent.version, 5); /* it was told of both, its making and its end */
    scene.command.departure = departure;
    assert_int_equal(scene_run(&scene), PAYMENT_OUTCOME_STATE);
    assert_false(scene.decision.parent_changed);
}

static void what_the_other_lane_does_not_give_can_be_asked_for_again(void **state)
{
    (void)state;
    struct scene scene;
    asked_back(&scene);
    assert_int_equal(scene_arrive(&scene, OUTCOME_DEBITS_EXCEED_CREDITS), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_FAILED);
    assert_string_equal(scene.payment.reason, "debits_exceed_credits");
    assert_int_equal(scene.decision.transfers[0].kind, TRANSFER_VOID);
    assert_true(money_is_zero(scene.payment.captured));
    assert_true(money_is_zero(scene.parent.refund_pending));
    assert_true(money_is_zero(scene.parent.refunded));
    assert_true(payment_refundable(&scene.parent).minor == 10000);
}

/* A part of a merchant's payment is given back while another is on its way to him. */
static void a_refund_ends_whatever_its_payment_is_doing(void **state)
{
    (void)state;
    static const uint8_t states[] = { PAYMENT_STATE_PENDING, PAYMENT_STATE_PART_CAPTURED,
                                      PAYMENT_STATE_CAPTURED };
    for (size_t i = 0; i < sizeof states; i++) {
        struct scene scene;
        asked_back(&scene);
        scene.parent.kind = PAYMENT_MERCHANT;
        scene.parent.state = states[i];
        assert_int_equal(scene_arrive(&scene, OUTCOME_OK), PAYMENT_OUTCOME_OK);
        assert_int_equal(scene.parent.state, states[i]);
        assert_true(scene.parent.refunded.minor == 4000);
    }
}

static void reserved_for_another_lane(struct scene *scene)
{
    scene_between_lanes(scene);
    scene_draft(scene, PAYMENT_MERCHANT);
    scene->command.draft.expires_at.ns = scene->facts.stamp.ns + NS_PER_DAY;
    assert_int_equal(scene_run(scene), PAYMENT_OUTCOME_OK);
}

static void assert_kinds(const struct scene *scene, const uint8_t *kinds, uint32_t count)
{
    assert_int_equal(scene->decision.transfer_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(scene->decision.transfers[i].kind, kinds[i]);
        bool linked = (scene->decision.transfers[i].flags & TRANSFER_FLAG_LINKED) != 0;
        assert_int_equal(linked, i + 1 < count);
    }
}

static void parts_leave_one_after_the_other_and_the_rest_stays_reserved(void **state)
{
    (void)state;
    static const uint8_t part[] = { TRANSFER_VOID, TRANSFER_DEPARTURE, TRANSFER_HOLD };
    static const uint8_t there[] = { TRANSFER_POST };
    struct scene scene;
    reserved_for_another_lane(&scene);
    struct transfer_id hold = scene.payment.hold;
    assert_int_equal(scene_capture(&scene, 4000, false), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_PENDING);
    assert_kinds(&scene, part, 3);
    const struct transfer *transfers = scene.decision.transfers;
    assert_true(uuid_equal(transfers[0].target.value, hold.value));
    assert_true(transfers[1].amount.minor == 4000);
    assert_true(uuid_equal(transfers[1].target.value, scene.counter.id.value));
    assert_true(transfers[2].amount.minor == 6000);
    assert_true(uuid_equal(scene.payment.posted.value, transfers[1].id.value));
    assert_true(uuid_equal(scene.payment.hold.value, transfers[2].id.value));
    assert_true(money_is_zero(scene.payment.captured));
    assert_int_equal(scene.payment.next_at.ns, 0); /* it cannot expire on its way */
    assert_int_equal(scene_capture(&scene, 1, false), PAYMENT_OUTCOME_STEP_UNDER_WAY);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_CANCEL), PAYMENT_OUTCOME_STEP_UNDER_WAY);
    assert_int_equal(scene_arrive(&scene, OUTCOME_OK), PAYMENT_OUTCOME_OK);
    assert_kinds(&scene, there, 1);
    assert_state(&scene, PAYMENT_STATE_PART_CAPTURED);
    assert_true(scene.payment.captured.minor == 4000);
    assert_int_equal(scene.payment.next_at.ns, scene.payment.expires_at.ns);
    assert_int_equal(scene_capture(&scene, 0, false), PAYMENT_OUTCOME_OK); /* all that is left */
    assert_kinds(&scene, part, 2);
    assert_true(scene.decision.transfers[1].amount.minor == 6000);
    assert_int_equal(scene_arrive(&scene, OUTCOME_OK), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_CAPTURED);
    assert_true(scene.payment.captured.minor == 10000);
    assert_true(uuid_is_nil(scene.payment.hold.value));
}

static void the_rest_is_released_when_the_last_part_is_there(void **state)
{
    (void)state;
    static const uint8_t part[] = { TRANSFER_VOID, TRANSFER_DEPARTURE, TRANSFER_HOLD };
    static const uint8_t there[] = { TRANSFER_POST, TRANSFER_VOID };
    struct scene scene;
    reserved_for_another_lane(&scene);
    assert_int_equal(scene_capture(&scene, 4000, true), PAYMENT_OUTCOME_OK);
    assert_kinds(&scene, part, 3);
    struct transfer_id rest = scene.payment.hold;
    assert_int_equal(scene_arrive(&scene, OUTCOME_OK), PAYMENT_OUTCOME_OK);
    assert_kinds(&scene, there, 2);
    assert_true(uuid_equal(scene.decision.transfers[1].target.value, rest.value));
    assert_state(&scene, PAYMENT_STATE_CAPTURED);
    assert_true(scene.payment.captured.minor == 4000);
    assert_true(uuid_is_nil(scene.payment.hold.value));
}

static void a_capture_that_comes_back_is_reserved_again(void **state)
{
    (void)state;
    static const uint8_t back[] = { TRANSFER_VOID, TRANSFER_VOID, TRANSFER_HOLD };
    static const uint8_t last_back[] = { TRANSFER_VOID, TRANSFER_HOLD };
    struct scene scene;
    reserved_for_another_lane(&scene);
    assert_int_equal(scene_capture(&scene, 4000, false), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_arrive(&scene, OUTCOME_CREDIT_ACCOUNT_CLOSED), PAYMENT_OUTCOME_OK);
    assert_kinds(&scene, back, 3);
    assert_state(&scene, PAYMENT_STATE_AUTHORISED);
    assert_string_equal(scene.payment.reason, "credit_account_closed");
    assert_true(scene.decision.transfers[2].amount.minor == 10000);
    assert_true(uuid_equal(scene.payment.hold.value, scene.decision.transfers[2].id.value));
    assert_int_equal(scene.payment.next_at.ns, scene.payment.expires_at.ns);
    assert_int_equal(scene_capture(&scene, 0, true), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_arrive(&scene, OUTCOME_WITHDRAWN), PAYMENT_OUTCOME_OK);
    assert_kinds(&scene, last_back, 2);
    assert_state(&scene, PAYMENT_STATE_AUTHORISED);
    assert_int_equal(scene_cause(&scene, PAYMENT_CAUSE_CANCEL), PAYMENT_OUTCOME_OK);
    assert_state(&scene, PAYMENT_STATE_CANCELLED);
}

/* The wallet was frozen while its money was on its way: nothing can be reserved in it. */
static void what_cannot_be_reserved_again_is_the_wallets(void **state)
{
    (void)state;
    static const uint8_t released[] = { TRANSFER_VOID, TRANSFER_VOID };
    struct scene scene;
    reserved_for_another_lane(&scene);
    assert_int_equal(scene_capture(&scene, 4000, false), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_arrive(&scene, OUTCOME_OK), PAYMENT_OUTCOME_OK);
    assert_int_equal(scene_capture(&scene, 1000, false), PAYMENT_OUTCOME_OK);
    struct payment before = scene.payment;
    assert_int_equal(scene_arrive(&scene, OUTCOME_CREDIT_ACCOUNT_FROZEN), PAYMENT_OUTCOME_OK);
    scene.payment = before; /* the ledger refused that */
    scene_refused(&scene, OUTCOME_DEBIT_ACCOUNT_FROZEN);
    assert_int_equal(scene.decision.outcome, PAYMENT_OUTCOME_OK);
    assert_kinds(&scene, released, 2);
    assert_state(&scene, PAYMENT_STATE_CAPTURED);
    assert_string_equal(scene.payment.reason, "debit_account_frozen");
    assert_true(scene.payment.captured.minor == 4000);
    assert_true(uuid_is_nil(scene.payment.hold.value));
}

/* Whatever became of the rest, what left is ended as the other lane has decided. */
static void a_rest_that_somebody_has_ended_is_for_a_person(void **state)
{
    (void)state;
    static const struct {
        enum outcome arrival;
        uint8_t end;
        uint64_t captured;
    } rows[] = {
        { OUTCOME_OK, TRANSFER_POST, 4000 },
        { OUTCOME_CREDIT_ACCOUNT_CLOSED, TRANSFER_VOID, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene scene;
        reserved_for_another_lane(&scene);
        assert_int_equal(scene_capture(&scene, 4000, true), PAYMENT_OUTCOME_OK);
        struct payment before = scene.payment;
        assert_int_equal(scene_arrive(&scene, rows[i].arrival), PAYMENT_OUTCOME_OK);
        scene.payment = before; /* the ledger refused that */
        scene_refused(&scene, OUTCOME_HOLD_ALREADY_VOIDED);
        assert_int_equal(scene.decision.outcome, PAYMENT_OUTCOME_OK);
        assert_kinds(&scene, &rows[i].end, 1);
        assert_state(&scene, PAYMENT_STATE_MANUAL);
        assert_string_equal(scene.payment.reason, "hold_already_voided");
        assert_true(scene.payment.captured.minor == rows[i].captured);
        assert_int_equal(scene_resolve(&scene, PAYMENT_STATE_FAILED), PAYMENT_OUTCOME_OK);
        bool none = rows[i].captured == 0;
        assert_state(&scene, none ? PAYMENT_STATE_CANCELLED : PAYMENT_STATE_CAPTURED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captures_in_parts_from_a_wallet),
        cmocka_unit_test(the_last_minor_unit_ends_a_capture),
        cmocka_unit_test(captures_in_parts_from_a_card),
        cmocka_unit_test(cancel_releases_what_is_left),
        cmocka_unit_test(time_releases_and_then_nothing_can_be_captured),
        cmocka_unit_test(an_exchange_is_carried_out_at_the_rate_that_was_locked),
        cmocka_unit_test(a_quote_that_expired_is_not_carried_out),
        cmocka_unit_test(a_person_ends_what_nobody_else_can),
        cmocka_unit_test(an_event_is_followed_when_it_is_news),
        cmocka_unit_test(a_release_that_is_refused_is_for_a_person),
        cmocka_unit_test(what_is_not_there_or_of_another_kind_is_refused),
        cmocka_unit_test(what_the_other_lane_has_accepted_is_paid),
        cmocka_unit_test(what_the_other_lane_has_refused_is_back_and_says_why),
        cmocka_unit_test(what_is_on_its_way_is_moved_by_its_arrival_alone),
        cmocka_unit_test(what_the_other_lane_gives_back_is_refunded_once),
        cmocka_unit_test(what_the_other_lane_does_not_give_can_be_asked_for_again),
        cmocka_unit_test(a_refund_ends_whatever_its_payment_is_doing),
        cmocka_unit_test(parts_leave_one_after_the_other_and_the_rest_stays_reserved),
        cmocka_unit_test(the_rest_is_released_when_the_last_part_is_there),
        cmocka_unit_test(a_capture_that_comes_back_is_reserved_again),
        cmocka_unit_test(what_cannot_be_reserved_again_is_the_wallets),
        cmocka_unit_test(a_rest_that_somebody_has_ended_is_for_a_person),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

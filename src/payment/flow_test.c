/*
 * Goal: the vocabulary of the flows keeps its promises: a move outside the table changes nothing,
 * an open payment has a place, ids of transfers follow from the root, what is given back is never
 * more than what was taken.
 * Method: decisions made by hand.
 */
#include "payment/flow.h"

#include "payment/flow_test.h"

static struct flow begin(struct scene *scene)
{
    scene_begin(scene);
    scene_draft(scene, PAYMENT_PAY_IN);
    scene->facts.root = (struct uuid){ .lo = 5, .hi = 0x0190a1b2c3d47000 };
    return flow_begin(NULL, &scene->command, &scene->facts, &scene->decision);
}

static void a_move_outside_the_table_changes_nothing(void **state)
{
    (void)state;
    struct scene scene;
    struct flow flow = begin(&scene);
    *flow.payment = scene.command.draft;
    flow_state(&flow, PAYMENT_STATE_CAPTURED);
    (void)flow_direct(&flow, scene.wallet.id, scene.counter.id, (struct money){ 1 });
    flow_end(&flow);
    assert_int_equal(scene.decision.outcome, PAYMENT_OUTCOME_STATE);
    assert_int_equal(scene.decision.transfer_count, 0);
    assert_int_equal(scene.decision.payment.state, PAYMENT_STATE_FAILED);
}

static void transfers_are_linked_and_their_ids_differ(void **state)
{
    (void)state;
    struct scene scene;
    struct flow flow = begin(&scene);
    flow.payment->id = scene_id(1);
    for (int i = 0; i < PAYMENT_TRANSFERS_MAX; i++) {
        (void)flow_direct(&flow, scene.wallet.id, scene.counter.id, (struct money){ 1 });
    }
    for (uint32_t i = 0; i < PAYMENT_TRANSFERS_MAX; i++) {
        struct uuid id = scene.decision.transfers[i].id.value;
        assert_true(uuid_equal(id, uuid_derive(scene.facts.root, i + 1)));
        bool linked = (scene.decision.transfers[i].flags & TRANSFER_FLAG_LINKED) != 0;
        assert_int_equal(linked, i + 1 < PAYMENT_TRANSFERS_MAX);
    }
}

static void a_reason_is_cut_and_terminated(void **state)
{
    (void)state;
    struct scene scene;
    struct flow flow = begin(&scene);
    flow_reason(&flow, "a_reason_that_is_longer_than_what_there_is_room_for");
    assert_int_equal(strlen(flow.payment->reason), PSP_REASON_SIZE - 1);
    flow_reason(&flow, "short");
    assert_string_equal(flow.payment->reason, "short");
}

static void refundable_is_never_negative(void **state)
{
    (void)state;
    struct payment payment = { .captured = { 100 }, .refunded = { 60 }, .disputed = { 60 } };
    assert_true(money_is_zero(payment_refundable(&payment)));
    payment.disputed.minor = 10;
    payment.refund_pending.minor = 5;
    assert_true(payment_refundable(&payment).minor == 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_move_outside_the_table_changes_nothing),
        cmocka_unit_test(transfers_are_linked_and_their_ids_differ),
        cmocka_unit_test(a_reason_is_cut_and_terminated),
        cmocka_unit_test(refundable_is_never_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

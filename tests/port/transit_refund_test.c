/*
 * Goal: what was paid into another lane comes back as often as it is asked for and once each time,
 * never more than was paid, whatever answer is lost and whoever goes on; what the other lane does not
 * give changes nothing.
 * Method: two lanes without threads and a worker that the test runs itself, over a link that does what
 * a script says (wallet/transit_test.h).
 */
#include "wallet/transit_test.h"

/* Of payment 300, which home has: 0 is all that is left. */
static struct payment_result give_back(struct scene *scene, uint64_t id, uint64_t minor)
{
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft = (struct payment){ .id = { test_id(id) },
                                      .kind = PAYMENT_REFUND,
                                      .amount = { minor },
                                      .parent = { test_id(300) } };
    if (minor == 0) command.draft.amount = MONEY_MAX;
    return command_run(scene, &command, id);
}

/* BOB of lane 1 has 30 of ANN's. */
static struct scene paid_scene(const enum call *calls, uint32_t call_count)
{
    struct scene scene = scene_new(NULL, 0);
    assert_int_equal(pay(&scene, 300, BOB, 0).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(work(&scene, LONG_MS).settled, 1);
    scene.script.calls = calls;
    scene.script.call_count = call_count;
    scene.script.called = 0;
    return scene;
}

/* Both lanes have given back so much, and nothing is on its way. */
static void assert_given(struct scene *scene, uint64_t minor)
{
    const struct transit_account left = { EUR, 1, 0, true };
    const struct transit_account came = { EUR, 0, 1, false };
    struct balance out = balance_of(scene->peer, transit_account(&left).id);
    struct balance in = balance_of(scene->source, transit_account(&came).id);
    struct balance bob = balance_of(scene->peer, account_of(BOB, 1).id);
    assert_open(scene, 0);
    assert_int_equal(out.credits_posted.minor, minor);
    assert_int_equal(in.debits_posted.minor, minor);
    assert_int_equal(in.debits_pending.minor, 0);
    assert_int_equal(bob.debits_posted.minor, minor);
    assert_int_equal(credits(scene->source, ANN, 0), 1000 + minor);
}

static void what_was_paid_comes_back_in_parts_and_never_more(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = paid_scene(NULL, 0);
    struct payment_result made = give_back(&scene, 400, 12);
    assert_int_equal(made.outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(made.payment.state, PAYMENT_STATE_PENDING);
    assert_true(give_back(&scene, 400, 12).repeated); /* its key asks for nothing more */
    assert_int_equal(give_back(&scene, 401, 19).outcome, PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE);
    assert_int_equal(give_back(&scene, 402, 0).payment.amount.minor, 18);
    assert_int_equal(give_back(&scene, 403, 1).outcome, PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE);
    struct balance ann = balance_of(scene.source, account_of(ANN, 0).id);
    assert_int_equal(ann.credits_pending.minor, 30);
    assert_int_equal(ann.credits_posted.minor, 1000); /* she cannot have it yet */
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.settled, 2);
    assert_int_equal(status.broken, 0);
    assert_given(&scene, 30);
    assert_int_equal(rested(&scene, 400).record.payment.state, PAYMENT_STATE_SUCCEEDED);
    assert_int_equal(give_back(&scene, 404, 0).outcome, PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE);
    scene_free(&scene);
}

static void what_who_was_paid_has_no_more_is_refused_and_changes_nothing(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = paid_scene(NULL, 0);
    struct transfer spends = test_transfer(500, 0, 0, 20);
    spends.debit = account_of(BOB, 1).id;
    spends.credit = account_of(ANN, 1).id;
    assert_int_equal(test_one(scene.peer, spends).outcome, OUTCOME_OK);
    assert_int_equal(give_back(&scene, 400, 12).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(work(&scene, LONG_MS).released, 1);
    assert_failed(&scene, 400, "debits_exceed_credits");
    test_freeze(scene.peer, account_of(BOB, 1).id, true);
    assert_int_equal(give_back(&scene, 401, 5).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(work(&scene, LONG_MS).released, 1);
    assert_failed(&scene, 401, "debit_account_frozen");
    test_freeze(scene.source, account_of(ANN, 0).id, true); /* what is here is looked at first */
    struct payment_result refused = give_back(&scene, 402, 5);
    assert_int_equal(refused.outcome, PAYMENT_OUTCOME_LEDGER);
    assert_int_equal(refused.ledger_outcome, OUTCOME_CREDIT_ACCOUNT_FROZEN);
    test_freeze(scene.source, account_of(ANN, 0).id, false);
    test_freeze(scene.peer, account_of(BOB, 1).id, false);
    spends.id.value = test_id(501);
    spends.debit = account_of(ANN, 1).id;
    spends.credit = account_of(BOB, 1).id;
    assert_int_equal(test_one(scene.peer, spends).outcome, OUTCOME_OK);
    assert_int_equal(give_back(&scene, 403, 0).payment.amount.minor, 30); /* all of it still */
    assert_int_equal(work(&scene, LONG_MS).settled, 1);
    assert_int_equal(credits(scene.source, ANN, 0), 1030);
    scene_free(&scene);
}

static void a_refund_comes_once_whatever_is_lost_and_whoever_goes_on(void **state)
{
    (void)state; /* no fixture */
    static const enum call calls[] = { CALL_LOST, CALL_REPLY_LOST, CALL_REPLY_LOST,
                                       CALL_UNREACHABLE };
    struct scene scene = paid_scene(calls, 4);
    assert_int_equal(give_back(&scene, 400, 12).outcome, PAYMENT_OUTCOME_OK);
    bench_close(scene.source); /* another life finds it in memory, and pending */
    bench_open(scene.source);
    assert_int_equal(give_back(&scene, 401, 19).outcome, PAYMENT_OUTCOME_AMOUNT_OVER_REFUNDABLE);
    scene.source->fault = APPEND_DOUBT_LANDED; /* the commit of its end */
    scene.source->fault_after = 0;
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.broken, 0);
    assert_given(&scene, 12);
    assert_int_equal(rested(&scene, 400).record.payment.state, PAYMENT_STATE_SUCCEEDED);
    scene_free(&scene);
}

static void a_refund_that_cannot_be_decided_is_taken_back(void **state)
{
    (void)state; /* no fixture */
    static const enum call calls[] = { CALL_LOST, CALL_LOST, CALL_LOST, CALL_LOST };
    struct scene scene = paid_scene(calls, 4);
    assert_int_equal(give_back(&scene, 400, 12).outcome, PAYMENT_OUTCOME_OK);
    struct transfer_id asked = payment_known(&scene, 400).posted;
    assert_int_equal(work(&scene, SHORT_MS).released, 1);
    assert_failed(&scene, 400, "withdrawn");
    struct transfer late = test_transfer(0, 0, 0, 12); /* the first call was only late */
    const struct transit_account left = { EUR, 1, 0, true };
    late.id = transit_arrival_id(asked);
    late.debit = account_of(BOB, 1).id;
    late.credit = transit_account(&left).id;
    late.user_ref = test_id(400);
    late.flags = TRANSFER_FLAG_OWNED;
    assert_int_equal(test_one(scene.peer, late).outcome, OUTCOME_WITHDRAWN);
    assert_int_equal(credits(scene.source, ANN, 0), 1000);
    assert_int_equal(give_back(&scene, 401, 0).payment.amount.minor, 30);
    scene_free(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_paid_comes_back_in_parts_and_never_more),
        cmocka_unit_test(what_who_was_paid_has_no_more_is_refused_and_changes_nothing),
        cmocka_unit_test(a_refund_comes_once_whatever_is_lost_and_whoever_goes_on),
        cmocka_unit_test(a_refund_that_cannot_be_decided_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

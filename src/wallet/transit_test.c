/*
 * Goal: what leaves a lane comes to its end as the other lane decides, whatever answer is lost,
 * and nothing is decided twice; a payment that it belongs to comes to its end in the same unit.
 * Method: two lanes without threads and a worker that the test runs itself, over a link that
 * does what a script says; after some time its lane is drained, which sends it away.
 */
#include "wallet/transit.h"

#include "wallet/transit_test.h"

/* ---- Transfers ---- */

static void what_leaves_arrives_and_is_settled(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    assert_int_equal(leave(&scene, 100, BOB, 30).outcome, OUTCOME_OK);
    assert_int_equal(leave(&scene, 101, BOB, 12).outcome, OUTCOME_OK);
    assert_int_equal(leave(&scene, 102, BOB, 959).outcome, OUTCOME_DEBITS_EXCEED_CREDITS);
    assert_open(&scene, 2);
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.settled, 2);
    assert_int_equal(status.released + status.withdrawn + status.broken, 0);
    assert_int_equal(scene.script.called, 1); /* both at once */
    assert_int_equal(credits(scene.peer, BOB, 1), 42);
    assert_moved(&scene, 42, 42);
    assert_open(&scene, 0);
    assert_ended(&scene, 100, TRANSFER_POST, OUTCOME_OK);
    struct transfer_result again = leave(&scene, 100, BOB, 30);
    assert_true(again.repeated && again.outcome == OUTCOME_OK);
    assert_int_equal(leave(&scene, 100, BOB, 31).outcome, OUTCOME_ID_CONFLICT);
    assert_int_equal(leave(&scene, 100, STRANGER, 30).outcome, OUTCOME_ID_CONFLICT);
    scene_free(&scene);
}

static void what_is_refused_there_comes_back_with_the_reason(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    test_freeze(scene.peer, account_of(BOB, 1).id, true);
    assert_int_equal(leave(&scene, 100, BOB, 30).outcome, OUTCOME_OK);
    assert_int_equal(leave(&scene, 101, STRANGER, 5).outcome, OUTCOME_OK);
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.released, 2);
    assert_int_equal(status.settled, 0);
    assert_moved(&scene, 0, 0);
    assert_open(&scene, 0);
    assert_ended(&scene, 100, TRANSFER_VOID, OUTCOME_CREDIT_ACCOUNT_FROZEN);
    assert_ended(&scene, 101, TRANSFER_VOID, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
    assert_int_equal(leave(&scene, 102, ANN, 1000).outcome, OUTCOME_OK); /* all is there again */
    scene_free(&scene);
}

static void lost_answers_double_nothing(void **state)
{
    (void)state; /* no fixture */
    static const enum call calls[] = { CALL_LOST, CALL_REPLY_LOST, CALL_REPLY_LOST,
                                       CALL_UNREACHABLE };
    struct scene scene = scene_new(calls, 4);
    assert_int_equal(leave(&scene, 100, BOB, 30).outcome, OUTCOME_OK);
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.settled, 1);
    assert_int_equal(status.unreachable, 4);
    assert_int_equal(scene.script.called, 5);
    assert_int_equal(credits(scene.peer, BOB, 1), 30);
    assert_moved(&scene, 30, 30);
    scene_free(&scene);
}

/* It may be there: so it stays open, as long as nobody says so. */
static void an_unreachable_lane_leaves_it_open_and_the_next_owner_goes_on(void **state)
{
    (void)state; /* no fixture */
    static const enum call calls[] = { CALL_REPLY_LOST,  CALL_UNREACHABLE, CALL_UNREACHABLE,
                                       CALL_UNREACHABLE, CALL_UNREACHABLE, CALL_UNREACHABLE,
                                       CALL_UNREACHABLE, CALL_UNREACHABLE, CALL_UNREACHABLE,
                                       CALL_UNREACHABLE, CALL_UNREACHABLE, CALL_UNREACHABLE };
    struct scene scene = scene_new(calls, 12);
    assert_int_equal(leave(&scene, 100, BOB, 30).outcome, OUTCOME_OK);
    struct transit_status status = work(&scene, SHORT_MS);
    assert_int_equal(status.settled + status.released, 0);
    assert_open(&scene, 1);
    assert_moved(&scene, 0, 30); /* in flight is the difference */
    scene.script.call_count = 0;
    status = work(&scene, SHORT_MS); /* asks back, and hears that it was accepted */
    assert_int_equal(status.withdrawn, 1);
    assert_int_equal(status.settled, 1);
    assert_moved(&scene, 30, 30);
    scene_free(&scene);
}

static void what_is_taken_back_can_never_arrive(void **state)
{
    (void)state; /* no fixture */
    static const enum call calls[] = { CALL_LOST, CALL_LOST, CALL_LOST, CALL_LOST };
    struct scene scene = scene_new(calls, 4);
    assert_int_equal(leave(&scene, 100, BOB, 30).outcome, OUTCOME_OK);
    struct transit_status status = work(&scene, SHORT_MS);
    assert_int_equal(status.released, 1);
    assert_true(scene.script.withdrawals > 0);
    assert_ended(&scene, 100, TRANSFER_VOID, OUTCOME_WITHDRAWN);

    /* the first call was only late */
    struct transfer late = test_transfer(0, 0, 0, 30);
    const struct transit_account came = { EUR, 1, 0, false };
    late.id = transit_arrival_id((struct transfer_id){ test_id(100) });
    late.debit = transit_account(&came).id;
    late.credit = account_of(BOB, 1).id;
    late.flags = TRANSFER_FLAG_OWNED;
    struct transfer_result result = test_one(scene.peer, late);
    assert_int_equal(result.outcome, OUTCOME_WITHDRAWN);
    assert_true(result.repeated);
    assert_int_equal(credits(scene.peer, BOB, 1), 0);
    bench_close(scene.peer);
    bench_open(scene.peer); /* for ever: in another life too */
    assert_int_equal(test_one(scene.peer, late).outcome, OUTCOME_WITHDRAWN);
    scene_free(&scene);
}

static void an_owner_that_crashed_in_between_has_settled_nothing_twice(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    assert_int_equal(leave(&scene, 100, BOB, 30).outcome, OUTCOME_OK);
    scene.source->fault = APPEND_DOUBT_LANDED; /* the settlement's commit */
    scene.source->fault_after = 0;
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.broken, 0);
    assert_moved(&scene, 30, 30);
    assert_open(&scene, 0);
    scene_free(&scene);
}

static void ids_that_somebody_has_taken_hold_nothing_up(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    struct transfer_id id = { test_id(100) };
    struct transfer taken = test_transfer(0, 0, 0, 1);
    taken.debit = account_of(BANK, 0).id;
    taken.credit = account_of(ANN, 0).id;
    taken.id = transit_end_id(id, true);
    assert_int_equal(test_one(scene.source, taken).outcome, OUTCOME_OK);
    assert_int_equal(leave(&scene, 100, BOB, 30).outcome, OUTCOME_OK);

    taken.debit = account_of(BANK, 1).id;
    taken.credit = account_of(ANN, 1).id;
    taken.id = transit_arrival_id((struct transfer_id){ test_id(200) });
    assert_int_equal(test_one(scene.peer, taken).outcome, OUTCOME_OK);
    assert_int_equal(leave(&scene, 200, BOB, 40).outcome, OUTCOME_OK);
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.broken, 0);
    assert_open(&scene, 0);
    assert_moved(&scene, 30, 30);
    assert_ended(&scene, 100, TRANSFER_POST, OUTCOME_OK);
    assert_ended(&scene, 200, TRANSFER_VOID, OUTCOME_ID_CONFLICT);
    scene_free(&scene);
}

static void more_than_a_round_takes_all_go(void **state)
{
    (void)state; /* no fixture */
    enum { COUNT = 150 };
    struct scene scene = scene_new(NULL, 0);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_int_equal(leave(&scene, 100 + i, BOB, 2).outcome, OUTCOME_OK);
    }
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.settled, COUNT);
    assert_int_equal(scene.script.asked, COUNT);
    assert_moved(&scene, 2 * COUNT, 2 * COUNT);
    scene_free(&scene);
}

static void all_that_is_open_is_counted(void **state)
{
    (void)state;          /* no fixture */
    enum { COUNT = 150 }; /* more than a look sees */
    struct scene scene = scene_new(NULL, 0);
    scene.script.refuses = true;
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_int_equal(leave(&scene, 100 + i, STRANGER, 1).outcome, OUTCOME_OK);
    }
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.open, COUNT);
    assert_int_equal(status.stuck, 0);
    scene_free(&scene);
}

/* ---- Payments ---- */

static void assert_paid(struct scene *scene, uint64_t id)
{
    struct history_payment found = rested(scene, id);
    assert_int_equal(found.record.payment.state, PAYMENT_STATE_SUCCEEDED);
    assert_true(found.record.payment.captured.minor == 30);
    assert_true(uuid_equal(found.context.trace.id, (struct uuid){ 77, id }));
    struct uuid posted = found.record.payment.posted.value;
    struct locator locator;
    struct read read = { .kind = READ_TRANSFERS, .count = 1, .ids = &posted, .locators = &locator };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(scene->source->lane, &request), STATUS_OK);
    struct history_entry entry;
    struct error error;
    struct store *store = &scene->source->store.port;
    assert_int_equal(history_transfer(store, locator, &entry, &error), STATUS_OK);
    assert_int_equal(entry.transfer.head.kind, TRANSFER_POST);
    assert_int_equal(entry.position.batch, found.position.batch); /* one unit */
    assert_int_equal(entry.position.index, found.position.index);
}

static void a_payment_is_pending_until_it_is_there(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    struct payment_result made = pay(&scene, 300, BOB, 7);
    assert_int_equal(made.outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(made.payment.state, PAYMENT_STATE_PENDING);
    assert_true(money_is_zero(made.payment.captured));
    struct payment_result again = pay(&scene, 300, BOB, 7); /* the key's record is found */
    assert_true(again.repeated);
    assert_memory_equal(&again.payment, &made.payment, sizeof made.payment);
    assert_open(&scene, 1);

    /* somebody else's transfer with the payment as its reference is a transfer */
    struct transfer transfer = test_transfer(100, 0, 0, 12);
    transfer.debit = account_of(ANN, 0).id;
    transfer.credit = account_of(BOB, 1).id;
    transfer.user_ref = test_id(300);
    struct transfer departure = transit_departure(&transfer, (struct lane_part){ 0, LANES });
    assert_int_equal(test_one(scene.source, departure).outcome, OUTCOME_OK);
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.settled, 2);
    assert_int_equal(status.broken, 0);
    assert_open(&scene, 0);
    assert_moved(&scene, 42, 42);
    assert_int_equal(credits(scene.peer, BOB, 1), 42);
    assert_paid(&scene, 300);
    assert_ended(&scene, 100, TRANSFER_POST, OUTCOME_OK);
    assert_int_equal(scene.spans.count, 1); /* how long it was on its way, below its making */
    const struct span *span = &scene.spans.newest;
    assert_true(str_equal(span->name, STR("transit")));
    assert_true(uuid_equal(span->trace.id, (struct uuid){ 77, 300 }));
    assert_true(span->parent == span_of_id(test_id(300)));
    assert_int_equal(span->start.ns, made.stamp.ns);
    assert_true(span->end.ns >= span->start.ns);
    assert_false(span->failed);
    again = pay(&scene, 300, BOB, 0);
    assert_true(again.repeated);
    assert_int_equal(again.payment.state, PAYMENT_STATE_SUCCEEDED);
    assert_int_equal(pay(&scene, 300, ANN, 0).outcome, PAYMENT_OUTCOME_ID_CONFLICT);
    scene_free(&scene);
}

static void a_payment_that_is_refused_there_has_failed_and_says_why(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    test_freeze(scene.peer, account_of(BOB, 1).id, true);
    assert_int_equal(pay(&scene, 300, BOB, 0).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(pay(&scene, 301, STRANGER, 0).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(pay(&scene, 302, BANK, 0).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(leave(&scene, 100, BANK, 5).outcome, OUTCOME_OK); /* a transfer may */
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.released, 3);
    assert_int_equal(status.settled, 1);
    assert_failed(&scene, 300, "credit_account_frozen");
    assert_failed(&scene, 301, "credit_account_not_found");
    assert_failed(&scene, 302, "not_a_wallet");
    assert_moved(&scene, 5, 5);
    assert_int_equal(leave(&scene, 102, ANN, 995).outcome, OUTCOME_OK); /* all is there again */
    scene_free(&scene);
}

/* As a home that looked at less than today's let it leave: nobody there can have it. */
static void what_is_for_a_transit_account_comes_back(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    const struct transit_account came = { EUR, 1, 0, false };
    const struct account_id in = transit_account(&came).id;
    struct transfer transfer = test_transfer(100, 0, 0, 12);
    transfer.debit = account_of(ANN, 0).id;
    transfer.credit = in;
    struct transfer departure = transit_departure(&transfer, (struct lane_part){ 0, LANES });
    for (int made = 0; made < 2; made++) { /* the account from which it would come */
        uint64_t id = 300 + (uint64_t)made;
        departure.id.value = test_id(100 + (uint64_t)made);
        assert_int_equal(test_one(scene.source, departure).outcome, OUTCOME_OK);
        assert_int_equal(pay_account(&scene, id, in, 0).outcome, PAYMENT_OUTCOME_OK);
        struct transit_status status = work(&scene, LONG_MS);
        assert_int_equal(status.released, 2);
        assert_int_equal(status.settled + status.broken, 0);
        assert_failed(&scene, id, "not_a_wallet");
        assert_ended(&scene, 100 + (uint64_t)made, TRANSFER_VOID, OUTCOME_CREDIT_ACCOUNT_NOT_FOUND);
        assert_int_equal(leave(&scene, 200 + (uint64_t)made, BOB, 1).outcome, OUTCOME_OK);
        assert_int_equal(work(&scene, LONG_MS).settled, 1);
        assert_moved(&scene, 1 + (uint64_t)made, 1 + (uint64_t)made);
    }
    scene_free(&scene);
}

static void a_payment_that_the_ledger_refuses_never_leaves(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    assert_int_equal(leave(&scene, 100, BOB, 980).outcome, OUTCOME_OK);
    struct payment_result made = pay(&scene, 300, BOB, 0);
    assert_int_equal(made.outcome, PAYMENT_OUTCOME_LEDGER);
    assert_int_equal(made.ledger_outcome, OUTCOME_DEBITS_EXCEED_CREDITS);
    assert_int_equal(made.payment.state, PAYMENT_STATE_FAILED);
    assert_open(&scene, 1);
    scene_free(&scene);
}

static void a_payment_ends_once_whatever_is_lost_and_whoever_goes_on(void **state)
{
    (void)state; /* no fixture */
    static const enum call calls[] = { CALL_LOST, CALL_REPLY_LOST, CALL_UNREACHABLE };
    struct scene scene = scene_new(calls, 3);
    assert_int_equal(pay(&scene, 300, BOB, 0).outcome, PAYMENT_OUTCOME_OK);
    bench_close(scene.source); /* another life finds it in memory, and pending */
    bench_open(scene.source);
    assert_int_equal(pay(&scene, 300, BOB, 0).payment.state, PAYMENT_STATE_PENDING);
    scene.source->fault = APPEND_DOUBT_LANDED; /* the commit of its end */
    scene.source->fault_after = 0;
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.broken, 0);
    assert_open(&scene, 0);
    assert_moved(&scene, 30, 30);
    assert_paid(&scene, 300);
    scene_free(&scene);
}

static void a_payment_that_cannot_be_decided_is_taken_back(void **state)
{
    (void)state; /* no fixture */
    static const enum call calls[] = { CALL_LOST, CALL_LOST, CALL_LOST, CALL_LOST };
    struct scene scene = scene_new(calls, 4);
    assert_int_equal(pay(&scene, 300, BOB, 0).outcome, PAYMENT_OUTCOME_OK);
    struct transit_status status = work(&scene, SHORT_MS);
    assert_int_equal(status.released, 1);
    assert_failed(&scene, 300, "withdrawn");
    assert_moved(&scene, 0, 0);
    scene_free(&scene);
}

static void many_payments_go_together(void **state)
{
    (void)state;         /* no fixture */
    enum { COUNT = 33 }; /* what ANN has */
    struct scene scene = scene_new(NULL, 0);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_int_equal(pay(&scene, 300 + i, BOB, 0).outcome, PAYMENT_OUTCOME_OK);
    }
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.settled, COUNT);
    assert_int_equal(scene.script.called, 1);
    for (uint64_t i = 0; i < COUNT; i++) assert_paid(&scene, 300 + i);
    assert_moved(&scene, 30 * COUNT, 30 * COUNT);
    scene_free(&scene);
}

/* ---- What the other lane cannot answer ---- */

static void what_has_no_answer_is_nobody_elses_trouble(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    scene.script.refuses = true;
    assert_int_equal(leave(&scene, 100, BOB, 12).outcome, OUTCOME_OK);
    assert_int_equal(leave(&scene, 101, STRANGER, 5).outcome, OUTCOME_OK);
    assert_int_equal(leave(&scene, 102, BOB, 13).outcome, OUTCOME_OK);
    assert_int_equal(pay(&scene, 300, BOB, 0).outcome, PAYMENT_OUTCOME_OK); /* asked otherwise */
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.settled, 3);
    assert_int_equal(status.released + status.withdrawn + status.broken, 0);
    assert_true(status.unreachable > 0);
    assert_open(&scene, 1);
    assert_moved(&scene, 55, 55);
    assert_paid(&scene, 300);
    scene.script.refuses = false; /* and it goes on as soon as there is one */
    assert_int_equal(work(&scene, LONG_MS).released, 1);
    assert_open(&scene, 0);
    scene_free(&scene);
}

static void what_is_asked_first_is_not_in_the_way_of_the_rest(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    scene.script.refuses = true;
    assert_int_equal(leave(&scene, 101, STRANGER, 5).outcome, OUTCOME_OK);
    assert_int_equal(pay(&scene, 300, BOB, 0).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(work(&scene, LONG_MS).settled, 1);
    assert_paid(&scene, 300);
    assert_open(&scene, 1);
    scene_free(&scene);
}

static void a_round_full_of_what_has_no_answer_lets_others_go(void **state)
{
    (void)state;         /* no fixture */
    enum { COUNT = 70 }; /* more than a round takes */
    struct scene scene = scene_new(NULL, 0);
    scene.script.refuses = true;
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_int_equal(leave(&scene, 100 + i, STRANGER, 1).outcome, OUTCOME_OK);
    }
    assert_int_equal(leave(&scene, 200, BOB, 12).outcome, OUTCOME_OK);
    assert_int_equal(work(&scene, LONG_MS).settled, 1);
    assert_open(&scene, COUNT);
    assert_moved(&scene, 12, 12);
    scene_free(&scene);
}

/* A lane that is not there is asked once, and not about each. */
static void nobody_there_is_not_asked_about_each(void **state)
{
    (void)state; /* no fixture */
    static const enum call calls[] = { CALL_UNREACHABLE };
    struct scene scene = scene_new(calls, 1);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(leave(&scene, 100 + i, BOB, 1).outcome, OUTCOME_OK);
    }
    assert_int_equal(work(&scene, LONG_MS).settled, 10);
    assert_int_equal(scene.script.called, 2);
    scene_free(&scene);
}

/* ---- What this lane does not end ---- */

/* As a fault of the ledger would: an end finds that the departure's time is over, which it has not. */
static void departure_spoil(struct scene *scene, uint64_t id)
{
    struct hold_table *holds = &scene->source->lane->ledger->holds;
    uint32_t place = hold_find(holds, (struct transfer_id){ test_id(id) });
    assert_int_not_equal(place, HOLD_NONE);
    holds->holds[place].expires_at.ns = 1;
}

static void an_end_that_is_refused_is_told_once_and_left_alone(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = scene_new(NULL, 0);
    assert_int_equal(leave(&scene, 100, BOB, 12).outcome, OUTCOME_OK);
    struct payment_result made = pay(&scene, 300, BOB, 0);
    assert_int_equal(made.outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(leave(&scene, 101, BOB, 5).outcome, OUTCOME_OK);
    departure_spoil(&scene, 100);
    struct hold_table *holds = &scene.source->lane->ledger->holds;
    holds->holds[hold_find(holds, made.payment.posted)].expires_at.ns = 1;
    uint64_t before = scene.source->lane->head.sequence;
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.broken, 2);
    assert_int_equal(status.stuck, 2);
    assert_int_equal(status.open, 2);
    assert_int_equal(status.settled, 1);
    assert_int_equal(status.released, 0);
    assert_int_equal(scene.script.asked, 3); /* nor is the other lane asked again */
    assert_true(scene.source->lane->head.sequence <= before + 2);
    assert_open(&scene, 2);
    assert_moved(&scene, 5, 47); /* what is in flight is the difference, and reserved */

    status = work(&scene, LONG_MS); /* the next owner's memory is made from the journal */
    assert_int_equal(status.broken + status.stuck, 0);
    assert_int_equal(status.settled, 2);
    assert_paid(&scene, 300);
    assert_ended(&scene, 100, TRANSFER_POST, OUTCOME_OK);
    assert_open(&scene, 0);
    assert_moved(&scene, 47, 47);
    scene_free(&scene);
}

static void what_is_stuck_is_in_nobodys_way(void **state)
{
    (void)state;         /* no fixture */
    enum { COUNT = 70 }; /* more than a round takes */
    struct scene scene = scene_new(NULL, 0);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_int_equal(leave(&scene, 100 + i, BOB, 1).outcome, OUTCOME_OK);
        departure_spoil(&scene, 100 + i);
    }
    assert_int_equal(leave(&scene, 200, BOB, 12).outcome, OUTCOME_OK);
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.settled, 1);
    assert_int_equal(status.stuck, COUNT);
    assert_int_equal(status.open, COUNT);
    assert_moved(&scene, 12, COUNT + 12);
    scene_free(&scene);
}

/* ---- Captures ---- */

/* 30 of ANN's, reserved for BOB of lane 1. */
static struct scene reserved_scene(void)
{
    struct scene scene = scene_new(NULL, 0);
    test_chart(scene.source, EUR, "sandbox");
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft = (struct payment){
        .id = { test_id(300) },
        .kind = PAYMENT_MERCHANT,
        .amount = { 30 },
        .asset = EUR,
        .wallet = account_of(ANN, 0).id,
        .counter = account_of(BOB, 1).id,
    };
    struct payment_result made = command_run(&scene, &command, 0);
    assert_int_equal(made.outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(made.payment.state, PAYMENT_STATE_AUTHORISED);
    assert_open(&scene, 0);
    return scene;
}

static struct payment_result capture(struct scene *scene, uint64_t minor, uint64_t key)
{
    const struct payment_command command = { .cause = PAYMENT_CAUSE_CAPTURE,
                                             .id = { test_id(300) },
                                             .amount = { minor } };
    return command_run(scene, &command, key);
}

/* A part, and what is left then is released. */
static struct payment_result capture_last(struct scene *scene, uint64_t minor)
{
    const struct payment_command command = {
        .cause = PAYMENT_CAUSE_CAPTURE, .id = { test_id(300) }, .amount = { minor }, .last = true
    };
    return command_run(scene, &command, 0);
}

static uint64_t reserved(struct scene *scene)
{
    return (uint64_t)balance_of(scene->source, account_of(ANN, 0).id).debits_pending.minor;
}

static void parts_arrive_and_the_rest_stays_reserved(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = reserved_scene();
    struct payment_result asked = capture(&scene, 12, 7);
    assert_int_equal(asked.payment.state, PAYMENT_STATE_PENDING);
    assert_int_equal(reserved(&scene), 30);
    assert_int_equal(capture(&scene, 1, 8).outcome, PAYMENT_OUTCOME_STEP_UNDER_WAY);
    assert_int_equal(work(&scene, LONG_MS).settled, 1);
    assert_int_equal(reserved(&scene), 18);
    assert_moved(&scene, 12, 12);
    assert_true(capture(&scene, 12, 7).repeated); /* its key moves nothing more */
    assert_int_equal(capture(&scene, 18, 9).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(work(&scene, LONG_MS).settled, 1);
    assert_int_equal(reserved(&scene), 0);
    assert_moved(&scene, 30, 30);
    struct history_payment found = rested(&scene, 300);
    assert_int_equal(found.record.payment.state, PAYMENT_STATE_CAPTURED);
    scene_free(&scene);
}

static void a_part_that_is_refused_is_reserved_again(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = reserved_scene();
    test_freeze(scene.peer, account_of(BOB, 1).id, true);
    assert_int_equal(capture(&scene, 12, 7).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(work(&scene, LONG_MS).released, 1);
    assert_int_equal(reserved(&scene), 30);
    assert_moved(&scene, 0, 0);
    test_freeze(scene.peer, account_of(BOB, 1).id, false);
    assert_int_equal(capture(&scene, 30, 8).outcome, PAYMENT_OUTCOME_OK);
    assert_int_equal(work(&scene, LONG_MS).settled, 1);
    assert_moved(&scene, 30, 30);
    scene_free(&scene);
}

/* The wallet takes no hold any more: what came back is free, and nothing stays open. */
static void what_a_wallet_cannot_reserve_again_is_its_own(void **state)
{
    (void)state; /* no fixture */
    struct scene scene = reserved_scene();
    assert_int_equal(capture(&scene, 12, 7).outcome, PAYMENT_OUTCOME_OK);
    test_freeze(scene.peer, account_of(BOB, 1).id, true);
    test_freeze(scene.source, account_of(ANN, 0).id, true);
    struct transit_status status = work(&scene, LONG_MS);
    assert_int_equal(status.released, 1);
    assert_int_equal(status.broken, 0);
    assert_int_equal(reserved(&scene), 0);
    struct history_payment found = rested(&scene, 300);
    assert_int_equal(found.record.payment.state, PAYMENT_STATE_CANCELLED);
    assert_string_equal(found.record.payment.reason, "debit_account_frozen");
    scene_free(&scene);
}

static void reserve_end(struct scene *scene, uint64_t id)
{
    struct transfer end = { .id = { test_id(id) },
                            .amount = MONEY_MAX,
                            .target = payment_known(scene, 300).hold,
                            .kind = TRANSFER_VOID,
                            .flags = TRANSFER_FLAG_OWNED };
    assert_int_equal(test_one(scene->source, end).outcome, OUTCOME_OK);
}

/* What left is ended once, as the other lane has decided; about the payment a person decides. */
static void a_rest_that_somebody_has_ended_keeps_nothing_on_its_way(void **state)
{
    (void)state; /* no fixture */
    for (int there = 0; there < 2; there++) {
        struct scene scene = reserved_scene();
        assert_int_equal(capture_last(&scene, 12).outcome, PAYMENT_OUTCOME_OK);
        reserve_end(&scene, 500);
        if (there == 0) test_freeze(scene.peer, account_of(BOB, 1).id, true);
        struct transit_status status = work(&scene, LONG_MS);
        assert_int_equal(there == 0 ? status.released : status.settled, 1);
        assert_int_equal(status.broken + status.stuck, 0);
        assert_open(&scene, 0);
        assert_int_equal(reserved(&scene), 0);
        assert_moved(&scene, there == 0 ? 0 : 12, there == 0 ? 0 : 12);
        struct payment payment = payment_known(&scene, 300);
        assert_int_equal(payment.state, PAYMENT_STATE_MANUAL);
        assert_string_equal(payment.reason, "hold_already_voided");
        assert_int_equal(payment.captured.minor, there == 0 ? 0 : 12);
        scene_free(&scene);
    }
}

/* More in one batch than leaves room for an account. */
static void batch_fill(struct bench *bench, struct request *requests, uint32_t count)
{
    enum { EACH = 1500 };
    static struct transfer transfers[8 * EACH];
    static struct transfer_result results[8 * EACH];
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = i * EACH; j < (i + 1) * EACH; j++) {
            transfers[j] = test_transfer(1000 + j, 0, 0, 1);
            transfers[j].debit = account_of(BANK, 0).id;
            transfers[j].credit = account_of(BOB, 0).id;
        }
        requests[i] = test_request(bench->lane, &transfers[i * EACH], &results[i * EACH], EACH);
        assert_int_equal(lane_submit(bench->lane, &requests[i]), STATUS_OK);
        bench_settle(bench);
    }
}

/* Its hold was ended before; what was read of that is not for whoever comes next. */
static void a_capture_without_room_for_its_way_leaves_nothing_behind(void **state)
{
    (void)state; /* no fixture */
    enum { FILL = 4 };
    struct scene scene = reserved_scene();
    struct bench *bench = scene.source;
    reserve_end(&scene, 500);
    struct request requests[FILL + 1];
    bench->hold_flush = true;
    batch_fill(bench, requests, FILL);
    const struct payment_command command = { .cause = PAYMENT_CAUSE_CAPTURE,
                                             .id = { test_id(300) },
                                             .amount = { 12 } };
    struct payment_result result;
    requests[FILL] = (struct request){ .kind = REQUEST_PAYMENT,
                                       .root = lane_new_id(bench->lane),
                                       .count = 1,
                                       .payment = &command,
                                       .payment_result = &result };
    assert_int_equal(lane_submit(bench->lane, &requests[FILL]), STATUS_OK);
    bench_settle(bench);
    bench->hold_flush = false;
    bench_settle(bench);
    assert_int_equal(requests[FILL].status, STATUS_UNAVAILABLE);
    assert_int_equal(bench->lane->group->ahead_count, 0);
    for (uint32_t i = 0; i < FILL; i++) assert_int_equal(requests[i].status, STATUS_OK);
    scene_free(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves_arrives_and_is_settled),
        cmocka_unit_test(what_is_refused_there_comes_back_with_the_reason),
        cmocka_unit_test(lost_answers_double_nothing),
        cmocka_unit_test(an_unreachable_lane_leaves_it_open_and_the_next_owner_goes_on),
        cmocka_unit_test(what_is_taken_back_can_never_arrive),
        cmocka_unit_test(an_owner_that_crashed_in_between_has_settled_nothing_twice),
        cmocka_unit_test(ids_that_somebody_has_taken_hold_nothing_up),
        cmocka_unit_test(more_than_a_round_takes_all_go),
        cmocka_unit_test(all_that_is_open_is_counted),
        cmocka_unit_test(a_payment_is_pending_until_it_is_there),
        cmocka_unit_test(a_payment_that_is_refused_there_has_failed_and_says_why),
        cmocka_unit_test(what_is_for_a_transit_account_comes_back),
        cmocka_unit_test(a_payment_that_the_ledger_refuses_never_leaves),
        cmocka_unit_test(a_payment_ends_once_whatever_is_lost_and_whoever_goes_on),
        cmocka_unit_test(a_payment_that_cannot_be_decided_is_taken_back),
        cmocka_unit_test(many_payments_go_together),
        cmocka_unit_test(what_has_no_answer_is_nobody_elses_trouble),
        cmocka_unit_test(what_is_asked_first_is_not_in_the_way_of_the_rest),
        cmocka_unit_test(a_round_full_of_what_has_no_answer_lets_others_go),
        cmocka_unit_test(nobody_there_is_not_asked_about_each),
        cmocka_unit_test(an_end_that_is_refused_is_told_once_and_left_alone),
        cmocka_unit_test(what_is_stuck_is_in_nobodys_way),
        cmocka_unit_test(parts_arrive_and_the_rest_stays_reserved),
        cmocka_unit_test(a_part_that_is_refused_is_reserved_again),
        cmocka_unit_test(what_a_wallet_cannot_reserve_again_is_its_own),
        cmocka_unit_test(a_rest_that_somebody_has_ended_keeps_nothing_on_its_way),
        cmocka_unit_test(a_capture_without_room_for_its_way_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

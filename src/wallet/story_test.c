/*
 * Goal: a payment's story is whole and in order, says who asked, what moved and what moved with
 * it, names what should have happened and did not, and finds a broken chain.
 * Method: payments led through a lane that the test steps, their stories read from the store; gaps
 * on either side of each time.
 */
#include "wallet/story_test.h"

static void the_story_is_told_from_its_beginning(void **state)
{
    (void)state;
    struct bench *bench = story_bench();
    struct payment payment = story_pay_in(bench, 1000);
    payment = story_answered(bench, &payment, PSP_ANSWER_UNKNOWN);
    payment = story_answered(bench, &payment, PSP_ANSWER_DONE);
    struct story story;
    story_load(bench, 1000, &story);
    assert_int_equal(story.count, 3);
    static const uint8_t states[] = { PAYMENT_STATE_PENDING, PAYMENT_STATE_IN_DOUBT,
                                      PAYMENT_STATE_SUCCEEDED };
    for (uint32_t i = 0; i < 3; i++) {
        const struct story_unit *unit = &story.units[i];
        assert_int_equal(unit->record.payment.state, states[i]);
        assert_int_equal(unit->record.payment.version, i + 1);
        assert_int_equal(unit->context.trace.span, 5);
        assert_true(uuid_equal(unit->context.principal.value, PRINCIPAL_LOCAL.value));
        if (i > 0) assert_true(unit->stamp.ns > story.units[i - 1].stamp.ns);
    }
    assert_int_equal(story.units[1].record.answer, PSP_ANSWER_UNKNOWN);
    assert_int_equal(story.units[1].record.duration_ms, 42);
    assert_int_equal(story.units[1].transfer_count, 0);
    assert_int_equal(story.units[2].transfer_count, 1);
    assert_true(story.units[2].transfers[0].record.amount.minor == 700);
    bench_free(bench);
}

static void a_refund_and_its_parent_name_each_other(void **state)
{
    (void)state;
    struct bench *bench = story_bench();
    struct payment payment = story_pay_in(bench, 1000);
    (void)story_answered(bench, &payment, PSP_ANSWER_DONE);
    struct payment_command refund = { .cause = PAYMENT_CAUSE_CREATE };
    refund.draft.id.value = test_id(1001);
    refund.draft.kind = PAYMENT_REFUND;
    refund.draft.amount.minor = 100;
    refund.draft.parent.value = test_id(1000);
    (void)story_run(bench, &refund);
    struct story story;
    story_load(bench, 1000, &story);
    assert_int_equal(story.count, 3);
    assert_int_equal(story.units[2].record.head.kind, PAYMENT_CAUSE_FOLLOW);
    assert_true(uuid_equal(story.units[2].other.value, test_id(1001)));
    story_load(bench, 1001, &story);
    assert_int_equal(story.count, 1);
    assert_true(uuid_equal(story.units[0].other.value, test_id(1000)));
    assert_int_equal(story.units[0].transfer_count, 1);
    bench_free(bench);
}

static void a_broken_chain_is_damage(void **state)
{
    (void)state;
    struct bench *bench = story_bench();
    struct payment payment = story_pay_in(bench, 1000);
    (void)story_answered(bench, &payment, PSP_ANSWER_UNKNOWN);
    struct locator place = story_newest(bench, 1000);
    uint8_t *batch = bench->disk->batches[locator_batch(place)].data;
    batch[locator_offset(place) + 100] ^= 1;
    static struct story_unit units[STORY_UNITS_MAX];
    struct story story = { .units = units };
    struct error error = { 0 };
    assert_int_equal(story_read(&bench->store.port, place, &story, &error), STATUS_CORRUPT);
    assert_int_equal(story_read(&bench->store.port, (struct locator){ 0 }, &story, &error),
                     STATUS_NOT_FOUND);
    bench_free(bench);
}

static bool has_gap(const struct story *story, struct wall_time now, const char *what)
{
    struct story_gap gaps[STORY_GAPS_MAX];
    uint32_t count = story_gaps(story, now, gaps);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(gaps[i].what, what) == 0) return true;
    }
    return false;
}

static void what_should_have_happened_is_named(void **state)
{
    (void)state;
    struct bench *bench = story_bench();
    struct payment payment = story_pay_in(bench, 1000);
    struct story story;
    story_load(bench, 1000, &story);
    struct wall_time due = { payment.step_at.ns + STORY_ANSWER_S * NS_PER_S };
    struct wall_time late = { due.ns + 1 };
    assert_false(has_gap(&story, due, "answer"));
    assert_true(has_gap(&story, late, "answer"));
    payment = story_answered(bench, &payment, PSP_ANSWER_UNKNOWN);
    story_load(bench, 1000, &story);
    assert_false(has_gap(&story, late, "answer"));
    late.ns = payment.next_at.ns + STORY_ANSWER_S * NS_PER_S + 1;
    assert_true(has_gap(&story, late, "follow_up"));
    payment = story_answered(bench, &payment, PSP_ANSWER_DONE);
    story_load(bench, 1000, &story);
    due.ns = story.units[2].stamp.ns + STORY_WEBHOOK_S * NS_PER_S;
    assert_false(has_gap(&story, due, "webhook"));
    assert_true(has_gap(&story, (struct wall_time){ due.ns + 1 }, "webhook"));
    assert_false(has_gap(&story, late, "follow_up"));
    assert_false(has_gap(&story, late, "settlement"));
    late.ns += STORY_SETTLED_DAYS * NS_PER_DAY;
    assert_true(has_gap(&story, late, "settlement"));
    struct payment_command hint = { .cause = PAYMENT_CAUSE_HINT, .id = payment.id };
    (void)story_run(bench, &hint);
    story_load(bench, 1000, &story);
    assert_false(has_gap(&story, late, "webhook"));
    bench_free(bench);
}

/* Into another lane: where it is going, what is missing while it is on its way, how it ended. */
static void money_on_its_way_to_another_lane_is_told(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench_close(bench);
    bench->options.lanes = 2;
    bench_open(bench);
    struct account wallet = test_account(2);
    wallet.id.value = (struct uuid){ UINT64_C(2) << 62, 0x8000 }; /* of lane 0 */
    assert_int_equal(test_make(bench, wallet).outcome, ACCOUNT_OUTCOME_OK);
    struct payment_command command = { .cause = PAYMENT_CAUSE_CREATE };
    command.draft.id.value = test_id(1000);
    command.draft.kind = PAYMENT_WALLET;
    command.draft.amount.minor = 700;
    command.draft.asset = EUR;
    command.draft.wallet = wallet.id;
    command.draft.counter.value = (struct uuid){ UINT64_C(2) << 62 | 1, 0x8000 }; /* of lane 1 */
    struct payment payment = story_run(bench, &command).payment;
    struct story story;
    story_load(bench, 1000, &story);
    assert_int_equal(story.count, 1);
    assert_int_equal(story.units[0].transfer_count, 1);
    const struct story_transfer *left = &story.units[0].transfers[0];
    assert_int_equal(left->record.head.kind, TRANSFER_DEPARTURE);
    assert_true(uuid_equal(left->more.target.value, command.draft.counter.value));
    struct wall_time due = { payment.step_at.ns + STORY_ANSWER_S * NS_PER_S };
    struct wall_time late = { due.ns + 1 };
    assert_false(has_gap(&story, due, "arrival"));
    assert_true(has_gap(&story, late, "arrival"));
    assert_false(has_gap(&story, late, "answer"));
    command = (struct payment_command){ .cause = PAYMENT_CAUSE_ARRIVE,
                                        .id = payment.id,
                                        .departure = payment.posted };
    (void)story_run(bench, &command);
    story_load(bench, 1000, &story);
    assert_int_equal(story.count, 2);
    assert_int_equal(story.units[1].record.payment.state, PAYMENT_STATE_SUCCEEDED);
    assert_int_equal(story.units[1].transfers[0].record.head.kind, TRANSFER_POST);
    struct story_gap gaps[STORY_GAPS_MAX];
    assert_int_equal(story_gaps(&story, late, gaps), 0);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_story_is_told_from_its_beginning),
        cmocka_unit_test(a_refund_and_its_parent_name_each_other),
        cmocka_unit_test(a_broken_chain_is_damage),
        cmocka_unit_test(what_should_have_happened_is_named),
        cmocka_unit_test(money_on_its_way_to_another_lane_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Goal: each transfer of a story is told with the balances that it left, whatever happened to the
 * accounts before and after; what is too far back is counted as not told.
 * Method: payments and transfers through a lane that the test steps; balances compared with those
 * that history has as of the same unit.
 */
#include "wallet/story_balances.h"

#include "wallet/story_test.h"

static struct history_entry entries[STORY_ENTRIES_PAGE];

static void balances_load(struct bench *bench, struct story *story,
                          struct account_state states[STORY_ACCOUNTS_MAX], uint32_t *out_count)
{
    struct uuid ids[STORY_ACCOUNTS_MAX];
    *out_count = story_accounts(story, ids);
    struct read read = {
        .kind = READ_ACCOUNTS, .count = *out_count, .ids = ids, .accounts = states
    };
    struct request request = { .kind = REQUEST_READ, .read = &read };
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    struct error error = { 0 };
    assert_int_equal(story_balances(&bench->store.port, story, states, *out_count, entries, &error),
                     STATUS_OK);
}

static const struct account_state *state_of(const struct account_state *states, uint32_t count,
                                            struct account_id account)
{
    for (uint32_t i = 0; i < count; i++)
        if (uuid_equal(states[i].account.id.value, account.value)) return &states[i];
    fail_msg("an account of the story was not looked up");
    return NULL;
}

static void expect_side(struct bench *bench, const struct story_side *side,
                        const struct account_state *state, struct position at)
{
    struct balance balance;
    struct error error = { 0 };
    assert_int_equal(history_balance_at(&bench->store.port, state, at, &balance, &error),
                     STATUS_OK);
    assert_true(side->known);
    assert_int_equal(side->kind, state->account.kind);
    assert_memory_equal(&side->balance, &balance, sizeof balance);
}

/* So many transfers of 1 from account 1 to the wallet, number 2. */
static void pay_wallet(struct bench *bench, uint64_t first, uint32_t count)
{
    static struct transfer transfers[STORY_ENTRIES_MAX];
    static struct transfer_result results[STORY_ENTRIES_MAX];
    assert_true(count <= STORY_ENTRIES_MAX);
    for (uint32_t i = 0; i < count; i++) transfers[i] = test_transfer(first + i, 1, 2, 1);
    struct request request = test_request(bench->lane, transfers, results, count);
    assert_int_equal(lane_run(bench->lane, &request), STATUS_OK);
    assert_int_equal(results[count - 1].outcome, OUTCOME_OK);
}

static struct payment refund_of(struct bench *bench, uint64_t number, uint64_t parent)
{
    struct payment_command refund = { .cause = PAYMENT_CAUSE_CREATE };
    refund.draft.id.value = test_id(number);
    refund.draft.kind = PAYMENT_REFUND;
    refund.draft.amount.minor = 100;
    refund.draft.parent.value = test_id(parent);
    return story_run(bench, &refund).payment;
}

static void each_transfer_is_told_with_what_it_left(void **state)
{
    (void)state; /* unused */
    struct bench *bench = story_bench();
    pay_wallet(bench, 5000, 7);
    struct payment payment = story_pay_in(bench, 1000);
    (void)story_answered(bench, &payment, PSP_ANSWER_DONE);
    payment = story_pay_in(bench, 1001); /* another one, over the same accounts */
    (void)story_answered(bench, &payment, PSP_ANSWER_DONE);
    struct payment refund = refund_of(bench, 1002, 1000);
    pay_wallet(bench, 6000, 90);
    (void)story_answered(bench, &refund, PSP_ANSWER_DONE);
    pay_wallet(bench, 7000, 3);
    const uint64_t numbers[] = { 1000, 1001, 1002 };
    uint32_t transfers = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct story story;
        struct account_state states[STORY_ACCOUNTS_MAX];
        uint32_t count;
        story_load(bench, numbers[i], &story);
        balances_load(bench, &story, states, &count);
        assert_int_equal(story_balances_missing(&story), 0);
        for (uint32_t unit = 0; unit < story.count; unit++) {
            for (uint32_t at = 0; at < story.units[unit].transfer_count; at++, transfers++) {
                const struct story_transfer *transfer = &story.units[unit].transfers[at];
                struct position position = story.units[unit].position;
                expect_side(bench, &transfer->debit_after,
                            state_of(states, count, transfer->record.debit), position);
                expect_side(bench, &transfer->credit_after,
                            state_of(states, count, transfer->record.credit), position);
            }
        }
    }
    assert_true(transfers >= 4);
    bench_free(bench);
}

static void what_is_too_far_back_is_not_told(void **state)
{
    (void)state; /* unused */
    struct bench *bench = story_bench();
    struct payment payment = story_pay_in(bench, 1000);
    (void)story_answered(bench, &payment, PSP_ANSWER_DONE);
    struct story story;
    struct account_state states[STORY_ACCOUNTS_MAX];
    uint32_t count;
    pay_wallet(bench, 5000, STORY_ENTRIES_MAX - STORY_ENTRIES_PAGE);
    story_load(bench, 1000, &story);
    balances_load(bench, &story, states, &count);
    assert_int_equal(story_balances_missing(&story), 0);
    pay_wallet(bench, 9000, 2 * STORY_ENTRIES_PAGE);
    story_load(bench, 1000, &story);
    balances_load(bench, &story, states, &count);
    assert_int_equal(story_balances_missing(&story), 1);
    const struct story_transfer *transfer = &story.units[story.count - 1].transfers[0];
    assert_true(transfer->debit_after.known); /* clearing */
    assert_false(transfer->credit_after.known);
    bench_free(bench);
}

static void a_refused_transfer_left_nothing(void **state)
{
    (void)state; /* unused */
    static struct story_unit unit = { .transfer_count = 1 };
    unit.transfers[0].record.head.outcome = OUTCOME_DEBIT_ACCOUNT_FROZEN;
    unit.transfers[0].record.debit.value = test_id(1);
    struct story story = { .units = &unit, .count = 1 };
    struct uuid ids[STORY_ACCOUNTS_MAX];
    assert_int_equal(story_accounts(&story, ids), 0);
    assert_int_equal(story_balances_missing(&story), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_transfer_is_told_with_what_it_left),
        cmocka_unit_test(what_is_too_far_back_is_not_told),
        cmocka_unit_test(a_refused_transfer_left_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
